/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/tornadis-subscriptions.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/tornadis-reply-private.h"
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

struct _TornadisSubscriptions
{
  TornadisClient *client; /* (unowned) the owner */
  TornadisSubscriptionsFuncs funcs;
  /* (owned) (element-type GBytes gboolean) the names that are wanted; TRUE once the server has confirmed */
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
  GPtrArray *names;             /* (owned) (element-type GBytes) */
  guint n_confirmed;
  TornadisSubscriptionKind kind;
  gboolean subscribe;
  gboolean restore;   /* made by a new link */
  gboolean abandoned; /* its caller was told that it failed, before the server answered */
} TornadisOperation;

static void subscriptions_send (TornadisSubscriptions *self,
                                TornadisOperation *operation);

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
  operation->names = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  return operation;
}

static TornadisCommand *
operation_make_command (TornadisOperation *operation)
{
  const char *name = operation->subscribe ? kinds[operation->kind].subscribe : kinds[operation->kind].unsubscribe;
  g_autofree char *upper = g_ascii_strup (name, -1);
  TornadisCommand *command = tornadis_command_new (upper);

  for (guint i = 0; i < operation->names->len; i++)
    tornadis_command_append_bytes (command, g_ptr_array_index (operation->names, i));

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

/* Names that were never confirmed are not wanted when their subscription fails. */
static void
operation_forget_names (TornadisOperation *operation)
{
  GHashTable *names = operation->owner->names[operation->kind];

  for (guint i = 0; i < operation->names->len; i++)
    {
      gpointer name = g_ptr_array_index (operation->names, i);

      if (!GPOINTER_TO_INT (g_hash_table_lookup (names, name)))
        g_hash_table_remove (names, name);
    }
}

/* The server took a subscription whose caller no longer wanted it. */
static void
operation_undo (TornadisOperation *operation)
{
  TornadisOperation *undo = operation_new (operation->owner, operation->kind, FALSE);

  for (guint i = 0; i < operation->names->len; i++)
    {
      GBytes *name = g_ptr_array_index (operation->names, i);

      if (!g_hash_table_contains (operation->owner->names[operation->kind], name))
        g_ptr_array_add (undo->names, g_bytes_ref (name));
    }

  if (undo->names->len > 0)
    subscriptions_send (operation->owner, undo);
  else
    operation_free (undo);
}

static void
operation_restored (TornadisOperation *operation,
                    TornadisReply *refusal)
{
  TornadisSubscriptions *self = operation->owner;

  self->n_restoring--;

  for (guint i = 0; refusal != NULL && i < operation->names->len; i++)
    {
      GBytes *name = g_ptr_array_index (operation->names, i);

      if (g_hash_table_remove (self->names[operation->kind], name))
        subscriptions_emit (self, FALSE, name, 0);
    }

  if (self->n_restoring == 0)
    self->funcs.restored (self->client);
}

/* The end of every operation: confirmed (no reply and no error), refused by the server, or lost. */
static void
operation_done_cb (TornadisReply *reply,
                   const GError *error,
                   gpointer user_data)
{
  TornadisOperation *operation = user_data;
  TornadisSubscriptions *self = operation->owner;

  if (operation->restore)
    {
      if (error != NULL)
        self->n_restoring--;
      else
        operation_restored (operation, reply);
    }
  else if (reply == NULL && error == NULL)
    {
      if (operation->abandoned && operation->subscribe)
        operation_undo (operation);
      operation_return (operation, NULL);
    }
  else
    {
      if (operation->subscribe)
        operation_forget_names (operation);
      operation_return (operation, error != NULL ? g_error_copy (error) : tornadis_reply_get_error (reply));
    }

  self->funcs.settled (self->client);
  operation_free (operation);
}

/* @error is (transfer full). */
static void
operation_abandon (TornadisOperation *operation,
                   GError *error)
{
  operation->abandoned = TRUE;
  if (operation->subscribe)
    operation_forget_names (operation);
  operation_return (operation, error);
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
  g_autoptr (GError) error = NULL;

  if (!tornadis_link_submit (link, command, TORNADIS_SLOT_MANUAL, operation_done_cb, operation, NULL, &error))
    tornadis_client_defer_error (self->client, operation_done_cb, operation, g_steal_pointer (&error));
}

/* @name is (transfer none); the server says that it is subscribed to, or no longer. */
static void
subscriptions_confirm (TornadisSubscriptions *self,
                 TornadisSubscriptionKind kind,
                 gboolean subscribe,
                 GBytes *name,
                 gint64 count)
{
  TornadisQueue *queue = tornadis_link_get_queue (tornadis_client_get_link (self->client));
  TornadisOperation *operation = tornadis_queue_peek_manual (queue);
  gboolean done = FALSE;

  /* The server answers an operation name by name, in order. Anything else it does by itself. */
  if (operation != NULL && operation->kind == kind && operation->subscribe == subscribe &&
      operation->n_confirmed < operation->names->len &&
      g_bytes_equal (g_ptr_array_index (operation->names, operation->n_confirmed), name))
    {
      done = ++operation->n_confirmed == operation->names->len;
      if (subscribe && g_hash_table_contains (self->names[kind], name))
        g_hash_table_insert (self->names[kind], g_bytes_ref (name), GINT_TO_POINTER (TRUE));
    }
  else if (subscribe)
    return;
  else
    {
      operation = NULL;
      g_hash_table_remove (self->names[kind], name);
    }

  if (operation == NULL || !operation->restore)
    subscriptions_emit (self, subscribe, name, count);

  /* A handler may have closed the client, which ended the operation. */
  if (done && tornadis_queue_peek_manual (queue) == operation)
    tornadis_queue_complete_head (queue);
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
    self->names[kind] = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);

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
      gpointer confirmed;

      g_hash_table_iter_init (&iter, self->names[kind]);
      while (g_hash_table_iter_next (&iter, NULL, &confirmed))
        if (!confirmed_only || GPOINTER_TO_INT (confirmed))
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
      GBytes *name = g_bytes_new (names[i], strlen (names[i]));

      g_ptr_array_add (operation->names, name);
      if (!g_hash_table_contains (self->names[kind], name))
        g_hash_table_insert (self->names[kind], g_bytes_ref (name), GINT_TO_POINTER (FALSE));
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
      while (g_hash_table_iter_next (&iter, &name, NULL))
        g_ptr_array_add (operation->names, g_bytes_ref (name));
      g_hash_table_remove_all (self->names[kind]);
    }

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      GBytes *name = g_bytes_new (names[i], strlen (names[i]));

      g_ptr_array_add (operation->names, name);
      g_hash_table_remove (self->names[kind], name);
    }

  /* Without a link, and none under way that would subscribe first, the server knows of nothing. */
  if (operation->names->len == 0 ||
      (tornadis_link_get_state (link) != TORNADIS_CLIENT_STATE_CONNECTED &&
       tornadis_queue_get_length (tornadis_link_get_queue (link)) == 0))
    {
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
      gpointer name, confirmed;

      g_hash_table_iter_init (&iter, self->names[kind]);
      while (g_hash_table_iter_next (&iter, &name, &confirmed))
        {
          if (!GPOINTER_TO_INT (confirmed))
            continue;

          if (operation == NULL)
            operation = operation_new (self, kind, TRUE);
          g_ptr_array_add (operation->names, g_bytes_ref (name));

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
