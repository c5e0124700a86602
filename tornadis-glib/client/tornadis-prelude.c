/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-prelude-private.h"

TornadisPreludeFunc tornadis_prelude_func;

/* The callback of a task. */
typedef struct
{
  GAsyncReadyCallback callback;
  gpointer user_data; /* (unowned) */
} TornadisPreludeCallback;

void
tornadis_prelude_set (TornadisPreludeFunc func)
{
  g_atomic_pointer_set (&tornadis_prelude_func, func);
}

static void
ready_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  TornadisPreludeCallback self = *(TornadisPreludeCallback *) user_data;

  g_free (user_data);
  tornadis_prelude ();
  self.callback (object, result, self.user_data);
}

/* The task itself is what calls @callback, often in a main-context iteration of its own, and together with others. */
GTask *
tornadis_prelude_task_new (gpointer source_object,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  TornadisPreludeCallback *self;

  if (G_LIKELY (g_atomic_pointer_get (&tornadis_prelude_func) == NULL) || callback == NULL)
    return g_task_new (source_object, cancellable, callback, user_data);

  self = g_new (TornadisPreludeCallback, 1);
  *self = (TornadisPreludeCallback){ callback, user_data };

  return g_task_new (source_object, cancellable, ready_cb, self);
}
