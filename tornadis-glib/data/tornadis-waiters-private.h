/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks in a queue, for who waits for the same thing until it comes or the wait is cancelled. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* @cancelled gets the task, which it is to remove from the queue; one that is in none any more has its outcome already. The task's
 * data are taken. */
void tornadis_waiters_add (GQueue *waiters,
                           GTask *task,
                           GCancellableSourceFunc cancelled);
/* (transfer full) (nullable): the next task, which is to be returned, and is not cancelled any more. */
GTask *tornadis_waiters_pop (GQueue *waiters);
/* Returns all that wait now, with @error (nullable), or else with TRUE. */
void tornadis_waiters_return (GQueue *waiters,
                              const GError *error);

G_END_DECLS
