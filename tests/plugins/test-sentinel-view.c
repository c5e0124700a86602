/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is made of the replies of a sentinel, and of a URI. */

#include "common/uri-hosts.h"
#include "sentinel/sentinel-view.h"

#include <string.h>

#define GOOD_ADDRESS "*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n"
#define SERVER(ip, port, flags, link, priority)                      \
  "*10\r\n+ip\r\n+" ip "\r\n+port\r\n+" port "\r\n+flags\r\n+" flags \
  "\r\n+master-link-status\r\n+" link "\r\n+slave-priority\r\n+" priority "\r\n"

static TornadisReply *
parse (const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;
  TornadisReply *reply = tornadis_reply_new_from_resp (bytes, &error);

  g_assert_no_error (error);
  return reply;
}

static SentinelView *
view_new (const char *master,
          const char *address,
          const char *replicas,
          const char *sentinels,
          GError **error)
{
  g_autofree char *text = g_strconcat ("*4\r\n", master, address, replicas, sentinels, NULL);
  g_autoptr (TornadisReply) replies = parse (text);
  g_autoptr (GNetworkAddress) sentinel = G_NETWORK_ADDRESS (g_network_address_new ("s1", 26379));

  return sentinel_view_new (sentinel, "main", replies, error);
}

static void
assert_is (GNetworkAddress *address,
           const char *host,
           guint port)
{
  g_assert_cmpstr (g_network_address_get_hostname (address), ==, host);
  g_assert_cmpuint (g_network_address_get_port (address), ==, port);
}

/* As flat lists, which RESP2 has, and as maps. */
static void
test_good (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SentinelView) view =
    view_new ("%2\r\n+name\r\n+main\r\n+config-epoch\r\n$2\r\n17\r\n", "*2\r\n$3\r\n::1\r\n$4\r\n6379\r\n",
              "*2\r\n" SERVER ("db2", "6380", "slave", "ok", "10") "%4\r\n+ip\r\n+db3\r\n+port\r\n+6381\r\n+flags\r\n+slave\r\n+master-link-status\r\n+ok\r\n",
              "*2\r\n*4\r\n+ip\r\n+s2\r\n+port\r\n+26379\r\n%2\r\n+ip\r\n+s3\r\n+port\r\n+26380\r\n", &error);

  g_assert_no_error (error);
  assert_is (view->sentinel, "s1", 26379);
  assert_is (view->master, "::1", 6379);
  g_assert_cmpint (view->epoch, ==, 17);
  g_assert_cmpuint (view->replicas->len, ==, 2);
  assert_is (((SentinelReplica *) view->replicas->pdata[0])->address, "db2", 6380);
  g_assert_cmpuint (((SentinelReplica *) view->replicas->pdata[0])->priority, ==, 10);
  assert_is (((SentinelReplica *) view->replicas->pdata[1])->address, "db3", 6381);
  g_assert_cmpuint (((SentinelReplica *) view->replicas->pdata[1])->priority, ==, 100);
  g_assert_cmpuint (view->sentinels->len, ==, 2);
  assert_is (view->sentinels->pdata[1], "s3", 26380);
}

/* An address has to be one. */
static void
test_bad_address (void)
{
  g_autofree char *name = g_strnfill (256, 'a');
  g_autofree char *too_long = g_strdup_printf ("*2\r\n+%s\r\n+6379\r\n", name);
  const char *const bad[] = {
    "*0\r\n",
    "*1\r\n+127.0.0.1\r\n",
    "*2\r\n$0\r\n\r\n+6379\r\n",
    "*2\r\n+h\r\n+0\r\n",
    "*2\r\n+h\r\n+65536\r\n",
    "*2\r\n+h\r\n+-1\r\n",
    "*2\r\n+h\r\n+80x\r\n",
    "*2\r\n+h\r\n$0\r\n\r\n",
    "*2\r\n*0\r\n+1\r\n",
    "*2\r\n_\r\n+1\r\n",
    "*2\r\n+a b\r\n+1\r\n",
    "*2\r\n$2\r\n\n1\r\n+1\r\n",
    ":1\r\n",
    "+OK\r\n",
    too_long,
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (view_new ("*0\r\n", bad[i], "*0\r\n", "*0\r\n", &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL);
      g_assert_nonnull (strstr (error->message, "main"));
    }
}

static void
test_unknown (void)
{
  g_autoptr (GError) unknown = NULL;
  g_autoptr (GError) refused = NULL;

  g_assert_null (view_new ("-ERR No such master with that name\r\n", "_\r\n", "-ERR No such master with that name\r\n", "*0\r\n",
                           &unknown));
  g_assert_error (unknown, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_nonnull (strstr (unknown->message, "knows no “main”"));

  g_assert_null (view_new ("-NOPERM no\r\n", "-NOPERM this user has no permissions\r\n", "*0\r\n", "*0\r\n", &refused));
  g_assert_error (refused, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_nonnull (strstr (refused->message, "NOPERM"));
}

/* The master is enough; of the rest what makes no sense is passed over. */
static void
test_hostile (void)
{
  static const char *const masters[] = { "-NOPERM no\r\n", "*0\r\n", "*1\r\n+config-epoch\r\n", "%1\r\n+config-epoch\r\n*0\r\n",
                                         "*2\r\n+config-epoch\r\n+-4\r\n", "*2\r\n+config-epoch\r\n+9999999999999999999\r\n",
                                         ":5\r\n", "_\r\n" };
  static const char *const lists[] = { "-NOPERM no\r\n", "_\r\n", ":1\r\n", "*0\r\n", "*1\r\n*0\r\n", "*1\r\n+x\r\n",
                                       "*1\r\n*3\r\n+ip\r\n+h\r\n+port\r\n", "*2\r\n_\r\n-ERR\r\n",
                                       "*1\r\n*4\r\n+ip\r\n*0\r\n+port\r\n%0\r\n", "*1\r\n*4\r\n+port\r\n+1\r\n*0\r\n+h\r\n",
                                       "%1\r\n+ip\r\n+h\r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (masters); i++)
    for (guint j = 0; j < G_N_ELEMENTS (lists); j++)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (SentinelView) view = view_new (masters[i], GOOD_ADDRESS, lists[j], lists[j], &error);

        g_assert_no_error (error);
        assert_is (view->master, "127.0.0.1", 6379);
        g_assert_cmpint (view->epoch, ==, SENTINEL_EPOCH_UNKNOWN);
        g_assert_cmpuint (view->replicas->len, ==, 0);
        g_assert_cmpuint (view->sentinels->len, ==, 0);
      }
}

/* However many there are said to be. */
static void
test_bounded (void)
{
  g_autoptr (GString) list = g_string_new ("*5000\r\n");
  g_autoptr (SentinelView) view = NULL;

  for (guint i = 0; i < 5000; i++)
    g_string_append_printf (list, "*8\r\n+ip\r\n+h%u\r\n+port\r\n+1\r\n+flags\r\n+slave\r\n+master-link-status\r\n+ok\r\n", i);
  view = view_new ("*0\r\n", GOOD_ADDRESS, list->str, list->str, NULL);
  g_assert_cmpuint (view->replicas->len, ==, 1000);
  g_assert_cmpuint (view->sentinels->len, ==, 32);
}

static void
test_readable (void)
{
  static const struct
  {
    const char *server;
    guint n;
  } cases[] = {
    { "*1\r\n" SERVER ("h", "1", "slave", "ok", "100"), 1 },
    { "*1\r\n" SERVER ("h", "1", "slave", "err", "100"), 0 },
    { "*1\r\n" SERVER ("h", "1", "s_down,slave", "ok", "100"), 0 },
    { "*1\r\n" SERVER ("h", "1", "o_down,slave", "ok", "100"), 0 },
    { "*1\r\n" SERVER ("h", "1", "slave,disconnected", "ok", "100"), 0 },
    /* A flag is a word. */
    { "*1\r\n" SERVER ("h", "1", "slave,not_s_down", "ok", "100"), 1 },
    /* One that never becomes a master. */
    { "*1\r\n" SERVER ("h", "1", "slave", "ok", "0"), 1 },
    { "*1\r\n*10\r\n+ip\r\n+h\r\n+port\r\n+1\r\n+flags\r\n+slave\r\n+master-link-status\r\n+ok\r\n+role-reported\r\n+master\r\n", 0 },
    { "*1\r\n*10\r\n+ip\r\n+h\r\n+port\r\n+1\r\n+flags\r\n+slave\r\n+master-link-status\r\n+ok\r\n+role-reported\r\n+slave\r\n", 1 },
    { "*1\r\n*4\r\n+ip\r\n+h\r\n+port\r\n+1\r\n", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SentinelView) view = view_new ("*0\r\n", GOOD_ADDRESS, cases[i].server, "*0\r\n", NULL);

      g_assert_cmpuint (view->replicas->len, ==, cases[i].n);
    }
}

/* All are tried, each once, a better one more often before the others; the master last or not at all. */
static void
test_servers (void)
{
  g_autoptr (SentinelView) view = view_new ("*0\r\n", GOOD_ADDRESS,
                                            "*3\r\n" SERVER ("a", "1", "slave", "ok", "10") SERVER ("b", "1", "slave", "ok", "20")
                                              SERVER ("c", "1", "slave", "ok", "1000000"),
                                            "*0\r\n", NULL);
  guint n_first[3] = { 0 };

  for (guint i = 0; i < 3000; i++)
    {
      g_autoptr (GPtrArray) servers = sentinel_view_get_servers (view, i % 2 == 0 ? SENTINEL_ROLE_REPLICA : SENTINEL_ROLE_PREFER_REPLICA);
      guint seen = 0;

      g_assert_cmpuint (servers->len, ==, 3 + i % 2);
      for (guint j = 0; j < 3; j++)
        seen |= 1U << (*g_network_address_get_hostname (servers->pdata[j]) - 'a');
      g_assert_cmpuint (seen, ==, 7);
      if (i % 2 == 1)
        assert_is (servers->pdata[3], "127.0.0.1", 6379);
      n_first[*g_network_address_get_hostname (servers->pdata[0]) - 'a']++;
    }

  /* 2,000 and 1,000 are expected. */
  g_assert_cmpuint (n_first[0], >, 1700);
  g_assert_cmpuint (n_first[1], >, 700);
  g_assert_cmpuint (n_first[2], <, 100);
}

static void
test_master_only (void)
{
  g_autoptr (SentinelView) view =
    view_new ("*0\r\n", GOOD_ADDRESS, "*1\r\n" SERVER ("a", "1", "slave", "ok", "10"), "*0\r\n", NULL);
  g_autoptr (SentinelView) alone = view_new ("*0\r\n", GOOD_ADDRESS, "*0\r\n", "*0\r\n", NULL);
  g_autoptr (GPtrArray) masters = sentinel_view_get_servers (view, SENTINEL_ROLE_MASTER);
  g_autoptr (GPtrArray) none = sentinel_view_get_servers (alone, SENTINEL_ROLE_REPLICA);
  g_autoptr (GPtrArray) preferred = sentinel_view_get_servers (alone, SENTINEL_ROLE_PREFER_REPLICA);

  g_assert_cmpuint (masters->len, ==, 1);
  assert_is (masters->pdata[0], "127.0.0.1", 6379);
  g_assert_cmpuint (none->len, ==, 0);
  g_assert_cmpuint (preferred->len, ==, 1);
}

static void
test_uri (void)
{
  static const struct
  {
    const char *uri;
    const char *hosts; /* with their ports */
    const char *path;
  } cases[] = {
    { "redis-sentinel://a,b:1,[::1]:2/main/3", "a 26379,b 1,::1 2", "main|3" },
    { "x://a", "a 26379", "" },
    { "x:///main", "127.0.0.1 26379", "main" },
    { "x://a//one%2ftwo%20/", "a 26379", "one/two " },
    { "x://[fe80::1]/m?a=b/c", "fe80::1 26379", "m" },
  };
  static const char *const bad[] = { "x:a", "x://a,,b/", "x://a:0/", "x://a:65536/", "x://::1/", "x://u@a/", "x://a/%zz" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) hosts = NULL;
      g_auto (GStrv) path = NULL;
      g_autoptr (GString) text = g_string_new (NULL);
      g_autofree char *joined = NULL;

      g_assert_true (uri_hosts_parse (cases[i].uri, 26379, &hosts, &path, &error));
      g_assert_no_error (error);
      for (guint j = 0; j < hosts->len; j++)
        g_string_append_printf (text, "%s%s %u", j > 0 ? "," : "", g_network_address_get_hostname (hosts->pdata[j]),
                                g_network_address_get_port (hosts->pdata[j]));
      joined = g_strjoinv ("|", path);
      g_assert_cmpstr (text->str, ==, cases[i].hosts);
      g_assert_cmpstr (joined, ==, cases[i].path);
    }

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) hosts = NULL;
      g_auto (GStrv) path = NULL;

      g_assert_false (uri_hosts_parse (bad[i], 26379, &hosts, &path, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sentinel-view/good", test_good);
  g_test_add_func ("/sentinel-view/bad-address", test_bad_address);
  g_test_add_func ("/sentinel-view/unknown", test_unknown);
  g_test_add_func ("/sentinel-view/hostile", test_hostile);
  g_test_add_func ("/sentinel-view/bounded", test_bounded);
  g_test_add_func ("/sentinel-view/readable", test_readable);
  g_test_add_func ("/sentinel-view/servers", test_servers);
  g_test_add_func ("/sentinel-view/master-only", test_master_only);
  g_test_add_func ("/sentinel-view/uri", test_uri);

  return g_test_run ();
}
