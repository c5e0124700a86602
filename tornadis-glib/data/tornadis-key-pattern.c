/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-key-pattern-private.h"

#include <string.h>

typedef struct
{
  const char *data;
  gsize length;
} Text;

static Text
text_of (GBytes *bytes)
{
  Text text;

  text.data = g_bytes_get_data (bytes, &text.length);

  return text;
}

/* Whether a backslash at @at stands before something; the last byte of all is itself. */
static gboolean
is_escape (Text pattern,
           gsize at)
{
  return pattern.data[at] == '\\' && at + 1 < pattern.length;
}

GBytes *
tornadis_key_pattern_dup_prefix (GBytes *pattern)
{
  Text text = text_of (pattern);
  GString *prefix = g_string_new (NULL);

  for (gsize i = 0; i < text.length && memchr ("*?[", text.data[i], 3) == NULL; i++)
    {
      if (is_escape (text, i))
        i++;
      g_string_append_c (prefix, text.data[i]);
    }

  return g_string_free_to_bytes (prefix);
}

static gboolean
is_between (char c,
            char one,
            char other)
{
  return c >= MIN (one, other) && c <= MAX (one, other);
}

/* Whether @c is in the class that begins at @at; goes past it. One that is not closed is at the end. Bytes are compared as the
 * server does on most machines, with a sign: it matters only where a range ends in what is not ASCII. */
static gboolean
class_has (Text pattern,
           gsize *at,
           char c)
{
  gsize i = *at + 1;
  gboolean is_negated = i < pattern.length && pattern.data[i] == '^';
  gboolean is_in = FALSE;

  if (is_negated)
    i++;
  for (; i < pattern.length && pattern.data[i] != ']'; i++)
    {
      if (is_escape (pattern, i))
        {
          i++;
          is_in |= pattern.data[i] == c;
        }
      else if (i + 2 < pattern.length && pattern.data[i + 1] == '-')
        {
          is_in |= is_between (c, pattern.data[i], pattern.data[i + 2]);
          i += 2;
        }
      else
        {
          is_in |= pattern.data[i] == c;
        }
    }
  *at = MIN (i + 1, pattern.length);

  return is_in != is_negated;
}

/* Whether what is at @at, which is no star, stands for @c; goes past it. */
static gboolean
matches_byte (Text pattern,
              gsize *at,
              char c)
{
  if (pattern.data[*at] == '[')
    return class_has (pattern, at, c);
  if (pattern.data[*at] == '?')
    {
      ++*at;
      return TRUE;
    }
  if (is_escape (pattern, *at))
    ++*at;

  return pattern.data[(*at)++] == c;
}

/* A star stands for as little as will do, and for a byte more whenever the rest does not match: what was before it is never
 * looked at again. */
gboolean
tornadis_key_pattern_match (GBytes *pattern,
                            GBytes *key)
{
  Text glob = text_of (pattern);
  Text text = text_of (key);
  gboolean has_star = FALSE;
  gsize behind_star = 0; /* in the pattern */
  gsize star_end = 0;    /* in the key */
  gsize at = 0;
  gsize i = 0;

  while (i < text.length)
    {
      gsize next = at;

      if (at < glob.length && glob.data[at] == '*')
        {
          has_star = TRUE;
          behind_star = ++at;
          star_end = i;
        }
      else if (at < glob.length && matches_byte (glob, &next, text.data[i]))
        {
          at = next;
          i++;
        }
      else if (has_star)
        {
          at = behind_star;
          i = ++star_end;
        }
      else
        {
          return FALSE;
        }
    }
  while (at < glob.length && glob.data[at] == '*')
    at++;

  return at == glob.length;
}
