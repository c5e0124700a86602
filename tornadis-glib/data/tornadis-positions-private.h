/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The items of a live model that are there by their positions: those that somebody holds, and the last ones looked at. */

#pragma once

#include "tornadis-glib/data/tornadis-item-private.h"
#include "tornadis-glib/data/tornadis-live-model-private.h"

G_BEGIN_DECLS

/* How many rows are read together. */
#define TORNADIS_PAGE_SIZE 100

typedef struct _TornadisPositions TornadisPositions;

/* That a row is the same as before. */
typedef struct
{
  guint before;
  guint after;
} TornadisAnchor;

/* Rows from @start on. */
typedef struct
{
  guint start;
  guint length;
} TornadisRows;

TornadisPositions *tornadis_positions_new (TornadisLiveModel *model);
/* There are no rows from then on, and items that others hold are in no model. Nothing is emitted. */
void tornadis_positions_clear (TornadisPositions *self);
void tornadis_positions_free (TornadisPositions *self);

guint tornadis_positions_get_n_items (TornadisPositions *self);
/* (transfer full) (nullable): wants what is not loaded */
TornadisItem *tornadis_positions_get_item (TornadisPositions *self,
                                           guint position);
/* (transfer none) (nullable) */
TornadisItem *tornadis_positions_lookup (TornadisPositions *self,
                                         guint position);
/* (transfer container) (element-type TornadisItem): those that are loaded, with a reference, in order */
GPtrArray *tornadis_positions_dup_loaded (TornadisPositions *self);

/* How much memory a row takes, for how many are read at a time. */
void tornadis_positions_set_row_size (TornadisPositions *self,
                                      gsize row_size);
gboolean tornadis_positions_has_wanted (TornadisPositions *self);
/* (transfer full) (element-type TornadisRows): some of the pages that are wanted, the latest first; they are requested from now on. */
GArray *tornadis_positions_take_wanted (TornadisPositions *self);
/* What was requested and has not come is wanted again. */
void tornadis_positions_abandon (TornadisPositions *self);

/* Gives the row its content; without an item there is one for a while. */
void tornadis_positions_put (TornadisPositions *self,
                             guint position,
                             GBytes *field,
                             GBytes *bytes,
                             double score);
/* One change, emitted at once. */
void tornadis_positions_splice (TornadisPositions *self,
                                guint position,
                                guint n_removed,
                                guint n_added);
/* The same of one row that is added, with its item, which is in no model. */
void tornadis_positions_insert (TornadisPositions *self,
                                guint position,
                                TornadisItem *item);
/* Changes the model to @n_after rows, of which those of @anchors, which are in order, are the same. Loaded rows without an
 * anchor are gone; of others as many stay as can. Adds the rows that are new to @added. Whether it could do all, as handlers
 * may edit. */
gboolean tornadis_positions_move (TornadisPositions *self,
                                  GPtrArray *loaded,
                                  GArray *anchors,
                                  guint n_after,
                                  GArray *added);
/* Counts the splices, to see that others have been in between. */
guint tornadis_positions_get_generation (TornadisPositions *self);

G_END_DECLS
