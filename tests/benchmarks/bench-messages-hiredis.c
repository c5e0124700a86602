/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages into callbacks of hiredis, on its own GLib adapter: bench-messages-hiredis {handler|pattern} SOCKET COUNT
 * CHANNELS SIZE. */

#include "bench-messages.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <adapters/glib.h>
#include <async.h>
#include <hiredis.h>
#pragma GCC diagnostic pop

static guint n_channels;

static void
message_cb (redisAsyncContext *context,
            void *data,
            void *user_data)
{
  const redisReply *reply = data;
  const redisReply *payload;

  if (reply == NULL || reply->elements < 3)
    bench_fail ("hiredis: not a message");
  payload = reply->element[reply->elements - 1];
  if (payload->type == REDIS_REPLY_STRING)
    bench_message (payload->str);
  /* What was subscribed to until now. */
  else if (payload->integer == n_channels)
    bench_ready ();
}

static void
connected_cb (const redisAsyncContext *context,
              int status)
{
  if (status != REDIS_OK)
    bench_fail (context->errstr);
}

int
main (int argc,
      char **argv)
{
  g_auto (GStrv) channels = NULL;
  redisAsyncContext *context;
  GSource *source;

  bench_init (&bench, argc, argv);
  message_size = strtoul (argv[argc - 1], NULL, 10);
  n_channels = g_str_equal (bench.workload, "pattern") ? 1 : bench.n_in_flight;
  loop = g_main_loop_new (NULL, FALSE);

  context = redisAsyncConnectUnix (bench.path);
  if (context == NULL || context->err != 0)
    bench_fail ("hiredis: no connection");
  source = redis_source_new (context);
  g_source_attach (source, NULL);
  redisAsyncSetConnectCallback (context, connected_cb);

  channels = bench_make_channels (n_channels);
  if (g_str_equal (bench.workload, "pattern"))
    redisAsyncCommand (context, message_cb, NULL, "PSUBSCRIBE %s*", BENCH_CHANNELS);
  else
    for (guint i = 0; i < n_channels; i++)
      redisAsyncCommand (context, message_cb, NULL, "SUBSCRIBE %s", channels[i]);
  g_main_loop_run (loop);
  bench_report (&bench);
  return 0;
}
