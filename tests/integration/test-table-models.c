/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The models whose rows have names and no order: of a hash, a set, and keys. */

#include "integration/model-util.h"

#include <string.h>

static void
assert_rows (gpointer model,
             const char *expected)
{
  g_autofree char *rows = get_rows (model);

  g_assert_cmpstr (rows, ==, expected);
}

static void
test_hash (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisHashModel) model = tornadis_hash_model_new (fixture->client, "hash");
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisItem) item = NULL;
  Shadow *shadow = shadow_new (model);

  if (g_str_has_suffix (g_test_get_path (), "resp2"))
    g_object_set (fixture->client, "protocol", TORNADIS_PROTOCOL_RESP2, NULL);
  wait_for_live (model);
  run (other, "HSET hash a 1 b 2 c 3 d 4 e 5");
  wait_for_rows (model, "a=1 b=2 c=3 d=4 e=5");
  shadow_look (shadow, 0, 100);
  item = g_list_model_get_item (G_LIST_MODEL (model), 1);
  run (other, "HSET hash b two");
  wait_for_rows (model, "a=1 b=two c=3 d=4 e=5");
  g_assert_cmpuint (shadow_count (shadow), ==, 1);
  g_assert_cmpstr (tornadis_item_get_text (item), ==, "two");
  run (other, "HDEL hash c d");
  wait_for_rows (model, "a=1 b=two e=5");
  g_assert_cmpuint (shadow_count (shadow), ==, 2);
  shadow_assert_last (shadow, 2, 2, 0);
  run (other, "HSET hash f 6 g 7");
  wait_for_rows (model, "a=1 b=two e=5 f=6 g=7");
  shadow_assert_last (shadow, 3, 0, 2);
  run (other, "DEL hash");
  wait_for_rows (model, "");
  g_assert_cmpuint (shadow_count (shadow), ==, 4);
  shadow_free (shadow);
}

static void
assert_hash_edit (TornadisHashModel *model,
                  GAsyncResult **result,
                  const char *prefix)
{
  g_autoptr (GError) error = NULL;
  gboolean done = tornadis_hash_model_put_finish (model, wait_for_result (result), &error);
  g_autofree char *actual = error != NULL ? tornadis_error_dup_prefix (error) : NULL;

  g_assert_cmpstr (actual, ==, prefix);
  g_assert_true (done == (prefix == NULL));
  g_clear_object (result);
}

static void
test_hash_edit (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (TornadisHashModel) model = tornadis_hash_model_new (fixture->client, "hash");
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (GBytes) a = text_bytes ("a");
  g_autoptr (GBytes) b = text_bytes ("b");
  g_autoptr (GBytes) x = text_bytes ("x");
  g_autoptr (GAsyncResult) result = NULL;
  Shadow *shadow = shadow_new (model);

  wait_for_live (model);
  tornadis_hash_model_put_async (model, a, x, NULL, store_result, &result);
  assert_rows (model, "a=x");
  assert_hash_edit (model, &result, NULL);
  tornadis_hash_model_put_async (model, b, x, NULL, store_result, &result);
  assert_hash_edit (model, &result, NULL);
  tornadis_hash_model_put_async (model, a, b, NULL, store_result, &result);
  assert_rows (model, "a=b b=x");
  assert_hash_edit (model, &result, NULL);
  run (other, "HSET hash end 1");
  wait_for_rows (model, "a=b b=x end=1");
  g_assert_cmpuint (shadow_count (shadow), ==, 3);

  assert_call (other, "OK", "ACL", "SETUSER", "default", "-hset", "-hdel", NULL);
  tornadis_hash_model_put_async (model, x, x, NULL, store_result, &result);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (model)), ==, 4);
  assert_hash_edit (model, &result, "NOPERM");
  assert_rows (model, "a=b b=x end=1");
  tornadis_hash_model_put_async (model, a, x, NULL, store_result, &result);
  assert_rows (model, "a=x b=x end=1");
  assert_hash_edit (model, &result, "NOPERM");
  assert_rows (model, "a=b b=x end=1");
  shadow_look (shadow, 0, 10);
  tornadis_hash_model_remove_async (model, a, NULL, store_result, &result);
  assert_rows (model, "b=x end=1");
  assert_hash_edit (model, &result, "NOPERM");
  assert_rows (model, "a=b b=x end=1");
  shadow_free (shadow);
}

/* More than are read at once. */
static void
test_large (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (TornadisHashModel) hash = NULL;
  g_autoptr (TornadisSetModel) set = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);

  run (other, "EVAL for|i=1,15000|do|redis.call('HSET','hash',i,i)|redis.call('SADD','set','m'..i)|end 0");
  hash = tornadis_hash_model_new (fixture->client, "hash");
  set = tornadis_set_model_new (fixture->client, "set");
  wait_for_live (hash);
  wait_for_live (set);
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (hash)) == 15000);
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (set)) == 15000);
  g_assert_cmpuint (count_calls (fixture->redis, "hgetall") + count_calls (fixture->redis, "smembers"), ==, 0);
  run (other, "EVAL for|i=1,15000,2|do|redis.call('HDEL','hash',i)|redis.call('SREM','set','m'..i)|end 0");
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (hash)) == 7500);
  wait_until (g_list_model_get_n_items (G_LIST_MODEL (set)) == 7500);
}

static void
test_set (Fixture *fixture,
          gconstpointer data)
{
  g_autoptr (TornadisSetModel) model = tornadis_set_model_new (fixture->client, "set");
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (GBytes) x = text_bytes ("x");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Shadow *shadow = shadow_new (model);

  wait_for_live (model);
  run (other, "SADD set a");
  wait_for_rows (model, "a");
  tornadis_set_model_add_async (model, x, NULL, store_result, &result);
  assert_rows (model, "a x");
  g_assert_true (tornadis_set_model_add_finish (model, wait_for_result (&result), &error));
  g_clear_object (&result);
  tornadis_set_model_remove_async (model, x, NULL, store_result, &result);
  assert_rows (model, "a");
  g_assert_true (tornadis_set_model_remove_finish (model, wait_for_result (&result), &error));
  run (other, "SADD set b");
  wait_for_rows (model, "a b");
  g_assert_cmpuint (shadow_count (shadow), ==, 4);
  shadow_free (shadow);
}

static void
test_keys (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisKeyModel) model = NULL;
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisItem) item = NULL;
  g_autoptr (GBytes) two = text_bytes ("job:two");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint n_scans;
  Shadow *shadow;

  run (other, "MSET job:one 1 other 2");
  model = tornadis_key_model_new (fixture->client, "job:*");
  wait_for_live (model);
  wait_for_rows (model, "job:one");
  item = g_list_model_get_item (G_LIST_MODEL (model), 0);
  g_assert_true (g_bytes_equal (tornadis_item_get_key (item), tornadis_item_get_bytes (item)));
  shadow = shadow_new (model);
  shadow_look (shadow, 0, 1);
  n_scans = count_calls (fixture->redis, "scan");
  run (other, "RPUSH job:two 1 2");
  wait_for_rows (model, "job:one job:two");
  run (other, "RENAME job:one job:three");
  wait_for_rows (model, "job:two job:three");
  run (other, "PEXPIRE job:three 1");
  wait_for_rows (model, "job:two");
  run (other, "LPOP job:two 2");
  wait_for_rows (model, "");
  run (other, "SET job:two again");
  wait_for_rows (model, "job:two");
  tornadis_key_model_remove_async (model, two, NULL, store_result, &result);
  assert_rows (model, "");
  g_assert_true (tornadis_key_model_remove_finish (model, wait_for_result (&result), &error));
  /* Notifications do not make it look at all: the edit did, and what came before. */
  g_assert_cmpuint (count_calls (fixture->redis, "scan"), <, n_scans + 4);
  run (other, "FLUSHALL");
  tornadis_live_model_refresh (TORNADIS_LIVE_MODEL (model));
  wait_for_rows (model, "");
  shadow_free (shadow);
}

static gboolean
has_names (gpointer model,
           GHashTable *names)
{
  guint n = g_list_model_get_n_items (model);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TornadisItem) item = g_list_model_get_item (model, i);

      if (!g_hash_table_contains (names, tornadis_item_get_text (item)))
        return FALSE;
    }

  return n == g_hash_table_size (names);
}

/* Keys that come and go while they are scanned. */
static void
test_keys_random (Fixture *fixture,
                  gconstpointer data)
{
  g_autoptr (TornadisKeyModel) model = tornadis_key_model_new (fixture->client, "k*");
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  g_autoptr (GHashTable) there = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Shadow *shadow;

  wait_for_live (model);
  run (other, "EVAL for|i=1,5000|do|redis.call('SET','x'..i,i)|end 0");
  shadow = shadow_new (model);
  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *key = g_strdup_printf ("k%d", g_rand_int_range (rand, 0, 300));
      gboolean is_there = g_rand_boolean (rand);
      g_autoptr (TornadisCommand) command =
        tornadis_command_new_strv ((const char *[]){ is_there ? "SET" : "DEL", key, is_there ? "1" : NULL, NULL });

      tornadis_client_submit (other, command, NULL, NULL, NULL);
      if (is_there)
        g_hash_table_add (there, g_steal_pointer (&key));
      else
        g_hash_table_remove (there, key);
      if (i % 97 == 0)
        tornadis_live_model_refresh (TORNADIS_LIVE_MODEL (model));
      if (i % 5 == 0)
        g_main_context_iteration (NULL, FALSE);
      if (i % 50 == 0)
        shadow_look (shadow, (guint) g_rand_int_range (rand, 0, 100), 20);
    }
  run (other, "SET kend 1");
  g_hash_table_add (there, g_strdup ("kend"));
  wait_until (has_names (model, there));
  shadow_free (shadow);
}

/* What listens logs in as well. */
static void
test_password (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisSetModel) model = NULL;

  run (fixture->client, "CONFIG SET requirepass secret");
  g_object_set (fixture->client, "password", "secret", NULL);
  model = tornadis_set_model_new (fixture->client, "set");
  wait_for_live (model);
  run (fixture->client, "SADD set a");
  wait_for_rows (model, "a");
}

static void
test_dispose (Fixture *fixture,
              gconstpointer data)
{
  TornadisKeyModel *model = tornadis_key_model_new (fixture->client, "*");

  assert_finalized (model);
  model = tornadis_key_model_new (fixture->client, "*");
  wait_for_live (model);
  run (fixture->client, "SET a 1");
  g_main_context_iteration (NULL, FALSE);
  assert_finalized (model);
  assert_finalized (tornadis_hash_model_new (fixture->client, "a"));
}

#define ADD(name, func) g_test_add ("/table-models/" name, Fixture, notifying, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("hash", test_hash);
  ADD ("hash-resp2", test_hash);
  ADD ("hash-edit", test_hash_edit);
  ADD ("large", test_large);
  ADD ("set", test_set);
  ADD ("keys", test_keys);
  ADD ("keys-random", test_keys_random);
  ADD ("password", test_password);
  ADD ("dispose", test_dispose);

  return g_test_run ();
}
