/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The setting of the server is looked at first, and again at each new connection. Where it lacks something, or may not be
 * read, the connection that listens for notifications asks for tracking too: what comes by either way is told. */

#include "tornadis-glib/data/tornadis-model-watch-private.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/client/tornadis-plugin.h"
#include "tornadis-glib/client/tornadis-pub-sub-client.h"
#include "tornadis-glib/data/tornadis-key-pattern-private.h"
#include "tornadis-glib/data/tornadis-keyspace-private.h"
#include "tornadis-glib/data/tornadis-model-tracking-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-message.h"

/* How long it waits before it looks or subscribes again, doubled each time. */
#define FIRST_DELAY_MSEC 500
#define MAX_DELAY_MSEC 30000

/* A reference is held by each call that is under way. */
struct _TornadisModelWatch
{
  TornadisClient *client;          /* (owned) */
  TornadisPubSubClient *listener;  /* (owned) (nullable) before the setting is known, or if a plugin refuses it */
  TornadisModelTracking *tracking; /* (owned) (nullable) of the listener, if it is needed */
  GCancellable *cancellable;       /* (owned) of what is under way */
  int db;
  GBytes *prefix;  /* (owned) of each key on the server that the model does not know of */
  GBytes *start;   /* (owned) the key with that prefix, or what all keys begin with that match the pattern */
  GBytes *channel; /* (owned) */
  char *classes;   /* (owned) */
  gboolean is_pattern;
  gboolean may_track;
  gboolean subscribing;
  gboolean subscribed;   /* at the server */
  gboolean checked;      /* it could be asked for the setting */
  gboolean enabled;      /* it notifies of all that is needed, as far as is known */
  GError *why_off;       /* (owned) (nullable) unless that is so */
  gboolean live;         /* as was told */
  GMainContext *context; /* (owned) */
  guint delay_msec;
  GSource *timer;              /* (owned) (nullable) until it looks again */
  TornadisModelWatchFunc func; /* (nullable) once it is freed */
  GFunc live_func;
  gpointer user_data;
};

static void watch_check (TornadisModelWatch *self);

static void
watch_finalize (gpointer data)
{
  TornadisModelWatch *self = data;

  g_assert (self->timer == NULL);
  g_assert (self->listener == NULL);
  g_assert (self->tracking == NULL);
  g_clear_object (&self->client);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->prefix, g_bytes_unref);
  g_clear_pointer (&self->start, g_bytes_unref);
  g_clear_pointer (&self->channel, g_bytes_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_error (&self->why_off);
  g_free (self->classes);
}

static void
watch_unref (TornadisModelWatch *self)
{
  g_rc_box_release_full (self, watch_finalize);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisModelWatch, watch_unref)

static void
watch_drop_listener (TornadisModelWatch *self)
{
  g_autoptr (TornadisPubSubClient) listener = g_steal_pointer (&self->listener);

  self->subscribing = FALSE;
  self->subscribed = FALSE;
  if (self->tracking != NULL)
    tornadis_model_tracking_stop (self->tracking);
  g_clear_object (&self->tracking);
  if (listener == NULL)
    return;

  g_signal_handlers_disconnect_by_data (listener, self);
  tornadis_client_close (TORNADIS_CLIENT (listener));
}

static void
watch_end_wait (TornadisModelWatch *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

void
tornadis_model_watch_free (TornadisModelWatch *self)
{
  self->func = NULL;
  self->live_func = NULL;
  g_cancellable_cancel (self->cancellable);
  watch_end_wait (self);
  watch_drop_listener (self);
  watch_unref (self);
}

gboolean
tornadis_model_watch_is_live (TornadisModelWatch *self)
{
  return self->live;
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
watch_update (TornadisModelWatch *self)
{
  gboolean is_tracking = self->tracking != NULL && tornadis_model_tracking_is_on (self->tracking);
  gboolean live = self->subscribed && (self->enabled || is_tracking);

  if (live == self->live)
    return;

  self->live = live;
  if (self->live_func != NULL)
    self->live_func (NULL, self->user_data);
  /* What has changed before it is not told. */
  if (live)
    watch_tell (self, NULL, NULL);
}

static void
watch_fail (TornadisModelWatch *self,
            GError *error)
{
  if (self->live_func != NULL)
    self->live_func (error, self->user_data);
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
  /* Who may not read the setting takes the first notification for the proof. */
  if (!self->checked)
    {
      self->enabled = TRUE;
      watch_update (self);
    }

  key = g_bytes_new_from_bytes (told.key, prefix_length, g_bytes_get_size (told.key) - prefix_length);
  watch_tell (self, key, told.event);
}

static gboolean
timer_cb (gpointer user_data)
{
  TornadisModelWatch *self = user_data;

  g_clear_pointer (&self->timer, g_source_unref);
  watch_check (self);

  return G_SOURCE_REMOVE;
}

static void
watch_wait (TornadisModelWatch *self)
{
  if (self->timer != NULL)
    return;

  self->timer = g_timeout_source_new (self->delay_msec);
  self->delay_msec = MIN (2 * self->delay_msec, MAX_DELAY_MSEC);
  g_source_set_static_name (self->timer, "[tornadis] model, listens again");
  g_source_set_callback (self->timer, timer_cb, self, NULL);
  g_source_attach (self->timer, self->context);
}

static void
disconnected_cb (TornadisClient *listener,
                 GError *error,
                 gpointer user_data)
{
  g_autoptr (TornadisModelWatch) self = g_rc_box_acquire (user_data);

  /* What was subscribed to on this connection is restored, which is a gap. What a plugin has on others is not lost: then
   * subscribing again says so. */
  self->subscribed = FALSE;
  watch_wait (self);
  watch_update (self);
}

static void
gap_cb (TornadisPubSubClient *listener,
        gpointer user_data)
{
  g_autoptr (TornadisModelWatch) self = g_rc_box_acquire (user_data);

  /* It may be another server, or the same with another setting. */
  watch_end_wait (self);
  watch_check (self);
  self->delay_msec = FIRST_DELAY_MSEC;
  /* Not if the server has refused it. */
  g_object_get (listener, "subscribed", &self->subscribed, NULL);
  watch_update (self);
  watch_tell (self, NULL, NULL);
}

static void
tracked_cb (GBytes *key,
            gpointer user_data)
{
  g_autoptr (TornadisModelWatch) self = g_rc_box_acquire (user_data);
  g_autoptr (GBytes) rest = NULL;
  gsize prefix_length = g_bytes_get_size (self->prefix);
  gsize length;

  if (key == NULL)
    {
      watch_tell (self, NULL, NULL);
      return;
    }

  /* All keys that begin as this one come; those that match a pattern are the model's to find. */
  length = g_bytes_get_size (key);
  if (length < prefix_length || (!self->is_pattern && !g_bytes_equal (key, self->start)))
    return;

  rest = g_bytes_new_from_bytes (key, prefix_length, length - prefix_length);
  watch_tell (self, rest, NULL);
}

/* It is subscribed to what the server does not tell. */
static void
watch_check_off (TornadisModelWatch *self)
{
  if (!self->subscribed || self->live || self->why_off == NULL)
    return;

  watch_wait (self);
  watch_fail (self, self->why_off);
}

static void
removed_cb (TornadisPubSubClient *listener,
            const char *name,
            guint count,
            gpointer user_data)
{
  g_autoptr (TornadisModelWatch) self = g_rc_box_acquire (user_data);
  g_autoptr (GError) error =
    g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The server does not let %s be subscribed to any more", name);

  self->subscribed = FALSE;
  watch_wait (self);
  watch_update (self);
  watch_fail (self, error);
}

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (TornadisModelWatch) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean subscribed = tornadis_pub_sub_client_subscribe_bytes_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);

  if (TORNADIS_PUB_SUB_CLIENT (object) != self->listener)
    return;

  self->subscribing = FALSE;
  if (subscribed)
    {
      self->delay_msec = FIRST_DELAY_MSEC;
      self->subscribed = TRUE;
      watch_update (self);
      watch_check_off (self);
      watch_tell (self, NULL, NULL);
    }
  else
    {
      watch_wait (self);
      watch_fail (self, error);
    }
}

static void
watch_subscribe (TornadisModelWatch *self)
{
  TornadisSubscriptionKind kind =
    self->is_pattern ? TORNADIS_SUBSCRIPTION_KIND_PATTERN : TORNADIS_SUBSCRIPTION_KIND_CHANNEL;

  self->subscribing = TRUE;
  tornadis_pub_sub_client_subscribe_bytes_async (self->listener, kind, &self->channel, 1, self->cancellable, subscribed_cb,
                                                 g_rc_box_acquire (self));
}

static void
watch_listen (TornadisModelWatch *self,
              gboolean track)
{
  g_autoptr (GError) error = NULL;

  watch_drop_listener (self);
  watch_update (self);
  if (self->func == NULL)
    return;

  g_main_context_push_thread_default (self->context);
  self->listener = tornadis_pub_sub_client_new_like (self->client, &error);
  g_main_context_pop_thread_default (self->context);
  if (self->listener == NULL)
    {
      watch_fail (self, error);
      return;
    }

  if (track)
    {
      self->tracking = tornadis_model_tracking_new (self->start, tracked_cb, self);
      tornadis_client_add_plugin (TORNADIS_CLIENT (self->listener), TORNADIS_PLUGIN (self->tracking), NULL);
    }
  g_signal_connect (self->listener, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->listener, "disconnected", G_CALLBACK (disconnected_cb), self);
  g_signal_connect (self->listener, "gap", G_CALLBACK (gap_cb), self);
  g_signal_connect (self->listener, "subscription-removed", G_CALLBACK (removed_cb), self);
  watch_subscribe (self);
}

/* Servers have no form for it in RESP2. */
static gboolean
watch_may_track (TornadisModelWatch *self)
{
  TornadisProtocol protocol;

  g_object_get (self->client, "protocol", &protocol, NULL);

  return self->may_track && protocol != TORNADIS_PROTOCOL_RESP2;
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
  gboolean is_answered = is_on || g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  gboolean track, is_other;

  if (self->func == NULL)
    return;
  if (!is_answered)
    watch_wait (self);
  if (!is_answered && self->listener != NULL)
    return;

  self->checked = is_answered && (!is_on || setting.is_checked);
  if (self->checked)
    self->enabled = is_on;
  g_clear_error (&self->why_off);
  if (is_answered)
    self->why_off = g_steal_pointer (&error);
  track = watch_may_track (self) && !(self->checked && is_on);
  is_other = track != (self->tracking != NULL);
  /* One that tracks too does no harm, and goes on. */
  if (self->listener == NULL || (is_other && (track || !self->subscribed)))
    watch_listen (self, track);
  else if (!self->subscribed && !self->subscribing)
    watch_subscribe (self);
  watch_update (self);
  watch_check_off (self);
}

static void
watch_check (TornadisModelWatch *self)
{
  const TornadisKeyspaceNeeds needs = { .by_key = TRUE, .classes = self->classes };

  g_main_context_push_thread_default (self->context);
  tornadis_keyspace_setting_check_async (self->client, &needs, self->cancellable, checked_cb, g_rc_box_acquire (self));
  g_main_context_pop_thread_default (self->context);
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

/* (transfer full): @key, or the beginning of one, as the server has it. */
static GBytes *
watch_add_prefix (TornadisModelWatch *self,
                  GBytes *key)
{
  GByteArray *whole = g_byte_array_new ();

  g_byte_array_append (whole, g_bytes_get_data (self->prefix, NULL), (guint) g_bytes_get_size (self->prefix));
  g_byte_array_append (whole, g_bytes_get_data (key, NULL), (guint) g_bytes_get_size (key));

  return g_byte_array_free_to_bytes (whole);
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
                          gboolean may_track,
                          TornadisModelWatchFunc func,
                          GFunc live_func,
                          gpointer user_data)
{
  TornadisModelWatch *self = g_rc_box_new0 (TornadisModelWatch);
  g_autoptr (GBytes) start = is_pattern ? tornadis_key_pattern_dup_prefix (key) : g_bytes_ref (key);

  self->client = g_object_ref (client);
  self->cancellable = g_cancellable_new ();
  g_object_get (client, "db", &self->db, NULL);
  self->prefix = make_prefix (client);
  self->classes = g_strdup (classes);
  self->is_pattern = is_pattern;
  self->may_track = may_track;
  self->start = watch_add_prefix (self, start);
  self->channel = watch_make_channel (self, key);
  self->func = func;
  self->live_func = live_func;
  self->user_data = user_data;

  self->context = g_main_context_ref_thread_default ();
  self->delay_msec = FIRST_DELAY_MSEC;
  watch_check (self);

  return self;
}
