/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The time for which a lock is held, and that it is renewed. */

#pragma once

#include "tornadis-glib/data/tornadis-lock-request-private.h"

G_BEGIN_DECLS

typedef struct _TornadisLockLease TornadisLockLease;

/* Once, from the main context; @error says why. It may free the lease. */
typedef void (*TornadisLockLostFunc) (GError *error,
                                      gpointer user_data);

/* In microseconds, with the time in which the computer sleeps, where there is such a clock: the server's goes on too. */
gint64 tornadis_lock_get_time (void);

/* Of what was acquired by a request at @sent_at. @key must outlive it. */
TornadisLockLease *tornadis_lock_lease_new (const TornadisLockKey *key,
                                            const char *token,
                                            gint64 sent_at,
                                            GMainContext *context,
                                            TornadisLockLostFunc func,
                                            gpointer user_data);
/* Nothing is told any more, and it is not renewed. */
void tornadis_lock_lease_free (TornadisLockLease *self);
/* Whether its time is not over. */
gboolean tornadis_lock_lease_is_valid (TornadisLockLease *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisLockLease, tornadis_lock_lease_free)

G_END_DECLS
