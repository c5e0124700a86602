/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files of TornadisLiveModel itself share, and no model looks at. */

#pragma once

#include "tornadis-glib/data/tornadis-live-model-private.h"
#include "tornadis-glib/data/tornadis-model-watch-private.h"

G_BEGIN_DECLS

typedef struct
{
  TornadisClient *client;    /* (owned) */
  GBytes *key;               /* (owned) with a NUL behind it */
  GMainContext *context;     /* (owned) */
  TornadisModelWatch *watch; /* (owned) (nullable) before it is constructed and after it is disposed */
  GError *error;             /* (owned) (nullable) */
  GCancellable *cancellable; /* (owned) of the reading */
  GSource *source;           /* (owned) (nullable) that will start the next reading */
  gint64 started_usec;       /* when the reading was, in monotonic time */
  gint64 pause_usec;         /* until which only what is wanted is read */
  guint n_edits;             /* that are under way */
  guint delay_msec;          /* before the next attempt after a failure; 0: none has failed */
  gpointer data;             /* (owned) (nullable) of the derived class */
  GDestroyNotify data_destroy;
  gboolean changed; /* something has, as far as is known */
  gboolean reading;
  gboolean reading_changes;
  gboolean reading_void; /* an edit was begun after it */
  gboolean ready;
  gboolean live;
  gboolean disposed;
} TornadisLiveModelPrivate;

TornadisLiveModelPrivate *tornadis_live_model_get_private (TornadisLiveModel *self);

/* tornadis-live-model-properties.c */

void tornadis_live_model_install_properties (GObjectClass *object_class);

G_END_DECLS
