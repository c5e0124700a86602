/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <glib-unix.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tornadis-glib/wire/tornadis-poller.h"

#define FRAME_PRIORITY (G_PRIORITY_HIGH_IDLE + 20)

typedef struct
{
  TornadisPoller *poller;
} Fixture;

/* An item that has work without end, or until @left is 0, and takes all the time that it gets. */
typedef struct
{
  TornadisPollerItem item;
  int fds[2];
  guint n_turns;
  guint left;
  guint turns_since; /* reset by what is beside it */
  GIOCondition seen;
  gint64 most_usec; /* that a turn was to take */
} Worker;

static void
set_up (Fixture *fixture,
        gconstpointer data)
{
  fixture->poller = tornadis_poller_get (g_main_context_default ());
  g_assert_true (tornadis_poller_open (fixture->poller, NULL));
}

static void
tear_down (Fixture *fixture,
           gconstpointer data)
{
  tornadis_poller_unref (fixture->poller);
}

static void
work_until (gint64 end)
{
  while (g_get_monotonic_time () < end)
    ;
}

static void
worker_turn (TornadisPollerItem *item,
             GIOCondition condition,
             gint64 now,
             gint64 deadline)
{
  Worker *worker = (Worker *) item;

  worker->n_turns++;
  worker->turns_since++;
  worker->seen |= condition;
  worker->most_usec = MAX (worker->most_usec, deadline - now);
  work_until (deadline);
  if (--worker->left > 0)
    tornadis_poller_item_queue (item);
}

static void
worker_start (Worker *worker,
              TornadisPoller *poller,
              guint n_turns)
{
  *worker = (Worker){ .left = n_turns };
  tornadis_poller_item_init (&worker->item, poller, -1, worker_turn);
  tornadis_poller_item_queue (&worker->item);
}

/* Beside a worker. */
typedef struct
{
  Worker *worker;
  guint n_ticks;
  guint ticks_since; /* the worker's last turn */
  guint most_ticks;
  guint most_turns;
  gint64 most_usec; /* that a turn of the worker was to take */
  gint64 usec;
} Neighbour;

static gboolean
neighbour_cb (gpointer user_data)
{
  Neighbour *self = user_data;

  self->most_turns = MAX (self->most_turns, self->worker->turns_since);
  self->ticks_since = self->worker->turns_since > 0 ? 1 : self->ticks_since + 1;
  self->most_ticks = MAX (self->most_ticks, self->ticks_since);
  self->worker->turns_since = 0;
  self->n_ticks++;
  work_until (g_get_monotonic_time () + self->usec);

  return G_SOURCE_CONTINUE;
}

static void
run_beside (Fixture *fixture,
            Neighbour *neighbour,
            int priority,
            guint n_turns)
{
  Worker worker;
  guint id;

  worker_start (&worker, fixture->poller, n_turns);
  neighbour->worker = &worker;
  /* Its time has always come. */
  id = g_timeout_add_full (priority, 0, neighbour_cb, neighbour, NULL);
  while (worker.left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (id);
  neighbour->most_usec = worker.most_usec;
  tornadis_poller_item_clear (&worker.item);
}

static void
test_busy_timer (Fixture *fixture,
                 gconstpointer data)
{
  Neighbour neighbour = { .usec = 3000 };

  g_test_summary ("A timer at the default priority that is always due leaves the items their share");

  run_beside (fixture, &neighbour, G_PRIORITY_DEFAULT, 40);
  /* Twelve milliseconds have room for four ticks of three, and one has begun. */
  g_assert_cmpuint (neighbour.most_ticks, <=, 6);
}

static void
test_heavy_frames (Fixture *fixture,
                   gconstpointer data)
{
  Neighbour neighbour = { .usec = 40000 };

  g_test_summary ("A window that takes 40 ms to draw, and draws all the time, leaves the items their share");

  run_beside (fixture, &neighbour, FRAME_PRIORITY, 10);
  g_assert_cmpuint (neighbour.most_ticks, <=, 2);
  /* An eighth of 40 ms, but others are not held up for so long at a time. */
  g_assert_cmpuint (neighbour.most_turns, >=, 3);
  g_assert_cmpint (neighbour.most_usec, <=, 2000);
}

static void
test_frames_come_first (Fixture *fixture,
                        gconstpointer data)
{
  Neighbour neighbour;
  guint n_runs = 0;

  g_test_summary ("Between two frames that are due there is one turn of the items, which was waited for, and several "
                  "are drawn before the next. A grant of its own is for what one item alone may use, so that it is one "
                  "turn of it");

  /* A machine that is busy may stop the program between two of them: that is not so each time. */
  do
    {
      neighbour = (Neighbour){ .usec = 500 };
      run_beside (fixture, &neighbour, FRAME_PRIORITY, 10);
    }
  while (neighbour.most_turns > 2 && ++n_runs < 50);

  /* The first turn comes before the items have used their share. */
  g_assert_cmpuint (neighbour.most_turns, <=, 2);
  g_assert_cmpuint (neighbour.n_ticks, >, 10);
}

static gboolean
stop_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
test_leaves_others_their_turns (Fixture *fixture,
                                gconstpointer data)
{
  Worker worker;
  gboolean stopped = FALSE;

  g_test_summary ("Other sources are dispatched between two batches, at any priority that GTK uses");

  worker_start (&worker, fixture->poller, G_MAXUINT);
  g_timeout_add_full (FRAME_PRIORITY, 20, stop_cb, &stopped, NULL);
  while (!stopped)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (worker.n_turns, >, 1);
  tornadis_poller_item_clear (&worker.item);
}

static void
test_round (Fixture *fixture,
            gconstpointer data)
{
  Worker workers[50];

  g_test_summary ("However many items there are and however much each has to do, they take turns");

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    worker_start (&workers[i], fixture->poller, G_MAXUINT);

  while (workers[0].n_turns < 10)
    {
      guint least = G_MAXUINT, most = 0;

      g_main_context_iteration (NULL, TRUE);
      for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
        {
          least = MIN (least, workers[i].n_turns);
          most = MAX (most, workers[i].n_turns);
        }
      g_assert_cmpuint (most - least, <=, 1);
    }

  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    tornadis_poller_item_clear (&workers[i].item);
}

static void
input_turn (TornadisPollerItem *item,
            GIOCondition condition,
            gint64 now,
            gint64 deadline)
{
  Worker *worker = (Worker *) item;
  char bytes[16];

  worker->n_turns++;
  worker->seen |= condition;
  if ((condition & G_IO_IN) != 0)
    g_assert_cmpint (read (item->fd, bytes, sizeof bytes), >=, 0);
}

static void
input_start (Worker *worker,
             TornadisPoller *poller,
             GIOCondition condition)
{
  *worker = (Worker){ 0 };
  g_assert_true (g_unix_open_pipe (worker->fds, FD_CLOEXEC, NULL));
  tornadis_poller_item_init (&worker->item, poller, worker->fds[0], input_turn);
  tornadis_poller_item_watch (&worker->item, condition);
}

static void
input_stop (Worker *worker)
{
  tornadis_poller_item_clear (&worker->item);
  /* Twice is once. */
  tornadis_poller_item_clear (&worker->item);
  close (worker->fds[0]);
  close (worker->fds[1]);
}

static void
put (Worker *worker)
{
  g_assert_cmpint (write (worker->fds[1], "x", 1), ==, 1);
}

static void
test_input (Fixture *fixture,
            gconstpointer data)
{
  Worker *workers = g_new (Worker, 200);
  guint n_ready = 0;

  g_test_summary ("More descriptors are readable than are collected at a time");

  for (guint i = 0; i < 200; i++)
    {
      input_start (&workers[i], fixture->poller, G_IO_IN);
      put (&workers[i]);
    }
  while (n_ready < 200)
    {
      g_main_context_iteration (NULL, TRUE);
      n_ready = 0;
      for (guint i = 0; i < 200; i++)
        n_ready += workers[i].n_turns > 0;
    }
  while (g_main_context_iteration (NULL, FALSE))
    ;
  for (guint i = 0; i < 200; i++)
    {
      g_assert_cmpint (workers[i].seen, ==, G_IO_IN);
      input_stop (&workers[i]);
    }
  g_free (workers);
}

static void
test_watch (Fixture *fixture,
            gconstpointer data)
{
  Worker worker;

  g_test_summary ("Only conditions that are watched for are reported, except that the other end is closed");

  input_start (&worker, fixture->poller, 0);
  put (&worker);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (worker.n_turns, ==, 0);

  tornadis_poller_item_watch (&worker.item, G_IO_IN);
  while (worker.n_turns == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (worker.seen, ==, G_IO_IN);

  tornadis_poller_item_watch (&worker.item, 0);
  close (worker.fds[1]);
  while ((worker.seen & G_IO_HUP) == 0)
    g_main_context_iteration (NULL, TRUE);
  worker.fds[1] = dup (worker.fds[0]);
  input_stop (&worker);
}

/* An item that goes while others and itself wait for their turns. */
static void
clearing_turn (TornadisPollerItem *item,
               GIOCondition condition,
               gint64 now,
               gint64 deadline)
{
  Worker *workers = (Worker *) item;

  for (guint i = 0; i < 3; i++)
    tornadis_poller_item_clear (&workers[i].item);
}

static void
test_clear (Fixture *fixture,
            gconstpointer data)
{
  Worker workers[3];

  for (guint i = 0; i < 3; i++)
    worker_start (&workers[i], fixture->poller, G_MAXUINT);
  workers[0].item.func = clearing_turn;
  g_main_context_iteration (NULL, TRUE);
  g_assert_false (g_main_context_pending (NULL));
  g_assert_cmpuint (workers[1].n_turns + workers[2].n_turns, ==, 0);
}

typedef struct
{
  TornadisPollerTimer timer;
  guint number;
  GString *log;
} Timer;

static void
timer_cb (TornadisPollerTimer *timer,
          gint64 now,
          gint64 deadline)
{
  Timer *self = (Timer *) timer;

  g_assert_cmpint (timer->at, ==, 0);
  g_string_append_printf (self->log, "%u ", self->number);
}

static void
test_timers (Fixture *fixture,
             gconstpointer data)
{
  static const guint order[] = { 3, 1, 4, 0, 2 };
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GString) log = g_string_new (NULL);
  Timer timers[6];

  for (guint i = 0; i < G_N_ELEMENTS (timers); i++)
    {
      tornadis_poller_timer_init (&timers[i].timer, fixture->poller, timer_cb);
      timers[i].number = i;
      timers[i].log = log;
    }
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    tornadis_poller_timer_set (&timers[order[i]].timer, now + 1000 + order[i] * 100);
  /* Moved, taken back, and far away. */
  tornadis_poller_timer_set (&timers[1].timer, now + 2000);
  tornadis_poller_timer_set (&timers[2].timer, 0);
  tornadis_poller_timer_set (&timers[5].timer, now + G_TIME_SPAN_HOUR);

  while (log->len < 8)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (g_get_monotonic_time (), >=, now + 2000);
  g_assert_cmpstr (log->str, ==, "0 3 4 1 ");

  for (guint i = 0; i < G_N_ELEMENTS (timers); i++)
    tornadis_poller_timer_clear (&timers[i].timer);
  g_assert_false (g_main_context_pending (NULL));
}

static void
test_timer_beside_work (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  Timer timer = { .log = log };
  Worker worker;
  Neighbour neighbour = { .worker = &worker, .usec = 3000 };
  guint id;

  g_test_summary ("A timer that is due fires however busy the items, and other sources, are");

  tornadis_poller_timer_init (&timer.timer, fixture->poller, timer_cb);
  worker_start (&worker, fixture->poller, G_MAXUINT);
  id = g_timeout_add_full (G_PRIORITY_DEFAULT, 0, neighbour_cb, &neighbour, NULL);
  while (worker.n_turns < 3)
    g_main_context_iteration (NULL, TRUE);

  tornadis_poller_timer_set (&timer.timer, g_get_monotonic_time ());
  neighbour.n_ticks = 0;
  while (log->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (neighbour.n_ticks, <=, 6);

  g_source_remove (id);
  tornadis_poller_item_clear (&worker.item);
  tornadis_poller_timer_clear (&timer.timer);
}

static void
first_turn (TornadisPollerItem *item,
            GIOCondition condition,
            gint64 now,
            gint64 deadline)
{
  g_assert_cmpuint (((Worker *) item + 1)->n_turns, ==, 0);
}

static void
test_queue_first (Fixture *fixture,
                  gconstpointer data)
{
  Worker workers[2];

  worker_start (&workers[1], fixture->poller, 1);
  tornadis_poller_item_init (&workers[0].item, fixture->poller, -1, first_turn);
  tornadis_poller_item_queue_first (&workers[0].item);
  while (workers[1].n_turns == 0)
    g_main_context_iteration (NULL, TRUE);

  tornadis_poller_item_queue (&workers[0].item);
  tornadis_poller_item_unqueue (&workers[0].item);
  g_assert_false (g_main_context_pending (NULL));
  for (guint i = 0; i < 2; i++)
    tornadis_poller_item_clear (&workers[i].item);
}

static gpointer
use_in_thread (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (TornadisPoller) poller = tornadis_poller_get (context);
      g_autoptr (TornadisPoller) same = tornadis_poller_get (context);
      Worker worker;

      g_assert_true (poller == same && poller != data);
      worker_start (&worker, poller, 1);
      while (worker.n_turns == 0)
        g_main_context_iteration (context, TRUE);
      tornadis_poller_item_clear (&worker.item);
    }

  return NULL;
}

static void
test_contexts (Fixture *fixture,
               gconstpointer data)
{
  GThread *threads[4];

  g_test_summary ("There is one poller for each context, while it is used");

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("poller", use_in_thread, fixture->poller);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
nested_turn (TornadisPollerItem *item,
             GIOCondition condition,
             gint64 now,
             gint64 deadline)
{
  Worker *other = (Worker *) item + 1;

  while (other->n_turns == 0)
    g_main_context_iteration (NULL, TRUE);
  ((Worker *) item)->n_turns++;
}

static void
test_nested (Fixture *fixture,
             gconstpointer data)
{
  Worker workers[2];

  g_test_summary ("A main loop that runs within a turn gives the others theirs");

  worker_start (&workers[0], fixture->poller, 1);
  workers[0].item.func = nested_turn;
  worker_start (&workers[1], fixture->poller, 1);
  while (workers[0].n_turns == 0)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < 2; i++)
    tornadis_poller_item_clear (&workers[i].item);
}

/* Bounds a sleep without end, which nothing but the poller could have ended. */
static gboolean overslept;

static int
bounded_poll (GPollFD *fds,
              guint n_fds,
              int timeout)
{
  int n_ready = g_poll (fds, n_fds, timeout < 0 ? 10000 : timeout);

  overslept |= n_ready == 0 && timeout < 0;
  return n_ready;
}

static void
tick_cb (TornadisPollerTimer *timer,
         gint64 now,
         gint64 deadline)
{
}

static void
long_turn (TornadisPollerItem *item,
           GIOCondition condition,
           gint64 now,
           gint64 deadline)
{
  work_until (now + 3 * G_TIME_SPAN_MILLISECOND);
}

static void
test_timer_behind_share (Fixture *fixture,
                         gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TornadisPoller) poller = tornadis_poller_get (context);
  TornadisPollerTimer timer;
  Worker worker;

  g_test_summary ("Items had more than their share, and are let in again when the context sleeps: it wakes up for the "
                  "timer. In a context of its own, where no descriptor has been made yet");

  g_main_context_set_poll_func (context, bounded_poll);
  overslept = FALSE;
  tornadis_poller_timer_init (&timer, poller, tick_cb);
  tornadis_poller_timer_set (&timer, g_get_monotonic_time () + 100 * G_TIME_SPAN_MILLISECOND);
  worker_start (&worker, poller, 1);
  worker.item.func = long_turn;
  while (timer.at != 0 && !overslept)
    g_main_context_iteration (context, TRUE);
  g_assert_false (overslept);
  tornadis_poller_timer_clear (&timer);
  tornadis_poller_item_clear (&worker.item);
}

/* A source that hands out work when the poller has already said that there is none. */
typedef struct
{
  GSource source;
  void (*func) (gpointer user_data);
  gpointer user_data;
} Late;

static gboolean
late_prepare (GSource *source,
              int *timeout)
{
  Late *late = (Late *) source;
  void (*func) (gpointer user_data) = g_steal_pointer (&late->func);

  *timeout = -1;
  if (func != NULL)
    func (late->user_data);

  return FALSE;
}

static gboolean
late_dispatch (GSource *source,
               GSourceFunc callback,
               gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
late_queue (gpointer user_data)
{
  tornadis_poller_item_queue (user_data);
}

static void
late_queue_first (gpointer user_data)
{
  tornadis_poller_item_queue_first (user_data);
}

static void
late_set_timer (gpointer user_data)
{
  tornadis_poller_timer_set (user_data, g_get_monotonic_time () + G_TIME_SPAN_MILLISECOND);
}

static void
test_late (Fixture *fixture,
           gconstpointer data)
{
  static GSourceFuncs funcs = { .prepare = late_prepare, .dispatch = late_dispatch };
  static void (*const late_funcs[]) (gpointer user_data) = { late_queue, late_queue_first, late_set_timer };
  GPollFunc system_poll = g_main_context_get_poll_func (NULL);
  TornadisPollerTimer timer;
  Worker worker = { .left = G_MAXUINT };

  g_test_summary ("What is queued or set when the context is about to sleep wakes it up");

  g_main_context_set_poll_func (NULL, bounded_poll);
  overslept = FALSE;
  tornadis_poller_item_init (&worker.item, fixture->poller, -1, worker_turn);
  tornadis_poller_timer_init (&timer, fixture->poller, tick_cb);

  for (guint i = 0; i < G_N_ELEMENTS (late_funcs); i++)
    {
      g_autoptr (GSource) source = g_source_new (&funcs, sizeof (Late));
      gboolean is_timer = late_funcs[i] == late_set_timer;

      worker.left = 1;
      worker.n_turns = 0;
      ((Late *) source)->func = late_funcs[i];
      ((Late *) source)->user_data = is_timer ? (gpointer) &timer : &worker.item;
      g_source_set_priority (source, G_PRIORITY_LOW);
      g_source_attach (source, NULL);
      while (!overslept && (is_timer ? ((Late *) source)->func != NULL || timer.at != 0 : worker.n_turns == 0))
        g_main_context_iteration (NULL, TRUE);
      g_assert_false (overslept);
      g_source_destroy (source);
    }

  tornadis_poller_timer_clear (&timer);
  tornadis_poller_item_clear (&worker.item);
  g_main_context_set_poll_func (NULL, system_poll);
}

static void
test_fork (Fixture *fixture,
           gconstpointer data)
{
  Worker worker = { .left = 1 };
  pid_t child;
  int status;

  g_test_summary ("A child that drops what it has inherited, and watches something of its own, takes nothing from its "
                  "parent");

  g_assert_true (g_unix_open_pipe (worker.fds, FD_CLOEXEC, NULL));
  tornadis_poller_item_init (&worker.item, fixture->poller, worker.fds[0], worker_turn);
  g_assert_true (tornadis_poller_item_watch (&worker.item, G_IO_IN));

  child = fork ();
  if (child == 0)
    {
      Worker own = { .left = 1 };
      gboolean ok = g_unix_open_pipe (own.fds, FD_CLOEXEC, NULL);

      tornadis_poller_item_clear (&worker.item);
      ok = ok && tornadis_poller_open (fixture->poller, NULL);
      tornadis_poller_item_init (&own.item, fixture->poller, own.fds[0], worker_turn);
      ok = ok && tornadis_poller_item_watch (&own.item, G_IO_IN) && write (own.fds[1], "x", 1) == 1;
      while (ok && own.n_turns == 0)
        g_main_context_iteration (NULL, TRUE);
      _exit (ok ? 0 : 1);
    }

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (worker.n_turns, ==, 0);

  g_assert_cmpint (write (worker.fds[1], "x", 1), ==, 1);
  for (guint i = 0; i < 1000 && worker.n_turns == 0; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (worker.n_turns, ==, 1);

  tornadis_poller_item_clear (&worker.item);
  close (worker.fds[0]);
  close (worker.fds[1]);
}

/* Answers of two peers; the second comes when the first has been read. */
typedef struct
{
  TornadisPollerItem item;
  int fds[2];
  int next; /* where the next one is written, or -1 */
  TornadisPollerItem *expects; /* (unowned) (nullable) whose that is */
  guint n_turns;
} Answer;

static void
answer_turn (TornadisPollerItem *item,
             GIOCondition condition,
             gint64 now,
             gint64 deadline)
{
  Answer *answer = (Answer *) item;
  char byte;

  g_assert_cmpint (read (item->fd, &byte, 1), ==, 1);
  answer->n_turns++;
  if (answer->next >= 0)
    g_assert_cmpint (write (answer->next, "x", 1), ==, 1);
  if (answer->expects != NULL)
    tornadis_poller_item_expect_input (answer->expects);
}

static int asked_timeout;

static int
noting_poll (GPollFD *fds,
             guint n_fds,
             int timeout)
{
  asked_timeout = timeout;
  return g_poll (fds, n_fds, timeout);
}

static void
answer_init (Answer *answer,
             TornadisPoller *poller)
{
  *answer = (Answer){ .next = -1 };
  g_assert_true (g_unix_open_pipe (answer->fds, FD_CLOEXEC, NULL));
  tornadis_poller_item_init (&answer->item, poller, answer->fds[0], answer_turn);
  g_assert_true (tornadis_poller_item_watch (&answer->item, G_IO_IN));
}

static void
answer_clear (Answer *answer)
{
  tornadis_poller_item_clear (&answer->item);
  close (answer->fds[0]);
  close (answer->fds[1]);
}

static void
test_expected (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (TornadisPoller) poller = tornadis_poller_get (context);
  Answer answers[2];

  g_test_summary ("The main loop does not sleep while one of several answers is expected, and what is in vain counts for "
                  "all of them");

  g_main_context_set_poll_func (context, noting_poll);
  g_assert_true (tornadis_poller_open (poller, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answer_init (&answers[i], poller);
  answers[0].next = answers[1].fds[1];
  g_assert_cmpint (write (answers[0].fds[1], "x", 1), ==, 1);

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    tornadis_poller_item_expect_input (&answers[i].item);
  while (answers[1].n_turns == 0)
    {
      asked_timeout = -1;
      g_main_context_iteration (context, TRUE);
      g_assert_cmpint (asked_timeout, ==, 0);
      g_assert_cmpuint (answers[0].n_turns, ==, 1);
    }

  /* Nobody answers. Those who are to look less often are left out next time. */
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    tornadis_poller_item_expect_input (&answers[i].item);
  g_main_context_iteration (context, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    g_assert_cmpuint (answers[i].item.skips, ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    tornadis_poller_item_expect_input (&answers[i].item);
  g_assert_cmpint (write (answers[0].fds[1], "x", 1), ==, 1);
  g_main_context_iteration (context, TRUE);
  g_assert_cmpint (asked_timeout, ==, -1);
  g_assert_cmpuint (answers[0].n_turns, ==, 2);

  /* Gone while it is expected. */
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      tornadis_poller_item_expect_input (&answers[i].item);
      answer_clear (&answers[i]);
    }
  while (g_main_context_iteration (context, FALSE))
    ;
}

static gboolean
count_cb (gpointer user_data)
{
  (*(guint *) user_data)++;
  return G_SOURCE_CONTINUE;
}

static void
test_answers_together (Fixture *fixture,
                       gconstpointer data)
{
  Answer answers[2];
  gboolean together = FALSE;
  guint n_beside = 0, id;

  g_test_summary ("Answers that were expected are read one after the other without going around the main loop, but not those "
                  "to what was written meanwhile");

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answer_init (&answers[i], fixture->poller);
  answers[0].next = answers[1].fds[1];
  /* One has to be seen; it takes longer than is waited when the processor is taken away. */
  while (!together)
    {
      guint n = answers[1].n_turns;

      for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
        tornadis_poller_item_expect_input (&answers[i].item);
      g_assert_cmpint (write (answers[0].fds[1], "x", 1), ==, 1);
      g_main_context_iteration (NULL, TRUE);
      together = answers[1].n_turns > n;
      while (answers[1].n_turns == n)
        g_main_context_iteration (NULL, TRUE);
    }

  answers[0].next = answers[0].fds[1];
  answers[0].expects = &answers[0].item;
  id = g_idle_add_full (G_PRIORITY_DEFAULT, count_cb, &n_beside, NULL);
  g_assert_cmpint (write (answers[0].fds[1], "x", 1), ==, 1);
  while (n_beside < 100)
    {
      guint n = answers[0].n_turns;

      g_main_context_iteration (NULL, TRUE);
      g_assert_cmpuint (answers[0].n_turns, <=, n + 1);
    }

  g_source_remove (id);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answer_clear (&answers[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/poller/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("input", test_input);
  ADD ("watch", test_watch);
  ADD ("clear", test_clear);
  ADD ("timers", test_timers);
  ADD ("timer-beside-work", test_timer_beside_work);
  ADD ("queue-first", test_queue_first);
  ADD ("expected", test_expected);
  ADD ("answers-together", test_answers_together);
  ADD ("nested", test_nested);
  ADD ("timer-behind-share", test_timer_behind_share);
  ADD ("late", test_late);
  ADD ("fork", test_fork);
  ADD ("contexts", test_contexts);
  ADD ("round", test_round);
  ADD ("busy-timer", test_busy_timer);
  ADD ("heavy-frames", test_heavy_frames);
  ADD ("frames-come-first", test_frames_come_first);
  ADD ("leaves-others-their-turns", test_leaves_others_their_turns);

  return g_test_run ();
}
