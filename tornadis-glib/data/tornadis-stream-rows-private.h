/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rows of a model of a stream: the entries with the highest ids, in order. */

#pragma once

#include "tornadis-glib/data/tornadis-live-model-private.h"
#include "tornadis-glib/data/tornadis-stream-entry-private.h"

G_BEGIN_DECLS

typedef struct _TornadisStreamRows TornadisStreamRows;

/* Of @model, which is told of each change, and has no more than @max_items. */
TornadisStreamRows *tornadis_stream_rows_new (TornadisLiveModel *model,
                                              guint max_items);
void tornadis_stream_rows_free (TornadisStreamRows *self);
/* Without telling. */
void tornadis_stream_rows_clear (TornadisStreamRows *self);
guint tornadis_stream_rows_get_n_items (TornadisStreamRows *self);
/* (transfer none) (nullable) */
TornadisItem *tornadis_stream_rows_get (TornadisStreamRows *self,
                                        guint position);
/* (transfer none) (nullable): NULL if there is none. */
TornadisStreamEntry *tornadis_stream_rows_get_last (TornadisStreamRows *self);
/* Those of (element-type TornadisStreamEntry) @entries that are behind the last row, for which the first ones make place. */
void tornadis_stream_rows_append (TornadisStreamRows *self,
                                  GPtrArray *entries);
/* Has the rows be those of (element-type TornadisStreamEntry) @entries, which are in order. FALSE: they were changed meanwhile, by
 * who was told of it. */
gboolean tornadis_stream_rows_replace (TornadisStreamRows *self,
                                       GPtrArray *entries);
/* Removes the rows in front of @first; all if it is %NULL, but for those behind @kept. */
void tornadis_stream_rows_trim (TornadisStreamRows *self,
                                TornadisStreamEntry *first,
                                TornadisStreamEntry *kept);

G_END_DECLS
