/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is asked of the server about a lock. */

#pragma once

#include "tornadis-glib/tornadis-types.h"

G_BEGIN_DECLS

typedef struct
{
  TornadisCaller *caller;
  char *name;
  char *fencing_key; /* (nullable) */
  guint expiry_msec;
} TornadisLockKey;

typedef enum
{
  /* The reply are two integers: 1 and the fencing number, or 0 and in how many milliseconds at the latest it is free. */
  TORNADIS_LOCK_REQUEST_ACQUIRE,
  /* Whether the token is there: 1 or 0; so is the next. */
  TORNADIS_LOCK_REQUEST_RENEW,
  TORNADIS_LOCK_REQUEST_RELEASE,
} TornadisLockRequest;

/* Nothing but the caller is needed after this returns. */
void tornadis_lock_key_request (const TornadisLockKey *self,
                                TornadisLockRequest request,
                                const char *token,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
/* @object is that of the callback. */
TornadisReply *tornadis_lock_key_request_finish (GObject *object,
                                                 GAsyncResult *result,
                                                 GError **error);

G_END_DECLS
