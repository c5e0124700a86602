/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cache/cache-pending.h"

struct _CachePending
{
  GHashTable *reads; /* (element-type CacheBytes CacheRead) (unowned) that may be joined */
  GHashTable *keys;  /* (element-type CacheBytes CachePendingKey) (owned) that something is in flight for */
  GQueue all;        /* (element-type CacheRead) (unowned) not stale yet */
  guint n_writes_of_all;
};

struct _CachePendingKey
{
  CacheBytes name;
  GQueue reads; /* (element-type CacheRead) (unowned) */
  guint n_writes;
  guint8 data[]; /* of @name */
};

struct _CacheWrite
{
  CacheBytes *keys; /* (owned) (nullable) */
  guint n_keys;
};

static CacheBytes *
bytes_copy_all (const CacheBytes *keys,
                guint n_keys)
{
  gsize size = n_keys * sizeof (CacheBytes);
  CacheBytes *copy;
  guint8 *place;

  for (guint i = 0; i < n_keys; i++)
    size += keys[i].length;

  copy = g_malloc (size);
  place = (guint8 *) (copy + n_keys);
  for (guint i = 0; i < n_keys; i++)
    {
      copy[i] = cache_bytes_copy_to (&keys[i], place);
      place += keys[i].length;
    }

  return copy;
}

static CachePendingKey *
pending_get_key (CachePending *self,
                 const CacheBytes *name)
{
  CachePendingKey *key = g_hash_table_lookup (self->keys, name);

  if (key == NULL)
    {
      key = g_malloc0 (sizeof (CachePendingKey) + name->length);
      key->name = cache_bytes_copy_to (name, key->data);
      g_hash_table_insert (self->keys, &key->name, key);
    }

  return key;
}

static void
pending_drop_unused_key (CachePending *self,
                         CachePendingKey *key)
{
  if (key->reads.length == 0 && key->n_writes == 0)
    g_hash_table_remove (self->keys, &key->name);
}

CachePending *
cache_pending_new (void)
{
  CachePending *self = g_new0 (CachePending, 1);

  self->reads = g_hash_table_new (cache_bytes_hash, cache_bytes_equal);
  self->keys = g_hash_table_new_full (cache_bytes_hash, cache_bytes_equal, NULL, g_free);

  return self;
}

void
cache_pending_free (CachePending *self)
{
  g_hash_table_unref (self->reads);
  g_hash_table_unref (self->keys);
  g_free (self);
}

CacheRead *
cache_pending_find (CachePending *self,
                    const CacheBytes *request)
{
  return g_hash_table_lookup (self->reads, request);
}

CacheRead *
cache_pending_begin_read (CachePending *self,
                          const CacheBytes *request,
                          const CacheBytes *keys,
                          guint n_keys)
{
  CacheRead *read = g_malloc (sizeof (CacheRead) + request->length);

  *read = (CacheRead){
    .request = cache_bytes_copy_to (request, (guint8 *) (read + 1)),
    .keys = bytes_copy_all (keys, n_keys),
    .uses = g_new0 (CacheReadUse, n_keys),
    .node.data = read,
    .n_keys = n_keys,
  };

  g_hash_table_insert (self->reads, &read->request, read);
  g_queue_push_tail_link (&self->all, &read->node);
  for (guint i = 0; i < n_keys; i++)
    {
      read->uses[i].key = pending_get_key (self, &keys[i]);
      read->uses[i].node.data = read;
      g_queue_push_tail_link (&read->uses[i].key->reads, &read->uses[i].node);
    }

  return read;
}

/* Removes a read from those that can become stale. */
static void
pending_take_out (CachePending *self,
                  CacheRead *read)
{
  g_hash_table_remove (self->reads, &read->request);
  g_queue_unlink (&self->all, &read->node);

  for (guint i = 0; i < read->n_keys; i++)
    {
      g_queue_unlink (&read->uses[i].key->reads, &read->uses[i].node);
      pending_drop_unused_key (self, read->uses[i].key);
    }
}

void
cache_pending_close_read (CachePending *self,
                          CacheRead *read)
{
  if (!read->stale)
    pending_take_out (self, read);
  read->stale = TRUE;
}

void
cache_pending_end_read (CachePending *self,
                        CacheRead *read)
{
  cache_pending_close_read (self, read);
  g_free (read->keys);
  g_free (read->uses);
  g_free (read);
}

CacheWrite *
cache_pending_begin_write (CachePending *self,
                           const CacheBytes *keys,
                           guint n_keys)
{
  CacheWrite *write = g_new (CacheWrite, 1);

  write->keys = keys != NULL ? bytes_copy_all (keys, n_keys) : NULL;
  write->n_keys = keys != NULL ? n_keys : 0;

  if (keys == NULL)
    self->n_writes_of_all++;
  for (guint i = 0; i < write->n_keys; i++)
    pending_get_key (self, &keys[i])->n_writes++;

  return write;
}

void
cache_pending_end_write (CachePending *self,
                         CacheWrite *write)
{
  if (write->keys == NULL)
    self->n_writes_of_all--;

  for (guint i = 0; i < write->n_keys; i++)
    {
      CachePendingKey *key = g_hash_table_lookup (self->keys, &write->keys[i]);

      key->n_writes--;
      pending_drop_unused_key (self, key);
    }

  g_free (write->keys);
  g_free (write);
}

const CacheBytes *
cache_write_get_keys (CacheWrite *write,
                      guint *n_keys)
{
  *n_keys = write->n_keys;
  return write->keys;
}

gboolean
cache_pending_is_writing (CachePending *self,
                          const CacheBytes *keys,
                          guint n_keys)
{
  if (self->n_writes_of_all > 0)
    return TRUE;

  for (guint i = 0; i < n_keys; i++)
    {
      const CachePendingKey *key = g_hash_table_lookup (self->keys, &keys[i]);

      if (key != NULL && key->n_writes > 0)
        return TRUE;
    }

  return FALSE;
}

void
cache_pending_spoil_key (CachePending *self,
                         const CacheBytes *name)
{
  CachePendingKey *key;

  /* Closing the last read in flight of a key frees the key. */
  while ((key = g_hash_table_lookup (self->keys, name)) != NULL && key->reads.length > 0)
    cache_pending_close_read (self, g_queue_peek_head (&key->reads));
}

void
cache_pending_spoil_all (CachePending *self)
{
  while (self->all.length > 0)
    cache_pending_close_read (self, g_queue_peek_head (&self->all));
}
