/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

/* The name of a key or the text of a request, as the key of a hash table. @data is owned by whoever has this. */
typedef struct
{
  const guint8 *data; /* (unowned) */
  gsize length;
  guint hash;
} CacheBytes;

static inline CacheBytes
cache_bytes (gconstpointer data,
             gsize length)
{
  CacheBytes self = { data, length, 5381 };

  for (gsize i = 0; i < length; i++)
    self.hash = self.hash * 33 + self.data[i];

  return self;
}

/* Copies the bytes to another address. */
static inline CacheBytes
cache_bytes_copy_to (const CacheBytes *self,
                     guint8 *place)
{
  CacheBytes copy = { place, self->length, self->hash };

  if (self->length > 0)
    memcpy (place, self->data, self->length);

  return copy;
}

static inline guint
cache_bytes_hash (gconstpointer self)
{
  return ((const CacheBytes *) self)->hash;
}

static inline gboolean
cache_bytes_equal (gconstpointer a,
                   gconstpointer b)
{
  const CacheBytes *first = a;
  const CacheBytes *second = b;

  return first->hash == second->hash && first->length == second->length &&
         (first->length == 0 || memcmp (first->data, second->data, first->length) == 0);
}

G_END_DECLS
