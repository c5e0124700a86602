/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-batch.h"

#include <string.h>

#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-session.h"

TornadisBatch *
tornadis_batch_new (GPtrArray *commands,
                    gboolean atomic)
{
  TornadisBatch *self = g_new0 (TornadisBatch, 1);

  self->commands = g_ptr_array_ref (commands);
  self->atomic = self->has_effects = atomic;
  for (guint i = 0; i < commands->len; i++)
    {
      const TornadisCommand *command = g_ptr_array_index (commands, i);

      self->wire_size += tornadis_command_get_wire_size (command);
      self->has_effects |= command->effect != TORNADIS_COMMAND_PLAIN;
    }

  return self;
}

TornadisBatch *
tornadis_batch_new_guarded (TornadisCommand *command)
{
  g_autoptr (GPtrArray) commands = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_command_unref);
  g_autofree char *nonce = g_uuid_string_random ();
  TornadisBatch *self;

  g_ptr_array_add (commands, tornadis_command_ref (command));
  g_ptr_array_add (commands, tornadis_command_new_strv ((const char *[]){ "ECHO", nonce, NULL }));
  self = tornadis_batch_new (commands, FALSE);
  self->nonce = g_steal_pointer (&nonce);

  return self;
}

TornadisReply *
tornadis_batch_read_guarded (TornadisBatch *self,
                             TornadisReply *reply)
{
  static const char refusal[] = "WRONGPASS The server refused it without an answer";

  if (self->n_received > 0 || reply->kind != TORNADIS_REPLY_KIND_STRING || !tornadis_reply_equals_text (reply, self->nonce))
    return reply;

  tornadis_reply_unref (reply);
  self->refused = TRUE;

  return tornadis_reply_new_data (TORNADIS_REPLY_KIND_ERROR, refusal, strlen (refusal));
}

void
tornadis_batch_free (TornadisBatch *self)
{
  tornadis_batch_forget_replies (self);
  g_free (self->nonce);
  g_ptr_array_unref (self->commands);
  g_free (self);
}

gboolean
tornadis_batch_may_block (TornadisBatch *self)
{
  for (guint i = 0; i < self->commands->len; i++)
    if (tornadis_command_effect_may_block (tornadis_command_get_name (g_ptr_array_index (self->commands, i))))
      return TRUE;

  return FALSE;
}

gboolean
tornadis_batch_blocks (TornadisBatch *self)
{
  if (self->atomic || !self->has_effects)
    return FALSE;

  for (guint i = 0; i < self->commands->len; i++)
    if (tornadis_session_command_blocks (g_ptr_array_index (self->commands, i)))
      return TRUE;

  return FALSE;
}

gboolean
tornadis_batch_fill (TornadisBatch *self,
                     TornadisWriter *writer,
                     gsize page_size)
{
  gsize n_calls = tornadis_batch_get_n_calls (self);

  while (self->n_sent < n_calls && tornadis_writer_get_pending (writer) < page_size)
    {
      gsize i = self->n_sent++;

      if (self->atomic && i == 0)
        tornadis_writer_append (writer, "*1\r\n$5\r\nMULTI\r\n", 15);
      else if (self->atomic && i == n_calls - 1)
        tornadis_writer_append (writer, "*1\r\n$4\r\nEXEC\r\n", 14);
      else
        tornadis_writer_add_command (writer, g_ptr_array_index (self->commands, i - (self->atomic ? 1 : 0)));
    }

  return self->n_sent == n_calls;
}

void
tornadis_batch_rewind (TornadisBatch *self)
{
  tornadis_batch_forget_replies (self);
  self->n_sent = 0;
  self->n_received = 0;
  self->refused = FALSE;
}

TornadisCommand *
tornadis_batch_shrink_command (TornadisCommand *command)
{
  TornadisCommand *shrunk = tornadis_command_new (tornadis_command_get_name (command));

  shrunk->effect = command->effect;
  tornadis_command_unref (command);
  return shrunk;
}

void
tornadis_batch_release_values (TornadisBatch *self)
{
  GPtrArray *commands = g_ptr_array_new_full (self->commands->len, (GDestroyNotify) tornadis_command_unref);

  for (guint i = 0; i < self->commands->len; i++)
    {
      TornadisCommand *command = tornadis_command_ref (g_ptr_array_index (self->commands, i));

      if (tornadis_batch_can_shrink (command))
        command = tornadis_batch_shrink_command (command);
      g_ptr_array_add (commands, command);
    }

  g_ptr_array_unref (self->commands);
  self->commands = commands;
}

/* The outcome of a transaction: what EXEC said, or the error that kept it from running. */
static TornadisReply *
batch_get_transaction_result (TornadisBatch *self,
                              TornadisReply *exec)
{
  TornadisReply **errors = self->replies;

  if (errors == NULL)
    return tornadis_reply_ref (exec);

  /* What EXEC ran was not this transaction, if it never began. */
  if (errors[0] != NULL)
    return tornadis_reply_ref (errors[0]);

  for (gsize i = 1; exec->kind == TORNADIS_REPLY_KIND_ERROR && i <= self->commands->len; i++)
    {
      g_autofree char *text = NULL;
      TornadisReply *result;

      if (errors[i] == NULL)
        continue;

      text = g_strdup_printf ("%s Command %" G_GSIZE_FORMAT ", %s: %s", exec->data, i,
                              tornadis_command_get_name (g_ptr_array_index (self->commands, i - 1)), errors[i]->data);
      result = tornadis_reply_alloc (TORNADIS_REPLY_KIND_ERROR, strlen (text));
      memcpy (result->data, text, strlen (text));
      return result;
    }

  return tornadis_reply_ref (exec);
}

/* Of one that is guarded the ECHO says nothing more. */
static TornadisReply *
batch_steal_first (TornadisBatch *self)
{
  TornadisReply *reply = g_steal_pointer (&self->replies[0]);

  tornadis_batch_forget_replies (self);
  return reply;
}

TornadisReply *
tornadis_batch_collect (TornadisBatch *self,
                        TornadisReply *reply,
                        gboolean keep)
{
  gsize n_calls = tornadis_batch_get_n_calls (self);
  gsize i = self->n_received++;

  /* There is no other. */
  if (self->refused)
    {
      self->n_received = n_calls;
      return reply;
    }

  if (self->atomic && i == n_calls - 1)
    {
      TornadisReply *result = batch_get_transaction_result (self, reply);

      tornadis_reply_unref (reply);
      return result;
    }

  if (keep && (!self->atomic || reply->kind == TORNADIS_REPLY_KIND_ERROR))
    {
      if (self->replies == NULL)
        self->replies = g_new0 (TornadisReply *, n_calls);
      self->replies[i] = g_steal_pointer (&reply);
    }
  g_clear_pointer (&reply, tornadis_reply_unref);

  if (self->n_received < n_calls)
    return NULL;

  if (!keep)
    return tornadis_reply_alloc (TORNADIS_REPLY_KIND_NIL, 0);

  if (self->nonce != NULL)
    return batch_steal_first (self);

  return tornadis_reply_new_array (TORNADIS_REPLY_KIND_ARRAY, g_steal_pointer (&self->replies), n_calls);
}

void
tornadis_batch_forget_replies (TornadisBatch *self)
{
  if (self->replies == NULL)
    return;

  for (gsize i = 0; i < tornadis_batch_get_n_calls (self); i++)
    g_clear_pointer (&self->replies[i], tornadis_reply_unref);
  g_clear_pointer (&self->replies, g_free);
}
