/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-message.h"
#include "tornadis-glib/values/tornadis-reply-private.h"

G_BEGIN_DECLS

/* The names of a message: the same for all of a channel, where they come from one cache. */
typedef struct
{
  int ref_count;          /* (atomic) */
  TornadisReply *channel; /* (owned) */
  TornadisReply *pattern; /* (owned) (nullable) */
  char *channel_text;     /* (owned) (nullable): when the bytes are not UTF-8 text themselves */
  char *pattern_text;     /* (owned) (nullable): likewise */
  gboolean is_shard;      /* it is a shard channel */
  /* For the client that receives the messages: */
  GQuark detail;          /* of the channel as text, or 0: it was no quark yet */
  guint n_without_detail; /* messages while it was none */
} TornadisMessageNames;

/* Names that may come again. */
typedef struct
{
  TornadisMessageNames *last;   /* (owned) (nullable) */
  TornadisMessageNames **slots; /* (owned) (nullable) (element owned, nullable) by a hash of the channel, when there was more
                                 * than one */
} TornadisMessageNamesCache;

struct _TornadisMessage
{
  /* Of the queue that it is in, and is the only one in: a message is not handed out before it has left it. */
  union
  {
    TornadisMessage *next; /* (nullable) */
    guint64 serial;        /* once it was in it: its number there; or 0 */
  } place;
  TornadisMessageNames *names; /* (owned) */
  TornadisReply *payload;      /* &node, or (owned) */
  /* References to the message are references to this. A small payload stands in it: who has that has the message. */
  TornadisReply node;
};

/* Consumes @push, whose first elements are the kind, the pattern if that is what @kind says, the channel and the
 * payload. Without a @cache (nullable) the message has names of its own. */
TornadisMessage *tornadis_message_new      (TornadisReply             *push,
                                            TornadisSubscriptionKind   kind,
                                            TornadisMessageNamesCache *cache);
/* The bytes of its channel. */
const char      *tornadis_message_peek_channel (TornadisMessage *self,
                                                gsize           *length);
/* (nullable): the bytes of its pattern. */
const char      *tornadis_message_peek_pattern (TornadisMessage *self,
                                                gsize           *length);
/* (nullable): the bytes that were published; NULL: it is about keys. */
const char      *tornadis_message_peek_payload (TornadisMessage *self,
                                                gsize           *length);
gsize            tornadis_message_get_size (TornadisMessage *self);
void             tornadis_message_names_cache_clear (TornadisMessageNamesCache *self);

G_END_DECLS
