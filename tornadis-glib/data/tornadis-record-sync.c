/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a record and its hash get to be the same: what is read, what is written, and who waits for it. */

#include "tornadis-glib/data/tornadis-record-private.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/data/tornadis-waiters-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

#define MAX_AGAIN_MSEC 30000
/* What makes a hash another one: commands on hashes and keys, expiry, eviction, and SET. */
#define CLASSES "ghxe$"

/* What a call has of the record: it does not keep it. */
typedef struct
{
  GWeakRef record;
  GCancellable *cancellable; /* (owned) (nullable) of a reading */
} Call;

static Call *
call_new (TornadisRecord *self,
          GCancellable *cancellable)
{
  Call *call = g_new0 (Call, 1);

  g_weak_ref_init (&call->record, self);
  call->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;

  return call;
}

static void
call_free (Call *call)
{
  g_weak_ref_clear (&call->record);
  g_clear_object (&call->cancellable);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

/* (nullable) (transfer full): unless it is disposed. */
static TornadisRecord *
call_get_record (Call *call)
{
  g_autoptr (TornadisRecord) self = g_weak_ref_get (&call->record);

  return self != NULL && !tornadis_record_get_private (self)->disposed ? g_steal_pointer (&self) : NULL;
}

void
tornadis_record_cancel_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
record_set_error (TornadisRecord *self,
                  const GError *error)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  if (priv->disposed || (error == NULL && priv->error == NULL))
    return;
  /* As with each attempt while the server is away. */
  if (error != NULL && priv->error != NULL && g_error_matches (priv->error, error->domain, error->code) &&
      g_str_equal (priv->error->message, error->message))
    return;

  g_clear_error (&priv->error);
  priv->error = error != NULL ? g_error_copy (error) : NULL;
  g_object_notify_by_pspec (G_OBJECT (self), tornadis_record_props[PROP_ERROR]);
}

static void
record_set_flag (TornadisRecord *self,
                 gboolean *flag,
                 gboolean value,
                 TornadisRecordProperty property)
{
  if (*flag == value)
    return;

  *flag = value;
  g_object_notify_by_pspec (G_OBJECT (self), tornadis_record_props[property]);
}

static void
record_update_live (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);
  gboolean live = priv->loaded && priv->watch != NULL && tornadis_model_watch_is_live (priv->watch);

  record_set_flag (self, &priv->live, live, PROP_LIVE);
}

void
tornadis_record_stop (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);
  GTask *task;

  tornadis_record_cancel_source (&priv->again);
  priv->stale = FALSE;
  while ((task = g_queue_pop_tail (&priv->loading)) != NULL)
    g_queue_push_head (&priv->loads, task);
  if (priv->cancellable != NULL)
    g_cancellable_cancel (priv->cancellable);
  g_clear_object (&priv->cancellable);
  g_clear_pointer (&priv->watch, tornadis_model_watch_free);
}

/* It was never loaded, and is as before. */
static void
record_abandon (TornadisRecord *self,
                const GError *error)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  tornadis_record_stop (self);
  priv->tracking = FALSE;
  for (guint i = 0; i < priv->fields->len; i++)
    ((TornadisRecordField *) priv->fields->pdata[i])->dirty = FALSE;
  tornadis_waiters_return (&priv->loads, error);
  tornadis_waiters_return (&priv->flushes, error);
}

static gboolean
cancelled_cb (GCancellable *cancellable,
              gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);
  TornadisRecord *self = g_task_get_source_object (task);
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  if (!g_queue_remove (&priv->loads, task) && !g_queue_remove (&priv->loading, task) && !g_queue_remove (&priv->flushes, task))
    return G_SOURCE_REMOVE;

  g_object_unref (task);
  if (!priv->loaded && g_queue_is_empty (&priv->loads) && g_queue_is_empty (&priv->loading) && !priv->disposed)
    {
      g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The record is not loaded");

      record_abandon (self, error);
    }
  /* Even if the cancellable was reset meanwhile. */
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Operation was cancelled");

  return G_SOURCE_REMOVE;
}

void
tornadis_record_wait (GQueue *queue,
                      GTask *task)
{
  tornadis_waiters_add (queue, task, cancelled_cb);
}

/* Sending: what is to be read first, and then what is to be written */

static void record_queue (TornadisRecord *self);
static void record_send (TornadisRecord *self);

static gboolean
again_cb (gpointer user_data)
{
  TornadisRecord *self = user_data;

  tornadis_record_cancel_source (&tornadis_record_get_private (self)->again);
  record_send (self);

  return G_SOURCE_REMOVE;
}

void
tornadis_record_set_stale (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  priv->stale = TRUE;
  tornadis_record_cancel_source (&priv->again);
  record_queue (self);
}

/* (nullable): the first error of the replies. */
static GError *
find_error (TornadisReply *replies)
{
  for (gsize i = 0; i < tornadis_reply_get_n_elements (replies); i++)
    if (tornadis_reply_is_error (tornadis_reply_get_element (replies, i)))
      return tornadis_reply_dup_error (tornadis_reply_get_element (replies, i));

  return NULL;
}

gboolean
tornadis_record_is_dirty (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  for (guint i = 0; i < priv->fields->len; i++)
    if (((TornadisRecordField *) priv->fields->pdata[i])->dirty)
      return TRUE;

  return FALSE;
}

static void
written_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (TornadisRecord) self = call_get_record (call);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) replies = tornadis_client_call_pipeline_finish (TORNADIS_CLIENT (object), result, &error);
  TornadisRecordPrivate *priv;
  gboolean is_told = TRUE;

  if (self == NULL)
    return;

  priv = tornadis_record_get_private (self);
  if (replies != NULL)
    error = find_error (replies);

  priv->writing = FALSE;
  priv->count++;
  for (guint i = 0; i < priv->fields->len; i++)
    {
      TornadisRecordField *field = priv->fields->pdata[i];

      if (!field->writing)
        continue;
      field->writing = FALSE;
      field->changed = priv->count;
      field->unconfirmed = error == NULL;
      /* Nobody is told of a field that was deleted and had not been there. */
      is_told &= field->written != NULL;
    }

  /* It is read after each write: mostly its own notification does that, which may have come already. */
  if (error != NULL || !is_told || !priv->live)
    {
      priv->stale = TRUE;
      tornadis_record_cancel_source (&priv->again);
    }
  if (error != NULL)
    {
      g_signal_emit (self, tornadis_record_signals[SIGNAL_WRITE_FAILED], 0, error);
      tornadis_waiters_return (&priv->flushes, error);
    }
  else if (!tornadis_record_is_dirty (self))
    tornadis_waiters_return (&priv->flushes, NULL);

  record_send (self);
}

/* (nullable) (transfer full): what is to be written, which is then being written. */
TornadisPipeline *
tornadis_record_take_changes (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);
  g_autoptr (TornadisCommand) set = tornadis_command_new ("HSET");
  g_autoptr (TornadisCommand) delete = tornadis_command_new ("HDEL");
  TornadisPipeline *pipeline;

  tornadis_command_append_string (set, priv->key);
  tornadis_command_append_string (delete, priv->key);
  priv->count++;
  for (guint i = 0; i < priv->fields->len; i++)
    {
      TornadisRecordField *field = priv->fields->pdata[i];

      if (!field->dirty)
        continue;
      field->dirty = FALSE;
      field->writing = TRUE;
      field->changed = priv->count;
      g_clear_pointer (&field->written, g_bytes_unref);
      if (field->value != NULL)
        {
          field->written = g_bytes_ref (field->value);
          tornadis_command_append_string (set, field->name);
          tornadis_command_append_bytes (set, field->value);
        }
      else
        tornadis_command_append_string (delete, field->name);
    }

  if (tornadis_command_get_n_args (set) == 2 && tornadis_command_get_n_args (delete) == 2)
    return NULL;

  pipeline = tornadis_pipeline_new ();
  tornadis_pipeline_set_atomic (pipeline, tornadis_command_get_n_args (set) > 2 && tornadis_command_get_n_args (delete) > 2);
  if (tornadis_command_get_n_args (set) > 2)
    tornadis_pipeline_stack_command (pipeline, set);
  if (tornadis_command_get_n_args (delete) > 2)
    tornadis_pipeline_stack_command (pipeline, delete);

  return pipeline;
}

static void
record_write (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);
  g_autoptr (TornadisPipeline) pipeline = tornadis_record_take_changes (self);

  if (pipeline == NULL)
    return;

  priv->writing = TRUE;
  tornadis_client_call_pipeline_async (priv->client, pipeline, NULL, written_cb, call_new (self, NULL));
}

/* Whether it is to be told of. */
static gboolean
field_take (TornadisRecordField *field,
            TornadisRecord *self,
            GBytes *text)
{
  g_auto (GValue) value = G_VALUE_INIT;
  gboolean is_valid = tornadis_record_field_read (field, text, &value);
  g_autoptr (GBytes) read = is_valid ? tornadis_record_field_print_value (field, &value) : NULL;

  if (field->unconfirmed && !tornadis_record_bytes_equal (text, field->written) &&
      !(is_valid && tornadis_record_bytes_equal (read, field->written)))
    field->lost = tornadis_record_field_tell (field, field->written);
  field->unconfirmed = FALSE;
  g_clear_pointer (&field->written, g_bytes_unref);

  if (is_valid)
    {
      g_clear_pointer (&field->invalid, g_bytes_unref);
      if (!tornadis_record_bytes_equal (read, field->value))
        {
          field->tell_changed = field->pspec == NULL;
          tornadis_record_field_set (field, G_OBJECT (self), &value, read);
        }
    }
  else if (!tornadis_record_bytes_equal (text, field->invalid))
    {
      g_clear_pointer (&field->invalid, g_bytes_unref);
      field->invalid = g_bytes_ref (text);
      field->tell_invalid = TRUE;
    }

  return field->lost != NULL || field->tell_changed || field->tell_invalid;
}

static void
record_tell (TornadisRecord *self,
             TornadisRecordField *field)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);
  g_autoptr (GVariant) lost = g_steal_pointer (&field->lost);
  g_autoptr (GBytes) invalid = field->tell_invalid ? g_bytes_ref (field->invalid) : NULL;
  gboolean is_changed = field->tell_changed;

  field->tell_invalid = FALSE;
  field->tell_changed = FALSE;
  if (is_changed && !priv->disposed)
    g_signal_emit (self, tornadis_record_signals[SIGNAL_FIELD_CHANGED], g_quark_try_string (field->name), field->name);
  if (lost != NULL && !priv->disposed)
    g_signal_emit (self, tornadis_record_signals[SIGNAL_CONFLICT], 0, field->name, lost);
  if (invalid != NULL && !priv->disposed)
    g_signal_emit (self, tornadis_record_signals[SIGNAL_INVALID], 0, field->name, invalid);
}

/* Everything is set before anything is told. */
static void
record_take (TornadisRecord *self,
             TornadisReply *reply)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);
  gboolean has_news = FALSE;

  g_object_freeze_notify (G_OBJECT (self));
  for (guint i = 0; i < priv->fields->len; i++)
    {
      TornadisRecordField *field = priv->fields->pdata[i];
      TornadisReply *value = tornadis_reply_lookup (reply, field->name);
      g_autoptr (GBytes) text = value != NULL ? tornadis_reply_get_bytes (value) : NULL;

      /* What is being written, or is to be, is read after that. */
      if (field->writing || field->dirty)
        continue;
      if (field->changed > priv->read_count)
        priv->stale = TRUE;
      else
        has_news |= field_take (field, self, text);
    }
  record_set_flag (self, &priv->exists, tornadis_reply_get_n_elements (reply) > 0, PROP_EXISTS);
  record_set_flag (self, &priv->loaded, TRUE, PROP_LOADED);
  record_update_live (self);
  /* Why it does not follow is told until it does. */
  record_set_error (self, priv->live ? NULL : priv->why_off);
  g_object_thaw_notify (G_OBJECT (self));

  for (guint i = 0; has_news && i < priv->fields->len; i++)
    record_tell (self, priv->fields->pdata[i]);
}

/* (nullable): an error if it is none of a hash. */
static GError *
check_reply (TornadisReply *reply)
{
  TornadisReplyKind kind = tornadis_reply_get_kind (reply);
  gboolean is_hash = (kind == TORNADIS_REPLY_KIND_MAP || kind == TORNADIS_REPLY_KIND_ARRAY) &&
                     tornadis_reply_get_n_elements (reply) % 2 == 0;

  for (gsize i = 0; is_hash && i < tornadis_reply_get_n_elements (reply); i++)
    is_hash = tornadis_reply_get_kind (tornadis_reply_get_element (reply, i)) == TORNADIS_REPLY_KIND_STRING;

  return is_hash ? NULL : g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "HGETALL: the reply is none of a hash");
}

static void
record_fail (TornadisRecord *self,
             const GError *error)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  if (priv->loaded && priv->stale)
    {
      /* Something has changed since, or somebody loads it. */
      record_queue (self);
    }
  else if (priv->loaded)
    {
      priv->stale = TRUE;
      priv->again = g_timeout_source_new (priv->again_msec);
      priv->again_msec = MIN (2 * priv->again_msec, MAX_AGAIN_MSEC);
      g_source_set_static_name (priv->again, "[tornadis] record, reads again");
      g_source_set_callback (priv->again, again_cb, self, NULL);
      g_source_attach (priv->again, priv->context);
    }
  else
    {
      record_abandon (self, error);
    }
  record_set_error (self, error);
}

static void
read_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  g_autoptr (Call) call = user_data;
  g_autoptr (TornadisRecord) self = call_get_record (call);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);
  TornadisRecordPrivate *priv;

  if (self == NULL || tornadis_record_get_private (self)->cancellable != call->cancellable)
    return;

  priv = tornadis_record_get_private (self);
  g_clear_object (&priv->cancellable);
  if (reply != NULL)
    error = check_reply (reply);
  if (error != NULL)
    {
      /* Who waits for the first reading may load it again only when it is at rest. */
      if (priv->loaded)
        tornadis_waiters_return (&priv->loading, error);
      if (!priv->disposed)
        record_fail (self, error);
      return;
    }

  priv->again_msec = TORNADIS_RECORD_AGAIN_MSEC;
  record_take (self, reply);
  tornadis_waiters_return (&priv->loading, NULL);
  if (!priv->disposed)
    record_send (self);
}

static void
record_read (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);
  g_autoptr (TornadisCommand) command = tornadis_command_new ("HGETALL");
  GTask *task;

  tornadis_command_append_string (command, priv->key);
  priv->stale = FALSE;
  priv->read_count = priv->count;
  priv->cancellable = g_cancellable_new ();
  while ((task = g_queue_pop_head (&priv->loads)) != NULL)
    g_queue_push_tail (&priv->loading, task);
  tornadis_client_call_async (priv->client, command, priv->cancellable, read_cb, call_new (self, priv->cancellable));
}

static void
record_send (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  if (priv->disposed || priv->writing)
    return;

  g_main_context_push_thread_default (priv->context);
  if (priv->stale && priv->cancellable == NULL && priv->again == NULL)
    record_read (self);
  if (priv->loaded)
    record_write (self);
  g_main_context_pop_thread_default (priv->context);
}

static gboolean
send_cb (gpointer user_data)
{
  TornadisRecord *self = user_data;

  tornadis_record_cancel_source (&tornadis_record_get_private (self)->source);
  record_send (self);

  return G_SOURCE_REMOVE;
}

/* What comes in one turn of the main loop goes out at once. */
static void
record_queue (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  if (priv->source != NULL || priv->disposed)
    return;

  priv->source = g_idle_source_new ();
  g_source_set_static_name (priv->source, "[tornadis] record, sends");
  g_source_set_priority (priv->source, G_PRIORITY_DEFAULT);
  g_source_set_callback (priv->source, send_cb, self, NULL);
  g_source_attach (priv->source, priv->context);
}

/* It may have been changed here. */
void
tornadis_record_look (TornadisRecord *self,
                      TornadisRecordField *field)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);
  g_autoptr (GBytes) value = NULL;

  if (!priv->tracking || priv->disposed)
    return;

  value = tornadis_record_field_print (field, G_OBJECT (self));
  if (tornadis_record_bytes_equal (value, field->value))
    return;

  g_clear_pointer (&field->value, g_bytes_unref);
  field->value = g_steal_pointer (&value);
  field->changed = ++priv->count;
  field->dirty = TRUE;
  record_queue (self);
}

/* What the watch tells */

static void
watch_cb (GBytes *key,
          const char *event,
          gpointer user_data)
{
  tornadis_record_set_stale (user_data);
}

static void
live_cb (gpointer error,
         gpointer user_data)
{
  g_autoptr (TornadisRecord) self = g_object_ref (user_data);
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  g_clear_error (&priv->why_off);
  priv->why_off = error != NULL ? g_error_copy (error) : NULL;
  record_update_live (self);
  if (error == NULL)
    return;

  if (!priv->loaded)
    record_abandon (self, error);
  else
    tornadis_waiters_return (&priv->loads, error);
  record_set_error (self, error);
}

void
tornadis_record_follow (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);
  g_autoptr (GBytes) key = g_bytes_new (priv->key, strlen (priv->key));

  g_clear_error (&priv->why_off);
  g_main_context_push_thread_default (priv->context);
  priv->watch = tornadis_model_watch_new (priv->client, key, FALSE, CLASSES, TRUE, watch_cb, live_cb, self);
  g_main_context_pop_thread_default (priv->context);
}

/* From now on what changes is to be written. */
void
tornadis_record_track (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  for (guint i = 0; i < priv->fields->len; i++)
    {
      TornadisRecordField *field = priv->fields->pdata[i];

      g_clear_pointer (&field->value, g_bytes_unref);
      field->value = tornadis_record_field_print (field, G_OBJECT (self));
    }
  priv->tracking = TRUE;
}
