/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/data/tornadis-scanner.h"
#include "tornadis-glib/data/tornadis-seen-set-private.h"

G_BEGIN_DECLS

/* A call under way. It keeps no scanner alive. */
typedef struct
{
  TornadisScanner *scanner;  /* (unowned) (nullable) NULL once that does not wait for it any more */
  GCancellable *cancellable; /* (owned) */
  gint64 sent;               /* monotonic time */
} TornadisScanCall;

struct _TornadisScanner
{
  GObject parent_instance;

  TornadisCaller *caller; /* (owned) (nullable) until it is closed */
  GBytes *key;            /* (owned) (nullable) */
  char *pattern;          /* (owned) (nullable) */
  char *key_type;         /* (owned) (nullable) */
  TornadisScannerKind kind;
  guint count;
  gboolean unique;
  guint64 max_unique_bytes;

  GBytes *cursor;        /* (owned) (nullable) of the next page, or NULL: there is none */
  TornadisReply *page;   /* (owned) (nullable) with elements that were not given yet, from @position on */
  gsize position;        /* in the page */
  TornadisSeenSet *seen; /* (owned) (nullable) what was given */

  GTask *task;            /* (owned) (nullable) a batch is asked for */
  gint64 asked;           /* monotonic time when that was */
  GSource *watch;         /* (owned) (nullable) of the cancellable of who asks */
  TornadisScanCall *call; /* (owned by its callback) (nullable) a page is asked for */
  gboolean going_on;      /* a batch was given, so that the next is worth asking for ahead */
  guint adapted_count;    /* of the next page */
  guint n_long;           /* pages in turn that have taken long */
  gint64 least_usec;      /* that a page has taken: what any takes on its way */
};

/* tornadis-scanner-properties.c */

void tornadis_scanner_install_properties (GObjectClass *object_class);

G_END_DECLS
