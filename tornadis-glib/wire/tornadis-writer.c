/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-writer.h"

#include <string.h>

#include "tornadis-glib/values/tornadis-number-text-private.h"
#include "tornadis-glib/values/tornadis-secret.h"

/* A buffer of no more than this is kept while it is empty, so that a busy link does not allocate for every write. */
#define KEEP_SIZE (128 * 1024)
/* A client of a node that is asked now and then needs no more. */
#define FIRST_SIZE 512
/* Room for "*N\r\n". */
#define MAX_COUNT_LENGTH 24

/* A large argument in the stream, behind the small bytes up to data[offset]. */
typedef struct
{
  gsize offset;
  gsize done;    /* bytes written of it */
  GBytes *bytes; /* (owned) */
} TornadisWriterLarge;

static void
writer_large_free (gpointer data)
{
  TornadisWriterLarge *large = data;

  g_bytes_unref (large->bytes);
  g_free (large);
}

void
tornadis_writer_wipe (TornadisWriter *self)
{
  if (self->data == NULL)
    return;

  tornadis_secret_wipe (self->data, self->head);
  tornadis_secret_wipe (self->data + self->tail, self->size - self->tail);
}

/* There may have been a password among the bytes. */
static void
writer_free_data (TornadisWriter *self)
{
  tornadis_secret_wipe (self->data, self->size);
  g_clear_pointer (&self->data, g_free);
  self->size = 0;
}

void
tornadis_writer_clear (TornadisWriter *self)
{
  g_queue_clear_full (&self->large, writer_large_free);
  writer_free_data (self);
  memset (self, 0, sizeof *self);
}

/* Moves what is not written yet to the front: on a link where something always waits the buffer must not grow for ever. */
static void
writer_compact (TornadisWriter *self)
{
  for (GList *l = self->large.head; l != NULL; l = l->next)
    ((TornadisWriterLarge *) l->data)->offset -= self->head;

  memmove (self->data, self->data + self->head, self->tail - self->head);
  self->tail -= self->head;
  self->head = 0;
}

static G_NO_INLINE void
writer_make_room (TornadisWriter *self,
                  gsize length)
{
  gsize size = MAX (self->size, FIRST_SIZE);
  guint8 *data;

  if (self->head > self->size / 2)
    writer_compact (self);

  while (size - self->tail < length)
    size *= 2;
  if (size == self->size)
    return;

  /* g_realloc() would leave the old bytes where they were. */
  data = g_malloc (size);
  if (self->tail > 0)
    memcpy (data, self->data, self->tail);
  writer_free_data (self);
  self->data = data;
  self->size = size;
}

static inline guint8 *
writer_reserve (TornadisWriter *self,
                gsize length)
{
  if (G_UNLIKELY (self->size - self->tail < length))
    writer_make_room (self, length);

  return self->data + self->tail;
}

static inline void
writer_append_inline (TornadisWriter *self,
                      const void *bytes,
                      gsize length)
{
  memcpy (writer_reserve (self, length), bytes, length);
  self->tail += length;
  self->queued += length;
}

void
tornadis_writer_append (TornadisWriter *self,
                        const char *bytes,
                        gsize length)
{
  writer_append_inline (self, bytes, length);
}

static void
writer_append_large (TornadisWriter *self,
                     GBytes *bytes)
{
  TornadisWriterLarge *large = g_new0 (TornadisWriterLarge, 1);

  large->offset = self->tail;
  large->bytes = g_bytes_ref (bytes);
  g_queue_push_tail (&self->large, large);
  self->queued += g_bytes_get_size (bytes);
}

/* Puts "*N\r\n" at @end. Returns where it ends. */
static inline guint8 *
put_count (guint8 *end,
           guint n_args)
{
  *end++ = '*';

  end = (guint8 *) tornadis_number_text_put ((char *) end, n_args);
  memcpy (end, "\r\n", 2);
  return end + 2;
}

/* Of the body of @command; what is large is not copied, and keeps the command. */
static void
writer_append_body (TornadisWriter *self,
                    const TornadisCommand *command,
                    gsize begin,
                    gsize end)
{
  g_autoptr (GBytes) bytes = NULL;

  if (end - begin < TORNADIS_LARGE_BODY_SIZE)
    {
      writer_append_inline (self, command->body + begin, end - begin);
      return;
    }

  bytes = g_bytes_new_with_free_func (command->body + begin, end - begin, (GDestroyNotify) tornadis_command_unref,
                                      tornadis_command_hold ((TornadisCommand *) command));
  writer_append_large (self, bytes);
}

/* Apart, so that commands without a large argument save no registers for it: 8 instructions. */
static G_NO_INLINE void
writer_add_large_command (TornadisWriter *self,
                          const TornadisCommand *command)
{
  guint8 count[MAX_COUNT_LENGTH];
  gsize offset = 0;

  writer_append_inline (self, count, (gsize) (put_count (count, command->n_args) - count));

  for (guint i = 0; i < command->large->args->len; i++)
    {
      const TornadisLargeArg *large = &g_array_index (command->large->args, TornadisLargeArg, i);

      writer_append_body (self, command, offset, large->offset);
      writer_append_large (self, large->bytes);
      offset = large->offset;
    }

  writer_append_body (self, command, offset, command->body_len);
}

void
tornadis_writer_add_command (TornadisWriter *self,
                             const TornadisCommand *command)
{
  guint8 *begin, *end;

  if (G_UNLIKELY (command->large != NULL))
    {
      writer_add_large_command (self, command);
      return;
    }

  begin = writer_reserve (self, MAX_COUNT_LENGTH + command->body_len);
  end = put_count (begin, command->n_args);
  memcpy (end, command->body, command->body_len);
  end += command->body_len;

  self->tail += (gsize) (end - begin);
  self->queued += (gsize) (end - begin);
}

guint
tornadis_writer_get_vectors (TornadisWriter *self,
                             GOutputVector *vectors,
                             guint max)
{
  gsize offset = self->head;
  guint n = 0;

  g_assert (max >= 2);

  for (GList *l = self->large.head; l != NULL; l = l->next)
    {
      const TornadisWriterLarge *large = l->data;
      gsize size;
      const guint8 *data = g_bytes_get_data (large->bytes, &size);

      if (n + 2 > max)
        return n;

      if (large->offset > offset)
        vectors[n++] = (GOutputVector){ self->data + offset, large->offset - offset };
      vectors[n++] = (GOutputVector){ data + large->done, size - large->done };
      offset = large->offset;
    }

  if (self->tail > offset && n < max)
    vectors[n++] = (GOutputVector){ self->data + offset, self->tail - offset };

  return n;
}

void
tornadis_writer_offer (TornadisWriter *self,
                       const GOutputVector *vectors,
                       guint n_vectors)
{
  guint64 end = self->written;

  for (guint i = 0; i < n_vectors; i++)
    end += vectors[i].size;
  self->offered = MAX (self->offered, end);
}

void
tornadis_writer_advance (TornadisWriter *self,
                         gsize n_bytes)
{
  self->written += n_bytes;

  while (n_bytes > 0)
    {
      TornadisWriterLarge *large = g_queue_peek_head (&self->large);
      gsize small = (large != NULL ? large->offset : self->tail) - self->head;
      gsize step = MIN (small, n_bytes);

      self->head += step;
      n_bytes -= step;

      if (large != NULL && n_bytes > 0)
        {
          gsize size = g_bytes_get_size (large->bytes);

          step = MIN (size - large->done, n_bytes);
          large->done += step;
          n_bytes -= step;
          if (large->done == size)
            writer_large_free (g_queue_pop_head (&self->large));
        }
    }

  if (self->written == self->queued)
    {
      self->head = self->tail = 0;
      if (self->size > KEEP_SIZE)
        writer_free_data (self);
    }
}

void
tornadis_writer_truncate (TornadisWriter *self,
                          guint64 position)
{
  guint64 excess;

  g_assert (position >= MAX (self->written, self->offered) && position <= self->queued);

  excess = self->queued - position;

  while (excess > 0)
    {
      TornadisWriterLarge *large = g_queue_peek_tail (&self->large);
      gsize floor = large != NULL ? large->offset : self->head;
      gsize step = (gsize) MIN (excess, self->tail - floor);

      self->tail -= step;
      excess -= step;

      if (excess > 0)
        {
          excess -= g_bytes_get_size (large->bytes);
          writer_large_free (g_queue_pop_tail (&self->large));
        }
    }

  self->queued = position;
}
