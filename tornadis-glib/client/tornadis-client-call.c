/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of TornadisClient: the public functions, and how an outcome comes back to its caller. */

#include "tornadis-glib/client/tornadis-client-private.h"

#include "tornadis-glib/client/tornadis-call-private.h"
#include "tornadis-glib/client/tornadis-client-result-private.h"
#include "tornadis-glib/client/tornadis-pipeline-private.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/* How many submissions are kept for the next calls, which are often made as others complete: cheaper than allocating. */
#define MAX_FREE_SUBMISSIONS 16

/* A call made with submit. */
struct _TornadisSubmission
{
  TornadisClientPrivate *priv; /* (unowned) of the client, whose calls complete before it is finalized */
  TornadisReplyFunc func;      /* (nullable) */
  gpointer user_data;
  union
  {
    GDestroyNotify destroy;   /* (nullable) */
    TornadisSubmission *next; /* (owned) (nullable) while it is free */
  };
};

/* A call made with a GTask that has a GCancellable. */
typedef struct
{
  GTask *task;                /* (owned) it owns this as its task data */
  TornadisCancelWatch *watch; /* (owned) */
  TornadisDispatched dispatched;
} TornadisCancellableCall;

typedef struct
{
  TornadisClient *client; /* (owned) */
  TornadisSlotFunc func;
  gpointer user_data;
  TornadisNotifies notifies;
  GError *error; /* (owned) */
  guint loss_id; /* of the session when it was made */
  gboolean tells; /* the caller is notified of what was refused */
} TornadisDeferredError;

/* Why a command that is no plain one may not be sent, by itself or among others. */
static G_NO_INLINE gboolean
check_effect (TornadisCommand *command,
              gboolean by_itself,
              GError **error)
{
  if (command->n_args == 0)
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "A command needs a name");
      return FALSE;
    }

  if (tornadis_command_get_effect (command) == TORNADIS_COMMAND_REFUSED)
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "%s cannot be called: %s",
                   tornadis_command_get_name (command), tornadis_command_get_refusal (command));
      return FALSE;
    }

  /* The lines that follow its reply would be taken for those to the others. */
  if (!by_itself && tornadis_command_is_monitor (command))
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                           "MONITOR cannot be part of a pipeline or a transaction: call it by itself");
      return FALSE;
    }

  /* A refusal may come without a reply, which would be taken from the next command. */
  if (tornadis_command_get_effect (command) == TORNADIS_COMMAND_AUTH && !by_itself)
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                           "AUTH cannot be part of a pipeline or a transaction: call it by itself");
      return FALSE;
    }

  return TRUE;
}

static inline gboolean
check_command (TornadisCommand *command,
               gboolean by_itself,
               GError **error)
{
  if (G_LIKELY (command->n_args > 0 && command->effect == TORNADIS_COMMAND_PLAIN))
    return TRUE;

  return check_effect (command, by_itself, error);
}

gboolean
tornadis_client_check_command (TornadisCommand *command,
                               GError **error)
{
  return check_command (command, FALSE, error);
}

void
tornadis_client_ignore_reply_cb (TornadisReply *reply,
                                 const GError *error,
                                 gpointer user_data)
{
}

static gboolean
deferred_error_cb (gpointer data)
{
  TornadisDeferredError *deferred = data;
  TornadisSession *session = tornadis_link_get_session (tornadis_client_get_link (deferred->client));
  gboolean is_lost = g_error_matches (deferred->error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);

  session->told_loss_id = deferred->loss_id;
  /* It was refused because its transaction is lost: from now on the caller knows, and may begin another one. */
  if (is_lost && deferred->notifies == TORNADIS_NOTIFIES_PROGRAM && deferred->func != tornadis_client_ignore_reply_cb)
    tornadis_session_know_loss (session, deferred->loss_id);
  if (deferred->tells)
    tornadis_session_know_refusal (session, deferred->loss_id, is_lost);
  deferred->func (NULL, deferred->error, deferred->user_data);

  return G_SOURCE_REMOVE;
}

static void
deferred_error_free (gpointer data)
{
  TornadisDeferredError *deferred = data;

  g_error_free (deferred->error);
  g_object_unref (deferred->client);
  g_free (deferred);
}

static void
client_defer_error (TornadisClient *self,
                    TornadisSlotFunc func,
                    gpointer user_data,
                    TornadisNotifies notifies,
                    gboolean tells,
                    GError *error)
{
  TornadisDeferredError *deferred = g_new (TornadisDeferredError, 1);
  GSource *source = g_idle_source_new ();

  *deferred = (TornadisDeferredError){ g_object_ref (self), func, user_data, notifies, error,
                                       tornadis_link_get_session (tornadis_client_get_link (self))->loss_id, tells };

  g_source_set_static_name (source, "[tornadis] call refused");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, deferred_error_cb, deferred, deferred_error_free);
  g_source_attach (source, tornadis_client_get_context (self));
  g_source_unref (source);
}

void
tornadis_client_defer_error (TornadisClient *self,
                             TornadisSlotFunc func,
                             gpointer user_data,
                             GError *error)
{
  client_defer_error (self, func, user_data, TORNADIS_NOTIFIES_PROGRAM, FALSE, error);
}

/* Whether the client and the server would stay in step, and this kind of client takes calls at all. */
static gboolean
client_check_call (TornadisClient *self,
                   TornadisCommand *command,
                   TornadisPipeline *pipeline,
                   gboolean sends,
                   GError **error)
{
  const TornadisClientHooks *hooks = TORNADIS_CLIENT_GET_CLASS (self)->hooks;
  GPtrArray *commands;

  if (G_UNLIKELY (hooks != NULL && hooks->refusal != NULL))
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, hooks->refusal);
      return FALSE;
    }

  if (command != NULL)
    {
      TornadisCommandEffect effect = tornadis_command_get_effect (command);
      /* Ahead of that a plugin may hold the EXEC. */
      gboolean by_itself = G_LIKELY (effect != TORNADIS_COMMAND_AUTH && effect != TORNADIS_COMMAND_OTHER) || !sends ||
                           !tornadis_queue_get_expected (tornadis_link_get_queue (tornadis_client_get_link (self))).in_multi;

      return check_command (command, by_itself, error);
    }

  commands = tornadis_pipeline_peek_commands (pipeline);
  if (commands->len == 0)
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "empty pipeline");
      return FALSE;
    }

  for (guint i = 0; i < commands->len; i++)
    if (!tornadis_client_check_command (g_ptr_array_index (commands, i), error))
      return FALSE;

  return TRUE;
}

gboolean
tornadis_client_check_call (TornadisClient *self,
                            TornadisCommand *command,
                            TornadisPipeline *pipeline,
                            GError **error)
{
  return client_check_call (self, command, pipeline, FALSE, error);
}

/* What is called before the program is notified that a MULTI or WATCH was not sent, which may not be for want of room by then,
 * may be meant for that. Whether the call was to begin a transaction. */
static gboolean
client_follow_refusal (TornadisClient *self,
                       TornadisCommand *command,
                       TornadisPipeline *pipeline,
                       TornadisNotifies notifies,
                       const GError *error)
{
  TornadisLink *link = tornadis_client_get_link (self);

  /* Of what was lost the session knows. */
  if ((!g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY) && !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED)) ||
      notifies == TORNADIS_NOTIFIES_MAKER)
    return FALSE;

  return tornadis_session_refuse (tornadis_link_get_session (link), command,
                                  pipeline != NULL ? tornadis_pipeline_peek_commands (pipeline) : NULL,
                                  pipeline != NULL && tornadis_pipeline_get_atomic (pipeline),
                                  tornadis_queue_is_sorting (tornadis_link_get_queue (link)));
}

/* The call is not queued. Consumes @error. */
static G_NO_INLINE void
client_refuse (TornadisClient *self,
               TornadisCommand *command,
               TornadisPipeline *pipeline,
               const TornadisOrigin *caller,
               GError *error)
{
  TornadisSlotFunc func = caller->func != NULL ? caller->func : tornadis_client_ignore_reply_cb;
  TornadisNotifies notifies = (TornadisNotifies) caller->notifies;
  gboolean begins, tells;

  if (caller->queued != 0)
    {
      TornadisClientPrivate *priv = tornadis_client_get_private (self);
      const TornadisObservedPipeline observed = { pipeline != NULL ? tornadis_pipeline_peek_commands (pipeline) : NULL,
                                                  pipeline != NULL && tornadis_pipeline_get_atomic (pipeline) };

      tornadis_client_notify_observers (command, pipeline != NULL ? &observed : NULL, NULL, error,
                                        tornadis_link_get_time (priv->link) - caller->queued, priv);
    }
  begins = client_follow_refusal (self, command, pipeline, notifies, error);
  tells = (begins || g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST)) && func != tornadis_client_ignore_reply_cb &&
          (notifies == TORNADIS_NOTIFIES_PROGRAM || notifies == TORNADIS_NOTIFIES_PLUGINS);
  client_defer_error (self, func, caller->user_data, notifies, tells, error);
}

/* Whether nothing of client_check_call() can be in the way: so it is with most calls. */
static inline gboolean
client_takes_plain_call (TornadisClient *self,
                         const TornadisCommand *command)
{
  const TornadisClientHooks *hooks = TORNADIS_CLIENT_GET_CLASS (self)->hooks;

  return command != NULL && command->effect == TORNADIS_COMMAND_PLAIN && command->n_args > 0 &&
         (hooks == NULL || hooks->refusal == NULL);
}

G_ALWAYS_INLINE static inline guint64
client_send (TornadisClient *self,
             TornadisClientPrivate *priv,
             TornadisCommand *command,
             TornadisPipeline *pipeline,
             gint64 deadline,
             TornadisNotifies notifies,
             TornadisSlotFunc func,
             gpointer user_data)
{
  TornadisLink *link = priv->link;
  TornadisOrigin caller = { .func = func, .user_data = user_data, .deadline = deadline, .notifies = (guint8) notifies };
  GError *error = NULL;
  guint64 id = 0;

  if (command != NULL)
    tornadis_command_seal (command);

  if (G_UNLIKELY (priv->observers != NULL))
    caller.queued = tornadis_link_get_time (link);

  if ((G_LIKELY (client_takes_plain_call (self, command)) || client_check_call (self, command, pipeline, TRUE, &error)) &&
      (command != NULL
         ? tornadis_link_submit (link, command, TORNADIS_SLOT_DEFAULT, &caller, &id, &error)
         : tornadis_link_submit_batch (link, tornadis_pipeline_peek_commands (pipeline),
                                       tornadis_pipeline_get_atomic (pipeline), &caller, &id, &error)))
    return id;

  client_refuse (self, command, pipeline, &caller, error);
  return 0;
}

guint64
tornadis_client_send (TornadisClient *self,
                      TornadisCommand *command,
                      TornadisPipeline *pipeline,
                      gint64 deadline,
                      TornadisNotifies notifies,
                      TornadisSlotFunc func,
                      gpointer user_data)
{
  return client_send (self, tornadis_client_get_private (self), command, pipeline, deadline, notifies, func, user_data);
}

/* Whether a call of the program may be given to plugins, who may hold it for long. */
static gboolean
client_has_room (TornadisClientPrivate *priv,
                 TornadisCommand *command,
                 GError **error)
{
  if (priv->n_counted_calls < tornadis_link_get_settings (priv->link)->max_pending)
    return TRUE;

  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "%s was not sent: too much is waiting already",
               command != NULL ? tornadis_command_get_name (command) : "The pipeline");
  return FALSE;
}

/* Sends a call through the plugins of @chain from @first on, until @deadline or, if that is 0, as long as calls of the client may
 * take. What the client refuses no plugin is asked about. */
static void
client_start_call (TornadisClient *self,
                   TornadisClientPrivate *priv,
                   GPtrArray *chain,
                   guint first,
                   TornadisCommand *command,
                   TornadisPipeline *pipeline,
                   gint64 deadline,
                   TornadisSlotFunc func,
                   gpointer user_data,
                   TornadisCall **call)
{
  guint timeout_msec = tornadis_link_get_settings (priv->link)->call_timeout_msec;
  gboolean connects = command == tornadis_client_get_connect_command ();
  g_autoptr (TornadisPipeline) copy = NULL;
  GError *error = NULL;

  if (command != NULL)
    tornadis_command_seal (command);

  if (!connects && (!client_check_call (self, command, pipeline, FALSE, &error) ||
                    (first == 0 && !client_has_room (priv, command, &error))))
    {
      const TornadisOrigin caller = { .func = func,
                                      .user_data = user_data,
                                      .queued = priv->observers != NULL ? tornadis_link_get_time (priv->link) : 0 };

      client_refuse (self, command, pipeline, &caller, error);
      return;
    }

  /* The caller may change what they sent at once, while a plugin has it. */
  if (pipeline != NULL)
    copy = tornadis_pipeline_copy (pipeline);
  if (deadline == 0 && timeout_msec != 0 && !connects)
    deadline = g_get_monotonic_time () + timeout_msec * G_TIME_SPAN_MILLISECOND;
  tornadis_call_start (self, chain, first, command, copy, deadline,
                       func != NULL ? func : tornadis_client_ignore_reply_cb, user_data, call);
}

static inline gboolean
client_route (TornadisClient *self,
              TornadisClientPrivate *priv,
              TornadisCommand *command,
              TornadisSlotFunc func,
              gpointer user_data,
              TornadisDispatched *dispatched)
{
  return priv->router != NULL && client_takes_plain_call (self, command) &&
         tornadis_client_route (self, command, func, user_data, dispatched);
}

static inline void
client_dispatch (TornadisClient *self,
                 TornadisClientPrivate *priv,
                 TornadisCommand *command,
                 TornadisPipeline *pipeline,
                 TornadisSlotFunc func,
                 gpointer user_data)
{
  if (G_UNLIKELY (priv->chain != NULL) && client_route (self, priv, command, func, user_data, NULL))
    return;

  /* Who was asked may have been removed by that. */
  if (G_LIKELY (priv->chain == NULL))
    client_send (self, priv, command, pipeline, 0, TORNADIS_NOTIFIES_PROGRAM, func, user_data);
  else
    client_start_call (self, priv, priv->chain, 0, command, pipeline, 0, func, user_data, NULL);
}

void
tornadis_client_dispatch (TornadisClient *self,
                          TornadisCommand *command,
                          TornadisPipeline *pipeline,
                          TornadisSlotFunc func,
                          gpointer user_data,
                          TornadisDispatched *dispatched)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);

  if (dispatched == NULL)
    {
      client_dispatch (self, priv, command, pipeline, func, user_data);
      return;
    }

  if (G_UNLIKELY (priv->chain != NULL) && client_route (self, priv, command, func, user_data, dispatched))
    return;

  /* Who was asked may have been removed by that. */
  if (G_LIKELY (priv->chain == NULL))
    dispatched->id = client_send (self, priv, command, pipeline, 0, TORNADIS_NOTIFIES_PROGRAM, func, user_data);
  else
    client_start_call (self, priv, priv->chain, 0, command, pipeline, 0, func, user_data, &dispatched->call);
}

void
tornadis_client_dispatch_until (TornadisClient *self,
                                TornadisCommand *command,
                                TornadisPipeline *pipeline,
                                gint64 deadline,
                                TornadisNotifies notifies,
                                TornadisSlotFunc func,
                                gpointer user_data,
                                TornadisDispatched *dispatched)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);

  if (priv->chain == NULL)
    dispatched->id = client_send (self, priv, command, pipeline, deadline, notifies, func, user_data);
  else
    client_start_call (self, priv, priv->chain, 0, command, pipeline, deadline, func, user_data, &dispatched->call);
}

void
tornadis_client_cancel (TornadisClient *self,
                        TornadisDispatched *dispatched,
                        gconstpointer user_data,
                        const GError *error)
{
  if (dispatched->routed != NULL)
    tornadis_client_abort_routed (dispatched->routed, error);
  else if (dispatched->call != NULL)
    tornadis_call_abort (dispatched->call, error);
  else if (dispatched->id != 0)
    tornadis_link_cancel (tornadis_client_get_link (self), dispatched->id, user_data, error);
}

static inline void
submission_free (TornadisSubmission *self)
{
  TornadisClientPrivate *priv = self->priv;

  if (G_UNLIKELY (priv->n_free_submissions == MAX_FREE_SUBMISSIONS))
    {
      g_free (self);
      return;
    }

  self->next = priv->free_submissions;
  priv->free_submissions = self;
  priv->n_free_submissions++;
}

void
tornadis_client_free_submissions (TornadisClientPrivate *priv)
{
  TornadisSubmission *next;

  for (TornadisSubmission *submission = priv->free_submissions; submission != NULL; submission = next)
    {
      next = submission->next;
      g_free (submission);
    }
  priv->free_submissions = NULL;
}

/* Apart, so that a reply with a value needs no room for the error. */
static G_NO_INLINE void
submission_fail (TornadisClient *client,
                 TornadisReply *reply,
                 TornadisReplyFunc func,
                 gpointer user_data)
{
  g_autoptr (GError) error = tornadis_reply_dup_error (reply);

  tornadis_prelude ();
  func (client, NULL, error, user_data);
}

static void
submission_done_cb (TornadisReply *reply,
                    const GError *error,
                    gpointer user_data)
{
  const TornadisSubmission submission = *(TornadisSubmission *) user_data;

  /* Before the function is called, which often makes the next call. */
  submission_free (user_data);

  if (submission.func != NULL && reply != NULL && G_UNLIKELY (reply->kind == TORNADIS_REPLY_KIND_ERROR))
    {
      submission_fail (submission.priv->client, reply, submission.func, submission.user_data);
    }
  else if (submission.func != NULL)
    {
      tornadis_prelude ();
      submission.func (submission.priv->client, reply, (GError *) error, submission.user_data);
    }

  if (submission.destroy != NULL)
    submission.destroy (submission.user_data);
}

static inline TornadisSubmission *
submission_new (TornadisClientPrivate *priv,
                TornadisReplyFunc func,
                gpointer user_data,
                GDestroyNotify user_data_destroy)
{
  TornadisSubmission *self;

  if (func == NULL && user_data_destroy == NULL)
    return NULL;

  self = priv->free_submissions;
  if (G_LIKELY (self != NULL))
    {
      priv->free_submissions = self->next;
      priv->n_free_submissions--;
    }
  else
    self = g_new (TornadisSubmission, 1);
  *self = (TornadisSubmission){ priv, func, user_data, { user_data_destroy } };

  return self;
}

void
tornadis_client_submit_behind (TornadisClient *self,
                               TornadisPlugin *plugin,
                               TornadisCommand *command,
                               TornadisReplyFunc func,
                               gpointer user_data,
                               GDestroyNotify user_data_destroy)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  GPtrArray *chain = priv->chain;
  TornadisSubmission *submission = submission_new (priv, func, user_data, user_data_destroy);
  TornadisSlotFunc done = submission != NULL ? submission_done_cb : tornadis_client_ignore_reply_cb;
  guint index;

  /* A plugin that takes no part in calls, or was removed, has none behind it. */
  if (chain != NULL && g_ptr_array_find (chain, plugin, &index) && index + 1 < chain->len)
    client_start_call (self, priv, chain, index + 1, command, NULL, 0, done, submission, NULL);
  else
    tornadis_client_send (self, command, NULL, 0, TORNADIS_NOTIFIES_MAKER, done, submission);
}

static inline void
client_submit (TornadisClient *self,
               TornadisCommand *command,
               TornadisPipeline *pipeline,
               TornadisReplyFunc func,
               gpointer user_data,
               GDestroyNotify user_data_destroy)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  TornadisSubmission *submission = submission_new (priv, func, user_data, user_data_destroy);

  client_dispatch (self, priv, command, pipeline, submission != NULL ? submission_done_cb : NULL, submission);
}

static void
task_return_reply (GTask *task,
                   TornadisReply *reply,
                   const GError *error)
{
  if (reply == NULL)
    g_task_return_error (task, g_error_copy (error));
  else if (G_UNLIKELY (reply->kind == TORNADIS_REPLY_KIND_ERROR))
    g_task_return_error (task, tornadis_reply_dup_error (reply));
  else
    g_task_return_pointer (task, tornadis_reply_ref (reply), (GDestroyNotify) tornadis_reply_unref);
}

static void
task_done_cb (TornadisReply *reply,
              const GError *error,
              gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  task_return_reply (task, reply, error);
}

static void
cancellable_call_done_cb (TornadisReply *reply,
                          const GError *error,
                          gpointer user_data)
{
  TornadisCancellableCall *data = user_data;
  g_autoptr (GTask) task = g_steal_pointer (&data->task);
  /* It is there until this returns. */
  gboolean answered = data->dispatched.call != NULL && data->dispatched.call->answered;

  g_clear_pointer (&data->watch, tornadis_cancel_watch_free);
  data->dispatched = (TornadisDispatched){ 0 };
  /* A reply that was read is the caller's, however late the call is cancelled: what BLPOP has popped is nowhere else. */
  g_task_set_check_cancellable (task, FALSE);
  if (reply != NULL || answered)
    task_return_reply (task, reply, error);
  else
    tornadis_cancel_watch_return_error (task, g_error_copy (error));
}

static gboolean
call_cancelled_cb (gpointer user_data)
{
  GTask *task = user_data;
  TornadisCancellableCall *data = g_task_get_task_data (task);
  g_autoptr (GError) error = tornadis_cancel_watch_dup_error (g_task_get_cancellable (task));

  tornadis_client_cancel (g_task_get_source_object (task), &data->dispatched, data, error);

  return G_SOURCE_REMOVE;
}

static void
client_call_task (TornadisClient *self,
                  TornadisCommand *command,
                  TornadisPipeline *pipeline,
                  GTask *task)
{
  TornadisCancellableCall *data;

  if (g_task_get_cancellable (task) == NULL)
    {
      tornadis_client_dispatch (self, command, pipeline, task_done_cb, g_object_ref (task), NULL);
      return;
    }

  if (tornadis_cancel_watch_return_error_if_cancelled (task))
    return;

  data = g_new0 (TornadisCancellableCall, 1);
  g_task_set_task_data (task, data, g_free);
  data->task = g_object_ref (task);
  data->watch = tornadis_cancel_watch_new_for_task (task, call_cancelled_cb);
  tornadis_client_dispatch (self, command, pipeline, cancellable_call_done_cb, data, &data->dispatched);
}

static void
client_call (TornadisClient *self,
             TornadisCommand *command,
             TornadisPipeline *pipeline,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer user_data,
             gpointer source_tag)
{
  g_autoptr (GTask) task = NULL;

  if (G_LIKELY (tornadis_client_result_suits (self)))
    {
      TornadisClientResult *result = tornadis_client_result_new (self, callback, user_data, source_tag);
      TornadisDispatched *dispatched = NULL;

      if (cancellable == NULL)
        client_dispatch (self, tornadis_client_get_private (self), command, pipeline, tornadis_client_result_return, result);
      else if ((dispatched = tornadis_client_result_watch (result, cancellable)) != NULL)
        tornadis_client_dispatch (self, command, pipeline, tornadis_client_result_return, result, dispatched);
      return;
    }

  task = tornadis_prelude_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, source_tag);
  client_call_task (self, command, pipeline, task);
}

static gboolean
client_is_result (TornadisClient *self,
                  GAsyncResult *result)
{
  return G_LIKELY (TORNADIS_IS_CLIENT_RESULT (result)) ? tornadis_client_result_is_of (TORNADIS_CLIENT_RESULT (result), self)
                                                       : g_task_is_valid (result, self);
}

static TornadisReply *
client_call_finish (GAsyncResult *result,
                    GError **error)
{
  return G_LIKELY (TORNADIS_IS_CLIENT_RESULT (result)) ? tornadis_client_result_propagate (TORNADIS_CLIENT_RESULT (result), error)
                                                       : g_task_propagate_pointer (G_TASK (result), error);
}

void
tornadis_client_call_connect (TornadisClient *self,
                              GTask *task)
{
  client_call_task (self, tornadis_client_get_connect_command (), NULL, task);
}

/**
 * tornadis_client_call_async:
 * @self: a client
 * @command: the command; it cannot be changed any more
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the reply is there or the call has failed
 * @user_data: passed to @callback
 *
 * Sends a command and waits for its reply.
 *
 * Cancelling completes the call at once. A command that was not yet written is not sent; the reply to one that was is
 * dropped when it comes, and no other call ever gets it. If the command waits for data, as `BLPOP` does, the connection is
 * closed before more is read. A reply that was read before that is the outcome of the call, however late it is cancelled,
 * and so is an error that a plugin gives, see [method@Tornadis.Call.return_error]; any other error is then
 * %G_IO_ERROR_CANCELLED.
 *
 * Equivalent of tornadis' `Client.call()`.
 *
 * Since: 1.0
 */
void
tornadis_client_call_async (TornadisClient *self,
                            TornadisCommand *command,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_return_if_fail (TORNADIS_IS_CLIENT (self));
  g_return_if_fail (command != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  client_call (self, command, NULL, cancellable, callback, user_data, tornadis_client_call_async);
}

/**
 * tornadis_client_call_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes a call started with [method@Tornadis.Client.call_async], and gets its reply.
 *
 * An error of the server is %TORNADIS_ERROR_REPLY with the server's words. Others are those of
 * [error@Tornadis.Error], and %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full): the reply
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_client_call_finish (TornadisClient *self,
                             GAsyncResult *result,
                             GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (client_is_result (self, result), NULL);

  return client_call_finish (result, error);
}

/**
 * tornadis_client_submit:
 * @self: a client
 * @command: the command; it cannot be changed any more
 * @func: (scope notified) (closure user_data) (nullable): called with the outcome; %NULL discards it
 * @user_data: passed to @func
 * @user_data_destroy: (nullable): frees @user_data, after @func was called
 *
 * Sends a command the light way: no [iface@Gio.AsyncResult] is made, and it cannot be cancelled. @func is called exactly
 * once, never before this function returns.
 *
 * The client must be kept until then: when it is disposed, its calls complete as with [method@Tornadis.Client.close].
 *
 * Equivalent of tornadis' `Client.async_call()`.
 *
 * Since: 1.0
 */
void
tornadis_client_submit (TornadisClient *self,
                        TornadisCommand *command,
                        TornadisReplyFunc func,
                        gpointer user_data,
                        GDestroyNotify user_data_destroy)
{
  g_return_if_fail (TORNADIS_IS_CLIENT (self));
  g_return_if_fail (command != NULL);

  client_submit (self, command, NULL, func, user_data, user_data_destroy);
}

/**
 * tornadis_client_call_pipeline_async:
 * @self: a client
 * @pipeline: the commands
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when all replies are there or the call has failed
 * @user_data: passed to @callback
 *
 * Sends all commands of a pipeline, with no other between them, and waits for all their replies. The pipeline
 * may be changed or sent again at once.
 *
 * Equivalent of tornadis' `Client.call()` with a `Pipeline`.
 *
 * Since: 1.0
 */
void
tornadis_client_call_pipeline_async (TornadisClient *self,
                                     TornadisPipeline *pipeline,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_return_if_fail (TORNADIS_IS_CLIENT (self));
  g_return_if_fail (TORNADIS_IS_PIPELINE (pipeline));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  client_call (self, NULL, pipeline, cancellable, callback, user_data, tornadis_client_call_pipeline_async);
}

/**
 * tornadis_client_call_pipeline_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes a call started with [method@Tornadis.Client.call_pipeline_async], and gets its replies: an array with one reply
 * for each command, in order. Errors of the server stay at their position, see [method@Tornadis.Reply.is_error]. When the
 * connection is lost half-way the whole call fails.
 *
 * For a pipeline that is [property@Tornadis.Pipeline:atomic] this is the reply of `EXEC`: the array, or a reply of kind
 * %TORNADIS_REPLY_KIND_NIL when a watched key was changed and nothing ran. When the server refused a command of it nothing
 * ran either and the error is %TORNADIS_ERROR_REPLY with the prefix `EXECABORT`; it names the command.
 *
 * Returns: (transfer full): the replies
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_client_call_pipeline_finish (TornadisClient *self,
                                      GAsyncResult *result,
                                      GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (client_is_result (self, result), NULL);

  return client_call_finish (result, error);
}

/**
 * tornadis_client_submit_pipeline:
 * @self: a client
 * @pipeline: the commands
 * @func: (scope notified) (closure user_data) (nullable): called with the outcome; %NULL discards it
 * @user_data: passed to @func
 * @user_data_destroy: (nullable): frees @user_data, after @func was called
 *
 * Sends a pipeline as [method@Tornadis.Client.submit] sends a command.
 *
 * Equivalent of tornadis' `Client.async_call()` with a `Pipeline`.
 *
 * Since: 1.0
 */
void
tornadis_client_submit_pipeline (TornadisClient *self,
                                 TornadisPipeline *pipeline,
                                 TornadisReplyFunc func,
                                 gpointer user_data,
                                 GDestroyNotify user_data_destroy)
{
  g_return_if_fail (TORNADIS_IS_CLIENT (self));
  g_return_if_fail (TORNADIS_IS_PIPELINE (pipeline));

  client_submit (self, NULL, pipeline, func, user_data, user_data_destroy);
}
