/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cache/cache-store.h"
#include "cache/cache-tracking.h"

G_BEGIN_DECLS

/* What becomes of calls: answered from the store, sharing a request that is in flight, or passed on. */
typedef struct _CacheCalls CacheCalls;

typedef struct
{
  guint64 hits;
  guint64 misses;
  guint64 shared;
  guint64 invalidations;
} CacheCounts;

/* @store, @tracking and @table (unowned). */
CacheCalls        *cache_calls_new           (CacheStore         *store,
                                              CacheTracking      *tracking,
                                              CommandTable       *table);
/* There must be no call left. */
void               cache_calls_free          (CacheCalls         *self);
/* Names of commands, globs of keys; NULL: the default ones, all, none. */
void               cache_calls_set_commands  (CacheCalls         *self,
                                              const char * const *commands);
void               cache_calls_set_keys      (CacheCalls         *self,
                                              const char * const *only,
                                              const char * const *exclude);
/* The hooks of the plugin. */
gboolean           cache_calls_begin         (CacheCalls         *self,
                                              TornadisCall       *call);
void               cache_calls_done          (CacheCalls         *self,
                                              TornadisCall       *call);
void               cache_calls_observe       (CacheCalls         *self,
                                              TornadisCommand    *command);
gboolean           cache_calls_push          (CacheCalls         *self,
                                              TornadisReply      *push);
/* Drops what is kept, and does not keep the replies to requests in flight. */
void               cache_calls_flush         (CacheCalls         *self);
/* The transaction of a link is over. */
void               cache_calls_end_queued    (CacheCalls         *self,
                                              CacheLink          *link);
/* The link's client does not take part any more: its calls that wait for another one's reply are sent by themselves. */
void               cache_calls_drop_link     (CacheCalls         *self,
                                              CacheLink          *link);
const CacheCounts *cache_calls_get_counts    (CacheCalls         *self);

G_END_DECLS
