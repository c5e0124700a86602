/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes that were seen, each once, within a bound of memory. Nothing is taken out again. */
typedef struct _TornadisSeenSet TornadisSeenSet;

typedef enum
{
  TORNADIS_SEEN_NEW,   /* it was not there, and now is */
  TORNADIS_SEEN_AGAIN, /* it is there */
  TORNADIS_SEEN_FULL,  /* it is not there, and there is no room */
} TornadisSeen;

TornadisSeenSet *tornadis_seen_set_new (void);
void tornadis_seen_set_free (TornadisSeenSet *self);
/* How many there are. */
guint tornadis_seen_set_get_length (TornadisSeenSet *self);
/* With a bound in bytes, of all that are there with what is needed to find them. */
TornadisSeen tornadis_seen_set_add (TornadisSeenSet *self,
                                    gconstpointer data,
                                    gsize length,
                                    guint64 max_bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisSeenSet, tornadis_seen_set_free)

G_END_DECLS
