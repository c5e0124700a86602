/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* Has something done for each client of a plugin about once a second, the first time after one to two. A source for each would
 * cost all of them something in each iteration of the main context, and all at once would hold it up: there are a few, at
 * different times. */

/* Whether it is to be done again. It may do anything but remove the plugin. */
typedef gboolean (*ClusterWatchFunc) (gpointer user_data);

/* @plugin (transfer none) is whose clients these are, all of @context (transfer none). What is returned is for
 * cluster_watch_remove(). */
guint cluster_watch_add    (TornadisPlugin   *plugin,
                            GMainContext     *context,
                            ClusterWatchFunc  func,
                            gpointer          user_data);
/* Nothing is done if it was not to be done again. */
void  cluster_watch_remove (TornadisPlugin   *plugin,
                            guint             watch,
                            gpointer          user_data);

G_END_DECLS
