/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The workloads on tornadis-glib, by its public API alone. */

#include "bench.h"

#include "tests/heap.h"
#include <tornadis-glib/tornadis-glib.h>

static Bench bench;
static GMainLoop *loop;
static TornadisClient *client;
static guint n_sent;
static guint n_done;

static void
check (GError *error)
{
  if (error != NULL)
    bench_fail (error->message);
}

static void
done (void)
{
  if (++n_done < bench.n)
    return;
  bench_stop (&bench);
  g_main_loop_quit (loop);
}

/* As a program does it: a command is made for each call. */
static TornadisCommand *
make_get (const char *key)
{
  TornadisCommand *command = tornadis_command_new ("GET");

  tornadis_command_append_string (command, key);
  return command;
}

static void
run (void)
{
  g_main_loop_run (loop);
  bench_report (&bench);
}

static void get_by_submit (void);

static void
submitted_cb (TornadisClient *self,
              TornadisReply *reply,
              GError *error,
              gpointer user_data)
{
  gsize length;

  check (error);
  if (tornadis_reply_get_data (reply, &length) == NULL || length != 32)
    bench_fail ("not the value");
  if (n_sent < bench.n)
    get_by_submit ();
  done ();
}

static void
get_by_submit (void)
{
  g_autoptr (TornadisCommand) command = make_get (BENCH_KEY);

  n_sent++;
  tornadis_client_submit (client, command, submitted_cb, NULL, NULL);
}

static void get_by_call (void);

/* (nullable) of all calls, as that of a window is of everything that it asks for */
static GCancellable *cancellable;

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (client, result, &error);
  gsize length;

  check (error);
  if (tornadis_reply_get_data (reply, &length) == NULL || length != 32)
    bench_fail ("not the value");
  if (n_sent < bench.n)
    get_by_call ();
  done ();
}

static void
get_by_call (void)
{
  g_autoptr (TornadisCommand) command = make_get (BENCH_KEY);

  n_sent++;
  tornadis_client_call_async (client, command, cancellable, called_cb, NULL);
}

static void
repeat (void (*get) (void))
{
  bench_start (&bench);
  for (guint i = 0; i < bench.n_in_flight; i++)
    get ();
  run ();
}

static void
run_submit (void)
{
  repeat (get_by_submit);
}

static void
run_call (void)
{
  repeat (get_by_call);
}

static void
run_cancellable_call (void)
{
  cancellable = g_cancellable_new ();
  run_call ();
  g_clear_object (&cancellable);
}

static void pipeline_once (void);

static void
pipeline_cb (TornadisClient *self,
             TornadisReply *reply,
             GError *error,
             gpointer user_data)
{
  check (error);
  for (guint i = 0; i < BENCH_BATCH; i++)
    {
      gsize length;

      if (tornadis_reply_get_data (tornadis_reply_get_element (reply, i), &length) == NULL || length != 32)
        bench_fail ("not the value");
    }
  n_done += BENCH_BATCH - 1;
  if (n_done + 1 < bench.n)
    pipeline_once ();
  done ();
}

/* Those of BENCH_KEYS, with commas between them: of a cluster they are on all nodes. */
static char **keys;
static guint n_keys;

static void
find_keys (void)
{
  const char *text = g_getenv ("BENCH_KEYS");

  keys = g_strsplit (text != NULL && *text != '\0' ? text : BENCH_KEY, ",", -1);
  n_keys = g_strv_length (keys);
}

static TornadisPipeline *
make_pipeline (void)
{
  TornadisPipeline *pipeline = tornadis_pipeline_new ();

  for (guint i = 0; i < BENCH_BATCH; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", keys[i % n_keys], NULL });
  return pipeline;
}

/* Sent again and again, when there is one. */
static TornadisPipeline *kept_pipeline;

static void
pipeline_once (void)
{
  g_autoptr (TornadisPipeline) pipeline = kept_pipeline != NULL ? g_object_ref (kept_pipeline) : make_pipeline ();

  tornadis_client_submit_pipeline (client, pipeline, pipeline_cb, NULL, NULL);
}

static void
run_pipeline (void)
{
  bench_start (&bench);
  pipeline_once ();
  run ();
}

static void
run_kept_pipeline (void)
{
  kept_pipeline = make_pipeline ();
  run_pipeline ();
  g_clear_object (&kept_pipeline);
}

static GBytes *large;
static void set_large (void);

static void
set_large_cb (TornadisClient *self,
              TornadisReply *reply,
              GError *error,
              gpointer user_data)
{
  check (error);
  if (++n_sent < bench.n)
    set_large ();
  done ();
}

static void
set_large (void)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("SET");

  tornadis_command_append_string (command, BENCH_LARGE_KEY);
  tornadis_command_append_bytes (command, large);
  tornadis_client_submit (client, command, set_large_cb, NULL, NULL);
}

static void
run_set_large (void)
{
  guint8 *data = g_malloc (BENCH_LARGE_SIZE);

  memset (data, 'x', BENCH_LARGE_SIZE);
  large = g_bytes_new_take (data, BENCH_LARGE_SIZE);
  bench_start (&bench);
  set_large ();
  run ();
  g_bytes_unref (large);
}

static void get_large (void);

static void
get_large_cb (TornadisClient *self,
              TornadisReply *reply,
              GError *error,
              gpointer user_data)
{
  gsize length;
  const guint8 *data;

  check (error);
  data = tornadis_reply_get_data (reply, &length);
  if (length != BENCH_LARGE_SIZE || data[length - 1] != 'x')
    bench_fail ("not the value");
  done ();
  if (n_done < bench.n)
    get_large ();
}

static void
get_large (void)
{
  g_autoptr (TornadisCommand) command = make_get (BENCH_LARGE_KEY);

  tornadis_client_submit (client, command, get_large_cb, NULL, NULL);
}

static void
run_get_large (void)
{
  bench_start (&bench);
  get_large ();
  run ();
}

/* Which list is read. */
static const char *list_key = BENCH_LIST_KEY;
static gsize list_length = BENCH_LIST_LENGTH;

static void range (void);

static void
range_cb (TornadisClient *self,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  gsize n, total = 0;

  check (error);
  n = tornadis_reply_get_n_elements (reply);
  for (gsize i = 0; i < n; i++)
    {
      gsize length;

      tornadis_reply_get_data (tornadis_reply_get_element (reply, i), &length);
      total += length;
    }
  if (n != list_length || total < n)
    bench_fail ("not the list");
  if (++n_sent < bench.n)
    range ();
  done ();
}

static void
range (void)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_format ("LRANGE %s 0 -1", list_key);

  tornadis_client_submit (client, command, range_cb, NULL, NULL);
}

static void
run_range (void)
{
  bench_start (&bench);
  range ();
  run ();
}

static void
run_long_range (void)
{
  list_key = BENCH_LONG_LIST_KEY;
  list_length = BENCH_LONG_LIST_LENGTH;
  run_range ();
}

static void
connected_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, &error);
  check (error);
  n_done++;
  g_main_loop_quit (loop);
}

/* How many connections are opened at once: the server's backlog takes 511. */
#define OPEN_AT_ONCE 100

/* What a client that is connected and idle costs here. One is made before, for what it sets up once. */
static void
run_idle (void)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  gint64 before = 0;

  for (guint i = 0; i <= bench.n; i++)
    {
      TornadisClient *one = tornadis_client_new_for_unix_socket (bench.path);

      g_ptr_array_add (clients, one);
      tornadis_client_connect_async (one, NULL, connected_cb, NULL);
      if (i % OPEN_AT_ONCE == 0 || i == bench.n)
        while (n_done <= i)
          g_main_loop_run (loop);
      if (i == 0)
        before = bench_get_memory ("VmRSS:");
    }

  printf ("{\"ops\": %u, \"kib_each\": %.3f}\n", bench.n, (double) (bench_get_memory ("VmRSS:") - before) / bench.n);
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) directory = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (directory != NULL && g_dir_read_name (directory) != NULL)
    n++;

  return n;
}

static void
got_cb (TornadisClient *self,
        TornadisReply *reply,
        GError *error,
        gpointer user_data)
{
  guint *n_awaited = user_data;

  check (error);
  if (--*n_awaited == 0)
    g_main_loop_quit (loop);
}

/* With all of the clients, either each of the keys or the first as many times. */
static void
get_keys (GPtrArray *clients,
          gboolean each)
{
  guint n_awaited = 0;

  for (guint i = 0; i < clients->len; i++)
    {
      for (guint j = 0; j < n_keys; j++)
        {
          g_autoptr (TornadisCommand) command = make_get (keys[each ? j : 0]);

          n_awaited++;
          tornadis_client_submit (g_ptr_array_index (clients, i), command, got_cb, &n_awaited, NULL);
        }
      if (i % OPEN_AT_ONCE == 0 || i + 1 == clients->len)
        g_main_loop_run (loop);
    }
}

/* What the client of one more node of a cluster costs here, once it was asked for a key and is idle. So many clients, of one
 * plugin, have the client of the first key's node each before. */
static void
run_idle_nodes (void)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) model = tornadis_client_new_for_uri (g_getenv ("BENCH_URI"), &error);
  g_autoptr (TornadisPlugin) plugin = NULL;
  gint64 before;
  guint n_before, n;

  check (error);
  plugin = g_list_model_get_item (tornadis_client_get_plugins (model), 0);
  for (guint i = 0; i < bench.n; i++)
    {
      TornadisClient *one = g_object_new (TORNADIS_TYPE_CLIENT, NULL);

      g_ptr_array_add (clients, one);
      tornadis_client_add_plugin (one, plugin, &error);
      check (error);
    }

  get_keys (clients, FALSE);
  n_before = count_descriptors ();
  /* Of so few clients it is more to the point than what the process has of the machine. */
  before = (gint64) get_heap_size ();
  get_keys (clients, TRUE);
  n = count_descriptors () - n_before;
  printf ("{\"ops\": %u, \"kib_each\": %.3f}\n", n, (double) ((gint64) get_heap_size () - before) / 1024 / n);
}

/* Those that BENCH_PLUGINS names, with commas between them. */
static void
add_plugins (void)
{
  const char *text = g_getenv ("BENCH_PLUGINS");
  g_auto (GStrv) names = g_strsplit (text != NULL ? text : "", ",", -1);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;

      tornadis_client_add_plugin_by_name (client, names[i], &error);
      check (error);
    }
}

/* BENCH_PROPERTIES sets some: NAME=NUMBER, with commas between them. A library that is measured may have others. */
static void
set_properties (void)
{
  const char *text = g_getenv ("BENCH_PROPERTIES");
  g_auto (GStrv) properties = g_strsplit (text != NULL ? text : "", ",", -1);

  for (guint i = 0; properties[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (properties[i], "=", 2);
      g_auto (GValue) value = G_VALUE_INIT;

      if (g_object_class_find_property (G_OBJECT_GET_CLASS (client), parts[0]) == NULL)
        bench_skip ("there is no property of the name", parts[0]);
      g_value_init (&value, G_TYPE_INT);
      g_value_set_int (&value, atoi (parts[1]));
      g_object_set_property (G_OBJECT (client), parts[0], &value);
    }
}

static void
connect_client (void)
{
  if (bench.port != 0)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GTlsDatabase) database = g_tls_file_database_new (bench.ca_file, &error);

      check (error);
      client = g_object_new (TORNADIS_TYPE_CLIENT, "host", "localhost", "port", bench.port, "tls", TRUE, "tls-database", database,
                             NULL);
    }
  else if (g_getenv ("BENCH_URI") != NULL)
    {
      g_autoptr (GError) error = NULL;

      client = tornadis_client_new_for_uri (g_getenv ("BENCH_URI"), &error);
      check (error);
    }
  else
    {
      client = tornadis_client_new_for_unix_socket (bench.path);
    }

  set_properties ();
  add_plugins ();
  tornadis_client_connect_async (client, NULL, connected_cb, NULL);
  g_main_loop_run (loop);
  n_done = 0;
}

/* Answered by the plugin `cache`, without the server. */
static void
run_hit (void)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *plugin = tornadis_client_add_plugin_by_name (client, "cache", &error);
  guint64 hits = 0;
  guint n = bench.n;

  check (error);
  /* Until the server tells of changed keys. */
  while (hits == 0)
    {
      n_sent = n_done = 0;
      bench.n = 1;
      get_by_submit ();
      g_main_loop_run (loop);
      g_object_get (plugin, "hits", &hits, NULL);
    }

  bench.n = n;
  n_sent = n_done = 0;
  repeat (get_by_submit);
}

int
main (int argc,
      char **argv)
{
  static const struct
  {
    const char *name;
    void (*run) (void);
    gboolean connected;
  } workloads[] = {
    { "submit", run_submit, TRUE },
    { "call", run_call, TRUE },
    { "cancellable-call", run_cancellable_call, TRUE },
    { "pipeline", run_pipeline, TRUE },
    { "kept-pipeline", run_kept_pipeline, TRUE },
    { "set-large", run_set_large, TRUE },
    { "get-large", run_get_large, TRUE },
    { "range", run_range, TRUE },
    { "long-range", run_long_range, TRUE },
    { "hit", run_hit, TRUE },
    { "idle", run_idle, FALSE },
    { "idle-nodes", run_idle_nodes, FALSE },
  };

  bench_init (&bench, argc, argv);
  loop = g_main_loop_new (NULL, FALSE);
  find_keys ();

  for (guint i = 0; i < G_N_ELEMENTS (workloads); i++)
    if (g_str_equal (bench.workload, workloads[i].name))
      {
        if (workloads[i].connected)
          connect_client ();
        workloads[i].run ();
      }

  g_clear_object (&client);
  g_strfreev (keys);
  g_main_loop_unref (loop);
  return 0;
}
