/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-connection.h"

#include <errno.h>
#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-keep-alive.h"
#include "tornadis-glib/wire/tornadis-reader.h"

/* How many replies are handled between two looks at the clock. */
#define BATCH_CHECK 16
/* One turn writes at most this much before the socket is asked again. */
#define BATCH_WRITE (4 * 1024 * 1024)
#define MAX_VECTORS 32
/* So much TLS may have taken from the socket and not given away. */
#define MAX_TLS_RECORD 16384

struct _TornadisConnection
{
  TornadisPollerItem item; /* first: it is what the poller knows of a connection */
  TornadisKeepAlive keep_alive;
  grefcount ref_count;
  GSocketConnection *socket_connection; /* (owned) closes the socket when it is disposed */
  GSocket *socket;                      /* (owned) */
  GPollableInputStream *in;             /* (unowned) (nullable) of a stream that is not the bare socket */
  GPollableOutputStream *out;           /* (unowned) (nullable) likewise */
  TornadisReader *reader;               /* (owned) */
  TornadisQueue *queue;                 /* (unowned) (nullable) */
  TornadisConnectionFuncs funcs;
  gpointer user_data;   /* (unowned) */
  GError *write_error;  /* (owned) (nullable) met while no callback may run */
  GError *retire_error; /* (owned) (nullable) it closes when what is written has been answered */
  gsize write_page_size;
  gint64 last_read;  /* monotonic time */
  gint64 turn_start; /* monotonic time, during a turn */
  gsize n_undrained; /* bytes that have to be read before @drained is called */
  guint in_turn;     /* how many turns are on the stack: a callback may run a main loop */
  gboolean closed : 1;
  gboolean aggressive : 1;
  gboolean busy_poll : 1; /* looks for replies before the main loop sleeps */
  gboolean push_arrays : 1;
  gboolean push_lines : 1;
  gboolean paused : 1;
  gboolean flush_scheduled : 1;
  gboolean write_blocked : 1;  /* waits for the socket to take more */
  gboolean drained : 1;        /* the last read emptied the socket */
  gboolean resume_read : 1;    /* reads at the next turn even if the socket has nothing new */
  gboolean passed_drained : 1; /* what was read until then has been handled */
  gboolean await_drained : 1;  /* the owner waits for what was in the socket to be read */
};

typedef enum
{
  READ_DONE,   /* nothing more is there now */
  READ_MORE,   /* the batch is full */
  READ_CLOSED, /* the connection was closed */
} ReadResult;

static void
connection_watch (TornadisConnection *self)
{
  if (!self->closed)
    tornadis_poller_item_watch (&self->item, (self->paused ? 0 : G_IO_IN) | (self->write_blocked ? G_IO_OUT : 0));
}

/* Closes the connection and notifies the owner. */
static void
connection_fail (TornadisConnection *self,
                 const GError *error)
{
  g_autoptr (GError) lost = NULL;

  if (self->closed)
    return;

  /* An error of the socket means the same as the end of the stream. */
  if (error->domain != TORNADIS_ERROR)
    error = lost = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, error->message);

  tornadis_connection_close (self);
  if (self->funcs.closed != NULL)
    self->funcs.closed (error, self->user_data);
}

static gssize
connection_receive (TornadisConnection *self,
                    guint8 *buffer,
                    gsize size,
                    GError **error)
{
  if (self->in != NULL)
    return g_pollable_input_stream_read_nonblocking (self->in, buffer, size, NULL, error);

  return g_socket_receive (self->socket, (char *) buffer, size, NULL, error);
}

/* A line of MONITOR, which RESP3 has no kind for: “1700000000.123456 [0 127.0.0.1:50000] "get" "key"”. No command of a
 * server has such a status for its reply. */
static gboolean
is_monitor_line (TornadisReply *reply)
{
  const char *text = reply->data;
  gsize n;

  if (reply->kind != TORNADIS_REPLY_KIND_STATUS)
    return FALSE;

  n = strspn (text, "0123456789");
  return n > 0 && text[n] == '.' && g_str_has_prefix (text + n + 1 + strspn (text + n + 1, "0123456789"), " [");
}

/* Passes one reply on, and consumes it; FALSE: it answers nothing that was asked, and stays the caller's. */
static inline gboolean
connection_route (TornadisConnection *self,
                  TornadisReply *reply)
{
  TornadisReplyKind kind = reply->kind;

  if (G_UNLIKELY (kind == TORNADIS_REPLY_KIND_PUSH || self->push_arrays || self->push_lines))
    {
      gboolean is_push = kind == TORNADIS_REPLY_KIND_PUSH || (self->push_lines && is_monitor_line (reply));

      if ((is_push || (self->push_arrays && kind == TORNADIS_REPLY_KIND_ARRAY)) && self->funcs.push != NULL &&
          self->funcs.push (reply, self->user_data))
        return TRUE;

      if (is_push)
        {
          tornadis_reply_unref (reply);
          return TRUE;
        }
    }

  return tornadis_queue_take_reply (self->queue, reply, self->turn_start);
}

/* A server that has too many clients, or too little patience, says so before it closes. */
static GError *
make_unasked_error (TornadisReply *reply)
{
  g_autoptr (GError) words = tornadis_reply_dup_error (reply);

  if (words != NULL)
    return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "The server said: %s", words->message);

  return g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "The server sent a reply that nobody asked for");
}

static ReadResult
connection_read (TornadisConnection *self,
                 gint64 deadline)
{
  guint n_replies = 0;

  self->drained = FALSE;
  tornadis_poller_item_set_unfinished (&self->item, TRUE);

  for (;;)
    {
      g_autoptr (GError) error = NULL;
      TornadisReply *reply;
      guint8 *buffer;
      gsize size;
      gssize n_read;

      while ((reply = tornadis_reader_next (self->reader, &error)) != NULL)
        {
          if (!connection_route (self, reply))
            {
              error = make_unasked_error (reply);
              tornadis_reply_unref (reply);
              break;
            }

          if (self->closed)
            return READ_CLOSED;
          if (self->paused)
            return READ_DONE;
          if (++n_replies % BATCH_CHECK == 0 && g_get_monotonic_time () > deadline)
            return READ_MORE;
        }

      tornadis_poller_item_set_unfinished (&self->item, FALSE);
      self->passed_drained |= self->n_undrained == 0;

      if (error != NULL)
        {
          /* Does nothing if a callback has closed the link. */
          connection_fail (self, error);
          return READ_CLOSED;
        }

      if (self->drained)
        return READ_DONE;
      if (g_get_monotonic_time () > deadline)
        return READ_MORE;

      buffer = tornadis_reader_reserve (self->reader, &size);
      if (G_UNLIKELY (buffer == NULL))
        continue;
      n_read = connection_receive (self, buffer, size, &error);

      if (n_read > 0)
        {
          tornadis_reader_commit (self->reader, (gsize) n_read);
          tornadis_queue_count_read (self->queue, (gsize) n_read);
          self->last_read = self->turn_start;
          self->n_undrained -= MIN (self->n_undrained, (gsize) n_read);
          tornadis_poller_item_set_unfinished (&self->item, TRUE);
          /* TLS gives one record at a time, so only a bare socket's short read means that it is empty. */
          self->drained = (gsize) n_read < size && self->in == NULL;
          continue;
        }

      if (n_read < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return READ_DONE;

      if (n_read == 0)
        error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "The server closed the connection");
      connection_fail (self, error);
      return READ_CLOSED;
    }
}

static gssize
connection_send (TornadisConnection *self,
                 GOutputVector *vectors,
                 guint n_vectors,
                 GError **error)
{
  if (self->out != NULL)
    {
      gsize n_written = 0;

      switch (g_pollable_output_stream_writev_nonblocking (self->out, vectors, n_vectors, &n_written, NULL, error))
        {
        case G_POLLABLE_RETURN_OK:
          return (gssize) n_written;
        case G_POLLABLE_RETURN_WOULD_BLOCK:
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "Would block");
          return -1;
        case G_POLLABLE_RETURN_FAILED:
        default:
          return -1;
        }
    }

  if (n_vectors == 1)
    return g_socket_send (self->socket, vectors[0].buffer, vectors[0].size, NULL, error);

  return g_socket_send_message (self->socket, NULL, vectors, (int) n_vectors, NULL, 0, 0, NULL, error);
}

/* Writes what the queue has. Runs no callback: an error is kept for the next turn. */
static void
connection_flush (TornadisConnection *self)
{
  gsize n_total = 0;

  self->flush_scheduled = FALSE;
  self->write_blocked = FALSE;

  while (self->write_error == NULL)
    {
      TornadisWriter *writer = tornadis_queue_fill (self->queue, self->write_page_size);
      GOutputVector vectors[MAX_VECTORS];
      guint n_vectors = tornadis_writer_get_vectors (writer, vectors, MAX_VECTORS);
      g_autoptr (GError) error = NULL;
      gssize n_written;

      if (n_vectors == 0)
        break;

      if (n_total >= BATCH_WRITE)
        {
          self->write_blocked = TRUE;
          break;
        }

      /* TLS makes a record of what it is offered, and when that does not go out at once it has to be offered the same
       * bytes again: none of them can be taken back any more. */
      if (self->out != NULL)
        tornadis_writer_offer (writer, vectors, n_vectors);

      n_written = connection_send (self, vectors, n_vectors, &error);
      if (n_written >= 0)
        {
          n_total += (gsize) n_written;
          tornadis_queue_advance (self->queue, (gsize) n_written);
        }
      else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          self->write_blocked = TRUE;
          break;
        }
      else
        {
          self->write_error = g_steal_pointer (&error);
          tornadis_poller_item_queue (&self->item);
        }
    }

  connection_watch (self);
  if (n_total > 0)
    {
      tornadis_keep_alive_sent (&self->keep_alive);
      if (self->busy_poll && !self->paused)
        tornadis_poller_item_expect_input (&self->item);
    }
}

/* Whether data waits that is not read yet. */
static gboolean
connection_has_input (TornadisConnection *self)
{
  /* During a turn that a queued item will continue. */
  return self->resume_read || (self->in_turn > 0 && self->item.queued) ||
         g_socket_condition_check (self->socket, G_IO_IN | G_IO_HUP) != 0;
}

static void
connection_turn (TornadisPollerItem *item,
                 GIOCondition condition,
                 gint64 now,
                 gint64 deadline)
{
  TornadisConnection *self = (TornadisConnection *) item;
  /* They may change, at the end of the handshake. */
  const TornadisConnectionFuncs funcs = self->funcs;
  gpointer owner = self->user_data;
  gboolean held;
  ReadResult result = READ_DONE;

  /* What is called here may drop the connection and its owner. */
  tornadis_connection_ref (self);
  held = funcs.hold != NULL && funcs.hold (owner);
  self->in_turn++;
  self->turn_start = now;

  /* Input that the poller did not report is looked for where something depends on it. */
  if (!self->paused && (self->resume_read || self->in_turn > 1 || self->await_drained || self->write_error != NULL ||
                        (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0))
    {
      self->resume_read = FALSE;
      result = connection_read (self, deadline);
    }
  else if (self->paused && (condition & (G_IO_HUP | G_IO_ERR)) != 0)
    {
      g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "The server closed the connection");

      connection_fail (self, error);
      result = READ_CLOSED;
    }

  self->in_turn--;

  if (result == READ_DONE && self->write_error != NULL)
    {
      g_autoptr (GError) error = g_steal_pointer (&self->write_error);

      /* Whatever the server said before it closed has been read by now: it explains more. */
      connection_fail (self, error);
      result = READ_CLOSED;
    }

  if (result != READ_CLOSED && G_UNLIKELY (self->retire_error != NULL) && !tornadis_queue_awaits_replies (self->queue))
    {
      connection_fail (self, self->retire_error);
      result = READ_CLOSED;
    }

  if (result != READ_CLOSED)
    {
      if (!tornadis_queue_awaits_replies (self->queue))
        tornadis_reader_trim (self->reader);

      connection_flush (self);

      if (result == READ_MORE)
        {
          self->resume_read = TRUE;
          tornadis_poller_item_queue (&self->item);
        }
      if (self->await_drained && (result == READ_DONE || self->passed_drained))
        {
          self->await_drained = FALSE;
          self->funcs.drained (self->user_data);
        }
    }

  if (funcs.release != NULL)
    funcs.release (held, owner);
  tornadis_connection_unref (self);
}

static void
connection_peer_gone (TornadisKeepAlive *keep_alive)
{
  TornadisConnection *self =
    (gpointer) ((guint8 *) keep_alive - G_STRUCT_OFFSET (TornadisConnection, keep_alive));
  const TornadisConnectionFuncs funcs = self->funcs;
  gpointer owner = self->user_data;
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                                                  "The other end acknowledges nothing any more");
  gboolean held;

  tornadis_connection_ref (self);
  held = funcs.hold != NULL && funcs.hold (owner);
  connection_fail (self, error);
  if (funcs.release != NULL)
    funcs.release (held, owner);
  tornadis_connection_unref (self);
}

TornadisConnection *
tornadis_connection_new (GSocketConnection *socket_connection,
                         gsize read_page_size,
                         gsize max_reply_size,
                         guint tcp_user_timeout_msec,
                         TornadisPoller *poller,
                         GError **error)
{
  g_autoptr (TornadisConnection) self = NULL;

  if (!tornadis_poller_open (poller, error))
    return NULL;

  self = g_new0 (TornadisConnection, 1);

  g_ref_count_init (&self->ref_count);
  self->socket_connection = g_object_ref (socket_connection);
  self->socket = g_object_ref (g_socket_connection_get_socket (socket_connection));
  self->reader = tornadis_reader_new (read_page_size, max_reply_size);
  self->last_read = g_get_monotonic_time ();
  self->write_page_size = 65536;

  g_socket_set_blocking (self->socket, FALSE);
  g_socket_set_timeout (self->socket, 0);

  if (G_IS_TCP_WRAPPER_CONNECTION (socket_connection))
    {
      GIOStream *stream = g_tcp_wrapper_connection_get_base_io_stream (G_TCP_WRAPPER_CONNECTION (socket_connection));

      self->in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream));
      self->out = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (stream));
    }

  /* With TLS too it is the socket that is watched: the stream is read until it would block, and then holds nothing that
   * the socket does not report. It may hold already what came with the handshake. */
  tornadis_poller_item_init (&self->item, poller, g_socket_get_fd (self->socket), connection_turn);
  tornadis_keep_alive_init (&self->keep_alive, poller, self->socket, tcp_user_timeout_msec, connection_peer_gone);
  if (self->in != NULL)
    {
      self->resume_read = TRUE;
      tornadis_poller_item_queue (&self->item);
    }

  if (!tornadis_poller_item_watch (&self->item, G_IO_IN))
    {
      int saved_errno = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno), "The socket cannot be watched: %s",
                   g_strerror (saved_errno));
      return NULL;
    }

  return g_steal_pointer (&self);
}

TornadisConnection *
tornadis_connection_ref (TornadisConnection *self)
{
  g_ref_count_inc (&self->ref_count);
  return self;
}

void
tornadis_connection_unref (TornadisConnection *self)
{
  if (!g_ref_count_dec (&self->ref_count))
    return;

  tornadis_connection_close (self);
  g_clear_error (&self->write_error);
  g_clear_error (&self->retire_error);
  g_clear_pointer (&self->reader, tornadis_reader_free);
  g_clear_object (&self->socket);
  g_clear_object (&self->socket_connection);
  g_free (self);
}

void
tornadis_connection_attach (TornadisConnection *self,
                            TornadisQueue *queue,
                            const TornadisConnectionFuncs *funcs,
                            gpointer user_data)
{
  self->queue = queue;
  self->funcs = *funcs;
  self->user_data = user_data;
}

void
tornadis_connection_set_write_mode (TornadisConnection *self,
                                    gsize write_page_size,
                                    gboolean aggressive)
{
  self->write_page_size = write_page_size;
  self->aggressive = aggressive;
}

void
tornadis_connection_set_busy_poll (TornadisConnection *self,
                                   gboolean busy_poll)
{
  self->busy_poll = busy_poll;
}

void
tornadis_connection_set_push_arrays (TornadisConnection *self,
                                     gboolean push_arrays)
{
  self->push_arrays = push_arrays;
}

void
tornadis_connection_set_push_lines (TornadisConnection *self)
{
  self->push_lines = TRUE;
}

void
tornadis_connection_set_max_reply_size (TornadisConnection *self,
                                        gsize max_reply_size)
{
  tornadis_reader_set_max_reply_size (self->reader, max_reply_size);
}

/* On an idle link, data that is already there was not asked for, or the server has closed: it has to be read
 * first, so that it cannot pass for the answer. */
static gboolean
connection_is_silent (TornadisConnection *self)
{
  if (self->in_turn > 0)
    return self->drained && !tornadis_reader_is_partial (self->reader);

  return !connection_has_input (self);
}

/* Whether what is pushed may go out at once. */
static gboolean
connection_writes_now (TornadisConnection *self)
{
  return tornadis_queue_awaits_replies (self->queue) ? self->aggressive && self->in_turn == 0 : connection_is_silent (self);
}

static void
connection_schedule_flush (TornadisConnection *self)
{
  self->flush_scheduled = TRUE;
  tornadis_poller_item_queue (&self->item);
}

void
tornadis_connection_kick (TornadisConnection *self)
{
  /* What is due, or the socket's readiness, writes it. */
  if (self->closed || self->flush_scheduled || self->write_blocked)
    return;

  if (connection_writes_now (self))
    connection_flush (self);
  else
    connection_schedule_flush (self);
}

void
tornadis_connection_kick_later (TornadisConnection *self)
{
  if (!self->closed && !self->flush_scheduled && !self->write_blocked)
    connection_schedule_flush (self);
}

void
tornadis_connection_hurry (TornadisConnection *self)
{
  if (self->closed || !self->flush_scheduled || !connection_writes_now (self))
    return;

  connection_flush (self);
  /* Unless there is something else to do, its turn is not needed any more. */
  if (self->item.ready == 0 && !self->resume_read && self->write_error == NULL && self->retire_error == NULL)
    tornadis_poller_item_unqueue (&self->item);
}

void
tornadis_connection_retire (TornadisConnection *self,
                            const GError *error)
{
  if (self->closed || self->retire_error != NULL)
    return;

  self->retire_error = g_error_copy (error);
  tornadis_queue_hold_back (self->queue);
  tornadis_poller_item_queue (&self->item);
}

void
tornadis_connection_set_paused (TornadisConnection *self,
                                gboolean paused)
{
  if (self->closed || self->paused == paused)
    return;

  self->paused = paused;
  connection_watch (self);
  /* The reader may hold whole replies already. */
  if (!paused)
    {
      self->resume_read = TRUE;
      tornadis_poller_item_queue (&self->item);
    }
}

gboolean
tornadis_connection_get_paused (TornadisConnection *self)
{
  return self->paused;
}

gboolean
tornadis_connection_has_unread (TornadisConnection *self)
{
  return !self->closed && !self->paused && connection_has_input (self);
}

gboolean
tornadis_connection_await_drained (TornadisConnection *self)
{
  if (!tornadis_connection_has_unread (self))
    return FALSE;

  if (!self->await_drained)
    {
      gssize n_available = g_socket_get_available_bytes (self->socket);

      self->n_undrained = (gsize) MAX (n_available, 0) + (self->in != NULL ? MAX_TLS_RECORD : 0);
      self->passed_drained = FALSE;
      self->await_drained = TRUE;
    }

  return TRUE;
}

/* Within a turn this is when it began: the clock is not asked for each of the many replies. */
gint64
tornadis_connection_get_time (TornadisConnection *self)
{
  return self->in_turn > 0 ? self->turn_start : g_get_monotonic_time ();
}

gint64
tornadis_connection_get_last_read (TornadisConnection *self)
{
  return self->last_read;
}

void
tornadis_connection_close (TornadisConnection *self)
{
  if (self->closed)
    return;

  self->closed = TRUE;
  tornadis_poller_item_clear (&self->item);
  tornadis_keep_alive_clear (&self->keep_alive);
  /* Not g_io_stream_close(): over TLS that would wait for the peer. */
  g_socket_close (self->socket, NULL);
}
