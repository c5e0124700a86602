/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-tls-handshake.h"

#include "tornadis-glib/wire/tornadis-poller.h"

/* A handshake with a server nearby is done in this time, most of which is computing: here, and in the main loop, which
 * looks at the certificate. One that takes longer waits for the network, or for a peer that never answers, and does not
 * hold the others up. */
#define FRESH_MSEC 25
/* No more handshakes than this may be in flight that are younger than FRESH_MSEC, and so no more certificates come due in
 * one main-context iteration. */
#define MAX_FRESH 4

/* The handshakes of one main context; the poller's. Each of them keeps the poller alive. */
typedef struct
{
  GMainContext *context;           /* (unowned) the poller's */
  GQueue waiting;                  /* (element-type TornadisTlsHandshake) (unowned) */
  TornadisTlsHandshake *preparing; /* (unowned) (nullable) */
  GQueue fresh;                    /* (element-type TornadisTlsHandshake) (unowned) the oldest first */
  GSource *timer;                  /* (owned) (nullable) of the oldest of @fresh, while another one waits for it */
} Line;

struct _TornadisTlsHandshake
{
  TornadisPoller *poller;               /* (owned) */
  Line *line;                           /* (unowned) */
  GList link;                           /* in one of the line's queues */
  GQueue *queue;                        /* (unowned) (nullable) which one */
  GSocketConnection *socket_connection; /* (owned) */
  GSocketConnectable *identity;         /* (owned) */
  GTlsDatabase *database;               /* (owned) (nullable) */
  GTlsCertificate *certificate;         /* (owned) (nullable) */
  GCancellable *cancellable;            /* (owned) */
  TornadisTlsHandshakeFunc func;        /* (nullable) NULL once cancelled */
  gpointer user_data;                   /* (unowned) */
  gint64 begun_at;                      /* monotonic time */
};

static void line_advance (Line *self);

static Line *
line_get (TornadisPoller *poller,
          GMainContext *context)
{
  gpointer *data = tornadis_poller_get_data (poller, g_free);
  Line *self = *data;

  if (self == NULL)
    {
      *data = self = g_new0 (Line, 1);
      self->context = context;
    }

  return self;
}

static void
handshake_enqueue (TornadisTlsHandshake *self,
                   GQueue *queue)
{
  if (self->queue != NULL)
    g_queue_unlink (self->queue, &self->link);
  if (queue != NULL)
    g_queue_push_tail_link (queue, &self->link);
  self->queue = queue;
}

/* In a thread. */
static void
run_step (gpointer data,
          gpointer user_data)
{
  g_autoptr (GTask) task = data;
  GTaskThreadFunc thread_func = g_task_get_source_tag (task);

  thread_func (task, g_task_get_source_object (task), g_task_get_task_data (task), NULL);
}

static gpointer
make_pool (gpointer data)
{
  return g_thread_pool_new (run_step, NULL, -1, FALSE, NULL);
}

/* Runs one step in a thread; not one of g_task_run_in_thread(), of which there are few: handshakes whose peers never answer
 * could occupy them all. */
static void
handshake_run (TornadisTlsHandshake *self,
               gpointer source_object,
               GTaskThreadFunc thread_func,
               GAsyncReadyCallback callback)
{
  static GOnce pool_once = G_ONCE_INIT;
  GTask *task;

  g_once (&pool_once, make_pool, NULL);

  g_main_context_push_thread_default (self->line->context);
  task = g_task_new (source_object, NULL, callback, self);
  g_main_context_pop_thread_default (self->line->context);

  g_task_set_source_tag (task, thread_func);
  g_task_set_task_data (task, self, NULL);
  g_thread_pool_push (pool_once.retval, task, NULL);
}

char *
tornadis_tls_handshake_describe (GTlsCertificateFlags errors)
{
  static const struct
  {
    GTlsCertificateFlags flag;
    const char *words;
  } causes[] = {
    { G_TLS_CERTIFICATE_UNKNOWN_CA, "its issuer is unknown" },
    { G_TLS_CERTIFICATE_BAD_IDENTITY, "it is for another host" },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not valid yet" },
    { G_TLS_CERTIFICATE_EXPIRED, "it has expired" },
    { G_TLS_CERTIFICATE_REVOKED, "it was revoked" },
    { G_TLS_CERTIFICATE_INSECURE, "its algorithm is insecure" },
    { G_TLS_CERTIFICATE_GENERIC_ERROR, "it could not be verified" },
  };
  g_autoptr (GString) text = g_string_new ("The server's certificate is not acceptable");
  const char *separator = ": ";

  for (guint i = 0; i < G_N_ELEMENTS (causes); i++)
    if ((errors & causes[i].flag) != 0)
      {
        g_string_append_printf (text, "%s%s", separator, causes[i].words);
        separator = ", ";
      }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Completes the handshake and frees it. */
static void
handshake_end (TornadisTlsHandshake *self,
               GSocketConnection *secured,
               const GError *error)
{
  TornadisTlsHandshakeFunc func = self->func;
  gpointer user_data = self->user_data;

  /* Not g_io_stream_close(): over TLS that would wait for the peer. */
  if (secured == NULL)
    g_socket_close (g_socket_connection_get_socket (self->socket_connection), NULL);

  handshake_enqueue (self, NULL);
  line_advance (self->line);
  tornadis_poller_unref (self->poller);
  g_object_unref (self->socket_connection);
  g_object_unref (self->identity);
  g_clear_object (&self->database);
  g_clear_object (&self->certificate);
  g_object_unref (self->cancellable);
  g_free (self);

  if (func != NULL)
    func (secured, error, user_data);
}

static void
handshake_succeed (TornadisTlsHandshake *self,
                   GIOStream *stream)
{
  g_autoptr (GSocketConnection) secured = NULL;

  if (self->func != NULL)
    secured = g_tcp_wrapper_connection_new (stream, g_socket_connection_get_socket (self->socket_connection));

  handshake_end (self, secured, NULL);
}

/* The connection would keep its copy of the authorities: 4 MB for those of the system, and 2 ms to free it. */
static void
trim_in_thread (GTask *task,
                gpointer source_object,
                gpointer task_data,
                GCancellable *cancellable)
{
  g_tls_connection_set_database (source_object, NULL);
  g_task_return_boolean (task, TRUE);
}

static void
trimmed_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  handshake_succeed (user_data, G_IO_STREAM (object));
}

static void
handshake_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  TornadisTlsHandshake *self = user_data;
  GTlsConnection *stream = G_TLS_CONNECTION (object);
  g_autoptr (GError) error = NULL;

  gboolean done = g_tls_connection_handshake_finish (stream, result, &error);
  GTlsCertificateFlags errors = g_tls_connection_get_peer_certificate_errors (stream);

  /* GIO says only that it is not acceptable. Its TLS of before 2023 even resumes an earlier session, although it has found
   * that the certificate is not good for this database. */
  if (errors != G_TLS_CERTIFICATE_NO_FLAGS && (done || g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE)))
    {
      g_autofree char *message = tornadis_tls_handshake_describe (errors);

      g_clear_error (&error);
      g_set_error_literal (&error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE, message);
    }

  if (error != NULL)
    handshake_end (self, NULL, error);
  else if (g_tls_connection_get_protocol_version (stream) == G_TLS_PROTOCOL_VERSION_TLS_1_3)
    handshake_run (self, stream, trim_in_thread, trimmed_cb);
  else
    /* Before 1.3 the server may want another handshake later, and show its certificate again. */
    handshake_succeed (self, G_IO_STREAM (stream));
}

/* With GIO's TLS of before 2024 every connection reads all authorities of its database from the disk when it is created:
 * 15 ms for those of the system. */
static void
prepare_in_thread (GTask *task,
                   gpointer source_object,
                   gpointer task_data,
                   GCancellable *cancellable)
{
  TornadisTlsHandshake *self = task_data;
  GIOStream *base = G_IO_STREAM (self->socket_connection);
  GTlsBackend *backend = g_tls_backend_get_default ();
  g_autoptr (GError) error = NULL;
  GTlsDatabase *database;
  GObject *stream;

  if (G_IS_TCP_WRAPPER_CONNECTION (base))
    base = g_tcp_wrapper_connection_get_base_io_stream (G_TCP_WRAPPER_CONNECTION (base));

  /* Not g_tls_client_connection_new(), which begins with the system's database whatever is set later. */
  database = self->database != NULL ? g_object_ref (self->database) : g_tls_backend_get_default_database (backend);
  stream = g_initable_new (g_tls_backend_get_client_connection_type (backend), NULL, &error,
                           "base-io-stream", base,
                           "server-identity", self->identity,
                           "database", database,
                           NULL);
  g_clear_object (&database);

  if (stream == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  if (self->certificate != NULL)
    g_tls_connection_set_certificate (G_TLS_CONNECTION (stream), self->certificate);

  /* A session that is resumed is not verified again, also when it began with another database or identity. */
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (stream), "session-resumption-enabled") != NULL)
    g_object_set (stream, "session-resumption-enabled", FALSE, NULL);

  g_task_return_pointer (task, stream, g_object_unref);
}

static void
prepared_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  TornadisTlsHandshake *self = user_data;
  Line *line = self->line;
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsConnection) stream = g_task_propagate_pointer (G_TASK (result), &error);

  line->preparing = NULL;

  if (stream == NULL || self->func == NULL)
    {
      handshake_end (self, NULL, error);
      return;
    }

  self->begun_at = g_get_monotonic_time ();
  handshake_enqueue (self, &line->fresh);

  g_main_context_push_thread_default (line->context);
  g_tls_connection_handshake_async (stream, G_PRIORITY_DEFAULT, self->cancellable, handshake_cb, self);
  g_main_context_pop_thread_default (line->context);

  line_advance (line);
}

static void
line_stop_timer (Line *self)
{
  if (self->timer == NULL)
    return;

  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static gboolean
timer_cb (gpointer user_data)
{
  Line *self = user_data;
  gint64 limit = g_get_monotonic_time () - FRESH_MSEC * G_TIME_SPAN_MILLISECOND;
  TornadisTlsHandshake *oldest;

  line_stop_timer (self);
  while ((oldest = g_queue_peek_head (&self->fresh)) != NULL && oldest->begun_at <= limit)
    handshake_enqueue (oldest, NULL);
  line_advance (self);

  return G_SOURCE_REMOVE;
}

static void
line_start_timer (Line *self)
{
  TornadisTlsHandshake *oldest = g_queue_peek_head (&self->fresh);

  if (self->timer != NULL)
    return;

  self->timer = g_timeout_source_new (FRESH_MSEC);
  g_source_set_static_name (self->timer, "[tornadis] TLS handshakes");
  g_source_set_ready_time (self->timer, oldest->begun_at + FRESH_MSEC * G_TIME_SPAN_MILLISECOND);
  g_source_set_callback (self->timer, timer_cb, self, NULL);
  g_source_attach (self->timer, self->context);
}

/* One is prepared at a time, and begins when that is done, which is dispatched in the next main-context iteration at
 * the earliest: so it never begins two in one. */
static void
line_advance (Line *self)
{
  if (g_queue_is_empty (&self->waiting))
    {
      line_stop_timer (self);
      return;
    }

  if (self->preparing != NULL)
    return;

  if (g_queue_get_length (&self->fresh) >= MAX_FRESH)
    {
      line_start_timer (self);
      return;
    }

  self->preparing = g_queue_peek_head (&self->waiting);
  handshake_enqueue (self->preparing, NULL);

  handshake_run (self->preparing, NULL, prepare_in_thread, prepared_cb);
}

TornadisTlsHandshake *
tornadis_tls_handshake_start (GSocketConnection *socket_connection,
                              GSocketConnectable *identity,
                              GTlsDatabase *database,
                              GTlsCertificate *certificate,
                              GMainContext *context,
                              TornadisTlsHandshakeFunc func,
                              gpointer user_data)
{
  TornadisTlsHandshake *self = g_new0 (TornadisTlsHandshake, 1);

  self->poller = tornadis_poller_get (context);
  self->line = line_get (self->poller, context);
  self->link.data = self;
  self->socket_connection = g_object_ref (socket_connection);
  self->identity = g_object_ref (identity);
  g_set_object (&self->database, database);
  g_set_object (&self->certificate, certificate);
  self->cancellable = g_cancellable_new ();
  self->func = func;
  self->user_data = user_data;

  handshake_enqueue (self, &self->line->waiting);
  line_advance (self->line);

  return self;
}

void
tornadis_tls_handshake_cancel (TornadisTlsHandshake *self)
{
  self->func = NULL;

  /* Otherwise the step that is in flight frees it. */
  if (self->queue == &self->line->waiting)
    handshake_end (self, NULL, NULL);
  else
    g_cancellable_cancel (self->cancellable);
}
