/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-subscriptions.h"

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-backoff.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

/* What is known of a name:
 *
 *   asked for   By calls that have not completed.
 *   granted     Such a call has succeeded. It is restored on every new link.
 *   confirmed   The server has it, or had it on the link before: "added" was emitted, and "removed" was not.
 *   ending      An UNSUBSCRIBE of it is in the queue.
 *
 * A name is wanted that is asked for or granted, and stays in its table while any of these is true. One that is confirmed
 * and not wanted is unsubscribed from; without a link it is removed. Granted names survive the link, others do not.
 *
 * The order of calls decides which of them count: a name that was unsubscribed from is no longer that of the calls
 * before, although these complete later. */

typedef struct
{
  GBytes *bytes;  /* (owned) */
  guint64 since;  /* serial of the first call that counts */
  guint n_asking; /* calls that subscribe to it, and count */
  guint n_ending; /* calls that unsubscribe from it */
  guint8 granted : 1;
  guint8 confirmed : 1;
  guint8 postponed : 1; /* the server was not ready to restore it on this link */
} TornadisName;

struct _TornadisSubscriptions
{
  TornadisClient *client; /* (unowned) the owner */
  TornadisSubscriptionsFuncs funcs;
  GHashTable *names[TORNADIS_N_SUBSCRIPTION_KINDS]; /* (owned) (element-type GBytes TornadisName) */
  guint n_wanted;
  guint n_confirmed;
  guint n_subscribed; /* wanted and confirmed */
  guint64 serial;     /* of the last call */
  guint64 link;       /* counts the links */
  guint n_restoring;  /* calls that restore names on this link */
  GSource *retry;     /* (owned) (nullable) while names are postponed */
  TornadisBackoff backoff;
};

/* A call for some names of one kind. The queue's slot owns it. */
typedef struct
{
  TornadisSubscriptions *owner; /* (unowned) its calls complete before it is freed */
  GTask *task;                  /* (owned) (nullable) NULL: made by the table */
  TornadisCancelWatch *watch;   /* (owned) (nullable) */
  GPtrArray *names;             /* (owned) (element-type GBytes) */
  guint64 serial;
  guint64 id;             /* in the queue; 0: never came to it */
  guint64 restoring_link; /* the link on which it restores names; 0: it does not */
  TornadisSubscriptionKind kind;
  gboolean subscribe;
} TornadisSubscriptionCall;

/* As the server says them; [FALSE] ends what [TRUE] begins. */
static const char *const verbs[TORNADIS_N_SUBSCRIPTION_KINDS][2] = {
  [TORNADIS_SUBSCRIPTION_CHANNEL] = { "unsubscribe", "subscribe" },
  [TORNADIS_SUBSCRIPTION_PATTERN] = { "punsubscribe", "psubscribe" },
  [TORNADIS_SUBSCRIPTION_SHARD] = { "sunsubscribe", "ssubscribe" },
};

static void subscriptions_restore_alone (TornadisSubscriptions *self,
                                         TornadisSubscriptionKind kind,
                                         GBytes *bytes);

static GPtrArray *
names_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
}

static void
name_free (gpointer data)
{
  TornadisName *name = data;

  g_bytes_unref (name->bytes);
  g_free (name);
}

static inline gboolean
name_is_wanted (const TornadisName *name)
{
  return name->n_asking > 0 || name->granted;
}

static TornadisName *
subscriptions_lookup (TornadisSubscriptions *self,
                      TornadisSubscriptionKind kind,
                      GBytes *bytes)
{
  return g_hash_table_lookup (self->names[kind], bytes);
}

static TornadisName *
subscriptions_ensure (TornadisSubscriptions *self,
                      TornadisSubscriptionKind kind,
                      GBytes *bytes)
{
  TornadisName *name = subscriptions_lookup (self, kind, bytes);

  if (name == NULL)
    {
      name = g_new0 (TornadisName, 1);
      name->bytes = g_bytes_ref (bytes);
      name->since = self->serial;
      g_hash_table_insert (self->names[kind], name->bytes, name);
    }

  return name;
}

/* Every change of a name stands between these two; the second may free it. */
static void
subscriptions_begin_change (TornadisSubscriptions *self,
                            const TornadisName *name)
{
  self->n_wanted -= name_is_wanted (name);
  self->n_confirmed -= name->confirmed;
  self->n_subscribed -= name_is_wanted (name) && name->confirmed;
}

static void
subscriptions_end_change (TornadisSubscriptions *self,
                          TornadisSubscriptionKind kind,
                          const TornadisName *name)
{
  self->n_wanted += name_is_wanted (name);
  self->n_confirmed += name->confirmed;
  self->n_subscribed += name_is_wanted (name) && name->confirmed;

  if (!name_is_wanted (name) && !name->confirmed && name->n_ending == 0)
    g_hash_table_remove (self->names[kind], name->bytes);
}

static gboolean
subscriptions_has_link (TornadisSubscriptions *self)
{
  return tornadis_link_get_state (tornadis_client_get_link (self->client)) == TORNADIS_CLIENT_STATE_CONNECTED;
}

/* The server does not have a name any more, or does not let it be restored. */
static void
subscriptions_remove (TornadisSubscriptions *self,
                      TornadisSubscriptionKind kind,
                      GBytes *bytes,
                      gboolean keep_granted)
{
  TornadisName *name = subscriptions_lookup (self, kind, bytes);
  gboolean was_confirmed = name->confirmed;

  subscriptions_begin_change (self, name);
  name->confirmed = FALSE;
  name->granted &= keep_granted;
  subscriptions_end_change (self, kind, name);

  if (was_confirmed)
    self->funcs.changed (self->client, FALSE, bytes, self->n_confirmed);
}

/* Without a link the server has no names but those that will be restored. */
static void
subscriptions_sweep (TornadisSubscriptions *self)
{
  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    {
      g_autoptr (GPtrArray) names = names_new ();
      GHashTableIter iter;
      gpointer value;

      g_hash_table_iter_init (&iter, self->names[kind]);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        if (((TornadisName *) value)->confirmed && !((TornadisName *) value)->granted)
          g_ptr_array_add (names, g_bytes_ref (((TornadisName *) value)->bytes));

      for (guint i = 0; i < names->len && !subscriptions_has_link (self); i++)
        {
          TornadisName *name = subscriptions_lookup (self, kind, g_ptr_array_index (names, i));

          if (name != NULL && name->confirmed && !name->granted)
            subscriptions_remove (self, kind, g_ptr_array_index (names, i), FALSE);
        }
    }
}

/* Calls. */

static void
call_free (TornadisSubscriptionCall *call)
{
  g_assert (call->watch == NULL && call->task == NULL);

  g_ptr_array_unref (call->names);
  g_free (call);
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
  call->serial = self->serial;

  return call;
}

static TornadisCommand *
call_make_command (TornadisSubscriptionCall *call)
{
  g_autofree char *verb = g_ascii_strup (verbs[call->kind][call->subscribe], -1);
  TornadisCommand *command = tornadis_command_new (verb);

  for (guint i = 0; i < call->names->len; i++)
    tornadis_command_append_bytes (command, g_ptr_array_index (call->names, i));

  return command;
}

static gboolean
call_send (TornadisSubscriptionCall *call,
           TornadisSlotFlags flags,
           TornadisSlotFunc func,
           GError **error)
{
  g_autoptr (TornadisCommand) command = call_make_command (call);

  return tornadis_link_submit (tornadis_client_get_link (call->owner->client), command, flags, 0, func, call, &call->id, error);
}

/* The call begins, or completes. */
static void
call_count_names (TornadisSubscriptionCall *call,
                  gboolean begins,
                  gboolean ok)
{
  TornadisSubscriptions *self = call->owner;

  for (guint i = 0; i < call->names->len; i++)
    {
      GBytes *bytes = g_ptr_array_index (call->names, i);
      TornadisName *name = begins ? subscriptions_ensure (self, call->kind, bytes) : subscriptions_lookup (self, call->kind, bytes);

      if (name == NULL || (call->subscribe && name->since > call->serial))
        continue;

      subscriptions_begin_change (self, name);
      if (call->subscribe)
        {
          name->n_asking += begins ? 1 : -1;
          name->granted |= ok;
        }
      else
        name->n_ending += begins ? 1 : -1;
      subscriptions_end_change (self, call->kind, name);
    }
}

static void
undo_done_cb (TornadisReply *reply,
              const GError *error,
              gpointer user_data)
{
  TornadisSubscriptionCall *call = user_data;
  TornadisSubscriptions *self = call->owner;
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);

  call_count_names (call, FALSE, FALSE);
  subscriptions_sweep (self);
  call_free (call);
}

/* Those of @names that the server has and nobody wants are unsubscribed from. */
static void
subscriptions_undo (TornadisSubscriptions *self,
                    TornadisSubscriptionKind kind,
                    GPtrArray *names)
{
  g_autoptr (GPtrArray) unwanted = names_new ();
  TornadisSubscriptionCall *call;

  for (guint i = 0; i < names->len; i++)
    {
      const TornadisName *name = subscriptions_lookup (self, kind, g_ptr_array_index (names, i));

      if (name != NULL && name->confirmed && !name_is_wanted (name) && name->n_ending == 0)
        g_ptr_array_add (unwanted, g_bytes_ref (name->bytes));
    }

  if (unwanted->len == 0)
    return;

  call = call_new (self, kind, FALSE, unwanted);
  call_count_names (call, TRUE, FALSE);
  if (!call_send (call, TORNADIS_SLOT_LINK_ONLY, undo_done_cb, NULL))
    {
      call_count_names (call, FALSE, FALSE);
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
  g_autoptr (GError) failure = error != NULL ? g_error_copy (error) : tornadis_reply_dup_error (reply);

  g_clear_pointer (&call->watch, tornadis_cancel_watch_free);
  call_count_names (call, FALSE, failure == NULL);

  /* A call that was given up may have reached the server, or not. */
  if (error != NULL && subscriptions_has_link (self))
    subscriptions_undo (self, call->kind, call->names);
  else if (error != NULL)
    subscriptions_sweep (self);

  if (failure != NULL)
    g_task_return_error (task, g_steal_pointer (&failure));
  else
    g_task_return_boolean (task, TRUE);

  self->funcs.settled (self->client);
  call_free (call);
}

static gboolean
call_cancelled_cb (gpointer user_data)
{
  TornadisSubscriptionCall *call = g_task_get_task_data (user_data);
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Operation was cancelled");

  tornadis_link_cancel (tornadis_client_get_link (call->owner->client), call->id, error);

  return G_SOURCE_REMOVE;
}

/* Begins a call, whose @task is returned from the main loop. */
static void
subscriptions_call (TornadisSubscriptions *self,
                    TornadisSubscriptionKind kind,
                    gboolean subscribe,
                    GPtrArray *names,
                    GTask *task)
{
  TornadisSubscriptionCall *call = call_new (self, kind, subscribe, names);
  GError *error = NULL;

  call_count_names (call, TRUE, FALSE);
  call->task = g_object_ref (task);
  g_task_set_task_data (task, call, NULL);
  /* What has come about is returned, however late it is cancelled. */
  g_task_set_check_cancellable (task, FALSE);
  call->watch = tornadis_cancel_watch_new (task, call_cancelled_cb);

  if (!call_send (call, TORNADIS_SLOT_DEFAULT, call_done_cb, &error))
    tornadis_client_defer_error (self->client, call_done_cb, call, error);
}

/* Restoring. */

static void
subscriptions_clear_retry (TornadisSubscriptions *self)
{
  if (self->retry == NULL)
    return;

  g_source_destroy (self->retry);
  g_clear_pointer (&self->retry, g_source_unref);
}

static gboolean
retry_cb (gpointer user_data)
{
  TornadisSubscriptions *self = user_data;

  subscriptions_clear_retry (self);

  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS && subscriptions_has_link (self); kind++)
    {
      GHashTableIter iter;
      gpointer value;

      g_hash_table_iter_init (&iter, self->names[kind]);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        {
          TornadisName *name = value;
          gboolean again = name->postponed && name->granted;

          name->postponed = FALSE;
          if (again)
            subscriptions_restore_alone (self, kind, name->bytes);
        }
    }

  return G_SOURCE_REMOVE;
}

static void
subscriptions_postpone (TornadisSubscriptions *self,
                        TornadisSubscriptionKind kind,
                        GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++)
    {
      TornadisName *name = subscriptions_lookup (self, kind, g_ptr_array_index (names, i));

      if (name != NULL)
        name->postponed = TRUE;
    }

  if (self->retry != NULL)
    return;

  self->retry = g_timeout_source_new (tornadis_backoff_next (&self->backoff));
  g_source_set_static_name (self->retry, "[tornadis] restore subscriptions");
  g_source_set_callback (self->retry, retry_cb, self, NULL);
  g_source_attach (self->retry, tornadis_client_get_context (self->client));
}

/* Not on this server. What is forbidden, or another server's, does not take with it the names of the same command. */
static void
subscriptions_drop (TornadisSubscriptions *self,
                    TornadisSubscriptionKind kind,
                    GPtrArray *names)
{
  for (guint i = 0; i < names->len; i++)
    {
      GBytes *bytes = g_ptr_array_index (names, i);
      const TornadisName *name = subscriptions_lookup (self, kind, bytes);

      if (name == NULL || !name->granted)
        continue;

      if (names->len > 1)
        subscriptions_restore_alone (self, kind, bytes);
      else
        subscriptions_remove (self, kind, bytes, FALSE);
    }
}

/* Refusals that pass, whatever the name is. */
static gboolean
is_passing (const char *prefix)
{
  static const char *const prefixes[] = { "BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "TRYAGAIN", NULL };

  return prefix != NULL && g_strv_contains (prefixes, prefix);
}

static void
restore_done_cb (TornadisReply *reply,
                 const GError *error,
                 gpointer user_data)
{
  TornadisSubscriptionCall *call = user_data;
  TornadisSubscriptions *self = call->owner;
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);
  g_autoptr (GError) refusal = reply != NULL ? tornadis_reply_dup_error (reply) : NULL;
  g_autofree char *prefix = refusal != NULL ? tornadis_error_dup_prefix (refusal) : NULL;

  /* Callbacks of what was lost with a link may run the main loop until the next one is up. */
  if (call->restoring_link == self->link)
    self->n_restoring--;

  if (call->restoring_link == self->link && subscriptions_has_link (self))
    {
      if (error != NULL || is_passing (prefix))
        subscriptions_postpone (self, call->kind, call->names);
      else if (g_strcmp0 (prefix, "NOAUTH") == 0)
        tornadis_link_try_again (tornadis_client_get_link (self->client), refusal);
      else if (refusal != NULL)
        subscriptions_drop (self, call->kind, call->names);
    }

  if (call->restoring_link == self->link && self->n_restoring == 0 && subscriptions_has_link (self))
    self->funcs.restored (self->client, self->retry == NULL);

  self->funcs.settled (self->client);
  call_free (call);
}

static TornadisSubscriptionCall *
restore_new (TornadisSubscriptions *self,
             TornadisSubscriptionKind kind,
             GPtrArray *names)
{
  TornadisSubscriptionCall *call = call_new (self, kind, TRUE, names);

  call->restoring_link = self->link;
  self->n_restoring++;

  return call;
}

static void
subscriptions_restore_alone (TornadisSubscriptions *self,
                             TornadisSubscriptionKind kind,
                             GBytes *bytes)
{
  g_autoptr (GPtrArray) names = names_new ();
  TornadisSubscriptionCall *call;

  g_ptr_array_add (names, g_bytes_ref (bytes));
  call = restore_new (self, kind, names);
  if (call_send (call, TORNADIS_SLOT_LINK_ONLY, restore_done_cb, NULL))
    return;

  self->n_restoring--;
  call_free (call);
  subscriptions_postpone (self, kind, names);
}

static void
subscriptions_restore_first (TornadisSubscriptions *self,
                             TornadisSubscriptionKind kind,
                             GPtrArray *names,
                             TornadisQueue *queue)
{
  TornadisSubscriptionCall *call = restore_new (self, kind, names);
  g_autoptr (TornadisCommand) command = call_make_command (call);

  tornadis_queue_push_front (queue, command, TORNADIS_SLOT_LINK_ONLY, restore_done_cb, call);
}

void
tornadis_subscriptions_restore (TornadisSubscriptions *self,
                                TornadisQueue *queue)
{
  self->link++;
  self->n_restoring = 0;
  tornadis_backoff_reset (&self->backoff);
  subscriptions_clear_retry (self);

  for (guint kind = TORNADIS_N_SUBSCRIPTION_KINDS; kind-- > 0;)
    {
      g_autoptr (GPtrArray) names = names_new ();
      GHashTableIter iter;
      gpointer value;

      g_hash_table_iter_init (&iter, self->names[kind]);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        {
          TornadisName *name = value;

          name->postponed = FALSE;
          if (name->granted)
            g_ptr_array_add (names, g_bytes_ref (name->bytes));

          /* In a cluster the shard channels of one command must share a slot. */
          if (kind == TORNADIS_SUBSCRIPTION_SHARD && names->len > 0)
            {
              subscriptions_restore_first (self, kind, names, queue);
              g_ptr_array_unref (names);
              names = names_new ();
            }
        }

      if (names->len > 0)
        subscriptions_restore_first (self, kind, names, queue);
    }
}

void
tornadis_subscriptions_link_lost (TornadisSubscriptions *self)
{
  subscriptions_clear_retry (self);
  subscriptions_sweep (self);
  self->funcs.settled (self->client);
}

/* What the server says. */

static void
subscriptions_confirm (TornadisSubscriptions *self,
                       TornadisSubscriptionKind kind,
                       gboolean subscribe,
                       GBytes *bytes,
                       TornadisReply *push)
{
  TornadisQueue *queue = tornadis_link_get_queue (tornadis_client_get_link (self->client));
  TornadisCompletion completion;
  gboolean asked = tornadis_queue_confirm (queue, verbs[kind][subscribe], bytes, &completion);
  TornadisName *name = subscriptions_lookup (self, kind, bytes);
  gboolean changed = FALSE;

  if (asked && subscribe)
    name = subscriptions_ensure (self, kind, bytes);

  /* What nobody asked for the server does by itself: it can end a subscription, and begin none. */
  if (name != NULL && (asked || !subscribe))
    {
      changed = name->confirmed != subscribe;
      subscriptions_begin_change (self, name);
      name->confirmed = subscribe;
      name->granted &= asked;
      subscriptions_end_change (self, kind, name);
    }

  if (asked && subscribe)
    {
      g_autoptr (GPtrArray) names = names_new ();

      g_ptr_array_add (names, g_bytes_ref (bytes));
      subscriptions_undo (self, kind, names);
    }

  if (changed)
    self->funcs.changed (self->client, subscribe, bytes,
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
    for (guint subscribe = 0; subscribe < G_N_ELEMENTS (verbs[kind]); subscribe++)
      if (tornadis_reply_equals_text (elements[0], verbs[kind][subscribe]))
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
  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    self->names[kind] = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, NULL, name_free);

  return self;
}

void
tornadis_subscriptions_free (TornadisSubscriptions *self)
{
  g_assert (self->n_restoring == 0);

  subscriptions_clear_retry (self);
  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    g_hash_table_unref (self->names[kind]);
  g_free (self);
}

gboolean
tornadis_subscriptions_is_wanted (TornadisSubscriptions *self)
{
  return self->n_wanted > 0;
}

gboolean
tornadis_subscriptions_is_subscribed (TornadisSubscriptions *self)
{
  return self->n_subscribed > 0;
}

void
tornadis_subscriptions_subscribe (TornadisSubscriptions *self,
                                  TornadisSubscriptionKind kind,
                                  GPtrArray *names,
                                  GTask *task)
{
  if (names->len == 0)
    {
      g_autofree char *verb = g_ascii_strup (verbs[kind][TRUE], -1);

      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "%s needs at least one name", verb);
      return;
    }

  self->serial++;
  subscriptions_call (self, kind, TRUE, names, task);
}

/* All that there are. */
static GPtrArray *
subscriptions_make_names (TornadisSubscriptions *self,
                          TornadisSubscriptionKind kind)
{
  GPtrArray *names = names_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->names[kind]);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const TornadisName *name = value;

      if (name_is_wanted (name) || (name->confirmed && name->n_ending == 0))
        g_ptr_array_add (names, g_bytes_ref (name->bytes));
    }

  return names;
}

void
tornadis_subscriptions_unsubscribe (TornadisSubscriptions *self,
                                    TornadisSubscriptionKind kind,
                                    GPtrArray *names,
                                    GTask *task)
{
  g_autoptr (GPtrArray) ended = names->len > 0 ? g_ptr_array_ref (names) : subscriptions_make_names (self, kind);
  gsize n_pending = tornadis_queue_get_length (tornadis_link_get_queue (tornadis_client_get_link (self->client)));

  self->serial++;
  for (guint i = 0; i < ended->len; i++)
    {
      TornadisName *name = subscriptions_lookup (self, kind, g_ptr_array_index (ended, i));

      if (name == NULL)
        continue;

      subscriptions_begin_change (self, name);
      name->since = self->serial;
      name->n_asking = 0;
      name->granted = FALSE;
      subscriptions_end_change (self, kind, name);
    }

  /* Without a link, and none pending that would subscribe first, the server knows of nothing. */
  if (ended->len == 0 || (n_pending == 0 && !subscriptions_has_link (self)))
    {
      subscriptions_sweep (self);
      g_task_return_boolean (task, TRUE);
    }
  else
    subscriptions_call (self, kind, FALSE, ended, task);

  self->funcs.settled (self->client);
}
