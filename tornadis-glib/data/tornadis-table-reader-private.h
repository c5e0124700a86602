/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the models have in common whose rows have names and no order: a hash, a set, the keys that match a pattern. */

#pragma once

#include "tornadis-glib/data/tornadis-table-private.h"

G_BEGIN_DECLS

typedef struct
{
  const char *length; /* (nullable) the command that tells how much there is; %NULL: it is always scanned */
  const char *all;    /* (nullable) that gives all of it */
  const char *scan;
  gboolean has_values;
} TornadisTableCommands;

/* Makes the model one of a table; before tornadis_live_model_start(). */
void tornadis_table_reader_attach (TornadisLiveModel *model,
                                   const TornadisTableCommands *commands);
TornadisTable *tornadis_table_reader_get_table (TornadisLiveModel *model);
/* A row is there, or is not, whatever a reading says that is under way. */
void tornadis_table_reader_touch (TornadisLiveModel *model,
                                  GBytes *name,
                                  gboolean is_there);

/* For the virtual functions. */
guint tornadis_table_reader_get_n_items (TornadisLiveModel *model);
TornadisItem *tornadis_table_reader_get_item (TornadisLiveModel *model,
                                              guint position);
gboolean tornadis_table_reader_event (TornadisLiveModel *model,
                                      GBytes *key,
                                      const char *event);
gboolean tornadis_table_reader_has_wanted (TornadisLiveModel *model);
void tornadis_table_reader_stack (TornadisLiveModel *model,
                                  TornadisPipeline *pipeline,
                                  gboolean changes);
TornadisReading tornadis_table_reader_apply (TornadisLiveModel *model,
                                             TornadisReply *replies,
                                             gboolean changes,
                                             GError **error);
void tornadis_table_reader_abandon (TornadisLiveModel *model);
void tornadis_table_reader_dispose (TornadisLiveModel *model);

#define TORNADIS_TABLE_READER_VIRTUALS                                                          \
  .get_n_items = tornadis_table_reader_get_n_items, .get_item = tornadis_table_reader_get_item, \
  .has_wanted = tornadis_table_reader_has_wanted, .stack = tornadis_table_reader_stack,         \
  .apply = tornadis_table_reader_apply, .abandon = tornadis_table_reader_abandon, .dispose = tornadis_table_reader_dispose

/* Shows a row with a value at once, or without @value none, while the command is under way. Takes @task over. */
void tornadis_table_reader_edit (TornadisLiveModel *model,
                                 GTask *task,
                                 TornadisCommand *command,
                                 GBytes *name,
                                 GBytes *value);

G_END_DECLS
