/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Random writers and cached readers, and what order readers are promised. A script gives every write a number that is
 * higher than all before it, and stores it: a value is its own age. With the clients of a pool on one plugin:
 *
 * - told: a read that begins when a connection of the plugin has been told that a key changed gets no value from before
 *   that change. With a redirect nobody can tell which change was meant, so that this is checked with RESP3.
 * - acknowledged: a read that begins when a write by any of the clients was acknowledged gets no older value.
 * - program order: a read gets no value older than a write that was sent before it on the same client.
 * - sequence: of two GETs of a key by one client, one after the other, the second gets no older value, as long as
 *   none of the connections is lost and the program itself does not write at that time.
 * - in the end: when all is quiet, what is kept is what the server has. */

#include <string.h>

#include "plugins/cache-util.h"

#define N_KEYS 6
#define N_CLIENTS 3
#define N_RAW 2
#define OWN_WRITER 2
#define MAX_IN_FLIGHT 6
#define ROUNDS 25

#define WRITE "local n = redis.call('INCR', 'seq') redis.call('SET', KEYS[1], n) return n"
#define FLUSH                                                                                                   \
  "local n = tonumber(redis.call('GET', 'seq') or '0') + 1 redis.call('FLUSHALL') redis.call('SET', 'seq', n) " \
  "for i = 1, #KEYS do redis.call('SET', KEYS[i], n) end return n"

typedef struct
{
  TornadisProtocol protocol;
  gboolean kills;
  gboolean flushes;
  guint64 max_bytes;
  guint n_operations;
} Weather;

typedef struct _World World;

/* Looks on at one client's connection, below the cache: what it was sent, and what it was told. */
#define SPY_TYPE_PLUGIN (spy_plugin_get_type ())
G_DECLARE_FINAL_TYPE (SpyPlugin, spy_plugin, SPY, PLUGIN, TornadisPlugin)

struct _SpyPlugin
{
  TornadisPlugin parent_instance;

  World *world;        /* (unowned) */
  gint64 seen[N_KEYS]; /* what the server last said on this connection */
};

G_DEFINE_FINAL_TYPE (SpyPlugin, spy_plugin, TORNADIS_TYPE_PLUGIN)

struct _World
{
  const Weather *weather;
  GRand *rand;
  TornadisHarnessRedis *redis;
  TornadisClientPool *pool;
  TornadisPlugin *plugin; /* (unowned) */
  TornadisClient *clients[N_CLIENTS];
  TornadisClient *raw[N_RAW];
  SpyPlugin *spies[N_CLIENTS];
  gint64 told[N_KEYS];         /* values below this were told to be of the past */
  gint64 acknowledged[N_KEYS]; /* the highest that a client of the plugin has written */
  gint64 last[N_CLIENTS][N_KEYS];
  struct _Write *last_write[N_KEYS]; /* (nullable) of the own writer, under way */
  guint n_own_writes;                /* under way */
  guint n_in_flight;
  guint n_lost; /* connections */
  guint n_checked[4];
};

enum
{
  CHECK_TOLD,
  CHECK_ACKNOWLEDGED,
  CHECK_PROGRAM_ORDER,
  CHECK_SEQUENCE,
};

typedef struct _Write
{
  grefcount ref_count;
  World *world;
  guint keys; /* a bit each */
  gboolean own;
  gint64 number;   /* 0: not known yet, or never */
  gint64 earliest; /* the least that a read behind it got before it was acknowledged */
  gboolean failed;
} Write;

typedef struct
{
  World *world;
  guint client;
  guint key[2];
  guint n_keys;
  gint64 at_least[4][2];
  Write *behind[2]; /* (owned) (nullable) */
  gboolean quiet;   /* that the sequence counts */
  guint n_lost;
} Read;

static const char *const key_names[N_KEYS] = { "k0", "k1", "k2", "k3", "k4", "k5" };

static int
get_key (const char *name)
{
  return name[0] == 'k' && name[1] >= '0' && name[1] < '0' + N_KEYS && name[2] == '\0' ? name[1] - '0' : -1;
}

static gint64
get_number (TornadisReply *reply)
{
  return tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_NIL ? 0 : tornadis_reply_get_integer (reply);
}

/* The spy. */

static void
spy_saw (SpyPlugin *self,
         TornadisCommand *command,
         TornadisReply *reply)
{
  gboolean many = g_str_equal (tornadis_command_get_name (command), "MGET");

  if (!many && !g_str_equal (tornadis_command_get_name (command), "GET"))
    return;

  for (gsize i = 1; i < tornadis_command_get_n_args (command); i++)
    {
      g_autoptr (GBytes) arg = tornadis_command_get_arg (command, i);
      g_autofree char *name = g_strndup (g_bytes_get_data (arg, NULL), g_bytes_get_size (arg));
      int key = get_key (name);

      if (key >= 0)
        self->seen[key] = get_number (many ? tornadis_reply_get_element (reply, i - 1) : reply);
    }
}

static void
spy_plugin_observe (TornadisPlugin *plugin,
                    TornadisClient *client,
                    TornadisCommand *command,
                    TornadisPipeline *pipeline,
                    TornadisReply *reply,
                    const GError *error,
                    gint64 elapsed)
{
  SpyPlugin *self = SPY_PLUGIN (plugin);

  if (reply == NULL)
    return;

  if (command != NULL)
    spy_saw (self, command, reply);
  for (guint i = 0; pipeline != NULL && i < tornadis_pipeline_get_number_of_stacked_calls (pipeline); i++)
    spy_saw (self, tornadis_pipeline_get_command (pipeline, i), tornadis_reply_get_element (reply, i));
}

static void
spy_was_notified (SpyPlugin *self,
              int key)
{
  if (key >= 0 && self->seen[key] > 0)
    self->world->told[key] = MAX (self->world->told[key], self->seen[key] + 1);
}

static gboolean
spy_plugin_push (TornadisPlugin *plugin,
                 TornadisReply *push)
{
  TornadisReply *keys = tornadis_reply_get_element (push, 1);

  if (tornadis_reply_get_kind (keys) == TORNADIS_REPLY_KIND_NIL)
    for (int key = 0; key < N_KEYS; key++)
      spy_was_notified (SPY_PLUGIN (plugin), key);

  for (gsize i = 0; i < tornadis_reply_get_n_elements (keys); i++)
    spy_was_notified (SPY_PLUGIN (plugin), get_key (tornadis_reply_get_text (tornadis_reply_get_element (keys, i))));

  return FALSE;
}

static void
spy_plugin_class_init (SpyPluginClass *klass)
{
  TORNADIS_PLUGIN_CLASS (klass)->observe = spy_plugin_observe;
  TORNADIS_PLUGIN_CLASS (klass)->push = spy_plugin_push;
}

static void
spy_plugin_init (SpyPlugin *self)
{
}

static void
disconnected_cb (SpyPlugin *spy)
{
  memset (spy->seen, 0, sizeof spy->seen);
  spy->world->n_lost++;
}

/* Writes. */

static void
write_unref (Write *write)
{
  if (write != NULL && g_ref_count_dec (&write->ref_count))
    g_free (write);
}

static void
assert_allowed (World *world,
                const GError *error)
{
  if (!world->weather->kills)
    g_assert_no_error (error);
  else if (error != NULL && !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST) &&
           !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED) &&
           !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT))
    g_error ("%s", error->message);
}

static void
written_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  Write *write = user_data;
  World *world = write->world;

  assert_allowed (world, error);
  world->n_in_flight--;
  if (reply != NULL)
    write->number = tornadis_reply_get_integer (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_ARRAY
                                                  ? tornadis_reply_get_element (reply, 0)
                                                  : reply);
  write->failed = reply == NULL;

  if (write->own)
    {
      world->n_own_writes--;
      for (guint i = 0; i < N_KEYS; i++)
        {
          if ((write->keys & 1u << i) == 0)
            continue;
          if (!write->failed)
            world->acknowledged[i] = MAX (world->acknowledged[i], write->number);
          if (world->last_write[i] == write)
            world->last_write[i] = NULL;
        }
      if (!write->failed && write->earliest < write->number)
        g_error ("a read behind a write got %" G_GINT64_FORMAT ", the write made it %" G_GINT64_FORMAT, write->earliest,
                 write->number);
    }

  write_unref (write);
}

/* Of one key, or of all after everything was dropped. */
static void
do_write (World *world,
          TornadisClient *client,
          gboolean flush)
{
  gboolean own = client == world->clients[OWN_WRITER];
  guint key = (guint) g_rand_int_range (world->rand, 0, N_KEYS);
  g_autoptr (TornadisCommand) command = tornadis_command_new ("EVAL");
  Write *write = g_new0 (Write, 1);

  g_ref_count_init (&write->ref_count);
  *write = (Write){ write->ref_count, world, flush ? (1u << N_KEYS) - 1 : 1u << key, own, 0, G_MAXINT64, FALSE };
  tornadis_command_append_string (command, flush ? FLUSH : WRITE);
  tornadis_command_append_int64 (command, flush ? N_KEYS : 1);
  for (guint i = 0; i < N_KEYS; i++)
    {
      if ((write->keys & 1u << i) == 0)
        continue;
      tornadis_command_append_string (command, key_names[i]);
      if (own)
        world->last_write[i] = write;
    }

  world->n_own_writes += own;
  world->n_in_flight++;
  if (g_rand_int_range (world->rand, 0, 4) == 0)
    {
      g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

      tornadis_pipeline_set_atomic (pipeline, g_rand_boolean (world->rand));
      tornadis_pipeline_stack_command (pipeline, command);
      tornadis_client_submit_pipeline (client, pipeline, written_cb, write, NULL);
    }
  else
    tornadis_client_submit (client, command, written_cb, write, NULL);
}

/* Reads. */

static void
check (Read *read,
       guint i,
       gint64 value)
{
  static const char *const promises[] = { "told", "acknowledged", "program order", "sequence" };
  World *world = read->world;
  guint key = read->key[i];

  if (read->behind[i] != NULL)
    {
      if (read->behind[i]->number == 0)
        read->behind[i]->earliest = MIN (read->behind[i]->earliest, value);
      else
        read->at_least[CHECK_PROGRAM_ORDER][i] = read->behind[i]->number;
    }

  for (guint promise = 0; promise < G_N_ELEMENTS (promises); promise++)
    {
      world->n_checked[promise] += read->at_least[promise][i] > 0;
      if (value < read->at_least[promise][i])
        g_error ("%s: client %u read %s as %" G_GINT64_FORMAT ", but at least %" G_GINT64_FORMAT " was due",
                 promises[promise], read->client, key_names[key], value, read->at_least[promise][i]);
    }

  if (read->quiet && read->n_keys == 1 && read->n_lost == world->n_lost)
    world->last[read->client][key] = MAX (world->last[read->client][key], value);
}

static void
read_cb (TornadisClient *client,
         TornadisReply *reply,
         GError *error,
         gpointer user_data)
{
  Read *read = user_data;

  assert_allowed (read->world, error);
  read->world->n_in_flight--;
  for (guint i = 0; reply != NULL && i < read->n_keys; i++)
    check (read, i, get_number (read->n_keys == 1 ? reply : tornadis_reply_get_element (reply, i)));

  for (guint i = 0; i < read->n_keys; i++)
    write_unref (read->behind[i]);
  g_free (read);
}

static void
do_read (World *world,
         guint client)
{
  Read *read = g_new0 (Read, 1);
  g_autoptr (TornadisCommand) command = NULL;

  read->world = world;
  read->client = client;
  read->n_keys = g_rand_int_range (world->rand, 0, 5) == 0 ? 2 : 1;
  read->quiet = world->n_own_writes == 0 && cache_get (world->plugin, "connections") == N_CLIENTS;
  read->n_lost = world->n_lost;
  command = tornadis_command_new (read->n_keys == 1 ? "GET" : "MGET");

  for (guint i = 0; i < read->n_keys; i++)
    {
      guint key = (guint) g_rand_int_range (world->rand, 0, N_KEYS);

      read->key[i] = key;
      tornadis_command_append_string (command, key_names[key]);
      if (world->weather->protocol != TORNADIS_PROTOCOL_RESP2)
        read->at_least[CHECK_TOLD][i] = world->told[key];
      read->at_least[CHECK_ACKNOWLEDGED][i] = world->acknowledged[key];
      if (read->n_keys == 1)
        read->at_least[CHECK_SEQUENCE][i] = world->last[client][key];
      if (client == OWN_WRITER && world->last_write[key] != NULL)
        {
          read->behind[i] = world->last_write[key];
          g_ref_count_inc (&read->behind[i]->ref_count);
        }
    }

  world->n_in_flight++;
  tornadis_client_submit (world->clients[client], command, read_cb, read, NULL);
}

/* The world. */

static void
killed_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  World *world = user_data;

  /* There may be nobody left to kill. */
  if (!g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
    assert_allowed (world, error);
  world->n_in_flight--;
}

static void
kill_some (World *world)
{
  static const char *const types[] = { "normal", "pubsub" };
  TornadisClient *raw = world->raw[0];
  gint64 id;
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "CLIENT", "KILL", NULL });

  g_object_get (world->clients[g_rand_int_range (world->rand, 0, N_CLIENTS)], "connection-id", &id, NULL);
  if (id != 0 && g_rand_int_range (world->rand, 0, 4) != 0)
    {
      tornadis_command_append_string (command, "ID");
      tornadis_command_append_int64 (command, id);
    }
  else
    {
      tornadis_command_append_string (command, "TYPE");
      tornadis_command_append_string (command, types[g_rand_boolean (world->rand)]);
    }
  world->n_in_flight++;
  tornadis_client_submit (raw, command, killed_cb, world, NULL);
}

static void
do_something (World *world)
{
  int dice = g_rand_int_range (world->rand, 0, 1000);

  if (dice < 2 && world->weather->kills)
    kill_some (world);
  else if (dice < 6 && world->weather->flushes)
    do_write (world, dice < 3 ? world->clients[OWN_WRITER] : world->raw[0], TRUE);
  else if (dice < 12)
    g_signal_emit_by_name (world->plugin, "clear");
  else if (dice < 150)
    do_write (world, world->raw[g_rand_int_range (world->rand, 0, N_RAW)], FALSE);
  else if (dice < 210)
    do_write (world, world->clients[OWN_WRITER], FALSE);
  else
    do_read (world, (guint) g_rand_int_range (world->rand, 0, N_CLIENTS));
}

/* Until each connection has heard all that it has been told. */
static void
settle (World *world)
{
  static guint n = 0;
  g_autofree char *marker = g_strdup_printf ("%u", ++n);
  g_autofree char *expected = g_strdup_printf ("\"%u\"", n);

  while (world->n_in_flight > 0)
    g_main_context_iteration (NULL, TRUE);

  for (guint i = 0; i < N_CLIENTS; i++)
    {
      g_autoptr (TornadisReply) pong = NULL;
      guint attempts = 0;

      /* Of the last kill it may not have heard yet. */
      while ((pong = call (world->clients[i], NULL, "PING", NULL)) == NULL)
        g_assert_cmpuint (++attempts, <, 4);
    }
  cache_wait_for (world->plugin, "connections", N_CLIENTS);

  for (guint i = 0; i < N_CLIENTS; i++)
    assert_call (world->clients[i], "PONG", "PING", NULL);
  /* The redirect is in order by itself. */
  tornadis_reply_unref (call (world->clients[0], NULL, "GET", "marker", NULL));
  assert_call (world->raw[0], "OK", "SET", "marker", marker, NULL);
  for (guint i = 0;; i++)
    {
      g_autofree char *got = call_text (world->clients[0], "GET", "marker", NULL);

      if (g_str_equal (got, expected))
        break;
      g_assert_cmpuint (i, <, 10000);
      spin_for (1);
    }
}

static void
check_all (World *world)
{
  for (guint key = 0; key < N_KEYS; key++)
    {
      g_autofree char *value = call_text (world->raw[0], "GET", key_names[key], NULL);

      for (guint i = 0; i < N_CLIENTS; i++)
        assert_call (world->clients[i], value, "GET", key_names[key], NULL);
    }
}

static void
world_begin (World *world,
             const Weather *weather)
{
  g_autoptr (TornadisClient) model = NULL;
  g_autoptr (GError) error = NULL;
  guint32 seed = (guint32) g_test_rand_int ();

  world->weather = weather;
  world->rand = g_rand_new_with_seed (seed);
  g_test_message ("seed %u", seed);
  world->redis = tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_RAW; i++)
    world->raw[i] = cache_make_client (world->redis, TORNADIS_PROTOCOL_AUTO);

  model = cache_make_client (world->redis, weather->protocol);
  world->plugin = cache_add (model);
  g_object_set (world->plugin, "max-bytes", weather->max_bytes, NULL);
  world->pool = tornadis_client_pool_new (model);

  for (guint i = 0; i < N_CLIENTS; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;

      tornadis_client_pool_get_connected_client_async (world->pool, NULL, store_result, &result);
      world->clients[i] = tornadis_client_pool_get_connected_client_finish (world->pool, wait_for_result (&result), &error);
      g_assert_no_error (error);
      world->spies[i] = g_object_new (SPY_TYPE_PLUGIN, NULL);
      world->spies[i]->world = world;
      g_assert_true (tornadis_client_add_plugin (world->clients[i], TORNADIS_PLUGIN (world->spies[i]), NULL));
      g_signal_connect_swapped (world->clients[i], "disconnected", G_CALLBACK (disconnected_cb), world->spies[i]);
    }
}

static void
world_end (World *world)
{
  for (guint i = 0; i < N_CLIENTS; i++)
    {
      g_signal_handlers_disconnect_by_data (world->clients[i], world->spies[i]);
      tornadis_client_remove_plugin (world->clients[i], TORNADIS_PLUGIN (world->spies[i]));
      g_object_unref (world->spies[i]);
      tornadis_client_pool_release_client (world->pool, world->clients[i]);
      g_object_unref (world->clients[i]);
    }
  tornadis_client_pool_destroy (world->pool);
  g_object_unref (world->pool);
  for (guint i = 0; i < N_RAW; i++)
    {
      tornadis_client_close (world->raw[i]);
      g_object_unref (world->raw[i]);
    }
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_object_unref (world->redis);
  g_rand_free (world->rand);
}

static void
test_order (gconstpointer data)
{
  const Weather *weather = data;
  World world = { 0 };

  world_begin (&world, weather);

  for (guint round = 0; round < ROUNDS; round++)
    {
      for (guint i = 0; i < weather->n_operations / ROUNDS; i++)
        {
          do_something (&world);
          while (world.n_in_flight >= MAX_IN_FLIGHT || (world.n_in_flight > 0 && g_rand_boolean (world.rand)))
            g_main_context_iteration (NULL, TRUE);
        }
      settle (&world);
      check_all (&world);
    }

  g_test_message ("hits %" G_GUINT64_FORMAT ", misses %" G_GUINT64_FORMAT ", shared %" G_GUINT64_FORMAT
                  ", invalidations %" G_GUINT64_FORMAT ", evictions %" G_GUINT64_FORMAT ", lost %u; checked: told %u, "
                  "acknowledged %u, program order %u, sequence %u",
                  cache_get (world.plugin, "hits"), cache_get (world.plugin, "misses"), cache_get (world.plugin, "shared"),
                  cache_get (world.plugin, "invalidations"), cache_get (world.plugin, "evictions"), world.n_lost,
                  world.n_checked[CHECK_TOLD], world.n_checked[CHECK_ACKNOWLEDGED], world.n_checked[CHECK_PROGRAM_ORDER],
                  world.n_checked[CHECK_SEQUENCE]);
  g_assert_cmpuint (cache_get (world.plugin, "hits"), >, weather->n_operations / 100);
  world_end (&world);
}

int
main (int argc,
      char **argv)
{
  static const Weather weathers[] = {
    { TORNADIS_PROTOCOL_AUTO, FALSE, FALSE, 1 << 20, 20000 },
    { TORNADIS_PROTOCOL_RESP2, FALSE, FALSE, 1 << 20, 20000 },
    { TORNADIS_PROTOCOL_AUTO, FALSE, TRUE, 1500, 20000 },
    { TORNADIS_PROTOCOL_RESP2, FALSE, TRUE, 1500, 20000 },
    { TORNADIS_PROTOCOL_AUTO, TRUE, TRUE, 1 << 20, 20000 },
    { TORNADIS_PROTOCOL_RESP2, TRUE, TRUE, 1 << 20, 20000 },
  };

  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/cache-order/resp3/calm", &weathers[0], test_order);
  g_test_add_data_func ("/cache-order/resp2/calm", &weathers[1], test_order);
  g_test_add_data_func ("/cache-order/resp3/small", &weathers[2], test_order);
  g_test_add_data_func ("/cache-order/resp2/small", &weathers[3], test_order);
  g_test_add_data_func ("/cache-order/resp3/kills", &weathers[4], test_order);
  g_test_add_data_func ("/cache-order/resp2/kills", &weathers[5], test_order);

  return g_test_run ();
}
