/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How entries end for TornadisStreamConsumer: acknowledged, those of one turn together; or as dead letters. */

#include "tornadis-glib/data/tornadis-stream-consumer-private.h"

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/* So many are acknowledged at a time: the server does nothing else meanwhile. */
#define MAX_ACKS 1000

/* An XACK under way. */
typedef struct
{
  GPtrArray *entries; /* (element-type TornadisStreamEntry) (owned) */
  GQueue tasks;       /* (element-type GTask) (owned) */
} Batch;

void
tornadis_stream_consumer_forget (TornadisStreamConsumer *self,
                                 TornadisStreamEntry *entry)
{
  if (g_hash_table_lookup (self->pending, entry) == entry)
    g_hash_table_remove (self->pending, entry);
}

static TornadisCommand *
make_ack (TornadisStreamConsumer *self,
          GPtrArray *entries)
{
  const char *key = tornadis_stream_reader_get_stream (TORNADIS_STREAM_READER (self));
  TornadisCommand *command = tornadis_command_new_strv ((const char *[]){ "XACK", key, self->group, NULL });

  for (guint i = 0; i < entries->len; i++)
    tornadis_command_append_string (command, tornadis_stream_entry_get_id (g_ptr_array_index (entries, i)));

  return command;
}

/* Answers a task, unless it was cancelled. */
static void
task_answer (GTask *task,
             const GError *error)
{
  GSource *watch = g_task_get_task_data (task);

  if (watch == NULL || !g_source_is_destroyed (watch))
    {
      if (watch != NULL)
        g_source_destroy (watch);
      if (error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else
        g_task_return_boolean (task, TRUE);
    }
  g_object_unref (task);
}

/* The consumer was disposed of: they are not told how it went. */
static void
abandon_tasks (GQueue *tasks)
{
  g_autoptr (GError) error = tornadis_stream_reader_make_closed_error ();
  GTask *task;

  while ((task = g_queue_pop_head (tasks)) != NULL)
    task_answer (task, error);
}

static void
batch_free (gpointer data)
{
  Batch *self = data;

  g_ptr_array_unref (self->entries);
  abandon_tasks (&self->tasks);
  g_free (self);
}

static gboolean
cancelled_cb (GCancellable *cancellable,
              gpointer user_data)
{
  GTask *task = user_data;

  g_source_destroy (g_task_get_task_data (task));
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The acknowledgement is not waited for any more");

  return G_SOURCE_REMOVE;
}

static void consumer_send_acks (TornadisStreamConsumer *self);

static void
acked_cb (gpointer owner,
          gpointer data,
          TornadisReply *reply,
          const GError *error)
{
  g_autoptr (TornadisStreamConsumer) self = g_object_ref (owner);
  Batch *batch = data;
  GTask *task;

  self->acking = FALSE;
  for (guint i = 0; i < batch->entries->len; i++)
    {
      TornadisStreamEntry *entry = g_ptr_array_index (batch->entries, i);

      if (error == NULL)
        {
          tornadis_stream_consumer_forget (self, entry);
          if (self->asking)
            g_hash_table_add (self->acked, tornadis_stream_entry_ref (entry));
        }
      else
        entry->state = TORNADIS_STREAM_ENTRY_TOLD;
    }
  while ((task = g_queue_pop_head (&batch->tasks)) != NULL)
    task_answer (task, error);

  if (error != NULL)
    tornadis_stream_reader_fail (TORNADIS_STREAM_READER (self), error);
  consumer_send_acks (self);
  tornadis_stream_reader_go_on (TORNADIS_STREAM_READER (self));
  tornadis_stream_reader_check_closed (TORNADIS_STREAM_READER (self));
}

static void
consumer_send_acks (TornadisStreamConsumer *self)
{
  g_autoptr (TornadisCommand) command = NULL;
  Batch *batch;
  guint n = MIN (self->acks->len, MAX_ACKS);
  GTask *task;

  if (self->acking || self->ack_source != NULL || self->sender == NULL)
    return;

  if (n == 0)
    {
      GQueue tasks = self->ack_tasks;

      /* Everything they wait for was acknowledged. Who is told may wait for more. */
      g_queue_init (&self->ack_tasks);
      while ((task = g_queue_pop_head (&tasks)) != NULL)
        task_answer (task, NULL);
      return;
    }

  batch = g_new0 (Batch, 1);
  batch->entries = g_ptr_array_new_full (n, (GDestroyNotify) tornadis_stream_entry_unref);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (batch->entries, tornadis_stream_entry_ref (g_ptr_array_index (self->acks, i)));
  g_ptr_array_remove_range (self->acks, 0, n);
  /* Who waits for the last waits for those before it. */
  if (self->acks->len == 0)
    {
      batch->tasks = self->ack_tasks;
      g_queue_init (&self->ack_tasks);
    }

  self->acking = TRUE;
  command = make_ack (self, batch->entries);
  tornadis_stream_sender_send (self->sender, command, acked_cb, batch, batch_free);
}

static gboolean
ack_cb (gpointer user_data)
{
  g_autoptr (TornadisStreamConsumer) self = g_object_ref (user_data);

  g_clear_pointer (&self->ack_source, g_source_unref);
  consumer_send_acks (self);
  tornadis_stream_reader_check_closed (TORNADIS_STREAM_READER (self));

  return G_SOURCE_REMOVE;
}

static void
consumer_ack_soon (TornadisStreamConsumer *self)
{
  if (self->acking || self->ack_source != NULL)
    return;

  self->ack_source = g_idle_source_new ();
  g_source_set_priority (self->ack_source, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->ack_source, ack_cb, self, NULL);
  g_source_attach (self->ack_source, self->context);
}

void
tornadis_stream_consumer_end (TornadisStreamConsumer *self,
                              TornadisStreamEntry *entry)
{
  entry->state = TORNADIS_STREAM_ENTRY_ENDING;
  tornadis_stream_consumer_ack_again (self, entry);
}

void
tornadis_stream_consumer_ack_again (TornadisStreamConsumer *self,
                                    TornadisStreamEntry *entry)
{
  g_ptr_array_add (self->acks, tornadis_stream_entry_ref (entry));
  consumer_ack_soon (self);
}

void
tornadis_stream_consumer_wait_for_acks (TornadisStreamConsumer *self,
                                        GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);

  if (self->sender == NULL)
    {
      g_task_return_error (task, tornadis_stream_reader_make_closed_error ());
      return;
    }

  g_queue_push_tail (&self->ack_tasks, g_object_ref (task));
  if (cancellable != NULL)
    {
      GSource *watch = g_cancellable_source_new (cancellable);

      g_source_set_callback (watch, G_SOURCE_FUNC (cancelled_cb), task, NULL);
      g_task_set_task_data (task, watch, (GDestroyNotify) g_source_unref);
      g_source_attach (watch, self->context);
    }
  consumer_ack_soon (self);
}

void
tornadis_stream_consumer_end_acks (TornadisStreamConsumer *self)
{
  if (self->acks->len > 0 && self->sender != NULL)
    {
      g_autoptr (TornadisCommand) command = make_ack (self, self->acks);

      tornadis_caller_call_async (tornadis_stream_reader_get_caller (TORNADIS_STREAM_READER (self)), command, NULL, NULL, NULL);
    }
  g_ptr_array_set_size (self->acks, 0);
  if (self->ack_source != NULL)
    g_source_destroy (self->ack_source);
  g_clear_pointer (&self->ack_source, g_source_unref);
  g_clear_pointer (&self->sender, tornadis_stream_sender_free);
  abandon_tasks (&self->ack_tasks);
}

/* Deliveries. */

static void
restored_cb (gpointer owner,
             gpointer data,
             TornadisReply *reply,
             const GError *error)
{
}

/* Only while it is still this consumer's: XCLAIM takes an entry from anybody, who may have claimed it since. */
#define RESTORE_COUNT                                                                  \
  "if redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])[1] then " \
  "return redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'RETRYCOUNT', ARGV[4], 'JUSTID') end"

/* The server has counted a delivery that is not told. */
void
tornadis_stream_consumer_restore_count (TornadisStreamConsumer *self,
                                        TornadisStreamEntry *entry)
{
  const char *key = tornadis_stream_reader_get_stream (TORNADIS_STREAM_READER (self));
  const char *id = tornadis_stream_entry_get_id (entry);
  g_autoptr (TornadisCommand) command = NULL;

  /* Of one that is to be counted the count is what the server says then. */
  if (entry->state >= TORNADIS_STREAM_ENTRY_DYING || entry->delivery_count == 0)
    return;

  command = tornadis_command_new_strv ((const char *[]){ "EVAL", RESTORE_COUNT, "1", key, self->group, self->name, id, NULL });
  tornadis_command_append_int64 (command, entry->delivery_count);
  tornadis_stream_sender_send (self->sender, command, restored_cb, NULL, NULL);
}

/* Dead letters. */

static void
buried_cb (gpointer owner,
           gpointer data,
           TornadisReply *reply,
           const GError *error)
{
  g_autoptr (TornadisStreamConsumer) self = g_object_ref (owner);
  TornadisStreamEntry *entry = data;

  if (error != NULL)
    {
      /* It stays with the server, and comes again. */
      tornadis_stream_consumer_forget (self, entry);
      tornadis_stream_reader_fail (TORNADIS_STREAM_READER (self), error);
      tornadis_stream_reader_check_closed (TORNADIS_STREAM_READER (self));
      return;
    }

  tornadis_stream_consumer_end (self, entry);
  tornadis_stream_consumer_tell_dead_letter (self, entry);
}

void
tornadis_stream_consumer_bury (TornadisStreamConsumer *self,
                               TornadisStreamEntry *entry)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "XADD", self->dead_letter_stream, "*", NULL });
  guint n_fields = tornadis_stream_entry_get_n_fields (entry);

  /* First it is there, and then here no more: between the two it may be in both. */
  for (guint i = 0; i < n_fields; i++)
    {
      g_autoptr (GBytes) name = tornadis_stream_entry_get_field_name (entry, i);
      g_autoptr (GBytes) value = tornadis_stream_entry_get_field_value (entry, i);

      tornadis_command_append_bytes (command, name);
      tornadis_command_append_bytes (command, value);
    }
  tornadis_command_append_string (command, "dead-letter:stream");
  tornadis_command_append_string (command, tornadis_stream_entry_get_stream (entry));
  tornadis_command_append_string (command, "dead-letter:group");
  tornadis_command_append_string (command, self->group);
  tornadis_command_append_string (command, "dead-letter:id");
  tornadis_command_append_string (command, tornadis_stream_entry_get_id (entry));
  tornadis_command_append_string (command, "dead-letter:deliveries");
  tornadis_command_append_int64 (command, entry->delivery_count - 1);

  entry->state = TORNADIS_STREAM_ENTRY_DYING;
  tornadis_stream_sender_send (self->sender, command, buried_cb, tornadis_stream_entry_ref (entry),
                               (GDestroyNotify) tornadis_stream_entry_unref);
}
