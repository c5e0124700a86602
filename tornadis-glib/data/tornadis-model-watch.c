/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-model-watch-private.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/client/tornadis-plugin.h"
#include "tornadis-glib/client/tornadis-pub-sub-client.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-message.h"
#include "tornadis-glib/values/tornadis-reply.h"

/* How long it waits before it subscribes again, doubled each time. */
#define FIRST_DELAY_MSEC 500
#define MAX_DELAY_MSEC 30000

/* A reference is held by each call that is under way. */
struct _TornadisModelWatch
{
  TornadisClient *client;         /* (owned) */
  TornadisPubSubClient *listener; /* (owned) (nullable) if a plugin refuses it */
  GCancellable *cancellable;      /* (owned) of what is under way */
  GBytes *channel;                /* (owned) */
  char *classes;                  /* (owned) */
  gboolean is_pattern;
  gboolean subscribed;   /* at the server */
  gboolean checked;      /* it could be asked for the setting */
  gboolean enabled;      /* the server tells of all that is needed, as far as is known */
  GMainContext *context; /* (owned) */
  guint delay_msec;
  GSource *timer;              /* (owned) (nullable) until it subscribes again */
  TornadisModelWatchFunc func; /* (nullable) once it is freed */
  GFunc live_func;
  gpointer user_data;
};

static void watch_subscribe (TornadisModelWatch *self);

static void
watch_finalize (gpointer data)
{
  TornadisModelWatch *self = data;

  g_assert (self->timer == NULL);
  g_clear_object (&self->listener);
  g_clear_object (&self->client);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->channel, g_bytes_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self->classes);
}

static void
watch_unref (TornadisModelWatch *self)
{
  g_rc_box_release_full (self, watch_finalize);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisModelWatch, watch_unref)

void
tornadis_model_watch_free (TornadisModelWatch *self)
{
  self->func = NULL;
  self->live_func = NULL;
  g_cancellable_cancel (self->cancellable);
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
  if (self->listener != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->listener, self);
      tornadis_client_close (TORNADIS_CLIENT (self->listener));
    }
  watch_unref (self);
}

/* With the properties and plugins of @client. */
static TornadisPubSubClient *
make_listener (TornadisClient *client)
{
  g_autoptr (TornadisPubSubClient) listener = g_object_new (TORNADIS_TYPE_PUB_SUB_CLIENT, NULL);
  GListModel *plugins = tornadis_client_get_plugins (client);
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;

  pspecs = g_object_class_list_properties (g_type_class_peek (TORNADIS_TYPE_CLIENT), &n_pspecs);
  for (guint i = 0; i < n_pspecs; i++)
    if ((pspecs[i]->flags & G_PARAM_READWRITE) == G_PARAM_READWRITE && (pspecs[i]->flags & G_PARAM_CONSTRUCT_ONLY) == 0)
      {
        g_auto (GValue) value = G_VALUE_INIT;

        g_object_get_property (G_OBJECT (client), pspecs[i]->name, &value);
        g_object_set_property (G_OBJECT (listener), pspecs[i]->name, &value);
      }

  for (guint i = 0; i < g_list_model_get_n_items (plugins); i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (plugins, i);

      if (!tornadis_client_add_plugin (TORNADIS_CLIENT (listener), plugin, NULL))
        return NULL;
    }

  return g_steal_pointer (&listener);
}

gboolean
tornadis_model_watch_is_live (TornadisModelWatch *self)
{
  return self->subscribed && self->enabled;
}

static void
watch_set (TornadisModelWatch *self,
           gboolean subscribed,
           gboolean enabled)
{
  gboolean was_live = tornadis_model_watch_is_live (self);

  self->subscribed = subscribed;
  self->enabled = enabled;
  if (tornadis_model_watch_is_live (self) != was_live && self->live_func != NULL)
    self->live_func (NULL, self->user_data);
}

/* `A` stands for all but `m` and `n`. */
static gboolean
has_classes (const char *setting,
             const char *classes)
{
  if (setting == NULL || strchr (setting, 'K') == NULL)
    return FALSE;
  if (strchr (setting, 'A') != NULL)
    return TRUE;

  for (const char *class = classes; *class != '\0'; class ++)
    if (strchr (setting, *class) == NULL)
      return FALSE;

  return TRUE;
}

static void
setting_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (TornadisModelWatch) self = user_data;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, NULL);
  TornadisReply *setting;

  /* Who may not read the setting takes the first notification for the proof. */
  if (reply == NULL || self->func == NULL)
    return;

  self->checked = TRUE;
  setting = tornadis_reply_lookup (reply, "notify-keyspace-events");
  watch_set (self, self->subscribed, setting != NULL && has_classes (tornadis_reply_get_text (setting), self->classes));
}

static void
watch_check (TornadisModelWatch *self)
{
  g_autoptr (TornadisCommand) command =
    tornadis_command_new_strv ((const char *[]){ "CONFIG", "GET", "notify-keyspace-events", NULL });

  tornadis_client_call_async (self->client, command, self->cancellable, setting_cb, g_rc_box_acquire (self));
}

static void
watch_tell (TornadisModelWatch *self,
            GBytes *key,
            const char *event)
{
  if (self->func != NULL)
    self->func (key, event, self->user_data);
}

static void
message_cb (TornadisPubSubClient *listener,
            TornadisMessage *message,
            gpointer user_data)
{
  g_autoptr (TornadisModelWatch) self = g_rc_box_acquire (user_data);
  GBytes *channel = tornadis_message_get_channel_bytes (message);
  g_autoptr (GBytes) key = NULL;
  const char *data;
  const char *colon;
  gsize length;

  data = g_bytes_get_data (channel, &length);
  colon = length > 0 ? memchr (data, ':', length) : NULL;
  if (colon == NULL || tornadis_message_get_text (message) == NULL)
    return;
  /* What it tells it is allowed to, whatever was known of the setting. */
  if (!self->checked)
    watch_set (self, self->subscribed, TRUE);

  key = g_bytes_new_from_bytes (channel, (gsize) (colon + 1 - data), length - (gsize) (colon + 1 - data));
  watch_tell (self, key, tornadis_message_get_text (message));
}

static void
disconnected_cb (TornadisClient *listener,
                 GError *error,
                 gpointer user_data)
{
  TornadisModelWatch *self = user_data;

  watch_set (self, FALSE, self->enabled);
}

static void
gap_cb (TornadisPubSubClient *listener,
        gpointer user_data)
{
  g_autoptr (TornadisModelWatch) self = g_rc_box_acquire (user_data);

  /* It may be another server, or the same with another setting. */
  watch_check (self);
  watch_set (self, TRUE, self->enabled);
  watch_tell (self, NULL, NULL);
}

static void
removed_cb (TornadisPubSubClient *listener,
            const char *name,
            guint count,
            gpointer user_data)
{
  TornadisModelWatch *self = user_data;

  watch_set (self, FALSE, self->enabled);
}

static gboolean
timer_cb (gpointer user_data)
{
  TornadisModelWatch *self = user_data;

  g_clear_pointer (&self->timer, g_source_unref);
  watch_subscribe (self);

  return G_SOURCE_REMOVE;
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (TornadisModelWatch) self = user_data;
  gboolean subscribed = tornadis_pub_sub_client_subscribe_bytes_finish (TORNADIS_PUB_SUB_CLIENT (object), result, NULL);

  if (self->func == NULL)
    return;

  if (subscribed)
    {
      self->delay_msec = FIRST_DELAY_MSEC;
      watch_set (self, TRUE, self->enabled);
      /* What has changed before it is not told. */
      watch_tell (self, NULL, NULL);
    }
  else
    {
      self->timer = g_timeout_source_new (self->delay_msec);
      self->delay_msec = MIN (2 * self->delay_msec, MAX_DELAY_MSEC);
      g_source_set_callback (self->timer, timer_cb, self, NULL);
      g_source_attach (self->timer, self->context);
    }
}

static void
watch_subscribe (TornadisModelWatch *self)
{
  TornadisSubscriptionKind kind =
    self->is_pattern ? TORNADIS_SUBSCRIPTION_KIND_PATTERN : TORNADIS_SUBSCRIPTION_KIND_CHANNEL;

  watch_check (self);
  tornadis_pub_sub_client_subscribe_bytes_async (self->listener, kind, &self->channel, 1, self->cancellable, subscribed_cb,
                                                 g_rc_box_acquire (self));
}

static GBytes *
make_channel (TornadisClient *client,
              GBytes *key)
{
  g_autoptr (GString) channel = g_string_new (NULL);
  gsize length;
  const char *data = g_bytes_get_data (key, &length);
  int db;

  g_object_get (client, "db", &db, NULL);
  g_string_printf (channel, "__keyspace@%d__:", db);
  g_string_append_len (channel, data, (gssize) length);

  return g_string_free_to_bytes (g_steal_pointer (&channel));
}

TornadisModelWatch *
tornadis_model_watch_new (TornadisClient *client,
                          GBytes *key,
                          gboolean is_pattern,
                          const char *classes,
                          TornadisModelWatchFunc func,
                          GFunc live_func,
                          gpointer user_data)
{
  TornadisModelWatch *self = g_rc_box_new0 (TornadisModelWatch);

  self->client = g_object_ref (client);
  self->cancellable = g_cancellable_new ();
  self->channel = make_channel (client, key);
  self->classes = g_strdup (classes);
  self->is_pattern = is_pattern;
  self->func = func;
  self->live_func = live_func;
  self->user_data = user_data;

  self->context = g_main_context_ref_thread_default ();
  self->delay_msec = FIRST_DELAY_MSEC;
  self->listener = make_listener (client);
  if (self->listener == NULL)
    return self;

  g_signal_connect (self->listener, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->listener, "disconnected", G_CALLBACK (disconnected_cb), self);
  g_signal_connect (self->listener, "gap", G_CALLBACK (gap_cb), self);
  g_signal_connect (self->listener, "subscription-removed", G_CALLBACK (removed_cb), self);
  watch_subscribe (self);

  return self;
}
