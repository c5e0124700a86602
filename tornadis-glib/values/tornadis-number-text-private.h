/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Numbers as text and back, in the spelling of the server and in no locale: the one place that knows it. What the hot
 * paths need of it is inline. */

/* Room for any number as text, with a NUL. */
#define TORNADIS_NUMBER_TEXT_SIZE G_ASCII_DTOSTR_BUF_SIZE
/* As many digits fit into 64 bits without a carry that gets lost. */
#define TORNADIS_NUMBER_TEXT_SAFE_DIGITS 19

static inline guint
tornadis_number_text_count_digits (guint64 value)
{
  guint n_digits = 1;

  /* Most numbers on the wire are short lengths. */
  while (G_UNLIKELY (value >= 10))
    {
      value /= 10;
      n_digits++;
    }

  return n_digits;
}

/* Puts the digits of @value before @end, without a NUL; where they begin. */
static inline char *
tornadis_number_text_put_before (char *end,
                                 guint64 value)
{
  for (; G_UNLIKELY (value >= 10); value /= 10)
    *--end = (char) ('0' + value % 10);
  *--end = (char) ('0' + value);

  return end;
}

/* Puts the digits of @value at @begin, without a NUL; where they end. */
static inline char *
tornadis_number_text_put (char *begin,
                          guint64 value)
{
  char *end;

  if (G_LIKELY (value < 10))
    {
      *begin = (char) ('0' + value);
      return begin + 1;
    }

  end = begin + tornadis_number_text_count_digits (value);
  tornadis_number_text_put_before (end, value);

  return end;
}

/* Reads digits at *@cursor until @end or something else, and moves it behind them: more than
 * TORNADIS_NUMBER_TEXT_SAFE_DIGITS give a wrong number, and none gives 0. */
static G_ALWAYS_INLINE inline guint64
tornadis_number_text_read_digits (const guint8 **cursor,
                                  const guint8 *end)
{
  guint64 value = 0;
  guint digit;

  for (; *cursor < end && (digit = (guint) **cursor - '0') <= 9; ++*cursor)
    value = value * 10 + digit;

  return value;
}

/* These put text and a NUL into @buffer, which has TORNADIS_NUMBER_TEXT_SIZE bytes; how long the text is. */
gsize    tornadis_number_text_from_int64  (char       *buffer,
                                           gint64      value);
gsize    tornadis_number_text_from_uint64 (char       *buffer,
                                           guint64     value);
/* With as few digits as read back as the same number. Infinity is "inf" or "-inf"; what is not a number is "nan". */
gsize    tornadis_number_text_from_double (char       *buffer,
                                           double      value);

/* Whether all of @text is digits, with or without a sign. */
gboolean tornadis_number_text_is_integer  (const char *text,
                                           gsize       length);
/* Whether all of @text is one number, without space around it, which is then in @value. The byte behind @text must be
 * readable and must not continue the number. */
gboolean tornadis_number_text_to_int64    (const char *text,
                                           gsize       length,
                                           gint64     *value);
/* Before Redis 7.2 infinity and what is not a number are spelled as the C library of the server likes: "-nan", "NAN",
 * "nan(0x1)", "Infinity". Hexadecimal numbers are none. */
gboolean tornadis_number_text_to_double   (const char *text,
                                           gsize       length,
                                           double     *value);

G_END_DECLS
