/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-model-watch-private.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/client/tornadis-plugin.h"
#include "tornadis-glib/client/tornadis-pub-sub-client.h"
#include "tornadis-glib/data/tornadis-keyspace-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-message.h"

/* How long it waits before it subscribes again, doubled each time. */
#define FIRST_DELAY_MSEC 500
#define MAX_DELAY_MSEC 30000

/* A reference is held by each call that is under way. */
struct _TornadisModelWatch
{
  TornadisClient *client;         /* (owned) */
  TornadisPubSubClient *listener; /* (owned) (nullable) if a plugin refuses it */
  GCancellable *cancellable;      /* (owned) of what is under way */
  int db;
  GBytes *prefix;                 /* (owned) of each key on the server that the model does not know of */
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
  g_clear_pointer (&self->prefix, g_bytes_unref);
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

static void
checked_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (TornadisModelWatch) self = user_data;
  g_autoptr (GError) error = NULL;
  TornadisKeyspaceSetting setting;
  gboolean is_on = tornadis_keyspace_setting_check_finish (&setting, result, &error);

  if (self->func == NULL)
    return;
  /* Who may not read the setting takes the first notification for the proof. */
  if (is_on ? !setting.is_checked : !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE))
    return;

  self->checked = TRUE;
  watch_set (self, self->subscribed, is_on);
}

static void
watch_check (TornadisModelWatch *self)
{
  const TornadisKeyspaceNeeds needs = { .by_key = TRUE, .classes = self->classes };

  g_main_context_push_thread_default (self->context);
  tornadis_keyspace_setting_check_async (self->client, &needs, self->cancellable, checked_cb, g_rc_box_acquire (self));
  g_main_context_pop_thread_default (self->context);
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
  g_auto (TornadisKeyspaceNotification) told = { 0 };
  g_autoptr (GBytes) key = NULL;
  gsize prefix_length = g_bytes_get_size (self->prefix);

  if (!tornadis_keyspace_notification_parse (&told, message, self->db) || g_bytes_get_size (told.key) < prefix_length)
    return;
  /* What it tells it is allowed to, whatever was known of the setting. */
  if (!self->checked)
    watch_set (self, self->subscribed, TRUE);

  key = g_bytes_new_from_bytes (told.key, prefix_length, g_bytes_get_size (told.key) - prefix_length);
  watch_tell (self, key, told.event);
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

/* What the plugins `key-prefix` of @client put before each key, which notifications have: that of the last one comes first. */
static GBytes *
make_prefix (TornadisClient *client)
{
  GListModel *plugins = tornadis_client_get_plugins (client);
  g_autoptr (GString) whole = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (plugins); i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (plugins, i);
      g_autofree char *prefix = NULL;

      if (!g_str_equal (G_OBJECT_TYPE_NAME (plugin), "TornadisKeyPrefixPlugin"))
        continue;
      g_object_get (plugin, "prefix", &prefix, NULL);
      g_string_prepend (whole, prefix != NULL ? prefix : "");
    }

  return g_string_free_to_bytes (g_steal_pointer (&whole));
}

static GBytes *
watch_make_channel (TornadisModelWatch *self,
                    GBytes *key)
{
  g_autofree char *start = tornadis_keyspace_dup_prefix (TORNADIS_KEYSPACE_KEY, self->db);
  g_autoptr (GString) channel = g_string_new (start);
  gsize prefix_length;
  const char *prefix = g_bytes_get_data (self->prefix, &prefix_length);
  gsize length;
  const char *data = g_bytes_get_data (key, &length);

  /* Of a pattern, the prefix is no part. */
  if (self->is_pattern)
    tornadis_keyspace_append_literal (channel, prefix, prefix_length);
  else
    g_string_append_len (channel, prefix, (gssize) prefix_length);
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
  g_object_get (client, "db", &self->db, NULL);
  self->prefix = make_prefix (client);
  self->classes = g_strdup (classes);
  self->is_pattern = is_pattern;
  self->channel = watch_make_channel (self, key);
  self->func = func;
  self->live_func = live_func;
  self->user_data = user_data;

  self->context = g_main_context_ref_thread_default ();
  self->delay_msec = FIRST_DELAY_MSEC;
  self->listener = tornadis_pub_sub_client_new_like (client, NULL);
  if (self->listener == NULL)
    return self;

  g_signal_connect (self->listener, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->listener, "disconnected", G_CALLBACK (disconnected_cb), self);
  g_signal_connect (self->listener, "gap", G_CALLBACK (gap_cb), self);
  g_signal_connect (self->listener, "subscription-removed", G_CALLBACK (removed_cb), self);
  watch_subscribe (self);

  return self;
}
