/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plugin with real sentinels, whose master dies, sleeps and is replaced while it is called. */

#include "integration/util.h"
#include "plugins/util.h"

#include <stdlib.h>
#include <string.h>

#define N_WRITERS 4

typedef struct
{
  TornadisHarnessSentinel *group;
} Group;

/* One that writes the numbers from 1 on, and waits until a replica has each. */
typedef struct
{
  TornadisClient *client; /* (owned) */
  char *key;              /* (owned) */
  guint number;
  guint n_acknowledged;
  guint acknowledged; /* the last of them */
  guint n_failed;
  guint n_after_failure; /* acknowledged */
  gboolean stopping;
  gboolean stopped;
} Writer;

static void
set_up (Group *fixture,
        gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->group = tornadis_harness_sentinel_new (NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
tear_down (Group *fixture,
           gconstpointer data)
{
  g_clear_object (&fixture->group);
}

static TornadisClient *
make_sentinel_client (Group *fixture,
                      const char *options)
{
  g_autofree char *uri = tornadis_harness_sentinel_make_uri (fixture->group, options);
  g_autoptr (GError) error = NULL;
  TornadisClient *client = tornadis_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  return client;
}

static TornadisHarnessRedis *
get_server (Group *fixture,
            int i)
{
  return tornadis_harness_sentinel_get_server (fixture->group, (guint) i);
}

static gboolean writer_go_on (gpointer user_data);

/* A call ends with a reply, or in one of the ways that are promised. */
static void
writer_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Writer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_pipeline_finish (TORNADIS_CLIENT (object), result, &error);
  TornadisReply *set = reply != NULL ? tornadis_reply_get_element (reply, 0) : NULL;
  TornadisReply *wait = reply != NULL ? tornadis_reply_get_element (reply, 1) : NULL;

  if (reply != NULL && !tornadis_reply_is_error (set) && !tornadis_reply_is_error (wait))
    {
      if (tornadis_reply_get_integer (wait) >= 1)
        {
          self->n_acknowledged++;
          self->n_after_failure++;
          self->acknowledged = self->number;
        }
    }
  else if (reply != NULL)
    {
      const char *words[] = { "UNBLOCKED", "READONLY", "LOADING", "MASTERDOWN", NULL };
      g_autoptr (GError) server = tornadis_reply_dup_error (tornadis_reply_is_error (set) ? set : wait);
      gboolean known = FALSE;

      for (guint i = 0; words[i] != NULL; i++)
        known |= strstr (server->message, words[i]) != NULL;
      if (!known)
        g_error ("%s", server->message);
      self->n_failed++;
      self->n_after_failure = 0;
    }
  else
    {
      if (!g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST) &&
          !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED) &&
          !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT))
        g_error ("%s", error->message);
      self->n_failed++;
      self->n_after_failure = 0;
    }

  /* What matters is that there is always something on its way. */
  g_timeout_add (1, writer_go_on, self);
}

static gboolean
writer_go_on (gpointer user_data)
{
  Writer *self = user_data;
  g_autoptr (TornadisPipeline) pipeline = NULL;
  g_autofree char *number = NULL;

  if (self->stopping)
    {
      self->stopped = TRUE;
      return G_SOURCE_REMOVE;
    }

  number = g_strdup_printf ("%u", ++self->number);
  pipeline = tornadis_pipeline_new ();
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "SET", self->key, number, NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "WAIT", "1", "500", NULL });
  tornadis_client_call_pipeline_async (self->client, pipeline, NULL, writer_cb, self);

  return G_SOURCE_REMOVE;
}

static void
writers_start (Writer *self,
               Group *fixture)
{
  for (guint i = 0; i < N_WRITERS; i++)
    {
      self[i] = (Writer){ .client = make_sentinel_client (fixture, NULL), .key = g_strdup_printf ("key:%u", i) };
      writer_go_on (&self[i]);
    }
  for (guint i = 0; i < N_WRITERS; i++)
    wait_until (self[i].n_acknowledged >= 10);
}

/* All of them write, and have since they last could not or this was forgotten. */
static void
writers_wait (Writer *self,
              gboolean failed)
{
  for (guint i = 0; i < N_WRITERS; i++)
    wait_until ((self[i].n_failed > 0 || !failed) && self[i].n_after_failure >= 10);
}

static void
writers_forget (Writer *self)
{
  for (guint i = 0; i < N_WRITERS; i++)
    self[i].n_failed = self[i].n_after_failure = 0;
}

/* What a replica has had is what the master has now. */
static void
writers_stop (Writer *self)
{
  for (guint i = 0; i < N_WRITERS; i++)
    {
      g_autofree char *text = NULL;

      self[i].stopping = TRUE;
      wait_until (self[i].stopped);
      text = call_text (self[i].client, "GET", self[i].key, NULL);
      g_assert_cmpuint ((guint) atoi (text + 1), >=, self[i].acknowledged);
      g_test_message ("%s: %u of %u acknowledged, %u failed", self[i].key, self[i].n_acknowledged, self[i].number,
                      self[i].n_failed);
      tornadis_client_close (self[i].client);
      spin_for (1);
      assert_client_finalized (self[i].client);
      g_free (self[i].key);
    }
}

static guint
count_writes (Group *fixture,
              int server)
{
  return count_calls (get_server (fixture, server), "set");
}

/* A server that still takes itself for the master. As a replica it has what the master has sent. */
static void
assert_not_written (Group *fixture,
                    int server,
                    guint n_at_most)
{
  guint n = count_writes (fixture, server);
  g_autofree char *role = tornadis_harness_redis_command (get_server (fixture, server), "ROLE", NULL);

  g_test_message ("%u writes, %s", n, strstr (role, "master") != NULL ? "a master" : "a replica");
  if (strstr (role, "master") != NULL)
    g_assert_cmpuint (n, <=, n_at_most);
}

static gboolean
has_other_master (Group *fixture,
                  int old)
{
  int master = tornadis_harness_sentinel_find_master (fixture->group);

  return master >= 0 && master != old;
}

static void
wait_for_other_master (Group *fixture,
                       int old)
{
  wait_until (has_other_master (fixture, old));
}

/* What clients are to do meanwhile is known: the sentinels need not take their time over the rest. */
static void
wait_until_ok (TornadisHarnessSentinel *group)
{
  tornadis_harness_sentinel_hurry (group, TRUE);
  wait_until (tornadis_harness_sentinel_is_ok (group));
  tornadis_harness_sentinel_hurry (group, FALSE);
}

/* Where calls go now: to the one that the sentinels name. On a busy machine they may have taken that one to be down meanwhile,
 * too, and name another. */
static void
assert_at_master (Group *fixture,
                  TornadisClient *client)
{
  wait_until (is_at_master (fixture->group, client));
}

static void
test_kill (Group *fixture,
           gconstpointer data)
{
  Writer writers[N_WRITERS];
  int old = tornadis_harness_sentinel_find_master (fixture->group);
  g_autoptr (GError) error = NULL;

  writers_start (writers, fixture);
  tornadis_harness_redis_kill (get_server (fixture, old));
  writers_wait (writers, TRUE);
  wait_for_other_master (fixture, old);
  assert_at_master (fixture, writers[0].client);

  /* It comes back as a master, which it is for ten seconds. */
  g_assert_true (tornadis_harness_redis_restart (get_server (fixture, old), &error));
  g_assert_no_error (error);
  for (guint i = 0; i < N_WRITERS; i++)
    tornadis_client_close (writers[i].client);
  writers_forget (writers);
  writers_wait (writers, FALSE);
  assert_not_written (fixture, old, 0);

  wait_until_ok (fixture->group);
  writers_forget (writers);
  writers_wait (writers, FALSE);
  assert_at_master (fixture, writers[1].client);
  writers_stop (writers);
}

static void
test_stop (Group *fixture,
           gconstpointer data)
{
  Writer writers[N_WRITERS];
  int old = tornadis_harness_sentinel_find_master (fixture->group);
  guint n_before;

  writers_start (writers, fixture);
  tornadis_harness_redis_pause (get_server (fixture, old));
  writers_wait (writers, TRUE);
  wait_for_other_master (fixture, old);

  /* What is in its sockets it acknowledges, and loses; nobody hears that. Then nothing comes. */
  tornadis_harness_redis_resume (get_server (fixture, old));
  n_before = count_writes (fixture, old);
  writers_forget (writers);
  writers_wait (writers, FALSE);
  assert_not_written (fixture, old, n_before + N_WRITERS);

  wait_until_ok (fixture->group);
  writers_forget (writers);
  writers_wait (writers, FALSE);
  for (guint i = 0; i < N_WRITERS; i++)
    assert_at_master (fixture, writers[i].client);
  writers_stop (writers);
}

static void
test_failover (Group *fixture,
               gconstpointer data)
{
  Writer writers[N_WRITERS];
  int old = tornadis_harness_sentinel_find_master (fixture->group);
  g_autoptr (TornadisClient) idle = make_sentinel_client (fixture, NULL);
  g_autoptr (GError) error = NULL;

  writers_start (writers, fixture);
  assert_at_master (fixture, idle);
  g_assert_true (tornadis_harness_sentinel_failover (fixture->group, &error));
  g_assert_no_error (error);
  wait_for_other_master (fixture, old);
  writers_forget (writers);
  writers_wait (writers, FALSE);
  /* The old master would take writes for some time yet. */
  for (guint i = 0; i < N_WRITERS; i++)
    assert_at_master (fixture, writers[i].client);
  assert_at_master (fixture, idle);
  wait_until_ok (fixture->group);

  /* One after the other. */
  for (guint i = 0; i < 2; i++)
    {
      old = tornadis_harness_sentinel_find_master (fixture->group);
      g_assert_true (tornadis_harness_sentinel_failover (fixture->group, &error));
      g_assert_no_error (error);
      wait_for_other_master (fixture, old);
      writers_forget (writers);
      writers_wait (writers, FALSE);
      for (guint k = 0; k < N_WRITERS; k++)
        assert_at_master (fixture, writers[k].client);
      wait_until_ok (fixture->group);
    }
  writers_stop (writers);
  tornadis_client_close (idle);
}

/* Sentinels die, move to other ports and come back, and each time the ones that are left are enough. */
static void
test_sentinels (Group *fixture,
                gconstpointer data)
{
  Writer writers[N_WRITERS];
  g_autoptr (GError) error = NULL;
  int old;

  writers_start (writers, fixture);

  /* Two go elsewhere, one after the other: they are known from the others. */
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (tornadis_harness_redis_move (tornadis_harness_sentinel_get_sentinel (fixture->group, i), &error));
      g_assert_no_error (error);
      wait_until_ok (fixture->group);
    }
  /* The configured one that is left is asked once more by each, as after a lost connection. */
  for (guint i = 0; i < N_WRITERS; i++)
    tornadis_client_close (writers[i].client);
  writers_forget (writers);
  writers_wait (writers, FALSE);

  /* Now none of those that were configured is there. */
  tornadis_harness_redis_kill (tornadis_harness_sentinel_get_sentinel (fixture->group, 2));
  old = tornadis_harness_sentinel_find_master (fixture->group);
  writers_forget (writers);
  tornadis_harness_redis_kill (get_server (fixture, old));
  writers_wait (writers, TRUE);
  wait_for_other_master (fixture, old);
  assert_at_master (fixture, writers[0].client);

  writers_stop (writers);
}

/* All of them are gone: calls fail, and go on when they are back. */
static void
test_all_down (Group *fixture,
               gconstpointer data)
{
  Writer writers[N_WRITERS];
  g_autoptr (GError) error = NULL;
  int old = tornadis_harness_sentinel_find_master (fixture->group);
  guint n = tornadis_harness_sentinel_get_n (fixture->group);

  writers_start (writers, fixture);

  /* Without sentinels nobody who is connected minds. */
  for (guint i = 0; i < n; i++)
    tornadis_harness_redis_kill (tornadis_harness_sentinel_get_sentinel (fixture->group, i));
  writers_forget (writers);
  writers_wait (writers, FALSE);

  for (guint i = 0; i < n; i++)
    tornadis_harness_redis_kill (get_server (fixture, (int) i));
  for (guint i = 0; i < N_WRITERS; i++)
    wait_until (writers[i].n_failed > 1);

  /* The replicas begin empty, like the master: what was acknowledged is gone with all three. */
  for (guint i = 0; i < n; i++)
    g_assert_true (tornadis_harness_redis_restart (get_server (fixture, (int) i), &error));
  for (guint i = 0; i < n; i++)
    g_assert_true (tornadis_harness_redis_restart (tornadis_harness_sentinel_get_sentinel (fixture->group, i), &error));
  for (guint i = 0; i < N_WRITERS; i++)
    writers[i].acknowledged = 0;
  writers_wait (writers, TRUE);
  g_assert_cmpint (tornadis_harness_sentinel_find_master (fixture->group), ==, old);
  writers_stop (writers);
}

static gboolean
calls_go_well (TornadisClient *client,
               const char *name,
               const char *key)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call (client, &error, name, key, NULL);

  g_assert_true (error == NULL || g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT) ||
                 g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST));
  return reply != NULL;
}

/* Readers are at replicas, and go where there is one. */
static void
test_replicas (Group *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisClient) writer = make_sentinel_client (fixture, NULL);
  g_autoptr (TornadisClient) reader = make_sentinel_client (fixture, "?role=replica");
  g_autoptr (TornadisClient) either = make_sentinel_client (fixture, "?role=prefer-replica");
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) role = NULL;
  int master = tornadis_harness_sentinel_find_master (fixture->group);

  assert_call (writer, "OK", "SET", "key", "value", NULL);
  assert_call (writer, "(integer) 2", "WAIT", "2", "0", NULL);
  assert_call (reader, "\"value\"", "GET", "key", NULL);
  assert_call (either, "\"value\"", "GET", "key", NULL);
  g_assert_cmpuint (count_calls (get_server (fixture, master), "get"), ==, 0);

  /* No replica is left. */
  for (int i = 0; i < 3; i++)
    if (i != master)
      tornadis_harness_redis_kill (get_server (fixture, i));
  wait_until (!calls_go_well (reader, "GET", "key"));
  wait_until (calls_go_well (either, "GET", "key"));
  assert_at_master (fixture, either);

  for (int i = 0; i < 3; i++)
    if (i != master)
      g_assert_true (tornadis_harness_redis_restart (get_server (fixture, i), NULL));
  wait_until (calls_go_well (reader, "GET", "key"));
  role = call (reader, &error, "ROLE", NULL);
  g_assert_no_error (error);
  g_assert_cmpstr (tornadis_reply_get_text (tornadis_reply_get_element (role, 0)), ==, "slave");

  tornadis_client_close (writer);
  tornadis_client_close (reader);
  tornadis_client_close (either);
}

static gboolean
info_has (TornadisHarnessRedis *sentinel,
          const char *words)
{
  g_autofree char *stats = tornadis_harness_redis_command (sentinel, "INFO stats", NULL);

  return strstr (stats, words) != NULL;
}

/* Nothing that is sent to a sentinel is refused by it. */
static void
test_no_errors_left (Group *fixture,
                     gconstpointer data)
{
  static const char *const options[] = { "/3?client-name=me", "?protocol=2", "?protocol=3&role=replica" };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (TornadisClient) client = make_sentinel_client (fixture, options[i]);

      assert_call (client, "PONG", "PING", NULL);
      /* Listened to as well. */
      for (guint k = 0; k < tornadis_harness_sentinel_get_n (fixture->group); k++)
        {
          TornadisHarnessRedis *sentinel = tornadis_harness_sentinel_get_sentinel (fixture->group, k);

          wait_until (info_has (sentinel, "pubsub_channels:1\r"));
        }
      tornadis_client_close (client);
      spin_for (1);
    }

  for (guint k = 0; k < tornadis_harness_sentinel_get_n (fixture->group); k++)
    {
      TornadisHarnessRedis *sentinel = tornadis_harness_sentinel_get_sentinel (fixture->group, k);

      /* They have no errorstats. */
      g_assert_true (info_has (sentinel, "total_error_replies:0\r"));
    }
}

/* Sentinels that were reset know the master, and no replica for some seconds; of a master that is restarted at once they say
 * nothing. */
static void
test_reset (Group *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisClient) writer = make_sentinel_client (fixture, NULL);
  g_autoptr (TornadisClient) either = make_sentinel_client (fixture, "?role=prefer-replica");
  int master = tornadis_harness_sentinel_find_master (fixture->group);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < tornadis_harness_sentinel_get_n (fixture->group); i++)
    {
      TornadisHarnessRedis *sentinel = tornadis_harness_sentinel_get_sentinel (fixture->group, i);
      g_autofree char *answer = tornadis_harness_redis_command (sentinel, "SENTINEL RESET *", NULL);

      g_assert_cmpstr (answer, ==, ":1\r\n");
    }
  assert_call (writer, "(integer) 1", "INCR", "number", NULL);
  wait_until (calls_go_well (either, "GET", "number"));

  g_assert_true (tornadis_harness_redis_restart (get_server (fixture, master), &error));
  g_assert_no_error (error);
  /* Whatever it says until then: on a busy machine it may have been found dead. */
  wait_until (({
    g_autoptr (TornadisReply) reply = call (writer, NULL, "INCR", "number", NULL);
    reply != NULL;
  }));
  assert_at_master (fixture, writer);

  tornadis_client_close (writer);
  tornadis_client_close (either);
}

/* Over TLS, with a login for servers and another for sentinels. */
static void
test_tls (void)
{
  static const char *const server_args[] = { "--requirepass", "serverpw", "--masterauth", "serverpw", NULL };
  static const char *const sentinel_args[] = { "--requirepass", "sentinelpw", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessSentinel) group = tornadis_harness_sentinel_new_tls (server_args, sentinel_args, &error);
  g_autofree char *uri = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (TornadisClient) client = NULL;
  g_auto (GStrv) parts = NULL;
  g_autofree char *full = NULL;

  g_assert_no_error (error);
  uri = tornadis_harness_sentinel_make_uri (group, "?sentinel-password=sentinelpw");
  parts = g_strsplit (uri, "//", 2);
  full = g_strdup_printf ("%s//:serverpw@%s", parts[0], parts[1]);
  path = tornadis_harness_sentinel_get_file (group, "ca.pem");
  database = g_tls_file_database_new (path, &error);
  g_assert_no_error (error);
  client = tornadis_client_new_for_uri (full, &error);
  g_assert_no_error (error);
  g_object_set (client, "tls-database", database, NULL);
  assert_call (client, "OK", "SET", "key", "value", NULL);

  g_assert_true (tornadis_harness_sentinel_failover (group, &error));
  wait_until (tornadis_harness_sentinel_find_master (group) > 0);
  wait_until_ok (group);
  assert_call (client, "OK", "SET", "key", "again", NULL);
  tornadis_client_close (client);
  spin_for (1);
}

#define ADD(name, func) g_test_add ("/sentinel-failover/" name, Group, NULL, set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("kill", test_kill);
  ADD ("stop", test_stop);
  ADD ("failover", test_failover);
  ADD ("sentinels", test_sentinels);
  ADD ("all-down", test_all_down);
  ADD ("replicas", test_replicas);
  ADD ("no-errors-left", test_no_errors_left);
  ADD ("reset", test_reset);
  g_test_add_func ("/sentinel-failover/tls", test_tls);

  return g_test_run ();
}
