/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads rows of a key that has them by index, a list or a sorted set, for a live model: pages that are wanted, and whatever
 * is around the rows that are loaded, to see how they have moved. */

#pragma once

#include "tornadis-glib/data/tornadis-positions-private.h"

G_BEGIN_DECLS

typedef struct _TornadisRowReader TornadisRowReader;

/* A row as the server has it. */
typedef struct
{
  guint index;
  gboolean wanted;
  const guint8 *data; /* (unowned) of the replies */
  gsize length;
  double score;
} TornadisRow;

/* Which rows, by indexes as of LRANGE. */
typedef TornadisCommand *(*TornadisRowCommandFunc) (TornadisLiveModel *model,
                                                    gint64 first,
                                                    gint64 last);

TornadisRowReader *tornadis_row_reader_new (TornadisLiveModel *model,
                                            TornadisPositions *positions,
                                            gboolean has_scores,
                                            TornadisRowCommandFunc make_command);
void tornadis_row_reader_free (TornadisRowReader *self);

/* After the command that tells the length, which is the first. */
void tornadis_row_reader_stack_wanted (TornadisRowReader *self,
                                       TornadisPipeline *pipeline);
/* Around the loaded ones; by their indexes from the end too. */
void tornadis_row_reader_stack_around (TornadisRowReader *self,
                                       TornadisPipeline *pipeline,
                                       GPtrArray *loaded,
                                       gboolean from_end);
/* Takes the rows over from the replies, which have to live as long as they are used. */
gboolean tornadis_row_reader_take (TornadisRowReader *self,
                                   TornadisReply *replies,
                                   GError **error);
void tornadis_row_reader_clear (TornadisRowReader *self);
/* What the first reply said. */
guint tornadis_row_reader_get_n_after (TornadisRowReader *self);
/* (element-type TornadisRow) */
GArray *tornadis_row_reader_get_rows (TornadisRowReader *self);
/* (nullable) */
const TornadisRow *tornadis_row_reader_lookup (TornadisRowReader *self,
                                               gint64 index);
/* Changes the model as tornadis_positions_move() does, and fills the rows that are new, or wanted, or only these if @anchors
 * is %NULL. */
TornadisReading tornadis_row_reader_apply (TornadisRowReader *self,
                                           GPtrArray *loaded,
                                           GArray *anchors);

G_END_DECLS
