/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-seen-set-private.h"

#include <string.h>

/* An allocation for each would take more than most of them do: they stand behind each other in chunks, each behind its
 * length. The bytes themselves are kept, and no digest of them, so that none is taken for another. */

#define CHUNK_SIZE (64 * 1024)
#define HEAD_SIZE sizeof (guint32)
/* What the hash table has for each, on an average. */
#define ENTRY_SIZE 24

struct _TornadisSeenSet
{
  GHashTable *entries; /* (owned) (element-type guint8) each in a chunk, a guint32 and so many bytes */
  GPtrArray *chunks;   /* (owned) (element-type guint8) the last is being filled */
  gsize used;          /* of the last chunk */
  gsize room;          /* of the last chunk, all of it */
  guint64 n_bytes;
};

/* What servers keep is written by strangers: which of it collides is not for them to know. */
static guint32
get_seed (void)
{
  static gsize seed;

  if (g_once_init_enter (&seed))
    g_once_init_leave (&seed, (gsize) g_random_int () | 1);

  return (guint32) seed;
}

static guint32
entry_get_length (gconstpointer entry)
{
  guint32 length;

  memcpy (&length, entry, HEAD_SIZE);

  return length;
}

/* FNV-1a, from a seed. */
static guint
entry_hash (gconstpointer entry)
{
  const guint8 *data = (const guint8 *) entry + HEAD_SIZE;
  guint32 length = entry_get_length (entry);
  guint32 hash = 2166136261u ^ get_seed ();

  for (guint32 i = 0; i < length; i++)
    hash = (hash ^ data[i]) * 16777619u;

  return hash;
}

static gboolean
entry_equal (gconstpointer a,
             gconstpointer b)
{
  guint32 length = entry_get_length (a);

  return length == entry_get_length (b) && memcmp ((const guint8 *) a + HEAD_SIZE, (const guint8 *) b + HEAD_SIZE, length) == 0;
}

TornadisSeenSet *
tornadis_seen_set_new (void)
{
  TornadisSeenSet *self = g_new0 (TornadisSeenSet, 1);

  self->entries = g_hash_table_new (entry_hash, entry_equal);
  self->chunks = g_ptr_array_new_with_free_func (g_free);

  return self;
}

void
tornadis_seen_set_free (TornadisSeenSet *self)
{
  g_hash_table_unref (self->entries);
  g_ptr_array_unref (self->chunks);
  g_free (self);
}

guint
tornadis_seen_set_get_length (TornadisSeenSet *self)
{
  return g_hash_table_size (self->entries);
}

/* Where an entry of that size can be written. */
static guint8 *
seen_set_reserve (TornadisSeenSet *self,
                  gsize size)
{
  if (self->room - self->used < size)
    {
      self->room = MAX (size, CHUNK_SIZE);
      self->used = 0;
      g_ptr_array_add (self->chunks, g_malloc (self->room));
    }

  return (guint8 *) g_ptr_array_index (self->chunks, self->chunks->len - 1) + self->used;
}

TornadisSeen
tornadis_seen_set_add (TornadisSeenSet *self,
                       gconstpointer data,
                       gsize length,
                       guint64 max_bytes)
{
  gsize size = HEAD_SIZE + length;
  guint32 head = (guint32) length;
  guint8 *entry;

  /* The longest string of a server has 512 MB. */
  g_return_val_if_fail (length <= G_MAXINT32, TORNADIS_SEEN_FULL);

  /* It is written where it is to stay, and left there when it is new. */
  entry = seen_set_reserve (self, size);
  memcpy (entry, &head, HEAD_SIZE);
  if (length > 0)
    memcpy (entry + HEAD_SIZE, data, length);

  if (g_hash_table_contains (self->entries, entry))
    return TORNADIS_SEEN_AGAIN;
  if (self->n_bytes + size + ENTRY_SIZE > max_bytes)
    return TORNADIS_SEEN_FULL;

  g_hash_table_add (self->entries, entry);
  self->used += size;
  self->n_bytes += size + ENTRY_SIZE;

  return TORNADIS_SEEN_NEW;
}
