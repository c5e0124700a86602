/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/hook-plugin.h"

typedef HookPlugin LookingPlugin;
typedef TornadisPluginClass LookingPluginClass;

G_DEFINE_TYPE (LookingPlugin, looking_plugin, TORNADIS_TYPE_PLUGIN)

typedef HookPlugin CallingPlugin;
typedef LookingPluginClass CallingPluginClass;

G_DEFINE_TYPE (CallingPlugin, calling_plugin, looking_plugin_get_type ())

static gboolean
run_hook (gpointer plugin,
          Hook hook,
          TornadisClient *client,
          TornadisCall *call)
{
  g_autoptr (HookPlugin) self = g_object_ref (plugin);

  self->n[hook]++;
  return self->func != NULL && self->func (self, hook, client, call);
}

static gboolean
looking_plugin_attach (TornadisPlugin *plugin,
                       TornadisClient *client,
                       GError **error)
{
  ((HookPlugin *) plugin)->client = client;
  run_hook (plugin, ATTACH, client, NULL);
  return TRUE;
}

static void
looking_plugin_detach (TornadisPlugin *plugin,
                       TornadisClient *client)
{
  run_hook (plugin, DETACH, client, NULL);
}

static void
looking_plugin_setup (TornadisPlugin *plugin,
                      TornadisPipeline *commands)
{
  run_hook (plugin, SETUP, ((HookPlugin *) plugin)->client, NULL);
}

static gboolean
looking_plugin_push (TornadisPlugin *plugin,
                     TornadisReply *push)
{
  return run_hook (plugin, PUSH, ((HookPlugin *) plugin)->client, NULL);
}

static void
looking_plugin_observe (TornadisPlugin *plugin,
                        TornadisClient *client,
                        TornadisCommand *command,
                        TornadisPipeline *pipeline,
                        TornadisReply *reply,
                        const GError *error,
                        gint64 elapsed)
{
  HookPlugin *self = (HookPlugin *) plugin;

  g_assert_true ((command != NULL) != (pipeline != NULL));
  g_assert_true ((reply != NULL) != (error != NULL));
  g_assert_cmpint (elapsed, >=, 0);
  if (self->log != NULL)
    {
      const char *sent = command != NULL ? tornadis_command_get_name (command) : "PIPELINE";
      g_autoptr (GEnumClass) codes = g_type_class_ref (TORNADIS_TYPE_ERROR);
      g_autofree char *text = reply != NULL ? tornadis_reply_to_string (reply)
                                            : g_strconcat ("!", g_enum_get_value (codes, error->code)->value_nick, NULL);

      g_string_append_printf (self->log, "%s=%s ", sent, text);
    }
  run_hook (plugin, OBSERVE, client, NULL);
}

static void
looking_plugin_client_acquired (TornadisPlugin *plugin,
                       TornadisClient *client,
                       gint64 elapsed)
{
  g_assert_cmpint (elapsed, >=, 0);
  run_hook (plugin, WAITED, client, NULL);
}

static gboolean
calling_plugin_call (TornadisPlugin *plugin,
                     TornadisCall *call)
{
  HookPlugin *self = (HookPlugin *) plugin;

  if (self->log != NULL)
    g_string_append_printf (self->log, "%s>%s ", self->name, tornadis_call_get_name (call));
  return run_hook (plugin, CALL, tornadis_call_get_client (call), call);
}

static void
calling_plugin_call_done (TornadisPlugin *plugin,
                          TornadisCall *call)
{
  HookPlugin *self = (HookPlugin *) plugin;

  if (self->log != NULL)
    g_string_append_printf (self->log, "%s<%s ", self->name, tornadis_call_get_name (call));
  run_hook (plugin, CALL_DONE, tornadis_call_get_client (call), call);
}

static void
looking_plugin_finalize (GObject *object)
{
  g_clear_object (&((HookPlugin *) object)->kept);
  G_OBJECT_CLASS (looking_plugin_parent_class)->finalize (object);
}

static void
looking_plugin_class_init (LookingPluginClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = looking_plugin_finalize;
  klass->attach = looking_plugin_attach;
  klass->detach = looking_plugin_detach;
  klass->setup = looking_plugin_setup;
  klass->push = looking_plugin_push;
  klass->observe = looking_plugin_observe;
  klass->client_acquired = looking_plugin_client_acquired;
}

static void
looking_plugin_init (HookPlugin *self)
{
}

static void
calling_plugin_class_init (CallingPluginClass *klass)
{
  klass->call = calling_plugin_call;
  klass->call_done = calling_plugin_call_done;
}

static void
calling_plugin_init (CallingPlugin *self)
{
}

static HookPlugin *
add (TornadisClient *client,
     GType type,
     const char *name,
     HookFunc func,
     gpointer data)
{
  g_autoptr (GError) error = NULL;
  HookPlugin *self = g_object_new (type, NULL);

  self->name = name;
  self->func = func;
  self->data = data;
  /* One that is gone takes no more. */
  if (!tornadis_client_add_plugin (client, (TornadisPlugin *) self, &error))
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  return self;
}

HookPlugin *
add_looking (TornadisClient *client,
             const char *name,
             HookFunc func,
             gpointer data)
{
  return add (client, looking_plugin_get_type (), name, func, data);
}

HookPlugin *
add_calling (TornadisClient *client,
             const char *name,
             HookFunc func,
             gpointer data)
{
  return add (client, calling_plugin_get_type (), name, func, data);
}

void
take_off (TornadisClient *client,
          HookPlugin *plugin)
{
  g_assert_true (tornadis_client_remove_plugin (client, (TornadisPlugin *) plugin));
  assert_finalized (plugin);
}

TornadisCommand *
make_command (const char *line)
{
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);

  return tornadis_command_new_strv ((const char *const *) argv);
}

void
count_ended_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  Calls *calls = user_data;

  g_assert_true ((reply != NULL) != (error != NULL));
  g_assert_cmpuint (calls->n_ended, ==, calls->n_freed);
  calls->n_ended++;
  g_clear_error (&calls->error);
  calls->error = error != NULL ? g_error_copy (error) : NULL;
}

void
count_freed_cb (gpointer user_data)
{
  ((Calls *) user_data)->n_freed++;
}

void
submit (TornadisClient *client,
        const char *line,
        Calls *calls)
{
  g_autoptr (TornadisCommand) command = make_command (line);

  calls->n_made++;
  tornadis_client_submit (client, command, count_ended_cb, calls, count_freed_cb);
}

static gboolean
times_up_cb (gpointer user_data)
{
  g_assert_not_reached ();
  return G_SOURCE_REMOVE;
}

void
wait_for_calls (Calls *calls)
{
  guint id = g_timeout_add_seconds (60, times_up_cb, NULL);

  while (calls->n_freed < calls->n_made)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (id);
  /* Whether one ends a second time. */
  spin_for (10);
  g_assert_cmpuint (calls->n_ended, ==, calls->n_made);
  g_assert_cmpuint (calls->n_freed, ==, calls->n_made);
}

void
calls_clear (Calls *calls)
{
  g_clear_error (&calls->error);
}
