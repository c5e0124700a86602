/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* WORKLOAD SOCKET [OPTION=NUMBER…]. Each workload prints one line of JSON. Linked once with each library. */

#include "bench-loop.h"

#include <unistd.h>

#define DRAW_PRIORITY (G_PRIORITY_HIGH_IDLE + 20) /* GTK's */
#define TICK_MSEC 16
#define FRAME_NSEC (G_GINT64_CONSTANT (1000000000) / 60)
#define MAX_LEVELS 8

GMainLoop *bench_loop;
const char *bench_path;

static char **options; /* (array zero-terminated=1) */

static const char *
get_option (const char *name)
{
  for (guint i = 0; options[i] != NULL; i++)
    if (g_str_has_prefix (options[i], name) && options[i][strlen (name)] == '=')
      return options[i] + strlen (name) + 1;

  return NULL;
}

static guint
get_number (const char *name)
{
  const char *text = get_option (name);

  return text != NULL ? (guint) atoi (text) : 0;
}

static double
get_seconds (void)
{
  const char *text = get_option ("seconds");

  return text != NULL ? g_ascii_strtod (text, NULL) : 0;
}

static gint64
get_wall (void)
{
  return bench_clock (CLOCK_MONOTONIC);
}

static gint64
get_cpu (void)
{
  return bench_clock (CLOCK_THREAD_CPUTIME_ID);
}

static void
work (double msec)
{
  gint64 end = get_wall () + (gint64) (msec * 1e6);

  while (get_wall () < end)
    ;
}

/* The longest that a timer like GTK's frame clock waits for its turn, and the longest turn. Both in CPU time of this thread
 * too, so that what else the machine does is left out. */
static struct
{
  gboolean counting;
  gint64 wall; /* of the last tick */
  gint64 cpu;
  gint64 longest_wall; /* nanoseconds from tick to tick */
  gint64 longest_cpu;
  GPollFunc poll;
  gint64 polled; /* CPU time, when the last poll returned */
  gint64 longest_turn;
} probe;

static gboolean
tick_cb (gpointer user_data)
{
  gint64 wall = get_wall ();
  gint64 cpu = get_cpu ();

  if (probe.counting)
    {
      probe.longest_wall = MAX (probe.longest_wall, wall - probe.wall);
      probe.longest_cpu = MAX (probe.longest_cpu, cpu - probe.cpu);
    }
  probe.wall = wall;
  probe.cpu = cpu;
  return G_SOURCE_CONTINUE;
}

static int
probe_poll (GPollFD *fds,
            guint n_fds,
            int timeout)
{
  int result;

  if (probe.counting)
    probe.longest_turn = MAX (probe.longest_turn, get_cpu () - probe.polled);
  result = probe.poll (fds, n_fds, timeout);
  probe.polled = get_cpu ();
  return result;
}

static void
probe_start (void)
{
  GMainContext *context = g_main_context_default ();

  probe.wall = get_wall ();
  probe.cpu = get_cpu ();
  g_timeout_add_full (DRAW_PRIORITY, TICK_MSEC, tick_cb, NULL, NULL);
  probe.poll = g_main_context_get_poll_func (context);
  g_main_context_set_poll_func (context, probe_poll);
}

/* The last gap may not have ended. */
static void
probe_stop (void)
{
  tick_cb (NULL);
  probe.counting = FALSE;
}

static void
probe_print (void)
{
  printf ("\"gap_cpu_ms\": %.3f, \"gap_wall_ms\": %.3f, \"turn_cpu_ms\": %.3f", (double) probe.longest_cpu / 1e6,
          (double) probe.longest_wall / 1e6, (double) probe.longest_turn / 1e6);
}

/* Frames of 60 Hz, each of which takes `draw` ms. */
static struct
{
  gint64 due; /* monotonic nanoseconds */
  guint msec;
  gint64 run_delay; /* at the end of the last frame */
  guint n_due;      /* since the flood began */
  guint n_late;     /* not drawn before the next was due */
  guint n_own;      /* of these: late also without the time in which this thread had no processor */
  gint64 latest;    /* nanoseconds that drawing began too late */
} frames;

static gboolean
frame_dispatch (GSource *source,
                GSourceFunc callback,
                gpointer user_data)
{
  gint64 start = get_wall ();
  gint64 missed = MAX (0, start - frames.due) / FRAME_NSEC;
  gint64 end, run_delay;

  work (frames.msec);
  end = get_wall ();
  run_delay = bench_get_run_delay ();

  if (probe.counting)
    {
      gint64 own_end = end - (run_delay - frames.run_delay);

      frames.n_due += (guint) missed + 1;
      frames.n_late += (guint) (missed + (end > frames.due + (missed + 1) * FRAME_NSEC));
      frames.n_own += (guint) (MAX (0, own_end - frames.due) / FRAME_NSEC);
      frames.latest = MAX (frames.latest, start - frames.due);
    }
  frames.run_delay = run_delay;
  frames.due += (MAX (0, end - frames.due) / FRAME_NSEC + 1) * FRAME_NSEC;
  g_source_set_ready_time (source, frames.due / 1000);
  return G_SOURCE_CONTINUE;
}

/* Those that were due and never came are late too. */
static void
frames_stop (void)
{
  gint64 missed = frames.due > 0 ? MAX (0, get_wall () - frames.due) / FRAME_NSEC : 0;

  frames.n_due += (guint) missed;
  frames.n_late += (guint) missed;
  frames.n_own += (guint) missed;
  if (missed > 0)
    frames.latest = MAX (frames.latest, get_wall () - frames.due);
}

static void
frames_start (guint msec)
{
  static GSourceFuncs funcs = { .dispatch = frame_dispatch };
  g_autoptr (GSource) source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_priority (source, DRAW_PRIORITY);
  frames.msec = msec;
  frames.due = get_wall () + FRAME_NSEC;
  g_source_set_ready_time (source, frames.due / 1000);
  g_source_attach (source, NULL);
}

/* Calls, so many at once, for a time or until so many are answered. */
static struct
{
  BenchCall call;
  guint n_waiting;
  guint n_answered;
  guint n_limit; /* 0: none */
  guint n_sent;
  gint64 start;   /* monotonic nanoseconds */
  gint64 end;     /* likewise, the time limit */
  gint64 ended;   /* 0: not yet */
  gint64 cpu;     /* nanoseconds of this process */
  gboolean timed; /* one at once, of which the longest wait is wanted */
  gint64 sent_at;
  gint64 longest;
  guint64 clients;
} calls;

static void
calls_send (void)
{
  calls.n_waiting++;
  calls.n_sent++;
  if (calls.timed)
    calls.sent_at = get_wall ();
  backend_call (calls.call);
}

void
bench_answered (const char *data,
                gsize length)
{
  static const gsize lengths[] = { [BENCH_CALL_GET] = 32, [BENCH_CALL_LARGE] = 100000 };

  calls.n_waiting--;

  if (calls.call == BENCH_CALL_INFO)
    {
      const char *line = g_strstr_len (data, (gssize) length, "connected_clients:");

      if (line == NULL)
        bench_fail ("no number of clients");
      calls.clients = g_ascii_strtoull (line + strlen ("connected_clients:"), NULL, 10);
      g_main_loop_quit (bench_loop);
      return;
    }

  if (data == NULL || length != lengths[calls.call])
    bench_fail ("not the value");

  if (calls.timed)
    calls.longest = MAX (calls.longest, get_wall () - calls.sent_at);

  if (calls.ended == 0)
    {
      gboolean is_last = ++calls.n_answered == calls.n_limit;

      /* With many at once the clock would cost more than a hundredth of a call. */
      if (is_last || ((calls.n_waiting == 0 || calls.n_answered % 16 == 0) && get_wall () >= calls.end))
        calls.ended = get_wall ();
      else if (calls.n_limit == 0 || calls.n_sent < calls.n_limit)
        calls_send ();
    }

  if (calls.n_waiting == 0)
    g_main_loop_quit (bench_loop);
}

/* Calls a second, for so many seconds or until so many are answered. */
static double
measure_calls (BenchCall call,
               guint n_in_flight,
               guint n_limit,
               double seconds)
{
  memset (&calls, 0, sizeof calls);
  calls.call = call;
  calls.n_limit = n_limit;
  calls.start = get_wall ();
  calls.cpu = -bench_clock (CLOCK_PROCESS_CPUTIME_ID);
  calls.end = calls.start + (gint64) (seconds * 1e9);
  for (guint i = 0; i < n_in_flight; i++)
    calls_send ();
  g_main_loop_run (bench_loop);
  calls.cpu += bench_clock (CLOCK_PROCESS_CPUTIME_ID);
  return calls.n_answered / ((double) (calls.ended - calls.start) / 1e9);
}

/* What is connected here may still have to be accepted there. */
static void
check_clients (guint n_least)
{
  for (guint n_tries = 0; n_tries < 1000; n_tries++)
    {
      memset (&calls, 0, sizeof calls);
      calls.call = BENCH_CALL_INFO;
      calls_send ();
      g_main_loop_run (bench_loop);
      if (calls.clients >= n_least)
        return;
    }

  bench_fail ("not all clients are connected");
}

static guint n_opening;

void
bench_opened (void)
{
  if (--n_opening == 0)
    g_main_loop_quit (bench_loop);
}

static void
open_many (guint n,
           void (*open) (void))
{
  while (n > 0)
    {
      n_opening = MIN (n, BENCH_OPEN_AT_ONCE);
      n -= n_opening;
      for (guint i = n_opening; i > 0; i--)
        open ();
      g_main_loop_run (bench_loop);
    }
}

/* A client that calls all the time, at another server than the subscribers'. */
static void
call_beside (const char *path)
{
  const char *own_path = bench_path;

  bench_path = path;
  open_many (1, backend_open);
  bench_path = own_path;
  memset (&calls, 0, sizeof calls);
  calls.timed = TRUE;
  calls.call = BENCH_CALL_GET;
  calls.end = G_MAXINT64;
  calls_send ();
}

/* levels=0,100,… seconds=S: GET with 1 and with 100 in flight beside so many clients that are connected and silent. */
static void
run_idle (void)
{
  g_auto (GStrv) levels = g_strsplit (get_option ("levels"), ",", MAX_LEVELS);
  guint n_levels = g_strv_length (levels);
  static const guint in_flight[] = { 1, 100 };
  struct
  {
    double rate;
    double cpu; /* microseconds of each call */
  } figures[MAX_LEVELS][G_N_ELEMENTS (in_flight)];
  guint n_idle = 0;

  open_many (1, backend_open);

  for (guint i = 0; i < n_levels; i++)
    {
      guint level = (guint) atoi (levels[i]);

      open_many (level - n_idle, backend_open_idle);
      n_idle = level;
      check_clients (n_idle + 1);
      for (guint j = 0; j < G_N_ELEMENTS (in_flight); j++)
        {
          measure_calls (BENCH_CALL_GET, in_flight[j], 0, get_seconds () / 10);
          figures[i][j].rate = measure_calls (BENCH_CALL_GET, in_flight[j], 0, get_seconds ());
          figures[i][j].cpu = (double) calls.cpu / 1e3 / calls.n_answered;
        }
      check_clients (n_idle + 1);
    }

  for (guint j = 0; j < G_N_ELEMENTS (in_flight); j++)
    {
      printf ("%s\"%u\": {", j == 0 ? "{" : ", ", in_flight[j]);
      for (guint i = 0; i < n_levels; i++)
        printf ("%s\"%s\": %.1f", i == 0 ? "" : ", ", levels[i], figures[i][j].rate);
      printf ("}, \"%u cpu\": {", in_flight[j]);
      for (guint i = 0; i < n_levels; i++)
        printf ("%s\"%s\": %.3f", i == 0 ? "" : ", ", levels[i], figures[i][j].cpu);
      printf ("}");
    }
  puts ("}");
}

/* Messages that are stamped with the server's time come late; the last of each round is. */
typedef struct
{
  guint n_messages;
  guint n_stamped;
  double late; /* microseconds, of all that are stamped */
  gint64 last_late;
} Subscriber;

static struct
{
  Subscriber *subscribers;
  guint n_subscribers;
  guint n_subscribed;
  guint n_each; /* 0: as many as come in time */
  guint64 n_messages;
  guint64 n_all;
  gint64 start, end; /* monotonic nanoseconds */
} flood;

void
bench_subscribed (void)
{
  if (++flood.n_subscribed < flood.n_subscribers)
    return;
  /* The script publishes now. */
  puts ("ready");
  fflush (stdout);
}

static void
flood_end (void)
{
  probe_stop ();
  frames_stop ();
  flood.end = get_wall ();
  g_main_loop_quit (bench_loop);
}

static gboolean
flood_end_cb (gpointer user_data)
{
  flood_end ();
  return G_SOURCE_REMOVE;
}

void
bench_message (guint index,
               const char *text,
               gsize length)
{
  Subscriber *subscriber = &flood.subscribers[index];

  if (text == NULL || length != 32)
    bench_fail ("not the message");

  if (flood.n_messages++ == 0)
    {
      probe_stop ();
      probe.counting = TRUE;
      flood.start = get_wall ();
      if (flood.n_each == 0)
        g_timeout_add_full (G_PRIORITY_HIGH, (guint) (get_seconds () * 1e3), flood_end_cb, NULL, NULL);
    }

  subscriber->n_messages++;
  if (*text == 't')
    {
      subscriber->last_late = g_get_real_time () - g_ascii_strtoll (text + 1, NULL, 10);
      subscriber->late += (double) subscriber->last_late;
      subscriber->n_stamped++;
    }

  if (flood.n_messages == flood.n_all)
    flood_end ();
}

static void
print_lateness (void)
{
  double first = G_MAXDOUBLE, last = 0, first_last = G_MAXDOUBLE, last_last = 0;

  for (guint i = 0; i < flood.n_subscribers; i++)
    {
      Subscriber *subscriber = &flood.subscribers[i];
      double late = subscriber->late / MAX (subscriber->n_stamped, 1);

      if (subscriber->n_messages != flood.n_each || subscriber->n_stamped == 0)
        bench_fail ("a subscriber has not got all messages");
      first = MIN (first, late);
      last = MAX (last, late);
      first_last = MIN (first_last, (double) subscriber->last_late);
      last_last = MAX (last_last, (double) subscriber->last_late);
    }

  printf (", \"first_ms\": %.3f, \"last_ms\": %.3f, \"late_factor\": %.3f, \"end_factor\": %.3f", first / 1e3, last / 1e3,
          last / first, last_last / first_last);
}

/* subscribers=K messages=N: N messages for each; or seconds=S: what comes in this time. draw=MS: beside frames that take
 * so long. caller=SOCKET: and a client that calls this server all the time. */
static void
run_flood (void)
{
  flood.n_subscribers = get_number ("subscribers");
  flood.n_each = get_number ("messages");
  flood.n_all = (guint64) flood.n_each * flood.n_subscribers;
  flood.subscribers = g_new0 (Subscriber, flood.n_subscribers);

  for (guint i = 0; i < flood.n_subscribers; i++)
    backend_subscribe (i);
  probe_start ();
  if (get_option ("caller") != NULL)
    call_beside (get_option ("caller"));
  if (get_option ("draw") != NULL)
    frames_start (get_number ("draw"));
  g_main_loop_run (bench_loop);

  printf ("{\"rate\": %.1f, ", (double) flood.n_messages / ((double) (flood.end - flood.start) / 1e9));
  probe_print ();
  if (flood.n_all > 0)
    print_lateness ();
  if (calls.timed)
    printf (", \"reply_ms\": %.3f", (double) calls.longest / 1e6);
  printf (", \"frames\": %u, \"late\": %u, \"own_late\": %u, \"latest_ms\": %.3f}\n", frames.n_due, frames.n_late,
          frames.n_own, (double) frames.latest / 1e6);
  g_free (flood.subscribers);
}

static gboolean
work_cb (gpointer user_data)
{
  work (GPOINTER_TO_UINT (user_data));
  return G_SOURCE_CONTINUE;
}

static gboolean
limit_cb (gpointer user_data)
{
  if (calls.ended == 0)
    calls.ended = get_wall ();
  g_main_loop_quit (bench_loop);
  return G_SOURCE_REMOVE;
}

/* frame=MS: something at GTK's priority for drawing is always ready and takes so long; or timer=MS: a timer of 1 ms does.
 * calls=N: so many calls of 100 KB, made at once, of which those count that are answered in seconds=S. */
static void
run_busy (void)
{
  guint n = get_number ("calls");
  double rate;

  open_many (1, backend_open);

  if (get_option ("frame") != NULL)
    g_idle_add_full (DRAW_PRIORITY, work_cb, GUINT_TO_POINTER (get_number ("frame")), NULL);
  else
    g_timeout_add (1, work_cb, GUINT_TO_POINTER (get_number ("timer")));
  g_timeout_add_full (G_PRIORITY_HIGH, (guint) (get_seconds () * 1e3), limit_cb, NULL, NULL);

  rate = measure_calls (BENCH_CALL_LARGE, n, n, get_seconds ());
  printf ("{\"rate\": %.2f, \"answered\": %u, \"of\": %u}\n", rate, calls.n_answered, n);
}

int
main (int argc,
      char **argv)
{
  static const struct
  {
    const char *name;
    void (*run) (void);
  } workloads[] = {
    { "idle", run_idle },
    { "flood", run_flood },
    { "busy", run_busy },
  };

  if (argc < 3)
    {
      fprintf (stderr, "%s WORKLOAD SOCKET [OPTION=NUMBER...]\n", argv[0]);
      return 2;
    }

  bench_path = argv[2];
  options = argv + 3;
  bench_loop = g_main_loop_new (NULL, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (workloads); i++)
    if (g_str_equal (argv[1], workloads[i].name))
      workloads[i].run ();

  /* Taking thousands of clients down is not what is measured. */
  fflush (stdout);
  _exit (0);
}
