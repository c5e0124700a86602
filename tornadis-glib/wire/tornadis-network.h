/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* GIO's default monitor (transfer none) (nullable), from any thread. GIO has one for the process, which emits its signals in
 * the context that was the thread's default when it was first asked for: in that of a worker it would be silent for
 * everybody when the worker ends. So it is asked for in the main thread's context alone. %NULL as long as that context has
 * not been iterated. */
GNetworkMonitor *tornadis_network_get_monitor (void);

G_END_DECLS
