/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What tornadis keys has found, and its report. */

#pragma once

#include "tool.h"

/* How many of the keys that are used most are reported. */
#define KEYS_N_HOT 16

typedef enum
{
  KEYS_BIG,    /* elements */
  KEYS_MEMORY, /* bytes */
  KEYS_HOT,    /* how often they are used */
} KeysMode;

typedef struct
{
  GBytes *key; /* (owned) (nullable) */
  gint64 size;
} KeysKey;

typedef struct
{
  char *name;          /* (owned) */
  const char *unit;    /* (unowned) */
  const char *command; /* (unowned) (nullable): which says how big a key is; NULL: none does */
  guint64 n_keys;
  gint64 total;
  KeysKey biggest;
} KeysType;

typedef struct
{
  KeysMode mode;
  guint64 n_keys;  /* looked at */
  gint64 n_all;    /* that there were at the beginning */
  guint64 n_bytes; /* of the names */
  GPtrArray *types; /* (element-type KeysType) (owned) */
  KeysKey hot[KEYS_N_HOT];
  guint n_hot;
} KeysFound;

void      keys_found_init (KeysFound *self,
                           KeysMode mode);
void      keys_found_clear (KeysFound *self);
KeysType *keys_found_get_type (KeysFound *self,
                               const char *name);
void      keys_found_add (KeysFound *self,
                          KeysType *type,
                          GBytes *key,
                          gint64 size);
void      keys_found_print (KeysFound *self,
                            ToolFormat format);
