/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/wire/tornadis-backoff.h"
#include "tornadis-glib/wire/tornadis-link.h"
#include "tornadis-glib/wire/tornadis-poller.h"

G_BEGIN_DECLS

struct _TornadisLink
{
  grefcount ref_count; /* of the owner and of functions under way that call back */
  GMainContext *context; /* (owned) */
  TornadisLinkFuncs funcs;
  gpointer user_data; /* (unowned) */
  TornadisLinkSettings settings;
  TornadisQueue *queue;           /* (owned) */
  TornadisConnection *connection; /* (owned) (nullable) while CONNECTED */
  TornadisConnector *connector;   /* (owned) (nullable) while CONNECTING */
  GSource *wait_source;           /* (owned) (nullable) while WAITING */
  gulong network_changed_id;      /* while WAITING */
  TornadisPoller *poller;         /* (owned) */
  TornadisPollerTimer timer;      /* deadlines of calls and of silence */
  TornadisPollerItem ensure_item; /* queued while a call waits for a link that is not asked for yet */
  gint64 since;                   /* when the link last came up or went, monotonic time */
  gint64 not_before;              /* of the next attempt, monotonic time */
  gint64 drain_since;             /* monotonic time: calls that were due wait for what had come before; 0: none do */
  gint64 last_ping;               /* monotonic time; of the last PING because of silence */
  guint64 ping_id;                /* its place in the queue */
  GError *last_error;             /* (owned) (nullable) of the last attempt or loss */
  TornadisBackoff backoff;
  TornadisClientState state;
  guint protocol_version;
  gint64 server_id;
  guint n_closed; /* how often it was closed: what was under way when it is more does not go on */
  int n_corks;            /* nothing is written while there are any */
  TornadisSession session;
  gboolean unusable : 1;  /* the server does not do what the link is for: it is retired, or given up at once */
  gboolean shut_down : 1; /* for good */
  gboolean freed : 1;     /* the owner is gone */
};

/* The link whose part @pointer is. */
#define TORNADIS_LINK_OF(pointer, member) \
  ((TornadisLink *) (gpointer) ((guint8 *) (pointer) - G_STRUCT_OFFSET (TornadisLink, member)))

/* Around what calls back: neither the link nor its owner goes before it is through. */
gboolean tornadis_link_enter        (TornadisLink        *self);
void     tornadis_link_leave        (TornadisLink        *self,
                                     gboolean             held);
/* The connection that was up is closed. What may have run completes with LOST, the rest goes on where it can. */
void     tornadis_link_lost         (TornadisLink        *self,
                                     const GError        *error);
gboolean tornadis_link_is_listening (TornadisLink *self);

/* tornadis-link-timers.c */

/* The timer is due at @at, monotonic time, if not before; 0: no change. */
void     tornadis_link_arm          (TornadisLink        *self,
                                     gint64               at);
void     tornadis_link_timer_cb     (TornadisPollerTimer *timer,
                                     gint64               now,
                                     gint64               deadline);
/* All that had come before a deadline passed has been read. */
void     tornadis_link_drained_cb   (gpointer             user_data);

G_END_DECLS
