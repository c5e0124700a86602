/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_LOGIN_REQUEST (tornadis_login_request_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisLoginRequest, tornadis_login_request, TORNADIS, LOGIN_REQUEST, GObject)

TORNADIS_AVAILABLE_IN_1_0
GCancellable *tornadis_login_request_get_cancellable (TornadisLoginRequest *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_login_request_return_login (TornadisLoginRequest *self,
                                          const char *username,
                                          const char *password,
                                          gint64 expires);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_login_request_return_error (TornadisLoginRequest *self,
                                          const GError *error);

#define TORNADIS_TYPE_CREDENTIALS (tornadis_credentials_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (TornadisCredentials, tornadis_credentials, TORNADIS, CREDENTIALS, GObject)

/**
 * TornadisCredentialsInterface:
 * @g_iface: the parent interface
 * @request_login: for [method@Tornadis.Credentials.request_login]
 *
 * The virtual functions of [iface@Tornadis.Credentials].
 *
 * Since: 1.0
 */
struct _TornadisCredentialsInterface
{
  GTypeInterface g_iface;

  void (*request_login) (TornadisCredentials *self,
                         TornadisLoginRequest *request);
};

TORNADIS_AVAILABLE_IN_1_0
void tornadis_credentials_request_login (TornadisCredentials *self,
                                         TornadisLoginRequest *request);

G_END_DECLS
