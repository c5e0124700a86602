/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/data/tornadis-live-model.h"

G_BEGIN_DECLS

typedef enum
{
  TORNADIS_READING_DONE,
  TORNADIS_READING_MORE,    /* another pipeline belongs to it */
  TORNADIS_READING_CHANGED, /* it is to be read once more: something has changed on the way */
} TornadisReading;

/* What is different in the models. A reading is a pipeline, or several, that are one after another; there is one at a time,
 * and none while an edit is under way. */
typedef struct _TornadisLiveModelVirtuals
{
  /* Of the setting `notify-keyspace-events` what is needed. */
  const char *classes;
  gboolean is_pattern;
  /* That something has happened does not help it without what. */
  gboolean needs_events;

  guint (*get_n_items) (TornadisLiveModel *self);
  TornadisItem *(*get_item) (TornadisLiveModel *self, guint position);
  /* (nullable): a key and an event; a key alone: something has happened to it; or neither: anything may have changed. Whether it
   * has to be read again. */
  gboolean (*event) (TornadisLiveModel *self, GBytes *key, const char *event);
  /* Whether there is anything to read but changes. */
  gboolean (*has_wanted) (TornadisLiveModel *self);
  /* The next pipeline of a reading; of @changes too or only of what is wanted. */
  void (*stack) (TornadisLiveModel *self, TornadisPipeline *pipeline, gboolean changes);
  /* Its replies, none of which is an error. May be within it that the model is changed by others and disposed. */
  TornadisReading (*apply) (TornadisLiveModel *self, TornadisReply *replies, gboolean changes, GError **error);
  /* The reading has come to nothing. */
  void (*abandon) (TornadisLiveModel *self);
  /* No item is kept after it, and nothing emitted. */
  void (*dispose) (TornadisLiveModel *self);
} TornadisLiveModelVirtuals;

/* Takes an edit back that the server has not done. */
typedef void (*TornadisEditUndoFunc) (TornadisLiveModel *self,
                                      gpointer data);

/* At the end of construction. */
void tornadis_live_model_start (TornadisLiveModel *self);
/* What else a model has, of which this knows nothing; freed when it is finalized. */
void tornadis_live_model_set_data (TornadisLiveModel *self,
                                   gpointer data,
                                   GDestroyNotify destroy);
gpointer tornadis_live_model_get_data (TornadisLiveModel *self);
/* As soon as the main loop gets to it. */
void tornadis_live_model_queue_reading (TornadisLiveModel *self,
                                        gboolean changes);
/* The edit has been shown; nothing is read before all are done. @undo_data is freed with @undo_destroy. */
void tornadis_live_model_edit (TornadisLiveModel *self,
                               GTask *task,
                               TornadisCommand *command,
                               TornadisEditUndoFunc undo,
                               gpointer undo_data,
                               GDestroyNotify undo_destroy);
/* A task for an edit, or %NULL if it has been returned already as the model is disposed. */
GTask *tornadis_live_model_new_task (TornadisLiveModel *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data,
                                     gpointer source_tag);
/* A command that begins so. */
TornadisCommand *tornadis_live_model_new_command (TornadisLiveModel *self,
                                                  const char *name);
/* g_list_model_items_changed() and notify::n-items. */
void tornadis_live_model_items_changed (TornadisLiveModel *self,
                                        guint position,
                                        guint n_removed,
                                        guint n_added);

G_END_DECLS
