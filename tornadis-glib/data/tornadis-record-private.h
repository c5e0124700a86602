/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files of TornadisRecord share. */

#pragma once

#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/data/tornadis-model-watch-private.h"
#include "tornadis-glib/data/tornadis-record-field-private.h"
#include "tornadis-glib/data/tornadis-record.h"

G_BEGIN_DECLS

/* Between two attempts to read after a failure, doubled each time. */
#define TORNADIS_RECORD_AGAIN_MSEC 250

typedef enum
{
  PROP_CLIENT = 1,
  PROP_KEY,
  PROP_FIELDS,
  PROP_LOADED,
  PROP_LIVE,
  PROP_EXISTS,
  PROP_ERROR,
} TornadisRecordProperty;

typedef enum
{
  SIGNAL_FIELD_CHANGED,
  SIGNAL_WRITE_FAILED,
  SIGNAL_CONFLICT,
  SIGNAL_INVALID,
} TornadisRecordSignal;

typedef struct
{
  TornadisClient *client; /* (owned) (nullable) */
  char *key;              /* (owned) (nullable) */
  GVariant *dictionary;   /* (owned) (nullable) */
  GMainContext *context;  /* (owned) */
  GError *error;          /* (owned) (nullable) */
  GError *why_off;        /* (owned) (nullable) why the watch is not live, if it has told */

  GPtrArray *fields;          /* of (owned) TornadisRecordField; does not change */
  GHashTable *fields_by_name; /* names of (unowned) TornadisRecordField */
  TornadisModelWatch *watch;  /* (owned) (nullable) from the beginning of a load on */
  GCancellable *cancellable;  /* (owned) (nullable) of the reading that is under way */
  GSource *source;            /* (owned) (nullable) that will send what is to be sent */
  GSource *again;             /* (owned) (nullable) until it is read once more */
  guint again_msec;
  guint64 count;      /* of local changes, and of the beginnings and ends of writes */
  guint64 read_count; /* what it was when the reading began */
  GQueue loads;       /* of (owned) GTask that wait for the next reading */
  GQueue loading;     /* of (owned) GTask that wait for the reading under way */
  GQueue flushes;     /* of (owned) GTask */
  gboolean tracking;  /* local changes are to be written */
  gboolean stale;     /* it is to be read */
  gboolean writing;
  gboolean loaded;
  gboolean live;
  gboolean exists;
  gboolean disposed;
} TornadisRecordPrivate;

/* tornadis-record.c */

extern GParamSpec *tornadis_record_props[PROP_ERROR + 1];
extern guint tornadis_record_signals[SIGNAL_INVALID + 1];

TornadisRecordPrivate *tornadis_record_get_private (TornadisRecord *self);

/* tornadis-record-sync.c */

/* It may have been changed here. */
void tornadis_record_look (TornadisRecord *self,
                           TornadisRecordField *field);
/* It is read in this turn of the main loop, even if that has just failed. */
void tornadis_record_set_stale (TornadisRecord *self);
void tornadis_record_follow (TornadisRecord *self);
/* From now on what changes is to be written. */
void tornadis_record_track (TornadisRecord *self);
/* Nothing is followed or read any more. */
void tornadis_record_stop (TornadisRecord *self);
/* In @queue until tornadis_waiters_return(), or until it is cancelled. */
void tornadis_record_wait (GQueue *queue,
                           GTask *task);
gboolean tornadis_record_is_dirty (TornadisRecord *self);
/* (nullable) (transfer full): writes what is to be written. */
TornadisPipeline *tornadis_record_take_changes (TornadisRecord *self);
void tornadis_record_cancel_source (GSource **source);

G_END_DECLS
