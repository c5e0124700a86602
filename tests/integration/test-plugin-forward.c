/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls that a plugin sends over the connection of another client. */

#include "integration/hook-plugin.h"

/* Where calls are forwarded to, each to the next. */
typedef struct
{
  TornadisClient *targets[3]; /* (owned) */
  guint n_targets;
  guint next;
  guint n_asked;
  TornadisPlugin *leaves; /* (unowned) (nullable) is removed when it is asked */
} Route;

typedef struct
{
  TornadisHarnessRedis *redis;
  TornadisClient *client; /* of a server that there is not: it is never connected */
  Route route;
} Forward;

static TornadisClient *
add_target (Forward *fixture)
{
  TornadisClient *target = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));

  fixture->route.targets[fixture->route.n_targets++] = target;
  return target;
}

static void
set_up (Forward *fixture,
        gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->redis = tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  fixture->client = tornadis_client_new_for_unix_socket ("/nonexistent");
  fixture->route = (Route){ 0 };
  add_target (fixture);
}

static void
tear_down (Forward *fixture,
           gconstpointer data)
{
  assert_client_finalized (fixture->client);
  for (guint i = 0; i < fixture->route.n_targets; i++)
    assert_client_finalized (fixture->route.targets[i]);
  g_object_unref (fixture->redis);
}

/* Asks for another attempt whenever a call has failed with an error of the server and there is another target. */
static gboolean
forward_hook (HookPlugin *self,
              Hook hook,
              TornadisClient *client,
              TornadisCall *call)
{
  Route *route = self->data;

  if (hook == CALL)
    {
      tornadis_call_forward (call, route->targets[route->next]);
      return TRUE;
    }
  if (hook == CALL_DONE)
    {
      g_autoptr (GError) error = tornadis_call_dup_error (call);

      if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY) && route->next + 1 < route->n_targets)
        {
          route->next++;
          tornadis_call_retry (call, 0);
        }
    }
  return FALSE;
}

/* The call, which is kept, is forwarded from outside of the hook. */
static gboolean
keep_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  if (hook != CALL)
    return FALSE;

  g_set_object (&self->kept, call);
  return TRUE;
}

/* Says where calls go without a TornadisCall, too. */
typedef HookPlugin RoutingPlugin;
typedef TornadisPluginClass RoutingPluginClass;

GType routing_plugin_get_type (void);
G_DEFINE_TYPE (RoutingPlugin, routing_plugin, calling_plugin_get_type ())

static TornadisClient *
routing_plugin_route (TornadisPlugin *plugin,
                      TornadisClient *client,
                      TornadisCommand *command)
{
  Route *route = ((HookPlugin *) plugin)->data;

  route->n_asked++;
  if (route->leaves == NULL)
    return route->targets[route->next];

  g_assert_true (tornadis_client_remove_plugin (client, g_steal_pointer (&route->leaves)));
  return NULL;
}

static void
routing_plugin_class_init (RoutingPluginClass *klass)
{
  klass->route = routing_plugin_route;
}

static void
routing_plugin_init (RoutingPlugin *self)
{
}

/* @data (nullable): it routes, too. */
static HookPlugin *
add_forwarding (Forward *fixture,
                gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  HookPlugin *self = g_object_new (data != NULL ? routing_plugin_get_type () : calling_plugin_get_type (), NULL);

  self->name = "p";
  self->func = forward_hook;
  self->data = &fixture->route;
  g_assert_true (tornadis_client_add_plugin (fixture->client, (TornadisPlugin *) self, &error));

  return self;
}

/* From here on what is written has no answer, until hang_no_more(). With @written the first call is written within itself. */
static void
hang (Forward *fixture,
      gboolean written)
{
  tornadis_client_close (fixture->route.targets[0]);
  if (written)
    assert_call (fixture->route.targets[0], "PONG", "PING", NULL);
  tornadis_harness_redis_pause (fixture->redis);
}

static void
hang_no_more (Forward *fixture)
{
  tornadis_client_close (fixture->route.targets[0]);
  tornadis_harness_redis_resume (fixture->redis);
}

/* There is no TornadisCall unless a call fails. */
static void
test_route (Forward *fixture,
            gconstpointer data)
{
  HookPlugin *plugin = add_forwarding (fixture, data);
  HookPlugin *other;
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpuint (plugin->n[CALL] + plugin->n[CALL_DONE], ==, 0);
  g_assert_null (call (fixture->client, &error, "NOSUCH", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_clear_error (&error);
  g_assert_cmpuint (plugin->n[CALL], ==, 0);
  g_assert_cmpuint (plugin->n[CALL_DONE], ==, 1);
  g_assert_cmpuint (fixture->route.n_asked, ==, 2);

  /* Then it is asked as ever where to. */
  add_target (fixture);
  g_assert_null (call (fixture->client, &error, "NOSUCH", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_cmpuint (plugin->n[CALL], ==, 1);
  g_assert_cmpuint (plugin->n[CALL_DONE], ==, 3);

  /* Another plugin takes part in calls: both see all. */
  other = add_calling (fixture->client, "o", NULL, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpuint (plugin->n[CALL], ==, 2);
  g_assert_cmpuint (fixture->route.n_asked, ==, 3);
  take_off (fixture->client, other);
  /* So do the other client's. */
  other = add_calling (fixture->route.targets[1], "o", NULL, NULL);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpuint (other->n[CALL], ==, 1);
  take_off (fixture->route.targets[1], other);
  take_off (fixture->client, plugin);
}

/* The plugin is removed, or the client is dropped, while a call is on its way. Being removed, the plugin still sees how that
 * ends. */
static void
test_route_gone (Forward *fixture,
                 gconstpointer data)
{
  for (guint dropped = 0; dropped < 2; dropped++)
    {
      HookPlugin *plugin = add_forwarding (fixture, data);
      Calls calls = { 0 };

      hang (fixture, TRUE);
      submit (fixture->client, "GET nothing", &calls);
      if (dropped)
        {
          assert_client_finalized (fixture->client);
          fixture->client = tornadis_client_new_for_unix_socket ("/nonexistent");
        }
      else
        {
          g_assert_true (tornadis_client_remove_plugin (fixture->client, (TornadisPlugin *) plugin));
        }
      hang_no_more (fixture);
      wait_for_calls (&calls);
      g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
      calls_clear (&calls);
      g_assert_cmpuint (plugin->n[CALL_DONE], ==, dropped ? 0 : 1);
      assert_finalized (plugin);
    }
}

/* The plugin is removed when it is asked, and no other is left: the call is the client's own. */
static void
test_route_left (Forward *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisCommand) command = make_command ("GET nothing");

  for (guint i = 0; i < 3; i++)
    {
      HookPlugin *plugin = add_forwarding (fixture, data);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      g_auto (Calls) calls = { 0 };

      fixture->route.leaves = (TornadisPlugin *) plugin;
      if (i == 0)
        {
          submit (fixture->client, "GET nothing", &calls);
          wait_for_calls (&calls);
          g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
        }
      else
        {
          tornadis_client_call_async (fixture->client, command, i == 1 ? cancellable : NULL, store_result, &result);
          g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
        }
      g_assert_cmpuint (plugin->n[CALL], ==, 0);
      assert_finalized (plugin);
    }
}

/* Another plugin is added while calls are on their way: they are not affected. Who has routed them makes them again. */
static void
test_route_added (Forward *fixture,
                  gconstpointer data)
{
  HookPlugin *plugin = add_forwarding (fixture, data);
  HookPlugin *other;
  g_auto (Calls) calls = { 0 };

  add_target (fixture);
  g_object_set (fixture->route.targets[1], "db", 1, NULL);
  assert_call (fixture->route.targets[0], "OK", "SET", "k", "text", NULL);
  submit (fixture->client, "INCR k", &calls);
  submit (fixture->client, "GET k", &calls);
  other = add_calling (fixture->client, "o", NULL, NULL);
  wait_for_calls (&calls);
  g_assert_no_error (calls.error);
  assert_call (fixture->route.targets[1], "\"1\"", "GET", "k", NULL);
  g_assert_cmpuint (plugin->n[CALL], ==, 1);
  g_assert_cmpuint (plugin->n[CALL_DONE], ==, 2);
  g_assert_cmpuint (other->n[CALL] + other->n[CALL_DONE], ==, 0);
  take_off (fixture->client, other);
  take_off (fixture->client, plugin);
}

static void
test_forward (Forward *fixture,
              gconstpointer data)
{
  HookPlugin *outer = add_calling (fixture->client, "o", NULL, NULL);
  HookPlugin *plugin = add_calling (fixture->client, "p", forward_hook, &fixture->route);
  HookPlugin *behind = add_calling (fixture->client, "b", NULL, NULL);
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "SET k 1", "INCR k");
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  for (guint with_plugin = 0; with_plugin < 2; with_plugin++)
    {
      HookPlugin *others = with_plugin ? add_calling (fixture->route.targets[0], "t", NULL, NULL) : NULL;

      assert_call (fixture->client, "PONG", "PING", NULL);
      reply = call_pipeline (fixture->client, pipeline, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (reply, 1)), ==, 2);
      g_clear_pointer (&reply, tornadis_reply_unref);
      g_assert_null (call (fixture->client, &error, "INCR", "k", "more", NULL));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
      g_clear_error (&error);
      if (others != NULL)
        {
          g_assert_cmpuint (others->n[CALL], ==, 3);
          g_assert_cmpuint (others->n[CALL_DONE], ==, 3);
          take_off (fixture->route.targets[0], others);
        }
    }

  g_assert_cmpuint (outer->n[CALL_DONE], ==, 6);
  g_assert_cmpuint (plugin->n[CALL_DONE], ==, 6);
  g_assert_cmpuint (behind->n[CALL], ==, 0);
  g_assert_false (tornadis_client_is_connected (fixture->client));
  take_off (fixture->client, behind);
  take_off (fixture->client, plugin);
  take_off (fixture->client, outer);
}

static void
test_forward_later (Forward *fixture,
                    gconstpointer data)
{
  g_auto (Calls) calls = { 0 };
  HookPlugin *plugin = add_calling (fixture->client, "p", keep_hook, NULL);

  submit (fixture->client, "PING", &calls);
  spin_for (1);
  g_assert_cmpuint (calls.n_ended, ==, 0);
  tornadis_call_forward (plugin->kept, fixture->route.targets[0]);
  g_clear_object (&plugin->kept);
  wait_for_calls (&calls);
  g_assert_no_error (calls.error);
  take_off (fixture->client, plugin);
}

static gboolean
retry_once_hook (HookPlugin *self,
                 Hook hook,
                 TornadisClient *client,
                 TornadisCall *call)
{
  if (hook == CALL_DONE && tornadis_call_get_attempt (call) == 1)
    tornadis_call_retry (call, 0);
  return FALSE;
}

/* Who has forwarded a call that is to be made again is asked where to; by whom else it is made again, they too. */
static void
test_retry (Forward *fixture,
            gconstpointer data)
{
  TornadisClient *other = add_target (fixture);
  HookPlugin *outer = add_calling (fixture->client, "o", retry_once_hook, NULL);
  HookPlugin *plugin = add_calling (fixture->client, "p", forward_hook, &fixture->route);
  Calls calls = { 0 };

  submit (fixture->client, "NOSUCH", &calls);
  wait_for_calls (&calls);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  /* To the first, to the other, and there again. */
  g_assert_cmpuint (plugin->n[CALL], ==, 3);
  g_assert_cmpuint (plugin->n[CALL_DONE], ==, 3);
  g_assert_cmpuint (outer->n[CALL], ==, 1);
  g_assert_cmpuint (outer->n[CALL_DONE], ==, 2);
  g_assert_true (tornadis_client_is_connected (other));
  calls_clear (&calls);
  take_off (fixture->client, plugin);
  take_off (fixture->client, outer);
}

/* A cancelled call that was not yet written never runs; of one that was the reply is awaited and dropped. */
static void
test_cancel (Forward *fixture,
             gconstpointer data)
{
  TornadisClient *target = fixture->route.targets[0];
  HookPlugin *plugin = add_forwarding (fixture, data);

  for (guint i = 0; i < 4; i++)
    {
      gboolean written = i % 2;
      HookPlugin *others = i >= 2 ? add_calling (target, "t", NULL, NULL) : NULL;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (TornadisCommand) command = make_command (written ? "INCR once" : "INCR never");
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      hang (fixture, written);
      tornadis_client_call_async (fixture->client, command, cancellable, store_result, &result);
      g_cancellable_cancel (cancellable);
      g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      tornadis_harness_redis_resume (fixture->redis);
      assert_call (target, "(nil)", "GET", "never", NULL);
      assert_call (target, i == 0 ? "(nil)" : i < 3 ? "\"1\""
                                                    : "\"2\"",
                   "GET", "once", NULL);
      if (others != NULL)
        take_off (target, others);
    }

  take_off (fixture->client, plugin);
}

/* The client that made the call is closed, or the one that it was forwarded to. */
static void
test_close (Forward *fixture,
            gconstpointer data)
{
  TornadisClient *target = fixture->route.targets[0];
  HookPlugin *plugin = add_forwarding (fixture, data);

  for (guint i = 0; i < 8; i++)
    {
      gboolean written = i % 2, own = i / 2 % 2;
      int expected = written ? TORNADIS_ERROR_LOST : TORNADIS_ERROR_CLOSED;
      HookPlugin *others = i >= 4 ? add_calling (target, "t", NULL, NULL) : NULL;
      Calls calls = { 0 };

      hang (fixture, written);
      submit (fixture->client, "GET nothing", &calls);
      tornadis_client_close (own ? fixture->client : target);
      wait_for_calls (&calls);
      g_assert_error (calls.error, TORNADIS_ERROR, expected);
      calls_clear (&calls);
      hang_no_more (fixture);
      if (others != NULL)
        take_off (target, others);
    }

  take_off (fixture->client, plugin);
}

static void
test_timeout (Forward *fixture,
              gconstpointer data)
{
  HookPlugin *plugin = add_forwarding (fixture, data);
  g_auto (Calls) calls = { 0 };

  g_object_set (fixture->client, "call-timeout-msec", 50, NULL);
  hang (fixture, TRUE);
  submit (fixture->client, "GET nothing", &calls);
  wait_for_calls (&calls);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  hang_no_more (fixture);
  take_off (fixture->client, plugin);
}

/* The time that a call may take is that of its client, whatever plugins the other one has. */
static void
test_timeout_behind (Forward *fixture,
                     gconstpointer data)
{
  HookPlugin *plugin = add_forwarding (fixture, data);
  HookPlugin *others = add_calling (fixture->route.targets[0], "t", NULL, NULL);
  g_auto (Calls) calls = { 0 };

  g_object_set (fixture->client, "call-timeout-msec", 50, NULL);
  hang (fixture, TRUE);
  submit (fixture->client, "GET nothing", &calls);
  wait_for_calls (&calls);
  g_assert_error (calls.error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
  hang_no_more (fixture);
  take_off (fixture->route.targets[0], others);
  take_off (fixture->client, plugin);
}

/* Closes the client within the first callback, and lets go of the other one. */
typedef struct
{
  Forward *fixture;
  guint n_ended;
} Closing;

static void
close_within_cb (TornadisClient *client,
                 TornadisReply *reply,
                 GError *error,
                 gpointer user_data)
{
  Closing *self = user_data;

  g_assert_nonnull (error);
  if (self->n_ended++ > 0)
    return;

  tornadis_client_close (client);
  g_clear_object (&self->fixture->route.targets[0]);
}

/* More calls than are kept for the next ones. */
static void
test_close_within (Forward *fixture,
                   gconstpointer data)
{
  const guint n = 200;
  HookPlugin *plugin = add_forwarding (fixture, data);
  g_autoptr (TornadisCommand) command = make_command ("GET nothing");
  Closing closing = { fixture };

  hang (fixture, TRUE);
  for (guint i = 0; i < n; i++)
    tornadis_client_submit (fixture->client, command, close_within_cb, &closing, NULL);
  tornadis_client_close (fixture->client);
  wait_until (closing.n_ended == n);
  tornadis_harness_redis_resume (fixture->redis);
  take_off (fixture->client, plugin);
  fixture->route.n_targets = 0;
}

static void
drop_within_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  Closing *self = user_data;

  g_assert_nonnull (error);
  if (self->n_ended++ == 0)
    g_clear_object (&self->fixture->client);
}

/* The other client completes several calls at once, and with the first of them the client is dropped. */
static void
test_drop_within (Forward *fixture,
                  gconstpointer data)
{
  g_autoptr (HookPlugin) plugin G_GNUC_UNUSED = add_forwarding (fixture, data);
  g_autoptr (TornadisCommand) command = make_command ("GET nothing");
  Closing closing = { fixture };

  hang (fixture, TRUE);
  for (guint i = 0; i < 3; i++)
    tornadis_client_submit (fixture->client, command, drop_within_cb, &closing, NULL);
  hang_no_more (fixture);
  wait_until (closing.n_ended == 3);
  spin_for (1);
  fixture->client = tornadis_client_new_for_unix_socket ("/nonexistent");
}

/* Calls that the other client has refused, and the client is dropped before that was said. */
static void
test_refused (Forward *fixture,
              gconstpointer data)
{
  HookPlugin *plugin = add_forwarding (fixture, data);
  Calls calls = { 0 };

  g_object_set (fixture->route.targets[0], "max-pending", 1, NULL);
  for (guint i = 0; i < 3; i++)
    submit (fixture->client, "GET nothing", &calls);
  assert_client_finalized (fixture->client);
  wait_for_calls (&calls);
  calls_clear (&calls);
  assert_finalized (plugin);
  fixture->client = tornadis_client_new_for_unix_socket ("/nonexistent");
}

static void
ended_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  ++*(guint *) user_data;
}

/* The other client refuses a call within the function that makes it, or has nobody to send it to: whatever is done then, it
 * ends once, and later. */
static void
test_refused_at_once (Forward *fixture,
                      gconstpointer data)
{
  HookPlugin *plugin = add_forwarding (fixture, data);
  TornadisClient *target = fixture->route.targets[0];
  g_autoptr (TornadisCommand) command = make_command ("GET nothing");
  const int expected[] = { TORNADIS_ERROR_CLOSED, TORNADIS_ERROR_BUSY };

  for (guint reason = 0; reason < 4; reason++)
    for (guint then = 0; then < 4; then++)
      {
        g_autoptr (GCancellable) cancellable = g_cancellable_new ();
        g_autoptr (GAsyncResult) result = NULL;
        g_autoptr (GAsyncResult) other = NULL;
        g_autoptr (GError) error = NULL;
        g_autoptr (GError) last = NULL;
        guint n_ended = 0;

        tornadis_client_close (target);
        g_object_set (target, "autoconnect", reason != 0, "max-pending", reason == 1 ? 1 : 1000, NULL);
        /* One that was connected, of a server that is dead, of which nothing was read yet. */
        if (reason == 2)
          {
            assert_call (target, "PONG", "PING", NULL);
            tornadis_harness_redis_kill (fixture->redis);
          }
        for (guint i = 0; i < 3; i++)
          tornadis_client_submit (fixture->client, command, ended_cb, &n_ended, NULL);
        tornadis_client_call_async (fixture->client, command, cancellable, store_result, &result);
        tornadis_client_call_async (fixture->client, command, NULL, store_result, &other);
        g_assert_cmpuint (n_ended, ==, 0);
        g_assert_null (result);
        if (then == 1)
          g_cancellable_cancel (cancellable);
        else if (then == 2)
          tornadis_client_close (fixture->client);
        if (then == 3 || reason == 3)
          tornadis_client_close (target);
        g_assert_null (tornadis_client_call_finish (fixture->client, wait_for_result (&result), &error));
        g_assert_nonnull (error);
        wait_until (n_ended == 3 && other != NULL);
        g_assert_null (tornadis_client_call_finish (fixture->client, other, &last));
        if (then == 0 && reason < 2)
          g_assert_error (last, TORNADIS_ERROR, expected[reason]);
        if (reason == 2)
          g_assert_true (tornadis_harness_redis_restart (fixture->redis, NULL));
      }

  take_off (fixture->client, plugin);
}

/* What belongs to a transaction of the other client is not made again. */
static void
test_transaction (Forward *fixture,
                  gconstpointer data)
{
  HookPlugin *plugin = add_calling (fixture->client, "p", forward_hook, &fixture->route);
  g_autoptr (GError) error = NULL;

  add_target (fixture);
  assert_call (fixture->client, "OK", "MULTI", NULL);
  g_assert_null (call (fixture->client, &error, "NOSUCH", NULL));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_assert_cmpuint (plugin->n[CALL], ==, 2);
  take_off (fixture->client, plugin);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/plugin-forward/" path, Forward, NULL, set_up, func, tear_down)
#define ADD_ROUTE(path, func) g_test_add ("/plugin-forward/route/" path, Forward, "", set_up, func, tear_down)
  ADD ("plain", test_forward);
  ADD ("later", test_forward_later);
  ADD ("retry", test_retry);
  ADD ("cancel", test_cancel);
  ADD ("close", test_close);
  ADD ("timeout", test_timeout);
  ADD ("timeout-behind", test_timeout_behind);
  ADD ("close-within", test_close_within);
  ADD ("transaction", test_transaction);
  ADD_ROUTE ("plain", test_route);
  ADD_ROUTE ("gone", test_route_gone);
  ADD_ROUTE ("left", test_route_left);
  ADD_ROUTE ("cancel", test_cancel);
  ADD_ROUTE ("close", test_close);
  ADD_ROUTE ("timeout", test_timeout);
  ADD_ROUTE ("timeout-behind", test_timeout_behind);
  ADD_ROUTE ("close-within", test_close_within);
  ADD_ROUTE ("added", test_route_added);
  ADD_ROUTE ("refused", test_refused);
  ADD_ROUTE ("refused-at-once", test_refused_at_once);
  ADD_ROUTE ("drop-within", test_drop_within);
#undef ADD
#undef ADD_ROUTE

  return g_test_run ();
}
