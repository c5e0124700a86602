/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What ends a connection, at every byte of what goes over it. */

#include <string.h>

#include "matrix/matrix.h"

/* Long enough for nothing: who is to time out does so. */
#define NO_TIME_MSEC 3
#define N_CALLS 3
/* Of the library, in seconds and one more. */
#define CONNECT_TIMEOUT 21
/* At a time. */
#define N_SCENES 64

typedef enum
{
  RESET,
  CLOSE,
  HALF_CLOSE,
  BLACK_HOLE,
} Fault;

typedef enum
{
  HANDSHAKE, /* both ways */
  REQUEST,
  REPLY,
} Point;

typedef enum
{
  CONNECT,
  CALLS,
  PIPELINE,
  TRANSACTION,
  POOL, /* of one connection, so that two calls wait for it */
  SUBSCRIBE,
  MESSAGES, /* of a subscription */
  N_SITUATIONS,
} Situation;

typedef struct
{
  Fault fault;
  Point point;
  Situation situation;
  guint unanswered; /* the ending of those whose reply did not come whole */
  guint behind;     /* the ending of all but the first, or 0: in the pool's queue, or perhaps not written in time */
  MatrixAfter after;
} Row;

#define V MATRIX_VALUE
#define C MATRIX_CONNECT
#define L MATRIX_LOST
#define T MATRIX_TIMEOUT

/* What the first calls have to wait for is not said: what is answered whole is always its own value. */
static const Row rows[] = {
  { RESET, HANDSHAKE, CONNECT, C, 0, MATRIX_NEW },
  { RESET, HANDSHAKE, CALLS, C, 0, MATRIX_NEW },
  { RESET, HANDSHAKE, PIPELINE, C, 0, MATRIX_NEW },
  { RESET, HANDSHAKE, TRANSACTION, C, 0, MATRIX_NEW },
  { RESET, HANDSHAKE, POOL, C, V, MATRIX_NEW },
  { RESET, HANDSHAKE, SUBSCRIBE, C, 0, MATRIX_NEW },
  { RESET, REQUEST, CALLS, L, L | V, MATRIX_NEW },
  { RESET, REQUEST, PIPELINE, L, 0, MATRIX_NEW },
  { RESET, REQUEST, TRANSACTION, L, 0, MATRIX_NEW },
  { RESET, REQUEST, POOL, L, V, MATRIX_NEW },
  { RESET, REQUEST, SUBSCRIBE, L, 0, MATRIX_NEW },
  { RESET, REPLY, CALLS, L, 0, MATRIX_NEW },
  { RESET, REPLY, PIPELINE, L, 0, MATRIX_NEW },
  { RESET, REPLY, TRANSACTION, L, 0, MATRIX_NEW },
  { RESET, REPLY, POOL, L, V, MATRIX_NEW },
  { RESET, REPLY, SUBSCRIBE, L, 0, MATRIX_NEW },
  { RESET, REPLY, MESSAGES, 0, 0, MATRIX_NEW },

  { CLOSE, HANDSHAKE, CONNECT, C, 0, MATRIX_NEW },
  { CLOSE, HANDSHAKE, CALLS, C, 0, MATRIX_NEW },
  { CLOSE, HANDSHAKE, PIPELINE, C, 0, MATRIX_NEW },
  { CLOSE, HANDSHAKE, TRANSACTION, C, 0, MATRIX_NEW },
  { CLOSE, HANDSHAKE, POOL, C, V, MATRIX_NEW },
  { CLOSE, HANDSHAKE, SUBSCRIBE, C, 0, MATRIX_NEW },
  { CLOSE, REQUEST, CALLS, L, L | V, MATRIX_NEW },
  { CLOSE, REQUEST, PIPELINE, L, 0, MATRIX_NEW },
  { CLOSE, REQUEST, TRANSACTION, L, 0, MATRIX_NEW },
  { CLOSE, REQUEST, POOL, L, V, MATRIX_NEW },
  { CLOSE, REQUEST, SUBSCRIBE, L, 0, MATRIX_NEW },
  { CLOSE, REPLY, CALLS, L, 0, MATRIX_NEW },
  { CLOSE, REPLY, PIPELINE, L, 0, MATRIX_NEW },
  { CLOSE, REPLY, TRANSACTION, L, 0, MATRIX_NEW },
  { CLOSE, REPLY, POOL, L, V, MATRIX_NEW },
  { CLOSE, REPLY, SUBSCRIBE, L, 0, MATRIX_NEW },
  { CLOSE, REPLY, MESSAGES, 0, 0, MATRIX_NEW },

  { HALF_CLOSE, HANDSHAKE, CONNECT, C, 0, MATRIX_NEW },
  { HALF_CLOSE, HANDSHAKE, CALLS, C, 0, MATRIX_NEW },
  { HALF_CLOSE, HANDSHAKE, PIPELINE, C, 0, MATRIX_NEW },
  { HALF_CLOSE, HANDSHAKE, TRANSACTION, C, 0, MATRIX_NEW },
  { HALF_CLOSE, HANDSHAKE, POOL, C, V, MATRIX_NEW },
  { HALF_CLOSE, HANDSHAKE, SUBSCRIBE, C, 0, MATRIX_NEW },
  { HALF_CLOSE, REQUEST, CALLS, L, L | V, MATRIX_NEW },
  { HALF_CLOSE, REQUEST, PIPELINE, L, 0, MATRIX_NEW },
  { HALF_CLOSE, REQUEST, TRANSACTION, L, 0, MATRIX_NEW },
  { HALF_CLOSE, REQUEST, POOL, L, V, MATRIX_NEW },
  { HALF_CLOSE, REQUEST, SUBSCRIBE, L, 0, MATRIX_NEW },
  { HALF_CLOSE, REPLY, CALLS, L, 0, MATRIX_NEW },
  { HALF_CLOSE, REPLY, PIPELINE, L, 0, MATRIX_NEW },
  { HALF_CLOSE, REPLY, TRANSACTION, L, 0, MATRIX_NEW },
  { HALF_CLOSE, REPLY, POOL, L, V, MATRIX_NEW },
  { HALF_CLOSE, REPLY, SUBSCRIBE, L, 0, MATRIX_NEW },
  { HALF_CLOSE, REPLY, MESSAGES, 0, 0, MATRIX_NEW },

  { BLACK_HOLE, HANDSHAKE, CONNECT, C, 0, MATRIX_NEW },
  { BLACK_HOLE, HANDSHAKE, CALLS, C, 0, MATRIX_NEW },
  { BLACK_HOLE, HANDSHAKE, POOL, C, V, MATRIX_NEW },
  { BLACK_HOLE, HANDSHAKE, SUBSCRIBE, C, 0, MATRIX_NEW },
  { BLACK_HOLE, REQUEST, CALLS, T, 0, MATRIX_SAME },
  { BLACK_HOLE, REQUEST, PIPELINE, T, 0, MATRIX_SAME },
  { BLACK_HOLE, REQUEST, TRANSACTION, T, 0, MATRIX_SAME },
  { BLACK_HOLE, REQUEST, POOL, T, V, MATRIX_NEW },
  { BLACK_HOLE, REQUEST, SUBSCRIBE, T, 0, MATRIX_SAME },
  { BLACK_HOLE, REPLY, CALLS, T, 0, MATRIX_SAME },
  { BLACK_HOLE, REPLY, PIPELINE, T, 0, MATRIX_SAME },
  { BLACK_HOLE, REPLY, TRANSACTION, T, 0, MATRIX_SAME },
  { BLACK_HOLE, REPLY, POOL, T, V, MATRIX_NEW },
  { BLACK_HOLE, REPLY, SUBSCRIBE, T, 0, MATRIX_SAME },
  { BLACK_HOLE, REPLY, MESSAGES, 0, 0, MATRIX_SAME },
};

static const char *const fault_names[] = { "reset", "close", "half-close", "black-hole" };
static const char *const fault_words[] = { "reset", "closed", "half-closed", "black hole" };
static const char *const point_names[] = { "handshake", "request", "reply" };
static const char *const situation_names[] = { "connect", "calls", "pipeline", "transaction", "pool", "subscribe", "messages" };
static const char *const situation_words[] = {
  "connecting",
  "three calls",
  "a pipeline",
  "a transaction",
  "a pool of one, two calls in its queue",
  "SUBSCRIBE",
  "messages",
};

/* A command, and what the server answers. */
typedef struct
{
  const char *command; /* its words */
  const char *reply;
} Exchange;

#define OK "+OK\r\n"

static const Exchange handshake2[] = {
  { "HELLO 3 AUTH me secret", "-ERR unknown command 'HELLO'\r\n" },
  { "AUTH me secret", OK },
  { "SELECT 3", OK },
  { "CLIENT SETNAME test", OK },
  { "CLIENT ID", ":7\r\n" },
  { NULL, NULL },
};

static const Exchange handshake3[] = {
  { "HELLO 3 AUTH me secret", "%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:3\r\n" },
  { "SELECT 3", OK },
  { "CLIENT SETNAME test", OK },
  { "CLIENT SETINFO LIB-NAME tornadis-glib", OK },
  { "CLIENT SETINFO LIB-VER 1.0.0", OK },
  { NULL, NULL },
};

static const Exchange calls[] = {
  { "ECHO first", "$5\r\nfirst\r\n" },
  { "ECHO second", "$6\r\nsecond\r\n" },
  { "ECHO third", "$5\r\nthird\r\n" },
  { NULL, NULL },
};

static const Exchange pipeline[] = {
  { "ECHO first", "$5\r\nfirst\r\n" },
  { "ECHO first", "$5\r\nfirst\r\n" },
  { NULL, NULL },
};

static const Exchange transaction[] = {
  { "MULTI", OK },
  { "ECHO first", "+QUEUED\r\n" },
  { "ECHO first", "+QUEUED\r\n" },
  { "EXEC", "*2\r\n$5\r\nfirst\r\n$5\r\nfirst\r\n" },
  { NULL, NULL },
};

static const Exchange pool[] = {
  { "ECHO first", "$5\r\nfirst\r\n" },
  { NULL, NULL },
};

static const Exchange subscribe2[] = {
  { "SUBSCRIBE news", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n" },
  { NULL, NULL },
};

static const Exchange subscribe3[] = {
  { "SUBSCRIBE news", ">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n" },
  { NULL, NULL },
};

/* The subscription is there already: two messages. */
static const Exchange messages2[] = {
  { "", "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n" },
  { "", "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\ntwo\r\n" },
  { NULL, NULL },
};

static const Exchange messages3[] = {
  { "", ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n" },
  { "", ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\ntwo\r\n" },
  { NULL, NULL },
};

static const Exchange *
find_exchanges (const Row *row,
                guint protocol)
{
  static const Exchange *const found[N_SITUATIONS][2] = {
    { NULL, NULL },
    { calls, calls },
    { pipeline, pipeline },
    { transaction, transaction },
    { pool, pool },
    { subscribe2, subscribe3 },
    { messages2, messages3 },
  };

  return row->point == HANDSHAKE ? (protocol == 2 ? handshake2 : handshake3) : found[row->situation][protocol - 2];
}

static gsize
get_wire_size (const char *command)
{
  g_auto (GStrv) words = g_strsplit (command, " ", -1);
  gsize size = strlen ("*1\r\n");

  for (guint i = 0; words[i] != NULL; i++)
    size += (strlen (words[i]) >= 10 ? strlen ("$10\r\n\r\n") : strlen ("$1\r\n\r\n")) + strlen (words[i]);

  return size;
}

static gsize
get_total_size (const Exchange *exchanges)
{
  gsize size = 0;

  for (guint i = 0; exchanges[i].command != NULL; i++)
    size += get_wire_size (exchanges[i].command);

  return size;
}

static void
append_send (GString *script,
             const char *text,
             gsize length)
{
  if (length == 0)
    return;

  g_string_append (script, "send \"");
  for (gsize i = 0; i < length; i++)
    g_string_append_printf (script, "\\x%02x", (guint8) text[i]);
  g_string_append (script, "\"\n");
}

static void
append_expect (GString *script,
               const Exchange *exchange)
{
  g_auto (GStrv) words = g_strsplit (exchange->command, " ", 2);

  if (*exchange->command != '\0')
    g_string_append_printf (script, "expect %s\n", words[0]);
}

/* What a peer does that answers the first exchanges, and then only @n_bytes: of the command @cut, or of its reply. */
static char *
make_script (const Row *row,
             guint protocol,
             const Exchange *exchanges,
             guint cut,
             gboolean of_reply,
             gsize n_bytes)
{
  GString *script = g_string_new (NULL);
  const char *handshake = protocol == 2 ? "handshake\n" : "handshake3\n";
  const Exchange *confirmation = protocol == 2 ? subscribe2 : subscribe3;
  const Exchange *message = protocol == 2 ? messages2 : messages3;

  if (row->point != HANDSHAKE)
    g_string_append (script, handshake);
  /* What is lost has been written. */
  if (row->point == REPLY && row->situation != MESSAGES)
    g_string_append_printf (script, "await-bytes %zu\n", get_total_size (exchanges));
  if (row->situation == MESSAGES)
    {
      append_expect (script, confirmation);
      append_send (script, confirmation->reply, strlen (confirmation->reply));
    }
  for (guint i = 0; i < cut; i++)
    {
      append_expect (script, &exchanges[i]);
      append_send (script, exchanges[i].reply, strlen (exchanges[i].reply));
    }
  if (of_reply)
    {
      append_expect (script, &exchanges[cut]);
      append_send (script, exchanges[cut].reply, n_bytes);
    }
  else
    g_string_append_printf (script, "await-bytes %zu\n", n_bytes);

  switch (row->fault)
    {
    case RESET:
      g_string_append (script, "reset\n");
      break;
    case CLOSE:
      g_string_append (script, "close\n");
      break;
    case HALF_CLOSE:
      g_string_append (script, "half-close\ndrain\n");
      break;
    case BLACK_HOLE:
    default:
      if (row->point == HANDSHAKE)
        {
          g_string_append (script, "stop-reading\n");
          break;
        }
      /* In the end all comes: late, and to whom it belongs. */
      g_string_append (script, "wait\n");
      for (guint i = cut; exchanges[i].command != NULL; i++)
        {
          gsize sent = of_reply && i == cut ? n_bytes : 0;

          if (!of_reply || i > cut)
            append_expect (script, &exchanges[i]);
          append_send (script, exchanges[i].reply + sent, strlen (exchanges[i].reply) - sent);
        }
      if (row->situation == SUBSCRIBE || row->situation == MESSAGES)
        append_send (script, message->reply, strlen (message->reply));
      g_string_append (script, "serve\n");
    }

  /* Healed. Who subscribes gets a message. */
  g_string_append_printf (script, "---\n%sserve\nanswer SUBSCRIBE \"", handshake);
  for (guint i = 0; i < 2; i++)
    {
      const char *reply = i == 0 ? confirmation->reply : message->reply;

      for (gsize j = 0; reply[j] != '\0'; j++)
        g_string_append_printf (script, "\\x%02x", (guint8) reply[j]);
    }
  g_string_append (script, "\"\n");

  return g_string_free (script, FALSE);
}

/* One peer, and who talks to it. */
typedef struct
{
  const Row *row;
  char *where; /* (owned) the byte, for messages */
  guint n_whole;
  guint n_steps;             /* that the peer does before it is silent in a handshake */
  TornadisHarnessPeer *peer; /* (owned) */
  TornadisClient *client;    /* (owned) or the pool's template */
  TornadisClientPool *pool;  /* (owned) (nullable) */
  GAsyncResult *connected;   /* (owned) (nullable) */
  MatrixCall calls[N_CALLS];
  guint n_calls;
  MatrixCall further;
  GString *messages; /* (owned) their texts */
  gsize n_heard;     /* of these, before the further call */
  guint n_gaps;
} Scene;

static void
message_cb (TornadisPubSubClient *client,
            TornadisMessage *message,
            gpointer user_data)
{
  Scene *self = user_data;

  g_string_append_printf (self->messages, "%s ", tornadis_message_get_text (message));
}

static void
gap_cb (TornadisPubSubClient *client,
        gpointer user_data)
{
  Scene *self = user_data;

  self->n_gaps++;
}

static void
scene_set_timeout (Scene *self,
                   guint msec)
{
  g_object_set (self->client, "call-timeout-msec", msec, NULL);
}

static gboolean
scene_subscribes (Scene *self)
{
  return self->row->situation == SUBSCRIBE || self->row->situation == MESSAGES;
}

static gboolean
is_of_handshake (const Row *row)
{
  return row->point == HANDSHAKE;
}

/* Of a call whose reply does not come. */
static guint
scene_get_timeout (Scene *self)
{
  return self->row->fault == BLACK_HOLE && !is_of_handshake (self->row) ? NO_TIME_MSEC : 0;
}

/* Up to the one that does nothing. */
static guint
count_steps (const char *script)
{
  const char *end = strstr (script, "stop-reading\n");
  guint n = 0;

  for (const char *at = script; end != NULL && at < end; at++)
    n += *at == '\n';

  return n;
}

/* Each of the next functions is called for all scenes before the one behind it: much of the time is waiting for others. */

static void
scene_begin (Scene *self,
             const Row *row,
             const char *script,
             guint n_whole,
             char *where)
{
  static const char *const serials[] = { "first", "second", "third" };
  guint16 port;

  self->row = row;
  self->where = where;
  self->n_whole = n_whole;
  self->n_steps = count_steps (script);
  self->peer = make_peer (script);
  self->messages = g_string_new (NULL);
  port = (guint16) tornadis_harness_peer_get_port (self->peer);
  self->client = scene_subscribes (self) ? TORNADIS_CLIENT (tornadis_pub_sub_client_new ("127.0.0.1", port))
                                         : tornadis_client_new ("127.0.0.1", port);
  if (scene_subscribes (self))
    {
      g_signal_connect (self->client, "message", G_CALLBACK (message_cb), self);
      g_signal_connect (self->client, "gap", G_CALLBACK (gap_cb), self);
    }
  for (guint i = 0; i < N_CALLS; i++)
    self->calls[i].serial = serials[i];
  self->further.serial = "further";
  self->n_calls = row->situation == CALLS || row->situation == POOL ? N_CALLS : 1;

  if (is_of_handshake (row))
    g_object_set (self->client, "username", "me", "password", "secret", "db", 3, "client-name", "test", NULL);
  else
    /* What is called is written at once, so that it is not the time of a call that has not been written yet that is over. */
    g_object_set (self->client, "aggressive-write", TRUE, NULL);

  if (row->situation == POOL)
    {
      self->pool = tornadis_client_pool_new (self->client);
      g_object_set (self->pool, "max-size", 1, NULL);
    }
  if (is_of_handshake (row))
    return;

  /* The one client that a pool has now; another one has time. */
  if (self->pool != NULL)
    {
      scene_set_timeout (self, scene_get_timeout (self));
      tornadis_client_pool_preconnect_async (self->pool, 1, NULL, store_result, &self->connected);
    }
  else
    tornadis_client_connect_async (self->client, NULL, store_result, &self->connected);
}

static void
scene_await_connection (Scene *self)
{
  g_autoptr (GError) error = NULL;

  if (is_of_handshake (self->row))
    return;

  wait_for_result (&self->connected);
  if (self->pool != NULL)
    tornadis_client_pool_preconnect_finish (self->pool, self->connected, &error);
  else
    tornadis_client_connect_finish (self->client, self->connected, &error);
  g_assert_no_error (error);
  g_clear_object (&self->connected);
  scene_set_timeout (self, 0);
}

static void
scene_call (Scene *self)
{
  guint timeout_msec = scene_get_timeout (self);

  switch (self->row->situation)
    {
    case CONNECT:
      matrix_call_connect (&self->calls[0], self->client);
      break;
    case CALLS:
      for (guint i = 0; i < N_CALLS; i++)
        {
          scene_set_timeout (self, i < self->n_whole ? 0 : timeout_msec);
          matrix_call_submit (&self->calls[i], self->client);
        }
      break;
    case PIPELINE:
    case TRANSACTION:
      scene_set_timeout (self, timeout_msec);
      matrix_call_submit_pipeline (&self->calls[0], self->client, self->row->situation == TRANSACTION, 2);
      break;
    case POOL:
      for (guint i = 0; i < N_CALLS; i++)
        matrix_call_pool (&self->calls[i], self->pool);
      break;
    case SUBSCRIBE:
      scene_set_timeout (self, timeout_msec);
      matrix_call_subscribe (&self->calls[0], self->client, "news");
      break;
    case MESSAGES:
    case N_SITUATIONS:
    default:
      matrix_call_subscribe (&self->calls[0], self->client, "news");
    }
  scene_set_timeout (self, 0);
}

/* Nothing was sent twice, and nothing at all of what is said never to have run. */
static void
scene_assert_sent_once (Scene *self)
{
  g_autoptr (GBytes) bytes = tornadis_harness_peer_get_received_bytes (self->peer);
  g_autofree char *received = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  gboolean may_repeat = self->row->situation == PIPELINE || self->row->situation == TRANSACTION;

  for (guint i = 0; i < self->n_calls && !scene_subscribes (self); i++)
    {
      const char *found = strstr (received, self->calls[i].serial);

      if (self->calls[i].ending == MATRIX_CONNECT)
        g_assert_null (found);
      else if (found != NULL && !may_repeat)
        g_assert_null (strstr (found + 1, self->calls[i].serial));
    }
}

/* That of a subscription is a message. */
static void
scene_call_further (Scene *self)
{
  self->n_heard = self->messages->len;
  if (self->pool != NULL)
    matrix_call_pool (&self->further, self->pool);
  else if (!scene_subscribes (self))
    matrix_call_submit (&self->further, self->client);
  else if (self->row->situation == SUBSCRIBE && self->row->after == MATRIX_NEW)
    matrix_call_subscribe (&self->further, self->client, "news");
}

static void
scene_assert_ended (Scene *self)
{
  const Row *row = self->row;
  static const char *const whole[] = { "", "one ", "one two " };

  if (row->situation == MESSAGES)
    {
      matrix_call_assert (&self->calls[0], MATRIX_VALUE, self->where);
      if (row->after == MATRIX_NEW)
        wait_until (self->n_gaps > 0);
      else
        wait_until (self->messages->len >= strlen (whole[self->n_whole]));
      if (!g_str_has_prefix (self->messages->str, whole[self->n_whole]))
        g_error ("%s: “%s”", self->where, self->messages->str);
    }
  else
    for (guint i = 0; i < self->n_calls; i++)
      matrix_call_assert (&self->calls[i], i < self->n_whole ? V : row->behind != 0 && i > 0 ? row->behind
                                                                                             : row->unanswered,
                          self->where);

  tornadis_harness_peer_go (self->peer);
  scene_call_further (self);
}

static void
scene_assert_works (Scene *self)
{
  const Row *row = self->row;
  guint n_connections;

  if (row->situation == MESSAGES && row->after == MATRIX_SAME)
    {
      wait_until (g_str_equal (self->messages->str, "one two one "));
      g_assert_cmpuint (self->n_gaps, ==, 0);
    }
  else if (row->situation == MESSAGES)
    wait_until (self->messages->len >= strlen ("one ") * (self->n_whole + 1));
  else
    {
      if (!scene_subscribes (self) || row->after == MATRIX_NEW)
        matrix_call_assert (&self->further, V, self->where);
      if (scene_subscribes (self))
        {
          wait_until (self->messages->len > self->n_heard);
          g_assert_cmpstr (self->messages->str + self->n_heard, ==, "one ");
        }
    }

  n_connections = tornadis_harness_peer_get_n_connections (self->peer);
  if (row->after == MATRIX_SAME)
    g_assert_cmpuint (n_connections, ==, 1);
  else
    g_assert_cmpuint (n_connections, >, 1);
  scene_assert_sent_once (self);

  if (self->pool != NULL)
    tornadis_client_pool_destroy (self->pool);
  tornadis_client_close (self->client);
}

static void
scene_end (Scene *self)
{
  matrix_assert_once (self->calls, N_CALLS);
  matrix_assert_once (&self->further, 1);
  g_clear_object (&self->pool);
  assert_client_finalized (self->client);
  g_clear_object (&self->peer);
  g_string_free (self->messages, TRUE);
  g_free (self->where);
}

/* Whether only the time for connecting ends it. */
static gboolean
is_endless (const Row *row)
{
  return is_of_handshake (row) && row->fault == BLACK_HOLE;
}

/* Until the peer is silent. */
static void
scene_wait_for_hole (Scene *self)
{
  if (is_endless (self->row))
    wait_until (tornadis_harness_peer_get_n_steps (self->peer) == self->n_steps);
}

static void
for_all (GPtrArray *scenes,
         void (*func) (Scene *scene))
{
  for (guint i = 0; i < scenes->len; i++)
    func (scenes->pdata[i]);
}

static void
run_scenes (GPtrArray *scenes)
{
  for_all (scenes, scene_await_connection);
  for_all (scenes, scene_call);
  for_all (scenes, scene_wait_for_hole);
  if (scenes->len > 0 && is_endless (((Scene *) scenes->pdata[0])->row))
    matrix_advance_clock (CONNECT_TIMEOUT);
  for_all (scenes, scene_assert_ended);
  for_all (scenes, scene_assert_works);
  for_all (scenes, scene_end);
  g_ptr_array_set_size (scenes, 0);
}

static void
add_scene (GPtrArray *scenes,
           const Row *row,
           guint protocol,
           guint cut,
           gboolean of_reply,
           gsize byte)
{
  const Exchange *exchanges = find_exchanges (row, protocol);
  g_autofree char *script = make_script (row, protocol, exchanges, cut, of_reply, byte);
  gboolean one_by_one = row->point != HANDSHAKE && (row->situation == CALLS || row->situation == MESSAGES);
  Scene *scene = g_new0 (Scene, 1);

  g_ptr_array_add (scenes, scene);
  scene_begin (scene, row, script, one_by_one ? cut : 0,
               g_strdup_printf ("RESP%u, byte %zu of the %s to “%s”", protocol, byte, of_reply ? "reply" : "command",
                                exchanges[cut].command));
  if (scenes->len == N_SCENES)
    run_scenes (scenes);
}

/* At every byte for one situation. How a handshake ends, and what was sent, does not depend on who waits for it: at some for
 * the others. */
static gsize
get_stride (const Row *row)
{
  gsize stride = row->point == REPLY || (row->situation == CALLS && !is_endless (row)) ? 1 : is_endless (row) ? 13
                                                                                                              : 7;

  return stride * matrix_get_stride ();
}

static void
run_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GPtrArray) scenes = g_ptr_array_new_with_free_func (g_free);
  gsize stride = get_stride (row);
  gsize n_bytes = 0;

  for (guint protocol = 2; protocol <= 3; protocol++)
    {
      const Exchange *exchanges = find_exchanges (row, protocol);

      for (guint i = 0; exchanges[i].command != NULL; i++)
        for (guint of_reply = row->point == REPLY; of_reply <= (row->point == REQUEST ? 0 : 1); of_reply++)
          {
            gsize length = of_reply ? strlen (exchanges[i].reply) : get_wire_size (exchanges[i].command);

            for (gsize byte = 0; byte < length; byte++)
              if (n_bytes++ % stride == 0)
                add_scene (scenes, row, protocol, i, of_reply, byte);
          }
    }
  run_scenes (scenes);
}

static void
add_row (const Row *row)
{
  g_autofree char *path = g_strdup_printf ("/matrix/link/%s/%s/%s", point_names[row->point], fault_names[row->fault],
                                           situation_names[row->situation]);
  g_autofree char *what = g_strdup_printf ("%s at a byte of the %s: %s", fault_words[row->fault], point_names[row->point],
                                           situation_words[row->situation]);
  g_autofree char *unanswered = matrix_describe (row->unanswered);
  g_autofree char *behind = matrix_describe (row->behind);
  g_autoptr (GString) ends = g_string_new (NULL);

  if (row->situation == MESSAGES)
    g_string_append (ends, row->after == MATRIX_SAME ? "whole messages come, the cut one when its rest does, no `gap`"
                                                     : "whole messages come, of the cut one nothing; `gap`");
  else
    {
      if (row->point == REPLY && row->situation == CALLS)
        g_string_append (ends, "answered whole: its own value; others: ");
      g_string_append (ends, unanswered);
      if (row->behind != 0)
        g_string_append_printf (ends, "; %s: %s", row->situation == POOL ? "in the queue" : "behind it", behind);
    }
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
