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
  /* TRUE: @reply was a push, and is consumed. */
  gboolean (*push)          (TornadisClient *self,
                             TornadisReply  *reply);
  /* Whether it waits for what the server sends of its own accord. */
  gboolean (*is_listening)  (TornadisClient *self);
  /* Whether it keeps something of its user, so that nobody else may be given it. */
  gboolean (*is_used)       (TornadisClient *self);
  /* The link was lost. */
  void     (*lost)          (TornadisClient *self,
                             const GError   *error);
  /* tornadis_client_close() was called. */
  void     (*closed)        (TornadisClient *self);
  /* For tornadis_plugin_reroute_subscriptions(). */
  void     (*reroute)       (TornadisClient *self,
                             TornadisPlugin *plugin,
                             const GError   *error);
  /* It is not among the plugins any more. */
  void     (*plugin_removed) (TornadisClient *self,
                              TornadisPlugin *plugin);
} TornadisClientHooks;

typedef struct _TornadisClientLogin TornadisClientLogin;
typedef struct _TornadisSubmission TornadisSubmission;
typedef struct _TornadisRouted TornadisRouted;

/* What a call can be cancelled by until its function is called. */
typedef struct
{
  guint64 id;         /* in the link's queue, or 0 */
  TornadisCall *call; /* (unowned) (nullable) when it goes through plugins */
  TornadisRouted *routed; /* (unowned) (nullable) when the only plugin has routed it to another client */
} TornadisDispatched;

typedef struct
{
  TornadisClient *client; /* (unowned) that this is of */
  GMainContext *context;  /* (owned) */
  TornadisLink *link;     /* (owned) shut down once disposed */

  char *host;                       /* (owned) */
  char *unix_domain_socket;         /* (owned) (nullable) */
  GSocketConnectable *connectable;  /* (owned) (nullable) */
  GBytes *username;                 /* (owned) (nullable) text, unless AUTH was called with something else */
  GBytes *password;                 /* (owned) (nullable) likewise */
  TornadisClientLogin *login;       /* (owned) (nullable) see tornadis-client-login.c */
  char *client_name;                /* (owned) (nullable) */
  char *title;                      /* (owned) (nullable) created when asked for */
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

  GListStore *plugins; /* (owned) */
  /* Snapshots of @plugins, with a NULL at the end, replaced and never changed; NULL: none. */
  GPtrArray *attached;  /* (owned) (nullable) all */
  GPtrArray *chain;     /* (owned) (nullable) those that calls go through */
  TornadisPlugin *router; /* (unowned) (nullable) the only one of them, if it routes calls */
  GPtrArray *observers; /* (owned) (nullable) those that are notified of every exchange with the server */
  GPtrArray *retired;   /* (owned) (nullable) (element-type GPtrArray) former observers that are still being notified */
  guint observing;      /* how many notifications of observers are on the stack */
  TornadisPlugin *stand_in;           /* (unowned) (nullable) one of @plugins, which stands for the connection */
  TornadisClientState stand_in_state; /* while there is one */
  gint64 stand_in_since;              /* monotonic time, as tornadis_link_get_since() */
  gboolean stand_in_transaction;      /* whether it is in a transaction, likewise */
  GQueue connect_waiters; /* (element-type GTask) (owned) */
  GQueue calls;           /* (element-type TornadisCall) (unowned) that go through plugins and have not completed */
  gsize n_counted_calls;  /* of these, those for which there is max-pending */
  GQueue completed;       /* (element-type TornadisCall) (owned) whose callers are to be notified from the main loop */
  TornadisPollerItem completed_item; /* notifies them, initialized when first needed */
  TornadisSubmission *free_submissions; /* (owned) (nullable) see tornadis-client-call.c */
  guint n_free_submissions;
  TornadisRouted *routed;      /* (unowned) (nullable) the calls that were routed to other clients, the newest first */
  TornadisRouted *next_closed; /* (unowned) (nullable) of them, while the client is closed */
  TornadisRouted *free_routed; /* (owned) (nullable) see tornadis-client-route.c */
  guint n_free_routed;
  guint n_corks;               /* see tornadis_client_set_corked() */
  GPtrArray *corked;           /* (owned) (nullable) (element-type TornadisClient) those that calls were routed to meanwhile */
  guint n_silences;          /* see tornadis_client_begin_emission() */
  struct _TornadisClientResult *free_results; /* (owned) (nullable) see tornadis-client-result.c */
  guint n_free_results;
  TornadisClientState notified_state; /* what was last notified */
  guint notified_protocol_version;
  TornadisSessionChange session_changes; /* whose properties are to be notified */
  void (*flush) (gpointer user_data); /* (nullable) see tornadis_client_set_flush() */
  gpointer flush_data;                /* (unowned) */
  guint n_held_kept;         /* calls held by plugins that may change what the server keeps */
  guint n_held_transactions; /* and of these, calls that begin or end a transaction */
} TornadisClientPrivate;

/* Both (nullable). */
static inline gboolean
tornadis_client_bytes_equal (GBytes *one,
                             GBytes *other)
{
  return one == other || (one != NULL && other != NULL && g_bytes_equal (one, other));
}

/* tornadis-client.c */

const TornadisClientHooks *
                tornadis_client_get_hooks         (TornadisClient   *self);
/* (transfer full) (nullable): a client of @type, in the context that is the default now, with the properties that @model has
 * too, and with its plugins. */
gpointer tornadis_client_new_like (GType type,
                                   TornadisClient *model,
                                   GError **error);
/* From now on clients may be disposed in a garbage collection. */
void            tornadis_client_expect_collector  (void);
TornadisClientPrivate *
                tornadis_client_get_private       (TornadisClient   *self);
TornadisLink   *tornadis_client_get_link          (TornadisClient   *self);
GMainContext   *tornadis_client_get_context       (TornadisClient   *self);
/* @flush is called before anything else is emitted or returned that comes after outcomes and messages: a binding that
 * passes those on later has to do it now. One for each client; %NULL: that of @user_data is none any more,
 * if it still is. */
void            tornadis_client_set_flush         (TornadisClient   *self,
                                                   void            (*flush) (gpointer user_data),
                                                   gpointer          user_data);
void            tornadis_client_flush             (TornadisClient   *self);
/* Calls that are made until it is uncorked are written together, to each server that they go to. A main loop that runs
 * meanwhile, in a hook of a plugin, writes what there is. */
void            tornadis_client_set_corked        (TornadisClient   *self,
                                                   gboolean          corked);
/* Flushes, for a signal or a notify. FALSE: it must not be emitted. The client is being disposed, or was, or is closed for
 * somebody who is: handlers may belong to what is half freed then. */
gboolean        tornadis_client_begin_emission    (TornadisClient   *self);
/* tornadis_client_close(), with nothing emitted. */
void            tornadis_client_close_silently    (TornadisClient   *self);
/* Whether its connection is like that of a new client with the properties of @template_client. */
gboolean        tornadis_client_is_pristine       (TornadisClient   *self,
                                                   TornadisClient   *template_client);
/* Whether it waits for what the server sends of its own accord. */
gboolean        tornadis_client_is_listening      (TornadisClient   *self);

/* tornadis-client-properties.c */

const char     *tornadis_client_get_title         (TornadisClientPrivate *priv);
void            tornadis_client_install_properties (GObjectClass    *object_class);
void            tornadis_client_init_properties   (TornadisClientPrivate *priv);

/* tornadis-client-uri.c */

gpointer        tornadis_client_new_for_uri_typed (GType             type,
                                                   const char       *uri,
                                                   TornadisUriFlags  flags,
                                                   GError          **error);

/* tornadis-client-connect.c */

/* What plugins see of tornadis_client_connect_async(): a call of HELLO, recognised by the pointer to this command. */
TornadisCommand *
                tornadis_client_get_connect_command (void);
/* (transfer full): the reply to it. */
TornadisReply  *tornadis_client_make_connect_reply (void);
/* The attempt to connect has succeeded, with an @error of %NULL, or failed. */
void            tornadis_client_connect_completed (TornadisClient   *self,
                                                   const GError     *error);
/* That call, behind the plugins: connects the link; @task returns the reply when that is done. */
void            tornadis_client_connect_link      (TornadisClient   *self,
                                                   GTask            *task);
/* For tornadis_plugin_reconnect_client(). */
void            tornadis_client_reconnect         (TornadisClient   *self,
                                                   TornadisPlugin   *plugin,
                                                   const GError     *error);
/* Of the link, or what the plugin says that stands for the connection. */
TornadisClientState
                tornadis_client_get_state         (TornadisClient   *self);
/* When the connection last came up or was closed, monotonic time; 0: never. */
gint64          tornadis_client_get_connected_since (TornadisClient *self);
void            tornadis_client_notify_state      (TornadisClient   *self);
/* @plugin says that it stands for the connection, and the state of that. */
void            tornadis_client_set_stand_in      (TornadisClient   *self,
                                                   TornadisPlugin   *plugin,
                                                   TornadisClientState state,
                                                   const GError     *error);
/* tornadis_client_close() was called, or @plugin was removed. */
void            tornadis_client_close_stand_in    (TornadisClient   *self);
void            tornadis_client_set_stand_in_transaction
                                                  (TornadisClient   *self,
                                                   TornadisPlugin   *plugin,
                                                   gboolean          in_transaction);
void            tornadis_client_remove_stand_in   (TornadisClient   *self,
                                                   TornadisPlugin   *plugin);

/* tornadis-client-session.c */

/* @n more calls of a kind are held by plugins, or fewer. */
void            tornadis_client_count_held        (TornadisClient   *self,
                                                   TornadisSessionConcern concern,
                                                   int               n);

/* tornadis-client-call.c */

/* The function of a call whose outcome nobody wants. */
void            tornadis_client_ignore_reply_cb   (TornadisReply    *reply,
                                                   const GError     *error,
                                                   gpointer          user_data);
/* Whether a command can be sent without putting replies and callers out of step. */
gboolean        tornadis_client_check_command     (TornadisCommand  *command,
                                                   GError          **error);
/* Calls @func with @error (transfer full) from the main loop. */
void            tornadis_client_defer_error       (TornadisClient   *self,
                                                   TornadisSlotFunc  func,
                                                   gpointer          user_data,
                                                   GError           *error);
/* Whether a command, or the commands of a pipeline, can be sent like this; also whether this kind of client takes calls. */
gboolean        tornadis_client_check_call        (TornadisClient   *self,
                                                   TornadisCommand  *command,
                                                   TornadisPipeline *pipeline,
                                                   GError          **error);
/* Sends a command or a pipeline past all plugins; @func is called from the main loop, exactly once. @deadline is
 * monotonic time; 0: what the settings say. Returns the call's id in the queue; 0: it was refused. */
guint64         tornadis_client_send              (TornadisClient   *self,
                                                   TornadisCommand  *command,
                                                   TornadisPipeline *pipeline,
                                                   gint64            deadline,
                                                   TornadisNotifies  notifies,
                                                   TornadisSlotFunc  func,
                                                   gpointer          user_data);
/* As tornadis_client_dispatch(), of a call that another client has made. @dispatched stays where it is until it returns; what
 * it is then holds until @func is called. */
void            tornadis_client_dispatch_until    (TornadisClient   *self,
                                                   TornadisCommand  *command,
                                                   TornadisPipeline *pipeline,
                                                   gint64            deadline,
                                                   TornadisNotifies  notifies,
                                                   TornadisSlotFunc  func,
                                                   gpointer          user_data,
                                                   TornadisDispatched *dispatched);
/* Sends a call through the plugins, if there are any, to the link. @dispatched (out) (optional) stays where it is until
 * @func is called. */
void            tornadis_client_dispatch          (TornadisClient   *self,
                                                   TornadisCommand  *command,
                                                   TornadisPipeline *pipeline,
                                                   TornadisSlotFunc  func,
                                                   gpointer          user_data,
                                                   TornadisDispatched *dispatched);
/* Completes such a call with @error: it was cancelled, or, if that is TIMEOUT, took too long. */
void            tornadis_client_cancel            (TornadisClient   *self,
                                                   TornadisDispatched *dispatched,
                                                   gconstpointer     user_data,
                                                   const GError     *error);
void            tornadis_client_free_submissions  (TornadisClientPrivate *priv);
/* Submits a call that goes only through the plugins behind @plugin. */
void            tornadis_client_submit_behind     (TornadisClient   *self,
                                                   TornadisPlugin   *plugin,
                                                   TornadisCommand  *command,
                                                   TornadisReplyFunc func,
                                                   gpointer          user_data,
                                                   GDestroyNotify    user_data_destroy);
/* Sends the call of tornadis_client_get_connect_command() through the plugins; @task returns its reply. */
void            tornadis_client_call_connect      (TornadisClient   *self,
                                                   GTask            *task);

/* tornadis-client-route.c */

/* Whether a plugin routes its calls to other clients. */
gboolean        tornadis_client_has_router        (TornadisClient   *self);
/* Has the client's router route a plain command. FALSE: it is to go through the plugins; else as tornadis_client_dispatch(). */
gboolean        tornadis_client_route             (TornadisClient   *self,
                                                   TornadisCommand  *command,
                                                   TornadisSlotFunc  func,
                                                   gpointer          user_data,
                                                   TornadisDispatched *dispatched);
/* Completes it with @error, whatever the plugin thinks of that. */
void            tornadis_client_abort_routed      (TornadisRouted   *self,
                                                   const GError     *error);
/* The other clients that were corked, since this one is, write what they have. */
void            tornadis_client_uncork_targets    (TornadisClientPrivate *priv);
/* Completes all with CLOSED or LOST, the oldest first. */
void            tornadis_client_close_routed      (TornadisClientPrivate *priv);
/* The plugins are about to be others: the one that has routed them still sees how they end. */
void            tornadis_client_keep_routed       (TornadisClientPrivate *priv);
void            tornadis_client_free_routed       (TornadisClientPrivate *priv);

/* tornadis-client-plugins.c */

/* Calls the setup hooks, for what is to be sent first on a new link. */
void            tornadis_client_make_setup        (TornadisClient   *self,
                                                   TornadisConnectorOptions *options);
/* A TornadisObserveFunc, with the TornadisClientPrivate as user_data. */
void            tornadis_client_notify_observers  (TornadisCommand  *command,
                                                   const TornadisObservedPipeline *pipeline,
                                                   TornadisReply    *reply,
                                                   const GError     *error,
                                                   gint64            elapsed,
                                                   gpointer          user_data);
/* Notifies the plugins that a pool gives the client to a caller. */
void            tornadis_client_notify_acquired   (TornadisClient   *self,
                                                   gint64            elapsed);
/* Whether @plugin is on the client: it may not know yet that it was removed. */
gboolean        tornadis_client_has_plugin        (const TornadisClientPrivate *priv,
                                                   TornadisPlugin   *plugin);
/* Whether any of the plugins has the hook that is called when it is removed. */
gboolean        tornadis_client_has_detach_hooks  (const TornadisClientPrivate *priv);
/* Gives the client a list of its own: nobody is connected to it who would be notified of what is removed. */
void            tornadis_client_silence_plugins   (TornadisClientPrivate *priv);
/* Removes all plugins. */
void            tornadis_client_remove_plugins    (TornadisClient   *self);

G_END_DECLS
