/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <locale.h>
#include <math.h>
#include <string.h>

#include "tornadis-glib/values/tornadis-number-text-private.h"

#define CANARY '#'

static void
check_integer (gint64 value)
{
  g_autofree char *expected = g_strdup_printf ("%" G_GINT64_FORMAT, value);
  char text[TORNADIS_NUMBER_TEXT_SIZE + 1];
  gint64 back = ~value;

  memset (text, CANARY, sizeof text);
  g_assert_cmpuint (tornadis_number_text_from_int64 (text, value), ==, strlen (expected));
  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpint (text[TORNADIS_NUMBER_TEXT_SIZE], ==, CANARY);

  g_assert_true (tornadis_number_text_to_int64 (text, strlen (text), &back));
  g_assert_cmpint (back, ==, value);
}

static void
check_natural (guint64 value)
{
  g_autofree char *expected = g_strdup_printf ("%" G_GUINT64_FORMAT, value);
  char text[TORNADIS_NUMBER_TEXT_SIZE];
  const guint8 *cursor = (const guint8 *) text;
  const guint8 *end;

  g_assert_cmpuint (tornadis_number_text_from_uint64 (text, value), ==, strlen (expected));
  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpuint (tornadis_number_text_count_digits (value), ==, strlen (expected));

  end = cursor + strlen (expected);
  g_assert_cmpuint (tornadis_number_text_read_digits (&cursor, end), ==, value);
  g_assert_true (cursor == end);
}

static void
test_integers (void)
{
  guint64 power = 1;

  g_test_summary ("Integers around every power of ten and of two, where digits and bits are added, become text and come "
                  "back");

  for (guint i = 0; i < TORNADIS_NUMBER_TEXT_SAFE_DIGITS; i++, power *= 10)
    for (gint64 off = -1; off <= 1; off++)
      {
        check_integer ((gint64) power + off);
        check_integer (-(gint64) power + off);
        check_natural (power + (guint64) off);
      }
  for (guint i = 0; i < 64; i++)
    {
      check_natural ((guint64) 1 << i);
      check_natural (((guint64) 1 << i) - 1);
    }

  check_integer (G_MAXINT64);
  check_integer (G_MININT64);
  check_natural (G_MAXUINT64);
}

static void
test_digits_end (void)
{
  static const struct
  {
    const char *text;
    gsize length;
    guint64 value;
    gsize used;
  } cases[] = {
    { "", 0, 0, 0 },
    { "\r\n", 2, 0, 0 },
    { "-1", 2, 0, 0 },
    { "12\r\n", 4, 12, 2 },
    { "1234", 2, 12, 2 },
    { "007x", 4, 7, 3 },
    { "9:", 2, 9, 1 },
    { "9/", 2, 9, 1 },
    { "9\xb9", 2, 9, 1 },
    { "9999999999999999999", 19, G_GUINT64_CONSTANT (9999999999999999999), 19 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const guint8 *begin = (const guint8 *) cases[i].text;
      const guint8 *cursor = begin;

      g_assert_cmpuint (tornadis_number_text_read_digits (&cursor, begin + cases[i].length), ==, cases[i].value);
      g_assert_cmpuint (cursor - begin, ==, cases[i].used);
    }
}

static void
test_no_integers (void)
{
  static const char *const texts[] = {
    "",
    "-",
    "+",
    " 1",
    "1 ",
    "1.0",
    "0x10",
    "--1",
    "+-1",
    "1e3",
    "one",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      gint64 value;

      g_assert_false (tornadis_number_text_to_int64 (texts[i], strlen (texts[i]), &value));
    }

  g_assert_true (tornadis_number_text_is_integer ("+99999999999999999999999999", 27));
  g_assert_false (tornadis_number_text_is_integer ("1\0"
                                                   "2",
                                                   3));
  g_assert_false (tornadis_number_text_is_integer ("12x", 3));
  g_assert_true (tornadis_number_text_is_integer ("12x", 2));
}

static void
test_integers_in_other_words (void)
{
  static const struct
  {
    const char *text;
    gint64 value;
  } cases[] = { { "+5", 5 }, { "-0", 0 }, { "0000000000000000000000000000007", 7 }, { "-007", -7 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gint64 value;

      g_assert_true (tornadis_number_text_to_int64 (cases[i].text, strlen (cases[i].text), &value));
      g_assert_cmpint (value, ==, cases[i].value);
    }
}

static void
check_double (double value,
              const char *expected)
{
  char text[TORNADIS_NUMBER_TEXT_SIZE + 1];
  double back = 0.5;
  gsize length;

  memset (text, CANARY, sizeof text);
  length = tornadis_number_text_from_double (text, value);
  g_assert_cmpuint (length, ==, strlen (text));
  g_assert_cmpint (text[TORNADIS_NUMBER_TEXT_SIZE], ==, CANARY);
  if (expected != NULL)
    g_assert_cmpstr (text, ==, expected);

  g_assert_true (tornadis_number_text_to_double (text, length, &back));
  if (isnan (value))
    g_assert_true (isnan (back));
  else
    g_assert_cmpmem (&back, sizeof back, &value, sizeof value);
}

static void
test_doubles (void)
{
  g_test_summary ("A double is written with as few digits as read back as the same bits");

  check_double (0, "0");
  check_double (-0.0, "-0");
  check_double (1, "1");
  check_double (-42, "-42");
  check_double (1.5, "1.5");
  check_double (0.1, "0.1");
  check_double (3.1400000000000001, "3.14");
  check_double (0.1 + 0.2, "0.30000000000000004");
  check_double (1e14, "100000000000000");
  check_double (999999999999999, "999999999999999");
  check_double (-999999999999999, "-999999999999999");
  check_double (1e15, "1e+15");
  check_double (9007199254740993.0, "9007199254740992");
  check_double (1e22, "1e+22");
  check_double (1e-7, "1e-07");
  check_double (1.7976931348623157e308, "1.7976931348623157e+308");
  check_double (2.2250738585072014e-308, NULL);
  check_double (4.9406564584124654e-324, NULL);
  check_double (HUGE_VAL, "inf");
  check_double (-HUGE_VAL, "-inf");
  check_double ((double) NAN, "nan");
  check_double (-(double) NAN, "nan");
}

static void
test_doubles_that_are_integers (void)
{
  g_test_summary ("Doubles that are integers take a short way, which must give the same text as the long one");

  for (guint i = 0; i < 2000; i++)
    {
      double value = trunc (ldexp (g_test_rand_double_range (-1, 1), g_test_rand_int_range (0, 60)));
      char expected[G_ASCII_DTOSTR_BUF_SIZE];

      g_ascii_formatd (expected, sizeof expected, "%.15g", value);
      check_double (value, fabs (value) < 1e15 ? expected : NULL);
    }
}

static void
test_random_doubles (void)
{
  for (guint i = 0; i < 5000; i++)
    {
      guint64 bits = (guint64) (guint32) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();
      double value;

      memcpy (&value, &bits, sizeof value);
      check_double (value, NULL);
    }
}

static void
test_spellings (void)
{
  static const struct
  {
    const char *text;
    double value;
  } cases[] = {
    { "10", 10 },
    { "+0.5", 0.5 },
    { ".5", 0.5 },
    { "5.", 5 },
    { "1e5", 1e5 },
    { "1E+5", 1e5 },
    { "-1.5e-3", -1.5e-3 },
    { "1e999", HUGE_VAL },
    { "-1e999", -HUGE_VAL },
    { "inf", HUGE_VAL },
    { "+inf", HUGE_VAL },
    { "-inf", -HUGE_VAL },
    { "INF", HUGE_VAL },
    { "Inf", HUGE_VAL },
    { "-Inf", -HUGE_VAL },
    { "infinity", HUGE_VAL },
    { "Infinity", HUGE_VAL },
    { "-INFINITY", -HUGE_VAL },
    { "nan", (double) NAN },
    { "NaN", (double) NAN },
    { "NAN", (double) NAN },
    { "-nan", (double) NAN },
    { "+nan", (double) NAN },
    { "nan()", (double) NAN },
    { "nan(0x1)", (double) NAN },
    { "nan(ind)", (double) NAN },
    { "-nan(ind)", (double) NAN },
    { "-NaN(0x8000000000000)", (double) NAN },
    { "nan(char_sequence)", (double) NAN },
  };

  g_test_summary ("Servers before 7.2 spell what is not a number as their C library does");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      double value = 0;

      g_test_message ("%s", cases[i].text);
      g_assert_true (tornadis_number_text_to_double (cases[i].text, strlen (cases[i].text), &value));
      if (isnan (cases[i].value))
        g_assert_true (isnan (value));
      else
        g_assert_cmpfloat (value, ==, cases[i].value);
    }
}

static void
test_no_doubles (void)
{
  static const char *const texts[] = {
    "",
    "-",
    "+",
    ".",
    "-.",
    "e5",
    ".e5",
    "1e",
    "1e+",
    "1.5.2",
    "1,5",
    " 1",
    "1 ",
    "\t1",
    "--1",
    "+-1",
    "0x10",
    "0X1p3",
    "x",
    "in",
    "infi",
    "infinit",
    "infinityy",
    "--inf",
    "inf ",
    "na",
    "nano",
    "nan(",
    "nan)",
    "nan(0x1",
    "nan(0x1))",
    "nan(0x1)x",
    "nan(a b)",
    "nan(-1)",
    "nan((1))",
    "(nan)",
    "one",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      double value;

      g_test_message ("%s", texts[i]);
      g_assert_false (tornadis_number_text_to_double (texts[i], strlen (texts[i]), &value));
    }

  g_assert_false (tornadis_number_text_to_double ("1\0", 2, &(double){ 0 }));
  g_assert_false (tornadis_number_text_to_double ("nan\0", 4, &(double){ 0 }));
  g_assert_false (tornadis_number_text_to_double ("nan(\0)", 6, &(double){ 0 }));
}

static void
test_length (void)
{
  double number = 0;
  gint64 integer = 0;

  g_test_summary ("What stands behind the text is no part of the number");

  g_assert_true (tornadis_number_text_to_double ("1.5\r\n", 3, &number));
  g_assert_cmpfloat (number, ==, 1.5);
  g_assert_true (tornadis_number_text_to_double ("infinity", 3, &number));
  g_assert_cmpfloat (number, ==, HUGE_VAL);
  g_assert_true (tornadis_number_text_to_int64 ("15\r\n", 2, &integer));
  g_assert_cmpint (integer, ==, 15);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  /* One with a comma, where there is one: it must make no difference. */
  if (setlocale (LC_ALL, "de_DE.UTF-8") == NULL)
    setlocale (LC_ALL, "");

  g_test_add_func ("/number-text/integers", test_integers);
  g_test_add_func ("/number-text/digits-end", test_digits_end);
  g_test_add_func ("/number-text/no-integers", test_no_integers);
  g_test_add_func ("/number-text/integers-in-other-words", test_integers_in_other_words);
  g_test_add_func ("/number-text/doubles", test_doubles);
  g_test_add_func ("/number-text/doubles-that-are-integers", test_doubles_that_are_integers);
  g_test_add_func ("/number-text/random-doubles", test_random_doubles);
  g_test_add_func ("/number-text/fault-10-spellings", test_spellings);
  g_test_add_func ("/number-text/no-doubles", test_no_doubles);
  g_test_add_func ("/number-text/length", test_length);

  return g_test_run ();
}
