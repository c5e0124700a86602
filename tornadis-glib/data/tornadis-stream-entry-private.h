/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/data/tornadis-stream-entry.h"

G_BEGIN_DECLS

/* What is between the client's claiming it from the server and its being acknowledged. */
typedef enum
{
  TORNADIS_STREAM_ENTRY_QUEUED, /* it was not told yet */
  TORNADIS_STREAM_ENTRY_TOLD,   /* the program has it */
  TORNADIS_STREAM_ENTRY_DYING,  /* it becomes a dead letter, and is acknowledged then */
  TORNADIS_STREAM_ENTRY_ENDING, /* it is acknowledged */
} TornadisStreamEntryState;

struct _TornadisStreamEntry
{
  gatomicrefcount ref_count;
  guint delivery_count;
  TornadisStreamEntryState state; /* to its consumer */
  guint64 milliseconds;           /* the first half of its id */
  guint64 sequence;               /* the second */
  char *stream;                   /* (owned) a GRefString */
  TornadisReply *reply;           /* (owned) its id, and its fields as a list or nil; perhaps more behind them */
};

/* Of a reply for one entry; %NULL if it is none. */
TornadisStreamEntry *tornadis_stream_entry_new (char *stream,
                                                TornadisReply *reply);
/* Has an id alone, to look up another with it; %FALSE if that is none. */
gboolean tornadis_stream_entry_set_key (TornadisStreamEntry *self,
                                        const char *id);
/* Whether it was deleted from the stream: it has no fields. */
gboolean tornadis_stream_entry_is_deleted (TornadisStreamEntry *self);
/* Of a hash table: entries with the same id. */
guint tornadis_stream_entry_hash (gconstpointer entry);
gboolean tornadis_stream_entry_equal (gconstpointer one,
                                      gconstpointer other);
/* As of two numbers. */
int tornadis_stream_entry_compare (const TornadisStreamEntry *one,
                                   const TornadisStreamEntry *other);
/* Whether they have the same id and the same fields. */
gboolean tornadis_stream_entry_has_same (TornadisStreamEntry *one,
                                         TornadisStreamEntry *other);
/* In a reply to XREAD or XREADGROUP of one stream, the list of its entries: (transfer none) (nullable). */
TornadisReply *tornadis_stream_reply_get_list (TornadisReply *reply);
/* A number that a server may send as text. */
gint64 tornadis_stream_reply_get_number (TornadisReply *reply);

G_END_DECLS
