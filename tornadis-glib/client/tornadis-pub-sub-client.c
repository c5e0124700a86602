/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-pub-sub-client.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/client/tornadis-pub-sub-client-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-message-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"

/**
 * TornadisPubSubClient:
 *
 * A client that subscribes to channels and receives their messages.
 *
 * Subscriptions are what is wanted, not what one connection happens to have: the client connects again by
 * itself for as long as there are any, and restores them. Messages that were published in between are lost, as
 * ever with Redis pub/sub; [signal@Tornadis.PubSubClient::gap] is emitted then. A name that the new server refuses for
 * good, because it is forbidden or lives on another node of a cluster, is removed
 * ([signal@Tornadis.PubSubClient::subscription-removed]); one that it refuses for now is asked for again. A plugin that knows
 * of other servers may have them at several ([vfunc@Tornadis.Plugin.route_subscription]), as `cluster` has shard channels.
 *
 * ```c
 * static void
 * message_cb (TornadisPubSubClient *client, TornadisMessage *message, gpointer user_data)
 * {
 *   g_print ("%s: %s\n", tornadis_message_get_channel (message), tornadis_message_get_text (message));
 * }
 *
 * g_signal_connect (client, "message::news", G_CALLBACK (message_cb), NULL);
 * tornadis_pub_sub_client_subscribe_async (client, (const char *[]) { "news", NULL }, NULL, NULL, NULL);
 * ```
 *
 * # Signals or popping
 *
 * A message goes to the handlers of [signal@Tornadis.PubSubClient::message]. One that no handler is connected
 * for is kept for [method@Tornadis.PubSubClient.pop_message_async], in order. When
 * [property@Tornadis.Client:max-pending] messages or [property@Tornadis.Client:max-queued-bytes] are kept, the
 * client emits [signal@Tornadis.PubSubClient::overflow] and stops reading until half of them are popped;
 * meanwhile the server keeps messages for it, and cuts the connection when that is too much for it.
 *
 * Names of channels and patterns are bytes. Where one is shown as a string, U+FFFD stands for every byte that is not
 * UTF-8 text, and for a 0 byte; [method@Tornadis.Message.get_channel_bytes] gives the name as it is, and
 * [method@Tornadis.PubSubClient.subscribe_bytes_async] takes it.
 *
 * Calls, such as [method@Tornadis.Client.call_async], fail with %TORNADIS_ERROR_USAGE: use another client.
 *
 * Equivalent of tornadis' `PubSubClient`.
 *
 * Since: 1.0
 */

/* Where a server with CLIENT TRACKING says which keys have changed. In RESP3 it has pushes of their own for that, which are
 * messages here if the channel is subscribed to. */
#define INVALIDATE_CHANNEL "__redis__:invalidate"

/* A channel is busy once it had this many messages, and so many can be in a program. */
#define BUSY_CHANNEL 100
#define MAX_BUSY_CHANNELS 256

G_DEFINE_FINAL_TYPE (TornadisPubSubClient, tornadis_pub_sub_client, TORNADIS_TYPE_CLIENT)

typedef enum
{
  PROP_SUBSCRIBED = 1,
} TornadisPubSubClientProperty;

static GParamSpec *props[PROP_SUBSCRIBED + 1];

typedef enum
{
  SIGNAL_MESSAGE,
  SIGNAL_SUBSCRIPTION_ADDED,
  SIGNAL_SUBSCRIPTION_REMOVED,
  SIGNAL_GAP,
  SIGNAL_OVERFLOW,
} TornadisPubSubClientSignal;

static guint signals[SIGNAL_OVERFLOW + 1];

TornadisSubscriptions *
tornadis_pub_sub_client_get_subscriptions (TornadisPubSubClient *self)
{
  return self->subscriptions;
}

static gboolean
pub_sub_is_wanted (TornadisPubSubClient *self)
{
  return tornadis_subscriptions_is_wanted (self->subscriptions) ||
         (self->router != NULL && tornadis_subscription_router_is_wanted (self->router));
}

static gboolean
pub_sub_is_subscribed (TornadisPubSubClient *self)
{
  return tornadis_subscriptions_is_subscribed (self->subscriptions) ||
         (self->router != NULL && tornadis_subscription_router_is_subscribed (self->router));
}

gboolean
tornadis_pub_sub_client_is_used (TornadisClient *client)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);

  return tornadis_message_queue_is_used (&self->messages) || pub_sub_is_wanted (self);
}

/* Reads, or does not, here and wherever its subscriptions are. */
static void
pub_sub_set_paused (TornadisPubSubClient *self,
                    gboolean paused)
{
  g_autoptr (GPtrArray) targets = NULL;

  tornadis_link_set_paused (tornadis_client_get_link (TORNADIS_CLIENT (self)), paused);
  if (self->router == NULL)
    return;

  targets = tornadis_subscription_router_get_targets (self->router);
  for (guint i = 0; i < targets->len; i++)
    tornadis_link_set_paused (tornadis_client_get_link (g_ptr_array_index (targets, i)), paused);
}

/* Whether a handler takes the messages with @detail. GObject looks long for the answer, so that a handler that was
 * found is remembered: one that takes all messages, of which there is rarely more than one. */
static gboolean
pub_sub_has_handler (TornadisPubSubClient *self,
                     GQuark detail)
{
  if (self->handler_id != 0 && g_signal_handler_is_connected (self, self->handler_id))
    return TRUE;

  self->handler_id = 0;
  if (g_signal_has_handler_pending (self, signals[SIGNAL_MESSAGE], detail, TRUE))
    return TRUE;

  self->handler_id = g_signal_handler_find (self, G_SIGNAL_MATCH_ID | G_SIGNAL_MATCH_DETAIL, signals[SIGNAL_MESSAGE], 0, NULL,
                                            NULL, NULL);

  return self->handler_id != 0;
}

/* As many messages are kept as may be. */
static void
pub_sub_overflow (TornadisPubSubClient *self)
{
  pub_sub_set_paused (self, TRUE);
  if (tornadis_client_begin_emission (TORNADIS_CLIENT (self)))
    g_signal_emit (self, signals[SIGNAL_OVERFLOW], 0);
}

TornadisDelivery *
tornadis_pub_sub_client_get_delivery (TornadisPubSubClient *self,
                                      TornadisMessage *message)
{
  return self->delivery != NULL && self->delivery->message == message ? self->delivery : NULL;
}

guint64
tornadis_pub_sub_client_get_n_kept (TornadisPubSubClient *self)
{
  return self->messages.n_pushed;
}

void
tornadis_pub_sub_client_keep_message (TornadisPubSubClient *self,
                                      TornadisMessage *message,
                                      guint64 n_kept)
{
  g_autoptr (TornadisPubSubClient) alive G_GNUC_UNUSED = g_object_ref (self);

  if (tornadis_message_queue_insert (&self->messages, message, n_kept))
    pub_sub_overflow (self);
}

TornadisMessage *
tornadis_pub_sub_client_take_message (TornadisPubSubClient *self)
{
  return tornadis_message_queue_has_message (&self->messages) ? tornadis_message_queue_pop (&self->messages) : NULL;
}

/* Only details that somebody connected to are quarks, so that channels do not fill the table. A name that is one stays one;
 * one that is not may become one at any time, so that it is looked up for each message, which takes long: the first busy
 * channels of the program become quarks too. */
static GQuark
find_detail (TornadisMessage *message)
{
  static int n_busy; /* (atomic) */
  TornadisMessageNames *names = message->names;
  const char *channel = tornadis_message_get_channel (message);

  names->detail = g_quark_try_string (channel);
  if (names->detail == 0 && ++names->n_without_detail == BUSY_CHANNEL && g_atomic_int_add (&n_busy, 1) < MAX_BUSY_CHANNELS)
    names->detail = g_quark_from_string (channel);

  return names->detail;
}

static void
pub_sub_deliver (TornadisPubSubClient *self,
                 TornadisMessage *message)
{
  GQuark detail = G_LIKELY (message->names->detail != 0) ? message->names->detail : find_detail (message);
  g_autoptr (TornadisPubSubClient) whole G_GNUC_UNUSED = NULL;

  if (G_UNLIKELY (self->whole != NULL))
    {
      self = whole = g_object_ref (self->whole);
      tornadis_subscription_router_came (self->router);
    }

  if (pub_sub_has_handler (self, detail))
    {
      TornadisDelivery delivery = { message, FALSE };
      TornadisDelivery *before = self->delivery;

      self->delivery = &delivery;
      g_signal_emit (self, signals[SIGNAL_MESSAGE], detail, message);
      self->delivery = before;
      return;
    }

  if (tornadis_message_queue_push (&self->messages, message))
    pub_sub_overflow (self);
}

/* What RESP3 has in place of a message of that channel, as a message. (transfer full) both ways. */
static TornadisReply *
take_invalidation (TornadisReply *push)
{
  TornadisReply **elements = g_new (TornadisReply *, 3);
  TornadisReply *channel = tornadis_reply_alloc (TORNADIS_REPLY_KIND_STRING, strlen (INVALIDATE_CHANNEL));

  memcpy (channel->data, INVALIDATE_CHANNEL, strlen (INVALIDATE_CHANNEL));
  elements[0] = tornadis_reply_ref (push->v.elements[0]);
  elements[1] = channel;
  elements[2] = tornadis_reply_ref (push->v.elements[1]);
  tornadis_reply_unref (push);

  return tornadis_reply_new_array (TORNADIS_REPLY_KIND_PUSH, elements, 3);
}

static gboolean
pub_sub_push (TornadisClient *client,
              TornadisReply *push)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);
  g_autoptr (TornadisMessage) message = NULL;
  TornadisReply **elements;

  if (push->length < 2)
    return FALSE;

  /* From here on there are nodes, though a server that speaks RESP2 may send a long array. */
  elements = tornadis_reply_get_elements (push);
  if (tornadis_reply_kind_is_aggregate (elements[0]->kind))
    return FALSE;

  if (push->length == 2)
    {
      if (push->kind != TORNADIS_REPLY_KIND_PUSH || !tornadis_reply_equals_text (elements[0], "invalidate") ||
          !tornadis_subscriptions_has_channel (self->subscriptions, INVALIDATE_CHANNEL))
        return FALSE;
      message = tornadis_message_new (take_invalidation (push), TORNADIS_SUBSCRIPTION_KIND_CHANNEL, &self->names);
    }
  else if (tornadis_reply_equals_text (elements[0], "message"))
    message = tornadis_message_new (push, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, &self->names);
  else if (tornadis_reply_equals_text (elements[0], "smessage"))
    message = tornadis_message_new (push, TORNADIS_SUBSCRIPTION_KIND_SHARD, &self->names);
  else if (push->length > 3 && tornadis_reply_equals_text (elements[0], "pmessage"))
    message = tornadis_message_new (push, TORNADIS_SUBSCRIPTION_KIND_PATTERN, &self->names);
  else if (tornadis_subscriptions_push (self->subscriptions, push))
    {
      tornadis_reply_unref (push);
      return TRUE;
    }
  else
    return FALSE;

  pub_sub_deliver (self, message);
  return TRUE;
}

static void
pub_sub_drained (gpointer user_data)
{
  pub_sub_set_paused (user_data, FALSE);
}

static GError *
make_unsubscribed_error (void)
{
  return g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "There is no subscription that a message could come from");
}

/* What the subscriptions notify of. */

void
tornadis_pub_sub_client_changed (TornadisClient *client,
                                 TornadisSubscriptionKind kind,
                                 gboolean added,
                                 GBytes *name,
                                 guint count)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);
  gsize length;
  const char *data = g_bytes_get_data (name, &length);
  g_autofree char *text = NULL;

  if (!added && self->whole != NULL && self->whole->router != NULL)
    tornadis_subscription_router_ended (self->whole->router, client, kind, name);
  if (!tornadis_client_begin_emission (client))
    return;

  if (self->router != NULL)
    count += tornadis_subscription_router_get_n_confirmed (self->router);
  text = g_utf8_make_valid (data != NULL ? data : "", (gssize) length);
  g_signal_emit (client, signals[added ? SIGNAL_SUBSCRIPTION_ADDED : SIGNAL_SUBSCRIPTION_REMOVED], 0, text, count);
}

void
tornadis_pub_sub_client_settled (TornadisClient *client)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);
  gboolean subscribed = pub_sub_is_subscribed (self);

  if (tornadis_message_queue_has_waiters (&self->messages) && !pub_sub_is_wanted (self))
    {
      g_autoptr (GError) error = make_unsubscribed_error ();

      tornadis_message_queue_fail_waiters (&self->messages, error);
    }

  if (subscribed == self->notified_subscribed)
    return;

  self->notified_subscribed = subscribed;
  if (tornadis_client_begin_emission (client))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SUBSCRIBED]);
}

void
tornadis_pub_sub_client_emit_gap (TornadisClient *client)
{
  if (tornadis_client_begin_emission (client))
    g_signal_emit (client, signals[SIGNAL_GAP], 0);
}

static void
pub_sub_restored (TornadisClient *client,
                  gboolean complete)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);
  g_autoptr (TornadisClient) heard = g_object_ref (self->whole != NULL ? TORNADIS_CLIENT (self->whole) : client);

  if (!self->gap)
    return;

  self->gap = !complete;
  tornadis_pub_sub_client_emit_gap (heard);
}

/* The client's hooks. */

static void
pub_sub_ready (TornadisClient *client,
               TornadisQueue *queue)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);

  if (self->messages.full || (self->whole != NULL && self->whole->messages.full))
    tornadis_link_set_paused (tornadis_client_get_link (client), TRUE);

  tornadis_subscriptions_restore (self->subscriptions, queue);
  if (self->router != NULL)
    tornadis_subscription_router_reopen (self->router);
}

static gboolean
pub_sub_is_listening (TornadisClient *client)
{
  return pub_sub_is_subscribed (TORNADIS_PUB_SUB_CLIENT (client));
}

static void
pub_sub_lost (TornadisClient *client,
              const GError *error)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);

  tornadis_subscriptions_link_lost (self->subscriptions);
  self->gap |= tornadis_subscriptions_is_subscribed (self->subscriptions);

  if (!pub_sub_is_listening (client) || !tornadis_link_get_settings (tornadis_client_get_link (client))->autoconnect)
    {
      g_autoptr (GError) lost = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "No more messages: %s", error->message);

      tornadis_message_queue_fail_waiters (&self->messages, lost);
    }
}

static void
pub_sub_closed (TornadisClient *client)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "No more messages: the client was closed");

  tornadis_subscriptions_link_lost (self->subscriptions);
  self->gap |= tornadis_subscriptions_is_subscribed (self->subscriptions);
  tornadis_message_queue_fail_waiters (&self->messages, error);
  if (self->router != NULL)
    tornadis_subscription_router_close (self->router);
}

static void
pub_sub_plugin_removed (TornadisClient *client,
                        TornadisPlugin *plugin)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (client);

  if (self->router != NULL)
    tornadis_subscription_router_remove_plugin (self->router, plugin);
}

static const TornadisClientHooks pub_sub_hooks = {
  "A pub/sub client takes no calls: use another client",
  pub_sub_ready,
  pub_sub_push,
  pub_sub_is_listening,
  tornadis_pub_sub_client_is_used,
  pub_sub_lost,
  pub_sub_closed,
  tornadis_pub_sub_client_reroute,
  pub_sub_plugin_removed,
};

static void
tornadis_pub_sub_client_get_property (GObject *object,
                                      guint prop_id,
                                      GValue *value,
                                      GParamSpec *pspec)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (object);

  switch ((TornadisPubSubClientProperty) prop_id)
    {
    case PROP_SUBSCRIBED:
      g_value_set_boolean (value, pub_sub_is_subscribed (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_pub_sub_client_finalize (GObject *object)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (object);

  /* Disposing has closed the link, which ended all operations. */
  g_clear_weak_pointer (&self->whole);
  g_clear_pointer (&self->router, tornadis_subscription_router_free);
  tornadis_subscriptions_free (self->subscriptions);
  tornadis_message_queue_clear (&self->messages);
  tornadis_message_names_cache_clear (&self->names);

  G_OBJECT_CLASS (tornadis_pub_sub_client_parent_class)->finalize (object);
}

/* What g_cclosure_marshal_VOID__BOXEDv() does, less the reference to the message: who emits it has one. For handlers in
 * C alone; those of bindings have marshallers of their own. (G_SIGNAL_TYPE_STATIC_SCOPE is for these too: GJS then keeps
 * what it does not own.) */
static void
marshal_message (GClosure *closure,
                 GValue *return_value,
                 gpointer instance,
                 va_list args,
                 gpointer marshal_data,
                 int n_params,
                 GType *param_types)
{
  typedef void (*MessageFunc) (gpointer first,
                               TornadisMessage *message,
                               gpointer last);
  MessageFunc func = (MessageFunc) (marshal_data != NULL ? marshal_data : ((GCClosure *) closure)->callback);
  gboolean swapped = G_CCLOSURE_SWAP_DATA (closure) != 0;
  TornadisMessage *message;
  va_list copy;

  va_copy (copy, args);
  message = va_arg (copy, TornadisMessage *);
  va_end (copy);

  func (swapped ? closure->data : instance, message, swapped ? instance : closure->data);
}

static void
tornadis_pub_sub_client_class_init (TornadisPubSubClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tornadis_pub_sub_client_get_property;
  object_class->finalize = tornadis_pub_sub_client_finalize;
  TORNADIS_CLIENT_CLASS (klass)->hooks = &pub_sub_hooks;

  /**
   * TornadisPubSubClient:subscribed:
   *
   * Whether there is a subscription that the server has confirmed. It stays so while the client connects again.
   *
   * Equivalent of tornadis' `PubSubClient.subscribed`.
   *
   * Since: 1.0
   */
  props[PROP_SUBSCRIBED] =
    g_param_spec_boolean ("subscribed", NULL, NULL, FALSE,
                          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);

  /**
   * TornadisPubSubClient::message:
   * @self: the client
   * @message: the message
   *
   * Emitted when a message has arrived, once for each. The detail is its channel, for patterns too:
   * `message::news`. It is the channel as [method@Tornadis.Message.get_channel] gives it, with U+FFFD for what is
   * not text: several names of bytes can have the same. Details that are connected to are kept by GLib for ever, so
   * connect without a detail rather than to ever new ones.
   *
   * Handlers may subscribe, unsubscribe, close the client and drop their last reference to it.
   *
   * Since: 1.0
   */
  signals[SIGNAL_MESSAGE] =
    g_signal_new ("message", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL,
                  g_cclosure_marshal_VOID__BOXED, G_TYPE_NONE, 1, TORNADIS_TYPE_MESSAGE);
  g_signal_set_va_marshaller (signals[SIGNAL_MESSAGE], G_TYPE_FROM_CLASS (klass), marshal_message);

  /**
   * TornadisPubSubClient::subscription-added:
   * @self: the client
   * @name: the channel or pattern, with U+FFFD for what is not text
   * @count: how many subscriptions there are now, as the server counts them
   *
   * Emitted when the server has confirmed a subscription that there was not before. Not emitted for those that are
   * restored.
   *
   * Since: 1.0
   */
  signals[SIGNAL_SUBSCRIPTION_ADDED] =
    g_signal_new ("subscription-added", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                  G_TYPE_STRING, G_TYPE_UINT);

  /**
   * TornadisPubSubClient::subscription-removed:
   * @self: the client
   * @name: the channel or pattern, with U+FFFD for what is not text
   * @count: how many subscriptions are left
   *
   * Emitted when a subscription has ended that [signal@Tornadis.PubSubClient::subscription-added] was emitted for: on
   * demand, because the server ended it, because the server does not let it be restored, or because the call that
   * subscribed to it failed half-way.
   *
   * Since: 1.0
   */
  signals[SIGNAL_SUBSCRIPTION_REMOVED] =
    g_signal_new ("subscription-removed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                  G_TYPE_STRING, G_TYPE_UINT);

  /**
   * TornadisPubSubClient::gap:
   * @self: the client
   *
   * Emitted when the subscriptions are restored after the connection was lost, or some are at another server; what was
   * published meanwhile is not coming. When the server was not ready to restore all of them, it is emitted again when more
   * of them are there.
   *
   * Since: 1.0
   */
  signals[SIGNAL_GAP] =
    g_signal_new ("gap", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);

  /**
   * TornadisPubSubClient::overflow:
   * @self: the client
   *
   * Emitted when as many messages are kept for [method@Tornadis.PubSubClient.pop_message_async] as may be, and the
   * client has stopped reading until half of them are popped.
   *
   * Since: 1.0
   */
  signals[SIGNAL_OVERFLOW] =
    g_signal_new ("overflow", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
tornadis_pub_sub_client_init (TornadisPubSubClient *self)
{
  static const TornadisSubscriptionsFuncs funcs = { tornadis_pub_sub_client_changed, tornadis_pub_sub_client_settled, pub_sub_restored };
  TornadisClient *client = TORNADIS_CLIENT (self);
  TornadisLinkSettings *settings = tornadis_link_get_settings (tornadis_client_get_link (client));

  self->subscriptions = tornadis_subscriptions_new (client, &funcs);
  tornadis_message_queue_init (&self->messages, tornadis_client_get_context (client), settings, pub_sub_drained, self);
  settings->push_arrays = TRUE;
}

/**
 * tornadis_pub_sub_client_new:
 * @host: the name or address of the server
 * @port: its port
 *
 * Creates a pub/sub client of the server at @host.
 *
 * Equivalent of tornadis' `PubSubClient()`.
 *
 * Returns: (transfer full): a new client
 *
 * Since: 1.0
 */
TornadisPubSubClient *
tornadis_pub_sub_client_new (const char *host,
                             guint16 port)
{
  g_return_val_if_fail (host != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_PUB_SUB_CLIENT, "host", host, "port", (guint) port, NULL);
}

/**
 * tornadis_pub_sub_client_new_for_uri:
 * @uri: a URI, as for [ctor@Tornadis.Client.new_for_uri]
 * @error: return location for an error
 *
 * Creates a pub/sub client of the server at @uri.
 *
 * Returns: (transfer full): a new client
 *
 * Since: 1.0
 */
TornadisPubSubClient *
tornadis_pub_sub_client_new_for_uri (const char *uri,
                                     GError **error)
{
  g_return_val_if_fail (uri != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return tornadis_client_new_for_uri_typed (TORNADIS_TYPE_PUB_SUB_CLIENT, uri, TORNADIS_URI_FLAGS_NONE, error);
}

/**
 * tornadis_pub_sub_client_new_for_unix_socket:
 * @path: the path of the server's unix socket
 *
 * Creates a pub/sub client of the server at @path.
 *
 * Returns: (transfer full): a new client
 *
 * Since: 1.0
 */
TornadisPubSubClient *
tornadis_pub_sub_client_new_for_unix_socket (const char *path)
{
  g_return_val_if_fail (path != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_PUB_SUB_CLIENT, "unix-domain-socket", path, NULL);
}

/**
 * tornadis_pub_sub_client_new_like:
 * @model: any client
 * @error: return location for an error
 *
 * Creates a pub/sub client of the server that @model is of: with its properties as they are now, and with its plugins, each of
 * which is on both. What a program listens to besides its calls is then where these go.
 *
 * Fails with what a plugin says that refuses it.
 *
 * Returns: (transfer full): a new client
 *
 * Since: 1.0
 */
TornadisPubSubClient *
tornadis_pub_sub_client_new_like (TornadisClient *model,
                                  GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (model), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return tornadis_client_new_like (TORNADIS_TYPE_PUB_SUB_CLIENT, model, error);
}

/**
 * tornadis_pub_sub_client_pop_message_async:
 * @self: a client
 * @timeout: how long to wait, in seconds; negative: for ever
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called with a message or at the deadline
 * @user_data: passed to @callback
 *
 * Takes the next message that no handler of [signal@Tornadis.PubSubClient::message] took, waiting for one if
 * needed, also while the client connects again. Those that wait get messages in the order of both; a call that is
 * cancelled takes none.
 *
 * Equivalent of tornadis' `PubSubClient.pubsub_pop_message()`.
 *
 * Since: 1.0
 */
void
tornadis_pub_sub_client_pop_message_async (TornadisPubSubClient *self,
                                           double timeout,
                                           GCancellable *cancellable,
                                           GAsyncReadyCallback callback,
                                           gpointer user_data)
{
  TornadisLink *link = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_PUB_SUB_CLIENT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  link = tornadis_client_get_link (TORNADIS_CLIENT (self));
  task = tornadis_prelude_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_pub_sub_client_pop_message_async);
  /* A message that was taken is not thrown away because of a late cancelling. */
  g_task_set_check_cancellable (task, FALSE);

  if (g_task_return_error_if_cancelled (task))
    return;

  if (tornadis_message_queue_has_message (&self->messages))
    {
      tornadis_message_queue_wait (&self->messages, g_steal_pointer (&task), timeout);
      return;
    }

  if (!pub_sub_is_wanted (self))
    {
      g_task_return_error (task, make_unsubscribed_error ());
      return;
    }

  if (tornadis_link_get_state (link) == TORNADIS_CLIENT_STATE_DISCONNECTED && !tornadis_link_get_settings (link)->autoconnect)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED,
                               "No more messages: the client is not connected and autoconnect is off");
      return;
    }

  tornadis_message_queue_wait (&self->messages, g_steal_pointer (&task), timeout);

  /* Where the client was closed, this wants it back. */
  tornadis_link_connect (link);
}

/**
 * tornadis_pub_sub_client_pop_message_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.PubSubClient.pop_message_async]. Errors are %TORNADIS_ERROR_USAGE when there is no
 * subscription, or the last one ends, %TORNADIS_ERROR_CLOSED when the client was closed, %TORNADIS_ERROR_LOST when
 * the connection was lost with [property@Tornadis.Client:autoconnect] off, and %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full) (nullable): the message; %NULL without an error when the time was over
 *
 * Since: 1.0
 */
TornadisMessage *
tornadis_pub_sub_client_pop_message_finish (TornadisPubSubClient *self,
                                            GAsyncResult *result,
                                            GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_PUB_SUB_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tornadis_pub_sub_client_unpop_message:
 * @self: a client
 * @message: a message of [method@Tornadis.PubSubClient.pop_message_async]
 *
 * Gives back a message that was popped and is not wanted: it is the next one's, ahead of those that came after it.
 *
 * Since: 1.0
 */
void
tornadis_pub_sub_client_unpop_message (TornadisPubSubClient *self,
                                       TornadisMessage *message)
{
  g_autoptr (TornadisPubSubClient) alive G_GNUC_UNUSED = NULL;

  g_return_if_fail (TORNADIS_IS_PUB_SUB_CLIENT (self));
  g_return_if_fail (message != NULL);

  alive = g_object_ref (self);
  if (tornadis_message_queue_push_back (&self->messages, message))
    pub_sub_overflow (self);
}
