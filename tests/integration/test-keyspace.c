/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/util.h"

#include <string.h>

/* What is told, a line each. */
typedef struct
{
  TornadisKeyspace *keyspace;
  GString *log;
  guint n_expired; /* by the detail */
  guint n_gaps;
} Heard;

static void
log_bytes (GString *log,
           GBytes *bytes)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);

  for (gsize i = 0; i < length; i++)
    if (data[i] >= ' ' && data[i] < 0x7f)
      g_string_append_c (log, (char) data[i]);
    else
      g_string_append_printf (log, "<%02x>", data[i]);
}

static void
changed_cb (TornadisKeyspace *keyspace,
            GBytes *key,
            const char *event,
            Heard *self)
{
  g_string_append_printf (self->log, "%s ", event);
  log_bytes (self->log, key);
  g_string_append_c (self->log, '\n');
}

static void
subkey_changed_cb (TornadisKeyspace *keyspace,
                   GBytes *key,
                   const char *event,
                   GBytes *subkey,
                   Heard *self)
{
  g_string_append_printf (self->log, "%s ", event);
  log_bytes (self->log, key);
  g_string_append (self->log, " . ");
  log_bytes (self->log, subkey);
  g_string_append_c (self->log, '\n');
}

static void
expired_cb (TornadisKeyspace *keyspace,
            GBytes *key,
            const char *event,
            Heard *self)
{
  g_assert_cmpstr (event, ==, "expired");
  self->n_expired++;
}

static void
gap_cb (TornadisKeyspace *keyspace,
        Heard *self)
{
  self->n_gaps++;
}

static void
disabled_cb (TornadisKeyspace *keyspace,
             const GError *error,
             Heard *self)
{
  g_assert_false (tornadis_keyspace_get_active (keyspace));
  g_string_append_printf (self->log, "disabled: %s\n", error->message);
}

/* Takes over @keyspace. */
static void
hear (Heard *self,
      TornadisKeyspace *keyspace)
{
  *self = (Heard){ keyspace, g_string_new (NULL), 0, 0 };
  g_signal_connect (keyspace, "changed", G_CALLBACK (changed_cb), self);
  g_signal_connect (keyspace, "subkey-changed", G_CALLBACK (subkey_changed_cb), self);
  g_signal_connect (keyspace, "changed::expired", G_CALLBACK (expired_cb), self);
  g_signal_connect (keyspace, "gap", G_CALLBACK (gap_cb), self);
  g_signal_connect (keyspace, "disabled", G_CALLBACK (disabled_cb), self);
}

static void
heard_clear (Heard *self)
{
  assert_finalized (g_steal_pointer (&self->keyspace));
  g_string_free (self->log, TRUE);
}

static void
assert_heard (Heard *self,
              const char *expected)
{
  wait_until (self->log->len >= strlen (expected));
  g_assert_cmpstr (self->log->str, ==, expected);
  g_string_truncate (self->log, 0);
}

static gboolean
start (TornadisKeyspace *keyspace,
       GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_keyspace_start_async (keyspace, NULL, store_result, &result);

  return tornadis_keyspace_start_finish (keyspace, wait_for_result (&result), error);
}

static void
assert_starts (TornadisKeyspace *keyspace)
{
  g_autoptr (GError) error = NULL;
  gboolean started = start (keyspace, &error);

  g_assert_no_error (error);
  g_assert_true (started);
  g_assert_true (tornadis_keyspace_get_active (keyspace));
}

static void
assert_does_not_start (TornadisKeyspace *keyspace,
                       int code,
                       const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (start (keyspace, &error));
  g_assert_error (error, TORNADIS_ERROR, code);
  g_assert_cmpstr (error->message, ==, message);
  g_assert_false (tornadis_keyspace_get_active (keyspace));
}

static void
set_notifications (TornadisClient *client,
                   const char *value)
{
  assert_call (client, "OK", "CONFIG", "SET", "notify-keyspace-events", value, NULL);
}

static void
assert_notifications (TornadisClient *client,
                      const char *value)
{
  g_autofree char *expected = g_strdup_printf ("1# \"notify-keyspace-events\" => \"%s\"", value);

  assert_call (client, expected, "CONFIG", "GET", "notify-keyspace-events", NULL);
}

static void
test_events (Fixture *fixture,
             gconstpointer data)
{
  Heard heard;

  set_notifications (fixture->client, "KA");
  hear (&heard, tornadis_keyspace_new (fixture->client, "user:*"));
  assert_starts (heard.keyspace);
  g_assert_true (tornadis_keyspace_get_checked (heard.keyspace));
  g_assert_false (tornadis_keyspace_get_has_subkeys (heard.keyspace));

  assert_call (fixture->client, "OK", "SET", "user:1", "x", NULL);
  assert_call (fixture->client, "OK", "SET", "other", "x", NULL);
  assert_call (fixture->client, "OK", "RENAME", "user:1", "user:2", NULL);
  /* Redis 7.0 looks at the clock twice, and deletes what has expired in between. */
  assert_call (fixture->client, "(integer) 1", "PEXPIRE", "user:2", "100", NULL);
  assert_heard (&heard, "set user:1\nrename_from user:1\nrename_to user:2\nexpire user:2\nexpired user:2\n");
  g_assert_cmpuint (heard.n_expired, ==, 1);

  /* Not of another database. */
  assert_call (fixture->client, "OK", "SELECT", "1", NULL);
  assert_call (fixture->client, "OK", "SET", "user:1", "x", NULL);
  assert_call (fixture->client, "OK", "SELECT", "0", NULL);
  assert_call (fixture->client, "(integer) 1", "LPUSH", "user:3", "x", NULL);
  assert_heard (&heard, "lpush user:3\n");

  /* It is at rest until it is started anew. */
  tornadis_keyspace_stop (heard.keyspace);
  g_assert_false (tornadis_keyspace_get_active (heard.keyspace));
  assert_call (fixture->client, "(integer) 2", "LPUSH", "user:3", "x", NULL);
  assert_starts (heard.keyspace);
  assert_call (fixture->client, "(integer) 3", "RPUSH", "user:3", "x", NULL);
  assert_heard (&heard, "rpush user:3\n");
  g_assert_cmpuint (heard.n_gaps, ==, 0);
  heard_clear (&heard);
}

/* That of the client, as it is when it is started, or one of its own. */
static void
test_database (Fixture *fixture,
               gconstpointer data)
{
  Heard heard, other;

  set_notifications (fixture->client, "KA");
  assert_call (fixture->client, "OK", "SELECT", "3", NULL);
  hear (&heard, tornadis_keyspace_new (fixture->client, NULL));
  hear (&other, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", fixture->client, "db", 2, NULL));
  assert_starts (heard.keyspace);
  assert_starts (other.keyspace);

  assert_call (fixture->client, "OK", "SET", "three", "x", NULL);
  assert_call (fixture->client, "OK", "SELECT", "2", NULL);
  assert_call (fixture->client, "OK", "SET", "two", "x", NULL);
  assert_heard (&heard, "set three\n");
  assert_heard (&other, "set two\n");
  heard_clear (&heard);
  heard_clear (&other);
}

/* Names of any bytes, and one that a pattern would take for something else. */
static void
test_bytes (Fixture *fixture,
            gconstpointer data)
{
  static const char name[] = "__keyspace@0__:\0\xff|,\n*";
  static const char pattern[] = "__keyspace@0__:\0\xff*";
  g_autoptr (GBytes) key = g_bytes_new_static (name, sizeof name - 1);
  g_autoptr (GBytes) glob = g_bytes_new_static (pattern, sizeof pattern - 1);
  g_autoptr (GBytes) set = g_bytes_new_static ("SET", 3);
  g_autoptr (GBytes) value = g_bytes_new_static ("x", 1);
  g_autoptr (TornadisCommand) command = tornadis_command_new_bytes ((GBytes *[]){ set, key, value }, 3);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  Heard by_pattern, by_event, exact;

  set_notifications (fixture->client, "KEA");
  hear (&by_pattern, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", fixture->client, "pattern", glob, NULL));
  hear (&by_event, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", fixture->client, "event", "set", NULL));
  hear (&exact, tornadis_keyspace_new (fixture->client, "plain"));
  assert_starts (by_pattern.keyspace);
  assert_starts (by_event.keyspace);
  assert_starts (exact.keyspace);

  tornadis_client_call_async (fixture->client, command, NULL, store_result, &result);
  reply = tornadis_client_call_finish (fixture->client, wait_for_result (&result), NULL);
  g_assert_nonnull (reply);
  assert_call (fixture->client, "OK", "SET", "plain", "x", NULL);
  assert_call (fixture->client, "(integer) 1", "DEL", "plain", NULL);
  assert_heard (&by_pattern, "set __keyspace@0__:<00><ff>|,<0a>*\n");
  assert_heard (&by_event, "set __keyspace@0__:<00><ff>|,<0a>*\nset plain\n");
  assert_heard (&exact, "set plain\ndel plain\n");
  heard_clear (&by_pattern);
  heard_clear (&by_event);
  heard_clear (&exact);
}

/* Valkey 8.1 has a name of its own for what is gone at once because its time has passed. */
static void
test_past (Fixture *fixture,
           gconstpointer data)
{
  Heard heard;
  gboolean is_valkey;

  get_server_version (fixture->redis, &is_valkey);
  set_notifications (fixture->client, "KEA");
  hear (&heard, tornadis_keyspace_new (fixture->client, NULL));
  assert_starts (heard.keyspace);
  assert_call (fixture->client, "OK", "SET", "a", "x", NULL);
  assert_call (fixture->client, "(integer) 1", "EXPIRE", "a", "-1", NULL);
  assert_heard (&heard, is_valkey ? "set a\nexpired a\n" : "set a\ndel a\n");
  heard_clear (&heard);
}

/* Of what kind the channels are that a server has turned on is its own choice where it may be. */
static void
test_kinds (Fixture *fixture,
            gconstpointer data)
{
  Heard all, set, both;

  set_notifications (fixture->client, "E$");
  hear (&all, tornadis_keyspace_new (fixture->client, NULL));
  hear (&set, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", fixture->client, "event", "set", NULL));
  hear (&both, tornadis_keyspace_new (fixture->client, "a*"));
  assert_starts (all.keyspace);
  assert_does_not_start (both.keyspace, TORNADIS_ERROR_USAGE,
                         "Keyspace notifications are off: notify-keyspace-events of the server is \"$E\" and lacks \"K\"");

  set_notifications (fixture->client, "KE$");
  assert_starts (set.keyspace);
  heard_clear (&both);
  hear (&both, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", fixture->client, "event", "append", "pattern",
                             tornadis_keyspace_get_pattern (all.keyspace), NULL));
  assert_starts (both.keyspace);
  assert_call (fixture->client, "OK", "SET", "a", "x", NULL);
  assert_call (fixture->client, "(integer) 2", "APPEND", "a", "x", NULL);
  assert_heard (&all, "set a\nappend a\n");
  assert_heard (&set, "set a\n");
  assert_heard (&both, "append a\n");
  heard_clear (&all);
  heard_clear (&set);
  heard_clear (&both);
}

static void
test_off (Fixture *fixture,
          gconstpointer data)
{
  g_autoptr (TornadisKeyspace) keyspace = tornadis_keyspace_new (fixture->client, NULL);
  g_autoptr (TornadisKeyspace) picky = g_object_new (TORNADIS_TYPE_KEYSPACE, "client", fixture->client, "classes", "xem", NULL);

  set_notifications (fixture->client, "");
  assert_does_not_start (keyspace, TORNADIS_ERROR_USAGE,
                         "Keyspace notifications are off: notify-keyspace-events of the server is \"\" and lacks \"KA\"");
  set_notifications (fixture->client, "AK");
  assert_does_not_start (picky, TORNADIS_ERROR_USAGE,
                         "Keyspace notifications are off: notify-keyspace-events of the server is \"AK\" and lacks \"m\"");
  assert_notifications (fixture->client, "AK");
}

/* What others have turned on stays. */
static void
test_configure (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (GBytes) pattern = g_bytes_new_static ("k*", 2);
  Heard heard;

  set_notifications (fixture->client, "Elz");
  hear (&heard, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", fixture->client, "pattern", pattern, "configure", TRUE, "classes",
                              "gx", "subkeys", TRUE, NULL));
  assert_starts (heard.keyspace);
  assert_notifications (fixture->client, "glzxKE");
  /* Before Redis 8.8 the server knows of no fields. */
  g_assert_false (tornadis_keyspace_get_has_subkeys (heard.keyspace));
  assert_call (fixture->client, "OK", "SET", "k", "x", NULL);
  assert_call (fixture->client, "(integer) 1", "DEL", "k", NULL);
  assert_heard (&heard, "del k\n");
  heard_clear (&heard);

  set_notifications (fixture->client, "");
  hear (&heard, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", fixture->client, "event", "evicted", "configure", TRUE, NULL));
  assert_starts (heard.keyspace);
  assert_notifications (fixture->client, "AE");
  heard_clear (&heard);
}

static void
test_evicted (Fixture *fixture,
              gconstpointer data)
{
  Heard heard;
  g_autofree char *value = g_strnfill (100000, 'x');

  hear (&heard, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", fixture->client, "event", "evicted", "configure", TRUE, NULL));
  assert_starts (heard.keyspace);
  assert_call (fixture->client, "OK", "SET", "fat", value, NULL);
  assert_call (fixture->client, "OK", "CONFIG", "SET", "maxmemory-policy", "allkeys-random", NULL);
  assert_call (fixture->client, "OK", "CONFIG", "SET", "maxmemory", "1", NULL);
  assert_heard (&heard, "evicted fat\n");
  assert_call (fixture->client, "OK", "CONFIG", "SET", "maxmemory", "0", NULL);
  heard_clear (&heard);
}

/* A user who may not ask for the setting. */
static void
test_no_right (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", tornadis_harness_redis_get_port (fixture->redis));
  g_autoptr (TornadisKeyspace) asking = NULL;
  Heard heard;

  set_notifications (fixture->client, "KA");
  assert_call (fixture->client, "OK", "ACL", "SETUSER", "guest", "on", ">secret", "~*", "&*", "+@all", "-config", NULL);
  g_object_set (client, "username", "guest", "password", "secret", NULL);
  hear (&heard, tornadis_keyspace_new (client, NULL));
  assert_starts (heard.keyspace);
  g_assert_false (tornadis_keyspace_get_checked (heard.keyspace));
  assert_call (fixture->client, "OK", "SET", "k", "x", NULL);
  assert_heard (&heard, "set k\n");

  asking = g_object_new (TORNADIS_TYPE_KEYSPACE, "client", client, "configure", TRUE, NULL);
  {
    g_autoptr (GError) error = NULL;

    g_assert_false (start (asking, &error));
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  }

  /* The right to channels is taken away: it cannot be restored. */
  assert_call (fixture->client, "OK", "ACL", "SETUSER", "guest", "resetchannels", NULL);
  wait_until (!tornadis_keyspace_get_active (heard.keyspace));
  g_assert_true (g_str_has_prefix (heard.log->str, "disabled: "));
  heard_clear (&heard);
  assert_call (fixture->client, "(integer) 1", "ACL", "DELUSER", "guest", NULL);
}

static gboolean
has_notifications (TornadisClient *client)
{
  g_autofree char *setting = call_text (client, "CONFIG", "GET", "notify-keyspace-events", NULL);

  return strstr (setting, "AK") != NULL;
}

/* A server that begins anew has forgotten its setting. */
static void
test_restart (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessRedis) redis = tornadis_harness_redis_new (NULL, &error);
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", tornadis_harness_redis_get_port (redis));
  Heard asking, asked;

  g_assert_no_error (error);
  hear (&asking, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", client, "configure", TRUE, NULL));
  hear (&asked, tornadis_keyspace_new (client, NULL));
  assert_starts (asking.keyspace);
  assert_starts (asked.keyspace);

  /* Only the connections. */
  assert_call (client, "(integer) 2", "CLIENT", "KILL", "TYPE", "pubsub", NULL);
  wait_until (asking.n_gaps > 0 && asked.n_gaps > 0);
  assert_call (client, "OK", "SET", "k", "x", NULL);
  assert_heard (&asking, "set k\n");
  assert_heard (&asked, "set k\n");
  tornadis_keyspace_stop (asked.keyspace);

  asking.n_gaps = 0;
  tornadis_client_close (client);
  tornadis_harness_redis_kill (redis);
  assert_done (tornadis_harness_redis_restart, redis);
  wait_until (has_notifications (client));
  wait_until (asking.n_gaps > 0);
  assert_call (client, "OK", "SET", "k", "x", NULL);
  assert_heard (&asking, "set k\n");
  assert_starts (asked.keyspace);
  tornadis_keyspace_stop (asking.keyspace);

  tornadis_client_close (client);
  tornadis_harness_redis_kill (redis);
  assert_done (tornadis_harness_redis_restart, redis);
  assert_heard (&asked, "disabled: Keyspace notifications are off: notify-keyspace-events of the server is \"\" and lacks \"KA\"\n");
  heard_clear (&asking);
  heard_clear (&asked);
  tornadis_client_close (client);
}

static void
append_array (GString *script,
              const char *const *texts,
              int number)
{
  g_string_append_printf (script, "*%u\\r\\n", g_strv_length ((char **) texts) + (number >= 0));
  for (; *texts != NULL; texts++)
    {
      g_autofree char *escaped = g_strescape (*texts, NULL);

      g_string_append_printf (script, "$%zu\\r\\n%s\\r\\n", strlen (*texts), escaped);
    }
  if (number >= 0)
    g_string_append_printf (script, ":%d\\r\\n", number);
}

/* A server like Redis 8.8, and one that is mad. */
static TornadisHarnessPeer *
make_subkey_peer (const char *verb,
                  const char *const *names,
                  const char *const *told)
{
  GString *script = g_string_new ("handshake\nexpect CONFIG\nsend \"");
  g_autofree char *text = NULL;

  append_array (script, (const char *[]){ "notify-keyspace-events", "AKEST", NULL }, -1);
  g_string_append_printf (script, "\"\n---\nhandshake\nexpect %s\nsend \"", verb);
  for (int i = 0; names[i] != NULL; i++)
    append_array (script, (const char *[]){ verb[0] == 'P' ? "psubscribe" : "subscribe", names[i], NULL }, i + 1);
  for (guint i = 0; told[i] != NULL; i += 2)
    {
      if (verb[0] == 'P')
        append_array (script, (const char *[]){ "pmessage", names[1], told[i], told[i + 1], NULL }, -1);
      else
        append_array (script, (const char *[]){ "message", told[i], told[i + 1], NULL }, -1);
    }
  g_string_append (script, "\"\n");
  text = g_string_free (script, FALSE);

  return make_peer (text);
}

static void
test_subkeys (void)
{
  static const char *const told[] = {
    /* clang-format off */
    "__keyspace@0__:h:1", "hset",
    "__subkeyspace@0__:h:1", "hset|1:a",
    "__subkeyspace@0__:h:1", "hdel|7:a|b,3:x,0:,1:a,1:a",
    /* of a wrong form */
    "__subkeyspace@0__:h:1", "", "__subkeyspace@0__:h:1", "hset", "__subkeyspace@0__:h:1", "hset|", "__subkeyspace@0__:h:1", "|1:a",
    "__subkeyspace@0__:h:1", "hset|2:a", "__subkeyspace@0__:h:1", "hset|99999999999999999999:a", "__subkeyspace@0__:h:1", "hset|1:a,",
    "__subkeyspace@0__:h:1", "hset|1:ab", "__subkeyspace@0__:h:1", "hset|:a", "__subkeyspace@0__:h:1", "hset|-1:a",
    "__subkeyspace@1__:h:1", "hset|1:a", "__subkeyspaceitem@0__:h:1\na", "hset", "__keyspace@0__:h:1", "", "nonsense", "x",
    "__keyspace@0__:", "set",
    NULL,
    /* clang-format on */
  };
  g_autoptr (TornadisHarnessPeer) peer =
    make_subkey_peer ("PSUBSCRIBE", (const char *[]){ "__keyspace@0__:h:*", "__subkeyspace@0__:h:*", NULL }, told);
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (GBytes) pattern = g_bytes_new_static ("h:*", 3);
  Heard heard;

  hear (&heard, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", client, "pattern", pattern, "subkeys", TRUE, NULL));
  assert_starts (heard.keyspace);
  g_assert_true (tornadis_keyspace_get_has_subkeys (heard.keyspace));
  assert_heard (&heard, "hset h:1\nhset h:1 . a\nhdel h:1 . a|b,3:x\nhdel h:1 . \nhdel h:1 . a\nhdel h:1 . a\nset \n");
  heard_clear (&heard);
}

static void
test_subkey_events (void)
{
  static const char *const told[] = {
    /* clang-format off */
    "__subkeyevent@0__:hdel", "5:h|1:2|1:a,2:|b",
    "__keyevent@0__:hdel", "h|1:2",
    "__subkeyevent@0__:hdel", "9:h|1:a", "__subkeyevent@0__:hdel", "1:h", "__subkeyevent@0__:", "1:h|1:a", "__subkeyevent@0__:hdel", "",
    "__keyevent@0__:", "h", "__keyevent@0__:hset", "h",
    "__subkeyevent@0__:hdel", "0:|1:z",
    NULL,
    /* clang-format on */
  };
  g_autoptr (TornadisHarnessPeer) peer =
    make_subkey_peer ("SUBSCRIBE", (const char *[]){ "__keyevent@0__:hdel", "__subkeyevent@0__:hdel", NULL }, told);
  g_autoptr (TornadisClient) client = make_client (peer);
  Heard heard;

  hear (&heard, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", client, "event", "hdel", "subkeys", TRUE, NULL));
  assert_starts (heard.keyspace);
  assert_heard (&heard, "hdel h|1:2 . a\nhdel h|1:2 . |b\nhdel h|1:2\nhdel  . z\n");
  heard_clear (&heard);
}

static void
stop_cb (TornadisKeyspace *keyspace,
         GBytes *key,
         const char *event,
         GBytes *subkey,
         guint *n)
{
  (*n)++;
  tornadis_keyspace_stop (keyspace);
}

/* Nothing comes after it was stopped, from within a handler too. */
static void
test_stop (void)
{
  static const char *const told[] = { "__subkeyevent@0__:hdel", "1:h|1:a,1:b", "__subkeyevent@0__:hdel", "1:h|1:c", NULL };
  g_autoptr (TornadisHarnessPeer) peer =
    make_subkey_peer ("SUBSCRIBE", (const char *[]){ "__keyevent@0__:hdel", "__subkeyevent@0__:hdel", NULL }, told);
  g_autoptr (TornadisClient) client = make_client (peer);
  guint n = 0;
  Heard heard;

  hear (&heard, g_object_new (TORNADIS_TYPE_KEYSPACE, "client", client, "event", "hdel", "subkeys", TRUE, NULL));
  g_signal_connect (heard.keyspace, "subkey-changed", G_CALLBACK (stop_cb), &n);
  {
    g_autoptr (GAsyncResult) result = NULL;

    tornadis_keyspace_start_async (heard.keyspace, NULL, store_result, &result);
    wait_for_result (&result);
  }
  wait_until (n > 0);
  spin_for (0);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpstr (heard.log->str, ==, "hdel h . a\n");
  heard_clear (&heard);
}

#define SETTING(value) "send \"*2\\r\\n$22\\r\\nnotify-keyspace-events\\r\\n$" value "\\r\\n\"\n"

/* Another program sets it at the same time, having read it before: what that has undone is done again. */
static void
test_configure_together (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\n"
                                                    "expect CONFIG\n" SETTING ("0\\r\\n") "expect CONFIG\nsend \"+OK\\r\\n\"\n"
                                                                                          "expect CONFIG\n" SETTING ("2\\r\\nxK") "expect CONFIG\n" SETTING ("2\\r\\n$E") "expect CONFIG\nsend \"+OK\\r\\n\"\n"
                                                                                                                                                                          "expect CONFIG\n" SETTING ("4\\r\\n$xEK") "expect CONFIG\n" SETTING ("4\\r\\n$xEK") "expect CONFIG\n" SETTING ("4\\r\\n$xEK") "drain\n---\nhandshake\nexpect PSUBSCRIBE\ndrain\n");
  g_autoptr (TornadisClient) client = make_client (peer);
  g_autoptr (TornadisKeyspace) keyspace =
    g_object_new (TORNADIS_TYPE_KEYSPACE, "client", client, "configure", TRUE, "classes", "x", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *received = NULL;

  tornadis_keyspace_start_async (keyspace, NULL, store_result, &result);
  wait_until (count_received (peer, "PSUBSCRIBE") == 1);
  received = tornadis_harness_peer_get_received (peer);
  g_assert_nonnull (strstr (received, "CONFIG SET notify-keyspace-events Kx"));
  g_assert_nonnull (strstr (received, "CONFIG SET notify-keyspace-events $EKx"));
  tornadis_keyspace_stop (keyspace);
  wait_for_result (&result);
}

static void
stop_when_notified_cb (TornadisKeyspace *keyspace)
{
  tornadis_keyspace_stop (keyspace);
}

/* Before it is subscribed, by who is notified that the setting is known. */
static void
test_stop_when_notified (Fixture *fixture,
                         gconstpointer data)
{
  g_autoptr (TornadisKeyspace) keyspace = tornadis_keyspace_new (fixture->client, "k:*");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  assert_call (fixture->client, "OK", "CONFIG", "SET", "notify-keyspace-events", "KA", NULL);
  g_signal_connect (keyspace, "notify::checked", G_CALLBACK (stop_when_notified_cb), NULL);
  tornadis_keyspace_start_async (keyspace, NULL, store_result, &result);
  g_assert_false (tornadis_keyspace_start_finish (keyspace, wait_for_result (&result), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_call (fixture->client, "(integer) 0", "PUBSUB", "NUMPAT", NULL);
}

/* A start that does not come to an end. */
static void
test_cancel (void)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nexpect CONFIG\nstop-reading\n");
  g_autoptr (TornadisClient) client = make_client (peer);

  for (guint stops = 0; stops < 2; stops++)
    {
      g_autoptr (TornadisKeyspace) keyspace = tornadis_keyspace_new (client, NULL);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GAsyncResult) second = NULL;
      g_autoptr (GError) error = NULL;

      tornadis_keyspace_start_async (keyspace, cancellable, store_result, &result);
      tornadis_keyspace_start_async (keyspace, NULL, store_result, &second);
      g_assert_false (tornadis_keyspace_start_finish (keyspace, wait_for_result (&second), &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_clear_error (&error);
      wait_until (count_received (peer, "CONFIG") == stops + 1);
      if (stops)
        tornadis_keyspace_stop (keyspace);
      else
        g_cancellable_cancel (cancellable);
      g_assert_false (tornadis_keyspace_start_finish (keyspace, wait_for_result (&result), &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_false (tornadis_keyspace_get_active (keyspace));
      spin_for (0);
      g_clear_object (&result);
      g_clear_object (&second);
      assert_finalized (g_steal_pointer (&keyspace));
    }
}

/* It is dropped while it looks whether notifications are still on. */
static void
test_dropped (Fixture *fixture,
              gconstpointer data)
{
  Heard heard;
  g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", tornadis_harness_redis_get_port (fixture->redis));

  set_notifications (fixture->client, "KA");
  hear (&heard, tornadis_keyspace_new (client, NULL));
  assert_starts (heard.keyspace);
  assert_call (fixture->client, "(integer) 1", "CLIENT", "KILL", "TYPE", "pubsub", NULL);
  wait_until (heard.n_gaps > 0);
  assert_call (fixture->client, "(integer) 1", "CLIENT", "KILL", "TYPE", "pubsub", NULL);
  heard_clear (&heard);
  assert_finalized (g_steal_pointer (&client));
}

#define ADD(name, func) g_test_add ("/keyspace/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("events", test_events);
  ADD ("database", test_database);
  ADD ("bytes", test_bytes);
  ADD ("kinds", test_kinds);
  ADD ("past", test_past);
  ADD ("off", test_off);
  ADD ("configure", test_configure);
  ADD ("evicted", test_evicted);
  ADD ("no-right", test_no_right);
  ADD ("restart", test_restart);
  ADD ("dropped", test_dropped);
  g_test_add_func ("/keyspace/subkeys", test_subkeys);
  g_test_add_func ("/keyspace/subkey-events", test_subkey_events);
  g_test_add_func ("/keyspace/configure-together", test_configure_together);
  ADD ("stop-when-notified", test_stop_when_notified);
  g_test_add_func ("/keyspace/stop", test_stop);
  g_test_add_func ("/keyspace/cancel", test_cancel);

  return g_test_run ();
}
