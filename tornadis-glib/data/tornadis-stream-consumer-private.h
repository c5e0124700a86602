/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/data/tornadis-stream-consumer.h"
#include "tornadis-glib/data/tornadis-stream-reader-private.h"
#include "tornadis-glib/data/tornadis-stream-sender-private.h"

G_BEGIN_DECLS

/* What was asked for on the connection of its own. */
typedef enum
{
  TORNADIS_STREAM_PHASE_GROUP,     /* the group is made */
  TORNADIS_STREAM_PHASE_OWN,       /* what the server has delivered to the consumer before */
  TORNADIS_STREAM_PHASE_COUNTS,    /* how often entries were delivered */
  TORNADIS_STREAM_PHASE_AUTOCLAIM, /* what others have left */
  TORNADIS_STREAM_PHASE_NEW,       /* what was delivered to nobody */
} TornadisStreamPhase;

/* How entries of dead consumers are taken over. */
typedef enum
{
  TORNADIS_STREAM_CLAIM_UNKNOWN,   /* the option is tried */
  TORNADIS_STREAM_CLAIM_OPTION,    /* of XREADGROUP, since Redis 8.4 */
  TORNADIS_STREAM_CLAIM_AUTOCLAIM, /* XAUTOCLAIM, since Redis 6.2 */
  TORNADIS_STREAM_CLAIM_NONE,      /* the server refuses both */
} TornadisStreamClaim;

struct _TornadisStreamConsumer
{
  TornadisStreamReader parent_instance;

  char *group;              /* (owned) */
  char *name;               /* (owned) */
  char *dead_letter_stream; /* (owned) (nullable) */
  guint claim_idle_msec;
  guint max_deliveries;

  TornadisStreamPhase phase;
  gboolean group_missing;
  GHashTable *pending; /* (element-type TornadisStreamEntry) (owned) a set: all that are queued, told or ending */
  gboolean asking;     /* what was asked for is on its way */
  GHashTable *acked;   /* (element-type TornadisStreamEntry) (owned) a set: those of which the acknowledgement came meanwhile */
  char *own_position;  /* (owned) (nullable) behind which entries of its own are asked for; NULL: all were */
  char *new_position;  /* (owned) (nullable) of the last new entry */
  char *known_position; /* (owned) (nullable) likewise, since the group was made */

  TornadisStreamClaim claim;
  char *claim_cursor;  /* (owned) (nullable) of XAUTOCLAIM, within a round */
  gint64 next_claim;   /* the time of the next round */
  gboolean claim_turn; /* within a round new entries have their turn in between */

  GQueue uncounted;      /* (element-type TornadisStreamEntry) (owned) whose deliveries are asked for */
  char *counts_position; /* (owned) (nullable) behind which */
  gboolean counts_refused;

  TornadisStreamSender *sender; /* (owned) (nullable) of acknowledgements and dead letters */
  GPtrArray *acks;              /* (element-type TornadisStreamEntry) (owned) to be acknowledged */
  GQueue ack_tasks;             /* (element-type GTask) (owned) that wait for those */
  gboolean acking;              /* an XACK is under way: what comes meanwhile goes together in the next */
  GSource *ack_source;          /* (owned) (nullable) at the end of the turn */
  GMainContext *context;        /* (owned) */
};

/* tornadis-stream-consumer.c */

void tornadis_stream_consumer_tell_deleted (TornadisStreamConsumer *self,
                                            const char *id);
void tornadis_stream_consumer_tell_dead_letter (TornadisStreamConsumer *self,
                                                TornadisStreamEntry *entry);

/* tornadis-stream-consumer-read.c */

extern const TornadisStreamReaderHooks tornadis_stream_consumer_hooks;

/* tornadis-stream-consumer-ack.c */

/* Acknowledges an entry that is pending. */
void tornadis_stream_consumer_end (TornadisStreamConsumer *self,
                                   TornadisStreamEntry *entry);
/* One whose acknowledgement is waited for, or has come. */
void tornadis_stream_consumer_ack_again (TornadisStreamConsumer *self,
                                         TornadisStreamEntry *entry);
/* Answers a task when everything was acknowledged that is to be now, or with an error. */
void tornadis_stream_consumer_wait_for_acks (TornadisStreamConsumer *self,
                                             GTask *task);
/* Adds an entry that is pending to the dead letters, and then acknowledges it. */
void tornadis_stream_consumer_bury (TornadisStreamConsumer *self,
                                    TornadisStreamEntry *entry);
/* It is pending no more. */
void tornadis_stream_consumer_forget (TornadisStreamConsumer *self,
                                      TornadisStreamEntry *entry);
/* An entry that is pending was delivered once more, and that does not count. */
void tornadis_stream_consumer_restore_count (TornadisStreamConsumer *self,
                                             TornadisStreamEntry *entry);
/* The end of the consumer: what is to be acknowledged is sent, and nobody hears how it went. */
void tornadis_stream_consumer_end_acks (TornadisStreamConsumer *self);

G_END_DECLS
