/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis bench: calls a second and latency. */

#include "tool.h"
#include "common/histogram.h"

#include <string.h>
#include <unistd.h>

#define DEFAULT_CLIENTS 5
#define DEFAULT_REQUESTS 100000
#define DEFAULT_DATA_BYTES 2
#define MAX_CLIENTS 10000
#define MAX_DATA_BYTES (512 * 1024 * 1024)
/* Without a batch size all calls of a client go out at once, within these bounds. */
#define MAX_BATCH 100000
#define MAX_BATCH_BYTES (64 * 1024 * 1024)
/* At the end: how long a server may be silent before no more is waited for, and how long deleting the key may take then:
 * less for somebody who has pressed Ctrl+C than where another connection has to be made. */
#define SILENCE_SEC 1
#define CLEANUP_SEC 3
#define INTERRUPTED_CLEANUP_SEC 1
#define LOOK_MSEC 50
/* What may be done without waiting so that the last command is written. */
#define MAX_TURNS 100

typedef struct
{
  ToolOptions options;
  int n_clients;
  gint64 n_requests;
  int batch_size; /* may be TOOL_NOT_GIVEN before it is prepared */
  gboolean pipeline;
  int data_size;

  GPtrArray *clients;       /* (element-type BenchClient) (owned) */
  TornadisCommand *command; /* (owned) */
  char *key;                /* (owned) */
  guint n_connected;
  guint n_in_flight; /* calls and pipelines */
  guint64 n_done; /* calls */
  guint64 n_errors;
  Histogram latency;
  gint64 start; /* microseconds */
  gint64 end;   /* of the last reply, or when it was stopped; 0: it has not ended */
  gint64 heard; /* of the last reply, or the start */
  guint timer;  /* 0: none, of what is waited for at the end */
  guint n_cleaning; /* DEL in flight */
  gboolean interrupted;
  gboolean failed;
  gboolean stopping; /* no more is sent, because of one of these */
  gboolean silent;   /* the server has not answered all that was sent */
  gboolean cleaning;
  char *key_problem; /* (owned) (nullable): why the key may be left */
  gboolean done;
} Bench;

typedef struct
{
  Bench *bench;
  TornadisClient *client; /* (owned) */
  guint64 n_left;         /* calls to be sent */
} BenchClient;

/* A call or a pipeline in flight, and after its reply the next one. */
typedef struct
{
  BenchClient *owner;
  gint64 start;
  guint n_calls;
} BenchCall;

static void bench_call_send (BenchCall *call);

static void
bench_client_free (BenchClient *client)
{
  g_clear_object (&client->client);
  g_free (client);
}

static void
cleaned_up_cb (TornadisClient *client,
               TornadisReply *reply,
               GError *error,
               gpointer user_data)
{
  Bench *self = user_data;

  if (error != NULL && self->key_problem == NULL)
    self->key_problem = g_strdup (error->message);
  if (--self->n_cleaning == 0)
    self->done = TRUE;
}

static gboolean
cleaning_timeout_cb (gpointer user_data)
{
  Bench *self = user_data;

  self->timer = 0;
  if (self->key_problem == NULL)
    self->key_problem = g_strdup ("DEL has no reply");
  self->done = TRUE;

  return G_SOURCE_REMOVE;
}

static void
bench_limit_cleaning (Bench *self)
{
  self->timer = g_timeout_add_seconds (self->interrupted ? INTERRUPTED_CLEANUP_SEC : CLEANUP_SEC, cleaning_timeout_cb, self);
}

/* When no call is in flight any more, which would make the key again. A server that is silent has it deleted behind the calls
 * of each connection, whenever it reads on, and nobody waits for that. */
static void
bench_clean_up (Bench *self)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "DEL", self->key, NULL });

  if (self->cleaning)
    return;

  self->cleaning = TRUE;
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->stopping)
    bench_limit_cleaning (self);

  self->n_cleaning = self->silent ? self->clients->len : 1;
  for (guint i = 0, n = self->n_cleaning; i < n; i++)
    tornadis_client_submit (((BenchClient *) g_ptr_array_index (self->clients, i))->client, command, cleaned_up_cb, self, NULL);
  if (self->silent && self->interrupted)
    {
      self->key_problem = g_strdup ("DEL has no reply");
      self->done = TRUE;
    }
}

static gboolean
bench_is_silent (Bench *self)
{
  self->silent = g_get_monotonic_time () - self->heard >= SILENCE_SEC * G_USEC_PER_SEC;

  return self->silent;
}

static gboolean
look_cb (gpointer user_data)
{
  Bench *self = user_data;

  if (!bench_is_silent (self))
    return G_SOURCE_CONTINUE;

  self->timer = 0;
  bench_clean_up (self);

  return G_SOURCE_REMOVE;
}

/* What was sent is waited for while replies come: a server that has not answered for some time already does not begin to. */
static void
bench_stop (Bench *self)
{
  if (self->stopping)
    return;

  self->stopping = TRUE;
  if (self->start == 0)
    {
      self->done = TRUE;
      return;
    }

  if (self->cleaning)
    {
      bench_limit_cleaning (self);
      return;
    }

  self->end = g_get_monotonic_time ();
  if (self->interrupted && bench_is_silent (self))
    bench_clean_up (self);
  else
    self->timer = g_timeout_add (LOOK_MSEC, look_cb, self);
}

/* A key that was made before a connection was lost is deleted on another one, unless the server is gone. */
static void
bench_fail (Bench *self,
            const char *message)
{
  if (self->failed)
    return;

  self->failed = TRUE;
  /* What the letter means elsewhere, and what it means to redis-benchmark. */
  if (self->options.db > 0 && (strstr (message, "DB index") != NULL || strstr (message, "cluster mode") != NULL))
    tool_print_error ("%s; -n is the database, the number of calls is --requests", message);
  else
    tool_print_error ("%s", message);
  bench_stop (self);
}

static void
bench_count_error (Bench *self,
                   const char *message)
{
  if (self->n_errors++ == 0)
    tool_print_error ("%s", message);
}

static void
bench_count_reply (Bench *self,
                   BenchCall *call,
                   TornadisReply *reply)
{
  for (gsize i = 0; self->pipeline && i < tornadis_reply_get_n_elements (reply); i++)
    {
      g_autoptr (GError) error = tornadis_reply_dup_error (tornadis_reply_get_element (reply, i));

      if (error != NULL)
        bench_count_error (self, error->message);
    }
}

static void
replied_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  g_autofree BenchCall *call = user_data;
  Bench *self = call->owner->bench;

  self->n_in_flight--;
  if (self->cleaning)
    return;

  if (error != NULL && !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
    {
      bench_fail (self, error->message);
    }
  else
    {
      if (error != NULL)
        bench_count_error (self, error->message);
      else
        bench_count_reply (self, call, reply);

      self->end = self->heard = g_get_monotonic_time ();
      histogram_add (&self->latency, self->end - call->start);
      self->n_done += call->n_calls;
    }

  if (call->owner->n_left > 0 && !self->stopping)
    bench_call_send (g_steal_pointer (&call));
  else if (self->n_in_flight == 0)
    bench_clean_up (self);
}

static void
bench_call_send (BenchCall *call)
{
  BenchClient *owner = call->owner;
  Bench *self = owner->bench;

  call->n_calls = self->pipeline ? (guint) MIN ((guint64) self->batch_size, owner->n_left) : 1;
  owner->n_left -= call->n_calls;
  call->start = g_get_monotonic_time ();
  self->n_in_flight++;

  if (self->pipeline)
    {
      g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

      for (guint i = 0; i < call->n_calls; i++)
        tornadis_pipeline_stack_command (pipeline, self->command);
      tornadis_client_submit_pipeline (owner->client, pipeline, replied_cb, call, NULL);
    }
  else
    {
      tornadis_client_submit (owner->client, self->command, replied_cb, call, NULL);
    }
}

static void
bench_start (Bench *self)
{
  self->start = self->heard = g_get_monotonic_time ();

  for (guint i = 0; i < self->clients->len; i++)
    {
      BenchClient *client = g_ptr_array_index (self->clients, i);
      guint n_in_flight = self->pipeline ? 1 : (guint) self->batch_size;

      while (n_in_flight-- > 0 && client->n_left > 0)
        {
          BenchCall *call = g_new0 (BenchCall, 1);

          call->owner = client;
          bench_call_send (call);
        }
    }
}

static void
connected_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, &error))
    {
      g_autofree char *text = tool_error_is_no_cluster (error) ? tool_options_describe_error (&self->options, error) : NULL;

      bench_fail (self, text != NULL ? text : error->message);
    }
  else if (++self->n_connected == self->clients->len && !self->stopping)
    bench_start (self);
}

static void
interrupted_cb (gpointer user_data)
{
  Bench *self = user_data;

  self->interrupted = TRUE;
  /* What it waits for after a connection was lost is not worth it. */
  if (self->stopping)
    self->done = TRUE;
  if (self->stopping && self->key_problem == NULL)
    self->key_problem = g_strdup ("it was interrupted");
  bench_stop (self);
}

static gboolean
bench_make_clients (Bench *self)
{
  for (int i = 0; i < self->n_clients; i++)
    {
      BenchClient *client = g_new0 (BenchClient, 1);

      g_ptr_array_add (self->clients, client);
      client->bench = self;
      client->n_left = (guint64) (self->n_requests / self->n_clients + (i < self->n_requests % self->n_clients));
      client->client = tool_options_make_client (&self->options, TORNADIS_TYPE_CLIENT);
      if (client->client == NULL)
        return FALSE;
      tornadis_client_connect_async (client->client, NULL, connected_cb, self);
    }

  return TRUE;
}

static gboolean
bench_check (Bench *self)
{
  const char *problem = NULL;

  if (self->options.arguments != NULL)
    problem = self->options.cluster ? "bench takes no argument; -c is a cluster, the number of clients is --clients"
                                    : "bench takes no argument";
  else if (self->n_clients < 1 || self->n_clients > MAX_CLIENTS)
    problem = "The number of clients is from 1 to 10000";
  else if (self->n_requests < 1)
    problem = "The number of requests is 1 or more";
  else if (self->batch_size < 1 && self->batch_size != TOOL_NOT_GIVEN)
    problem = "The batch size is 1 or more";
  else if (self->data_size < 0 || self->data_size > MAX_DATA_BYTES)
    problem = "The data size is from 0 to 512 MiB";
  if (problem != NULL)
    tool_print_usage_error ("%s", problem);
  return problem == NULL;
}

static char *
bench_describe_progress (gpointer user_data)
{
  Bench *self = user_data;
  double seconds = (double) (g_get_monotonic_time () - self->start) / G_USEC_PER_SEC;

  if (self->start == 0)
    return g_strdup_printf ("%u of %d %s connected", self->n_connected, self->n_clients,
                            tool_text_choose ((guint64) self->n_clients, "client", "clients"));

  return g_strdup_printf ("%3u%%  %.0f calls/s", (guint) (self->n_done * 100 / (guint64) self->n_requests),
                          (double) self->n_done / seconds);
}

static void
bench_print (Bench *self)
{
  double seconds = MAX (1, (double) (self->end - self->start)) / G_USEC_PER_SEC;
  double rate = (double) self->n_done / seconds;
  double p50 = histogram_get_quantile (&self->latency, 0.5) / 1000;
  double p99 = histogram_get_quantile (&self->latency, 0.99) / 1000;
  double p999 = histogram_get_quantile (&self->latency, 0.999) / 1000;
  GString *output = tool_output_begin ();

  if (self->options.json)
    g_string_append_printf (output,
                            "{\"requests\": %" G_GUINT64_FORMAT ", \"errors\": %" G_GUINT64_FORMAT ", \"clients\": %d, "
                            "\"batch_size\": %d, \"pipeline\": %s, \"data_size\": %d, \"seconds\": %.6f, "
                            "\"calls_per_second\": %.0f, \"latency_ms\": {\"p50\": %.3f, \"p99\": %.3f, \"p99.9\": %.3f}}\n",
                            self->n_done, self->n_errors, self->n_clients, self->batch_size,
                            self->pipeline ? "true" : "false", self->data_size, seconds, rate, p50, p99, p999);
  else if (self->options.csv)
    g_string_append_printf (output,
                            "\"requests\",\"errors\",\"clients\",\"batch_size\",\"pipeline\",\"data_size\",\"seconds\","
                            "\"calls_per_second\",\"p50_ms\",\"p99_ms\",\"p99.9_ms\"\n"
                            "%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%d,%d,%s,%d,%.6f,%.0f,%.3f,%.3f,%.3f\n",
                            self->n_done, self->n_errors, self->n_clients, self->batch_size,
                            self->pipeline ? "true" : "false", self->data_size, seconds, rate, p50, p99, p999);
  else
    g_string_append_printf (output,
                            "%" G_GUINT64_FORMAT " SET of %d %s, %d %s, %s of %d: %.3f s, %" G_GUINT64_FORMAT " %s\n"
                            "%.0f calls/s\n"
                            "latency of %s: p50 %.3f ms, p99 %.3f ms, p99.9 %.3f ms\n",
                            self->n_done, self->data_size, tool_text_choose ((guint64) self->data_size, "byte", "bytes"),
                            self->n_clients, tool_text_choose ((guint64) self->n_clients, "client", "clients"),
                            self->pipeline ? "pipelines" : "batches", self->batch_size, seconds, self->n_errors,
                            tool_text_choose (self->n_errors, "error", "errors"), rate, self->pipeline ? "a pipeline" : "a call",
                            p50, p99, p999);
}

/* Says why the figures are not those of all calls. */
static void
bench_print_end (Bench *self)
{
  const char *calls = tool_text_choose ((guint64) self->n_requests, "call", "calls");

  if (self->interrupted || (self->failed && self->n_done > 0))
    tool_print_error ("%s after %" G_GUINT64_FORMAT " of %" G_GINT64_FORMAT " %s%s", self->failed ? "ended" : "interrupted",
                      self->n_done, self->n_requests, calls, self->silent ? "; the server does not answer the last ones" : "");
  if (self->key_problem != NULL)
    tool_print_error ("the key %s may be left: %s", self->key, self->key_problem);
}

static void
bench_clear (Bench *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_ptr_array_unref (self->clients);
  g_clear_pointer (&self->command, tornadis_command_unref);
  g_free (self->key);
  g_free (self->key_problem);
  tool_options_clear (&self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

/* What follows from the options. */
static void
bench_prepare (Bench *self)
{
  g_autofree char *value = g_strnfill ((gsize) self->data_size, '*');
  gint64 bound = MIN (MAX_BATCH, MAX (1, MAX_BATCH_BYTES / (self->data_size + 1)));

  self->key = g_strdup_printf ("tornadis-bench-%d", (int) getpid ());
  self->command = tornadis_command_new_strv ((const char *[]) { "SET", self->key, value, NULL });
  if (self->batch_size == TOOL_NOT_GIVEN)
    self->batch_size = (int) CLAMP (self->n_requests / self->n_clients, 1, bound);
}

int
tool_bench (char **argv)
{
  g_auto (Bench) self = {
    .clients = g_ptr_array_new_with_free_func ((GDestroyNotify) bench_client_free),
    .n_clients = DEFAULT_CLIENTS,
    .n_requests = DEFAULT_REQUESTS,
    .batch_size = TOOL_NOT_GIVEN,
    .data_size = DEFAULT_DATA_BYTES,
  };
  const GOptionEntry entries[] = {
    { "clients", 0, 0, G_OPTION_ARG_INT, &self.n_clients, "Number of connections (default: 5)", "N" },
    { "requests", 0, 0, G_OPTION_ARG_INT64, &self.n_requests, "Number of calls, of all clients (default: 100000)", "N" },
    { "batch-size", 'b', 0, G_OPTION_ARG_INT, &self.batch_size, "Calls in flight of each client (default: all of them)", "N" },
    { "pipeline", 'P', 0, G_OPTION_ARG_NONE, &self.pipeline, "Send the calls of a batch as one pipeline", NULL },
    { "data-size", 'd', 0, G_OPTION_ARG_INT, &self.data_size, "Size of the value (default: 2)", "BYTES" },
    G_OPTION_ENTRY_NULL,
  };

  if (!tool_options_parse (&self.options, argv, TOOL_PARSE_ANYWHERE, NULL,
                           "Measures calls a second and latency: SET of one key, which is deleted at the end.", entries) ||
      !bench_check (&self))
    return TOOL_USAGE;

  bench_prepare (&self);
  if (!bench_make_clients (&self))
    return TOOL_USAGE;

  tool_progress_start (bench_describe_progress, &self);
  tool_signals_watch (interrupted_cb, &self);
  while (!self.done)
    g_main_context_iteration (NULL, TRUE);
  tool_signals_unwatch ();
  tool_progress_stop ();
  for (guint i = 0; self.silent && i < MAX_TURNS && g_main_context_iteration (NULL, FALSE); i++)
    ;

  bench_print_end (&self);
  if (self.n_done > 0)
    bench_print (&self);

  if (self.failed || self.n_errors > 0 || (self.key_problem != NULL && !self.interrupted))
    return TOOL_FAILED;

  return TOOL_DONE;
}
