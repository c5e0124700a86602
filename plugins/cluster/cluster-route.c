/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-route.h"

#include "cluster/cluster-slot.h"

/* No command that has such a key has a policy of its own, whatever the server is: there is a test of it. */
gboolean
cluster_route_find_slot (const CommandEntry *entry,
                         TornadisCommand *command,
                         guint *slot)
{
  guint position = entry != NULL ? command_entry_get_single_key (entry) : 0;
  gsize length;
  const guint8 *key;

  if (position == 0)
    return FALSE;

  key = tornadis_command_get_arg_data (command, position, &length);
  if (key == NULL)
    return FALSE;

  *slot = cluster_slot_of (key, length);
  return TRUE;
}
