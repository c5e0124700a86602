/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connecting of TornadisClient: who waits for it, how plugins see it, and plugins that stand for the connection. */

#include "tornadis-glib/client/tornadis-client-private.h"

#include "tornadis-glib/client/tornadis-plugin.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/* Somebody who waits until the connection is up, on their task. */
typedef struct
{
  TornadisCancelWatch *watch; /* (owned) (nullable) */
  gint64 asked;               /* monotonic time */
} TornadisConnectWaiter;

static void
connect_waiter_free (gpointer data)
{
  TornadisConnectWaiter *waiter = data;

  g_clear_pointer (&waiter->watch, tornadis_cancel_watch_free);
  g_free (waiter);
}

TornadisCommand *
tornadis_client_get_connect_command (void)
{
  static TornadisCommand *command;
  static gsize once;

  if (g_once_init_enter (&once))
    {
      command = tornadis_command_new ("HELLO");
      tornadis_command_seal (command);
      g_once_init_leave (&once, 1);
    }

  return command;
}

TornadisReply *
tornadis_client_make_connect_reply (void)
{
  g_autoptr (GBytes) resp = g_bytes_new_static ("+OK\r\n", 5);

  return tornadis_reply_new_from_resp (resp, NULL);
}

/* Connecting has no slot in the queue, where other calls are observed. */
static void
client_observe_connect (TornadisClient *self,
                        gint64 asked,
                        const GError *error)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  g_autoptr (TornadisReply) reply = error == NULL ? tornadis_client_make_connect_reply () : NULL;

  if (priv->observers != NULL)
    tornadis_client_notify_observers (tornadis_client_get_connect_command (), NULL, reply, error,
                                      tornadis_link_get_time (priv->link) - asked, priv);
}

/* (transfer full): @task, or the first who waits; @asked (out). */
static GTask *
client_take_waiter (GQueue *waiters,
                    GTask *task,
                    gint64 *asked)
{
  if (task == NULL)
    task = g_queue_peek_head (waiters);
  if (task == NULL || g_queue_find (waiters, task) == NULL)
    return NULL;

  *asked = ((TornadisConnectWaiter *) g_task_get_task_data (task))->asked;

  return tornadis_cancel_watch_take_waiter (waiters, task);
}

void
tornadis_client_connect_completed (TornadisClient *self,
                                   const GError *error)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  GQueue waiters = priv->connect_waiters;

  g_queue_init (&priv->connect_waiters);

  while (!g_queue_is_empty (&waiters))
    {
      gint64 asked = 0;
      g_autoptr (GTask) task = client_take_waiter (&waiters, NULL, &asked);

      client_observe_connect (self, asked, error);
      if (error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else
        g_task_return_pointer (task, tornadis_client_make_connect_reply (), (GDestroyNotify) tornadis_reply_unref);
    }
}

static gboolean
connect_cancelled_cb (gpointer user_data)
{
  TornadisClient *self = g_task_get_source_object (user_data);
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  gint64 asked = 0;
  g_autoptr (GTask) task = client_take_waiter (&priv->connect_waiters, user_data, &asked);
  g_autoptr (GError) error = NULL;

  if (task == NULL)
    return G_SOURCE_REMOVE;

  error = tornadis_cancel_watch_dup_error (g_task_get_cancellable (task));
  client_observe_connect (self, asked, error);
  tornadis_cancel_watch_return_cancelled (task);

  /* Nobody else waits for this attempt. */
  if (g_queue_is_empty (&priv->connect_waiters) && tornadis_link_get_state (priv->link) != TORNADIS_CLIENT_STATE_CONNECTED &&
      tornadis_queue_get_length (tornadis_link_get_queue (priv->link)) == 0 && !tornadis_client_is_listening (self))
    tornadis_link_close (priv->link);

  return G_SOURCE_REMOVE;
}

void
tornadis_client_connect_link (TornadisClient *self,
                              GTask *task)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  TornadisConnectWaiter *waiter;

  if (tornadis_cancel_watch_return_error_if_cancelled (task))
    return;

  if (tornadis_link_get_state (priv->link) == TORNADIS_CLIENT_STATE_CONNECTED)
    {
      g_task_return_pointer (task, tornadis_client_make_connect_reply (), (GDestroyNotify) tornadis_reply_unref);
      return;
    }

  waiter = g_new (TornadisConnectWaiter, 1);
  waiter->watch = tornadis_cancel_watch_new_for_task (task, connect_cancelled_cb);
  waiter->asked = tornadis_link_get_time (priv->link);
  g_task_set_task_data (task, waiter, connect_waiter_free);
  g_queue_push_tail (&priv->connect_waiters, g_object_ref (task));
  tornadis_link_connect (priv->link);
}

void
tornadis_client_reconnect (TornadisClient *self,
                           TornadisPlugin *plugin,
                           const GError *error)
{
  const TornadisClientPrivate *priv = tornadis_client_get_private (self);
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GError) lost = NULL;

  if (!tornadis_client_has_plugin (priv, plugin))
    return;

  lost = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, error->message);
  tornadis_link_reconnect (priv->link, lost);
}

/* Plugins that stand for the connection. */

TornadisClientState
tornadis_client_get_state (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);

  return G_UNLIKELY (priv->stand_in != NULL) ? priv->stand_in_state : tornadis_link_get_state (priv->link);
}

gint64
tornadis_client_get_connected_since (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);

  return priv->stand_in != NULL ? priv->stand_in_since : tornadis_link_get_since (priv->link);
}

void
tornadis_client_notify_state (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  TornadisClientState old = priv->notified_state;
  TornadisClientState state = tornadis_client_get_state (self);
  guint protocol_version = tornadis_link_get_protocol_version (priv->link);

  if (state == old)
    return;

  if (!tornadis_client_begin_emission (self))
    {
      priv->notified_state = state;
      priv->notified_protocol_version = protocol_version;
      return;
    }

  g_object_freeze_notify (G_OBJECT (self));
  priv->notified_state = state;
  g_object_notify (G_OBJECT (self), "state");
  if (state == TORNADIS_CLIENT_STATE_CONNECTED || old == TORNADIS_CLIENT_STATE_CONNECTED)
    g_object_notify (G_OBJECT (self), "connected");
  if (protocol_version != priv->notified_protocol_version)
    {
      priv->notified_protocol_version = protocol_version;
      g_object_notify (G_OBJECT (self), "protocol-version");
    }
  g_object_thaw_notify (G_OBJECT (self));
}

/* With a @plugin of %NULL the client's own connection counts again, and @state is ignored. */
static void
client_change_stand_in (TornadisClient *self,
                        TornadisPlugin *plugin,
                        TornadisClientState state,
                        const GError *error)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  gboolean was_connected = tornadis_client_get_state (self) == TORNADIS_CLIENT_STATE_CONNECTED;
  gboolean is_connected;

  priv->stand_in_transaction &= priv->stand_in == plugin;
  priv->stand_in = plugin;
  priv->stand_in_state = state;
  is_connected = tornadis_client_get_state (self) == TORNADIS_CLIENT_STATE_CONNECTED;
  if (was_connected != is_connected)
    priv->stand_in_since = g_get_monotonic_time ();

  tornadis_client_notify_state (self);
  if (was_connected && !is_connected && tornadis_client_begin_emission (self))
    g_signal_emit_by_name (self, "disconnected", error);
}

void
tornadis_client_set_stand_in (TornadisClient *self,
                              TornadisPlugin *plugin,
                              TornadisClientState state,
                              const GError *error)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self);

  /* It may not know yet that the client is disposed. */
  if (!tornadis_client_has_plugin (priv, plugin) || tornadis_link_is_shut_down (priv->link))
    return;

  client_change_stand_in (self, plugin, state, error);
}

void
tornadis_client_close_stand_in (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);

  if (priv->stand_in == NULL)
    return;

  priv->stand_in_transaction = FALSE;
  client_change_stand_in (self, priv->stand_in, TORNADIS_CLIENT_STATE_DISCONNECTED, NULL);
}

void
tornadis_client_set_stand_in_transaction (TornadisClient *self,
                                          TornadisPlugin *plugin,
                                          gboolean in_transaction)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);

  if (priv->stand_in == plugin)
    priv->stand_in_transaction = in_transaction;
}

void
tornadis_client_remove_stand_in (TornadisClient *self,
                                 TornadisPlugin *plugin)
{
  if (tornadis_client_get_private (self)->stand_in == plugin)
    client_change_stand_in (self, NULL, TORNADIS_CLIENT_STATE_DISCONNECTED, NULL);
}
