/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-reply.h"
#include "tornadis-glib/wire/tornadis-writer.h"

G_BEGIN_DECLS

/* The commands of a pipeline on their way, and its replies so far. */
typedef struct
{
  GPtrArray *commands;     /* (owned) (element-type TornadisCommand) */
  gboolean atomic;         /* between MULTI and EXEC */
  gsize n_sent;            /* commands serialised, MULTI and EXEC included */
  gsize n_received;        /* replies, likewise */
  TornadisReply **replies; /* (owned) (nullable) (nullable elements) one for each command, or when
                              atomic the errors of MULTI and the commands */
} TornadisBatch;

/* Takes a reference to @commands. */
TornadisBatch   *tornadis_batch_new            (GPtrArray       *commands,
                                                gboolean         atomic);
void             tornadis_batch_free           (TornadisBatch   *self);
gsize            tornadis_batch_get_wire_size  (TornadisBatch   *self);
/* Whether one of the commands may take the server long. */
gboolean         tornadis_batch_may_block      (TornadisBatch   *self);

/* Serialises commands until about @page_size bytes are in @writer; whether the last one is in it. */
gboolean         tornadis_batch_fill           (TornadisBatch   *self,
                                                TornadisWriter  *writer,
                                                gsize            page_size);
/* None of it was written: it starts again. */
void             tornadis_batch_rewind         (TornadisBatch   *self);
/* All of it was written: large values need not wait for the replies. */
void             tornadis_batch_release_values (TornadisBatch   *self);

/* Takes @reply over. The outcome, or %NULL while more replies must come. They are counted only, unless @keep. */
TornadisReply   *tornadis_batch_collect        (TornadisBatch   *self,
                                                TornadisReply   *reply,
                                                gboolean         keep);
/* Nobody wants the outcome any more; those that come are still counted. */
void             tornadis_batch_forget_replies (TornadisBatch   *self);

/* Takes @command over and returns one to report and to hold no memory, of no use to a server. */
TornadisCommand *tornadis_batch_shrink_command (TornadisCommand *command);

/* How many replies belong to it. */
static inline gsize
tornadis_batch_get_n_calls (const TornadisBatch *self)
{
  return self->commands->len + (self->atomic ? 2 : 0);
}

G_END_DECLS
