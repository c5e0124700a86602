/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-link-private.h"

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/wire/tornadis-network.h"

/* The states of a link, TornadisClientState, and all the ways between them.
 *
 *                                link_ensure()
 *   DISCONNECTED ---------------------------------------------> CONNECTING, has a connector
 *     ^   |                                                       |      |
 *     |   | link_ensure() before @not_before                      |      | connector_cb()
 *     |   v                                                       |      v
 *     |  WAITING, has a source -- its time, or the network -------+    CONNECTED, has a connection
 *     |     |                                                     |      |
 *     +-----+------------------ link_tear_down() -----------------+------+
 *
 *   asked for    By a call that is queued, by tornadis_link_connect(), or after a tear-down by what still waits: queued
 *                calls, or an owner that listens.
 *   torn down    Because the attempt FAILED, the connection was LOST, or the program CLOSED it. Whatever the reason,
 *                the order is: nothing is read or written any more; DISCONNECTED; the queue's calls complete; the owner
 *                is notified; another connection is asked for, if one is wanted. What runs then may do all this again.
 *                While there are calls to complete, which may take several turns, it has an @ending.
 *   retired      CONNECTED still, but only until what is written has been answered: then it is LOST.
 *   shut down    CLOSED for good.
 *
 * All functions run in the owner's context, the network monitor's signal excepted. */

/* How long calls complete in the turn in which their connection is lost; the others follow in turns of their own. */
#define ENDING_USEC G_TIME_SPAN_MILLISECOND

static void link_ensure (TornadisLink *self);
static void link_ensure_later (TornadisLink *self);

static void
link_unref (TornadisLink *self)
{
  if (!g_ref_count_dec (&self->ref_count))
    return;

  g_assert (self->freed && self->shut_down);
  g_assert (self->state == TORNADIS_CLIENT_STATE_DISCONNECTED);
  g_assert (self->connection == NULL && self->connector == NULL && self->wait_source == NULL && self->ending.serial == 0);

  tornadis_queue_free (self->queue);
  tornadis_session_clear (&self->session);
  tornadis_poller_unref (self->poller);
  g_clear_error (&self->last_error);
  g_main_context_unref (self->context);
  g_free (self);
}

gboolean
tornadis_link_enter (TornadisLink *self)
{
  g_ref_count_inc (&self->ref_count);
  if (self->freed)
    return FALSE;

  self->funcs.hold (self->user_data);
  return TRUE;
}

void
tornadis_link_leave (TornadisLink *self,
                     gboolean held)
{
  if (held)
    self->funcs.release (self->user_data);
  link_unref (self);
}

static void
link_notify_state (TornadisLink *self)
{
  if (!self->freed)
    self->funcs.state_changed (self->user_data);
}

static void
link_set_state (TornadisLink *self,
                TornadisClientState state)
{
  self->state = state;
  link_notify_state (self);
}

gboolean
tornadis_link_is_listening (TornadisLink *self)
{
  return !self->freed && self->funcs.is_listening (self->user_data);
}

static void
link_stop_waiting (TornadisLink *self)
{
  if (self->wait_source == NULL)
    return;

  if (self->network_changed_id != 0)
    g_signal_handler_disconnect (tornadis_network_get_monitor (), self->network_changed_id);
  self->network_changed_id = 0;
  g_source_destroy (self->wait_source);
  g_clear_pointer (&self->wait_source, g_source_unref);
}

/* Whether the connection was of any use. A server that accepts and closes at once must not be connected to again at
 * once. */
static gboolean
link_was_useful (TornadisLink *self,
                 gint64 now)
{
  return !self->unusable && (tornadis_connection_get_last_read (self->connection) > self->since ||
                             now - self->since > TORNADIS_BACKOFF_CAP_MSEC * G_TIME_SPAN_MILLISECOND);
}

/* When the next attempt may be made. */
static void
link_space_attempts (TornadisLink *self,
                     LinkEnd end,
                     const GError *error,
                     gint64 now)
{
  g_clear_error (&self->last_error);

  if (end == LINK_CLOSED)
    {
      tornadis_backoff_reset (&self->backoff);
      self->not_before = 0;
      return;
    }

  self->last_error = g_error_copy (error);
  if (end == LINK_LOST && (self->moves || link_was_useful (self, now)))
    tornadis_backoff_reset (&self->backoff);
  else
    self->not_before = now + tornadis_backoff_next (&self->backoff) * G_TIME_SPAN_MILLISECOND;
}

/* Whether another connection is wanted after @ending. */
static gboolean
link_is_wanted (TornadisLink *self,
                const LinkEnding *ending)
{
  return tornadis_queue_get_length (self->queue) > 0 || ending->is_asked_for ||
         (ending->may_reconnect && self->settings.autoconnect && tornadis_link_is_listening (self));
}

/* All calls of the last connection have completed. */
static void
link_end_tear_down (TornadisLink *self)
{
  LinkEnding ending = self->ending;
  g_autoptr (GError) error = ending.error;
  guint n_closed = self->n_closed;

  self->ending = (LinkEnding){ 0 };
  tornadis_poller_item_unqueue (&self->ending_item);
  link_notify_state (self);
  if (ending.was_connected && !self->freed)
    self->funcs.disconnected (ending.end == LINK_LOST ? error : NULL, self->user_data);
  /* A handler that closes it takes back what was asked for before. */
  if (n_closed != self->n_closed)
    ending.is_asked_for = ending.may_reconnect = FALSE;
  if (self->freed || !link_is_wanted (self, &ending))
    return;
  if (self->closing)
    link_ensure_later (self);
  else
    link_ensure (self);
}

/* Completes calls of the last connection until about @until, monotonic time. What is called back may do the rest itself,
 * and begin with the calls of another connection. */
static void
link_complete_calls (TornadisLink *self,
                     gint64 until)
{
  guint serial = self->ending.serial;

  /* For the next turn, or for a main loop that runs in a callback. */
  tornadis_poller_item_queue (&self->ending_item);
  if (!tornadis_queue_sort_out (self->queue, until))
    return;

  if (self->ending.notifies_waiters)
    {
      g_autoptr (GError) error = g_error_copy (self->ending.error);

      self->ending.notifies_waiters = FALSE;
      if (!self->freed)
        self->funcs.connect_completed (error, self->user_data);
    }
  if (self->ending.serial == serial && tornadis_queue_end_lost (self->queue, until) && self->ending.serial == serial)
    link_end_tear_down (self);
}

static void
ending_cb (TornadisPollerItem *item,
           GIOCondition condition,
           gint64 now,
           gint64 deadline)
{
  TornadisLink *self = TORNADIS_LINK_OF (item, ending_item);
  gboolean held = tornadis_link_enter (self);

  link_complete_calls (self, deadline);

  tornadis_link_leave (self, held);
}

/* The program closes the link while there is an ending: all ends now, with what was queued since behind it. Any of the calls
 * may close it again, which must not need more of the stack for each. */
static void
link_close_ending (TornadisLink *self,
                   const GError *error)
{
  g_autoptr (GError) reason = g_error_copy (self->ending.notifies_waiters ? self->ending.error : error);

  tornadis_queue_lose_rest (self->queue);
  tornadis_session_forget_all (&self->session);
  tornadis_poller_item_unqueue (&self->ensure_item);
  link_space_attempts (self, LINK_CLOSED, error, 0);
  self->ending.is_asked_for = self->ending.may_reconnect = self->ending.notifies_waiters = FALSE;
  if (!self->freed)
    self->funcs.connect_completed (reason, self->user_data);

  if (self->closing)
    return;
  self->closing = TRUE;
  /* A main loop that runs in a callback may lose another connection meanwhile. */
  while (self->ending.serial != 0)
    link_complete_calls (self, G_MAXINT64);
  self->closing = FALSE;
}

/* The only way down. Calls complete before the owner is notified, in the state that their callbacks should find; one of
 * them may ask for a new connection at once, close this link or drop its owner. Those of a connection that the program
 * closes complete within this; when there are very many of another, in several turns of the main loop. */
static void
link_tear_down (TornadisLink *self,
                LinkEnd end,
                const GError *error)
{
  gboolean was_connected = self->connection != NULL;
  gboolean was_closing = self->closing;
  gboolean held = tornadis_link_enter (self);
  gint64 now = g_get_monotonic_time ();

  self->n_closed += end == LINK_CLOSED;
  if (self->ending.serial != 0)
    {
      link_close_ending (self, error);
      tornadis_link_leave (self, held);
      return;
    }

  tornadis_poller_item_unqueue (&self->ensure_item);
  link_stop_waiting (self);
  g_clear_pointer (&self->connector, tornadis_connector_cancel);
  link_space_attempts (self, end, error, now);
  if (was_connected)
    {
      tornadis_connection_close (self->connection);
      g_clear_pointer (&self->connection, tornadis_connection_unref);
      self->since = now;
    }
  self->unusable = self->moves = FALSE;
  tornadis_link_forget_login (self);
  self->state = TORNADIS_CLIENT_STATE_DISCONNECTED;

  if (end == LINK_FAILED)
    tornadis_queue_fail (self->queue, error);
  else
    tornadis_queue_lose (self->queue, end == LINK_LOST && self->settings.autoconnect, error);
  if (end == LINK_CLOSED)
    {
      tornadis_queue_sort_out (self->queue, G_MAXINT64);
      tornadis_session_forget_all (&self->session);
    }

  self->ending = (LinkEnding){ .serial = ++self->n_endings,
                               .end = end,
                               .error = g_error_copy (error),
                               .was_connected = was_connected,
                               .notifies_waiters = end != LINK_LOST,
                               .may_reconnect = end != LINK_CLOSED };
  self->closing |= end == LINK_CLOSED;
  link_complete_calls (self, end == LINK_CLOSED ? G_MAXINT64 : now + ENDING_USEC);
  self->closing = was_closing;

  tornadis_link_leave (self, held);
}

void
tornadis_link_lost (TornadisLink *self,
                    const GError *error)
{
  link_tear_down (self, LINK_LOST, error);
}

static void
connection_closed_cb (const GError *error,
                      gpointer user_data)
{
  tornadis_link_lost (user_data, error);
}

static gboolean
connection_hold_cb (gpointer user_data)
{
  return tornadis_link_enter (user_data);
}

static void
connection_release_cb (gboolean held,
                       gpointer user_data)
{
  tornadis_link_leave (user_data, held);
}

static gboolean
connection_push_cb (TornadisReply *reply,
                    gpointer user_data)
{
  TornadisLink *self = user_data;

  return self->funcs.push (reply, self->user_data);
}

static void
link_retire (TornadisLink *self)
{
  g_autoptr (GError) error = NULL;

  if (self->connection == NULL)
    return;

  error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "The server takes no writes (READONLY)");
  self->unusable = TRUE;
  tornadis_connection_retire (self->connection, error);
}

static void
link_give_up (TornadisLink *self)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                                                  "A command that waits for data was cancelled or timed out");

  tornadis_link_lost (self, error);
}

static void
queue_session_cb (TornadisSessionChange changes,
                  gpointer user_data)
{
  TornadisLink *self = user_data;

  if ((changes & TORNADIS_SESSION_BLOCKS_IN_VAIN) != 0)
    {
      /* It may be lost already, and its calls about to complete. */
      if (self->connection != NULL)
        link_give_up (self);
      return;
    }
  if ((changes & TORNADIS_SESSION_WRONG_SERVER) != 0)
    link_retire (self);
  if ((changes & TORNADIS_SESSION_MONITORS) != 0 && self->connection != NULL)
    tornadis_connection_set_push_lines (self->connection);
  changes &= ~(TORNADIS_SESSION_WRONG_SERVER | TORNADIS_SESSION_MONITORS);
  if (changes != TORNADIS_SESSION_UNCHANGED && !self->freed)
    self->funcs.session_changed (changes, self->user_data);
}

static void
connector_cb (TornadisConnection *connection,
              guint protocol_version,
              gint64 server_id,
              const GError *error,
              gpointer user_data)
{
  static const TornadisConnectionFuncs funcs = { connection_push_cb, connection_closed_cb, connection_hold_cb,
                                                 connection_release_cb, tornadis_link_drained_cb };
  TornadisLink *self = user_data;
  gboolean held;

  self->connector = NULL;

  if (connection == NULL)
    {
      link_tear_down (self, LINK_FAILED, error);
      return;
    }

  held = tornadis_link_enter (self);
  self->connection = connection;
  self->protocol_version = protocol_version;
  self->server_id = server_id;
  self->since = g_get_monotonic_time ();
  self->last_ping = 0;
  tornadis_connection_attach (connection, self->queue, &funcs, self);
  tornadis_link_apply_settings (self);

  self->funcs.ready (self->queue, self->user_data);
  tornadis_link_begin_verifying (self);
  tornadis_connection_kick (connection);
  link_set_state (self, TORNADIS_CLIENT_STATE_CONNECTED);
  /* A handler may have closed it, and with that completed what waited for it. */
  if (!self->freed && self->connection == connection)
    self->funcs.connect_completed (NULL, self->user_data);

  tornadis_link_leave (self, held);
}

static void
link_start_attempt (TornadisLink *self)
{
  TornadisConnectorOptions options = { 0 };
  guint n_closed = self->n_closed;
  gboolean held = tornadis_link_enter (self);

  link_stop_waiting (self);
  /* Before the plugins are asked: one of them may make a call, or close the client. */
  self->state = TORNADIS_CLIENT_STATE_CONNECTING;
  self->funcs.get_options (&options, self->user_data);

  if (n_closed == self->n_closed)
    {
      tornadis_session_begin (&self->session, options.db, options.username, options.password, options.client_name);
      /* What commands have set on earlier connections is set again, where the server takes it. */
      options.settings = tornadis_session_dup_settings (&self->session);
      self->login_timeout_sec = options.timeout_sec;
      self->connector = tornadis_connector_start (&options, self->context, connector_cb, self);
      link_notify_state (self);
    }
  else
    tornadis_connector_options_clear (&options);

  tornadis_link_leave (self, held);
}

static gboolean
wait_cb (gpointer user_data)
{
  link_start_attempt (user_data);
  return G_SOURCE_REMOVE;
}

/* When the network is back there is no point in waiting any longer. Called in the context of the monitor, and so must not
 * touch the link. */
static void
network_changed_cb (GNetworkMonitor *monitor,
                    gboolean available,
                    GSource *wait_source)
{
  if (available)
    g_source_set_ready_time (wait_source, 0);
}

static void
release_source (gpointer source,
                GClosure *closure)
{
  g_source_unref (source);
}

/* Makes sure that a link is made, now or when @not_before has come. */
static void
link_ensure (TornadisLink *self)
{
  GNetworkMonitor *monitor;
  gint64 delay;

  if (self->state != TORNADIS_CLIENT_STATE_DISCONNECTED || self->shut_down)
    return;

  if (self->ending.serial != 0)
    {
      self->ending.is_asked_for |= !self->ending.notifies_waiters;
      return;
    }

  delay = (self->not_before - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND;
  if (self->last_error == NULL || delay <= 0)
    {
      link_start_attempt (self);
      return;
    }

  self->wait_source = g_timeout_source_new ((guint) delay);
  g_source_set_static_name (self->wait_source, "[tornadis] reconnect");
  g_source_set_callback (self->wait_source, wait_cb, self, NULL);
  g_source_attach (self->wait_source, self->context);
  monitor = tornadis_network_get_monitor ();
  if (monitor != NULL)
    self->network_changed_id = g_signal_connect_data (monitor, "network-changed", G_CALLBACK (network_changed_cb),
                                                      g_source_ref (self->wait_source), release_source, 0);

  link_set_state (self, TORNADIS_CLIENT_STATE_WAITING);
  if (!self->freed && self->state == TORNADIS_CLIENT_STATE_WAITING)
    self->funcs.reconnect_scheduled (self->backoff.attempt, (guint) delay, self->last_error, self->user_data);
}

static void
ensure_cb (TornadisPollerItem *item,
           GIOCondition condition,
           gint64 now,
           gint64 deadline)
{
  TornadisLink *self = TORNADIS_LINK_OF (item, ensure_item);
  gboolean held = tornadis_link_enter (self);

  link_ensure (self);

  tornadis_link_leave (self, held);
}

TornadisLink *
tornadis_link_new (GMainContext *context,
                   const TornadisLinkFuncs *funcs,
                   gpointer user_data)
{
  TornadisLink *self = g_new0 (TornadisLink, 1);

  g_ref_count_init (&self->ref_count);
  self->context = g_main_context_ref (context);
  self->funcs = *funcs;
  self->user_data = user_data;
  self->queue = tornadis_queue_new ();
  tornadis_queue_set_session (self->queue, &self->session, queue_session_cb, self);

  self->poller = tornadis_poller_get (context);
  tornadis_poller_timer_init (&self->timer, self->poller, tornadis_link_timer_cb);
  tornadis_poller_item_init (&self->ensure_item, self->poller, -1, ensure_cb);
  tornadis_poller_item_init (&self->ending_item, self->poller, -1, ending_cb);

  return self;
}

void
tornadis_link_shut_down (TornadisLink *self)
{
  self->shut_down = TRUE;
  tornadis_link_close (self);
}

gboolean
tornadis_link_is_shut_down (TornadisLink *self)
{
  return self->shut_down;
}

void
tornadis_link_free (TornadisLink *self)
{
  self->freed = TRUE;
  tornadis_link_shut_down (self);

  tornadis_poller_timer_clear (&self->timer);
  tornadis_poller_item_clear (&self->ensure_item);
  tornadis_poller_item_clear (&self->ending_item);
  link_unref (self);
}

TornadisLinkSettings *
tornadis_link_get_settings (TornadisLink *self)
{
  return &self->settings;
}

void
tornadis_link_apply_settings (TornadisLink *self)
{
  const TornadisLinkSettings *settings = &self->settings;

  if (self->connection == NULL)
    return;

  tornadis_connection_set_write_mode (self->connection, settings->write_page_size, settings->aggressive_write);
  tornadis_connection_set_busy_poll (self->connection, settings->busy_poll);
  tornadis_connection_set_max_reply_size (self->connection, settings->max_reply_size);
  tornadis_connection_set_push_arrays (self->connection, settings->push_arrays && self->protocol_version < 3);

  if (settings->read_timeout_msec > 0)
    tornadis_link_arm (self, g_get_monotonic_time () + settings->read_timeout_msec * G_TIME_SPAN_MILLISECOND);
  /* When the timer fires it finds out whether anybody waits. */
  if (settings->ping_interval_msec > 0)
    tornadis_link_arm (self, g_get_monotonic_time () + settings->ping_interval_msec * G_TIME_SPAN_MILLISECOND);
}

TornadisClientState
tornadis_link_get_state (TornadisLink *self)
{
  return self->state;
}

guint
tornadis_link_get_protocol_version (TornadisLink *self)
{
  return self->connection != NULL ? self->protocol_version : 0;
}

gint64
tornadis_link_get_server_id (TornadisLink *self)
{
  return self->connection != NULL ? self->server_id : 0;
}

gint64
tornadis_link_get_time (TornadisLink *self)
{
  return self->connection != NULL ? tornadis_connection_get_time (self->connection) : g_get_monotonic_time ();
}

gint64
tornadis_link_get_since (TornadisLink *self)
{
  return self->since;
}

TornadisQueue *
tornadis_link_get_queue (TornadisLink *self)
{
  return self->queue;
}

TornadisSession *
tornadis_link_get_session (TornadisLink *self)
{
  return &self->session;
}

gboolean
tornadis_link_is_in_transaction (TornadisLink *self)
{
  return tornadis_session_has_lost (&self->session) ||
         tornadis_transaction_is_open (tornadis_queue_get_expected (self->queue));
}

gboolean
tornadis_link_is_pristine (TornadisLink *self)
{
  /* One that is retired is as good as closed. What is settled is counted anew, where some was taken back. */
  return !self->unusable && self->ending.serial == 0 && tornadis_link_is_idle (self) && tornadis_session_is_pristine (&self->session);
}

void
tornadis_link_connect (TornadisLink *self)
{
  if (self->shut_down)
    {
      g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED,
                                                      "The connection was not made: the client is disposed");

      self->funcs.connect_completed (error, self->user_data);
      return;
    }

  link_ensure (self);
}

void
tornadis_link_close (TornadisLink *self)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The client was closed");

  link_tear_down (self, LINK_CLOSED, error);
}

void
tornadis_link_try_again (TornadisLink *self,
                         const GError *error)
{
  if (self->connection == NULL)
    return;

  self->unusable = TRUE;
  tornadis_link_lost (self, error);
}

void
tornadis_link_reconnect (TornadisLink *self,
                         const GError *error)
{
  gboolean held = tornadis_link_enter (self);

  tornadis_backoff_reset (&self->backoff);
  self->not_before = 0;

  if (self->connection != NULL)
    {
      self->moves = TRUE;
      tornadis_link_lost (self, error);
    }
  else if (self->connector != NULL)
    {
      g_clear_pointer (&self->connector, tornadis_connector_cancel);
      link_start_attempt (self);
    }
  else if (self->wait_source != NULL)
    link_start_attempt (self);

  tornadis_link_leave (self, held);
}

void
tornadis_link_set_paused (TornadisLink *self,
                          gboolean paused)
{
  if (self->connection != NULL)
    tornadis_connection_set_paused (self->connection, paused);
}

/* Why a call may not be queued: @command, or a pipeline when that is %NULL. */
static void
link_refuse (TornadisLink *self,
             TornadisCommand *command,
             gboolean off,
             GError **error)
{
  const char *name = command != NULL ? tornadis_command_get_name (command) : "The pipeline";

  if (self->shut_down)
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "%s was not sent: the client is disposed", name);
  else if (off)
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED,
                 "%s was not sent: the client is not connected and autoconnect is off", name);
  else
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "%s was not sent: too much is waiting already", name);
}

/* The cases that are rare. */
static G_NO_INLINE gboolean
link_admit_slowly (TornadisLink *self,
                   TornadisCommand *command,
                   GPtrArray *commands,
                   gboolean atomic,
                   TornadisNotifies notifies,
                   gboolean has_room,
                   GError **error)
{
  gboolean off = !self->settings.autoconnect && self->state == TORNADIS_CLIENT_STATE_DISCONNECTED;

  if (self->shut_down || off || !has_room)
    {
      link_refuse (self, command, off, error);
      return FALSE;
    }

  if (notifies != TORNADIS_NOTIFIES_MAKER &&
      !tornadis_session_admits_now (&self->session, command, commands, atomic, tornadis_queue_is_sorting (self->queue)))
    {
      g_propagate_error (error, tornadis_session_new_loss_error (command != NULL ? tornadis_command_get_name (command)
                                                                                 : "The pipeline"));
      return FALSE;
    }

  return TRUE;
}

/* Whether a call may be queued at all: @command, or @commands. */
static inline gboolean
link_admit (TornadisLink *self,
            TornadisCommand *command,
            GPtrArray *commands,
            gboolean atomic,
            gsize n_calls,
            gsize n_bytes,
            TornadisSlotFlags flags,
            const TornadisOrigin *caller,
            GError **error)
{
  const TornadisLinkSettings *settings = &self->settings;
  gboolean has_room = tornadis_queue_has_room (self->queue, n_calls, n_bytes, settings->max_pending, settings->max_queued_bytes) ||
                      (flags & TORNADIS_SLOT_LINK_ONLY) != 0;

  if (G_LIKELY (has_room && self->connection != NULL && !tornadis_session_has_lost (&self->session)))
    return TRUE;

  return link_admit_slowly (self, command, commands, atomic, (TornadisNotifies) caller->notifies, has_room, error);
}

/* A call without a deadline of its own has that of the settings. @copy is used if @caller has to be changed. */
static inline const TornadisOrigin *
link_set_deadline (TornadisLink *self,
                   const TornadisOrigin *caller,
                   TornadisOrigin *copy)
{
  if (G_LIKELY (self->settings.call_timeout_msec == 0 && caller->deadline == 0))
    return caller;

  *copy = *caller;
  if (copy->deadline == 0)
    copy->deadline = g_get_monotonic_time () + self->settings.call_timeout_msec * G_TIME_SPAN_MILLISECOND;
  tornadis_link_arm (self, copy->deadline);

  return copy;
}

/* Making a link runs handlers and plugins, one of which may close the client. That must not happen within the function
 * that makes a call, which has to return before the call completes. */
static void
link_ensure_later (TornadisLink *self)
{
  if (self->state == TORNADIS_CLIENT_STATE_DISCONNECTED)
    tornadis_poller_item_queue (&self->ensure_item);
}

/* Something was queued: it is written, or a link is made for it. */
static inline void
link_kick (TornadisLink *self)
{
  if (G_LIKELY (self->connection != NULL))
    {
      /* Not again for every call, unless the timer may be set for something far away: it finds out what it is for when it
       * fires. */
      if (G_UNLIKELY (self->timer.at == 0 || self->settings.call_timeout_msec > self->settings.ping_interval_msec ||
                      self->settings.read_timeout_msec > self->settings.ping_interval_msec) &&
          self->settings.ping_interval_msec > 0)
        tornadis_link_arm (self, g_get_monotonic_time () + self->settings.ping_interval_msec * G_TIME_SPAN_MILLISECOND);
      if (G_LIKELY (self->n_corks == 0))
        tornadis_connection_kick (self->connection);
      else
        tornadis_connection_kick_later (self->connection);
    }
  else
    link_ensure_later (self);
}

gboolean
tornadis_link_submit (TornadisLink *self,
                      TornadisCommand *command,
                      TornadisSlotFlags flags,
                      const TornadisOrigin *caller,
                      guint64 *id,
                      GError **error)
{
  TornadisOrigin copy;
  guint64 slot;

  /* AUTH is followed by an ECHO of the queue's. */
  if (!link_admit (self, command, NULL, FALSE, 1 + (command->effect == TORNADIS_COMMAND_AUTH),
                   tornadis_command_get_wire_size (command), flags, caller, error))
    return FALSE;

  slot = tornadis_queue_push (self->queue, command, flags, link_set_deadline (self, caller, &copy));
  if (id != NULL)
    *id = slot;
  if (G_UNLIKELY (self->settings.verify_replies > 0))
    tornadis_link_verify (self, 1);
  if (G_UNLIKELY (self->login != NULL))
    tornadis_link_send_login (self);
  link_kick (self);

  return TRUE;
}

gboolean
tornadis_link_submit_batch (TornadisLink *self,
                            GPtrArray *commands,
                            gboolean atomic,
                            const TornadisOrigin *caller,
                            guint64 *id,
                            GError **error)
{
  TornadisBatch *batch = tornadis_batch_new (commands, atomic);
  TornadisOrigin copy;
  guint64 slot;

  if (!link_admit (self, NULL, commands, atomic, tornadis_batch_get_n_calls (batch), batch->wire_size, TORNADIS_SLOT_DEFAULT,
                   caller, error))
    {
      tornadis_batch_free (batch);
      return FALSE;
    }

  slot = tornadis_queue_push_batch (self->queue, batch, link_set_deadline (self, caller, &copy));
  if (id != NULL)
    *id = slot;
  if (G_UNLIKELY (self->settings.verify_replies > 0))
    tornadis_link_verify (self, commands->len);
  if (G_UNLIKELY (self->login != NULL))
    tornadis_link_send_login (self);
  link_kick (self);

  return TRUE;
}

void
tornadis_link_cancel (TornadisLink *self,
                      guint64 id,
                      gconstpointer user_data,
                      const GError *error)
{
  gboolean held;

  if (!tornadis_queue_is_of_caller (self->queue, id, user_data))
    return;

  held = tornadis_link_enter (self);
  tornadis_queue_cancel (self->queue, id, error);

  tornadis_link_leave (self, held);
}

void
tornadis_link_set_corked (TornadisLink *self,
                          gboolean corked)
{
  self->n_corks += corked ? 1 : -1;
  if (self->n_corks == 0 && self->connection != NULL)
    tornadis_connection_hurry (self->connection);
}

gboolean
tornadis_link_is_corked (TornadisLink *self)
{
  return self->n_corks > 0;
}
