/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "common/command-table.h"

G_BEGIN_DECLS

/* The part of a command whose keys are in one slot. */
typedef struct
{
  guint slot;
  TornadisCommand *command; /* (owned) */
  GArray *positions;        /* (owned) (element-type guint) which of the keys of the whole these are, from 0 on */
} ClusterPart;

/* Whether all keys of a command are in one slot, which @slot (out) then is; without keys there is none, and FALSE. @positions
 * (element-type guint) are those of the keys. */
gboolean cluster_split_find_slot (TornadisCommand *command,
                                  const GArray    *positions,
                                  guint           *slot);
/* Splits a command by the slots of its keys (transfer full) (element-type ClusterPart), in the order of their first keys, so
 * that keys that are named twice are still in order: each part has what is before the keys, its keys with what belongs to
 * each, and what is behind them. @entry is what the server says of the command; whether it may be split is a matter of its
 * policy. NULL: it cannot be, or the server has to say what is wrong with it. */
GPtrArray *cluster_split (const CommandEntry *entry,
                          TornadisCommand    *command);

G_END_DECLS
