/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program's own words: one or many, and the signs of typographers where the terminal has them. */

#include "tool.h"

#include <string.h>

/* The word that goes with a number. */
const char *
tool_text_choose (guint64 n,
                  const char *one,
                  const char *many)
{
  return n == 1 ? one : many;
}

/* Text with quotes, arrows and the like from ASCII, where the locale's character set is not UTF-8 (transfer full). */
char *
tool_text_localize (const char *text)
{
  static const char *const signs[][2] = {
    { "“", "\"" },
    { "”", "\"" },
    { "‘", "'" },
    { "’", "'" },
    { "…", "..." },
    { "←", "<-" },
    { "→", "->" },
  };
  GString *string = g_string_new (text);

  for (guint i = 0; !g_get_charset (NULL) && i < G_N_ELEMENTS (signs); i++)
    g_string_replace (string, signs[i][0], signs[i][1], 0);

  return g_string_free (string, FALSE);
}
