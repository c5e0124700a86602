/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/data/tornadis-item.h"

G_BEGIN_DECLS

/* The position of an item that is in no model any more. */
#define TORNADIS_ITEM_NOWHERE G_MAXUINT

typedef enum
{
  TORNADIS_ITEM_SETTLED,
  TORNADIS_ITEM_WANTED,    /* to be read with the next pages */
  TORNADIS_ITEM_REQUESTED, /* its page is being read */
} TornadisItemState;

struct _TornadisItem
{
  GObject parent_instance;

  GBytes *key;   /* (owned) */
  GBytes *field; /* (owned) (nullable) with a NUL behind it */
  GBytes *bytes; /* (owned) (nullable) likewise */
  double score;
  TornadisStreamEntry *entry; /* (owned) (nullable) of a stream */
  gboolean loading;

  /* Of its model. */
  guint position;
  TornadisItemState state;
  GList wanted_link; /* in the queue of its state */
  GList kept_link;   /* in that of the last ones looked at */
  gboolean kept;
  gsize kept_size; /* what it was counted as there */
  guint pass;      /* the last reading of all that found it */
  GBytes *coming;  /* (owned) (nullable) the other value that it found */
};

/* A copy, with a NUL behind it. */
GBytes *tornadis_item_copy_bytes (gconstpointer data,
                                  gsize length);

TornadisItem *tornadis_item_new (GBytes *key);
/* Takes over nothing; notifies of what is different, and that it is loaded. */
void tornadis_item_set_content (TornadisItem *self,
                                GBytes *field,
                                GBytes *bytes,
                                double score);
/* The same of an entry of a stream. */
void tornadis_item_set_entry (TornadisItem *self,
                              TornadisStreamEntry *entry);
/* About how much memory it takes. */
gsize tornadis_item_get_size (TornadisItem *self);

G_END_DECLS
