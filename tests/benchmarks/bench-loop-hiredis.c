/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* hiredis on its own GLib adapter in a program's main loop. */

#include "bench-loop.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <adapters/glib.h>
#include <async.h>
#include <hiredis.h>
#pragma GCC diagnostic pop

static redisAsyncContext *client;

static void
connected_cb (const redisAsyncContext *context,
              int status)
{
  if (status != REDIS_OK)
    bench_fail (context->errstr);
  bench_opened ();
}

static redisAsyncContext *
open_context (void)
{
  redisAsyncContext *context = redisAsyncConnectUnix (bench_path);

  if (context == NULL || context->err != 0)
    bench_fail ("hiredis: no connection");
  g_source_attach (redis_source_new (context), NULL);
  return context;
}

void
backend_open (void)
{
  client = open_context ();
  redisAsyncSetConnectCallback (client, connected_cb);
}

void
backend_open_idle (void)
{
  redisAsyncSetConnectCallback (open_context (), connected_cb);
}

static void
answered_cb (redisAsyncContext *context,
             void *data,
             void *user_data)
{
  const redisReply *reply = data;

  if (reply == NULL || reply->type != REDIS_REPLY_STRING)
    bench_fail ("hiredis: not the reply");
  bench_answered (reply->str, reply->len);
}

void
backend_call (BenchCall call)
{
  static const char *const commands[] = {
    [BENCH_CALL_GET] = "GET " BENCH_KEY,
    [BENCH_CALL_LARGE] = "GET " BENCH_LARGE_REPLY_KEY,
    [BENCH_CALL_INFO] = "INFO clients",
  };

  redisAsyncCommand (client, answered_cb, NULL, commands[call]);
}

static void
message_cb (redisAsyncContext *context,
            void *data,
            void *user_data)
{
  const redisReply *reply = data;

  if (reply == NULL || reply->elements < 3)
    bench_fail ("hiredis: not a message");
  if (reply->element[2]->type == REDIS_REPLY_INTEGER)
    bench_subscribed ();
  else
    bench_message (GPOINTER_TO_UINT (user_data), reply->element[2]->str, reply->element[2]->len);
}

void
backend_subscribe (guint index)
{
  redisAsyncCommand (open_context (), message_cb, GUINT_TO_POINTER (index), "SUBSCRIBE %s", BENCH_CHANNEL);
}
