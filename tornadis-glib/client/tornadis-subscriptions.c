/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-subscriptions.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

static const struct
{
  const char *subscribe;
  const char *unsubscribe;
} kinds[TORNADIS_N_SUBSCRIPTION_KINDS] = {
  [TORNADIS_SUBSCRIPTION_CHANNEL] = { "subscribe", "unsubscribe" },
  [TORNADIS_SUBSCRIPTION_PATTERN] = { "psubscribe", "punsubscribe" },
  [TORNADIS_SUBSCRIPTION_SHARD] = { "ssubscribe", "sunsubscribe" },
};

/* A name that somebody wants to be subscribed to. */
typedef struct
{
  grefcount ref_count; /* of the table, and of the operations that wait for it */
  GBytes *bytes;       /* (owned) */
  guint n_asking;      /* subscribing operations that have not ended */
  gboolean granted;    /* one has ended well */
  gboolean confirmed;  /* the server has taken it, on this link or one before */
} TornadisName;

struct _TornadisSubscriptions
{
  TornadisClient *client; /* (unowned) the owner */
  TornadisSubscriptionsFuncs funcs;
  /* (owned) (element-type GBytes TornadisName) the names that are wanted */
  GHashTable *names[TORNADIS_N_SUBSCRIPTION_KINDS];
  guint n_restoring; /* commands that restore subscriptions and are not yet answered */
};

/* A command that is answered by one push for each of its names. The queue's slot owns it. */
typedef struct
{
  TornadisSubscriptions *owner; /* (unowned) it ends its operations before it goes */
  GTask *task;                  /* (owned) (nullable) NULL when nobody waits (any more) */
  TornadisCancelWatch *watch;   /* (owned) (nullable) */
  GSource *timeout;             /* (owned) (nullable) */
  GPtrArray *names;             /* (owned) (element-type TornadisName) */
  guint n_confirmed;
  TornadisSubscriptionKind kind;
  gboolean subscribe;
  gboolean restore;   /* made by a new link */
  gboolean abandoned; /* its caller was told that it failed, before the server answered */
} TornadisOperation;

static void subscriptions_send (TornadisSubscriptions *self,
                                TornadisOperation *operation);

static TornadisName *
name_new (GBytes *bytes)
{
  TornadisName *name = g_new0 (TornadisName, 1);

  g_ref_count_init (&name->ref_count);
  name->bytes = g_bytes_ref (bytes);

  return name;
}

static TornadisName *
name_ref (TornadisName *name)
{
  g_ref_count_inc (&name->ref_count);
  return name;
}

static void
name_unref (gpointer data)
{
  TornadisName *name = data;

  if (!g_ref_count_dec (&name->ref_count))
    return;

  g_bytes_unref (name->bytes);
  g_free (name);
}

/* The name that is wanted now; another may have been before it. */
static TornadisName *
subscriptions_lookup (TornadisSubscriptions *self,
                      TornadisSubscriptionKind kind,
                      GBytes *bytes)
{
  return g_hash_table_lookup (self->names[kind], bytes);
}

static void
subscriptions_emit (TornadisSubscriptions *self,
                    gboolean added,
                    GBytes *name,
                    gint64 count)
{
  gsize length;
  const char *data = g_bytes_get_data (name, &length);
  g_autofree char *text = g_utf8_make_valid (data != NULL ? data : "", (gssize) length);

  self->funcs.changed (self->client, added, text, (guint) CLAMP (count, 0, G_MAXUINT));
}

/* How many names the server is subscribed to for us. */
static guint
subscriptions_count (TornadisSubscriptions *self)
{
  guint n = 0;

  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    {
      GHashTableIter iter;
      gpointer name;

      g_hash_table_iter_init (&iter, self->names[kind]);
      while (g_hash_table_iter_next (&iter, NULL, &name))
        n += ((TornadisName *) name)->confirmed;
    }

  return n;
}

static void
operation_clear_timeout (TornadisOperation *operation)
{
  if (operation->timeout == NULL)
    return;

  g_source_destroy (operation->timeout);
  g_clear_pointer (&operation->timeout, g_source_unref);
}

static void
operation_free (TornadisOperation *operation)
{
  g_clear_pointer (&operation->watch, tornadis_cancel_watch_free);
  operation_clear_timeout (operation);
  g_clear_object (&operation->task);
  g_ptr_array_unref (operation->names);
  g_free (operation);
}

static TornadisOperation *
operation_new (TornadisSubscriptions *self,
               TornadisSubscriptionKind kind,
               gboolean subscribe)
{
  TornadisOperation *operation = g_new0 (TornadisOperation, 1);

  operation->owner = self;
  operation->kind = kind;
  operation->subscribe = subscribe;
  operation->names = g_ptr_array_new_with_free_func (name_unref);

  return operation;
}

static TornadisCommand *
operation_make_command (TornadisOperation *operation)
{
  const char *name = operation->subscribe ? kinds[operation->kind].subscribe : kinds[operation->kind].unsubscribe;
  g_autofree char *upper = g_ascii_strup (name, -1);
  TornadisCommand *command = tornadis_command_new (upper);

  for (guint i = 0; i < operation->names->len; i++)
    tornadis_command_append_bytes (command, ((TornadisName *) g_ptr_array_index (operation->names, i))->bytes);

  return command;
}

/* Ends the waiting of whoever made it. @error (transfer full) (nullable). */
static void
operation_return (TornadisOperation *operation,
                  GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&operation->task);

  g_clear_pointer (&operation->watch, tornadis_cancel_watch_free);
  operation_clear_timeout (operation);

  if (task == NULL)
    g_clear_error (&error);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* A subscribing operation has ended, or was given up. Names that no other asks for, or was granted, go with one that
 * failed. */
static void
operation_settle_names (TornadisOperation *operation,
                        gboolean ok)
{
  TornadisSubscriptions *self = operation->owner;

  if (!operation->subscribe || operation->restore || operation->abandoned)
    return;

  for (guint i = 0; i < operation->names->len; i++)
    {
      TornadisName *name = g_ptr_array_index (operation->names, i);

      name->n_asking--;
      name->granted |= ok;
      if (name->n_asking == 0 && !name->granted && subscriptions_lookup (self, operation->kind, name->bytes) == name)
        g_hash_table_remove (self->names[operation->kind], name->bytes);
    }
}

/* The server took a subscription whose caller no longer wanted it. */
static void
operation_undo (TornadisOperation *operation)
{
  TornadisOperation *undo = operation_new (operation->owner, operation->kind, FALSE);

  for (guint i = 0; i < operation->names->len; i++)
    {
      TornadisName *name = g_ptr_array_index (operation->names, i);

      if (subscriptions_lookup (operation->owner, operation->kind, name->bytes) == NULL)
        g_ptr_array_add (undo->names, name_ref (name));
    }

  if (undo->names->len > 0)
    subscriptions_send (operation->owner, undo);
  else
    operation_free (undo);
}

/* The server does not restore what it had granted: for good, or because it is not ready yet. FALSE: the link is given
 * up. */
static gboolean
operation_refused (TornadisOperation *operation,
                   TornadisReply *refusal)
{
  TornadisSubscriptions *self = operation->owner;
  TornadisLink *link = tornadis_client_get_link (self->client);
  g_autoptr (GError) error = tornadis_reply_dup_error (refusal);
  g_autofree char *prefix = error != NULL ? tornadis_error_dup_prefix (error) : NULL;

  if (g_strcmp0 (prefix, "NOPERM") != 0 && g_strcmp0 (prefix, "ERR") != 0)
    {
      tornadis_link_try_again (link, error);
      return FALSE;
    }

  for (guint i = 0; i < operation->names->len; i++)
    {
      TornadisName *name = g_ptr_array_index (operation->names, i);

      if (operation->names->len > 1)
        {
          /* One that is forbidden does not take the others with it. */
          TornadisOperation *single = operation_new (self, operation->kind, TRUE);

          g_ptr_array_add (single->names, name_ref (name));
          single->restore = TRUE;
          self->n_restoring++;
          subscriptions_send (self, single);
        }
      else if (g_hash_table_remove (self->names[operation->kind], name->bytes))
        subscriptions_emit (self, FALSE, name->bytes, subscriptions_count (self));
    }

  return TRUE;
}

static void
operation_restored (TornadisOperation *operation,
                    TornadisReply *refusal)
{
  TornadisSubscriptions *self = operation->owner;

  self->n_restoring--;
  if (refusal != NULL && !operation_refused (operation, refusal))
    return;

  if (self->n_restoring == 0)
    self->funcs.restored (self->client);
}

/* Of what the server ends by losing the link it tells nothing. */
static void
operation_notify_removed (TornadisOperation *operation)
{
  for (guint i = operation->n_confirmed; i < operation->names->len; i++)
    {
      TornadisName *name = g_ptr_array_index (operation->names, i);

      if (name->confirmed && subscriptions_lookup (operation->owner, operation->kind, name->bytes) == NULL)
        subscriptions_emit (operation->owner, FALSE, name->bytes, subscriptions_count (operation->owner));
    }
}

/* The end of every operation: confirmed (no reply and no error), refused by the server, or lost. */
static void
operation_done_cb (TornadisReply *reply,
                   const GError *error,
                   gpointer user_data)
{
  TornadisOperation *operation = user_data;
  TornadisSubscriptions *self = operation->owner;
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);

  if (operation->restore)
    {
      if (error != NULL)
        self->n_restoring--;
      else
        operation_restored (operation, reply);
    }
  else if (reply == NULL && error == NULL)
    {
      operation_settle_names (operation, TRUE);
      if (operation->abandoned && operation->subscribe)
        operation_undo (operation);
      operation_return (operation, NULL);
    }
  else
    {
      operation_settle_names (operation, FALSE);
      if (error != NULL && !operation->subscribe)
        operation_notify_removed (operation);
      operation_return (operation, error != NULL ? g_error_copy (error) : tornadis_reply_dup_error (reply));
    }

  self->funcs.settled (self->client);
  operation_free (operation);
}

/* @error is (transfer full). */
static void
operation_abandon (TornadisOperation *operation,
                   GError *error)
{
  TornadisSubscriptions *self = operation->owner;
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);

  operation_settle_names (operation, FALSE);
  operation->abandoned = TRUE;
  operation_return (operation, error);
  self->funcs.settled (self->client);
}

static gboolean
operation_cancelled_cb (gpointer user_data)
{
  TornadisOperation *operation = g_task_get_task_data (user_data);

  operation_abandon (operation, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Operation was cancelled"));

  return G_SOURCE_REMOVE;
}

static gboolean
operation_timeout_cb (gpointer user_data)
{
  TornadisOperation *operation = user_data;

  operation_abandon (operation, g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "No reply to %s within the call timeout",
                                             operation->subscribe ? kinds[operation->kind].subscribe
                                                                  : kinds[operation->kind].unsubscribe));

  return G_SOURCE_REMOVE;
}

/* Takes over @operation. */
static void
subscriptions_send (TornadisSubscriptions *self,
                    TornadisOperation *operation)
{
  g_autoptr (TornadisCommand) command = operation_make_command (operation);
  TornadisLink *link = tornadis_client_get_link (self->client);
  TornadisSlotFlags flags = TORNADIS_SLOT_MANUAL | (operation->restore ? TORNADIS_SLOT_LINK_ONLY : 0);
  g_autoptr (GError) error = NULL;

  const TornadisCaller caller = { .func = operation_done_cb, .user_data = operation };

  if (!tornadis_link_submit (link, command, flags, &caller, NULL, &error))
    tornadis_client_defer_error (self->client, operation_done_cb, operation, g_steal_pointer (&error));
}

/* @bytes is (transfer none); the server says that it is subscribed to, or no longer. */
static void
subscriptions_confirm (TornadisSubscriptions *self,
                       TornadisSubscriptionKind kind,
                       gboolean subscribe,
                       GBytes *bytes,
                       gint64 count)
{
  TornadisQueue *queue = tornadis_link_get_queue (tornadis_client_get_link (self->client));
  TornadisOperation *operation = tornadis_queue_peek_manual (queue);
  TornadisName *name = NULL;
  gboolean restore = FALSE;
  gboolean done = FALSE;

  /* The server answers an operation name by name, in order. Anything else it does by itself. */
  if (operation != NULL && operation->kind == kind && operation->subscribe == subscribe)
    name = g_ptr_array_index (operation->names, operation->n_confirmed);

  if (name != NULL && g_bytes_equal (name->bytes, bytes))
    {
      restore = operation->restore;
      done = ++operation->n_confirmed == operation->names->len;
      name = subscriptions_lookup (self, kind, bytes);
      if (subscribe && name != NULL)
        name->confirmed = TRUE;
      /* Out of the queue before a handler runs, which may wait for another operation. */
      if (done)
        tornadis_queue_pop_manual (queue);
    }
  else if (subscribe)
    return;
  else
    g_hash_table_remove (self->names[kind], bytes);

  if (!restore)
    subscriptions_emit (self, subscribe, bytes, count);

  if (done)
    operation_done_cb (NULL, NULL, operation);
  else
    self->funcs.settled (self->client);
}

static void
subscriptions_start (TornadisSubscriptions *self,
                     TornadisOperation *operation,
                     GTask *task)
{
  guint timeout = tornadis_link_get_settings (tornadis_client_get_link (self->client))->call_timeout;

  operation->task = g_object_ref (task);
  g_task_set_task_data (task, operation, NULL);
  /* What has come about is told, however late it is cancelled. */
  g_task_set_check_cancellable (task, FALSE);
  operation->watch = tornadis_cancel_watch_new (task, operation_cancelled_cb);
  if (timeout > 0)
    {
      operation->timeout = g_timeout_source_new (timeout);
      g_source_set_static_name (operation->timeout, "[tornadis] subscription timeout");
      g_source_set_callback (operation->timeout, operation_timeout_cb, operation, NULL);
      g_source_attach (operation->timeout, tornadis_client_get_context (self->client));
    }

  subscriptions_send (self, operation);
}

static void
subscriptions_queue_restore (TornadisSubscriptions *self,
                             TornadisQueue *queue,
                             TornadisOperation *operation)
{
  g_autoptr (TornadisCommand) command = operation_make_command (operation);

  operation->restore = TRUE;
  self->n_restoring++;
  tornadis_queue_push_front (queue, command, TORNADIS_SLOT_MANUAL | TORNADIS_SLOT_LINK_ONLY, operation_done_cb, operation);
}

TornadisSubscriptions *
tornadis_subscriptions_new (TornadisClient *client,
                            const TornadisSubscriptionsFuncs *funcs)
{
  TornadisSubscriptions *self = g_new0 (TornadisSubscriptions, 1);

  self->client = client;
  self->funcs = *funcs;
  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    self->names[kind] = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, NULL, name_unref);

  return self;
}

void
tornadis_subscriptions_free (TornadisSubscriptions *self)
{
  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    g_hash_table_unref (self->names[kind]);
  g_free (self);
}

gboolean
tornadis_subscriptions_has_names (TornadisSubscriptions *self,
                                  gboolean confirmed_only)
{
  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    {
      GHashTableIter iter;
      gpointer name;

      g_hash_table_iter_init (&iter, self->names[kind]);
      while (g_hash_table_iter_next (&iter, NULL, &name))
        if (!confirmed_only || ((TornadisName *) name)->confirmed)
          return TRUE;
    }

  return FALSE;
}

void
tornadis_subscriptions_subscribe (TornadisSubscriptions *self,
                                  TornadisSubscriptionKind kind,
                                  const char *const *names,
                                  GTask *task)
{
  TornadisOperation *operation;

  if (names == NULL || names[0] == NULL)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "%s needs at least one name", kinds[kind].subscribe);
      return;
    }

  if (g_task_return_error_if_cancelled (task))
    return;

  operation = operation_new (self, kind, TRUE);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (names[i], strlen (names[i]));
      TornadisName *name = subscriptions_lookup (self, kind, bytes);

      if (name == NULL)
        {
          name = name_new (bytes);
          g_hash_table_insert (self->names[kind], name->bytes, name);
        }

      name->n_asking++;
      g_ptr_array_add (operation->names, name_ref (name));
    }

  subscriptions_start (self, operation, task);
}

void
tornadis_subscriptions_unsubscribe (TornadisSubscriptions *self,
                                    TornadisSubscriptionKind kind,
                                    const char *const *names,
                                    GTask *task)
{
  TornadisLink *link = tornadis_client_get_link (self->client);
  TornadisOperation *operation;

  if (g_task_return_error_if_cancelled (task))
    return;

  operation = operation_new (self, kind, FALSE);

  if (names == NULL || names[0] == NULL)
    {
      GHashTableIter iter;
      gpointer name;

      g_hash_table_iter_init (&iter, self->names[kind]);
      while (g_hash_table_iter_next (&iter, NULL, &name))
        g_ptr_array_add (operation->names, name_ref (name));
      g_hash_table_remove_all (self->names[kind]);
    }

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (names[i], strlen (names[i]));
      TornadisName *name = subscriptions_lookup (self, kind, bytes);

      g_ptr_array_add (operation->names, name != NULL ? name_ref (name) : name_new (bytes));
      g_hash_table_remove (self->names[kind], bytes);
    }

  /* Without a link, and none under way that would subscribe first, the server knows of nothing. */
  if (operation->names->len == 0 ||
      (tornadis_link_get_state (link) != TORNADIS_CLIENT_STATE_CONNECTED &&
       tornadis_queue_get_length (tornadis_link_get_queue (link)) == 0))
    {
      operation_notify_removed (operation);
      operation_free (operation);
      self->funcs.settled (self->client);
      g_task_return_boolean (task, TRUE);
      return;
    }

  subscriptions_start (self, operation, task);
  self->funcs.settled (self->client);
}

void
tornadis_subscriptions_restore (TornadisSubscriptions *self,
                                TornadisQueue *queue)
{
  self->n_restoring = 0;

  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    {
      TornadisOperation *operation = NULL;
      GHashTableIter iter;
      gpointer name;

      g_hash_table_iter_init (&iter, self->names[kind]);
      while (g_hash_table_iter_next (&iter, NULL, &name))
        {
          if (!((TornadisName *) name)->granted)
            continue;

          if (operation == NULL)
            operation = operation_new (self, kind, TRUE);
          g_ptr_array_add (operation->names, name_ref (name));

          /* In a cluster the shard channels of one command must share a slot. */
          if (kind == TORNADIS_SUBSCRIPTION_SHARD)
            subscriptions_queue_restore (self, queue, g_steal_pointer (&operation));
        }

      if (operation != NULL)
        subscriptions_queue_restore (self, queue, operation);
    }
}

gboolean
tornadis_subscriptions_push (TornadisSubscriptions *self,
                             TornadisReply *push)
{
  TornadisReply **elements = push->v.elements;

  for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
    {
      gboolean subscribe = tornadis_reply_equals_text (elements[0], kinds[kind].subscribe);

      if (subscribe || tornadis_reply_equals_text (elements[0], kinds[kind].unsubscribe))
        {
          g_autoptr (GBytes) name = tornadis_reply_get_bytes (elements[1]);

          /* No name: there was nothing to unsubscribe from, which is never asked for. */
          if (name != NULL)
            subscriptions_confirm (self, kind, subscribe, name, tornadis_reply_get_integer (elements[2]));
          return TRUE;
        }
    }

  return FALSE;
}
