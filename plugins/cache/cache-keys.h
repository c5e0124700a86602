/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cache/cache-bytes.h"
#include "common/command-table.h"

G_BEGIN_DECLS

/* The keys of the commands that are being looked at. */
typedef struct
{
  CommandTable *table; /* (unowned) */
  GArray *positions;   /* (owned) (element-type guint) */
  GArray *keys;        /* (owned) (element-type CacheBytes) in the commands, or in: */
  GPtrArray *args;     /* (owned) (element-type GBytes) */
} CacheKeys;

/* @table (unowned). */
CacheKeys        *cache_keys_new         (CommandTable    *table);
void              cache_keys_free        (CacheKeys       *self);
void              cache_keys_clear       (CacheKeys       *self);
/* Whether a command is a script that reads. From Redis 7.2 and Valkey on the server notifies when a key changes that it has
 * read, whether or not it names it; before, when one changes that it names. */
gboolean          cache_keys_is_script   (const char      *name);
/* Appends the key that stands for any, which replies of scripts depend on too. */
void              cache_keys_add_any     (CacheKeys       *self);
CacheBytes        cache_keys_get_any     (void);
/* Appends the keys that a command names and reads. FALSE: it does more, or they are not known, or there are none. */
gboolean          cache_keys_add_read    (CacheKeys       *self,
                                          TornadisClient  *client,
                                          TornadisCommand *command);
/* Appends the keys that a command may change. FALSE: it may be any. */
gboolean          cache_keys_add_written (CacheKeys       *self,
                                          TornadisClient  *client,
                                          TornadisCommand *command);
const CacheBytes *cache_keys_peek        (CacheKeys       *self);

G_END_DECLS
