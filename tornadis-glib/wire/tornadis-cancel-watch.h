/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Calls back when something is cancelled, from a main context of its own, whatever thread cancels and whatever locks it
 * holds while it does. It is made and freed in the thread that runs that context. */
typedef struct _TornadisCancelWatch TornadisCancelWatch;

/* %NULL when there is no cancellable. @func is called at most once, with @data, and must free the watch or see to it that
 * it is freed. */
TornadisCancelWatch *tornadis_cancel_watch_new  (GCancellable        *cancellable,
                                                 GMainContext        *context,
                                                 int                  priority,
                                                 GSourceFunc          func,
                                                 gpointer             data);
/* The same for a task, which is the data, and which the watch does not keep alive. */
TornadisCancelWatch *tornadis_cancel_watch_new_for_task (GTask       *task,
                                                 GSourceFunc          func);
void                 tornadis_cancel_watch_free (TornadisCancelWatch *self);
/* Removes @task, or the first, from a queue of tasks whose data hold a watch, and frees these data. Returns it (transfer
 * full), or %NULL when it is not in the queue any more. */
GTask               *tornadis_cancel_watch_take_waiter (GQueue       *waiters,
                                                        GTask        *task);

/* Cancels @cancellable, which is private to who calls this, and calls back for it before this returns instead of from the main
 * context: what was read until then counts, and nothing after. From the thread of all tasks that have it. @reason
 * (nullable) is what they fail with, in place of CANCELLED. */
void                 tornadis_cancel_watch_cancel  (GCancellable     *cancellable,
                                                    const GError     *reason);
/* Why a cancellable was cancelled; %NULL when it was not, or is none. */
GError              *tornadis_cancel_watch_dup_reason (GCancellable  *cancellable);
/* What whoever is called back fails with: the reason or CANCELLED, even if the cancellable was reset meanwhile. */
GError              *tornadis_cancel_watch_dup_error   (GCancellable *cancellable);
void                 tornadis_cancel_watch_return_cancelled (GTask   *task);
/* As g_task_return_error_if_cancelled(), with the reason. */
gboolean             tornadis_cancel_watch_return_error_if_cancelled (GTask *task);
/* Fails the task with the reason or, when it was not cancelled, with @error (transfer full). */
void                 tornadis_cancel_watch_return_error (GTask       *task,
                                                    GError           *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisCancelWatch, tornadis_cancel_watch_free)

G_END_DECLS
