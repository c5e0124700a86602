/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Subscriptions that a plugin routes to other clients, by the plugin of somebody who does as they like. */

#include "integration/util.h"

#include <string.h>

#define N_TARGETS 2

#define ROUTE_TYPE_PLUGIN (route_plugin_get_type ())
G_DECLARE_FINAL_TYPE (RoutePlugin, route_plugin, ROUTE, PLUGIN, TornadisPlugin)

/* Of shard channels, those that begin with a digit are of the target of that number; others are nobody's. Patterns that begin
 * with "every" are everybody's. */
struct _RoutePlugin
{
  TornadisPlugin parent_instance;

  TornadisPubSubClient *targets[N_TARGETS]; /* (unowned) (nullable) */
  gboolean keeps;                           /* what the hook subscription_failed says */
  gboolean reroutes;                        /* and what it does, once */
  guint n_places;                           /* of which each target has the one of its number */
  gboolean vacant[N_TARGETS];
  guint n_failed;
};

G_DEFINE_FINAL_TYPE (RoutePlugin, route_plugin, TORNADIS_TYPE_PLUGIN)

static guint
route_plugin_route_subscription (TornadisPlugin *plugin,
                                 TornadisPubSubClient *client,
                                 TornadisSubscriptionKind kind,
                                 GBytes *name,
                                 guint place,
                                 TornadisPubSubClient **target)
{
  RoutePlugin *self = ROUTE_PLUGIN (plugin);
  gsize length;
  const char *text = g_bytes_get_data (name, &length);

  if (kind == TORNADIS_SUBSCRIPTION_KIND_PATTERN && length >= 5 && memcmp (text, "every", 5) == 0)
    {
      if (target != NULL && self->vacant[place])
        return 0;
      if (target != NULL)
        *target = self->targets[place];
      return self->n_places;
    }

  if (kind != TORNADIS_SUBSCRIPTION_KIND_SHARD)
    return 0;
  if (target != NULL && length > 0 && text[0] >= '0' && text[0] < '0' + N_TARGETS)
    *target = self->targets[text[0] - '0'];

  return 1;
}

static gboolean
route_plugin_subscription_failed (TornadisPlugin *plugin,
                                  TornadisPubSubClient *client,
                                  TornadisSubscriptionKind kind,
                                  GBytes *name,
                                  TornadisPubSubClient *target,
                                  const GError *error)
{
  RoutePlugin *self = ROUTE_PLUGIN (plugin);

  self->n_failed++;
  if (self->reroutes)
    {
      self->reroutes = FALSE;
      tornadis_plugin_reroute_subscriptions (plugin, client, NULL);
    }

  return self->keeps;
}

static void
route_plugin_class_init (RoutePluginClass *klass)
{
  TORNADIS_PLUGIN_CLASS (klass)->route_subscription = route_plugin_route_subscription;
  TORNADIS_PLUGIN_CLASS (klass)->subscription_failed = route_plugin_subscription_failed;
}

static void
route_plugin_init (RoutePlugin *self)
{
  self->n_places = N_TARGETS;
}

typedef struct
{
  TornadisHarnessRedis *redis;
  TornadisClient *publisher;
  TornadisPubSubClient *client;
  TornadisPubSubClient *targets[N_TARGETS];
  RoutePlugin *plugin;
  GString *log; /* of its signals, and what calls end with */
  guint n_messages;
} Routed;

static void
log_added_cb (TornadisPubSubClient *client,
              const char *name,
              guint count,
              Routed *self)
{
  g_string_append_printf (self->log, "+%s=%u ", name, count);
}

static void
log_removed_cb (TornadisPubSubClient *client,
                const char *name,
                guint count,
                Routed *self)
{
  g_string_append_printf (self->log, "-%s=%u ", name, count);
}

static void
log_gap_cb (TornadisPubSubClient *client,
            Routed *self)
{
  g_string_append (self->log, "gap ");
}

static void
log_message_cb (TornadisPubSubClient *client,
                TornadisMessage *message,
                Routed *self)
{
  self->n_messages++;
}

static void
log_call (Routed *self,
          const char *what,
          GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) client = g_async_result_get_source_object (result);
  gboolean ok = tornadis_pub_sub_client_ssubscribe_finish (TORNADIS_PUB_SUB_CLIENT (client), result, &error);

  g_assert_true (ok == (error == NULL));
  if (ok)
    g_string_append_printf (self->log, "%s ", what);
  else
    g_string_append_printf (self->log, "%s=%s:%d ", what, error->domain == TORNADIS_ERROR ? "" : "io", error->code);
}

static void
assert_log (Routed *self,
            const char *expected)
{
  g_assert_cmpstr (self->log->str, ==, expected);
  g_string_truncate (self->log, 0);
}

static void
wait_for_log (Routed *self,
              const char *expected)
{
  wait_until (self->log->len >= strlen (expected));
  assert_log (self, expected);
}

static void
routed_set_up (Routed *self,
               gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const char *path;

  self->redis = tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  path = tornadis_harness_redis_get_socket_path (self->redis);
  self->publisher = tornadis_client_new_for_unix_socket (path);
  self->client = tornadis_pub_sub_client_new_for_unix_socket (path);
  self->plugin = g_object_new (ROUTE_TYPE_PLUGIN, NULL);
  for (guint i = 0; i < N_TARGETS; i++)
    self->plugin->targets[i] = self->targets[i] = tornadis_pub_sub_client_new_for_unix_socket (path);
  g_assert_true (tornadis_client_add_plugin (TORNADIS_CLIENT (self->client), TORNADIS_PLUGIN (self->plugin), &error));
  g_assert_no_error (error);
  self->log = g_string_new (NULL);
  g_signal_connect (self->client, "subscription-added", G_CALLBACK (log_added_cb), self);
  g_signal_connect (self->client, "subscription-removed", G_CALLBACK (log_removed_cb), self);
  g_signal_connect (self->client, "gap", G_CALLBACK (log_gap_cb), self);
  g_signal_connect (self->client, "message", G_CALLBACK (log_message_cb), self);
}

static void
routed_tear_down (Routed *self,
                  gconstpointer data)
{
  tornadis_client_close (self->publisher);
  tornadis_client_close (TORNADIS_CLIENT (self->client));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_finalized (self->client);
  assert_finalized (self->plugin);
  for (guint i = 0; i < N_TARGETS; i++)
    {
      tornadis_client_close (TORNADIS_CLIENT (self->targets[i]));
      while (g_main_context_iteration (NULL, FALSE))
        ;
      assert_finalized (self->targets[i]);
    }
  assert_finalized (self->publisher);
  g_clear_object (&self->redis);
  g_string_free (self->log, TRUE);
}

#define NAMES(...) ((const char *[]){ __VA_ARGS__, NULL })

static void
subscribe (Routed *self,
           const char *const *names)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  tornadis_pub_sub_client_ssubscribe_async (self->client, names, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_ssubscribe_finish (self->client, wait_for_result (&result), &error));
  g_assert_no_error (error);
}

static void
end_again_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  Routed *self = user_data;

  log_call (self, "ended", result);
  assert_call (self->publisher, "(integer) 0", "SPUBLISH", "0a", "x", NULL);
}

static void
begun_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  Routed *self = user_data;

  log_call (self, "begun", result);
  /* It cannot have answered. */
  tornadis_harness_redis_pause (self->redis);
  tornadis_pub_sub_client_sunsubscribe_async (self->client, NAMES ("0a"), NULL, end_again_cb, self);
}

static void
begun_again_cb (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  Routed *self = user_data;

  log_call (self, "again", result);
  assert_call (self->publisher, "(integer) 1", "SPUBLISH", "0a", "x", NULL);
}

static void
ended_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  Routed *self = user_data;

  log_call (self, "ended", result);
  tornadis_harness_redis_pause (self->redis);
  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("0a"), NULL, begun_again_cb, self);
}

/* A callback that makes the next call: that one has its own answer. */
static void
test_call_in_callback (Routed *self,
                       gconstpointer data)
{
  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("0a"), NULL, begun_cb, self);
  wait_for_log (self, "+0a=1 begun ");
  spin_for (20);
  assert_log (self, "");
  tornadis_harness_redis_resume (self->redis);
  wait_for_log (self, "-0a=0 ended ");

  subscribe (self, NAMES ("0a"));
  tornadis_pub_sub_client_sunsubscribe_async (self->client, NAMES ("0a"), NULL, ended_cb, self);
  wait_for_log (self, "+0a=1 -0a=0 ended ");
  spin_for (20);
  assert_log (self, "");
  tornadis_harness_redis_resume (self->redis);
  wait_for_log (self, "+0a=1 again ");
}

static void
failed_again_cb (GObject *object,
                 GAsyncResult *result,
                 gpointer user_data)
{
  log_call (user_data, "second", result);
}

static void
succeeded_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  log_call (user_data, "again", result);
}

static void
failed_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Routed *self = user_data;

  log_call (self, "first", result);
  self->plugin->targets[1] = self->targets[1];
  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("1a"), NULL, succeeded_cb, self);
}

/* In a turn of the main loop, where callbacks are called at once. */
static void
give_up_cb (gpointer user_data)
{
  Routed *self = user_data;
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "Nobody has it");

  tornadis_plugin_reroute_subscriptions (TORNADIS_PLUGIN (self->plugin), self->client, error);
}

/* The same with one that fails: the next does not fail with it. */
static void
test_call_in_failure (Routed *self,
                      gconstpointer data)
{
  self->plugin->targets[1] = NULL;
  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("1a"), NULL, failed_cb, self);
  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("1a"), NULL, failed_again_cb, self);
  spin_for (1);
  g_idle_add_once (give_up_cb, self);
  wait_for_log (self, "first=:0 second=:0 +1a=1 again ");
}

/* Names that are asked for for the first time are not those that have no place. */
static void
test_hopeless (Routed *self,
               gconstpointer data)
{
  g_autoptr (GAsyncResult) nobody = NULL;
  g_autoptr (GAsyncResult) there = NULL;

  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("nobody"), NULL, store_result, &nobody);
  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("0a"), NULL, store_result, &there);
  give_up_cb (self);
  log_call (self, "nobody", wait_for_result (&nobody));
  log_call (self, "there", wait_for_result (&there));
  assert_log (self, "nobody=:0 +0a=1 there ");
}

/* What bounds the messages that are kept, and the calls, is not about how many names there are. */
static void
test_bounds (Routed *self,
             gconstpointer data)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < N_TARGETS; i++)
    g_object_set (self->targets[i], "max-pending", 3, "max-queued-bytes", G_GUINT64_CONSTANT (40), NULL);
  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (names, g_strdup_printf ("%u-%u", i % N_TARGETS, i));
  g_ptr_array_add (names, NULL);
  subscribe (self, (const char *const *) names->pdata);

  /* All move. */
  self->plugin->targets[0] = self->targets[1];
  tornadis_plugin_reroute_subscriptions (TORNADIS_PLUGIN (self->plugin), self->client, NULL);
  wait_until (strstr (self->log->str, "gap") != NULL);
  for (guint i = 0; i < 100; i++)
    assert_call (self->publisher, "(integer) 1", "SPUBLISH", g_ptr_array_index (names, i), "x", NULL);
  wait_until (self->n_messages == 100);
}

/* Clients that cannot be used are refused, whatever the plugin thinks of them. */
static void
test_strangers (Routed *self,
                gconstpointer data)
{
  g_autoptr (TornadisPubSubClient) other = tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (self->redis));
  g_autoptr (GAsyncResult) own_result = NULL;
  g_autoptr (GAsyncResult) foreign = NULL;
  g_autoptr (GAsyncResult) used = NULL;
  g_autoptr (GAsyncResult) subscribed = NULL;

  /* Itself. */
  self->plugin->targets[0] = self->client;
  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("0a"), NULL, store_result, &own_result);
  log_call (self, "itself", wait_for_result (&own_result));

  /* One that another client's are routed to. */
  self->plugin->targets[0] = self->targets[0];
  g_assert_true (tornadis_client_add_plugin (TORNADIS_CLIENT (other), TORNADIS_PLUGIN (self->plugin), NULL));
  subscribe (self, NAMES ("0a"));
  tornadis_pub_sub_client_ssubscribe_async (other, NAMES ("0b"), NULL, store_result, &foreign);
  log_call (self, "foreign", wait_for_result (&foreign));
  tornadis_client_remove_plugin (TORNADIS_CLIENT (other), TORNADIS_PLUGIN (self->plugin));

  /* One that somebody has subscribed with. */
  tornadis_pub_sub_client_subscribe_async (other, NAMES ("news"), NULL, store_result, &subscribed);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (other, wait_for_result (&subscribed), NULL));
  self->plugin->targets[1] = other;
  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("1a"), NULL, store_result, &used);
  log_call (self, "used", wait_for_result (&used));
  self->plugin->targets[1] = NULL;
  assert_log (self, "itself=:7 +0a=1 foreign=:7 used=:7 ");
  tornadis_client_close (TORNADIS_CLIENT (other));
}

static gboolean
is_connected (TornadisPubSubClient *client)
{
  return tornadis_client_is_connected (TORNADIS_CLIENT (client));
}

/* A client that has none of them any more, because they are elsewhere, is closed. */
static void
test_idle (Routed *self,
           gconstpointer data)
{
  subscribe (self, NAMES ("0a", "0b"));
  subscribe (self, NAMES ("1a"));
  self->plugin->targets[0] = self->targets[1];
  tornadis_plugin_reroute_subscriptions (TORNADIS_PLUGIN (self->plugin), self->client, NULL);
  wait_until (!is_connected (self->targets[0]));
  wait_for_log (self, "+0a=1 +0b=2 +1a=3 gap ");
  g_assert_true (is_connected (self->targets[1]));

  /* And back: it is used again. */
  self->plugin->targets[0] = self->targets[0];
  tornadis_plugin_reroute_subscriptions (TORNADIS_PLUGIN (self->plugin), self->client, NULL);
  wait_for_log (self, "gap ");
  g_assert_true (is_connected (self->targets[0]));
  g_assert_true (is_connected (self->targets[1]));
  assert_call (self->publisher, "(integer) 1", "SPUBLISH", "0b", "x", NULL);
  wait_until (self->n_messages == 1);

  /* Where the program ended them it may begin others. */
  tornadis_pub_sub_client_sunsubscribe_async (self->client, NAMES ("0a", "0b"), NULL, NULL, NULL);
  wait_for_log (self, "-0a=2 -0b=1 ");
  spin_for (20);
  g_assert_true (is_connected (self->targets[0]));
  tornadis_plugin_reroute_subscriptions (TORNADIS_PLUGIN (self->plugin), self->client, NULL);
  wait_until (!is_connected (self->targets[0]));
  g_assert_true (is_connected (self->targets[1]));
}

static void
log_begun_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  log_call (user_data, "begun", result);
}

static void
log_ended_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  log_call (user_data, "ended", result);
}

/* Each call has its own outcome where one follows the other at once. */
static void
test_one_after_the_other (Routed *self,
                          gconstpointer data)
{
  /* It ends, and then has no place. */
  subscribe (self, NAMES ("0a"));
  self->plugin->targets[0] = NULL;
  tornadis_pub_sub_client_sunsubscribe_async (self->client, NAMES ("0a"), NULL, log_ended_cb, self);
  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("0a"), NULL, log_begun_cb, self);
  wait_for_log (self, "+0a=1 ended ");
  give_up_cb (self);
  wait_for_log (self, "-0a=0 begun=:0 ");

  /* It is refused, and not wanted any more. */
  self->plugin->targets[0] = self->targets[0];
  assert_call (self->publisher, "OK", "ACL", "SETUSER", "default", "resetchannels", NULL);
  tornadis_pub_sub_client_ssubscribe_async (self->client, NAMES ("0a"), NULL, log_begun_cb, self);
  tornadis_pub_sub_client_sunsubscribe_async (self->client, NAMES ("0a"), NULL, log_ended_cb, self);
  wait_for_log (self, "ended begun=:6 ");
}

static void
reroute (Routed *self)
{
  tornadis_plugin_reroute_subscriptions (TORNADIS_PLUGIN (self->plugin), self->client, NULL);
}

static void
assert_patterns (Routed *self,
                 guint n)
{
  g_autofree char *expected = g_strdup_printf ("(integer) %u", n);

  assert_call (self->publisher, expected, "PUBSUB", "NUMPAT", NULL);
}

static gboolean
psubscribe (Routed *self,
            const char *const *names)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_pub_sub_client_psubscribe_async (self->client, names, NULL, store_result, &result);

  return tornadis_pub_sub_client_psubscribe_finish (self->client, wait_for_result (&result), NULL);
}

static void
punsubscribe (Routed *self,
              const char *const *names)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_pub_sub_client_punsubscribe_async (self->client, names, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_punsubscribe_finish (self->client, wait_for_result (&result), NULL));
}

/* Who gets what is published to all. */
static guint
count_listeners (Routed *self)
{
  g_autofree char *n = call_text (self->publisher, "PUBLISH", "everything", "x", NULL);

  return (guint) g_ascii_strtoull (n + strlen ("(integer) "), NULL, 10);
}

/* A name at all places is one for who subscribes to it. */
static void
test_everywhere (Routed *self,
                 gconstpointer data)
{
  g_assert_true (psubscribe (self, NAMES ("every*")));
  assert_log (self, "+every*=1 ");
  /* Both targets are clients of one server. */
  assert_call (self->publisher, "(integer) 2", "PUBLISH", "everything", "x", NULL);
  wait_until (self->n_messages == 2);

  /* Each comes back by itself. */
  assert_call (self->publisher, "(integer) 2", "CLIENT", "KILL", "TYPE", "pubsub", NULL);
  wait_until (count_listeners (self) == 2);
  wait_for_log (self, "gap gap ");

  punsubscribe (self, NAMES ("every*"));
  assert_log (self, "-every*=0 ");
  assert_call (self->publisher, "(integer) 0", "PUBLISH", "everything", "x", NULL);
}

/* One call with names of both ways, all or none of which it subscribes to. */
static void
test_mixed (Routed *self,
            gconstpointer data)
{
  g_assert_true (psubscribe (self, NAMES ("x*", "every*", "y*")));
  wait_until (self->log->len >= strlen ("+x*=1 +y*=2 +every*=3 "));
  g_string_truncate (self->log, 0);
  assert_call (self->publisher, "(integer) 2", "PUBLISH", "everything", "x", NULL);
  assert_call (self->publisher, "(integer) 1", "PUBLISH", "x1", "x", NULL);
  wait_until (self->n_messages == 3);
  punsubscribe (self, NAMES ("y*", "every*"));
  assert_patterns (self, 1);

  /* It was there before: it stays when the call fails. */
  self->plugin->targets[1] = self->client;
  g_assert_false (psubscribe (self, NAMES ("x*", "every*", "z*")));
  wait_until (g_str_has_suffix (self->log->str, "-z*=1 ") || g_str_has_suffix (self->log->str, "-every*=1 "));
  spin_for (0);
  assert_patterns (self, 1);
  assert_call (self->publisher, "(integer) 1", "PUBLISH", "x1", "x", NULL);
  self->plugin->targets[1] = self->targets[1];

  g_assert_true (psubscribe (self, NAMES ("x*", "every*")));
  punsubscribe (self, NULL);
  assert_patterns (self, 0);
}

/* There are more places later, and one that nobody needs any more. */
static void
test_places (Routed *self,
             gconstpointer data)
{
  self->plugin->n_places = 1;
  g_assert_true (psubscribe (self, NAMES ("every*")));
  assert_log (self, "+every*=1 ");
  assert_call (self->publisher, "(integer) 1", "PUBLISH", "everything", "x", NULL);

  self->plugin->n_places = 2;
  reroute (self);
  /* Who listens may have missed what was published there. */
  wait_for_log (self, "gap ");
  assert_call (self->publisher, "(integer) 2", "PUBLISH", "everything", "x", NULL);
  wait_until (self->n_messages == 3);

  self->plugin->vacant[0] = TRUE;
  reroute (self);
  wait_until (!tornadis_client_is_connected (TORNADIS_CLIENT (self->targets[0])));
  assert_call (self->publisher, "(integer) 1", "PUBLISH", "everything", "x", NULL);
  wait_until (self->n_messages == 4);
  g_string_truncate (self->log, 0);
  /* Another call does not wait for it. */
  g_assert_true (psubscribe (self, NAMES ("every*", "everybody")));
  assert_log (self, "+everybody=2 ");
  assert_patterns (self, 2);

  self->plugin->vacant[0] = FALSE;
  reroute (self);
  wait_until (tornadis_client_is_connected (TORNADIS_CLIENT (self->targets[0])));
  wait_until (g_strcmp0 (self->log->str, "gap ") == 0 || self->log->len > 4);
  punsubscribe (self, NULL);
  assert_patterns (self, 0);
}

/* A call waits for a place that comes while it waits. */
static void
test_place_for_call (Routed *self,
                     gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;

  self->plugin->n_places = 1;
  self->plugin->targets[0] = NULL;
  tornadis_pub_sub_client_psubscribe_async (self->client, NAMES ("every*"), NULL, store_result, &result);
  spin_for (1);
  g_assert_null (result);
  self->plugin->n_places = 2;
  self->plugin->targets[0] = self->targets[0];
  reroute (self);
  g_assert_true (tornadis_pub_sub_client_psubscribe_finish (self->client, wait_for_result (&result), NULL));
  assert_log (self, "+every*=1 ");
  assert_call (self->publisher, "(integer) 2", "PUBLISH", "everything", "x", NULL);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, test) g_test_add ("/subscription-route/" path, Routed, NULL, routed_set_up, test, routed_tear_down)
  ADD ("call-in-callback", test_call_in_callback);
  ADD ("call-in-failure", test_call_in_failure);
  ADD ("hopeless", test_hopeless);
  ADD ("bounds", test_bounds);
  ADD ("strangers", test_strangers);
  ADD ("idle", test_idle);
  ADD ("one-after-the-other", test_one_after_the_other);
  ADD ("everywhere", test_everywhere);
  ADD ("mixed", test_mixed);
  ADD ("places", test_places);
  ADD ("place-for-call", test_place_for_call);
#undef ADD

  return g_test_run ();
}
