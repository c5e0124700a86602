/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-call-private.h"
#include "tornadis-glib/client/tornadis-call.h"

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-plugin-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/values/tornadis-reply.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/**
 * TornadisCall:
 *
 * What a plugin sees of a command or a pipeline on its way.
 *
 * A call goes through the plugins of its client from the outermost to the innermost, then over the connection,
 * and its outcome comes back the other way. In [vfunc@Tornadis.Plugin.call] a plugin may return %TRUE and keep a
 * reference to the call; then it answers later, with exactly one of [method@Tornadis.Call.proceed],
 * [method@Tornadis.Call.return_reply] and [method@Tornadis.Call.return_error]. A call whose last reference is dropped
 * without an answer completes with %TORNADIS_ERROR_PLUGIN.
 *
 * Every plugin whose `call` hook has run receives the outcome in its `call_done` hook, where it may replace the outcome
 * or ask for another attempt with [method@Tornadis.Call.retry].
 *
 * Since: 1.0
 */

/* How many callers are notified between two looks at the clock. */
#define COMPLETED_CHECK 16

G_DEFINE_FINAL_TYPE (TornadisCall, tornadis_call, G_TYPE_OBJECT)

static void call_run (TornadisCall *self);

static void
call_clear_source (TornadisCall *self)
{
  if (self->source == NULL)
    return;

  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

static void
call_set_outcome (TornadisCall *self,
                  TornadisReply *reply,
                  const GError *error)
{
  TornadisReply *old_reply = self->reply;
  GError *old_error = self->error;

  self->reply = reply != NULL ? tornadis_reply_ref (reply) : NULL;
  self->error = error != NULL ? g_error_copy (error) : NULL;
  self->answered = reply != NULL;

  if (self->reply != NULL && tornadis_reply_is_error (self->reply))
    {
      self->error = tornadis_reply_dup_error (self->reply);
      g_clear_pointer (&self->reply, tornadis_reply_unref);
    }

  g_clear_pointer (&old_reply, tornadis_reply_unref);
  g_clear_error (&old_error);
}

static void
call_attach_source (TornadisCall *self,
                    gint64 msec,
                    GSourceFunc func,
                    gpointer data,
                    GDestroyNotify destroy)
{
  call_clear_source (self);
  self->source = g_timeout_source_new ((guint) CLAMP (msec, 0, G_MAXUINT));
  g_source_set_static_name (self->source, "[tornadis] plugin call");
  g_source_set_callback (self->source, func, data, destroy);
  g_source_attach (self->source, tornadis_client_get_context (self->client));
}

/* Completes the attempt; the link gives back the reference that it owned. */
static void
sent_cb (TornadisReply *reply,
         const GError *error,
         gpointer user_data)
{
  g_autoptr (TornadisCall) self = user_data;
  /* By plugins of the client that it was forwarded to. */
  gboolean answered = self->sent.call != NULL && self->sent.call->answered;
  guint64 id = self->sent.id;

  self->sent = (TornadisDispatched){ 0 };
  if (self->phase != PHASE_SENT)
    return;

  call_set_outcome (self, reply, error);
  if (error != NULL)
    {
      tornadis_call_follow_loss (self);
      tornadis_call_take_back_behind (self, id);
    }
  self->answered |= answered;
  self->end_time = g_get_monotonic_time ();
  self->phase = PHASE_UP;
  call_run (self);
}

static void
connected_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  TornadisCall *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = g_task_propagate_pointer (G_TASK (result), &error);

  g_clear_object (&self->cancellable);
  sent_cb (reply, error, self);
}

static void
call_send_connect (TornadisCall *self)
{
  GMainContext *context = tornadis_client_get_context (self->client);
  g_autoptr (GTask) task = NULL;

  self->cancellable = g_cancellable_new ();
  g_main_context_push_thread_default (context);
  task = g_task_new (self->client, self->cancellable, connected_cb, g_object_ref (self));
  g_main_context_pop_thread_default (context);
  g_task_set_source_tag (task, call_send_connect);
  tornadis_client_connect_link (self->client, task);
}

TornadisCall *
tornadis_call_get_forwarded (TornadisCall *self)
{
  return self->func == sent_cb ? self->user_data : NULL;
}

TornadisClient *
tornadis_call_get_destination (TornadisCall *self)
{
  return self->target != NULL ? self->target : self->client;
}

/* Past all plugins, or, when it was forwarded, through those of the other client. */
static void
call_dispatch (TornadisCall *self,
               TornadisDispatched *sent)
{
  if (self->target != NULL)
    tornadis_client_dispatch_until (self->target, self->command, self->pipeline, self->deadline,
                                    tornadis_call_get_notifies (self), sent_cb, g_object_ref (self), sent);
  else
    sent->id = tornadis_client_send (self->client, self->command, self->pipeline, self->deadline,
                                     tornadis_call_get_notifies (self), sent_cb, g_object_ref (self));
}

static void
call_send (TornadisCall *self)
{
  TornadisLink *link = tornadis_client_get_link (tornadis_call_get_destination (self));
  TornadisTransaction before;
  TornadisDispatched sent = { 0 };
  gboolean was_lost;

  if (self->connects)
    {
      self->phase = PHASE_SENT;
      call_send_connect (self);
      return;
    }

  if (G_UNLIKELY (self->taken_back))
    {
      g_autoptr (GError) error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_LOST,
                                              "%s was not sent: the WATCH or MULTI before it was not sent either",
                                              tornadis_call_get_name (self));

      call_set_outcome (self, NULL, error);
      self->in_transaction = TRUE;
      self->end_time = g_get_monotonic_time ();
      self->phase = PHASE_UP;
      return;
    }

  if (tornadis_call_comes_between (self))
    {
      self->end_time = g_get_monotonic_time ();
      self->phase = PHASE_UP;
      return;
    }

  before = tornadis_queue_get_expected (tornadis_link_get_queue (link));
  was_lost = tornadis_session_has_lost (tornadis_link_get_session (link));
  self->phase = PHASE_SENT;
  call_dispatch (self, &sent);
  /* What gives up a transaction that was lost does not belong to it: that is not refused. */
  tornadis_call_follow_sent (self, before, was_lost && sent.id == 0 && sent.call == NULL);
  /* It may have completed already, in a main loop that a setup hook ran. */
  if (self->phase == PHASE_SENT)
    self->sent = sent;
}

static gboolean
retry_cb (gpointer user_data)
{
  g_autoptr (TornadisCall) self = g_object_ref (TORNADIS_CALL (user_data));

  call_clear_source (self);
  g_clear_object (&self->target);
  self->phase = PHASE_DOWN;
  call_run (self);

  return G_SOURCE_REMOVE;
}

static gboolean
held_too_long_cb (gpointer user_data)
{
  g_autoptr (TornadisCall) self = g_object_ref (TORNADIS_CALL (user_data));
  g_autoptr (GError) error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "No reply to %s within the call timeout",
                                          tornadis_call_get_name (self));

  tornadis_call_abort (self, error);

  return G_SOURCE_REMOVE;
}

/* Whether another attempt was asked for and can be made. */
static gboolean
call_take_retry (TornadisCall *self)
{
  gboolean retry = self->retry && !self->abandoned && !tornadis_call_is_in_transaction (self);

  self->retry = FALSE;

  return retry && (self->deadline == 0 ||
                   g_get_monotonic_time () + self->retry_delay_msec * G_TIME_SPAN_MILLISECOND < self->deadline);
}

/* Notifies the plugins, innermost first. FALSE: another attempt is due. */
static gboolean
call_go_up (TornadisCall *self)
{
  while (self->next > self->first)
    {
      TornadisPlugin *plugin = g_ptr_array_index (self->chain, self->next - 1);

      self->in_done = TRUE;
      tornadis_plugin_call_done (plugin, self);
      self->in_done = FALSE;

      if (call_take_retry (self))
        {
          /* Who has forwarded it is asked where it goes now. */
          if (self->target != NULL && self->forwarder == self->next - 1)
            self->next--;
          else
            self->attempt++;
          self->end_time = 0;
          self->phase = PHASE_SENT;
          call_attach_source (self, self->retry_delay_msec, retry_cb, g_object_ref (self), g_object_unref);
          return FALSE;
        }

      self->next--;
    }

  return TRUE;
}

static void
call_notify_caller (TornadisCall *self)
{
  TornadisSlotFunc func;

  tornadis_call_note_loss (self);
  func = g_steal_pointer (&self->func);
  func (self->reply, self->error, self->user_data);
}

/* Notifies the callers of calls that have completed until now: one that calls again does not keep the main loop here. */
static void
completed_turn (TornadisPollerItem *item,
                GIOCondition condition,
                gint64 now,
                gint64 deadline)
{
  TornadisClientPrivate *priv = (gpointer) ((guint8 *) item - G_STRUCT_OFFSET (TornadisClientPrivate, completed_item));
  guint n = priv->completed.length;
  /* The calls hold it, until the last of their callers is notified. */
  g_autoptr (TornadisClient) client = NULL;

  if (n > 0)
    client = g_object_ref (((TornadisCall *) g_queue_peek_head (&priv->completed))->client);

  while (n > 0 && priv->completed.length > 0)
    {
      g_autoptr (TornadisCall) call = g_queue_pop_head (&priv->completed);

      /* The others are notified even if this one runs a main loop of its own. */
      if (priv->completed.length > 0)
        tornadis_poller_item_queue (&priv->completed_item);
      call_notify_caller (call);

      if (--n % COMPLETED_CHECK == 0 && g_get_monotonic_time () >= deadline)
        break;
    }

  if (priv->completed.length == 0)
    tornadis_poller_item_unqueue (&priv->completed_item);
}

static void
client_schedule_completed (TornadisClient *client)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (client);

  if (priv->completed_item.poller == NULL)
    {
      g_autoptr (TornadisPoller) poller = tornadis_poller_get (priv->context);

      tornadis_poller_item_init (&priv->completed_item, poller, -1, completed_turn);
    }

  tornadis_poller_item_queue (&priv->completed_item);
}

static void
call_finish (TornadisCall *self)
{
  self->phase = PHASE_DONE;
  g_queue_unlink (&tornadis_client_get_private (self->client)->calls, &self->node);
  tornadis_client_get_private (self->client)->n_counted_calls -= self->counted;
  call_clear_source (self);

  /* The caller must not be notified before the function that made the call has returned. */
  if (!self->starting)
    {
      call_notify_caller (self);
      return;
    }

  g_queue_push_tail (&tornadis_client_get_private (self->client)->completed, g_object_ref (self));
  client_schedule_completed (self->client);
}

static void
call_offer (TornadisCall *self)
{
  TornadisPlugin *plugin = g_ptr_array_index (self->chain, self->next++);
  gboolean held;

  self->phase = PHASE_OFFERED;
  tornadis_call_follow_stand_in (self, plugin);
  held = tornadis_plugin_call (plugin, self);

  if (self->phase != PHASE_OFFERED)
    return;

  self->phase = held ? PHASE_HELD : PHASE_DOWN;
  if (held)
    tornadis_call_begin_hold (self);
  if (held && self->deadline != 0)
    call_attach_source (self, (self->deadline - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND, held_too_long_cb, self,
                        NULL);
}

/* Whether what a plugin has made of the call may be sent; if not it fails before the next plugin can answer it. */
static gboolean
call_check (TornadisCall *self)
{
  g_autoptr (GError) error = NULL;

  if (!self->changed || self->connects)
    return TRUE;

  self->changed = FALSE;
  if (tornadis_client_check_call (self->client, self->command, self->pipeline, &error))
    return TRUE;

  call_set_outcome (self, NULL, error);
  self->end_time = g_get_monotonic_time ();
  self->phase = PHASE_UP;

  return FALSE;
}

static void
call_run (TornadisCall *self)
{
  g_autoptr (TornadisCall) alive G_GNUC_UNUSED = NULL;

  if (self->running)
    return;

  alive = g_object_ref (self);
  self->running = TRUE;

  while (self->phase == PHASE_DOWN || self->phase == PHASE_UP)
    {
      if (self->phase == PHASE_DOWN && self->target == NULL && self->next < self->chain->len)
        {
          if (call_check (self))
            call_offer (self);
        }
      else if (self->phase == PHASE_DOWN)
        call_send (self);
      else if (call_go_up (self))
        call_finish (self);
    }

  self->running = FALSE;
}

static gboolean
dropped_cb (gpointer user_data)
{
  TornadisCall *self = TORNADIS_CALL (user_data);
  g_autoptr (GError) error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "A plugin dropped %s without an answer",
                                          tornadis_call_get_name (self));

  tornadis_call_abort (self, error);

  return G_SOURCE_REMOVE;
}

/* The last reference was dropped while a plugin held the call: nobody can answer it any more. That may happen in a garbage
 * collection, during which hooks in that language cannot be called. So the call is kept until the main loop has completed
 * it. */
static void
tornadis_call_dispose (GObject *object)
{
  TornadisCall *self = TORNADIS_CALL (object);

  if (self->func != NULL && self->phase != PHASE_DONE)
    {
      call_attach_source (self, 0, dropped_cb, g_object_ref (self), g_object_unref);
      return;
    }

  G_OBJECT_CLASS (tornadis_call_parent_class)->dispose (object);
}

static void
tornadis_call_finalize (GObject *object)
{
  TornadisCall *self = TORNADIS_CALL (object);

  g_assert (self->func == NULL && self->source == NULL && self->held == TORNADIS_SESSION_NO_CONCERN);
  g_assert (self->phase == PHASE_DONE);

  g_clear_pointer (&self->reply, tornadis_reply_unref);
  g_clear_error (&self->error);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->command, tornadis_command_unref);
  g_clear_object (&self->pipeline);
  g_clear_pointer (&self->chain, g_ptr_array_unref);
  g_clear_object (&self->target);
  g_clear_object (&self->client);

  G_OBJECT_CLASS (tornadis_call_parent_class)->finalize (object);
}

static void
tornadis_call_class_init (TornadisCallClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = tornadis_call_dispose;
  object_class->finalize = tornadis_call_finalize;
}

static void
tornadis_call_init (TornadisCall *self)
{
}

static TornadisCall *
call_new (TornadisClient *client,
          GPtrArray *chain,
          guint first,
          TornadisCommand *command,
          TornadisSlotFunc func,
          gpointer user_data)
{
  TornadisCall *self = g_object_new (TORNADIS_TYPE_CALL, NULL);

  self->client = g_object_ref (client);
  self->chain = g_ptr_array_ref (chain);
  self->first = self->next = first;
  self->command = command != NULL ? tornadis_command_ref (command) : NULL;
  self->func = func;
  self->user_data = user_data;
  self->attempt = 1;
  self->start_time = g_get_monotonic_time ();
  self->node.data = self;
  g_queue_push_tail_link (&tornadis_client_get_private (client)->calls, &self->node);

  return self;
}

void
tornadis_call_start (TornadisClient *client,
                     GPtrArray *chain,
                     guint first,
                     TornadisCommand *command,
                     TornadisPipeline *pipeline,
                     gint64 deadline,
                     TornadisSlotFunc func,
                     gpointer user_data,
                     TornadisCall **call)
{
  TornadisCall *self = call_new (client, chain, first, command, func, user_data);

  self->connects = command == tornadis_client_get_connect_command ();
  self->counted = first == 0 && !self->connects;
  tornadis_client_get_private (client)->n_counted_calls += self->counted;
  self->pipeline = pipeline != NULL ? g_object_ref (pipeline) : NULL;
  self->deadline = deadline;

  /* Before call_run(): a hook may run a main loop, in which the caller cancels. */
  if (call != NULL)
    g_set_weak_pointer (call, self);
  self->starting = TRUE;
  call_run (self);
  self->starting = FALSE;
  g_object_unref (self);

  if (call != NULL && *call != NULL)
    g_object_remove_weak_pointer (G_OBJECT (*call), (gpointer *) call);
}

void
tornadis_call_start_failed (TornadisClient *client,
                            GPtrArray *chain,
                            TornadisCommand *command,
                            TornadisClient *target,
                            gint64 deadline,
                            TornadisReply *reply,
                            const GError *error,
                            TornadisSlotFunc func,
                            gpointer user_data,
                            TornadisCall **call)
{
  TornadisCall *self = call_new (client, chain, 0, command, func, user_data);

  self->target = g_object_ref (target);
  self->forwarder = 0;
  self->next = 1;
  self->deadline = deadline;
  call_set_outcome (self, reply, error);
  self->end_time = self->start_time;
  self->phase = PHASE_UP;
  /* Once @func was called @call is nothing any more. */
  if (call != NULL)
    *call = self;
  call_run (self);
  g_object_unref (self);
}

gboolean
tornadis_call_may_have_run (TornadisCall *self)
{
  TornadisLink *link = tornadis_client_get_link (tornadis_call_get_destination (self));

  if (self->attempt > 1)
    return TRUE;
  if (self->phase != PHASE_SENT)
    return FALSE;

  return self->sent.call != NULL ? tornadis_call_may_have_run (self->sent.call)
                                 : tornadis_queue_is_written (tornadis_link_get_queue (link), self->sent.id);
}

/* Whether it is with the server for too long: that says something about the server, as when the client's own call timeout
 * passes, and there is no time left for another attempt. */
static gboolean
call_has_expired (TornadisCall *self,
                  const GError *error)
{
  return self->phase == PHASE_SENT && self->source == NULL && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT);
}

void
tornadis_call_abort (TornadisCall *self,
                     const GError *error)
{
  /* Its source may have the last reference. */
  g_autoptr (TornadisCall) alive G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GCancellable) cancellable = NULL;

  if (self->phase == PHASE_DONE)
    return;

  if (call_has_expired (self, error))
    self->deadline = g_get_monotonic_time ();
  else
    self->abandoned = TRUE;

  if (self->phase == PHASE_SENT && self->sent.call != NULL)
    {
      tornadis_call_abort (self->sent.call, error);
      return;
    }
  if (self->phase == PHASE_SENT && self->sent.id != 0)
    {
      tornadis_link_cancel (tornadis_client_get_link (tornadis_call_get_destination (self)), self->sent.id, self, error);
      return;
    }

  call_clear_source (self);
  tornadis_call_end_hold (self);
  call_set_outcome (self, NULL, error);
  tornadis_call_take_back_behind (self, 0);
  self->end_time = g_get_monotonic_time ();
  self->phase = PHASE_UP;
  /* It clears this. */
  cancellable = self->cancellable != NULL ? g_object_ref (self->cancellable) : NULL;
  if (cancellable != NULL)
    tornadis_cancel_watch_cancel (cancellable, error);
  call_run (self);
}

GPtrArray *
tornadis_call_stop_all (const GQueue *calls)
{
  GPtrArray *stopped = g_ptr_array_new_with_free_func (g_object_unref);

  for (GList *l = calls->head; l != NULL; l = l->next)
    {
      TornadisCall *self = l->data;

      self->abandoned = TRUE;
      g_ptr_array_add (stopped, g_object_ref (self));
    }

  return stopped;
}

void
tornadis_call_complete_all (GPtrArray *calls)
{
  for (guint i = 0; i < calls->len; i++)
    {
      TornadisCall *self = g_ptr_array_index (calls, i);
      g_autoptr (GError) error = NULL;

      if (self->phase == PHASE_UP || self->phase == PHASE_DONE)
        continue;

      error = g_error_new (TORNADIS_ERROR, tornadis_call_may_have_run (self) ? TORNADIS_ERROR_LOST : TORNADIS_ERROR_CLOSED,
                           "The client was closed while plugins held %s", tornadis_call_get_name (self));
      tornadis_call_abort (self, error);
    }
}

/* Whether the plugin may answer. An answer after the call was cancelled is no mistake of the plugin's. */
static gboolean
call_check_answer (TornadisCall *self,
                   const char *what)
{
  if (self->phase == PHASE_OFFERED || self->phase == PHASE_HELD)
    return TRUE;

  if (!self->abandoned)
    g_warning ("A plugin tried to %s %s, which has been answered already", what, tornadis_call_get_name (self));
  return FALSE;
}

static void
call_answer (TornadisCall *self,
             TornadisReply *reply,
             const GError *error)
{
  if (!self->in_done && !call_check_answer (self, "answer"))
    return;

  if (self->connects && reply != NULL && !tornadis_reply_is_error (reply) && !tornadis_client_is_connected (self->client))
    tornadis_client_set_stand_in (self->client, g_ptr_array_index (self->chain, self->next - 1),
                                  TORNADIS_CLIENT_STATE_CONNECTED, NULL);

  if (self->in_done)
    {
      call_set_outcome (self, reply, error);
      self->answered = TRUE;
      return;
    }

  /* A handler of the client's signals may have closed it. */
  if (self->phase != PHASE_OFFERED && self->phase != PHASE_HELD)
    return;

  tornadis_call_follow_stand_in (self, g_ptr_array_index (self->chain, self->next - 1));
  call_clear_source (self);
  tornadis_call_end_hold (self);
  call_set_outcome (self, reply, error);
  if (self->error != NULL)
    tornadis_call_take_back_behind (self, 0);
  self->answered = TRUE;
  self->end_time = g_get_monotonic_time ();
  self->phase = PHASE_UP;
  call_run (self);
}

/**
 * tornadis_call_proceed:
 * @self: a call that the plugin holds
 *
 * Lets the call go on to the next plugin and the server. May be used from within the `call` hook too.
 *
 * Since: 1.0
 */
void
tornadis_call_proceed (TornadisCall *self)
{
  g_return_if_fail (TORNADIS_IS_CALL (self));

  if (!call_check_answer (self, "proceed with"))
    return;

  call_clear_source (self);
  tornadis_call_end_hold (self);
  self->phase = PHASE_DOWN;
  call_run (self);
}

/**
 * tornadis_call_forward:
 * @self: a call that the plugin holds
 * @client: another client, of the same main context
 *
 * Has the call go over the connection of another client, through the plugins of that one, instead of to the next plugin and
 * the client's own server. May be used from within the `call` hook too.
 *
 * The outcome comes to this plugin's [vfunc@Tornadis.Plugin.call_done]; if it asks for another attempt there, with
 * [method@Tornadis.Call.retry], its `call` hook is called again and says where to. That is no attempt by
 * [method@Tornadis.Call.get_attempt], which are those that were made behind a plugin.
 *
 * Since: 1.0
 */
void
tornadis_call_forward (TornadisCall *self,
                       TornadisClient *client)
{
  g_return_if_fail (TORNADIS_IS_CALL (self));
  g_return_if_fail (TORNADIS_IS_CLIENT (client));
  g_return_if_fail (client != self->client);

  if (!call_check_answer (self, "forward"))
    return;
  if (self->connects)
    {
      g_warning ("A plugin tried to forward the connecting of a client");
      return;
    }

  call_clear_source (self);
  tornadis_call_end_hold (self);
  self->forwarder = self->next - 1;
  g_set_object (&self->target, client);
  self->phase = PHASE_DOWN;
  call_run (self);
}

/**
 * tornadis_call_return_reply:
 * @self: a call that the plugin holds
 * @reply: the reply; one of kind %TORNADIS_REPLY_KIND_ERROR is an error to the caller
 *
 * Answers the call. Neither the plugins behind this one nor the server see it. In the `call_done` hook this
 * replaces the outcome.
 *
 * Since: 1.0
 */
void
tornadis_call_return_reply (TornadisCall *self,
                            TornadisReply *reply)
{
  g_return_if_fail (TORNADIS_IS_CALL (self));
  g_return_if_fail (reply != NULL);

  call_answer (self, reply, NULL);
}

/**
 * tornadis_call_return_error:
 * @self: a call that the plugin holds
 * @error: why it fails
 *
 * Fails the call. Neither the plugins behind this one nor the server see it. In the `call_done` hook this
 * replaces the outcome.
 *
 * An error that is given so is what the caller gets, even if the call was cancelled or its time was over meanwhile, as long
 * as they were not told yet: what a `call_done` hook makes of %G_IO_ERROR_CANCELLED or %TORNADIS_ERROR_TIMEOUT counts. Any
 * other error of a call that was cancelled before it failed is %G_IO_ERROR_CANCELLED to the caller.
 *
 * Since: 1.0
 */
void
tornadis_call_return_error (TornadisCall *self,
                            const GError *error)
{
  g_return_if_fail (TORNADIS_IS_CALL (self));
  g_return_if_fail (error != NULL);

  call_answer (self, NULL, error);
}

/**
 * tornadis_call_retry:
 * @self: a call whose `call_done` hook is running
 * @delay_msec: how long to wait first, in milliseconds
 *
 * Asks, in the `call_done` hook, for another attempt: the call goes to the plugins behind this one and to the
 * server again. Nothing happens when the call was cancelled or timed out, nor when it belongs to a transaction, see
 * [method@Tornadis.Call.is_in_transaction]. A call that does not is not sent again while commands are queued between
 * `MULTI` and `EXEC`: it keeps the outcome that it has.
 *
 * Since: 1.0
 */
void
tornadis_call_retry (TornadisCall *self,
                     guint delay_msec)
{
  g_return_if_fail (TORNADIS_IS_CALL (self));

  if (!self->in_done)
    {
      g_warning ("A plugin tried to retry %s outside its call_done hook", tornadis_call_get_name (self));
      return;
    }

  self->retry = TRUE;
  self->retry_delay_msec = delay_msec;
}
