/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-deadlines.h"

#define FIRST_LIMIT 64

static inline TornadisDeadline *
deadlines_get (TornadisDeadlines *self,
               guint i)
{
  return &g_array_index (self->heap, TornadisDeadline, i);
}

static void
deadlines_sift_up (TornadisDeadlines *self,
                   guint i)
{
  TornadisDeadline moved = *deadlines_get (self, i);

  while (i > 0 && moved.at < deadlines_get (self, (i - 1) / 2)->at)
    {
      *deadlines_get (self, i) = *deadlines_get (self, (i - 1) / 2);
      i = (i - 1) / 2;
    }
  *deadlines_get (self, i) = moved;
}

static void
deadlines_sift_down (TornadisDeadlines *self,
                     guint i)
{
  guint n = self->heap->len;
  TornadisDeadline moved = *deadlines_get (self, i);

  for (guint child = 2 * i + 1; child < n; child = 2 * i + 1)
    {
      if (child + 1 < n && deadlines_get (self, child + 1)->at < deadlines_get (self, child)->at)
        child++;
      if (moved.at <= deadlines_get (self, child)->at)
        break;
      *deadlines_get (self, i) = *deadlines_get (self, child);
      i = child;
    }
  *deadlines_get (self, i) = moved;
}

static void
deadlines_sort_out (TornadisDeadlines *self,
                    TornadisDeadlineFunc is_awaited,
                    gpointer user_data)
{
  guint n = 0;

  for (guint i = 0; i < self->heap->len; i++)
    if (is_awaited (deadlines_get (self, i), user_data))
      *deadlines_get (self, n++) = *deadlines_get (self, i);
  g_array_set_size (self->heap, n);

  for (guint i = n / 2; i > 0; i--)
    deadlines_sift_down (self, i - 1);
  self->limit = MAX (2 * n, FIRST_LIMIT);
}

void
tornadis_deadlines_clear (TornadisDeadlines *self)
{
  g_clear_pointer (&self->heap, g_array_unref);
}

void
tornadis_deadlines_reset (TornadisDeadlines *self)
{
  if (self->heap != NULL)
    g_array_set_size (self->heap, 0);
}

void
tornadis_deadlines_push (TornadisDeadlines *self,
                         gint64 at,
                         guint64 id,
                         TornadisDeadlineFunc is_awaited,
                         gpointer user_data)
{
  TornadisDeadline deadline = { at, id };

  if (self->heap == NULL)
    {
      self->heap = g_array_new (FALSE, FALSE, sizeof deadline);
      self->limit = FIRST_LIMIT;
    }
  else if (self->heap->len >= self->limit)
    deadlines_sort_out (self, is_awaited, user_data);

  g_array_append_val (self->heap, deadline);
  deadlines_sift_up (self, self->heap->len - 1);
}

gboolean
tornadis_deadlines_peek (TornadisDeadlines *self,
                         TornadisDeadline *deadline,
                         TornadisDeadlineFunc is_awaited,
                         gpointer user_data)
{
  while (self->heap != NULL && self->heap->len > 0)
    {
      *deadline = *deadlines_get (self, 0);
      if (is_awaited (deadline, user_data))
        return TRUE;
      tornadis_deadlines_pop (self);
    }

  return FALSE;
}

void
tornadis_deadlines_pop (TornadisDeadlines *self)
{
  guint last = self->heap->len - 1;

  *deadlines_get (self, 0) = *deadlines_get (self, last);
  g_array_set_size (self->heap, last);
  if (last > 1)
    deadlines_sift_down (self, 0);
}
