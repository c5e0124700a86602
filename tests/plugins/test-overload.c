/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ten times as much as is taken, again and again: what is beyond a bound is told so, and memory stays as it is.
 * docs/bounds.md lists the bounds. With --seconds=N each of them is overloaded for so long instead of some rounds. */

#include "heap.h"
#include "integration/util.h"

#include <stdlib.h>
#include <string.h>

#define N_ROUNDS 6
/* Under valgrind or a sanitizer, which have a malloc of their own. */
#define N_SLOW_ROUNDS 2
/* Rounds after which the memory that is in use is to stay the same. */
#define N_WARM 3
/* What malloc keeps back for itself, and what the main loop has at one moment and not at another. */
#define SLACK (512 * 1024)

typedef struct
{
  TornadisHarnessRedis *redis;
  TornadisClient *client; /* that is overloaded */
  TornadisClient *other;  /* another one of the same server */
  TornadisPlugin *plugin; /* (nullable) of @client */
  GObject *object;        /* (nullable) what else there is */
  guint n_ok;             /* of the round */
  guint n_busy;
  guint n_other;
  guint n_expected;
  guint64 serial; /* for names that never come again */
} Overload;

static int seconds;

/* (transfer none) */
static TornadisPlugin *
add_plugin (TornadisClient *client,
            const char *name)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *plugin = tornadis_client_add_plugin_by_name (client, name, &error);

  g_assert_no_error (error);
  return plugin;
}

static void
count_outcome (Overload *self,
               const GError *error)
{
  if (error == NULL)
    self->n_ok++;
  else if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY))
    self->n_busy++;
  else
    self->n_other++;
}

static void
submitted_cb (TornadisClient *client,
              TornadisReply *reply,
              GError *error,
              gpointer user_data)
{
  count_outcome (user_data, error);
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  if (TORNADIS_IS_CLIENT_POOL (object))
    reply = tornadis_client_pool_call_finish (TORNADIS_CLIENT_POOL (object), result, &error);
  else
    reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);
  count_outcome (user_data, error);
}

static void
submit (Overload *self,
        const char *const *args)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (args);

  self->n_expected++;
  tornadis_client_submit (self->client, command, submitted_cb, self, NULL);
}

static guint
get_n_ended (const Overload *self)
{
  return self->n_ok + self->n_busy + self->n_other;
}

static void
wait_for_all (Overload *self)
{
  while (get_n_ended (self) < self->n_expected)
    g_main_context_iteration (NULL, TRUE);
}

static guint64
get_number (gpointer object,
            const char *property)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (object), property);
  guint64 large = 0;
  guint small = 0;

  if (pspec->value_type == G_TYPE_UINT64)
    {
      g_object_get (object, property, &large, NULL);
      return large;
    }
  g_object_get (object, property, &small, NULL);
  return small;
}

/* Calls. */

static void
set_up_calls (Overload *self)
{
  g_object_set (self->client, "max-pending", 1000, NULL);
}

static void
overload_calls (Overload *self)
{
  for (guint i = 0; i < 10000; i++)
    submit (self, (const char *[]){ "GET", "none", NULL });
  g_assert_cmpuint (get_number (self->client, "pending"), ==, 1000);
  wait_for_all (self);
  g_assert_cmpuint (self->n_ok, ==, 1000);
  g_assert_cmpuint (self->n_busy, ==, 9000);
}

/* Bytes of them. */

static void
set_up_bytes (Overload *self)
{
  g_object_set (self->client, "max-queued-bytes", G_GUINT64_CONSTANT (100000), NULL);
}

static void
overload_bytes (Overload *self)
{
  g_autofree char *value = g_strnfill (10000, 'x');

  /* On a connection that is up the first may be on its way at once, and leave its place. */
  tornadis_client_close (self->client);
  for (guint i = 0; i < 100; i++)
    submit (self, (const char *[]){ "SET", "bytes", value, NULL });
  wait_for_all (self);
  g_assert_cmpuint (self->n_ok, ==, 9);
  g_assert_cmpuint (self->n_busy, ==, 91);
}

/* Calls that were given up after they were written: their replies are still to come. */

static void
overload_given_up (Overload *self)
{
  guint64 written;

  submit (self, (const char *[]){ "BLPOP", "given-up", "0", NULL });
  wait_until (count_blocked (self->redis) == 1);
  written = get_number (self->client, "bytes-written");
  for (guint n = 0; n < 10; n++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");

      for (guint i = 0; i < 1000; i++)
        tornadis_client_call_async (self->client, ping, cancellable, called_cb, self);
      self->n_expected += 1000;
      wait_until (get_number (self->client, "bytes-written") == written + 999 * strlen ("*1\r\n$4\r\nPING\r\n") &&
                  (n == 0 || get_n_ended (self) == self->n_expected - 1));
      g_cancellable_cancel (cancellable);
      while (get_n_ended (self) < self->n_expected - 1)
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpuint (get_number (self->client, "pending"), ==, 1000);
    }
  g_assert_cmpuint (self->n_other, ==, 999);
  g_assert_cmpuint (self->n_busy, ==, 9001);

  assert_call (self->other, "(integer) 1", "RPUSH", "given-up", "x", NULL);
  wait_for_all (self);
  wait_until (get_number (self->client, "pending") == 0);
}

/* Calls whose connection is lost. */

static void
overload_lost (Overload *self)
{
  guint64 written;

  submit (self, (const char *[]){ "BLPOP", "lost", "0", NULL });
  wait_until (count_blocked (self->redis) == 1);
  written = get_number (self->client, "bytes-written");
  for (guint i = 0; i < 10000; i++)
    submit (self, (const char *[]){ "PING", NULL });
  wait_until (get_number (self->client, "bytes-written") == written + 999 * strlen ("*1\r\n$4\r\nPING\r\n"));
  {
    g_autofree char *answer = tornadis_harness_redis_command (self->redis, "CLIENT KILL TYPE normal SKIPME yes", NULL);

    g_assert_true (g_str_has_prefix (answer, ":"));
  }
  wait_for_all (self);
  g_assert_cmpuint (self->n_other, ==, 1000);
  g_assert_cmpuint (self->n_busy, ==, 9001);
}

/* A reply. */

static void
set_up_reply (Overload *self)
{
  g_autofree char *value = g_strnfill (1000000, 'x');

  g_object_set (self->client, "max-reply-size", G_GUINT64_CONSTANT (100000), NULL);
  assert_call (self->other, "OK", "SET", "large", value, NULL);
}

static void
overload_reply (Overload *self)
{
  for (guint i = 0; i < 10; i++)
    {
      submit (self, (const char *[]){ "GET", "large", NULL });
      wait_for_all (self);
    }
  g_assert_cmpuint (self->n_other, ==, 10);
}

/* Messages that nobody takes. */

static void
overflow_cb (TornadisPubSubClient *client,
             gpointer user_data)
{
  ((Overload *) user_data)->n_busy++;
}

static void
set_up_messages (Overload *self)
{
  GAsyncResult *result = NULL;

  self->object = g_object_new (TORNADIS_TYPE_PUB_SUB_CLIENT, "max-pending", 100, "unix-domain-socket",
                               tornadis_harness_redis_get_socket_path (self->redis), NULL);
  g_signal_connect (self->object, "overflow", G_CALLBACK (overflow_cb), self);
  tornadis_pub_sub_client_subscribe_async (TORNADIS_PUB_SUB_CLIENT (self->object), (const char *[]){ "news", NULL }, NULL,
                                           store_result, &result);
  g_object_unref (wait_for_result (&result));
}

static void
overload_messages (Overload *self)
{
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      submit (self, (const char *[]){ "PUBLISH", "news", text, NULL });
    }
  while (self->n_ok < 1000 || self->n_busy == 0)
    g_main_context_iteration (NULL, TRUE);

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      g_autoptr (TornadisMessage) message = pop_message (TORNADIS_PUB_SUB_CLIENT (self->object));

      g_assert_cmpstr (tornadis_message_get_text (message), ==, text);
    }
}

/* Those who wait for a client of a pool. */

static void
set_up_pool (Overload *self)
{
  g_object_set (self->client, "max-pending", 100, NULL);
  self->object = g_object_new (TORNADIS_TYPE_CLIENT_POOL, "template", self->client, "max-size", 1, NULL);
}

static void
overload_pool (Overload *self)
{
  TornadisClientPool *pool = TORNADIS_CLIENT_POOL (self->object);
  g_autoptr (TornadisClient) client = take (pool, NULL);
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");

  for (guint i = 0; i < 1000; i++)
    tornadis_client_pool_call_async (pool, ping, NULL, called_cb, self);
  self->n_expected += 1000;
  g_assert_cmpuint (get_number (pool, "waiting"), ==, 100);
  tornadis_client_pool_release_client (pool, client);
  wait_for_all (self);
  g_assert_cmpuint (self->n_ok, ==, 100);
  g_assert_cmpuint (self->n_busy, ==, 900);
}

/* Calls that a plugin holds. */

static void
set_up_limit (Overload *self)
{
  self->plugin = add_plugin (self->client, "limit");
  g_object_set (self->plugin, "max-in-flight", 10, "max-queued", 100, NULL);
}

static void
overload_limit (Overload *self)
{
  for (guint i = 0; i < 1100; i++)
    submit (self, (const char *[]){ "PING", NULL });
  g_assert_cmpuint (get_number (self->plugin, "queued"), ==, 100);
  wait_for_all (self);
  g_assert_cmpuint (self->n_ok, ==, 110);
  g_assert_cmpuint (self->n_busy, ==, 990);
}

/* Attempts that wait for a server that is not there. */

static void
set_up_retry (Overload *self)
{
  g_object_set (self->client, "unix-domain-socket", "/nonexistent/socket", "max-pending", 100, NULL);
  self->plugin = add_plugin (self->client, "retry");
  g_object_set (self->plugin, "min-delay-msec", 5, "max-delay-msec", 10, "max-attempts", 3, NULL);
}

static void
overload_retry (Overload *self)
{
  for (guint i = 0; i < 1000; i++)
    submit (self, (const char *[]){ "GET", "none", NULL });
  wait_for_all (self);
  /* One place may be the plugin's, which asks the server about the command. */
  g_assert_cmpuint (self->n_other, >=, 99);
  g_assert_cmpuint (self->n_other, <=, 100);
  g_assert_cmpuint (self->n_busy + self->n_other, ==, 1000);
}

/* Replies that are kept. */

static void
set_up_cache (Overload *self)
{
  self->plugin = add_plugin (self->client, "cache");
  g_object_set (self->plugin, "max-bytes", G_GUINT64_CONSTANT (50000), NULL);
  g_free (call_text (self->client, "PING", NULL));
  wait_until (get_number (self->plugin, "connections") == 1);
}

static void
overload_cache (Overload *self)
{
  guint64 before = get_number (self->plugin, "evictions");

  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *key = g_strdup_printf ("key:%" G_GUINT64_FORMAT, self->serial++);

      submit (self, (const char *[]){ "GET", key, NULL });
    }
  wait_for_all (self);
  g_assert_cmpuint (self->n_ok, ==, 3000);
  g_assert_cmpuint (get_number (self->plugin, "bytes"), <=, 50000);
  g_assert_cmpuint (get_number (self->plugin, "evictions") - before, >, 2000);
}

/* Names that are counted apart. */

static void
set_up_names (Overload *self)
{
  self->plugin = add_plugin (self->client, "metrics");
}

static void
overload_names (Overload *self)
{
  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *name = g_strdup_printf ("NAME%" G_GUINT64_FORMAT, self->serial++);

      submit (self, (const char *[]){ name, NULL });
    }
  wait_for_all (self);
  g_assert_cmpuint (self->n_other, ==, 2000);
}

/* Names that the server does not know, and that were asked about. */

static void
set_up_unknown (Overload *self)
{
  self->plugin = add_plugin (self->client, "key-prefix");
  g_object_set (self->plugin, "prefix", "a:", NULL);
}

static void
overload_unknown (Overload *self)
{
  for (guint i = 0; i < 500; i++)
    {
      g_autofree char *name = g_strdup_printf ("NAME%" G_GUINT64_FORMAT, self->serial++);

      submit (self, (const char *[]){ name, NULL });
    }
  wait_for_all (self);
  g_assert_cmpuint (self->n_other, ==, 500);
  g_assert_cmpuint (count_calls (self->redis, "command"), <=, 1000 + 10);
}

/* Calls that are remembered. */

static void
set_up_mock (Overload *self)
{
  self->plugin = add_plugin (self->client, "mock");
  g_object_set (self->plugin, "max-calls", 100, NULL);
}

static void
overload_mock (Overload *self)
{
  g_autoptr (GVariant) calls = NULL;

  for (guint i = 0; i < 1000; i++)
    submit (self, (const char *[]){ "PING", NULL });
  wait_for_all (self);
  g_object_get (self->plugin, "calls", &calls, NULL);
  g_assert_cmpuint (g_variant_n_children (calls), ==, 100);
}

static const struct
{
  const char *name;
  void (*set_up) (Overload *self); /* (nullable) */
  void (*round) (Overload *self);
  gboolean costly; /* the server is asked for all its commands a thousand times */
} loads[] = {
  { "/overload/bytes", set_up_bytes, overload_bytes },
  { "/overload/cache", set_up_cache, overload_cache },
  { "/overload/calls", set_up_calls, overload_calls },
  { "/overload/given-up", set_up_calls, overload_given_up },
  { "/overload/limit", set_up_limit, overload_limit },
  { "/overload/lost", set_up_calls, overload_lost },
  { "/overload/messages", set_up_messages, overload_messages },
  { "/overload/mock", set_up_mock, overload_mock },
  { "/overload/names", set_up_names, overload_names },
  { "/overload/pool", set_up_pool, overload_pool },
  { "/overload/reply", set_up_reply, overload_reply },
  { "/overload/retry", set_up_retry, overload_retry },
  { "/overload/unknown", set_up_unknown, overload_unknown, TRUE },
};

static void
test_overload (gconstpointer data)
{
  guint load = GPOINTER_TO_UINT (data);
  Fixture fixture;
  Overload self = { 0 };
  gint64 start = g_get_monotonic_time ();
  gsize warm = 0, most = 0;
  gint64 warm_until = start + seconds * G_TIME_SPAN_SECOND / 5;
  gint64 end = start + seconds * G_TIME_SPAN_SECOND;
  gboolean slow = g_getenv ("TORNADIS_TEST_SLOW") != NULL;
  guint n_rounds, last = slow ? N_SLOW_ROUNDS : N_ROUNDS;

  if (loads[load].costly && slow)
    {
      g_test_skip ("It takes too long under valgrind or a sanitizer");
      return;
    }

  fixture_set_up (&fixture, NULL);
  self.redis = fixture.redis;
  self.other = fixture.client;
  self.client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture.redis));
  if (loads[load].set_up != NULL)
    loads[load].set_up (&self);

  for (n_rounds = 0; seconds > 0 ? g_get_monotonic_time () < end : n_rounds < last; n_rounds++)
    {
      gsize now;

      self.n_ok = self.n_busy = self.n_other = self.n_expected = 0;
      loads[load].round (&self);
      while (g_main_context_iteration (NULL, FALSE))
        continue;

      now = get_heap_size ();
      if (n_rounds < N_WARM || (seconds > 0 && g_get_monotonic_time () < warm_until))
        warm = MAX (warm, now);
      else
        most = MAX (most, now);
    }
  g_test_message ("%u rounds; at the most %zu KiB in use at first, %zu KiB then", n_rounds, warm / 1024, most / 1024);
  g_assert_cmpuint (most, <=, warm + SLACK);

  g_clear_object (&self.object);
  assert_client_finalized (self.client);
  fixture_tear_down (&fixture, NULL);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (argc > 1 && g_str_has_prefix (argv[1], "--seconds="))
    seconds = atoi (argv[1] + strlen ("--seconds="));

  for (guint i = 0; i < G_N_ELEMENTS (loads); i++)
    g_test_add_data_func (loads[i].name, GUINT_TO_POINTER (i), test_overload);

  return g_test_run ();
}
