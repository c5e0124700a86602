/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-number-text-private.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* "%.15g" writes integers below this without an exponent. */
#define PLAIN_INTEGER_LIMIT 1e15

static gsize
number_text_put (char *buffer,
                 gboolean negative,
                 guint64 magnitude)
{
  char *end;

  buffer[0] = '-';
  end = tornadis_number_text_put (buffer + negative, magnitude);
  *end = '\0';

  return (gsize) (end - buffer);
}

gsize
tornadis_number_text_from_int64 (char *buffer,
                                 gint64 value)
{
  return number_text_put (buffer, value < 0, value < 0 ? 0 - (guint64) value : (guint64) value);
}

gsize
tornadis_number_text_from_uint64 (char *buffer,
                                  guint64 value)
{
  return number_text_put (buffer, FALSE, value);
}

gsize
tornadis_number_text_from_double (char *buffer,
                                  double value)
{
  /* Digits that always suffice to tell apart what a person wrote, and those that always read back. */
  static const char *const formats[] = { "%.15g", "%.16g", "%.17g" };

  if (isnan (value))
    return g_strlcpy (buffer, "nan", TORNADIS_NUMBER_TEXT_SIZE);
  if (isinf (value))
    return g_strlcpy (buffer, value < 0 ? "-inf" : "inf", TORNADIS_NUMBER_TEXT_SIZE);

  /* Most scores are. Not -0, whose sign would get lost. */
  if (fabs (value) < PLAIN_INTEGER_LIMIT && trunc (value) == value && !(value == 0 && signbit (value)))
    return tornadis_number_text_from_int64 (buffer, (gint64) value);

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      double back;

      g_ascii_formatd (buffer, TORNADIS_NUMBER_TEXT_SIZE, formats[i], value);
      back = g_ascii_strtod (buffer, NULL);
      if (memcmp (&back, &value, sizeof value) == 0)
        break;
    }

  return strlen (buffer);
}

/* Where digits that begin at @p end. */
static const char *
skip_digits (const char *p,
             const char *end)
{
  while (p < end && g_ascii_isdigit (*p))
    p++;

  return p;
}

static const char *
skip_sign (const char *p,
           const char *end)
{
  return p < end && (*p == '-' || *p == '+') ? p + 1 : p;
}

gboolean
tornadis_number_text_is_integer (const char *text,
                                 gsize length)
{
  const char *end = text + length;
  const char *first = skip_sign (text, end);

  return first < end && skip_digits (first, end) == end;
}

gboolean
tornadis_number_text_to_int64 (const char *text,
                               gsize length,
                               gint64 *value)
{
  if (!tornadis_number_text_is_integer (text, length))
    return FALSE;

  errno = 0;
  *value = g_ascii_strtoll (text, NULL, 10);

  return errno == 0;
}

/* Digits with a point anywhere, and an exponent. */
static gboolean
is_decimal (const char *text,
            const char *end)
{
  const char *first = skip_sign (text, end);
  const char *p = skip_digits (first, end);
  gsize n_digits = (gsize) (p - first);

  if (p < end && *p == '.')
    {
      first = p + 1;
      p = skip_digits (first, end);
      n_digits += (gsize) (p - first);
    }
  if (n_digits == 0)
    return FALSE;

  if (p < end && (*p == 'e' || *p == 'E'))
    {
      first = skip_sign (p + 1, end);
      p = skip_digits (first, end);
      if (p == first)
        return FALSE;
    }

  return p == end;
}

static gboolean
is_word (const char *text,
         const char *end,
         const char *word)
{
  gsize length = strlen (word);

  return (gsize) (end - text) == length && g_ascii_strncasecmp (text, word, length) == 0;
}

/* "nan", which may be followed by letters, digits and _ in parentheses. */
static gboolean
is_nan_word (const char *text,
             const char *end)
{
  const char *open = text + strlen ("nan");

  if (end - text < 5 || *open != '(' || end[-1] != ')')
    return is_word (text, end, "nan");

  for (const char *p = open + 1; p < end - 1; p++)
    if (!g_ascii_isalnum (*p) && *p != '_')
      return FALSE;

  return is_word (text, open, "nan");
}

gboolean
tornadis_number_text_to_double (const char *text,
                                gsize length,
                                double *value)
{
  const char *end = text + length;
  const char *word = skip_sign (text, end);

  if (is_decimal (text, end))
    {
      *value = g_ascii_strtod (text, NULL);
      return TRUE;
    }
  if (is_word (word, end, "inf") || is_word (word, end, "infinity"))
    {
      *value = *text == '-' ? -HUGE_VAL : HUGE_VAL;
      return TRUE;
    }
  if (is_nan_word (word, end))
    {
      *value = (double) NAN;
      return TRUE;
    }

  return FALSE;
}
