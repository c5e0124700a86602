/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue with its session, against a model of a server that runs what is written, and of programs that make transactions
 * by all the ways there are, while connections are lost, calls cancelled and replies late. Whatever happens:
 *
 *   - every call completes exactly once, with its own reply or an error;
 *   - a write that was meant for a transaction runs in it, or not at all;
 *   - a write runs in the database that was selected for it;
 *   - no call that waits for data is left to the server when nobody waits for it;
 *   - what the session says is what the server has, once all is answered. */

#include "unit/session-model.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-queue.h"

#define MAX_VECTORS 8
#define UNKNOWN (-1)

typedef struct _Model Model;

/* A transaction of a program: the names of its steps, "%" stands for a number of its own. */
typedef struct
{
  const char *steps[8];
  gboolean runs; /* its writes may run */
} Script;

static const Script scripts[] = {
  { { "MULTI", "SET", "SET", "EXEC" }, TRUE },
  { { "MULTI", "SET", "GET|SET", "SET", "EXEC" }, TRUE },
  { { "MULTI", "SET", "SET", "DISCARD" }, FALSE },
  { { "MULTI", "NOPE", "SET", "EXEC" }, FALSE },
  { { "MULTI|SET|SET|EXEC" }, TRUE },
  { { "MULTI|SET", "SET", "SET|EXEC" }, TRUE },
  { { "WATCH", "GET", "MULTI", "SET", "SET", "EXEC" }, TRUE },
  { { "WATCH", "GET", "MULTI|SET|SET|EXEC" }, TRUE },
  { { "WATCH", "GET", "!SET|SET" }, TRUE },
  { { "WATCH|GET", "!SET|SET" }, TRUE },
  { { "WATCH", "WATCH", "GET", "!SET" }, TRUE },
  { { "WATCH", "GET", "UNWATCH" }, FALSE },
  { { "GET|WATCH", "GET", "!SET" }, TRUE },
  { { "GET|MULTI|SET", "SET", "EXEC" }, TRUE },
  { { "MULTI", "UNWATCH", "SET", "EXEC" }, TRUE },
  { { "WATCH", "MULTI", "SET", "UNWATCH", "EXEC" }, TRUE },
  { { "MULTI", "SELECT", "SET", "CLIENT", "EXEC" }, TRUE },
  { { "MULTI", "BLPOP", "SET", "EXEC" }, TRUE },
  { { "!SET|SELECT|SET" }, TRUE },
};

/* One that is made by a program. */
typedef struct
{
  guint id;
  const Script *script; /* (nullable) */
  guint n_watches;
  guint n_writes; /* made and not cancelled */
  guint n_run;
  gboolean failed;   /* a call of it did, and its program knows */
  gboolean is_lost;  /* because its connection was lost */
  gboolean is_blind; /* its program does not look at outcomes */
} Transaction;

typedef struct
{
  Model *model;
  char *text;
  guint first_id;           /* of its commands, numbered in turn */
  Transaction *transaction; /* (unowned) (nullable) */
  Transaction *next;        /* (unowned) (nullable) that it begins behind the end of that */
  guint n_writes;
  int db; /* that its writes are meant for, or UNKNOWN */
  gboolean atomic;
  guint n_completed;
  guint64 queue_id;
  guint loss_id;    /* when it was refused */
  gboolean no_room; /* for want of that */
  gboolean begins;  /* it was to begin a transaction, and its caller will know */
  gboolean cancelled;
} Call;

struct _Model
{
  SessionModelDice dice;
  gpointer dice_data; /* (unowned) */

  TornadisQueue *queue;
  TornadisSession session;
  gboolean connected;
  gboolean ending; /* calls of the last connection have not ended yet */
  gboolean held_back;
  guint held_back_id; /* commands from here on must not run on this connection */
  int db;             /* what the next connection is opened with */
  char *user;
  char *name;

  /* The server's side of the connection. */
  GByteArray *received;
  GPtrArray *replies; /* (element-type char *) that it has made and that are not read */
  int server_db;
  char *server_user;
  char *server_name;
  gboolean in_multi;
  gboolean aborted;
  gboolean blocked;
  guint blocked_id;  /* of the command that it waits in */
  GArray *watched;   /* (element-type guint) ids of transactions, one for each WATCH */
  GPtrArray *queued; /* (element-type GStrv) */

  /* The programs. */
  GPtrArray *calls;        /* (element-type Call) all that were made */
  GPtrArray *transactions; /* (element-type Transaction) */
  GPtrArray *refused;      /* (element-type Call) (unowned) whose callers will know later */
  Transaction *current;    /* (unowned) (nullable) */
  guint step;
  guint recovery; /* how it goes on after a transaction that failed */
  guint n_commands;
  guint n_completed;
  int program_db; /* where they think to be, or UNKNOWN */
};

/* For --verbose, with the --seed of a run that failed. */
#define TRACE(...) (g_test_verbose () ? g_test_message (__VA_ARGS__) : (void) 0)
#define CHANCE(percent) (self->dice (self->dice_data, 0, 100) < (percent))
#define RANGE(begin, end) (self->dice (self->dice_data, begin, end))

static void
model_add_reply (Model *self,
                 const char *format,
                 ...) G_GNUC_PRINTF (2, 3);

static void
model_add_reply (Model *self,
                 const char *format,
                 ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (self->replies, g_strdup_vprintf (format, args));
  va_end (args);
}

static Call *
model_find_call (Model *self,
                 guint command_id)
{
  for (guint i = self->calls->len; i-- > 0;)
    {
      Call *call = g_ptr_array_index (self->calls, i);

      if (call->first_id <= command_id)
        return call;
    }

  g_assert_not_reached ();
}

/* A write that runs, by itself or in EXEC. */
static void
model_run_write (Model *self,
                 guint id,
                 gboolean in_exec)
{
  Call *call = model_find_call (self, id);
  Transaction *transaction = call->transaction;
  guint n_watched = 0;

  if (call->db != UNKNOWN)
    g_assert_cmpint (self->server_db, ==, call->db);

  if (transaction == NULL)
    return;

  g_assert_true (in_exec);
  g_assert_true (transaction->script->runs);
  for (guint i = 0; i < self->watched->len; i++)
    n_watched += g_array_index (self->watched, guint, i) == transaction->id;
  g_assert_cmpuint (n_watched, ==, transaction->n_watches);
  transaction->n_run++;
}

static char *
model_run (Model *self,
           char **argv,
           gboolean in_exec)
{
  const char *name = argv[0];
  guint id = (guint) g_ascii_strtoull (argv[1] != NULL ? argv[1] : "0", NULL, 10);

  if (strcmp (name, "SET") == 0)
    {
      model_run_write (self, id, in_exec);
      return g_strdup_printf ("+%u\r\n", id);
    }
  if (strcmp (name, "GET") == 0)
    return g_strdup_printf (":%u\r\n", id);
  if (strcmp (name, "BLPOP") == 0)
    {
      if (!in_exec)
        {
          g_assert_false (model_find_call (self, id)->cancelled);
          self->blocked = TRUE;
          self->blocked_id = id;
        }
      return g_strdup_printf (":%u\r\n", id);
    }
  if (strcmp (name, "SELECT") == 0)
    {
      if (id > 15)
        return g_strdup ("-ERR DB index is out of range\r\n");
      self->server_db = (int) id;
      return g_strdup ("+OK\r\n");
    }
  if (strcmp (name, "CLIENT") == 0)
    {
      g_free (self->server_name);
      self->server_name = g_strdup (argv[2]);
      return g_strdup ("+OK\r\n");
    }
  if (strcmp (name, "AUTH") == 0)
    {
      /* Nothing else is in flight, but what makes it sure that there is a reply. */
      g_assert_false (in_exec);
      g_assert_cmpuint (self->replies->len, ==, 0);
      if (CHANCE (30))
        return NULL;
      g_free (self->server_user);
      self->server_user = g_strdup (argv[1]);
      return g_strdup ("+OK\r\n");
    }
  if (strcmp (name, "ECHO") == 0)
    {
      g_assert_cmpuint (self->received->len, ==, 0);
      return g_strdup_printf ("$%zu\r\n%s\r\n", strlen (argv[1]), argv[1]);
    }
  if (strcmp (name, "UNWATCH") == 0)
    {
      g_array_set_size (self->watched, 0);
      return g_strdup ("+OK\r\n");
    }

  g_assert_not_reached ();
}

static void
model_end_transaction (Model *self)
{
  self->in_multi = self->aborted = FALSE;
  g_array_set_size (self->watched, 0);
  g_ptr_array_set_size (self->queued, 0);
}

static void
model_exec (Model *self)
{
  GString *replies;
  GHashTable *run;
  GHashTableIter iter;
  gpointer transaction;

  if (self->aborted)
    {
      model_add_reply (self, "-EXECABORT\r\n");
      model_end_transaction (self);
      return;
    }
  if (self->watched->len > 0 && CHANCE (20))
    {
      model_add_reply (self, "%s", CHANCE (50) ? "*-1\r\n" : "_\r\n");
      model_end_transaction (self);
      return;
    }

  run = g_hash_table_new (NULL, NULL);
  replies = g_string_new (NULL);
  g_string_printf (replies, "*%u\r\n", self->queued->len);
  for (guint i = 0; i < self->queued->len; i++)
    {
      char **argv = g_ptr_array_index (self->queued, i);
      g_autofree char *reply = model_run (self, argv, TRUE);

      g_string_append (replies, reply);
      if (strcmp (argv[0], "SET") == 0)
        g_hash_table_add (run, model_find_call (self, (guint) g_ascii_strtoull (argv[1], NULL, 10))->transaction);
    }
  model_add_reply (self, "%s", replies->str);
  g_string_free (replies, TRUE);
  model_end_transaction (self);

  /* All of it, but for what was cancelled, which may have been sent. */
  g_hash_table_iter_init (&iter, run);
  while (g_hash_table_iter_next (&iter, &transaction, NULL))
    if (transaction != NULL)
      g_assert_cmpuint (((Transaction *) transaction)->n_run, >=, ((Transaction *) transaction)->n_writes);
  g_hash_table_unref (run);
}

static void
model_serve (Model *self,
             char **argv)
{
  const char *name = argv[0];

  if (strcmp (name, "MULTI") == 0)
    {
      model_add_reply (self, self->in_multi ? "-ERR MULTI calls can not be nested\r\n" : "+OK\r\n");
      self->in_multi = TRUE;
    }
  else if (strcmp (name, "EXEC") == 0 || strcmp (name, "DISCARD") == 0)
    {
      if (!self->in_multi)
        model_add_reply (self, "-ERR %s without MULTI\r\n", name);
      else if (strcmp (name, "EXEC") == 0)
        model_exec (self);
      else
        {
          model_add_reply (self, "+OK\r\n");
          model_end_transaction (self);
        }
    }
  else if (strcmp (name, "WATCH") == 0)
    {
      guint id = (guint) g_ascii_strtoull (argv[2], NULL, 10);

      if (!self->in_multi)
        g_array_append_val (self->watched, id);
      model_add_reply (self, self->in_multi ? "-ERR WATCH inside MULTI is not allowed\r\n" : "+OK\r\n");
    }
  else if (strcmp (name, "NOPE") == 0)
    {
      self->aborted |= self->in_multi;
      model_add_reply (self, "-ERR unknown command\r\n");
    }
  else if (self->in_multi)
    {
      g_ptr_array_add (self->queued, g_strdupv (argv));
      model_add_reply (self, "+QUEUED\r\n");
    }
  else
    {
      char *reply = model_run (self, argv, FALSE);

      if (reply != NULL)
        g_ptr_array_add (self->replies, reply);
    }
}

/* Takes one whole command out of what the server has received; (transfer full) (nullable). */
static char **
model_parse (Model *self)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  const char *data = (const char *) self->received->data;
  const char *end, *at = data;
  char *after;
  guint64 n_args;

  if (self->received->len == 0)
    return NULL;
  end = data + self->received->len;
  if (memchr (at, '\n', (gsize) (end - at)) == NULL)
    return NULL;
  g_assert_cmpint (*at, ==, '*');
  n_args = g_ascii_strtoull (at + 1, &after, 10);
  at = after + 2;

  for (guint64 i = 0; i < n_args; i++)
    {
      guint64 length;

      if (at >= end || memchr (at, '\n', (gsize) (end - at)) == NULL)
        return NULL;
      g_assert_cmpint (*at, ==, '$');
      length = g_ascii_strtoull (at + 1, &after, 10);
      at = after + 2;
      if (length + 2 > (guint64) (end - at))
        return NULL;
      g_ptr_array_add (argv, g_strndup (at, length));
      at += length + 2;
    }

  g_byte_array_remove_range (self->received, 0, (guint) (at - data));
  g_ptr_array_add (argv, NULL);
  g_ptr_array_set_free_func (argv, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&argv), FALSE);
}

/* The server runs one command. */
static gboolean
model_step_server (Model *self)
{
  g_auto (GStrv) argv = NULL;

  if (!self->connected || self->blocked || (argv = model_parse (self)) == NULL)
    return FALSE;

  if (self->held_back && (strcmp (argv[0], "SET") == 0 || strcmp (argv[0], "GET") == 0))
    g_assert_cmpuint (g_ascii_strtoull (argv[1], NULL, 10), <, self->held_back_id);
  TRACE ("server runs %s %s", argv[0], argv[1] != NULL ? argv[1] : "");
  model_serve (self, argv);
  return TRUE;
}

/* The client reads one reply. */
static gboolean
model_step_reader (Model *self)
{
  g_autofree char *text = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  TornadisReply *reply;

  if (!self->connected || self->replies->len == (self->blocked ? 1 : 0))
    return FALSE;

  text = g_ptr_array_steal_index (self->replies, 0);
  bytes = g_bytes_new (text, strlen (text));
  reply = tornadis_reply_new_from_resp (bytes, &error);
  g_assert_no_error (error);
  g_assert_true (tornadis_queue_take_reply (self->queue, reply, 0));
  return TRUE;
}

/* Some of what is queued goes out. */
static gboolean
model_step_writer (Model *self)
{
  TornadisWriter *writer;
  GOutputVector vectors[MAX_VECTORS];
  guint n_vectors;
  gsize n_written = 0;
  gsize max = CHANCE (50) ? G_MAXSIZE : (gsize) RANGE (1, 60);

  if (!self->connected)
    return FALSE;

  writer = tornadis_queue_fill (self->queue, CHANCE (50) ? 65536 : (gsize) RANGE (1, 100));
  n_vectors = tornadis_writer_get_vectors (writer, vectors, MAX_VECTORS);
  if (n_vectors == 0)
    return FALSE;

  /* As TLS does. */
  if (CHANCE (20))
    {
      tornadis_writer_offer (writer, vectors, n_vectors);
      if (CHANCE (50))
        return TRUE;
    }

  for (guint i = 0; i < n_vectors && n_written < max; i++)
    {
      gsize size = MIN (vectors[i].size, max - n_written);

      g_byte_array_append (self->received, vectors[i].buffer, (guint) size);
      n_written += size;
    }
  tornadis_queue_advance (self->queue, n_written);
  return TRUE;
}

static void
check_element (TornadisReply *reply,
               guint id)
{
  gboolean is_status = reply->kind == TORNADIS_REPLY_KIND_STATUS;

  if (is_status && (tornadis_reply_equals_text (reply, "OK") || tornadis_reply_equals_text (reply, "QUEUED")))
    return;
  if (is_status || reply->kind == TORNADIS_REPLY_KIND_INTEGER)
    g_assert_cmpint (tornadis_reply_get_integer (reply), ==, id);
}

static void
call_fail (Call *self,
           const GError *error)
{
  /* Without what was cancelled its program goes on, unless that was to begin the transaction. */
  if (self->transaction != NULL && (!self->cancelled || strstr (self->text, "WATCH") != NULL || strstr (self->text, "MULTI") != NULL))
    {
      self->transaction->failed = TRUE;
      self->transaction->is_lost = !self->cancelled && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
    }
  if (self->next != NULL)
    {
      self->next->failed = TRUE;
      self->next->is_lost = self->transaction->is_lost;
    }
  if (strstr (self->text, "SELECT") != NULL)
    self->model->program_db = UNKNOWN;
}

static void
call_done_cb (TornadisReply *reply,
              const GError *error,
              gpointer user_data)
{
  Call *self = user_data;
  gboolean is_pipeline = strchr (self->text, '|') != NULL || self->atomic;

  TRACE ("done %u %s: %s", self->first_id, self->text, error != NULL ? error->message : "reply");
  g_assert_cmpuint (self->n_completed++, ==, 0);
  self->model->n_completed++;
  g_assert_true ((reply == NULL) != (error == NULL));

  if (error != NULL)
    call_fail (self, error);
  else if (!is_pipeline)
    check_element (reply, self->first_id);
  else
    for (guint i = 0; i < tornadis_reply_get_n_elements (reply); i++)
      check_element (tornadis_reply_get_element (reply, i), self->first_id + i);
}

static TornadisCommand *
model_make_command (Model *self,
                    const char *name,
                    Call *call)
{
  guint id = self->n_commands++;
  g_autofree char *number = g_strdup_printf ("%u", id);
  TornadisCommand *command = tornadis_command_new (name);

  if (strcmp (name, "SET") == 0 || strcmp (name, "GET") == 0 || strcmp (name, "BLPOP") == 0)
    tornadis_command_append_string (command, number);
  if (strcmp (name, "SET") == 0)
    {
      g_autofree char *value = g_strnfill (CHANCE (2) ? 20000 : (gsize) RANGE (0, 30), 'x');

      tornadis_command_append_string (command, value);
      call->n_writes++;
      call->db = self->program_db;
    }
  if (strcmp (name, "SELECT") == 0)
    {
      int number_of_db = RANGE (0, 18);
      g_autofree char *db = g_strdup_printf ("%d", number_of_db);

      if (call->transaction != NULL)
        self->program_db = UNKNOWN;
      else if (number_of_db <= 15)
        self->program_db = number_of_db;
      tornadis_command_append_string (command, db);
    }
  if (strcmp (name, "AUTH") == 0)
    {
      g_autofree char *user = g_strdup_printf ("user-%u", id);

      tornadis_command_append_string (command, user);
      tornadis_command_append_string (command, "secret");
    }
  if (strcmp (name, "CLIENT") == 0)
    {
      g_autofree char *client_name = g_strdup_printf ("name-%u", id);

      tornadis_command_append_string (command, "SETNAME");
      tornadis_command_append_string (command, client_name);
    }
  if (strcmp (name, "WATCH") == 0)
    {
      Transaction *transaction = call->next != NULL ? call->next : call->transaction;
      g_autofree char *transaction_id = g_strdup_printf ("%u", transaction->id);

      tornadis_command_append_string (command, number);
      tornadis_command_append_string (command, transaction_id);
      transaction->n_watches++;
    }

  tornadis_command_seal (command);
  return command;
}

/* Whoever takes these back knows that what is called next belongs to the transaction still. */
static gboolean
call_decides_transaction (Call *self)
{
  return !self->atomic && (strcmp (self->text, "NOPE") == 0 || g_str_has_suffix (self->text, "EXEC") || self->next != NULL ||
                           strcmp (self->text, "DISCARD") == 0 || strcmp (self->text, "UNWATCH") == 0);
}

/* As clients do when too much is waiting. */
static gboolean
model_has_no_room (Model *self,
                   Call *call,
                   TornadisCommand *command,
                   GPtrArray *commands)
{
  if (!CHANCE (3) || call_decides_transaction (call) || strstr (call->text, "SELECT") != NULL)
    return FALSE;

  TRACE ("no room for %u", call->first_id);
  if (call->transaction != NULL)
    call->transaction->n_writes -= call->n_writes;
  call->no_room = TRUE;
  call->begins = tornadis_session_refuse (&self->session, command, commands, call->atomic, tornadis_queue_is_sorting (self->queue)) && call->n_completed == 0;
  call->loss_id = self->session.loss_id;
  g_ptr_array_add (self->refused, call);
  return TRUE;
}

/* "GET": a command; "GET|GET": a pipeline; with "!" before it an atomic one. */
static void
model_call (Model *self,
            const char *text,
            Transaction *transaction,
            Transaction *next)
{
  Call *call = g_new0 (Call, 1);
  gboolean atomic = text[0] == '!';
  g_auto (GStrv) names = g_strsplit (text + atomic, "|", -1);
  g_autoptr (GPtrArray) commands = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_command_unref);
  TornadisCommand *command = NULL;
  gboolean blind = transaction != NULL && transaction->is_blind;
  TornadisOrigin caller = { .func = blind ? NULL : call_done_cb, .user_data = call };

  call->model = self;
  call->text = g_strdup (text);
  call->first_id = self->n_commands;
  call->transaction = transaction;
  call->next = next;
  call->atomic = atomic;
  TRACE ("call %u %s, transaction %d%s", call->first_id, text, transaction != NULL ? (int) transaction->id : -1,
         blind ? " (blind)" : "");
  g_ptr_array_add (self->calls, call);
  for (guint i = 0; names[i] != NULL; i++)
    g_ptr_array_add (commands, model_make_command (self, names[i], call));
  if (!atomic && commands->len == 1)
    command = g_ptr_array_index (commands, 0);
  if (transaction != NULL)
    transaction->n_writes += call->n_writes;
  if (blind)
    call->n_completed = 1;

  if (model_has_no_room (self, call, command, commands))
    return;

  if (!tornadis_session_admits_now (&self->session, command, commands, atomic, tornadis_queue_is_sorting (self->queue)))
    {
      call->loss_id = self->session.loss_id;
      g_ptr_array_add (self->refused, call);
      /* Unless it waits for that, it does not know in time. */
      if (strstr (text, "SELECT") != NULL)
        self->program_db = UNKNOWN;
    }
  else if (command != NULL)
    call->queue_id = tornadis_queue_push (self->queue, command, TORNADIS_SLOT_DEFAULT, &caller);
  else
    call->queue_id = tornadis_queue_push_batch (self->queue, tornadis_batch_new (commands, atomic), &caller);
}

static void
model_deliver_refused (Model *self)
{
  while (self->refused->len > 0)
    {
      Call *call = g_ptr_array_steal_index (self->refused, 0);
      g_autoptr (GError) error = call->no_room ? g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "test")
                                               : tornadis_session_new_loss_error (call->text);

      if (call->transaction != NULL && call->transaction->is_blind)
        continue;
      if (!call->no_room)
        tornadis_session_know_loss (&self->session, call->loss_id);
      if (!call->no_room || call->begins)
        tornadis_session_know_refusal (&self->session, call->loss_id, !call->no_room);
      call_done_cb (NULL, error, call);
    }
}

static Transaction *
model_make_transaction (Model *self,
                        gboolean is_blind)
{
  Transaction *transaction = g_new0 (Transaction, 1);

  transaction->id = self->transactions->len;
  transaction->script = &scripts[RANGE (0, G_N_ELEMENTS (scripts))];
  transaction->is_blind = is_blind;
  g_ptr_array_add (self->transactions, transaction);

  return transaction;
}

/* What ends a transaction may begin the next in the same pipeline. */
static gboolean
model_call_both (Model *self,
                 const char *end)
{
  Transaction *ended = self->current, *next;
  g_autofree char *text = NULL;

  if (end[0] == '!' || !(g_str_has_suffix (end, "EXEC") || strcmp (end, "DISCARD") == 0) || CHANCE (50))
    return FALSE;

  next = model_make_transaction (self, ended->is_blind);
  /* It may begin with a write, which would be taken for one of the other. */
  if (!g_str_has_prefix (next->script->steps[0], "WATCH") || next->script->steps[1] == NULL)
    return FALSE;

  text = g_strconcat (end, "|", next->script->steps[0], NULL);
  self->current = next;
  self->step = 1;
  model_call (self, text, ended, next);
  return TRUE;
}

/* What the program does next. */
static void
model_step_program (Model *self)
{
  static const char *const alone[] = { "SET", "GET", "SELECT", "CLIENT", "BLPOP", "SET|GET|SET", "GET|SELECT|SET", "GET|BLPOP" };
  static const char *const recoveries[] = { "DISCARD", "UNWATCH" };
  const char *text;

  if (self->current != NULL && !self->current->is_blind && self->current->failed)
    {
      /* Nothing is open then. */
      self->recovery = self->current->is_lost && CHANCE (50) ? 0 : G_N_ELEMENTS (recoveries);
      self->current = NULL;
    }

  if (self->recovery > 0)
    {
      model_call (self, recoveries[--self->recovery], NULL, NULL);
      return;
    }

  /* Within MULTI clients refuse it. */
  if (self->current == NULL && CHANCE (10) && !tornadis_queue_get_expected (self->queue).in_multi)
    {
      model_call (self, "AUTH", NULL, NULL);
      return;
    }

  if (self->current == NULL && CHANCE (40))
    {
      model_call (self, alone[RANGE (0, G_N_ELEMENTS (alone))], NULL, NULL);
      return;
    }

  if (self->current == NULL)
    {
      self->current = model_make_transaction (self, CHANCE (30));
      self->step = 0;
    }

  text = self->current->script->steps[self->step++];
  if (self->step == G_N_ELEMENTS (self->current->script->steps) || self->current->script->steps[self->step] == NULL)
    {
      Transaction *transaction = self->current;

      if (model_call_both (self, text))
        return;
      self->current = NULL;
      model_call (self, text, transaction, NULL);
      return;
    }
  model_call (self, text, self->current, NULL);
}

static void
model_disconnect (Model *self)
{
  self->connected = FALSE;
  self->held_back = FALSE;
  self->blocked = FALSE;
  g_byte_array_set_size (self->received, 0);
  g_ptr_array_set_size (self->replies, 0);
  model_end_transaction (self);
}

/* All that is left of it. */
static void
model_end_lost (Model *self)
{
  if (!self->ending)
    return;

  tornadis_queue_sort_out (self->queue, G_MAXINT64);
  tornadis_queue_end_lost (self->queue, G_MAXINT64);
  self->ending = FALSE;
}

/* A turn of the main loop has time for some of it. */
static void
model_end_some (Model *self)
{
  guint n_completed = self->n_completed;

  if (!tornadis_queue_sort_out (self->queue, 0))
    g_assert_cmpuint (self->n_completed, ==, n_completed);
  else
    self->ending = !tornadis_queue_end_lost (self->queue, 0);
}

static void
model_lose (Model *self,
            gboolean keep_unwritten)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "test");

  if (CHANCE (50))
    model_deliver_refused (self);
  TRACE ("lost, keep %d", keep_unwritten);
  model_disconnect (self);
  tornadis_queue_lose (self->queue, keep_unwritten, error);
  self->ending = TRUE;
  if (CHANCE (50))
    model_end_lost (self);
}

static void
model_connect (Model *self)
{
  g_autoptr (GBytes) username = NULL;

  if (self->connected || self->ending)
    return;

  TRACE ("connected");
  self->connected = TRUE;
  username = self->user != NULL ? g_bytes_new (self->user, strlen (self->user)) : NULL;
  tornadis_session_begin (&self->session, self->db, username, NULL, self->name);
  self->server_db = self->db;
  g_free (self->server_user);
  self->server_user = g_strdup (self->user);
  g_free (self->server_name);
  self->server_name = g_strdup (self->name);
}

static void
model_fail_to_connect (Model *self)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "test");

  if (self->connected || self->ending)
    return;

  model_deliver_refused (self);
  TRACE ("not connected");
  tornadis_queue_fail (self->queue, error);
  self->ending = TRUE;
  if (CHANCE (50))
    model_end_lost (self);
}

static void
model_cancel (Model *self)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "test");
  guint n_recent = MIN (self->calls->len, 12);
  Call *call;

  /* A program that does not look cannot know that what it began was taken back with that of another. */
  if (n_recent == 0 || (self->current != NULL && self->current->is_blind))
    return;

  call = g_ptr_array_index (self->calls, self->calls->len - 1 - (guint) RANGE (0, (int) n_recent));
  if (call->n_completed > 0 || call_decides_transaction (call) || g_ptr_array_find (self->refused, call, NULL))
    return;

  TRACE ("cancel %u", call->first_id);
  /* With what a transaction would have selected, too. */
  self->program_db = UNKNOWN;
  for (guint i = 0; i < self->calls->len; i++)
    ((Call *) g_ptr_array_index (self->calls, i))->db = UNKNOWN;
  call->cancelled = TRUE;
  if (call->transaction != NULL)
    call->transaction->n_writes -= call->n_writes;
  g_assert_true (tornadis_queue_cancel (self->queue, call->queue_id, error));
  if (self->connected)
    g_assert_false (self->blocked && model_find_call (self, self->blocked_id) == call);
}

static void
model_drain (Model *self)
{
  gboolean goes_on = TRUE;

  model_end_lost (self);
  model_connect (self);
  while (goes_on)
    {
      goes_on = FALSE;
      self->blocked = FALSE;
      while (model_step_writer (self))
        goes_on = TRUE;
      while (model_step_server (self))
        goes_on = TRUE;
      self->blocked = FALSE;
      while (model_step_reader (self))
        goes_on = TRUE;
    }
  model_deliver_refused (self);
}

/* Nothing is in flight. */
static void
model_check (Model *self)
{
  TornadisTransaction expected = tornadis_queue_get_expected (self->queue);

  g_assert_cmpuint (tornadis_queue_get_length (self->queue), ==, 0);
  g_assert_true (tornadis_queue_is_settled (self->queue));
  g_assert_true (!self->session.answered.in_multi == !self->in_multi);
  g_assert_true (!self->session.answered.watching == (self->watched->len == 0));
  g_assert_true (!expected.in_multi == !self->in_multi);
  g_assert_true (!expected.watching == (self->watched->len == 0));
  g_assert_cmpint (self->session.db, ==, self->server_db);
  g_assert_cmpstr (self->session.client_name, ==, self->server_name);
  if (self->server_user != NULL)
    g_assert_cmpmem (g_bytes_get_data (self->session.username, NULL), g_bytes_get_size (self->session.username),
                     self->server_user, strlen (self->server_user));
  else
    g_assert_null (self->session.username);
  g_assert_cmpint (self->db, ==, self->server_db);
  for (guint i = 0; i < self->calls->len; i++)
    g_assert_cmpuint (((Call *) g_ptr_array_index (self->calls, i))->n_completed, ==, 1);
}

static void
session_cb (TornadisSessionChange changes,
            gpointer user_data)
{
  Model *self = user_data;

  if (changes == TORNADIS_SESSION_BLOCKS_IN_VAIN)
    {
      if (self->connected)
        model_lose (self, TRUE);
      return;
    }

  self->db = self->session.db;
  if (self->session.username != NULL)
    {
      g_free (self->user);
      self->user = g_strndup (g_bytes_get_data (self->session.username, NULL), g_bytes_get_size (self->session.username));
    }
  g_free (self->name);
  self->name = g_strdup (self->session.client_name);
}

static void
call_free (gpointer data)
{
  Call *self = data;

  g_free (self->text);
  g_free (self);
}

static void
model_init (Model *self,
            SessionModelDice dice,
            gpointer user_data)
{
  *self = (Model){ .dice = dice, .dice_data = user_data, .queue = tornadis_queue_new () };
  tornadis_queue_set_session (self->queue, &self->session, session_cb, self);
  self->received = g_byte_array_new ();
  self->replies = g_ptr_array_new_with_free_func (g_free);
  self->watched = g_array_new (FALSE, FALSE, sizeof (guint));
  self->queued = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  self->calls = g_ptr_array_new_with_free_func (call_free);
  self->transactions = g_ptr_array_new_with_free_func (g_free);
  self->refused = g_ptr_array_new ();
}

static void
model_clear (Model *self)
{
  tornadis_queue_free (self->queue);
  tornadis_session_clear (&self->session);
  g_byte_array_unref (self->received);
  g_ptr_array_unref (self->replies);
  g_array_unref (self->watched);
  g_ptr_array_unref (self->queued);
  g_ptr_array_unref (self->calls);
  g_ptr_array_unref (self->transactions);
  g_ptr_array_unref (self->refused);
  g_free (self->server_user);
  g_free (self->server_name);
  g_free (self->user);
  g_free (self->name);
}

static void
model_step (Model *self)
{
  int dice = RANGE (0, 100);

  if (self->ending && CHANCE (20))
    model_end_some (self);
  /* So many that they are more than end at once. */
  if (self->current == NULL && CHANCE (5))
    for (guint i = 0; i < 20; i++)
      model_call (self, "GET", NULL, NULL);

  if (dice < 30)
    model_step_program (self);
  else if (dice < 50)
    model_step_writer (self);
  else if (dice < 65)
    model_step_server (self);
  else if (dice < 80)
    model_step_reader (self);
  else if (dice < 84)
    self->blocked = FALSE;
  else if (dice < 88)
    model_deliver_refused (self);
  else if (dice < 91)
    model_cancel (self);
  else if (dice < 93 && self->connected)
    model_lose (self, CHANCE (70));
  else if (dice < 94)
    model_fail_to_connect (self);
  else if (dice < 95 && self->connected && !self->held_back)
    {
      self->held_back = TRUE;
      self->held_back_id = self->n_commands;
      TRACE ("held back");
      tornadis_queue_hold_back (self->queue);
    }
  else if (dice >= 96)
    model_connect (self);

  if (self->held_back && !tornadis_queue_awaits_replies (self->queue))
    model_lose (self, TRUE);
}

void
session_model_run (guint n_steps,
                   SessionModelDice dice,
                   gpointer user_data)
{
  Model model;

  model_init (&model, dice, user_data);
  for (guint i = 0; i < n_steps; i++)
    {
      model_step (&model);
      if (i % 40 == 39 && !model.held_back)
        {
          model_drain (&model);
          model_check (&model);
        }
    }
  if (model.held_back && model.connected)
    model_lose (&model, TRUE);
  model_drain (&model);
  model_check (&model);
  model_clear (&model);
}
