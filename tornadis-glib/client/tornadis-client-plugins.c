/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plugins of TornadisClient: which there are, and the hooks besides those of calls. */

#include "tornadis-glib/client/tornadis-client-private.h"

#include "tornadis-glib/client/tornadis-pipeline-private.h"
#include "tornadis-glib/client/tornadis-plugin-registry.h"
#include "tornadis-glib/client/tornadis-plugin-private.h"
#include "tornadis-glib/client/tornadis-prelude-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-reply-private.h"

static void
add_to_snapshot (GPtrArray **snapshot,
                 TornadisPlugin *plugin)
{
  if (*snapshot == NULL)
    *snapshot = g_ptr_array_new_null_terminated (0, g_object_unref, TRUE);
  g_ptr_array_add (*snapshot, g_object_ref (plugin));
}

/* Replaces the snapshots; calls in flight hold those of before. */
static void
client_update_chain (TornadisClientPrivate *priv)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (priv->plugins));

  tornadis_client_keep_routed (priv);
  g_clear_pointer (&priv->attached, g_ptr_array_unref);
  g_clear_pointer (&priv->chain, g_ptr_array_unref);
  if (priv->observing > 0 && priv->observers != NULL)
    {
      if (priv->retired == NULL)
        priv->retired = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
      g_ptr_array_add (priv->retired, g_steal_pointer (&priv->observers));
    }
  g_clear_pointer (&priv->observers, g_ptr_array_unref);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (G_LIST_MODEL (priv->plugins), i);
      const TornadisPluginClass *klass = TORNADIS_PLUGIN_GET_CLASS (plugin);

      add_to_snapshot (&priv->attached, plugin);
      /* A plugin that only looks on costs no TornadisCall. */
      if (klass->call != NULL || klass->call_done != NULL)
        add_to_snapshot (&priv->chain, plugin);
      if (klass->observe != NULL)
        add_to_snapshot (&priv->observers, plugin);
    }

  priv->router = priv->chain != NULL && priv->chain->len == 1 ? g_ptr_array_index (priv->chain, 0) : NULL;
  if (priv->router != NULL && TORNADIS_PLUGIN_GET_CLASS (priv->router)->route == NULL)
    priv->router = NULL;
}

gboolean
tornadis_client_has_plugin (const TornadisClientPrivate *priv,
                            TornadisPlugin *plugin)
{
  return priv->attached != NULL && g_ptr_array_find (priv->attached, plugin, NULL);
}

/* What one of the plugins has sent on a new connection. */
typedef struct
{
  TornadisPlugin *plugin; /* (owned) */
  guint n_commands;
} TornadisPluginSetup;

/* What is to be told to the plugins that have a hook for the replies. */
typedef struct
{
  TornadisClient *client; /* (unowned) its link cancels the attempt before it is gone */
  GArray *plugins;        /* (owned) (element-type TornadisPluginSetup) */
} TornadisSetupReplies;

static void
plugin_setup_clear (gpointer data)
{
  g_object_unref (((TornadisPluginSetup *) data)->plugin);
}

static void
setup_replies_free (gpointer data)
{
  TornadisSetupReplies *self = data;

  g_array_unref (self->plugins);
  g_free (self);
}

static gboolean
setup_done_cb (GPtrArray *replies,
               gpointer user_data,
               GError **error)
{
  const TornadisSetupReplies *self = user_data;
  /* A plugin may let go of the last reference. */
  g_autoptr (TornadisClient) client = g_object_ref (self->client);
  const TornadisClientPrivate *priv = tornadis_client_get_private (client);
  guint n_taken = 0;

  for (guint i = 0; i < self->plugins->len; i++)
    {
      const TornadisPluginSetup *setup = &g_array_index (self->plugins, TornadisPluginSetup, i);
      TornadisReply **first = (TornadisReply **) replies->pdata + n_taken;
      g_autoptr (TornadisReply) own = tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, first, setup->n_commands);

      n_taken += setup->n_commands;
      if (tornadis_client_has_plugin (priv, setup->plugin) &&
          !tornadis_plugin_setup_done (setup->plugin, client, own, error))
        return FALSE;
    }

  return TRUE;
}

/* Appends the commands of one plugin that may be sent. */
static guint
take_setup_commands (TornadisPlugin *plugin,
                     GPtrArray *setup)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  GPtrArray *commands;
  guint n_before = setup->len;

  tornadis_plugin_setup (plugin, pipeline);
  commands = tornadis_pipeline_peek_commands (pipeline);

  for (guint i = 0; i < commands->len; i++)
    {
      g_autoptr (GError) error = NULL;
      TornadisCommand *command = g_ptr_array_index (commands, i);

      if (tornadis_client_check_command (command, &error))
        g_ptr_array_add (setup, tornadis_command_ref (command));
      else
        g_warning ("Ignoring a plugin's setup command: %s", error->message);
    }

  return setup->len - n_before;
}

void
tornadis_client_make_setup (TornadisClient *self,
                            TornadisConnectorOptions *options)
{
  const TornadisClientPrivate *priv = tornadis_client_get_private (self);
  g_autoptr (GPtrArray) attached = NULL;
  TornadisSetupReplies *replies;

  if (priv->attached == NULL)
    return;

  attached = g_ptr_array_ref (priv->attached);
  replies = g_new (TornadisSetupReplies, 1);
  *replies = (TornadisSetupReplies){ self, g_array_new (FALSE, FALSE, sizeof (TornadisPluginSetup)) };
  g_array_set_clear_func (replies->plugins, plugin_setup_clear);

  options->setup = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_command_unref);
  options->setup_judged = g_byte_array_new ();
  options->setup_done = setup_done_cb;
  options->setup_data = replies;
  options->setup_data_destroy = setup_replies_free;

  for (guint i = 0; i < attached->len; i++)
    {
      TornadisPlugin *plugin = g_ptr_array_index (attached, i);
      guint8 judges = TORNADIS_PLUGIN_GET_CLASS (plugin)->setup_done != NULL;
      TornadisPluginSetup setup = { plugin, take_setup_commands (plugin, options->setup) };

      for (guint k = 0; k < setup.n_commands; k++)
        g_byte_array_append (options->setup_judged, &judges, 1);
      if (judges)
        {
          g_object_ref (plugin);
          g_array_append_val (replies->plugins, setup);
        }
    }
}

static G_ALWAYS_INLINE inline void
client_observe (TornadisClientPrivate *priv,
                TornadisCommand *command,
                TornadisPipeline *pipeline,
                TornadisReply *reply,
                const GError *error,
                gint64 elapsed)
{
  gpointer *next;

  /* All of them may have been removed since the call was queued; otherwise there is at least one. */
  if (priv->observers == NULL)
    return;

  next = priv->observers->pdata;
  priv->observing++;
  do
    {
      TornadisPlugin *plugin;

      tornadis_prelude ();
      plugin = *next++;
      TORNADIS_PLUGIN_GET_CLASS (plugin)->observe (plugin, priv->client, command, pipeline, reply, error, elapsed);
    }
  while (*next != NULL);
  priv->observing--;
  if (G_UNLIKELY (priv->retired != NULL) && priv->observing == 0)
    g_clear_pointer (&priv->retired, g_ptr_array_unref);
}

/* A pipeline, or a command that has failed. */
static G_NO_INLINE void
client_observe_rare (TornadisClientPrivate *priv,
                     TornadisCommand *command,
                     const TornadisObservedPipeline *observed,
                     TornadisReply *reply,
                     const GError *error,
                     gint64 elapsed)
{
  g_autoptr (TornadisPipeline) pipeline =
    observed != NULL ? tornadis_pipeline_new_shared (observed->commands, observed->atomic) : NULL;
  g_autoptr (GError) reply_error = NULL;

  if (reply != NULL && reply->kind == TORNADIS_REPLY_KIND_ERROR)
    {
      error = reply_error = tornadis_reply_dup_error (reply);
      reply = NULL;
    }
  client_observe (priv, command, pipeline, reply, error, elapsed);
}

void
tornadis_client_notify_observers (TornadisCommand *command,
                                  const TornadisObservedPipeline *pipeline,
                                  TornadisReply *reply,
                                  const GError *error,
                                  gint64 elapsed,
                                  gpointer user_data)
{
  TornadisClientPrivate *priv = user_data;

  elapsed = MAX (elapsed, 0);
  if (G_LIKELY (pipeline == NULL && reply != NULL && reply->kind != TORNADIS_REPLY_KIND_ERROR))
    client_observe (priv, command, NULL, reply, NULL, elapsed);
  else
    client_observe_rare (priv, command, pipeline, reply, error, elapsed);
}

void
tornadis_client_notify_acquired (TornadisClient *self,
                                 gint64 elapsed)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  g_autoptr (GPtrArray) attached = priv->attached != NULL ? g_ptr_array_ref (priv->attached) : NULL;

  for (guint i = 0; attached != NULL && i < attached->len; i++)
    tornadis_plugin_client_acquired (g_ptr_array_index (attached, i), self, elapsed);
}

gboolean
tornadis_client_has_detach_hooks (const TornadisClientPrivate *priv)
{
  for (guint i = 0; priv->attached != NULL && i < priv->attached->len; i++)
    if (TORNADIS_PLUGIN_GET_CLASS (g_ptr_array_index (priv->attached, i))->detach != NULL)
      return TRUE;

  return FALSE;
}

void
tornadis_client_silence_plugins (TornadisClientPrivate *priv)
{
  g_autoptr (GListStore) shown = g_steal_pointer (&priv->plugins);

  priv->plugins = g_list_store_new (TORNADIS_TYPE_PLUGIN);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (shown)); i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (G_LIST_MODEL (shown), i);

      g_list_store_append (priv->plugins, plugin);
    }
}

void
tornadis_client_remove_plugins (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  GListModel *plugins = G_LIST_MODEL (priv->plugins);

  while (g_list_model_get_n_items (plugins) > 0)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (plugins, 0);

      tornadis_client_remove_plugin (self, plugin);
    }
}

/**
 * tornadis_client_add_plugin:
 * @self: a client
 * @plugin: a plugin that is not yet there
 * @error: return location for an error
 *
 * Adds a plugin. The first that is added is the outermost: it sees a call first and its outcome last. Calls in flight
 * are not affected. One plugin may be on many clients.
 *
 * Returns: %FALSE when the plugin refused, or is there already
 *
 * Since: 1.0
 */
gboolean
tornadis_client_add_plugin (TornadisClient *self,
                            TornadisPlugin *plugin,
                            GError **error)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (TORNADIS_IS_PLUGIN (plugin), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  alive = g_object_ref (self);
  /* A detach hook may add the plugin again while the client is disposed, without end. */
  if (tornadis_link_is_shut_down (priv->link))
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The plugin was not added: the client is disposed");
      return FALSE;
    }

  if (g_list_store_find (priv->plugins, plugin, NULL))
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "The plugin %s is on this client already",
                   G_OBJECT_TYPE_NAME (plugin));
      return FALSE;
    }

  if (!tornadis_plugin_attach (plugin, self, error))
    return FALSE;

  g_list_store_append (priv->plugins, plugin);
  client_update_chain (priv);

  return TRUE;
}

/**
 * tornadis_client_add_plugin_by_name:
 * @self: a client
 * @name: the name of a plugin, such as `log`
 * @error: return location for an error
 *
 * Creates a plugin with [ctor@Tornadis.Plugin.new_by_name] and adds it.
 *
 * Returns: (transfer none): the plugin, for its properties
 *
 * Since: 1.0
 */
TornadisPlugin *
tornadis_client_add_plugin_by_name (TornadisClient *self,
                                    const char *name,
                                    GError **error)
{
  g_autoptr (TornadisPlugin) plugin = NULL;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  plugin = tornadis_plugin_new_by_name (name, error);
  if (plugin == NULL || !tornadis_client_add_plugin (self, plugin, error))
    return NULL;

  return plugin;
}

/**
 * tornadis_client_remove_plugin:
 * @self: a client
 * @plugin: a plugin
 *
 * Removes a plugin. Calls in flight still go through it.
 *
 * Returns: whether it was there
 *
 * Since: 1.0
 */
gboolean
tornadis_client_remove_plugin (TornadisClient *self,
                               TornadisPlugin *plugin)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);
  g_autoptr (TornadisClient) alive_client G_GNUC_UNUSED = NULL;
  g_autoptr (TornadisPlugin) alive = NULL;
  guint position;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (TORNADIS_IS_PLUGIN (plugin), FALSE);

  if (!g_list_store_find (priv->plugins, plugin, &position))
    return FALSE;

  alive_client = g_object_ref (self);
  alive = g_object_ref (plugin);
  g_list_store_remove (priv->plugins, position);
  client_update_chain (priv);
  tornadis_client_remove_stand_in (self, alive);
  if (tornadis_client_get_hooks (self)->plugin_removed != NULL)
    tornadis_client_get_hooks (self)->plugin_removed (self, alive);
  tornadis_plugin_detach (alive, self);

  return TRUE;
}

/**
 * tornadis_client_get_plugins:
 * @self: a client
 *
 * Gets the plugins of a client, outermost first.
 *
 * Returns: (transfer none): a list of [class@Tornadis.Plugin]
 *
 * Since: 1.0
 */
GListModel *
tornadis_client_get_plugins (TornadisClient *self)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);

  g_return_val_if_fail (TORNADIS_IS_CLIENT (self), NULL);

  return G_LIST_MODEL (priv->plugins);
}
