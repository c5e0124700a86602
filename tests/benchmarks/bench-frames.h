/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a main loop leaves to the frames of a window, measured from within the program whose loop it is. For the benchmarks
 * in Python and JavaScript; everything is called in the thread of the default main context. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean tornadis_bench_start      (void);
void     tornadis_bench_add_frame  (gint64 interval);
char    *tornadis_bench_stop       (void);

G_END_DECLS
