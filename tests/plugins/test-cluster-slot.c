/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

#include "cluster/cluster-slot.h"

#define N_KEYS 4000

static guint
slot_of (const char *key)
{
  return cluster_slot_of (key, strlen (key));
}

static void
test_known (void)
{
  /* The check value of the polynomial. */
  g_assert_cmpuint (slot_of ("123456789"), ==, 0x31c3);
  g_assert_cmpuint (slot_of ("foo"), ==, 12182);
  g_assert_cmpuint (slot_of ("{}"), ==, 15257);
  g_assert_cmpuint (cluster_slot_of (NULL, 0), ==, 0);
  g_assert_cmpuint (slot_of (""), ==, 0);
}

/* As the specification has it. */
static void
test_tags (void)
{
  g_assert_cmpuint (slot_of ("{user1000}.following"), ==, slot_of ("user1000"));
  g_assert_cmpuint (slot_of ("x{user1000}"), ==, slot_of ("user1000"));
  g_assert_cmpuint (slot_of ("foo{{bar}}zap"), ==, slot_of ("{bar"));
  g_assert_cmpuint (slot_of ("foo{bar}{zap}"), ==, slot_of ("bar"));
  g_assert_cmpuint (slot_of ("}foo{bar}"), ==, slot_of ("bar"));
  g_assert_cmpuint (cluster_slot_of ("a{\0}b", 5), ==, cluster_slot_of ("\0", 1));

  /* The first braces have nothing between them: all counts, and not the second ones. */
  g_assert_cmpuint (slot_of ("foo{}{bar}"), !=, slot_of ("bar"));
  g_assert_cmpuint (slot_of ("foo{bar"), !=, slot_of ("bar"));
  /* A byte behind the key is not read. */
  g_assert_cmpuint (cluster_slot_of ("{ab}", 3), !=, slot_of ("ab"));
}

static GBytes *
make_key (void)
{
  gsize length = (gsize) g_test_rand_int_range (0, g_test_rand_bit () ? 12 : 100);
  guint8 *key = g_malloc (length + 1);

  for (gsize i = 0; i < length; i++)
    {
      int kind = g_test_rand_int_range (0, 6);

      key[i] = kind == 0 ? '{' : kind == 1 ? '}'
                                           : (guint8) g_test_rand_int_range (0, 256);
    }

  return g_bytes_new_take (key, length);
}

static void
test_like_the_server (Fixture *fixture,
                      gconstpointer data)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_KEYS; i++)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "CLUSTER", "KEYSLOT", NULL });
      GBytes *key = make_key ();

      g_ptr_array_add (keys, key);
      tornadis_command_append_bytes (command, key);
      tornadis_pipeline_stack_command (pipeline, command);
    }

  reply = call_pipeline (fixture->client, pipeline, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, N_KEYS);
  for (guint i = 0; i < N_KEYS; i++)
    {
      TornadisReply *element = tornadis_reply_get_element (reply, i);
      gsize length;
      gconstpointer key = g_bytes_get_data (g_ptr_array_index (keys, i), &length);

      g_assert_cmpint (tornadis_reply_get_kind (element), ==, TORNADIS_REPLY_KIND_INTEGER);
      g_assert_cmpint (tornadis_reply_get_integer (element), ==, cluster_slot_of (key, length));
    }
}

int
main (int argc,
      char **argv)
{
  static const char *const cluster[] = { "--cluster-enabled", "yes", NULL };

  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cluster-slot/known", test_known);
  g_test_add_func ("/cluster-slot/tags", test_tags);
  g_test_add ("/cluster-slot/like-the-server", Fixture, cluster, fixture_set_up, test_like_the_server, fixture_tear_down);

  return g_test_run ();
}
