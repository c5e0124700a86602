/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-client-pool.h"

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/client/tornadis-client-pool-private.h"
#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-plugin.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/**
 * TornadisClientPool:
 *
 * A bounded set of clients of one server, for what needs a connection of its own: blocking commands,
 * transactions that `WATCH`, or plain parallelism.
 *
 * The clients of a pool have the properties and plugins of its template. A client is taken, used, and released:
 *
 * ```c
 * static void
 * popped_cb (TornadisClient *client, TornadisReply *reply, GError *error, gpointer user_data)
 * {
 *   TornadisClientPool *pool = user_data;
 *
 *   tornadis_client_pool_release_client (pool, client);
 * }
 *
 * static void
 * got_client_cb (GObject *object, GAsyncResult *result, gpointer user_data)
 * {
 *   TornadisClientPool *pool = TORNADIS_CLIENT_POOL (object);
 *   g_autoptr (TornadisClient) client = tornadis_client_pool_get_connected_client_finish (pool, result, NULL);
 *   g_autoptr (TornadisCommand) pop = tornadis_command_new_format ("BLPOP jobs 5");
 *
 *   if (client != NULL)
 *     tornadis_client_submit (client, pop, popped_cb, g_object_ref (pool), g_object_unref);
 * }
 * ```
 *
 * The pool keeps every client until it is released, whether or not its user still holds a reference. Release it when its
 * calls have completed: a client that comes back with calls pending, inside `MULTI`, watching keys, subscribed, with another
 * user, database or name than the template's, or after `CLIENT TRACKING`, `READONLY` and whatever else the server keeps for
 * a connection, is closed, with which those calls fail, and not handed to anybody else. Callbacks always come from the main
 * loop, never from within a function of the pool.
 *
 * For one call [method@Tornadis.ClientPool.call_async] does all that.
 *
 * Equivalent of tornadis' `ClientPool`.
 *
 * Since: 1.0
 */

#define MIN_CHECK_MSEC 100
/* The data of a waiter's task that is the time when a client was asked for. */
#define ASKED_KEY "tornadis-pool-asked"

/* What a waiter gets, as the data of its task. A client that is never taken from the task goes back to the pool. */
typedef struct
{
  TornadisClientPool *pool; /* (owned) */
  TornadisClient *client;   /* (owned) (nullable) */
  GError *error;            /* (owned) (nullable) */
  gint64 asked;             /* monotonic time */
} TornadisAnswer;

static void tornadis_client_pool_caller_init (TornadisCallerInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TornadisClientPool, tornadis_client_pool, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (TORNADIS_TYPE_CALLER, tornadis_client_pool_caller_init))

typedef enum
{
  PROP_TEMPLATE = 1,
  PROP_MAX_SIZE,
  PROP_CLIENT_TIMEOUT,
  PROP_AUTOCLOSE,
  PROP_SIZE,
  PROP_IDLE,
  PROP_WAITING,
} TornadisClientPoolProperty;

static GParamSpec *props[PROP_WAITING + 1];

GMainContext *
tornadis_client_pool_get_context (TornadisClientPool *self)
{
  return self->context;
}

guint
tornadis_client_pool_get_size (TornadisClientPool *self)
{
  return g_hash_table_size (self->busy) + g_hash_table_size (self->connecting) + self->idle.length;
}

static gboolean
pool_has_room (TornadisClientPool *self)
{
  return self->max_size < 0 || tornadis_client_pool_get_size (self) < (guint) self->max_size;
}

void
tornadis_client_pool_notify_counts (TornadisClientPool *self)
{
  const struct
  {
    guint *notified;
    guint now;
    TornadisClientPoolProperty property;
  } counts[] = {
    { &self->notified_size, tornadis_client_pool_get_size (self), PROP_SIZE },
    { &self->notified_idle, self->idle.length, PROP_IDLE },
    { &self->notified_waiting, self->waiters.length, PROP_WAITING },
  };

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    if (*counts[i].notified != counts[i].now)
      {
        *counts[i].notified = counts[i].now;
        if (!self->disposed)
          g_object_notify_by_pspec (G_OBJECT (self), props[counts[i].property]);
      }
}

void
tornadis_client_pool_close_client (TornadisClientPool *self,
                                   TornadisClient *client)
{
  if (self->disposed)
    tornadis_client_close_silently (client);
  else
    tornadis_client_close (client);
}

static gboolean
pool_is_expired (TornadisClientPool *self,
                 TornadisClient *client)
{
  gint64 age = g_get_monotonic_time () - tornadis_client_get_connected_since (client);

  return self->client_timeout_sec >= 0 && tornadis_client_is_connected (client) &&
         age > self->client_timeout_sec * G_TIME_SPAN_SECOND;
}

/* Whether a client may serve somebody else. */
static gboolean
pool_is_reusable (TornadisClientPool *self,
                  TornadisClient *client)
{
  return tornadis_client_is_connected (client) && tornadis_client_is_pristine (client, self->template) &&
         !pool_is_expired (self, client);
}

TornadisClient *
tornadis_client_pool_make_client (TornadisClientPool *self,
                                  GError **error)
{
  TornadisClient *client;

  /* The client belongs to the context of the pool, whoever asks for it. */
  g_main_context_push_thread_default (self->context);
  client = tornadis_client_new_like (G_OBJECT_TYPE (self->template), self->template, error);
  g_main_context_pop_thread_default (self->context);

  return client;
}

void
tornadis_client_pool_drop_idle (TornadisClientPool *self,
                                gboolean all)
{
  g_autoptr (GPtrArray) dropped = g_ptr_array_new_with_free_func (g_object_unref);

  for (GList *l = self->idle.head, *next; l != NULL; l = next)
    {
      next = l->next;
      if (all || !pool_is_reusable (self, l->data))
        {
          g_ptr_array_add (dropped, l->data);
          g_queue_delete_link (&self->idle, l);
        }
    }

  /* Closing runs handlers, which may come back to the pool. */
  for (guint i = 0; i < dropped->len; i++)
    tornadis_client_pool_close_client (self, g_ptr_array_index (dropped, i));
}

static void
pool_stop_check (TornadisClientPool *self)
{
  if (self->check == NULL)
    return;

  g_source_destroy (self->check);
  g_clear_pointer (&self->check, g_source_unref);
}

static gboolean
check_cb (gpointer user_data)
{
  g_autoptr (TornadisClientPool) self = g_object_ref (TORNADIS_CLIENT_POOL (user_data));

  tornadis_client_pool_drop_idle (self, FALSE);
  tornadis_client_pool_notify_counts (self);

  if (self->idle.length == 0)
    pool_stop_check (self);

  return G_SOURCE_CONTINUE;
}

static void
pool_start_check (TornadisClientPool *self)
{
  if (self->check != NULL || !self->autoclose || self->client_timeout_sec < 0 || self->idle.length == 0)
    return;

  self->check = g_timeout_source_new (MAX (MIN_CHECK_MSEC, (guint) self->client_timeout_sec * 100));
  g_source_set_static_name (self->check, "[tornadis] pool autoclose");
  g_source_set_callback (self->check, check_cb, self, NULL);
  g_source_attach (self->check, self->context);
}

/* Takes an idle client that is reusable; (transfer none), %NULL when there is none. Closes none, which would run
 * handlers. */
static TornadisClient *
pool_take_idle (TornadisClientPool *self)
{
  for (GList *l = self->idle.head; l != NULL; l = l->next)
    {
      TornadisClient *client = l->data;

      if (pool_is_reusable (self, client))
        {
          g_queue_delete_link (&self->idle, l);
          g_hash_table_insert (self->busy, client, GUINT_TO_POINTER (self->generation));
          return client;
        }
    }

  return NULL;
}

/* Nobody uses @client (transfer full): it is given to the first who waits, or kept, or closed. */
static void
pool_add_idle (TornadisClientPool *self,
               TornadisClient *client)
{
  if (pool_is_reusable (self, client) && pool_has_room (self))
    g_queue_push_head (&self->idle, client);
  else
    {
      tornadis_client_close (client);
      g_object_unref (client);
    }

  pool_start_check (self);
  tornadis_client_pool_serve (self);
}

static void
pool_take_back (TornadisClientPool *self,
                TornadisClient *client)
{
  gpointer generation;

  if (!g_hash_table_lookup_extended (self->busy, client, NULL, &generation))
    return;

  g_object_ref (client);
  g_hash_table_remove (self->busy, client);
  if (GPOINTER_TO_UINT (generation) != self->generation)
    tornadis_client_close (client);
  pool_add_idle (self, client);
}

static void
task_set_asked (GTask *task)
{
  gint64 now = g_get_monotonic_time ();

  g_object_set_data_full (G_OBJECT (task), ASKED_KEY, g_memdup2 (&now, sizeof now), g_free);
}

static void
answer_free (gpointer data)
{
  TornadisAnswer *answer = data;

  if (answer->client != NULL)
    {
      pool_take_back (answer->pool, answer->client);
      g_object_unref (answer->client);
    }
  g_clear_error (&answer->error);
  g_object_unref (answer->pool);
  g_free (answer);
}

static gboolean
answer_cb (gpointer user_data)
{
  GTask *task = G_TASK (user_data);
  TornadisAnswer *answer = g_task_get_task_data (task);

  /* The answer stays the task's data, so that a client is given back whatever becomes of the task. */
  if (tornadis_cancel_watch_return_error_if_cancelled (task))
    return G_SOURCE_REMOVE;
  if (answer->error != NULL)
    {
      g_task_return_error (task, g_steal_pointer (&answer->error));
      return G_SOURCE_REMOVE;
    }

  tornadis_client_notify_acquired (answer->client, g_get_monotonic_time () - answer->asked);
  g_task_return_pointer (task, answer, NULL);

  return G_SOURCE_REMOVE;
}

/* Gives @client or @error (transfer full) to @waiter, or to the first if %NULL. From an idle source: the callbacks of
 * waiters that release their clients at once would be nested otherwise. */
static void
pool_answer (TornadisClientPool *self,
             GTask *waiter,
             TornadisClient *client,
             GError *error)
{
  g_autoptr (GTask) task = tornadis_cancel_watch_take_waiter (&self->waiters, waiter);
  g_autoptr (GSource) source = g_idle_source_new ();
  TornadisAnswer *answer = g_new (TornadisAnswer, 1);

  answer->pool = g_object_ref (self);
  answer->client = client != NULL ? g_object_ref (client) : NULL;
  answer->error = error;
  answer->asked = *(gint64 *) g_object_get_data (G_OBJECT (task), ASKED_KEY);
  g_task_set_task_data (task, answer, answer_free);

  g_source_set_static_name (source, "[tornadis] pool answer");
  g_task_attach_source (task, source, answer_cb);
}

/* @client (transfer full) is connected. The first who waits gets it as it is: if another were made because this one is too
 * old already, that could go on for ever. */
static void
pool_add_connected (TornadisClientPool *self,
                    TornadisClient *client)
{
  if (self->waiters.length == 0)
    {
      pool_add_idle (self, client);
      return;
    }

  g_hash_table_insert (self->busy, client, GUINT_TO_POINTER (self->generation));
  pool_answer (self, NULL, client, NULL);
  tornadis_client_pool_serve (self);
}

/* A client that is being connected counts because it is in @connecting: here it is removed from that, whether or not its
 * waiter still waits. */
gboolean
tornadis_client_pool_connected (TornadisClientPool *self,
                                TornadisClient *client,
                                GAsyncResult *result,
                                GError **error)
{
  gboolean ok = tornadis_client_connect_finish (client, result, error);

  g_object_ref (client);
  if (!g_hash_table_remove (self->connecting, client))
    {
      if (ok)
        g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The pool was destroyed");
      ok = FALSE;
    }
  else if (ok && !tornadis_client_is_connected (client))
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "Could not connect to %s: the connection was lost at once",
                   tornadis_client_get_title (tornadis_client_get_private (client)));
      ok = FALSE;
    }

  if (ok)
    pool_add_connected (self, client);
  else
    g_object_unref (client);

  return ok;
}

/* The first of those who wait for a client to make a call on, connected or not. Only among those who would be next if
 * another client were created: those behind must not overtake. */
static GTask *
pool_find_caller (TornadisClientPool *self)
{
  guint n = g_hash_table_size (self->connecting) + 1;

  for (GList *l = self->waiters.head; l != NULL && n > 0; l = l->next, n--)
    if (g_task_get_source_tag (l->data) == tornadis_client_pool_get_client_async)
      return l->data;

  return NULL;
}

static void
connected_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (TornadisClientPool) self = user_data;
  g_autoptr (GError) error = NULL;

  /* It was given up, or the pool was destroyed meanwhile: those who waited then have been notified, and this is nothing to
   * those who wait now. */
  if (!g_hash_table_contains (self->connecting, object))
    return;

  if (tornadis_client_pool_connected (self, TORNADIS_CLIENT (object), result, &error))
    return;

  /* If its waiter has cancelled, there may still be one in @connecting for each who waits. One who wants to make a call
   * gets a client that is not connected, instead of the error. */
  if (self->waiters.length > g_hash_table_size (self->connecting) && pool_find_caller (self) == NULL)
    pool_answer (self, NULL, NULL, g_steal_pointer (&error));
  tornadis_client_pool_serve (self);
}

void
tornadis_client_pool_serve (TornadisClientPool *self)
{
  TornadisClient *client;

  if (self->waiters.length > 0)
    tornadis_client_pool_drop_idle (self, FALSE);

  while (self->waiters.length > 0 && (client = pool_take_idle (self)) != NULL)
    pool_answer (self, NULL, client, NULL);

  while (self->waiters.length > g_hash_table_size (self->connecting) && pool_has_room (self))
    {
      g_autoptr (GError) error = NULL;
      GTask *caller;

      client = tornadis_client_pool_make_client (self, &error);
      caller = pool_find_caller (self);
      if (client != NULL && caller != NULL)
        {
          g_hash_table_insert (self->busy, client, GUINT_TO_POINTER (self->generation));
          pool_answer (self, caller, client, NULL);
        }
      else if (client != NULL)
        tornadis_client_pool_connect (self, client, NULL, connected_cb, g_object_ref (self));
      /* A plugin's hook may have run meanwhile, and with it this function. */
      else if (self->waiters.length > 0)
        pool_answer (self, NULL, NULL, g_steal_pointer (&error));
    }

  tornadis_client_pool_notify_counts (self);
}

static void
tornadis_client_pool_get_property (GObject *object,
                                   guint prop_id,
                                   GValue *value,
                                   GParamSpec *pspec)
{
  TornadisClientPool *self = TORNADIS_CLIENT_POOL (object);

  switch ((TornadisClientPoolProperty) prop_id)
    {
    case PROP_TEMPLATE:
      g_value_set_object (value, self->template);
      break;
    case PROP_MAX_SIZE:
      g_value_set_int (value, self->max_size);
      break;
    case PROP_CLIENT_TIMEOUT:
      g_value_set_int (value, self->client_timeout_sec);
      break;
    case PROP_AUTOCLOSE:
      g_value_set_boolean (value, self->autoclose);
      break;
    case PROP_SIZE:
      g_value_set_uint (value, tornadis_client_pool_get_size (self));
      break;
    case PROP_IDLE:
      g_value_set_uint (value, self->idle.length);
      break;
    case PROP_WAITING:
      g_value_set_uint (value, self->waiters.length);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
pool_set_int (TornadisClientPool *self,
              int *field,
              int value,
              TornadisClientPoolProperty property)
{
  if (*field == value)
    return;

  *field = value;
  pool_stop_check (self);
  pool_start_check (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[property]);
}

static void
tornadis_client_pool_set_property (GObject *object,
                                   guint prop_id,
                                   const GValue *value,
                                   GParamSpec *pspec)
{
  TornadisClientPool *self = TORNADIS_CLIENT_POOL (object);

  switch ((TornadisClientPoolProperty) prop_id)
    {
    case PROP_TEMPLATE:
      self->template = g_value_dup_object (value);
      break;
    case PROP_MAX_SIZE:
      pool_set_int (self, &self->max_size, g_value_get_int (value), PROP_MAX_SIZE);
      if (self->template != NULL)
        tornadis_client_pool_serve (self);
      break;
    case PROP_CLIENT_TIMEOUT:
      pool_set_int (self, &self->client_timeout_sec, g_value_get_int (value), PROP_CLIENT_TIMEOUT);
      break;
    case PROP_AUTOCLOSE:
      pool_set_int (self, &self->autoclose, g_value_get_boolean (value), PROP_AUTOCLOSE);
      break;
    case PROP_SIZE:
    case PROP_IDLE:
    case PROP_WAITING:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_client_pool_constructed (GObject *object)
{
  TornadisClientPool *self = TORNADIS_CLIENT_POOL (object);

  G_OBJECT_CLASS (tornadis_client_pool_parent_class)->constructed (object);

  if (self->template == NULL)
    self->template = g_object_new (TORNADIS_TYPE_CLIENT, NULL);
}

static void
tornadis_client_pool_dispose (GObject *object)
{
  TornadisClientPool *self = TORNADIS_CLIENT_POOL (object);

  self->disposed = TRUE;
  tornadis_client_pool_destroy (self);

  G_OBJECT_CLASS (tornadis_client_pool_parent_class)->dispose (object);
}

static void
tornadis_client_pool_finalize (GObject *object)
{
  TornadisClientPool *self = TORNADIS_CLIENT_POOL (object);

  g_assert (self->waiters.length == 0 && self->idle.length == 0);
  g_assert (self->check == NULL);

  g_hash_table_unref (self->busy);
  g_hash_table_unref (self->connecting);
  g_clear_object (&self->template);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (tornadis_client_pool_parent_class)->finalize (object);
}

static void
tornadis_client_pool_class_init (TornadisClientPoolClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tornadis_client_pool_get_property;
  object_class->set_property = tornadis_client_pool_set_property;
  object_class->constructed = tornadis_client_pool_constructed;
  object_class->dispose = tornadis_client_pool_dispose;
  object_class->finalize = tornadis_client_pool_finalize;

  /**
   * TornadisClientPool:template:
   *
   * The client that those of the pool are like. It is never connected by the pool; changes to it hold for the clients
   * that are created from then on.
   *
   * Equivalent of tornadis' `client_kwargs`.
   *
   * Since: 1.0
   */
  props[PROP_TEMPLATE] =
    g_param_spec_object ("template", NULL, NULL, TORNADIS_TYPE_CLIENT,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * TornadisClientPool:max-size:
   *
   * How many clients there may be, -1 for any number. When it is lowered, clients beyond it are closed as they are
   * released.
   *
   * Equivalent of tornadis' `max_size`.
   *
   * Since: 1.0
   */
  props[PROP_MAX_SIZE] =
    g_param_spec_int ("max-size", NULL, NULL, -1, G_MAXINT, -1,
                      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisClientPool:client-timeout:
   *
   * The age, in seconds, from which a connection is closed and not used again, -1 for any age; with 0 every
   * connection serves once. Checked when a client is taken and released, and with
   * [property@Tornadis.ClientPool:autoclose] in between.
   *
   * Equivalent of tornadis' `client_timeout`.
   *
   * Since: 1.0
   */
  props[PROP_CLIENT_TIMEOUT] =
    g_param_spec_int ("client-timeout", NULL, NULL, -1, G_MAXINT / 1000, -1,
                      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisClientPool:autoclose:
   *
   * Whether idle clients are checked for [property@Tornadis.ClientPool:client-timeout], ten times in that time.
   *
   * Equivalent of tornadis' `autoclose`.
   *
   * Since: 1.0
   */
  props[PROP_AUTOCLOSE] =
    g_param_spec_boolean ("autoclose", NULL, NULL, FALSE,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisClientPool:size:
   *
   * How many clients there are: taken, idle and being connected.
   *
   * Since: 1.0
   */
  props[PROP_SIZE] =
    g_param_spec_uint ("size", NULL, NULL, 0, G_MAXUINT, 0,
                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisClientPool:idle:
   *
   * How many clients can be taken at once.
   *
   * Since: 1.0
   */
  props[PROP_IDLE] =
    g_param_spec_uint ("idle", NULL, NULL, 0, G_MAXUINT, 0,
                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisClientPool:waiting:
   *
   * How many wait for a client.
   *
   * Since: 1.0
   */
  props[PROP_WAITING] =
    g_param_spec_uint ("waiting", NULL, NULL, 0, G_MAXUINT, 0,
                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

/* They take the very same, but for the type of the first. */
static void
tornadis_client_pool_caller_init (TornadisCallerInterface *iface)
{
  iface->call_async = (gpointer) tornadis_client_pool_call_async;
  iface->call_finish = (gpointer) tornadis_client_pool_call_finish;
  iface->call_pipeline_async = (gpointer) tornadis_client_pool_call_pipeline_async;
  iface->call_pipeline_finish = (gpointer) tornadis_client_pool_call_pipeline_finish;
}

static void
tornadis_client_pool_init (TornadisClientPool *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->busy = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->connecting = tornadis_client_pool_new_attempts ();
  self->max_size = -1;
  self->client_timeout_sec = -1;
}

/**
 * tornadis_client_pool_new:
 * @template_client: the client that the others will be like
 *
 * Creates a pool. No client is created before one is asked for.
 *
 * Equivalent of tornadis' `ClientPool()`.
 *
 * Returns: (transfer full): a new pool
 *
 * Since: 1.0
 */
TornadisClientPool *
tornadis_client_pool_new (TornadisClient *template_client)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (template_client), NULL);

  return g_object_new (TORNADIS_TYPE_CLIENT_POOL, "template", template_client, NULL);
}

static gboolean
waiter_cancelled_cb (gpointer user_data)
{
  TornadisClientPool *self = g_task_get_source_object (user_data);
  g_autoptr (GTask) task = tornadis_cancel_watch_take_waiter (&self->waiters, user_data);
  g_autoptr (GError) reason = tornadis_cancel_watch_dup_error (g_task_get_cancellable (user_data));

  if (task != NULL)
    {
      /* Before they are notified: there is room again then. */
      tornadis_client_pool_give_up (self, reason);
      tornadis_cancel_watch_return_cancelled (task);
    }

  return G_SOURCE_REMOVE;
}

/* As many wait as a client may have calls. */
static gboolean
pool_may_wait (TornadisClientPool *self)
{
  return self->template == NULL ||
         self->waiters.length < tornadis_link_get_settings (tornadis_client_get_link (self->template))->max_pending;
}

static void
pool_wait (TornadisClientPool *self,
           GTask *task)
{
  if (tornadis_cancel_watch_return_error_if_cancelled (task))
    return;

  if (!pool_may_wait (self))
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "Too many wait for a client of the pool already");
      return;
    }

  if (g_task_get_cancellable (task) != NULL)
    g_task_set_task_data (task, tornadis_cancel_watch_new_for_task (task, waiter_cancelled_cb),
                          (GDestroyNotify) tornadis_cancel_watch_free);
  task_set_asked (task);
  g_queue_push_tail (&self->waiters, g_object_ref (task));
  tornadis_client_pool_serve (self);
}

void
tornadis_client_pool_get_client_async (TornadisClientPool *self,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  g_autoptr (GTask) task = tornadis_prelude_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, tornadis_client_pool_get_client_async);
  /* The call itself says why. */
  g_task_set_check_cancellable (task, FALSE);
  pool_wait (self, task);
}

/**
 * tornadis_client_pool_get_connected_client_async:
 * @self: a pool
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when there is a client, or none can be had
 * @user_data: passed to @callback
 *
 * Takes a client that is connected: an idle one, a new one, or, when there are
 * [property@Tornadis.ClientPool:max-size], the next that is released. Those who wait are served in order. A new one is
 * connected as with [method@Tornadis.Client.connect_async], through the template's plugins.
 *
 * Cancelling completes this at once. An attempt to connect that nobody else waits for then ends with it, so that its place is
 * free: who is never patient enough for a connection gets none, and [method@Tornadis.ClientPool.preconnect_async] is for
 * them. A client that is never fetched, because there is no callback or it calls no finish function, goes back to the
 * pool with the [iface@Gio.AsyncResult]. When [property@Tornadis.Client:max-pending] of the template are waiting, this fails
 * with %TORNADIS_ERROR_BUSY.
 *
 * Equivalent of tornadis' `ClientPool.get_connected_client()` and `ClientPool.connected_client()`.
 *
 * Since: 1.0
 */
void
tornadis_client_pool_get_connected_client_async (TornadisClientPool *self,
                                                 GCancellable *cancellable,
                                                 GAsyncReadyCallback callback,
                                                 gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_CLIENT_POOL (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_prelude_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_client_pool_get_connected_client_async);
  pool_wait (self, task);
}

/**
 * tornadis_client_pool_get_connected_client_finish:
 * @self: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes an operation started with [method@Tornadis.ClientPool.get_connected_client_async], and gets the client. It must
 * be released with [method@Tornadis.ClientPool.release_client]. Errors are those of
 * [method@Tornadis.Client.connect_finish].
 *
 * Returns: (transfer full): a client
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_client_pool_get_connected_client_finish (TornadisClientPool *self,
                                                  GAsyncResult *result,
                                                  GError **error)
{
  TornadisAnswer *answer;

  g_return_val_if_fail (TORNADIS_IS_CLIENT_POOL (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  answer = g_task_propagate_pointer (G_TASK (result), error);

  return answer != NULL ? g_steal_pointer (&answer->client) : NULL;
}

/**
 * tornadis_client_pool_get_client_nowait:
 * @self: a pool
 *
 * Takes a client without waiting: an idle one, or a new one, which is not connected yet. It must be released with
 * [method@Tornadis.ClientPool.release_client].
 *
 * Equivalent of tornadis' `ClientPool.get_client_nowait()`.
 *
 * Returns: (transfer full) (nullable): a client, or %NULL when there are [property@Tornadis.ClientPool:max-size]
 *   or a plugin refuses
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_client_pool_get_client_nowait (TornadisClientPool *self)
{
  TornadisClient *client;

  g_return_val_if_fail (TORNADIS_IS_CLIENT_POOL (self), NULL);

  tornadis_client_pool_drop_idle (self, FALSE);
  client = pool_take_idle (self);
  if (client == NULL && pool_has_room (self))
    {
      client = tornadis_client_pool_make_client (self, NULL);
      if (client != NULL)
        g_hash_table_insert (self->busy, client, GUINT_TO_POINTER (self->generation));
    }

  tornadis_client_pool_notify_counts (self);

  return client != NULL ? g_object_ref (client) : NULL;
}

/**
 * tornadis_client_pool_release_client:
 * @self: a pool
 * @client: a client that was taken from it
 *
 * Gives a client back. Releasing one that was not taken, or a second time, is a programmer's error.
 *
 * Equivalent of tornadis' `ClientPool.release_client()`.
 *
 * Since: 1.0
 */
void
tornadis_client_pool_release_client (TornadisClientPool *self,
                                     TornadisClient *client)
{
  g_return_if_fail (TORNADIS_IS_CLIENT_POOL (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));
  g_return_if_fail (g_hash_table_contains (self->busy, client));

  pool_take_back (self, client);
}

/**
 * tornadis_client_pool_destroy:
 * @self: a pool
 *
 * Closes idle clients, and clients that are taken as soon as they are released. Operations that wait for a client complete
 * with %TORNADIS_ERROR_CLOSED. The pool can be used again.
 *
 * Equivalent of tornadis' `ClientPool.destroy()`.
 *
 * Since: 1.0
 */
void
tornadis_client_pool_destroy (TornadisClientPool *self)
{
  GList *connecting;

  g_return_if_fail (TORNADIS_IS_CLIENT_POOL (self));

  /* First, before anything that runs handlers, which may ask for new clients. A callback that does not find its client in
   * the table knows that nobody waits for it. */
  connecting = g_hash_table_get_keys (self->connecting);
  for (GList *l = connecting; l != NULL; l = l->next)
    g_object_ref (l->data);
  g_hash_table_remove_all (self->connecting);
  self->generation++;
  pool_stop_check (self);

  while (self->waiters.length > 0)
    pool_answer (self, NULL, NULL, g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The pool was destroyed"));

  tornadis_client_pool_drop_idle (self, TRUE);

  for (GList *l = connecting; l != NULL; l = l->next)
    tornadis_client_pool_close_client (self, l->data);
  g_list_free_full (connecting, g_object_unref);

  tornadis_client_pool_notify_counts (self);
}
