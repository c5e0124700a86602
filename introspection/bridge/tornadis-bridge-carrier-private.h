/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "introspection/bridge/tornadis-bridge-carrier.h"
#include "introspection/bridge/tornadis-bridge-format.h"

G_BEGIN_DECLS

/* What goes over in one piece: outcomes, or messages. */
typedef struct
{
  GList link;        /* in the carrier's chunks; its data is this */
  GString *outcomes; /* (owned) (nullable) */
  guint n_outcomes;
  gboolean lone;              /* the outcome is the text of a reply, for the function of lone calls */
  TornadisBridgeBatch *batch; /* (owned) (nullable) */
  GHashTable *routes;         /* (owned) (nullable) (element-type TornadisMessage guint) of a batch with more than one */
  TornadisMessage *last;      /* (owned) (nullable) the last that was added to the batch; it is of the route @last_route */
  guint last_route;
} TornadisBridgeChunk;

struct _TornadisBridgeCarrier
{
  GObject parent_instance;

  GObject *owner;                     /* (unowned) (nullable) a client or a pool: a weak pointer */
  GObject *held;                      /* (owned) (nullable) the same, from a call's being announced to its outcome's being told */
  const TornadisBridgeFormat *format; /* (unowned) */
  TornadisBridgeDataFunc data_func;   /* (nullable) */
  TornadisBridgeTextFunc text_func;   /* (nullable) */
  gpointer user_data;
  GDestroyNotify user_data_destroy; /* (nullable) */
  TornadisBridgeLoneFunc lone_func; /* (nullable) */
  gpointer lone_data;
  GDestroyNotify lone_data_destroy; /* (nullable) */

  TornadisPollerItem item; /* of the owner's main context */
  GString *spare;          /* (owned) (nullable) empty, for the next outcomes */
  GQueue chunks;           /* (element-type TornadisBridgeChunk) (owned) to be told */
  GQueue calls;            /* (element-type TornadisBridgeCall) under way, in the order in which they were made */
  GList *cancelled;        /* (unowned) (nullable) the call that was cancelled last, or one beside where it was */
  GHashTable *kept;        /* (owned) (nullable) (element-type guint TornadisReply) what will be asked for */
  GHashTable *clients;     /* (owned) (nullable) (element-type guint TornadisClient) likewise, of a pool */
  guint32 next_number;
  guint max_messages; /* told at a time, see adapt() */
  guint max_outcomes; /* likewise */
  gboolean decode;    /* of calls that are made from now on */
  gboolean expecting;
  GHashTable *listeners; /* (owned) (element-type gulong GClosure) by the ids of their handlers */
  guint n_notifying;     /* how deep */
};

/* A call under way. */
typedef struct
{
  GList link;                     /* in the carrier's calls; its data is this */
  TornadisBridgeCarrier *carrier; /* (unowned) it keeps itself while calls are under way */
  guint32 number;
  gboolean lone;   /* its reply goes to the function of lone calls, if that is text */
  gboolean decode; /* of the carrier, when it was made */
  TornadisDispatched dispatched;
  GCancellable *cancellable; /* (owned) (nullable) of its own: what the caller gave may be that of others too */
  GCancellable *callers;     /* (owned) (nullable) the one that the caller gave, which cancels it */
  gulong callers_id;         /* 0: it was cancelled already */
  char *expired;             /* (owned) (nullable) what took too long, once its time is over */
} TornadisBridgeCall;

/* tornadis-bridge-carrier.c */

/* The owner, which may have been disposed of but is there; or %NULL with an error. */
gpointer             tornadis_bridge_carrier_get_owner    (TornadisBridgeCarrier  *self,
                                                           GError                **error);
/* The main context that @owner belongs to. */
GMainContext        *tornadis_bridge_carrier_get_context  (GObject                *owner);
/* What is told from now on needs its turn, and the owner must stay until then. */
void                 tornadis_bridge_carrier_hold         (TornadisBridgeCarrier  *self,
                                                           GObject                *owner);
/* Nothing is expected, under way or left to tell: the owner may go, and with it the carrier. */
void                 tornadis_bridge_carrier_let_go       (TornadisBridgeCarrier  *self);
/* The last chunk to be told, if it has outcomes and room for another, or a new one. */
TornadisBridgeChunk *tornadis_bridge_carrier_get_outcomes (TornadisBridgeCarrier  *self);
/* A new chunk behind all others, for the reply of a lone call. */
TornadisBridgeChunk *tornadis_bridge_carrier_add_lone     (TornadisBridgeCarrier  *self);
/* A chunk that is in no queue, for messages. */
TornadisBridgeChunk *tornadis_bridge_chunk_new_messages   (TornadisBridgeCarrier  *self,
                                                           gboolean                popped);
/* The last chunk to be told, if it has messages of that sort and room for another, or a new one. */
TornadisBridgeChunk *tornadis_bridge_carrier_get_messages (TornadisBridgeCarrier  *self,
                                                           gboolean                popped);
/* Tells the messages of a chunk (transfer full), ahead of what else there is. */
void                 tornadis_bridge_carrier_tell_at_once (TornadisBridgeCarrier  *self,
                                                           TornadisBridgeChunk    *chunk);
void                 tornadis_bridge_carrier_tell_all     (TornadisBridgeCarrier  *self);
void                 tornadis_bridge_chunk_free           (TornadisBridgeChunk    *chunk);

/* tornadis-bridge-calls.c */

/* So many calls get the numbers from the one that is returned on, before any is made: a plugin may make others
 * meanwhile. */
guint32              tornadis_bridge_carrier_reserve      (TornadisBridgeCarrier  *self,
                                                           guint                   n_calls);
TornadisBridgeCall  *tornadis_bridge_call_new             (TornadisBridgeCarrier  *self,
                                                           guint32                 number);
/* Frees a call whose outcome was added. */
void                 tornadis_bridge_call_free            (TornadisBridgeCall     *call);
/* What @error really is, to the caller; NULL: what it says. */
GError              *tornadis_bridge_call_explain         (TornadisBridgeCall     *call,
                                                           const GError           *error);
/* Its outcome is @reply, or @error; frees it. */
void                 tornadis_bridge_call_complete_reply  (TornadisBridgeCall     *call,
                                                           TornadisReply          *reply,
                                                           const GError           *error);

/* tornadis-bridge-operations.c */

/* A new operation, which has a cancellable and is under way, until @cancellable (nullable) is cancelled or before; NULL with
 * an error: the owner is gone. */
TornadisBridgeCall  *tornadis_bridge_carrier_start        (TornadisBridgeCarrier  *self,
                                                           GCancellable           *cancellable,
                                                           GError                **error);
/* Its outcome is true, or @error; frees it. */
void                 tornadis_bridge_call_complete        (TornadisBridgeCall     *call,
                                                           const GError           *error);
/* Likewise, for what has a function @finish (object, result, error) that returns a boolean, or else an error. */
void tornadis_bridge_call_finish (TornadisBridgeCall *call,
                                  GObject *object,
                                  GAsyncResult *result,
                                  GCallback finish);

/* Without a poller the carrier was disposed of: nothing is told any more. */
static inline gboolean
tornadis_bridge_carrier_is_alive (TornadisBridgeCarrier *self)
{
  return self->item.poller != NULL;
}

G_END_DECLS
