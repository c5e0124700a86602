/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is common to the edits of live models. */

#include "tornadis-glib/data/tornadis-live-model-inner-private.h"

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

typedef struct
{
  GTask *task; /* (owned) */
  TornadisEditUndoFunc undo;
  gpointer undo_data; /* (owned) */
  GDestroyNotify undo_destroy;
} Edit;

GTask *
tornadis_live_model_new_task (TornadisLiveModel *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data,
                              gpointer source_tag)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, source_tag);
  /* The model shows whether it was done, so that is told. */
  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    return NULL;
  if (tornadis_live_model_get_private (self)->disposed)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "the model is disposed");
      return NULL;
    }

  return g_steal_pointer (&task);
}

TornadisCommand *
tornadis_live_model_new_command (TornadisLiveModel *self,
                                 const char *name)
{
  TornadisCommand *command = tornadis_command_new (name);

  tornadis_command_append_bytes (command, tornadis_live_model_get_private (self)->key);

  return command;
}

static void
edited_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Edit *edit = user_data;
  g_autoptr (GTask) task = edit->task;
  TornadisLiveModel *self = g_task_get_source_object (task);
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);

  priv->n_edits--;
  if (!priv->disposed)
    {
      if (reply == NULL && edit->undo != NULL)
        edit->undo (self, edit->undo_data);
      tornadis_live_model_queue_reading (self, TRUE);
    }

  if (edit->undo_destroy != NULL)
    edit->undo_destroy (edit->undo_data);
  g_free (edit);

  if (reply != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
tornadis_live_model_edit (TornadisLiveModel *self,
                          GTask *task,
                          TornadisCommand *command,
                          TornadisEditUndoFunc undo,
                          gpointer undo_data,
                          GDestroyNotify undo_destroy)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);
  Edit *edit = g_new0 (Edit, 1);

  edit->task = g_object_ref (task);
  edit->undo = undo;
  edit->undo_data = undo_data;
  edit->undo_destroy = undo_destroy;

  priv->n_edits++;
  priv->reading_void = priv->reading;
  if (priv->source != NULL)
    g_source_destroy (priv->source);
  g_clear_pointer (&priv->source, g_source_unref);
  tornadis_client_call_async (priv->client, command, g_task_get_cancellable (task), edited_cb, edit);
}
