/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was done to keys, and what came of it. A key is used a few dozen times and no more, so that it can be checked while the
 * others go on; another one takes its place. */

#pragma once

#include "soak/linearizability.h"

G_BEGIN_DECLS

typedef enum
{
  KEY_TYPE_TEXT,
  KEY_TYPE_NUMBER,
  KEY_TYPE_LIST,
  N_KEY_TYPES,
} KeyType;

typedef struct
{
  char *name; /* (owned) */
  KeyType type;
  guint place;
  GPtrArray *operations; /* (owned) (element-type HistoryOperation) */
  guint n_open;          /* that have begun and not ended */
  guint n_unclear;
  gboolean is_retired; /* it is not given to anybody any more */
} HistoryKey;

/* There are as many keys of each type at a time. The names of those of a place are alike in braces: {3}. */
#define N_PLACES 8

typedef struct _History History;

/* Keys are named after @prefix. */
History *history_new (const char *prefix);
/* The key of the place. */
HistoryKey *history_get_key (History *self,
                             KeyType type,
                             guint place);
/* One that is used no more and has not been given out yet; NULL when there is none. */
HistoryKey *history_take_retired (History *self);
/* From now on no key is used any more. */
void history_retire_all (History *self);
/* The operation belongs to the key, and is ended by one of the functions below, once. */
HistoryOperation *history_begin (History *self,
                                 HistoryKey *key,
                                 Effect effect,
                                 const char *argument,
                                 const char *expected);
/* Takes @result (nullable). */
void history_end (History *self,
                  HistoryKey *key,
                  HistoryOperation *operation,
                  char *result);
/* It may have happened, or may happen yet. */
void history_end_unclear (HistoryKey *key,
                          HistoryOperation *operation);
/* It has not happened, and will not. */
void history_end_never (HistoryKey *key,
                        HistoryOperation *operation);
/* Of a retired key. Where @may_lose servers may forget, or say what was before: what was read must have been written then, by
 * somebody, before. */
Verdict history_check (const HistoryKey *key,
                       gboolean may_lose);
/* A retired key, which has been given out. */
void history_drop (History *self,
                   HistoryKey *key);
guint history_get_n_keys (History *self);
void history_free (History *self);

G_END_DECLS
