/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/locks.h"

#include "soak/job.h"

/* No two hold the lock at a time, and who acquires it has a larger number than all before. */

#define N_LOCKS 4
/* Milliseconds. The lock is renewed each third of it; a server that sleeps longer makes it lost. */
#define EXPIRY 150
#define MAX_HOLD 30
#define MAX_WAIT 10

typedef struct _Locks Locks;

typedef struct
{
  Locks *locks;       /* (unowned) */
  TornadisLock *lock; /* (owned) */
  Whim whim;
  gboolean is_busy;
} Competitor;

struct _Locks
{
  Run *run; /* (unowned) */
  Competitor competitors[N_LOCKS];
  gint64 number; /* of the last who acquired it */
};

static void competitor_go_on (Competitor *self);

static void
competitor_check (Competitor *self)
{
  Locks *locks = self->locks;

  for (guint i = 0; i < N_LOCKS; i++)
    if (&locks->competitors[i] != self && tornadis_lock_is_held (self->lock) && tornadis_lock_is_held (locks->competitors[i].lock))
      run_fail (locks->run, "Two hold the lock, with the numbers %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT,
                tornadis_lock_get_fencing_number (self->lock), tornadis_lock_get_fencing_number (locks->competitors[i].lock));
}

static gboolean
go_on_cb (gpointer user_data)
{
  competitor_go_on (user_data);

  return G_SOURCE_REMOVE;
}

static void
released_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  Competitor *self = user_data;
  Run *run = self->locks->run;
  g_autoptr (GError) error = NULL;

  run->n_pending--;
  run->n_done++;
  if (!tornadis_lock_release_finish (self->lock, result, &error))
    run_take_error (run, error);
  competitor_go_on (self);
}

static gboolean
release_cb (gpointer user_data)
{
  Competitor *self = user_data;

  competitor_check (self);
  if (!tornadis_lock_is_held (self->lock))
    tally_count (self->locks->run->tally, "locks-lost");
  self->locks->run->n_pending++;
  tornadis_lock_release_async (self->lock, NULL, released_cb, self);

  return G_SOURCE_REMOVE;
}

static void
acquired_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  Competitor *self = user_data;
  Locks *locks = self->locks;
  Run *run = locks->run;
  g_autoptr (GError) error = NULL;

  run->n_pending--;
  run->n_done++;
  whim_clear (&self->whim);
  if (!tornadis_lock_acquire_finish (self->lock, result, &error))
    {
      run_take_error (run, error);
      g_timeout_add (1 + run_random (run, MAX_WAIT), go_on_cb, self);
      return;
    }

  tally_count (run->tally, "locks");
  competitor_check (self);
  if (tornadis_lock_get_fencing_number (self->lock) <= locks->number)
    run_fail (run, "The lock was acquired with the number %" G_GINT64_FORMAT ", and had %" G_GINT64_FORMAT " before",
              tornadis_lock_get_fencing_number (self->lock), locks->number);
  locks->number = tornadis_lock_get_fencing_number (self->lock);
  g_timeout_add (run_random (run, MAX_HOLD), release_cb, self);
}

static void
competitor_go_on (Competitor *self)
{
  Run *run = self->locks->run;

  self->is_busy = run_take (run);
  if (!self->is_busy)
    return;

  whim_begin (&self->whim, run);
  run->n_pending++;
  tornadis_lock_acquire_async (self->lock, self->whim.cancellable, acquired_cb, self);
}

static gpointer
locks_begin (Run *run)
{
  Locks *self = g_new0 (Locks, 1);
  guint place = run_random (run, N_PLACES);
  g_autofree char *name = g_strdup_printf ("%s:{%u}:lock", run->prefix, place);
  g_autofree char *counter = g_strdup_printf ("%s:{%u}:locked", run->prefix, place);

  self->run = run;
  for (guint i = 0; i < N_LOCKS; i++)
    {
      Competitor *competitor = &self->competitors[i];

      competitor->locks = self;
      competitor->lock = run_track (run, g_object_new (TORNADIS_TYPE_LOCK, "caller", run_pick_caller (run), "name", name,
                                                       "expiry-msec", EXPIRY, "fencing-key", counter, NULL));
    }
  for (guint i = 0; i < N_LOCKS; i++)
    competitor_go_on (&self->competitors[i]);

  return self;
}

static gboolean
locks_end (gpointer data)
{
  Locks *self = data;

  for (guint i = 0; i < N_LOCKS; i++)
    if (self->competitors[i].is_busy)
      return FALSE;

  return TRUE;
}

static void
locks_free (gpointer data)
{
  Locks *self = data;

  for (guint i = 0; i < N_LOCKS; i++)
    g_object_unref (self->competitors[i].lock);
  g_free (self);
}

const Participant locks_participant = { locks_begin, locks_end, locks_free };
