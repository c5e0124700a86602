/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_bridge_collector_watch  (void);
TORNADIS_AVAILABLE_IN_1_0
void     tornadis_bridge_collector_settle (void);
TORNADIS_AVAILABLE_IN_1_0
gulong   tornadis_bridge_collector_guard  (GObject    *object,
                                           const char *detailed_signal,
                                           gboolean    after);

#ifndef __GI_SCANNER__
/* Collects all, where it is not known how to end a sweep. */
void     tornadis_bridge_collector_collect (void);
#endif

G_END_DECLS
