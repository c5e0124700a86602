/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-credentials.h"

G_BEGIN_DECLS

/* The credentials of one client: what they are asked, and the login of its connection. All functions but
 * tornadis_client_login_set_credentials() take a client that has none, too. */

/* The credentials; (transfer none) (nullable). */
TornadisCredentials *tornadis_client_login_get_credentials (const TornadisClientPrivate *priv);
/* @credentials (nullable). Returns whether they are others than before. */
gboolean tornadis_client_login_set_credentials (TornadisClientPrivate *priv,
                                                TornadisCredentials *credentials);
/* The connection is to be made with a login of theirs. FALSE: there are none. */
gboolean tornadis_client_login_fill_options (TornadisClientPrivate *priv,
                                             TornadisConnectorOptions *options);
/* The connection is up. */
void tornadis_client_login_ready (TornadisClientPrivate *priv);
/* tornadis_link_log_in() was answered. */
void tornadis_client_login_completed (TornadisClientPrivate *priv,
                                      TornadisReply *reply);
/* The connection is closed, or the client is disposed. */
void tornadis_client_login_stop (TornadisClientPrivate *priv);
/* Whether the session is that of a login of theirs, or, without any, of @username and @password. */
gboolean tornadis_client_login_is_of_session (const TornadisClientPrivate *priv,
                                              GBytes *username,
                                              GBytes *password);
void tornadis_client_login_free (TornadisClientPrivate *priv);

G_END_DECLS
