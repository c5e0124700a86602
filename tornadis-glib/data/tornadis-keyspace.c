/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-keyspace.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-pub-sub-client.h"
#include "tornadis-glib/data/tornadis-keyspace-private.h"
#include "tornadis-glib/tornadis-error.h"

/**
 * TornadisKeyspace:
 *
 * Tells what becomes of keys: those that are set, deleted, expire, are evicted, and so on.
 *
 * These are the server's keyspace notifications, of one database, by a pattern of keys:
 *
 * ```c
 * static void
 * expired_cb (TornadisKeyspace *keyspace, GBytes *key, const char *event, gpointer user_data)
 * {
 *   g_print ("%.*s is gone\n", (int) g_bytes_get_size (key), (const char *) g_bytes_get_data (key, NULL));
 * }
 *
 * static TornadisKeyspace *
 * watch_sessions (TornadisClient *client)
 * {
 *   TornadisKeyspace *keyspace = tornadis_keyspace_new (client, "session:*");
 *
 *   g_signal_connect (keyspace, "changed::expired", G_CALLBACK (expired_cb), NULL);
 *   tornadis_keyspace_start_async (keyspace, NULL, NULL, NULL);
 *
 *   return keyspace;
 * }
 * ```
 *
 * Servers publish them only if their setting `notify-keyspace-events` says so, and by default it does not.
 * [method@Tornadis.Keyspace.start_async] looks at it, and fails with %TORNADIS_ERROR_USAGE if they are off; with
 * [property@Tornadis.Keyspace:configure] they are turned on.
 *
 * # What is promised
 *
 * Servers forget what they have published. After every loss of the connection [signal@Tornadis.Keyspace::gap] says that
 * notifications may be missing: what a program knows of the keys is to be read anew then. As nothing holds a server to tell of
 * an expired key at once, it may come late: when the key is looked for, or when the server happens to find it.
 *
 * With the plugin `cluster` those of all masters are told, each once, with those that join and the heirs of those that fail.
 *
 * The client that is given is a model: its properties and plugins say where the connection goes that this makes of its own. It
 * is not used itself. A pub/sub client will not do.
 *
 * Since: 1.0
 */

/* Between two attempts to find out what the setting is, doubled each time up to the most. */
#define AGAIN_MSEC 1000
#define MAX_AGAIN_MSEC 60000
/* How long a gap waits for that. */
#define GAP_MSEC 1000

G_DEFINE_FINAL_TYPE (TornadisKeyspace, tornadis_keyspace, G_TYPE_OBJECT)

typedef enum
{
  SIGNAL_CHANGED,
  SIGNAL_SUBKEY_CHANGED,
  SIGNAL_GAP,
  SIGNAL_DISABLED,
} TornadisKeyspaceSignal;

static guint signals[SIGNAL_DISABLED + 1];

/* Somebody waits for it to be started. */
typedef struct
{
  GCancellable *stopped; /* (owned) */
  gulong cancelled_id;
} Start;

static void
start_free (gpointer data)
{
  Start *self = data;

  g_object_unref (self->stopped);
  g_free (self);
}

static void
weak_free (gpointer data)
{
  GWeakRef *self = data;

  g_weak_ref_clear (self);
  g_free (self);
}

/* What is done meanwhile does not keep it. */
static GWeakRef *
keyspace_make_weak (TornadisKeyspace *self)
{
  GWeakRef *weak = g_new (GWeakRef, 1);

  g_weak_ref_init (weak, self);

  return weak;
}

/* (nullable) (transfer full): unless it was dropped, or has stopped since. */
static TornadisKeyspace *
weak_end (GWeakRef *weak)
{
  TornadisKeyspace *self = g_weak_ref_get (weak);

  weak_free (weak);

  return self;
}

static void
keyspace_set_active (TornadisKeyspace *self,
                     gboolean active)
{
  if (self->active == active)
    return;

  self->active = active;
  g_object_notify (G_OBJECT (self), "active");
}

static void
keyspace_set_setting (TornadisKeyspace *self,
                      const TornadisKeyspaceSetting *setting)
{
  TornadisKeyspaceSetting before = self->setting;

  self->setting = *setting;
  if (before.is_checked != setting->is_checked)
    g_object_notify (G_OBJECT (self), "checked");
  if (before.has_subkeys != setting->has_subkeys)
    g_object_notify (G_OBJECT (self), "has-subkeys");
}

static void
cancel_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static GSource *
keyspace_add_timeout (TornadisKeyspace *self,
                      guint msec,
                      GSourceFunc func,
                      const char *name)
{
  GSource *source = g_timeout_source_new (msec);

  g_source_set_static_name (source, name);
  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, self->context);

  return source;
}

/* Nothing of what was done for it comes any more. */
static void
keyspace_drop (TornadisKeyspace *self)
{
  g_autoptr (TornadisPubSubClient) listener = g_steal_pointer (&self->listener);
  g_autoptr (GCancellable) stopped = g_steal_pointer (&self->stopped);

  cancel_source (&self->again);
  cancel_source (&self->late);
  self->is_starting = FALSE;
  if (listener != NULL)
    {
      g_signal_handlers_disconnect_by_data (listener, self);
      tornadis_client_close (TORNADIS_CLIENT (listener));
    }
  if (stopped != NULL)
    g_cancellable_cancel (stopped);
}

static void
keyspace_disable (TornadisKeyspace *self,
                  const GError *error)
{
  keyspace_drop (self);
  keyspace_set_active (self, FALSE);
  g_signal_emit (self, signals[SIGNAL_DISABLED], 0, error);
}

static void
message_cb (TornadisKeyspace *self,
            TornadisMessage *message)
{
  g_autoptr (TornadisKeyspace) alive G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (TornadisPubSubClient) listener = g_object_ref (self->listener);
  g_auto (TornadisKeyspaceNotification) told = { 0 };
  GQuark detail;

  if (!tornadis_keyspace_notification_parse (&told, message, self->present_db) ||
      (self->event != NULL && !g_str_equal (told.event, self->event)))
    return;

  /* Only events that somebody connected to are quarks: a module may make up any number. */
  detail = g_quark_try_string (told.event);
  if (told.subkeys == NULL)
    g_signal_emit (self, signals[SIGNAL_CHANGED], detail, told.key, told.event);
  for (guint i = 0; told.subkeys != NULL && i < told.subkeys->len && self->listener == listener; i++)
    g_signal_emit (self, signals[SIGNAL_SUBKEY_CHANGED], detail, told.key, told.event, g_ptr_array_index (told.subkeys, i));
}

static TornadisKeyspaceNeeds
keyspace_get_needs (TornadisKeyspace *self)
{
  return (TornadisKeyspaceNeeds){ .by_key = TRUE,
                                  .by_event = self->pattern == NULL,
                                  .by_event_first = self->event != NULL,
                                  .subkeys = self->subkeys,
                                  .configure = self->configure,
                                  .classes = self->classes };
}

static void keyspace_look_again (TornadisKeyspace *self);

static gboolean
again_cb (gpointer user_data)
{
  TornadisKeyspace *self = user_data;

  cancel_source (&self->again);
  keyspace_look_again (self);

  return G_SOURCE_REMOVE;
}

static gboolean
late_cb (gpointer user_data)
{
  TornadisKeyspace *self = user_data;

  cancel_source (&self->late);
  g_signal_emit (self, signals[SIGNAL_GAP], 0);

  return G_SOURCE_REMOVE;
}

static void
looked_again_cb (GObject *object,
                 GAsyncResult *result,
                 gpointer user_data)
{
  g_autoptr (TornadisKeyspace) self = weak_end (user_data);
  g_autoptr (GCancellable) stopped = NULL;
  g_autoptr (GError) error = NULL;
  TornadisKeyspaceSetting setting;
  gboolean is_on = tornadis_keyspace_setting_check_finish (&setting, result, &error);
  gboolean is_due;

  if (self == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  if (!is_on && (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE) ||
                 g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY)))
    {
      keyspace_disable (self, error);
      return;
    }

  /* Until now notifications may have been off, if they were to be turned on. */
  is_due = self->late != NULL || (is_on && self->configure);
  cancel_source (&self->late);
  stopped = g_object_ref (self->stopped);
  if (is_on)
    {
      setting.has_subkeys &= self->setting.has_subkeys;
      keyspace_set_setting (self, &setting);
    }
  else
    {
      self->again = keyspace_add_timeout (self, self->again_msec, again_cb, "[tornadis] keyspace, looks at the setting");
      self->again_msec = MIN (2 * self->again_msec, MAX_AGAIN_MSEC);
    }
  /* Not after it was stopped by who was notified. */
  if (is_due && self->stopped == stopped)
    g_signal_emit (self, signals[SIGNAL_GAP], 0);
}

/* A server that has begun anew has its setting from its file. */
static void
keyspace_look_again (TornadisKeyspace *self)
{
  TornadisKeyspaceNeeds needs = keyspace_get_needs (self);

  /* What is listened to stays the same. */
  needs.by_key = !self->setting.is_by_event;
  needs.by_event = self->setting.is_by_event;
  needs.subkeys = self->setting.has_subkeys;
  g_main_context_push_thread_default (self->context);
  tornadis_keyspace_setting_check_async (self->client, &needs, self->stopped, looked_again_cb, keyspace_make_weak (self));
  g_main_context_pop_thread_default (self->context);
}

static void
gap_cb (TornadisKeyspace *self)
{
  if (!self->active)
    return;

  /* Whoever looks already, or is about to, may not have seen that one. */
  g_cancellable_cancel (self->stopped);
  g_object_unref (self->stopped);
  self->stopped = g_cancellable_new ();
  cancel_source (&self->again);
  self->again_msec = AGAIN_MSEC;
  /* A program reads the keys anew when it is told: that is no use before notifications are on. */
  if (self->late == NULL)
    self->late = keyspace_add_timeout (self, GAP_MSEC, late_cb, "[tornadis] keyspace, tells of a gap");
  keyspace_look_again (self);
}

/* It is stopped before it unsubscribes. */
static void
removed_cb (TornadisKeyspace *self,
            const char *name,
            guint count)
{
  g_autoptr (TornadisKeyspace) alive G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GError) error = NULL;

  if (!self->active)
    return;

  error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The server does not let %s be subscribed to any more", name);
  keyspace_disable (self, error);
}

static gboolean
is_glob (GBytes *pattern)
{
  gsize length;
  const char *data = g_bytes_get_data (pattern, &length);

  for (gsize i = 0; i < length; i++)
    if (memchr ("*?[\\", data[i], 4) != NULL)
      return TRUE;

  return FALSE;
}

static GBytes *
make_name (TornadisKeyspaceFamily family,
           int db,
           GBytes *rest)
{
  g_autofree char *prefix = tornadis_keyspace_dup_prefix (family, db);
  GByteArray *name = g_byte_array_new ();
  gsize length;
  const guint8 *data = g_bytes_get_data (rest, &length);

  g_byte_array_append (name, (const guint8 *) prefix, (guint) strlen (prefix));
  if (length > 0)
    g_byte_array_append (name, data, (guint) length);

  return g_byte_array_free_to_bytes (name);
}

/* The start has completed: @task is to be returned. FALSE: it was stopped meanwhile. */
static gboolean
keyspace_end_start (TornadisKeyspace *self,
                    GTask *task)
{
  Start *start = g_task_get_task_data (task);
  gboolean is_present = self->stopped == start->stopped;

  if (start->cancelled_id != 0)
    g_cancellable_disconnect (g_task_get_cancellable (task), start->cancelled_id);
  start->cancelled_id = 0;
  if (is_present)
    self->is_starting = FALSE;

  return is_present;
}

static void
keyspace_fail_start (TornadisKeyspace *self,
                     GTask *task,
                     GError *error)
{
  if (keyspace_end_start (self, task))
    {
      keyspace_drop (self);
      g_task_return_error (task, error);
      return;
    }

  g_error_free (error);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "It was stopped");
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisKeyspace *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (!tornadis_pub_sub_client_subscribe_bytes_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error))
    {
      keyspace_fail_start (self, task, error);
      return;
    }
  if (!keyspace_end_start (self, task))
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "It was stopped");
      return;
    }

  keyspace_set_active (self, TRUE);
  g_task_return_boolean (task, TRUE);
}

static void
keyspace_listen (TornadisKeyspace *self,
                 GTask *task)
{
  g_autoptr (GBytes) all = g_bytes_new_static ("*", 1);
  gboolean is_by_event = self->setting.is_by_event;
  /* Without an answer about the setting there may be subkeys. */
  gboolean has_subkeys = self->subkeys && (self->setting.has_subkeys || !self->setting.is_checked);
  g_autoptr (GBytes) event = self->event != NULL ? g_bytes_new (self->event, strlen (self->event)) : NULL;
  GBytes *rest = is_by_event ? event : self->pattern;
  gboolean is_pattern = rest == NULL || (!is_by_event && is_glob (rest));
  g_autoptr (GBytes) keys = NULL;
  g_autoptr (GBytes) subkeys = NULL;
  GError *error = NULL;

  g_main_context_push_thread_default (self->context);
  self->listener = tornadis_pub_sub_client_new_like (self->client, &error);
  g_main_context_pop_thread_default (self->context);
  if (self->listener == NULL)
    {
      keyspace_fail_start (self, task, error);
      return;
    }

  g_signal_connect_swapped (self->listener, "message", G_CALLBACK (message_cb), self);
  g_signal_connect_swapped (self->listener, "gap", G_CALLBACK (gap_cb), self);
  g_signal_connect_swapped (self->listener, "subscription-removed", G_CALLBACK (removed_cb), self);

  rest = rest != NULL ? rest : all;
  keys = make_name (is_by_event ? TORNADIS_KEYSPACE_EVENT : TORNADIS_KEYSPACE_KEY, self->present_db, rest);
  subkeys = make_name (is_by_event ? TORNADIS_KEYSPACE_SUBKEY_EVENT : TORNADIS_KEYSPACE_SUBKEY, self->present_db, rest);
  tornadis_pub_sub_client_subscribe_bytes_async (self->listener,
                                                 is_pattern ? TORNADIS_SUBSCRIPTION_KIND_PATTERN : TORNADIS_SUBSCRIPTION_KIND_CHANNEL,
                                                 (GBytes *[]){ keys, subkeys }, has_subkeys ? 2 : 1, self->stopped, subscribed_cb,
                                                 g_object_ref (task));
}

static void
checked_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisKeyspace *self = g_task_get_source_object (task);
  const Start *start = g_task_get_task_data (task);
  TornadisKeyspaceSetting setting;
  GError *error = NULL;

  if (!tornadis_keyspace_setting_check_finish (&setting, result, &error))
    {
      keyspace_fail_start (self, task, error);
      return;
    }
  if (self->stopped == start->stopped)
    keyspace_set_setting (self, &setting);
  /* Perhaps by who was notified. */
  if (self->stopped != start->stopped)
    {
      keyspace_end_start (self, task);
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "It was stopped");
      return;
    }

  keyspace_listen (self, task);
}

/**
 * tornadis_keyspace_new:
 * @client: what the connection is to be like, which is made for it
 * @pattern: (nullable): the keys, as a pattern in the style of glob, or %NULL for all
 *
 * Creates what tells of keys. Nothing is sent before [method@Tornadis.Keyspace.start_async].
 *
 * A pattern of bytes that are no text is a matter of [property@Tornadis.Keyspace:pattern].
 *
 * Returns: (transfer full): a new object
 *
 * Since: 1.0
 */
TornadisKeyspace *
tornadis_keyspace_new (TornadisClient *client,
                       const char *pattern)
{
  g_autoptr (GBytes) bytes = pattern != NULL ? g_bytes_new (pattern, strlen (pattern)) : NULL;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), NULL);

  return g_object_new (TORNADIS_TYPE_KEYSPACE, "client", client, "pattern", bytes, NULL);
}

static void
start_cancelled_cb (GCancellable *cancellable,
                    GCancellable *stopped)
{
  g_cancellable_cancel (stopped);
}

/**
 * tornadis_keyspace_start_async:
 * @self: a keyspace
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when it has started or failed
 * @user_data: passed to @callback
 *
 * Connects, looks whether the server publishes notifications, and subscribes to them. Changes that are made after it has
 * completed are told.
 *
 * Since: 1.0
 */
void
tornadis_keyspace_start_async (TornadisKeyspace *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  TornadisKeyspaceNeeds needs;
  g_autoptr (GTask) task = NULL;
  Start *start;

  g_return_if_fail (TORNADIS_IS_KEYSPACE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_keyspace_start_async);
  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    return;

  if (self->active || self->is_starting || self->client == NULL)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "%s",
                               self->client == NULL ? "The keyspace has no client" : "The keyspace has been started already");
      return;
    }

  self->is_starting = TRUE;
  self->stopped = g_cancellable_new ();
  self->present_db = self->db;
  if (self->db < 0)
    g_object_get (self->client, "db", &self->present_db, NULL);
  start = g_new0 (Start, 1);
  start->stopped = g_object_ref (self->stopped);
  g_task_set_task_data (task, start, start_free);
  if (cancellable != NULL)
    start->cancelled_id = g_cancellable_connect (cancellable, G_CALLBACK (start_cancelled_cb), g_object_ref (self->stopped),
                                                 g_object_unref);

  needs = keyspace_get_needs (self);
  g_main_context_push_thread_default (self->context);
  tornadis_keyspace_setting_check_async (self->client, &needs, self->stopped, checked_cb, g_object_ref (task));
  g_main_context_pop_thread_default (self->context);
}

/**
 * tornadis_keyspace_start_finish:
 * @self: a keyspace
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.Keyspace.start_async]. Errors are those of [error@Tornadis.Error]:
 *
 * * %TORNADIS_ERROR_USAGE: notifications are off, and [property@Tornadis.Keyspace:configure] is too; or it has been started
 *   already;
 * * %TORNADIS_ERROR_REPLY: the server does not let them be turned on, or be subscribed to;
 * * %G_IO_ERROR_CANCELLED: it was cancelled, or stopped meanwhile.
 *
 * Returns: whether it has started
 *
 * Since: 1.0
 */
gboolean
tornadis_keyspace_start_finish (TornadisKeyspace *self,
                                GAsyncResult *result,
                                GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tornadis_keyspace_stop:
 * @self: a keyspace
 *
 * Closes its connection: nothing is told any more. Safe if it was not started; it can be started again.
 *
 * The server's setting stays as it is, for others may need it.
 *
 * Since: 1.0
 */
void
tornadis_keyspace_stop (TornadisKeyspace *self)
{
  g_return_if_fail (TORNADIS_IS_KEYSPACE (self));

  keyspace_drop (self);
  keyspace_set_active (self, FALSE);
}

static void
tornadis_keyspace_dispose (GObject *object)
{
  TornadisKeyspace *self = TORNADIS_KEYSPACE (object);

  keyspace_drop (self);
  self->active = FALSE;

  G_OBJECT_CLASS (tornadis_keyspace_parent_class)->dispose (object);
}

static void
tornadis_keyspace_finalize (GObject *object)
{
  TornadisKeyspace *self = TORNADIS_KEYSPACE (object);

  g_clear_object (&self->client);
  g_clear_pointer (&self->pattern, g_bytes_unref);
  g_free (self->event);
  g_free (self->classes);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (tornadis_keyspace_parent_class)->finalize (object);
}

static void
tornadis_keyspace_class_init (TornadisKeyspaceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = tornadis_keyspace_dispose;
  object_class->finalize = tornadis_keyspace_finalize;
  tornadis_keyspace_install_properties (object_class);

  /**
   * TornadisKeyspace::changed:
   * @self: the keyspace
   * @key: the key, as it is on the server
   * @event: what has happened to it, such as `set`, `del`, `expired` or `evicted`
   *
   * Emitted when something has happened to a key, once for each event. The detail is the event: `changed::expired`.
   *
   * Most events have the name of the command in lower case. `expired` comes when the server has deleted a key whose time was up,
   * `evicted` when it has for want of memory. A command may cause several events: `RENAME` tells of both keys.
   *
   * Since: 1.0
   */
  signals[SIGNAL_CHANGED] =
    g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                  G_TYPE_BYTES, G_TYPE_STRING);

  /**
   * TornadisKeyspace::subkey-changed:
   * @self: the keyspace
   * @key: the key, as it is on the server
   * @event: what has happened, such as `hset`
   * @subkey: which part of the key it has happened to: a field of a hash
   *
   * Emitted for every field that an event is about, besides [signal@Tornadis.Keyspace::changed], if
   * [property@Tornadis.Keyspace:subkeys] are wanted and the server tells of them. The detail is the event.
   *
   * A command that names a field twice is told of twice.
   *
   * Since: 1.0
   */
  signals[SIGNAL_SUBKEY_CHANGED] =
    g_signal_new ("subkey-changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 3, G_TYPE_BYTES, G_TYPE_STRING, G_TYPE_BYTES);

  /**
   * TornadisKeyspace::gap:
   * @self: the keyspace
   *
   * Emitted when notifications may have been lost: the connection was, or that to a node of a cluster, and they come again now.
   * What is known of the keys is to be read anew.
   *
   * It is emitted within a second, and again if it takes longer than that until the server's setting has been seen to.
   *
   * Since: 1.0
   */
  signals[SIGNAL_GAP] =
    g_signal_new ("gap", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);

  /**
   * TornadisKeyspace::disabled:
   * @self: the keyspace
   * @error: why
   *
   * Emitted when it was active and cannot be any more: after a loss of the connection the server has notifications turned off,
   * and [property@Tornadis.Keyspace:configure] is too or is refused; or the server does not let them be subscribed to any more.
   * [property@Tornadis.Keyspace:active] is %FALSE then, and it may be started again.
   *
   * Since: 1.0
   */
  signals[SIGNAL_DISABLED] =
    g_signal_new ("disabled", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
tornadis_keyspace_init (TornadisKeyspace *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->db = -1;
}
