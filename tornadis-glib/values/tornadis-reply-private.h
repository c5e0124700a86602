/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <string.h>

#include "tornadis-glib/values/tornadis-reply.h"

G_BEGIN_DECLS

/* At most one allocation a node: the bytes of a string stand right behind it, with a NUL after them. */
struct _TornadisReply
{
  int ref_count; /* (atomic) or TORNADIS_REPLY_STATIC, which never changes */
  TornadisReplyKind kind : 8;
  guint16 offset; /* in the block that it is part of, or 0, or one of the values below that no offset has */
  gsize length; /* bytes in data, or filled elements */
  union
  {
    gint64 integer;
    double number;
    gboolean boolean;
    TornadisReply **elements; /* (owned) (nullable) (element owned) unless they stand right behind the node; a MAP has
                               * keys and values in turn; what is packed has them once they are asked for (atomic), see
                               * tornadis_reply_get_elements() */
    void (*free_owner) (TornadisReply *self); /* of one that is embedded */
  } v;
  char data[];
};

static inline gboolean
tornadis_reply_kind_is_aggregate (TornadisReplyKind kind)
{
  return kind == TORNADIS_REPLY_KIND_ARRAY || kind == TORNADIS_REPLY_KIND_MAP ||
         kind == TORNADIS_REPLY_KIND_SET || kind == TORNADIS_REPLY_KIND_PUSH;
}

/* Whether it is a string of bytes. */
static inline gboolean
tornadis_reply_kind_has_data (TornadisReplyKind kind)
{
  return kind == TORNADIS_REPLY_KIND_STRING || kind == TORNADIS_REPLY_KIND_STATUS ||
         kind == TORNADIS_REPLY_KIND_ERROR || kind == TORNADIS_REPLY_KIND_BIG_NUMBER ||
         kind == TORNADIS_REPLY_KIND_VERBATIM;
}

static inline gboolean
tornadis_reply_equals_text (const TornadisReply *self,
                            const char          *text)
{
  return self->length == strlen (text) && memcmp (self->data, text, self->length) == 0;
}

/* Instead of a count of references, in a node that nobody frees. */
#define TORNADIS_REPLY_STATIC G_MININT

/* Instead of an offset, where no node can stand: the strings in an aggregate are packed, see
 * tornadis-reply-pack-private.h. */
#define TORNADIS_REPLY_PACKED 1
/* Likewise: the node of a string, or nil, is part of something larger, which its last reference frees. */
#define TORNADIS_REPLY_EMBEDDED 2

static inline gboolean
tornadis_reply_is_packed (const TornadisReply *self)
{
  return self->offset == TORNADIS_REPLY_PACKED;
}

/* Nodes of the elements of an aggregate that is packed, which has none yet. */
TornadisReply **tornadis_reply_unpack (TornadisReply *self);

/* Of an aggregate that has any. */
static inline TornadisReply **
tornadis_reply_get_elements (const TornadisReply *self)
{
  TornadisReply *reply = (TornadisReply *) self;
  TornadisReply **elements = g_atomic_pointer_get (&reply->v.elements);

  return G_LIKELY (elements != NULL) ? elements : tornadis_reply_unpack (reply);
}

/* A node with room for @length bytes of data, which the caller fills; the NUL is set. */
TornadisReply *tornadis_reply_alloc       (TornadisReplyKind  kind,
                                           gsize              length);
/* A node with a copy of @data. */
TornadisReply *tornadis_reply_new_data    (TornadisReplyKind  kind,
                                           const void        *data,
                                           gsize              length);
/* An aggregate of @elements (transfer full, allocated with g_malloc). */
TornadisReply *tornadis_reply_new_array   (TornadisReplyKind  kind,
                                           TornadisReply    **elements,
                                           gsize              n_elements);
/* An aggregate whose elements, which the caller fills in, stand right behind it. */
TornadisReply *tornadis_reply_alloc_array (TornadisReplyKind  kind,
                                           gsize              n_elements);
/* Whether the data are UTF-8 without a NUL. */
gboolean       tornadis_reply_data_is_text (const char        *data,
                                            gsize              length);

static inline gboolean
tornadis_reply_is_text (const TornadisReply *self)
{
  return tornadis_reply_data_is_text (self->data, self->length);
}

/* The server's words as a string for people. */
static inline char *
tornadis_reply_dup_text (const TornadisReply *self)
{
  return g_utf8_make_valid (self->data, (gssize) self->length);
}

G_END_DECLS
