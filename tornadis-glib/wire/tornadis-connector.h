/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "tornadis-glib/tornadis-enums.h"
#include "tornadis-glib/wire/tornadis-connection.h"

G_BEGIN_DECLS

/* The replies to those of the setup commands that it judges (element-type TornadisReply), in their order; FALSE with an
 * error: the connection is no use. */
typedef gboolean (*TornadisSetupDoneFunc) (GPtrArray  *replies,
                                           gpointer    user_data,
                                           GError    **error);

/* Asks for the login: tornadis_connector_give_login() has to follow, later. */
typedef void (*TornadisAskLoginFunc) (gpointer user_data);

/* What a connection needs to come up; filled in anew for every attempt. */
typedef struct
{
  GSocketConnectable *connectable;  /* (owned) */
  char *title;                      /* (owned) what error messages call it */
  const char *refusal;              /* (nullable) why no attempt can be made */
  GBytes *username;                 /* (owned) (nullable) NULL: the default user */
  GBytes *password;                 /* (owned) (nullable) NULL: an empty one when there is a user name */
  TornadisAskLoginFunc ask_login;   /* (nullable) what is asked for both of them when the server can be reached */
  gpointer login_data;              /* (owned) (nullable) */
  GDestroyNotify login_data_destroy;
  char *client_name;                /* (owned) (nullable) */
  int db;
  TornadisProtocol protocol;
  guint timeout_sec;                /* for all of it, 0: none */
  gboolean tcp_nodelay;
  guint tcp_user_timeout_msec;
  gboolean busy_poll;
  gsize read_page_size;
  gsize max_reply_size;
  gboolean tls;
  GTlsDatabase *tls_database;       /* (owned) (nullable) */
  GTlsCertificate *tls_certificate; /* (owned) (nullable) */
  GSocketConnectable *tls_identity; /* (owned) (nullable) */
  GProxyResolver *proxy_resolver;   /* (owned) (nullable) NULL: no proxy */
  GPtrArray *settings;              /* (owned) (nullable) (element-type TornadisCommand) a refusal decides nothing */
  GPtrArray *setup;                 /* (owned) (nullable) (element-type TornadisCommand) sent last; a refusal fails it */
  GByteArray *setup_judged;         /* (owned) (nullable) for each of them 1 where @setup_done decides that instead */
  TornadisSetupDoneFunc setup_done; /* (nullable) */
  gpointer setup_data;              /* (owned) (nullable) */
  GDestroyNotify setup_data_destroy;
} TornadisConnectorOptions;

void tornadis_connector_options_clear (TornadisConnectorOptions *self);

typedef struct _TornadisConnector TornadisConnector;

/* @connection (transfer full) is up and authenticated and speaks RESP @protocol_version, or is %NULL and @error (transfer
 * none) says why. @server_id is the server's number of the connection, or 0. Called once, from the main context, unless
 * the attempt is cancelled first. */
typedef void (*TornadisConnectorFunc) (TornadisConnection *connection,
                                       guint               protocol_version,
                                       gint64              server_id,
                                       const GError       *error,
                                       gpointer            user_data);

/* Consumes what @options holds. One attempt: name, socket, proxy, TLS and handshake under one
 * deadline. */
TornadisConnector *tornadis_connector_start  (TornadisConnectorOptions *options,
                                              GMainContext             *context,
                                              TornadisConnectorFunc     func,
                                              gpointer                  user_data);
/* Answers what was asked with the function of the options, once; @error (nullable) is why there is no login. */
void tornadis_connector_give_login (TornadisConnector *self,
                                    GBytes *username,
                                    GBytes *password,
                                    const GError *error);
/* Cancels the attempt without a callback, and frees the connector. */
void               tornadis_connector_cancel (TornadisConnector        *self);

G_END_DECLS
