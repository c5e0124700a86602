/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every error that servers begin a line with, in reply to whatever is sent to them. */

#include <string.h>

#include "matrix/matrix.h"

/* What becomes of a subscription that is refused when it is restored. */
typedef enum
{
  DROPPED, /* the program is told so */
  AGAIN,   /* on the same connection */
  ANEW,    /* on another one */
} Restoring;

typedef struct
{
  const char *name;
  const char *line;
  guint hello; /* the ending of connecting, when the error is the reply to this */
  guint auth;
  guint select;
  guint set_name;
  MatrixAfter after; /* a call that got it */
  Restoring restoring;
} Row;

#define V MATRIX_VALUE
#define C MATRIX_CONNECT
#define A MATRIX_AUTHENTICATION
#define SAME MATRIX_SAME
#define NEW MATRIX_NEW

/* HELLO's are those with which another server than one of RESP2 answers, or goes on to AUTH. */
static const Row rows[] = {
  { "ASK", "ASK 3999 127.0.0.1:6381", V, A, C, V, SAME, DROPPED },
  { "BUSY", "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", C, C, C, V, SAME, AGAIN },
  { "BUSYGROUP", "BUSYGROUP Consumer Group name already exists", V, A, C, V, SAME, DROPPED },
  { "BUSYKEY", "BUSYKEY Target key name already exists.", V, A, C, V, SAME, DROPPED },
  { "CLUSTERDOWN", "CLUSTERDOWN The cluster is down", V, A, C, V, SAME, AGAIN },
  { "CROSSSLOT", "CROSSSLOT Keys in request don't hash to the same slot", V, A, C, V, SAME, DROPPED },
  { "DENIED", "DENIED Redis is running in protected mode", C, C, C, C, SAME, DROPPED },
  { "ERR-maxclients", "ERR max number of clients reached", C, C, C, C, SAME, DROPPED },
  { "ERR", "ERR unknown command 'X'", V, A, C, V, SAME, DROPPED },
  { "EXECABORT", "EXECABORT Transaction discarded because of previous errors.", V, A, C, V, SAME, DROPPED },
  { "IDONTKNOW", "IDONTKNOW I have not enough information to answer", V, A, C, V, SAME, DROPPED },
  { "INPROG", "INPROG Failover already in progress", V, A, C, V, SAME, DROPPED },
  { "INVALIDOBJ", "INVALIDOBJ The object is not valid", V, A, C, V, SAME, DROPPED },
  { "IOERR", "IOERR error or timeout reading to target instance", V, A, C, V, SAME, DROPPED },
  { "LOADING", "LOADING Redis is loading the dataset in memory", C, C, C, V, SAME, AGAIN },
  { "MASTERDOWN", "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", C, C, C, V, SAME, AGAIN },
  { "MISCONF", "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", V, A, C, V, SAME, DROPPED },
  { "MOVED", "MOVED 3999 127.0.0.1:6381", V, A, C, V, SAME, DROPPED },
  { "NOAUTH", "NOAUTH Authentication required.", A, A, A, A, SAME, ANEW },
  { "NOGOODSLAVE", "NOGOODSLAVE No suitable replica to promote", V, A, C, V, SAME, DROPPED },
  { "NOGROUP", "NOGROUP No such key 'x' or consumer group 'y'", V, A, C, V, SAME, DROPPED },
  { "NOMASTERLINK", "NOMASTERLINK Can't SYNC while not connected with my master", V, A, C, V, SAME, DROPPED },
  { "NOPERM", "NOPERM this user has no permissions to run the command", V, A, A, V, SAME, DROPPED },
  { "NOPROTO", "NOPROTO unsupported protocol version", V, A, C, V, SAME, DROPPED },
  { "NOQUORUM", "NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the majority", V, A, C, V, SAME, DROPPED },
  { "NOREPLICAS", "NOREPLICAS Not enough good replicas to write.", V, A, C, V, SAME, DROPPED },
  { "NOSCRIPT", "NOSCRIPT No matching script. Please use EVAL.", V, A, C, V, SAME, DROPPED },
  { "NOTBUSY", "NOTBUSY No scripts in execution right now.", V, A, C, V, SAME, DROPPED },
  { "OOM", "OOM command not allowed when used memory > 'maxmemory'.", V, A, C, V, SAME, DROPPED },
  { "READONLY", "READONLY You can't write against a read only replica.", V, A, C, V, NEW, DROPPED },
  { "REDIRECT", "REDIRECT 127.0.0.1:6381", V, A, C, V, SAME, DROPPED },
  { "TRYAGAIN", "TRYAGAIN Multiple keys request during rehashing of slot", V, A, C, V, SAME, AGAIN },
  { "UNBLOCKED", "UNBLOCKED client unblocked via CLIENT UNBLOCK", V, A, C, V, SAME, DROPPED },
  { "UNKILLABLE", "UNKILLABLE Sorry the script already executed write commands against the dataset.", V, A, C, V, SAME, DROPPED },
  { "WRONGPASS", "WRONGPASS invalid username-password pair or user is disabled.", A, A, A, V, SAME, DROPPED },
  { "WRONGTYPE", "WRONGTYPE Operation against a key holding the wrong kind of value", V, A, C, V, SAME, DROPPED },
};

#define HEALED "---\nhandshake3\nserve\n"
#define SUBSCRIBED ">3\\r\\n$9\\r\\nsubscribe\\r\\n$4\\r\\nnews\\r\\n:1\\r\\n"
#define MESSAGE ">3\\r\\n$7\\r\\nmessage\\r\\n$4\\r\\nnews\\r\\n$3\\r\\none\\r\\n"
#define ANSWERS_SUBSCRIBE "answer SUBSCRIBE \"" SUBSCRIBED MESSAGE "\"\n"

/* @script with the line where it has %s. */
static TornadisHarnessPeer *
make_peer_with (const char *script,
                const Row *row)
{
  g_auto (GStrv) parts = g_strsplit (script, "%s", -1);
  g_autofree char *error = g_strdup_printf ("send \"-%s\\r\\n\"\n", row->line);
  g_autofree char *text = g_strjoinv (error, parts);

  return make_peer (text);
}

static void
assert_connects (const Row *row,
                 const char *script,
                 guint ending,
                 const char *stage)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer_with (script, row);
  TornadisClient *client = make_client (peer);
  MatrixCall calls[] = { { .serial = "connecting" }, { .serial = "waiting" } };

  g_object_set (client, "username", "me", "password", "secret", NULL);
  if (g_str_equal (stage, "SELECT"))
    g_object_set (client, "db", 3, NULL);
  if (g_str_equal (stage, "CLIENT SETNAME"))
    g_object_set (client, "client-name", "test", NULL);

  matrix_call_connect (&calls[0], client);
  matrix_call_submit (&calls[1], client);
  matrix_call_assert (&calls[0], ending, stage);
  matrix_call_assert (&calls[1], ending, stage);
  if (ending != V)
    {
      g_autofree char *prefix = g_strndup (row->line, strcspn (row->line, " "));

      g_assert_nonnull (strstr (calls[0].text, prefix));
    }
  g_assert_cmpuint (count_received (peer, "ECHO"), ==, ending == V ? 1 : 0);
  matrix_assert_works (client, stage);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, ending == V ? 1 : 2);

  matrix_assert_once (calls, 2);
  assert_client_finalized (client);
}

/* A call gets it, and that behind it what is its own. */
static void
assert_call_ends (const Row *row)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer_with ("handshake3\nawait-bytes 51\nexpect ECHO\n%secho-server\n" HEALED, row);
  TornadisClient *client = make_client (peer);
  MatrixCall calls[] = { { .serial = "first" }, { .serial = "second" } };

  connect_and_wait (client, NULL);
  matrix_call_submit (&calls[0], client);
  matrix_call_submit (&calls[1], client);
  matrix_call_assert (&calls[0], MATRIX_REPLY, "a call");
  g_assert_cmpstr (calls[0].text, ==, row->line);
  matrix_call_assert (&calls[1], V, "behind a call");
  if (row->after == NEW)
    wait_until (!tornadis_client_is_connected (client));
  matrix_assert_works (client, "after a call");
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, row->after == NEW ? 2 : 1);

  matrix_assert_once (calls, 2);
  assert_client_finalized (client);
}

/* Of three commands the second gets it: in its place, or in that of all. */
static void
assert_pipeline_ends (const Row *row,
                      gboolean atomic,
                      const char *script,
                      guint ending,
                      const char *words,
                      const char *stage)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer_with (script, row);
  TornadisClient *client = make_client (peer);
  MatrixCall call = { .serial = "first" };

  connect_and_wait (client, NULL);
  matrix_call_submit_pipeline (&call, client, atomic, 3);
  matrix_call_assert (&call, ending, stage);
  g_assert_nonnull (strstr (call.text, words));
  if (row->after == NEW)
    wait_until (!tornadis_client_is_connected (client));
  matrix_assert_works (client, stage);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, row->after == NEW ? 2 : 1);

  matrix_assert_once (&call, 1);
  assert_client_finalized (client);
}

static void
count_cb (TornadisPubSubClient *client,
          gpointer argument,
          gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
count_removed_cb (TornadisPubSubClient *client,
                  const char *name,
                  guint count,
                  gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
assert_subscribing_ends (const Row *row)
{
  g_autoptr (TornadisHarnessPeer) peer =
    make_peer_with ("handshake3\nexpect SUBSCRIBE\n%sserve\n" ANSWERS_SUBSCRIBE HEALED, row);
  TornadisClient *client =
    TORNADIS_CLIENT (tornadis_pub_sub_client_new ("127.0.0.1", (guint16) tornadis_harness_peer_get_port (peer)));
  MatrixCall calls[] = { { .serial = "first" }, { .serial = "second" } };
  guint n_messages = 0;

  g_signal_connect (client, "message", G_CALLBACK (count_cb), &n_messages);
  matrix_call_subscribe (&calls[0], client, "news");
  matrix_call_assert (&calls[0], MATRIX_REPLY, "SUBSCRIBE");
  g_assert_cmpstr (calls[0].text, ==, row->line);
  matrix_call_subscribe (&calls[1], client, "news");
  matrix_call_assert (&calls[1], V, "SUBSCRIBE again");
  wait_until (n_messages > 0);

  matrix_assert_once (calls, 2);
  tornadis_client_close (client);
  assert_client_finalized (client);
}

static void
assert_restoring_ends (const Row *row)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer_with (
    "handshake3\nexpect SUBSCRIBE\nsend \"" SUBSCRIBED "\"\nwait\nclose\n---\n"
    "handshake3\nexpect SUBSCRIBE\n%sserve\n" ANSWERS_SUBSCRIBE HEALED,
    row);
  TornadisClient *client =
    TORNADIS_CLIENT (tornadis_pub_sub_client_new ("127.0.0.1", (guint16) tornadis_harness_peer_get_port (peer)));
  MatrixCall calls[] = { { .serial = "first" }, { .serial = "second" } };
  guint n_messages = 0, n_removed = 0;

  g_signal_connect (client, "message", G_CALLBACK (count_cb), &n_messages);
  g_signal_connect (client, "subscription-removed", G_CALLBACK (count_removed_cb), &n_removed);
  matrix_call_subscribe (&calls[0], client, "news");
  matrix_call_assert (&calls[0], V, "SUBSCRIBE");
  tornadis_harness_peer_go (peer);
  if (row->restoring == DROPPED)
    {
      wait_until (n_removed > 0);
      matrix_call_subscribe (&calls[1], client, "news");
      matrix_call_assert (&calls[1], V, "SUBSCRIBE again");
    }
  wait_until (n_messages > 0);
  g_assert_cmpuint (n_removed, ==, row->restoring == DROPPED ? 1 : 0);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, row->restoring == ANEW || row->after == NEW ? 3 : 2);

  matrix_assert_once (calls, 2);
  tornadis_client_close (client);
  assert_client_finalized (client);
}

static void
run_row (gconstpointer data)
{
  const Row *row = data;

  assert_connects (row, "expect HELLO\n%shandshake\nserve\n" HEALED, row->hello, "HELLO");
  assert_connects (row, "expect HELLO\nsend \"-NOPROTO\\r\\n\"\nexpect AUTH\n%sdrain\n" HEALED, row->auth, "AUTH");
  assert_connects (row, "expect HELLO\nsend \"%0\\r\\n\"\nexpect SELECT\n%sdrain\n" HEALED, row->select, "SELECT");
  assert_connects (row, "expect HELLO\nsend \"%0\\r\\n\"\nexpect CLIENT\n%sserve\n" HEALED, row->set_name, "CLIENT SETNAME");
  assert_call_ends (row);
  assert_pipeline_ends (row, FALSE, "handshake3\necho-server 1\nexpect ECHO\n%secho-server\n" HEALED, V, row->line, "a pipeline");
  assert_pipeline_ends (row, TRUE,
                        "handshake3\nexpect MULTI\nexpect ECHO\nexpect ECHO\nexpect ECHO\nexpect EXEC\nsend \"+OK\\r\\n+QUEUED\\r\\n\"\n"
                        "%ssend \"+QUEUED\\r\\n-EXECABORT Transaction discarded\\r\\n\"\necho-server\n" HEALED,
                        MATRIX_REPLY, row->line, "a command in MULTI");
  assert_pipeline_ends (row, TRUE,
                        "handshake3\nexpect MULTI\nexpect ECHO\nexpect ECHO\nexpect ECHO\nexpect EXEC\n"
                        "send \"+OK\\r\\n+QUEUED\\r\\n+QUEUED\\r\\n+QUEUED\\r\\n\"\n%secho-server\n" HEALED,
                        MATRIX_REPLY, row->line, "EXEC");
  assert_subscribing_ends (row);
  assert_restoring_ends (row);
}

/* The stages that end alike are named together. */
static void
append_stages (GString *ends,
               const Row *row,
               guint ending)
{
  const guint endings[] = { row->hello, row->auth, row->select, row->set_name };
  static const char *const stages[] = { "HELLO", "AUTH", "SELECT", "CLIENT SETNAME" };
  g_autofree char *words = ending == V ? g_strdup ("connected all the same") : matrix_describe (ending);
  gboolean any = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    if (endings[i] == ending)
      {
        g_string_append_printf (ends, "%s%s", any ? ", " : "", stages[i]);
        any = TRUE;
      }
  if (any)
    g_string_append_printf (ends, ": %s; ", words);
}

static void
add_row (const Row *row)
{
  static const char *const restoring[] = { "that is restored is dropped with `subscription-removed`", "is restored later", "is restored on a new connection" };
  g_autofree char *path = g_strdup_printf ("/matrix/errors/%s", row->name);
  g_autofree char *what = g_strdup_printf ("`%s`", row->line);
  g_autoptr (GString) ends = g_string_new (NULL);

  append_stages (ends, row, V);
  append_stages (ends, row, A);
  append_stages (ends, row, C);
  g_string_append_printf (ends,
                          "a call, SUBSCRIBE, EXEC, within MULTI: `REPLY`, in a pipeline in its place, %s; a subscription %s",
                          matrix_describe_after (row->after), restoring[row->restoring]);
  matrix_add (path, "scripted", what, ends->str, row, run_row);
}

int
main (int argc,
      char **argv)
{
  matrix_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    add_row (&rows[i]);

  return matrix_run ();
}
