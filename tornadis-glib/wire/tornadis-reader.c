/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-reader.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-number-text-private.h"
#include "tornadis-glib/values/tornadis-reply-block-private.h"
#include "tornadis-glib/values/tornadis-reply-pack-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-page.h"
#include "tornadis-glib/wire/tornadis-push-prefix.h"

/* Bytes come into one page, and replies are made from where they stand in it: [head, tail) came and is no part of a value
 * yet. Between two calls of tornadis_reader_next() the reader is in one of these states:
 *
 *   state        what is held                    bytes go to     tornadis_reader_next()
 *   -----        ------------                    -----------     ----------------------
 *   between      nothing                         page            begins a value
 *   value        a value's first bytes, at head  page            begins it again, once there are @need bytes; a line is
 *                                                                searched from @scanned on
 *   large        @unfinished, a string whose     @unfinished,    waits for all of it, and for the end of its line in the
 *                length is known                 then page       page
 *   line         @unfinished, a line without     page            moves what came there, until the line ends
 *                its end
 *   pack         @unfinished, short strings      page            moves what came there, until there are as many as were
 *                                                                announced, or something else comes
 *   failed       @error                          nowhere         fails
 *
 *   between -> value -> between     most often
 *   value   -> large -> between     a string that is longer than the page
 *   value   -> line  -> between     a status, an error or a big number of more than half a page
 *   value   -> pack  -> between     a long aggregate, for Python; a pack in which something else comes is expanded into
 *                                   values: pack -> value
 *   any     -> failed               what is not the protocol, or is larger than it may be
 *
 * All but the last also exist within aggregates. Elements that are there wait on one stack of @values for the whole reply;
 * a frame for each open aggregate remembers where its own begin and how many are to come. The last element closes the
 * innermost frame: its values are copied into an array of just the right size, which is an element of the next frame, and
 * with the outermost frame the reply is whole. So nothing is ever allocated because of a length that was merely
 * announced, and nesting needs no recursion.
 *
 * What a reply may take is bounded by its @cost, which is counted before anything of it is kept. */

/* What an element of an aggregate costs apart from its bytes: its node and the pointer to it. */
#define ELEMENT_COST 48
#define MIN_PAGE_SIZE 64
/* No null, boolean or double takes more: with all of its digits a double has some 1,100. */
#define MAX_PLAIN_LINE 4096
#define NOWHERE G_MAXSIZE
/* Keeps sums of a length and a few bytes more from overflowing. */
#define MAX_REPLY_SIZE (G_MAXSSIZE - 4096)
/* An aggregate with more elements to come than this is worth a block or a pack. */
#define BLOCK_ELEMENTS 16
/* Stacks that are larger than this are not kept for the next reply. */
#define KEEP_FRAMES 256
#define KEEP_VALUES 8192

/* What a reply that comes piece by piece is, and where the pieces go. */
typedef enum
{
  UNFINISHED_LARGE, /* a string whose length is known: received right into it */
  UNFINISHED_LINE,  /* a line whose end did not come yet: from the page, which must not grow for it */
  UNFINISHED_PACK,  /* the strings of the innermost frame: from the page */
} TornadisReaderUnfinished;

/* An aggregate some of whose elements are not there yet. */
typedef struct
{
  gsize first;     /* index of its first element among the values */
  gsize remaining; /* elements to come, at least 1 */
  TornadisReplyKind kind;
  gboolean attribute; /* dropped once it is whole */
} TornadisReaderFrame;

struct _TornadisReader
{
  guint8 *page; /* (owned) (nullable) */
  gsize page_size;
  gsize page_allocated;
  gsize head;    /* first byte that is not part of a value yet */
  gsize tail;    /* behind the last byte that came */
  gsize need;    /* with fewer bytes than this behind head there is nothing to do */
  gsize scanned; /* bytes of a line already searched for its end */

  TornadisReaderFrame *frames; /* (owned) (nullable) */
  gsize n_frames;
  gsize frames_allocated;
  TornadisReply **values; /* (owned) (nullable) (element owned) */
  gsize n_values;
  gsize values_allocated;

  TornadisPushPrefix prefix; /* of the last push */
  gsize push_begin;          /* where in the page the push that is being read begins, or NOWHERE */

  TornadisReplyBlock *block; /* (owned) (nullable) where the small nodes of a long reply are allocated */
  TornadisReply *unfinished; /* (owned) (nullable) its length is what came so far */
  TornadisReaderUnfinished form;
  gsize large_length; /* of UNFINISHED_LARGE, when all of it came */
  gsize unfinished_allocated;

  gsize max_reply_size;
  gsize cost;    /* of the reply being read */
  GError *error; /* (owned) (nullable) */
};

typedef enum
{
  STEP_VALUE, /* a value is there */
  STEP_AGAIN, /* progress without a value */
  STEP_MORE,  /* more bytes are needed */
  STEP_FAILED,
} Step;

TornadisReader *
tornadis_reader_new (gsize page_size,
                     gsize max_reply_size)
{
  TornadisReader *self = g_new0 (TornadisReader, 1);

  self->page_size = MAX (page_size, MIN_PAGE_SIZE);
  self->push_begin = NOWHERE;
  tornadis_reader_set_max_reply_size (self, max_reply_size);

  return self;
}

static void
reader_drop_values (TornadisReader *self,
                    gsize first)
{
  while (self->n_values > first)
    tornadis_reply_unref (self->values[--self->n_values]);
}

static void
reader_drop_page (TornadisReader *self)
{
  g_clear_pointer (&self->page, g_free);
  self->page_allocated = self->head = self->tail = 0;
  self->push_begin = NOWHERE;
}

static void
reader_drop_stacks (TornadisReader *self)
{
  g_clear_pointer (&self->frames, g_free);
  g_clear_pointer (&self->values, g_free);
  self->frames_allocated = self->values_allocated = 0;
}

/* Everything that is held but the error. */
static void
reader_clear (TornadisReader *self)
{
  g_clear_pointer (&self->unfinished, tornadis_reply_unref);
  tornadis_push_prefix_clear (&self->prefix);
  reader_drop_values (self, 0);
  g_clear_pointer (&self->block, tornadis_reply_block_close);
  self->n_frames = 0;
  self->cost = self->need = self->scanned = 0;
  reader_drop_stacks (self);
  reader_drop_page (self);
}

void
tornadis_reader_free (TornadisReader *self)
{
  g_assert (self->head <= self->tail && self->tail <= self->page_allocated);
  g_assert (self->n_frames > 0 || self->n_values == 0);
  g_assert (self->error == NULL || (self->unfinished == NULL && self->n_values == 0 && self->tail == 0));

  reader_clear (self);
  g_clear_error (&self->error);
  g_free (self);
}

void
tornadis_reader_set_max_reply_size (TornadisReader *self,
                                    gsize max_reply_size)
{
  self->max_reply_size = MIN (max_reply_size, MAX_REPLY_SIZE);
}

static inline gboolean
reader_is_receiving_large (TornadisReader *self)
{
  return self->unfinished != NULL && self->form == UNFINISHED_LARGE && self->unfinished->length < self->large_length;
}

static Step G_GNUC_PRINTF (2, 3)
  reader_fail (TornadisReader *self,
               const char *format,
               ...)
{
  va_list args;

  va_start (args, format);
  self->error = g_error_new_valist (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, format, args);
  va_end (args);
  reader_clear (self);

  return STEP_FAILED;
}

/* What was kept is freed first: the error takes some memory too. */
static G_NO_INLINE Step
reader_fail_memory (TornadisReader *self,
                    gsize size)
{
  reader_clear (self);

  return reader_fail (self, "There is no memory for %" G_GSIZE_FORMAT " bytes of the reply", size);
}

/* With room for @size bytes and the 0 behind them. FALSE: the reader has failed. */
static gboolean
reader_resize_unfinished (TornadisReader *self,
                          gsize size)
{
  TornadisReply *resized = g_try_realloc (self->unfinished, sizeof *self->unfinished + size + 1);

  if (G_UNLIKELY (resized == NULL))
    {
      reader_fail_memory (self, size);
      return FALSE;
    }

  self->unfinished = resized;
  self->unfinished_allocated = size;

  return TRUE;
}

static void
reader_make_room (TornadisReader *self)
{
  gsize held = self->tail - self->head;

  if (held == 0)
    {
      self->head = self->tail = 0;
      self->push_begin = NOWHERE;
      if (self->page_allocated > self->page_size)
        reader_drop_page (self);
    }

  /* Most often what is held is a small piece of the next reply; moving it makes for full reads. */
  if (self->head > 0 &&
      (held <= self->page_allocated / 8 || self->page_allocated - self->tail < self->page_allocated / 4))
    {
      memmove (self->page, self->page + self->head, held);
      self->head = 0;
      self->tail = held;
      self->push_begin = NOWHERE;
    }

  if (self->tail == self->page_allocated)
    {
      gsize size = MAX (self->page_allocated * 2, self->page_size);

      if (self->page == NULL)
        self->page = tornadis_page_new (size);
      else
        self->page = g_realloc (self->page, size + TORNADIS_REPLY_PACK_STEP);
      self->page_allocated = size;
    }
}

guint8 *
tornadis_reader_reserve (TornadisReader *self,
                         gsize *size)
{
  if (G_UNLIKELY (reader_is_receiving_large (self)))
    {
      gsize filled = self->unfinished->length;

      if (filled == self->unfinished_allocated &&
          !reader_resize_unfinished (self, filled > self->large_length / 2 ? self->large_length : filled * 2))
        return NULL;

      *size = self->unfinished_allocated - filled;
      return (guint8 *) self->unfinished->data + filled;
    }

  reader_make_room (self);
  *size = self->page_allocated - self->tail;
  return self->page + self->tail;
}

void
tornadis_reader_commit (TornadisReader *self,
                        gsize size)
{
  if (G_UNLIKELY (reader_is_receiving_large (self)))
    {
      g_assert (size <= self->unfinished_allocated - self->unfinished->length);
      self->unfinished->length += size;
      return;
    }

  g_assert (size <= self->page_allocated - self->tail);
  if (G_LIKELY (self->error == NULL))
    self->tail += size;
}

static Step
reader_fail_size (TornadisReader *self)
{
  return reader_fail (self, "The reply is larger than %" G_GSIZE_FORMAT " bytes", self->max_reply_size);
}

static Step
reader_fail_big_number (TornadisReader *self)
{
  return reader_fail (self, "Malformed big number in the reply");
}

/* What the reply being read may still cost. */
static inline gsize
reader_get_budget (TornadisReader *self)
{
  return self->cost < self->max_reply_size ? self->max_reply_size - self->cost : 0;
}

/* Reads a number and the end of its line at *@cursor, and moves that behind them. */
static G_ALWAYS_INLINE inline Step
reader_parse_number (TornadisReader *self,
                     const guint8 **cursor,
                     const guint8 *end,
                     gint64 *number)
{
  const guint8 *p = *cursor;
  const guint8 *first;
  guint64 value;
  gboolean negative = FALSE;

  if (p < end && (*p == '-' || *p == '+'))
    negative = *p++ == '-';

  first = p;
  value = tornadis_number_text_read_digits (&p, end);

  if (G_UNLIKELY (p - first > TORNADIS_NUMBER_TEXT_SAFE_DIGITS || value > (guint64) G_MAXINT64 + negative))
    return reader_fail (self, "A number in the reply has more than 64 bits");
  if (G_UNLIKELY (p == end))
    return STEP_MORE;
  if (G_UNLIKELY (p == first || *p != '\r'))
    return reader_fail (self, "Unexpected byte 0x%02x in a number of the reply", *p);
  if (G_UNLIKELY (p + 1 == end))
    return STEP_MORE;
  if (G_UNLIKELY (p[1] != '\n'))
    return reader_fail (self, "Unexpected byte 0x%02x behind a number of the reply", p[1]);

  *number = (gint64) (negative ? -value : value);
  *cursor = p + 2;

  return STEP_VALUE;
}

/* Finds the end of the line that begins at @line; without one, @length is how many of its bytes are there. What was
 * searched in vain is remembered, so that a line that comes byte by byte is searched only once. */
static inline Step
reader_find_line_end (TornadisReader *self,
                      const guint8 *line,
                      const guint8 *end,
                      gsize *length)
{
  const guint8 *from = line + self->scanned;
  const guint8 *cr;

  while ((cr = memchr (from, '\r', (gsize) (end - from))) != NULL && cr + 1 < end && cr[1] != '\n')
    from = cr + 1;

  *length = (gsize) ((cr != NULL ? cr : end) - line);
  if (G_LIKELY (cr != NULL && cr + 1 < end))
    return STEP_VALUE;

  self->scanned = *length;
  return STEP_MORE;
}

/* The value ends before @end. */
static inline Step
reader_take (TornadisReader *self,
             const guint8 *end)
{
  self->head = (gsize) (end - self->page);
  self->need = self->scanned = 0;

  return STEP_VALUE;
}

/* A node that is no aggregate. */
static inline TornadisReply *
reader_make_node (TornadisReader *self,
                  TornadisReplyKind kind,
                  gsize length)
{
  if (self->n_frames > 0 && length <= TORNADIS_REPLY_BLOCK_MAX_LENGTH &&
      (self->block != NULL || self->frames[self->n_frames - 1].remaining > BLOCK_ELEMENTS))
    return tornadis_reply_block_alloc (&self->block, kind, length);

  return tornadis_reply_alloc (kind, length);
}

/* FALSE: the reader has failed. */
static gboolean
reader_append_to_line (TornadisReader *self,
                       const guint8 *data,
                       gsize length)
{
  gsize begun = self->unfinished->length;

  if (begun + length > self->unfinished_allocated &&
      !reader_resize_unfinished (self, MIN (MAX (begun + length, begun * 2), reader_get_budget (self))))
    return FALSE;

  memcpy (self->unfinished->data + begun, data, length);
  self->unfinished->length += length;

  return TRUE;
}

/* A line of more than half a page, @length bytes of which are there. */
static Step
reader_begin_line (TornadisReader *self,
                   TornadisReplyKind kind,
                   const guint8 *line,
                   gsize length)
{
  self->unfinished = tornadis_reply_alloc (kind, 0);
  self->unfinished_allocated = 0;
  self->form = UNFINISHED_LINE;
  if (!reader_append_to_line (self, line, length))
    return STEP_FAILED;
  reader_take (self, line + length);

  return STEP_MORE;
}

/* A status, an error or a big number: nothing but the size of the reply bounds their lines. */
static Step
reader_parse_text_line (TornadisReader *self,
                        TornadisReplyKind kind,
                        const guint8 *line,
                        const guint8 *end,
                        TornadisReply **value)
{
  gsize length;
  Step step = reader_find_line_end (self, line, end, &length);

  if (G_UNLIKELY (length > reader_get_budget (self)))
    return reader_fail_size (self);
  if (G_UNLIKELY (step != STEP_VALUE))
    return length > self->page_size / 2 ? reader_begin_line (self, kind, line, length) : step;
  if (kind == TORNADIS_REPLY_KIND_BIG_NUMBER && !tornadis_number_text_is_integer ((const char *) line, length))
    return reader_fail_big_number (self);

  self->cost += length;
  *value = reader_make_node (self, kind, length);
  memcpy ((*value)->data, line, length);

  return reader_take (self, line + length + 2);
}

/* Moves what came of a long line to the node. The \r that may be its end stays in the page. */
static Step
reader_parse_line_rest (TornadisReader *self,
                        TornadisReply **value)
{
  const guint8 *cursor = self->page + self->head;
  TornadisReply *line;
  gsize length;
  Step step = reader_find_line_end (self, cursor, self->page + self->tail, &length);

  if (self->unfinished->length + length > reader_get_budget (self))
    return reader_fail_size (self);

  if (!reader_append_to_line (self, cursor, length))
    return STEP_FAILED;
  if (step != STEP_VALUE)
    {
      reader_take (self, cursor + length);
      return step;
    }

  if (!reader_resize_unfinished (self, self->unfinished->length))
    return STEP_FAILED;
  line = self->unfinished;
  line->data[line->length] = '\0';
  if (line->kind == TORNADIS_REPLY_KIND_BIG_NUMBER && !tornadis_number_text_is_integer (line->data, line->length))
    return reader_fail_big_number (self);

  self->cost += line->length;
  *value = g_steal_pointer (&self->unfinished);

  return reader_take (self, cursor + length + 2);
}

/* Null, boolean and double: lines that are not kept as text. */
static Step
reader_parse_plain_line (TornadisReader *self,
                         TornadisReplyKind kind,
                         const guint8 *line,
                         const guint8 *end,
                         TornadisReply **value)
{
  gsize length;
  double number = 0;
  Step step = reader_find_line_end (self, line, end, &length);

  if (length > MAX_PLAIN_LINE)
    return reader_fail (self, "A null, boolean or double of the reply is longer than %d bytes", MAX_PLAIN_LINE);
  if (step != STEP_VALUE)
    return step;
  if (kind == TORNADIS_REPLY_KIND_NIL && length > 0)
    return reader_fail (self, "Malformed null in the reply");
  if (kind == TORNADIS_REPLY_KIND_BOOLEAN && !(length == 1 && (line[0] == 't' || line[0] == 'f')))
    return reader_fail (self, "Malformed boolean in the reply");
  if (kind == TORNADIS_REPLY_KIND_DOUBLE && !tornadis_number_text_to_double ((const char *) line, length, &number))
    return reader_fail (self, "Malformed double in the reply");

  *value = reader_make_node (self, kind, 0);
  if (kind == TORNADIS_REPLY_KIND_DOUBLE)
    (*value)->v.number = number;
  else
    (*value)->v.boolean = length == 1 && line[0] == 't';

  return reader_take (self, line + length + 2);
}

static Step
reader_parse_integer (TornadisReader *self,
                      const guint8 *cursor,
                      const guint8 *end,
                      TornadisReply **value)
{
  gint64 number = 0;
  Step step = reader_parse_number (self, &cursor, end, &number);

  if (G_UNLIKELY (step != STEP_VALUE))
    return step;

  *value = reader_make_node (self, TORNADIS_REPLY_KIND_INTEGER, 0);
  (*value)->v.integer = number;

  return reader_take (self, cursor);
}

/* The bytes that are there go into the node; from here on they are received into it. */
static Step
reader_begin_large (TornadisReader *self,
                    TornadisReplyKind kind,
                    const guint8 *data,
                    const guint8 *end,
                    gsize length)
{
  gsize arrived = MIN ((gsize) (end - data), length);
  gsize allocated = MIN (length, MAX (arrived * 2, self->page_size));

  self->cost += length;
  self->unfinished = tornadis_reply_alloc (kind, allocated);
  self->form = UNFINISHED_LARGE;
  self->unfinished->length = arrived;
  self->large_length = length;
  self->unfinished_allocated = allocated;
  memcpy (self->unfinished->data, data, arrived);
  reader_take (self, data + arrived);

  return STEP_AGAIN;
}

static Step
reader_fail_string_end (TornadisReader *self)
{
  return reader_fail (self, "A string of the reply is not followed by the end of its line");
}

static Step
reader_end_large (TornadisReader *self,
                  TornadisReply **value)
{
  const guint8 *p;

  if (self->unfinished->length < self->large_length || self->tail - self->head < 2)
    return STEP_MORE;

  p = self->page + self->head;
  if (p[0] != '\r' || p[1] != '\n')
    return reader_fail_string_end (self);

  self->unfinished->data[self->large_length] = '\0';
  *value = g_steal_pointer (&self->unfinished);

  return reader_take (self, p + 2);
}

/* Whether the string that comes next is one of those before the last of a push. */
static inline gboolean
reader_is_at_name (TornadisReader *self,
                   gsize length)
{
  const TornadisReaderFrame *frame = self->frames;

  return self->n_frames == 1 && frame->kind == TORNADIS_REPLY_KIND_PUSH && frame->remaining > 1 &&
         self->n_values < TORNADIS_PUSH_PREFIX_MAX_NAMES && length <= TORNADIS_PUSH_PREFIX_MAX_NAME_LENGTH;
}

static G_ALWAYS_INLINE inline Step
reader_parse_string (TornadisReader *self,
                     TornadisReplyKind kind,
                     const guint8 *cursor,
                     const guint8 *end,
                     TornadisReply **value)
{
  const guint8 *start = self->page + self->head;
  gint64 number = 0;
  gsize length;
  Step step = reader_parse_number (self, &cursor, end, &number);

  if (G_UNLIKELY (step != STEP_VALUE))
    return step;

  if (G_UNLIKELY (number < 0))
    {
      if (number < -1 || kind != TORNADIS_REPLY_KIND_STRING)
        return reader_fail (self, "Negative length in the reply");
      *value = reader_make_node (self, TORNADIS_REPLY_KIND_NIL, 0);
      return reader_take (self, cursor);
    }

  if (G_UNLIKELY ((guint64) number > reader_get_budget (self)))
    return reader_fail_size (self);
  length = (gsize) number;

  if (kind == TORNADIS_REPLY_KIND_VERBATIM)
    {
      /* Three letters of a format that nobody asks for. */
      if (length < 4)
        return reader_fail (self, "Malformed verbatim string in the reply");
      if (end - cursor < 4)
        return STEP_MORE;
      if (cursor[3] != ':')
        return reader_fail (self, "Malformed verbatim string in the reply");
      cursor += 4;
      length -= 4;
    }

  if (G_UNLIKELY ((gsize) (end - cursor) < length + 2))
    {
      gsize whole = (gsize) (cursor - start) + length + 2;

      if (whole > self->page_size)
        return reader_begin_large (self, kind, cursor, end, length);
      self->need = whole;
      return STEP_MORE;
    }

  if (G_UNLIKELY (cursor[length] != '\r' || cursor[length + 1] != '\n'))
    return reader_fail_string_end (self);

  self->cost += length;
  if (kind == TORNADIS_REPLY_KIND_STRING && G_UNLIKELY (reader_is_at_name (self, length)))
    {
      *value = tornadis_push_prefix_get_name (&self->prefix, self->n_values, cursor, length);
      cursor += length + 2;
      if (self->frames[0].remaining == 2 && self->prefix.length == 0 && self->push_begin != NOWHERE)
        tornadis_push_prefix_keep (&self->prefix, self->page + self->push_begin, cursor, self->values, self->n_values,
                                   self->cost);
      return reader_take (self, cursor);
    }

  *value = reader_make_node (self, kind, length);
  memcpy ((*value)->data, cursor, length);

  return reader_take (self, cursor + length + 2);
}

static void
reader_push_frame (TornadisReader *self,
                   TornadisReplyKind kind,
                   gboolean attribute,
                   gsize n_elements)
{
  if (self->n_frames == self->frames_allocated)
    {
      self->frames_allocated = MAX (self->frames_allocated * 2, 8);
      self->frames = g_renew (TornadisReaderFrame, self->frames, self->frames_allocated);
    }

  self->frames[self->n_frames++] = (TornadisReaderFrame){
    .first = self->n_values,
    .remaining = n_elements,
    .kind = kind,
    .attribute = attribute,
  };
}

/* Room for as many. FALSE: the reader has failed. */
static G_NO_INLINE gboolean
reader_grow_values (TornadisReader *self,
                    gsize n_values)
{
  gsize allocated = MAX (self->values_allocated * 2, MAX (n_values, 64));
  TornadisReply **values = g_try_renew (TornadisReply *, self->values, allocated);

  if (values == NULL)
    {
      reader_fail_memory (self, allocated * sizeof (TornadisReply *));
      return FALSE;
    }

  self->values = values;
  self->values_allocated = allocated;

  return TRUE;
}

/* (transfer full) value. FALSE: the reader has failed. */
static inline gboolean
reader_push_value (TornadisReader *self,
                   TornadisReply *value)
{
  if (G_UNLIKELY (self->n_values == self->values_allocated) && !reader_grow_values (self, self->n_values + 1))
    {
      tornadis_reply_unref (value);
      return FALSE;
    }

  self->values[self->n_values++] = value;

  return TRUE;
}

/* The strings of the pack become values like all others. */
static Step
reader_expand_pack (TornadisReader *self)
{
  TornadisReply *pack = self->unfinished;
  gsize n_values = self->n_values + pack->length;

  if (n_values > self->values_allocated && !reader_grow_values (self, n_values))
    return STEP_FAILED;

  /* There need be no values at all. */
  if (pack->length > 0)
    tornadis_reply_pack_expand (pack, &self->block, self->values + self->n_values);
  self->n_values = n_values;
  g_clear_pointer (&self->unfinished, tornadis_reply_unref);

  return STEP_AGAIN;
}

static Step
reader_parse_pack (TornadisReader *self,
                   TornadisReply **value)
{
  TornadisReaderFrame *frame = &self->frames[self->n_frames - 1];
  gsize n_elements = self->unfinished->length + frame->remaining;
  const guint8 *cursor = self->page + self->head;
  gsize before = reader_get_budget (self);
  gsize budget = before;
  TornadisReplyPackState state = tornadis_reply_pack_add (&self->unfinished, n_elements, &cursor,
                                                          self->page + self->tail, &budget);

  reader_take (self, cursor);
  self->cost += before - budget;
  frame->remaining = n_elements - self->unfinished->length;

  if (state == TORNADIS_REPLY_PACK_MORE)
    return STEP_MORE;
  if (state == TORNADIS_REPLY_PACK_OTHER)
    return reader_expand_pack (self);
  if (state == TORNADIS_REPLY_PACK_NO_MEMORY)
    return reader_fail_memory (self, TORNADIS_REPLY_PACK_SEGMENT);

  *value = tornadis_reply_pack_finish (g_steal_pointer (&self->unfinished));
  self->n_frames--;

  return STEP_VALUE;
}

/* What is rare stays out of the loop, where it would take registers. */
static G_NO_INLINE Step
reader_parse_unfinished (TornadisReader *self,
                         TornadisReply **value)
{
  switch (self->form)
    {
    case UNFINISHED_LARGE:
      return reader_end_large (self, value);
    case UNFINISHED_LINE:
      return reader_parse_line_rest (self, value);
    case UNFINISHED_PACK:
    default:
      return reader_parse_pack (self, value);
    }
}

static Step
reader_parse_aggregate (TornadisReader *self,
                        TornadisReplyKind kind,
                        gboolean attribute,
                        const guint8 *cursor,
                        const guint8 *end,
                        TornadisReply **value)
{
  gsize per_entry = kind == TORNADIS_REPLY_KIND_MAP ? 2 : 1;
  gsize own_cost = attribute ? ELEMENT_COST : 0;
  gint64 number = 0;
  Step step;

  if (kind == TORNADIS_REPLY_KIND_PUSH && self->n_frames > 0)
    return reader_fail (self, "A push stands inside a reply");
  if (self->n_frames == TORNADIS_READER_MAX_DEPTH)
    return reader_fail (self, "The reply is nested more than %d levels deep", TORNADIS_READER_MAX_DEPTH);

  step = reader_parse_number (self, &cursor, end, &number);
  if (step != STEP_VALUE)
    return step;

  if (number < 0)
    {
      if (number < -1 || kind != TORNADIS_REPLY_KIND_ARRAY)
        return reader_fail (self, "Negative length in the reply");
      *value = tornadis_reply_alloc (TORNADIS_REPLY_KIND_NIL, 0);
      return reader_take (self, cursor);
    }

  if (own_cost > reader_get_budget (self) ||
      (guint64) number > (reader_get_budget (self) - own_cost) / (per_entry * ELEMENT_COST))
    return reader_fail_size (self);

  self->push_begin = kind == TORNADIS_REPLY_KIND_PUSH && self->cost == 0 ? self->head : NOWHERE;
  self->cost += own_cost + (gsize) number * per_entry * ELEMENT_COST;
  reader_take (self, cursor);

  if (number > 0)
    {
      reader_push_frame (self, kind, attribute, (gsize) number * per_entry);
      /* Pushes have their own readers, and what an attribute holds is dropped. */
      if ((gsize) number > BLOCK_ELEMENTS && tornadis_reply_pack_is_enabled () && kind != TORNADIS_REPLY_KIND_PUSH &&
          !attribute && (cursor == end || *cursor == '$'))
        {
          self->unfinished = tornadis_reply_pack_new (kind);
          self->form = UNFINISHED_PACK;
        }
      return STEP_AGAIN;
    }
  if (attribute)
    return STEP_AGAIN;

  *value = tornadis_reply_new_array (kind, NULL, 0);
  return STEP_VALUE;
}

/* The string at @cursor ends the push that begins with the prefix: most often all of it is there. FALSE: it is to be read
 * as other elements are. */
static inline gboolean
reader_read_message (TornadisReader *self,
                     const guint8 *cursor,
                     const guint8 *end,
                     TornadisReply **value)
{
  const TornadisPushPrefix *prefix = &self->prefix;
  const guint8 *first = cursor + 1;
  const guint8 *p = first;
  guint64 length;

  if (cursor == end || *cursor != '$')
    return FALSE;
  length = tornadis_number_text_read_digits (&p, end);
  if (p == first || p - first > TORNADIS_NUMBER_TEXT_SAFE_DIGITS || length > self->max_reply_size - prefix->cost ||
      (gsize) (end - p) < length + 4 || p[0] != '\r' || p[1] != '\n' || p[length + 2] != '\r' || p[length + 3] != '\n')
    return FALSE;

  *value = tornadis_reply_alloc_array (TORNADIS_REPLY_KIND_PUSH, prefix->n_names + 1);
  for (guint i = 0; i < prefix->n_names; i++)
    (*value)->v.elements[i] = tornadis_reply_ref (prefix->names[i]);
  (*value)->v.elements[prefix->n_names] = tornadis_reply_new_data (TORNADIS_REPLY_KIND_STRING, p + 2, length);
  reader_take (self, p + length + 4);

  return TRUE;
}

/* Whether a push begins at @begin whose names are known. */
static inline gboolean
reader_find_prefix (TornadisReader *self,
                    const guint8 *begin,
                    const guint8 *end)
{
  return tornadis_push_prefix_matches (&self->prefix, begin, end, self->max_reply_size) ||
         (tornadis_push_prefix_switch (&self->prefix, begin, end) &&
          tornadis_push_prefix_matches (&self->prefix, begin, end, self->max_reply_size));
}

/* A push, most often of another message on the channel of the last one. */
static Step
reader_parse_push (TornadisReader *self,
                   const guint8 *cursor,
                   const guint8 *end,
                   TornadisReply **value)
{
  const guint8 *begin = self->page + self->head;

  if (self->n_frames > 0 || self->cost > 0 || !reader_find_prefix (self, begin, end))
    return reader_parse_aggregate (self, TORNADIS_REPLY_KIND_PUSH, FALSE, cursor, end, value);

  if (G_LIKELY (reader_read_message (self, begin + self->prefix.length, end, value)))
    return STEP_VALUE;

  reader_push_frame (self, TORNADIS_REPLY_KIND_PUSH, FALSE, 1);
  for (guint i = 0; i < self->prefix.n_names; i++)
    if (!reader_push_value (self, tornadis_reply_ref (self->prefix.names[i])))
      return STEP_FAILED;
  self->cost = self->prefix.cost;
  reader_take (self, begin + self->prefix.length);

  return STEP_AGAIN;
}

static Step
reader_parse_rare_string (TornadisReader *self,
                          TornadisReplyKind kind,
                          const guint8 *cursor,
                          const guint8 *end,
                          TornadisReply **value)
{
  return reader_parse_string (self, kind, cursor, end, value);
}

static G_ALWAYS_INLINE inline Step
reader_parse_value (TornadisReader *self,
                    TornadisReply **value)
{
  const guint8 *p, *end;

  if (self->head == self->tail)
    return STEP_MORE;

  p = self->page + self->head;
  end = self->page + self->tail;

  /* Ahead of the switch: a processor guesses a branch before it has the byte, but not a jump table. */
  if (G_LIKELY (*p == '$'))
    return reader_parse_string (self, TORNADIS_REPLY_KIND_STRING, p + 1, end, value);

  if (*p == ':')
    return reader_parse_integer (self, p + 1, end, value);

  switch (*p++)
    {
    case '+':
      return reader_parse_text_line (self, TORNADIS_REPLY_KIND_STATUS, p, end, value);
    case '*':
      return reader_parse_aggregate (self, TORNADIS_REPLY_KIND_ARRAY, FALSE, p, end, value);
    case '-':
      return reader_parse_text_line (self, TORNADIS_REPLY_KIND_ERROR, p, end, value);
    case '_':
      return reader_parse_plain_line (self, TORNADIS_REPLY_KIND_NIL, p, end, value);
    case '#':
      return reader_parse_plain_line (self, TORNADIS_REPLY_KIND_BOOLEAN, p, end, value);
    case ',':
      return reader_parse_plain_line (self, TORNADIS_REPLY_KIND_DOUBLE, p, end, value);
    case '(':
      return reader_parse_text_line (self, TORNADIS_REPLY_KIND_BIG_NUMBER, p, end, value);
    case '!':
      return reader_parse_rare_string (self, TORNADIS_REPLY_KIND_ERROR, p, end, value);
    case '=':
      return reader_parse_rare_string (self, TORNADIS_REPLY_KIND_VERBATIM, p, end, value);
    case '%':
      return reader_parse_aggregate (self, TORNADIS_REPLY_KIND_MAP, FALSE, p, end, value);
    case '~':
      return reader_parse_aggregate (self, TORNADIS_REPLY_KIND_SET, FALSE, p, end, value);
    case '>':
      return reader_parse_push (self, p, end, value);
    case '|':
      return reader_parse_aggregate (self, TORNADIS_REPLY_KIND_MAP, TRUE, p, end, value);
    default:
      return reader_fail (self, "Unexpected byte 0x%02x where a reply should begin", p[-1]);
    }
}

/* (transfer full) (nullable): an array of the values from @first on. A stack that holds nothing else is given away itself. */
static TornadisReply **
reader_take_many_values (TornadisReader *self,
                         gsize first)
{
  gsize size = (self->n_values - first) * sizeof (TornadisReply *);
  TornadisReply **values = g_try_realloc (first == 0 ? self->values : NULL, size);

  if (first > 0)
    return values != NULL ? memcpy (values, self->values + first, size) : NULL;

  /* It need not become smaller. */
  if (values == NULL)
    values = self->values;
  self->values = NULL;
  self->values_allocated = 0;

  return values;
}

/* Takes the values from @first on off the stack as an aggregate. NULL: the reader has failed. */
static TornadisReply *
reader_take_values (TornadisReader *self,
                    TornadisReplyKind kind,
                    gsize first)
{
  gsize n_elements = self->n_values - first;
  TornadisReply *aggregate;

  if (n_elements > KEEP_VALUES)
    {
      TornadisReply **elements = reader_take_many_values (self, first);

      if (elements == NULL)
        {
          reader_fail_memory (self, n_elements * sizeof (TornadisReply *));
          return NULL;
        }
      aggregate = tornadis_reply_new_array (kind, elements, n_elements);
    }
  else
    {
      aggregate = tornadis_reply_alloc_array (kind, n_elements);
      memcpy (aggregate->v.elements, self->values + first, n_elements * sizeof (TornadisReply *));
    }

  self->n_values = first;
  return aggregate;
}

/* Called when the last element of the innermost frame is there: creates its aggregate, which may be the
 * last element of the next one, and so on. The outermost aggregate, or NULL while one is open or when the reader has failed. */
static TornadisReply *
reader_close_frames (TornadisReader *self)
{
  do
    {
      const TornadisReaderFrame *frame = &self->frames[--self->n_frames];
      TornadisReply *aggregate;

      if (frame->attribute)
        {
          reader_drop_values (self, frame->first);
          return NULL;
        }

      aggregate = reader_take_values (self, frame->kind, frame->first);
      if (aggregate == NULL || self->n_frames == 0)
        return aggregate;
      if (!reader_push_value (self, aggregate))
        return NULL;
    }
  while (--self->frames[self->n_frames - 1].remaining == 0);

  return NULL;
}

static G_NO_INLINE void
reader_drop_spent (TornadisReader *self)
{
  g_clear_pointer (&self->block, tornadis_reply_block_close);
  if (self->frames_allocated > KEEP_FRAMES || self->values_allocated > KEEP_VALUES)
    reader_drop_stacks (self);
}

static inline TornadisReply *
reader_deliver (TornadisReader *self,
                TornadisReply *reply)
{
  self->cost = 0;
  if (G_UNLIKELY (self->block != NULL || self->frames_allocated > KEEP_FRAMES || self->values_allocated > KEEP_VALUES))
    reader_drop_spent (self);

  return reply;
}

TornadisReply *
tornadis_reader_next (TornadisReader *self,
                      GError **error)
{
  TornadisReply *value = NULL;

  while (self->error == NULL && self->tail - self->head >= self->need)
    {
      Step step = G_UNLIKELY (self->unfinished != NULL) ? reader_parse_unfinished (self, &value)
                                                        : reader_parse_value (self, &value);

      if (G_LIKELY (step == STEP_VALUE))
        {
          if (self->n_frames == 0)
            return reader_deliver (self, value);

          if (G_UNLIKELY (!reader_push_value (self, value)))
            break;
          if (--self->frames[self->n_frames - 1].remaining > 0)
            continue;

          value = reader_close_frames (self);
          if (value != NULL)
            return reader_deliver (self, value);
        }
      else if (step == STEP_MORE)
        {
          return NULL;
        }
    }

  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));

  return NULL;
}

gboolean
tornadis_reader_is_partial (TornadisReader *self)
{
  /* Of an attribute that was read and dropped nothing is left but its cost. */
  return self->tail > self->head || self->n_frames > 0 || self->unfinished != NULL || self->cost > 0;
}

void
tornadis_reader_trim (TornadisReader *self)
{
  if (self->tail == self->head)
    {
      if (self->page_allocated == self->page_size)
        tornadis_page_spare (g_steal_pointer (&self->page), self->page_size);
      reader_drop_page (self);
    }
  if (!tornadis_reader_is_partial (self))
    reader_drop_stacks (self);
}
