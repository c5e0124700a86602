/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/data/tornadis-scanner.h"
#include "tornadis-glib/data/tornadis-seen-set-private.h"

G_BEGIN_DECLS

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

  GTask *task;               /* (unowned) (nullable) a batch is asked for */
  GCancellable *cancellable; /* (owned) (nullable) of the call under way */
  GSource *watch;            /* (owned) (nullable) of the cancellable of who asks */
  guint adapted_count;       /* of the next page */
  gint64 sent;               /* monotonic time when the call was made */
  gint64 least_usec;         /* that a page has taken: what any takes on its way */
};

/* tornadis-scanner-properties.c */

void tornadis_scanner_install_properties (GObjectClass *object_class);

G_END_DECLS
