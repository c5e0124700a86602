/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* Whether what a client subscribes to is what a node publishes of its own keys, and at itself alone: keyspace notifications.
 * Patterns count by how they begin. */
gboolean cluster_notification_is_one (TornadisSubscriptionKind kind,
                                      GBytes *name);

G_END_DECLS
