/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/model-util.h"

static TornadisSortedSetModel *
make_model (Fixture *fixture,
            gboolean descending)
{
  TornadisSortedSetModel *model = tornadis_sorted_set_model_new (fixture->client, "best", descending);

  wait_for_live (model);

  return model;
}

static void
test_follow (Fixture *fixture,
             gconstpointer data)
{
  static const struct
  {
    const char *line;
    const char *rows;
    guint n_changes; /* so far */
    guint change[3];
  } steps[] = {
    { "ZADD best 1 a 2 b 3 c", "a:1 b:2 c:3", 1, { 0, 0, 3 } },
    { "ZADD best 2.5 x", "a:1 b:2 x:2.5 c:3", 2, { 2, 0, 1 } },
    { "ZINCRBY best 0.25 x", "a:1 b:2 x:2.75 c:3", 2, { 2, 0, 1 } },
    { "ZADD best 0.5 c", "c:0.5 a:1 b:2 x:2.75", 4, { 0, 0, 1 } },
    { "ZREM best a b", "c:0.5 x:2.75", 5, { 1, 2, 0 } },
    { "DEL best", "", 6, { 0, 2, 0 } },
  };
  g_autoptr (TornadisSortedSetModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  Shadow *shadow;

  if (g_test_get_path () != NULL && g_str_has_suffix (g_test_get_path (), "resp2"))
    g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  model = make_model (fixture, FALSE);
  shadow = shadow_new (model);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      run (other, steps[i].line);
      wait_for_rows (model, steps[i].rows);
      shadow_look (shadow, 0, 100);
      g_assert_cmpuint (shadow_count (shadow), ==, steps[i].n_changes);
      shadow_assert_last (shadow, steps[i].change[0], steps[i].change[1], steps[i].change[2]);
    }
  shadow_free (shadow);
}

/* One member moves past another: all others keep their items. */
static void
test_moves (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisSortedSetModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  Shadow *shadow;

  run (other, "ZADD best 1 a 2 b 3 c 4 d 5 e 6 f");
  model = make_model (fixture, TRUE);
  g_assert_true (tornadis_sorted_set_model_get_descending (model));
  shadow = shadow_new (model);
  shadow_look (shadow, 0, 6);
  wait_for_rows (model, "f:6 e:5 d:4 c:3 b:2 a:1");
  run (other, "ZADD best 5.5 b");
  wait_for_rows (model, "f:6 b:5.5 e:5 d:4 c:3 a:1");
  g_assert_cmpuint (shadow_count (shadow), ==, 2);
  shadow_assert_last (shadow, 1, 0, 1);
  shadow_free (shadow);
}

/* Of many members only a few are looked at; one from elsewhere comes among them. */
static void
test_window (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisSortedSetModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisItem) item = NULL;
  Shadow *shadow;

  run (other, "EVAL for|i=1,9999|do|redis.call('ZADD','best',i,'m'..i)|end 0");
  model = make_model (fixture, FALSE);
  shadow = shadow_new (model);
  shadow_look (shadow, 5000, 20);
  item = g_list_model_get_item (G_LIST_MODEL (model), 5010);
  wait_until (!tornadis_item_get_loading (item));
  g_assert_cmpstr (tornadis_item_get_text (item), ==, "m5011");
  run (other, "ZADD best 5010.5 m7");
  wait_until (shadow_count (shadow) == 2);
  /* Behind it first. */
  shadow_assert_last (shadow, 0, 1, 0);
  shadow_look (shadow, 4990, 60);
  {
    g_autoptr (TornadisItem) come = g_list_model_get_item (G_LIST_MODEL (model), 5009);

    wait_until (!tornadis_item_get_loading (come));
    g_assert_cmpstr (tornadis_item_get_text (come), ==, "m7");
  }
  shadow_free (shadow);
}

static void
assert_rows (gpointer model,
             const char *expected)
{
  g_autofree char *rows = get_rows (model);

  g_assert_cmpstr (rows, ==, expected);
}

static void
assert_edit (TornadisSortedSetModel *model,
             GAsyncResult **result,
             const char *prefix)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tornadis_sorted_set_model_add_finish (model, wait_for_result (result), &error);
  g_autofree char *actual = error != NULL ? tornadis_error_dup_prefix (error) : NULL;

  g_assert_cmpstr (actual, ==, prefix);
  g_assert_true (done == (prefix == NULL));
  g_clear_object (result);
}

static void
test_edit (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisSortedSetModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (GBytes) a = text_bytes ("a");
  g_autoptr (GBytes) x = text_bytes ("x");
  g_autoptr (GAsyncResult) result = NULL;
  Shadow *shadow;

  run (other, "ZADD best 1 a 2 b 3 c");
  model = make_model (fixture, FALSE);
  shadow = shadow_new (model);
  shadow_look (shadow, 0, 3);
  wait_for_rows (model, "a:1 b:2 c:3");
  tornadis_sorted_set_model_add_async (model, x, 2.5, NULL, store_result, &result);
  assert_rows (model, "a:1 b:2 x:2.5 c:3");
  assert_edit (model, &result, NULL);
  tornadis_sorted_set_model_add_async (model, a, 2.25, NULL, store_result, &result);
  assert_rows (model, "b:2 a:2.25 x:2.5 c:3");
  assert_edit (model, &result, NULL);
  tornadis_sorted_set_model_remove_async (model, a, NULL, store_result, &result);
  assert_rows (model, "b:2 x:2.5 c:3");
  assert_edit (model, &result, NULL);
  run (other, "ZADD best 9 end");
  wait_for_rows (model, "b:2 x:2.5 c:3 end:9");
  g_assert_cmpuint (shadow_count (shadow), ==, 5);

  assert_call (other, "OK", "ACL", "SETUSER", "default", "-zadd", "-zrem", NULL);
  tornadis_sorted_set_model_add_async (model, a, 0.5, NULL, store_result, &result);
  assert_rows (model, "a:0.5 b:2 x:2.5 c:3 end:9");
  assert_edit (model, &result, "NOPERM");
  assert_rows (model, "b:2 x:2.5 c:3 end:9");
  tornadis_sorted_set_model_add_async (model, x, 1, NULL, store_result, &result);
  assert_rows (model, "x:1 b:2 c:3 end:9");
  assert_edit (model, &result, "NOPERM");
  assert_rows (model, "b:2 x:2.5 c:3 end:9");
  tornadis_sorted_set_model_remove_async (model, x, NULL, store_result, &result);
  assert_rows (model, "b:2 c:3 end:9");
  assert_edit (model, &result, "NOPERM");
  assert_rows (model, "b:2 x:2.5 c:3 end:9");
  shadow_free (shadow);
}

/* It tells something else than rows and ranks. */
static void
test_bad_replies (void)
{
  static const char *const replies[] = {
    "*1\r\n$3\r\nabc\r\n",
    "*0\r\n",
    "*1\r\n:-5\r\n",
    "*1\r\n:99999999999999\r\n",
    "*2\r\n:3\r\n*1\r\n$1\r\na\r\n",
    "*2\r\n:3\r\n:3\r\n",
    "*2\r\n:3\r\n*1\r\n*1\r\n$1\r\na\r\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (replies); i++)
    {
      g_autoptr (TornadisHarnessPeer) peer =
        make_peer ("answer MULTI \"+OK\\r\\n\"\nanswer ZCARD \"+QUEUED\\r\\n\"\nanswer ZRANGE \"+QUEUED\\r\\n\"\n"
                   "answer EXEC \"*1\\r\\n:3\\r\\n\"\nhandshake3\nserve\n");
      g_autoptr (TornadisClient) client = make_client (peer);
      g_autoptr (TornadisSortedSetModel) model = tornadis_sorted_set_model_new (client, "best", FALSE);
      TornadisLiveModel *live = TORNADIS_LIVE_MODEL (model);
      g_autoptr (TornadisItem) item = NULL;

      wait_until (tornadis_live_model_get_ready (live));
      tornadis_harness_peer_set_answers (peer, "EXEC", (const char *[]){ replies[i], NULL });
      item = g_list_model_get_item (G_LIST_MODEL (model), 0);
      wait_until (tornadis_live_model_get_error (live) != NULL);
      g_assert_error (tornadis_live_model_get_error (live), TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
      g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, 3);
      g_assert_true (tornadis_item_get_loading (item));
      /* It tries again, and all is well. */
      tornadis_harness_peer_set_answers (peer, "EXEC",
                                         (const char *[]){ "*2\r\n:3\r\n*1\r\n*2\r\n$1\r\na\r\n,2\r\n", NULL });
      wait_until (!tornadis_item_get_loading (item));
      g_assert_null (tornadis_live_model_get_error (live));
    }
}

static void
assert_same (TornadisSortedSetModel *model,
             Shadow *shadow,
             TornadisClient *other)
{
  g_autoptr (GString) expected = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call (other, &error, "ZREVRANGE", "best", "0", "-1", "WITHSCORES", NULL);
  gsize n = tornadis_reply_get_n_elements (reply);

  g_assert_no_error (error);
  for (gsize i = 0; i < n; i++)
    {
      TornadisReply *pair = tornadis_reply_get_element (reply, i);

      g_string_append_printf (expected, i > 0 ? " %s:%g" : "%s:%g", tornadis_reply_get_text (tornadis_reply_get_element (pair, 0)),
                              tornadis_reply_get_double (tornadis_reply_get_element (pair, 1)));
    }
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == n);
  shadow_look (shadow, 0, 100000);
  wait_for_rows (model, expected->str);
  shadow_check (shadow);
}

static void
test_random (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisSortedSetModel) model = make_model (fixture, TRUE);
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  Shadow *shadow = shadow_new (model);

  for (guint round = 0; round < 400; round++)
    {
      static const char *const commands[] = { "ZADD", "ZINCRBY", "ZREM" };
      guint what = (guint) g_rand_int_range (rand, 0, 3);
      g_autofree char *member = g_strdup_printf ("m%d", g_rand_int_range (rand, 0, 200));
      g_autofree char *score = g_strdup_printf ("%d", g_rand_int_range (rand, 1, 100));
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ commands[what], "best", NULL });

      if (what != 2)
        tornadis_command_append_string (command, score);
      tornadis_command_append_string (command, member);
      tornadis_client_submit (other, command, NULL, NULL, NULL);
      if (g_rand_boolean (rand))
        shadow_look (shadow, (guint) g_rand_int_range (rand, 0, 100), (guint) g_rand_int_range (rand, 0, 30));
      for (gint j = g_rand_int_range (rand, 0, 6); j > 0; j--)
        g_main_context_iteration (NULL, FALSE);
      if (round % 40 == 0)
        assert_same (model, shadow, other);
    }
  assert_same (model, shadow, other);
  shadow_free (shadow);
}

#define ADD(name, func) g_test_add ("/sorted-set-model/" name, Fixture, notifying, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("follow", test_follow);
  ADD ("resp2", test_follow);
  ADD ("moves", test_moves);
  ADD ("window", test_window);
  ADD ("edit", test_edit);
  ADD ("random", test_random);
  g_test_add_func ("/sorted-set-model/bad-replies", test_bad_replies);

  return g_test_run ();
}
