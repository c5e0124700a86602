/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/wire/tornadis-link.h"
#include "tornadis-glib/wire/tornadis-poller.h"

G_BEGIN_DECLS

/* What a kind of client inside the library does differently. Any may be %NULL. */
typedef struct _TornadisClientHooks
{
  /* Why this kind takes no calls. */
  const char *refusal;
  /* A new link is up, nothing is written yet. */
  void     (*ready)         (TornadisClient *self,
                             TornadisQueue  *queue);
  /* TRUE: it was a push, is dealt with and taken over. */
  gboolean (*push)          (TornadisClient *self,
                             TornadisReply  *reply);
  /* Waits for what the server sends by itself. */
  gboolean (*is_listening)  (TornadisClient *self);
  /* Has something of its user's. */
  gboolean (*is_used)       (TornadisClient *self);
  /* The link was lost. */
  void     (*lost)          (TornadisClient *self,
                             const GError   *error);
  /* tornadis_client_close() was called. */
  void     (*closed)        (TornadisClient *self);
} TornadisClientHooks;

typedef struct _TornadisSubmission TornadisSubmission;

typedef struct
{
  GMainContext *context; /* (owned) */
  TornadisLink *link;    /* (owned) (nullable) NULL once disposed */

  char *host;                       /* (owned) */
  char *unix_domain_socket;         /* (owned) (nullable) */
  GSocketConnectable *connectable;  /* (owned) (nullable) */
  GBytes *username;                 /* (owned) (nullable) text, unless AUTH was called with something else */
  GBytes *password;                 /* (owned) (nullable) likewise */
  char *client_name;                /* (owned) (nullable) */
  char *title;                      /* (owned) (nullable) made when asked for */
  GTlsDatabase *tls_database;       /* (owned) (nullable) */
  GTlsCertificate *tls_certificate; /* (owned) (nullable) */
  GSocketConnectable *tls_identity; /* (owned) (nullable) */
  GProxyResolver *proxy_resolver;   /* (owned) (nullable) */
  int db;
  guint port;
  TornadisProtocol protocol;
  guint connect_timeout_sec;
  gsize read_page_size;
  gboolean tcp_nodelay;
  guint tcp_user_timeout_msec;
  gboolean tls;

  GListStore *plugins;    /* (owned) */
  /* Snapshots of @plugins, replaced and never changed; NULL: none. */
  GPtrArray *attached;    /* (owned) (nullable) all */
  GPtrArray *chain;       /* (owned) (nullable) those that calls go through */
  GPtrArray *observers;   /* (owned) (nullable) those that are told of every exchange with the server */
  GPtrArray *retired;     /* (owned) (nullable) (element-type GPtrArray) observers before, which are being told */
  guint observing;        /* how often they are being told, one within the other */
  TornadisPlugin *stand_in;           /* (unowned) (nullable) one of @plugins, which stands for the connection */
  TornadisClientState stand_in_state; /* while there is one */
  gint64 stand_in_since;              /* monotonic time, as tornadis_link_get_since() */
  GQueue connect_waiters; /* (element-type GTask) (owned) */
  GQueue calls;           /* (element-type TornadisCall) (unowned) on their way through plugins */
  GQueue answered;        /* (element-type TornadisCall) (owned) whose callers are to be told from the main loop */
  TornadisPollerItem answered_item; /* that does it, initialized when first needed */
  TornadisSubmission *free_submissions; /* (owned) (nullable) see tornadis-client-call.c */
  guint n_free_submissions;
  TornadisClientState notified_state; /* what was last notified */
  guint notified_protocol_version;
  TornadisSessionChange session_changes; /* of which properties are to be notified */
  guint n_held_kept;         /* calls that plugins hold, of which it depends what the server keeps */
  guint n_held_transactions; /* and of these those that begin or end a transaction */
} TornadisClientPrivate;

/* Both (nullable). */
static inline gboolean
tornadis_client_bytes_equal (GBytes *one,
                             GBytes *other)
{
  return one == other || (one != NULL && other != NULL && g_bytes_equal (one, other));
}

TornadisClientPrivate *
                tornadis_client_get_private       (TornadisClient   *self);
void            tornadis_client_install_properties (GObjectClass    *object_class);
void            tornadis_client_init_properties   (TornadisClientPrivate *priv);
const char     *tornadis_client_get_title         (TornadisClientPrivate *priv);
TornadisLink   *tornadis_client_get_link          (TornadisClient   *self);
GMainContext   *tornadis_client_get_context       (TornadisClient   *self);
/* The plugins that calls go through, outermost first; replaced and never changed. NULL: none. */
GPtrArray      *tornadis_client_get_chain         (TornadisClient   *self);
const TornadisClientHooks *
                tornadis_client_get_hooks         (TornadisClient   *self);
/* Whether a command can be sent without putting replies and callers out of step. */
gboolean        tornadis_client_check_command     (TornadisCommand  *command,
                                                   GError          **error);
/* The same of what is called, a command or a pipeline, and whether this kind of client takes calls. */
gboolean        tornadis_client_check_call        (TornadisClient   *self,
                                                   TornadisCommand  *command,
                                                   TornadisPipeline *pipeline,
                                                   GError          **error);
/* As @from authenticates, also where that is not text. */
void            tornadis_client_copy_login        (TornadisClient   *self,
                                                   TornadisClient   *from);
/* Whether its connection is as the one of a new client with the properties of @template would be. */
gboolean        tornadis_client_is_pristine       (TornadisClient   *self,
                                                   TornadisClient   *template_client);
/* When the connection last came up or was closed, monotonic time; 0: never. */
gint64          tornadis_client_get_connected_since (TornadisClient *self);
/* Whether it waits for what the server sends by itself. */
gboolean        tornadis_client_is_listening      (TornadisClient   *self);
/* Of the link, or what the plugin says that stands for the connection. */
TornadisClientState
                tornadis_client_get_state         (TornadisClient   *self);
void            tornadis_client_notify_state      (TornadisClient   *self);
/* What plugins see of tornadis_client_connect_async(): a call of HELLO, known by this very command. */
TornadisCommand *
                tornadis_client_get_connect_command (void);
/* (transfer full): the reply to it. */
TornadisReply  *tornadis_client_make_connect_reply (void);
/* A plugin holds a call that has to do with what the server keeps, or does no longer. */
void            tornadis_client_count_held        (TornadisClient   *self,
                                                   TornadisSessionConcern concern,
                                                   int               n);
/* Makes that call, through the plugins; @task returns its reply. */
void            tornadis_client_call_connect      (TornadisClient   *self,
                                                   GTask            *task);
/* What is left of it behind the plugins: waits on the link. */
void            tornadis_client_connect_link      (TornadisClient   *self,
                                                   GTask            *task);
/* The attempt that was waited for has succeeded (%NULL) or failed. */
void            tornadis_client_connect_ended     (TornadisClient   *self,
                                                   const GError     *error);
/* @plugin says that it stands for the connection, and how that is. */
void            tornadis_client_set_stand_in      (TornadisClient   *self,
                                                   TornadisPlugin   *plugin,
                                                   TornadisClientState state,
                                                   const GError     *error);
/* tornadis_client_close() was called, or @plugin was removed. */
void            tornadis_client_close_stand_in    (TornadisClient   *self);
void            tornadis_client_remove_stand_in   (TornadisClient   *self,
                                                   TornadisPlugin   *plugin);
/* The function of a call whose outcome nobody wants. */
void            tornadis_client_ignore_reply_cb   (TornadisReply    *reply,
                                                   const GError     *error,
                                                   gpointer          user_data);
/* Calls @func with @error (transfer full) from the main loop. */
void            tornadis_client_defer_error       (TornadisClient   *self,
                                                   TornadisSlotFunc  func,
                                                   gpointer          user_data,
                                                   GError           *error);
/* Sends a command or a pipeline past all plugins, for one of them; @func is called from the main loop, exactly once.
 * @deadline is monotonic time; 0: what the settings say. The id that comes out is 0 when the call has already failed. */
guint64         tornadis_client_send              (TornadisClient   *self,
                                                   TornadisCommand  *command,
                                                   TornadisPipeline *pipeline,
                                                   gint64            deadline,
                                                   TornadisSlotFunc  func,
                                                   gpointer          user_data);
/* A TornadisObserveFunc, with the client as user_data. */
void            tornadis_client_notify_observers    (TornadisCommand  *command,
                                                   GPtrArray        *commands,
                                                   gboolean          atomic,
                                                   TornadisReply    *reply,
                                                   const GError     *error,
                                                   gint64            queued,
                                                   gpointer          user_data);
/* What the plugins want to be sent first on a new link (element-type TornadisCommand); NULL: there are no plugins. */
GPtrArray      *tornadis_client_make_setup        (TornadisClientPrivate *priv);
/* Whether any of the plugins wants to know that it is removed. */
gboolean        tornadis_client_has_detach_hooks  (const TornadisClientPrivate *priv);
/* All of them. */
void            tornadis_client_remove_plugins    (TornadisClient   *self);
/* Tells the plugins that a pool gives the client away. */
void            tornadis_client_notify_acquired       (TornadisClient   *self,
                                                   gint64            elapsed);
/* Makes a call that goes through the plugins behind @plugin only. */
void            tornadis_client_submit_behind     (TornadisClient   *self,
                                                   TornadisPlugin   *plugin,
                                                   TornadisCommand  *command,
                                                   TornadisReplyFunc func,
                                                   gpointer          user_data,
                                                   GDestroyNotify    user_data_destroy);
/* The way of every call: through the plugins, if there are any, to the link. */
void            tornadis_client_dispatch          (TornadisClient   *self,
                                                   TornadisCommand  *command,
                                                   TornadisPipeline *pipeline,
                                                   TornadisSlotFunc  func,
                                                   gpointer          user_data);
void            tornadis_client_free_submissions  (TornadisClientPrivate *priv);
/* From now on clients may go in a garbage collection. */
void            tornadis_client_expect_collector  (void);
gpointer        tornadis_client_new_for_uri_typed (GType             type,
                                                   const char       *uri,
                                                   TornadisUriFlags  flags,
                                                   GError          **error);

G_END_DECLS
