/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-subscriptions.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-subscription-restorer.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/* What becomes of a name, whose states are those of TornadisSubscriptionName:
 *
 *   confirmed and wanted       It is the user's. On a new link it is restored, if a call for it has succeeded.
 *   confirmed and not wanted   It is unsubscribed from, unless that is pending. Without a link it is removed.
 *   refused when restored      It is removed.
 *
 * The user is notified when a name becomes confirmed, and when it is removed: of both or of none. */

struct _TornadisSubscriptions
{
  TornadisClient *client; /* (unowned) the owner */
  TornadisSubscriptionsFuncs funcs;
  TornadisSubscriptionNames names;
  TornadisSubscriptionRestorer restorer;
};

/* A call for some names of one kind. The queue's slot owns it. */
typedef struct
{
  TornadisSubscriptions *owner; /* (unowned) its calls complete before it is freed */
  GTask *task;                  /* (owned) (nullable) NULL: one of the table's own */
  TornadisCancelWatch *watch;   /* (owned) (nullable) */
  GPtrArray *names;             /* (owned) (element-type GBytes) */
  guint64 serial;
  guint64 id; /* in the queue; 0: never came to it */
  TornadisSubscriptionKind kind;
  gboolean subscribe;
  gboolean counted; /* its outcome, see call_end() */
} TornadisSubscriptionCall;

static gboolean
name_ends_with_link (const TornadisSubscriptionName *name)
{
  return name->confirmed && !name->granted;
}

static gboolean
name_can_end (const TornadisSubscriptionName *name)
{
  return tornadis_subscription_name_is_wanted (name) || (name->confirmed && name->n_ending == 0);
}

static gboolean
name_is_left_over (const TornadisSubscriptionName *name)
{
  return name->confirmed && name->n_ending == 0 && !tornadis_subscription_name_is_wanted (name);
}

static gboolean
subscriptions_has_link (TornadisSubscriptions *self)
{
  return tornadis_link_get_state (tornadis_client_get_link (self->client)) == TORNADIS_CLIENT_STATE_CONNECTED;
}

/* The server does not have it any more, or does not let it be restored. */
static void
subscriptions_remove (TornadisSubscriptions *self,
                      TornadisSubscriptionKind kind,
                      GBytes *bytes)
{
  if (tornadis_subscription_names_set_confirmed (&self->names, kind, bytes, FALSE))
    self->funcs.changed (self->client, kind, FALSE, bytes, self->names.n_confirmed);
}

static void subscriptions_undo (TornadisSubscriptions *self,
                                TornadisSubscriptionKind kind,
                                GPtrArray *names);

/* Without a link the server has no names but those that will be restored. A handler may run a main loop until the next
 * link is up: that one is asked about the rest. */
static void
subscriptions_sweep (TornadisSubscriptions *self)
{
  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    {
      g_autoptr (GPtrArray) names = tornadis_subscription_names_select (&self->names, kind, name_ends_with_link);

      for (guint i = 0; i < names->len && !subscriptions_has_link (self); i++)
        subscriptions_remove (self, kind, g_ptr_array_index (names, i));
      if (subscriptions_has_link (self))
        subscriptions_undo (self, kind, names);
    }
}

static TornadisSubscriptionCall *
call_new (TornadisSubscriptions *self,
          TornadisSubscriptionKind kind,
          gboolean subscribe,
          GPtrArray *names)
{
  TornadisSubscriptionCall *call = g_new0 (TornadisSubscriptionCall, 1);

  call->owner = self;
  call->kind = kind;
  call->subscribe = subscribe;
  call->names = g_ptr_array_ref (names);
  call->serial = self->names.serial;

  return call;
}

static void
call_free (TornadisSubscriptionCall *call)
{
  g_assert (call->watch == NULL && call->task == NULL);

  g_ptr_array_unref (call->names);
  g_free (call);
}

static gboolean
call_send (TornadisSubscriptionCall *call,
           TornadisSlotFlags flags,
           TornadisSlotFunc func,
           GError **error)
{
  g_autoptr (TornadisCommand) command = tornadis_subscription_make_command (call->kind, call->subscribe, call->names);
  const TornadisOrigin caller = { .func = func, .user_data = call };

  return tornadis_link_submit (tornadis_client_get_link (call->owner->client), command, flags, &caller, &call->id, error);
}

static void
call_begin (TornadisSubscriptionCall *call)
{
  TornadisSubscriptionNames *names = &call->owner->names;

  for (guint i = 0; i < call->names->len; i++)
    if (call->subscribe)
      tornadis_subscription_names_ask (names, call->kind, g_ptr_array_index (call->names, i));
    else
      tornadis_subscription_names_set_ending (names, call->kind, g_ptr_array_index (call->names, i), TRUE);
}

/* Counts the outcome, once: as soon as it is known, because handlers may run a main loop before the call completes. */
static void
call_end (TornadisSubscriptionCall *call,
          gboolean ok)
{
  TornadisSubscriptionNames *names = &call->owner->names;

  if (call->counted)
    return;

  call->counted = TRUE;
  for (guint i = 0; i < call->names->len; i++)
    if (call->subscribe)
      tornadis_subscription_names_answer (names, call->kind, g_ptr_array_index (call->names, i), call->serial, ok);
    else
      tornadis_subscription_names_set_ending (names, call->kind, g_ptr_array_index (call->names, i), FALSE);
}

/* The call completes. When it was given up it may have come to the server, or not, and when it was refused it may have
 * begun: what nobody wants is unsubscribed from. */
static void
call_leave_names (TornadisSubscriptionCall *call,
                  gboolean ok)
{
  TornadisSubscriptions *self = call->owner;

  call_end (call, ok);
  if (ok)
    return;

  if (subscriptions_has_link (self))
    subscriptions_undo (self, call->kind, call->names);
  else
    subscriptions_sweep (self);
}

static void
undo_done_cb (TornadisReply *reply,
              const GError *error,
              gpointer user_data)
{
  TornadisSubscriptionCall *call = user_data;
  TornadisSubscriptions *self = call->owner;
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);

  if (reply != NULL && tornadis_reply_is_error (reply))
    call_end (call, FALSE);
  else
    call_leave_names (call, reply != NULL);
  call_free (call);
}

/* Those of @names that the server has and nobody wants are unsubscribed from. */
static void
subscriptions_undo (TornadisSubscriptions *self,
                    TornadisSubscriptionKind kind,
                    GPtrArray *names)
{
  g_autoptr (GPtrArray) left_over = tornadis_subscription_names_new_array ();
  TornadisSubscriptionCall *call;

  for (guint i = 0; i < names->len; i++)
    {
      GBytes *bytes = g_ptr_array_index (names, i);
      const TornadisSubscriptionName *name = tornadis_subscription_names_lookup (&self->names, kind, bytes);

      if (name != NULL && name_is_left_over (name))
        g_ptr_array_add (left_over, g_bytes_ref (bytes));
    }

  if (left_over->len == 0)
    return;

  call = call_new (self, kind, FALSE, left_over);
  call_begin (call);
  if (!call_send (call, TORNADIS_SLOT_LINK_ONLY, undo_done_cb, NULL))
    {
      call_end (call, FALSE);
      call_free (call);
    }
}

/* Confirmed, refused by the server, given up by who made it, or lost. */
static void
call_done_cb (TornadisReply *reply,
              const GError *error,
              gpointer user_data)
{
  TornadisSubscriptionCall *call = user_data;
  TornadisSubscriptions *self = call->owner;
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);
  g_autoptr (GTask) task = g_steal_pointer (&call->task);
  GError *failure = error != NULL ? g_error_copy (error) : tornadis_reply_dup_error (reply);

  g_clear_pointer (&call->watch, tornadis_cancel_watch_free);
  call_leave_names (call, failure == NULL);
  call_free (call);

  if (failure != NULL)
    g_task_return_error (task, failure);
  else
    g_task_return_boolean (task, TRUE);
  self->funcs.settled (self->client);
}

static gboolean
call_cancelled_cb (gpointer user_data)
{
  TornadisSubscriptionCall *call = g_task_get_task_data (user_data);
  g_autoptr (GError) error = tornadis_cancel_watch_dup_error (g_task_get_cancellable (user_data));

  tornadis_link_cancel (tornadis_client_get_link (call->owner->client), call->id, call, error);

  return G_SOURCE_REMOVE;
}

static void
subscriptions_call (TornadisSubscriptions *self,
                    TornadisSubscriptionKind kind,
                    gboolean subscribe,
                    GPtrArray *names,
                    GTask *task)
{
  TornadisSubscriptionCall *call = call_new (self, kind, subscribe, names);
  GError *error = NULL;

  call_begin (call);
  call->task = g_object_ref (task);
  g_task_set_task_data (task, call, NULL);
  /* What has come about is returned, however late it is cancelled. */
  g_task_set_check_cancellable (task, FALSE);
  call->watch = tornadis_cancel_watch_new_for_task (task, call_cancelled_cb);

  if (!call_send (call, TORNADIS_SLOT_DEFAULT, call_done_cb, &error))
    tornadis_client_defer_error (self->client, call_done_cb, call, error);
}

static void
restorer_refused_cb (TornadisSubscriptionKind kind,
                     GBytes *bytes,
                     gpointer user_data)
{
  TornadisSubscriptions *self = user_data;

  tornadis_subscription_names_revoke (&self->names, kind, bytes);
  subscriptions_remove (self, kind, bytes);
  self->funcs.settled (self->client);
}

static void
restorer_restored_cb (gboolean complete,
                      gpointer user_data)
{
  TornadisSubscriptions *self = user_data;

  self->funcs.restored (self->client, complete);
}

void
tornadis_subscriptions_restore (TornadisSubscriptions *self,
                                TornadisQueue *queue)
{
  tornadis_subscription_restorer_start (&self->restorer, queue);
}

void
tornadis_subscriptions_link_lost (TornadisSubscriptions *self)
{
  /* Callbacks of the calls that were lost may have run the main loop until the next link was up. */
  if (!subscriptions_has_link (self))
    tornadis_subscription_restorer_stop (&self->restorer);
  subscriptions_sweep (self);
  self->funcs.settled (self->client);
}

static void
subscriptions_confirm (TornadisSubscriptions *self,
                       TornadisSubscriptionKind kind,
                       gboolean subscribe,
                       GBytes *bytes,
                       TornadisReply *push)
{
  TornadisQueue *queue = tornadis_link_get_queue (tornadis_client_get_link (self->client));
  TornadisCompletion completion;
  gboolean asked = tornadis_queue_confirm (queue, tornadis_subscription_verbs[kind][subscribe], bytes, &completion);
  gboolean changed;

  /* What nobody asked for the server does by itself: it ends subscriptions, and begins none. */
  if (!asked && subscribe)
    return;

  if (!asked)
    tornadis_subscription_names_revoke (&self->names, kind, bytes);
  changed = tornadis_subscription_names_set_confirmed (&self->names, kind, bytes, subscribe);
  if (completion.func == call_done_cb || completion.func == undo_done_cb)
    call_end (completion.user_data, TRUE);

  if (subscribe)
    {
      g_autoptr (GPtrArray) names = tornadis_subscription_names_new_array ();

      g_ptr_array_add (names, g_bytes_ref (bytes));
      subscriptions_undo (self, kind, names);
    }

  /* The call is out of the queue already: a handler may wait for another one. */
  if (changed)
    self->funcs.changed (self->client, kind, subscribe, bytes,
                         (guint) CLAMP (tornadis_reply_get_integer (push->v.elements[2]), 0, G_MAXUINT));

  tornadis_completion_run (&completion, push, NULL);
  tornadis_completion_clear (&completion);
  self->funcs.settled (self->client);
}

gboolean
tornadis_subscriptions_push (TornadisSubscriptions *self,
                             TornadisReply *push)
{
  TornadisReply **elements = push->v.elements;

  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    for (guint subscribe = 0; subscribe < 2; subscribe++)
      if (tornadis_reply_equals_text (elements[0], tornadis_subscription_verbs[kind][subscribe]))
        {
          g_autoptr (GBytes) name = tornadis_reply_get_bytes (elements[1]);

          /* No name: there was nothing to unsubscribe from, which is never asked for. */
          if (name != NULL)
            subscriptions_confirm (self, kind, subscribe, name, push);
          return TRUE;
        }

  return FALSE;
}

TornadisSubscriptions *
tornadis_subscriptions_new (TornadisClient *client,
                            const TornadisSubscriptionsFuncs *funcs)
{
  TornadisSubscriptions *self = g_new0 (TornadisSubscriptions, 1);

  self->client = client;
  self->funcs = *funcs;
  tornadis_subscription_names_init (&self->names);
  self->restorer = (TornadisSubscriptionRestorer){ client, &self->names, restorer_refused_cb, restorer_restored_cb, self };

  return self;
}

void
tornadis_subscriptions_free (TornadisSubscriptions *self)
{
  tornadis_subscription_restorer_clear (&self->restorer);
  tornadis_subscription_names_clear (&self->names);
  g_free (self);
}

gboolean
tornadis_subscriptions_is_wanted (TornadisSubscriptions *self)
{
  return self->names.n_wanted > 0;
}

gboolean
tornadis_subscriptions_is_subscribed (TornadisSubscriptions *self)
{
  return self->names.n_subscribed > 0;
}

guint
tornadis_subscriptions_get_n_confirmed (TornadisSubscriptions *self)
{
  return self->names.n_confirmed;
}

gboolean
tornadis_subscriptions_wants (TornadisSubscriptions *self,
                              TornadisSubscriptionKind kind,
                              GBytes *bytes)
{
  const TornadisSubscriptionName *name = tornadis_subscription_names_lookup (&self->names, kind, bytes);

  return name != NULL && tornadis_subscription_name_is_wanted (name);
}

gboolean
tornadis_subscriptions_has_channel (TornadisSubscriptions *self,
                                    const char *channel)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (channel, strlen (channel));
  const TornadisSubscriptionName *name =
    tornadis_subscription_names_lookup (&self->names, TORNADIS_SUBSCRIPTION_KIND_CHANNEL, bytes);

  return name != NULL && name->confirmed && tornadis_subscription_name_is_wanted (name);
}

void
tornadis_subscriptions_subscribe (TornadisSubscriptions *self,
                                  TornadisSubscriptionKind kind,
                                  GPtrArray *names,
                                  GTask *task)
{
  self->names.serial++;
  subscriptions_call (self, kind, TRUE, names, task);
}

void
tornadis_subscriptions_unsubscribe (TornadisSubscriptions *self,
                                    TornadisSubscriptionKind kind,
                                    GPtrArray *names,
                                    GTask *task)
{
  TornadisQueue *queue = tornadis_link_get_queue (tornadis_client_get_link (self->client));
  g_autoptr (GPtrArray) ended = names->len > 0
                                  ? g_ptr_array_ref (names)
                                  : tornadis_subscription_names_select (&self->names, kind, name_can_end);

  self->names.serial++;
  for (guint i = 0; i < ended->len; i++)
    tornadis_subscription_names_disown (&self->names, kind, g_ptr_array_index (ended, i));

  /* Without a link, and none pending that would subscribe first, the server knows of nothing. */
  if (ended->len == 0 || (tornadis_queue_get_length (queue) == 0 && !subscriptions_has_link (self)))
    {
      subscriptions_sweep (self);
      g_task_return_boolean (task, TRUE);
    }
  else
    subscriptions_call (self, kind, FALSE, ended, task);

  self->funcs.settled (self->client);
}
