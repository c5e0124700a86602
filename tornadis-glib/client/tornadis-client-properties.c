/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The properties of TornadisClient. */

#include "tornadis-glib/client/tornadis-client-login-private.h"
#include "tornadis-glib/client/tornadis-client-private.h"

#include "tornadis-glib/tornadis-enum-types.h"
#include "tornadis-glib/values/tornadis-secret.h"

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT 6379
#define DEFAULT_CONNECT_TIMEOUT_SEC 20
#define DEFAULT_PAGE_SIZE 65536
#define MIN_PAGE_SIZE 1024
#define MAX_PAGE_SIZE (64 * 1024 * 1024)
#define DEFAULT_MAX_PENDING 1048576
#define DEFAULT_MAX_QUEUED_BYTES (G_GUINT64_CONSTANT (256) * 1024 * 1024)
#define DEFAULT_MAX_REPLY_SIZE (G_GUINT64_CONSTANT (512) * 1024 * 1024)
#define PING_INTERVAL_MSEC 30000
#define TCP_USER_TIMEOUT_MSEC 30000

typedef enum
{
  PROP_HOST = 1,
  PROP_PORT,
  PROP_UNIX_DOMAIN_SOCKET,
  PROP_CONNECTABLE,
  PROP_USERNAME,
  PROP_PASSWORD,
  PROP_CREDENTIALS,
  PROP_DB,
  PROP_CLIENT_NAME,
  PROP_PROTOCOL,
  PROP_AUTOCONNECT,
  PROP_CONNECT_TIMEOUT,
  PROP_READ_TIMEOUT,
  PROP_CALL_TIMEOUT_MSEC,
  PROP_TCP_NODELAY,
  PROP_TCP_USER_TIMEOUT_MSEC,
  PROP_AGGRESSIVE_WRITE,
  PROP_BUSY_POLL,
  PROP_VERIFY_REPLIES,
  PROP_READ_PAGE_SIZE,
  PROP_WRITE_PAGE_SIZE,
  PROP_TLS,
  PROP_TLS_DATABASE,
  PROP_TLS_CERTIFICATE,
  PROP_TLS_SERVER_IDENTITY,
  PROP_PROXY_RESOLVER,
  PROP_MAX_PENDING,
  PROP_MAX_QUEUED_BYTES,
  PROP_MAX_REPLY_SIZE,
  PROP_STATE,
  PROP_CONNECTED,
  PROP_TITLE,
  PROP_PROTOCOL_VERSION,
  PROP_CONNECTION_ID,
  PROP_IN_TRANSACTION,
  PROP_SESSION_SETTLED,
  PROP_PENDING,
  PROP_BYTES_READ,
  PROP_BYTES_WRITTEN,
} TornadisClientProperty;

static GParamSpec *props[PROP_BYTES_WRITTEN + 1];

const char *
tornadis_client_get_title (TornadisClientPrivate *priv)
{
  if (priv->title != NULL)
    return priv->title;

  if (priv->connectable != NULL)
    priv->title = g_socket_connectable_to_string (priv->connectable);
  else if (priv->unix_domain_socket != NULL)
    priv->title = g_strdup (priv->unix_domain_socket);
  else if (strchr (priv->host, ':') != NULL)
    priv->title = g_strdup_printf ("[%s]:%u", priv->host, priv->port);
  else
    priv->title = g_strdup_printf ("%s:%u", priv->host, priv->port);

  return priv->title;
}

/* A value that is not text was given to AUTH as bytes; the property cannot show it. */
static void
get_text (GBytes *bytes,
          GValue *value)
{
  gsize length = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &length) : NULL;

  if (bytes == NULL || (length > 0 && !g_utf8_validate_len (data, length, NULL)))
    g_value_set_string (value, NULL);
  else
    g_value_take_string (value, g_strndup (data != NULL ? data : "", length));
}

static void
tornadis_client_get_property (GObject *object,
                              guint prop_id,
                              GValue *value,
                              GParamSpec *pspec)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (TORNADIS_CLIENT (object));
  TornadisLinkSettings *settings = tornadis_link_get_settings (priv->link);

  switch ((TornadisClientProperty) prop_id)
    {
    case PROP_HOST:
      g_value_set_string (value, priv->host);
      break;
    case PROP_PORT:
      g_value_set_uint (value, priv->port);
      break;
    case PROP_UNIX_DOMAIN_SOCKET:
      g_value_set_string (value, priv->unix_domain_socket);
      break;
    case PROP_CONNECTABLE:
      g_value_set_object (value, priv->connectable);
      break;
    case PROP_USERNAME:
      get_text (priv->username, value);
      break;
    case PROP_PASSWORD:
      get_text (priv->password, value);
      break;
    case PROP_CREDENTIALS:
      g_value_set_object (value, tornadis_client_login_get_credentials (priv));
      break;
    case PROP_DB:
      g_value_set_int (value, priv->db);
      break;
    case PROP_CLIENT_NAME:
      g_value_set_string (value, priv->client_name);
      break;
    case PROP_PROTOCOL:
      g_value_set_enum (value, priv->protocol);
      break;
    case PROP_AUTOCONNECT:
      g_value_set_boolean (value, settings->autoconnect);
      break;
    case PROP_CONNECT_TIMEOUT:
      g_value_set_uint (value, priv->connect_timeout_sec);
      break;
    case PROP_READ_TIMEOUT:
      g_value_set_uint (value, settings->read_timeout_msec / 1000);
      break;
    case PROP_CALL_TIMEOUT_MSEC:
      g_value_set_uint (value, settings->call_timeout_msec);
      break;
    case PROP_TCP_NODELAY:
      g_value_set_boolean (value, priv->tcp_nodelay);
      break;
    case PROP_TCP_USER_TIMEOUT_MSEC:
      g_value_set_uint (value, priv->tcp_user_timeout_msec);
      break;
    case PROP_AGGRESSIVE_WRITE:
      g_value_set_boolean (value, settings->aggressive_write);
      break;
    case PROP_BUSY_POLL:
      g_value_set_boolean (value, settings->busy_poll);
      break;
    case PROP_VERIFY_REPLIES:
      g_value_set_uint (value, settings->verify_replies);
      break;
    case PROP_READ_PAGE_SIZE:
      g_value_set_uint (value, (guint) priv->read_page_size);
      break;
    case PROP_WRITE_PAGE_SIZE:
      g_value_set_uint (value, (guint) settings->write_page_size);
      break;
    case PROP_TLS:
      g_value_set_boolean (value, priv->tls);
      break;
    case PROP_TLS_DATABASE:
      g_value_set_object (value, priv->tls_database);
      break;
    case PROP_TLS_CERTIFICATE:
      g_value_set_object (value, priv->tls_certificate);
      break;
    case PROP_TLS_SERVER_IDENTITY:
      g_value_set_object (value, priv->tls_identity);
      break;
    case PROP_PROXY_RESOLVER:
      g_value_set_object (value, priv->proxy_resolver);
      break;
    case PROP_MAX_PENDING:
      g_value_set_uint (value, (guint) settings->max_pending);
      break;
    case PROP_MAX_QUEUED_BYTES:
      g_value_set_uint64 (value, settings->max_queued_bytes);
      break;
    case PROP_MAX_REPLY_SIZE:
      g_value_set_uint64 (value, settings->max_reply_size);
      break;
    case PROP_STATE:
      g_value_set_enum (value, tornadis_client_get_state (TORNADIS_CLIENT (object)));
      break;
    case PROP_CONNECTED:
      g_value_set_boolean (value, tornadis_client_is_connected (TORNADIS_CLIENT (object)));
      break;
    case PROP_TITLE:
      g_value_set_string (value, tornadis_client_get_title (priv));
      break;
    case PROP_PROTOCOL_VERSION:
      g_value_set_uint (value, tornadis_link_get_protocol_version (priv->link));
      break;
    case PROP_CONNECTION_ID:
      g_value_set_int64 (value, tornadis_link_get_server_id (priv->link));
      break;
    case PROP_IN_TRANSACTION:
      g_value_set_boolean (value, tornadis_client_is_in_transaction (TORNADIS_CLIENT (object)));
      break;
    case PROP_SESSION_SETTLED:
      g_value_set_boolean (value, tornadis_client_is_session_settled (TORNADIS_CLIENT (object)));
      break;
    case PROP_PENDING:
      g_value_set_uint (value, (guint) tornadis_queue_get_n_pending (tornadis_link_get_queue (priv->link)));
      break;
    case PROP_BYTES_READ:
      g_value_set_uint64 (value, tornadis_queue_get_n_read (tornadis_link_get_queue (priv->link)));
      break;
    case PROP_BYTES_WRITTEN:
      g_value_set_uint64 (value, tornadis_queue_get_n_written (tornadis_link_get_queue (priv->link)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static gboolean
set_string (char **field,
            const GValue *value)
{
  if (g_strcmp0 (*field, g_value_get_string (value)) == 0)
    return FALSE;

  g_free (*field);
  *field = g_value_dup_string (value);
  return TRUE;
}

static gboolean
set_text (GBytes **field,
          const GValue *value)
{
  const char *text = g_value_get_string (value);
  g_autoptr (GBytes) bytes = tornadis_secret_new (text);

  if (*field == bytes || (*field != NULL && bytes != NULL && g_bytes_equal (*field, bytes)))
    return FALSE;

  g_clear_pointer (field, g_bytes_unref);
  *field = g_steal_pointer (&bytes);
  return TRUE;
}

#define SET_FIELD(field, new_value) ((field) != (new_value) ? ((field) = (new_value), TRUE) : FALSE)

static gboolean
client_set_host (TornadisClientPrivate *priv,
                 const GValue *value)
{
  const char *host = g_value_get_string (value);

  if (g_strcmp0 (priv->host, host != NULL ? host : DEFAULT_HOST) == 0)
    return FALSE;

  g_free (priv->host);
  priv->host = g_strdup (host != NULL ? host : DEFAULT_HOST);
  return TRUE;
}

static void
tornadis_client_set_property (GObject *object,
                              guint prop_id,
                              const GValue *value,
                              GParamSpec *pspec)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (TORNADIS_CLIENT (object));
  TornadisLinkSettings *settings = tornadis_link_get_settings (priv->link);
  gboolean changed = FALSE;
  gboolean retitled;

  switch ((TornadisClientProperty) prop_id)
    {
    case PROP_HOST:
      changed = client_set_host (priv, value);
      break;
    case PROP_PORT:
      changed = SET_FIELD (priv->port, g_value_get_uint (value));
      break;
    case PROP_UNIX_DOMAIN_SOCKET:
      changed = set_string (&priv->unix_domain_socket, value);
      break;
    case PROP_CONNECTABLE:
      changed = g_set_object (&priv->connectable, g_value_get_object (value));
      break;
    case PROP_USERNAME:
      changed = set_text (&priv->username, value);
      break;
    case PROP_PASSWORD:
      changed = set_text (&priv->password, value);
      break;
    case PROP_CREDENTIALS:
      changed = tornadis_client_login_set_credentials (priv, g_value_get_object (value));
      break;
    case PROP_DB:
      changed = SET_FIELD (priv->db, g_value_get_int (value));
      break;
    case PROP_CLIENT_NAME:
      changed = set_string (&priv->client_name, value);
      break;
    case PROP_PROTOCOL:
      changed = SET_FIELD (priv->protocol, (TornadisProtocol) g_value_get_enum (value));
      break;
    case PROP_AUTOCONNECT:
      changed = SET_FIELD (settings->autoconnect, g_value_get_boolean (value));
      break;
    case PROP_CONNECT_TIMEOUT:
      changed = SET_FIELD (priv->connect_timeout_sec, g_value_get_uint (value));
      break;
    case PROP_READ_TIMEOUT:
      changed = SET_FIELD (settings->read_timeout_msec, 1000 * g_value_get_uint (value));
      break;
    case PROP_CALL_TIMEOUT_MSEC:
      changed = SET_FIELD (settings->call_timeout_msec, g_value_get_uint (value));
      break;
    case PROP_TCP_NODELAY:
      changed = SET_FIELD (priv->tcp_nodelay, g_value_get_boolean (value));
      break;
    case PROP_TCP_USER_TIMEOUT_MSEC:
      changed = SET_FIELD (priv->tcp_user_timeout_msec, g_value_get_uint (value));
      break;
    case PROP_AGGRESSIVE_WRITE:
      changed = SET_FIELD (settings->aggressive_write, g_value_get_boolean (value));
      break;
    case PROP_BUSY_POLL:
      changed = SET_FIELD (settings->busy_poll, g_value_get_boolean (value));
      break;
    case PROP_VERIFY_REPLIES:
      changed = SET_FIELD (settings->verify_replies, g_value_get_uint (value));
      break;
    case PROP_READ_PAGE_SIZE:
      changed = SET_FIELD (priv->read_page_size, g_value_get_uint (value));
      break;
    case PROP_WRITE_PAGE_SIZE:
      changed = SET_FIELD (settings->write_page_size, g_value_get_uint (value));
      break;
    case PROP_TLS:
      changed = SET_FIELD (priv->tls, g_value_get_boolean (value));
      break;
    case PROP_TLS_DATABASE:
      changed = g_set_object (&priv->tls_database, g_value_get_object (value));
      break;
    case PROP_TLS_CERTIFICATE:
      changed = g_set_object (&priv->tls_certificate, g_value_get_object (value));
      break;
    case PROP_TLS_SERVER_IDENTITY:
      changed = g_set_object (&priv->tls_identity, g_value_get_object (value));
      break;
    case PROP_PROXY_RESOLVER:
      changed = g_set_object (&priv->proxy_resolver, g_value_get_object (value));
      break;
    case PROP_MAX_PENDING:
      changed = SET_FIELD (settings->max_pending, g_value_get_uint (value));
      break;
    case PROP_MAX_QUEUED_BYTES:
      changed = SET_FIELD (settings->max_queued_bytes, g_value_get_uint64 (value));
      break;
    case PROP_MAX_REPLY_SIZE:
      changed = SET_FIELD (settings->max_reply_size, g_value_get_uint64 (value));
      break;
    case PROP_STATE:
    case PROP_CONNECTED:
    case PROP_TITLE:
    case PROP_PROTOCOL_VERSION:
    case PROP_CONNECTION_ID:
    case PROP_IN_TRANSACTION:
    case PROP_SESSION_SETTLED:
    case PROP_PENDING:
    case PROP_BYTES_READ:
    case PROP_BYTES_WRITTEN:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }

  if (!changed)
    return;

  retitled = prop_id == PROP_HOST || prop_id == PROP_PORT || prop_id == PROP_UNIX_DOMAIN_SOCKET || prop_id == PROP_CONNECTABLE;
  if (retitled)
    g_clear_pointer (&priv->title, g_free);

  tornadis_link_apply_settings (priv->link);
  g_object_notify_by_pspec (object, pspec);
  if (retitled)
    g_object_notify_by_pspec (object, props[PROP_TITLE]);
}

/* What a server accepts as a name: printable ASCII without spaces. GObject warns when the property is set to something
 * else, and keeps the old value. */
static GParamSpec *
make_name_pspec (const char *name,
                 GParamFlags flags)
{
  GParamSpec *pspec = g_param_spec_string (name, NULL, NULL, NULL, flags);
  GParamSpecString *string_pspec = G_PARAM_SPEC_STRING (pspec);
  g_autoptr (GString) characters = g_string_new (NULL);

  for (char c = '!'; c <= '~'; c++)
    g_string_append_c (characters, c);

  string_pspec->cset_first = g_strdup (characters->str);
  string_pspec->cset_nth = g_strdup (characters->str);

  return pspec;
}

void
tornadis_client_install_properties (GObjectClass *object_class)
{
  const GParamFlags read_write = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = tornadis_client_get_property;
  object_class->set_property = tornadis_client_set_property;

  /**
   * TornadisClient:host:
   *
   * The name or address of the server, unless [property@Tornadis.Client:unix-domain-socket] or
   * [property@Tornadis.Client:connectable] is set. %NULL sets the default back. Used for the next connection.
   *
   * Equivalent of tornadis' `host`.
   *
   * Since: 1.0
   */
  props[PROP_HOST] =
    g_param_spec_string ("host", NULL, NULL, DEFAULT_HOST, read_write);

  /**
   * TornadisClient:port:
   *
   * The port of the server. Used for the next connection.
   *
   * Equivalent of tornadis' `port`.
   *
   * Since: 1.0
   */
  props[PROP_PORT] =
    g_param_spec_uint ("port", NULL, NULL, 0, 65535, DEFAULT_PORT, read_write);

  /**
   * TornadisClient:unix-domain-socket:
   *
   * The path of the server's unix socket; overrides [property@Tornadis.Client:host] and
   * [property@Tornadis.Client:port]. Used for the next connection.
   *
   * Equivalent of tornadis' `unix_domain_socket`.
   *
   * Since: 1.0
   */
  props[PROP_UNIX_DOMAIN_SOCKET] =
    g_param_spec_string ("unix-domain-socket", NULL, NULL, NULL, read_write);

  /**
   * TornadisClient:connectable:
   *
   * Anything that GIO can connect to; overrides [property@Tornadis.Client:host],
   * [property@Tornadis.Client:port] and [property@Tornadis.Client:unix-domain-socket]. Used for the next
   * connection. The name in a [class@Gio.NetworkAddress] is looked up for each connection, though the object itself would
   * keep the addresses that it had first.
   *
   * With TLS, one that is none of GIO's own, and may lead to many servers, says whom the certificate has to be for: a
   * [iface@Gio.SocketConnectable] that is the data `tornadis-server-identity` of the address, see
   * [method@GObject.Object.set_data_full]. Without that it has to be for the address itself.
   * [property@Tornadis.Client:tls-server-identity] overrides both.
   *
   * Since: 1.0
   */
  props[PROP_CONNECTABLE] =
    g_param_spec_object ("connectable", NULL, NULL, G_TYPE_SOCKET_CONNECTABLE, read_write);

  /**
   * TornadisClient:username:
   *
   * The ACL user to authenticate as, together with [property@Tornadis.Client:password]; %NULL is the default
   * user. Without a password an empty one is sent, which the server accepts of users that need none; the connection fails
   * with %TORNADIS_ERROR_AUTHENTICATION otherwise.
   *
   * Since: 1.0
   */
  props[PROP_USERNAME] =
    g_param_spec_string ("username", NULL, NULL, NULL, read_write);

  /**
   * TornadisClient:password:
   *
   * The password to authenticate with. An empty one is sent too; with %NULL, and no
   * [property@Tornadis.Client:username], nothing is. It never appears in errors, logs or
   * [property@Tornadis.Client:title].
   *
   * Equivalent of tornadis' `password`.
   *
   * Since: 1.0
   */
  props[PROP_PASSWORD] =
    g_param_spec_string ("password", NULL, NULL, NULL, read_write);

  /**
   * TornadisClient:credentials:
   *
   * Who is asked for the login, in place of [property@Tornadis.Client:username] and
   * [property@Tornadis.Client:password], each time the client connects, and again when it changes or is about to expire:
   * see [iface@Tornadis.Credentials]. When it is set a connection that is up logs in with it, too; when it is set to %NULL
   * nothing changes before the next connection.
   *
   * An `AUTH` that the program calls holds until the next login, and is not seen in those two properties.
   *
   * Who the server takes the client for, also without any login or with a TLS certificate that stands for a user,
   * it says itself: call `ACL WHOAMI`.
   *
   * Since: 1.0
   */
  props[PROP_CREDENTIALS] =
    g_param_spec_object ("credentials", NULL, NULL, TORNADIS_TYPE_CREDENTIALS, read_write);

  /**
   * TornadisClient:db:
   *
   * The number of the database. A `SELECT` that succeeds changes it, which is notified from the main loop.
   *
   * Equivalent of tornadis' `db`.
   *
   * Since: 1.0
   */
  props[PROP_DB] =
    g_param_spec_int ("db", NULL, NULL, 0, G_MAXINT, 0, read_write);

  /**
   * TornadisClient:client-name:
   *
   * The name that the server lists this client under: printable ASCII without spaces. Anything else is not set, as
   * with any value that is out of range: GObject logs a warning and the property keeps its value; a URI is an error.
   * A server that does not take the name, such as a proxy, or for want of rights, is connected to all the same. Used
   * for the next connection.
   *
   * Since: 1.0
   */
  props[PROP_CLIENT_NAME] =
    make_name_pspec ("client-name", read_write);

  /**
   * TornadisClient:protocol:
   *
   * The protocol to speak. Used for the next connection.
   *
   * Since: 1.0
   */
  props[PROP_PROTOCOL] =
    g_param_spec_enum ("protocol", NULL, NULL, TORNADIS_TYPE_PROTOCOL, TORNADIS_PROTOCOL_AUTO, read_write);

  /**
   * TornadisClient:autoconnect:
   *
   * Whether a call on a client that is not connected connects it. Otherwise such a call completes with
   * %TORNADIS_ERROR_CLOSED, and so do calls that were not yet written when the connection was lost.
   *
   * Equivalent of tornadis' `autoconnect`.
   *
   * Since: 1.0
   */
  props[PROP_AUTOCONNECT] =
    g_param_spec_boolean ("autoconnect", NULL, NULL, TRUE, read_write);

  /**
   * TornadisClient:connect-timeout:
   *
   * The time, in seconds, in which a connection must be up: name look-up, TCP, proxy, TLS and
   * authentication together. 0 is no limit.
   *
   * Equivalent of tornadis' `connect_timeout`.
   *
   * Since: 1.0
   */
  props[PROP_CONNECT_TIMEOUT] =
    g_param_spec_uint ("connect-timeout", NULL, NULL, 0, G_MAXUINT / 1000, DEFAULT_CONNECT_TIMEOUT_SEC, read_write);

  /**
   * TornadisClient:read-timeout:
   *
   * The time, in seconds, after which a connection on which nothing was read is closed, whether or not calls
   * are waiting. 0 is no limit.
   *
   * Equivalent of tornadis' `read_timeout`.
   *
   * Since: 1.0
   */
  props[PROP_READ_TIMEOUT] =
    g_param_spec_uint ("read-timeout", NULL, NULL, 0, G_MAXUINT / 1000, 0, read_write);

  /**
   * TornadisClient:call-timeout-msec:
   *
   * The time, in milliseconds, in which every call must have its reply, or it completes with %TORNADIS_ERROR_TIMEOUT;
   * it begins when the call is made. A late reply is dropped. 0 is no limit.
   *
   * Since: 1.0
   */
  props[PROP_CALL_TIMEOUT_MSEC] =
    g_param_spec_uint ("call-timeout-msec", NULL, NULL, 0, G_MAXUINT, 0, read_write);

  /**
   * TornadisClient:tcp-nodelay:
   *
   * Whether small writes go out at once instead of waiting for more (`TCP_NODELAY`). Used for the next
   * connection.
   *
   * Equivalent of tornadis' `tcp_nodelay`, whose default was off.
   *
   * Since: 1.0
   */
  props[PROP_TCP_NODELAY] =
    g_param_spec_boolean ("tcp-nodelay", NULL, NULL, TRUE, read_write);

  /**
   * TornadisClient:tcp-user-timeout-msec:
   *
   * The time, in milliseconds, for which the other end of a TCP connection may leave data that was written without an
   * acknowledgement, or not take any and give no sign of life; then the connection is lost. 0 leaves it to the system,
   * which waits about a quarter of an hour; less than 1000 is 1000. Used for the next connection.
   *
   * Linux' `TCP_USER_TIMEOUT` alone would also close the connection to a server that is alive and reads nothing for so
   * long, because it runs a slow script: that does not count here as long as its system acknowledges. Whether it does is
   * not known sooner than after three seconds.
   *
   * Since: 1.0
   */
  props[PROP_TCP_USER_TIMEOUT_MSEC] =
    g_param_spec_uint ("tcp-user-timeout-msec", NULL, NULL, 0, G_MAXINT, TCP_USER_TIMEOUT_MSEC, read_write);

  /**
   * TornadisClient:aggressive-write:
   *
   * Whether every call is written at once, for latency, instead of together with the others of its main-context
   * iteration, for throughput. A call on an idle connection is written at once in any case.
   *
   * Equivalent of tornadis' `aggressive_write`.
   *
   * Since: 1.0
   */
  props[PROP_AGGRESSIVE_WRITE] =
    g_param_spec_boolean ("aggressive-write", NULL, NULL, FALSE, read_write);

  /**
   * TornadisClient:busy-poll:
   *
   * Whether the client looks for the reply to what it has just written, for up to 50 microseconds, before the main loop
   * sleeps (busy polling).
   *
   * A server on the same machine, or in the same room, answers sooner than a sleeping thread is awake again, and one call
   * after the other takes a part of the time. It costs processor time while nothing else is to be done in the thread, and
   * delays nothing else by more than the 50 microseconds. Where several connections of the context wait, the processor is
   * given up once first, because one of the servers may need it, and when the first has its reply the others are looked for
   * in the same iteration of the main loop, for up to 50 microseconds more. What was in vain is done less and less often,
   * so that a distant server costs nothing; all clients of a main context together spend no more than a twentieth of its
   * time in vain.
   *
   * Off, the thread sleeps at once: where processor time is dear, as with a battery, on a machine with one processor, or
   * with many processes on few.
   *
   * Since: 1.0
   */
  props[PROP_BUSY_POLL] =
    g_param_spec_boolean ("busy-poll", NULL, NULL, TRUE, read_write);

  /**
   * TornadisClient:verify-replies:
   *
   * After how many commands it is checked that replies belong to their calls; 0, the default: never.
   *
   * A reply has nothing in it that says which call it answers: its place does. What adds one or leaves one out, such as a proxy
   * with a fault, or a server that lets a user's text with a line end into an error, gives all that follow to the wrong calls.
   * Behind every so many commands an `ECHO` of a random text is sent; when anything else comes back, the connection is
   * closed, and all that waits for a reply on it completes with %TORNADIS_ERROR_PROTOCOL. What had completed since the check
   * before may have had a wrong reply.
   *
   * 1 checks each command, or each pipeline, and about doubles what is sent; with 100 it costs a few percent. A user needs
   * `+echo`, or nothing is checked. Within a transaction that is made by hand the check waits for its end.
   *
   * Since: 1.0
   */
  props[PROP_VERIFY_REPLIES] =
    g_param_spec_uint ("verify-replies", NULL, NULL, 0, G_MAXINT32, 0, read_write);

  /**
   * TornadisClient:read-page-size:
   *
   * How much is read at a time, in bytes. Used for the next connection.
   *
   * Equivalent of tornadis' `read_page_size`.
   *
   * Since: 1.0
   */
  props[PROP_READ_PAGE_SIZE] =
    g_param_spec_uint ("read-page-size", NULL, NULL, MIN_PAGE_SIZE, MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE, read_write);

  /**
   * TornadisClient:write-page-size:
   *
   * How much is made ready for one write, in bytes; large arguments come on top.
   *
   * Equivalent of tornadis' `write_page_size`.
   *
   * Since: 1.0
   */
  props[PROP_WRITE_PAGE_SIZE] =
    g_param_spec_uint ("write-page-size", NULL, NULL, MIN_PAGE_SIZE, MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE, read_write);

  /**
   * TornadisClient:tls:
   *
   * Whether the connection is encrypted, and the server's certificate checked against
   * [property@Tornadis.Client:tls-database] and [property@Tornadis.Client:tls-server-identity].
   *
   * Since: 1.0
   */
  props[PROP_TLS] =
    g_param_spec_boolean ("tls", NULL, NULL, FALSE, read_write);

  /**
   * TornadisClient:tls-database:
   *
   * The authorities to trust; %NULL are those of the system.
   *
   * Since: 1.0
   */
  props[PROP_TLS_DATABASE] =
    g_param_spec_object ("tls-database", NULL, NULL, G_TYPE_TLS_DATABASE, read_write);

  /**
   * TornadisClient:tls-certificate:
   *
   * The certificate, with its private key, that is shown to a server that asks for one.
   *
   * Since: 1.0
   */
  props[PROP_TLS_CERTIFICATE] =
    g_param_spec_object ("tls-certificate", NULL, NULL, G_TYPE_TLS_CERTIFICATE, read_write);

  /**
   * TornadisClient:tls-server-identity:
   *
   * Whom the server's certificate must be for, as [property@Gio.TlsClientConnection:server-identity]; %NULL is
   * the address that is connected to. Needed for TLS over a unix socket.
   *
   * Since: 1.0
   */
  props[PROP_TLS_SERVER_IDENTITY] =
    g_param_spec_object ("tls-server-identity", NULL, NULL, G_TYPE_SOCKET_CONNECTABLE, read_write);

  /**
   * TornadisClient:proxy-resolver:
   *
   * Which proxies to use; %NULL: none. [func@Gio.ProxyResolver.get_default] is the system's resolver, which may name
   * the proxies of the environment, such as `http_proxy`. An error to connect names the proxy that was used.
   *
   * Since: 1.0
   */
  props[PROP_PROXY_RESOLVER] =
    g_param_spec_object ("proxy-resolver", NULL, NULL, G_TYPE_PROXY_RESOLVER, read_write);

  /**
   * TornadisClient:max-pending:
   *
   * How many commands may be without a reply; one more fails with %TORNADIS_ERROR_BUSY. Those that plugins hold count too.
   * For a [class@Tornadis.PubSubClient] also how many messages may be queued, and for the template of a
   * [class@Tornadis.ClientPool] how many may wait for a client.
   *
   * Since: 1.0
   */
  props[PROP_MAX_PENDING] =
    g_param_spec_uint ("max-pending", NULL, NULL, 1, G_MAXUINT, DEFAULT_MAX_PENDING, read_write);

  /**
   * TornadisClient:max-queued-bytes:
   *
   * How many bytes of commands may wait to be written; more fails with %TORNADIS_ERROR_BUSY. With nothing waiting one
   * command or pipeline is always accepted. For a [class@Tornadis.PubSubClient] also how many bytes of messages may be
   * queued.
   *
   * Since: 1.0
   */
  props[PROP_MAX_QUEUED_BYTES] =
    g_param_spec_uint64 ("max-queued-bytes", NULL, NULL, 1, G_MAXSIZE, DEFAULT_MAX_QUEUED_BYTES, read_write);

  /**
   * TornadisClient:max-reply-size:
   *
   * How many bytes one reply may take; a longer one is a protocol error, and the connection is closed. So is one that there is
   * no memory for.
   *
   * Since: 1.0
   */
  props[PROP_MAX_REPLY_SIZE] =
    g_param_spec_uint64 ("max-reply-size", NULL, NULL, 1024, G_MAXSIZE / 2, DEFAULT_MAX_REPLY_SIZE, read_write);

  /**
   * TornadisClient:state:
   *
   * The state of the connection.
   *
   * Since: 1.0
   */
  props[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, TORNADIS_TYPE_CLIENT_STATE, TORNADIS_CLIENT_STATE_DISCONNECTED, read_only);

  /**
   * TornadisClient:connected:
   *
   * Whether the connection is up; `notify::connected` is emitted when it comes up, is lost or closed.
   *
   * Equivalent of tornadis' `Client.is_connected()`.
   *
   * Since: 1.0
   */
  props[PROP_CONNECTED] =
    g_param_spec_boolean ("connected", NULL, NULL, FALSE, read_only);

  /**
   * TornadisClient:title:
   *
   * Where the client connects to, for people to read.
   *
   * Equivalent of tornadis' `title`.
   *
   * Since: 1.0
   */
  props[PROP_TITLE] =
    g_param_spec_string ("title", NULL, NULL, NULL, read_only);

  /**
   * TornadisClient:protocol-version:
   *
   * The RESP version that is spoken, 2 or 3; 0 while not connected.
   *
   * Since: 1.0
   */
  props[PROP_PROTOCOL_VERSION] =
    g_param_spec_uint ("protocol-version", NULL, NULL, 0, 3, 0, read_only);

  /**
   * TornadisClient:connection-id:
   *
   * The number that the server has given to the connection, what `CLIENT ID` answers; 0 while not connected, and when
   * the server does not say. It changes together with [property@Tornadis.Client:connected].
   *
   * Since: 1.0
   */
  props[PROP_CONNECTION_ID] =
    g_param_spec_int64 ("connection-id", NULL, NULL, 0, G_MAXINT64, 0, read_only);

  /**
   * TornadisClient:in-transaction:
   *
   * Whether a command that is called now belongs to a transaction: `WATCH` or `MULTI` was called, answered or not, and
   * no `EXEC`, `DISCARD` or `UNWATCH` after it. It stays so when the connection is lost with the transaction, until the
   * caller has been notified of the loss: see [class@Tornadis.Client]. Changes are not notified.
   *
   * Since: 1.0
   */
  props[PROP_IN_TRANSACTION] =
    g_param_spec_boolean ("in-transaction", NULL, NULL, FALSE, read_only);

  /**
   * TornadisClient:session-settled:
   *
   * Whether it is known what the server keeps for the connection (user, database, transaction and such): no command
   * that may change it, such as `SELECT`, is on its way or waits for its reply, and neither
   * [property@Tornadis.Client:db] nor [property@Tornadis.Client:username] was set for the next connection. Changes are not
   * notified.
   *
   * Since: 1.0
   */
  props[PROP_SESSION_SETTLED] =
    g_param_spec_boolean ("session-settled", NULL, NULL, TRUE, read_only);

  /**
   * TornadisClient:pending:
   *
   * How many commands have been sent, or wait to be, and have no reply yet. Changes are not notified: there are
   * two for each command.
   *
   * Since: 1.0
   */
  props[PROP_PENDING] =
    g_param_spec_uint ("pending", NULL, NULL, 0, G_MAXUINT, 0, read_only);

  /**
   * TornadisClient:bytes-read:
   *
   * How many bytes came from the server, over all connections of the client and without what was said while they
   * were being made. Changes are not notified.
   *
   * Since: 1.0
   */
  props[PROP_BYTES_READ] =
    g_param_spec_uint64 ("bytes-read", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  /**
   * TornadisClient:bytes-written:
   *
   * How many bytes went to the server, over all connections of the client and without what was said while they
   * were being made. Changes are not notified.
   *
   * Since: 1.0
   */
  props[PROP_BYTES_WRITTEN] =
    g_param_spec_uint64 ("bytes-written", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

void
tornadis_client_init_properties (TornadisClientPrivate *priv)
{
  TornadisLinkSettings *settings = tornadis_link_get_settings (priv->link);

  priv->host = g_strdup (DEFAULT_HOST);
  priv->port = DEFAULT_PORT;
  priv->protocol = TORNADIS_PROTOCOL_AUTO;
  priv->connect_timeout_sec = DEFAULT_CONNECT_TIMEOUT_SEC;
  priv->read_page_size = DEFAULT_PAGE_SIZE;
  priv->tcp_nodelay = TRUE;
  priv->tcp_user_timeout_msec = TCP_USER_TIMEOUT_MSEC;

  settings->autoconnect = TRUE;
  settings->busy_poll = TRUE;
  settings->write_page_size = DEFAULT_PAGE_SIZE;
  settings->max_pending = DEFAULT_MAX_PENDING;
  settings->max_queued_bytes = DEFAULT_MAX_QUEUED_BYTES;
  settings->max_reply_size = DEFAULT_MAX_REPLY_SIZE;
  settings->ping_interval_msec = PING_INTERVAL_MSEC;
}
