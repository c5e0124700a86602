/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef void (*TornadisPreludeFunc) (void);

/* Internal: it is read where it is, without the table of symbols, an instruction less for each call. */
extern G_GNUC_INTERNAL TornadisPreludeFunc tornadis_prelude_func; /* (nullable) */

/* Has @func called, from now on and for good, whenever the library is about to call what a program may have written in
 * another language: a hook of a plugin, or the function for an outcome. It is called in the thread of the client, which
 * may be any. */
void   tornadis_prelude_set      (TornadisPreludeFunc  func);

/* As g_task_new(), of a task whose @callback is the program's. */
GTask *tornadis_prelude_task_new (gpointer             source_object,
                                  GCancellable        *cancellable,
                                  GAsyncReadyCallback  callback,
                                  gpointer             user_data);

/* For those who call. Signals have none: it would come before the first handler, not before each. */
static inline void
tornadis_prelude (void)
{
  TornadisPreludeFunc func = g_atomic_pointer_get (&tornadis_prelude_func);

  if (G_UNLIKELY (func != NULL))
    func ();
}

G_END_DECLS
