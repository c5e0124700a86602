/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-live-model-inner-private.h"

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/data/tornadis-item-private.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisLiveModel:
 *
 * A [iface@Gio.ListModel] of what is under a key, which follows every change of it: the base of [class@Tornadis.ListModel],
 * [class@Tornadis.SortedSetModel] and others. Its items are [class@Tornadis.Item].
 *
 * It is empty until the server has answered, which is when [property@Tornadis.LiveModel:ready] becomes %TRUE.
 *
 * # How it learns of changes
 *
 * On a connection of its own that is like that of its client, by what the server gives, which is looked up at each new connection:
 *
 * - By keyspace notifications, where they are enabled (`notify-keyspace-events KA`) and the client may see that (`CONFIG GET`).
 * - Otherwise by tracking (`CLIENT TRACKING` in its broadcasting mode), which servers have from Redis 6 on, needs no configuration, and
 *   comes in RESP3 alone. The server then tells of all keys that begin as that of the model does, in any database; what is no change
 *   of the model costs a look at most. It tells of `FLUSHDB` and `FLUSHALL` as well, of which there is no notification.
 * - A [class@Tornadis.StreamModel] is told of what is added by `XREAD` in any case, of other changes by notifications alone.
 *
 * [property@Tornadis.LiveModel:live] tells whether one of them is in use. Where none is, as with an old server or a user who is
 * refused both, [method@Tornadis.LiveModel.refresh] makes it look. A user needs the channel of the notifications for either
 * (`__keyspace@0__:` and the key): a subscription to it is what keeps the connection.
 *
 * Whatever happens in one turn of the main loop is one change of the model, made after one round trip. After the connection was
 * lost the model is compared with what is there then.
 *
 * With the plugin `cluster` it is told by all masters, and by those that take their places. One of them is asked whether
 * notifications are enabled: then they have to be at all. With the plugin `key-prefix` the keys are those of the prefix that is set
 * when the model is made.
 *
 * # Errors
 *
 * When it can't be read [property@Tornadis.LiveModel:error] says why, the model stays as it is, and it is tried again, later
 * and later up to half a minute.
 *
 * It belongs to the thread-default main context in which it is created, as its client does.
 *
 * Since: 1.0
 */

#define FIRST_DELAY_MSEC 250
#define MAX_DELAY_MSEC 30000

/* A reading that took longer than this is followed by a pause as long as it was, up to the second. */
#define LONG_READING_USEC 5000
#define MAX_PAUSE_USEC 1000000

static void tornadis_live_model_list_model_init (GListModelInterface *iface);

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (TornadisLiveModel, tornadis_live_model, G_TYPE_OBJECT, G_ADD_PRIVATE (TornadisLiveModel) G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, tornadis_live_model_list_model_init))

/* What a call that is under way has of the model. */
typedef struct
{
  GWeakRef model;
} Reader;

TornadisLiveModelPrivate *
tornadis_live_model_get_private (TornadisLiveModel *self)
{
  return tornadis_live_model_get_instance_private (self);
}

static const TornadisLiveModelVirtuals *
get_virtuals (TornadisLiveModel *self)
{
  return TORNADIS_LIVE_MODEL_GET_CLASS (self)->virtuals;
}

static void live_model_schedule (TornadisLiveModel *self);

static void
live_model_set_error (TornadisLiveModel *self,
                      const GError *error)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  if (error == NULL && priv->error == NULL)
    return;

  g_clear_error (&priv->error);
  priv->error = error != NULL ? g_error_copy (error) : NULL;
  g_object_notify (G_OBJECT (self), "error");
}

/* (nullable): the first error of the replies. */
static GError *
find_error (TornadisReply *replies)
{
  for (gsize i = 0; i < tornadis_reply_get_n_elements (replies); i++)
    {
      TornadisReply *reply = tornadis_reply_get_element (replies, i);

      if (tornadis_reply_is_error (reply))
        return tornadis_reply_dup_error (reply);
    }

  return NULL;
}

static void
live_model_fail (TornadisLiveModel *self,
                 const GError *error)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  priv->changed |= priv->reading_changes;
  get_virtuals (self)->abandon (self);
  priv->delay_msec = CLAMP (2 * priv->delay_msec, FIRST_DELAY_MSEC, MAX_DELAY_MSEC);
  live_model_set_error (self, error);
}

static void live_model_continue (TornadisLiveModel *self);

static void
read_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  Reader *reader = user_data;
  g_autoptr (TornadisLiveModel) self = g_weak_ref_get (&reader->model);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) replies = tornadis_client_call_pipeline_finish (TORNADIS_CLIENT (object), result, &error);
  TornadisReading outcome = TORNADIS_READING_DONE;
  TornadisLiveModelPrivate *priv;
  gint64 taken_usec;

  g_weak_ref_clear (&reader->model);
  g_free (reader);
  if (self == NULL || tornadis_live_model_get_private (self)->disposed)
    return;

  priv = tornadis_live_model_get_private (self);
  if (replies != NULL)
    error = find_error (replies);

  if (priv->reading_void)
    {
      get_virtuals (self)->abandon (self);
      priv->changed = TRUE;
    }
  else if (error != NULL)
    {
      live_model_fail (self, error);
    }
  else
    {
      outcome = get_virtuals (self)->apply (self, replies, priv->reading_changes, &error);
      if (priv->disposed)
        return;
      if (error != NULL)
        live_model_fail (self, error);
      else if (outcome == TORNADIS_READING_MORE && !priv->reading_void)
        {
          live_model_continue (self);
          return;
        }
      else
        {
          if (outcome == TORNADIS_READING_MORE)
            get_virtuals (self)->abandon (self);
          priv->changed |= outcome != TORNADIS_READING_DONE;
          priv->delay_msec = 0;
        }
    }

  taken_usec = g_get_monotonic_time () - priv->started_usec;
  if (taken_usec > LONG_READING_USEC)
    priv->pause_usec = g_get_monotonic_time () + MIN (taken_usec, MAX_PAUSE_USEC);
  priv->reading = FALSE;
  live_model_schedule (self);

  if (priv->delay_msec == 0 && !priv->reading_void)
    {
      live_model_set_error (self, NULL);
      if (!priv->ready && !priv->disposed)
        {
          priv->ready = TRUE;
          g_object_notify (G_OBJECT (self), "ready");
        }
    }
}

static void
live_model_continue (TornadisLiveModel *self)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  Reader *reader = g_new0 (Reader, 1);

  tornadis_pipeline_set_atomic (pipeline, TRUE);
  get_virtuals (self)->stack (self, pipeline, priv->reading_changes);
  g_weak_ref_init (&reader->model, self);
  tornadis_client_call_pipeline_async (priv->client, pipeline, priv->cancellable, read_cb, reader);
}

static gboolean
source_cb (gpointer user_data)
{
  TornadisLiveModel *self = user_data;
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  g_clear_pointer (&priv->source, g_source_unref);
  priv->reading = TRUE;
  priv->reading_void = FALSE;
  priv->started_usec = g_get_monotonic_time ();
  priv->reading_changes = priv->changed && priv->started_usec >= priv->pause_usec;
  if (priv->reading_changes)
    priv->changed = FALSE;
  live_model_continue (self);

  return G_SOURCE_REMOVE;
}

static void
live_model_schedule (TornadisLiveModel *self)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);
  gboolean wanted = get_virtuals (self)->has_wanted (self);
  gint64 wait_usec = wanted ? 0 : priv->pause_usec - g_get_monotonic_time ();

  if (priv->disposed || priv->reading || priv->n_edits > 0 || !(priv->changed || wanted))
    return;

  if (priv->source != NULL)
    g_source_destroy (priv->source);
  g_clear_pointer (&priv->source, g_source_unref);

  if (priv->delay_msec > 0)
    priv->source = g_timeout_source_new (priv->delay_msec);
  else if (wait_usec > 0)
    priv->source = g_timeout_source_new ((guint) ((wait_usec + 999) / 1000));
  else
    priv->source = g_idle_source_new ();
  g_source_set_priority (priv->source, G_PRIORITY_DEFAULT);
  g_source_set_callback (priv->source, source_cb, self, NULL);
  g_source_attach (priv->source, priv->context);
}

void
tornadis_live_model_queue_reading (TornadisLiveModel *self,
                                   gboolean changes)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  priv->changed |= changes;
  /* A timer that runs for what is wanted less goes on. */
  if (priv->source == NULL || priv->delay_msec == 0)
    live_model_schedule (self);
}

static void
watch_cb (GBytes *key,
          const char *event,
          gpointer user_data)
{
  TornadisLiveModel *self = user_data;
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  /* The server is there: there is nothing to wait for. */
  if (key == NULL && priv->delay_msec > 0 && !priv->reading)
    {
      priv->delay_msec = 0;
      live_model_schedule (self);
    }
  if (get_virtuals (self)->event (self, key, event))
    tornadis_live_model_queue_reading (self, TRUE);
}

static void
live_cb (gpointer error,
         gpointer user_data)
{
  TornadisLiveModel *self = user_data;
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  if (error != NULL)
    return;

  priv->live = priv->watch != NULL && tornadis_model_watch_is_live (priv->watch);
  g_object_notify (G_OBJECT (self), "live");
}

void
tornadis_live_model_set_data (TornadisLiveModel *self,
                              gpointer data,
                              GDestroyNotify destroy)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  g_assert (priv->data == NULL);
  priv->data = data;
  priv->data_destroy = destroy;
}

gpointer
tornadis_live_model_get_data (TornadisLiveModel *self)
{
  return tornadis_live_model_get_private (self)->data;
}

/* GListModel */

static GType
tornadis_live_model_get_item_type (GListModel *model)
{
  return TORNADIS_TYPE_ITEM;
}

static guint
tornadis_live_model_get_n_items (GListModel *model)
{
  TornadisLiveModel *self = TORNADIS_LIVE_MODEL (model);

  return get_virtuals (self)->get_n_items (self);
}

static gpointer
tornadis_live_model_get_item (GListModel *model,
                              guint position)
{
  TornadisLiveModel *self = TORNADIS_LIVE_MODEL (model);

  if (tornadis_live_model_get_private (self)->disposed)
    return NULL;

  return get_virtuals (self)->get_item (self, position);
}

static void
tornadis_live_model_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = tornadis_live_model_get_item_type;
  iface->get_n_items = tornadis_live_model_get_n_items;
  iface->get_item = tornadis_live_model_get_item;
}

void
tornadis_live_model_items_changed (TornadisLiveModel *self,
                                   guint position,
                                   guint n_removed,
                                   guint n_added)
{
  if (n_removed == 0 && n_added == 0)
    return;

  g_list_model_items_changed (G_LIST_MODEL (self), position, n_removed, n_added);
  if (n_removed != n_added)
    g_object_notify (G_OBJECT (self), "n-items");
}

/**
 * tornadis_live_model_refresh:
 * @self: a model
 *
 * Makes it look for changes, as a notification does. It is needed where [property@Tornadis.LiveModel:live] is %FALSE.
 *
 * Since: 1.0
 */
void
tornadis_live_model_refresh (TornadisLiveModel *self)
{
  g_return_if_fail (TORNADIS_IS_LIVE_MODEL (self));

  if (!tornadis_live_model_get_private (self)->disposed)
    watch_cb (NULL, NULL, self);
}

static void
tornadis_live_model_constructed (GObject *object)
{
  TornadisLiveModel *self = TORNADIS_LIVE_MODEL (object);
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  G_OBJECT_CLASS (tornadis_live_model_parent_class)->constructed (object);

  if (priv->client == NULL)
    priv->client = g_object_new (TORNADIS_TYPE_CLIENT, NULL);
  if (priv->key == NULL)
    priv->key = tornadis_item_copy_bytes ("", 0);
}

void
tornadis_live_model_start (TornadisLiveModel *self)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);
  const TornadisLiveModelVirtuals *virtuals = get_virtuals (self);

  priv->watch = tornadis_model_watch_new (priv->client, priv->key, virtuals->is_pattern, virtuals->classes, !virtuals->needs_events,
                                          watch_cb, live_cb, self);
  tornadis_live_model_queue_reading (self, TRUE);
}

static void
tornadis_live_model_dispose (GObject *object)
{
  TornadisLiveModel *self = TORNADIS_LIVE_MODEL (object);
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  if (!priv->disposed)
    {
      priv->disposed = TRUE;
      g_cancellable_cancel (priv->cancellable);
      g_clear_pointer (&priv->watch, tornadis_model_watch_free);
      if (priv->source != NULL)
        g_source_destroy (priv->source);
      g_clear_pointer (&priv->source, g_source_unref);
      get_virtuals (self)->dispose (self);
    }

  G_OBJECT_CLASS (tornadis_live_model_parent_class)->dispose (object);
}

static void
tornadis_live_model_finalize (GObject *object)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (TORNADIS_LIVE_MODEL (object));

  if (priv->data_destroy != NULL)
    priv->data_destroy (priv->data);
  g_clear_object (&priv->client);
  g_clear_object (&priv->cancellable);
  g_clear_error (&priv->error);
  g_bytes_unref (priv->key);
  g_main_context_unref (priv->context);

  G_OBJECT_CLASS (tornadis_live_model_parent_class)->finalize (object);
}

static void
tornadis_live_model_class_init (TornadisLiveModelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = tornadis_live_model_constructed;
  object_class->dispose = tornadis_live_model_dispose;
  object_class->finalize = tornadis_live_model_finalize;
  tornadis_live_model_install_properties (object_class);
}

static void
tornadis_live_model_init (TornadisLiveModel *self)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  priv->context = g_main_context_ref_thread_default ();
  priv->cancellable = g_cancellable_new ();
}
