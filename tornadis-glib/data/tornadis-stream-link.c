/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-stream-link-private.h"

#include "tornadis-glib/client/tornadis-client-pool.h"
#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

#define MIN_DELAY_MSEC 50
#define MAX_DELAY_MSEC 5000

/* A blocking read ends after so long at most, and tells that the server is there. */
#define BLOCK_MSEC 5000

struct _TornadisStreamLink
{
  guint ref_count;
  gpointer owner; /* (unowned) (nullable) NULL: it was freed, and lives until what is under way has ended */
  const TornadisStreamLinkFuncs *funcs;
  TornadisClientPool *pool; /* (owned) */
  gboolean is_own_pool;
  TornadisClient *client;    /* (owned) (nullable) of the pool */
  GCancellable *cancellable; /* (owned) of getting a client */
  GMainContext *context;     /* (owned) */
  GSource *delay;            /* (owned) (nullable) until it tries again */
  gboolean busy;             /* a client is waited for, or a reply */
  guint n_failures;          /* since the last reply */
  guint max_count;           /* of entries in a reply */
  guint count;               /* that were asked for; 0: the command is about something else */
};

static TornadisStreamLink *
link_ref (TornadisStreamLink *self)
{
  self->ref_count++;

  return self;
}

static void
link_unref (TornadisStreamLink *self)
{
  if (--self->ref_count > 0)
    return;

  g_object_unref (self->pool);
  g_object_unref (self->cancellable);
  g_main_context_unref (self->context);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisStreamLink, link_unref)

gboolean
tornadis_stream_error_may_pass (const GError *error)
{
  static const char *const passing[] = { "BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "NOREPLICAS",
                                         "OOM", "READONLY", "TRYAGAIN", "UNBLOCKED", NULL };
  g_autofree char *prefix = NULL;

  if (error->domain != TORNADIS_ERROR)
    return error->domain == G_IO_ERROR && error->code != G_IO_ERROR_CANCELLED;

  switch ((TornadisError) error->code)
    {
    case TORNADIS_ERROR_REPLY:
      prefix = tornadis_error_dup_prefix (error);
      return prefix != NULL && g_strv_contains (passing, prefix);
    case TORNADIS_ERROR_AUTHENTICATION:
    case TORNADIS_ERROR_USAGE:
    case TORNADIS_ERROR_PLUGIN:
      return FALSE;
    case TORNADIS_ERROR_CONNECT:
    case TORNADIS_ERROR_CLOSED:
    case TORNADIS_ERROR_LOST:
    case TORNADIS_ERROR_TIMEOUT:
    case TORNADIS_ERROR_PROTOCOL:
    case TORNADIS_ERROR_BUSY:
    default:
      return TRUE;
    }
}

guint
tornadis_stream_get_delay (guint n_failures)
{
  guint most = n_failures < 8 ? MIN (MIN_DELAY_MSEC << n_failures, MAX_DELAY_MSEC) : MAX_DELAY_MSEC;

  /* Readers that have lost a server together do not come back together. */
  return (guint) g_random_int_range (MIN_DELAY_MSEC / 2, (gint32) most + 1);
}

/* Whatever the client still waits for is not to come to the next. */
static void
link_drop_client (TornadisStreamLink *self)
{
  g_autoptr (TornadisClient) client = g_steal_pointer (&self->client);

  if (client == NULL)
    return;

  tornadis_client_close (client);
  tornadis_client_pool_release_client (self->pool, client);
}

static gboolean
delay_cb (gpointer user_data)
{
  TornadisStreamLink *self = user_data;

  g_clear_pointer (&self->delay, g_source_unref);
  tornadis_stream_link_go_on (self);

  return G_SOURCE_REMOVE;
}

/* A reply that is larger than the client takes, or that does not come in its time, is not better when it is asked for again. */
static void
link_ask_for_less (TornadisStreamLink *self,
                   const GError *error)
{
  if (self->count < 2 || (!g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL) &&
                          !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT)))
    return;

  self->max_count = self->count / 2;
  self->n_failures = 0;
}

/* By little: what is too large is read for nothing, with the connection. */
static void
link_ask_for_more (TornadisStreamLink *self)
{
  if (self->count == self->max_count)
    self->max_count += MAX (self->max_count / 16, 1);
}

static void
link_fail (TornadisStreamLink *self,
           const GError *error)
{
  TornadisStreamLinkVerdict verdict;

  if (self->owner == NULL)
    return;

  link_ask_for_less (self, error);
  if (!g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
    link_drop_client (self);
  verdict = self->funcs->take_error (self->owner, error);
  if (self->owner == NULL || self->busy || self->delay != NULL)
    return;

  if (verdict == TORNADIS_STREAM_LINK_TRY_AGAIN)
    {
      self->delay = g_timeout_source_new (tornadis_stream_get_delay (self->n_failures++));
      g_source_set_callback (self->delay, delay_cb, self, NULL);
      g_source_attach (self->delay, self->context);
    }
  else if (verdict == TORNADIS_STREAM_LINK_GO_ON)
    tornadis_stream_link_go_on (self);
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (TornadisStreamLink) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);

  self->busy = FALSE;
  if (reply == NULL)
    {
      link_fail (self, error);
      return;
    }

  self->n_failures = 0;
  link_ask_for_more (self);
  if (self->owner != NULL)
    self->funcs->take_reply (self->owner, reply);
  if (self->owner != NULL)
    tornadis_stream_link_go_on (self);
}

static void
got_client_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (TornadisStreamLink) self = user_data;
  g_autoptr (GError) error = NULL;

  self->busy = FALSE;
  self->client = tornadis_client_pool_get_connected_client_finish (TORNADIS_CLIENT_POOL (object), result, &error);
  if (self->owner == NULL)
    link_drop_client (self);
  else if (self->client == NULL)
    link_fail (self, error);
  else
    tornadis_stream_link_go_on (self);
}

TornadisStreamLink *
tornadis_stream_link_new (TornadisCaller *caller,
                          const TornadisStreamLinkFuncs *funcs,
                          gpointer owner)
{
  TornadisStreamLink *self = g_new0 (TornadisStreamLink, 1);

  self->ref_count = 1;
  self->owner = owner;
  self->funcs = funcs;
  self->is_own_pool = TORNADIS_IS_CLIENT (caller);
  self->pool = self->is_own_pool ? tornadis_client_pool_new (TORNADIS_CLIENT (caller))
                                 : g_object_ref (TORNADIS_CLIENT_POOL (caller));
  self->cancellable = g_cancellable_new ();
  self->context = g_main_context_ref_thread_default ();
  self->max_count = G_MAXUINT;

  return self;
}

void
tornadis_stream_link_free (TornadisStreamLink *self)
{
  self->owner = NULL;
  if (self->delay != NULL)
    g_source_destroy (self->delay);
  g_clear_pointer (&self->delay, g_source_unref);
  g_cancellable_cancel (self->cancellable);
  link_drop_client (self);
  if (self->is_own_pool)
    tornadis_client_pool_destroy (self->pool);
  link_unref (self);
}

void
tornadis_stream_link_go_on (TornadisStreamLink *self)
{
  TornadisCommand *command;

  if (self->busy || self->delay != NULL)
    return;

  self->count = 0;
  if (self->client == NULL)
    {
      self->busy = TRUE;
      tornadis_client_pool_get_connected_client_async (self->pool, self->cancellable, got_client_cb, link_ref (self));
      return;
    }

  command = self->funcs->next_command (self->owner);
  if (command == NULL)
    return;

  self->busy = TRUE;
  /* Not to be cancelled: what the server has delivered to a call that nobody waits for is not told. */
  tornadis_client_call_async (self->client, command, NULL, called_cb, link_ref (self));
  tornadis_command_unref (command);
}

guint
tornadis_stream_link_get_block_msec (TornadisStreamLink *self)
{
  guint block_msec = BLOCK_MSEC;
  guint call_timeout_msec;
  guint read_timeout_sec;

  g_object_get (self->client, "call-timeout-msec", &call_timeout_msec, "read-timeout", &read_timeout_sec, NULL);
  if (call_timeout_msec > 0)
    block_msec = MIN (block_msec, call_timeout_msec / 2);
  if (read_timeout_sec > 0)
    block_msec = MIN (block_msec, read_timeout_sec * 1000 / 2);

  /* 0 would be for ever. */
  return MAX (block_msec, 1);
}

guint
tornadis_stream_link_get_count (TornadisStreamLink *self,
                                guint n)
{
  self->count = MIN (n, self->max_count);

  return self->count;
}
