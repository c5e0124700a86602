/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plugins/cache-util.h"

TornadisClient *
cache_make_client (TornadisHarnessRedis *redis,
                   TornadisProtocol protocol)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (redis));

  g_object_set (client, "protocol", protocol, NULL);
  return client;
}

TornadisPlugin *
cache_add (TornadisClient *client)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *plugin = tornadis_client_add_plugin_by_name (client, "cache", &error);

  g_assert_no_error (error);
  /* What is kept is dropped when a PING is not answered in time, as may happen on a machine that is slow enough. */
  g_object_set (plugin, "ping-interval-msec", 0, NULL);
  return plugin;
}

guint64
cache_get (TornadisPlugin *plugin,
           const char *property)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_object_get_property (G_OBJECT (plugin), property, &value);
  return G_VALUE_HOLDS_UINT (&value) ? g_value_get_uint (&value) : g_value_get_uint64 (&value);
}

void
cache_wait_for (TornadisPlugin *plugin,
                const char *property,
                guint64 at_least)
{
  wait_until (cache_get (plugin, property) >= at_least);
}

void
cache_connect (TornadisClient *client,
               TornadisPlugin *plugin,
               guint n)
{
  g_autoptr (GError) error = NULL;

  connect_and_wait (client, &error);
  g_assert_no_error (error);
  cache_wait_for (plugin, "connections", n);
  /* With a redirect the table of commands may come behind. */
  assert_call (client, "PONG", "PING", NULL);
}

void
cache_remove (TornadisClient *client,
              TornadisPlugin *plugin)
{
  g_autoptr (TornadisPlugin) alive = g_object_ref (plugin);

  g_assert_true (tornadis_client_remove_plugin (client, plugin));
  /* What was under way still has it. */
  wait_until (G_OBJECT (plugin)->ref_count == 1);
  assert_finalized (g_steal_pointer (&alive));
}
