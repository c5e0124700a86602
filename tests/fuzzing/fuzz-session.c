/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/fuzzing/fuzz.h"
#include "unit/session-model.h"

typedef struct
{
  const guint8 *data; /* (unowned) */
  gsize size;
  guint32 rest; /* what follows when the bytes are used up: a chance that never comes would be waited for */
} Dice;

static int
roll (gpointer user_data,
      int begin,
      int end)
{
  Dice *self = user_data;
  guint number;

  if (self->size > 0)
    {
      number = *self->data++;
      self->size--;
    }
  else
    {
      self->rest = self->rest * 1664525 + 1013904223;
      number = self->rest >> 16;
    }

  return begin + (int) (number % (guint) (end - begin));
}

/* The bytes say what programs, the server and the connection do. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  Dice dice = { data, size, 0 };

  session_model_run ((guint) MIN (size / 2, 400), roll, &dice);

  return 0;
}
