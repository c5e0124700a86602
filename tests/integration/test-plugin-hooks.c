/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever a plugin does in whichever hook, every call ends once, and client and plugin go. */

#include "integration/hook-plugin.h"

/* One for all cases. */
static TornadisHarnessRedis *redis;

/* What is done in a hook, once. */
typedef enum
{
  DROP,
  CLOSE,
  AGAIN,
  REMOVE_ITSELF,
  REMOVE_ALL,
  ADD_ANOTHER,
  NEST,
  NEST_AND_CLOSE,
  DISPOSE,
  N_ACTIONS,
} Action;

typedef struct
{
  Hook hook;
  Action action;
  gboolean looking; /* a plugin that makes no calls, alone */
  gboolean acted;
  TornadisClient *client; /* (owned) (nullable) the only reference of this test */
  Calls calls;
} Acting;

static gboolean
close_cb (gpointer user_data)
{
  tornadis_client_close (user_data);
  return G_SOURCE_REMOVE;
}

static void
act (Acting *acting,
     HookPlugin *plugin,
     TornadisClient *client)
{
  GListModel *plugins = tornadis_client_get_plugins (client);

  switch (acting->action)
    {
    case DROP:
      g_clear_object (&acting->client);
      break;
    case CLOSE:
      tornadis_client_close (client);
      break;
    case AGAIN:
      for (guint i = 0; i < 3; i++)
        submit (client, "ECHO again", &acting->calls);
      break;
    case REMOVE_ITSELF:
      tornadis_client_remove_plugin (client, (TornadisPlugin *) plugin);
      break;
    case REMOVE_ALL:
      while (g_list_model_get_n_items (plugins) > 0)
        {
          g_autoptr (TornadisPlugin) first = g_list_model_get_item (plugins, 0);

          tornadis_client_remove_plugin (client, first);
        }
      break;
    case ADD_ANOTHER:
      g_object_unref (add_calling (client, "another", NULL, NULL));
      break;
    case NEST:
      spin_for (30);
      break;
    case NEST_AND_CLOSE:
      g_idle_add_full (G_PRIORITY_HIGH, close_cb, g_object_ref (client), g_object_unref);
      spin_for (30);
      break;
    case DISPOSE:
      g_object_run_dispose (G_OBJECT (client));
      break;
    case N_ACTIONS:
    default:
      g_assert_not_reached ();
    }
}

static gboolean
acting_hook (HookPlugin *plugin,
             Hook hook,
             TornadisClient *client,
             TornadisCall *call)
{
  Acting *acting = plugin->data;

  if (hook == acting->hook && !acting->acted)
    {
      acting->acted = TRUE;
      act (acting, plugin, client);
    }

  return FALSE;
}

/* Some of a client's life, in which every hook is called, as long as somebody keeps the client. */
static void
live (Acting *acting,
      HookPlugin *plugin)
{
  static const char *const lines[] = { "CLIENT TRACKING ON", "GET k", "SET k v", "PING", "INCR k", "ECHO x" };
  g_autoptr (TornadisClientPool) pool = NULL;

  for (guint round = 0; round < 2; round++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (lines) && acting->client != NULL; i++)
        submit (acting->client, lines[i], &acting->calls);
      wait_for_calls (&acting->calls);
    }

  if (acting->hook == WAITED)
    {
      g_autoptr (TornadisCommand) ping = make_command ("PING");
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (TornadisReply) reply = NULL;

      pool = tornadis_client_pool_new (acting->client);
      tornadis_client_pool_call_async (pool, ping, NULL, store_result, &result);
      reply = tornadis_client_pool_call_finish (pool, wait_for_result (&result), NULL);
      wait_for_calls (&acting->calls);
    }

  if (acting->client != NULL)
    tornadis_client_remove_plugin (acting->client, (TornadisPlugin *) plugin);
}

static void
test_acting (gconstpointer data)
{
  Acting acting = *(const Acting *) data;
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (redis));
  HookPlugin *outer = NULL, *inner = NULL, *plugin;

  acting.client = client;
  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  if (!acting.looking)
    outer = add_calling (acting.client, "o", NULL, NULL);
  plugin = (acting.looking ? add_looking : add_calling) (client, "p", acting_hook, &acting);
  if (!acting.looking && acting.client != NULL)
    inner = add_calling (acting.client, "i", NULL, NULL);

  live (&acting, plugin);
  g_assert_true (acting.acted);
  g_clear_object (&acting.client);
  wait_for_calls (&acting.calls);

  g_assert_null (client);
  g_assert_cmpuint (plugin->n[CALL], ==, plugin->n[CALL_DONE]);
  assert_finalized (plugin);
  g_clear_object (&outer);
  g_clear_object (&inner);
  g_clear_error (&acting.calls.error);
}

static void
add_acting (void)
{
  static const char *const hooks[] = { "attach", "detach", "setup", "call", "call-done", "push", "observe", "client-acquired" };
  static const char *const actions[] = { "drop", "close", "again", "remove-itself", "remove-all",
                                         "add-another", "nest", "nest-and-close", "dispose" };
  static Acting all[N_HOOKS][N_ACTIONS][2];

  for (guint hook = 0; hook < N_HOOKS; hook++)
    for (guint action = 0; action < N_ACTIONS; action++)
      for (guint looking = 0; looking < 2; looking++)
        {
          Acting *acting = &all[hook][action][looking];
          g_autofree char *path =
            g_strdup_printf ("/plugin-hooks/%s/%s%s", hooks[hook], actions[action], looking ? "-looking" : "");

          acting->hook = hook;
          acting->action = action;
          acting->looking = looking;
          if (!looking || (hook != CALL && hook != CALL_DONE))
            g_test_add_data_func (path, acting, test_acting);
        }
}

/* Keeps all calls. */
static gboolean
keep_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  if (hook == CALL)
    g_ptr_array_add (self->data, g_object_ref (call));

  return hook == CALL;
}

static void
test_held_bounded (void)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (redis));
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  HookPlugin *plugin = add_calling (client, "keeps", keep_hook, kept);
  GAsyncResult *results[15] = { NULL };

  g_test_summary ("Calls that plugins hold count for max-pending");

  g_object_set (client, "max-pending", 10, NULL);
  for (guint i = 0; i < 15; i++)
    tornadis_client_call_async (client, ping, NULL, store_result, &results[i]);
  g_assert_cmpuint (kept->len, ==, 10);
  for (guint i = 10; i < 15; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (tornadis_client_call_finish (client, wait_for_result (&results[i]), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY);
    }

  for (guint i = 0; i < kept->len; i++)
    tornadis_call_proceed (g_ptr_array_index (kept, i));
  for (guint i = 0; i < 10; i++)
    tornadis_reply_unref (tornadis_client_call_finish (client, wait_for_result (&results[i]), NULL));
  /* There is room again. */
  plugin->func = NULL;
  assert_call (client, "PONG", "PING", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    g_object_unref (results[i]);
  g_ptr_array_set_size (kept, 0);
  take_off (client, plugin);
  assert_client_finalized (client);
}

int
main (int argc,
      char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);

  redis = tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  add_acting ();
  g_test_add_func ("/plugin-hooks/held-bounded", test_held_bounded);
  status = g_test_run ();
  g_clear_object (&redis);

  return status;
}
