/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-client.h"

#include <gio/gunixsocketaddress.h>
#include <sys/un.h>

#include "tornadis-glib/client/tornadis-call-private.h"
#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/client/tornadis-client-login-private.h"

#include "tornadis-glib/client/tornadis-client-result-private.h"
#include "tornadis-glib/client/tornadis-plugin-private.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/tornadis-enum-types.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/**
 * TornadisClient:
 *
 * One logical connection to a Redis or Valkey server.
 *
 * A client connects by itself when the first call needs it, and again after the connection was lost. Any number of calls
 * may be in flight at a time: they are sent in the order in which they were made, those of one main-context iteration in
 * one write, and each gets its own reply.
 *
 * ```c
 * static void
 * got_cb (GObject *object, GAsyncResult *result, gpointer user_data)
 * {
 *   g_autoptr (GError) error = NULL;
 *   g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);
 *
 *   if (reply != NULL)
 *     g_print ("%s\n", tornadis_reply_get_text (reply));
 * }
 *
 * g_autoptr (TornadisClient) client = tornadis_client_new ("localhost", 6379);
 * g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "GET", "key", NULL });
 *
 * tornadis_client_call_async (client, command, NULL, got_cb, NULL);
 * ```
 *
 * # What becomes of a call
 *
 * Every call completes exactly once: with a reply, or with one error. A call that may have run when the
 * connection was lost completes with %TORNADIS_ERROR_LOST and is never sent again. A call that was not yet
 * written waits for the next connection. When that cannot be made, all calls that waited for it complete with
 * %TORNADIS_ERROR_CONNECT; nothing waits for ever. Attempts after a failure are spaced, from 50
 * milliseconds up to 5 seconds at random.
 *
 * # What becomes of the connection's state
 *
 * User, database and name that `AUTH`, `SELECT` and `CLIENT SETNAME` have chosen, also inside a transaction, are those of
 * the next connection too, as are `READONLY`, `CLIENT NO-EVICT` and `CLIENT NO-TOUCH` where its server takes them. When
 * `SELECT` or `AUTH` itself completes with %TORNADIS_ERROR_LOST, so do the calls that wait behind it. `WATCH` and `MULTI`
 * are lost with the connection: calls complete with %TORNADIS_ERROR_LOST up to and including `EXEC`, `DISCARD` or an
 * atomic pipeline, or until `WATCH` or `MULTI` begins again after one has; `UNWATCH` gives up what was watched. A server
 * that answers `READONLY` is not the right one any more: once what is written has been answered the connection is closed,
 * and the next call looks for the server again.
 *
 * # Commands that need a client of their own
 *
 * Calls behind a blocking command (`BLPOP`, `XREAD BLOCK`, `WAIT`) wait for it, and `WATCH` and `MULTI` are
 * for one user of the connection: take a client of a [class@Tornadis.ClientPool] for them. Commands that
 * would leave replies and callers out of step (`SUBSCRIBE` and its kin, `SYNC`, `HELLO`, `RESET`, `CLIENT REPLY`) are
 * refused with %TORNADIS_ERROR_USAGE. When a blocking command that was written is cancelled or
 * times out, the connection is closed with it: it would take the next element for nobody.
 *
 * # Threads
 *
 * A client belongs to the thread-default main context in which it was created. Its methods are called in the thread that
 * runs this context, and so are its callbacks and signal handlers.
 *
 * Equivalent of tornadis' `Client`.
 *
 * Since: 1.0
 */

static void tornadis_client_caller_init (TornadisCallerInterface *iface);

G_DEFINE_TYPE_WITH_CODE (TornadisClient, tornadis_client, G_TYPE_OBJECT, G_ADD_PRIVATE (TornadisClient) G_IMPLEMENT_INTERFACE (TORNADIS_TYPE_CALLER, tornadis_client_caller_init))

typedef enum
{
  SIGNAL_DISCONNECTED,
  SIGNAL_RECONNECT_SCHEDULED,
} TornadisClientSignal;

static guint signals[SIGNAL_RECONNECT_SCHEDULED + 1];

static int has_collector; /* (atomic) clients may be disposed in a garbage collection */

const TornadisClientHooks *
tornadis_client_get_hooks (TornadisClient *self)
{
  static const TornadisClientHooks none = { 0 };
  const TornadisClientHooks *hooks = TORNADIS_CLIENT_GET_CLASS (self)->hooks;

  return hooks != NULL ? hooks : &none;
}

static void
client_do_later (TornadisClient *self,
                 const char *name,
                 GSourceFunc func)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_static_name (source, name);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, g_object_ref (self), g_object_unref);
  g_source_attach (source, tornadis_client_get_context (self));
}

static gboolean
notify_session_cb (gpointer user_data)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (user_data);
  TornadisSessionChange changes = priv->session_changes;

  priv->session_changes = TORNADIS_SESSION_UNCHANGED;
  if (!tornadis_client_begin_emission (user_data))
    return G_SOURCE_REMOVE;

  g_object_freeze_notify (user_data);
  if ((changes & TORNADIS_SESSION_CHANGED_DB) != 0)
    g_object_notify (user_data, "db");
  if ((changes & TORNADIS_SESSION_CHANGED_USER) != 0)
    {
      g_object_notify (user_data, "username");
      g_object_notify (user_data, "password");
    }
  if ((changes & TORNADIS_SESSION_CHANGED_NAME) != 0)
    g_object_notify (user_data, "client-name");
  g_object_thaw_notify (user_data);

  return G_SOURCE_REMOVE;
}

/* The callbacks of the link. */

static void
link_hold_cb (gpointer user_data)
{
  g_object_ref (TORNADIS_CLIENT (user_data));
}

static void
link_release_cb (gpointer user_data)
{
  g_object_unref (TORNADIS_CLIENT (user_data));
}

/* A GNetworkAddress keeps the addresses of its name for as long as it is there: another one looks it up. */
static GSocketConnectable *
connectable_renew (GSocketConnectable *connectable)
{
  GNetworkAddress *address;

  if (G_OBJECT_TYPE (connectable) != G_TYPE_NETWORK_ADDRESS)
    return g_object_ref (connectable);

  address = G_NETWORK_ADDRESS (connectable);
  return g_object_new (G_TYPE_NETWORK_ADDRESS, "hostname", g_network_address_get_hostname (address), "port",
                       (guint) g_network_address_get_port (address), "scheme", g_network_address_get_scheme (address), NULL);
}

static GSocketConnectable *
client_make_connectable (TornadisClientPrivate *priv)
{
  if (priv->connectable != NULL)
    return connectable_renew (priv->connectable);
  if (priv->unix_domain_socket != NULL)
    return G_SOCKET_CONNECTABLE (g_unix_socket_address_new (priv->unix_domain_socket));
  return g_network_address_new (priv->host, (guint16) priv->port);
}

static void
link_get_options_cb (TornadisConnectorOptions *options,
                     gpointer user_data)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (user_data);

  options->connectable = client_make_connectable (priv);
  options->title = g_strdup (tornadis_client_get_title (priv));
  /* GIO would truncate the path, and connect to something else. */
  if (priv->connectable == NULL && priv->unix_domain_socket != NULL &&
      strlen (priv->unix_domain_socket) >= sizeof ((struct sockaddr_un *) NULL)->sun_path)
    options->refusal = "the path of the unix socket is too long";
  if (!tornadis_client_login_fill_options (priv, options))
    {
      options->username = priv->username != NULL ? g_bytes_ref (priv->username) : NULL;
      options->password = priv->password != NULL ? g_bytes_ref (priv->password) : NULL;
    }
  options->client_name = g_strdup (priv->client_name);
  options->db = priv->db;
  options->protocol = priv->protocol;
  options->timeout_sec = priv->connect_timeout_sec;
  options->tcp_nodelay = priv->tcp_nodelay;
  options->tcp_user_timeout_msec = priv->tcp_user_timeout_msec;
  options->busy_poll = tornadis_link_get_settings (priv->link)->busy_poll;
  options->read_page_size = priv->read_page_size;
  options->max_reply_size = tornadis_link_get_settings (priv->link)->max_reply_size;
  options->tls = priv->tls;
  g_set_object (&options->tls_database, priv->tls_database);
  g_set_object (&options->tls_certificate, priv->tls_certificate);
  g_set_object (&options->tls_identity, priv->tls_identity);
  g_set_object (&options->proxy_resolver, priv->proxy_resolver);
  tornadis_client_make_setup (user_data, options);
}

static void
link_state_changed_cb (gpointer user_data)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (user_data);

  if (tornadis_link_get_state (priv->link) == TORNADIS_CLIENT_STATE_CONNECTED)
    tornadis_client_login_ready (priv);
  tornadis_client_notify_state (user_data);
}

static void
link_disconnected_cb (const GError *error,
                      gpointer user_data)
{
  TornadisClient *self = user_data;
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);
  const TornadisClientHooks *hooks = tornadis_client_get_hooks (self);

  tornadis_client_login_stop (priv);
  if (hooks->lost != NULL && error != NULL)
    hooks->lost (self, error);
  if (priv->stand_in == NULL && tornadis_client_begin_emission (self))
    g_signal_emit (self, signals[SIGNAL_DISCONNECTED], 0, error);
}

static void
link_connect_completed_cb (const GError *error,
                           gpointer user_data)
{
  tornadis_client_connect_completed (user_data, error);
}

static void
link_reconnect_scheduled_cb (guint attempt,
                             guint delay_msec,
                             const GError *error,
                             gpointer user_data)
{
  if (tornadis_client_begin_emission (user_data))
    g_signal_emit (user_data, signals[SIGNAL_RECONNECT_SCHEDULED], 0, attempt, delay_msec, error);
}

static void
link_login_completed_cb (TornadisReply *reply,
                         gpointer user_data)
{
  tornadis_client_login_completed (tornadis_client_get_instance_private (user_data), reply);
}

static void
link_ready_cb (TornadisQueue *queue,
               gpointer user_data)
{
  const TornadisClientHooks *hooks = tornadis_client_get_hooks (user_data);

  if (hooks->ready != NULL)
    hooks->ready (user_data, queue);
}

static gboolean
link_push_cb (TornadisReply *reply,
              gpointer user_data)
{
  TornadisClient *self = user_data;
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);
  const TornadisClientHooks *hooks = tornadis_client_get_hooks (self);

  if (priv->attached != NULL && reply->kind != TORNADIS_REPLY_KIND_ARRAY)
    {
      g_autoptr (GPtrArray) attached = g_ptr_array_ref (priv->attached);

      for (guint i = 0; i < attached->len; i++)
        if (tornadis_plugin_push (g_ptr_array_index (attached, i), reply))
          {
            tornadis_reply_unref (reply);
            return TRUE;
          }
    }

  return hooks->push != NULL && hooks->push (self, reply);
}

static void
set_text (char **field,
          const char *text)
{
  g_free (*field);
  *field = g_strdup (text);
}

static void
set_bytes (GBytes **field,
           GBytes *bytes)
{
  GBytes *old = *field;

  *field = bytes != NULL ? g_bytes_ref (bytes) : NULL;
  g_clear_pointer (&old, g_bytes_unref);
}

/* User name and password, also if they are not text. */
static void
client_copy_login (TornadisClient *self,
                   TornadisClient *from)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);
  const TornadisClientPrivate *other = tornadis_client_get_instance_private (from);

  set_bytes (&priv->username, other->username);
  set_bytes (&priv->password, other->password);
}

gpointer
tornadis_client_new_like (GType type,
                          TornadisClient *model,
                          GError **error)
{
  g_autoptr (TornadisClient) self = g_object_new (type, NULL);
  GListModel *plugins = tornadis_client_get_plugins (model);
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;

  pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (self), &n_pspecs);
  for (guint i = 0; i < n_pspecs; i++)
    if ((pspecs[i]->flags & G_PARAM_READWRITE) == G_PARAM_READWRITE && (pspecs[i]->flags & G_PARAM_CONSTRUCT_ONLY) == 0 &&
        g_type_is_a (G_OBJECT_TYPE (model), pspecs[i]->owner_type))
      {
        g_auto (GValue) value = G_VALUE_INIT;

        g_object_get_property (G_OBJECT (model), pspecs[i]->name, &value);
        g_object_set_property (G_OBJECT (self), pspecs[i]->name, &value);
      }

  client_copy_login (self, model);
  for (guint i = 0; i < g_list_model_get_n_items (plugins); i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (plugins, i);

      if (!tornadis_client_add_plugin (self, plugin, error))
        return NULL;
    }

  return g_steal_pointer (&self);
}

/* A command has changed the session: the next connection will be opened with that. */
static void
link_session_changed_cb (TornadisSessionChange changes,
                         gpointer user_data)
{
  TornadisClient *self = user_data;
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);
  const TornadisSession *session = tornadis_link_get_session (priv->link);

  if ((changes & TORNADIS_SESSION_CHANGED_DB) != 0 && priv->db == session->db)
    changes &= ~TORNADIS_SESSION_CHANGED_DB;
  /* The next connection asks the credentials. */
  if (tornadis_client_login_get_credentials (priv) != NULL)
    changes &= ~TORNADIS_SESSION_CHANGED_USER;
  if (changes == TORNADIS_SESSION_UNCHANGED)
    return;

  if ((changes & TORNADIS_SESSION_CHANGED_DB) != 0)
    priv->db = session->db;
  if ((changes & TORNADIS_SESSION_CHANGED_USER) != 0)
    {
      set_bytes (&priv->username, session->username);
      set_bytes (&priv->password, session->password);
    }
  if ((changes & TORNADIS_SESSION_CHANGED_NAME) != 0)
    set_text (&priv->client_name, session->client_name);

  /* Later, because no handler may run between a reply and the completion of its call. */
  if (priv->session_changes == TORNADIS_SESSION_UNCHANGED)
    client_do_later (self, "[tornadis] session", notify_session_cb);
  priv->session_changes |= changes;
}

static gboolean
link_is_listening_cb (gpointer user_data)
{
  const TornadisClientHooks *hooks = tornadis_client_get_hooks (user_data);

  return hooks->is_listening != NULL && hooks->is_listening (user_data);
}

static const TornadisLinkFuncs link_funcs = {
  link_hold_cb,
  link_release_cb,
  link_get_options_cb,
  link_state_changed_cb,
  link_disconnected_cb,
  link_connect_completed_cb,
  link_reconnect_scheduled_cb,
  link_login_completed_cb,
  link_ready_cb,
  link_push_cb,
  link_session_changed_cb,
  link_is_listening_cb,
};

static gboolean
dispose_cb (gpointer user_data)
{
  tornadis_client_silence_plugins (tornadis_client_get_private (user_data));
  tornadis_client_remove_plugins (user_data);
  g_object_run_dispose (user_data);

  return G_SOURCE_REMOVE;
}

void
tornadis_client_expect_collector (void)
{
  g_atomic_int_set (&has_collector, TRUE);
}

static void
tornadis_client_dispose (GObject *object)
{
  TornadisClient *self = TORNADIS_CLIENT (object);
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);
  g_autoptr (GPtrArray) calls = tornadis_call_stop_all (&priv->calls);

  priv->flush = NULL;
  /* As tornadis_client_close(), but that from here on the client is silent. */
  tornadis_link_shut_down (priv->link);
  tornadis_client_close_routed (priv);
  tornadis_call_complete_all (calls);
  if (tornadis_client_get_hooks (self)->closed != NULL)
    tornadis_client_get_hooks (self)->closed (self);

  /* During a garbage collection neither hooks nor handlers in that language can be called: the main loop disposes the
   * client, which is kept until then. */
  if (g_atomic_int_get (&has_collector) && (priv->stand_in != NULL || tornadis_client_has_detach_hooks (priv)))
    {
      client_do_later (self, "[tornadis] dispose", dispose_cb);
      return;
    }

  tornadis_client_silence_plugins (priv);
  tornadis_client_remove_plugins (self);
  G_OBJECT_CLASS (tornadis_client_parent_class)->dispose (object);
}

static void
tornadis_client_finalize (GObject *object)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (TORNADIS_CLIENT (object));

  g_assert (priv->calls.length == 0 && priv->n_counted_calls == 0 && priv->completed.length == 0);
  g_assert (priv->connect_waiters.length == 0);

  g_clear_pointer (&priv->link, tornadis_link_free);
  tornadis_client_login_free (priv);
  tornadis_client_free_submissions (priv);
  tornadis_client_free_routed (priv);
  tornadis_client_result_free_all (priv);
  tornadis_poller_item_clear (&priv->completed_item);
  g_clear_pointer (&priv->attached, g_ptr_array_unref);
  g_clear_pointer (&priv->chain, g_ptr_array_unref);
  g_clear_pointer (&priv->observers, g_ptr_array_unref);
  g_clear_object (&priv->plugins);
  g_clear_object (&priv->connectable);
  g_clear_object (&priv->tls_database);
  g_clear_object (&priv->tls_certificate);
  g_clear_object (&priv->tls_identity);
  g_clear_object (&priv->proxy_resolver);
  g_free (priv->host);
  g_free (priv->unix_domain_socket);
  g_clear_pointer (&priv->username, g_bytes_unref);
  g_clear_pointer (&priv->password, g_bytes_unref);
  g_free (priv->client_name);
  g_free (priv->title);
  g_main_context_unref (priv->context);

  G_OBJECT_CLASS (tornadis_client_parent_class)->finalize (object);
}

static void
tornadis_client_class_init (TornadisClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = tornadis_client_dispose;
  object_class->finalize = tornadis_client_finalize;
  tornadis_client_install_properties (object_class);

  /**
   * TornadisClient::disconnected:
   * @self: the client
   * @error: (nullable): why, or %NULL when [method@Tornadis.Client.close] was called
   *
   * Emitted when a connection that was up is lost or closed, once for each, after its calls have completed and
   * [property@Tornadis.Client:connected] was notified. When a connection comes up, `notify::connected` is emitted.
   *
   * Not emitted for a connection that ends because the client is disposed: then nothing is, since the handlers' own
   * objects may be gone as well.
   *
   * Since: 1.0
   */
  signals[SIGNAL_DISCONNECTED] =
    g_signal_new ("disconnected", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                  G_TYPE_ERROR);

  /**
   * TornadisClient::reconnect-scheduled:
   * @self: the client
   * @attempt: how many attempts in a row have failed
   * @delay_msec: the time until the next one, in milliseconds
   * @error: why the last one failed
   *
   * Emitted when an attempt to connect has to wait because the one before failed, once for each wait. The wait ends early
   * when the network comes back.
   *
   * Since: 1.0
   */
  signals[SIGNAL_RECONNECT_SCHEDULED] =
    g_signal_new ("reconnect-scheduled", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                  G_TYPE_UINT, G_TYPE_UINT, G_TYPE_ERROR);
}

/* They take the very same, but for the type of the first. */
static void
tornadis_client_caller_init (TornadisCallerInterface *iface)
{
  iface->call_async = (gpointer) tornadis_client_call_async;
  iface->call_finish = (gpointer) tornadis_client_call_finish;
  iface->call_pipeline_async = (gpointer) tornadis_client_call_pipeline_async;
  iface->call_pipeline_finish = (gpointer) tornadis_client_call_pipeline_finish;
}

static void
tornadis_client_init (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);

  priv->client = self;
  priv->context = g_main_context_ref_thread_default ();
  priv->link = tornadis_link_new (priv->context, &link_funcs, self);
  tornadis_queue_set_observe_func (tornadis_link_get_queue (priv->link), tornadis_client_notify_observers, priv);
  priv->plugins = g_list_store_new (TORNADIS_TYPE_PLUGIN);

  tornadis_client_init_properties (priv);
}

TornadisClientPrivate *
tornadis_client_get_private (TornadisClient *self)
{
  return tornadis_client_get_instance_private (self);
}

TornadisLink *
tornadis_client_get_link (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);

  return priv->link;
}

GMainContext *
tornadis_client_get_context (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);

  return priv->context;
}

void
tornadis_client_set_flush (TornadisClient *self,
                           void (*flush) (gpointer user_data),
                           gpointer user_data)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);

  if (flush == NULL && priv->flush_data != user_data)
    return;

  priv->flush = flush;
  priv->flush_data = user_data;
}

void
tornadis_client_flush (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);

  if (priv->flush != NULL)
    priv->flush (priv->flush_data);
}

void
tornadis_client_set_corked (TornadisClient *self,
                            gboolean corked)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);

  priv->n_corks += corked ? 1 : -1;
  tornadis_link_set_corked (priv->link, corked);
  if (priv->n_corks == 0 && priv->corked != NULL)
    tornadis_client_uncork_targets (priv);
}

gboolean
tornadis_client_is_pristine (TornadisClient *self,
                             TornadisClient *template_client)
{
  const TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);
  const TornadisClientPrivate *expected = tornadis_client_get_instance_private (template_client);
  const TornadisClientHooks *hooks = tornadis_client_get_hooks (self);
  const TornadisSession *session = tornadis_link_get_session (priv->link);

  return tornadis_link_is_pristine (priv->link) && priv->calls.length == 0 && !tornadis_client_is_in_transaction (self) &&
         (hooks->is_used == NULL || !hooks->is_used (self)) &&
         priv->db == expected->db && tornadis_client_bytes_equal (priv->username, expected->username) &&
         tornadis_client_bytes_equal (priv->password, expected->password) &&
         tornadis_client_login_get_credentials (priv) == tornadis_client_login_get_credentials (expected) &&
         g_strcmp0 (priv->client_name, expected->client_name) == 0 &&
         /* The session is that of the client's own connection. */
         (priv->stand_in != NULL ||
          (session->db == expected->db &&
           tornadis_client_login_is_of_session (priv, expected->username, expected->password) &&
           g_strcmp0 (session->client_name, expected->client_name) == 0));
}

gboolean
tornadis_client_begin_emission (TornadisClient *self)
{
  const TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);

  if (priv->n_silences == 0 && !tornadis_link_is_shut_down (priv->link))
    tornadis_client_flush (self);

  return priv->n_silences == 0 && !tornadis_link_is_shut_down (priv->link);
}

void
tornadis_client_close_silently (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);

  priv->n_silences++;
  tornadis_client_close (self);
  priv->n_silences--;
}

gboolean
tornadis_client_is_listening (TornadisClient *self)
{
  return link_is_listening_cb (self);
}

/**
 * tornadis_client_new:
 * @host: the name or address of the server
 * @port: its port
 *
 * Creates a client of the server at @host. Nothing is sent before the first call or
 * [method@Tornadis.Client.connect_async].
 *
 * Equivalent of tornadis' `Client()`.
 *
 * Returns: (transfer full): a new client
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_client_new (const char *host,
                     guint16 port)
{
  g_return_val_if_fail (host != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_CLIENT, "host", host, "port", (guint) port, NULL);
}

/**
 * tornadis_client_new_for_uri:
 * @uri: a URI
 * @error: return location for an error
 *
 * Creates a client of the server at @uri, which is of one of these forms:
 *
 * - `redis://[[user][:password]@]host[:port][/db]`, or `valkey://…`
 * - `rediss://…` or `valkeys://…`, the same over TLS
 * - `unix://[[user][:password]@]/path[?db=n]`, or `redis+unix://…` or `valkey+unix://…`
 * - `SCHEME-NAME://[[user][:password]@]host[:port],host[:port],…[/path]`, where SCHEME is `redis`, `rediss`, `valkey` or
 *   `valkeys` and NAME the name of a plugin, such as `redis-sentinel://`. The plugin is created as
 *   [ctor@Tornadis.Plugin.new_by_name] does and is added to the client; it has to have a property `uri`, which is set to
 *   the URI without user, password and query, and decides what the hosts and the path mean.
 *
 * All parts may be percent-encoded, an IPv6 address stands in brackets. A password that is empty, as in `user:@host`,
 * is sent; so is a user name alone, with an empty password. The query may set any property that is a number, a string,
 * a boolean or an enumeration, such as `?client-name=editor&call-timeout-msec=500`, and those of the plugin that the scheme
 * names. It chooses no other plugins: a program that allows it calls [ctor@Tornadis.Client.new_for_uri_full].
 *
 * An error is %TORNADIS_ERROR_USAGE, or %TORNADIS_ERROR_PLUGIN; it does not repeat the URI, which may hold a password.
 *
 * Returns: (transfer full): a new client
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_client_new_for_uri (const char *uri,
                             GError **error)
{
  g_return_val_if_fail (uri != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return tornadis_client_new_for_uri_typed (TORNADIS_TYPE_CLIENT, uri, TORNADIS_URI_FLAGS_NONE, error);
}

/**
 * tornadis_client_new_for_unix_socket:
 * @path: the path of the server's unix socket
 *
 * Creates a client of the server at @path. Nothing is sent before the first call or
 * [method@Tornadis.Client.connect_async].
 *
 * Returns: (transfer full): a new client
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_client_new_for_unix_socket (const char *path)
{
  g_return_val_if_fail (path != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_CLIENT, "unix-domain-socket", path, NULL);
}

/**
 * tornadis_client_connect_async:
 * @self: a client
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the connection is up or has failed
 * @user_data: passed to @callback
 *
 * Connects now. Calls do it by themselves when [property@Tornadis.Client:autoconnect] is on, so this is for
 * knowing early, and for clients that have it off. Safe when already connected; joins an attempt that is in progress or
 * scheduled.
 *
 * To the client's plugins this is a call of `HELLO`: they may make it again, refuse it, or answer it, see
 * [method@Tornadis.Plugin.set_client_state].
 *
 * Equivalent of tornadis' `Client.connect()`.
 *
 * Since: 1.0
 */
void
tornadis_client_connect_async (TornadisClient *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_CLIENT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = tornadis_prelude_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_client_connect_async);

  if (tornadis_cancel_watch_return_error_if_cancelled (task))
    return;

  /* Plugins see no calls of a client that takes none. */
  if (tornadis_client_is_connected (self))
    g_task_return_pointer (task, tornadis_client_make_connect_reply (), (GDestroyNotify) tornadis_reply_unref);
  else if (priv->chain == NULL || tornadis_client_get_hooks (self)->refusal != NULL)
    tornadis_client_connect_link (self, task);
  else
    tornadis_client_call_connect (self, task);
}

/**
 * tornadis_client_connect_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes an operation started with [method@Tornadis.Client.connect_async]. Errors are %TORNADIS_ERROR_CONNECT,
 * %TORNADIS_ERROR_AUTHENTICATION, %TORNADIS_ERROR_CLOSED when the client was closed meanwhile, and
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when the client is connected
 *
 * Since: 1.0
 */
gboolean
tornadis_client_connect_finish (TornadisClient *self,
                                GAsyncResult *result,
                                GError **error)
{
  g_autoptr (TornadisReply) reply = NULL;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  reply = g_task_propagate_pointer (G_TASK (result), error);

  return reply != NULL;
}

/**
 * tornadis_client_close:
 * @self: a client
 *
 * Closes the connection, or cancels the attempt to make one. Calls that may have run complete with
 * %TORNADIS_ERROR_LOST, the others with %TORNADIS_ERROR_CLOSED; the callbacks of
 * [method@Tornadis.Client.submit] are called before this returns. Safe when already closed. With
 * [property@Tornadis.Client:autoconnect] the next call connects again.
 *
 * Equivalent of tornadis' `Client.disconnect()`.
 *
 * Since: 1.0
 */
void
tornadis_client_close (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_instance_private (self);
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = NULL;
  g_autoptr (GPtrArray) calls = NULL;

  g_return_if_fail (TORNADIS_IS_CLIENT (self));

  alive = g_object_ref (self);
  /* Calls that plugins hold or will repeat are not in the link's queue. */
  calls = tornadis_call_stop_all (&priv->calls);
  tornadis_link_close (priv->link);
  tornadis_client_close_routed (priv);
  tornadis_call_complete_all (calls);
  tornadis_client_close_stand_in (self);
  if (tornadis_client_get_hooks (self)->closed != NULL)
    tornadis_client_get_hooks (self)->closed (self);
  tornadis_client_flush (self);
}

/**
 * tornadis_client_is_connected:
 * @self: a client
 *
 * Gets whether the connection is up.
 *
 * Equivalent of tornadis' `Client.is_connected()`.
 *
 * Returns: the value of [property@Tornadis.Client:connected]
 *
 * Since: 1.0
 */
gboolean
tornadis_client_is_connected (TornadisClient *self)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (self), FALSE);

  return tornadis_client_get_state (self) == TORNADIS_CLIENT_STATE_CONNECTED;
}
