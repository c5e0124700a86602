/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/linearizability.h"

#define NONE "-"
#define UNCLEAR "?"

/* A line for each operation: EFFECT ARGUMENT RESULT BEGIN END. The argument of set is NEW<EXPECTED. */
static Verdict
check (const char *const *lines)
{
  static const char *const names[] = { "read", "write", "swap", "set", "add", "append", "take", "list" };
  g_autoptr (GPtrArray) operations = g_ptr_array_new_with_free_func ((GDestroyNotify) history_operation_free);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);
      g_auto (GStrv) values = NULL;
      HistoryOperation *operation = g_new0 (HistoryOperation, 1);
      guint effect = 0;

      g_assert_cmpuint (g_strv_length (words), ==, 5);
      while (!g_str_equal (words[0], names[effect]))
        effect++;
      operation->effect = (Effect) effect;
      values = g_strsplit (words[1], "<", 2);
      operation->argument = g_str_equal (values[0], NONE) ? NULL : g_strdup (values[0]);
      operation->expected = values[0] == NULL || values[1] == NULL || *values[1] == '\0' ? NULL : g_strdup (values[1]);
      operation->begin = g_ascii_strtoull (words[3], NULL, 10);
      operation->end = g_str_equal (words[4], UNCLEAR) ? UNCLEAR_END : g_ascii_strtoull (words[4], NULL, 10);
      operation->result = g_str_equal (words[2], NONE) ? NULL : g_strcompress (words[2]);
      g_ptr_array_add (operations, operation);
    }

  return linearizability_check (operations);
}

#define assert_accepted(...) g_assert_cmpint (check ((const char *[]){ __VA_ARGS__, NULL }), ==, VERDICT_LINEARIZABLE)
#define assert_refused(...) g_assert_cmpint (check ((const char *[]){ __VA_ARGS__, NULL }), ==, VERDICT_REFUSED)

static void
test_register (void)
{
  assert_accepted ("read - - 1 2");
  assert_accepted ("write a - 1 2", "read - a 3 4");
  assert_accepted ("swap a - 1 2", "swap b a 3 4", "read - b 5 6");
  /* Of two at the same time either may be the first. */
  assert_accepted ("write a - 1 4", "write b - 2 3", "read - a 5 6");
  assert_accepted ("write a - 1 4", "write b - 2 3", "read - b 5 6");
  /* A read during a write sees it or not. */
  assert_accepted ("write a - 1 2", "write b - 3 8", "read - b 4 5", "read - b 6 7");
  assert_accepted ("write a - 1 2", "write b - 3 8", "read - a 4 5", "read - b 6 7");

  /* A stale read; one of a value that nobody wrote; the new value and then the old one. */
  assert_refused ("write a - 1 2", "write b - 3 4", "read - a 5 6");
  assert_refused ("write a - 1 2", "read - - 3 4");
  assert_refused ("write a - 1 2", "read - b 3 4");
  assert_refused ("write a - 1 2", "write b - 3 8", "read - b 4 5", "read - a 6 7");
  /* Two readers who do not agree in which order two writes happened. */
  assert_refused ("write a - 1 10", "write b - 2 9", "read - a 3 4", "read - b 5 6", "read - a 7 8");
  assert_refused ("swap a - 1 2", "swap b - 3 4");
}

static void
test_compare_and_set (void)
{
  assert_accepted ("set a< - 1 2", "set b<a - 3 4", "read - b 5 6");
  assert_accepted ("write a - 1 2", "set b<a - 3 6", "set c<b - 4 5");

  /* A write that came between, and two that both won. */
  assert_refused ("write a - 1 2", "write b - 3 4", "set c<a - 5 6");
  assert_refused ("write a - 1 2", "set b<a - 3 6", "set c<a - 4 5");
}

static void
test_counter (void)
{
  assert_accepted ("add 1 1 1 2", "add 2 3 3 4", "read - 3 5 6");
  assert_accepted ("add 1 2 1 4", "add 1 1 2 3");

  /* A lost update, one that was made twice, and a sum before its time. */
  assert_refused ("add 1 1 1 4", "add 1 1 2 3");
  assert_refused ("add 1 1 1 2", "add 1 3 3 4");
  assert_refused ("add 1 1 1 2", "read - 2 3 4");
  assert_refused ("add 1 2 1 2", "add 1 1 3 4");
}

static void
test_list (void)
{
  assert_accepted ("append a 1 1 2", "append b 2 3 4", "list - a\\nb\\n 5 6");
  assert_accepted ("append a 2 1 4", "append b 1 2 3", "list - b\\na\\n 5 6");
  assert_accepted ("append a 1 1 2", "take - a 3 4", "take - - 5 6", "list - - 7 8", "append b 1 9 10");
  /* Who waits for an item may begin before it is there. */
  assert_accepted ("take - a 1 4", "append a 1 2 3");

  /* The wrong order, an item that is twice there, and one that is missing. */
  assert_refused ("append a 1 1 2", "append b 2 3 4", "list - b\\na\\n 5 6");
  assert_refused ("append a 1 1 2", "append b 2 3 4", "list - a\\na\\nb\\n 5 6");
  assert_refused ("append a 1 1 2", "append b 2 3 4", "list - b\\n 5 6");
  assert_refused ("append a 1 1 2", "append b 1 3 4");
  /* Taken twice, not from the front, or nothing although there was something. */
  assert_refused ("append a 1 1 2", "take - a 3 6", "take - a 4 5");
  assert_refused ("append a 1 1 2", "append b 2 3 4", "take - b 5 6");
  assert_refused ("append a 1 1 2", "take - - 3 4");
}

static void
test_unclear (void)
{
  g_test_summary ("What ended without a result has happened at any time after it began, or never");

  assert_accepted ("write a - 1 ?", "read - - 2 3");
  assert_accepted ("write a - 1 ?", "read - - 2 3", "read - a 4 5");
  assert_accepted ("write a - 1 ?", "write b - 2 3", "read - b 4 5", "read - a 6 7");
  assert_accepted ("add 1 - 1 ?", "add 1 - 2 ?", "add 1 2 3 4", "read - 3 5 6");
  assert_accepted ("append a - 1 ?", "append b 1 2 3", "list - b\\na\\n 4 5");
  assert_accepted ("append a 1 1 2", "append b 2 3 4", "take - - 5 ?", "take - b 6 7");
  assert_accepted ("write a - 1 2", "set b<a - 3 ?", "read - a 4 5", "read - b 6 7");
  assert_accepted ("read - - 1 ?", "list - - 2 ?", "write a - 3 4");

  /* Not before it began, not twice, and not undone. */
  assert_refused ("read - a 1 2", "write a - 3 ?");
  assert_refused ("write a - 1 ?", "read - a 2 3", "write b - 4 5", "read - a 6 7");
  assert_refused ("write a - 1 ?", "read - a 2 3", "read - - 4 5");
  assert_refused ("add 1 - 1 ?", "add 1 3 2 3");
  assert_refused ("append a - 1 ?", "append b 1 2 3", "list - b\\na\\na\\n 4 5");
  assert_refused ("append a 1 1 2", "append b 2 3 4", "append c 3 5 6", "take - - 7 ?", "take - c 8 9");
  assert_refused ("write a - 1 2", "write b - 3 4", "set c<a - 5 ?", "read - c 6 7");
}

static void
test_many (void)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  guint time = 0;

  g_test_summary ("Many at a time, some of them unclear: each possibility is tried once");

  /* Eight that all overlap, in the opposite order; each time one more may have happened before. */
  for (guint round = 0; round < 5; round++)
    {
      for (guint i = 0; i < 8; i++)
        g_ptr_array_add (lines, g_strdup_printf ("append v%u.%u %u %u %u", round, i, 8 * (round + 1) - i, time + i, time + 8 + i));
      time += 16;
      g_ptr_array_add (lines, g_strdup_printf ("append u%u - %u ?", round, time++));
    }
  g_ptr_array_add (lines, NULL);
  g_assert_cmpint (check ((const char *const *) lines->pdata), ==, VERDICT_LINEARIZABLE);

  /* And one that nothing explains. */
  g_ptr_array_remove_index (lines, lines->len - 1);
  g_ptr_array_add (lines, g_strdup_printf ("list - x\\n %u %u", time, time + 1));
  g_ptr_array_add (lines, NULL);
  g_assert_cmpint (check ((const char *const *) lines->pdata), ==, VERDICT_REFUSED);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/linearizability/register", test_register);
  g_test_add_func ("/linearizability/compare-and-set", test_compare_and_set);
  g_test_add_func ("/linearizability/counter", test_counter);
  g_test_add_func ("/linearizability/list", test_list);
  g_test_add_func ("/linearizability/unclear", test_unclear);
  g_test_add_func ("/linearizability/many", test_many);

  return g_test_run ();
}
