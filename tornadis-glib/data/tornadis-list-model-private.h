/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/data/tornadis-list-model.h"
#include "tornadis-glib/data/tornadis-positions-private.h"

G_BEGIN_DECLS

TornadisPositions *tornadis_list_model_get_positions (TornadisListModel *self);

G_END_DECLS
