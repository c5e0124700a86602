/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* TLS on a socket that is connected. Those of one main context queue up: in each iteration of it at most one begins. */
typedef struct _TornadisTlsHandshake TornadisTlsHandshake;

/* @secured (transfer none) is a GTcpWrapperConnection, or is %NULL and @error (transfer none) says why. Called once, from
 * the main context, unless cancelled first. */
typedef void (*TornadisTlsHandshakeFunc) (GSocketConnection *secured,
                                          const GError      *error,
                                          gpointer           user_data);

/* The certificate must be for @identity and known to @database, or to the system when that is %NULL; @certificate
 * (nullable) is shown when the server asks for one. The caller must not use the socket any more, whatever the outcome. */
TornadisTlsHandshake *tornadis_tls_handshake_start  (GSocketConnection        *socket_connection,
                                                     GSocketConnectable       *identity,
                                                     GTlsDatabase             *database,
                                                     GTlsCertificate          *certificate,
                                                     GMainContext             *context,
                                                     TornadisTlsHandshakeFunc  func,
                                                     gpointer                  user_data);
/* Cancels it without a callback, and frees it. */
void                  tornadis_tls_handshake_cancel (TornadisTlsHandshake     *self);
/* Why a certificate with these errors is not accepted, for people to read. */
char                 *tornadis_tls_handshake_describe (GTlsCertificateFlags     errors);

G_END_DECLS
