/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "cache/cache-bytes.h"

G_BEGIN_DECLS

/* Replies by request, bounded in bytes; the one that was used longest ago is dropped first. Every reply depends on some
 * keys, and is dropped with any of them. */
typedef struct _CacheStore CacheStore;

CacheStore    *cache_store_new           (void);
void           cache_store_free          (CacheStore       *self);
/* What exceeds it is dropped at once. */
void           cache_store_set_max_bytes (CacheStore       *self,
                                          guint64           max_bytes);
/* How old a reply may be, in microseconds; 0: no limit. */
void           cache_store_set_max_age   (CacheStore       *self,
                                          gint64            max_age);
/* (transfer none) (nullable): the reply, until the store is next changed. */
TornadisReply *cache_store_lookup        (CacheStore       *self,
                                          const CacheBytes *request);
/* FALSE: the reply would take more than a quarter of the room, and is not kept. */
gboolean       cache_store_insert        (CacheStore       *self,
                                          const CacheBytes *request,
                                          const CacheBytes *keys,
                                          guint             n_keys,
                                          TornadisReply    *reply);
/* Drops the replies that depend on a key. Returns how many there were. */
guint          cache_store_drop_key      (CacheStore       *self,
                                          const CacheBytes *key);
guint          cache_store_drop_all      (CacheStore       *self);

guint64        cache_store_get_bytes     (CacheStore       *self);
guint          cache_store_get_length    (CacheStore       *self);
/* How many replies were dropped for lack of room, or because of their age. */
guint64        cache_store_get_evictions (CacheStore       *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CacheStore, cache_store_free)

G_END_DECLS
