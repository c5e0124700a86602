/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-reply-pack-private.h"

#include <sys/mman.h>

#include "tornadis-glib/values/tornadis-number-text-private.h"

/* Of a string. */
#define MAX_LENGTH_DIGITS 3
#define MAX_SIZE (TORNADIS_REPLY_PACK_HEAD + TORNADIS_REPLY_PACK_MAX_LENGTH)

static int enabled_mark; /* (atomic) 0: not enabled */
static guint segment_room = TORNADIS_REPLY_PACK_SEGMENT; /* (atomic) */

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

void
tornadis_reply_pack_set_segment (guint room)
{
  g_atomic_int_set (&segment_room, MAX (room, MAX_SIZE + TORNADIS_REPLY_PACK_STEP));
}

/* Of the first segment. (nullable): there is no memory. */
static inline TornadisReply *
pack_resize (TornadisReply *self,
             gsize room)
{
  self = g_try_realloc (self, sizeof *self + sizeof (TornadisReplyPack) + room);
  if (G_LIKELY (self != NULL))
    tornadis_reply_get_pack (self)->room = room;

  return self;
}

TornadisReply *
tornadis_reply_pack_new (TornadisReplyKind kind)
{
  TornadisReply *self = g_malloc (sizeof *self + sizeof (TornadisReplyPack));

  g_atomic_ref_count_init (&self->ref_count);
  self->kind = kind;
  self->offset = TORNADIS_REPLY_PACKED;
  self->length = 0;
  self->v.elements = NULL;
  *tornadis_reply_get_pack (self) = (TornadisReplyPack){ NULL };

  return self;
}

/* Not from malloc(), which keeps what is freed before other memory for itself: this is for lists so long that their memory
 * is needed for what is made of them. (nullable): there is no more. */
static TornadisReplyPack *
segment_new (gsize room)
{
  gsize size = sizeof (TornadisReplyPack) + room;
  TornadisReplyPack *segment = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (G_UNLIKELY (segment == MAP_FAILED))
    return NULL;
  /* The kernel has set all else to 0. */
  segment->room = room;

  return segment;
}

/* Returns the one behind it. */
static TornadisReplyPack *
segment_free (TornadisReplyPack *segment)
{
  TornadisReplyPack *next = segment->next;

  munmap (segment, sizeof *segment + segment->room);

  return next;
}

/* The segment that strings are to be added to: with room for @needed bytes if a segment may have that, and for one string at
 * least. (nullable): there is no memory for it. */
static TornadisReplyPack *
pack_reserve (TornadisReply **self,
              gsize needed)
{
  TornadisReplyPack *pack = tornadis_reply_get_pack (*self);
  TornadisReplyPack *last = pack->last != NULL ? pack->last : pack;
  gsize most = (guint) g_atomic_int_get (&segment_room);

  if (needed <= last->room - last->size)
    return last;
  if (last == pack && pack->room < most)
    {
      /* A few bytes that came alone must not make the next segment. */
      gsize more = MAX (needed, MAX_SIZE + TORNADIS_REPLY_PACK_STEP);
      TornadisReply *resized = pack_resize (*self, MIN (MAX (pack->size + more, pack->room * 2), most));

      if (G_UNLIKELY (resized == NULL))
        return NULL;
      *self = resized;
      last = pack = tornadis_reply_get_pack (resized);
    }
  if (last->room - last->size >= MAX_SIZE + TORNADIS_REPLY_PACK_STEP)
    return last;

  last->next = segment_new (most);
  if (G_LIKELY (last->next != NULL))
    pack->last = last->next;

  return last->next;
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
                         gsize n_elements,
                         const guint8 **cursor,
                         const guint8 *end,
                         gsize *budget)
{
  TornadisReplyPackState state = TORNADIS_REPLY_PACK_WHOLE;
  char mark = (char) g_atomic_int_get (&enabled_mark);

  while ((*self)->length < n_elements && state == TORNADIS_REPLY_PACK_WHOLE)
    {
      gsize n_left = n_elements - (*self)->length;
      /* A string takes no more bytes in a pack than on the wire. */
      gsize needed = (gsize) (end - *cursor);
      TornadisReplyPack *pack;
      gsize n;
      char *out;

      if (n_left < needed / MAX_SIZE)
        needed = n_left * MAX_SIZE;
      needed += TORNADIS_REPLY_PACK_STEP;
      pack = pack_reserve (self, needed);
      if (G_UNLIKELY (pack == NULL))
        return TORNADIS_REPLY_PACK_NO_MEMORY;
      if (pack->room - pack->size < needed)
        n_left = MIN (n_left, (pack->room - pack->size - TORNADIS_REPLY_PACK_STEP) / MAX_SIZE);

      out = pack->strings + pack->size;
      for (n = 0; n < n_left; n++)
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

      (*self)->length += n;
      pack->length += n;
      pack->size = (gsize) (out - pack->strings);
    }

  return state;
}

TornadisReply *
tornadis_reply_pack_finish (TornadisReply *self)
{
  TornadisReply *fitting = pack_resize (self, tornadis_reply_get_pack (self)->size);

  return fitting != NULL ? fitting : self;
}

void
tornadis_reply_pack_expand (const TornadisReply *self,
                            TornadisReplyBlock **block,
                            TornadisReply **nodes)
{
  for (const TornadisReplyPack *pack = tornadis_reply_get_pack (self); pack != NULL; pack = pack->next)
    {
      const char *string = pack->strings;

      for (gsize i = 0; i < pack->length; i++)
        {
          gsize length = tornadis_reply_pack_get_length (string);
          TornadisReply *node = tornadis_reply_block_alloc (block, TORNADIS_REPLY_KIND_STRING, length);

          string += TORNADIS_REPLY_PACK_HEAD;
          memcpy (node->data, string, length);
          string += length;
          *nodes++ = node;
        }
    }
}

void
tornadis_reply_pack_shift (TornadisReply *self)
{
  TornadisReplyPack *pack = tornadis_reply_get_pack (self);

  if (pack->length > 0)
    {
      self->length -= pack->length;
      pack->length = pack->size = 0;
    }
  else if (pack->next != NULL)
    {
      self->length -= pack->next->length;
      pack->next = segment_free (pack->next);
    }
}

void
tornadis_reply_pack_clear (TornadisReply *self)
{
  TornadisReplyPack *pack = tornadis_reply_get_pack (self);

  while (pack->next != NULL)
    pack->next = segment_free (pack->next);
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
