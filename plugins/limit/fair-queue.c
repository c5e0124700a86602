/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limit/fair-queue.h"

/* The items of one owner; freed when it is empty. */
typedef struct
{
  GList node; /* in the ring */
  gpointer owner;
  GQueue items; /* (element-type gpointer) */
} FairLane;

void
fair_queue_init (FairQueue *self)
{
  g_queue_init (&self->ring);
  self->lanes = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->length = 0;
}

void
fair_queue_clear (FairQueue *self)
{
  g_assert (self->length == 0);
  g_clear_pointer (&self->lanes, g_hash_table_unref);
}

void
fair_queue_push (FairQueue *self,
                 gpointer owner,
                 FairItem *item,
                 gpointer data)
{
  FairLane *lane = g_hash_table_lookup (self->lanes, owner);

  if (lane == NULL)
    {
      lane = g_new0 (FairLane, 1);
      lane->node.data = lane;
      lane->owner = owner;
      g_hash_table_insert (self->lanes, owner, lane);
      g_queue_push_tail_link (&self->ring, &lane->node);
    }

  item->owner = owner;
  item->node.data = data;
  g_queue_push_tail_link (&lane->items, &item->node);
  self->length++;
}

void
fair_queue_remove (FairQueue *self,
                   FairItem *item)
{
  FairLane *lane;

  if (item->owner == NULL)
    return;

  lane = g_hash_table_lookup (self->lanes, item->owner);
  g_queue_unlink (&lane->items, &item->node);
  item->owner = NULL;
  self->length--;

  if (lane->items.length == 0)
    {
      g_queue_unlink (&self->ring, &lane->node);
      g_hash_table_remove (self->lanes, lane->owner);
    }
}

gpointer
fair_queue_peek (FairQueue *self)
{
  FairLane *lane = g_queue_peek_head (&self->ring);

  return lane != NULL ? g_queue_peek_head (&lane->items) : NULL;
}

static gpointer
fair_queue_pop_lane (FairQueue *self,
                     FairLane *lane)
{
  FairItem *item;
  gpointer data;

  if (lane == NULL)
    return NULL;

  /* The next item of this owner comes after one of each other owner. */
  g_queue_unlink (&self->ring, &lane->node);
  g_queue_push_tail_link (&self->ring, &lane->node);

  data = g_queue_peek_head (&lane->items);
  item = (FairItem *) lane->items.head;
  fair_queue_remove (self, item);

  return data;
}

gpointer
fair_queue_pop (FairQueue *self)
{
  return fair_queue_pop_lane (self, g_queue_peek_head (&self->ring));
}

gpointer
fair_queue_pop_of (FairQueue *self,
                   gpointer owner)
{
  return fair_queue_pop_lane (self, g_hash_table_lookup (self->lanes, owner));
}
