/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rows of a live model whose order means nothing: each is found by its name, in the order in which they have come. */

#pragma once

#include "tornadis-glib/data/tornadis-item-private.h"
#include "tornadis-glib/data/tornadis-live-model-private.h"

G_BEGIN_DECLS

typedef struct _TornadisTable TornadisTable;

/* @are_keys: the names of the rows are keys of their own, not parts of that of the model. */
TornadisTable *tornadis_table_new (TornadisLiveModel *model,
                                   gboolean are_keys);
void tornadis_table_free (TornadisTable *self);
/* There are no rows from then on; nothing is emitted. */
void tornadis_table_clear (TornadisTable *self);

guint tornadis_table_get_n_items (TornadisTable *self);
/* (transfer none) (nullable) */
TornadisItem *tornadis_table_get (TornadisTable *self,
                                  guint position);
/* (transfer none) (nullable) */
TornadisItem *tornadis_table_lookup (TornadisTable *self,
                                     GBytes *name);

/* A reading of all: what is not added until it is done is removed then. Names and values are copied. */
void tornadis_table_begin (TornadisTable *self);
void tornadis_table_add (TornadisTable *self,
                         gconstpointer name,
                         gsize name_length,
                         gconstpointer value,
                         gsize value_length);
/* Likewise, in which all stay but those that are dropped. */
void tornadis_table_begin_partial (TornadisTable *self);
/* Takes a row out of what is read. */
void tornadis_table_drop (TornadisTable *self,
                          GBytes *name);
/* As few changes as there are runs of rows that are gone, and one of those that have come. Whether it could do all. */
gboolean tornadis_table_commit (TornadisTable *self);

/* (transfer full): an item for a row that has none */
TornadisItem *tornadis_table_new_item (TornadisTable *self,
                                       GBytes *name);
/* Single rows. An item with its name and value is put at the end, or where it was. */
void tornadis_table_insert (TornadisTable *self,
                            guint position,
                            TornadisItem *item);
void tornadis_table_remove (TornadisTable *self,
                            TornadisItem *item);

G_END_DECLS
