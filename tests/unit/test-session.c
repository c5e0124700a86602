/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-queue.h"

#define PAGE 65536

typedef struct
{
  TornadisQueue *queue;
  TornadisSession session;
  TornadisSessionChange changes; /* since they were last asked for */
  GString *log;                  /* what became of calls: "name=value;", or "name!code;" */
} Fixture;

typedef struct
{
  Fixture *fixture;
  char *name;
} Call;

static void
done_cb (TornadisReply *reply,
         const GError *error,
         gpointer user_data)
{
  g_autofree Call *call = user_data;
  g_autofree char *text = reply != NULL ? tornadis_reply_to_string (reply) : NULL;
  g_autofree char *name = call->name;

  if (error != NULL)
    g_string_append_printf (call->fixture->log, "%s!%s;", name,
                            error->code == TORNADIS_ERROR_LOST       ? "lost"
                            : error->code == TORNADIS_ERROR_PROTOCOL ? "protocol"
                                                                     : "closed");
  else
    g_string_append_printf (call->fixture->log, "%s=%s;", name, text);
}

static void
session_cb (TornadisSessionChange changes,
            gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->changes |= changes;
}

static void
set_up (Fixture *fixture,
        gconstpointer data)
{
  fixture->queue = tornadis_queue_new ();
  fixture->log = g_string_new (NULL);
  tornadis_queue_set_session (fixture->queue, &fixture->session, session_cb, fixture);
  tornadis_session_begin (&fixture->session, 0, NULL, NULL, NULL);
}

static void
lose (Fixture *fixture,
      gboolean keep_unwritten,
      int code)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, code, "test");

  tornadis_queue_lose (fixture->queue, keep_unwritten, error);
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
}

static void
tear_down (Fixture *fixture,
           gconstpointer data)
{
  lose (fixture, FALSE, TORNADIS_ERROR_LOST);
  tornadis_queue_free (fixture->queue);
  tornadis_session_clear (&fixture->session);
  g_string_free (fixture->log, TRUE);
}

static GPtrArray *
make_commands (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "|", -1);
  GPtrArray *commands = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_command_unref);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);

      g_ptr_array_add (commands, tornadis_command_new_strv ((const char *const *) words));
    }

  return commands;
}

/* "GET a": a command; "GET a|GET b": a pipeline; with "!" before it an atomic one. 0: it was not admitted. */
static guint64
push (Fixture *fixture,
      const char *text)
{
  gboolean atomic = text[0] == '!';
  g_autoptr (GPtrArray) commands = make_commands (text + atomic);
  TornadisCommand *command = atomic || commands->len > 1 ? NULL : g_ptr_array_index (commands, 0);
  TornadisOrigin caller = { .func = done_cb };
  Call *call;

  if (!tornadis_session_admits (&fixture->session, command, commands, atomic, TRUE))
    return 0;

  call = g_new (Call, 1);
  *call = (Call){ fixture, g_strdup (text) };
  caller.user_data = call;
  if (command != NULL)
    return tornadis_queue_push (fixture->queue, command, TORNADIS_SLOT_DEFAULT, &caller);
  return tornadis_queue_push_batch (fixture->queue, tornadis_batch_new (commands, atomic), &caller);
}

static void
write_all (Fixture *fixture)
{
  TornadisWriter *writer;

  while (tornadis_writer_get_pending (writer = tornadis_queue_fill (fixture->queue, PAGE)) > 0)
    tornadis_queue_advance (fixture->queue, tornadis_writer_get_pending (writer));
}

/* Lines of RESP without their ends. */
static void
feed (Fixture *fixture,
      const char *lines)
{
  g_auto (GStrv) replies = g_strsplit (lines, " ", -1);

  for (guint i = 0; replies[i] != NULL; i++)
    {
      g_autofree char *resp = g_strdup_printf ("%s\r\n", replies[i]);
      g_auto (GStrv) parts = g_strsplit (resp, ",", -1);
      g_autofree char *joined = g_strjoinv ("\r\n", parts);
      g_autoptr (GBytes) bytes = g_bytes_new (joined, strlen (joined));
      g_autoptr (GError) error = NULL;
      TornadisReply *reply = tornadis_reply_new_from_resp (bytes, &error);

      g_assert_no_error (error);
      g_assert_true (tornadis_queue_take_reply (fixture->queue, reply, 0));
    }
}

static void
ask (Fixture *fixture,
     const char *command,
     const char *reply)
{
  g_assert_cmpuint (push (fixture, command), !=, 0);
  write_all (fixture);
  feed (fixture, reply);
}

static void
add_transaction (GString *text,
                 const char *name,
                 TornadisTransaction transaction)
{
  if (tornadis_transaction_is_open (transaction))
    g_string_append_printf (text, "%s(%s%s) ", name, transaction.in_multi ? "m" : "", transaction.watching ? "w" : "");
}

static char *
dup_state (Fixture *fixture)
{
  GString *text = g_string_new (NULL);

  add_transaction (text, "answered", fixture->session.answered);
  add_transaction (text, "expected", tornadis_queue_get_expected (fixture->queue));
  add_transaction (text, "lost", fixture->session.lost);
  if (!tornadis_queue_is_settled (fixture->queue))
    g_string_append (text, "unsettled ");
  if (fixture->session.altered)
    g_string_append (text, "altered ");

  return g_string_free (text, FALSE);
}

#define assert_state(fixture, expected)                \
  G_STMT_START                                         \
  {                                                    \
    g_autofree char *state_text = dup_state (fixture); \
    g_assert_cmpstr (state_text, ==, expected);        \
  }                                                    \
  G_STMT_END

#define assert_log(fixture, expected)                    \
  G_STMT_START                                           \
  {                                                      \
    g_assert_cmpstr ((fixture)->log->str, ==, expected); \
    g_string_truncate ((fixture)->log, 0);               \
  }                                                      \
  G_STMT_END

static void
test_follows (Fixture *fixture,
              gconstpointer data)
{
  assert_state (fixture, "");

  g_assert_cmpuint (push (fixture, "watch k"), !=, 0);
  assert_state (fixture, "expected(w) unsettled ");
  write_all (fixture);
  feed (fixture, "+OK");
  assert_state (fixture, "answered(w) expected(w) ");
  ask (fixture, "UNWATCH", "+OK");
  assert_state (fixture, "");

  ask (fixture, "WATCH k", "+OK");
  ask (fixture, "multi", "+OK");
  assert_state (fixture, "answered(mw) expected(mw) ");
  ask (fixture, "SET a 1", "+QUEUED");
  ask (fixture, "UNWATCH", "+QUEUED");
  assert_state (fixture, "answered(mw) expected(mw) ");
  ask (fixture, "exec", "*2,+OK,+OK");
  assert_state (fixture, "");

  ask (fixture, "MULTI", "+OK");
  ask (fixture, "DISCARD", "+OK");
  assert_state (fixture, "");

  /* EXEC is the end whatever it says. */
  ask (fixture, "WATCH k", "+OK");
  ask (fixture, "MULTI", "+OK");
  ask (fixture, "EXEC", "*-1");
  assert_state (fixture, "");
  ask (fixture, "MULTI", "+OK");
  ask (fixture, "EXEC", "-EXECABORT");
  assert_state (fixture, "");

  /* Unless there is none. */
  ask (fixture, "WATCH k", "+OK");
  ask (fixture, "EXEC", "-ERR");
  ask (fixture, "DISCARD", "-ERR");
  assert_state (fixture, "answered(w) expected(w) ");
  ask (fixture, "!SET a 1", "+OK +QUEUED *1,+OK");
  assert_state (fixture, "");
}

/* What is queued counts until it is refused, cancelled or lost. */
static void
test_expected (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "test");
  guint64 id;

  push (fixture, "WATCH k");
  push (fixture, "GET k");
  push (fixture, "MULTI");
  assert_state (fixture, "expected(mw) unsettled ");
  push (fixture, "EXEC");
  assert_state (fixture, "unsettled ");
  write_all (fixture);
  feed (fixture, "+OK $-1 +OK *0");
  assert_state (fixture, "");

  ask (fixture, "WATCH k", "-NOPERM");
  assert_state (fixture, "");
  ask (fixture, "MULTI", "-NOPERM");
  assert_state (fixture, "");

  id = push (fixture, "WATCH k");
  assert_state (fixture, "expected(w) unsettled ");
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
  assert_state (fixture, "");

  /* One that is written is obeyed, whoever waits for it. */
  id = push (fixture, "MULTI");
  write_all (fixture);
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
  assert_state (fixture, "expected(m) unsettled ");
  feed (fixture, "+OK");
  assert_state (fixture, "answered(m) expected(m) ");
  ask (fixture, "DISCARD", "+OK");

  /* A pipeline may hold it open too. */
  push (fixture, "SET a 1|MULTI|SET b 2");
  assert_state (fixture, "expected(m) unsettled ");
  write_all (fixture);
  feed (fixture, "+OK");
  assert_state (fixture, "expected(m) unsettled ");
  feed (fixture, "+OK +QUEUED");
  assert_state (fixture, "answered(m) expected(m) ");
}

static void
assert_bytes (GBytes *bytes,
              const char *expected)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  g_assert_cmpmem (data, length, expected, strlen (expected));
}

static void
test_login (Fixture *fixture,
            gconstpointer data)
{
  TornadisSession *session = &fixture->session;

  g_assert_true (tornadis_session_is_pristine (session));
  ask (fixture, "select 3", "+OK");
  ask (fixture, "SELECT 99", "-ERR");
  g_assert_cmpint (session->db, ==, 3);
  g_assert_cmpint (fixture->changes, ==, TORNADIS_SESSION_CHANGED_DB);

  ask (fixture, "AUTH bob secret", "+OK +echo");
  ask (fixture, "AUTH alice wrong", "-WRONGPASS +echo");
  assert_bytes (session->username, "bob");
  assert_bytes (session->password, "secret");
  ask (fixture, "auth other", "+OK +echo");
  g_assert_null (session->username);
  assert_bytes (session->password, "other");

  ask (fixture, "client SetName editor", "+OK");
  g_assert_cmpstr (session->client_name, ==, "editor");
  fixture->changes &= ~TORNADIS_SESSION_CHANGED_NAME;
  ask (fixture, "CLIENT SETNAME ", "+OK");
  g_assert_null (session->client_name);
  g_assert_cmpint (fixture->changes, ==,
                   TORNADIS_SESSION_CHANGED_DB | TORNADIS_SESSION_CHANGED_USER | TORNADIS_SESSION_CHANGED_NAME);

  /* These are compared with what is wanted, by whoever knows that. */
  g_assert_true (tornadis_session_is_pristine (session));
  ask (fixture, "CLIENT TRACKING on", "-ERR");
  g_assert_true (tornadis_session_is_pristine (session));
  ask (fixture, "CLIENT TRACKING on", "+OK");
  g_assert_false (tornadis_session_is_pristine (session));
  assert_state (fixture, "altered ");
}

static char *
dup_unwritten (Fixture *fixture)
{
  TornadisWriter *writer = tornadis_queue_fill (fixture->queue, PAGE);
  GString *text = g_string_new (NULL);
  GOutputVector vectors[8];
  guint n = tornadis_writer_get_vectors (writer, vectors, G_N_ELEMENTS (vectors));

  for (guint i = 0; i < n; i++)
    g_string_append_len (text, vectors[i].buffer, (gssize) vectors[i].size);

  return g_string_free (text, FALSE);
}

/* A server may refuse it without a reply when anything else is in flight, so that nothing is; and when it does, the ECHO
 * behind it tells. */
static void
test_auth_alone (Fixture *fixture,
                 gconstpointer data)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autofree char *nonce = NULL;
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "test");
  guint64 id;
  guint n;

  push (fixture, "GET a");
  push (fixture, "AUTH alice wrong");
  push (fixture, "GET b");
  text = dup_unwritten (fixture);
  g_assert_nonnull (strstr (text, "GET"));
  g_assert_null (strstr (text, "AUTH"));
  write_all (fixture);
  feed (fixture, "$1,1");
  assert_log (fixture, "GET a=\"1\";");

  g_free (text);
  text = dup_unwritten (fixture);
  g_assert_null (strstr (text, "GET"));
  lines = g_strsplit (text, "\r\n", -1);
  n = g_strv_length (lines);
  g_assert_cmpstr (lines[n - 4], ==, "ECHO");
  g_assert_cmpuint (strlen (lines[n - 2]), ==, 36);
  write_all (fixture);
  assert_state (fixture, "unsettled ");

  nonce = g_strdup_printf ("$36,%s", lines[n - 2]);
  feed (fixture, nonce);
  g_assert_true (g_str_has_prefix (fixture->log->str, "AUTH alice wrong=(error) WRONGPASS "));
  g_string_truncate (fixture->log, 0);
  g_assert_null (fixture->session.username);
  assert_state (fixture, "");
  write_all (fixture);
  feed (fixture, "$1,2");
  assert_log (fixture, "GET b=\"2\";");

  /* Between the two replies all is followed anew. */
  push (fixture, "AUTH alice right");
  id = push (fixture, "SELECT 3");
  write_all (fixture);
  feed (fixture, "+OK");
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
  assert_state (fixture, "");
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  g_string_truncate (fixture->log, 0);

  /* Answered, and lost before the ECHO was: it may have run, as any call. */
  push (fixture, "AUTH alice right");
  push (fixture, "GET c");
  write_all (fixture);
  feed (fixture, "+OK");
  assert_log (fixture, "");
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  assert_log (fixture, "AUTH alice right!lost;");
  write_all (fixture);
  feed (fixture, "$1,3");
  assert_log (fixture, "GET c=\"3\";");
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, 0);
}

/* Within MULTI nothing is done before EXEC, and only what did not fail there. */
static void
test_in_transaction (Fixture *fixture,
                     gconstpointer data)
{
  TornadisSession *session = &fixture->session;

  ask (fixture, "MULTI", "+OK");
  ask (fixture, "GET a", "+QUEUED");
  ask (fixture, "SELECT 5", "+QUEUED");
  ask (fixture, "CLIENT SETNAME no", "+QUEUED");
  g_assert_cmpint (session->db, ==, 0);
  ask (fixture, "EXEC", "*3,$-1,+OK,-ERR");
  g_assert_cmpint (session->db, ==, 5);
  g_assert_null (session->client_name);
  g_assert_cmpint (fixture->changes, ==, TORNADIS_SESSION_CHANGED_DB);

  ask (fixture, "MULTI", "+OK");
  ask (fixture, "SELECT 7", "+QUEUED");
  ask (fixture, "DISCARD", "+OK");
  ask (fixture, "MULTI", "+OK");
  ask (fixture, "SELECT 8", "+QUEUED");
  ask (fixture, "EXEC", "*-1");
  ask (fixture, "!SELECT 9|NOPE", "+OK +QUEUED -ERR -EXECABORT");
  g_assert_cmpint (session->db, ==, 5);

  ask (fixture, "!GET a|SELECT 2|GET b", "+OK +QUEUED +QUEUED +QUEUED *3,$-1,+OK,$-1");
  g_assert_cmpint (session->db, ==, 2);

  /* One that is atomic within MULTI runs what was queued before as well. */
  ask (fixture, "MULTI", "+OK");
  ask (fixture, "SELECT 4", "+QUEUED");
  ask (fixture, "!GET a|GET b", "-ERR +QUEUED +QUEUED *3,+OK,$-1,$-1");
  g_assert_cmpint (session->db, ==, 4);
  assert_state (fixture, "");

  /* A bulk string of that text is a value, not the server's word. */
  ask (fixture, "GET a", "$6,QUEUED");
  ask (fixture, "MULTI", "+OK");
  ask (fixture, "GET a", "$6,QUEUED");
  ask (fixture, "SELECT 6", "+QUEUED");
  ask (fixture, "EXEC", "*1,+OK");
  g_assert_cmpint (session->db, ==, 6);
  ask (fixture, "MULTI", "+OK");
  ask (fixture, "EXEC", "*0");
  g_assert_true (tornadis_session_is_pristine (session));
}

static void
test_settings (Fixture *fixture,
               gconstpointer data)
{
  g_autoptr (GPtrArray) settings = NULL;

  g_assert_null (tornadis_session_dup_settings (&fixture->session));
  ask (fixture, "READONLY", "+OK");
  ask (fixture, "client no-evict on", "+OK");
  ask (fixture, "CLIENT NO-TOUCH on", "-ERR");
  ask (fixture, "READWRITE", "+OK");

  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  tornadis_session_begin (&fixture->session, 0, NULL, NULL, NULL);
  settings = tornadis_session_dup_settings (&fixture->session);
  g_assert_cmpuint (settings->len, ==, 2);
  g_assert_cmpstr (tornadis_command_get_name (g_ptr_array_index (settings, 0)), ==, "READWRITE");
  g_assert_cmpstr (tornadis_command_get_name (g_ptr_array_index (settings, 1)), ==, "CLIENT");
  g_assert_false (tornadis_session_is_pristine (&fixture->session));
}

/* Nobody was waiting when the connection was lost: the first who comes back is notified. */
static void
test_lost_idle (Fixture *fixture,
                gconstpointer data)
{
  ask (fixture, "WATCH k", "+OK");
  ask (fixture, "GET k", "$1,1");
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  assert_state (fixture, "lost(w) ");

  /* They may be meant to go on with it. */
  g_assert_cmpuint (push (fixture, "GET k"), ==, 0);
  g_assert_cmpuint (push (fixture, "WATCH l"), ==, 0);
  g_assert_cmpuint (push (fixture, "SET k 1|SET l 2"), ==, 0);
  assert_state (fixture, "lost(w) ");
  g_assert_cmpuint (push (fixture, "!SET k 2"), ==, 0);
  assert_state (fixture, "");
  g_assert_cmpuint (push (fixture, "GET k"), !=, 0);
}

static void
test_lost_ends (Fixture *fixture,
                gconstpointer data)
{
  static const char *const ends[] = { "EXEC", "DISCARD", "!SET a 1", "SET a 1|EXEC", "MULTI|SET a 1|EXEC" };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      ask (fixture, "MULTI", "+OK");
      lose (fixture, TRUE, TORNADIS_ERROR_LOST);
      assert_state (fixture, "lost(m) ");
      g_assert_cmpuint (push (fixture, "INCR n"), ==, 0);
      /* That is what it was for there. */
      g_assert_cmpuint (push (fixture, "UNWATCH"), ==, 0);
      assert_state (fixture, "lost(m) ");
      g_assert_cmpuint (push (fixture, ends[i]), ==, 0);
      assert_state (fixture, "");
    }

  ask (fixture, "WATCH k", "+OK");
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  ask (fixture, "UNWATCH", "+OK");
  assert_state (fixture, "");
}

/* Who knows begins again with what begins one, and with nothing else. */
static void
test_lost_known (Fixture *fixture,
                 gconstpointer data)
{
  static const char *const begins[] = { "WATCH k", "MULTI", "WATCH k|GET k" };

  for (guint i = 0; i < G_N_ELEMENTS (begins); i++)
    {
      ask (fixture, "WATCH k", "+OK");
      lose (fixture, TRUE, TORNADIS_ERROR_LOST);
      tornadis_session_know_loss (&fixture->session, fixture->session.loss_id);
      g_assert_cmpuint (push (fixture, "GET k"), ==, 0);
      g_assert_cmpuint (push (fixture, begins[i]), !=, 0);
      g_assert_false (tornadis_transaction_is_open (fixture->session.lost));
      lose (fixture, FALSE, TORNADIS_ERROR_LOST);
      tornadis_session_forget_loss (&fixture->session);
      g_string_truncate (fixture->log, 0);
    }
}

static void
test_lost_with_calls (Fixture *fixture,
                      gconstpointer data)
{
  ask (fixture, "WATCH k", "+OK");
  assert_log (fixture, "WATCH k=OK;");
  push (fixture, "GET k");
  write_all (fixture);
  push (fixture, "GET l");
  push (fixture, "WATCH l");
  push (fixture, "!SET k 1|SET l 2");
  push (fixture, "GET m");
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  assert_log (fixture, "GET k!lost;GET l!lost;WATCH l!lost;!SET k 1|SET l 2!lost;");
  assert_state (fixture, "");
  write_all (fixture);
  feed (fixture, "$1,m");
  assert_log (fixture, "GET m=\"m\";");

  /* MULTI was written, the rest was not. */
  push (fixture, "MULTI");
  write_all (fixture);
  push (fixture, "INCR n");
  push (fixture, "UNWATCH");
  push (fixture, "MULTI");
  push (fixture, "INCR m");
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  assert_log (fixture, "MULTI!lost;INCR n!lost;UNWATCH!lost;MULTI!lost;INCR m!lost;");
  assert_state (fixture, "lost(m) ");
  /* All of them know. */
  ask (fixture, "MULTI", "+OK");
  assert_state (fixture, "answered(m) expected(m) ");
  ask (fixture, "EXEC", "*0");
  assert_log (fixture, "MULTI=OK;EXEC=(empty array);");

  /* What was not begun on the connection that was lost goes on as it is. */
  push (fixture, "GET a");
  write_all (fixture);
  push (fixture, "WATCH k");
  push (fixture, "!SET k 1");
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  assert_log (fixture, "GET a!lost;");
  assert_state (fixture, "unsettled ");
  write_all (fixture);
  feed (fixture, "+OK +OK +QUEUED *1,+OK");
  g_string_truncate (fixture->log, 0);

  /* It was at its end, as far as anybody can tell. */
  push (fixture, "WATCH k");
  push (fixture, "!SET k 1");
  write_all (fixture);
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  assert_log (fixture, "WATCH k!lost;!SET k 1!lost;");
  assert_state (fixture, "");
}

/* What began a transaction is taken back before it was sent: nothing that is queued for it runs by itself. */
static void
test_taken_back (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "test");
  guint64 id;

  push (fixture, "GET a");
  id = push (fixture, "MULTI");
  push (fixture, "INCR n");
  push (fixture, "EXEC");
  push (fixture, "GET b");
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
  assert_log (fixture, "MULTI!closed;INCR n!lost;EXEC!lost;");
  assert_state (fixture, "");
  write_all (fixture);
  feed (fixture, "$1,a $1,b");
  assert_log (fixture, "GET a=\"a\";GET b=\"b\";");

  id = push (fixture, "WATCH k");
  push (fixture, "GET k");
  push (fixture, "!SET k 1");
  push (fixture, "GET c");
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
  assert_log (fixture, "WATCH k!closed;GET k!lost;!SET k 1!lost;");
  write_all (fixture);
  feed (fixture, "$1,c");

  /* Not all of it is there yet. Whoever calls later knows. */
  id = push (fixture, "GET a|MULTI|INCR n");
  push (fixture, "INCR n");
  g_string_truncate (fixture->log, 0);
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
  assert_log (fixture, "GET a|MULTI|INCR n!closed;INCR n!lost;");
  assert_state (fixture, "");

  /* One key of several. */
  ask (fixture, "WATCH a", "+OK");
  id = push (fixture, "WATCH b");
  push (fixture, "!SET a 1");
  g_string_truncate (fixture->log, 0);
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
  assert_log (fixture, "WATCH b!closed;!SET a 1!lost;");
  ask (fixture, "UNWATCH", "+OK");

  /* All of it, or only what is not its beginning. */
  id = push (fixture, "MULTI|INCR n|EXEC");
  push (fixture, "GET d");
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
  ask (fixture, "GET d", "$1,d $1,d");
  push (fixture, "MULTI");
  id = push (fixture, "INCR n");
  push (fixture, "INCR m");
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
  ask (fixture, "EXEC", "+OK +QUEUED *1,:1");
  assert_state (fixture, "");
}

/* Only who waits for a call of the transaction knows that it is lost. */
static void
test_lost_unknown (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (GPtrArray) commands = make_commands ("WATCH k|INCR n");
  static const TornadisOrigin nobody = { .queued = 1 };

  /* It is observed, but nobody waits for it. */
  ask (fixture, "WATCH k", "+OK");
  tornadis_queue_push (fixture->queue, g_ptr_array_index (commands, 1), TORNADIS_SLOT_DEFAULT, &nobody);
  write_all (fixture);
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  g_assert_cmpuint (push (fixture, "WATCH l"), ==, 0);
  g_assert_cmpuint (push (fixture, "EXEC"), ==, 0);

  /* It was called before. */
  push (fixture, "GET a");
  tornadis_queue_push (fixture->queue, g_ptr_array_index (commands, 0), TORNADIS_SLOT_DEFAULT, &nobody);
  write_all (fixture);
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  g_assert_cmpuint (push (fixture, "WATCH l"), ==, 0);
  g_assert_cmpuint (push (fixture, "EXEC"), ==, 0);

  push (fixture, "GET a");
  tornadis_queue_push (fixture->queue, g_ptr_array_index (commands, 0), TORNADIS_SLOT_DEFAULT, &nobody);
  push (fixture, "GET k");
  write_all (fixture);
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  g_assert_cmpuint (push (fixture, "WATCH l"), !=, 0);
}

/* Nothing runs in another database, or as another user, than it was called for. */
static void
test_lost_moving (Fixture *fixture,
                  gconstpointer data)
{
  static const struct
  {
    const char *answered;
    const char *replies;
    const char *out;
    gboolean moving;
  } cases[] = {
    { NULL, NULL, "SELECT 3", TRUE },
    { NULL, NULL, "AUTH bob x", TRUE },
    { NULL, NULL, "GET a|SELECT 3", TRUE },
    { NULL, NULL, "!GET a|SELECT 3", TRUE },
    { "MULTI|SELECT 3", "+OK +QUEUED", "EXEC", TRUE },
    { "MULTI|GET a", "+OK +QUEUED", "EXEC", FALSE },
    { "MULTI|SELECT 3|EXEC", "+OK +QUEUED *1,+OK", "GET a", FALSE },
    { "SELECT 3", "+OK", "GET a", FALSE },
    { NULL, NULL, "CLIENT SETNAME x", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s, %s", cases[i].answered, cases[i].out);
      if (cases[i].answered != NULL)
        ask (fixture, cases[i].answered, cases[i].replies);
      push (fixture, cases[i].out);
      write_all (fixture);
      push (fixture, "SET k 1");
      push (fixture, "!SET k 2");
      g_string_truncate (fixture->log, 0);
      lose (fixture, TRUE, TORNADIS_ERROR_LOST);
      g_assert_cmpint (strstr (fixture->log->str, "SET k 1!lost;!SET k 2!lost;") != NULL, ==, cases[i].moving);
      assert_state (fixture, cases[i].moving ? "" : "unsettled ");
      lose (fixture, FALSE, TORNADIS_ERROR_LOST);
    }

  /* What moves it waits too. */
  push (fixture, "GET a");
  write_all (fixture);
  push (fixture, "SELECT 3");
  push (fixture, "GET b");
  g_string_truncate (fixture->log, 0);
  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  assert_log (fixture, "GET a!lost;");
}

/* What was to be sent when the connection could not be made is not what will be answered. */
static void
test_failed (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "test");

  push (fixture, "SELECT 3");
  push (fixture, "MULTI");
  assert_state (fixture, "expected(m) unsettled ");
  tornadis_queue_fail (fixture->queue, error);
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  assert_state (fixture, "");
}

/* Of a reply that cannot be one, its own call is told so, and none behind it. */
static void
test_protocol (Fixture *fixture,
               gconstpointer data)
{
  push (fixture, "GET a");
  push (fixture, "GET b");
  write_all (fixture);
  push (fixture, "GET c");
  lose (fixture, TRUE, TORNADIS_ERROR_PROTOCOL);
  assert_log (fixture, "GET a!protocol;GET b!lost;");
  lose (fixture, FALSE, TORNADIS_ERROR_PROTOCOL);
  assert_log (fixture, "GET c!closed;");
}

static void
assert_blocks_in_vain (Fixture *fixture,
                       gboolean expected)
{
  g_assert_cmpint (fixture->changes, ==, expected ? TORNADIS_SESSION_BLOCKS_IN_VAIN : TORNADIS_SESSION_UNCHANGED);
  fixture->changes = TORNADIS_SESSION_UNCHANGED;
}

static void
test_blocks_in_vain (Fixture *fixture,
                     gconstpointer data)
{
  static const struct
  {
    const char *call;
    gboolean blocks;
  } cases[] = {
    { "BLPOP k 0", TRUE },
    { "brpoplpush a b 1", TRUE },
    { "XREAD BLOCK 0 STREAMS s $", TRUE },
    { "xreadgroup GROUP g c COUNT 1 block 5 STREAMS s >", TRUE },
    { "XREAD COUNT 1 STREAMS block 0", FALSE },
    { "WAIT 1 0", TRUE },
    { "LPOP k", FALSE },
    { "EVAL x 0", FALSE },
    { "GET a|BLPOP k 0", TRUE },
    { "!GET a|BLPOP k 0", FALSE },
    { "XREADGROUP GROUP streams c BLOCK 0 STREAMS s >", TRUE },
    { "XREADGROUP GROUP g streams BLOCK 0 STREAMS s >", TRUE },
    { "XREADGROUP GROUP block c STREAMS s >", FALSE },
    { "XREAD  BLOCK 0 STREAMS s $", TRUE },
    { "XREAD ", FALSE },
  };
  /* Within MULTI it does not wait, unless EXEC comes first. */
  static const struct
  {
    const char *ahead;
    const char *call;
    gboolean blocks;
  } in_multi[] = {
    { "GET a", "BLPOP k 0", FALSE },
    { "EXEC", "BLPOP k 0", TRUE },
    { "DISCARD", "BLPOP k 0", TRUE },
    { "!GET a", "BLPOP k 0", TRUE },
    { "GET a|EXEC", "BLPOP k 0", TRUE },
    { "GET a", "EXEC|BLPOP k 0", TRUE },
    { "GET a", "GET b|BLPOP k 0", FALSE },
  };
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "test");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint64 id = push (fixture, cases[i].call);

      g_test_message ("%s", cases[i].call);
      g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
      assert_blocks_in_vain (fixture, FALSE);

      id = push (fixture, cases[i].call);
      write_all (fixture);
      g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
      assert_blocks_in_vain (fixture, cases[i].blocks);
      lose (fixture, FALSE, TORNADIS_ERROR_LOST);
    }

  for (guint i = 0; i < G_N_ELEMENTS (in_multi); i++)
    {
      guint64 id;

      g_test_message ("MULTI, %s, %s", in_multi[i].ahead, in_multi[i].call);
      ask (fixture, "MULTI", "+OK");
      push (fixture, in_multi[i].ahead);
      id = push (fixture, in_multi[i].call);
      write_all (fixture);
      g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
      assert_blocks_in_vain (fixture, in_multi[i].blocks);
      lose (fixture, FALSE, TORNADIS_ERROR_LOST);
      tornadis_session_forget_loss (&fixture->session);
    }
}

static void
test_wrong_server (Fixture *fixture,
                   gconstpointer data)
{
  static const struct
  {
    const char *call;
    const char *replies;
    gboolean wrong;
  } cases[] = {
    { "SET a 1", "-READONLY\tno", TRUE },
    { "SET a 1", "-ERR\tREADONLY\tno", TRUE },
    { "EVAL x 0", "-ERR\tError\trunning\tscript:\t-READONLY\tno", TRUE },
    { "GET a", "-ERR\tno", FALSE },
    { "GET a", "$10,-READONLY\t", FALSE },
    { "GET a|SET a 1", "$-1 -READONLY\tno", TRUE },
    { "!SET a 1", "+OK -READONLY\tno -EXECABORT", TRUE },
    { "!EVAL x 0", "+OK +QUEUED *1,-READONLY\tno", TRUE },
    { "!SET a 1", "+OK +QUEUED -EXECABORT\tdiscarded\tbecause\tof:\tREADONLY\tno", TRUE },
    { "EVAL x 0", "-ERR\tuser_script:1:\tREADONLY\tno", TRUE },
    { "READONLY", "-ERR\tcluster\tsupport\tdisabled", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) replies = g_strsplit (cases[i].replies, " ", -1);

      g_test_message ("%s %s", cases[i].call, cases[i].replies);
      fixture->changes = TORNADIS_SESSION_UNCHANGED;
      push (fixture, cases[i].call);
      write_all (fixture);
      for (guint j = 0; replies[j] != NULL; j++)
        {
          g_autofree char *reply = g_strdelimit (g_strdup (replies[j]), "\t", '\x01');
          g_auto (GStrv) lines = g_strsplit (reply, ",", -1);
          g_autofree char *joined = g_strjoinv ("\r\n", lines);
          g_autofree char *resp = g_strdelimit (g_strconcat (joined, "\r\n", NULL), "\x01", ' ');
          g_autoptr (GBytes) bytes = g_bytes_new (resp, strlen (resp));

          g_assert_true (tornadis_queue_take_reply (fixture->queue, tornadis_reply_new_from_resp (bytes, NULL), 0));
        }
      g_assert_cmpint (fixture->changes == TORNADIS_SESSION_WRONG_SERVER, ==, cases[i].wrong);
    }
}

/* Nothing is begun any more, and what is out in part is finished. */
static void
test_hold_back (Fixture *fixture,
                gconstpointer data)
{
  TornadisWriter *writer;
  gsize n_left;

  push (fixture, "SET first value");
  push (fixture, "GET second");
  writer = tornadis_queue_fill (fixture->queue, PAGE);
  tornadis_queue_advance (fixture->queue, 10);
  n_left = tornadis_writer_get_pending (writer);

  tornadis_queue_hold_back (fixture->queue);
  push (fixture, "GET third");
  writer = tornadis_queue_fill (fixture->queue, PAGE);
  g_assert_cmpuint (tornadis_writer_get_pending (writer), <, n_left);
  write_all (fixture);
  feed (fixture, "+OK");
  g_assert_false (tornadis_queue_awaits_replies (fixture->queue));
  assert_log (fixture, "SET first value=OK;");

  lose (fixture, TRUE, TORNADIS_ERROR_LOST);
  write_all (fixture);
  feed (fixture, "$1,2 $1,3");
  assert_log (fixture, "GET second=\"2\";GET third=\"3\";");
}

/* Nor in the place of a call that is taken back. */
static void
test_hold_back_cancelled (Fixture *fixture,
                          gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "test");
  guint64 second, third;

  push (fixture, "GET first");
  write_all (fixture);
  second = push (fixture, "GET second");
  third = push (fixture, "GET third");
  g_assert_true (tornadis_queue_cancel (fixture->queue, second, error));
  tornadis_queue_hold_back (fixture->queue);
  g_assert_true (tornadis_queue_cancel (fixture->queue, third, error));

  push (fixture, "GET fourth");
  g_assert_cmpuint (tornadis_writer_get_pending (tornadis_queue_fill (fixture->queue, PAGE)), ==, 0);
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add ("/session/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("follows", test_follows);
  ADD ("expected", test_expected);
  ADD ("login", test_login);
  ADD ("auth-alone", test_auth_alone);
  ADD ("fault-02/in-transaction", test_in_transaction);
  ADD ("settings", test_settings);
  ADD ("fault-03/lost-idle", test_lost_idle);
  ADD ("fault-03/lost-ends", test_lost_ends);
  ADD ("fault-03/lost-known", test_lost_known);
  ADD ("fault-03/lost-with-calls", test_lost_with_calls);
  ADD ("fault-03/taken-back", test_taken_back);
  ADD ("fault-03/lost-unknown", test_lost_unknown);
  ADD ("fault-02/lost-moving", test_lost_moving);
  ADD ("failed", test_failed);
  ADD ("fault-10/protocol", test_protocol);
  ADD ("fault-17/blocks-in-vain", test_blocks_in_vain);
  ADD ("fault-05/wrong-server", test_wrong_server);
  ADD ("hold-back", test_hold_back);
  ADD ("hold-back-cancelled", test_hold_back_cancelled);

  return g_test_run ();
}
