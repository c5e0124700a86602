/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>
#include <tornadis-glib/tornadis-glib.h>

#include "cluster/cluster-redirect.h"

/* With nothing behind the text, so that the address sanitizer sees who reads there. */
static ClusterRedirectKind
parse_bytes (const char *text,
             gsize length,
             ClusterRedirect *redirect)
{
  g_autofree char *exact = g_memdup2 (text, length);

  memset (redirect, 0xff, sizeof *redirect);
  return cluster_redirect_parse (exact, length, redirect);
}

static ClusterRedirectKind
parse (const char *text,
       ClusterRedirect *redirect)
{
  return parse_bytes (text, strlen (text), redirect);
}

static void
test_moved (void)
{
  static const struct
  {
    const char *text;
    ClusterRedirectKind kind;
    guint slot;
    const char *host;
    guint16 port;
  } cases[] = {
    { "MOVED 3999 127.0.0.1:6381", CLUSTER_REDIRECT_MOVED, 3999, "127.0.0.1", 6381 },
    { "MOVED 0 node-1.example.com:1", CLUSTER_REDIRECT_MOVED, 0, "node-1.example.com", 1 },
    { "MOVED 16383 a_b:65535", CLUSTER_REDIRECT_MOVED, 16383, "a_b", 65535 },
    { "MOVED 1 :6381", CLUSTER_REDIRECT_MOVED, 1, "", 6381 },
    { "MOVED 1 ?:6381", CLUSTER_REDIRECT_MOVED, 1, "", 6381 },
    { "ASK 1 ::1:6381", CLUSTER_REDIRECT_ASK, 1, "::1", 6381 },
    { "ASK 1 2001:db8::10:6381", CLUSTER_REDIRECT_ASK, 1, "2001:db8::10", 6381 },
    { "ASK 1 [2001:db8::10]:6381", CLUSTER_REDIRECT_ASK, 1, "2001:db8::10", 6381 },
    { "ASK 1 fe80::1%eth0:6381", CLUSTER_REDIRECT_ASK, 1, "fe80::1%eth0", 6381 },
    { "ASK 00001 h:06381", CLUSTER_REDIRECT_ASK, 1, "h", 6381 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ClusterRedirect redirect;

      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (parse (cases[i].text, &redirect), ==, cases[i].kind);
      g_assert_cmpint (redirect.kind, ==, cases[i].kind);
      g_assert_cmpuint (redirect.slot, ==, cases[i].slot);
      g_assert_cmpstr (redirect.host, ==, cases[i].host);
      g_assert_cmpuint (redirect.port, ==, cases[i].port);
      g_assert_cmpint (redirect.host_is_unknown, ==, strchr (cases[i].text, '?') != NULL);
    }
}

/* What servers say, word for word. */
static void
test_words (void)
{
  static const struct
  {
    const char *text;
    ClusterRedirectKind kind;
  } cases[] = {
    { "TRYAGAIN Multiple keys request during rehashing of slot", CLUSTER_REDIRECT_TRYAGAIN },
    { "CLUSTERDOWN The cluster is down", CLUSTER_REDIRECT_CLUSTERDOWN },
    { "CLUSTERDOWN Hash slot not served", CLUSTER_REDIRECT_CLUSTERDOWN },
    { "LOADING Redis is loading the dataset in memory", CLUSTER_REDIRECT_LOADING },
    { "READONLY You can't write against a read only replica.", CLUSTER_REDIRECT_READONLY },
    { "READONLY", CLUSTER_REDIRECT_READONLY },
    { "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", CLUSTER_REDIRECT_MASTERDOWN },
    { "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
      CLUSTER_REDIRECT_UNBLOCKED },
    /* Answers: of a script that says a word; of another client's CLIENT UNBLOCK; of Redis 7.0 to XREADGROUP when the stream was
     * deleted. */
    { "ERR Error running script: READONLY You can't write against a read only replica.", CLUSTER_REDIRECT_NONE },
    { "ERR READONLY", CLUSTER_REDIRECT_NONE },
    { "READONLYX", CLUSTER_REDIRECT_NONE },
    { "READONLY: no", CLUSTER_REDIRECT_NONE },
    { "readonly no", CLUSTER_REDIRECT_NONE },
    { " READONLY no", CLUSTER_REDIRECT_NONE },
    { "UNBLOCKED client unblocked via CLIENT UNBLOCK", CLUSTER_REDIRECT_NONE },
    { "UNBLOCKED the stream key no longer exists", CLUSTER_REDIRECT_NONE },
    { "UNBLOCKED", CLUSTER_REDIRECT_NONE },
    { "CROSSSLOT Keys in request don't hash to the same slot", CLUSTER_REDIRECT_NONE },
    { "WRONGTYPE Operation against a key holding the wrong kind of value", CLUSTER_REDIRECT_NONE },
    { "OK", CLUSTER_REDIRECT_NONE },
    { "", CLUSTER_REDIRECT_NONE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ClusterRedirect redirect;

      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (parse (cases[i].text, &redirect), ==, cases[i].kind);
      g_assert_cmpint (redirect.kind, ==, cases[i].kind);
      g_assert_cmpstr (redirect.host, ==, "");
    }
}

static void
assert_none (const char *text,
             gsize length)
{
  ClusterRedirect redirect;
  g_autofree char *start = g_strndup (text, MIN (length, 100));
  g_autofree char *escaped = start != NULL ? g_strescape (start, NULL) : NULL;

  g_test_message ("%s", escaped != NULL ? escaped : "nothing");
  g_assert_cmpint (parse_bytes (text, length, &redirect), ==, CLUSTER_REDIRECT_NONE);
  g_assert_cmpint (redirect.kind, ==, CLUSTER_REDIRECT_NONE);
  g_assert_cmpstr (redirect.host, ==, "");
}

static void
test_nonsense (void)
{
  static const char *const texts[] = {
    "MOVED x y",
    "MOVED 1",
    "MOVED 1 ",
    "MOVED  1 h:1",
    "MOVED 1  h:1",
    "MOVED 1 h:1 ",
    "MOVED 1 h:1 h:2",
    "MOVED 1 h",
    "MOVED 1 h:",
    "MOVED 1 :",
    "MOVED 1 h:0",
    "MOVED 1 h:65536",
    "MOVED 1 h:-1",
    "MOVED 1 h:+1",
    "MOVED 1 h:1x",
    "MOVED 1 h:4294967297",
    "MOVED 16384 h:1",
    "MOVED -1 h:1",
    "MOVED +1 h:1",
    "MOVED 1.5 h:1",
    "MOVED 99999999999999999999 h:1",
    "MOVED 4294967296 h:1",
    "MOVED 1 a/b:1",
    "MOVED 1 u@h:1",
    "MOVED 1 a:b:1",
    "MOVED 1 []:1",
    "MOVED 1 [h]:1",
    "MOVED 1 [::1:1",
    "MOVED 1 ::1]:1",
    "MOVED 1 h\n:1",
    "MOVED 1 h:1\r\n",
    "MOVED 1 \xff:1",
    "MOVED 1 -h:1",
    "MOVED 1 h%eth0:1",
    "MOVED __proto__ h:1",
    "MOVED\t1 h:1",
    "moved 1 h:1",
    "ASKING 1 h:1",
  };
  g_autofree char *long_host = g_strnfill (CLUSTER_MAX_HOST_LENGTH + 1, 'h');
  g_autofree char *too_long = g_strdup_printf ("MOVED 1 %s:1", long_host);
  g_autofree char *huge = g_strnfill (1024 * 1024, '1');
  g_autofree char *long_slot = g_strdup_printf ("MOVED %s h:1", huge);
  g_autofree char *long_port = g_strdup_printf ("MOVED 1 h:%s", huge);
  ClusterRedirect redirect;

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_none (texts[i], strlen (texts[i]));
  assert_none ("MOVED 1 h\0i:1", 13);
  assert_none ("MOVED 1\0 h:1", 12);
  assert_none ("MOVED 1 h:1\0", 12);
  assert_none (NULL, 0);
  g_assert_cmpint (cluster_redirect_parse (NULL, 5, &redirect), ==, CLUSTER_REDIRECT_NONE);

  assert_none (too_long, strlen (too_long));
  assert_none (huge, strlen (huge));
  assert_none (long_slot, strlen (long_slot));
  assert_none (long_port, strlen (long_port));
  too_long[8] = ' ';
  assert_none (too_long, strlen (too_long));
  g_assert_cmpint (parse_bytes (too_long + 1, 0, &redirect), ==, CLUSTER_REDIRECT_NONE);
}

/* What is cut off anywhere asks for nothing, until its port has a digit. */
static void
test_truncated (void)
{
  static const char *const texts[] = { "MOVED 3999 127.0.0.1:6381", "ASK 16000 2001:db8:1:2:3:4:5:6:9", "MOVED 1 :1", "MOVED 1 ?:1" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      gsize enough = (gsize) (strrchr (texts[i], ':') - texts[i]) + 2;

      for (gsize length = 0; length < enough; length++)
        {
          ClusterRedirect redirect;

          /* Of an IPv6 address, a part may look like a whole with a port. */
          if (parse_bytes (texts[i], length, &redirect) != CLUSTER_REDIRECT_NONE)
            g_error ("“%.*s” was understood", (int) length, texts[i]);
        }
    }
}

static void
test_hosts (void)
{
  static const char *const valid[] = { "h", "1.2.3.4", "::", "::ffff:1.2.3.4", "fe80::1%eth0.5", "A-b_c.d", "h.", NULL };
  static const char *const invalid[] = { "", "?", " ", "h h", ":", ":::", "1:2", "h:1", "%", "%eth0", "1.2.3.4%eth0", "::1/64",
                                         "[::1]", ".h", "-h", "h\"", "\xc3\xa4", NULL };

  for (guint i = 0; valid[i] != NULL; i++)
    g_assert_true (cluster_host_is_valid (valid[i], strlen (valid[i])));
  for (guint i = 0; invalid[i] != NULL; i++)
    {
      g_test_message ("%s", invalid[i]);
      g_assert_false (cluster_host_is_valid (invalid[i], strlen (invalid[i])));
    }
}

static void
test_format (void)
{
  g_autofree char *name = cluster_endpoint_format ("Node-1.Example.com", 6379);
  g_autofree char *address = cluster_endpoint_format ("2001:DB8::1", 65535);

  g_assert_cmpstr (name, ==, "node-1.example.com:6379");
  g_assert_cmpstr (address, ==, "[2001:db8::1]:65535");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cluster-redirect/moved", test_moved);
  g_test_add_func ("/cluster-redirect/words", test_words);
  g_test_add_func ("/cluster-redirect/nonsense", test_nonsense);
  g_test_add_func ("/cluster-redirect/truncated", test_truncated);
  g_test_add_func ("/cluster-endpoint/hosts", test_hosts);
  g_test_add_func ("/cluster-endpoint/format", test_format);

  return g_test_run ();
}
