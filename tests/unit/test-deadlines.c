/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-deadlines.h"

/* What the heap keeps without looking for calls that ended. */
#define FEW 64

/* The calls of a queue, for which deadlines are kept: the oracle. */
typedef struct
{
  TornadisDeadlines deadlines;
  GArray *at;        /* (element-type gint64) by id; 0: the call ended */
  guint n_awaited;   /* of them */
  guint max_awaited; /* the most that there were */
} Fixture;

static void
set_up (Fixture *fixture,
        gconstpointer data)
{
  fixture->at = g_array_new (FALSE, FALSE, sizeof (gint64));
}

static void
tear_down (Fixture *fixture,
           gconstpointer data)
{
  tornadis_deadlines_clear (&fixture->deadlines);
  g_array_unref (fixture->at);
}

static gint64
get_at (Fixture *fixture,
        guint64 id)
{
  return g_array_index (fixture->at, gint64, id);
}

static gboolean
is_awaited (const TornadisDeadline *deadline,
            gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_cmpuint (deadline->id, <, fixture->at->len);
  return get_at (fixture, deadline->id) == deadline->at;
}

static guint64
push (Fixture *fixture,
      gint64 at)
{
  guint64 id = fixture->at->len;

  g_array_append_val (fixture->at, at);
  fixture->n_awaited++;
  fixture->max_awaited = MAX (fixture->max_awaited, fixture->n_awaited);
  tornadis_deadlines_push (&fixture->deadlines, at, id, is_awaited, fixture);

  return id;
}

static void
end_call (Fixture *fixture,
          guint64 id)
{
  if (get_at (fixture, id) == 0)
    return;

  g_array_index (fixture->at, gint64, id) = 0;
  fixture->n_awaited--;
}

/* The first deadline is what walking over all calls says; 0: there is none. */
static gint64
check_first (Fixture *fixture,
             TornadisDeadline *deadline)
{
  gint64 first = 0;

  for (guint id = 0; id < fixture->at->len; id++)
    if (get_at (fixture, id) != 0 && (first == 0 || get_at (fixture, id) < first))
      first = get_at (fixture, id);

  if (!tornadis_deadlines_peek (&fixture->deadlines, deadline, is_awaited, fixture))
    deadline->at = 0;
  g_assert_cmpint (deadline->at, ==, first);
  if (first != 0)
    g_assert_cmpint (get_at (fixture, deadline->id), ==, first);

  return first;
}

static void
pop_first (Fixture *fixture)
{
  TornadisDeadline deadline;

  if (check_first (fixture, &deadline) == 0)
    return;

  tornadis_deadlines_pop (&fixture->deadlines);
  end_call (fixture, deadline.id);
}

static int
compare_times (gconstpointer a,
               gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

static void
test_order (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (GArray) sorted = NULL;
  TornadisDeadline deadline;

  g_test_summary ("Deadlines come out sorted, and none is lost");

  for (guint i = 0; i < 5000; i++)
    push (fixture, g_test_rand_int_range (1, 1000000));

  sorted = g_array_copy (fixture->at);
  g_array_sort (sorted, compare_times);

  for (guint i = 0; i < sorted->len; i++)
    {
      g_assert_true (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));
      g_assert_cmpint (deadline.at, ==, g_array_index (sorted, gint64, i));
      g_assert_cmpint (get_at (fixture, deadline.id), ==, deadline.at);
      tornadis_deadlines_pop (&fixture->deadlines);
      end_call (fixture, deadline.id);
    }
  g_assert_false (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));
}

static void
test_random (Fixture *fixture,
             gconstpointer data)
{
  TornadisDeadline deadline;

  g_test_summary ("Random pushes, completions and timeouts against a plain list; few different times, so that many are "
                  "equal");

  for (guint i = 0; i < 6000; i++)
    {
      int what = g_test_rand_int_range (0, 5);

      if (what < 3)
        push (fixture, g_test_rand_int_range (1, 200));
      else if (what == 3)
        pop_first (fixture);
      else if (fixture->at->len > 0)
        end_call (fixture, (guint64) g_test_rand_int_range (0, (gint32) fixture->at->len));

      if (i % 16 == 0)
        check_first (fixture, &deadline);
    }

  g_assert_cmpuint (fixture->n_awaited, >, 500);
  while (fixture->n_awaited > 0)
    pop_first (fixture);
  g_assert_false (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));
}

static void
test_ended (Fixture *fixture,
            gconstpointer data)
{
  guint n_kept = GPOINTER_TO_UINT (data);
  TornadisDeadline deadline;

  g_test_summary ("Calls that complete long before they are due, among others that do not, leave nothing behind");

  for (guint i = 0; i < n_kept; i++)
    push (fixture, 1000000 - i);

  for (guint i = 0; i < 100000; i++)
    {
      end_call (fixture, push (fixture, 2000000 + g_test_rand_int_range (0, 1000)));
      g_assert_cmpuint (fixture->deadlines.heap->len, <=, MAX (2 * fixture->max_awaited, FEW));
    }

  for (guint i = 0; i < n_kept; i++)
    {
      g_assert_true (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));
      g_assert_cmpint (deadline.at, ==, 1000000 - n_kept + 1 + i);
      tornadis_deadlines_pop (&fixture->deadlines);
      end_call (fixture, deadline.id);
    }

  g_assert_false (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));
  g_assert_cmpuint (fixture->deadlines.heap->len, ==, 0);
}

static void
test_ended_crowd (Fixture *fixture,
                  gconstpointer data)
{
  g_test_summary ("After many calls completed the heap is small again: its bound follows the calls that are pending");

  for (guint i = 0; i < 10000; i++)
    push (fixture, 5000000 + i);
  for (guint64 id = 0; id < 10000; id++)
    end_call (fixture, id);

  for (guint i = 0; i < 20000; i++)
    end_call (fixture, push (fixture, 6000000 + i));
  g_assert_cmpuint (fixture->deadlines.heap->len, <=, FEW);
}

static void
test_equal (Fixture *fixture,
            gconstpointer data)
{
  TornadisDeadline deadline;

  for (guint i = 0; i < 1000; i++)
    push (fixture, 700);
  push (fixture, 699);
  push (fixture, 701);

  g_assert_cmpint (check_first (fixture, &deadline), ==, 699);
  pop_first (fixture);

  /* Each of them once: it has ended then. */
  for (guint i = 0; i < 1000; i++)
    {
      g_assert_true (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));
      g_assert_cmpint (deadline.at, ==, 700);
      tornadis_deadlines_pop (&fixture->deadlines);
      g_assert_cmpint (get_at (fixture, deadline.id), ==, 700);
      end_call (fixture, deadline.id);
    }

  g_assert_cmpint (check_first (fixture, &deadline), ==, 701);
  pop_first (fixture);
  g_assert_cmpint (check_first (fixture, &deadline), ==, 0);
}

static void
test_peek (Fixture *fixture,
           gconstpointer data)
{
  TornadisDeadline deadline;
  guint64 early, late;

  g_test_summary ("Peeking does not remove");

  g_assert_false (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));

  late = push (fixture, 20);
  early = push (fixture, 10);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));
      g_assert_cmpuint (deadline.id, ==, early);
    }

  end_call (fixture, early);
  g_assert_true (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));
  g_assert_cmpuint (deadline.id, ==, late);
}

static void
test_reset_and_clear (Fixture *fixture,
                      gconstpointer data)
{
  TornadisDeadline deadline;
  GArray *heap;

  /* Before anything was pushed. */
  tornadis_deadlines_reset (&fixture->deadlines);
  tornadis_deadlines_clear (&fixture->deadlines);
  g_assert_null (fixture->deadlines.heap);

  for (guint i = 0; i < 1000; i++)
    push (fixture, 1 + i);

  heap = fixture->deadlines.heap;
  tornadis_deadlines_reset (&fixture->deadlines);
  g_assert_true (fixture->deadlines.heap == heap);
  g_assert_false (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));

  push (fixture, 30);
  push (fixture, 20);
  g_assert_true (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));
  g_assert_cmpint (deadline.at, ==, 20);

  tornadis_deadlines_clear (&fixture->deadlines);
  g_assert_null (fixture->deadlines.heap);
  g_assert_false (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));

  push (fixture, 50);
  push (fixture, 40);
  g_assert_true (tornadis_deadlines_peek (&fixture->deadlines, &deadline, is_awaited, fixture));
  g_assert_cmpint (deadline.at, ==, 40);
  g_assert_cmpuint (fixture->deadlines.heap->len, ==, 2);
}

#define ADD(name, data, func) g_test_add ("/deadlines/" name, Fixture, data, set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("order", NULL, test_order);
  ADD ("random", NULL, test_random);
  ADD ("ended/alone", NULL, test_ended);
  ADD ("ended/among-few", GUINT_TO_POINTER (10), test_ended);
  ADD ("ended/among-many", GUINT_TO_POINTER (1000), test_ended);
  ADD ("ended/crowd", NULL, test_ended_crowd);
  ADD ("equal", NULL, test_equal);
  ADD ("peek", NULL, test_peek);
  ADD ("reset-and-clear", NULL, test_reset_and_clear);

  return g_test_run ();
}
