/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-call.h"
#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/wire/tornadis-queue.h"

G_BEGIN_DECLS

/* The phases of a call. A loop over them, call_run(), takes the place of recursion, so that a chain may be long and every
 * plugin may answer from within its hook.
 *
 *   DOWN -> OFFERED -> DOWN ...   a plugin's call hook passes it on, to the next plugin
 *              |
 *              +-> HELD           or keeps it: -> DOWN with proceed, -> SENT with forward, -> UP with return_reply or
 *                                 return_error, or when it is dropped, or its deadline passes
 *   DOWN -> SENT                  behind the last plugin; -> UP with the outcome
 *   UP -> UP ...                  call_done hooks, from the innermost plugin to the outermost whose call hook has run
 *    |
 *    +-> SENT                     one of them asked for another attempt: after its delay -> DOWN, behind that plugin, or to
 *                                 it again if it has forwarded the call
 *    +-> DONE                     the caller is notified, never within the function that made the call
 *   any -> UP                     abandoned: cancelled, timed out, or the client is closed; it cannot be held up any more
 */
typedef enum
{
  PHASE_DOWN,    /* to be offered to the plugin at @next, or sent */
  PHASE_OFFERED, /* in the call hook of the plugin before @next */
  PHASE_HELD,    /* that plugin has it */
  PHASE_SENT,    /* on the connection, or waiting to be sent again */
  PHASE_UP,      /* the outcome is known; the plugins before @next are to be notified */
  PHASE_DONE,
} TornadisCallPhase;

struct _TornadisCall
{
  GObject parent_instance;

  TornadisClient *client;     /* (owned) */
  TornadisClient *target;     /* (owned) (nullable) whose connection it goes over, when a plugin has forwarded it */
  GPtrArray *chain;           /* (owned) (element-type TornadisPlugin) */
  TornadisCommand *command;   /* (owned) (nullable) */
  TornadisPipeline *pipeline; /* (owned) (nullable) */
  TornadisSlotFunc func;
  gpointer user_data; /* (unowned) */
  GList node;         /* in the client's calls until it is DONE */

  TornadisReply *reply;      /* (owned) (nullable) */
  GError *error;             /* (owned) (nullable) */
  GSource *source;           /* (owned) (nullable) the limit while HELD, the delay before another attempt */
  GCancellable *cancellable; /* (owned) (nullable) while SENT, of one that connects */
  gint64 start_time;
  gint64 end_time; /* 0 while in flight */
  gint64 deadline; /* 0: none */
  TornadisDispatched sent; /* by which it can be cancelled while SENT */
  guint first;     /* in the chain, of the plugins that it goes through */
  guint next;
  guint forwarder; /* in the chain, the plugin that has forwarded it to @target */
  guint attempt;
  guint loss_id; /* of the session that it was sent in, when it failed */
  guint retry_delay_msec;
  TornadisCallPhase phase;
  TornadisSessionConcern held; /* what is counted of it in the client while HELD */
  gboolean starting : 1;       /* tornadis_call_start() is on the stack: the caller must not be notified yet */
  gboolean running : 1;        /* call_run() is on the stack */
  gboolean in_done : 1;        /* a call_done hook is on the stack */
  gboolean retry : 1;          /* a call_done hook asked for another attempt */
  gboolean abandoned : 1;      /* completed by other than the server and the plugins */
  gboolean connects : 1;       /* it is tornadis_client_connect_async() */
  guint counted : 1;           /* among those for which there is max-pending: it is the program's */
  gboolean in_transaction : 1; /* an attempt was sent in a transaction, or began or ended one */
  gboolean taken_back : 1;     /* it is not sent: nor was what was to begin its transaction */
  gboolean changed : 1;        /* a plugin replaced the command or the pipeline, which has not been checked since */
  gboolean answered : 1;       /* the outcome is the server's reply, or what a plugin gave */
};

/* tornadis-call.c */

/* Takes @command or @pipeline through the plugins of @chain (element-type TornadisPlugin), which is never changed, from
 * @first on, and to the client's connection. @func is called once, after this function has returned. @call (out)
 * (optional) (transfer none) is for tornadis_call_abort() until @func is called; %NULL when that is no longer possible. A
 * @deadline of 0 is none. */
void tornadis_call_start (TornadisClient    *client,
                          GPtrArray         *chain,
                          guint              first,
                          TornadisCommand   *command,
                          TornadisPipeline  *pipeline,
                          gint64             deadline,
                          TornadisSlotFunc   func,
                          gpointer           user_data,
                          TornadisCall     **call);
/* Of a call that the one plugin of @chain has routed to @target, and that has failed. @func may be called at once. */
void tornadis_call_start_failed (TornadisClient    *client,
                                 GPtrArray         *chain,
                                 TornadisCommand   *command,
                                 TornadisClient    *target,
                                 gint64             deadline,
                                 TornadisReply     *reply,
                                 const GError      *error,
                                 TornadisSlotFunc   func,
                                 gpointer           user_data,
                                 TornadisCall     **call);
/* Whether a server may have been sent it. */
gboolean tornadis_call_may_have_run (TornadisCall *self);
/* Where the call goes: over the connection of its client, or of that to which it was forwarded. */
TornadisClient *tornadis_call_get_destination (TornadisCall *self);
/* The call of another client that was forwarded to this one's (transfer none) (nullable). */
TornadisCall *tornadis_call_get_forwarded (TornadisCall *self);
/* Completes the call with @error, in whatever phase it is. */
void tornadis_call_abort (TornadisCall      *self,
                          const GError      *error);
/* The client is closed: from now on none of @calls (element-type TornadisCall) is repeated. Returns them (transfer full)
 * (element-type TornadisCall), for tornadis_call_complete_all() once the link is closed. */
GPtrArray *tornadis_call_stop_all     (const GQueue *calls);
/* Consumes @calls. Those that closing the link has not completed complete with CLOSED or LOST. */
void       tornadis_call_complete_all (GPtrArray    *calls);

/* tornadis-call-session.c */

/* A plugin has begun to hold it, or does not hold it any more. */
void             tornadis_call_begin_hold       (TornadisCall        *self);
void             tornadis_call_end_hold         (TornadisCall        *self);
/* @plugin is asked about it, or has answered it. The link, which would know, does not see the call when that plugin stands for
 * the connection. */
void             tornadis_call_follow_stand_in  (TornadisCall        *self,
                                                 TornadisPlugin      *plugin);
/* It was sent. @before: what was open ahead of it. */
void             tornadis_call_follow_sent      (TornadisCall        *self,
                                                 TornadisTransaction  before,
                                                 gboolean             refused);
/* It was sent and has failed. */
void             tornadis_call_follow_loss      (TornadisCall        *self);
/* It has failed, @id being what it was sent as, or 0. If it was to begin a transaction and was not sent, what plugins hold behind
 * it was meant for that: up to the end of it, none is sent. */
void tornadis_call_take_back_behind (TornadisCall *self,
                                     guint64 id);
/* Whether another attempt would get into a transaction that has begun since the first. MULTI would queue it, and its reply
 * would be one more of EXEC. */
gboolean         tornadis_call_comes_between    (TornadisCall        *self);
/* Whom the outcome reaches after the plugins. */
TornadisNotifies tornadis_call_get_notifies     (TornadisCall        *self);
/* The caller is about to be notified. */
void             tornadis_call_note_loss        (TornadisCall        *self);

G_END_DECLS
