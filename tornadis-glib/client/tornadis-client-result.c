/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-client-result-private.h"

#include "tornadis-glib/client/tornadis-call-private.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/* How many results are kept for the next calls: to make and to free an object takes longer than all the rest of a call. */
#define MAX_FREE_RESULTS 16

struct _TornadisClientResult
{
  GObject parent_instance;

  TornadisClient *client;       /* (owned) (nullable) NULL while it is free */
  GAsyncReadyCallback callback; /* (nullable) */
  union
  {
    gpointer user_data;
    TornadisClientResult *next; /* (owned) (nullable) while it is free */
  };
  gpointer source_tag;
  gint64 creation_time; /* of the main-context iteration; 0: it was made in none */
  TornadisReply *reply; /* (owned) (nullable) until it is propagated */
  GError *error;        /* (owned) (nullable) likewise */
  gboolean has_outcome; /* that a caller may still take */
  GCancellable *cancellable;     /* (owned) (nullable) */
  TornadisCancelWatch *watch;    /* (owned) (nullable) of it, until there is an outcome */
  TornadisDispatched dispatched; /* by which the call is cancelled until then */
};

static gpointer
tornadis_client_result_get_user_data (GAsyncResult *result)
{
  return TORNADIS_CLIENT_RESULT (result)->user_data;
}

static GObject *
tornadis_client_result_get_source_object (GAsyncResult *result)
{
  return g_object_ref (G_OBJECT (TORNADIS_CLIENT_RESULT (result)->client));
}

static gboolean
tornadis_client_result_is_tagged (GAsyncResult *result,
                                  gpointer source_tag)
{
  return TORNADIS_CLIENT_RESULT (result)->source_tag == source_tag;
}

static void
tornadis_client_result_async_result_init (GAsyncResultIface *iface)
{
  iface->get_user_data = tornadis_client_result_get_user_data;
  iface->get_source_object = tornadis_client_result_get_source_object;
  iface->is_tagged = tornadis_client_result_is_tagged;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TornadisClientResult, tornadis_client_result, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (G_TYPE_ASYNC_RESULT, tornadis_client_result_async_result_init))

static inline void
client_result_clear (TornadisClientResult *self)
{
  g_clear_pointer (&self->reply, tornadis_reply_unref);
  g_clear_error (&self->error);
}

static void
tornadis_client_result_finalize (GObject *object)
{
  TornadisClientResult *self = TORNADIS_CLIENT_RESULT (object);

  client_result_clear (self);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (tornadis_client_result_parent_class)->finalize (object);
}

static void
tornadis_client_result_class_init (TornadisClientResultClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tornadis_client_result_finalize;
}

static void
tornadis_client_result_init (TornadisClientResult *self)
{
}

static inline gboolean
is_thread_default (GMainContext *context)
{
  GMainContext *current = g_main_context_get_thread_default ();

  return current == context || (current == NULL && context == g_main_context_default ());
}

TornadisClientResult *
tornadis_client_result_new (TornadisClient *client,
                            GAsyncReadyCallback callback,
                            gpointer user_data,
                            gpointer source_tag)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (client);
  TornadisClientResult *self = priv->free_results;
  GSource *source = g_main_current_source ();

  if (G_LIKELY (self != NULL))
    {
      priv->free_results = self->next;
      priv->n_free_results--;
    }
  else
    self = g_object_new (TORNADIS_TYPE_CLIENT_RESULT, NULL);

  self->client = g_object_ref (client);
  self->callback = callback;
  self->user_data = user_data;
  self->source_tag = source_tag;
  self->has_outcome = FALSE;
  self->creation_time = source != NULL ? g_source_get_time (source) : 0;

  return self;
}

static gboolean
cancelled_cb (gpointer user_data)
{
  TornadisClientResult *self = user_data;
  g_autoptr (GError) error = tornadis_cancel_watch_dup_error (self->cancellable);

  tornadis_client_cancel (self->client, &self->dispatched, self, error);

  return G_SOURCE_REMOVE;
}

TornadisDispatched *
tornadis_client_result_watch (TornadisClientResult *self,
                              GCancellable *cancellable)
{
  g_autoptr (GError) error = tornadis_cancel_watch_dup_reason (cancellable);

  if (error != NULL)
    {
      tornadis_client_result_return (NULL, error, self);
      return NULL;
    }

  self->cancellable = g_object_ref (cancellable);
  self->watch = tornadis_cancel_watch_new (cancellable, tornadis_client_get_context (self->client), G_PRIORITY_DEFAULT, cancelled_cb,
                                           self);

  return &self->dispatched;
}

/* There is an outcome. Whether it is that the call was cancelled: a reply that was read is the caller's, however late that
 * happens, for what BLPOP has popped is nowhere else. */
static gboolean
client_result_unwatch (TornadisClientResult *self,
                       TornadisReply *reply)
{
  /* It is there until this returns. */
  gboolean answered = self->dispatched.call != NULL && self->dispatched.call->answered;
  g_autoptr (GCancellable) cancellable = g_steal_pointer (&self->cancellable);

  g_clear_pointer (&self->watch, tornadis_cancel_watch_free);
  self->dispatched = (TornadisDispatched){ 0 };
  if (reply == NULL && !answered)
    self->error = tornadis_cancel_watch_dup_reason (cancellable);

  return self->error != NULL;
}

gboolean
tornadis_client_result_suits (TornadisClient *client)
{
  return is_thread_default (tornadis_client_get_context (client));
}

void
tornadis_client_result_free_all (TornadisClientPrivate *priv)
{
  TornadisClientResult *next;

  for (TornadisClientResult *self = priv->free_results; self != NULL; self = next)
    {
      next = self->next;
      g_object_unref (self);
    }
  priv->free_results = NULL;
}

/* Whether this is the only reference, and nobody waits for the end of the object or has attached anything to it. */
static inline gboolean
client_result_is_untouched (TornadisClientResult *self)
{
  GObject *object = G_OBJECT (self);

  return g_atomic_int_get (&object->ref_count) == 1 && g_atomic_pointer_get (&object->qdata) == NULL;
}

/* Drops the reference that the call had. */
static inline void
client_result_release (TornadisClientResult *self)
{
  TornadisClient *client = self->client;
  TornadisClientPrivate *priv = tornadis_client_get_private (client);

  if (priv->n_free_results == MAX_FREE_RESULTS || !client_result_is_untouched (self))
    {
      g_object_unref (self);
      return;
    }

  client_result_clear (self);
  self->client = NULL;
  self->next = priv->free_results;
  priv->free_results = self;
  priv->n_free_results++;
  g_object_unref (client);
}

/* Consumes @self. */
static void
client_result_notify (TornadisClientResult *self)
{
  tornadis_prelude ();
  if (self->callback != NULL)
    self->callback (G_OBJECT (self->client), G_ASYNC_RESULT (self), self->user_data);
  client_result_release (self);
}

static void
client_result_notify_in (TornadisClientResult *self,
                         GMainContext *context)
{
  /* The callback may drop the client. */
  g_main_context_ref (context);
  g_main_context_push_thread_default (context);
  client_result_notify (self);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
}

static gboolean
notify_later_cb (gpointer user_data)
{
  TornadisClientResult *self = user_data;

  client_result_notify_in (self, tornadis_client_get_context (self->client));

  return G_SOURCE_REMOVE;
}

static void
client_result_notify_later (TornadisClientResult *self,
                            GMainContext *context)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_static_name (source, "[tornadis] call completed");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, notify_later_cb, self, NULL);
  g_source_attach (source, context);
}

void
tornadis_client_result_return (TornadisReply *reply,
                               const GError *error,
                               gpointer user_data)
{
  TornadisClientResult *self = user_data;
  GMainContext *context = tornadis_client_get_context (self->client);
  GSource *source = g_main_current_source ();

  if (self->cancellable != NULL && client_result_unwatch (self, reply))
    ;
  else if (reply == NULL)
    self->error = g_error_copy (error);
  else if (G_UNLIKELY (reply->kind == TORNADIS_REPLY_KIND_ERROR))
    self->error = tornadis_reply_dup_error (reply);
  else
    self->reply = tornadis_reply_ref (reply);
  self->has_outcome = TRUE;

  if (source == NULL || g_source_get_context (source) != context || g_source_get_time (source) <= self->creation_time)
    client_result_notify_later (self, context);
  else if (G_LIKELY (is_thread_default (context)))
    client_result_notify (self);
  else
    client_result_notify_in (self, context);
}

TornadisReply *
tornadis_client_result_propagate (TornadisClientResult *self,
                                  GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);
  g_return_val_if_fail (self->has_outcome, NULL);

  self->has_outcome = FALSE;
  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));

  return g_steal_pointer (&self->reply);
}

gboolean
tornadis_client_result_is_of (TornadisClientResult *self,
                              TornadisClient *client)
{
  return self->client == client;
}
