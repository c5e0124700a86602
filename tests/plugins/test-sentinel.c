/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plugin with sentinels and servers that say what the test has them say. */

#include "integration/util.h"
#include "plugins/fake-server.h"
#include "plugins/util.h"

#include <string.h>

static char *
make_uri (const char *options,
          Fake *first,
          ...) G_GNUC_NULL_TERMINATED;

static char *
make_uri (const char *options,
          Fake *first,
          ...)
{
  g_autoptr (GString) uri = g_string_new ("redis-sentinel://");
  va_list args;

  va_start (args, first);
  for (Fake *each = first; each != NULL; each = va_arg (args, Fake *))
    g_string_append_printf (uri, "%s127.0.0.1:%u", each != first ? "," : "", each->port);
  va_end (args);
  g_string_append_printf (uri, "/main%s", options);

  return g_string_free (g_steal_pointer (&uri), FALSE);
}

static TornadisClient *
make_client_for_uri (const char *uri)
{
  g_autoptr (GError) error = NULL;
  TornadisClient *client = tornadis_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  return client;
}

#define CLIENT(options, ...)                                       \
  ({                                                               \
    g_autofree char *made = make_uri (options, __VA_ARGS__, NULL); \
    make_client_for_uri (made);                                    \
  })

static void
tear_down_client (TornadisClient **client)
{
  TornadisClient *gone = g_steal_pointer (client);

  tornadis_client_close (gone);
  /* A round of questions may still be under way. */
  spin_for (1);
  assert_client_finalized (gone);
}

static TornadisPlugin *
get_plugin (TornadisClient *client)
{
  g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (G_LIST_MODEL (tornadis_client_get_plugins (client)), 0);

  return plugin;
}

static guint64
get_switches (TornadisClient *client)
{
  guint64 switches;

  g_object_get (get_plugin (client), "switches", &switches, NULL);
  return switches;
}

static char *
fail_to_connect (TornadisClient *client)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (connect_and_wait (client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_test_message ("%s", error->message);
  return g_strdup (error->message);
}

/* Calls until one has gone well: while servers change each attempt may fail. */
static void
call_until_ok (TornadisClient *client)
{
  gint64 patience = get_patience ();

  for (;;)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = call (client, &error, "TEST", NULL);

      if (reply != NULL)
        return;
      g_assert_true (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT) ||
                     g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST));
      g_assert_cmpint (g_get_monotonic_time (), <, patience);
    }
}

static void
test_uri (void)
{
  static const char *const bad[] = {
    "redis-sentinel://a",
    "redis-sentinel://a/",
    "redis-sentinel://a/main/x",
    "redis-sentinel://a/main/1/2",
    "redis-sentinel://a/main/-1",
    "redis-sentinel://a/main/99999999999",
    "redis-sentinel://a,,b/main",
    "redis-sentinel://a:0/main",
    "redis-sentinel://a/main?nonsense=1",
    "redis-sentinel://a/main/3?db=2",
    "redis-sentinel://a/main/3?db=0",
    "redis-sentinel://a/main/0?db=2",
  };
  g_autoptr (TornadisClient) client = make_client_for_uri ("valkeys-sentinel://user:pw@[::1],b:1/the%20name/3?role=prefer-replica&db=3");
  g_autofree char *title = NULL;
  g_autoptr (GError) problem = NULL;
  int db;
  gboolean tls;

  g_object_get (client, "db", &db, "tls", &tls, "title", &title, NULL);
  g_assert_cmpint (db, ==, 3);
  g_assert_true (tls);
  g_assert_cmpstr (title, ==, "the name (replica)");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (tornadis_client_new_for_uri (bad[i], &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
    }

  g_assert_null (tornadis_client_new_for_uri ("redis-sentinel://a/main?role=slave", &problem));
  g_assert_error (problem, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN);
}

/* One after the other until one knows, which is asked first the next time. */
static void
test_in_turn (void)
{
  g_autoptr (Fake) master = fake_new ("master");
  Fake *sentinels[6];
  g_autoptr (TornadisClient) client = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (sentinels); i++)
    sentinels[i] = fake_new_sentinel (master);
  fake_stop (sentinels[0]);
  sentinels[1]->mood = FAKE_SILENT;
  sentinels[2]->mood = FAKE_UNKNOWN;
  sentinels[3]->mood = FAKE_NOAUTH;
  sentinels[4]->mood = FAKE_GARBAGE;

  client = CLIENT ("", sentinels[0], sentinels[1], sentinels[2], sentinels[3], sentinels[4], sentinels[5]);
  assert_call (client, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (sentinels[2], "SENTINEL GET-MASTER"), ==, 1);
  g_assert_cmpuint (fake_count (sentinels[5], "SENTINEL GET-MASTER"), ==, 1);
  g_assert_cmpuint (fake_count (master, "ROLE"), ==, 1);

  tornadis_client_close (client);
  assert_call (client, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (sentinels[5], "SENTINEL GET-MASTER"), ==, 2);
  g_assert_cmpuint (fake_count (sentinels[2], "SENTINEL GET-MASTER"), ==, 1);

  /* Nobody who was asked, or not waited for, is left with more than who listens. */
  for (guint i = 1; i < G_N_ELEMENTS (sentinels); i++)
    wait_until (fake_count_connections (sentinels[i]) <= 1);
  wait_until (fake_count (sentinels[5], "SUBSCRIBE") > 0);
  wait_until (fake_count_connections (sentinels[5]) == 1);
  tear_down_client (&client);

  for (guint i = 0; i < G_N_ELEMENTS (sentinels); i++)
    fake_free (sentinels[i]);
}

/* Nothing but what every sentinel takes, and no login that is not its own. */
static void
test_login (void)
{
  g_autoptr (Fake) master = fake_new ("master");
  g_autoptr (Fake) sentinel = fake_new_sentinel (master);
  g_autofree char *uri = g_strdup_printf ("redis-sentinel://db:dbpw@127.0.0.1:%u/main/2?client-name=me"
                                          "&sentinel-username=watch&sentinel-password=watchpw",
                                          sentinel->port);
  g_autoptr (TornadisClient) client = make_client_for_uri (uri);

  assert_call (client, "OK", "TEST", NULL);
  wait_until (fake_count (sentinel, "SUBSCRIBE") == 1);
  for (guint i = 0; i < sentinel->commands->len; i++)
    {
      const char *command = g_ptr_array_index (sentinel->commands, i);

      g_assert_true (g_str_has_prefix (command, "SENTINEL ") || g_str_equal (command, "SUBSCRIBE +switch-master") ||
                     g_str_equal (command, "HELLO 3 AUTH watch watchpw"));
    }
  g_assert_cmpuint (fake_count (master, "HELLO 3 AUTH db dbpw"), ==, 1);
  g_assert_cmpuint (fake_count (master, "SELECT 2"), ==, 1);
  tear_down_client (&client);
}

static void
test_nobody_knows (void)
{
  g_autoptr (Fake) refusing = fake_new_sentinel (NULL);
  g_autoptr (Fake) unknown = fake_new_sentinel (NULL);
  g_autoptr (Fake) noauth = fake_new_sentinel (NULL);
  g_autoptr (TornadisClient) client = NULL;
  g_autofree char *message = NULL;

  fake_stop (refusing);
  noauth->mood = FAKE_NOAUTH;
  client = CLIENT ("", refusing, unknown, noauth);
  message = fail_to_connect (client);
  g_assert_nonnull (strstr (message, "no sentinel says where “main” is"));
  g_assert_nonnull (strstr (message, "refused"));
  g_assert_nonnull (strstr (message, "it knows no “main”"));
  g_assert_nonnull (strstr (message, "NOAUTH"));
  tear_down_client (&client);
}

/* Those that one tells of are asked when it is gone, and the configured ones are never forgotten. */
static void
test_list (void)
{
  g_autoptr (Fake) master = fake_new ("master");
  g_autoptr (Fake) seed = fake_new_sentinel (master);
  g_autoptr (Fake) other = fake_new_sentinel (master);
  g_autoptr (Fake) third = fake_new_sentinel (master);
  g_autoptr (TornadisClient) client = NULL;

  fake_stop (third);
  seed->sentinels = fake_list ("sentinel", other, third, NULL);
  client = CLIENT ("", seed);
  assert_call (client, "OK", "TEST", NULL);
  wait_until (fake_count (other, "SUBSCRIBE") == 1);

  /* It knows of none but itself. */
  tornadis_client_close (client);
  fake_stop (seed);
  assert_call (client, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (other, "SENTINEL GET-MASTER"), >=, 1);

  tornadis_client_close (client);
  fake_stop (other);
  fake_start (seed);
  fake_start (third);
  assert_call (client, "OK", "TEST", NULL);
  tear_down_client (&client);
}

/* A server that says what it is not, or nothing, is none to go to; another sentinel may know better. */
static void
test_lying (void)
{
  g_autoptr (Fake) replica = fake_new ("slave");
  g_autoptr (Fake) master = fake_new ("master");
  g_autoptr (Fake) liar = fake_new_sentinel (replica);
  g_autoptr (Fake) honest = fake_new_sentinel (master);
  g_autoptr (TornadisClient) client = CLIENT ("", liar, honest);
  g_autofree char *message = fail_to_connect (client);

  g_assert_nonnull (strstr (message, "The sentinels say that it is the master of “main”, but it is a replica"));
  tornadis_client_close (client);
  assert_call (client, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (master, "TEST"), ==, 1);
  g_assert_cmpuint (fake_count (replica, "TEST"), ==, 0);
  tear_down_client (&client);

  /* The same where nothing answers. */
  replica->mood = FAKE_NO_REPLY;
  client = CLIENT ("?connect-timeout=1", liar, honest);
  call_until_ok (client);
  g_assert_cmpuint (fake_count (replica, "TEST"), ==, 0);
  tear_down_client (&client);

  fake_stop (replica);
  client = CLIENT ("", liar, honest);
  call_until_ok (client);
  tear_down_client (&client);
}

/* Who has not heard of a failover is not believed while there is another. */
static void
test_epoch (void)
{
  g_autoptr (Fake) old = fake_new ("master");
  g_autoptr (Fake) new = fake_new ("master");
  g_autoptr (Fake) stale = fake_new_sentinel (old);
  g_autoptr (Fake) fresh = fake_new_sentinel (new);
  g_autoptr (TornadisClient) client = NULL;

  stale->epoch = 4;
  fresh->epoch = 5;
  client = CLIENT ("", fresh, stale);
  assert_call (client, "OK", "TEST", NULL);
  wait_until (fake_count (stale, "SUBSCRIBE") == 1);

  /* The old master says that it is one, and would for ten seconds. */
  fake_report (stale, "main 127.0.0.1 1 127.0.0.1 2");
  wait_until (fake_count (stale, "SENTINEL GET-MASTER") == 1 && fake_count (fresh, "SENTINEL GET-MASTER") == 2);
  tornadis_client_close (client);
  assert_call (client, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (old, ""), ==, 0);

  /* But who set up the sentinels anew has begun with 0. */
  fake_stop (fresh);
  fake_stop (new);
  call_until_ok (client);
  g_assert_cmpuint (fake_count (old, "TEST"), ==, 1);
  g_assert_cmpuint (get_switches (client), ==, 1);
  tornadis_client_close (client);
  assert_call (client, "OK", "TEST", NULL);
  tear_down_client (&client);
}

/* A report is looked into, and what the sentinel then says too. */
static void
test_report (void)
{
  g_autoptr (Fake) old = fake_new ("master");
  g_autoptr (Fake) new = fake_new ("slave");
  g_autoptr (Fake) first = fake_new_sentinel (old);
  g_autoptr (Fake) second = fake_new_sentinel (old);
  g_autoptr (TornadisClient) client = CLIENT ("", first, second);
  TornadisClientState state;
  guint n_asked;

  assert_call (client, "OK", "TEST", NULL);
  wait_until (fake_count (first, "SUBSCRIBE") == 1 && fake_count (second, "SUBSCRIBE") == 1);
  n_asked = fake_count (second, "SENTINEL GET-MASTER");
  g_assert_cmpuint (n_asked, ==, 0);

  /* Of another master, and of one whose name begins the same: nobody is asked. */
  fake_report (second, "other 127.0.0.1 1 127.0.0.1 2");
  fake_report (second, "mainly 127.0.0.1 1 127.0.0.1 2");
  fake_report (second, "main");
  fake_report (second, "");
  /* The one who has reported is asked, and says that nothing is new. */
  fake_report (second, "main 127.0.0.1 1 127.0.0.1 2");
  wait_until (fake_count (second, "SENTINEL GET-MASTER") == 1);
  assert_call (client, "OK", "TEST", NULL);

  /* It is not yet what it is said to be. */
  second->master = new->port;
  fake_report (second, "main 127.0.0.1 1 127.0.0.1 2");
  wait_until (fake_count (new, "ROLE") >= 2);
  assert_call (client, "OK", "TEST", NULL);
  g_assert_cmpuint (get_switches (client), ==, 0);
  g_assert_cmpuint (fake_count (old, "TEST"), ==, 3);

  new->role = "master";
  wait_until (get_switches (client) == 1);
  assert_call (client, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (old, "TEST"), ==, 3);
  g_assert_cmpuint (fake_count (new, "TEST"), ==, 1);
  wait_until (fake_count_connections (old) == 0);

  /* What was written to the old one and not answered is lost, what was not waits. */
  new->mood = FAKE_NO_REPLY;
  {
    g_autoptr (TornadisCommand) command = tornadis_command_new ("TEST");
    Tally tally = { .n_expected = 1 };

    tornadis_client_submit (client, command, tally_count_cb, &tally, NULL);
    wait_until (fake_count (new, "TEST") == 2);
    second->master = old->port;
    fake_report (second, "main 127.0.0.1 1 127.0.0.1 2");
    wait_until (tally.n_ended == 1);
    g_assert_cmpuint (tally.lost, ==, 1);
  }
  assert_call (client, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (old, "TEST"), ==, 4);
  g_object_get (client, "state", &state, NULL);
  g_assert_cmpint (state, ==, TORNADIS_CLIENT_STATE_CONNECTED);
  tear_down_client (&client);
}

/* After the connection to a sentinel was lost it may have reported what nobody heard. */
static void
test_gap (void)
{
  g_autoptr (Fake) old = fake_new ("master");
  g_autoptr (Fake) new = fake_new ("master");
  g_autoptr (Fake) sentinel = fake_new_sentinel (old);
  g_autoptr (TornadisClient) client = CLIENT ("", sentinel);

  assert_call (client, "OK", "TEST", NULL);
  wait_until (fake_count (sentinel, "SUBSCRIBE") == 1);
  fake_stop (sentinel);
  sentinel->master = new->port;
  fake_start (sentinel);
  wait_until (get_switches (client) == 1);
  assert_call (client, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (new, "TEST"), ==, 1);
  tear_down_client (&client);
}

/* One that was not there at first is listened to when it is. */
static void
test_late_sentinel (void)
{
  g_autoptr (Fake) old = fake_new ("master");
  g_autoptr (Fake) new = fake_new ("master");
  g_autoptr (Fake) first = fake_new_sentinel (old);
  g_autoptr (Fake) late = fake_new_sentinel (old);
  g_autoptr (TornadisClient) client = NULL;

  fake_stop (late);
  client = CLIENT ("", first, late);
  assert_call (client, "OK", "TEST", NULL);
  wait_until (fake_count (first, "SUBSCRIBE") == 1);
  fake_start (late);
  wait_until (fake_count (late, "SUBSCRIBE") == 1);
  fake_stop (first);
  late->master = new->port;
  fake_report (late, "main 127.0.0.1 1 127.0.0.1 2");
  wait_until (get_switches (client) == 1);
  tear_down_client (&client);
}

static void
test_replicas (void)
{
  g_autoptr (Fake) master = fake_new ("master");
  g_autoptr (Fake) replica = fake_new ("slave");
  g_autoptr (Fake) sentinel = fake_new_sentinel (master);
  g_autoptr (TornadisClient) reader = CLIENT ("?role=replica", sentinel);
  g_autoptr (TornadisClient) other = CLIENT ("?role=prefer-replica", sentinel);
  g_autofree char *none = NULL;
  g_autofree char *wrong = NULL;

  none = fail_to_connect (reader);
  g_assert_nonnull (strstr (none, "“main” has no replica that can be read from"));
  assert_call (other, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (master, "TEST"), ==, 1);

  /* It may not say. */
  g_free (none);
  sentinel->replicas = g_strdup ("-NOPERM this user has no permissions\r\n");
  none = fail_to_connect (reader);
  g_assert_nonnull (strstr (none, "“main” has no replica that can be read from (SENTINEL REPLICAS: NOPERM this user"));

  g_free (sentinel->replicas);
  sentinel->replicas = fake_list ("slave", replica, NULL);
  tornadis_client_close (reader);
  tornadis_client_close (other);
  assert_call (reader, "OK", "TEST", NULL);
  assert_call (other, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (replica, "TEST"), ==, 2);

  /* It was made a master, which the sentinel does not yet know: nobody who wants a replica reads there. */
  replica->role = "master";
  tornadis_client_close (reader);
  wrong = fail_to_connect (reader);
  g_assert_nonnull (strstr (wrong, "but it is a master"));

  /* Nor where there is none: the master, for who takes it. */
  fake_stop (replica);
  tornadis_client_close (other);
  assert_call (other, "OK", "TEST", NULL);
  g_assert_cmpuint (fake_count (master, "TEST"), ==, 2);
  tear_down_client (&reader);
  tear_down_client (&other);
}

/* Whatever ends while a sentinel does not answer. */
static void
test_ends_meanwhile (void)
{
  g_autoptr (Fake) sentinel = fake_new_sentinel (NULL);

  sentinel->mood = FAKE_SILENT;
  for (guint i = 0; i < 4; i++)
    {
      TornadisClient *client = CLIENT ("", sentinel);
      TornadisClient *other = tornadis_client_new ("127.0.0.1", 1);
      g_autoptr (TornadisCommand) command = tornadis_command_new ("TEST");
      Tally tally = { .n_expected = 2 };
      guint n = fake_count (sentinel, "HELLO");

      g_assert_true (tornadis_client_add_plugin (other, get_plugin (client), NULL));
      tornadis_client_submit (client, command, tally_count_cb, &tally, NULL);
      tornadis_client_submit (other, command, tally_count_cb, &tally, NULL);
      wait_until (fake_count (sentinel, "HELLO") > n);

      if (i == 0)
        tornadis_client_remove_plugin (client, get_plugin (client));
      else if (i == 1)
        tornadis_client_close (client);
      if (i < 3)
        assert_client_finalized (client);
      wait_until (i == 3 || tally.n_ended == 1);
      assert_client_finalized (other);
      if (i == 3)
        assert_client_finalized (client);
      wait_until (tally.n_ended == 2);
      g_assert_cmpuint (tally.ok, ==, 0);
    }
}

static void
refused_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  *(char **) user_data = g_strdup (error->message);
}

/* The plugin is removed while calls wait for the next attempt to connect: they do not go to the server that the client itself is
 * of, as those do that are made from then on. */
static void
test_removed_while_waiting (void)
{
  g_autoptr (Fake) own = fake_new ("master");
  g_autoptr (Fake) sentinel = fake_new_sentinel (NULL);
  g_autoptr (TornadisClient) client = CLIENT ("", sentinel);
  g_autoptr (TornadisCommand) command = tornadis_command_new ("TEST");
  g_autofree char *words = NULL;
  TornadisClientState state;

  sentinel->mood = FAKE_UNKNOWN;
  g_object_set (client, "host", "127.0.0.1", "port", own->port, NULL);
  /* The more attempts have failed the longer it waits for the next. */
  do
    {
      g_clear_pointer (&words, g_free);
      tornadis_client_submit (client, command, refused_cb, &words, NULL);
      do
        {
          g_main_context_iteration (NULL, TRUE);
          g_object_get (client, "state", &state, NULL);
        }
      while (state != TORNADIS_CLIENT_STATE_WAITING && words == NULL);
    }
  while (words != NULL);

  tornadis_client_remove_plugin (client, get_plugin (client));
  wait_until (words != NULL);
  g_assert_cmpstr (words, ==, "Could not connect to main: the plugin was removed");
  g_assert_cmpuint (fake_count (own, "TEST"), ==, 0);
  call_until_ok (client);
  g_assert_cmpuint (fake_count (own, "TEST"), ==, 1);
  tear_down_client (&client);
}

static void
drop_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  g_assert_nonnull (error);
  g_clear_pointer ((GPtrArray **) user_data, g_ptr_array_unref);
}

/* One of those who wait lets go of all others, and with them of the plugin, when it is told. */
static void
test_reentrancy (void)
{
  g_autoptr (Fake) sentinel = fake_new_sentinel (NULL);
  GPtrArray *clients = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (TornadisCommand) command = tornadis_command_new ("TEST");
  TornadisClient *last = NULL;

  for (guint i = 0; i < 5; i++)
    {
      TornadisClient *client = i == 0 ? CLIENT ("", sentinel) : tornadis_client_new ("127.0.0.1", 1);

      if (i > 0)
        g_assert_true (tornadis_client_add_plugin (client, get_plugin (clients->pdata[0]), NULL));
      g_ptr_array_add (clients, client);
      last = client;
    }
  g_object_add_weak_pointer (G_OBJECT (last), (gpointer *) &last);
  for (guint i = 0; i < 5; i++)
    tornadis_client_submit (clients->pdata[i], command, drop_cb, &clients, NULL);
  wait_until (last == NULL);
}

/* All clients of a pool are told by one question, and moved by one report. */
static void
test_pool (void)
{
  g_autoptr (Fake) old = fake_new ("master");
  g_autoptr (Fake) new = fake_new ("master");
  g_autoptr (Fake) sentinel = fake_new_sentinel (old);
  g_autoptr (TornadisClient) template = CLIENT ("", sentinel);
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (template);
  g_autoptr (GPtrArray) taken = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (TornadisCommand) command = tornadis_command_new ("TEST");
  Tally tally = { .n_expected = 4 };
  guint n_asked;

  for (guint i = 0; i < 4; i++)
    g_ptr_array_add (taken, assert_take (pool));
  wait_until (fake_count (sentinel, "SUBSCRIBE") == 1);
  for (guint i = 0; i < 4; i++)
    assert_call (taken->pdata[i], "OK", "TEST", NULL);
  n_asked = fake_count (sentinel, "SENTINEL GET-MASTER");
  g_assert_cmpuint (n_asked, <=, 4);

  sentinel->master = new->port;
  fake_report (sentinel, "main 127.0.0.1 1 127.0.0.1 2");
  wait_until (get_switches (template) == 1);
  for (guint i = 0; i < 4; i++)
    tornadis_client_submit (taken->pdata[i], command, tally_count_cb, &tally, NULL);
  wait_until (tally.n_ended == 4);
  g_assert_cmpuint (tally.ok, ==, 4);
  g_assert_cmpuint (fake_count (old, "TEST"), ==, 4);
  g_assert_cmpuint (fake_count (new, "TEST"), ==, 4);
  /* Once because of the report, once by those who moved. */
  g_assert_cmpuint (fake_count (sentinel, "SENTINEL GET-MASTER"), ==, n_asked + 2);
  g_assert_cmpuint (fake_count (sentinel, "SUBSCRIBE"), ==, 1);

  for (guint i = 0; i < 4; i++)
    tornadis_client_pool_release_client (pool, taken->pdata[i]);
  tornadis_client_pool_destroy (pool);
}

/* One who tells of very many others, or says more than a sentinel has to say. */
static void
test_hostile (void)
{
  g_autoptr (Fake) master = fake_new ("master");
  g_autoptr (Fake) sentinel = fake_new_sentinel (master);
  g_autoptr (GString) list = g_string_new ("*4000\r\n");
  g_autoptr (TornadisClient) client = NULL;
  g_autofree char *message = NULL;

  for (guint i = 0; i < 4000; i++)
    g_string_append_printf (list, "%%2\r\n+ip\r\n+127.0.%u.%u\r\n+port\r\n+1\r\n", i / 200, 1 + i % 200);
  sentinel->sentinels = g_strdup (list->str);
  client = CLIENT ("", sentinel);
  for (guint i = 0; i < 3; i++)
    {
      tornadis_client_close (client);
      assert_call (client, "OK", "TEST", NULL);
    }

  g_free (sentinel->sentinels);
  sentinel->sentinels = g_strdup ("$5000000\r\n");
  tornadis_client_close (client);
  message = fail_to_connect (client);
  g_assert_nonnull (strstr (message, "larger"));
  tear_down_client (&client);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sentinel/uri", test_uri);
  g_test_add_func ("/sentinel/in-turn", test_in_turn);
  g_test_add_func ("/sentinel/login", test_login);
  g_test_add_func ("/sentinel/nobody-knows", test_nobody_knows);
  g_test_add_func ("/sentinel/list", test_list);
  g_test_add_func ("/sentinel/lying", test_lying);
  g_test_add_func ("/sentinel/epoch", test_epoch);
  g_test_add_func ("/sentinel/report", test_report);
  g_test_add_func ("/sentinel/gap", test_gap);
  g_test_add_func ("/sentinel/late-sentinel", test_late_sentinel);
  g_test_add_func ("/sentinel/replicas", test_replicas);
  g_test_add_func ("/sentinel/ends-meanwhile", test_ends_meanwhile);
  g_test_add_func ("/sentinel/removed-while-waiting", test_removed_while_waiting);
  g_test_add_func ("/sentinel/reentrancy", test_reentrancy);
  g_test_add_func ("/sentinel/pool", test_pool);
  g_test_add_func ("/sentinel/hostile", test_hostile);

  return g_test_run ();
}
