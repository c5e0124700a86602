/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-connection.h"

#include <gio/gnetworking.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/wire/tornadis-reader.h"

/* One dispatch works at most this long before it lets the main loop go on, and so do several that follow each
 * other, each of which finds new data: half of WINDOW_USEC. */
#define BATCH_USEC 2000
#define WINDOW_USEC (2 * BATCH_USEC)
/* How many replies are handled between two looks at the clock. */
#define BATCH_CHECK 16
/* One dispatch writes at most this much before the socket is asked again. */
#define BATCH_WRITE (4 * 1024 * 1024)
#define MAX_VECTORS 32
/* While more data waits than one batch takes, the rest comes behind GTK's redraw, which has priority
 * 120: a flood of messages then costs throughput and never a frame. */
#define YIELD_PRIORITY (G_PRIORITY_HIGH_IDLE + 25)
/* A server nearby answers sooner than a thread that went to sleep is awake again: after a write, the reply is looked for
 * this long before the main loop sleeps. When that was in vain it is left out at the next writes, twice as many each
 * time, up to 2^SPIN_MAX_MISSES: a distant server costs no time. */
#define SPIN_USEC 50
#define SPIN_MAX_MISSES 10
/* However many connections a thread has, it looks in vain for no more than a twentieth of its time. */
#define SPIN_PAUSE_USEC (20 * SPIN_USEC)
/* A timer that finds data in the socket reads at most this long before it believes its clock. */
#define DRAIN_USEC (100 * 1000)

struct _TornadisConnection
{
  grefcount ref_count;
  GSocketConnection *socket_connection; /* (owned) closes the socket when it goes */
  GSocket *socket;             /* (owned) */
  GPollableInputStream *in;    /* (unowned) (nullable) of a stream that is not the bare socket */
  GPollableOutputStream *out;  /* (unowned) (nullable) likewise */
  GSource *source;             /* (owned) (nullable) NULL once closed */
  gpointer fd_tag;             /* (unowned) (nullable) in @source, of the bare socket */
  GSource *in_source;          /* (owned) (nullable) child of @source */
  GSource *out_source;         /* (owned) (nullable) child of @source */
  TornadisReader *reader;      /* (owned) */
  TornadisQueue *queue;        /* (unowned) (nullable) */
  TornadisConnectionFuncs funcs;
  gpointer user_data;          /* (unowned) */
  GError *write_error;         /* (owned) (nullable) met while no callback may run */
  gsize write_page_size;
  gint64 last_read;            /* monotonic time */
  gint64 dispatch_start;       /* monotonic time, while dispatching */
  gint64 window_start;         /* monotonic time */
  gint64 window_used;          /* microseconds that were worked since */
  guint dispatching;
  guint spin_misses;           /* in a row */
  guint spin_skips;            /* writes after which no reply is looked for */
  gboolean aggressive : 1;
  gboolean push_arrays : 1;
  gboolean paused : 1;
  gboolean flush_scheduled : 1;
  gboolean write_blocked : 1;  /* waits for the socket to take more */
  gboolean drained : 1;        /* the last read emptied the socket */
  gboolean resume_read : 1;    /* goes on at the next dispatch even if the socket has nothing new */
  gboolean yielding : 1;       /* at YIELD_PRIORITY */
  gboolean has_written : 1;    /* since the main loop last polled */
};

typedef struct
{
  GSource source;
  TornadisConnection *connection; /* (unowned) it destroys the source when it closes */
} TornadisConnectionSource;

typedef enum
{
  READ_DONE,   /* nothing more is there now */
  READ_MORE,   /* the batch is full */
  READ_CLOSED, /* the connection was closed */
} ReadResult;

static gboolean connection_prepare (GSource *source,
                                    int *timeout);
static gboolean connection_dispatch (GSource *source,
                                     GSourceFunc callback,
                                     gpointer user_data);

static GSourceFuncs connection_source_funcs = {
  .prepare = connection_prepare,
  .dispatch = connection_dispatch,
};

static void
connection_watch (TornadisConnection *self)
{
  if (self->source == NULL)
    return;

  if (self->in == NULL)
    {
      GIOCondition condition = (self->paused ? 0 : G_IO_IN) | (self->write_blocked ? G_IO_OUT : 0);

      g_source_modify_unix_fd (self->source, self->fd_tag, condition);
      return;
    }

  if (self->paused != (self->in_source == NULL))
    {
      if (self->paused)
        {
          g_source_remove_child_source (self->source, self->in_source);
          g_clear_pointer (&self->in_source, g_source_unref);
        }
      else
        {
          self->in_source = g_pollable_input_stream_create_source (self->in, NULL);
          g_source_set_dummy_callback (self->in_source);
          g_source_add_child_source (self->source, self->in_source);
        }
    }

  if (self->write_blocked != (self->out_source != NULL))
    {
      if (!self->write_blocked)
        {
          g_source_remove_child_source (self->source, self->out_source);
          g_clear_pointer (&self->out_source, g_source_unref);
        }
      else
        {
          self->out_source = g_pollable_output_stream_create_source (self->out, NULL);
          g_source_set_dummy_callback (self->out_source);
          g_source_add_child_source (self->source, self->out_source);
        }
    }
}

static void
connection_release_source (TornadisConnection *self)
{
  if (self->source == NULL)
    return;

  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  g_clear_pointer (&self->in_source, g_source_unref);
  g_clear_pointer (&self->out_source, g_source_unref);
}

/* Tells the owner that the link is gone. */
static void
connection_fail (TornadisConnection *self,
                 const GError *error)
{
  g_autoptr (GError) lost = NULL;

  if (self->source == NULL)
    return;

  /* One of the socket's means the same as the end of what it sends. */
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

/* Hands one reply on, and takes it over; FALSE: it answers nothing that was asked, and stays the caller's. */
static inline gboolean
connection_route (TornadisConnection *self,
                  TornadisReply *reply)
{
  TornadisReplyKind kind = tornadis_reply_get_kind (reply);

  if (G_UNLIKELY (kind == TORNADIS_REPLY_KIND_PUSH || self->push_arrays))
    {
      gboolean is_push = kind == TORNADIS_REPLY_KIND_PUSH;

      if ((is_push || kind == TORNADIS_REPLY_KIND_ARRAY) && self->funcs.push != NULL &&
          self->funcs.push (reply, self->user_data))
        return TRUE;

      if (is_push)
        {
          tornadis_reply_unref (reply);
          return TRUE;
        }
    }

  return tornadis_queue_take_reply (self->queue, reply);
}

/* A server that has too many clients, or too little patience, says so before it closes. */
static GError *
make_unasked_error (TornadisReply *reply)
{
  g_autoptr (GError) words = tornadis_reply_get_error (reply);

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

          if (self->source == NULL)
            return READ_CLOSED;
          if (self->paused)
            return READ_DONE;
          if (++n_replies % BATCH_CHECK == 0 && g_get_monotonic_time () > deadline)
            return READ_MORE;
        }

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
      n_read = connection_receive (self, buffer, size, &error);

      if (n_read > 0)
        {
          tornadis_reader_commit (self->reader, (gsize) n_read);
          tornadis_queue_count_read (self->queue, (gsize) n_read);
          self->last_read = g_source_get_time (self->source);
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

/* Writes what the queue has. Runs no callback: an error is kept for the next dispatch. */
static void
connection_flush (TornadisConnection *self)
{
  gsize n_total = 0;
  gboolean was_blocked = self->write_blocked;

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
          self->has_written = TRUE;
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
        }
    }

  if (was_blocked != self->write_blocked)
    connection_watch (self);
}

static void
connection_set_yielding (TornadisConnection *self,
                         gboolean yielding)
{
  if (self->source == NULL || self->yielding == yielding)
    return;

  self->yielding = yielding;
  g_source_set_priority (self->source, yielding ? YIELD_PRIORITY : G_PRIORITY_DEFAULT);
}

static __thread gint64 spin_not_before; /* monotonic time */

/* Whether the reply to what was just written is there before it is worth to sleep. */
static gboolean
connection_spin (TornadisConnection *self)
{
  gint64 now;
  gint64 deadline;

  if (!self->has_written || self->paused || !tornadis_queue_awaits_replies (self->queue))
    return FALSE;

  self->has_written = FALSE;

  if (self->spin_skips > 0)
    {
      self->spin_skips--;
      return FALSE;
    }

  now = g_get_monotonic_time ();
  if (now < spin_not_before)
    return FALSE;

  deadline = now + SPIN_USEC;
  do
    {
      if (g_socket_condition_check (self->socket, G_IO_IN | G_IO_HUP) != 0)
        {
          self->spin_misses = 0;
          return TRUE;
        }
    }
  while ((now = g_get_monotonic_time ()) < deadline);

  spin_not_before = now + SPIN_PAUSE_USEC;
  self->spin_misses = MIN (self->spin_misses + 1, SPIN_MAX_MISSES);
  self->spin_skips = (1U << self->spin_misses) - 1;
  return FALSE;
}

/* What is due is found out here and not told with g_source_set_ready_time(), which wakes the main loop up with a
 * write to a file descriptor, though it is this very thread that runs it. */
static gboolean
connection_prepare (GSource *source,
                    int *timeout)
{
  TornadisConnection *self = ((TornadisConnectionSource *) source)->connection;

  *timeout = -1;

  return self->flush_scheduled || (self->resume_read && !self->paused) || self->write_error != NULL || connection_spin (self);
}

/* Called at the end of a dispatch. At the lower priority it had its turn behind all others, and begins anew. */
static void
connection_take_turn (TornadisConnection *self,
                      gint64 start,
                      gboolean more)
{
  gint64 now = g_get_monotonic_time ();

  if (self->yielding || start - self->window_start > WINDOW_USEC)
    {
      self->window_start = start;
      self->window_used = 0;
    }

  self->window_used += self->yielding ? 0 : now - start;
  connection_set_yielding (self, more || self->window_used >= BATCH_USEC);
}

static gboolean
connection_dispatch (GSource *source,
                     GSourceFunc callback,
                     gpointer user_data)
{
  TornadisConnection *self = ((TornadisConnectionSource *) source)->connection;
  /* They may change, at the end of the handshake. */
  const TornadisConnectionFuncs funcs = self->funcs;
  gpointer owner = self->user_data;
  gint64 start = g_get_monotonic_time ();
  gboolean held;
  ReadResult result = READ_DONE;
  GIOCondition condition = self->paused ? 0 : G_IO_IN;

  /* What it calls may let go of the connection and of its owner. */
  tornadis_connection_ref (self);
  held = funcs.hold != NULL && funcs.hold (owner);
  self->dispatching++;
  self->dispatch_start = start;

  if (self->in == NULL)
    condition = g_source_query_unix_fd (source, self->fd_tag);

  if (!self->paused && (self->resume_read || (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0))
    {
      self->resume_read = FALSE;
      result = connection_read (self, start + BATCH_USEC);
    }
  else if (self->paused && (condition & (G_IO_HUP | G_IO_ERR)) != 0)
    {
      g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "The server closed the connection");

      connection_fail (self, error);
      result = READ_CLOSED;
    }

  self->dispatching--;

  if (result != READ_CLOSED && self->write_error != NULL)
    {
      g_autoptr (GError) error = g_steal_pointer (&self->write_error);

      /* Whatever the server said before it closed has been read by now: it explains more. */
      connection_fail (self, error);
      result = READ_CLOSED;
    }

  if (result != READ_CLOSED)
    {
      self->resume_read |= result == READ_MORE;

      if (!tornadis_queue_awaits_replies (self->queue))
        tornadis_reader_trim (self->reader);

      connection_flush (self);
      connection_take_turn (self, start, result == READ_MORE);
    }

  if (funcs.release != NULL)
    funcs.release (held, owner);
  tornadis_connection_unref (self);

  return G_SOURCE_CONTINUE;
}

TornadisConnection *
tornadis_connection_new (GSocketConnection *socket_connection,
                         gsize read_page_size,
                         gsize max_reply_size,
                         GMainContext *context)
{
  TornadisConnection *self = g_new0 (TornadisConnection, 1);

  g_ref_count_init (&self->ref_count);
  self->socket_connection = g_object_ref (socket_connection);
  self->socket = g_object_ref (g_socket_connection_get_socket (socket_connection));
  self->reader = tornadis_reader_new (read_page_size, max_reply_size);
  self->last_read = g_get_monotonic_time ();
  self->write_page_size = 65536;

  g_socket_set_blocking (self->socket, FALSE);
  g_socket_set_timeout (self->socket, 0);

  self->source = g_source_new (&connection_source_funcs, sizeof (TornadisConnectionSource));
  ((TornadisConnectionSource *) self->source)->connection = self;
  g_source_set_static_name (self->source, "[tornadis] connection");
  /* A callback may run a main loop of its own, which must go on getting replies. */
  g_source_set_can_recurse (self->source, TRUE);

  if (G_IS_TCP_WRAPPER_CONNECTION (socket_connection))
    {
      GIOStream *stream = g_tcp_wrapper_connection_get_base_io_stream (G_TCP_WRAPPER_CONNECTION (socket_connection));

      self->in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream));
      self->out = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (stream));
    }
  else
    self->fd_tag = g_source_add_unix_fd (self->source, g_socket_get_fd (self->socket), G_IO_IN);

  connection_watch (self);
  g_source_attach (self->source, context);

  return self;
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
tornadis_connection_set_push_arrays (TornadisConnection *self,
                                     gboolean push_arrays)
{
  self->push_arrays = push_arrays;
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
  if (self->dispatching > 0)
    return self->drained && !tornadis_reader_is_partial (self->reader);

  return g_socket_condition_check (self->socket, G_IO_IN | G_IO_HUP) == 0;
}

void
tornadis_connection_kick (TornadisConnection *self)
{
  /* What is due, or the socket's readiness, writes it. */
  if (self->source == NULL || self->flush_scheduled || self->write_blocked)
    return;

  if (tornadis_queue_awaits_replies (self->queue) ? self->aggressive && self->dispatching == 0 : connection_is_silent (self))
    {
      connection_flush (self);
      return;
    }

  self->flush_scheduled = TRUE;
}

void
tornadis_connection_set_paused (TornadisConnection *self,
                                gboolean paused)
{
  if (self->source == NULL || self->paused == paused)
    return;

  self->paused = paused;
  connection_watch (self);
  /* The reader may hold whole replies already. */
  self->resume_read |= !paused;
}

gboolean
tornadis_connection_get_paused (TornadisConnection *self)
{
  return self->paused;
}

void
tornadis_connection_drain (TornadisConnection *self)
{
  if (self->source == NULL || self->paused || self->dispatching > 0)
    return;

  tornadis_connection_ref (self);
  self->dispatch_start = g_get_monotonic_time ();
  self->dispatching++;
  if (connection_read (self, g_get_monotonic_time () + DRAIN_USEC) != READ_CLOSED)
    self->resume_read = TRUE;
  self->dispatching--;
  tornadis_connection_unref (self);
}

/* Within a dispatch this is when it began: the clock is not asked for each of the many replies. */
gint64
tornadis_connection_get_time (TornadisConnection *self)
{
  return self->dispatching > 0 ? self->dispatch_start : g_get_monotonic_time ();
}

gint64
tornadis_connection_get_last_read (TornadisConnection *self)
{
  return self->last_read;
}

void
tornadis_connection_close (TornadisConnection *self)
{
  if (self->source == NULL)
    return;

  connection_release_source (self);
  /* Not g_io_stream_close(): over TLS that would wait for the peer. */
  g_socket_close (self->socket, NULL);
}
