/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/wire/tornadis-batch.h"
#include "tornadis-glib/wire/tornadis-completions.h"
#include "tornadis-glib/wire/tornadis-confirmations.h"

G_BEGIN_DECLS

/* A place in the order of replies: what the queue knows of one call. */
typedef struct
{
  TornadisSlotFunc func;    /* (nullable) NULL: the reply is swallowed */
  gpointer user_data;       /* (unowned) */
  TornadisCommand *command; /* (owned) (nullable) */
  TornadisBatch *batch;     /* (owned) (nullable) */
  TornadisConfirmations *confirmations; /* (owned) (nullable) what it has in place of a reply */
  gint64 deadline;          /* monotonic time, or 0 */
  gint64 queued;            /* monotonic time, or 0: is not observed */
  guint64 start;            /* stream position of its first byte, once started */
  guint64 end;              /* stream position behind its last byte, once known, or 0 */
  gsize n_bytes;            /* what it counts in the queue's n_bytes */
  guint8 flags;             /* TornadisSlotFlags */
  guint8 started : 1;       /* serialised, at least in part */
  guint8 may_block : 1;     /* of a call that ended: its command, which is forgotten, may take the server long */
  guint8 voided : 1;        /* ended before it was written: no bytes and no reply */
} TornadisSlot;

static inline gsize
tornadis_slot_get_n_calls (const TornadisSlot *self)
{
  return self->batch != NULL ? tornadis_batch_get_n_calls (self->batch) : 1;
}

static inline const char *
tornadis_slot_get_name (const TornadisSlot *self)
{
  if (self->command != NULL)
    return tornadis_command_get_name (self->command);
  return self->batch != NULL && self->batch->atomic ? "the transaction" : "the pipeline";
}

static inline gboolean
tornadis_slot_is_awaited (const TornadisSlot *self)
{
  return self->func != NULL || self->queued != 0;
}

/* Whether the server may take long over it, and be alive all the same. */
static inline gboolean
tornadis_slot_may_block (const TornadisSlot *self)
{
  if (self->command != NULL)
    return tornadis_command_effect_may_block (tornadis_command_get_name (self->command));
  return self->batch != NULL ? tornadis_batch_may_block (self->batch) : self->may_block;
}

/* What is to be told at its end, which holds nothing. */
static inline TornadisCompletion
tornadis_slot_get_completion (const TornadisSlot *self,
                          TornadisObserveFunc observe_func,
                          gpointer            observe_data)
{
  TornadisCompletion completion = { .func = self->func, .user_data = self->user_data };

  if (self->queued != 0)
    {
      completion.observe_func = observe_func;
      completion.observe_data = observe_data;
      completion.queued = self->queued;
      completion.command = self->command;
      if (self->batch != NULL)
        {
          completion.commands = self->batch->commands;
          completion.atomic = self->batch->atomic;
        }
    }

  return completion;
}

static inline void
tornadis_slot_clear (TornadisSlot *self)
{
  g_clear_pointer (&self->command, tornadis_command_unref);
  g_clear_pointer (&self->batch, tornadis_batch_free);
  g_clear_pointer (&self->confirmations, tornadis_confirmations_free);
}

/* Its bytes were taken back, or went with the link: it waits again. */
static inline void
tornadis_slot_rewind (TornadisSlot *self)
{
  self->started = FALSE;
  self->end = 0;
  if (self->batch != NULL)
    tornadis_batch_rewind (self->batch);
}

/* Makes it hold no more than what its replies, which still come, do to the link. */
static inline void
tornadis_slot_forget (TornadisSlot *self)
{
  if (self->command != NULL && self->command->effect == TORNADIS_COMMAND_PLAIN)
    {
      self->may_block = tornadis_slot_may_block (self);
      g_clear_pointer (&self->command, tornadis_command_unref);
    }
  if (self->batch != NULL)
    tornadis_batch_forget_replies (self->batch);
}

/* The socket took its last byte: large values need not wait for the reply, unless an observer is to see them. */
static inline void
tornadis_slot_release_values (TornadisSlot *self)
{
  if (G_UNLIKELY (self->queued != 0))
    return;

  if (self->command != NULL && tornadis_command_get_wire_size (self->command) > TORNADIS_LARGE_ARG_SIZE)
    self->command = tornadis_batch_shrink_command (self->command);

  if (self->batch != NULL && self->n_bytes > TORNADIS_LARGE_ARG_SIZE)
    tornadis_batch_release_values (self->batch);
}

G_END_DECLS
