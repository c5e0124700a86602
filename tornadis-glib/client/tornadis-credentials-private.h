/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-credentials.h"

G_BEGIN_DECLS

/* What credentials have given. */
typedef struct
{
  GBytes *username; /* (owned) (nullable) */
  GBytes *password; /* (owned) (nullable) */
  gint64 expires;   /* real time, in microseconds; 0: never */
} TornadisLogin;

void tornadis_login_free (TornadisLogin *self);

/* @callback is called from the thread-default main context, exactly once, with a result for
 * tornadis_login_request_finish(). */
TornadisLoginRequest *tornadis_login_request_new (GCancellable *cancellable,
                                                  GAsyncReadyCallback callback,
                                                  gpointer user_data);
TornadisLogin *tornadis_login_request_finish (GAsyncResult *result,
                                              GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisLogin, tornadis_login_free)

G_END_DECLS
