/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CLUSTER_N_SLOTS 16384

/* The hash slot of a key or a shard channel, which may be any bytes: of what is between the first { and the first } behind
 * it, if that is not empty, else of all of it. */
guint cluster_slot_of (gconstpointer key,
                       gsize         length);

G_END_DECLS
