/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cache/cache-store.h"

/* What the allocator and the hash table take for each node, beside what was asked for. */
#define NODE_OVERHEAD (16 + 5 * sizeof (gpointer))
/* What the library takes for a reply beside its data. */
#define REPLY_OVERHEAD (16 + 4 * sizeof (gpointer))
/* No command has a reply that is nested deeper. */
#define MAX_DEPTH 64

struct _CacheStore
{
  GHashTable *entries; /* (element-type CacheBytes CacheEntry) (owned) */
  GHashTable *keys;    /* (element-type CacheBytes CacheKey) (owned) */
  GQueue used;         /* (element-type CacheEntry) (unowned) the last used first */
  guint64 max_bytes;
  guint64 n_bytes;
  guint64 n_evictions;
  gint64 max_age; /* microseconds; 0: no limit */
};

/* A key that some entries depend on; it is freed with the last of them. */
typedef struct
{
  CacheBytes name;
  GQueue entries; /* (element-type CacheEntry) (unowned) */
  guint8 data[];  /* of @name */
} CacheKey;

typedef struct
{
  CacheKey *key; /* (unowned) */
  GList node;    /* in the key's entries */
} CacheUse;

typedef struct
{
  CacheBytes request;
  TornadisReply *reply; /* (owned) */
  GList node;           /* in the store's @used */
  gint64 time;          /* when it came, monotonic time */
  gsize size;
  guint n_uses;
  CacheUse uses[]; /* followed by the data of @request */
} CacheEntry;

static guint64
reply_get_size (TornadisReply *reply,
                guint depth)
{
  gsize n_elements = tornadis_reply_get_n_elements (reply);
  guint64 size = REPLY_OVERHEAD + n_elements * sizeof (gpointer);

  if (depth == MAX_DEPTH)
    return G_MAXUINT32;

  if (n_elements == 0)
    {
      gsize length = 0;

      tornadis_reply_get_data (reply, &length);
      return size + length;
    }

  for (gsize i = 0; i < n_elements; i++)
    size += reply_get_size (tornadis_reply_get_element (reply, i), depth + 1);

  return size;
}

static void
store_remove (CacheStore *self,
              CacheEntry *entry)
{
  g_hash_table_remove (self->entries, &entry->request);
  g_queue_unlink (&self->used, &entry->node);
  self->n_bytes -= entry->size;

  for (guint i = 0; i < entry->n_uses; i++)
    {
      CacheKey *key = entry->uses[i].key;

      g_queue_unlink (&key->entries, &entry->uses[i].node);
      if (key->entries.length > 0)
        continue;

      g_hash_table_remove (self->keys, &key->name);
      g_free (key);
    }

  tornadis_reply_unref (entry->reply);
  g_free (entry);
}

static void
store_make_room (CacheStore *self)
{
  while (self->n_bytes > self->max_bytes)
    {
      store_remove (self, g_queue_peek_tail (&self->used));
      self->n_evictions++;
    }
}

static CacheKey *
store_get_key (CacheStore *self,
               const CacheBytes *name)
{
  CacheKey *key = g_hash_table_lookup (self->keys, name);

  if (key == NULL)
    {
      key = g_malloc0 (sizeof (CacheKey) + name->length);
      key->name = cache_bytes_copy_to (name, key->data);
      g_hash_table_insert (self->keys, &key->name, key);
    }

  return key;
}

CacheStore *
cache_store_new (void)
{
  CacheStore *self = g_new0 (CacheStore, 1);

  self->entries = g_hash_table_new (cache_bytes_hash, cache_bytes_equal);
  self->keys = g_hash_table_new (cache_bytes_hash, cache_bytes_equal);
  self->max_bytes = G_MAXUINT64;

  return self;
}

void
cache_store_free (CacheStore *self)
{
  cache_store_drop_all (self);
  g_hash_table_unref (self->entries);
  g_hash_table_unref (self->keys);
  g_free (self);
}

void
cache_store_set_max_bytes (CacheStore *self,
                           guint64 max_bytes)
{
  self->max_bytes = max_bytes;
  store_make_room (self);
}

void
cache_store_set_max_age (CacheStore *self,
                         gint64 max_age)
{
  self->max_age = max_age;
}

TornadisReply *
cache_store_lookup (CacheStore *self,
                    const CacheBytes *request)
{
  CacheEntry *entry = g_hash_table_lookup (self->entries, request);

  if (entry == NULL)
    return NULL;

  if (self->max_age != 0 && g_get_monotonic_time () - entry->time >= self->max_age)
    {
      store_remove (self, entry);
      self->n_evictions++;
      return NULL;
    }

  g_queue_unlink (&self->used, &entry->node);
  g_queue_push_head_link (&self->used, &entry->node);

  return entry->reply;
}

gboolean
cache_store_insert (CacheStore *self,
                    const CacheBytes *request,
                    const CacheBytes *keys,
                    guint n_keys,
                    TornadisReply *reply)
{
  gsize entry_size = sizeof (CacheEntry) + n_keys * sizeof (CacheUse);
  guint64 size = entry_size + request->length + NODE_OVERHEAD + reply_get_size (reply, 0);
  CacheEntry *entry = g_hash_table_lookup (self->entries, request);

  if (entry != NULL)
    store_remove (self, entry);

  for (guint i = 0; i < n_keys; i++)
    size += sizeof (CacheKey) + keys[i].length + NODE_OVERHEAD;

  if (size > self->max_bytes / 4)
    return FALSE;

  entry = g_malloc0 (entry_size + request->length);
  entry->request = cache_bytes_copy_to (request, (guint8 *) entry + entry_size);
  entry->reply = tornadis_reply_ref (reply);
  entry->time = g_get_monotonic_time ();
  entry->size = size;
  entry->n_uses = n_keys;
  entry->node.data = entry;

  for (guint i = 0; i < n_keys; i++)
    {
      entry->uses[i].key = store_get_key (self, &keys[i]);
      entry->uses[i].node.data = entry;
      g_queue_push_tail_link (&entry->uses[i].key->entries, &entry->uses[i].node);
    }

  g_hash_table_insert (self->entries, &entry->request, entry);
  g_queue_push_head_link (&self->used, &entry->node);
  self->n_bytes += size;
  store_make_room (self);

  return TRUE;
}

guint
cache_store_drop_key (CacheStore *self,
                      const CacheBytes *name)
{
  CacheKey *key;
  guint n = 0;

  /* Dropping the last entry of a key frees the key. */
  while ((key = g_hash_table_lookup (self->keys, name)) != NULL)
    {
      store_remove (self, g_queue_peek_head (&key->entries));
      n++;
    }

  return n;
}

guint
cache_store_drop_all (CacheStore *self)
{
  guint n = self->used.length;

  while (self->used.length > 0)
    store_remove (self, g_queue_peek_tail (&self->used));

  return n;
}

guint64
cache_store_get_bytes (CacheStore *self)
{
  return self->n_bytes;
}

guint
cache_store_get_length (CacheStore *self)
{
  return self->used.length;
}

guint64
cache_store_get_evictions (CacheStore *self)
{
  return self->n_evictions;
}
