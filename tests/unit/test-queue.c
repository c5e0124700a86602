/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-queue.h"

#define PAGE 65536

/* What became of calls, as text in order: "name=value;" or "name!code;". */
typedef struct
{
  TornadisQueue *queue;
  GString *log;
  TornadisSession session;
} Fixture;

typedef struct
{
  Fixture *fixture;
  const char *name;
} Call;

static void
done_cb (TornadisReply *reply,
         const GError *error,
         gpointer user_data)
{
  g_autofree Call *call = user_data;
  g_autofree char *text = reply != NULL ? tornadis_reply_to_string (reply) : NULL;

  if (error != NULL)
    g_string_append_printf (call->fixture->log, "%s!%d;", call->name, error->code);
  else
    g_string_append_printf (call->fixture->log, "%s=%s;", call->name, text);
}

static void
session_cb (TornadisSessionChange changes,
            gpointer user_data)
{
}

static guint64
push_with_deadline (TornadisQueue *queue,
                    TornadisCommand *command,
                    gint64 deadline,
                    TornadisSlotFunc func,
                    gpointer user_data)
{
  const TornadisOrigin caller = { func, user_data, deadline, 0 };

  return tornadis_queue_push (queue, command, TORNADIS_SLOT_DEFAULT, &caller);
}

static void
lose (TornadisQueue *queue,
      gboolean keep_unwritten)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "test");

  tornadis_queue_lose (queue, keep_unwritten, error);
  tornadis_queue_sort_out (queue, G_MAXINT64);
  tornadis_queue_end_lost (queue, G_MAXINT64);
}

static void
set_up (Fixture *fixture,
        gconstpointer data)
{
  fixture->queue = tornadis_queue_new ();
  fixture->log = g_string_new (NULL);
  tornadis_queue_set_session (fixture->queue, &fixture->session, session_cb, NULL);
}

static void
tear_down (Fixture *fixture,
           gconstpointer data)
{
  lose (fixture->queue, FALSE);
  tornadis_queue_free (fixture->queue);
  g_string_free (fixture->log, TRUE);
  tornadis_session_clear (&fixture->session);
}

static gpointer
make_call (Fixture *fixture,
           const char *name)
{
  Call *call = g_new (Call, 1);

  *call = (Call){ fixture, name };
  return call;
}

static guint64
push (Fixture *fixture,
      const char *name)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new (name);

  return push_with_deadline (fixture->queue, command, 0, done_cb, make_call (fixture, name));
}

static guint64
push_batch (Fixture *fixture,
            const char *name,
            gboolean atomic,
            const char *const *commands)
{
  g_autoptr (GPtrArray) array = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_command_unref);
  const TornadisOrigin caller = { .func = done_cb, .user_data = make_call (fixture, name) };

  for (guint i = 0; commands[i] != NULL; i++)
    g_ptr_array_add (array, tornadis_command_new (commands[i]));

  return tornadis_queue_push_batch (fixture->queue, tornadis_batch_new (array, atomic), &caller);
}

/* Writes up to @n_bytes and returns them as text without the RESP around the names. */
static char *
write_some (Fixture *fixture,
            gsize n_bytes)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_auto (GStrv) lines = NULL;
  g_autoptr (GString) names = g_string_new (NULL);

  while (n_bytes > 0)
    {
      TornadisWriter *writer = tornadis_queue_fill (fixture->queue, PAGE);
      GOutputVector vectors[4];
      guint n = tornadis_writer_get_vectors (writer, vectors, G_N_ELEMENTS (vectors));
      gsize step;

      if (n == 0)
        break;
      step = MIN (vectors[0].size, n_bytes);
      g_string_append_len (out, vectors[0].buffer, (gssize) step);
      tornadis_queue_advance (fixture->queue, step);
      n_bytes -= step;
    }

  lines = g_strsplit (out->str, "\r\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_ascii_isalpha (lines[i][0]))
      g_string_append_printf (names, "%s ", lines[i]);

  return g_strdup (names->str);
}

static gboolean
feed_at (Fixture *fixture,
         const char *resp,
         gint64 now)
{
  g_autoptr (GBytes) bytes = g_bytes_new (resp, strlen (resp));
  g_autoptr (GError) error = NULL;
  TornadisReply *reply = tornadis_reply_new_from_resp (bytes, &error);

  g_assert_no_error (error);
  if (tornadis_queue_take_reply (fixture->queue, reply, now))
    return TRUE;

  tornadis_reply_unref (reply);
  return FALSE;
}

static gboolean
feed (Fixture *fixture,
      const char *resp)
{
  return feed_at (fixture, resp, 0);
}

static void
assert_written (Fixture *fixture,
                const char *expected)
{
  g_autofree char *names = write_some (fixture, G_MAXSIZE);

  g_assert_cmpstr (names, ==, expected);
}

static void
test_order (Fixture *fixture,
            gconstpointer data)
{
  push (fixture, "A");
  push (fixture, "B");
  push (fixture, "C");
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, 3);
  assert_written (fixture, "A B C ");

  g_assert_true (feed (fixture, ":1\r\n"));
  g_assert_true (feed (fixture, ":2\r\n"));
  push (fixture, "D");
  g_assert_true (feed (fixture, ":3\r\n"));
  assert_written (fixture, "D ");
  g_assert_true (feed (fixture, ":4\r\n"));

  g_assert_cmpstr (fixture->log->str, ==, "A=(integer) 1;B=(integer) 2;C=(integer) 3;D=(integer) 4;");
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, 0);
}

/* A reply before its command was written was not asked for. */
static void
test_unasked (Fixture *fixture,
              gconstpointer data)
{
  g_assert_false (feed (fixture, "+stale\r\n"));
  push (fixture, "A");
  g_assert_false (feed (fixture, "+stale\r\n"));
  assert_written (fixture, "A ");
  g_assert_true (feed (fixture, "+mine\r\n"));
  g_assert_false (feed (fixture, "+again\r\n"));

  g_assert_cmpstr (fixture->log->str, ==, "A=mine;");
}

static void
test_cancel_unwritten (Fixture *fixture,
                       gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  guint64 b, c;

  push (fixture, "A");
  b = push (fixture, "B");
  c = push (fixture, "C");
  push (fixture, "D");

  g_assert_true (tornadis_queue_cancel (fixture->queue, b, error));
  g_assert_false (tornadis_queue_cancel (fixture->queue, b, error));
  /* Serialised, but not a byte of it is out. */
  tornadis_queue_fill (fixture->queue, PAGE);
  g_assert_true (tornadis_queue_cancel (fixture->queue, c, error));
  assert_written (fixture, "A D ");

  g_assert_true (feed (fixture, ":1\r\n"));
  g_assert_true (feed (fixture, ":4\r\n"));
  g_assert_false (feed (fixture, ":5\r\n"));
  g_assert_cmpstr (fixture->log->str, ==, "B!19;C!19;A=(integer) 1;D=(integer) 4;");
}

/* The reply of a call that was cancelled too late is swallowed. */
static void
test_cancel_written (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  g_autofree char *part = NULL;
  guint64 a, b;

  a = push (fixture, "A");
  b = push (fixture, "B");
  push (fixture, "C");
  /* A whole, and one byte of B: "*1\r\n$1\r\nA\r\n" is 11 bytes. */
  part = write_some (fixture, 12);
  g_assert_true (tornadis_queue_cancel (fixture->queue, a, error));
  g_assert_true (tornadis_queue_cancel (fixture->queue, b, error));
  g_clear_pointer (&part, g_free);
  part = write_some (fixture, G_MAXSIZE);
  g_assert_cmpstr (part, ==, "B C ");

  g_assert_true (feed (fixture, "+a\r\n"));
  g_assert_true (feed (fixture, "+b\r\n"));
  g_assert_true (feed (fixture, "+c\r\n"));
  g_assert_cmpstr (fixture->log->str, ==, "A!19;B!19;C=c;");
}

static void
test_lost (Fixture *fixture,
           gconstpointer data)
{
  g_autofree char *part = NULL;

  push (fixture, "A");
  push (fixture, "B");
  push (fixture, "C");
  part = write_some (fixture, 12);

  /* A waits for its reply, B is half out, C never left. */
  lose (fixture->queue, TRUE);
  g_assert_cmpstr (fixture->log->str, ==, "A!3;B!3;");
  assert_written (fixture, "C ");
  g_assert_true (feed (fixture, "+c\r\n"));

  push (fixture, "D");
  lose (fixture->queue, FALSE);
  g_assert_cmpstr (fixture->log->str, ==, "A!3;B!3;C=c;D!2;");
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, 0);
}

static guint64
push_names (Fixture *fixture,
            const char *const *argv,
            gint64 deadline)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);

  return push_with_deadline (fixture->queue, command, deadline, done_cb, make_call (fixture, argv[0]));
}

static gboolean
confirm (Fixture *fixture,
         const char *verb,
         const char *name)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (name, strlen (name));
  g_autofree char *resp = g_strdup_printf ("+%s\r\n", name);
  g_autoptr (GBytes) line = g_bytes_new_static (resp, strlen (resp));
  g_autoptr (TornadisReply) reply = tornadis_reply_new_from_resp (line, NULL);
  TornadisCompletion completion;
  gboolean taken;

  taken = tornadis_queue_confirm (fixture->queue, verb, bytes, &completion);
  tornadis_completion_run (&completion, reply, NULL);
  tornadis_completion_clear (&completion);

  return taken;
}

static void
test_confirmed (Fixture *fixture,
                gconstpointer data)
{
  push_names (fixture, (const char *[]) { "SUBSCRIBE", "a", "b", NULL }, 0);
  push_names (fixture, (const char *[]) { "UNSUBSCRIBE", "a", NULL }, 0);
  push (fixture, "C");
  g_assert_false (confirm (fixture, "subscribe", "a"));
  assert_written (fixture, "SUBSCRIBE a b UNSUBSCRIBE a C ");

  g_assert_false (confirm (fixture, "subscribe", "b"));
  g_assert_false (confirm (fixture, "unsubscribe", "a"));
  g_assert_true (confirm (fixture, "subscribe", "a"));
  g_assert_false (confirm (fixture, "subscribe", "a"));
  g_assert_false (feed (fixture, "+no reply to it\r\n"));
  g_assert_cmpstr (fixture->log->str, ==, "");
  g_assert_true (confirm (fixture, "subscribe", "b"));
  g_assert_cmpstr (fixture->log->str, ==, "SUBSCRIBE=b;");

  g_assert_true (confirm (fixture, "unsubscribe", "a"));
  g_assert_false (confirm (fixture, "unsubscribe", "a"));
  g_assert_true (feed (fixture, "+c\r\n"));
  g_assert_cmpstr (fixture->log->str, ==, "SUBSCRIBE=b;UNSUBSCRIBE=a;C=c;");
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, 0);
}

/* What ends a call before all its names are confirmed. Its place counts on. */
static void
test_confirmed_in_part (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  guint64 id;

  push_names (fixture, (const char *[]) { "SUBSCRIBE", "a", NULL }, 0);
  id = push_names (fixture, (const char *[]) { "PSUBSCRIBE", "a", "b", NULL }, 0);
  push_names (fixture, (const char *[]) { "SSUBSCRIBE", "a", "b", NULL }, 100);
  push_names (fixture, (const char *[]) { "PUNSUBSCRIBE", "a", "b", NULL }, 0);
  assert_written (fixture, "SUBSCRIBE a PSUBSCRIBE a b SSUBSCRIBE a b PUNSUBSCRIBE a b ");

  g_assert_true (feed (fixture, "-NOPERM no\r\n"));
  g_assert_true (confirm (fixture, "psubscribe", "a"));
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, error));
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 100, G_MAXINT64), ==, 0);
  g_assert_cmpstr (fixture->log->str, ==, "SUBSCRIBE=(error) NOPERM no;PSUBSCRIBE!19;SSUBSCRIBE!4;");

  g_assert_true (confirm (fixture, "psubscribe", "b"));
  g_assert_true (confirm (fixture, "ssubscribe", "a"));
  g_assert_true (confirm (fixture, "ssubscribe", "b"));
  g_assert_true (confirm (fixture, "punsubscribe", "a"));
  lose (fixture->queue, TRUE);
  g_assert_cmpstr (fixture->log->str, ==, "SUBSCRIBE=(error) NOPERM no;PSUBSCRIBE!19;SSUBSCRIBE!4;PUNSUBSCRIBE!3;");
  g_assert_false (confirm (fixture, "punsubscribe", "b"));
}

static void
test_batch (Fixture *fixture,
            gconstpointer data)
{
  push_batch (fixture, "P", FALSE, (const char *[]){ "A", "SELECT", "C", NULL });
  push (fixture, "Z");
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, 4);
  assert_written (fixture, "A SELECT C Z ");

  g_assert_true (feed (fixture, ":1\r\n"));
  g_assert_true (feed (fixture, "-ERR no\r\n"));
  g_assert_cmpstr (fixture->log->str, ==, "");
  g_assert_true (feed (fixture, ":3\r\n"));
  g_assert_true (feed (fixture, "+z\r\n"));
  g_assert_cmpstr (fixture->log->str, ==, "P=1) (integer) 1\n2) (error) ERR no\n3) (integer) 3;Z=z;");
}

static void
test_batch_lost (Fixture *fixture,
                 gconstpointer data)
{
  push_batch (fixture, "P", FALSE, (const char *[]){ "A", "B", NULL });
  assert_written (fixture, "A B ");
  g_assert_true (feed (fixture, ":1\r\n"));
  lose (fixture->queue, TRUE);
  g_assert_cmpstr (fixture->log->str, ==, "P!3;");

  /* One of which nothing is out starts again on the next link. */
  push_batch (fixture, "Q", FALSE, (const char *[]){ "A", "B", NULL });
  tornadis_queue_fill (fixture->queue, 1);
  lose (fixture->queue, TRUE);
  assert_written (fixture, "A B ");
}

static void
test_transaction (Fixture *fixture,
                  gconstpointer data)
{
  push_batch (fixture, "T", TRUE, (const char *[]){ "A", "B", NULL });
  assert_written (fixture, "MULTI A B EXEC ");
  feed (fixture, "+OK\r\n");
  feed (fixture, "+QUEUED\r\n");
  feed (fixture, "+QUEUED\r\n");
  feed (fixture, "*2\r\n:1\r\n-ERR b\r\n");

  push_batch (fixture, "U", TRUE, (const char *[]){ "A", NULL });
  assert_written (fixture, "MULTI A EXEC ");
  feed (fixture, "+OK\r\n");
  feed (fixture, "+QUEUED\r\n");
  feed (fixture, "*-1\r\n");

  push_batch (fixture, "V", TRUE, (const char *[]){ "A", "B", NULL });
  assert_written (fixture, "MULTI A B EXEC ");
  feed (fixture, "+OK\r\n");
  feed (fixture, "+QUEUED\r\n");
  feed (fixture, "-ERR unknown command\r\n");
  feed (fixture, "-EXECABORT Discarded.\r\n");

  push_batch (fixture, "W", TRUE, (const char *[]){ "A", NULL });
  assert_written (fixture, "MULTI A EXEC ");
  feed (fixture, "-ERR MULTI calls can not be nested\r\n");
  feed (fixture, "+QUEUED\r\n");
  feed (fixture, "*1\r\n:1\r\n");

  g_assert_cmpstr (fixture->log->str, ==,
                   "T=1) (integer) 1\n2) (error) ERR b;"
                   "U=(nil);"
                   "V=(error) EXECABORT Discarded. Command 2, B: ERR unknown command;"
                   "W=(error) ERR MULTI calls can not be nested;");
}

static void
test_expire (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("A");

  push_with_deadline (fixture->queue, command, 300, done_cb, make_call (fixture, "late"));
  push_with_deadline (fixture->queue, command, 100, done_cb, make_call (fixture, "early"));
  push_with_deadline (fixture->queue, command, 0, done_cb, make_call (fixture, "never"));

  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 99, G_MAXINT64), ==, 100);
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 100, G_MAXINT64), ==, 300);
  g_assert_cmpstr (fixture->log->str, ==, "early!4;");
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 1000, G_MAXINT64), ==, 0);
  g_assert_cmpstr (fixture->log->str, ==, "early!4;late!4;");
  assert_written (fixture, "A ");
  g_assert_true (feed (fixture, "+x\r\n"));
}

/* How many times each call was told, and of what. */
typedef struct
{
  guint n_timed_out;
  guint n_replies;
  gint64 reply; /* the last one */
} Outcome;

static void
count_cb (TornadisReply *reply,
          const GError *error,
          gpointer user_data)
{
  Outcome *outcome = user_data;

  if (reply != NULL)
    {
      outcome->n_replies++;
      outcome->reply = tornadis_reply_get_integer (reply);
    }
  else
    {
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
      outcome->n_timed_out++;
    }
}

static guint
count_timed_out (const Outcome *outcomes,
                 guint n)
{
  guint n_timed_out = 0;

  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpuint (outcomes[i].n_timed_out + outcomes[i].n_replies, <=, 1);
      n_timed_out += outcomes[i].n_timed_out;
    }

  return n_timed_out;
}

/* When there is no time, a few calls at a time are ended; those that are left are still due. */
static void
test_expire_slices (Fixture *fixture,
                    gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("A");
  Outcome outcomes[102] = { 0 };
  guint n_before = 0, n_slices = 1;

  for (guint i = 0; i < 100; i++)
    push_with_deadline (fixture->queue, command, 100 + i, count_cb, &outcomes[i]);
  push_with_deadline (fixture->queue, command, 500, count_cb, &outcomes[100]);
  push_with_deadline (fixture->queue, command, 0, count_cb, &outcomes[101]);

  for (gint64 next; (next = tornadis_queue_expire (fixture->queue, 300, 0)) != 500; n_slices++)
    {
      guint n = count_timed_out (outcomes, G_N_ELEMENTS (outcomes));

      g_assert_cmpuint (n, >, n_before);
      g_assert_cmpuint (n - n_before, <=, 16);
      /* The first that is left, which is due. */
      g_assert_cmpint (next, ==, 100 + n);
      g_assert_cmpint (tornadis_queue_get_next_deadline (fixture->queue), ==, next);
      n_before = n;
    }
  g_assert_cmpuint (n_slices, >=, 100 / 16);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpuint (outcomes[i].n_timed_out, ==, 1);
  g_assert_cmpuint (count_timed_out (outcomes, G_N_ELEMENTS (outcomes)), ==, 100);

  /* With time enough, all at once. */
  for (guint i = 0; i < 100; i++)
    {
      outcomes[i].n_timed_out = 0;
      push_with_deadline (fixture->queue, command, 400, count_cb, &outcomes[i]);
    }
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 500, G_MAXINT64), ==, 0);
  g_assert_cmpuint (count_timed_out (outcomes, G_N_ELEMENTS (outcomes)), ==, 101);
  g_assert_cmpint (tornadis_queue_get_next_deadline (fixture->queue), ==, 0);

  assert_written (fixture, "A ");
  g_assert_true (feed (fixture, ":7\r\n"));
  g_assert_cmpint (outcomes[101].reply, ==, 7);
}

/* A peer answers nothing for long: the places of 10,000 calls stay, and those made after them time out in their order,
 * or have their own replies when it speaks again. */
static void
test_expire_mute (Fixture *fixture,
                  gconstpointer data)
{
  const guint n_old = 10000, n_new = 200;
  g_autoptr (TornadisCommand) command = tornadis_command_new ("A");
  g_autofree Outcome *outcomes = g_new0 (Outcome, n_old + n_new);
  g_autofree char *written = NULL;

  for (guint i = 0; i < n_old; i++)
    push_with_deadline (fixture->queue, command, 1 + i % 1000, count_cb, &outcomes[i]);
  written = write_some (fixture, G_MAXSIZE);
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 500, G_MAXINT64), ==, 501);
  g_assert_cmpuint (count_timed_out (outcomes, n_old), ==, n_old / 2);
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 1000, G_MAXINT64), ==, 0);
  g_assert_cmpuint (count_timed_out (outcomes, n_old), ==, n_old);
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, n_old);

  /* The later they are made, the earlier they are due. */
  for (guint i = 0; i < n_new; i++)
    push_with_deadline (fixture->queue, command, 3000 - i, count_cb, &outcomes[n_old + i]);
  g_clear_pointer (&written, g_free);
  written = write_some (fixture, G_MAXSIZE);
  g_assert_cmpint (tornadis_queue_get_next_deadline (fixture->queue), ==, 3000 - n_new + 1);
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 2000, G_MAXINT64), ==, 3000 - n_new + 1);
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 3000 - n_new / 2, G_MAXINT64), ==, 3000 - n_new / 2 + 1);
  for (guint i = 0; i < n_new; i++)
    g_assert_cmpuint (outcomes[n_old + i].n_timed_out, ==, i >= n_new / 2);
  g_assert_cmpuint (count_timed_out (outcomes, n_old), ==, n_old);

  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, n_old + n_new);
  for (guint i = 0; i < n_old + n_new; i++)
    {
      g_autofree char *resp = g_strdup_printf (":%u\r\n", i);

      g_assert_true (feed (fixture, resp));
    }
  g_assert_false (feed (fixture, ":0\r\n"));

  g_assert_cmpuint (count_timed_out (outcomes, n_old + n_new), ==, n_old + n_new / 2);
  for (guint i = n_old; i < n_old + n_new / 2; i++)
    {
      g_assert_cmpuint (outcomes[i].n_replies, ==, 1);
      g_assert_cmpint (outcomes[i].reply, ==, i);
    }
  g_assert_cmpint (tornadis_queue_get_next_deadline (fixture->queue), ==, 0);
}

/* Calls that ended otherwise are due no more, though their places may stay. */
static void
test_expire_ended (Fixture *fixture,
                   gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("A");
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "test");
  g_autofree char *written = NULL;
  Outcome outcomes[3] = { 0 };
  guint64 first;

  first = push_with_deadline (fixture->queue, command, 100, count_cb, &outcomes[0]);
  push_with_deadline (fixture->queue, command, 200, count_cb, &outcomes[1]);
  push_with_deadline (fixture->queue, command, 300, count_cb, &outcomes[2]);
  written = write_some (fixture, G_MAXSIZE);

  g_assert_true (tornadis_queue_cancel (fixture->queue, first, error));
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, 3);
  g_assert_cmpint (tornadis_queue_get_next_deadline (fixture->queue), ==, 200);
  g_assert_true (feed (fixture, ":0\r\n"));
  g_assert_true (feed (fixture, ":1\r\n"));
  g_assert_cmpint (tornadis_queue_get_next_deadline (fixture->queue), ==, 300);
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 250, G_MAXINT64), ==, 300);
  g_assert_true (feed (fixture, ":2\r\n"));
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 400, G_MAXINT64), ==, 0);

  g_assert_cmpuint (outcomes[0].n_timed_out, ==, 1);
  g_assert_cmpint (outcomes[1].reply, ==, 1);
  g_assert_cmpint (outcomes[2].reply, ==, 2);
  g_assert_cmpuint (count_timed_out (outcomes, G_N_ELEMENTS (outcomes)), ==, 1);
}

/* A call whose place another's was has that place's id, but not its deadline. */
static void
test_expire_place_taken (Fixture *fixture,
                         gconstpointer data)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("A");
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "test");
  Outcome outcomes[2] = { 0 };
  guint64 first = push_with_deadline (fixture->queue, command, 100, count_cb, &outcomes[0]);
  guint64 second;

  g_assert_true (tornadis_queue_cancel (fixture->queue, first, error));
  second = push_with_deadline (fixture->queue, command, 200, count_cb, &outcomes[1]);
  g_assert_cmpuint (second, ==, first);

  g_assert_cmpint (tornadis_queue_get_next_deadline (fixture->queue), ==, 200);
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 150, G_MAXINT64), ==, 200);
  g_assert_cmpuint (outcomes[1].n_timed_out, ==, 0);
  g_assert_cmpint (tornadis_queue_expire (fixture->queue, 200, G_MAXINT64), ==, 0);
  g_assert_cmpuint (count_timed_out (outcomes, 2), ==, 2);
}

/* No answer can be expected of what the server may not have. */
static void
test_due_written (Fixture *fixture,
                  gconstpointer data)
{
  guint64 a = push (fixture, "A"), ping = push (fixture, "PING");
  g_autofree char *part = NULL;

  g_assert_false (tornadis_queue_is_due (fixture->queue, ping));
  tornadis_queue_fill (fixture->queue, PAGE);
  g_assert_false (tornadis_queue_is_due (fixture->queue, ping));

  /* A is 11 bytes, PING 14; all but the last of them. */
  part = write_some (fixture, 24);
  g_assert_true (tornadis_queue_is_due (fixture->queue, a));
  g_assert_false (tornadis_queue_is_due (fixture->queue, ping));
  g_clear_pointer (&part, g_free);
  part = write_some (fixture, 1);
  g_assert_true (tornadis_queue_is_due (fixture->queue, ping));

  g_assert_true (feed (fixture, "+a\r\n"));
  g_assert_false (tornadis_queue_is_due (fixture->queue, a));
  g_assert_true (tornadis_queue_is_due (fixture->queue, ping));
  g_assert_true (feed (fixture, "+PONG\r\n"));
  g_assert_false (tornadis_queue_is_due (fixture->queue, ping));
  g_assert_false (tornadis_queue_is_due (fixture->queue, ping + 1));
}

/* What blocks holds up those behind it, not itself; and not those behind it once it is answered. */
static void
test_due_behind_blocking (Fixture *fixture,
                          gconstpointer data)
{
  guint64 a, blpop, ping;

  a = push (fixture, "A");
  blpop = push (fixture, "BLPOP");
  ping = push (fixture, "PING");
  assert_written (fixture, "A BLPOP PING ");

  g_assert_true (tornadis_queue_is_due (fixture->queue, a));
  g_assert_true (tornadis_queue_is_due (fixture->queue, blpop));
  g_assert_false (tornadis_queue_is_due (fixture->queue, ping));
  feed (fixture, "+a\r\n");
  g_assert_false (tornadis_queue_is_due (fixture->queue, ping));
  feed (fixture, "*-1\r\n");
  g_assert_true (tornadis_queue_is_due (fixture->queue, ping));
  feed (fixture, "+PONG\r\n");
}

/* The server does not know that a call was cancelled, unless it never had it. */
static void
test_due_behind_cancelled (Fixture *fixture,
                           gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  guint64 blpop, plain, ping;

  blpop = push (fixture, "BLPOP");
  plain = push (fixture, "GET");
  ping = push (fixture, "PING");
  assert_written (fixture, "BLPOP GET PING ");
  g_assert_true (tornadis_queue_cancel (fixture->queue, blpop, error));
  g_assert_true (tornadis_queue_cancel (fixture->queue, plain, error));
  g_assert_false (tornadis_queue_is_due (fixture->queue, ping));
  feed (fixture, "*-1\r\n");
  g_assert_true (tornadis_queue_is_due (fixture->queue, ping));
  feed (fixture, "$-1\r\n");
  g_assert_true (tornadis_queue_is_due (fixture->queue, ping));
  feed (fixture, "+PONG\r\n");

  push (fixture, "GET");
  blpop = push (fixture, "BLPOP");
  ping = push (fixture, "PING");
  g_assert_true (tornadis_queue_cancel (fixture->queue, blpop, error));
  assert_written (fixture, "GET PING ");
  g_assert_true (tornadis_queue_is_due (fixture->queue, ping));
}

static void
test_due_behind_pipeline (Fixture *fixture,
                          gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  guint64 plain, scripts, ping;

  for (guint atomic = FALSE; atomic <= TRUE; atomic++)
    {
      push_batch (fixture, "plain", FALSE, (const char *[]){ "GET", "SET", NULL });
      plain = push (fixture, "PING");
      scripts = push_batch (fixture, "scripts", atomic == TRUE, (const char *[]){ "GET", "EVAL", NULL });
      ping = push (fixture, "PING");
      assert_written (fixture, atomic ? "GET SET PING MULTI GET EVAL EXEC PING " : "GET SET PING GET EVAL PING ");

      g_assert_true (tornadis_queue_is_due (fixture->queue, plain));
      g_assert_true (tornadis_queue_is_due (fixture->queue, scripts));
      g_assert_false (tornadis_queue_is_due (fixture->queue, ping));
      feed (fixture, "$-1\r\n");
      feed (fixture, "+OK\r\n");
      feed (fixture, "+PONG\r\n");

      /* Neither an answer to the first of its commands nor that nobody waits for it lets the rest be done. */
      feed (fixture, atomic ? "+OK\r\n" : "$-1\r\n");
      g_assert_false (tornadis_queue_is_due (fixture->queue, ping));
      g_assert_true (tornadis_queue_cancel (fixture->queue, scripts, error));
      g_assert_false (tornadis_queue_is_due (fixture->queue, ping));
      if (atomic)
        {
          feed (fixture, "+QUEUED\r\n");
          feed (fixture, "+QUEUED\r\n");
          g_assert_false (tornadis_queue_is_due (fixture->queue, ping));
          feed (fixture, "*2\r\n$-1\r\n:1\r\n");
        }
      else
        feed (fixture, ":1\r\n");
      g_assert_true (tornadis_queue_is_due (fixture->queue, ping));
      feed (fixture, "+PONG\r\n");
      g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, 0);
    }
}

static void
test_bounds (Fixture *fixture,
             gconstpointer data)
{
  g_assert_true (tornadis_queue_has_room (fixture->queue, 100, 1000000, 10, 10));
  push (fixture, "PING");
  g_assert_true (tornadis_queue_has_room (fixture->queue, 9, 0, 10, 1000));
  g_assert_false (tornadis_queue_has_room (fixture->queue, 10, 0, 10, 1000));
  g_assert_false (tornadis_queue_has_room (fixture->queue, 1, 1000, 10, 1000));
  /* What is written no longer counts in bytes, but still in calls. */
  assert_written (fixture, "PING ");
  g_assert_true (tornadis_queue_has_room (fixture->queue, 1, 1000000, 10, 1000));
  g_assert_false (tornadis_queue_has_room (fixture->queue, 1, 0, 1, 1000));
  feed (fixture, "+PONG\r\n");
}

/* Of three that are serialised but not out, the second was ended before it was: taking the first back takes them all. */
static void
test_rewind_past_ended (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "test");
  guint64 a, b;

  a = push (fixture, "A");
  b = push (fixture, "B");
  push (fixture, "C");
  g_assert_true (tornadis_queue_cancel (fixture->queue, b, error));
  tornadis_queue_fill (fixture->queue, PAGE);
  g_assert_true (tornadis_queue_cancel (fixture->queue, a, error));
  assert_written (fixture, "C ");
  g_assert_true (feed (fixture, "+c\r\n"));
  g_assert_true (g_str_has_suffix (fixture->log->str, "C=c;"));
}

/* TLS has made a record of it, which goes out whatever happens. */
static void
test_offered (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "test");
  GOutputVector vectors[4];
  guint64 a = push (fixture, "A");
  TornadisWriter *writer = tornadis_queue_fill (fixture->queue, PAGE);

  tornadis_writer_offer (writer, vectors, tornadis_writer_get_vectors (writer, vectors, G_N_ELEMENTS (vectors)));
  g_assert_true (tornadis_queue_cancel (fixture->queue, a, error));
  push (fixture, "B");
  assert_written (fixture, "A B ");
  g_assert_true (feed (fixture, "+a\r\n"));
  g_assert_true (feed (fixture, "+b\r\n"));
  g_assert_true (g_str_has_suffix (fixture->log->str, "B=b;"));
}

/* Thousands of calls ended at random moments, in random ways: each exactly once, and in step. */
static void
test_random (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GString) wire = g_string_new (NULL);
  g_auto (GStrv) completions = NULL;
  gsize answered = 0;

  for (guint i = 0; i < 3000; i++)
    {
      char *name = g_strdup_printf ("C%u", i);
      g_autofree char *written = NULL;
      guint64 id = push (fixture, g_intern_string (name));

      g_free (name);
      g_array_append_val (ids, id);
      if (g_test_rand_int_range (0, 3) == 0)
        tornadis_queue_cancel (fixture->queue, g_array_index (ids, guint64, (guint) g_test_rand_int_range (0, (gint32) ids->len)), error);
      written = write_some (fixture, (gsize) g_test_rand_int_range (0, 40));
      g_string_append (wire, written);
    }

  {
    g_autofree char *rest = write_some (fixture, G_MAXSIZE);

    g_string_append (wire, rest);
  }

  /* A name may have been cut in two by the pieces that were written; what counts is how many replies the
   * queue expects, which is what is still in it. */
  while (tornadis_queue_get_length (fixture->queue) > 0)
    {
      g_assert_true (feed (fixture, "+reply\r\n"));
      answered++;
    }
  g_assert_false (feed (fixture, "+reply\r\n"));
  g_assert_cmpuint (answered, >, 1000);

  completions = g_strsplit (fixture->log->str, ";", -1);
  g_assert_cmpuint (g_strv_length (completions), ==, 3001);
}

/* So many calls, of which the first @n_written are written. */
static void
push_many (Fixture *fixture,
           guint n,
           guint n_written)
{
  for (guint i = 0; i < n; i++)
    {
      push (fixture, "A");
      if (i + 1 == n_written)
        g_free (write_some (fixture, G_MAXSIZE));
    }
}

/* With no time left they are sorted out and end a few at a time; nothing ends before all are sorted out. */
static void
test_lost_in_parts (Fixture *fixture,
                    gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "test");
  g_autoptr (GError) cancelled = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  guint64 first = push (fixture, "FIRST");
  guint64 last;
  guint n_sorts = 1, n_ends = 1;
  gsize length = 0;

  push_many (fixture, 300, 200);
  last = push (fixture, "LAST");

  tornadis_queue_lose (fixture->queue, FALSE, error);
  for (; !tornadis_queue_sort_out (fixture->queue, 0); n_sorts++)
    {
      g_assert_true (tornadis_queue_is_sorting (fixture->queue));
      g_assert_cmpstr (fixture->log->str, ==, "");
    }
  g_assert_false (tornadis_queue_is_sorting (fixture->queue));
  g_assert_cmpuint (n_sorts, >=, 302 / 16);
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, 0);

  /* In the meantime one is cancelled, from in front, and from behind. */
  g_assert_true (tornadis_queue_cancel (fixture->queue, first, cancelled));
  g_assert_cmpstr (fixture->log->str, ==, "FIRST!19;");
  g_assert_false (tornadis_queue_cancel (fixture->queue, first, cancelled));
  g_assert_true (tornadis_queue_cancel (fixture->queue, last, cancelled));
  g_assert_cmpstr (fixture->log->str, ==, "FIRST!19;LAST!19;");

  for (length = fixture->log->len; !tornadis_queue_end_lost (fixture->queue, 0); n_ends++)
    {
      g_assert_cmpuint (fixture->log->len, <=, length + strlen ("A!3;"));
      length = fixture->log->len;
    }
  g_assert_cmpuint (n_ends, ==, 302);
  g_assert_cmpuint (fixture->log->len, ==, strlen ("FIRST!19;LAST!19;") + 300 * strlen ("A!3;"));
}

/* Those that have to end count until they have: else who makes another for each that leaves the queue would never be refused,
 * and nothing would ever be sorted out. */
static void
test_lost_are_pending (Fixture *fixture,
                       gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "test");
  g_autoptr (GError) cancelled = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  guint64 id;

  push_many (fixture, 98, 0);
  push_batch (fixture, "P", FALSE, (const char *[]){ "A", "B", NULL });
  tornadis_queue_fail (fixture->queue, error);
  g_assert_false (tornadis_queue_sort_out (fixture->queue, 0));
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), <, 100);
  g_assert_cmpuint (tornadis_queue_get_n_pending (fixture->queue), ==, 100);
  g_assert_false (tornadis_queue_has_room (fixture->queue, 1, 1, 100, G_MAXSIZE));
  g_assert_true (tornadis_queue_has_room (fixture->queue, 1, 1, 101, G_MAXSIZE));

  id = push (fixture, "B");
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  g_assert_cmpuint (tornadis_queue_get_n_pending (fixture->queue), ==, 101);
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, cancelled));
  g_assert_cmpuint (tornadis_queue_get_n_pending (fixture->queue), ==, 100);
  g_assert_false (tornadis_queue_end_lost (fixture->queue, 0));
  g_assert_true (tornadis_queue_has_room (fixture->queue, 1, 1, 100, G_MAXSIZE));
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  g_assert_cmpuint (tornadis_queue_get_n_pending (fixture->queue), ==, 0);
}

/* What is called before all are sorted out is treated as what was called before the loss, and is given no id of theirs. */
static void
test_lost_while_called (Fixture *fixture,
                        gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "test");
  g_autoptr (GError) cancelled = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  guint64 id, other;

  push (fixture, "MULTI");
  push_many (fixture, 40, 40);
  id = push (fixture, "B");

  tornadis_queue_lose (fixture->queue, TRUE, error);
  g_assert_false (tornadis_queue_sort_out (fixture->queue, 0));
  other = push (fixture, "C");
  g_assert_cmpuint (other, !=, id);
  push (fixture, "EXEC");
  push (fixture, "KEPT");
  /* Before one that is cancelled is called back all are sorted out. */
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, cancelled));
  g_assert_cmpstr (fixture->log->str, ==, "B!19;");
  g_assert_false (tornadis_queue_is_sorting (fixture->queue));

  /* Only KEPT is no part of the transaction. */
  g_assert_cmpuint (tornadis_queue_get_length (fixture->queue), ==, 1);
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  g_assert_true (g_str_has_prefix (fixture->log->str, "B!19;MULTI!"));
  g_assert_nonnull (strstr (fixture->log->str, "A!3;C!3;EXEC!3;"));
  assert_written (fixture, "KEPT ");
  g_assert_true (feed (fixture, "+k\r\n"));
}

/* That it had only begun to sort them out is nothing to who cancels another transaction. */
static void
test_lost_and_taken_back (Fixture *fixture,
                          gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "test");
  g_autoptr (GError) cancelled = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  guint64 id;

  push (fixture, "MULTI");
  push_many (fixture, 15, 15);
  push_many (fixture, 40, 0);
  push (fixture, "EXEC");
  id = push (fixture, "MULTI");

  tornadis_queue_lose (fixture->queue, TRUE, error);
  for (guint i = 0; i < 2; i++)
    g_assert_false (tornadis_queue_sort_out (fixture->queue, 0));
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, cancelled));
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  assert_written (fixture, "");
}

static gboolean
admits (Fixture *fixture,
        const char *name)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new (name);

  return tornadis_session_admits (&fixture->session, command, NULL, FALSE, TRUE);
}

/* Whether all have ended after so many more. */
static gboolean
end_some (Fixture *fixture)
{
  gboolean is_over = FALSE;

  for (guint i = 0; i < 16 && !is_over; i++)
    is_over = tornadis_queue_end_lost (fixture->queue, 0);

  return is_over;
}

/* The program may begin another transaction once one of its calls has said that the last is lost, and not before. */
static void
test_lost_not_yet_known (Fixture *fixture,
                         gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "test");

  push_many (fixture, 20, 0);
  push (fixture, "WATCH");
  push_many (fixture, 20, 20);

  tornadis_queue_lose (fixture->queue, TRUE, error);
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  g_assert_false (end_some (fixture));
  g_assert_false (admits (fixture, "SET"));
  g_assert_false (fixture->session.loss_known);
  g_assert_false (end_some (fixture));
  g_assert_false (admits (fixture, "SET"));
  g_assert_true (admits (fixture, "MULTI"));
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
}

/* One that it has begun before that is lost as well, and known when its own call has said so. */
static void
test_lost_and_begun_again (Fixture *fixture,
                           gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "test");
  guint loss_id;

  push (fixture, "WATCH");
  push_many (fixture, 20, 20);

  tornadis_queue_lose (fixture->queue, TRUE, error);
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  loss_id = fixture->session.loss_id;
  g_assert_false (admits (fixture, "MULTI"));
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  g_assert_false (admits (fixture, "MULTI"));
  tornadis_session_know_loss (&fixture->session, loss_id + 1);
  g_assert_false (admits (fixture, "MULTI"));
  tornadis_session_know_loss (&fixture->session, fixture->session.loss_id);
  g_assert_true (admits (fixture, "MULTI"));
}

/* So is one of which nobody is notified, called while those before it end. */
static void
test_lost_and_begun_blindly (Fixture *fixture,
                             gconstpointer data)
{
  g_autoptr (GError) failed = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "test");
  g_autoptr (TornadisCommand) watch = tornadis_command_new ("WATCH");

  push (fixture, "WATCH");
  push_many (fixture, 1, 1);
  lose (fixture->queue, TRUE);
  g_assert_false (admits (fixture, "SET"));
  tornadis_session_know_loss (&fixture->session, fixture->session.loss_id);

  tornadis_command_seal (watch);
  tornadis_queue_fail (fixture->queue, failed);
  tornadis_queue_push (fixture->queue, watch, TORNADIS_SLOT_DEFAULT, &(TornadisOrigin){ .func = NULL });
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  g_assert_false (admits (fixture, "MULTI"));
}

/* What is called before the program is notified that MULTI was not sent is not sent either. Nor is it when one that was called
 * before that is known. */
static void
test_failed_not_yet_known (Fixture *fixture,
                           gconstpointer first)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "test");

  push (fixture, first);
  push_many (fixture, 20, 0);
  push (fixture, "MULTI");
  push_many (fixture, 20, 0);

  tornadis_queue_fail (fixture->queue, error);
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  g_assert_false (admits (fixture, "SET"));
  g_assert_false (end_some (fixture));
  g_assert_false (admits (fixture, "SET"));
  g_assert_false (end_some (fixture));
  g_assert_true (admits (fixture, "SET"));
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
}

/* Nor is it when only a later call was cancelled. One that was to begin it and was cancelled itself is known behind those before. */
static void
test_failed_and_cancelled (Fixture *fixture,
                           gconstpointer cancelled_name)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "test");
  g_autoptr (GError) cancelled = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "");
  guint64 id;

  push (fixture, "WATCH");
  id = push (fixture, cancelled_name);

  tornadis_queue_fail (fixture->queue, error);
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  g_assert_true (tornadis_queue_cancel (fixture->queue, id, cancelled));
  g_assert_false (admits (fixture, "SET"));
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  g_assert_true (admits (fixture, "SET"));
}

/* Who is notified late of what was refused before it was begun does not know of it. */
static void
test_lost_after_refusal (Fixture *fixture,
                         gconstpointer data)
{
  guint loss_id = fixture->session.loss_id;

  push (fixture, "WATCH");
  assert_written (fixture, "WATCH ");
  g_assert_true (feed (fixture, "+OK\r\n"));
  lose (fixture->queue, TRUE);
  tornadis_session_know_loss (&fixture->session, loss_id);
  g_assert_false (fixture->session.loss_known);
  g_assert_false (admits (fixture, "MULTI"));
}

/* What ends a transaction that was lost may begin another, which is lost as well. */
static void
test_lost_with_next (Fixture *fixture,
                     gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "test");

  push (fixture, "MULTI");
  push_many (fixture, 1, 1);
  push_batch (fixture, "EXEC|WATCH", FALSE, (const char *[]){ "EXEC", "WATCH", NULL });
  push (fixture, "MULTI");
  push (fixture, "SET");
  push (fixture, "EXEC");
  push (fixture, "KEPT");

  tornadis_queue_lose (fixture->queue, TRUE, error);
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  assert_written (fixture, "KEPT ");
  g_assert_true (feed (fixture, "+k\r\n"));
}

/* So is a MULTI that was refused: within it UNWATCH gives up nothing. Who knows of that may use it to give up all. */
static void
test_refused_multi (Fixture *fixture,
                    gconstpointer data)
{
  push (fixture, "WATCH");
  assert_written (fixture, "WATCH ");
  lose (fixture->queue, TRUE);
  fixture->session.loss_known = FALSE;
  g_assert_false (admits (fixture, "MULTI"));
  g_assert_false (admits (fixture, "UNWATCH"));
  g_assert_false (admits (fixture, "SET"));
  tornadis_session_know_loss (&fixture->session, fixture->session.loss_id);
  g_assert_false (admits (fixture, "SET"));
  g_assert_true (admits (fixture, "UNWATCH"));
  g_assert_true (admits (fixture, "SET"));
}

/* Nor is it before the program is notified that another MULTI was refused. */
static void
test_refused_not_yet_known (Fixture *fixture,
                            gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "test");

  push (fixture, "WATCH");
  push_many (fixture, 20, 0);

  tornadis_queue_fail (fixture->queue, error);
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  g_assert_false (admits (fixture, "MULTI"));
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  g_assert_false (admits (fixture, "SET"));
  g_assert_false (admits (fixture, "MULTI"));
  tornadis_session_know_loss (&fixture->session, fixture->session.loss_id);
  g_assert_true (admits (fixture, "MULTI"));
}

/* What is called before the program is notified that SELECT was lost is not sent to another database. */
static void
test_moved_not_yet_known (Fixture *fixture,
                          gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "test");

  push_many (fixture, 20, 0);
  push (fixture, "SELECT");
  push_many (fixture, 20, 20);

  tornadis_queue_lose (fixture->queue, TRUE, error);
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  g_assert_true (tornadis_queue_is_sorting (fixture->queue));
  push (fixture, "EARLY");
  g_assert_cmpstr (fixture->log->str, ==, "");
  g_assert_false (end_some (fixture));
  g_assert_false (end_some (fixture));
  g_assert_false (tornadis_queue_is_sorting (fixture->queue));
  push (fixture, "LATE");
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  g_assert_true (g_str_has_suffix (fixture->log->str, "A!3;EARLY!3;"));
  assert_written (fixture, "LATE ");
}

/* Who asks in between is told that it was not written, also when its slot has left the queue. */
static void
test_failed_is_unwritten (Fixture *fixture,
                          gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "test");
  guint64 written = push (fixture, "A");
  guint64 unwritten;

  assert_written (fixture, "A ");
  unwritten = push (fixture, "B");
  tornadis_queue_lose (fixture->queue, FALSE, error);
  tornadis_queue_sort_out (fixture->queue, G_MAXINT64);
  g_assert_true (tornadis_queue_is_written (fixture->queue, written));
  g_assert_false (tornadis_queue_is_written (fixture->queue, unwritten));
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
}

static void
end_all_cb (TornadisReply *reply,
            const GError *error,
            gpointer user_data)
{
  Fixture *fixture = user_data;

  g_string_append (fixture->log, "again;");
  tornadis_queue_end_lost (fixture->queue, G_MAXINT64);
  push (fixture, "NEXT");
  lose (fixture->queue, FALSE);
}

/* One that ends may end all the others, and lose another connection. */
static void
test_lost_again (Fixture *fixture,
                 gconstpointer data)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "test");
  g_autoptr (TornadisCommand) command = tornadis_command_new ("B");

  push (fixture, "A");
  push_with_deadline (fixture->queue, command, 0, end_all_cb, fixture);
  push_many (fixture, 3, 0);
  tornadis_queue_fail (fixture->queue, error);
  g_assert_true (tornadis_queue_sort_out (fixture->queue, G_MAXINT64));
  g_assert_true (tornadis_queue_end_lost (fixture->queue, G_MAXINT64));
  g_assert_cmpstr (fixture->log->str, ==, "A!0;again;A!0;A!0;A!0;NEXT!2;");
}

static void
observe_cb (TornadisCommand *command,
            const TornadisObservedPipeline *pipeline,
            TornadisReply *reply,
            const GError *error,
            gint64 elapsed,
            gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_true ((reply != NULL) != (error != NULL));
  g_assert_true ((command != NULL) != (pipeline != NULL));
  if (command != NULL)
    g_string_append (fixture->log, tornadis_command_get_name (command));
  else
    g_string_append_printf (fixture->log, "%u%s", pipeline->commands->len, pipeline->atomic ? " atomic" : "");
  if (error == NULL)
    g_string_append_printf (fixture->log, " after %" G_GINT64_FORMAT, elapsed);
  g_string_append (fixture->log, ";");
}

/* Observers are notified ahead of the caller, of the time until the reply came. */
static void
test_observed (Fixture *fixture,
               gconstpointer data)
{
  const TornadisOrigin one = { .func = done_cb, .user_data = make_call (fixture, "a"), .queued = 1000 };
  const TornadisOrigin two = { .func = done_cb, .user_data = make_call (fixture, "p"), .queued = 1100 };
  const TornadisOrigin nobody = { .queued = 1200 };
  g_autoptr (TornadisCommand) command = tornadis_command_new ("GET");
  g_autoptr (GPtrArray) array = g_ptr_array_new ();

  tornadis_queue_set_observe_func (fixture->queue, observe_cb, fixture);
  g_ptr_array_add (array, command);

  tornadis_queue_push (fixture->queue, command, TORNADIS_SLOT_DEFAULT, &one);
  push (fixture, "b");
  tornadis_queue_push_batch (fixture->queue, tornadis_batch_new (array, TRUE), &two);
  tornadis_queue_push (fixture->queue, command, TORNADIS_SLOT_DEFAULT, &nobody);
  assert_written (fixture, "GET b MULTI GET EXEC GET ");

  g_assert_true (feed_at (fixture, "+one\r\n", 1250));
  g_assert_true (feed_at (fixture, "+two\r\n", 1250));
  g_assert_true (feed_at (fixture, "+OK\r\n", 1250));
  g_assert_true (feed_at (fixture, "+QUEUED\r\n", 1250));
  g_assert_true (feed_at (fixture, "*1\r\n+three\r\n", 1300));
  g_assert_cmpstr (fixture->log->str, ==, "GET after 250;a=one;b=two;1 atomic after 200;p=1) three;");

  g_string_truncate (fixture->log, 0);
  lose (fixture->queue, FALSE);
  g_assert_cmpstr (fixture->log->str, ==, "GET;");
}

#define ADD(name, func) g_test_add ("/queue/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("order", test_order);
  ADD ("unasked", test_unasked);
  ADD ("cancel-unwritten", test_cancel_unwritten);
  ADD ("cancel-written", test_cancel_written);
  ADD ("lost", test_lost);
  ADD ("lost/again", test_lost_again);
  ADD ("lost/after-refusal", test_lost_after_refusal);
  g_test_add ("/queue/lost/failed-and-cancelled", Fixture, "GET", set_up, test_failed_and_cancelled, tear_down);
  g_test_add ("/queue/lost/failed-is-cancelled", Fixture, "MULTI", set_up, test_failed_and_cancelled, tear_down);
  g_test_add ("/queue/lost/failed-not-yet-known", Fixture, "GET", set_up, test_failed_not_yet_known, tear_down);
  g_test_add ("/queue/lost/failed-again-not-yet-known", Fixture, "WATCH", set_up, test_failed_not_yet_known, tear_down);
  ADD ("lost/refused-not-yet-known", test_refused_not_yet_known);
  ADD ("lost/begun-again", test_lost_and_begun_again);
  ADD ("lost/begun-blindly", test_lost_and_begun_blindly);
  ADD ("lost/in-parts", test_lost_in_parts);
  ADD ("lost/moved-not-yet-known", test_moved_not_yet_known);
  ADD ("lost/not-yet-known", test_lost_not_yet_known);
  ADD ("lost/pending", test_lost_are_pending);
  ADD ("lost/taken-back", test_lost_and_taken_back);
  ADD ("lost/unwritten", test_failed_is_unwritten);
  ADD ("lost/with-next", test_lost_with_next);
  ADD ("lost/refused-multi", test_refused_multi);
  ADD ("lost/while-called", test_lost_while_called);
  ADD ("confirmed", test_confirmed);
  ADD ("confirmed-in-part", test_confirmed_in_part);
  ADD ("batch", test_batch);
  ADD ("batch-lost", test_batch_lost);
  ADD ("transaction", test_transaction);
  ADD ("expire/order", test_expire);
  ADD ("expire/slices", test_expire_slices);
  ADD ("expire/mute", test_expire_mute);
  ADD ("expire/ended", test_expire_ended);
  ADD ("expire/place-taken", test_expire_place_taken);
  ADD ("due/written", test_due_written);
  ADD ("due/behind-blocking", test_due_behind_blocking);
  ADD ("due/behind-cancelled", test_due_behind_cancelled);
  ADD ("due/behind-pipeline", test_due_behind_pipeline);
  ADD ("bounds", test_bounds);
  ADD ("observed", test_observed);
  ADD ("random", test_random);

  g_test_add ("/queue/rewind-past-ended", Fixture, NULL, set_up, test_rewind_past_ended, tear_down);
  g_test_add ("/queue/offered", Fixture, NULL, set_up, test_offered, tear_down);

  return g_test_run ();
}
