/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/model-util.h"

#include <string.h>

static TornadisListModel *
make_model (Fixture *fixture)
{
  TornadisListModel *model = tornadis_list_model_new (fixture->client, "list");

  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, 0);
  wait_for_live (model);

  return model;
}

/* Rows are loading, then there; each is the same object. */
static void
test_load (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  g_autoptr (TornadisItem) item = NULL;
  g_autoptr (TornadisItem) again = NULL;
  g_autofree char *text = NULL;

  run (fixture->client, "RPUSH list a b c");
  model = make_model (fixture);
  g_assert_true (g_type_is_a (g_list_model_get_item_type (G_LIST_MODEL (model)), TORNADIS_TYPE_ITEM));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, 3);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (model), 3));
  item = g_list_model_get_item (G_LIST_MODEL (model), 1);
  g_assert_true (tornadis_item_get_loading (item));
  g_assert_null (tornadis_item_get_text (item));
  wait_until (!tornadis_item_get_loading (item));
  g_assert_cmpstr (tornadis_item_get_text (item), ==, "b");
  again = g_list_model_get_item (G_LIST_MODEL (model), 1);
  g_assert_true (item == again);
  /* The page came as a whole. */
  text = get_rows (model);
  g_assert_cmpstr (text, ==, "a b c");
  g_assert_null (tornadis_live_model_get_error (TORNADIS_LIVE_MODEL (model)));
}

static void
test_follow (Fixture *fixture,
             gconstpointer data)
{
  static const struct
  {
    const char *line;
    const char *rows;
    guint change[3];
  } steps[] = {
    { "RPUSH list a b c d", "a b c d", { 0, 0, 4 } },
    { "RPUSH list e", "a b c d e", { 4, 0, 1 } },
    { "LPUSH list z", "z a b c d e", { 0, 0, 1 } },
    { "LINSERT list BEFORE c x", "z a b x c d e", { 3, 0, 1 } },
    { "LREM list 1 x", "z a b c d e", { 3, 1, 0 } },
    { "LPOP list", "a b c d e", { 0, 1, 0 } },
    { "RPOP list 2", "a b c", { 3, 2, 0 } },
    { "DEL list", "", { 0, 3, 0 } },
    { "LPUSH list a a a", "a a a", { 0, 0, 3 } },
    { "LPUSH list a", "a a a a", { 3, 0, 1 } },
    { "LTRIM list 1 -1", "a a a", { 3, 1, 0 } },
  };
  g_autoptr (TornadisListModel) model = make_model (fixture);
  g_autoptr (TornadisClient) other = make_other (fixture);
  Shadow *shadow = shadow_new (model);

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      run (other, steps[i].line);
      wait_until (shadow_count (shadow) == i + 1);
      shadow_assert_last (shadow, steps[i].change[0], steps[i].change[1], steps[i].change[2]);
      shadow_look (shadow, 0, 100);
      wait_for_rows (model, steps[i].rows);
    }
  shadow_free (shadow);
}

/* The same item with another value. */
static void
test_replaced (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  Shadow *shadow;

  run (other, "RPUSH list a b c d");
  model = make_model (fixture);
  shadow = shadow_new (model);
  shadow_look (shadow, 0, 4);
  wait_for_rows (model, "a b c d");
  run (other, "LSET list 1 B");
  wait_for_rows (model, "a B c d");
  run (other, "LSET list 3 D");
  wait_for_rows (model, "a B c D");
  g_assert_cmpuint (shadow_count (shadow), ==, 0);
  shadow_free (shadow);
}

/* A list of bounded length: one row in front, one less at the end, all others stay. */
static void
test_capped (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (TRUE, "LPUSH list new", "LTRIM list 0 5");
  g_autoptr (TornadisReply) replies = NULL;
  Shadow *shadow;

  run (other, "RPUSH list a b c d e f");
  model = make_model (fixture);
  shadow = shadow_new (model);
  shadow_look (shadow, 0, 6);
  wait_for_rows (model, "a b c d e f");
  replies = call_pipeline (other, pipeline, NULL, NULL);
  g_assert_nonnull (replies);
  wait_for_rows (model, "new a b c d e");
  g_assert_cmpuint (shadow_count (shadow), ==, 2);
  shadow_assert_last (shadow, 0, 0, 1);
  shadow_free (shadow);
}

/* What nobody looks at is not read, and what is in front of it counts as the same. */
static void
test_window (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  guint n_read;
  Shadow *shadow;

  run (other, "EVAL for|i=0,9999|do|redis.call('RPUSH','list',i)|end 0");
  model = make_model (fixture);
  shadow = shadow_new (model);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, 10000);
  g_assert_cmpuint (count_calls (fixture->redis, "lrange"), ==, 0);
  shadow_look (shadow, 5000, 20);
  wait_until (count_calls (fixture->redis, "lrange") >= 1);
  n_read = count_calls (fixture->redis, "lrange");
  run (other, "LPUSH list x");
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 10001);
  shadow_assert_last (shadow, 0, 0, 1);
  run (other, "RPUSH list y");
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == 10002);
  shadow_assert_last (shadow, 10001, 0, 1);
  g_assert_cmpuint (count_calls (fixture->redis, "lrange"), <, n_read + 20);
  shadow_free (shadow);
}

static void
assert_edit (TornadisListModel *model,
             GAsyncResult **result,
             const char *prefix)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tornadis_list_model_insert_finish (model, wait_for_result (result), &error);
  g_autofree char *actual = error != NULL ? tornadis_error_dup_prefix (error) : NULL;

  g_assert_cmpstr (actual, ==, prefix);
  g_assert_true (done == (prefix == NULL));
  g_clear_object (result);
}

static void
assert_rows (TornadisListModel *model,
             const char *expected)
{
  g_autofree char *rows = get_rows (model);

  g_assert_cmpstr (rows, ==, expected);
}

#define EDIT(operation, ...) tornadis_list_model_##operation##_async (model, __VA_ARGS__, NULL, store_result, &result)

/* Each edit is shown at once, and once. */
static void
test_edit (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisListModel) model = make_model (fixture);
  g_autoptr (GBytes) a = text_bytes ("a");
  g_autoptr (GBytes) b = text_bytes ("b");
  g_autoptr (GBytes) c = text_bytes ("c");
  g_autoptr (GAsyncResult) result = NULL;
  Shadow *shadow = shadow_new (model);

  EDIT (append, b);
  assert_rows (model, "b");
  assert_edit (model, &result, NULL);
  EDIT (insert, 0, a);
  assert_rows (model, "a b");
  assert_edit (model, &result, NULL);
  EDIT (insert, 1, c);
  assert_rows (model, "a c b");
  assert_edit (model, &result, NULL);
  EDIT (replace, 1, b);
  assert_rows (model, "a b b");
  assert_edit (model, &result, NULL);
  EDIT (remove, 1);
  assert_rows (model, "a b");
  assert_edit (model, &result, NULL);
  EDIT (remove, 0);
  assert_rows (model, "b");
  assert_edit (model, &result, NULL);
  assert_call (fixture->client, "1) \"b\"", "LRANGE", "list", "0", "-1", NULL);
  /* And the echoes have come. */
  run (fixture->client, "RPUSH list end");
  wait_for_rows (model, "b end");
  g_assert_cmpuint (shadow_count (shadow), ==, 6);
  shadow_free (shadow);
}

/* Not loaded, not there. */
static void
test_edit_usage (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  g_autoptr (GBytes) a = text_bytes ("a");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  run (fixture->client, "RPUSH list a b c");
  model = make_model (fixture);
  EDIT (replace, 1, a);
  g_assert_false (tornadis_list_model_replace_finish (model, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  g_clear_error (&error);
  g_clear_object (&result);
  EDIT (remove, 7);
  g_assert_false (tornadis_list_model_remove_finish (model, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
}

static void
test_refused (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisItem) item = NULL;
  g_autoptr (TornadisItem) back = NULL;
  g_autoptr (GBytes) x = text_bytes ("x");
  g_autoptr (GAsyncResult) result = NULL;
  Shadow *shadow;

  run (other, "RPUSH list a b c");
  model = make_model (fixture);
  shadow = shadow_new (model);
  shadow_look (shadow, 0, 3);
  wait_for_rows (model, "a b c");

  assert_call (other, "OK", "ACL", "SETUSER", "default", "-rpush", "-eval", NULL);
  EDIT (append, x);
  assert_rows (model, "a b c x");
  assert_edit (model, &result, "NOPERM");
  assert_rows (model, "a b c");
  EDIT (replace, 1, x);
  assert_rows (model, "a x c");
  assert_edit (model, &result, "NOPERM");
  assert_rows (model, "a b c");
  item = g_list_model_get_item (G_LIST_MODEL (model), 1);
  EDIT (remove, 1);
  assert_rows (model, "a c");
  assert_edit (model, &result, "NOPERM");
  assert_rows (model, "a b c");
  back = g_list_model_get_item (G_LIST_MODEL (model), 1);
  g_assert_true (item == back);
  assert_call (other, "OK", "ACL", "SETUSER", "default", "+rpush", "+eval", NULL);

  assert_call (other, "OK", "LSET", "list", "2", "other", NULL);
  shadow_look (shadow, 0, 3);
  wait_for_rows (model, "a b other");
  shadow_free (shadow);
}

/* The list has changed, which is not known here as nothing tells of it. */
static void
test_changed (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (GBytes) x = text_bytes ("x");
  g_autoptr (GAsyncResult) result = NULL;

  run (other, "CONFIG SET notify-keyspace-events KA");
  run (other, "RPUSH list a b c");
  model = make_model (fixture);
  wait_for_rows (model, "a b c");
  run (other, "CONFIG SET notify-keyspace-events KEg");
  run (other, "LPUSH list new");
  EDIT (replace, 1, x);
  assert_rows (model, "a x c");
  assert_edit (model, &result, "CHANGED");
  /* And it has looked. */
  wait_for_rows (model, "new a b c");
}

/* Not told of anything; asked. */
static void
test_refresh (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);

  assert_call (other, "OK", "ACL", "SETUSER", "default", "-client|tracking", NULL);
  model = tornadis_list_model_new (fixture->client, "list");
  wait_until (tornadis_live_model_get_ready (TORNADIS_LIVE_MODEL (model)));
  run (other, "RPUSH list a b c");
  spin_for (20);
  g_assert_false (tornadis_live_model_get_live (TORNADIS_LIVE_MODEL (model)));
  tornadis_live_model_refresh (TORNADIS_LIVE_MODEL (model));
  wait_for_rows (model, "a b c");
}

/* Another type of key: it says so and stays as it is. */
static void
test_wrong_type (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (GBytes) x = text_bytes ("x");
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *prefix = NULL;

  run (other, "RPUSH list a b");
  model = make_model (fixture);
  wait_for_rows (model, "a b");
  run (other, "SET list text");
  wait_until (tornadis_live_model_get_error (TORNADIS_LIVE_MODEL (model)) != NULL);
  prefix = tornadis_error_dup_prefix (tornadis_live_model_get_error (TORNADIS_LIVE_MODEL (model)));
  g_assert_cmpstr (prefix, ==, "WRONGTYPE");
  assert_rows (model, "a b");
  EDIT (append, x);
  assert_rows (model, "a b x");
  assert_edit (model, &result, "WRONGTYPE");
  assert_rows (model, "a b");
  run (other, "DEL list");
  wait_for_rows (model, "");
  wait_until (tornadis_live_model_get_error (TORNADIS_LIVE_MODEL (model)) == NULL);
}

/* The server is gone and comes back with another list. */
static void
test_lost (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  Shadow *shadow;

  run (fixture->client, "RPUSH list a b");
  model = make_model (fixture);
  shadow = shadow_new (model);
  shadow_look (shadow, 0, 2);
  wait_for_rows (model, "a b");
  tornadis_harness_redis_kill (fixture->redis);
  wait_until (!tornadis_live_model_get_live (TORNADIS_LIVE_MODEL (model)));
  tornadis_live_model_refresh (TORNADIS_LIVE_MODEL (model));
  wait_until (tornadis_live_model_get_error (TORNADIS_LIVE_MODEL (model)) != NULL);
  assert_rows (model, "a b");
  assert_done (tornadis_harness_redis_restart, fixture->redis);
  wait_for_rows (model, "");
  wait_for_live (model);
  run (fixture->client, "RPUSH list c");
  wait_for_rows (model, "c");
  shadow_free (shadow);
}

/* In the midst of everything. */
static void
test_dispose (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisItem) held = NULL;
  g_autoptr (GBytes) x = text_bytes ("x");
  TornadisListModel *model;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  run (fixture->client, "RPUSH list a b");
  assert_finalized (tornadis_list_model_new (fixture->client, "list"));
  model = make_model (fixture);
  held = g_list_model_get_item (G_LIST_MODEL (model), 0);
  assert_finalized (model);
  spin_for (0);
  g_assert_true (tornadis_item_get_loading (held));

  model = make_model (fixture);
  wait_for_rows (model, "a b");
  tornadis_live_model_refresh (TORNADIS_LIVE_MODEL (model));
  g_main_context_iteration (NULL, FALSE);
  assert_finalized (model);

  /* An edit holds it. */
  model = make_model (fixture);
  EDIT (append, x);
  g_object_unref (model);
  g_assert_true (tornadis_list_model_append_finish (model, wait_for_result (&result), &error));
  g_assert_no_error (error);
}

static void
dispose_cb (TornadisListModel *model)
{
  g_object_run_dispose (G_OBJECT (model));
}

static void
test_dispose_within (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (TornadisListModel) model = make_model (fixture);

  g_signal_connect (model, "items-changed", G_CALLBACK (dispose_cb), NULL);
  run (fixture->client, "RPUSH list a b");
  wait_until (g_list_model_get_item (G_LIST_MODEL (model), 0) == NULL && g_list_model_get_n_items (G_LIST_MODEL (model)) == 0);
  spin_for (5);
}

/* Rows that are not in a row of each other, by a client that does anything. */
static void
change_at_random (GRand *rand,
                  TornadisClient *other)
{
  static const char *const lines[] = {
    "LPUSH list %1$d",
    "RPUSH list %1$d",
    "RPUSH list %1$d %2$d %3$d",
    "LPUSH list %1$d %2$d %3$d",
    "LSET list 0 %1$d",
    "LSET list -1 %1$d",
    "LPOP list",
    "RPOP list",
    "LINSERT list BEFORE %2$d %1$d",
    "LINSERT list AFTER %2$d %1$d",
    "LREM list 1 %1$d",
    "LREM list 0 %1$d",
    "LTRIM list 1 -2",
    "LTRIM list 0 300",
    "RPOPLPUSH list list",
    "EVAL for|i=1,90|do|redis.call('RPUSH','list',(i*i)%%37)|end 0",
  };
  const char *line = lines[g_rand_int_range (rand, 0, G_N_ELEMENTS (lines))];
  g_autofree char *text = NULL;
  g_autoptr (TornadisCommand) command = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  text = g_strdup_printf (line, g_rand_int_range (rand, 0, 40), g_rand_int_range (rand, 0, 40), g_rand_int_range (rand, 0, 40));
#pragma GCC diagnostic pop
  command = make_command (text);
  /* Errors, as of an index that is not there, are its own. */
  tornadis_client_submit (other, command, NULL, NULL, NULL);
}

/* All is held, so the model knows all of it. */
static void
assert_same (TornadisListModel *model,
             Shadow *shadow,
             TornadisClient *other)
{
  g_autoptr (GString) expected = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call (other, &error, "LRANGE", "list", "0", "-1", NULL);

  g_assert_no_error (error);
  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    g_string_append_printf (expected, i > 0 ? " %s" : "%s", tornadis_reply_get_text (tornadis_reply_get_element (reply, i)));
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (model)) == tornadis_reply_get_n_elements (reply));
  shadow_look (shadow, 0, 100000);
  wait_for_rows (model, expected->str);
  shadow_check (shadow);
}

static void
test_random (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) model = make_model (fixture);
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  Shadow *shadow = shadow_new (model);

  for (guint round = 0; round < 60; round++)
    {
      guint n = (guint) g_rand_int_range (rand, 1, 12);

      for (guint i = 0; i < n; i++)
        {
          change_at_random (rand, other);
          if (g_rand_boolean (rand))
            shadow_look (shadow, (guint) g_rand_int_range (rand, 0, 200), (guint) g_rand_int_range (rand, 0, 60));
          for (gint j = g_rand_int_range (rand, 0, 6); j > 0; j--)
            g_main_context_iteration (NULL, FALSE);
        }
      if (round % 4 == 0)
        assert_same (model, shadow, other);
    }
  assert_same (model, shadow, other);
  shadow_free (shadow);
}

static void
edited_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  guint *n_under_way = user_data;

  /* Of a row that is another meanwhile it is refused. */
  tornadis_list_model_insert_finish (TORNADIS_LIST_MODEL (object), result, NULL);
  *n_under_way -= 1;
}

/* Edits of the model's own, some of which are refused, among those of another. */
static void
test_random_edits (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) model = make_model (fixture);
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  Shadow *shadow = shadow_new (model);
  guint n_under_way = 0;

  run (other, "ACL SETUSER default -lpush");
  for (guint round = 0; round < 300; round++)
    {
      guint n_items = g_list_model_get_n_items (G_LIST_MODEL (model));
      guint position = (guint) g_rand_int_range (rand, 0, (gint32) n_items + 1);
      g_autofree char *text = g_strdup_printf ("%d", g_rand_int_range (rand, 0, 40));
      g_autoptr (GBytes) value = text_bytes (text);

      n_under_way++;
      switch (g_rand_int_range (rand, 0, 4))
        {
        case 0:
          tornadis_list_model_append_async (model, value, NULL, edited_cb, &n_under_way);
          break;
        case 1:
          tornadis_list_model_insert_async (model, position, value, NULL, edited_cb, &n_under_way);
          break;
        case 2:
          tornadis_list_model_replace_async (model, position, value, NULL, edited_cb, &n_under_way);
          break;
        default:
          tornadis_list_model_remove_async (model, position, NULL, edited_cb, &n_under_way);
          break;
        }
      shadow_check (shadow);
      if (g_rand_boolean (rand))
        change_at_random (rand, other);
      shadow_look (shadow, (guint) g_rand_int_range (rand, 0, 20), (guint) g_rand_int_range (rand, 0, 60));
      for (gint j = g_rand_int_range (rand, 0, 6); j > 0; j--)
        g_main_context_iteration (NULL, FALSE);
      if (round % 30 == 0)
        {
          wait_until (n_under_way == 0);
          assert_same (model, shadow, other);
        }
    }
  wait_until (n_under_way == 0);
  assert_same (model, shadow, other);
  shadow_free (shadow);
  run (other, "ACL SETUSER default +lpush");
}

/* Of large rows not many are read at a time. */
static void
test_large_rows (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  Shadow *shadow;

  run (fixture->client, "EVAL local|s=string.rep('x',200000)|for|i=1,300|do|redis.call('RPUSH','list',s)|end 0");
  model = make_model (fixture);
  shadow = shadow_new (model);
  /* The first page tells how large they are. */
  shadow_look (shadow, 0, 1);
  wait_until (count_calls (fixture->redis, "lrange") > 0);
  shadow_look (shadow, 0, 300);
  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (TornadisItem) item = g_list_model_get_item (G_LIST_MODEL (model), i);

      wait_until (!tornadis_item_get_loading (item));
      g_assert_cmpuint (g_bytes_get_size (tornadis_item_get_bytes (item)), ==, 200000);
    }
  shadow_free (shadow);
}

static gsize
get_memory (void)
{
  g_autofree char *statm = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &statm, NULL, NULL));
  return (gsize) g_ascii_strtoull (strchr (statm, ' ') + 1, NULL, 10) * 4096;
}

/* A million rows, all of which are looked at; a tenth of them where all is slowed down. */
static void
test_million (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisListModel) model = NULL;
  guint n_rounds = g_getenv ("TORNADIS_TEST_SLOW") != NULL ? 1 : 10;
  gsize before;
  guint n;

  run (fixture->client, "CONFIG SET latency-tracking no");
  for (guint i = 0; i < n_rounds; i++)
    {
      g_autoptr (TornadisReply) reply =
        call (fixture->client, NULL, "EVAL", "for i = 1, 100000 do redis.call('RPUSH', 'list', 'the text of a row ' .. i) end", "0", NULL);

      g_assert_nonnull (reply);
    }
  model = make_model (fixture);
  n = g_list_model_get_n_items (G_LIST_MODEL (model));
  g_assert_cmpuint (n, ==, n_rounds * 100000);
  before = get_memory ();
  /* As fast as it can be scrolled. */
  for (guint i = 0; i < n; i++)
    {
      g_object_unref (g_list_model_get_item (G_LIST_MODEL (model), i));
      if (i % 1000 == 0)
        g_main_context_iteration (NULL, FALSE);
    }
  /* And page by page, each being waited for. */
  for (guint i = 0; i < n; i += 5000)
    {
      g_autoptr (TornadisItem) item = g_list_model_get_item (G_LIST_MODEL (model), i);

      while (tornadis_item_get_loading (item))
        g_main_context_iteration (NULL, TRUE);
    }
  g_test_message ("%zu KiB more", (get_memory () - before) / 1024);
#ifndef __SANITIZE_ADDRESS__
  /* Neither valgrind nor the sanitizer gives back at once what is freed. */
  if (g_getenv ("TORNADIS_TEST_SLOW") == NULL)
    g_assert_cmpuint (get_memory (), <, before + 50 * 1024 * 1024);
#endif
}

#define ADD(name, func) g_test_add ("/list-model/" name, Fixture, notifying, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("load", test_load);
  ADD ("follow", test_follow);
  ADD ("replaced", test_replaced);
  ADD ("capped", test_capped);
  ADD ("window", test_window);
  ADD ("edit", test_edit);
  ADD ("edit-usage", test_edit_usage);
  ADD ("refused", test_refused);
  ADD ("changed", test_changed);
  ADD ("wrong-type", test_wrong_type);
  ADD ("lost", test_lost);
  ADD ("dispose", test_dispose);
  ADD ("dispose-within", test_dispose_within);
  ADD ("random", test_random);
  ADD ("random-edits", test_random_edits);
  ADD ("large-rows", test_large_rows);
  ADD ("million", test_million);
  g_test_add ("/list-model/refresh", Fixture, NULL, fixture_set_up, test_refresh, fixture_tear_down);

  return g_test_run ();
}
