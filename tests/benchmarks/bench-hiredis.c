/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The workloads on hiredis: its asynchronous half on its own GLib adapter, and its synchronous half. */

#include "bench.h"

#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <adapters/glib.h>
#include <async.h>
#include <hiredis.h>
#pragma GCC diagnostic pop

static Bench bench;
static GMainLoop *loop;
static redisAsyncContext *async_context;
static redisContext *blocking;
static guint n_sent;
static guint n_done;

static void
done (void)
{
  if (++n_done < bench.n)
    return;
  bench_stop (&bench);
  g_main_loop_quit (loop);
}

static void
check (const redisReply *reply,
       int type,
       size_t length)
{
  if (reply == NULL || reply->type != type || (type == REDIS_REPLY_STRING && reply->len != length))
    bench_fail ("hiredis: not the reply");
}

static void get (void);

static void
get_cb (redisAsyncContext *context,
        void *data,
        void *user_data)
{
  check (data, REDIS_REPLY_STRING, 32);
  if (n_sent < bench.n)
    get ();
  done ();
}

static void
get (void)
{
  n_sent++;
  redisAsyncCommand (async_context, get_cb, NULL, "GET %s", BENCH_KEY);
}

static void
run_get (void)
{
  bench_start (&bench);
  for (guint i = 0; i < bench.n_in_flight; i++)
    get ();
  g_main_loop_run (loop);
  bench_report (&bench);
}

/* Which list is read. */
static const char *list_key = BENCH_LIST_KEY;
static size_t list_length = BENCH_LIST_LENGTH;

static void range (void);

static void
range_cb (redisAsyncContext *context,
          void *data,
          void *user_data)
{
  const redisReply *reply = data;
  size_t total = 0;

  check (reply, REDIS_REPLY_ARRAY, 0);
  for (size_t i = 0; i < reply->elements; i++)
    total += reply->element[i]->len;
  if (reply->elements != list_length || total < reply->elements)
    bench_fail ("hiredis: not the list");
  if (++n_sent < bench.n)
    range ();
  done ();
}

static void
range (void)
{
  redisAsyncCommand (async_context, range_cb, NULL, "LRANGE %s 0 -1", list_key);
}

static void
run_range (void)
{
  bench_start (&bench);
  range ();
  g_main_loop_run (loop);
  bench_report (&bench);
}

static void
run_long_range (void)
{
  list_key = BENCH_LONG_LIST_KEY;
  list_length = BENCH_LONG_LIST_LENGTH;
  run_range ();
}

static void
run_pipeline (void)
{
  bench_start (&bench);
  for (; n_done < bench.n; n_done += BENCH_BATCH)
    {
      for (guint i = 0; i < BENCH_BATCH; i++)
        redisAppendCommand (blocking, "GET %s", BENCH_KEY);
      for (guint i = 0; i < BENCH_BATCH; i++)
        {
          void *reply = NULL;

          if (redisGetReply (blocking, &reply) != REDIS_OK)
            bench_fail (blocking->errstr);
          check (reply, REDIS_REPLY_STRING, 32);
          freeReplyObject (reply);
        }
    }
  bench_stop (&bench);
  bench_report (&bench);
}

/* What somebody makes of it by hand who knows where the keys are: BENCH_NODES, as in "7000=one,7001=two". */
static void
run_nodes (void)
{
  g_auto (GStrv) nodes = g_strsplit (g_getenv ("BENCH_NODES"), ",", -1);
  guint n_nodes = g_strv_length (nodes);
  g_autofree redisContext **contexts = g_new (redisContext *, n_nodes);
  g_autofree const char **keys = g_new (const char *, n_nodes);

  for (guint i = 0; i < n_nodes; i++)
    {
      contexts[i] = redisConnect ("127.0.0.1", atoi (nodes[i]));
      if (contexts[i] == NULL || contexts[i]->err != 0)
        bench_fail ("hiredis: no connection");
      keys[i] = strchr (nodes[i], '=') + 1;
    }

  bench_start (&bench);
  for (; n_done < bench.n; n_done += BENCH_BATCH)
    {
      for (guint i = 0; i < BENCH_BATCH; i++)
        redisAppendCommand (contexts[i % n_nodes], "GET %s", keys[i % n_nodes]);
      for (guint i = 0; i < n_nodes; i++)
        for (int written = 0; !written;)
          if (redisBufferWrite (contexts[i], &written) != REDIS_OK)
            bench_fail (contexts[i]->errstr);
      for (guint i = 0; i < BENCH_BATCH; i++)
        {
          void *reply = NULL;

          if (redisGetReply (contexts[i % n_nodes], &reply) != REDIS_OK)
            bench_fail (contexts[i % n_nodes]->errstr);
          check (reply, REDIS_REPLY_STRING, 32);
          freeReplyObject (reply);
        }
    }
  bench_stop (&bench);
  bench_report (&bench);
}

/* What is left when a client does nothing at all: the same bytes out and in, neither made nor looked at. No client
 * that sleeps while it waits is faster. */
static void
run_bare_pipeline (void)
{
  g_autofree char *command = NULL;
  g_autoptr (GString) request = g_string_new (NULL);
  g_autofree char *replies = g_malloc (BENCH_BATCH * strlen ("$32\r\n\r\n") + BENCH_BATCH * 32);
  int length = redisFormatCommand (&command, "GET %s", BENCH_KEY);

  for (guint i = 0; i < BENCH_BATCH; i++)
    g_string_append_len (request, command, length);

  bench_start (&bench);
  for (; n_done < bench.n; n_done += BENCH_BATCH)
    {
      gssize rest = BENCH_BATCH * (gssize) (strlen ("$32\r\n\r\n") + 32);

      if (write (blocking->fd, request->str, request->len) != (gssize) request->len)
        bench_fail ("a short write");
      while (rest > 0)
        {
          gssize n = read (blocking->fd, replies, rest);

          if (n <= 0)
            bench_fail ("a short read");
          rest -= n;
        }
    }
  bench_stop (&bench);
  bench_report (&bench);
}

static void
run_set_large (void)
{
  g_autofree char *data = g_malloc (BENCH_LARGE_SIZE);

  memset (data, 'x', BENCH_LARGE_SIZE);
  bench_start (&bench);
  for (guint i = 0; i < bench.n; i++)
    {
      redisReply *reply = redisCommand (blocking, "SET %s %b", BENCH_LARGE_KEY, data, (size_t) BENCH_LARGE_SIZE);

      check (reply, REDIS_REPLY_STATUS, 0);
      freeReplyObject (reply);
    }
  bench_stop (&bench);
  bench_report (&bench);
}

static void
run_get_large (void)
{
  bench_start (&bench);
  for (guint i = 0; i < bench.n; i++)
    {
      redisReply *reply = redisCommand (blocking, "GET %s", BENCH_LARGE_KEY);

      check (reply, REDIS_REPLY_STRING, BENCH_LARGE_SIZE);
      freeReplyObject (reply);
    }
  bench_stop (&bench);
  bench_report (&bench);
}

static void
connected_cb (const redisAsyncContext *context,
              int status)
{
  if (status != REDIS_OK)
    bench_fail (context->errstr);
  g_main_loop_quit (loop);
}

static void
connect_async (void)
{
  GSource *source;

  async_context = redisAsyncConnectUnix (bench.path);
  if (async_context == NULL || async_context->err != 0)
    bench_fail ("hiredis: no connection");
  source = redis_source_new (async_context);
  g_source_attach (source, NULL);
  redisAsyncSetConnectCallback (async_context, connected_cb);
  g_main_loop_run (loop);
}

int
main (int argc,
      char **argv)
{
  static const struct
  {
    const char *name;
    void (*run) (void);
    gboolean async;
  } workloads[] = {
    { "get", run_get, TRUE },
    { "range", run_range, TRUE },
    { "long-range", run_long_range, TRUE },
    { "pipeline", run_pipeline, FALSE },
    { "pipeline-nodes", run_nodes, FALSE },
    { "bare-pipeline", run_bare_pipeline, FALSE },
    { "set-large", run_set_large, FALSE },
    { "get-large", run_get_large, FALSE },
  };

  bench_init (&bench, argc, argv);
  loop = g_main_loop_new (NULL, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (workloads); i++)
    if (g_str_equal (bench.workload, workloads[i].name))
      {
        if (workloads[i].async)
          {
            connect_async ();
          }
        else
          {
            /* Of a node of a cluster, which has no socket of that kind. */
            const char *port = g_getenv ("BENCH_PORT");

            blocking = port != NULL ? redisConnect ("127.0.0.1", atoi (port)) : redisConnectUnix (bench.path);
            if (blocking == NULL || blocking->err != 0)
              bench_fail ("hiredis: no connection");
          }
        workloads[i].run ();
      }

  return 0;
}
