/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-reply-pack-private.h"

#include "tornadis-glib/values/tornadis-number-text-private.h"

/* Of a string. */
#define MAX_LENGTH_DIGITS 3
#define MAX_SIZE (TORNADIS_REPLY_PACK_HEAD + TORNADIS_REPLY_PACK_MAX_LENGTH)

static int enabled_mark; /* (atomic) 0: not enabled */

void
tornadis_reply_pack_enable (char mark)
{
  g_atomic_int_set (&enabled_mark, mark);
}

gboolean
tornadis_reply_pack_is_enabled (void)
{
  return g_atomic_int_get (&enabled_mark) != 0;
}

static inline TornadisReply *
pack_resize (TornadisReply *self,
             gsize room)
{
  return g_realloc (self, sizeof *self + sizeof (TornadisReplyPack) + room);
}

TornadisReply *
tornadis_reply_pack_new (TornadisReplyKind kind)
{
  TornadisReply *self = pack_resize (NULL, 0);

  g_atomic_ref_count_init (&self->ref_count);
  self->kind = kind;
  self->offset = TORNADIS_REPLY_PACKED;
  self->length = 0;
  self->v.elements = NULL;
  tornadis_reply_get_pack (self)->size = 0;

  return self;
}

/* Whether a string of no more than @most bytes stands at *@cursor, which then becomes that of its bytes. */
static G_ALWAYS_INLINE inline TornadisReplyPackState
find_string (const guint8 **cursor,
             const guint8 *end,
             gsize most,
             gsize *length)
{
  const guint8 *p = *cursor;

  if (p == end)
    return TORNADIS_REPLY_PACK_MORE;
  if (*p++ != '$')
    return TORNADIS_REPLY_PACK_OTHER;

  *length = tornadis_number_text_read_digits (&p, end);
  /* The number of digits too, or zeros might go on for ever. */
  if (*length > most || p - *cursor > 1 + MAX_LENGTH_DIGITS)
    return TORNADIS_REPLY_PACK_OTHER;

  if (G_UNLIKELY ((gsize) (end - p) < *length + 4))
    {
      gboolean good = p == end || (p - *cursor > 1 && *p == '\r' && (p + 1 == end || p[1] == '\n'));

      return good ? TORNADIS_REPLY_PACK_MORE : TORNADIS_REPLY_PACK_OTHER;
    }

  if (p - *cursor == 1 || p[0] != '\r' || p[1] != '\n' || p[*length + 2] != '\r' || p[*length + 3] != '\n')
    return TORNADIS_REPLY_PACK_OTHER;

  *cursor = p + 2;
  return TORNADIS_REPLY_PACK_WHOLE;
}

static G_ALWAYS_INLINE inline char *
put_string (char *out,
            char mark,
            const guint8 *data,
            gsize length)
{
  guint32 head = GUINT32_TO_LE ((guint32) length);

  *out = mark;
  memcpy (out + 1, &head, sizeof head);
  out += TORNADIS_REPLY_PACK_HEAD;
  for (gsize i = 0; i < length; i += TORNADIS_REPLY_PACK_STEP)
    memcpy (out + i, data + i, TORNADIS_REPLY_PACK_STEP);

  return out + length;
}

TornadisReplyPackState
tornadis_reply_pack_add (TornadisReply **self,
                         gsize *room,
                         gsize n_elements,
                         const guint8 **cursor,
                         const guint8 *end,
                         gsize *budget)
{
  TornadisReplyPackState state = TORNADIS_REPLY_PACK_WHOLE;
  TornadisReplyPack *pack = tornadis_reply_get_pack (*self);
  char mark = (char) g_atomic_int_get (&enabled_mark);
  gsize n = (*self)->length;
  gsize needed;
  char *out;

  /* A string takes no more bytes in a pack than on the wire. */
  needed = (gsize) (end - *cursor);
  if (n_elements - n < needed / MAX_SIZE)
    needed = (n_elements - n) * MAX_SIZE;
  needed += pack->size + TORNADIS_REPLY_PACK_STEP;

  if (needed > *room)
    {
      *room = MAX (needed, *room * 2);
      *self = pack_resize (*self, *room);
      pack = tornadis_reply_get_pack (*self);
    }

  for (out = pack->strings + pack->size; n < n_elements; n++)
    {
      const guint8 *data = *cursor;
      gsize length;

      state = find_string (&data, end, MIN (*budget, TORNADIS_REPLY_PACK_MAX_LENGTH), &length);
      if (state != TORNADIS_REPLY_PACK_WHOLE)
        break;

      *budget -= length;
      out = put_string (out, mark, data, length);
      *cursor = data + length + 2;
    }

  (*self)->length = n;
  pack->size = (gsize) (out - pack->strings);

  return state;
}

TornadisReply *
tornadis_reply_pack_finish (TornadisReply *self)
{
  return pack_resize (self, tornadis_reply_get_pack (self)->size);
}

void
tornadis_reply_pack_expand (const TornadisReply *self,
                            TornadisReplyBlock **block,
                            TornadisReply **nodes)
{
  const char *string = tornadis_reply_get_pack (self)->strings;

  for (gsize i = 0; i < self->length; i++)
    {
      gsize length = tornadis_reply_pack_get_length (string);

      string += TORNADIS_REPLY_PACK_HEAD;
      nodes[i] = tornadis_reply_block_alloc (block, TORNADIS_REPLY_KIND_STRING, length);
      memcpy (nodes[i]->data, string, length);
      string += length;
    }
}

TornadisReply **
tornadis_reply_unpack (TornadisReply *self)
{
  TornadisReply **nodes = g_new (TornadisReply *, self->length);
  TornadisReplyBlock *block = NULL;

  tornadis_reply_pack_expand (self, &block, nodes);
  g_clear_pointer (&block, tornadis_reply_block_close);

  /* Another thread may have asked at the same time: the nodes of one of them stay. */
  if (!g_atomic_pointer_compare_and_exchange (&self->v.elements, NULL, nodes))
    {
      for (gsize i = 0; i < self->length; i++)
        tornadis_reply_unref (nodes[i]);
      g_free (nodes);
    }

  return g_atomic_pointer_get (&self->v.elements);
}
