/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "common/command-table.h"

G_BEGIN_DECLS

/* The usual case, in few instructions: whether a command goes to the node of @slot (out), because its one key is always the
 * same argument and the server gives no tip where else it goes. @entry (nullable) is what the server says of it. FALSE says
 * nothing: see cluster_policy_find(), command_entry_find_keys() and cluster_split_find_slot(). */
gboolean cluster_route_find_slot (const CommandEntry *entry,
                                  TornadisCommand    *command,
                                  guint              *slot);

G_END_DECLS
