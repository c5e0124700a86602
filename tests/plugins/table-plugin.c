/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plugins/table-plugin.h"

#include "integration/util.h"

G_DEFINE_FINAL_TYPE (TablePlugin, table_plugin, TORNADIS_TYPE_PLUGIN)

static void
table_plugin_finalize (GObject *object)
{
  g_clear_pointer (&TABLE_PLUGIN (object)->table, command_table_free);
  G_OBJECT_CLASS (table_plugin_parent_class)->finalize (object);
}

static void
table_plugin_class_init (TablePluginClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = table_plugin_finalize;
}

static void
table_plugin_init (TablePlugin *self)
{
  self->table = command_table_new (TORNADIS_PLUGIN (self));
}

void
told_cb (const GError *error,
         gpointer user_data)
{
  Told *told = user_data;

  told->told = TRUE;
  told->times++;
  g_clear_error (&told->error);
  told->error = error != NULL ? g_error_copy (error) : NULL;
}

TablePlugin *
make_table (TornadisClient *client)
{
  TablePlugin *plugin = g_object_new (TABLE_TYPE_PLUGIN, NULL);
  g_autoptr (GError) error = NULL;

  tornadis_client_add_plugin (client, TORNADIS_PLUGIN (plugin), &error);
  g_assert_no_error (error);
  return plugin;
}

void
drop_table (TornadisClient *client,
            TablePlugin *plugin)
{
  g_assert_true (tornadis_client_remove_plugin (client, TORNADIS_PLUGIN (plugin)));
  assert_finalized (plugin);
}

void
assert_ready (TablePlugin *plugin,
              TornadisClient *client)
{
  Told told = { 0 };

  if (command_table_is_ready (plugin->table, client, told_cb, &told))
    return;
  g_assert_true (spin_until (&told.told, 60000));
  g_assert_no_error (told.error);
  g_assert_true (command_table_is_ready (plugin->table, client, NULL, NULL));
}

TornadisClient *
make_scripted_table (const char *resp,
                     TornadisHarnessPeer **peer,
                     TablePlugin **plugin,
                     Told *told)
{
  g_autofree char *escaped = g_strescape (resp, NULL);
  g_autofree char *script = g_strdup_printf ("handshake3\nexpect COMMAND\nsend \"%s\"\n", escaped);
  TornadisClient *client;

  *peer = make_peer (script);
  client = make_client (*peer);
  *plugin = make_table (client);
  g_assert_false (command_table_is_ready ((*plugin)->table, client, told_cb, told));
  g_assert_true (spin_until (&told->told, 60000));

  return client;
}

void
drop_scripted_table (TornadisClient *client,
                     TornadisHarnessPeer *peer,
                     TablePlugin *plugin)
{
  drop_table (client, plugin);
  tornadis_client_close (client);
  assert_client_finalized (client);
  g_object_unref (peer);
}

TornadisCommand *
split (const char *line)
{
  g_auto (GStrv) argv = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, NULL));
  return tornadis_command_new_strv ((const char *const *) argv);
}

const CommandEntry *
find_entry (TablePlugin *plugin,
            TornadisClient *client,
            const char *line)
{
  g_autoptr (TornadisCommand) command = split (line);

  return command_table_find (plugin->table, client, command);
}
