/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/model-util.h"

#include <string.h>

static const char *const silent[] = { NULL };

static TornadisStreamModel *
make_model (Fixture *fixture,
            guint max_items)
{
  TornadisStreamModel *model = tornadis_stream_model_new (fixture->client, "log", max_items);

  if (g_str_has_suffix (g_test_get_path (), "resp2"))
    g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  wait_for_live (model);

  return model;
}

/* What there is, what comes, and what others take away. */
static void
test_follow (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisStreamModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisItem) item = NULL;
  TornadisStreamEntry *entry;
  Shadow *shadow;

  run (other, "XADD log 1-1 what a level 3");
  run (other, "XADD log 2-1 what b");
  model = make_model (fixture, 100);
  wait_for_rows (model, "1-1=a 2-1=b");
  shadow = shadow_new (model);
  shadow_look (shadow, 0, 10);

  item = g_list_model_get_item (G_LIST_MODEL (model), 0);
  entry = tornadis_item_get_entry (item);
  g_assert_cmpstr (tornadis_stream_entry_get_id (entry), ==, "1-1");
  g_assert_cmpuint (tornadis_stream_entry_get_n_fields (entry), ==, 2);
  g_assert_cmpstr (tornadis_stream_entry_lookup_text (entry, "level"), ==, "3");
  g_assert_cmpstr (tornadis_stream_entry_get_stream (entry), ==, "log");
  g_assert_cmpuint (tornadis_stream_model_get_max_items (model), ==, 100);

  run (other, "XADD log 3-1 what c");
  wait_for_rows (model, "1-1=a 2-1=b 3-1=c");
  shadow_assert_last (shadow, 2, 0, 1);
  shadow_look (shadow, 0, 10);
  run (other, "XDEL log 2-1");
  wait_for_rows (model, "1-1=a 3-1=c");
  shadow_assert_last (shadow, 1, 1, 0);
  run (other, "XTRIM log MAXLEN 1");
  wait_for_rows (model, "3-1=c");
  shadow_assert_last (shadow, 0, 1, 0);
  run (other, "XDEL log 3-1");
  wait_for_rows (model, "");
  run (other, "XADD log 4-1 what d");
  wait_for_rows (model, "4-1=d");
  /* Of a group nothing is looked at. */
  run (other, "XGROUP CREATE log group 0");
  run (other, "XADD log MAXLEN 1 4-2 what e");
  wait_for_rows (model, "4-2=e");
  shadow_free (shadow);
}

/* It is made anew, with lower ids, and with the same ids and other fields. */
static void
test_anew (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisStreamModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisItem) item = NULL;

  run (other, "XADD log 5-1 what a");
  run (other, "XADD log 6-1 what b");
  model = make_model (fixture, 100);
  wait_for_rows (model, "5-1=a 6-1=b");
  run (other, "DEL log");
  wait_for_rows (model, "");
  run (other, "XADD log 1-1 what c");
  wait_for_rows (model, "1-1=c");
  item = g_list_model_get_item (G_LIST_MODEL (model), 0);
  run (other, "EVAL redis.call('DEL','log')|redis.call('XADD','log','1-1','what','d') 0");
  wait_for_rows (model, "1-1=d");
  g_assert_cmpstr (tornadis_item_get_text (item), ==, "d");
  run (other, "XADD log 1-2 what e");
  wait_for_rows (model, "1-1=d 1-2=e");
}

/* No more than so many; of those in front some come back. */
static void
test_max_items (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisStreamModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  Shadow *shadow;

  for (guint i = 1; i <= 5; i++)
    {
      g_autofree char *line = g_strdup_printf ("XADD log %u-1 what %u", i, i);

      run (other, line);
    }
  model = make_model (fixture, 3);
  wait_for_rows (model, "3-1=3 4-1=4 5-1=5");
  shadow = shadow_new (model);
  shadow_look (shadow, 0, 3);
  run (other, "XADD log 6-1 what 6");
  wait_for_rows (model, "4-1=4 5-1=5 6-1=6");
  run (other, "XDEL log 5-1");
  wait_for_rows (model, "3-1=3 4-1=4 6-1=6");
  run (other, "EVAL for|i=7,5000|do|redis.call('XADD','log',i..'-1','what',i)|end 0");
  wait_for_rows (model, "4998-1=4998 4999-1=4999 5000-1=5000");
  shadow_free (shadow);
}

/* Entries come without notifications, the rest at a refresh. */
static void
test_silent (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisStreamModel) model = tornadis_stream_model_new (fixture->client, "log", 10);
  TornadisLiveModel *live = TORNADIS_LIVE_MODEL (model);
  g_autoptr (TornadisClient) other = make_other (fixture);

  wait_until (tornadis_live_model_get_ready (live));
  run (other, "XADD log 1-1 what a");
  run (other, "XADD log 2-1 what b");
  wait_for_rows (model, "1-1=a 2-1=b");
  g_assert_false (tornadis_live_model_get_live (live));
  run (other, "XDEL log 1-1");
  tornadis_live_model_refresh (live);
  wait_for_rows (model, "2-1=b");
  run (other, "DEL log");
  run (other, "XADD log 1-1 what c");
  tornadis_live_model_refresh (live);
  wait_for_rows (model, "1-1=c");
  run (other, "XADD log 1-2 what d");
  wait_for_rows (model, "1-1=c 1-2=d");
}

/* Another type of key for a while; a user who may not call XREAD. */
static void
test_refused (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisStreamModel) model = NULL;
  g_autoptr (TornadisStreamModel) another = NULL;
  TornadisLiveModel *live;
  g_autoptr (TornadisClient) other = make_other (fixture);

  run (other, "XADD log 1-1 what a");
  model = make_model (fixture, 10);
  live = TORNADIS_LIVE_MODEL (model);
  wait_for_rows (model, "1-1=a");
  run (other, "SET log text");
  wait_until (tornadis_live_model_get_error (live) != NULL);
  wait_for_rows (model, "1-1=a");
  run (other, "DEL log");
  wait_for_rows (model, "");
  run (other, "XADD log 1-1 what b");
  wait_for_rows (model, "1-1=b");
  g_assert_null (tornadis_live_model_get_error (live));

  run (other, "ACL SETUSER default -xread");
  another = make_model (fixture, 10);
  run (other, "XADD log 1-2 what c");
  wait_for_rows (another, "1-1=b 1-2=c");
  run (other, "XADD log 1-3 what d");
  wait_for_rows (another, "1-1=b 1-2=c 1-3=d");
}

static void
test_lost (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisStreamModel) model = NULL;

  run (fixture->client, "XADD log 5-1 what a");
  model = make_model (fixture, 10);
  wait_for_rows (model, "5-1=a");
  tornadis_harness_redis_kill (fixture->redis);
  wait_until (!tornadis_live_model_get_live (TORNADIS_LIVE_MODEL (model)));
  assert_done (tornadis_harness_redis_restart, fixture->redis);
  wait_for_rows (model, "");
  wait_for_live (model);
  run (fixture->client, "XADD log 1-1 what b");
  wait_for_rows (model, "1-1=b");
}

/* Everything at once: at rest it is what is there. */
static void
test_random (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisStreamModel) model = make_model (fixture, 40);
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  Shadow *shadow = shadow_new (model);
  g_autoptr (TornadisCommand) all = make_command ("XREVRANGE log + - COUNT 40");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GString) expected = g_string_new (NULL);
  g_autofree char *last = NULL;

  for (guint i = 1; i < 2000; i++)
    {
      g_autofree char *add = g_strdup_printf ("XADD log %u-1 what %u", i, i);
      g_autofree char *drop = g_strdup_printf ("XDEL log %u-1", (guint) g_rand_int_range (rand, (gint32) (i > 60 ? i - 60 : 1), (gint32) i + 1));
      g_autofree char *trim = g_strdup_printf ("XTRIM log MAXLEN %d", g_rand_int_range (rand, 20, 60));
      gint32 dice = g_rand_int_range (rand, 0, 100);
      g_autoptr (TornadisCommand) command = make_command (dice < 10 ? drop : dice < 15 ? trim
                                                                           : dice < 16 ? "DEL log"
                                                                                       : add);

      tornadis_client_submit (other, command, NULL, NULL, NULL);
      if (i % 3 == 0)
        g_main_context_iteration (NULL, FALSE);
      if (i % 20 == 0)
        shadow_look (shadow, (guint) g_rand_int_range (rand, 0, 40), 10);
    }
  last = g_strdup ("XADD log 3000-1 what end");
  run (other, last);
  run (other, "XDEL log 2999-1 1999-1");
  tornadis_client_call_async (other, all, NULL, store_result, &result);
  reply = tornadis_client_call_finish (other, wait_for_result (&result), NULL);
  for (gsize i = tornadis_reply_get_n_elements (reply); i > 0; i--)
    {
      TornadisReply *entry = tornadis_reply_get_element (reply, i - 1);

      g_string_append_printf (expected, "%s%s=%s", expected->len > 0 ? " " : "",
                              tornadis_reply_get_text (tornadis_reply_get_element (entry, 0)),
                              tornadis_reply_get_text (tornadis_reply_get_element (tornadis_reply_get_element (entry, 1), 1)));
    }
  tornadis_live_model_refresh (TORNADIS_LIVE_MODEL (model));
  wait_for_rows (model, expected->str);
  shadow_free (shadow);
}

/* It tells something else than entries. */
static void
test_bad_replies (void)
{
  static const char *const replies[] = {
    "*1\r\n$3\r\nabc\r\n",
    "*0\r\n",
    "*1\r\n:5\r\n",
    "*1\r\n*1\r\n*1\r\n$3\r\n1-1\r\n",
    "*1\r\n*1\r\n*2\r\n$1\r\nx\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n",
    "*1\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*1\r\n$1\r\na\r\n",
    /* Not in order. */
    "*1\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*0\r\n*2\r\n$3\r\n2-1\r\n*0\r\n",
    "*1\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*0\r\n*2\r\n$3\r\n1-1\r\n*0\r\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autoptr (TornadisHarnessPeer) peer =
        make_peer ("answer MULTI \"+OK\\r\\n\"\nanswer XREVRANGE \"+QUEUED\\r\\n\"\nhandshake3\nserve\n");
      g_autoptr (TornadisClient) client = make_client (peer);
      g_autoptr (TornadisStreamModel) model = NULL;
      TornadisLiveModel *live;

      tornadis_harness_peer_set_answers (peer, "EXEC", (const char *[]){ replies[i], NULL });
      model = tornadis_stream_model_new (client, "log", 5);
      live = TORNADIS_LIVE_MODEL (model);
      wait_until (tornadis_live_model_get_error (live) != NULL);
      g_assert_error (tornadis_live_model_get_error (live), TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
      g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, 0);
      /* It tries again, and all is well; an entry without fields is one too. */
      tornadis_harness_peer_set_answers (peer, "EXEC", (const char *[]){ "*1\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*0\r\n", NULL });
      wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 1);
      g_assert_null (tornadis_live_model_get_error (live));
    }
}

static void
count_added_cb (GListModel *model,
                guint position,
                guint removed,
                guint added,
                guint *n_added)
{
  *n_added += added;
}

/* A reply that was under way when its entry was deleted comes behind the reading that finds it gone. */
static void
test_deleted_under_way (void)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer ("answer MULTI \"+OK\\r\\n\"\nanswer XREVRANGE \"+QUEUED\\r\\n\"\nanswer EXEC \"*1\\r\\n*0\\r\\n\"\n"
               "handshake3\nserve XREAD\nexpect XREAD\nwait\n"
               "send \"%1\\r\\n$3\\r\\nlog\\r\\n*1\\r\\n*2\\r\\n$3\\r\\n1-1\\r\\n*2\\r\\n$1\\r\\na\\r\\n$1\\r\\nb\\r\\n\"\n"
               "drain\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisStreamModel) model = tornadis_stream_model_new (client, "log", 5);
  guint n_added = 0;
  guint n;

  g_signal_connect (model, "items-changed", G_CALLBACK (count_added_cb), &n_added);
  wait_until (count_received (peer, "XREAD") == 1);
  n = count_received (peer, "XREVRANGE");
  tornadis_live_model_refresh (TORNADIS_LIVE_MODEL (model));
  wait_until (count_received (peer, "XREVRANGE") > n);
  assert_call (client, "PONG", "PING", NULL);
  g_assert_cmpuint (n_added, ==, 0);

  tornadis_harness_peer_go (peer);
  wait_until (n_added == 1 && g_list_model_get_n_items (G_LIST_MODEL (model)) == 0);
}

static void
dispose_cb (TornadisStreamModel *model)
{
  g_object_run_dispose (G_OBJECT (model));
}

static void
test_dispose (Fixture *fixture,
              gconstpointer data)
{
  TornadisStreamModel *model = tornadis_stream_model_new (fixture->client, "log", 10);

  assert_finalized (model);
  model = make_model (fixture, 10);
  run (fixture->client, "XADD log * what a");
  assert_finalized (model);

  model = make_model (fixture, 10);
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 1);
  g_signal_connect (model, "items-changed", G_CALLBACK (dispose_cb), NULL);
  run (fixture->client, "XADD log * what a");
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 0);
  assert_finalized (model);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, args, func) g_test_add ("/stream-model/" name, Fixture, args, fixture_set_up, func, fixture_tear_down)
  ADD ("follow", notifying, test_follow);
  ADD ("follow/resp2", notifying, test_follow);
  ADD ("anew", notifying, test_anew);
  ADD ("max-items", notifying, test_max_items);
  ADD ("silent", silent, test_silent);
  ADD ("refused", notifying, test_refused);
  ADD ("lost", notifying, test_lost);
  ADD ("random", notifying, test_random);
  g_test_add_func ("/stream-model/bad-replies", test_bad_replies);
  g_test_add_func ("/stream-model/deleted-under-way", test_deleted_under_way);
  ADD ("dispose", notifying, test_dispose);
#undef ADD

  return g_test_run ();
}
