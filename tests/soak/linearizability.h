/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether what the callers of one key have seen can be explained by operations that each happened at one moment between
 * their begin and their end, one after the other. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What an operation does to the key, which is a text, a number or a list, and what its result is. */
typedef enum
{
  EFFECT_READ,            /* the text, NULL when there is none */
  EFFECT_WRITE,           /* sets the argument; has no result */
  EFFECT_SWAP,            /* sets the argument; the text before */
  EFFECT_COMPARE_AND_SET, /* sets the argument, as the text before is the expected one; has no result */
  EFFECT_ADD,             /* adds the argument; the sum */
  EFFECT_APPEND,          /* the argument at the end; how many there are */
  EFFECT_TAKE,            /* the first, which is not there any more, NULL when there is none */
  EFFECT_LIST,            /* all, a line for each, NULL when there are none */
} Effect;

/* The end of one that may have happened at any time after its begin, or never. It has no result. */
#define UNCLEAR_END G_MAXUINT64

typedef struct
{
  Effect effect;
  char *argument; /* (owned) (nullable) of which no two of a key are the same, but for numbers */
  char *expected; /* (owned) (nullable) */
  char *result;   /* (owned) (nullable) */
  guint64 begin;  /* no two of these are the same */
  guint64 end;
} HistoryOperation;

typedef enum
{
  VERDICT_LINEARIZABLE,
  VERDICT_REFUSED,
  VERDICT_UNDECIDED, /* there are too many possibilities */
} Verdict;

Verdict linearizability_check (const GPtrArray *operations);
/* A line for each operation. */
char *linearizability_describe (const GPtrArray *operations);
void history_operation_free (HistoryOperation *operation);

G_END_DECLS
