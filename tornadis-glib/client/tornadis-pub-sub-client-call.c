/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of TornadisPubSubClient that change its subscriptions. */

#include "tornadis-glib/client/tornadis-pub-sub-client-private.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/tornadis-error.h"

static GPtrArray *
make_names (const char *const *texts)
{
  GPtrArray *names = tornadis_subscription_names_new_array ();

  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    g_ptr_array_add (names, g_bytes_new (texts[i], strlen (texts[i])));

  return names;
}

static GPtrArray *
make_names_of_bytes (GBytes **bytes,
                     gsize n_bytes)
{
  GPtrArray *names = tornadis_subscription_names_new_array ();

  for (gsize i = 0; i < n_bytes; i++)
    g_ptr_array_add (names, g_bytes_ref (bytes[i]));

  return names;
}

/* What all of them do. @names is (transfer full). */
static void
pub_sub_call (TornadisPubSubClient *self,
              TornadisSubscriptionKind kind,
              gboolean subscribe,
              GPtrArray *names,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer user_data,
              gpointer source_tag)
{
  g_autoptr (GPtrArray) owned_names G_GNUC_UNUSED = names;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_PUB_SUB_CLIENT (self));
  g_return_if_fail (kind < TORNADIS_N_SUBSCRIPTION_KINDS);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_prelude_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, source_tag);
  if (g_task_return_error_if_cancelled (task))
    return;

  if (subscribe && names->len == 0)
    {
      g_autofree char *verb = g_ascii_strup (tornadis_subscription_verbs[kind][TRUE], -1);

      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "%s needs at least one name", verb);
      return;
    }

  if (tornadis_pub_sub_client_route (self, kind, subscribe, names, task))
    return;

  if (subscribe)
    tornadis_subscriptions_subscribe (tornadis_pub_sub_client_get_subscriptions (self), kind, names, task);
  else
    tornadis_subscriptions_unsubscribe (tornadis_pub_sub_client_get_subscriptions (self), kind, names, task);
}

static gboolean
pub_sub_finish (TornadisPubSubClient *self,
                GAsyncResult *result,
                GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_PUB_SUB_CLIENT (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tornadis_pub_sub_client_subscribe_async:
 * @self: a client
 * @channels: (array zero-terminated=1): the channels, at least one
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has confirmed every name, or it has failed
 * @user_data: passed to @callback
 *
 * Subscribes to channels (`SUBSCRIBE`), connecting if needed. When this fails none of the new names is
 * subscribed to, unless another call has asked for it.
 *
 * Equivalent of tornadis' `PubSubClient.pubsub_subscribe()`.
 *
 * Since: 1.0
 */
void
tornadis_pub_sub_client_subscribe_async (TornadisPubSubClient *self,
                                         const char * const *channels,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data)
{
  pub_sub_call (self, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, TRUE, make_names (channels), cancellable, callback, user_data, tornadis_pub_sub_client_subscribe_async);
}

/**
 * tornadis_pub_sub_client_subscribe_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.PubSubClient.subscribe_async]. Errors are those of [error@Tornadis.Error],
 * and %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether the server has confirmed it
 *
 * Since: 1.0
 */
gboolean
tornadis_pub_sub_client_subscribe_finish (TornadisPubSubClient *self,
                                          GAsyncResult *result,
                                          GError **error)
{
  return pub_sub_finish (self, result, error);
}

/**
 * tornadis_pub_sub_client_psubscribe_async:
 * @self: a client
 * @patterns: (array zero-terminated=1): the patterns, at least one
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has confirmed every name, or it has failed
 * @user_data: passed to @callback
 *
 * Subscribes to patterns (`PSUBSCRIBE`), connecting if needed. When this fails none of the new names is
 * subscribed to, unless another call has asked for it.
 *
 * Equivalent of tornadis' `PubSubClient.pubsub_psubscribe()`.
 *
 * Since: 1.0
 */
void
tornadis_pub_sub_client_psubscribe_async (TornadisPubSubClient *self,
                                          const char * const *patterns,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data)
{
  pub_sub_call (self, TORNADIS_SUBSCRIPTION_KIND_PATTERN, TRUE, make_names (patterns), cancellable, callback, user_data, tornadis_pub_sub_client_psubscribe_async);
}

/**
 * tornadis_pub_sub_client_psubscribe_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.PubSubClient.psubscribe_async]. Errors are those of [error@Tornadis.Error],
 * and %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether the server has confirmed it
 *
 * Since: 1.0
 */
gboolean
tornadis_pub_sub_client_psubscribe_finish (TornadisPubSubClient *self,
                                           GAsyncResult *result,
                                           GError **error)
{
  return pub_sub_finish (self, result, error);
}

/**
 * tornadis_pub_sub_client_ssubscribe_async:
 * @self: a client
 * @channels: (array zero-terminated=1): the channels, at least one
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has confirmed every name, or it has failed
 * @user_data: passed to @callback
 *
 * Subscribes to shard channels (`SSUBSCRIBE`), connecting if needed. When this fails none of the new names is
 * subscribed to, unless another call has asked for it.
 *
 * Shard channels need Redis 7. On a node of a cluster the names of one call must share a slot, which has to be the node's; with
 * the plugin `cluster` they may be any.
 *
 * Since: 1.0
 */
void
tornadis_pub_sub_client_ssubscribe_async (TornadisPubSubClient *self,
                                          const char * const *channels,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data)
{
  pub_sub_call (self, TORNADIS_SUBSCRIPTION_KIND_SHARD, TRUE, make_names (channels), cancellable, callback, user_data, tornadis_pub_sub_client_ssubscribe_async);
}

/**
 * tornadis_pub_sub_client_ssubscribe_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.PubSubClient.ssubscribe_async]. Errors are those of [error@Tornadis.Error],
 * and %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether the server has confirmed it
 *
 * Since: 1.0
 */
gboolean
tornadis_pub_sub_client_ssubscribe_finish (TornadisPubSubClient *self,
                                           GAsyncResult *result,
                                           GError **error)
{
  return pub_sub_finish (self, result, error);
}

/**
 * tornadis_pub_sub_client_unsubscribe_async:
 * @self: a client
 * @channels: (array zero-terminated=1) (nullable): the channels; %NULL or empty: all of them
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has confirmed every name, or it has failed
 * @user_data: passed to @callback
 *
 * Ends subscriptions to channels (`UNSUBSCRIBE`). They are not wanted from now on, whatever becomes of the
 * connection; those that do not exist are no error.
 *
 * Equivalent of tornadis' `PubSubClient.pubsub_unsubscribe()`.
 *
 * Since: 1.0
 */
void
tornadis_pub_sub_client_unsubscribe_async (TornadisPubSubClient *self,
                                           const char * const *channels,
                                           GCancellable *cancellable,
                                           GAsyncReadyCallback callback,
                                           gpointer user_data)
{
  pub_sub_call (self, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, FALSE, make_names (channels), cancellable, callback, user_data, tornadis_pub_sub_client_unsubscribe_async);
}

/**
 * tornadis_pub_sub_client_unsubscribe_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.PubSubClient.unsubscribe_async]. Errors are those of [error@Tornadis.Error],
 * and %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether the server has confirmed it
 *
 * Since: 1.0
 */
gboolean
tornadis_pub_sub_client_unsubscribe_finish (TornadisPubSubClient *self,
                                            GAsyncResult *result,
                                            GError **error)
{
  return pub_sub_finish (self, result, error);
}

/**
 * tornadis_pub_sub_client_punsubscribe_async:
 * @self: a client
 * @patterns: (array zero-terminated=1) (nullable): the patterns; %NULL or empty: all of them
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has confirmed every name, or it has failed
 * @user_data: passed to @callback
 *
 * Ends subscriptions to patterns (`PUNSUBSCRIBE`). They are not wanted from now on, whatever becomes of the
 * connection; those that do not exist are no error.
 *
 * Equivalent of tornadis' `PubSubClient.pubsub_punsubscribe()`.
 *
 * Since: 1.0
 */
void
tornadis_pub_sub_client_punsubscribe_async (TornadisPubSubClient *self,
                                            const char * const *patterns,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data)
{
  pub_sub_call (self, TORNADIS_SUBSCRIPTION_KIND_PATTERN, FALSE, make_names (patterns), cancellable, callback, user_data, tornadis_pub_sub_client_punsubscribe_async);
}

/**
 * tornadis_pub_sub_client_punsubscribe_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.PubSubClient.punsubscribe_async]. Errors are those of [error@Tornadis.Error],
 * and %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether the server has confirmed it
 *
 * Since: 1.0
 */
gboolean
tornadis_pub_sub_client_punsubscribe_finish (TornadisPubSubClient *self,
                                             GAsyncResult *result,
                                             GError **error)
{
  return pub_sub_finish (self, result, error);
}

/**
 * tornadis_pub_sub_client_sunsubscribe_async:
 * @self: a client
 * @channels: (array zero-terminated=1) (nullable): the channels; %NULL or empty: all of them
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has confirmed every name, or it has failed
 * @user_data: passed to @callback
 *
 * Ends subscriptions to shard channels (`SUNSUBSCRIBE`). They are not wanted from now on, whatever becomes of the
 * connection; those that do not exist are no error.
 *
 * Since: 1.0
 */
void
tornadis_pub_sub_client_sunsubscribe_async (TornadisPubSubClient *self,
                                            const char * const *channels,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data)
{
  pub_sub_call (self, TORNADIS_SUBSCRIPTION_KIND_SHARD, FALSE, make_names (channels), cancellable, callback, user_data, tornadis_pub_sub_client_sunsubscribe_async);
}

/**
 * tornadis_pub_sub_client_sunsubscribe_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.PubSubClient.sunsubscribe_async]. Errors are those of [error@Tornadis.Error],
 * and %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether the server has confirmed it
 *
 * Since: 1.0
 */
gboolean
tornadis_pub_sub_client_sunsubscribe_finish (TornadisPubSubClient *self,
                                             GAsyncResult *result,
                                             GError **error)
{
  return pub_sub_finish (self, result, error);
}

/**
 * tornadis_pub_sub_client_subscribe_bytes_async:
 * @self: a client
 * @kind: what the names are
 * @names: (array length=n_names): the names, at least one
 * @n_names: how many there are
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has confirmed every name, or it has failed
 * @user_data: passed to @callback
 *
 * Subscribes to channels or patterns whose names are bytes, such as those that
 * [method@Tornadis.Message.get_channel_bytes] gives: what is not UTF-8 text, and what has a 0 byte in it, can have no
 * other name.
 *
 * See [method@Tornadis.PubSubClient.subscribe_async].
 *
 * Since: 1.0
 */
void
tornadis_pub_sub_client_subscribe_bytes_async (TornadisPubSubClient *self,
                                               TornadisSubscriptionKind kind,
                                               GBytes **names,
                                               gsize n_names,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback callback,
                                               gpointer user_data)
{
  g_return_if_fail (names != NULL || n_names == 0);

  pub_sub_call (self, kind, TRUE, make_names_of_bytes (names, n_names), cancellable, callback, user_data,
                tornadis_pub_sub_client_subscribe_bytes_async);
}

/**
 * tornadis_pub_sub_client_subscribe_bytes_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.PubSubClient.subscribe_bytes_async]. Errors are those of [error@Tornadis.Error],
 * and %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether the server has confirmed it
 *
 * Since: 1.0
 */
gboolean
tornadis_pub_sub_client_subscribe_bytes_finish (TornadisPubSubClient *self,
                                                GAsyncResult *result,
                                                GError **error)
{
  return pub_sub_finish (self, result, error);
}

/**
 * tornadis_pub_sub_client_unsubscribe_bytes_async:
 * @self: a client
 * @kind: what the names are
 * @names: (array length=n_names) (nullable): the names; none: all of that kind
 * @n_names: how many there are
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the server has confirmed every name, or it has failed
 * @user_data: passed to @callback
 *
 * Ends subscriptions to channels or patterns whose names are bytes. See
 * [method@Tornadis.PubSubClient.unsubscribe_async].
 *
 * Since: 1.0
 */
void
tornadis_pub_sub_client_unsubscribe_bytes_async (TornadisPubSubClient *self,
                                                 TornadisSubscriptionKind kind,
                                                 GBytes **names,
                                                 gsize n_names,
                                                 GCancellable *cancellable,
                                                 GAsyncReadyCallback callback,
                                                 gpointer user_data)
{
  g_return_if_fail (names != NULL || n_names == 0);

  pub_sub_call (self, kind, FALSE, make_names_of_bytes (names, n_names), cancellable, callback, user_data,
                tornadis_pub_sub_client_unsubscribe_bytes_async);
}

/**
 * tornadis_pub_sub_client_unsubscribe_bytes_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.PubSubClient.unsubscribe_bytes_async]. Errors are those of [error@Tornadis.Error],
 * and %G_IO_ERROR_CANCELLED.
 *
 * Returns: whether the server has confirmed it
 *
 * Since: 1.0
 */
gboolean
tornadis_pub_sub_client_unsubscribe_bytes_finish (TornadisPubSubClient *self,
                                                  GAsyncResult *result,
                                                  GError **error)
{
  return pub_sub_finish (self, result, error);
}
