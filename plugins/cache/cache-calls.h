/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cache/cache-store.h"
#include "cache/cache-tracking.h"

G_BEGIN_DECLS

/* What becomes of calls: answered from the store, sharing a request that is under way, or passed on. */
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
/* There must be no call any more. */
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
/* Nothing that is kept or under way counts any more. */
void               cache_calls_flush         (CacheCalls         *self);
/* The transaction of a link is over. */
void               cache_calls_end_queued    (CacheCalls         *self,
                                              CacheLink          *link);
/* The link's client does not take part any more: those who wait go on by themselves. */
void               cache_calls_let_go        (CacheCalls         *self,
                                              CacheLink          *link);
const CacheCounts *cache_calls_get_counts    (CacheCalls         *self);

G_END_DECLS
