/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-lock.h"

#include <unistd.h>

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/data/tornadis-lock-lease-private.h"
#include "tornadis-glib/data/tornadis-lock-request-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisLock:
 *
 * A lock that programs share, by a key on a server.
 *
 * Who acquires it sets the key to a token that nobody else has, with an expiry; scripts see to it that only who knows the token
 * renews or releases it. While it is held it is renewed, each third of [property@Tornadis.Lock:expiry-msec], so it is held for
 * as long as is needed, and free again that time after a program has died.
 *
 * ```c
 * static void
 * acquired_cb (GObject *object, GAsyncResult *result, gpointer user_data)
 * {
 *   TornadisLock *lock = TORNADIS_LOCK (object);
 *   g_autoptr (GError) error = NULL;
 *
 *   if (!tornadis_lock_acquire_finish (lock, result, &error))
 *     {
 *       g_printerr ("%s\n", error->message);
 *       return;
 *     }
 *   g_print ("alone\n");
 *   tornadis_lock_release_async (lock, NULL, NULL, NULL);
 * }
 *
 * static void
 * be_alone (TornadisClient *client)
 * {
 *   g_autoptr (TornadisLock) lock = tornadis_lock_new (TORNADIS_CALLER (client), "lock:stock");
 *
 *   tornadis_lock_acquire_async (lock, NULL, acquired_cb, NULL);
 * }
 * ```
 *
 * ## What it promises
 *
 * As long as one server keeps the key, and clocks run at the same rate, [method@Tornadis.Lock.is_held] is true of one lock of
 * that name at a time: it counts the expiry from before the request was sent, and the time in which the computer sleeps, where
 * the system tells it. The signal [signal@Tornadis.Lock::lost] says when a lock that was not released is not held any more.
 *
 * ## What it does not promise
 *
 * - A server that takes over from another may not have got the key: replication is asynchronous. Then two hold the lock, until
 *   the first one's next renewal finds that the token is not its own. The same is true after a restart without the last writes,
 *   and after eviction: a server that evicts keys is no place for locks.
 * - What is done under a lock may reach its goal after the lock was lost, for instance when the program is suspended between
 *   looking at the lock and writing. Where that does harm let the goal refuse it, by
 *   [property@Tornadis.Lock:fencing-number].
 * - A clock that runs faster at the server than here ends the lock there a little earlier than here, and one that is set forward
 *   there ends it at once: the server goes by the time of day.
 * - Nobody waits in a queue: who comes when the lock is free gets it.
 *
 * Redlock, which asks a majority of several independent servers, is not offered: it rests on the same clocks, has no fencing
 * numbers, and so makes a second holder less likely without ruling it out. For that a system with consensus is needed.
 *
 * A lock belongs to the thread-default main context in which it was created, and is renewed by its main loop. One that is
 * disposed of while it is held is released, without waiting for that.
 *
 * Since: 1.0
 */

/* Between attempts, while another has it: it doubles from the one to the other, and half of it is random. */
#define MIN_DELAY_MSEC 10
#define MAX_DELAY_MSEC 500
#define MIN_EXPIRY_MSEC 10

typedef enum
{
  LOCK_STATE_FREE,
  LOCK_STATE_ACQUIRING,
  LOCK_STATE_HELD,
  LOCK_STATE_LOST, /* and not released since */
} LockState;

struct _TornadisLock
{
  GObject parent_instance;

  TornadisLockKey key;   /* what it points to is owned */
  GMainContext *context; /* (owned) in which it was created */

  LockState state;
  char *token;              /* (owned) (nullable) as long as the server may have it */
  GTask *acquiring;         /* (unowned) (nullable) while ACQUIRING, see acquire_end() */
  TornadisLockLease *lease; /* (owned) (nullable) while HELD */
  gint64 fencing_number;    /* of the last time that it was acquired */
};

G_DEFINE_FINAL_TYPE (TornadisLock, tornadis_lock, G_TYPE_OBJECT)

typedef enum
{
  PROP_CALLER = 1,
  PROP_NAME,
  PROP_EXPIRY_MSEC,
  PROP_FENCING_KEY,
  PROP_FENCING_NUMBER,
  PROP_TOKEN,
  PROP_HELD,
} TornadisLockProperty;

static GParamSpec *props[PROP_HELD + 1];

typedef enum
{
  SIGNAL_LOST,
  N_SIGNALS,
} TornadisLockSignal;

static guint signals[N_SIGNALS];

/* The data of an acquire's task. */
typedef struct
{
  char *token;      /* (owned) */
  gboolean once;    /* it does not wait */
  guint delay_msec; /* of the next wait, at most */
  gint64 sent_at;   /* when the attempt in flight was */
} Acquire;

static void
acquire_free (gpointer data)
{
  Acquire *self = data;

  g_free (self->token);
  g_free (self);
}

/* Another process, also one that was forked from this, must not get the same. */
static char *
make_token (void)
{
  g_autofree char *uuid = g_uuid_string_random ();

  return g_strdup_printf ("%s-%x-%" G_GINT64_MODIFIER "x", uuid, (guint) getpid (), g_get_real_time ());
}

/* Nobody waits for it: what is not released is free when it expires. */
static void
lock_let_go (TornadisLock *self,
             const char *token)
{
  tornadis_lock_key_request (&self->key, TORNADIS_LOCK_REQUEST_RELEASE, token, NULL, NULL, NULL);
}

/* What was held or lost. */
static void
lock_drop_token (TornadisLock *self)
{
  g_autofree char *token = g_steal_pointer (&self->token);

  lock_let_go (self, token);
}

static void
lock_notify_held (TornadisLock *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_HELD]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TOKEN]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_FENCING_NUMBER]);
}

static void
lost_cb (GError *error,
         gpointer user_data)
{
  g_autoptr (TornadisLock) self = g_object_ref (user_data);

  g_clear_pointer (&self->lease, tornadis_lock_lease_free);
  self->state = LOCK_STATE_LOST;
  lock_notify_held (self);
  g_signal_emit (self, signals[SIGNAL_LOST], 0, error);
}

/* The task is about to return. @keep: the server may have the token, and the next attempt is to take it over. One that was
 * cancelled may not be the lock's any more, but that of another is. */
static void
acquire_end (GTask *task,
             gboolean keep)
{
  TornadisLock *self = g_task_get_source_object (task);

  if (self->acquiring != task)
    return;

  self->acquiring = NULL;
  self->state = LOCK_STATE_FREE;
  if (!keep)
    g_clear_pointer (&self->token, g_free);
}

static void acquire_send (GTask *task);

/* Of a wait: it is over, or was cancelled. */
static gboolean
waited_cb (gpointer user_data)
{
  GTask *task = user_data;

  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    {
      /* The token of another is there. */
      acquire_end (task, FALSE);
      g_task_return_error_if_cancelled (task);
    }
  else
    {
      acquire_send (task);
    }

  return G_SOURCE_REMOVE;
}

/* @ttl_msec is in what time it is free at the latest, if that is positive. */
static void
acquire_wait (GTask *task,
              gint64 ttl_msec)
{
  TornadisLock *self = g_task_get_source_object (task);
  Acquire *acquire = g_task_get_task_data (task);
  guint half = acquire->delay_msec / 2;
  gint64 delay_msec = half + g_random_int_range (0, half + 1);
  g_autoptr (GSource) source = NULL;

  /* Not all that wait at the same moment. */
  if (ttl_msec > 0 && ttl_msec < delay_msec)
    delay_msec = ttl_msec + g_random_int_range (0, MIN_DELAY_MSEC);
  acquire->delay_msec = MIN (acquire->delay_msec * 2, MAX_DELAY_MSEC);

  source = g_timeout_source_new (delay_msec);
  g_source_set_static_name (source, "[tornadis] lock waits");
  if (g_task_get_cancellable (task) != NULL)
    {
      g_autoptr (GSource) child = g_cancellable_source_new (g_task_get_cancellable (task));

      g_source_set_dummy_callback (child);
      g_source_add_child_source (source, child);
    }
  g_source_set_callback (source, waited_cb, g_object_ref (task), g_object_unref);
  g_source_attach (source, self->context);
}

/* Whether the server may have done what the caller does not know of, and can be asked. */
static gboolean
is_unknown (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
         g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
}

static void
acquire_fail (GTask *task,
              GError *error)
{
  TornadisLock *self = g_task_get_source_object (task);
  const Acquire *acquire = g_task_get_task_data (task);
  gboolean unknown = is_unknown (error);

  /* The server may have set it, or will. After a lost connection it is not connected to again for that: the next attempt has
   * the same token, and takes it over. */
  acquire_end (task, !unknown);
  if (unknown)
    lock_let_go (self, acquire->token);
  g_task_return_error (task, error);
}

static void
acquire_succeed (GTask *task,
                 gint64 fencing_number)
{
  TornadisLock *self = g_task_get_source_object (task);
  const Acquire *acquire = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &error))
    {
      /* Nobody is told that it is held. */
      acquire_fail (task, error);
    }
  else if (tornadis_lock_get_time () >= acquire->sent_at + (gint64) self->key.expiry_msec * 1000)
    {
      acquire_fail (task, g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT,
                                               "acquiring the lock took longer than its expiry"));
    }
  else
    {
      self->acquiring = NULL;
      self->state = LOCK_STATE_HELD;
      self->fencing_number = fencing_number;
      self->lease = tornadis_lock_lease_new (&self->key, self->token, acquire->sent_at, self->context, lost_cb, self);
      lock_notify_held (self);
      g_task_return_boolean (task, TRUE);
    }
}

/* The integer at a place of a reply that has two of them. */
static gboolean
reply_get_pair (TornadisReply *reply,
                gint64 *first,
                gint64 *second)
{
  TornadisReply *elements[2];

  if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_ARRAY ||
      tornadis_reply_get_n_elements (reply) != G_N_ELEMENTS (elements))
    return FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (elements); i++)
    {
      elements[i] = tornadis_reply_get_element (reply, i);
      if (tornadis_reply_get_kind (elements[i]) != TORNADIS_REPLY_KIND_INTEGER)
        return FALSE;
    }

  *first = tornadis_reply_get_integer (elements[0]);
  *second = tornadis_reply_get_integer (elements[1]);

  return TRUE;
}

static void
attempted_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Acquire *acquire = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_lock_key_request_finish (object, result, &error);
  gint64 acquired, number;

  if (reply == NULL)
    acquire_fail (task, error);
  else if (!reply_get_pair (reply, &acquired, &number))
    acquire_fail (task, g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL,
                                             "the reply to acquiring a lock is no pair of integers"));
  else if (acquired != 0)
    acquire_succeed (task, number);
  else if (!acquire->once)
    acquire_wait (task, number);
  else
    {
      /* The token of another is there. */
      acquire_end (task, FALSE);
      g_task_return_boolean (task, FALSE);
    }
}

static void
acquire_send (GTask *task)
{
  TornadisLock *self = g_task_get_source_object (task);
  Acquire *acquire = g_task_get_task_data (task);

  acquire->sent_at = tornadis_lock_get_time ();
  tornadis_lock_key_request (&self->key, TORNADIS_LOCK_REQUEST_ACQUIRE, acquire->token, g_task_get_cancellable (task),
                             attempted_cb, g_object_ref (task));
}

static void
lock_acquire (TornadisLock *self,
              gboolean once,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer user_data,
              gpointer source_tag)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Acquire *acquire = g_new0 (Acquire, 1);

  acquire->once = once;
  acquire->delay_msec = MIN_DELAY_MSEC;
  g_task_set_task_data (task, acquire, acquire_free);
  g_task_set_source_tag (task, source_tag);
  /* Nobody is told that it was cancelled while it is held: see acquire_succeed(). */
  g_task_set_check_cancellable (task, FALSE);

  /* One that was cancelled, but has not come to its end, is left to itself. */
  if (self->acquiring != NULL && g_cancellable_is_cancelled (g_task_get_cancellable (self->acquiring)))
    acquire_end (self->acquiring, FALSE);
  if (self->state == LOCK_STATE_ACQUIRING || self->state == LOCK_STATE_HELD)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "the lock is %s already",
                               self->state == LOCK_STATE_HELD ? "held" : "being acquired");
      return;
    }
  if (g_task_return_error_if_cancelled (task))
    return;

  /* What was lost may be renewed by a request that comes late. */
  if (self->state == LOCK_STATE_LOST)
    lock_drop_token (self);
  if (self->token == NULL)
    self->token = make_token ();
  acquire->token = g_strdup (self->token);
  self->state = LOCK_STATE_ACQUIRING;
  self->acquiring = task;
  acquire_send (task);
}

/**
 * tornadis_lock_new:
 * @caller: a client or a pool
 * @name: the key
 *
 * Creates a lock. Nothing is sent before it is acquired.
 *
 * Returns: (transfer full): a new lock
 *
 * Since: 1.0
 */
TornadisLock *
tornadis_lock_new (TornadisCaller *caller,
                   const char *name)
{
  g_return_val_if_fail (TORNADIS_IS_CALLER (caller), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_LOCK, "caller", caller, "name", name, NULL);
}

/**
 * tornadis_lock_get_caller: (get-property caller)
 * @self: a lock
 *
 * Gets the client or the pool on which it is.
 *
 * Returns: (transfer none): the caller
 *
 * Since: 1.0
 */
TornadisCaller *
tornadis_lock_get_caller (TornadisLock *self)
{
  g_return_val_if_fail (TORNADIS_IS_LOCK (self), NULL);

  return self->key.caller;
}

/**
 * tornadis_lock_get_name: (get-property name)
 * @self: a lock
 *
 * Gets the key that it is.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
tornadis_lock_get_name (TornadisLock *self)
{
  g_return_val_if_fail (TORNADIS_IS_LOCK (self), NULL);

  return self->key.name;
}

/**
 * tornadis_lock_get_expiry_msec: (get-property expiry-msec)
 * @self: a lock
 *
 * Gets after what time without a renewal it is free.
 *
 * Returns: the time in milliseconds
 *
 * Since: 1.0
 */
guint
tornadis_lock_get_expiry_msec (TornadisLock *self)
{
  g_return_val_if_fail (TORNADIS_IS_LOCK (self), 0);

  return self->key.expiry_msec;
}

/**
 * tornadis_lock_get_fencing_key: (get-property fencing-key)
 * @self: a lock
 *
 * Gets the key that counts how often it was acquired.
 *
 * Returns: (nullable): the key, or %NULL without fencing numbers
 *
 * Since: 1.0
 */
const char *
tornadis_lock_get_fencing_key (TornadisLock *self)
{
  g_return_val_if_fail (TORNADIS_IS_LOCK (self), NULL);

  return self->key.fencing_key;
}

/**
 * tornadis_lock_get_fencing_number: (get-property fencing-number)
 * @self: a lock
 *
 * Gets the number of the last time that this object has acquired it.
 *
 * Returns: the number, or 0 before that or without a [property@Tornadis.Lock:fencing-key]
 *
 * Since: 1.0
 */
gint64
tornadis_lock_get_fencing_number (TornadisLock *self)
{
  g_return_val_if_fail (TORNADIS_IS_LOCK (self), 0);

  return self->fencing_number;
}

/**
 * tornadis_lock_get_token: (get-property token)
 * @self: a lock
 *
 * Gets the value of the key while it is held.
 *
 * Returns: (nullable): the token, or %NULL while it is not held
 *
 * Since: 1.0
 */
const char *
tornadis_lock_get_token (TornadisLock *self)
{
  g_return_val_if_fail (TORNADIS_IS_LOCK (self), NULL);

  return self->state == LOCK_STATE_HELD ? self->token : NULL;
}

/**
 * tornadis_lock_is_held: (get-property held)
 * @self: a lock
 *
 * Gets whether it is held by this object: it was acquired and not released, and its expiry, counted from before the request
 * that acquired or renewed it last, is not over. The clock is looked at, so that it is right after a stall of the main loop too.
 *
 * Returns: %TRUE while it is held
 *
 * Since: 1.0
 */
gboolean
tornadis_lock_is_held (TornadisLock *self)
{
  g_return_val_if_fail (TORNADIS_IS_LOCK (self), FALSE);

  return self->lease != NULL && tornadis_lock_lease_is_valid (self->lease);
}

/**
 * tornadis_lock_acquire_async:
 * @self: a lock
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when it is held or that has failed
 * @user_data: passed to @callback
 *
 * Acquires the lock, and waits while another has it: it is tried again after 10 milliseconds, then after longer times up to
 * half a second, half of each at random, and when the other's expires. To wait no longer than some time cancel it.
 *
 * Since: 1.0
 */
void
tornadis_lock_acquire_async (TornadisLock *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (TORNADIS_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  lock_acquire (self, FALSE, cancellable, callback, user_data, tornadis_lock_acquire_async);
}

/**
 * tornadis_lock_acquire_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what was started with [method@Tornadis.Lock.acquire_async].
 *
 * Errors are those of [method@Tornadis.Client.call_finish]: an attempt that fails for another reason than that the lock is
 * taken is the last one. %TORNADIS_ERROR_TIMEOUT is also that an attempt took longer than the expiry; %TORNADIS_ERROR_USAGE,
 * that this object holds it already, or is about to. What an attempt that was cancelled or timed out may have set is released,
 * without waiting for that; after %TORNADIS_ERROR_LOST the key may be there until it expires, but this object can acquire it.
 *
 * Returns: %TRUE when it is held, or %FALSE with an error
 *
 * Since: 1.0
 */
gboolean
tornadis_lock_acquire_finish (TornadisLock *self,
                              GAsyncResult *result,
                              GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_LOCK (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tornadis_lock_try_acquire_async:
 * @self: a lock
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when it was tried or that has failed
 * @user_data: passed to @callback
 *
 * Acquires the lock if it is free, without waiting.
 *
 * Since: 1.0
 */
void
tornadis_lock_try_acquire_async (TornadisLock *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_return_if_fail (TORNADIS_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  lock_acquire (self, TRUE, cancellable, callback, user_data, tornadis_lock_try_acquire_async);
}

/**
 * tornadis_lock_try_acquire_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what was started with [method@Tornadis.Lock.try_acquire_async]. Errors are those of
 * [method@Tornadis.Lock.acquire_finish].
 *
 * Returns: %TRUE when it is held; %FALSE without an error when another has it, else with one
 *
 * Since: 1.0
 */
gboolean
tornadis_lock_try_acquire_finish (TornadisLock *self,
                                  GAsyncResult *result,
                                  GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_LOCK (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* The data of a release's task. */
typedef struct
{
  char *token;   /* (owned) */
  gboolean held; /* until it was asked for */
} Release;

static void
release_free (gpointer data)
{
  Release *self = data;

  g_free (self->token);
  g_free (self);
}

static void
released_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisLock *self = g_task_get_source_object (task);
  const Release *release = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_lock_key_request_finish (object, result, &error);

  if (is_unknown (error))
    lock_let_go (self, release->token);

  if (reply == NULL)
    g_task_return_error (task, error);
  else if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_INTEGER)
    g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "the reply to releasing a lock is no integer");
  else if (!release->held || tornadis_reply_get_integer (reply) == 0)
    g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                             "the lock was lost before it was released: another may have had it");
  else
    g_task_return_boolean (task, TRUE);
}

/**
 * tornadis_lock_release_async:
 * @self: a lock
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when it is released or that has failed
 * @user_data: passed to @callback
 *
 * Releases the lock. From now on it is not held, and is not renewed: should the request fail it is free when it expires. To
 * cancel this is not to wait for it any more: it is released all the same.
 *
 * Since: 1.0
 */
void
tornadis_lock_release_async (TornadisLock *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Release *release;
  gboolean was_held;

  g_return_if_fail (TORNADIS_IS_LOCK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_lock_release_async);
  g_task_set_check_cancellable (task, FALSE);
  if (self->state != LOCK_STATE_HELD && self->state != LOCK_STATE_LOST)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "the lock is not held");
      return;
    }

  release = g_new (Release, 1);
  release->held = tornadis_lock_is_held (self);
  release->token = g_steal_pointer (&self->token);
  g_task_set_task_data (task, release, release_free);
  g_clear_pointer (&self->lease, tornadis_lock_lease_free);
  was_held = self->state == LOCK_STATE_HELD;
  self->state = LOCK_STATE_FREE;
  tornadis_lock_key_request (&self->key, TORNADIS_LOCK_REQUEST_RELEASE, release->token, cancellable, released_cb,
                             g_object_ref (task));
  if (was_held)
    lock_notify_held (self);
}

/**
 * tornadis_lock_release_finish:
 * @self: a lock
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes what was started with [method@Tornadis.Lock.release_async].
 *
 * %TORNADIS_ERROR_LOST is also that the lock had been lost by then, and another may have had it; %TORNADIS_ERROR_USAGE, that
 * it was not acquired. Other errors are those of [method@Tornadis.Client.call_finish].
 *
 * Returns: %TRUE when it was held until then and is free now, or %FALSE with an error
 *
 * Since: 1.0
 */
gboolean
tornadis_lock_release_finish (TornadisLock *self,
                              GAsyncResult *result,
                              GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_LOCK (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
tornadis_lock_get_property (GObject *object,
                            guint prop_id,
                            GValue *value,
                            GParamSpec *pspec)
{
  TornadisLock *self = TORNADIS_LOCK (object);

  switch ((TornadisLockProperty) prop_id)
    {
    case PROP_CALLER:
      g_value_set_object (value, self->key.caller);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->key.name);
      break;
    case PROP_EXPIRY_MSEC:
      g_value_set_uint (value, self->key.expiry_msec);
      break;
    case PROP_FENCING_KEY:
      g_value_set_string (value, self->key.fencing_key);
      break;
    case PROP_FENCING_NUMBER:
      g_value_set_int64 (value, self->fencing_number);
      break;
    case PROP_TOKEN:
      g_value_set_string (value, tornadis_lock_get_token (self));
      break;
    case PROP_HELD:
      g_value_set_boolean (value, tornadis_lock_is_held (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_lock_set_property (GObject *object,
                            guint prop_id,
                            const GValue *value,
                            GParamSpec *pspec)
{
  TornadisLock *self = TORNADIS_LOCK (object);

  switch ((TornadisLockProperty) prop_id)
    {
    case PROP_CALLER:
      self->key.caller = g_value_dup_object (value);
      break;
    case PROP_NAME:
      self->key.name = g_value_dup_string (value);
      if (self->key.name == NULL)
        self->key.name = g_strdup ("");
      break;
    case PROP_EXPIRY_MSEC:
      self->key.expiry_msec = g_value_get_uint (value);
      break;
    case PROP_FENCING_KEY:
      self->key.fencing_key = g_value_dup_string (value);
      break;
    case PROP_FENCING_NUMBER:
    case PROP_TOKEN:
    case PROP_HELD:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_lock_dispose (GObject *object)
{
  TornadisLock *self = TORNADIS_LOCK (object);

  g_clear_pointer (&self->lease, tornadis_lock_lease_free);
  if (self->state == LOCK_STATE_HELD || self->state == LOCK_STATE_LOST)
    {
      self->state = LOCK_STATE_FREE;
      lock_drop_token (self);
    }

  G_OBJECT_CLASS (tornadis_lock_parent_class)->dispose (object);
}

static void
tornadis_lock_finalize (GObject *object)
{
  TornadisLock *self = TORNADIS_LOCK (object);

  g_clear_object (&self->key.caller);
  g_free (self->key.name);
  g_free (self->key.fencing_key);
  g_free (self->token);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (tornadis_lock_parent_class)->finalize (object);
}

static void
tornadis_lock_class_init (TornadisLockClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tornadis_lock_get_property;
  object_class->set_property = tornadis_lock_set_property;
  object_class->dispose = tornadis_lock_dispose;
  object_class->finalize = tornadis_lock_finalize;

  /**
   * TornadisLock:caller: (getter get_caller)
   *
   * The client or the pool on which it is. One that blocks, as in `BLPOP`, keeps the lock from being renewed.
   *
   * Since: 1.0
   */
  props[PROP_CALLER] =
    g_param_spec_object ("caller", NULL, NULL, TORNADIS_TYPE_CALLER,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisLock:name: (getter get_name)
   *
   * The key that it is. Nothing else may write it.
   *
   * Since: 1.0
   */
  props[PROP_NAME] =
    g_param_spec_string ("name", NULL, NULL, "",
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisLock:expiry-msec: (getter get_expiry_msec)
   *
   * After what time in milliseconds without a renewal it is free. It should be several times what a call and the longest work
   * between two main-context iterations may take: a lock that is not renewed in time is lost.
   *
   * Since: 1.0
   */
  props[PROP_EXPIRY_MSEC] =
    g_param_spec_uint ("expiry-msec", NULL, NULL, MIN_EXPIRY_MSEC, G_MAXINT, 30000,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisLock:fencing-key: (getter get_fencing_key)
   *
   * A key that counts how often the lock was acquired, by whomever, for [property@Tornadis.Lock:fencing-number]. All that use
   * the lock name the same, and in a cluster it must be in the slot of the name, as `{stock}:count` is for `{stock}:lock`.
   *
   * Since: 1.0
   */
  props[PROP_FENCING_KEY] =
    g_param_spec_string ("fencing-key", NULL, NULL, NULL,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisLock:fencing-number: (getter get_fencing_number)
   *
   * The number of the last time that this object has acquired it, which is larger than all before it as long as the server
   * keeps the [property@Tornadis.Lock:fencing-key]. What is written under the lock can carry it, and the goal refuse a number
   * that is less than one that it has seen. Without that key it is 0.
   *
   * Since: 1.0
   */
  props[PROP_FENCING_NUMBER] =
    g_param_spec_int64 ("fencing-number", NULL, NULL, G_MININT64, G_MAXINT64, 0,
                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisLock:token: (getter get_token)
   *
   * The value of the key while it is held.
   *
   * Since: 1.0
   */
  props[PROP_TOKEN] =
    g_param_spec_string ("token", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisLock:held: (getter is_held)
   *
   * Whether it is held by this object, see [method@Tornadis.Lock.is_held]. After a stall of the main loop it is notified when
   * that goes on.
   *
   * Since: 1.0
   */
  props[PROP_HELD] =
    g_param_spec_boolean ("held", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);

  /**
   * TornadisLock::lost:
   * @self: a lock
   * @error: why
   *
   * Emitted when it was held, was not released, and is not held any more: another may have it.
   *
   * @error is %TORNADIS_ERROR_LOST when the server does not have it any more, or with the token of another, as after a failover;
   * %TORNADIS_ERROR_TIMEOUT when it was not renewed in time, because of a stall of the main loop or of errors, of which the
   * last is told. What is done under the lock has to end. It may then be acquired again, or released, which fails with
   * %TORNADIS_ERROR_LOST, and is told to the server in case that it has it still.
   *
   * Since: 1.0
   */
  signals[SIGNAL_LOST] = g_signal_new ("lost", TORNADIS_TYPE_LOCK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                       G_TYPE_ERROR);
}

static void
tornadis_lock_init (TornadisLock *self)
{
  self->context = g_main_context_ref_thread_default ();
}
