/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-reply-block-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"

G_BEGIN_DECLS

/* A long aggregate of nothing but short strings is packed: they stand behind each other, and have no nodes until one is
 * asked for. Each is a mark, its length in 32 bits, the lowest byte first, and its bytes: a list that is to be passed on in
 * a form like that takes one copy. The mark is for whom packs were enabled for.
 *
 * The first of them stand in the memory of the aggregate's own node. What is more than a segment stands in others, each
 * with pages of its own: so they can be given back one after the other, while the list is being made anew elsewhere.
 *
 * A program that reads all elements as nodes is faster without: packs are made once they have been enabled. */
typedef struct _TornadisReplyPack TornadisReplyPack;
struct _TornadisReplyPack
{
  TornadisReplyPack *next; /* (owned) (nullable) the next segment */
  TornadisReplyPack *last; /* (unowned) (nullable) of the first, while strings are added: the last, if that is another */
  gsize room;              /* bytes allocated for strings */
  gsize size;              /* bytes of strings */
  gsize length;            /* how many strings that is */
  char strings[];
};

/* What stands before the bytes of a string. */
#define TORNADIS_REPLY_PACK_HEAD 5
#define TORNADIS_REPLY_PACK_MAX_LENGTH TORNADIS_REPLY_BLOCK_MAX_LENGTH
/* Bytes are copied in steps of as many, which is faster than to copy just those that there are: both from where they
 * come and to where they go it must be allowed to touch as many more. */
#define TORNADIS_REPLY_PACK_STEP 16
/* The most that a segment has room for. */
#define TORNADIS_REPLY_PACK_SEGMENT (1024 * 1024)

typedef enum
{
  TORNADIS_REPLY_PACK_WHOLE, /* all strings are there */
  TORNADIS_REPLY_PACK_MORE,  /* more bytes are needed */
  TORNADIS_REPLY_PACK_OTHER, /* what comes next is no short string, or is not well-formed */
  TORNADIS_REPLY_PACK_NO_MEMORY,
} TornadisReplyPackState;

/* The first segment. */
static inline TornadisReplyPack *
tornadis_reply_get_pack (const TornadisReply *self)
{
  return (TornadisReplyPack *) (gpointer) self->data;
}

static inline gsize
tornadis_reply_pack_get_length (const char *string)
{
  guint32 length;

  memcpy (&length, string + 1, sizeof length);

  return GUINT32_FROM_LE (length);
}

/* From now on packs are made, in all threads; @mark is not 0, and the same each time. */
void                   tornadis_reply_pack_enable  (char                 mark);
gboolean               tornadis_reply_pack_is_enabled (void);
/* For tests: how much a segment has room for, so that short lists have several. */
void                   tornadis_reply_pack_set_segment (guint            room);
TornadisReply         *tornadis_reply_pack_new     (TornadisReplyKind    kind);
/* Appends strings as they stand on the wire, from *@cursor on, until there are @n_elements; *@budget is what their bytes
 * may come to. */
TornadisReplyPackState tornadis_reply_pack_add     (TornadisReply      **self,
                                                    gsize                n_elements,
                                                    const guint8       **cursor,
                                                    const guint8        *end,
                                                    gsize               *budget);
/* Gives back what is allocated but not used. */
TornadisReply         *tornadis_reply_pack_finish  (TornadisReply       *self);
/* Creates a node of each string. */
void                   tornadis_reply_pack_expand  (const TornadisReply *self,
                                                    TornadisReplyBlock **block,
                                                    TornadisReply      **nodes);
/* The strings of the first segment that has any leave the aggregate, which is finished, has no nodes, and which nobody else
 * has a reference to. */
void                   tornadis_reply_pack_shift   (TornadisReply       *self);
/* Frees all segments but the first. */
void                   tornadis_reply_pack_clear   (TornadisReply       *self);

/* Frees a node that is packed, or has bytes or elements behind it. */
static inline void
tornadis_reply_pack_free (TornadisReply *self)
{
  if (tornadis_reply_is_packed (self) && tornadis_reply_get_pack (self)->next != NULL)
    tornadis_reply_pack_clear (self);
  g_free (self);
}

G_END_DECLS
