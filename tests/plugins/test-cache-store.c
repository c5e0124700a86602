/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <malloc.h>

#include "cache/cache-store.h"

static TornadisReply *
make_reply (gsize length)
{
  g_autofree char *text = g_strnfill (length, 'x');
  g_autofree char *resp = g_strdup_printf ("$%" G_GSIZE_FORMAT "\r\n%s\r\n", length, text);
  g_autoptr (GBytes) bytes = g_bytes_new (resp, strlen (resp));

  return tornadis_reply_new_from_resp (bytes, NULL);
}

static gboolean
insert (CacheStore *store,
        const char *request,
        gsize length,
        const char *key,
        const char *other_key)
{
  g_autoptr (TornadisReply) reply = make_reply (length);
  CacheBytes name = cache_bytes (request, strlen (request));
  CacheBytes keys[2] = { cache_bytes (key, strlen (key)) };

  if (other_key != NULL)
    keys[1] = cache_bytes (other_key, strlen (other_key));

  return cache_store_insert (store, &name, keys, other_key != NULL ? 2 : 1, reply);
}

static gboolean
has (CacheStore *store,
     const char *request)
{
  CacheBytes name = cache_bytes (request, strlen (request));

  return cache_store_lookup (store, &name) != NULL;
}

static guint
drop (CacheStore *store,
      const char *key)
{
  CacheBytes name = cache_bytes (key, strlen (key));

  return cache_store_drop_key (store, &name);
}

static void
test_keys (void)
{
  g_autoptr (CacheStore) store = cache_store_new ();

  g_assert_true (insert (store, "GET a", 1, "a", NULL));
  g_assert_true (insert (store, "MGET a b", 1, "a", "b"));
  g_assert_true (insert (store, "MGET c c", 1, "c", "c"));
  g_assert_true (insert (store, "GET b", 1, "b", NULL));
  g_assert_cmpuint (cache_store_get_length (store), ==, 4);

  g_assert_cmpuint (drop (store, "nothing"), ==, 0);
  g_assert_cmpuint (drop (store, "a"), ==, 2);
  g_assert_false (has (store, "GET a"));
  g_assert_false (has (store, "MGET a b"));
  g_assert_true (has (store, "GET b"));
  g_assert_cmpuint (drop (store, "c"), ==, 1);
  g_assert_cmpuint (drop (store, "b"), ==, 1);
  g_assert_cmpuint (cache_store_get_bytes (store), ==, 0);

  /* The same request twice is one entry. */
  g_assert_true (insert (store, "GET a", 1, "a", NULL));
  g_assert_true (insert (store, "GET a", 2, "a", NULL));
  g_assert_cmpuint (cache_store_drop_all (store), ==, 1);
  g_assert_cmpuint (cache_store_get_bytes (store), ==, 0);
  g_assert_cmpuint (cache_store_get_evictions (store), ==, 0);
}

static void
test_room (void)
{
  g_autoptr (CacheStore) store = cache_store_new ();
  guint64 one;

  g_assert_true (insert (store, "GET 0", 100, "0", NULL));
  one = cache_store_get_bytes (store);
  g_assert_cmpuint (one, >, 100);
  cache_store_set_max_bytes (store, 5 * one);

  for (guint i = 1; i < 5; i++)
    {
      g_autofree char *request = g_strdup_printf ("GET %u", i);

      g_assert_true (insert (store, request, 100, request + 4, NULL));
    }
  g_assert_cmpuint (cache_store_get_bytes (store), ==, 5 * one);

  /* The one that was used longest ago goes. */
  g_assert_true (has (store, "GET 0"));
  g_assert_true (insert (store, "GET 5", 100, "5", NULL));
  g_assert_true (has (store, "GET 0"));
  g_assert_false (has (store, "GET 1"));
  g_assert_cmpuint (cache_store_get_evictions (store), ==, 1);

  /* More than a quarter is not kept, and takes the place of nothing but itself. */
  g_assert_false (insert (store, "GET 5", (gsize) (5 * one / 4), "5", NULL));
  g_assert_false (has (store, "GET 5"));
  g_assert_cmpuint (cache_store_get_length (store), ==, 4);

  cache_store_set_max_bytes (store, 2 * one);
  g_assert_cmpuint (cache_store_get_length (store), ==, 2);
  cache_store_set_max_bytes (store, 0);
  g_assert_cmpuint (cache_store_get_length (store), ==, 0);
  g_assert_false (insert (store, "GET 0", 0, "0", NULL));
  g_assert_cmpuint (cache_store_get_evictions (store), ==, 5);
}

static void
test_age (void)
{
  g_autoptr (CacheStore) store = cache_store_new ();

  g_assert_true (insert (store, "GET a", 1, "a", NULL));
  cache_store_set_max_age (store, G_TIME_SPAN_HOUR);
  g_assert_true (has (store, "GET a"));
  cache_store_set_max_age (store, 1);
  g_usleep (10);
  g_assert_false (has (store, "GET a"));
  g_assert_cmpuint (cache_store_get_length (store), ==, 0);
  g_assert_cmpuint (cache_store_get_evictions (store), ==, 1);
}

/* What is counted is about what the allocator gives. */
static void
test_honest (void)
{
  static const gsize lengths[] = { 1, 10, 100, 1000, 10000 };

  /* A sanitizer or valgrind has an allocator of its own, that does not say. */
  if (mallinfo2 ().uordblks == 0)
    {
      g_test_skip ("the allocator is not the system's");
      return;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (CacheStore) store = cache_store_new ();
      gsize before = mallinfo2 ().uordblks;
      gsize taken;
      double ratio;

      for (guint j = 0; j < 3000; j++)
        {
          g_autofree char *request = g_strdup_printf ("GET key:%u", j);

          g_assert_true (insert (store, request, lengths[i], request + 4, NULL));
        }

      taken = mallinfo2 ().uordblks - before;
      ratio = (double) cache_store_get_bytes (store) / (double) taken;
      g_test_message ("%" G_GSIZE_FORMAT " bytes each: counted %.2f of what was taken", lengths[i], ratio);
      g_assert_cmpfloat (ratio, >, 0.85);
      g_assert_cmpfloat (ratio, <, 1.3);
    }
}

/* Against a plain list that does the same. */
static void
test_random (void)
{
  g_autoptr (CacheStore) store = cache_store_new ();
  g_autoptr (GHashTable) model = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint32 seed = g_test_rand_int ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

  g_test_message ("seed %u", seed);
  for (guint i = 0; i < 20000; i++)
    {
      guint a = (guint) g_rand_int_range (rand, 0, 20);
      guint b = (guint) g_rand_int_range (rand, 0, 20);
      g_autofree char *request = g_strdup_printf ("MGET %u %u", a, b);
      g_autofree char *first = g_strdup_printf ("%u", a);
      g_autofree char *second = g_strdup_printf ("%u", b);

      switch (g_rand_int_range (rand, 0, 3))
        {
        case 0:
          g_assert_true (insert (store, request, 5, first, second));
          g_hash_table_insert (model, g_steal_pointer (&request), GUINT_TO_POINTER ((a << 8) | b));
          break;
        case 1:
          {
            GHashTableIter iter;
            gpointer keys;
            guint n = 0;

            g_hash_table_iter_init (&iter, model);
            while (g_hash_table_iter_next (&iter, NULL, &keys))
              if ((GPOINTER_TO_UINT (keys) >> 8) == a || (GPOINTER_TO_UINT (keys) & 0xff) == a)
                {
                  g_hash_table_iter_remove (&iter);
                  n++;
                }
            g_assert_cmpuint (drop (store, first), ==, n);
            break;
          }
        default:
          g_assert_cmpint (has (store, request), ==, g_hash_table_contains (model, request));
        }
      g_assert_cmpuint (cache_store_get_length (store), ==, g_hash_table_size (model));
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cache-store/keys", test_keys);
  g_test_add_func ("/cache-store/room", test_room);
  g_test_add_func ("/cache-store/age", test_age);
  g_test_add_func ("/cache-store/honest", test_honest);
  g_test_add_func ("/cache-store/random", test_random);

  return g_test_run ();
}
