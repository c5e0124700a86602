/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/values/tornadis-reply.h"
#include "tornadis-glib/wire/tornadis-writer.h"

G_BEGIN_DECLS

/* The commands of a pipeline in flight, and its replies so far. */
typedef struct
{
  GPtrArray *commands;     /* (owned) (element-type TornadisCommand) */
  gboolean atomic;         /* between MULTI and EXEC */
  gboolean has_effects;    /* some do something to the connection */
  gsize wire_size;         /* bytes of all commands */
  char *nonce;             /* (owned) (nullable) what the ECHO says, of one that is guarded */
  gboolean refused;        /* it was said in place of the reply */
  gsize n_sent;            /* commands serialised, MULTI and EXEC included */
  gsize n_received;        /* replies, likewise */
  TornadisReply **replies; /* (owned) (nullable) (nullable elements) one for each command, or when
                              atomic the errors of MULTI and the commands */
} TornadisBatch;

/* Takes a reference to @commands. */
TornadisBatch   *tornadis_batch_new            (GPtrArray       *commands,
                                                gboolean         atomic);
/* Of AUTH, which Redis 8.0 and Valkey 8.1 may refuse without a reply: an ECHO goes out behind it, so that there is always
 * one. See findings/refused-auth-has-no-reply.sh. */
TornadisBatch   *tornadis_batch_new_guarded    (TornadisCommand *command);
/* What @reply, the next one, means: the answer to the ECHO in place of that to the command is a refusal; (transfer full)
 * both ways. */
TornadisReply   *tornadis_batch_read_guarded   (TornadisBatch   *self,
                                                TornadisReply   *reply);
void             tornadis_batch_free           (TornadisBatch   *self);
/* Whether one of the commands may take the server long. */
gboolean         tornadis_batch_may_block      (TornadisBatch   *self);
/* Whether one of them waits for data. Within a transaction none does. */
gboolean         tornadis_batch_blocks         (TornadisBatch   *self);

/* Serialises commands until about @page_size bytes are in @writer. Returns whether the last one is in it. */
gboolean         tornadis_batch_fill           (TornadisBatch   *self,
                                                TornadisWriter  *writer,
                                                gsize            page_size);
/* None of it was written: it starts again. */
void             tornadis_batch_rewind         (TornadisBatch   *self);
/* Consumes @command. Returns one with its name and effect, for error messages, and none of its arguments. */
TornadisCommand *tornadis_batch_shrink_command (TornadisCommand *command);
/* All of it was written: large values need not wait for the replies. */
void             tornadis_batch_release_values (TornadisBatch   *self);

/* Consumes @reply. Returns the outcome, or %NULL while more replies must come. Without @keep they are only counted. */
TornadisReply   *tornadis_batch_collect        (TornadisBatch   *self,
                                                TornadisReply   *reply,
                                                gboolean         keep);
/* Nobody wants the outcome any more; those that come are still counted. */
void             tornadis_batch_forget_replies (TornadisBatch   *self);

/* Whether nothing depends on its arguments once they are written. */
static inline gboolean
tornadis_batch_can_shrink (const TornadisCommand *command)
{
  return tornadis_command_get_wire_size (command) > TORNADIS_LARGE_ARG_SIZE &&
         (command->effect == TORNADIS_COMMAND_PLAIN || command->effect == TORNADIS_COMMAND_BLOCKING);
}

/* How many replies belong to it. */
static inline gsize
tornadis_batch_get_n_calls (const TornadisBatch *self)
{
  return self->commands->len + (self->atomic ? 2 : 0);
}

/* What reply @i answers; %NULL: MULTI or EXEC. */
static inline TornadisCommand *
tornadis_batch_get_command (const TornadisBatch *self,
                            gsize                i)
{
  if (!self->atomic)
    return g_ptr_array_index (self->commands, i);
  return i > 0 && i <= self->commands->len ? g_ptr_array_index (self->commands, i - 1) : NULL;
}

static inline TornadisCommandEffect
tornadis_batch_get_effect (const TornadisBatch *self,
                           gsize                i)
{
  TornadisCommand *command = tornadis_batch_get_command (self, i);

  if (command != NULL)
    return tornadis_command_get_effect (command);
  return i == 0 ? TORNADIS_COMMAND_MULTI : TORNADIS_COMMAND_EXEC;
}

G_END_DECLS
