/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shard channels, which follow their slots. What is published and how is that of a second client. */

#include "plugins/cluster-util.h"

#include <string.h>

#include "integration/util.h"

#define N_CHANNELS 24

/* What a channel has brought: numbers from 1 on, none twice, and none left out unless there was a gap. */
typedef struct
{
  char *name;
  guint64 published;
  guint64 received;
  GHashTable *unclear; /* (owned) of the numbers as pointers: whether they were published, and when, is not known */
  guint n_gaps;        /* of the listener, when the last one came */
} Channel;

typedef struct
{
  Scene scene;
  TornadisPubSubClient *listener;
  Channel channels[N_CHANNELS]; /* channel i is of master i % N_MASTERS */
  guint n_received;
  guint n_holes;
  guint n_gaps;
  guint n_added;
  guint n_removed;
  guint n_subscribed; /* how often `subscribed` changed */
} Shard;

static Channel *
find_channel (Shard *self,
              const char *name)
{
  for (guint i = 0; i < N_CHANNELS; i++)
    {
      if (g_strcmp0 (self->channels[i].name, name) == 0)
        return &self->channels[i];
    }

  g_assert_not_reached ();
}

static void
message_cb (TornadisPubSubClient *listener,
            TornadisMessage *message,
            gpointer user_data)
{
  Shard *self = user_data;
  Channel *channel = find_channel (self, tornadis_message_get_channel (message));
  guint64 number = g_ascii_strtoull (tornadis_message_get_text (message), NULL, 10);

  /* A master that slept publishes when it wakes, to who listens at its heir too. */
  if (number <= channel->received)
    {
      g_assert_true (g_hash_table_remove (channel->unclear, GUINT_TO_POINTER (number)));
      return;
    }

  /* None twice, none out of order, none left out without a word. */
  for (guint64 left_out = channel->received + 1; left_out < number; left_out++)
    {
      if (g_hash_table_contains (channel->unclear, GUINT_TO_POINTER (left_out)))
        continue;
      g_assert_cmpuint (self->n_gaps, >, channel->n_gaps);
      self->n_holes++;
    }
  g_hash_table_remove (channel->unclear, GUINT_TO_POINTER (number));
  channel->received = number;
  channel->n_gaps = self->n_gaps;
  self->n_received++;
}

static void
gap_cb (TornadisPubSubClient *listener,
        gpointer user_data)
{
  ((Shard *) user_data)->n_gaps++;
}

static void
added_cb (TornadisPubSubClient *listener,
          const char *name,
          guint count,
          gpointer user_data)
{
  Shard *self = user_data;

  self->n_added++;
  g_assert_cmpuint (count, ==, self->n_added - self->n_removed);
}

static void
removed_cb (TornadisPubSubClient *listener,
            const char *name,
            guint count,
            gpointer user_data)
{
  Shard *self = user_data;

  self->n_removed++;
  g_assert_cmpuint (count, ==, self->n_added - self->n_removed);
}

static void
subscribed_cb (TornadisPubSubClient *listener,
               GParamSpec *pspec,
               gpointer user_data)
{
  ((Shard *) user_data)->n_subscribed++;
}

static TornadisPubSubClient *
make_listener (Scene *scene,
               const char *options)
{
  g_autofree char *uri = make_cluster_uri (scene->cluster, options);
  g_autoptr (GError) error = NULL;
  TornadisPubSubClient *listener = tornadis_pub_sub_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  return listener;
}

static void
shard_begin (Shard *self,
             const char *options)
{
  static guint n_scenes;

  self->listener = make_listener (&self->scene, options);
  n_scenes++;
  for (guint i = 0; i < N_CHANNELS; i++)
    {
      g_autofree char *stem = g_strdup_printf ("channel-%u-%u-", n_scenes, i);

      self->channels[i].name = make_key (i % N_MASTERS, stem);
      self->channels[i].unclear = g_hash_table_new (NULL, NULL);
    }
  g_signal_connect (self->listener, "gap", G_CALLBACK (gap_cb), self);
  g_signal_connect (self->listener, "subscription-added", G_CALLBACK (added_cb), self);
  g_signal_connect (self->listener, "subscription-removed", G_CALLBACK (removed_cb), self);
  g_signal_connect (self->listener, "notify::subscribed", G_CALLBACK (subscribed_cb), self);
}

static void
shard_end (Shard *self)
{
  g_signal_handlers_disconnect_by_data (self->listener, self);
  tornadis_client_close (TORNADIS_CLIENT (self->listener));
  g_clear_object (&self->listener);
  for (guint i = 0; i < N_CHANNELS; i++)
    {
      g_hash_table_unref (self->channels[i].unclear);
      g_free (self->channels[i].name);
    }
}

static void
shard_set_up (Shard *self,
              gconstpointer options)
{
  scene_set_up (&self->scene, options);
  shard_begin (self, options);
}

static void
shard_tear_down (Shard *self,
                 gconstpointer options)
{
  shard_end (self);
  scene_tear_down (&self->scene, options);
}

/* With a cluster that is not the same afterwards. */
static void
failover_set_up (Shard *self,
                 gconstpointer how)
{
  self->scene.cluster = start_cluster (N_MASTERS, 1, (const char *[]){ "--cluster-node-timeout", "1000", NULL });
  self->scene.client = make_cluster_client (self->scene.cluster, NULL);
  shard_begin (self, NULL);
}

static void
failover_tear_down (Shard *self,
                    gconstpointer how)
{
  shard_end (self);
  tornadis_client_close (self->scene.client);
  g_clear_object (&self->scene.client);
  g_clear_object (&self->scene.cluster);
}

/* All channels, or those from @first on, up to @n of them, in one call. */
static GAsyncResult *
change (Shard *self,
        gboolean subscribe,
        guint first,
        guint n,
        GCancellable *cancellable)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GAsyncResult) result = NULL;

  for (guint i = first; i < first + n; i++)
    g_ptr_array_add (names, self->channels[i].name);
  g_ptr_array_add (names, NULL);

  if (subscribe)
    tornadis_pub_sub_client_ssubscribe_async (self->listener, (const char *const *) names->pdata, cancellable, store_result, &result);
  else
    tornadis_pub_sub_client_sunsubscribe_async (self->listener, (const char *const *) names->pdata, cancellable, store_result, &result);

  return g_object_ref (wait_for_result (&result));
}

static void
subscribe (Shard *self,
           guint first,
           guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = change (self, TRUE, first, n, NULL);

  g_assert_true (tornadis_pub_sub_client_ssubscribe_finish (self->listener, result, &error));
  g_assert_no_error (error);
}

static void
unsubscribe (Shard *self,
             guint first,
             guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = change (self, FALSE, first, n, NULL);

  g_assert_true (tornadis_pub_sub_client_sunsubscribe_finish (self->listener, result, &error));
  g_assert_no_error (error);
}

static void
publish (Shard *self,
         guint i)
{
  Channel *channel = &self->channels[i];
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, channel->published + 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply G_GNUC_UNUSED = call (self->scene.client, &error, "SPUBLISH", channel->name, number, NULL);

  /* One that is lost may have come, or not. */
  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST))
    g_hash_table_add (channel->unclear, GUINT_TO_POINTER (channel->published + 1));
  else
    g_assert_no_error (error);
  channel->published++;
}

static void
publish_all (Shard *self)
{
  for (guint i = 0; i < N_CHANNELS; i++)
    publish (self, i);
}

static gboolean
has_all (Shard *self)
{
  for (guint i = 0; i < N_CHANNELS; i++)
    {
      if (self->channels[i].received != self->channels[i].published)
        return FALSE;
    }

  return TRUE;
}

/* Publishes to all until what is published now comes. */
static void
settle (Shard *self)
{
  wait_until ((publish_all (self), spin_for (1), has_all (self)));
}

/* One call for channels of all nodes; each message once and in order; then they end. */
static void
test_everywhere (Shard *self,
                 gconstpointer data)
{
  g_signal_connect (self->listener, "message", G_CALLBACK (message_cb), self);
  subscribe (self, 0, N_CHANNELS);
  g_assert_cmpuint (self->n_added, ==, N_CHANNELS);
  g_assert_cmpuint (self->n_subscribed, ==, 1);
  for (guint i = 0; i < 20; i++)
    publish_all (self);
  wait_until (has_all (self));
  g_assert_cmpuint (self->n_received, ==, 20 * N_CHANNELS);
  g_assert_cmpuint (self->n_holes, ==, 0);

  /* Again changes nothing. */
  subscribe (self, 3, 5);
  g_assert_cmpuint (self->n_added, ==, N_CHANNELS);

  unsubscribe (self, 0, N_CHANNELS - 1);
  g_assert_cmpuint (self->n_removed, ==, N_CHANNELS - 1);
  unsubscribe (self, 0, 0);
  g_assert_cmpuint (self->n_removed, ==, N_CHANNELS);
  g_assert_cmpuint (self->n_subscribed, ==, 2);
  publish_all (self);
  self->channels[0].received = self->channels[0].published;
  subscribe (self, 0, 1);
  publish (self, 0);
  wait_until (self->channels[0].received == self->channels[0].published);
  g_assert_cmpuint (self->n_received, ==, 20 * N_CHANNELS + 1);
  g_assert_cmpuint (self->n_gaps, ==, 0);
}

/* Names that are no text; the slot is that of what is between the braces. */
static void
test_binary (Shard *self,
             gconstpointer data)
{
  GBytes *names[2 * N_MASTERS];
  g_autoptr (GAsyncResult) subscribed = NULL;
  g_autoptr (GAsyncResult) ended = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      GByteArray *bytes = g_byte_array_new ();
      guint8 first[] = { 0xff, (guint8) i, '{' };

      g_byte_array_append (bytes, first, sizeof first);
      g_byte_array_append (bytes, (const guint8 *) self->channels[i].name, (guint) strlen (self->channels[i].name));
      g_byte_array_append (bytes, (const guint8 *) "}\r\n", 3);
      names[i] = g_byte_array_free_to_bytes (bytes);
    }

  tornadis_pub_sub_client_subscribe_bytes_async (self->listener, TORNADIS_SUBSCRIPTION_KIND_SHARD, names, G_N_ELEMENTS (names), NULL,
                                                 store_result, &subscribed);
  g_assert_true (tornadis_pub_sub_client_subscribe_bytes_finish (self->listener, wait_for_result (&subscribed), &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new ("SPUBLISH");
      g_autoptr (GAsyncResult) published = NULL;
      g_autoptr (TornadisReply) reply = NULL;
      g_autoptr (TornadisMessage) message = NULL;
      g_autoptr (GBytes) channel = NULL;

      tornadis_command_append_bytes (command, names[i]);
      tornadis_command_append_string (command, "text");
      tornadis_client_call_async (self->scene.client, command, NULL, store_result, &published);
      reply = tornadis_client_call_finish (self->scene.client, wait_for_result (&published), &error);
      g_assert_no_error (error);
      message = pop_message (self->listener);
      channel = tornadis_message_get_channel_bytes (message);
      g_assert_true (g_bytes_equal (channel, names[i]));
    }
  tornadis_pub_sub_client_unsubscribe_bytes_async (self->listener, TORNADIS_SUBSCRIPTION_KIND_SHARD, NULL, 0, NULL, store_result, &ended);
  g_assert_true (tornadis_pub_sub_client_unsubscribe_bytes_finish (self->listener, wait_for_result (&ended), &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_bytes_unref (names[i]);
}

/* How many connections to all nodes have that name. */
static guint
count_named (Shard *self,
             const char *name)
{
  g_autofree char *field = g_strdup_printf (" name=%s ", name);
  guint n = 0;

  for (guint i = 0; i < 2 * N_MASTERS; i++)
    {
      g_autofree char *list = node_command (self->scene.cluster, i, "CLIENT LIST");

      for (const char *at = list; (at = strstr (at, field)) != NULL; at++)
        n++;
    }

  return n;
}

/* A node that has none of its channels any more has no connection of it either: one is that of the client itself. */
static void
test_idle (Shard *self,
           gconstpointer data)
{
  guint slot = (guint) tornadis_harness_cluster_find_slot (self->scene.cluster, self->channels[0].name, NULL);

  g_object_set (self->listener, "client-name", "ears", NULL);
  g_signal_connect (self->listener, "message", G_CALLBACK (message_cb), self);
  subscribe (self, 0, 1);
  wait_until (count_named (self, "ears") == 2);
  for (guint i = 0; i < 2; i++)
    {
      guint to = i == 0 ? 1 : 0;

      assert_done (tornadis_harness_cluster_begin_migration, self->scene.cluster, slot, to);
      assert_done (tornadis_harness_cluster_end_migration, self->scene.cluster, slot, to);
      wait_until (self->n_gaps == i + 1);
      wait_until (count_named (self, "ears") == 2);
    }

  /* The program may begin another one where it has ended one, until it closes the client. */
  unsubscribe (self, 0, 1);
  wait_until (count_named (self, "ears") == 2);
  tornadis_client_close (TORNADIS_CLIENT (self->listener));
  wait_until (count_named (self, "ears") == 0);
}

/* One channel's slot is at another node, and back again, while all are published to. */
static void
test_migration (Shard *self,
                gconstpointer data)
{
  guint slot = (guint) tornadis_harness_cluster_find_slot (self->scene.cluster, self->channels[0].name, NULL);

  g_signal_connect (self->listener, "message", G_CALLBACK (message_cb), self);
  subscribe (self, 0, N_CHANNELS);
  settle (self);
  g_assert_cmpuint (self->n_holes, ==, 0);

  for (guint i = 0; i < 2; i++)
    {
      guint n_gaps = self->n_gaps, to = i == 0 ? 1 : 0;

      assert_done (tornadis_harness_cluster_begin_migration, self->scene.cluster, slot, to);
      /* Nothing has changed yet for who listens at the source. */
      publish_all (self);
      wait_until (has_all (self));
      g_assert_cmpuint (self->n_gaps, ==, n_gaps);
      assert_done (tornadis_harness_cluster_end_migration, self->scene.cluster, slot, to);
      settle (self);
      wait_until (self->n_gaps > n_gaps);
      settle (self);
    }

  /* Whose slot did not move has missed nothing: what comes to others was asserted as it came. */
  g_assert_cmpuint (self->n_added, ==, N_CHANNELS);
  g_assert_cmpuint (self->n_removed, ==, 0);
  g_assert_cmpuint (self->n_subscribed, ==, 1);
}

/* A replica takes its master's place. */
static void
test_failover (Shard *self,
               gconstpointer how)
{
  TornadisHarnessRedis *node = tornadis_harness_cluster_get_node (self->scene.cluster, 0);

  g_signal_connect (self->listener, "message", G_CALLBACK (message_cb), self);
  subscribe (self, 0, N_CHANNELS);
  settle (self);

  if (g_str_equal (how, "by hand"))
    assert_done (tornadis_harness_cluster_failover, self->scene.cluster, N_MASTERS, "");
  else if (g_str_equal (how, "killed"))
    tornadis_harness_redis_kill (node);
  else
    tornadis_harness_redis_pause (node);
  wait_until ((publish_all (self), spin_for (1), self->n_gaps > 0 && has_all (self)));

  if (g_str_equal (how, "killed"))
    assert_done (tornadis_harness_redis_restart, node);
  else
    tornadis_harness_redis_resume (node);
  assert_done (tornadis_harness_cluster_wait_until_ok, self->scene.cluster);
  settle (self);
  g_assert_cmpuint (self->n_added, ==, N_CHANNELS);
  g_assert_cmpuint (self->n_removed, ==, 0);
  g_assert_cmpuint (self->n_subscribed, ==, 1);
}

/* What was subscribed to comes back when the client is connected again, and only then. */
static void
test_close (Shard *self,
            gconstpointer data)
{
  g_autoptr (GAsyncResult) popped = NULL;
  g_autoptr (GError) error = NULL;

  subscribe (self, 0, N_CHANNELS);
  tornadis_pub_sub_client_pop_message_async (self->listener, -1, NULL, store_result, &popped);
  tornadis_client_close (TORNADIS_CLIENT (self->listener));
  g_assert_null (tornadis_pub_sub_client_pop_message_finish (self->listener, wait_for_result (&popped), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  g_clear_error (&error);
  for (guint i = 0; i < N_MASTERS; i++)
    assert_call (self->scene.client, "(integer) 0", "SPUBLISH", self->channels[i].name, "nobody", NULL);
  g_assert_cmpuint (self->n_gaps, ==, 0);

  g_assert_true (connect_and_wait (TORNADIS_CLIENT (self->listener), &error));
  g_assert_no_error (error);
  wait_until (self->n_gaps == 1);
  g_signal_connect (self->listener, "message", G_CALLBACK (message_cb), self);
  publish_all (self);
  wait_until (has_all (self));
  g_assert_cmpuint (self->n_removed, ==, 0);

  /* The subscriptions of a client that is closed end at once. */
  tornadis_client_close (TORNADIS_CLIENT (self->listener));
  unsubscribe (self, 0, 0);
  g_assert_cmpuint (self->n_removed, ==, N_CHANNELS);
}

static void
close_cb (TornadisPubSubClient *listener,
          TornadisMessage *message,
          gpointer user_data)
{
  tornadis_client_close (TORNADIS_CLIENT (listener));
}

/* A handler may do that, while more messages are on their way. */
static void
test_close_in_handler (Shard *self,
                       gconstpointer data)
{
  gulong id = g_signal_connect (self->listener, "message", G_CALLBACK (close_cb), NULL);

  subscribe (self, 0, N_CHANNELS);
  publish_all (self);
  wait_until (!tornadis_client_is_connected (TORNADIS_CLIENT (self->listener)));
  g_signal_handler_disconnect (self->listener, id);
}

static void
remove_cb (TornadisPubSubClient *listener,
           TornadisMessage *message,
           gpointer user_data)
{
  tornadis_client_remove_plugin (TORNADIS_CLIENT (listener), get_cluster_plugin (TORNADIS_CLIENT (listener)));
}

/* Without the plugin there is nobody who knows where they belong. */
static void
test_plugin_removed (Shard *self,
                     gconstpointer data)
{
  g_signal_connect (self->listener, "message", G_CALLBACK (remove_cb), NULL);
  subscribe (self, 0, N_CHANNELS);
  publish (self, 0);
  wait_until (self->n_removed == N_CHANNELS);
  g_assert_cmpuint (self->n_subscribed, ==, 2);
  g_signal_handlers_disconnect_by_func (self->listener, remove_cb, NULL);
}

/* A call that is given up has not subscribed to anything. */
static void
test_cancel (Shard *self,
             gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) other = NULL;

  tornadis_pub_sub_client_ssubscribe_async (self->listener, (const char *[]){ self->channels[0].name, self->channels[1].name, NULL },
                                            cancellable, store_result, &result);
  tornadis_pub_sub_client_ssubscribe_async (self->listener, (const char *[]){ self->channels[1].name, self->channels[2].name, NULL },
                                            NULL, store_result, &other);
  g_cancellable_cancel (cancellable);
  g_assert_false (tornadis_pub_sub_client_ssubscribe_finish (self->listener, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_true (tornadis_pub_sub_client_ssubscribe_finish (self->listener, wait_for_result (&other), &error));
  g_assert_no_error (error);
  wait_until (self->n_added - self->n_removed == 2);
  assert_call (self->scene.client, "(integer) 0", "SPUBLISH", self->channels[0].name, "nobody", NULL);
  assert_call (self->scene.client, "(integer) 1", "SPUBLISH", self->channels[1].name, "one", NULL);
}

static gboolean
has_no_receivers (Shard *self,
                  guint i)
{
  g_autofree char *n = call_text (self->scene.client, "SPUBLISH", self->channels[i].name, "nobody", NULL);

  return g_str_equal (n, "(integer) 0");
}

/* What the server forbids is its error, and nothing of that call is left. */
static void
test_forbidden (Shard *self,
                gconstpointer data)
{
  g_autoptr (TornadisPubSubClient) listener = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2 * N_MASTERS; i++)
    g_free (node_command (self->scene.cluster, i, "ACL SETUSER quiet on >secret +@all ~* resetchannels &%s", self->channels[0].name));
  listener = make_listener (&self->scene, NULL);
  g_object_set (listener, "username", "quiet", "password", "secret", NULL);
  tornadis_pub_sub_client_ssubscribe_async (listener, (const char *[]){ self->channels[0].name, self->channels[1].name, NULL }, NULL,
                                            store_result, &result);
  g_assert_false (tornadis_pub_sub_client_ssubscribe_finish (listener, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_true (g_str_has_prefix (error->message, "NOPERM"));
  wait_until (has_no_receivers (self, 0));
  tornadis_client_close (TORNADIS_CLIENT (listener));
}

/* Nobody pops: reading stops at all nodes, and nothing is lost. */
static void
test_back_pressure (Shard *self,
                    gconstpointer data)
{
  guint n = 0;

  g_object_set (self->listener, "max-pending", 10, NULL);
  subscribe (self, 0, N_CHANNELS);
  for (guint i = 0; i < 50; i++)
    publish_all (self);
  while (n < 50 * N_CHANNELS)
    {
      g_autoptr (TornadisMessage) message = NULL;

      message = pop_message (self->listener);
      message_cb (self->listener, message, self);
      n++;
    }
  g_assert_true (has_all (self));
  g_assert_cmpuint (self->n_holes, ==, 0);
}

/* Patterns and channels are at one node, shard channels at theirs, and all are one client's. */
static void
test_all_kinds (Shard *self,
                gconstpointer data)
{
  static const char *const patterns[] = { "n?ws", NULL };
  static const char *const channels[] = { "news", NULL };
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *n = NULL;

  tornadis_pub_sub_client_subscribe_async (self->listener, channels, NULL, store_result, &first);
  tornadis_pub_sub_client_psubscribe_async (self->listener, patterns, NULL, store_result, &second);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (self->listener, wait_for_result (&first), &error));
  g_assert_true (tornadis_pub_sub_client_psubscribe_finish (self->listener, wait_for_result (&second), &error));
  subscribe (self, 0, 3);
  g_assert_cmpuint (self->n_added, ==, 5);
  n = call_text (self->scene.client, "PUBLISH", "news", "text", NULL);
  publish (self, 0);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (TornadisMessage) message = NULL;

      message = pop_message (self->listener);
    }
  unsubscribe (self, 0, 0);
  g_assert_cmpuint (self->n_removed, ==, 3);
  g_assert_cmpuint (self->n_subscribed, ==, 1);
}

/* What stands behind the plugin is on the clients of the nodes too. */
static void
test_plugins (Shard *self,
              gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *metrics;
  guint64 n;

  subscribe (self, 0, 1);
  metrics = tornadis_client_add_plugin_by_name (TORNADIS_CLIENT (self->listener), "metrics", &error);
  g_assert_no_error (error);
  subscribe (self, 1, N_CHANNELS - 1);
  wait_until ((g_object_get (metrics, "connections", &n, NULL), n == N_MASTERS - 1));
  g_assert_true (tornadis_client_remove_plugin (TORNADIS_CLIENT (self->listener), metrics));
  g_signal_connect (self->listener, "message", G_CALLBACK (message_cb), self);
  publish_all (self);
  wait_until (has_all (self));
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, data, test) g_test_add (path, Shard, data, shard_set_up, test, shard_tear_down)
  ADD ("/cluster-shard/everywhere", NULL, test_everywhere);
  ADD ("/cluster-shard/everywhere/resp2", "protocol=2", test_everywhere);
  ADD ("/cluster-shard/binary", NULL, test_binary);
  ADD ("/cluster-shard/all-kinds", NULL, test_all_kinds);
  ADD ("/cluster-shard/back-pressure", NULL, test_back_pressure);
  ADD ("/cluster-shard/cancel", NULL, test_cancel);
  ADD ("/cluster-shard/forbidden", NULL, test_forbidden);
  ADD ("/cluster-shard/close", NULL, test_close);
  ADD ("/cluster-shard/close/in-handler", NULL, test_close_in_handler);
  ADD ("/cluster-shard/plugin-removed", NULL, test_plugin_removed);
  ADD ("/cluster-shard/plugins", NULL, test_plugins);
  ADD ("/cluster-shard/migration", NULL, test_migration);
  ADD ("/cluster-shard/migration/resp2", "protocol=2", test_migration);
  ADD ("/cluster-shard/idle", NULL, test_idle);
#undef ADD
#define ADD(path, how) g_test_add (path, Shard, how, failover_set_up, test_failover, failover_tear_down)
  ADD ("/cluster-shard/failover/by-hand", "by hand");
  ADD ("/cluster-shard/failover/killed", "killed");
  ADD ("/cluster-shard/failover/asleep", "asleep");
#undef ADD

  return run_with_cluster (NULL);
}
