/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages into handlers of tornadis-glib, by its public API alone: bench-messages-tornadis
 * {handler|detail|pattern|flood|queued-messages} SOCKET COUNT CHANNELS SIZE. */

#include "bench-messages.h"

#include <tornadis-glib/tornadis-glib.h>

static void
check (GError *error)
{
  if (error != NULL)
    bench_fail (error->message);
}

static void
message_cb (TornadisPubSubClient *self,
            TornadisMessage *message,
            gpointer user_data)
{
  bench_message (tornadis_message_get_text (message));
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_pub_sub_client_subscribe_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);
  check (error);
  bench_ready ();
}

static void
psubscribed_cb (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_pub_sub_client_psubscribe_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);
  check (error);
  bench_ready ();
}

static TornadisPubSubClient *
subscribe (GStrv channels)
{
  TornadisPubSubClient *self = tornadis_pub_sub_client_new_for_unix_socket (bench.path);

  tornadis_pub_sub_client_subscribe_async (self, (const char *const *) channels, NULL, subscribed_cb, NULL);
  return self;
}

static void
run_handler (GStrv channels)
{
  g_autoptr (TornadisPubSubClient) self = subscribe (channels);

  g_signal_connect (self, "message", G_CALLBACK (message_cb), NULL);
  g_main_loop_run (loop);
  bench_report (&bench);
}

/* A handler for each channel, as a program has one for each of its subjects. */
static void
run_detail (GStrv channels)
{
  g_autoptr (TornadisPubSubClient) self = subscribe (channels);

  for (guint i = 0; channels[i] != NULL; i++)
    {
      g_autofree char *signal = g_strconcat ("message::", channels[i], NULL);

      g_signal_connect (self, signal, G_CALLBACK (message_cb), NULL);
    }
  g_main_loop_run (loop);
  bench_report (&bench);
}

static void
run_pattern (GStrv channels)
{
  g_autoptr (TornadisPubSubClient) self = tornadis_pub_sub_client_new_for_unix_socket (bench.path);

  g_signal_connect (self, "message", G_CALLBACK (message_cb), NULL);
  tornadis_pub_sub_client_psubscribe_async (self, (const char *[]) { BENCH_CHANNELS "*", NULL }, NULL, psubscribed_cb, NULL);
  g_main_loop_run (loop);
  bench_report (&bench);
}

/* A main loop with a timer of 60 Hz, as GTK's frame clock, under a flood of messages. What holds the loop between
 * two polls is measured in CPU time of this thread, so that the server, which has the other processor, does not
 * count. */
static struct
{
  GPollFunc poll;
  gint64 cpu;       /* when the last poll returned */
  gint64 longest;   /* nanoseconds of one turn of the loop */
  gint64 next;      /* when the next frame is due, monotonic microseconds */
  guint n_frames;
  guint n_on_time;
  gint64 latest;    /* microseconds that a frame was late */
} flood;

#define FRAME_USEC (G_USEC_PER_SEC / 60)

static int
flood_poll (GPollFD *fds,
            guint n_fds,
            int timeout)
{
  gint64 now = bench_clock (CLOCK_THREAD_CPUTIME_ID);
  int result;

  if (n_messages > 0)
    flood.longest = MAX (flood.longest, now - flood.cpu);
  result = flood.poll (fds, n_fds, timeout);
  flood.cpu = bench_clock (CLOCK_THREAD_CPUTIME_ID);
  return result;
}

static gboolean
frame_cb (gpointer source)
{
  gint64 now = g_get_monotonic_time ();

  if (n_messages > 0)
    {
      gint64 late = now - flood.next;

      flood.n_frames++;
      flood.n_on_time += late < FRAME_USEC;
      flood.latest = MAX (flood.latest, late);
    }
  flood.next += (MAX (0, now - flood.next) / FRAME_USEC + 1) * FRAME_USEC;
  g_source_set_ready_time (source, flood.next);
  return G_SOURCE_CONTINUE;
}

static gboolean
frame_dispatch (GSource *source,
                GSourceFunc callback,
                gpointer user_data)
{
  return frame_cb (source);
}

static void
run_flood (GStrv channels)
{
  static GSourceFuncs funcs = { .dispatch = frame_dispatch };
  GMainContext *context = g_main_context_default ();
  g_autoptr (TornadisPubSubClient) self = subscribe (channels);
  g_autoptr (GSource) frames = g_source_new (&funcs, sizeof (GSource));

  g_signal_connect (self, "message", G_CALLBACK (message_cb), NULL);
  /* GTK's own priority for drawing. */
  g_source_set_priority (frames, G_PRIORITY_HIGH_IDLE + 20);
  flood.next = g_get_monotonic_time () + FRAME_USEC;
  g_source_set_ready_time (frames, flood.next);
  g_source_attach (frames, context);
  flood.poll = g_main_context_get_poll_func (context);
  g_main_context_set_poll_func (context, flood_poll);

  g_main_loop_run (loop);
  g_source_destroy (frames);
  printf ("{\"ops\": %u, \"rate\": %.1f, \"longest_ms\": %.3f, \"frames\": %u, \"on_time\": %.5f, \"latest_ms\": %.3f}\n",
          bench.n, bench.n / ((double) (bench.ended - bench.started) / 1e9), (double) flood.longest / 1e6, flood.n_frames,
          flood.n_frames > 0 ? (double) flood.n_on_time / flood.n_frames : 0, (double) flood.latest / 1e3);
}

/* What messages take that nobody has asked for yet: there is a handler of the last one's channel alone. */
static double peak_mb;

static G_NORETURN void
overflow_cb (TornadisPubSubClient *self,
             gpointer user_data)
{
  bench_fail ("messages are kept at the server");
}

static void
last_cb (TornadisPubSubClient *self,
         TornadisMessage *message,
         gpointer user_data)
{
  peak_mb = (double) bench_get_memory ("VmHWM:") * 1024 / 1e6;
  g_main_loop_quit (loop);
}

static void
popped_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  TornadisPubSubClient *self = TORNADIS_PUB_SUB_CLIENT (object);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisMessage) message = tornadis_pub_sub_client_pop_message_finish (self, result, &error);
  const char *text;

  check (error);
  text = message != NULL ? tornadis_message_get_text (message) : NULL;
  if (text == NULL || strlen (text) != message_size)
    bench_fail ("not a message");
  if (++n_messages == bench.n)
    g_main_loop_quit (loop);
  else
    tornadis_pub_sub_client_pop_message_async (self, 10, NULL, popped_cb, NULL);
}

static void
run_queued_messages (GStrv channels)
{
  g_autoptr (TornadisPubSubClient) self = tornadis_pub_sub_client_new_for_unix_socket (bench.path);
  const char *both[] = { channels[0], BENCH_LAST_CHANNEL, NULL };

  g_object_set (self, "max-pending", bench.n + 1, "max-queued-bytes", (guint64) G_MAXSSIZE, NULL);
  g_signal_connect (self, "message::" BENCH_LAST_CHANNEL, G_CALLBACK (last_cb), NULL);
  g_signal_connect (self, "overflow", G_CALLBACK (overflow_cb), NULL);
  tornadis_pub_sub_client_subscribe_async (self, both, NULL, subscribed_cb, NULL);
  g_main_loop_run (loop);

  /* All are there. */
  tornadis_pub_sub_client_pop_message_async (self, 10, NULL, popped_cb, NULL);
  g_main_loop_run (loop);
  printf ("{\"ops\": %u, \"peak_mb\": %.1f}\n", n_messages, peak_mb);
}

int
main (int argc,
      char **argv)
{
  static const struct
  {
    const char *name;
    void (*run) (GStrv channels);
  } workloads[] = {
    { "handler", run_handler },
    { "detail", run_detail },
    { "pattern", run_pattern },
    { "flood", run_flood },
    { "queued-messages", run_queued_messages },
  };
  g_auto (GStrv) channels = NULL;

  bench_init (&bench, argc, argv);
  channels = bench_make_channels (bench.n_in_flight);
  message_size = strtoul (argv[argc - 1], NULL, 10);
  loop = g_main_loop_new (NULL, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (workloads); i++)
    if (g_str_equal (bench.workload, workloads[i].name))
      workloads[i].run (channels);

  g_main_loop_unref (loop);
  return 0;
}
