/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/wipe.h"

#include <string.h>

/* A compiler leaves out a memset() of what is freed next, unless it cannot know the function. */
static void *(*const volatile set_memory) (void *, int, size_t) = memset;

void
wipe (gpointer data,
      gsize length)
{
  if (length > 0)
    set_memory (data, 0, length);
}

void
wipe_free (char *text)
{
  if (text == NULL)
    return;

  wipe (text, strlen (text));
  g_free (text);
}
