/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "cluster/cluster-merge.h"
#include "plugins/reply-text.h"

#define MAX_ANSWERS 3

static TornadisReply *
merge (ClusterResponse response,
       const char *const texts[],
       GError **error)
{
  static const char *const nodes[MAX_ANSWERS] = { "h1:1", "h2:2", "h3:3" };
  ClusterAnswer answers[MAX_ANSWERS] = { { NULL } };
  TornadisReply *reply;
  guint n = 0;

  for (; n < MAX_ANSWERS && texts[n] != NULL; n++)
    {
      answers[n].node = nodes[n];
      answers[n].reply = make_reply (texts[n]);
    }

  reply = cluster_merge (response, answers, n, error);
  for (guint i = 0; i < n; i++)
    tornadis_reply_unref (answers[i].reply);

  return reply;
}

static void
assert_reply (TornadisReply *reply,
              const char *text)
{
  g_autoptr (TornadisReply) expected = make_reply (text);
  g_autofree char *is = tornadis_reply_to_string (reply);
  g_autofree char *should_be = tornadis_reply_to_string (expected);

  g_assert_cmpstr (is, ==, should_be);
  g_assert_true (replies_are_equal (reply, expected));
}

/* @expected (nullable): none, with TORNADIS_ERROR_PROTOCOL */
typedef struct
{
  ClusterResponse response;
  const char *answers[MAX_ANSWERS + 1];
  const char *expected;
} Case;

static void
check (const Case *cases,
       gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = merge (cases[i].response, cases[i].answers, &error);

      g_test_message ("%" G_GSIZE_FORMAT ": %s", i, cases[i].answers[0]);
      if (cases[i].expected != NULL)
        {
          g_assert_no_error (error);
          assert_reply (reply, cases[i].expected);
        }
      else
        {
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
          g_assert_null (reply);
        }
    }
}

static void
test_succeeded (void)
{
  static const Case cases[] = {
    { CLUSTER_RESPONSE_ALL_SUCCEEDED, { "+OK", "+OK", "+OK" }, "+OK" },
    { CLUSTER_RESPONSE_ALL_SUCCEEDED, { "'sha'", "'sha'" }, "'sha'" },
    { CLUSTER_RESPONSE_ALL_SUCCEEDED, { "+OK", "-ERR one", "-ERR two" }, "-ERR one" },
    { CLUSTER_RESPONSE_ALL_SUCCEEDED, { "null" }, "null" },
    { CLUSTER_RESPONSE_ONE_SUCCEEDED, { "-NOTBUSY no", "+OK", "-NOTBUSY no" }, "+OK" },
    { CLUSTER_RESPONSE_ONE_SUCCEEDED, { "-NOTBUSY no", "-UNKILLABLE yes", "-NOTBUSY no" }, "-UNKILLABLE yes" },
    { CLUSTER_RESPONSE_ONE_SUCCEEDED, { "-NOTBUSY a", "-NOTBUSY b" }, "-NOTBUSY a" },
    { CLUSTER_RESPONSE_ONE_SUCCEEDED, { "null", "+OK" }, "null" },
  };

  check (cases, G_N_ELEMENTS (cases));
}

static void
test_aggregated (void)
{
  static const Case cases[] = {
    { CLUSTER_RESPONSE_AGG_SUM, { "1", "2", "-5" }, "-2" },
    { CLUSTER_RESPONSE_AGG_SUM, { "7" }, "7" },
    { CLUSTER_RESPONSE_AGG_SUM, { "9223372036854775807", "1", "0" }, "9223372036854775807" },
    { CLUSTER_RESPONSE_AGG_SUM, { "-9223372036854775808", "-1" }, "-9223372036854775808" },
    { CLUSTER_RESPONSE_AGG_SUM, { "true", "true" }, "2" },
    { CLUSTER_RESPONSE_AGG_MIN, { "3", "1", "2" }, "1" },
    { CLUSTER_RESPONSE_AGG_MAX, { "3", "9", "2" }, "9" },
    { CLUSTER_RESPONSE_AGG_MIN, { "[1, 2]", "[0, 5]", "[1, 1]" }, "[0, 1]" },
    { CLUSTER_RESPONSE_AGG_LOGICAL_AND, { "[1, 0, 1]", "[1, 1, 0]" }, "[1, 0, 0]" },
    { CLUSTER_RESPONSE_AGG_LOGICAL_OR, { "[1, 0, 0]", "[1, 1, 0]" }, "[1, 1, 0]" },
    { CLUSTER_RESPONSE_AGG_LOGICAL_AND, { "5", "7" }, "1" },
    { CLUSTER_RESPONSE_AGG_LOGICAL_AND, { "true", "false" }, "false" },
    { CLUSTER_RESPONSE_AGG_LOGICAL_OR, { "true", "0" }, "1" },
    { CLUSTER_RESPONSE_AGG_SUM, { "[]", "[]" }, "[]" },
    { CLUSTER_RESPONSE_AGG_SUM, { "1", "-ERR no", "null" }, "-ERR no" },
    { CLUSTER_RESPONSE_AGG_SUM, { "1", "null" }, NULL },
    { CLUSTER_RESPONSE_AGG_SUM, { "1", "'2'" }, NULL },
    { CLUSTER_RESPONSE_AGG_SUM, { "1", "+OK" }, NULL },
    { CLUSTER_RESPONSE_AGG_SUM, { "1", "1.5" }, NULL },
    { CLUSTER_RESPONSE_AGG_SUM, { "1", "[1]" }, NULL },
    { CLUSTER_RESPONSE_AGG_SUM, { "[1]", "1" }, NULL },
    { CLUSTER_RESPONSE_AGG_SUM, { "{'a': 1}", "{'a': 1}" }, NULL },
    { CLUSTER_RESPONSE_AGG_MIN, { "[1, 2]", "[1]" }, NULL },
    { CLUSTER_RESPONSE_AGG_MIN, { "[1]", "[1, 2]" }, NULL },
    { CLUSTER_RESPONSE_AGG_MIN, { "[1, 'a']", "[1, 'b']" }, NULL },
    { CLUSTER_RESPONSE_AGG_MIN, { "[1, [2]]", "[1, [2]]" }, NULL },
  };

  check (cases, G_N_ELEMENTS (cases));
}

static void
test_joined (void)
{
  static const Case cases[] = {
    { CLUSTER_RESPONSE_NONE, { "['a', 'b']", "[]", "['c', 'a']" }, "['a', 'b', 'c', 'a']" },
    { CLUSTER_RESPONSE_JOIN, { "[]", "[]" }, "[]" },
    { CLUSTER_RESPONSE_JOIN, { "[[1, 'x']]", "[[2, 'y'], [3, 'z']]" }, "[[1, 'x'], [2, 'y'], [3, 'z']]" },
    { CLUSTER_RESPONSE_JOIN, { "{'a': 1}", "{'b': [2]}", "{'a': 3}" }, "{'a': 1, 'b': [2]}" },
    { CLUSTER_RESPONSE_JOIN, { "~['a', 'b']", "~['b', 'c']" }, "~['a', 'b', 'c']" },
    { CLUSTER_RESPONSE_JOIN, { "['a']", "~['a', 'b']" }, "['a', 'a', 'b']" },
    { CLUSTER_RESPONSE_JOIN, { ">['a']", ">['b']" }, "['a', 'b']" },
    { CLUSTER_RESPONSE_JOIN, { "5", "'text'", "null" }, "[5, 'text', null]" },
    { CLUSTER_RESPONSE_JOIN, { "+OK", "['a']" }, "[+OK, ['a']]" },
    { CLUSTER_RESPONSE_JOIN, { "{'a': 1}", "['a', 1]" }, "[{'a': 1}, ['a', 1]]" },
    { CLUSTER_RESPONSE_JOIN, { "['a']", "-NOPERM no" }, "-NOPERM no" },
    { CLUSTER_RESPONSE_UNION, { "['a', 'b']", "['b', 'c']", "[]" }, "['a', 'b', 'c']" },
    { CLUSTER_RESPONSE_UNION, { "['a', 1, null, [1]]", "['a', 1, null, [1]]" }, "['a', 1, null, [1], 1, null, [1]]" },
    { CLUSTER_RESPONSE_UNION, { "['a', -ERR x;]", "['a', -ERR x;]" }, "['a', -ERR x;, -ERR x;]" },
  };

  check (cases, G_N_ELEMENTS (cases));
}

static void
test_special (void)
{
  static const Case cases[] = {
    { CLUSTER_RESPONSE_SUM_BY_NAME, { "['a', 1, 'b', 2]", "['b', 3, 'a', 4]" }, "['a', 5, 'b', 5]" },
    { CLUSTER_RESPONSE_SUM_BY_NAME, { "{'a': 1}", "{'c': 2, 'a': 3}", "{}" }, "{'a': 4, 'c': 2}" },
    { CLUSTER_RESPONSE_SUM_BY_NAME, { "['a', 1, 'a', 2]" }, "['a', 3]" },
    { CLUSTER_RESPONSE_SUM_BY_NAME, { "[]", "[]" }, "[]" },
    { CLUSTER_RESPONSE_SUM_BY_NAME, { "['a', 1, 'b']", "[]" }, NULL },
    { CLUSTER_RESPONSE_SUM_BY_NAME, { "['a', '1']" }, NULL },
    { CLUSTER_RESPONSE_SUM_BY_NAME, { "[['a'], 1]" }, NULL },
    { CLUSTER_RESPONSE_SUM_BY_NAME, { "[-ERR a;, 1]" }, NULL },
    { CLUSTER_RESPONSE_SUM_BY_NAME, { "['a', 1]", "{'a': 1}" }, NULL },
    { CLUSTER_RESPONSE_SUM_BY_NAME, { "5", "5" }, NULL },
    { CLUSTER_RESPONSE_ANY, { "null", "'a'", "null" }, "'a'" },
    { CLUSTER_RESPONSE_ANY, { "null", "null" }, "null" },
    { CLUSTER_RESPONSE_ANY, { "'a'", "-ERR no" }, "-ERR no" },
    { CLUSTER_RESPONSE_LINES, { "'id=1\n'", "'id=2'", "''" }, "'id=1\nid=2\n'" },
    { CLUSTER_RESPONSE_BY_NODE, { "'a:1\r\n'", "'a:2'" }, "'# Node h1:1\r\na:1\r\n# Node h2:2\r\na:2\r\n'" },
    /* Text for people stays that. */
    { CLUSTER_RESPONSE_LINES, { "='id=1\n'", "='id=2'" }, "='id=1\nid=2\n'" },
    { CLUSTER_RESPONSE_LINES, { "=''", "=''" }, "=''" },
    { CLUSTER_RESPONSE_BY_NODE, { "='a:1\r\n'", "='a:2'" }, "='# Node h1:1\r\na:1\r\n# Node h2:2\r\na:2\r\n'" },
    { CLUSTER_RESPONSE_BY_NODE, { "='a:1'", "'a:2'" }, "'# Node h1:1\r\na:1\r\n# Node h2:2\r\na:2\r\n'" },
    { CLUSTER_RESPONSE_BY_NODE, { "{'a': 1}", "{'a': 2}" }, "{'h1:1': {'a': 1}, 'h2:2': {'a': 2}}" },
    { CLUSTER_RESPONSE_BY_NODE, { "'a'", "[]" }, "{'h1:1': 'a', 'h2:2': []}" },
    { CLUSTER_RESPONSE_BY_NODE, { "[]" }, "{'h1:1': []}" },
    { CLUSTER_RESPONSE_BY_NODE, { "'a'", "-NOPERM no" }, "-NOPERM no" },
  };

  check (cases, G_N_ELEMENTS (cases));
}

/* Each that is not nil is answered some time. */
static void
test_any_is_random (void)
{
  static const char *const texts[] = { "0", "null", "2", NULL };
  guint seen[3] = { 0 };

  while (seen[0] == 0 || seen[2] == 0)
    {
      g_autoptr (TornadisReply) reply = merge (CLUSTER_RESPONSE_ANY, texts, NULL);

      g_assert_cmpint (tornadis_reply_get_kind (reply), ==, TORNADIS_REPLY_KIND_INTEGER);
      seen[tornadis_reply_get_integer (reply)]++;
    }
}

static GArray *
make_positions (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  GArray *positions = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; words[i] != NULL; i++)
    {
      guint position = (guint) g_ascii_strtoull (words[i], NULL, 10);

      g_array_append_val (positions, position);
    }

  return positions;
}

static void
test_positions (void)
{
  static const struct
  {
    const char *positions[2];
    const char *answers[2];
    const char *expected;
  } cases[] = {
    { { "0 2 3", "1" }, { "['a', null, 'd']", "['b']" }, "['a', 'b', null, 'd']" },
    { { "1", "0" }, { "[1]", "[0]" }, "[0, 1]" },
    { { "0 2", "1" }, { "['a', 'c']", "-WRONGTYPE no" }, "-WRONGTYPE no" },
    { { "0 2", "1" }, { "['a']", "['b']" }, NULL },
    { { "0 2", "1" }, { "['a', 'b', 'c']", "['b']" }, NULL },
    { { "0 2", "1" }, { "null", "['b']" }, NULL },
    { { "0 2", "1" }, { "{'a': 'b'}", "['b']" }, NULL },
    { { "0 2", "1" }, { "5", "['b']" }, NULL },
    /* The caller's mistakes. */
    { { "0 2", "2" }, { "['a', 'c']", "['b']" }, NULL },
    { { "0 5", "1" }, { "['a', 'c']", "['b']" }, NULL },
    { { "0 1", NULL }, { "['a', 'c']", "['b']" }, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ClusterAnswer answers[2] = { { .node = "h1:1" }, { .node = "h2:2" } };
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = NULL;
      GArray *positions[2] = { NULL };

      for (guint j = 0; j < 2; j++)
        {
          answers[j].reply = make_reply (cases[i].answers[j]);
          if (cases[i].positions[j] != NULL)
            answers[j].positions = positions[j] = make_positions (cases[i].positions[j]);
        }

      reply = cluster_merge (CLUSTER_RESPONSE_NONE, answers, 2, &error);
      if (cases[i].expected != NULL)
        assert_reply (reply, cases[i].expected);
      else
        g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);

      for (guint j = 0; j < 2; j++)
        {
          tornadis_reply_unref (answers[j].reply);
          g_clear_pointer (&positions[j], g_array_unref);
        }
    }
}

/* Calls that ended without a reply. */
static void
test_errors (void)
{
  g_autoptr (GError) lost = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "lost");
  g_autoptr (GError) not_busy = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_REPLY, "NOTBUSY no script");
  g_autoptr (TornadisReply) ok = make_reply ("+OK");
  g_autoptr (TornadisReply) failure = make_reply ("-ERR no");
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  ClusterAnswer answers[] = { { .node = "a", .reply = ok }, { .node = "b", .error = lost }, { .node = "c", .reply = failure } };
  ClusterAnswer kills[] = { { .node = "a", .error = not_busy }, { .node = "b", .error = lost }, { .node = "c", .error = not_busy } };

  for (ClusterResponse response = CLUSTER_RESPONSE_NONE; response <= CLUSTER_RESPONSE_BY_NODE; response++)
    {
      reply = cluster_merge (response, answers, 3, &error);
      if (response == CLUSTER_RESPONSE_ONE_SUCCEEDED)
        {
          g_assert_no_error (error);
          assert_reply (reply, "+OK");
        }
      else
        {
          g_assert_null (reply);
          g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
        }
      g_clear_pointer (&reply, tornadis_reply_unref);
      g_clear_error (&error);

      g_assert_null (cluster_merge (response, NULL, 0, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
      g_clear_error (&error);
    }

  /* The first in their order, of whatever kind. */
  reply = cluster_merge (CLUSTER_RESPONSE_ALL_SUCCEEDED, (ClusterAnswer[]){ answers[2], answers[1] }, 2, &error);
  g_assert_no_error (error);
  assert_reply (reply, "-ERR no");
  g_clear_pointer (&reply, tornadis_reply_unref);

  g_assert_null (cluster_merge (CLUSTER_RESPONSE_ONE_SUCCEEDED, kills, 3, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
  g_clear_error (&error);
  kills[1].error = not_busy;
  g_assert_null (cluster_merge (CLUSTER_RESPONSE_ONE_SUCCEEDED, kills, 3, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  g_clear_error (&error);

  g_assert_null (cluster_merge (CLUSTER_RESPONSE_JOIN, (ClusterAnswer[]){ { .node = "a" } }, 1, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
}

/* Whatever nodes say, by whatever policy: a reply or an error. */
static void
test_any_kinds (void)
{
  static const char *const texts[] = {
    "null",
    "+OK",
    "-ERR no;",
    "5",
    "'text'",
    "''",
    "[]",
    "[1]",
    "['a', 1]",
    "[null]",
    "[[]]",
    "1.5",
    "true",
    "{}",
    "{'a': 1}",
    "{null: null}",
    "~[]",
    "~['a']",
    ">['a']",
    "[-ERR x;]",
  };
  const guint n = G_N_ELEMENTS (texts);

  for (ClusterResponse response = CLUSTER_RESPONSE_NONE; response <= CLUSTER_RESPONSE_BY_NODE; response++)
    {
      for (guint i = 0; i < n * n; i++)
        {
          const char *answers[] = { texts[i % n], texts[i / n], NULL };
          g_autoptr (GError) error = NULL;
          g_autoptr (TornadisReply) reply = merge (response, answers, &error);

          g_assert_true ((reply != NULL) == (error == NULL));
          if (error != NULL)
            g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
        }
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cluster-merge/succeeded", test_succeeded);
  g_test_add_func ("/cluster-merge/aggregated", test_aggregated);
  g_test_add_func ("/cluster-merge/joined", test_joined);
  g_test_add_func ("/cluster-merge/special", test_special);
  g_test_add_func ("/cluster-merge/any-is-random", test_any_is_random);
  g_test_add_func ("/cluster-merge/positions", test_positions);
  g_test_add_func ("/cluster-merge/errors", test_errors);
  g_test_add_func ("/cluster-merge/any-kinds", test_any_kinds);

  return g_test_run ();
}
