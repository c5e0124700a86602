/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/tornadis-enums.h"
#include "tornadis-glib/wire/tornadis-connection.h"
#include "tornadis-glib/wire/tornadis-connector.h"
#include "tornadis-glib/wire/tornadis-queue.h"

G_BEGIN_DECLS

/* What may be changed at any time; a time of 0: none. */
typedef struct
{
  gboolean autoconnect;
  guint call_timeout_msec;
  guint read_timeout_msec;
  guint ping_interval_msec; /* the silence after which a PING is sent on a link that somebody waits for */
  gsize write_page_size;
  gboolean aggressive_write;
  gboolean busy_poll;
  gsize max_pending;
  gsize max_queued_bytes;
  gsize max_reply_size;
  guint verify_replies; /* after so many commands it is checked that replies belong to them; 0: never */
  gboolean push_arrays; /* RESP2 arrays may be pushes: a pub/sub client */
} TornadisLinkSettings;

/* Calls and attempts complete from the main loop, or within tornadis_link_close() and tornadis_link_free(); a change of
 * state is notified within the function that makes it, too. */
typedef struct
{
  /* Keep the owner while functions of it are called. */
  void     (*hold)                (gpointer                  user_data);
  void     (*release)             (gpointer                  user_data);
  /* Fills in what the next attempt needs. */
  void     (*get_options)         (TornadisConnectorOptions *options,
                                   gpointer                  user_data);
  void     (*state_changed)       (gpointer                  user_data);
  /* The link was up and is lost, or closed: then @error is %NULL. */
  void     (*disconnected)        (const GError             *error,
                                   gpointer                  user_data);
  /* An attempt has succeeded, with an @error of %NULL, or failed. */
  void     (*connect_completed)   (const GError             *error,
                                   gpointer                  user_data);
  void     (*reconnect_scheduled) (guint                     attempt,
                                   guint                     delay_msec,
                                   const GError             *error,
                                   gpointer                  user_data);
  /* The server has answered tornadis_link_log_in(), perhaps with an error. Not called when the link is lost before. */
  void (*login_completed) (TornadisReply *reply,
                           gpointer user_data);
  /* A new link is up and nothing is written yet: tornadis_queue_push_front() may be used. */
  void     (*ready)               (TornadisQueue            *queue,
                                   gpointer                  user_data);
  /* TRUE: @reply was a push, and is consumed. */
  gboolean (*push)                (TornadisReply            *reply,
                                   gpointer                  user_data);
  /* A reply has changed the session, which the next connection has to be opened with. */
  void     (*session_changed)     (TornadisSessionChange     changes,
                                   gpointer                  user_data);
  /* Whether somebody waits for what the server sends by itself, though no call waits for a reply. */
  gboolean (*is_listening)        (gpointer                  user_data);
} TornadisLinkFuncs;

/* The connection manager of one client, through all its links: when to connect, when to wait, when to give up, and what
 * becomes of the calls. */
typedef struct _TornadisLink TornadisLink;

TornadisLink        *tornadis_link_new                  (GMainContext            *context,
                                                         const TornadisLinkFuncs *funcs,
                                                         gpointer                 user_data);
/* Closes it for good: whatever is asked for from now on completes with CLOSED. */
void                 tornadis_link_shut_down            (TornadisLink            *self);
gboolean             tornadis_link_is_shut_down         (TornadisLink            *self);
/* Shuts it down first. */
void                 tornadis_link_free                 (TornadisLink            *self);
TornadisLinkSettings *tornadis_link_get_settings        (TornadisLink            *self);
void                 tornadis_link_apply_settings       (TornadisLink            *self);
TornadisClientState  tornadis_link_get_state            (TornadisLink            *self);
guint                tornadis_link_get_protocol_version (TornadisLink            *self);
/* The server's number of the connection; 0: it did not say, or there is none. */
gint64               tornadis_link_get_server_id        (TornadisLink            *self);
/* Monotonic time, to the precision of a main-context iteration. */
gint64               tornadis_link_get_time             (TornadisLink            *self);
/* When it last came up or was closed, monotonic time; 0: never. */
gint64               tornadis_link_get_since            (TornadisLink            *self);
TornadisQueue       *tornadis_link_get_queue            (TornadisLink            *self);
/* What the server keeps for the connection, and what may have been lost with the last one. */
TornadisSession     *tornadis_link_get_session          (TornadisLink            *self);
/* Whether a call that is made now belongs to a transaction, which may be lost. */
gboolean             tornadis_link_is_in_transaction    (TornadisLink            *self);
/* Has no calls pending, and is as it was when it came up but for user, database and name. */
gboolean             tornadis_link_is_pristine          (TornadisLink            *self);

/* Gives the attempt that is being made the login that it has asked for: see TornadisConnectorOptions. */
void tornadis_link_give_login (TornadisLink *self,
                               GBytes *username,
                               GBytes *password,
                               const GError *error);
/* Logs in on the connection that is up, behind what is queued, and when no MULTI is open. One at a time. */
void tornadis_link_log_in (TornadisLink *self,
                           GBytes *username,
                           GBytes *password);
/* Makes another connection once what is written has been answered; what is up is lost with @error then. */
void tornadis_link_replace (TornadisLink *self,
                            const GError *error);
/* Whether nothing is queued that may change what the server keeps, but for a login of tornadis_link_log_in(). */
gboolean tornadis_link_is_settled (TornadisLink *self);

/* Asks for a link: an attempt begins, unless there is a link or an attempt already. */
void                 tornadis_link_connect              (TornadisLink            *self);
void                 tornadis_link_close                (TornadisLink            *self);
/* Closes a link whose server is not ready for what it is needed for, and tries again some time later. */
void                 tornadis_link_try_again            (TornadisLink            *self,
                                                         const GError            *error);
/* Leaves the server at once, because it is the wrong one: what is up is lost with @error, an attempt begins anew, and one
 * that waits is made now. */
void                 tornadis_link_reconnect            (TornadisLink            *self,
                                                         const GError            *error);
void                 tornadis_link_set_paused           (TornadisLink            *self,
                                                         gboolean                 paused);
/* Queue a call, connecting if needed. A deadline of 0 in @caller is what the settings say. FALSE with an error: the
 * caller's function will not be called. */
gboolean tornadis_link_submit (TornadisLink *self,
                               TornadisCommand *command,
                               TornadisSlotFlags flags,
                               const TornadisOrigin *caller,
                               guint64 *id,
                               GError **error);
gboolean tornadis_link_submit_batch (TornadisLink *self,
                                     GPtrArray *commands,
                                     gboolean atomic,
                                     const TornadisOrigin *caller,
                                     guint64 *id,
                                     GError **error);
/* Completes the call @id with @error, if it still is the one of the caller with @user_data. */
void                 tornadis_link_cancel               (TornadisLink            *self,
                                                         guint64                  id,
                                                         gconstpointer            user_data,
                                                         const GError            *error);
/* What is queued between TRUE and FALSE goes out together, or with the next turn of the main loop if that comes before. */
void                 tornadis_link_set_corked           (TornadisLink            *self,
                                                         gboolean                 corked);
gboolean             tornadis_link_is_corked            (TornadisLink            *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisLink, tornadis_link_free)

G_END_DECLS
