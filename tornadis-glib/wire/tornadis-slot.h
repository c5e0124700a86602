/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/wire/tornadis-batch.h"
#include "tornadis-glib/wire/tornadis-completions.h"
#include "tornadis-glib/wire/tornadis-confirmations.h"
#include "tornadis-glib/wire/tornadis-session.h"

G_BEGIN_DECLS

/* What became of a slot's bytes. Whether its caller still waits is another matter: see tornadis_slot_is_awaited(). */
typedef enum
{
  TORNADIS_SLOT_WAITING, /* nothing is serialised */
  TORNADIS_SLOT_STARTED, /* serialised, at least in part */
  TORNADIS_SLOT_VOIDED,  /* completed before it was written: no bytes and no reply */
} TornadisSlotState;

/* A pending request, in the order of replies: what the queue knows of one call. */
typedef struct
{
  TornadisSlotFunc func;                /* (nullable) NULL: the reply is swallowed */
  gpointer user_data;                   /* (unowned) */
  TornadisCommand *command;             /* (owned) (nullable) */
  TornadisBatch *batch;                 /* (owned) (nullable) */
  TornadisConfirmations *confirmations; /* (owned) (nullable) of a command that has these instead of a reply */
  gint64 deadline;                      /* monotonic time, or 0 */
  gint64 queued;                        /* monotonic time, or 0: is not observed */
  guint64 start;                        /* stream position of its first byte, once started */
  guint64 end;                          /* stream position behind its last byte, once known, or 0 */
  gsize n_bytes;                        /* its part of the queue's n_bytes */
  guint8 flags;                         /* TornadisSlotFlags */
  guint8 state;                         /* TornadisSlotState */
  guint8 notifies;                      /* TornadisNotifies */
  guint8 may_block;                     /* of a tombstone: the command, which is forgotten, may take the server long */
} TornadisSlot;

static inline gsize
tornadis_slot_get_n_calls (const TornadisSlot *self)
{
  return self->batch != NULL ? tornadis_batch_get_n_calls (self->batch) : 1;
}

/* The first of its commands that has no reply; those from there on are in the order of their replies. */
static inline gsize
tornadis_slot_get_first (const TornadisSlot *self)
{
  return self->batch != NULL ? self->batch->n_received : 0;
}

static inline TornadisCommandEffect
tornadis_slot_get_effect (const TornadisSlot *self,
                          gsize i)
{
  if (self->batch != NULL)
    return tornadis_batch_get_effect (self->batch, i);
  return self->command != NULL ? tornadis_command_get_effect (self->command) : TORNADIS_COMMAND_PLAIN;
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

/* Whether the program is notified when it completes. */
static inline gboolean
tornadis_slot_notifies_program (const TornadisSlot *self)
{
  return self->func != NULL && self->notifies == TORNADIS_NOTIFIES_PROGRAM;
}

/* Whether the program is never notified. */
static inline gboolean
tornadis_slot_notifies_nobody (const TornadisSlot *self)
{
  return self->func == NULL || self->notifies == TORNADIS_NOTIFIES_NOBODY || self->notifies == TORNADIS_NOTIFIES_MAKER;
}

/* Whether a server that takes long over it may be alive all the same. */
static inline gboolean
tornadis_slot_may_block (const TornadisSlot *self)
{
  if (self->command != NULL)
    return tornadis_command_effect_may_block (tornadis_command_get_name (self->command));
  return self->batch != NULL ? tornadis_batch_may_block (self->batch) : self->may_block;
}

/* Whether nothing else may be in flight with it. */
static inline gboolean
tornadis_slot_is_alone (const TornadisSlot *self)
{
  return self->batch != NULL && self->batch->nonce != NULL;
}

/* Whether it may change what the server keeps for the connection. */
static inline gboolean
tornadis_slot_has_effect (const TornadisSlot *self)
{
  if (self->command != NULL)
    return self->command->effect != TORNADIS_COMMAND_PLAIN;
  return self->batch != NULL && self->batch->has_effects;
}

/* Whether the server waits for data on its behalf. */
static inline gboolean
tornadis_slot_blocks (const TornadisSlot *self)
{
  if (self->command != NULL)
    return G_UNLIKELY (self->command->effect == TORNADIS_COMMAND_BLOCKING) && tornadis_session_command_blocks (self->command);
  return self->batch != NULL && tornadis_batch_blocks (self->batch);
}

/* What runs when it completes; it holds no reference. */
static inline TornadisCompletion
tornadis_slot_get_completion (const TornadisSlot *self,
                              TornadisObserveFunc observe_func,
                              gpointer observe_data)
{
  TornadisCompletion completion = { .func = self->func, .user_data = self->user_data };

  if (self->queued != 0)
    {
      completion.observe_func = observe_func;
      completion.observe_data = observe_data;
      completion.queued = self->queued;
      completion.command = self->command;
      if (self->batch != NULL && self->command == NULL)
        completion.pipeline = (TornadisObservedPipeline){ self->batch->commands, self->batch->atomic };
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

/* Its bytes were taken back, or were lost with the link: it waits again. */
static inline void
tornadis_slot_rewind (TornadisSlot *self)
{
  if (self->state == TORNADIS_SLOT_STARTED)
    self->state = TORNADIS_SLOT_WAITING;
  self->end = 0;
  if (self->batch != NULL)
    tornadis_batch_rewind (self->batch);
}

/* Drops what is not needed to follow what its replies, which still come, do to the link. */
static inline void
tornadis_slot_forget (TornadisSlot *self)
{
  if (self->command != NULL && self->command->effect == TORNADIS_COMMAND_PLAIN)
    {
      self->may_block = tornadis_slot_may_block (self) ? TRUE : FALSE;
      g_clear_pointer (&self->command, tornadis_command_unref);
    }
  if (self->batch != NULL)
    tornadis_batch_forget_replies (self->batch);
}

/* The socket took its last byte: large values need not wait for the reply, unless an observer is to see them. */
static inline void
tornadis_slot_release_values (TornadisSlot *self)
{
  if (G_LIKELY (self->n_bytes <= TORNADIS_LARGE_ARG_SIZE) || self->queued != 0)
    return;

  if (self->command != NULL && tornadis_batch_can_shrink (self->command))
    self->command = tornadis_batch_shrink_command (self->command);

  if (self->batch != NULL)
    tornadis_batch_release_values (self->batch);
}

G_END_DECLS
