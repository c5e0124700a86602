/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The server tells of each key that begins so (BCAST), whether it was read before or not: nothing has to be read on this
 * connection, which is busy with a subscription. Of longer keys it tells as well.
 *
 * Each new connection asks for it before it subscribes. One where it is refused is a connection all the same: notifications
 * may come there. With the plugin `cluster` this is on the client of each node. */

#include "tornadis-glib/data/tornadis-model-tracking-private.h"

#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

struct _TornadisModelTracking
{
  TornadisPlugin parent_instance;

  GBytes *prefix;                 /* (owned) */
  GHashTable *clients;            /* (element-type TornadisClient gboolean) (unowned) whether its connection has it */
  TornadisModelTrackingFunc func; /* (nullable) once it is stopped */
  gpointer user_data;
};

G_DEFINE_FINAL_TYPE (TornadisModelTracking, tornadis_model_tracking, TORNADIS_TYPE_PLUGIN)

static gboolean
tornadis_model_tracking_attach (TornadisPlugin *plugin,
                                TornadisClient *client,
                                GError **error)
{
  TornadisModelTracking *self = TORNADIS_MODEL_TRACKING (plugin);

  g_hash_table_insert (self->clients, client, GINT_TO_POINTER (FALSE));

  return TRUE;
}

static void
tornadis_model_tracking_detach (TornadisPlugin *plugin,
                                TornadisClient *client)
{
  TornadisModelTracking *self = TORNADIS_MODEL_TRACKING (plugin);

  g_hash_table_remove (self->clients, client);
}

static void
tornadis_model_tracking_setup (TornadisPlugin *plugin,
                               TornadisPipeline *commands)
{
  TornadisModelTracking *self = TORNADIS_MODEL_TRACKING (plugin);
  g_autoptr (TornadisCommand) command =
    tornadis_command_new_strv ((const char *[]){ "CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", NULL });

  tornadis_command_append_bytes (command, self->prefix);
  tornadis_pipeline_stack_command (commands, command);
}

static gboolean
tornadis_model_tracking_setup_done (TornadisPlugin *plugin,
                                    TornadisClient *client,
                                    TornadisReply *replies,
                                    GError **error)
{
  TornadisModelTracking *self = TORNADIS_MODEL_TRACKING (plugin);
  gboolean is_on = tornadis_reply_get_n_elements (replies) == 1 && !tornadis_reply_is_error (tornadis_reply_get_element (replies, 0));

  g_hash_table_insert (self->clients, client, GINT_TO_POINTER (is_on));

  return TRUE;
}

static gboolean
tornadis_model_tracking_push (TornadisPlugin *plugin,
                              TornadisReply *push)
{
  TornadisModelTracking *self = TORNADIS_MODEL_TRACKING (plugin);
  const char *kind = tornadis_reply_get_n_elements (push) == 2 ? tornadis_reply_get_text (tornadis_reply_get_element (push, 0)) : NULL;
  TornadisReply *keys;

  if (g_strcmp0 (kind, "invalidate") != 0)
    return FALSE;

  keys = tornadis_reply_get_element (push, 1);
  if (tornadis_reply_get_kind (keys) != TORNADIS_REPLY_KIND_ARRAY && self->func != NULL)
    self->func (NULL, self->user_data);
  for (gsize i = 0; i < tornadis_reply_get_n_elements (keys) && self->func != NULL; i++)
    {
      g_autoptr (GBytes) key = tornadis_reply_get_bytes (tornadis_reply_get_element (keys, i));

      if (key != NULL)
        self->func (key, self->user_data);
    }

  return TRUE;
}

static void
tornadis_model_tracking_finalize (GObject *object)
{
  TornadisModelTracking *self = TORNADIS_MODEL_TRACKING (object);

  g_bytes_unref (self->prefix);
  g_hash_table_unref (self->clients);

  G_OBJECT_CLASS (tornadis_model_tracking_parent_class)->finalize (object);
}

static void
tornadis_model_tracking_class_init (TornadisModelTrackingClass *klass)
{
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = tornadis_model_tracking_finalize;
  plugin_class->attach = tornadis_model_tracking_attach;
  plugin_class->detach = tornadis_model_tracking_detach;
  plugin_class->setup = tornadis_model_tracking_setup;
  plugin_class->setup_done = tornadis_model_tracking_setup_done;
  plugin_class->push = tornadis_model_tracking_push;
}

static void
tornadis_model_tracking_init (TornadisModelTracking *self)
{
  self->clients = g_hash_table_new (NULL, NULL);
}

TornadisModelTracking *
tornadis_model_tracking_new (GBytes *prefix,
                             TornadisModelTrackingFunc func,
                             gpointer user_data)
{
  TornadisModelTracking *self = g_object_new (TORNADIS_TYPE_MODEL_TRACKING, NULL);

  self->prefix = g_bytes_ref (prefix);
  self->func = func;
  self->user_data = user_data;

  return self;
}

void
tornadis_model_tracking_stop (TornadisModelTracking *self)
{
  self->func = NULL;
}

gboolean
tornadis_model_tracking_is_on (TornadisModelTracking *self)
{
  GHashTableIter iter;
  gpointer client;
  gpointer is_on;
  guint n_on = 0;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, &client, &is_on))
    {
      guint version;

      g_object_get (client, "protocol-version", &version, NULL);
      /* Those that have none have no connection: they are not asked, or others are in their place. With the second the server
       * agrees, and is silent: it has no form for it. */
      if (version == 0)
        continue;
      if (version < 3 || !GPOINTER_TO_INT (is_on))
        return FALSE;
      n_on++;
    }

  return n_on > 0;
}
