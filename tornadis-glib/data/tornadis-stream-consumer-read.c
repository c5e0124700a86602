/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What TornadisStreamConsumer asks on its connection, one after the other: its own pending entries; those of dead consumers,
 * from time to time; and new ones. */

#include "tornadis-glib/data/tornadis-stream-consumer-private.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/* So many deliveries are asked for at a time, and as many as are pending. */
#define N_COUNTS 1000

#define KEY(self) (tornadis_stream_reader_get_key (TORNADIS_STREAM_READER (self)))
#define LINK(self) (tornadis_stream_reader_get_link (TORNADIS_STREAM_READER (self)))

/* Asking. */

static TornadisCommand *
make_read (TornadisStreamConsumer *self,
           guint n)
{
  TornadisCommand *command = tornadis_command_new_strv ((const char *[]){ "XREADGROUP", "GROUP", self->group, self->name, "COUNT", NULL });

  tornadis_command_append_int64 (command, tornadis_stream_link_get_count (LINK (self), n));

  return command;
}

static TornadisCommand *
finish_read (TornadisStreamConsumer *self,
             TornadisCommand *command,
             const char *position)
{
  tornadis_command_append_string (command, "STREAMS");
  tornadis_command_append_string (command, KEY (self));
  tornadis_command_append_string (command, position);

  return command;
}

static TornadisCommand *
make_group (TornadisStreamConsumer *self)
{
  const char *start_id = tornadis_stream_reader_get_start_id (TORNADIS_STREAM_READER (self));

  /* One that was there: what was added since its end is not left out. */
  if (self->new_position != NULL && g_str_equal (start_id, "$"))
    start_id = self->new_position;

  return tornadis_command_new_strv ((const char *[]){ "XGROUP", "CREATE", KEY (self), self->group, start_id, "MKSTREAM", NULL });
}

static TornadisCommand *
make_counts (TornadisStreamConsumer *self)
{
  TornadisCommand *command = tornadis_command_new_strv ((const char *[]){ "XPENDING", KEY (self), self->group, NULL });
  const TornadisStreamEntry *last = g_queue_peek_tail (&self->uncounted);
  g_autofree char *end = NULL;

  if (self->counts_position == NULL)
    self->counts_position = g_strdup (tornadis_stream_entry_get_id (g_queue_peek_head (&self->uncounted)));
  end = g_strdup_printf ("%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, last->milliseconds, last->sequence);
  tornadis_command_append_string (command, self->counts_position);
  tornadis_command_append_string (command, end);
  tornadis_command_append_int64 (command, N_COUNTS);
  tornadis_command_append_string (command, self->name);

  return command;
}

static TornadisCommand *
make_autoclaim (TornadisStreamConsumer *self,
                guint n)
{
  TornadisCommand *command =
    tornadis_command_new_strv ((const char *[]){ "XAUTOCLAIM", KEY (self), self->group, self->name, NULL });

  tornadis_command_append_int64 (command, self->claim_idle_msec);
  tornadis_command_append_string (command, self->claim_cursor != NULL ? self->claim_cursor : "0-0");
  tornadis_command_append_string (command, "COUNT");
  tornadis_command_append_int64 (command, tornadis_stream_link_get_count (LINK (self), n));

  return command;
}

static gboolean
is_claiming (TornadisStreamConsumer *self,
             TornadisStreamClaim claim)
{
  return self->claim_idle_msec > 0 && self->claim == claim;
}

static TornadisCommand *
make_new (TornadisStreamConsumer *self,
          guint n)
{
  TornadisCommand *command = make_read (self, n);
  gint64 block = tornadis_stream_link_get_block_msec (LINK (self));

  if (is_claiming (self, TORNADIS_STREAM_CLAIM_AUTOCLAIM))
    block = MIN (block, (self->next_claim - g_get_monotonic_time ()) / 1000 + 1);
  else if (is_claiming (self, TORNADIS_STREAM_CLAIM_UNKNOWN) || is_claiming (self, TORNADIS_STREAM_CLAIM_OPTION))
    {
      tornadis_command_append_string (command, "CLAIM");
      tornadis_command_append_int64 (command, self->claim_idle_msec);
      block = MIN (block, self->claim_idle_msec);
    }

  /* 0 would be for ever. Within a round of claims it does not wait. */
  if (block > 0 && self->claim_cursor == NULL)
    {
      tornadis_command_append_string (command, "BLOCK");
      tornadis_command_append_int64 (command, block);
    }

  return finish_read (self, command, ">");
}

static TornadisCommand *
consumer_choose_command (TornadisStreamReader *reader)
{
  TornadisStreamConsumer *self = TORNADIS_STREAM_CONSUMER (reader);
  guint n_pending = g_hash_table_size (self->pending);
  guint room;

  if (self->group_missing)
    {
      self->phase = TORNADIS_STREAM_PHASE_GROUP;
      return make_group (self);
    }
  if (!g_queue_is_empty (&self->uncounted))
    {
      self->phase = TORNADIS_STREAM_PHASE_COUNTS;
      return make_counts (self);
    }
  if (!tornadis_stream_reader_has_room (reader, n_pending))
    return NULL;

  room = tornadis_stream_reader_get_max_pending (reader) - n_pending;
  if (self->own_position != NULL)
    {
      self->phase = TORNADIS_STREAM_PHASE_OWN;
      return finish_read (self, make_read (self, room), self->own_position);
    }
  if (is_claiming (self, TORNADIS_STREAM_CLAIM_AUTOCLAIM) && (self->claim_cursor == NULL || self->claim_turn) &&
      g_get_monotonic_time () >= self->next_claim)
    {
      self->phase = TORNADIS_STREAM_PHASE_AUTOCLAIM;
      self->claim_turn = FALSE;
      return make_autoclaim (self, room);
    }

  self->phase = TORNADIS_STREAM_PHASE_NEW;
  self->claim_turn = TRUE;

  return make_new (self, room);
}

static TornadisCommand *
consumer_next_command (TornadisStreamReader *reader)
{
  TornadisCommand *command = consumer_choose_command (reader);

  TORNADIS_STREAM_CONSUMER (reader)->asking = command != NULL;

  return command;
}

/* The group is there, perhaps anew: of what it delivers nothing has come yet. */
static void
consumer_set_group_made (TornadisStreamConsumer *self)
{
  self->group_missing = FALSE;
  g_clear_pointer (&self->known_position, g_free);
}

/* What was asked for has come, or does not. */
static void
consumer_end_asking (TornadisStreamConsumer *self)
{
  self->asking = FALSE;
  g_hash_table_remove_all (self->acked);
}

/* Entries. */

/* (transfer full): a pending entry, whose deliveries are counted. */
static void
consumer_deliver (TornadisStreamConsumer *self,
                  TornadisStreamEntry *entry)
{
  if (tornadis_stream_reader_is_closed (TORNADIS_STREAM_READER (self)))
    {
      tornadis_stream_consumer_forget (self, entry);
      tornadis_stream_entry_unref (entry);
    }
  else if (self->dead_letter_stream != NULL && self->max_deliveries > 0 && entry->delivery_count > self->max_deliveries)
    {
      tornadis_stream_consumer_bury (self, entry);
      tornadis_stream_entry_unref (entry);
    }
  else
    tornadis_stream_reader_queue (TORNADIS_STREAM_READER (self), entry);
}

/* Those that the server has no count of are not the consumer's any more: another has claimed them since they came. */
static void
consumer_deliver_uncounted (TornadisStreamConsumer *self)
{
  TornadisStreamEntry *entry;

  g_clear_pointer (&self->counts_position, g_free);
  while ((entry = g_queue_pop_head (&self->uncounted)) != NULL)
    {
      if (entry->delivery_count > 0)
        {
          consumer_deliver (self, entry);
          continue;
        }
      tornadis_stream_consumer_forget (self, entry);
      tornadis_stream_entry_unref (entry);
    }
}

/* (transfer full): an entry that the server has delivered; if @is_counted so often as is said there. */
static void
consumer_take_entry (TornadisStreamConsumer *self,
                     TornadisStreamEntry *entry,
                     gboolean is_counted)
{
  g_autoptr (TornadisStreamEntry) owned = entry;
  TornadisStreamEntry *pending = g_hash_table_lookup (self->pending, entry);

  if (tornadis_stream_reader_is_closed (TORNADIS_STREAM_READER (self)))
    return;

  /* What was delivered again before it was acknowledged may come after that, by the other connection. It may as well have been
   * delivered after that, by a group that was made again meanwhile. */
  if (g_hash_table_contains (self->acked, entry) || (pending != NULL && pending->state == TORNADIS_STREAM_ENTRY_ENDING))
    {
      tornadis_stream_consumer_ack_again (self, pending != NULL ? pending : entry);
      return;
    }

  /* Under way: the program has it, or will have. */
  if (pending != NULL)
    {
      tornadis_stream_consumer_restore_count (self, pending);
      return;
    }

  g_hash_table_add (self->pending, tornadis_stream_entry_ref (entry));
  if (tornadis_stream_entry_is_deleted (entry))
    {
      tornadis_stream_consumer_end (self, entry);
      tornadis_stream_consumer_tell_deleted (self, tornadis_stream_entry_get_id (entry));
    }
  else if (is_counted || self->counts_refused)
    consumer_deliver (self, g_steal_pointer (&owned));
  else
    {
      owned->delivery_count = 0;
      g_queue_push_tail (&self->uncounted, g_steal_pointer (&owned));
    }
}

static void
consumer_take_own (TornadisStreamConsumer *self,
                   TornadisReply *list)
{
  gsize n = list != NULL ? tornadis_reply_get_n_elements (list) : 0;
  const char *position = NULL;

  for (gsize i = 0; i < n; i++)
    {
      TornadisStreamEntry *entry = tornadis_stream_entry_new (KEY (self), tornadis_reply_get_element (list, i));

      if (entry == NULL)
        continue;
      position = tornadis_stream_entry_get_id (entry);
      consumer_take_entry (self, entry, FALSE);
    }

  g_free (self->own_position);
  self->own_position = g_strdup (position);
}

/* With CLAIM each has behind its fields how long ago, and how often, it was delivered before: 0 of a new one. */
static void
consumer_take_new (TornadisStreamConsumer *self,
                   TornadisReply *list)
{
  gsize n = list != NULL ? tornadis_reply_get_n_elements (list) : 0;
  const char *position = NULL;

  if (self->claim == TORNADIS_STREAM_CLAIM_UNKNOWN && self->claim_idle_msec > 0)
    self->claim = TORNADIS_STREAM_CLAIM_OPTION;

  for (gsize i = 0; i < n; i++)
    {
      TornadisReply *reply = tornadis_reply_get_element (list, i);
      TornadisStreamEntry *entry = tornadis_stream_entry_new (KEY (self), reply);
      gint64 n_before = 0;

      if (entry == NULL)
        continue;
      if (tornadis_reply_get_n_elements (reply) >= 4)
        n_before = tornadis_stream_reply_get_number (tornadis_reply_get_element (reply, 3));
      if (n_before > 0)
        entry->delivery_count = (guint) MIN (n_before + 1, G_MAXUINT);
      else
        position = tornadis_stream_entry_get_id (entry);
      consumer_take_entry (self, entry, TRUE);
    }

  /* Of the reply, which outlives this. */
  if (position != NULL)
    {
      g_free (self->new_position);
      self->new_position = g_strdup (position);
      g_free (self->known_position);
      self->known_position = g_strdup (position);
    }
}

static void
consumer_take_claimed (TornadisStreamConsumer *self,
                       TornadisReply *reply)
{
  gsize n_parts = tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_ARRAY ? tornadis_reply_get_n_elements (reply) : 0;
  const char *cursor = n_parts >= 2 ? tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)) : NULL;
  TornadisReply *list = n_parts >= 2 ? tornadis_reply_get_element (reply, 1) : NULL;
  /* Those that the server has acknowledged by itself, since Redis 7.0. Before that they are nil in the list. */
  TornadisReply *deleted = n_parts >= 3 ? tornadis_reply_get_element (reply, 2) : NULL;

  g_clear_pointer (&self->claim_cursor, g_free);
  if (cursor != NULL && !g_str_equal (cursor, "0-0"))
    self->claim_cursor = g_strdup (cursor);
  else
    self->next_claim = g_get_monotonic_time () + MAX (self->claim_idle_msec / 2, 1) * G_GINT64_CONSTANT (1000);

  for (gsize i = 0; list != NULL && i < tornadis_reply_get_n_elements (list); i++)
    {
      TornadisStreamEntry *entry = tornadis_stream_entry_new (KEY (self), tornadis_reply_get_element (list, i));

      if (entry != NULL)
        consumer_take_entry (self, entry, FALSE);
    }
  for (gsize i = 0; deleted != NULL && i < tornadis_reply_get_n_elements (deleted); i++)
    {
      const char *id = tornadis_reply_get_text (tornadis_reply_get_element (deleted, i));

      if (id != NULL)
        tornadis_stream_consumer_tell_deleted (self, id);
    }
}

static void
consumer_take_counts (TornadisStreamConsumer *self,
                      TornadisReply *list)
{
  gsize n = tornadis_reply_get_kind (list) == TORNADIS_REPLY_KIND_ARRAY ? tornadis_reply_get_n_elements (list) : 0;
  const char *last = NULL;

  for (gsize i = 0; i < n; i++)
    {
      TornadisReply *row = tornadis_reply_get_element (list, i);
      TornadisStreamEntry key;
      TornadisStreamEntry *entry;

      if (tornadis_reply_get_kind (row) != TORNADIS_REPLY_KIND_ARRAY || tornadis_reply_get_n_elements (row) < 4)
        continue;
      last = tornadis_reply_get_text (tornadis_reply_get_element (row, 0));
      if (!tornadis_stream_entry_set_key (&key, last))
        continue;
      entry = g_hash_table_lookup (self->pending, &key);
      /* What the program has stays as it is. */
      if (entry != NULL && entry->state == TORNADIS_STREAM_ENTRY_QUEUED)
        entry->delivery_count =
          (guint) CLAMP (tornadis_stream_reply_get_number (tornadis_reply_get_element (row, 3)), 1, G_MAXUINT);
    }

  if (n < N_COUNTS || last == NULL)
    {
      consumer_deliver_uncounted (self);
      return;
    }

  /* Others of its own were in between. */
  g_free (self->counts_position);
  self->counts_position = g_strconcat ("(", last, NULL);
}

static void
consumer_take_reply (TornadisStreamReader *reader,
                     TornadisReply *reply)
{
  TornadisStreamConsumer *self = TORNADIS_STREAM_CONSUMER (reader);

  switch (self->phase)
    {
    case TORNADIS_STREAM_PHASE_GROUP:
      consumer_set_group_made (self);
      break;
    case TORNADIS_STREAM_PHASE_OWN:
      consumer_take_own (self, tornadis_stream_reply_get_list (reply));
      break;
    case TORNADIS_STREAM_PHASE_COUNTS:
      consumer_take_counts (self, reply);
      break;
    case TORNADIS_STREAM_PHASE_AUTOCLAIM:
      consumer_take_claimed (self, reply);
      break;
    case TORNADIS_STREAM_PHASE_NEW:
    default:
      consumer_take_new (self, tornadis_stream_reply_get_list (reply));
      break;
    }
  consumer_end_asking (self);
}

/* Errors. */

static TornadisStreamLinkVerdict
consumer_take_error (TornadisStreamReader *reader,
                     const GError *error)
{
  TornadisStreamConsumer *self = TORNADIS_STREAM_CONSUMER (reader);
  g_autofree char *prefix = tornadis_error_dup_prefix (error);

  consumer_end_asking (self);
  if (self->phase == TORNADIS_STREAM_PHASE_GROUP)
    {
      if (g_strcmp0 (prefix, "BUSYGROUP") != 0)
        return TORNADIS_STREAM_LINK_STOP;
      consumer_set_group_made (self);
      return TORNADIS_STREAM_LINK_GO_ON;
    }

  if (self->phase == TORNADIS_STREAM_PHASE_COUNTS)
    {
      self->counts_refused = g_strcmp0 (prefix, "NOGROUP") != 0;
      /* Once at least. */
      for (GList *l = self->counts_refused ? self->uncounted.head : NULL; l != NULL; l = l->next)
        ((TornadisStreamEntry *) l->data)->delivery_count = 1;
      consumer_deliver_uncounted (self);
      return TORNADIS_STREAM_LINK_GO_ON;
    }

  if (g_strcmp0 (prefix, "NOGROUP") == 0)
    {
      g_clear_pointer (&self->claim_cursor, g_free);
      self->group_missing = TRUE;
      return TORNADIS_STREAM_LINK_GO_ON;
    }

  if (self->phase == TORNADIS_STREAM_PHASE_AUTOCLAIM && g_strcmp0 (prefix, "WRONGTYPE") != 0)
    {
      self->claim = TORNADIS_STREAM_CLAIM_NONE;
      g_clear_pointer (&self->claim_cursor, g_free);
      tornadis_stream_reader_tell_interrupted (reader, error);
      return TORNADIS_STREAM_LINK_GO_ON;
    }

  /* "ERR syntax error": it does not know the option. */
  if (self->phase == TORNADIS_STREAM_PHASE_NEW && is_claiming (self, TORNADIS_STREAM_CLAIM_UNKNOWN) &&
      g_strcmp0 (prefix, "ERR") == 0)
    {
      self->claim = TORNADIS_STREAM_CLAIM_AUTOCLAIM;
      self->next_claim = 0;
      return TORNADIS_STREAM_LINK_GO_ON;
    }

  return TORNADIS_STREAM_LINK_STOP;
}

/* What the server has delivered on a connection that was lost is among the consumer's own, behind the last that has come. What
 * was claimed there comes again when it was idle for long enough. */
static void
consumer_lost (TornadisStreamReader *reader)
{
  TornadisStreamConsumer *self = TORNADIS_STREAM_CONSUMER (reader);

  consumer_end_asking (self);
  if (self->own_position == NULL)
    self->own_position = g_strdup (self->known_position != NULL ? self->known_position : "0");
  g_clear_pointer (&self->claim_cursor, g_free);
  /* The next server may be another. */
  self->claim = TORNADIS_STREAM_CLAIM_UNKNOWN;
  self->counts_refused = FALSE;
}

static void
consumer_told (TornadisStreamReader *reader,
               TornadisStreamEntry *entry)
{
  entry->state = TORNADIS_STREAM_ENTRY_TOLD;
}

static void
consumer_dropped (TornadisStreamReader *reader,
                  TornadisStreamEntry *entry)
{
  tornadis_stream_consumer_forget (TORNADIS_STREAM_CONSUMER (reader), entry);
}

static gboolean
consumer_is_idle (TornadisStreamReader *reader)
{
  TornadisStreamConsumer *self = TORNADIS_STREAM_CONSUMER (reader);

  return g_hash_table_size (self->pending) == 0 && g_queue_is_empty (&self->ack_tasks);
}

static void
consumer_closed (TornadisStreamReader *reader)
{
  consumer_deliver_uncounted (TORNADIS_STREAM_CONSUMER (reader));
}

const TornadisStreamReaderHooks tornadis_stream_consumer_hooks = {
  .start_id = "0",
  .next_command = consumer_next_command,
  .take_reply = consumer_take_reply,
  .take_error = consumer_take_error,
  .lost = consumer_lost,
  .told = consumer_told,
  .dropped = consumer_dropped,
  .closed = consumer_closed,
  .is_idle = consumer_is_idle,
};
