/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether Sysprof is recording this thread. */
gboolean trace_mark_is_wanted (void);
/* Leaves a mark of what took @duration microseconds until now. */
void     trace_mark           (gint64      duration,
                               const char *name,
                               const char *message);

G_END_DECLS
