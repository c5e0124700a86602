/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-endpoint.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"

typedef struct
{
  const char *uri;
  const char *host;
  guint port;
  const char *unix_path;
  const char *username;
  const char *password;
  int db;
  gboolean tls;
  const char *options; /* "name=value;…" in order */
  const char *plugin;
  const char *plugin_uri;
} GoodUri;

static const GoodUri good[] = {
  { "redis://localhost", "localhost", 6379 },
  { "redis://localhost/", "localhost", 6379 },
  { "redis://localhost:7000", "localhost", 7000 },
  { "redis://localhost:65535", "localhost", 65535 },
  { "redis://localhost:1", "localhost", 1 },
  { "redis://localhost:", "localhost", 6379 },
  { "redis://192.0.2.7:7000/3", "192.0.2.7", 7000, .db = 3 },
  { "REDIS://Example.org", "Example.org", 6379 },
  { "rediss://example.org", "example.org", 6379, .tls = TRUE },
  { "RedisS://example.org:6380/1", "example.org", 6380, .db = 1, .tls = TRUE },

  /* no host: that of the property's default */
  { "redis://", "127.0.0.1", 6379 },
  { "redis:///", "127.0.0.1", 6379 },
  { "redis:///2", "127.0.0.1", 6379, .db = 2 },
  { "redis://:7000", "127.0.0.1", 7000 },
  { "redis://:secret@", "127.0.0.1", 6379, .password = "secret" },
  { "redis://?db=4", "127.0.0.1", 6379, .db = 4 },

  /* user info */
  { "redis://:secret@h", "h", 6379, .password = "secret" },
  { "redis://joe@h", "h", 6379, .username = "joe" },
  { "redis://joe:@h", "h", 6379, .username = "joe", .password = "" },
  { "redis://:@h", "h", 6379, .password = "" },
  { "redis://@h", "h", 6379 },
  { "redis://joe:secret@h:1234/5", "h", 1234, NULL, "joe", "secret", 5 },
  { "redis://joe:a:b@h", "h", 6379, NULL, "joe", "a:b" },
  { "redis://joe:a@b@h", "h", 6379, NULL, "joe", "a@b" },
  { "redis://j%3Ae:s%2F%3F%23%40%5B@h", "h", 6379, NULL, "j:e", "s/?#@[" },
  { "redis://:caf%C3%A9@h", "h", 6379, .password = "caf\303\251" },
  { "redis://:caf\303\251@h", "h", 6379, .password = "caf\303\251" },
  { "redis://:a+b@h", "h", 6379, .password = "a+b" },

  /* every part is decoded once, and only once */
  { "redis://%2525:%252541@h%2541/%31?%256e=%2541", "h%41", 6379, NULL, "%25", "%2541", 1, FALSE, "%6e=%41;" },

  /* IPv6 */
  { "redis://[::1]", "::1", 6379 },
  { "redis://[::1]:7000/3", "::1", 7000, .db = 3 },
  { "redis://joe:secret@[2001:db8::1]:7000", "2001:db8::1", 7000, NULL, "joe", "secret" },
  { "redis://[fe80::1%25eth0]:7000", "fe80::1%eth0", 7000 },
  { "redis://[::ffff:192.0.2.1]:", "::ffff:192.0.2.1", 6379 },

  /* database */
  { "redis://h/0", "h", 6379 },
  { "redis://h/15", "h", 6379, .db = 15 },
  { "redis://h/2147483647", "h", 6379, .db = G_MAXINT },
  { "redis://h/%31%35", "h", 6379, .db = 15 },
  { "redis://h?db=3", "h", 6379, .db = 3 },
  { "redis://h/?db=3", "h", 6379, .db = 3 },
  { "redis://h/3?db=3", "h", 6379, .db = 3 },
  { "redis://h?%64b=3", "h", 6379, .db = 3 },

  /* options */
  { "redis://h?", "h", 6379 },
  { "redis://h?a=1", "h", 6379, .options = "a=1;" },
  { "redis://h?z=1&a=2&db=7&m=3", "h", 6379, .db = 7, .options = "z=1;a=2;m=3;" },
  { "redis://h?a=1&b=2&", "h", 6379, .options = "a=1;b=2;" },
  { "redis://h?a=&b=", "h", 6379, .options = "a=;b=;" },
  { "redis://h?a=b=c", "h", 6379, .options = "a=b=c;" },
  { "redis://h?a=%26%3D+%40&B%2d=1", "h", 6379, .options = "a=&=+@;B-=1;" },
  { "redis://h?a=/x?y", "h", 6379, .options = "a=/x?y;" },
  { "redis://h?a=1&A=2", "h", 6379, .options = "a=1;A=2;" },

  /* unix sockets */
  { "unix:///run/redis.sock", NULL, 6379, "/run/redis.sock" },
  { "unix:/run/redis.sock", NULL, 6379, "/run/redis.sock" },
  { "redis+unix:///run/redis.sock", NULL, 6379, "/run/redis.sock" },
  { "UNIX:///run/redis.sock?db=3", NULL, 6379, "/run/redis.sock", .db = 3 },
  { "unix:///run/redis.sock?db=0&a=1", NULL, 6379, "/run/redis.sock", .options = "a=1;" },
  { "unix:///a%20b/%252F%3F%23@x:1", NULL, 6379, "/a b/%2F?#@x:1" },
  { "unix:///3", NULL, 6379, "/3" },
  { "unix://joe:secret@/run/redis.sock", NULL, 6379, "/run/redis.sock", "joe", "secret" },
  { "unix://:secret@/run/redis.sock?db=2", NULL, 6379, "/run/redis.sock", NULL, "secret", 2 },

  /* Valkey's */
  { "valkey://h:7000/3", "h", 7000, .db = 3 },
  { "ValKeys://h", "h", 6379, .tls = TRUE },
  { "valkey+unix:///run/valkey.sock", NULL, 6379, "/run/valkey.sock" },

  /* plugins, which know what hosts and paths mean */
  { "redis-sentinel://h", .port = 6379, .plugin = "sentinel", .plugin_uri = "redis-sentinel://h" },
  { "redis-sentinel://s1:26379,s2,[::1]:5,[2001:db8::1]/main/3", .port = 6379, .plugin = "sentinel",
    .plugin_uri = "redis-sentinel://s1:26379,s2,[::1]:5,[2001:db8::1]/main/3" },
  { "VALKEYS-Cluster://joe:a%2Fb@h1,h2?db=2&a=1", NULL, 6379, NULL, "joe", "a/b", 2, TRUE, "a=1;", "cluster",
    "VALKEYS-Cluster://h1,h2" },
  { "rediss-a-b-9://:a@b@h:1/%25x?x=/y?z", NULL, 6379, NULL, NULL, "a@b", 0, TRUE, "x=/y?z;", "a-b-9", "rediss-a-b-9://h:1/%25x" },
  { "valkey-x://", .port = 6379, .plugin = "x", .plugin_uri = "valkey-x://" },
  { "valkey-x:///", .port = 6379, .plugin = "x", .plugin_uri = "valkey-x:///" },
};

static char *
join_options (TornadisEndpoint *endpoint)
{
  GString *joined = g_string_new (NULL);

  g_assert_cmpuint (endpoint->options->len % 2, ==, 0);
  for (guint i = 0; i < endpoint->options->len; i += 2)
    g_string_append_printf (joined, "%s=%s;", (char *) g_ptr_array_index (endpoint->options, i),
                            (char *) g_ptr_array_index (endpoint->options, i + 1));

  return g_string_free (joined, FALSE);
}

static void
test_good (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      const GoodUri *expected = &good[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisEndpoint) endpoint = tornadis_endpoint_parse (expected->uri, &error);
      g_autofree char *options = NULL;

      g_test_message ("URI %" G_GSIZE_FORMAT ": %s", i, expected->uri);
      g_assert_no_error (error);
      g_assert_nonnull (endpoint);
      g_assert_cmpstr (endpoint->host, ==, expected->host);
      g_assert_cmpuint (endpoint->port, ==, expected->port);
      g_assert_cmpstr (endpoint->unix_path, ==, expected->unix_path);
      g_assert_cmpstr (endpoint->username, ==, expected->username);
      g_assert_cmpstr (endpoint->password, ==, expected->password);
      g_assert_cmpint (endpoint->db, ==, expected->db);
      g_assert_cmpint (endpoint->tls, ==, expected->tls);

      g_assert_cmpstr (endpoint->plugin, ==, expected->plugin);
      g_assert_cmpstr (endpoint->plugin_uri, ==, expected->plugin_uri);

      options = join_options (endpoint);
      g_assert_cmpstr (options, ==, expected->options != NULL ? expected->options : "");
    }
}

typedef struct
{
  const char *uri;
  const char *problem; /* in the message */
} BadUri;

/* Where there is a secret in one it is "hunter2", in whole or in pieces. */
static const BadUri bad[] = {
  { "", "scheme" },
  { "localhost", "scheme" },
  { "localhost:6379", "scheme" },
  { "://h", "scheme" },
  { "http://:hunter2@h", "scheme" },
  { "redi://h", "scheme" },
  { "redisss://h", "scheme" },
  { "redis+tls://h", "scheme" },
  { "unixx:///x", "scheme" },
  { ":hunter2@h", "scheme" },
  { "redis:h", "//" },
  { "redis:/h", "//" },
  { "redis:", "//" },

  { "redis://h:0", "port" },
  { "redis://h:65536", "port" },
  { "redis://h:18446744073709557995", "port" },
  { "redis://h:-1", "port" },
  { "redis://h:+1", "port" },
  { "redis://h:0x10", "port" },
  { "redis://h:6379a", "port" },
  { "redis://h:%36379", "port" },
  { "redis://joe:hunter2", "port" },
  { "redis://:hunter2", "port" },

  { "redis://::1", "brackets" },
  { "redis://h:1:2", "brackets" },
  { "redis://[::1", "bracket" },
  { "redis://[::1]x", "host" },
  { "redis://[::1]7000", "host" },
  { "redis://[]", "IPv6" },
  { "redis://[h]", "IPv6" },
  { "redis://[127.0.0.1]", "IPv6" },
  { "redis://[fe80::1%zz]", "hexadecimal" },

  { "redis://h/x", "database" },
  { "redis://h/-1", "database" },
  { "redis://h/1x", "database" },
  { "redis://h/1/", "database" },
  { "redis://h/1/2", "database" },
  { "redis://h//", "database" },
  { "redis://h/1.5", "database" },
  { "redis://h/2147483648", "database" },
  { "redis://h/99999999999999999999999", "database" },
  { "redis://h?db=", "database" },
  { "redis://h?db", "NAME=VALUE" },
  { "redis://h?db=x", "database" },
  { "redis://h?db=-1", "database" },
  { "redis://h/1?db=2", "different" },
  { "redis://h/0?db=2", "different" },
  { "unix:///s?db=x", "database" },

  { "redis://h?a=1&a=1", "twice" },
  { "redis://h?a=1&%61=2", "twice" },
  { "redis://h?db=1&db=1", "twice" },
  { "redis://h?=1", "no name" },
  { "redis://h?a", "NAME=VALUE" },
  { "redis://h?&a=1", "NAME=VALUE" },
  { "redis://h?a=1&&b=1", "NAME=VALUE" },

  { "redis://h#f", "fragment" },
  { "redis://h/1?a=b#", "fragment" },
  { "redis://:hun#ter2@h", "fragment" },
  { "redis://h ", "space" },
  { "redis://h\n", "space" },
  { "redis://:hunter2\001@h", "control" },
  { "redis://h\177", "control" },
  { "redis://:hunter2%ff@h", "password" },

  /* what cannot be decoded */
  { "redis://%00", "host" },
  { "redis://h%zz", "hexadecimal" },
  { "redis://h%", "hexadecimal" },
  { "redis://h%4", "hexadecimal" },
  { "redis://h%ff", "host" },
  { "redis://h\377", "host" },
  { "redis://hunter2%00@h", "user name" },
  { "redis://hunter2%@h", "hexadecimal" },
  { "redis://hunter2%ff:x@h", "user name" },
  { "redis://:hunter2%00@h", "password" },
  { "redis://:hunter2%x@h", "hexadecimal" },
  { "redis://:hunter2%C3@h", "password" },
  { "redis://:hunter2\377@h", "password" },
  { "redis://h/%00", "path" },
  { "redis://h/1%", "hexadecimal" },
  { "redis://h?a%00=1", "option" },
  { "redis://h?%ff=1", "option" },
  { "redis://h?a=%00", "option" },
  { "redis://h?a=%e", "hexadecimal" },
  { "unix:///a%00b", "path" },
  { "unix:///a%ffb", "path" },
  { "unix:///a%", "hexadecimal" },

  /* passwords that are not encoded and end in other parts */
  { "redis://:hunter2/7@h", "port" },
  { "redis://:12/hunter2@h", "database" },
  { "redis://:12?hunter2@h", "option" },
  { "redis://:12?hunter2=x@h", "option" },
  { "redis://:12/3?hunter2&x@h", "option" },
  { "redis://joe:p@ss?hunter2@h", "option" },

  { "unix:", "path" },
  { "unix:/", "path" },
  { "unix://", "path" },
  { "unix:///", "path" },
  { "unix://?db=1", "path" },
  { "unix:relative.sock", "path" },
  { "unix://host/path", "host" },
  { "unix://:1/path", "port" },
  { "unix://joe:hunter2@host/path", "host" },

  { "unix-x:///s", "scheme" },
  { "redis+unix-x:///s", "scheme" },
  { "http-x://h", "scheme" },
  { "redis+x://h", "scheme" },
  { "redis-x:h", "//" },
  { "redis-x:/h", "//" },
  { "redis-x", "scheme" },
  { "redis-x://h1,,h2", "between commas" },
  { "redis-x://,h", "between commas" },
  { "redis-x://h,", "between commas" },
  { "redis-x://h:0", "port" },
  { "redis-x://h,g:65536", "port" },
  { "redis-x://h:1:2,g", "brackets" },
  { "redis-x://[::1,g", "bracket" },
  { "redis-x://::1,g", "brackets" },
  { "redis-x://[g]", "IPv6" },
  { "redis-x://h%00", "host" },
  { "redis-x://:hunter2/7@h", "percent-encoded" },
  { "redis-x://:hunter2?7@h", "percent-encoded" },
  { "redis-x://h/p@hunter2", "percent-encoded" },
  { "redis-x://:hunter2%ff@h", "password" },
  { "redis-x://h/%00", "path" },
  { "redis-x://h?a", "NAME=VALUE" },
  { "redis-x://h?db=x", "database" },
};

static void
test_bad (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisEndpoint) endpoint = tornadis_endpoint_parse (bad[i].uri, &error);
      g_autofree char *escaped = g_strescape (bad[i].uri, NULL);

      g_test_message ("%s: %s", escaped, error != NULL ? error->message : "no error");
      g_assert_null (endpoint);
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_assert_true (g_str_has_prefix (error->message, "Invalid URI: "));
      g_assert_nonnull (strstr (error->message, bad[i].problem));

      /* nothing of the URI is in the message: the secret is not, nor is a piece of it */
      g_assert_null (strstr (error->message, "hun"));
      g_assert_null (strstr (error->message, "ter2"));
      if (strlen (bad[i].uri) > 8)
        g_assert_null (strstr (error->message, bad[i].uri));
    }
}

static void
test_error_ignored (void)
{
  g_assert_null (tornadis_endpoint_parse ("redis://h:0", NULL));
}

/* Cuts every good URI at every place: each prefix parses or gives an error, and both are clean. */
static void
test_prefixes (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      for (gsize length = 0; length < strlen (good[i].uri); length++)
        {
          g_autofree char *uri = g_strndup (good[i].uri, length);
          g_autoptr (GError) error = NULL;
          g_autoptr (TornadisEndpoint) endpoint = tornadis_endpoint_parse (uri, &error);

          g_assert_true ((endpoint == NULL) == (error != NULL));
          if (endpoint != NULL)
            g_assert_true ((endpoint->host == NULL) == (endpoint->unix_path != NULL || endpoint->plugin != NULL));
        }
    }
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/endpoint/good", test_good);
  g_test_add_func ("/endpoint/bad", test_bad);
  g_test_add_func ("/endpoint/error-ignored", test_error_ignored);
  g_test_add_func ("/endpoint/prefixes", test_prefixes);

  return g_test_run ();
}
