/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Calls back when a task is cancelled, from the task's own main context, whatever thread cancels and whatever locks it
 * holds while it does. */
typedef struct _TornadisCancelWatch TornadisCancelWatch;

/* %NULL when @task has no cancellable. @func is called at most once, with @task, which the watch does
 * not keep alive, and must free the watch or see to it that it is freed. */
TornadisCancelWatch *tornadis_cancel_watch_new  (GTask               *task,
                                                 GSourceFunc          func);
void                 tornadis_cancel_watch_free (TornadisCancelWatch *self);
/* Removes @task, or the first, from a queue of tasks whose data hold a watch, and frees these data. Returns it (transfer
 * full), or %NULL when it is not in the queue any more. */
GTask               *tornadis_cancel_watch_take_waiter (GQueue       *waiters,
                                                        GTask        *task);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisCancelWatch, tornadis_cancel_watch_free)

G_END_DECLS
