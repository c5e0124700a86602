/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-connector.h"

#include <gio/gnetworking.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/values/tornadis-secret.h"
#include "tornadis-glib/wire/tornadis-tls-handshake.h"

/* Data of an address, see TornadisClient:connectable. */
#define SERVER_IDENTITY "tornadis-server-identity"

/* One attempt goes through these steps, under one deadline; each may end in connector_fail():
 *
 *   connector_connect()         name, proxy and socket; again without an address whose TLS failed
 *   TornadisTlsHandshake        if it is to be TLS
 *   connector_give_login()      if there is somebody who is asked for it
 *   connector_send_hello()      unless it is to be RESP2
 *   connector_send_auth()       if it is to be, or has to be, RESP2, and there is a login
 *   connector_send_rest()       all else, in one write
 *   connector_succeed()         the connection is the caller's
 *
 * All run in the context of the connector. */
struct _TornadisConnector
{
  grefcount ref_count;
  TornadisConnectorOptions options;
  GMainContext *context;          /* (owned) */
  TornadisConnectorFunc func;     /* (nullable) NULL once it has been called */
  gpointer user_data;             /* (unowned) */
  GSocketClient *socket_client;   /* (owned) */
  GCancellable *cancellable;      /* (owned) */
  GSource *deadline;              /* (owned) (nullable) */
  char *proxy;                    /* (owned) (nullable) the one that the connection uses or would have used */
  TornadisTlsHandshake *tls;      /* (owned) (nullable) while it is in flight */
  GSocketAddress *tls_address;    /* (owned) (nullable) the address of that */
  GPtrArray *named_addresses;     /* (owned) (nullable) (element-type GInetSocketAddress) tried ones that have an identity */
  GPtrArray *failed_addresses;    /* (owned) (nullable) (element-type GInetSocketAddress) where TLS failed */
  char *tls_reason;               /* (owned) (nullable) why it failed */
  TornadisQueue *queue;           /* (owned) the commands of the handshake */
  TornadisConnection *connection; /* (owned) (nullable) */
  char *last_words;               /* (owned) (nullable) the last reply, when it was an error that does not matter */
  guint protocol_version;
  gboolean asks_login;   /* and waits for the answer */
  gint64 server_id;      /* the server's number of the connection, or 0 */
  gboolean has_set_info; /* whether the server knows CLIENT SETINFO */
  guint n_awaited;       /* replies of the last step that are still to come, and 1 while it is sent */
  guint n_setup;         /* how many of the setup commands have been answered */
  GPtrArray *judged;     /* (owned) (element-type TornadisReply) the replies that are somebody else's to judge */
};

void
tornadis_connector_options_clear (TornadisConnectorOptions *self)
{
  g_clear_object (&self->connectable);
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->username, g_bytes_unref);
  g_clear_pointer (&self->password, g_bytes_unref);
  g_clear_pointer (&self->client_name, g_free);
  g_clear_object (&self->tls_database);
  g_clear_object (&self->tls_certificate);
  g_clear_object (&self->tls_identity);
  g_clear_object (&self->proxy_resolver);
  g_clear_pointer (&self->settings, g_ptr_array_unref);
  g_clear_pointer (&self->setup, g_ptr_array_unref);
  g_clear_pointer (&self->setup_judged, g_byte_array_unref);
  if (self->setup_data_destroy != NULL)
    self->setup_data_destroy (g_steal_pointer (&self->setup_data));
  self->setup_data_destroy = NULL;
  if (self->login_data_destroy != NULL)
    self->login_data_destroy (g_steal_pointer (&self->login_data));
  self->login_data_destroy = NULL;
}

static void
connector_unref (TornadisConnector *self)
{
  if (!g_ref_count_dec (&self->ref_count))
    return;

  g_assert (self->func == NULL && self->tls == NULL && self->connection == NULL && self->deadline == NULL);

  tornadis_connector_options_clear (&self->options);
  g_clear_pointer (&self->queue, tornadis_queue_free);
  g_clear_object (&self->tls_address);
  g_clear_pointer (&self->named_addresses, g_ptr_array_unref);
  g_clear_pointer (&self->failed_addresses, g_ptr_array_unref);
  g_free (self->tls_reason);
  g_free (self->proxy);
  g_free (self->last_words);
  g_ptr_array_unref (self->judged);
  g_clear_object (&self->socket_client);
  g_clear_object (&self->cancellable);
  g_main_context_unref (self->context);
  g_free (self);
}

/* Nothing of the attempt calls back after this. Drops the caller's reference of
 * tornadis_connector_start(). */
static void
connector_end (TornadisConnector *self)
{
  if (self->deadline != NULL)
    {
      g_source_destroy (self->deadline);
      g_clear_pointer (&self->deadline, g_source_unref);
    }

  self->func = NULL;
  g_signal_handlers_disconnect_by_data (self->socket_client, self);
  g_cancellable_cancel (self->cancellable);
  g_clear_pointer (&self->tls, tornadis_tls_handshake_cancel);

  if (self->connection != NULL)
    {
      tornadis_connection_close (self->connection);
      g_clear_pointer (&self->connection, tornadis_connection_unref);
    }

  connector_unref (self);
}

static void
connector_fail (TornadisConnector *self,
                int code,
                const char *reason)
{
  TornadisConnectorFunc func = self->func;
  gpointer user_data = self->user_data;
  g_autoptr (GError) error = NULL;

  error = g_error_new (TORNADIS_ERROR, code, "Could not connect to %s%s%s: %s", self->options.title,
                       self->proxy != NULL ? " through the proxy " : "", self->proxy != NULL ? self->proxy : "", reason);
  connector_end (self);
  func (NULL, 0, 0, error, user_data);
}

static void
connector_succeed (TornadisConnector *self)
{
  TornadisConnectorFunc func = self->func;
  gpointer user_data = self->user_data;
  TornadisConnection *connection = g_steal_pointer (&self->connection);
  guint protocol_version = self->protocol_version;
  gint64 server_id = self->server_id;

  connector_end (self);
  func (connection, protocol_version, server_id, NULL, user_data);
}

static void
connector_send (TornadisConnector *self,
                TornadisCommand *command,
                TornadisSlotFunc func)
{
  const TornadisOrigin caller = { .func = func, .user_data = self };

  tornadis_queue_push (self->queue, command, TORNADIS_SLOT_DEFAULT, &caller);
  tornadis_connection_kick (self->connection);
}

static gboolean
reply_has_prefix (TornadisReply *reply,
                  const char *prefix)
{
  gsize length = strlen (prefix);

  return strncmp (reply->data, prefix, length) == 0 && (reply->data[length] == ' ' || reply->data[length] == '\0');
}

/* The server takes nobody, or not this peer, and closes. */
static gboolean
reply_is_farewell (TornadisReply *reply)
{
  return reply_has_prefix (reply, "DENIED") || strstr (reply->data, "max number of clients") != NULL;
}

/* Whether the error is about the server's condition, and not about what was sent. */
static gboolean
reply_is_about_server (TornadisReply *reply)
{
  return reply_has_prefix (reply, "LOADING") || reply_has_prefix (reply, "MASTERDOWN") || reply_has_prefix (reply, "BUSY") ||
         reply_is_farewell (reply);
}

static gboolean
connector_has_login (TornadisConnector *self)
{
  return self->options.username != NULL || self->options.password != NULL;
}

static char *
connector_dup_words (TornadisConnector *self,
                     TornadisReply *reply)
{
  g_autoptr (GError) error = tornadis_reply_dup_error (reply);

  return tornadis_secret_censor (error != NULL ? error->message : "unexpected reply", self->options.password);
}

/* If the server closes the connection next, this was why. */
static void
connector_remember (TornadisConnector *self,
                    TornadisReply *reply)
{
  g_clear_pointer (&self->last_words, g_free);
  if (tornadis_reply_is_error (reply))
    self->last_words = connector_dup_words (self, reply);
}

static void
connector_fail_with_words (TornadisConnector *self,
                           const char *words)
{
  g_autofree char *reason = g_strconcat ("The server said: ", words, NULL);

  connector_fail (self, TORNADIS_ERROR_CONNECT, reason);
}

static void
connector_fail_with_reply (TornadisConnector *self,
                           TornadisReply *reply,
                           const char *what)
{
  g_autofree char *words = connector_dup_words (self, reply);
  g_autofree char *reason = g_strconcat (what, ": ", words, NULL);
  gboolean refused = reply_has_prefix (reply, "WRONGPASS") || reply_has_prefix (reply, "NOAUTH") ||
                     reply_has_prefix (reply, "NOPERM") || g_str_equal (what, "AUTH");

  if (reply_is_about_server (reply))
    connector_fail_with_words (self, words);
  else if (reply_has_prefix (reply, "NOAUTH") && !connector_has_login (self))
    connector_fail (self, TORNADIS_ERROR_AUTHENTICATION, "The server requires a password (NOAUTH)");
  else
    connector_fail (self, refused ? TORNADIS_ERROR_AUTHENTICATION : TORNADIS_ERROR_CONNECT, reason);
}

/* The last step: commands that may be sent in one go, and are counted as they are sent. @func calls
 * connector_handle_last() at its end. */
static void
connector_send_last (TornadisConnector *self,
                     TornadisCommand *command,
                     TornadisSlotFunc func)
{
  self->n_awaited++;
  connector_send (self, command, func);
}

static void
connector_send_last_strv (TornadisConnector *self,
                          TornadisSlotFunc func,
                          const char *const *argv)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);

  connector_send_last (self, command, func);
}

#define SEND_LAST(self, func, ...) connector_send_last_strv (self, func, (const char *const[]){ __VA_ARGS__, NULL })

/* Asks who judges the setup, who may cancel the attempt meanwhile. */
static void
connector_finish (TornadisConnector *self)
{
  const TornadisConnectorOptions *options = &self->options;
  g_autoptr (GError) error = NULL;
  gboolean agreed;

  g_ref_count_inc (&self->ref_count);
  agreed = options->setup_done == NULL || options->setup_done (self->judged, options->setup_data, &error);
  if (self->func != NULL && agreed)
    connector_succeed (self);
  else if (self->func != NULL)
    connector_fail (self, error->domain == TORNADIS_ERROR ? error->code : TORNADIS_ERROR_CONNECT, error->message);
  connector_unref (self);
}

static void
connector_step_done (TornadisConnector *self)
{
  if (--self->n_awaited == 0)
    connector_finish (self);
}

static void
connector_handle_last (TornadisConnector *self,
                       TornadisReply *reply)
{
  connector_remember (self, reply);
  connector_step_done (self);
}

/* The reply to one of these does not matter, unless it is an error that the server answers everything with. */
static void
optional_cb (TornadisReply *reply,
             const GError *error,
             gpointer user_data)
{
  TornadisConnector *self = user_data;

  if (tornadis_reply_is_error (reply) && (reply_has_prefix (reply, "NOAUTH") || reply_is_farewell (reply)))
    connector_fail_with_reply (self, reply, "CLIENT");
  else
    connector_handle_last (self, reply);
}

static void
client_id_cb (TornadisReply *reply,
              const GError *error,
              gpointer user_data)
{
  TornadisConnector *self = user_data;

  if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_INTEGER)
    self->server_id = MAX (0, tornadis_reply_get_integer (reply));
  optional_cb (reply, error, self);
}

static void
connector_handle_required (TornadisConnector *self,
                           TornadisReply *reply,
                           const char *what)
{
  if (tornadis_reply_is_error (reply))
    connector_fail_with_reply (self, reply, what);
  else
    connector_handle_last (self, reply);
}

static void
select_cb (TornadisReply *reply,
           const GError *error,
           gpointer user_data)
{
  connector_handle_required (user_data, reply, "SELECT");
}

static void
setup_cb (TornadisReply *reply,
          const GError *error,
          gpointer user_data)
{
  TornadisConnector *self = user_data;
  const GByteArray *judged = self->options.setup_judged;
  guint i = self->n_setup++;

  if (judged != NULL && judged->data[i] != 0)
    {
      g_ptr_array_add (self->judged, tornadis_reply_ref (reply));
      connector_handle_last (self, reply);
    }
  else
    connector_handle_required (self, reply, "a plugin's setup command");
}

static void
connector_send_rest (TornadisConnector *self)
{
  TornadisConnectorOptions *options = &self->options;

  /* Not done before all is sent. */
  self->n_awaited = 1;

  if (options->db != 0)
    {
      char db[16];

      g_snprintf (db, sizeof db, "%d", options->db);
      SEND_LAST (self, select_cb, "SELECT", db);
    }
  if (options->client_name != NULL)
    SEND_LAST (self, optional_cb, "CLIENT", "SETNAME", options->client_name);

  /* HELLO has given it in RESP3. In RESP2 there may be nothing else to send, and a server that turns the client away
   * says so in reply to something. */
  if (self->protocol_version == 2)
    SEND_LAST (self, client_id_cb, "CLIENT", "ID");
  if (self->has_set_info)
    {
      SEND_LAST (self, optional_cb, "CLIENT", "SETINFO", "LIB-NAME", "tornadis-glib");
      SEND_LAST (self, optional_cb, "CLIENT", "SETINFO", "LIB-VER", TORNADIS_VERSION_S);
    }

  for (guint i = 0; options->settings != NULL && i < options->settings->len; i++)
    connector_send_last (self, g_ptr_array_index (options->settings, i), optional_cb);
  for (guint i = 0; options->setup != NULL && i < options->setup->len; i++)
    connector_send_last (self, g_ptr_array_index (options->setup, i), setup_cb);

  connector_step_done (self);
}

static void
auth_cb (TornadisReply *reply,
         const GError *error,
         gpointer user_data)
{
  TornadisConnector *self = user_data;

  if (tornadis_reply_is_error (reply))
    {
      connector_fail_with_reply (self, reply, "AUTH");
      return;
    }

  connector_remember (self, reply);
  connector_send_rest (self);
}

/* A user without a password, or one whose password is empty: the server says whether it lets them in. */
static void
connector_append_password (TornadisConnector *self,
                           TornadisCommand *command)
{
  if (self->options.password != NULL)
    tornadis_command_append_bytes (command, self->options.password);
  else
    tornadis_command_append_string (command, "");
}

/* Authentication goes alone: some servers do not answer a failing AUTH that is pipelined. */
static void
connector_send_auth (TornadisConnector *self)
{
  g_autoptr (TornadisCommand) command = NULL;

  self->protocol_version = 2;

  if (!connector_has_login (self))
    {
      connector_send_rest (self);
      return;
    }

  command = tornadis_command_new ("AUTH");
  if (self->options.username != NULL)
    tornadis_command_append_bytes (command, self->options.username);
  connector_append_password (self, command);
  connector_send (self, command, auth_cb);
}

/* Redis has CLIENT SETINFO since 7.2, and counts it as an error before. Valkey began there. */
static gboolean
version_has_set_info (const char *version)
{
  char *end;
  guint64 major = g_ascii_strtoull (version, &end, 10);
  guint64 minor = *end == '.' ? g_ascii_strtoull (end + 1, NULL, 10) : 0;

  return major > 7 || (major == 7 && minor >= 2);
}

static void
connector_handle_hello (TornadisConnector *self,
                        TornadisReply *reply)
{
  TornadisReply *id = tornadis_reply_lookup (reply, "id");
  TornadisReply *version = tornadis_reply_lookup (reply, "version");
  const char *text = version != NULL ? tornadis_reply_get_text (version) : NULL;

  self->server_id = id != NULL ? tornadis_reply_get_integer (id) : 0;
  self->has_set_info = text != NULL && version_has_set_info (text);
  self->protocol_version = 3;
  connector_send_rest (self);
}

static void
hello_cb (TornadisReply *reply,
          const GError *error,
          gpointer user_data)
{
  TornadisConnector *self = user_data;

  if (!tornadis_reply_is_error (reply))
    {
      connector_handle_hello (self, reply);
    }
  else if (reply_has_prefix (reply, "WRONGPASS") || reply_has_prefix (reply, "NOAUTH") ||
           reply_is_about_server (reply) || self->options.protocol == TORNADIS_PROTOCOL_RESP3)
    {
      connector_fail_with_reply (self, reply, "HELLO");
    }
  else
    {
      connector_remember (self, reply);
      connector_send_auth (self);
    }
}

static void
connector_send_hello (TornadisConnector *self)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const[]){ "HELLO", "3", NULL });

  if (connector_has_login (self))
    {
      tornadis_command_append_string (command, "AUTH");
      if (self->options.username != NULL)
        tornadis_command_append_bytes (command, self->options.username);
      else
        tornadis_command_append_string (command, "default");
      connector_append_password (self, command);
    }

  connector_send (self, command, hello_cb);
}

static void
connection_closed_cb (const GError *error,
                      gpointer user_data)
{
  TornadisConnector *self = user_data;
  g_autofree char *reason = tornadis_secret_censor (error->message, self->options.password);

  /* How the stream ended, and when that was noticed, says less. */
  if (self->last_words != NULL && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST))
    connector_fail_with_words (self, self->last_words);
  else
    connector_fail (self, TORNADIS_ERROR_CONNECT, reason);
}

static void
connector_send_first (TornadisConnector *self)
{
  if (self->options.protocol == TORNADIS_PROTOCOL_RESP2)
    connector_send_auth (self);
  else
    connector_send_hello (self);
}

void
tornadis_connector_give_login (TornadisConnector *self,
                               GBytes *username,
                               GBytes *password,
                               const GError *error)
{
  if (!self->asks_login)
    return;

  self->asks_login = FALSE;

  if (error != NULL)
    {
      g_autofree char *reason = g_strconcat ("No login: ", error->message, NULL);

      connector_fail (self, TORNADIS_ERROR_AUTHENTICATION, reason);
      return;
    }

  self->options.username = username != NULL ? g_bytes_ref (username) : NULL;
  self->options.password = password != NULL ? g_bytes_ref (password) : NULL;
  connector_send_first (self);
}

/* The socket is connected and, if that was asked for, encrypted: begins the handshake with the server. */
static void
connector_begin (TornadisConnector *self,
                 GSocketConnection *socket_connection)
{
  static const TornadisConnectionFuncs funcs = { NULL, connection_closed_cb };
  g_autoptr (TornadisPoller) poller = tornadis_poller_get (self->context);
  g_autoptr (GError) error = NULL;

  self->connection = tornadis_connection_new (socket_connection, self->options.read_page_size,
                                              self->options.max_reply_size, self->options.tcp_user_timeout_msec, poller,
                                              &error);
  if (self->connection == NULL)
    {
      connector_fail (self, TORNADIS_ERROR_CONNECT, error->message);
      return;
    }

  tornadis_connection_set_busy_poll (self->connection, self->options.busy_poll);
  tornadis_connection_attach (self->connection, self->queue, &funcs, self);

  if (self->options.ask_login != NULL)
    {
      self->asks_login = TRUE;
      /* May cancel the attempt. */
      self->options.ask_login (self->options.login_data);
    }
  else
    connector_send_first (self);
}

static gboolean
inet_socket_address_equal (gconstpointer a,
                           gconstpointer b)
{
  GInetSocketAddress *one = (GInetSocketAddress *) a;
  GInetSocketAddress *other = (GInetSocketAddress *) b;

  return g_inet_socket_address_get_port (one) == g_inet_socket_address_get_port (other) &&
         g_inet_address_equal (g_inet_socket_address_get_address (one), g_inet_socket_address_get_address (other));
}

/* (nullable): the one that is equal. */
static GSocketAddress *
find_address (GPtrArray *addresses,
              GSocketAddress *address)
{
  guint index;

  if (addresses == NULL || !G_IS_INET_SOCKET_ADDRESS (address) ||
      !g_ptr_array_find_with_equal_func (addresses, address, inet_socket_address_equal, &index))
    return NULL;

  return g_ptr_array_index (addresses, index);
}

static gboolean
connector_has_failed_at (TornadisConnector *self,
                         GSocketAddress *address)
{
  return find_address (self->failed_addresses, address) != NULL;
}

/* Only now there is the object that has come from the connectable. */
static void
connector_keep_identity (TornadisConnector *self,
                         GSocketAddress *address)
{
  if (!G_IS_INET_SOCKET_ADDRESS (address) || G_IS_PROXY_ADDRESS (address) ||
      !G_IS_SOCKET_CONNECTABLE (g_object_get_data (G_OBJECT (address), SERVER_IDENTITY)))
    return;

  if (self->named_addresses == NULL)
    self->named_addresses = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (self->named_addresses, g_object_ref (address));
}

/* TLS failed at an address. Whether there may be another one to try, as GSocketClient tries it when TLS is left to it. */
static gboolean
connector_leave_address_out (TornadisConnector *self)
{
  if (!G_IS_INET_SOCKET_ADDRESS (self->tls_address) || G_IS_SOCKET_ADDRESS (self->options.connectable) ||
      connector_has_failed_at (self, self->tls_address))
    return FALSE;

  if (self->failed_addresses == NULL)
    self->failed_addresses = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (self->failed_addresses, g_steal_pointer (&self->tls_address));

  return TRUE;
}

/* Remembers which proxy is used, without the login in its URI. */
static void
connector_set_proxy (TornadisConnector *self,
                     GSocketAddress *address)
{
  g_autoptr (GUri) uri = NULL;

  g_clear_pointer (&self->proxy, g_free);
  if (!G_IS_PROXY_ADDRESS (address))
    return;

  if (g_proxy_address_get_uri (G_PROXY_ADDRESS (address)) != NULL)
    uri = g_uri_parse (g_proxy_address_get_uri (G_PROXY_ADDRESS (address)), G_URI_FLAGS_PARSE_RELAXED, NULL);

  self->proxy = uri != NULL ? g_uri_to_string_partial (uri, G_URI_HIDE_USERINFO)
                            : g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
}

static void
client_event_cb (GSocketClient *client,
                 GSocketClientEvent event,
                 GSocketConnectable *connectable,
                 GIOStream *stream,
                 gpointer user_data)
{
  TornadisConnector *self = user_data;
  g_autoptr (GSocketAddress) address = NULL;

  if (event != G_SOCKET_CLIENT_CONNECTING)
    return;

  /* Closing the socket makes it try the next address. */
  address = g_socket_connection_get_remote_address (G_SOCKET_CONNECTION (stream), NULL);
  connector_set_proxy (self, address);
  connector_keep_identity (self, address);
  if (connector_has_failed_at (self, address))
    g_socket_close (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)), NULL);
}

static void connector_connect (TornadisConnector *self);

static void
tls_handshake_cb (GSocketConnection *secured,
                  const GError *error,
                  gpointer user_data)
{
  TornadisConnector *self = user_data;

  self->tls = NULL;

  if (secured != NULL)
    {
      connector_begin (self, secured);
    }
  else if (connector_leave_address_out (self))
    {
      g_free (self->tls_reason);
      self->tls_reason = g_strdup (error->message);
      connector_connect (self);
    }
  else
    {
      connector_fail (self, TORNADIS_ERROR_CONNECT, error->message);
    }
}

/* Whom the certificate has to be for. A connectable that is none of GIO's own, and may lead to many servers, says it with
 * each address; where it does not, it is the address. */
static GSocketConnectable *
connector_get_tls_identity (TornadisConnector *self)
{
  const TornadisConnectorOptions *options = &self->options;
  GSocketAddress *named = find_address (self->named_addresses, self->tls_address);

  if (options->tls_identity != NULL)
    return options->tls_identity;
  if (named != NULL)
    return g_object_get_data (G_OBJECT (named), SERVER_IDENTITY);
  if (self->proxy == NULL && !G_IS_SOCKET_ADDRESS (options->connectable) && !G_IS_NETWORK_ADDRESS (options->connectable) &&
      !G_IS_NETWORK_SERVICE (options->connectable) && G_IS_INET_SOCKET_ADDRESS (self->tls_address))
    return G_SOCKET_CONNECTABLE (self->tls_address);

  return options->connectable;
}

static void
connected_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  TornadisConnector *self = user_data;
  TornadisConnectorOptions *options = &self->options;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) socket_connection = NULL;

  socket_connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (object), result, &error);

  if (self->func == NULL)
    {
      connector_unref (self);
      return;
    }

  if (socket_connection == NULL)
    {
      const char *reason = error->message;

      /* GIO names the host too. */
      if (g_str_has_prefix (reason, "Could not connect to ") && strstr (reason, ": ") != NULL)
        reason = strstr (reason, ": ") + 2;

      connector_unref (self);
      connector_fail (self, TORNADIS_ERROR_CONNECT, self->tls_reason != NULL ? self->tls_reason : reason);
      return;
    }

  /* Does nothing to what is not TCP. */
  g_socket_set_option (g_socket_connection_get_socket (socket_connection), IPPROTO_TCP, TCP_NODELAY,
                       self->options.tcp_nodelay, NULL);

  if (options->tls)
    {
      g_clear_object (&self->tls_address);
      self->tls_address = g_socket_connection_get_remote_address (socket_connection, NULL);
      self->tls =
        tornadis_tls_handshake_start (socket_connection, connector_get_tls_identity (self), options->tls_database,
                                      options->tls_certificate, self->context, tls_handshake_cb, self);
    }
  else
    {
      connector_begin (self, socket_connection);
    }

  connector_unref (self);
}

static void
connector_connect (TornadisConnector *self)
{
  g_ref_count_inc (&self->ref_count);
  g_main_context_push_thread_default (self->context);
  g_socket_client_connect_async (self->socket_client, self->options.connectable, self->cancellable, connected_cb, self);
  g_main_context_pop_thread_default (self->context);
}

static gboolean
deadline_cb (gpointer user_data)
{
  TornadisConnector *self = user_data;
  g_autofree char *reason = g_strdup_printf ("no connection within %u seconds", self->options.timeout_sec);

  connector_fail (self, TORNADIS_ERROR_CONNECT, reason);

  return G_SOURCE_REMOVE;
}

/* Wrong settings are reported from the main loop, like any other failure. */
static gboolean
refusal_cb (gpointer user_data)
{
  TornadisConnector *self = user_data;

  connector_fail (self, TORNADIS_ERROR_CONNECT, self->options.refusal);

  return G_SOURCE_REMOVE;
}

static void
connector_attach_source (TornadisConnector *self,
                         GSource *source,
                         GSourceFunc func)
{
  g_source_set_static_name (source, "[tornadis] connect deadline");
  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, self->context);
  self->deadline = source;
}

TornadisConnector *
tornadis_connector_start (TornadisConnectorOptions *options,
                          GMainContext *context,
                          TornadisConnectorFunc func,
                          gpointer user_data)
{
  TornadisConnector *self = g_new0 (TornadisConnector, 1);

  g_ref_count_init (&self->ref_count);
  self->options = *options;
  memset (options, 0, sizeof *options);
  self->context = g_main_context_ref (context);
  self->func = func;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->queue = tornadis_queue_new ();
  self->judged = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);
  self->socket_client = g_socket_client_new ();

  if (self->options.tls && self->options.tls_identity == NULL && G_IS_UNIX_SOCKET_ADDRESS (self->options.connectable))
    self->options.refusal = "TLS over a unix socket needs the tls-server-identity that the certificate must be for";

  if (self->options.refusal != NULL)
    {
      connector_attach_source (self, g_idle_source_new (), refusal_cb);
      return self;
    }

  /* Proxies of the environment are for the web; a connectable may still bring one of its own. */
  if (self->options.proxy_resolver == NULL)
    self->options.proxy_resolver = g_simple_proxy_resolver_new (NULL, NULL);
  g_socket_client_set_proxy_resolver (self->socket_client, self->options.proxy_resolver);
  g_signal_connect (self->socket_client, "event", G_CALLBACK (client_event_cb), self);

  if (self->options.timeout_sec > 0)
    connector_attach_source (self, g_timeout_source_new (1000 * self->options.timeout_sec), deadline_cb);

  connector_connect (self);

  return self;
}

void
tornadis_connector_cancel (TornadisConnector *self)
{
  connector_end (self);
}
