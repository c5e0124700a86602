/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gio/gio.h>

#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/* Somebody who waits, and what becomes of it. */
typedef struct _Waiter
{
  TornadisCancelWatch *watch; /* (owned) (nullable) */
  GString *log;               /* (unowned) */
  char name;
  GCancellable *again;   /* (unowned) (nullable) what it watches once it was called back */
  struct _Waiter *other; /* (unowned) (nullable) whom it frees then */
} Waiter;

static void waiter_watch (Waiter *self,
                          GCancellable *cancellable);

static void
waiter_forget (Waiter *self)
{
  g_clear_pointer (&self->watch, tornadis_cancel_watch_free);
}

static gboolean
waiter_cancelled_cb (gpointer user_data)
{
  Waiter *self = user_data;

  g_string_append_c (self->log, self->name);
  waiter_forget (self);
  if (self->other != NULL)
    waiter_forget (self->other);
  if (self->again != NULL)
    waiter_watch (self, g_steal_pointer (&self->again));

  return G_SOURCE_REMOVE;
}

static void
waiter_watch (Waiter *self,
              GCancellable *cancellable)
{
  self->watch = tornadis_cancel_watch_new (cancellable, g_main_context_default (), G_PRIORITY_DEFAULT, waiter_cancelled_cb, self);
}

/* "a", "b" and so on wait for @cancellable. */
static void
waiters_init (Waiter *waiters,
              guint n,
              GCancellable *cancellable,
              GString *log)
{
  for (guint i = 0; i < n; i++)
    {
      waiters[i] = (Waiter){ .log = log, .name = (char) ('a' + i) };
      waiter_watch (&waiters[i], cancellable);
    }
}

static void
waiters_clear (Waiter *waiters,
               guint n)
{
  for (guint i = 0; i < n; i++)
    waiter_forget (&waiters[i]);
}

static void
iterate (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_shared (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GString) log = g_string_new (NULL);
  Waiter waiters[4];

  g_test_summary ("All who wait for one cancellable are called back, in order and from the main context");

  waiters_init (waiters, 4, cancellable, log);
  waiter_forget (&waiters[1]);
  g_cancellable_cancel (cancellable);
  g_assert_cmpstr (log->str, ==, "");
  waiter_forget (&waiters[3]);
  iterate ();
  g_assert_cmpstr (log->str, ==, "ac");
  waiters_clear (waiters, 4);
}

static void
test_cancelled_before (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GString) log = g_string_new (NULL);
  Waiter waiters[2];

  g_test_summary ("Who begins to wait for what was cancelled is called back too, and again after a reset");

  g_assert_null (tornadis_cancel_watch_new (NULL, g_main_context_default (), 0, waiter_cancelled_cb, NULL));
  g_cancellable_cancel (cancellable);
  waiters_init (waiters, 2, cancellable, log);
  waiter_forget (&waiters[1]);
  g_assert_cmpstr (log->str, ==, "");
  iterate ();
  g_assert_cmpstr (log->str, ==, "a");

  g_cancellable_reset (cancellable);
  waiters_init (waiters, 2, cancellable, log);
  iterate ();
  g_assert_cmpstr (log->str, ==, "a");
  g_cancellable_cancel (cancellable);
  g_cancellable_reset (cancellable);
  g_cancellable_cancel (cancellable);
  iterate ();
  g_assert_cmpstr (log->str, ==, "aab");
  waiters_clear (waiters, 2);
}

static void
test_at_once (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "too late");
  g_autoptr (GError) found = NULL;
  g_autoptr (GString) log = g_string_new (NULL);
  Waiter waiters[4];

  g_test_summary ("Where that is asked for they are called back before the cancelling returns, less those that one of them frees");

  waiters_init (waiters, 4, cancellable, log);
  waiters[0].other = &waiters[2];
  waiters[1].again = cancellable;
  tornadis_cancel_watch_cancel (cancellable, reason);
  g_assert_cmpstr (log->str, ==, "abd");
  found = tornadis_cancel_watch_dup_reason (cancellable);
  g_assert_error (found, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);

  tornadis_cancel_watch_cancel (cancellable, NULL);
  g_assert_cmpstr (log->str, ==, "abd");
  iterate ();
  g_assert_cmpstr (log->str, ==, "abdb");
  waiters_clear (waiters, 4);
}

static void
test_disposed (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GString) log = g_string_new (NULL);
  Waiter waiters[2];

  g_test_summary ("One that was disposed, as JavaScript's run_dispose() does, says nothing any more until somebody waits for it again");

  waiters_init (waiters, 2, cancellable, log);
  g_object_run_dispose (G_OBJECT (cancellable));
  waiter_forget (&waiters[0]);
  g_cancellable_cancel (cancellable);
  iterate ();
  g_assert_cmpstr (log->str, ==, "");

  g_cancellable_reset (cancellable);
  waiter_watch (&waiters[0], cancellable);
  g_cancellable_cancel (cancellable);
  iterate ();
  g_assert_cmpstr (log->str, ==, "ba");
  waiters_clear (waiters, 2);
}

static gpointer
cancel_thread (gpointer user_data)
{
  GCancellable *cancellable = user_data;

  for (guint i = 0; i < 2000; i++)
    {
      g_cancellable_cancel (cancellable);
      g_thread_yield ();
      g_cancellable_reset (cancellable);
    }

  return NULL;
}

static gboolean
count_cb (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_REMOVE;
}

static void
test_threads (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GThread *thread;
  guint n_calls = 0;

  g_test_summary ("Another thread cancels while they come and go; once it has, each is called back at most once");

  thread = g_thread_new ("cancel", cancel_thread, cancellable);
  for (guint i = 0; i < 2000; i++)
    {
      guint counts[4] = { 0 };
      TornadisCancelWatch *watches[4];

      for (guint k = 0; k < G_N_ELEMENTS (watches); k++)
        watches[k] = tornadis_cancel_watch_new (cancellable, g_main_context_default (), G_PRIORITY_DEFAULT, count_cb, &counts[k]);
      g_main_context_iteration (NULL, FALSE);
      for (guint k = 0; k < G_N_ELEMENTS (watches); k++)
        {
          tornadis_cancel_watch_free (watches[k]);
          g_assert_cmpuint (counts[k], <=, 1);
          n_calls += counts[k];
        }
    }
  g_thread_join (thread);
  g_test_message ("%u were called back", n_calls);

  g_cancellable_cancel (cancellable);
  iterate ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cancel-watch/shared", test_shared);
  g_test_add_func ("/cancel-watch/cancelled-before", test_cancelled_before);
  g_test_add_func ("/cancel-watch/at-once", test_at_once);
  g_test_add_func ("/cancel-watch/disposed", test_disposed);
  g_test_add_func ("/cancel-watch/threads", test_threads);

  return g_test_run ();
}
