/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-reply-private.h"

G_BEGIN_DECLS

/* The small nodes of a long reply stand in blocks behind each other: an allocation for a hundred of them. A block is freed
 * with the last of its nodes, so that an element which is kept keeps no more than its block. */
#define TORNADIS_REPLY_BLOCK_SIZE 4096
/* The most bytes that a node in a block may hold. */
#define TORNADIS_REPLY_BLOCK_MAX_LENGTH 128

/* Stands for the reader, which has not counted its nodes yet. */
#define TORNADIS_REPLY_BLOCK_OPEN (1 << 30)

typedef struct
{
  int n_nodes; /* (atomic) that are not freed, and TORNADIS_REPLY_BLOCK_OPEN while the block is being filled */
  guint n_made;
  gsize used; /* bytes, this header included */
} TornadisReplyBlock;

static inline TornadisReplyBlock *
tornadis_reply_block_new (void)
{
  TornadisReplyBlock *block = g_malloc (TORNADIS_REPLY_BLOCK_SIZE);

  *block = (TornadisReplyBlock){ TORNADIS_REPLY_BLOCK_OPEN, 0, sizeof *block };

  return block;
}

/* So many of its nodes are freed. */
static inline void
tornadis_reply_block_drop (TornadisReplyBlock *block,
                           int n)
{
  if (g_atomic_int_add (&block->n_nodes, -n) == n)
    g_free (block);
}

/* No more nodes will be made in it. */
static inline void
tornadis_reply_block_close (TornadisReplyBlock *block)
{
  tornadis_reply_block_drop (block, TORNADIS_REPLY_BLOCK_OPEN - (int) block->n_made);
}

/* A node as tornadis_reply_alloc() makes it, in @block; a full one is closed and replaced. */
static inline TornadisReply *
tornadis_reply_block_alloc (TornadisReplyBlock **block,
                            TornadisReplyKind kind,
                            gsize length)
{
  gsize size = (sizeof (TornadisReply) + length + 1 + 7) & ~(gsize) 7;
  TornadisReply *reply;

  if (G_UNLIKELY (*block == NULL || TORNADIS_REPLY_BLOCK_SIZE - (*block)->used < size))
    {
      g_clear_pointer (block, tornadis_reply_block_close);
      *block = tornadis_reply_block_new ();
    }

  reply = (TornadisReply *) (gpointer) ((guint8 *) *block + (*block)->used);
  reply->ref_count = 1;
  reply->kind = kind;
  reply->offset = (guint16) (*block)->used;
  reply->length = length;
  reply->data[length] = '\0';
  (*block)->used += size;
  (*block)->n_made++;

  return reply;
}

static inline TornadisReplyBlock *
tornadis_reply_get_block (TornadisReply *reply)
{
  return (TornadisReplyBlock *) (gpointer) ((guint8 *) reply - reply->offset);
}

G_END_DECLS
