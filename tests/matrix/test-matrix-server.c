/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What real servers do to their clients. */

#include <glib/gstdio.h>
#include <string.h>

#include "matrix/matrix.h"

#define V MATRIX_VALUE
#define C MATRIX_CONNECT
#define A MATRIX_AUTHENTICATION
#define L MATRIX_LOST
#define T MATRIX_TIMEOUT
#define R MATRIX_REPLY
#define U MATRIX_USAGE
#define SAME MATRIX_SAME
#define NEW MATRIX_NEW

/* A call whose time is over at once, and one that a server that goes on answers. */
#define NO_TIME_MSEC 20
/* Of the library, in seconds and one more. */
#define CONNECT_TIMEOUT 21
#define MEGABYTE (1024 * 1024)

typedef struct
{
  TornadisHarnessRedis *redis; /* (owned) */
  TornadisClient *client;      /* (owned) */
  gint64 id;                   /* the server's number of its connection */
  gboolean is_own;             /* that it is the client's, and not a pool's */
  guint n_lost;                /* how many connections that has lost */
  MatrixCall call;
  MatrixCall behind;
} Scene;

typedef void (*SceneFunc) (Scene *self);

typedef struct
{
  const char *name;
  const char *what;
  SceneFunc func;
  MatrixEnds ends;
  const char *args[6]; /* of a server of its own */
} Row;

static gint64
get_id (Scene *self)
{
  g_autoptr (TornadisReply) reply = call (self->client, NULL, "CLIENT", "ID", NULL);

  g_assert_nonnull (reply);
  return tornadis_reply_get_integer (reply);
}

/* What is called from now on is written at once. */
static void
start (Scene *self)
{
  g_object_set (self->client, "aggressive-write", TRUE, NULL);
  self->id = get_id (self);
  self->is_own = TRUE;
}

/* What an administrator says, over a connection of its own. */
static void G_GNUC_PRINTF (2, 3)
  say (Scene *self,
       const char *format,
       ...)
{
  g_autofree char *line = NULL;
  g_autofree char *reply = NULL;
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);
  reply = tornadis_harness_redis_command (self->redis, line, &error);
  g_assert_no_error (error);
  if (g_str_has_prefix (reply, "-"))
    g_error ("%s: %s", line, reply);
}

#define CALL(self, member, ...) matrix_call_submit_strv (&(self)->member, (self)->client, (const char *[]){ __VA_ARGS__, NULL })
#define BLOCK(self) CALL (self, call, "BLPOP", "nothing", "0")

static void
await_blocked (Scene *self)
{
  wait_until (count_blocked (self->redis) == 1);
}

static void
kill_client (Scene *self)
{
  say (self, "CLIENT KILL ID %" G_GINT64_FORMAT, self->id);
}

static void
kill_idle (Scene *self)
{
  start (self);
  kill_client (self);
  wait_until (!tornadis_client_is_connected (self->client));
  matrix_call_submit (&self->call, self->client);
}

static void
kill_blocked (Scene *self)
{
  start (self);
  BLOCK (self);
  matrix_call_submit (&self->behind, self->client);
  await_blocked (self);
  kill_client (self);
}

static void
kill_pipeline (Scene *self)
{
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "ECHO call", "BLPOP nothing 0", "ECHO call");

  start (self);
  matrix_call_submit_pipeline_of (&self->call, self->client, pipeline);
  await_blocked (self);
  kill_client (self);
}

static void
kill_in_multi (Scene *self)
{
  start (self);
  assert_call (self->client, "OK", "MULTI", NULL);
  assert_call (self->client, "QUEUED", "SET", "half", "done", NULL);
  kill_client (self);
  wait_until (!tornadis_client_is_connected (self->client));
  CALL (self, call, "EXEC");
  matrix_call_assert (&self->call, L, "EXEC");
  assert_call (self->client, "(nil)", "GET", "half", NULL);
}

static void
kill_in_pool (Scene *self)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (self->client);
  g_autoptr (TornadisClient) taken = NULL;
  g_autoptr (TornadisClient) template = g_steal_pointer (&self->client);

  g_object_set (pool, "max-size", 1, NULL);
  self->client = taken = assert_take (pool);
  start (self);
  BLOCK (self);
  matrix_call_pool (&self->behind, pool);
  await_blocked (self);
  kill_client (self);
  matrix_call_assert (&self->call, L, "kill");
  tornadis_client_pool_release_client (pool, taken);
  matrix_call_assert (&self->behind, V, "kill");
  tornadis_client_pool_destroy (pool);
  self->client = g_steal_pointer (&template);
  self->is_own = FALSE;
}

static void
kill_by_itself (Scene *self)
{
  g_autofree char *id = NULL;

  start (self);
  id = g_strdup_printf ("%" G_GINT64_FORMAT, self->id);
  CALL (self, call, "CLIENT", "KILL", "ID", id, "SKIPME", "no");
  matrix_call_assert (&self->call, V | MATRIX_OTHERS, "CLIENT KILL");
  g_assert_cmpstr (self->call.text, ==, "(integer) 1");
  self->call.ending = V;
  wait_until (!tornadis_client_is_connected (self->client));
}

/* The server looks every second. */
static void
idle_too_long (Scene *self)
{
  g_autoptr (TornadisClient) blocked =
    tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (self->redis));
  g_autoptr (TornadisClient) subscribed =
    TORNADIS_CLIENT (tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (self->redis)));
  MatrixCall calls[] = { { .serial = "blocked" }, { .serial = "subscribed" } };

  matrix_call_submit_strv (&calls[0], blocked, (const char *[]){ "BLPOP", "later", "0", NULL });
  matrix_call_subscribe (&calls[1], subscribed, "news");
  matrix_call_assert (&calls[1], V, "SUBSCRIBE");
  await_blocked (self);
  start (self);
  wait_until (!tornadis_client_is_connected (self->client));
  g_assert_true (tornadis_client_is_connected (blocked));
  g_assert_true (tornadis_client_is_connected (subscribed));
  say (self, "RPUSH later blocked");
  matrix_call_assert (&calls[0], V | MATRIX_OTHERS, "BLPOP");
  matrix_assert_once (calls, 2);
  matrix_call_submit (&self->call, self->client);
  matrix_call_assert (&self->call, V, "timeout");
}

typedef struct
{
  guint n_messages;
  guint n_gaps;
} Heard;

static void
message_cb (TornadisPubSubClient *client,
            TornadisMessage *message,
            gpointer user_data)
{
  g_autoptr (GBytes) payload = tornadis_message_get_payload (message);
  gsize size = g_bytes_get_size (payload);

  g_assert_true (size == MEGABYTE / 4 || size == strlen ("after"));
  ((Heard *) user_data)->n_messages++;
}

static void
gap_cb (TornadisPubSubClient *client,
        gpointer user_data)
{
  ((Heard *) user_data)->n_gaps++;
}

/* The subscriber does not read, and is cut off within a message. */
static void
flood_subscriber (Scene *self)
{
  TornadisPubSubClient *client =
    tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (self->redis));
  g_autofree char *publish =
    g_strdup_printf ("EVAL \"return redis.call ('PUBLISH', 'news', string.rep ('x', %d))\" 0", MEGABYTE / 4);
  Heard heard = { 0 };
  guint n_published = 0;

  g_signal_connect (client, "message", G_CALLBACK (message_cb), &heard);
  g_signal_connect (client, "gap", G_CALLBACK (gap_cb), &heard);
  matrix_call_subscribe (&self->call, TORNADIS_CLIENT (client), "news");
  matrix_call_assert (&self->call, V, "SUBSCRIBE");
  for (gboolean there = TRUE; there; n_published++)
    {
      g_autofree char *reply = tornadis_harness_redis_command (self->redis, publish, NULL);

      there = g_str_has_prefix (reply, ":1");
      g_assert_cmpuint (n_published, <, 200);
    }
  wait_until (heard.n_gaps > 0);
  g_assert_cmpuint (heard.n_messages, <, n_published);
  say (self, "PUBLISH news after");
  n_published = heard.n_messages;
  wait_until (heard.n_messages > n_published);

  tornadis_client_close (TORNADIS_CLIENT (client));
  assert_client_finalized (TORNADIS_CLIENT (client));
}

/* Larger than what the server keeps for a client, in the middle of which it closes. */
static void
flood_reply (Scene *self)
{
  g_autofree char *value = g_strnfill (4 * MEGABYTE, 'x');

  start (self);
  assert_call (self->client, "OK", "SET", "large", value, NULL);
  say (self, "CONFIG SET client-output-buffer-limit \"normal 1mb 0 0\"");
  CALL (self, call, "GET", "large");
  matrix_call_assert (&self->call, L, "output buffer");
  say (self, "CONFIG SET client-output-buffer-limit \"normal 0 0 0\"");
}

/* The server does not want it, says so, and closes while more comes. */
static void
write_too_large (Scene *self)
{
  g_autofree char *value = g_strnfill (8 * MEGABYTE, 'x');

  start (self);
  CALL (self, call, "SET", "large", value);
}

static void
refuse_clients (Scene *self)
{
  g_autoptr (TornadisClient) first =
    tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (self->redis));

  say (self, "CONFIG SET maxclients 1");
  /* Until that connection is gone from the server. */
  for (gboolean is_connected = FALSE; !is_connected;)
    is_connected = connect_and_wait (first, NULL);
  matrix_call_submit (&self->call, self->client);
  matrix_call_assert (&self->call, C, "maxclients");
  g_assert_nonnull (strstr (self->call.text, "max number of clients"));
  assert_call (first, "OK", "CONFIG", "SET", "maxclients", "100", NULL);
}

static void
stop_idle (Scene *self)
{
  start (self);
  tornadis_harness_redis_pause (self->redis);
  g_object_set (self->client, "call-timeout-msec", NO_TIME_MSEC, NULL);
  matrix_call_submit (&self->call, self->client);
  matrix_call_assert (&self->call, T, "SIGSTOP");
  g_object_set (self->client, "call-timeout-msec", 0, NULL);
  matrix_call_submit (&self->behind, self->client);
  tornadis_harness_redis_resume (self->redis);
}

static void
stop_subscribing (Scene *self)
{
  TornadisClient *client =
    TORNADIS_CLIENT (tornadis_pub_sub_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (self->redis)));

  connect_and_wait (client, NULL);
  tornadis_harness_redis_pause (self->redis);
  g_object_set (client, "call-timeout-msec", NO_TIME_MSEC, NULL);
  matrix_call_subscribe (&self->call, client, "news");
  matrix_call_assert (&self->call, T, "SIGSTOP");
  g_object_set (client, "call-timeout-msec", 0, NULL);
  matrix_call_subscribe (&self->behind, client, "more");
  tornadis_harness_redis_resume (self->redis);
  matrix_call_assert (&self->behind, V, "SIGCONT");
  tornadis_client_close (client);
  assert_client_finalized (client);
}

/* Its system takes the connection, and nobody speaks. */
static void
stop_handshake (Scene *self)
{
  tornadis_harness_redis_pause (self->redis);
  matrix_call_submit (&self->call, self->client);
  spin_for (20);
  matrix_advance_clock (CONNECT_TIMEOUT);
  matrix_call_assert (&self->call, C, "SIGSTOP");
  tornadis_harness_redis_resume (self->redis);
}

static void
stop_pool (Scene *self)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (self->client);
  g_autoptr (GAsyncResult) result = NULL;

  g_object_set (pool, "max-size", 1, NULL);
  g_object_set (self->client, "call-timeout-msec", NO_TIME_MSEC, NULL);
  tornadis_client_pool_preconnect_async (pool, 1, NULL, store_result, &result);
  g_assert_true (tornadis_client_pool_preconnect_finish (pool, wait_for_result (&result), NULL));
  g_object_set (self->client, "call-timeout-msec", 0, NULL);
  tornadis_harness_redis_pause (self->redis);
  matrix_call_pool (&self->call, pool);
  matrix_call_pool (&self->behind, pool);
  matrix_call_assert (&self->call, T, "SIGSTOP");
  tornadis_harness_redis_resume (self->redis);
  matrix_call_assert (&self->behind, V, "SIGCONT");
  tornadis_client_pool_destroy (pool);
}

static void
kill_server (Scene *self)
{
  start (self);
  BLOCK (self);
  await_blocked (self);
  tornadis_harness_redis_kill (self->redis);
  matrix_call_assert (&self->call, L, "kill -9");
  matrix_call_submit (&self->behind, self->client);
  matrix_call_assert (&self->behind, C, "kill -9");
  assert_done (tornadis_harness_redis_restart, self->redis);
}

static void
restart_with_data (Scene *self)
{
  start (self);
  assert_call (self->client, "OK", "SET", "kept", "value", NULL);
  say (self, "SAVE");
  kill_server (self);
  assert_call (self->client, "\"value\"", "GET", "kept", NULL);
}

static void
restart_without_data (Scene *self)
{
  start (self);
  assert_call (self->client, "OK", "SET", "kept", "value", NULL);
  kill_server (self);
  assert_call (self->client, "(nil)", "GET", "kept", NULL);
}

static void
restart_in_transaction (Scene *self)
{
  start (self);
  assert_call (self->client, "OK", "WATCH", "kept", NULL);
  assert_call (self->client, "OK", "MULTI", NULL);
  assert_call (self->client, "QUEUED", "SET", "kept", "value", NULL);
  tornadis_harness_redis_kill (self->redis);
  assert_done (tornadis_harness_redis_restart, self->redis);
  wait_until (!tornadis_client_is_connected (self->client));
  CALL (self, call, "EXEC");
  matrix_call_assert (&self->call, L, "restart");
  assert_call (self->client, "(nil)", "GET", "kept", NULL);
}

static void
delete_user (Scene *self)
{
  say (self, "ACL SETUSER guest on >secret ~* +@all");
  g_object_set (self->client, "username", "guest", "password", "secret", NULL);
  start (self);
  BLOCK (self);
  await_blocked (self);
  say (self, "ACL DELUSER guest");
  matrix_call_assert (&self->call, L, "ACL DELUSER");
  matrix_call_submit (&self->behind, self->client);
  matrix_call_assert (&self->behind, A, "ACL DELUSER");
  say (self, "ACL SETUSER guest on >secret ~* +@all");
}

static void
change_password (Scene *self)
{
  start (self);
  say (self, "CONFIG SET requirepass other");
  matrix_call_submit (&self->call, self->client);
  matrix_call_assert (&self->call, V, "requirepass");
  tornadis_client_close (self->client);
  matrix_call_submit (&self->behind, self->client);
  matrix_call_assert (&self->behind, A, "requirepass");
  g_object_set (self->client, "password", "other", NULL);
  assert_call (self->client, "OK", "CONFIG", "SET", "requirepass", "", NULL);
  g_object_set (self->client, "password", NULL, NULL);
}

static void
unblock (Scene *self)
{
  start (self);
  BLOCK (self);
  await_blocked (self);
  say (self, "CLIENT UNBLOCK %" G_GINT64_FORMAT " ERROR", self->id);
  matrix_call_assert (&self->call, R, "UNBLOCK");
}

static void
pause_clients (Scene *self)
{
  start (self);
  say (self, "CLIENT PAUSE 600000 WRITE");
  g_object_set (self->client, "call-timeout-msec", NO_TIME_MSEC, NULL);
  CALL (self, call, "SET", "k", "v");
  matrix_call_assert (&self->call, T, "CLIENT PAUSE");
  g_object_set (self->client, "call-timeout-msec", 0, NULL);
  matrix_call_submit (&self->behind, self->client);
  say (self, "CLIENT UNPAUSE");
}

static void
busy_script (Scene *self)
{
  TornadisClient *other = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (self->redis));
  MatrixCall script = { .serial = "script" };

  say (self, "CONFIG SET lua-time-limit 1");
  start (self);
  connect_and_wait (other, NULL);
  matrix_call_submit_strv (&script, other, (const char *[]){ "EVAL", "while true do end", "0", NULL });
  /* Until it is found that the script takes long. */
  do
    {
      matrix_assert_once (&self->call, 1);
      self->call.ended = FALSE;
      CALL (self, call, "GET", "k");
      matrix_call_assert (&self->call, R | V | MATRIX_OTHERS, "EVAL");
    }
  while (self->call.ending != R);
  g_assert_true (g_str_has_prefix (self->call.text, "BUSY"));
  /* A server lets clients in meanwhile. */
  {
    TornadisClient *late = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (self->redis));
    MatrixCall connecting = { .serial = "connecting" };

    matrix_call_connect (&connecting, late);
    matrix_call_assert (&connecting, V, "BUSY");
    matrix_assert_once (&connecting, 1);
    assert_client_finalized (late);
  }
  say (self, "SCRIPT KILL");
  matrix_call_assert (&script, R, "SCRIPT KILL");
  matrix_assert_once (&script, 1);
  assert_client_finalized (other);
}

static void
assert_refused (Scene *self,
                const char *prefix,
                const char *const *argv)
{
  matrix_call_submit_strv (&self->call, self->client, argv);
  matrix_call_assert (&self->call, R, prefix);
  if (!g_str_has_prefix (self->call.text, prefix))
    g_error ("“%s”", self->call.text);
}

#define REFUSED(self, prefix, ...) assert_refused (self, prefix, (const char *[]){ __VA_ARGS__, NULL })

static void
out_of_memory (Scene *self)
{
  start (self);
  say (self, "CONFIG SET maxmemory 1");
  REFUSED (self, "OOM", "SET", "k", "v");
  say (self, "CONFIG SET maxmemory 0");
}

static void
no_replicas (Scene *self)
{
  start (self);
  say (self, "CONFIG SET min-replicas-to-write 1");
  REFUSED (self, "NOREPLICAS", "SET", "k", "v");
  say (self, "CONFIG SET min-replicas-to-write 0");
}

static void
become_replica (Scene *self)
{
  start (self);
  say (self, "REPLICAOF 127.0.0.1 1");
  REFUSED (self, "READONLY", "SET", "k", "v");
  say (self, "REPLICAOF NO ONE");
  wait_until (!tornadis_client_is_connected (self->client));
}

static void
stale_replica (Scene *self)
{
  start (self);
  say (self, "CONFIG SET replica-serve-stale-data no");
  say (self, "REPLICAOF 127.0.0.1 1");
  REFUSED (self, "MASTERDOWN", "GET", "k");
  say (self, "REPLICAOF NO ONE");
  say (self, "CONFIG SET replica-serve-stale-data yes");
}

static void
no_permission (Scene *self)
{
  say (self, "ACL SETUSER poor on nopass ~a +echo +get +client +hello");
  g_object_set (self->client, "username", "poor", NULL);
  start (self);
  REFUSED (self, "NOPERM", "GET", "b");
}

static void
wrong_type (Scene *self)
{
  start (self);
  assert_call (self->client, "(integer) 1", "RPUSH", "list", "x", NULL);
  REFUSED (self, "WRONGTYPE", "GET", "list");
}

static void
no_script (Scene *self)
{
  start (self);
  REFUSED (self, "NOSCRIPT", "EVALSHA", "0000000000000000000000000000000000000000", "0");
}

static void
exec_abort (Scene *self)
{
  start (self);
  assert_call (self->client, "OK", "MULTI", NULL);
  g_assert_null (call (self->client, NULL, "GET", NULL));
  REFUSED (self, "EXECABORT", "EXEC");
}

/* Whoever makes the text of an error. */
static void
line_end_in_error (Scene *self)
{
  start (self);
  REFUSED (self, "ERR no such user", "EVAL", "return redis.error_reply (ARGV[1])", "0", "ERR no such user\r\n+forged");
  matrix_call_submit (&self->behind, self->client);
  matrix_call_assert (&self->behind, V, "forged");
}

static void
line_end_in_status (Scene *self)
{
  start (self);
  CALL (self, call, "EVAL", "return redis.status_reply (ARGV[1])", "0", "fine\r\n+forged");
  matrix_call_submit (&self->behind, self->client);
  matrix_call_assert (&self->behind, V, "forged");
  matrix_call_assert (&self->call, V | MATRIX_OTHERS, "forged");
  g_assert_true (g_str_has_prefix (self->call.text, "fine "));
  self->call.ending = V;
}

/* More than all buffers hold, both ways, and a loop that does not run meanwhile. */
static void
huge_pipeline (Scene *self)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autofree char *value = g_strnfill (MEGABYTE / 16, 'x');

  start (self);
  self->call.serial = value;
  for (guint i = 0; i < 400; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "ECHO", value, NULL });
  matrix_call_submit_pipeline_of (&self->call, self->client, pipeline);
  matrix_call_submit (&self->behind, self->client);
  matrix_call_assert (&self->call, V, "pipeline");
  self->call.serial = "call";
}

static void
slow_reader (Scene *self)
{
  g_autofree char *value = g_strnfill (16 * MEGABYTE, 'x');

  start (self);
  assert_call (self->client, "OK", "SET", "large", value, NULL);
  self->call.serial = value;
  /* One turn of the loop in a while. */
  CALL (self, call, "GET", "large");
  matrix_call_submit (&self->behind, self->client);
  for (guint i = 0; i < 50 && !self->call.ended; i++)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }
  matrix_call_assert (&self->call, V, "slow reader");
  self->call.serial = "call";
}

static void
shut_down (Scene *self)
{
  start (self);
  BLOCK (self);
  await_blocked (self);
  g_free (tornadis_harness_redis_command (self->redis, "SHUTDOWN NOSAVE", NULL));
  matrix_call_assert (&self->call, L, "SHUTDOWN");
  tornadis_harness_redis_kill (self->redis);
  assert_done (tornadis_harness_redis_restart, self->redis);
}

static void
reset_connection (Scene *self)
{
  start (self);
  CALL (self, call, "RESET");
}

static void
misconfigured (Scene *self)
{
  /* No file can take the place of a directory. */
  g_autofree char *path = tornadis_harness_redis_get_file (self->redis, "dump.rdb");
  g_autofree char *info = NULL;

  start (self);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  say (self, "BGSAVE");
  do
    {
      g_free (info);
      info = tornadis_harness_redis_command (self->redis, "INFO persistence", NULL);
    }
  while (strstr (info, "rdb_last_bgsave_status:err") == NULL);
  REFUSED (self, "MISCONF", "SET", "k", "v");
  g_assert_cmpint (g_rmdir (path), ==, 0);
}

static const Row rows[] = {
  { "kill/idle", "CLIENT KILL, idle", kill_idle, { V, 0, NEW, NULL }, { NULL } },
  { "kill/blocked", "CLIENT KILL, BLPOP and a call behind it in flight", kill_blocked, { L, L, NEW, "behind it" }, { NULL } },
  { "kill/pipeline", "CLIENT KILL, within a pipeline", kill_pipeline, { L, 0, NEW, NULL }, { NULL } },
  { "kill/multi", "CLIENT KILL between MULTI and EXEC", kill_in_multi, { L, 0, NEW, "none of it has run" }, { NULL } },
  { "kill/pool", "CLIENT KILL, a pool of one, BLPOP in flight", kill_in_pool, { L, V, NEW, "in the queue" }, { NULL } },
  { "kill/self", "CLIENT KILL of itself", kill_by_itself, { V, 0, NEW, NULL }, { NULL } },
  { "timeout", "`timeout` 1: idle; one that is blocked and one that is subscribed stay", idle_too_long, { V, 0, NEW, NULL }, { "--timeout", "1", NULL } },
  { "output-buffer/subscriber", "client-output-buffer-limit, in the middle of a message", flood_subscriber, { V, 0, NEW, "whole messages only, `gap`" }, { "--client-output-buffer-limit", "pubsub 1mb 0 0", NULL } },
  { "output-buffer/reply", "client-output-buffer-limit, in the middle of a reply", flood_reply, { L, 0, NEW, NULL }, { NULL } },
  { "bulk-limit", "an argument above proto-max-bulk-len, while it is written", write_too_large, { L | R, 0, NEW, NULL }, { "--proto-max-bulk-len", "1mb", NULL } },
  { "query-buffer", "a command above client-query-buffer-limit, while it is written", write_too_large, { L, 0, NEW, NULL }, { "--client-query-buffer-limit", "1mb", NULL } },
  { "maxclients", "maxclients reached", refuse_clients, { C, 0, NEW, "with the server's words" }, { "--maxclients", "50", NULL } },
  { "stop/calls", "SIGSTOP and SIGCONT, a call with a timeout", stop_idle, { T, V, SAME, "behind it, after SIGCONT" }, { NULL } },
  { "stop/subscribe", "SIGSTOP and SIGCONT, SUBSCRIBE with a timeout", stop_subscribing, { T, V, SAME, "SUBSCRIBE behind it" }, { NULL } },
  { "stop/handshake", "SIGSTOP and SIGCONT, connecting", stop_handshake, { C, 0, NEW, NULL }, { NULL } },
  { "stop/pool", "SIGSTOP and SIGCONT, a pool of one, a call with a timeout", stop_pool, { T, V, NEW, "in the queue, after SIGCONT" }, { NULL } },
  { "restart/with-data", "kill -9 and restart with the data, BLPOP in flight", restart_with_data, { L, C, NEW, "while it is away" }, { "--save", "3600 1000", NULL } },
  { "restart/without-data", "kill -9 and restart without data, BLPOP in flight", restart_without_data, { L, C, NEW, "while it is away" }, { "--save", "", NULL } },
  { "restart/transaction", "restart within WATCH and MULTI", restart_in_transaction, { L, 0, NEW, "EXEC; none of it has run" }, { "--save", "", NULL } },
  { "shutdown", "SHUTDOWN and restart, BLPOP in flight", shut_down, { L, 0, NEW, NULL }, { "--save", "", NULL } },
  { "acl/deleted", "ACL DELUSER of its user, BLPOP in flight", delete_user, { L, A, NEW, "while there is no such user" }, { NULL } },
  { "acl/password", "requirepass is changed", change_password, { V, A, NEW, "on the next connection, with the old password" }, { NULL } },
  { "acl/no-permission", "a key that the user may not read", no_permission, { R, 0, SAME, "NOPERM" }, { NULL } },
  { "unblock", "CLIENT UNBLOCK ERROR, BLPOP in flight", unblock, { R, 0, SAME, "UNBLOCKED" }, { NULL } },
  { "pause", "CLIENT PAUSE, a write with a timeout", pause_clients, { T, V, SAME, "behind it, after UNPAUSE" }, { NULL } },
  { "busy", "a script that does not end", busy_script, { R, 0, SAME, "BUSY; connecting: its own value; the script ends with SCRIPT KILL" }, { NULL } },
  { "oom", "maxmemory reached", out_of_memory, { R, 0, SAME, "OOM" }, { NULL } },
  { "noreplicas", "min-replicas-to-write", no_replicas, { R, 0, SAME, "NOREPLICAS" }, { NULL } },
  { "readonly", "the server becomes a replica", become_replica, { R, 0, NEW, "READONLY" }, { NULL } },
  { "masterdown", "the server becomes a replica without a master", stale_replica, { R, 0, SAME, "MASTERDOWN" }, { NULL } },
  { "misconf", "the server cannot save", misconfigured, { R, 0, SAME, "MISCONF" }, { "--save", "3600 1000", NULL } },
  { "wrongtype", "a value of the wrong type", wrong_type, { R, 0, SAME, "WRONGTYPE" }, { NULL } },
  { "noscript", "a script that is not there", no_script, { R, 0, SAME, "NOSCRIPT" }, { NULL } },
  { "execabort", "EXEC after a refused command", exec_abort, { R, 0, SAME, "EXECABORT" }, { NULL } },
  { "forged/error", "a line end in the text of an error", line_end_in_error, { R, V, SAME, "behind it: the server makes spaces of it" }, { NULL } },
  { "forged/status", "a line end in the text of a status", line_end_in_status, { V, V, SAME, "behind it: the server makes spaces of it" }, { NULL } },
  { "huge/pipeline", "a pipeline of 25 MiB both ways", huge_pipeline, { V, V, SAME, "behind it" }, { NULL } },
  { "huge/slow-reader", "16 MiB to a main loop that hardly runs", slow_reader, { V, V, SAME, "behind it" }, { NULL } },
  { "reset", "RESET", reset_connection, { U, 0, SAME, NULL }, { NULL } },
};

static void
lost_cb (TornadisClient *client,
         GError *error,
         gpointer user_data)
{
  ((Scene *) user_data)->n_lost++;
}

static void
run_row (gconstpointer data)
{
  static TornadisHarnessRedis *shared;
  const Row *row = data;
  Scene scene = { .call = { .serial = "call" }, .behind = { .serial = "behind" } };
  g_autoptr (GError) error = NULL;

  if (data == NULL)
    {
      g_clear_object (&shared);
      return;
    }
  if (row->args[0] != NULL)
    scene.redis = tornadis_harness_redis_new (row->args, &error);
  else
    scene.redis = shared != NULL ? g_object_ref (shared) : tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  if (row->args[0] == NULL && shared == NULL)
    shared = g_object_ref (scene.redis);
  scene.client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (scene.redis));
  g_signal_connect (scene.client, "disconnected", G_CALLBACK (lost_cb), &scene);

  row->func (&scene);
  matrix_call_assert (&scene.call, row->ends.ending, row->name);
  if (row->ends.behind != 0)
    matrix_call_assert (&scene.behind, row->ends.behind, row->name);
  if (row->ends.after == NEW && scene.is_own)
    wait_until (scene.n_lost > 0);
  matrix_assert_works (scene.client, row->name);
  if (row->ends.after == SAME)
    g_assert_cmpuint (scene.n_lost, ==, 0);

  matrix_assert_once (&scene.call, 1);
  matrix_assert_once (&scene.behind, 1);
  assert_client_finalized (scene.client);
  g_clear_object (&scene.redis);
}

static void
add_row (const Row *row)
{
  g_autofree char *path = g_strdup_printf ("/matrix/server/%s", row->name);
  g_autofree char *ends = matrix_describe_ends (&row->ends);

  matrix_add (path, "redis-server", row->what, ends, row, run_row);
}

int
main (int argc,
      char **argv)
{
  int status;

  matrix_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    add_row (&rows[i]);

  status = matrix_run ();
  run_row (NULL);
  return status;
}
