/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pools and pub/sub clients of a master that real sentinels replace by another one. */

#include <string.h>

#include "integration/util.h"
#include "plugins/util.h"

#define N_CLIENTS 4

typedef struct
{
  TornadisHarnessSentinel *group;
  char *uri;
} Group;

static void
set_up (Group *self,
        gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->group = tornadis_harness_sentinel_new (NULL, NULL, &error);
  g_assert_no_error (error);
  self->uri = tornadis_harness_sentinel_make_uri (self->group, NULL);
}

static void
tear_down (Group *self,
           gconstpointer data)
{
  g_clear_object (&self->group);
  g_free (self->uri);
}

static gboolean
has_other_master (Group *self,
                  int old)
{
  int master = tornadis_harness_sentinel_find_master (self->group);

  return master >= 0 && master != old;
}

/* Until all of them name another one. */
static void
fail_over (Group *self)
{
  int old = tornadis_harness_sentinel_find_master (self->group);
  g_autoptr (GError) error = NULL;

  g_assert_true (tornadis_harness_sentinel_failover (self->group, &error));
  g_assert_no_error (error);
  wait_until (has_other_master (self, old));
}

static gboolean
pool_goes_on (TornadisClientPool *pool)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "INCR", "count", NULL });
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  tornadis_client_pool_call_async (pool, command, NULL, store_result, &result);
  reply = tornadis_client_pool_call_finish (pool, wait_for_result (&result), NULL);

  return reply != NULL;
}

/* Those that were taken move, and so do those that are idle; one that waits for data hears that it has to begin again. */
static void
test_pool (Group *self,
           gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) template = tornadis_client_new_for_uri (self->uri, &error);
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (template);
  g_autoptr (TornadisCommand) pop = tornadis_command_new_strv ((const char *[]){ "BLPOP", "list", "0", NULL });

  g_assert_no_error (error);
  g_object_set (pool, "max-size", N_CLIENTS + 1, NULL);
  for (guint round = 0; round < 2; round++)
    {
      TornadisHarnessRedis *master =
        tornadis_harness_sentinel_get_server (self->group, (guint) tornadis_harness_sentinel_find_master (self->group));
      TornadisClient *taken[N_CLIENTS];
      g_autoptr (GAsyncResult) result = NULL;

      for (guint i = 0; i < N_CLIENTS; i++)
        taken[i] = assert_take (pool);
      for (guint i = 0; i < N_CLIENTS; i++)
        assert_call (taken[i], "PONG", "PING", NULL);
      /* Two are idle meanwhile. */
      for (guint i = 2; i < N_CLIENTS; i++)
        tornadis_client_pool_release_client (pool, taken[i]);
      tornadis_client_call_async (taken[0], pop, NULL, store_result, &result);
      wait_until (count_blocked (master) == 1);

      fail_over (self);
      g_assert_null (tornadis_client_call_finish (taken[0], wait_for_result (&result), &error));
      g_test_message ("%s", error->message);
      g_assert_true (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST) ||
                     (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY) && g_str_has_prefix (error->message, "UNBLOCKED")));
      g_clear_error (&error);
      for (guint i = 0; i < 2; i++)
        wait_until (is_at_master (self->group, taken[i]));
      for (guint i = 0; i < 2; i++)
        tornadis_client_pool_release_client (pool, taken[i]);
      wait_until (pool_goes_on (pool));
      for (guint i = 0; i < N_CLIENTS; i++)
        {
          taken[i] = assert_take (pool);
          g_assert_true (is_at_master (self->group, taken[i]));
        }
      for (guint i = 0; i < N_CLIENTS; i++)
        tornadis_client_pool_release_client (pool, taken[i]);
      tornadis_harness_sentinel_hurry (self->group, TRUE);
      wait_until (tornadis_harness_sentinel_is_ok (self->group));
      tornadis_harness_sentinel_hurry (self->group, FALSE);
    }
  tornadis_client_pool_destroy (pool);
}

static void
count_cb (guint *n)
{
  ++*n;
}

static void
message_cb (TornadisPubSubClient *listener,
            TornadisMessage *message,
            gpointer user_data)
{
  g_string_append_printf (user_data, "%s:%s ", tornadis_message_get_channel (message), tornadis_message_get_text (message));
}

/* Whether somebody hears it. */
static gboolean
is_heard (TornadisClient *client,
          const char *channel,
          const char *text)
{
  g_autoptr (TornadisReply) reply = call (client, NULL, "PUBLISH", channel, text, NULL);

  return reply != NULL && tornadis_reply_get_integer (reply) > 0;
}

/* What was subscribed to is subscribed to at the new master, and there was a gap. */
static void
test_pub_sub (Group *self,
              gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (self->uri, NULL);
  g_autoptr (TornadisPubSubClient) listener = tornadis_pub_sub_client_new_for_uri (self->uri, &error);
  g_autoptr (GAsyncResult) subscribed = NULL;
  g_autoptr (GAsyncResult) by_pattern = NULL;
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autofree char *title = NULL;
  guint n_gaps = 0;

  g_assert_no_error (error);
  g_object_get (listener, "title", &title, NULL);
  g_assert_cmpstr (title, ==, "main");
  g_signal_connect_swapped (listener, "gap", G_CALLBACK (count_cb), &n_gaps);
  g_signal_connect (listener, "message", G_CALLBACK (message_cb), heard);
  tornadis_pub_sub_client_subscribe_async (listener, (const char *[]){ "news", NULL }, NULL, store_result, &subscribed);
  g_assert_true (tornadis_pub_sub_client_subscribe_finish (listener, wait_for_result (&subscribed), &error));
  tornadis_pub_sub_client_psubscribe_async (listener, (const char *[]){ "p*", NULL }, NULL, store_result, &by_pattern);
  g_assert_true (tornadis_pub_sub_client_psubscribe_finish (listener, wait_for_result (&by_pattern), &error));
  g_assert_true (is_heard (client, "news", "before"));
  wait_until (strstr (heard->str, "news:before ") != NULL);

  for (guint round = 1; round <= 2; round++)
    {
      g_string_truncate (heard, 0);
      fail_over (self);
      wait_until (n_gaps >= round);
      wait_until (is_at_master (self->group, client));
      wait_until (is_heard (client, "news", "after"));
      wait_until (is_heard (client, "pp", "after"));
      wait_until (strstr (heard->str, "news:after ") != NULL && strstr (heard->str, "pp:after ") != NULL);
      tornadis_harness_sentinel_hurry (self->group, TRUE);
      wait_until (tornadis_harness_sentinel_is_ok (self->group));
      tornadis_harness_sentinel_hurry (self->group, FALSE);
    }
}

#define ADD(name, func) g_test_add ("/sentinel-clients/" name, Group, NULL, set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("pool", test_pool);
  ADD ("pub-sub", test_pub_sub);

  return g_test_run ();
}
