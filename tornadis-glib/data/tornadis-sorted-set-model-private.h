/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/data/tornadis-row-reader-private.h"
#include "tornadis-glib/data/tornadis-sorted-set-model.h"

G_BEGIN_DECLS

struct _TornadisSortedSetModel
{
  TornadisLiveModel parent_instance;

  TornadisPositions *positions; /* (owned) */
  TornadisRowReader *reader;    /* (owned) */
  GPtrArray *asked;             /* (owned) (nullable) the items that the server is asked for */
  guint first_rank;             /* which reply is the rank of the first of them; their scores are in that before it */
  gboolean descending;
};

G_END_DECLS
