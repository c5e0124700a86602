/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* First come, first served among the items of one owner, and the owners in turn. */
typedef struct
{
  GQueue ring;       /* (element-type FairLane) of those who have items; the head is whose turn it is */
  GHashTable *lanes; /* (owned) (element-type gpointer FairLane) by owner */
  guint length;      /* of all lanes */
} FairQueue;

/* Part of what is queued; its memory belongs to whoever queues it. */
typedef struct
{
  GList node;
  gpointer owner; /* (nullable) NULL while it is not queued */
} FairItem;

void fair_queue_init (FairQueue *self);
void fair_queue_clear (FairQueue *self);
void fair_queue_push (FairQueue *self,
                      gpointer owner,
                      FairItem *item,
                      gpointer data);
/* The data of the item whose turn it is, or %NULL; pop removes it from the queue. */
gpointer fair_queue_peek (FairQueue *self);
gpointer fair_queue_pop (FairQueue *self);
/* The same for the items of one owner. */
gpointer fair_queue_pop_of (FairQueue *self,
                            gpointer owner);
/* Does nothing when it is not queued. */
void fair_queue_remove (FairQueue *self,
                        FairItem *item);

G_END_DECLS
