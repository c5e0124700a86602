/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-lock-lease-private.h"

#include <time.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply.h"

/* A renewal in flight. */
typedef struct
{
  TornadisLockLease *lease;  /* (unowned) (nullable) NULL: it is not of interest any more */
  GCancellable *cancellable; /* (owned) */
  gint64 sent_at;
} Renewal;

/* All times are those of tornadis_lock_get_time(). */
struct _TornadisLockLease
{
  const TornadisLockKey *key; /* (unowned) */
  char *token;                /* (owned) */
  TornadisLockLostFunc func;
  gpointer user_data; /* (unowned) */

  gint64 valid_until;
  gint64 renewed_at; /* when it is next */
  GSource *timer;    /* (owned) */
  Renewal *renewal;  /* (unowned) (nullable) of its callback */
  GError *error;     /* (owned) (nullable) of the last renewal */
};

gint64
tornadis_lock_get_time (void)
{
#ifdef CLOCK_BOOTTIME
  struct timespec now;

  if (clock_gettime (CLOCK_BOOTTIME, &now) == 0)
    return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
#endif

  return g_get_monotonic_time ();
}

static void
renewal_free (Renewal *self)
{
  g_object_unref (self->cancellable);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Renewal, renewal_free)

static void
lease_extend (TornadisLockLease *self,
              gint64 sent_at)
{
  gint64 expiry = (gint64) self->key->expiry_msec * 1000;

  self->valid_until = sent_at + expiry;
  self->renewed_at = sent_at + expiry / 3;
}

static void
lease_schedule (TornadisLockLease *self)
{
  gint64 next = self->renewal != NULL ? self->valid_until : MIN (self->renewed_at, self->valid_until);

  g_source_set_ready_time (self->timer, g_get_monotonic_time () + MAX (next - tornadis_lock_get_time (), 0));
}

/* @error (transfer full). The lease may be gone after this. */
static void
lease_lose (TornadisLockLease *self,
            GError *error)
{
  self->func (error, self->user_data);
  g_error_free (error);
}

static void
renewed_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (Renewal) renewal = user_data;
  TornadisLockLease *self = renewal->lease;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_lock_key_request_finish (object, result, &error);

  if (self == NULL)
    return;

  self->renewal = NULL;
  if (reply != NULL && tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_INTEGER)
    g_set_error_literal (&error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "the reply of a renewal is no integer");

  g_clear_error (&self->error);
  if (error != NULL)
    {
      self->error = g_steal_pointer (&error);
      self->renewed_at = tornadis_lock_get_time () + (gint64) self->key->expiry_msec * 1000 / 12;
    }
  else if (tornadis_reply_get_integer (reply) == 0)
    {
      lease_lose (self, g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                                             "the server has the lock not any more, or with the token of another"));
      return;
    }
  else if (tornadis_lock_lease_is_valid (self))
    {
      lease_extend (self, renewal->sent_at);
    }
  /* When it is too late the timer is ready too, and says so. */
  lease_schedule (self);
}

static void
lease_renew (TornadisLockLease *self)
{
  Renewal *renewal = g_new (Renewal, 1);

  *renewal = (Renewal){ self, g_cancellable_new (), tornadis_lock_get_time () };
  self->renewal = renewal;
  /* In time: its callback comes from the main context. */
  lease_schedule (self);
  tornadis_lock_key_request (self->key, TORNADIS_LOCK_REQUEST_RENEW, self->token, renewal->cancellable, renewed_cb, renewal);
}

static gboolean
timer_dispatch (GSource *source,
                GSourceFunc callback,
                gpointer user_data)
{
  g_source_set_ready_time (source, -1);

  return callback (user_data);
}

static gboolean
timer_cb (gpointer user_data)
{
  TornadisLockLease *self = user_data;

  if (!tornadis_lock_lease_is_valid (self))
    {
      const char *reason = self->error != NULL ? self->error->message : "no reply in time";

      lease_lose (self, g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "the lock has expired: %s", reason));
      return G_SOURCE_REMOVE;
    }

  /* A plugin may run a main loop within it, in which the lease goes. */
  if (self->renewal == NULL && tornadis_lock_get_time () >= self->renewed_at)
    lease_renew (self);
  else
    lease_schedule (self);

  return G_SOURCE_CONTINUE;
}

TornadisLockLease *
tornadis_lock_lease_new (const TornadisLockKey *key,
                         const char *token,
                         gint64 sent_at,
                         GMainContext *context,
                         TornadisLockLostFunc func,
                         gpointer user_data)
{
  static GSourceFuncs funcs = { .dispatch = timer_dispatch };
  TornadisLockLease *self = g_new0 (TornadisLockLease, 1);

  self->key = key;
  self->token = g_strdup (token);
  self->func = func;
  self->user_data = user_data;
  lease_extend (self, sent_at);

  self->timer = g_source_new (&funcs, sizeof (GSource));
  g_source_set_static_name (self->timer, "[tornadis] lock");
  g_source_set_callback (self->timer, timer_cb, self, NULL);
  lease_schedule (self);
  g_source_attach (self->timer, context);

  return self;
}

void
tornadis_lock_lease_free (TornadisLockLease *self)
{
  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  if (self->renewal != NULL)
    {
      /* Its callback may come at once. */
      g_autoptr (GCancellable) cancellable = g_object_ref (self->renewal->cancellable);

      self->renewal->lease = NULL;
      g_cancellable_cancel (cancellable);
    }
  g_free (self->token);
  g_clear_error (&self->error);
  g_free (self);
}

gboolean
tornadis_lock_lease_is_valid (TornadisLockLease *self)
{
  return tornadis_lock_get_time () < self->valid_until;
}
