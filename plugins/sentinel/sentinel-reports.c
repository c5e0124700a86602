/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What sentinels report of themselves, and when they are asked without a report. */

#include "sentinel/sentinel-monitor-private.h"

#include <string.h>

#define SWITCH_CHANNEL "+switch-master"
#define MAX_PAUSE_MSEC 60000

static void
listener_free (TornadisClient *listener,
               gpointer user_data)
{
  g_signal_handlers_disconnect_by_data (listener, user_data);
  tornadis_client_close (listener);
  g_object_unref (listener);
}

void
sentinel_stop (Sentinel *self)
{
  if (self->listener != NULL)
    listener_free (g_steal_pointer (&self->listener), self);
  self->subscribing = self->subscribed = FALSE;
}

static void
look_cb (const SentinelView *view,
         const GError *error,
         gpointer user_data)
{
}

void
sentinel_monitor_look_into_it (SentinelMonitor *self,
                               GNetworkAddress *sentinel)
{
  if (!self->wanted)
    return;

  if (sentinel != NULL)
    sentinel_monitor_put (self, sentinel, TRUE);
  if (self->round != NULL)
    self->again = TRUE;
  else
    sentinel_monitor_look (self, self->model, look_cb, self);
}

static gboolean
timer_cb (gpointer user_data)
{
  SentinelMonitor *self = user_data;

  g_clear_pointer (&self->timer, g_source_unref);
  self->pause_msec = MIN (2 * self->pause_msec, MAX_PAUSE_MSEC);
  sentinel_monitor_look_into_it (self, NULL);

  return G_SOURCE_REMOVE;
}

void
sentinel_monitor_stop_timer (SentinelMonitor *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

void
sentinel_monitor_start_timer (SentinelMonitor *self)
{
  sentinel_monitor_stop_timer (self);
  if (!self->wanted || self->round != NULL)
    return;

  self->timer = g_timeout_source_new ((guint) g_random_int_range ((gint32) self->pause_msec / 2, (gint32) self->pause_msec + 1));
  g_source_set_static_name (self->timer, "[tornadis] sentinel, asks again");
  g_source_set_callback (self->timer, timer_cb, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
}

/* "name old-address old-port new-address new-port": enough to look, not to believe. */
static void
message_cb (TornadisPubSubClient *listener,
            TornadisMessage *message,
            Sentinel *sentinel)
{
  SentinelMonitor *self = sentinel->monitor;
  const char *text = tornadis_message_get_text (message);
  gsize length = strlen (self->name);

  if (text != NULL && strncmp (text, self->name, length) == 0 && text[length] == ' ')
    sentinel_monitor_look_into_it (self, sentinel->address);
}

static gboolean
monitor_hears_all (SentinelMonitor *self)
{
  for (guint i = 0; i < self->sentinels->len; i++)
    if (!((Sentinel *) g_ptr_array_index (self->sentinels, i))->subscribed)
      return FALSE;

  return TRUE;
}

static void
monitor_heard (SentinelMonitor *self,
               Sentinel *sentinel)
{
  sentinel->subscribing = sentinel->subscribed = TRUE;
  if (!monitor_hears_all (self))
    return;

  self->pause_msec = MAX_PAUSE_MSEC;
  sentinel_monitor_start_timer (self);
}

/* What it reported meanwhile was not heard. */
static void
gap_cb (TornadisPubSubClient *listener,
        Sentinel *sentinel)
{
  monitor_heard (sentinel->monitor, sentinel);
  sentinel_monitor_look_into_it (sentinel->monitor, sentinel->address);
}

/* The client will try to come back to where it was. It may have gone elsewhere, which the others know soon. */
static void
lost_cb (TornadisClient *listener,
         const GError *error,
         Sentinel *sentinel)
{
  if (!sentinel->subscribed)
    return;

  sentinel->subscribed = FALSE;
  sentinel->monitor->pause_msec = SENTINEL_MIN_PAUSE_MSEC;
  sentinel_monitor_start_timer (sentinel->monitor);
}

typedef struct
{
  SentinelMonitor *monitor; /* (unowned) valid unless @cancelled is */
  GCancellable *cancelled;  /* (owned) */
  GNetworkAddress *address; /* (owned) */
} Subscribing;

static void
subscribed_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  Subscribing *subscribing = user_data;
  g_autoptr (GNetworkAddress) address = subscribing->address;
  g_autoptr (GCancellable) cancelled = subscribing->cancelled;
  SentinelMonitor *self = subscribing->monitor;
  gboolean subscribed = tornadis_pub_sub_client_subscribe_finish (TORNADIS_PUB_SUB_CLIENT (object), result, NULL);
  Sentinel *sentinel;

  g_free (subscribing);
  if (g_cancellable_is_cancelled (cancelled))
    return;

  sentinel = sentinel_monitor_find (self, address, NULL);
  if (sentinel == NULL || (GObject *) sentinel->listener != object)
    return;

  /* Otherwise tried again when one of them has answered next. */
  if (subscribed)
    monitor_heard (self, sentinel);
  else
    sentinel->subscribing = FALSE;
}

void
sentinel_monitor_listen (SentinelMonitor *self,
                         Sentinel *sentinel)
{
  Subscribing *subscribing;

  if (sentinel->subscribing)
    return;

  if (sentinel->listener == NULL)
    {
      sentinel->listener = sentinel_monitor_make_client (self, TORNADIS_TYPE_PUB_SUB_CLIENT, sentinel->address);
      g_signal_connect (sentinel->listener, "message", G_CALLBACK (message_cb), sentinel);
      g_signal_connect (sentinel->listener, "gap", G_CALLBACK (gap_cb), sentinel);
      g_signal_connect (sentinel->listener, "disconnected", G_CALLBACK (lost_cb), sentinel);
    }

  sentinel->subscribing = TRUE;
  subscribing = g_new (Subscribing, 1);
  *subscribing = (Subscribing){ self, g_object_ref (self->cancelled), g_object_ref (sentinel->address) };
  tornadis_pub_sub_client_subscribe_async (TORNADIS_PUB_SUB_CLIENT (sentinel->listener),
                                           (const char *[]){ SWITCH_CHANNEL, NULL }, self->cancelled, subscribed_cb, subscribing);
}
