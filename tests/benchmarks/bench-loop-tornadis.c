/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis-glib in a program's main loop, by its public API alone. */

#include "bench-loop.h"

#include <tornadis-glib/tornadis-glib.h>

static TornadisClient *client;

static void
check (GError *error)
{
  if (error != NULL)
    bench_fail (error->message);
}

static void
connected_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, &error);
  check (error);
  bench_opened ();
}

/* BENCH_READ_TIMEOUT and BENCH_CALL_TIMEOUT set the timers of silence and of calls. */
static gpointer
make_client (GType type)
{
  const char *read_timeout = g_getenv ("BENCH_READ_TIMEOUT");
  const char *call_timeout = g_getenv ("BENCH_CALL_TIMEOUT");

  return g_object_new (type, "unix-domain-socket", bench_path,
                       "read-timeout", read_timeout != NULL ? atoi (read_timeout) : 0,
                       "call-timeout-msec", call_timeout != NULL ? atoi (call_timeout) : 0, NULL);
}

void
backend_open (void)
{
  client = make_client (TORNADIS_TYPE_CLIENT);
  tornadis_client_connect_async (client, NULL, connected_cb, NULL);
}

/* They stay until the program ends. */
void
backend_open_idle (void)
{
  tornadis_client_connect_async (make_client (TORNADIS_TYPE_CLIENT), NULL, connected_cb, NULL);
}

static void
answered_cb (TornadisClient *self,
             TornadisReply *reply,
             GError *error,
             gpointer user_data)
{
  gsize length;
  const guint8 *data;

  check (error);
  data = tornadis_reply_get_data (reply, &length);
  bench_answered ((const char *) data, length);
}

void
backend_call (BenchCall call)
{
  static const char *const args[][2] = {
    [BENCH_CALL_GET] = { "GET", BENCH_KEY },
    [BENCH_CALL_LARGE] = { "GET", BENCH_LARGE_REPLY_KEY },
    [BENCH_CALL_INFO] = { "INFO", "clients" },
  };
  g_autoptr (TornadisCommand) command = tornadis_command_new (args[call][0]);

  tornadis_command_append_string (command, args[call][1]);
  tornadis_client_submit (client, command, answered_cb, NULL, NULL);
}

static void
message_cb (TornadisPubSubClient *self,
            TornadisMessage *message,
            gpointer user_data)
{
  const char *text = tornadis_message_get_text (message);

  bench_message (GPOINTER_TO_UINT (user_data), text, text != NULL ? strlen (text) : 0);
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_pub_sub_client_subscribe_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);
  check (error);
  bench_subscribed ();
}

void
backend_subscribe (guint index)
{
  TornadisPubSubClient *self = make_client (TORNADIS_TYPE_PUB_SUB_CLIENT);

  g_signal_connect (self, "message", G_CALLBACK (message_cb), GUINT_TO_POINTER (index));
  tornadis_pub_sub_client_subscribe_async (self, (const char *[]) { BENCH_CHANNEL, NULL }, NULL, subscribed_cb, NULL);
}
