/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes that are not the protocol, replies that nobody asked for, and lines that become replies. */

#include <string.h>

#include "matrix/matrix.h"

#define N_CALLS 3

typedef enum
{
  HANDSHAKE, /* in place of the first reply */
  BEHIND_HANDSHAKE,
  IDLE,
  PENDING, /* before the reply of the second of three calls */
  VERIFIED,
  PIPELINE,
  TRANSACTION,
  MESSAGES,
  POOL, /* idle in it */
} Situation;

typedef struct
{
  const char *name;
  const char *words;
  const char *bytes;
  Situation situation;
  guint endings[N_CALLS]; /* 0: there is no such call */
  MatrixAfter after;
  const char *note; /* (nullable) for the table */
} Row;

#define V MATRIX_VALUE
#define C MATRIX_CONNECT
#define L MATRIX_LOST
#define P MATRIX_PROTOCOL
#define R MATRIX_REPLY
#define OTHERS MATRIX_OTHERS

#define GARBAGE "garbage", "what is not the protocol", "HTTP/1.1 400 Bad Request\r\n\r\n"
#define CUT_NUMBER "bad-length", "a length that is none", "$-5\r\n"
#define STATUS "unasked-status", "a status that nobody asked for", "+forged\r\n"
#define STRING "unasked-string", "a string that nobody asked for", "$6\r\nforged\r\n"
#define ERROR "unasked-error", "an error that nobody asked for", "-ERR Protocol error: go away\r\n"
#define PUSH "unknown-push", "an unknown push", ">2\r\n+unknown\r\n:1\r\n"
#define FORGED "forged", "an error line whose text has a line end, and a reply behind it", "-ERR no such user: x\r\n+forged\r\n"

#define NO_MARK "nothing in a reply says whose it is: the next calls take what is not theirs, until one reply is left over"
#define MARKED "`verify-replies` 1 finds it at the next check: one call has taken what is not its own"

static const Row rows[] = {
  { GARBAGE, HANDSHAKE, { C, C, C }, MATRIX_NEW, NULL },
  { GARBAGE, BEHIND_HANDSHAKE, { P, L, L }, MATRIX_NEW, NULL },
  { GARBAGE, IDLE, { V }, MATRIX_NEW, NULL },
  { GARBAGE, PENDING, { V, P, L }, MATRIX_NEW, NULL },
  { GARBAGE, VERIFIED, { V, P, L }, MATRIX_NEW, NULL },
  { GARBAGE, PIPELINE, { P }, MATRIX_NEW, NULL },
  { GARBAGE, TRANSACTION, { P }, MATRIX_NEW, NULL },
  { GARBAGE, MESSAGES, { V }, MATRIX_NEW, "`gap`" },
  { GARBAGE, POOL, { V }, MATRIX_NEW, NULL },

  { CUT_NUMBER, HANDSHAKE, { C, C, C }, MATRIX_NEW, NULL },
  { CUT_NUMBER, IDLE, { V }, MATRIX_NEW, NULL },
  { CUT_NUMBER, PENDING, { V, P, L }, MATRIX_NEW, NULL },
  { CUT_NUMBER, PIPELINE, { P }, MATRIX_NEW, NULL },
  { CUT_NUMBER, TRANSACTION, { P }, MATRIX_NEW, NULL },
  { CUT_NUMBER, MESSAGES, { V }, MATRIX_NEW, "`gap`" },
  { CUT_NUMBER, POOL, { V }, MATRIX_NEW, NULL },

  { STATUS, IDLE, { V }, MATRIX_NEW, NULL },
  { STATUS, PENDING, { V, OTHERS, OTHERS }, MATRIX_NEW, NO_MARK },
  { STATUS, VERIFIED, { V, OTHERS, P }, MATRIX_NEW, MARKED },
  { STATUS, MESSAGES, { V }, MATRIX_NEW, "`gap`" },
  { STATUS, POOL, { V }, MATRIX_NEW, NULL },

  { STRING, IDLE, { V }, MATRIX_NEW, NULL },
  { STRING, PENDING, { V, OTHERS, OTHERS }, MATRIX_NEW, NO_MARK },
  { STRING, VERIFIED, { V, OTHERS, P }, MATRIX_NEW, MARKED },
  { STRING, POOL, { V }, MATRIX_NEW, NULL },

  { ERROR, IDLE, { V }, MATRIX_NEW, NULL },
  { ERROR, PENDING, { V, R, OTHERS }, MATRIX_NEW, NO_MARK },
  { ERROR, VERIFIED, { V, R, P }, MATRIX_NEW, MARKED },
  { ERROR, MESSAGES, { V }, MATRIX_NEW, "`gap`" },
  { ERROR, POOL, { V }, MATRIX_NEW, NULL },

  { PUSH, BEHIND_HANDSHAKE, { V, V, V }, MATRIX_SAME, NULL },
  { PUSH, IDLE, { V }, MATRIX_SAME, NULL },
  { PUSH, PENDING, { V, V, V }, MATRIX_SAME, NULL },
  { PUSH, PIPELINE, { V }, MATRIX_SAME, NULL },
  { PUSH, TRANSACTION, { V }, MATRIX_SAME, NULL },
  { PUSH, MESSAGES, { V }, MATRIX_SAME, "no `gap`" },
  { PUSH, POOL, { V }, MATRIX_SAME, NULL },

  /* The line is the reply to the only call that there is, and what is behind it was not asked for. */
  { FORGED, IDLE, { R }, MATRIX_NEW, NULL },
  { FORGED, POOL, { R }, MATRIX_NEW, NULL },
  { FORGED, PENDING, { V, R, OTHERS }, MATRIX_NEW, NO_MARK },
  { FORGED, VERIFIED, { V, R, P }, MATRIX_NEW, MARKED },
};

static const char *const situation_names[] = { "handshake", "behind-handshake", "idle", "pending", "verified", "pipeline",
                                               "transaction", "messages", "pool" };
static const char *const situation_words[] = {
  "in the handshake, three calls wait",
  "right behind the handshake, three calls wait",
  "while idle",
  "with three calls in flight",
  "with three calls in flight, each verified",
  "in a pipeline",
  "in a transaction",
  "among messages",
  "while idle in a pool",
};

static char *
escape (const char *bytes)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; bytes[i] != '\0'; i++)
    g_string_append_printf (text, "\\x%02x", (guint8) bytes[i]);

  return g_string_free (text, FALSE);
}

#define SUBSCRIBED ">3\\r\\n$9\\r\\nsubscribe\\r\\n$4\\r\\nnews\\r\\n:1\\r\\n"
#define MESSAGE ">3\\r\\n$7\\r\\nmessage\\r\\n$4\\r\\nnews\\r\\n$3\\r\\none\\r\\n"

static char *
make_script (const Row *row)
{
  static const char *const scripts[] = {
    "expect HELLO\nsend \"%s\"\ndrain\n",
    "expect HELLO\nsend \"%0\\r\\n\"\nawait-bytes 76\nsend \"%s\"\necho-server\n",
    "handshake3\nexpect ECHO\nsend \"$5\\r\\nfirst\\r\\n\"\nwait\nsend \"%s\"\necho-server\n",
    "handshake3\nawait-bytes 76\necho-server 1\nsend \"%s\"\necho-server\n",
    /* With the checks. */
    "handshake3\nawait-bytes 238\necho-server 2\nsend \"%s\"\necho-server\n",
    "handshake3\nawait-bytes 50\necho-server 1\nsend \"%s\"\necho-server\n",
    "handshake3\nexpect MULTI\nsend \"+OK\\r\\n\"\nexpect ECHO\nsend \"%s\"\nexpect ECHO\nsend \"+QUEUED\\r\\n+QUEUED\\r\\n\"\n"
    "expect EXEC\nsend \"*2\\r\\n$5\\r\\nfirst\\r\\n$5\\r\\nfirst\\r\\n\"\necho-server\n",
    "handshake3\nexpect SUBSCRIBE\nsend \"" SUBSCRIBED MESSAGE "%s" MESSAGE "\"\ndrain\n",
    "handshake3\nexpect ECHO\nsend \"$5\\r\\nfirst\\r\\n\"\nwait\nsend \"%s\"\necho-server\n",
  };
  /* The error is the reply of the call itself. */
  gboolean in_reply = row->endings[0] == R;
  g_autofree char *bytes = escape (row->bytes);
  g_auto (GStrv) parts = g_strsplit (in_reply ? "handshake3\nexpect ECHO\nsend \"%s\"\necho-server\n" : scripts[row->situation],
                                     "%s", 2);
  g_autofree char *script = g_strconcat (parts[0], bytes, parts[1], NULL);

  return g_strconcat (script, "---\nhandshake3\nserve\nanswer SUBSCRIBE \"" SUBSCRIBED MESSAGE "\"\n", NULL);
}

static void
message_cb (TornadisPubSubClient *client,
            TornadisMessage *message,
            gpointer user_data)
{
  g_assert_cmpstr (tornadis_message_get_text (message), ==, "one");
  (*(guint *) user_data)++;
}

static void
gap_cb (TornadisPubSubClient *client,
        gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
run_messages (const Row *row)
{
  g_autofree char *script = make_script (row);
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  TornadisPubSubClient *client = tornadis_pub_sub_client_new ("127.0.0.1", (guint16) tornadis_harness_peer_get_port (peer));
  MatrixCall call = { .serial = "news" };
  guint n_messages = 0, n_gaps = 0;

  g_signal_connect (client, "message", G_CALLBACK (message_cb), &n_messages);
  g_signal_connect (client, "gap", G_CALLBACK (gap_cb), &n_gaps);
  matrix_call_subscribe (&call, TORNADIS_CLIENT (client), "news");
  matrix_call_assert (&call, row->endings[0], row->words);
  /* Behind what ends the connection none comes any more, but from the next one. */
  wait_until (n_messages == 2);
  matrix_assert_once (&call, 1);
  g_assert_cmpuint (n_messages, ==, 2);
  g_assert_cmpuint (n_gaps, ==, row->after == MATRIX_SAME ? 0 : 1);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, row->after == MATRIX_SAME ? 1 : 2);

  tornadis_client_close (TORNADIS_CLIENT (client));
  assert_client_finalized (TORNADIS_CLIENT (client));
}

/* Something is sent while nobody waits: once it is there, a call is made. */
static void
send_meanwhile (TornadisHarnessPeer *peer)
{
  guint n_steps = tornadis_harness_peer_get_n_steps (peer);

  tornadis_harness_peer_go (peer);
  wait_until (tornadis_harness_peer_get_n_steps (peer) >= n_steps + 2);
}

static void
run_pool (const Row *row)
{
  g_autofree char *script = make_script (row);
  g_autoptr (TornadisHarnessPeer) peer = make_peer (script);
  g_autoptr (TornadisClient) template = make_client (peer);
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (template);
  MatrixCall calls[] = { { .serial = "first" }, { .serial = "second" } };

  matrix_call_pool (&calls[0], pool);
  matrix_call_assert (&calls[0], row->endings[0], row->words);
  if (row->endings[0] == V)
    send_meanwhile (peer);
  matrix_call_pool (&calls[1], pool);
  matrix_call_assert (&calls[1], V, row->words);
  matrix_assert_once (calls, 2);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, row->after == MATRIX_SAME ? 1 : 2);
  tornadis_client_pool_destroy (pool);
}

static void
run_row (gconstpointer data)
{
  const Row *row = data;
  g_autofree char *script = make_script (row);
  g_autoptr (TornadisHarnessPeer) peer = NULL;
  TornadisClient *client;
  MatrixCall calls[N_CALLS] = { { .serial = "first" }, { .serial = "second" }, { .serial = "third" } };
  guint n_calls = 0;

  if (row->situation == MESSAGES)
    {
      run_messages (row);
      return;
    }
  if (row->situation == POOL)
    {
      run_pool (row);
      return;
    }

  peer = make_peer (script);
  client = make_client (peer);
  if (row->situation == VERIFIED)
    g_object_set (client, "verify-replies", 1, NULL);
  if (row->situation > BEHIND_HANDSHAKE)
    {
      g_autoptr (GError) error = NULL;

      connect_and_wait (client, &error);
      g_assert_no_error (error);
    }

  if (row->situation == PIPELINE || row->situation == TRANSACTION)
    {
      n_calls = 1;
      matrix_call_submit_pipeline (&calls[0], client, row->situation == TRANSACTION, 2);
    }
  else
    for (; n_calls < N_CALLS && row->endings[n_calls] != 0; n_calls++)
      matrix_call_submit (&calls[n_calls], client);
  for (guint i = 0; i < n_calls; i++)
    matrix_call_assert (&calls[i], row->endings[i], row->words);

  if (row->situation == IDLE && row->endings[0] == V)
    send_meanwhile (peer);
  /* Not a reply that may still come: that has to be there before the next call. */
  if (row->after == MATRIX_NEW)
    wait_until (!tornadis_client_is_connected (client));
  matrix_assert_works (client, row->words);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, row->after == MATRIX_SAME ? 1 : 2);

  matrix_assert_once (calls, N_CALLS);
  assert_client_finalized (client);
}

static void
add_row (const Row *row)
{
  g_autofree char *path = g_strdup_printf ("/matrix/replies/%s/%s", row->name, situation_names[row->situation]);
  g_autofree char *what = g_strdup_printf ("%s, %s", row->words, situation_words[row->situation]);
  g_autoptr (GString) ends = g_string_new (NULL);
  static const char *const places[] = { "first: ", "second: ", "third: " };

  for (guint i = 0; i < N_CALLS && row->endings[i] != 0; i++)
    {
      g_autofree char *ending = matrix_describe (row->endings[i]);

      g_string_append_printf (ends, "%s%s%s", i > 0 ? "; " : "", row->endings[1] != 0 ? places[i] : "", ending);
    }
  if (row->note != NULL)
    g_string_append_printf (ends, "; %s", row->note);
  g_string_append_printf (ends, "; %s", matrix_describe_after (row->after));
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
