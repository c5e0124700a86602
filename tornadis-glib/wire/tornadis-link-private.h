/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/wire/tornadis-backoff.h"
#include "tornadis-glib/wire/tornadis-link.h"
#include "tornadis-glib/wire/tornadis-poller.h"

G_BEGIN_DECLS

/* Why a connection, or an attempt to make one, is torn down. */
typedef enum
{
  LINK_FAILED, /* the attempt */
  LINK_LOST,
  LINK_CLOSED, /* by the program */
} LinkEnd;

/* Calls of the last connection, or of an attempt to make one, complete. */
typedef struct
{
  guint serial; /* 0: there are none */
  LinkEnd end;
  GError *error; /* (owned) */
  gboolean was_connected;
  gboolean notifies_waiters; /* those who have asked for a connection have to be notified */
  gboolean is_asked_for;     /* another connection */
  gboolean may_reconnect;    /* by itself */
} LinkEnding;

struct _TornadisLink
{
  grefcount ref_count; /* of the owner, and of functions on the stack that call back */
  GMainContext *context; /* (owned) */
  TornadisLinkFuncs funcs;
  gpointer user_data; /* (unowned) */
  TornadisLinkSettings settings;
  TornadisQueue *queue;           /* (owned) */
  TornadisConnection *connection; /* (owned) (nullable) while CONNECTED */
  TornadisConnector *connector;   /* (owned) (nullable) while CONNECTING */
  GSource *wait_source;           /* (owned) (nullable) while WAITING */
  gulong network_changed_id;      /* while WAITING; 0: there is no monitor yet */
  TornadisPoller *poller;         /* (owned) */
  TornadisPollerTimer timer;      /* deadlines of calls and of silence */
  TornadisPollerItem ensure_item; /* queued while a call waits for a link that is not asked for yet */
  TornadisPollerItem ending_item; /* queued while there is an @ending */
  LinkEnding ending;
  guint n_endings;
  gint64 since;                   /* when the link last came up or was closed, monotonic time */
  gint64 not_before;              /* of the next attempt, monotonic time */
  gint64 drain_since;             /* monotonic time: when calls were due that wait for what came before; 0: none do */
  gint64 last_ping;               /* monotonic time; of the last PING because of silence */
  guint64 ping_id;                /* its id in the queue */
  TornadisCommand *login;         /* (owned) (nullable) an AUTH that waits for the end of MULTI */
  guint64 login_id;               /* in the queue, of one that has no reply; 0: none */
  gint64 login_asked;             /* monotonic time; when it was queued, or was last seen not to be due */
  guint login_timeout_sec;        /* 0: none */
  guint64 verify_key;             /* of the connection */
  gsize n_unverified;             /* commands behind the last check */
  guint64 n_checks;               /* that were queued on the connection */
  guint64 n_checked;              /* of these, those that were answered */
  GError *last_error;             /* (owned) (nullable) of the last attempt or loss */
  TornadisBackoff backoff;
  TornadisClientState state;
  guint protocol_version;
  gint64 server_id;
  guint n_closed; /* how often it was closed: a function that calls back stops when it finds this changed */
  int n_corks;    /* nothing is written at once while there are any */
  TornadisSession session;
  gboolean unusable : 1;  /* the server does not do what the link is for: it is retired, or closed at once */
  gboolean moves : 1;     /* it is closed because another server is the right one */
  gboolean shut_down : 1; /* for good */
  gboolean closing : 1;   /* calls complete within a function that closes it */
  gboolean freed : 1;     /* the owner has freed it: nothing is called back any more */
};

/* The link that has @pointer as its @member. */
#define TORNADIS_LINK_OF(pointer, member) \
  ((TornadisLink *) (gpointer) ((guint8 *) (pointer) - G_STRUCT_OFFSET (TornadisLink, member)))

/* Around what calls back: keeps the link and its owner alive in between. */
gboolean tornadis_link_enter        (TornadisLink        *self);
void     tornadis_link_leave        (TornadisLink        *self,
                                     gboolean             held);
/* Closes the connection that was up. Calls that may have run complete with LOST, the others wait for the next one if they
 * can. */
void     tornadis_link_lost         (TornadisLink        *self,
                                     const GError        *error);
gboolean tornadis_link_is_listening (TornadisLink        *self);

/* tornadis-link-login.c */

/* Queues the AUTH that waits, if it may be. */
void tornadis_link_send_login (TornadisLink *self);
/* Returns when to look again, or 0. May lose the connection. */
gint64 tornadis_link_check_login (TornadisLink *self,
                                  gint64 now);
/* The connection is closed. */
void tornadis_link_forget_login (TornadisLink *self);
/* Whether no call is pending, but for its own login. */
gboolean tornadis_link_is_idle (TornadisLink *self);

/* tornadis-link-verify.c */

/* So many commands more were queued: queues a check if it is time for one. */
void tornadis_link_verify (TornadisLink *self,
                           gsize n_commands);
/* There is a new connection, on which nothing is written. */
void tornadis_link_begin_verifying (TornadisLink *self);

/* tornadis-link-timers.c */

/* The timer is due at @at, monotonic time, if not before; 0: no change. */
void     tornadis_link_arm          (TornadisLink        *self,
                                     gint64               at);
/* All that had come before the deadline has been read. */
void     tornadis_link_drained_cb   (gpointer             user_data);
void     tornadis_link_timer_cb     (TornadisPollerTimer *timer,
                                     gint64               now,
                                     gint64               deadline);

G_END_DECLS
