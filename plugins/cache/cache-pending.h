/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cache/cache-bytes.h"

G_BEGIN_DECLS

/* What is in flight, by key: reads, which become stale when one of their keys changes meanwhile, and the program's own
 * writes. */
typedef struct _CachePending CachePending;
typedef struct _CacheWrite CacheWrite;

typedef struct _CachePendingKey CachePendingKey;

typedef struct
{
  CachePendingKey *key; /* (unowned) */
  GList node;           /* in the key's reads */
} CacheReadUse;

/* A read and those who wait for its reply as well. */
typedef struct
{
  CacheBytes request;
  CacheBytes *keys;   /* (owned) */
  CacheReadUse *uses; /* (owned) of each key, while it is not stale */
  GList node;         /* in all reads, while it is not stale */
  guint n_keys;
  GQueue followers;   /* of the owner: those who wait */
  gboolean stale;     /* nobody else may join, and the reply is not kept */
} CacheRead;

CachePending *cache_pending_new         (void);
/* There must be no read and no write left. */
void          cache_pending_free        (CachePending     *self);
/* (nullable): one that may be joined. */
CacheRead    *cache_pending_find        (CachePending     *self,
                                         const CacheBytes *request);
CacheRead    *cache_pending_begin_read  (CachePending     *self,
                                         const CacheBytes *request,
                                         const CacheBytes *keys,
                                         guint             n_keys);
/* Nobody may join any more. */
void          cache_pending_close_read  (CachePending     *self,
                                         CacheRead        *read);
void          cache_pending_end_read    (CachePending     *self,
                                         CacheRead        *read);
/* @keys is NULL when it may be any of them. */
CacheWrite   *cache_pending_begin_write (CachePending     *self,
                                         const CacheBytes *keys,
                                         guint             n_keys);
void          cache_pending_end_write   (CachePending     *self,
                                         CacheWrite       *write);
/* (nullable): the keys of a write, NULL when it may be any. */
const CacheBytes *
              cache_write_get_keys      (CacheWrite       *write,
                                         guint            *n_keys);
/* Whether a write of one of the keys is in flight. */
gboolean      cache_pending_is_writing  (CachePending     *self,
                                         const CacheBytes *keys,
                                         guint             n_keys);
void          cache_pending_spoil_key   (CachePending     *self,
                                         const CacheBytes *key);
void          cache_pending_spoil_all   (CachePending     *self);

G_END_DECLS
