/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-way.h"

#include "cluster/cluster-route.h"
#include "cluster/cluster-slot.h"
#include "cluster/cluster-split.h"
#include "common/commands.h"

static gboolean
find_slot_of_argument (TornadisCommand *command,
                       guint i,
                       guint *slot)
{
  gsize length;
  const guint8 *data = tornadis_command_get_arg_data (command, i, &length);

  if (data == NULL)
    return FALSE;

  *slot = cluster_slot_of (data, length);
  return TRUE;
}

/* The third argument is a slot in digits. */
static gboolean
parse_slot (TornadisCommand *command,
            guint *slot)
{
  g_autoptr (GBytes) argument = tornadis_command_get_arg (command, 2);
  g_autofree char *digits = NULL;
  guint64 number;

  if (argument == NULL)
    return FALSE;

  digits = g_strndup (g_bytes_get_data (argument, NULL), g_bytes_get_size (argument));
  if (!g_ascii_string_to_unsigned (digits, 10, 0, CLUSTER_N_SLOTS - 1, &number, NULL))
    return FALSE;

  *slot = (guint) number;
  return TRUE;
}

static ClusterWayKind
find_by_keys (const CommandEntry *entry,
              TornadisCommand *command,
              gboolean may_be_split,
              guint *slot)
{
  g_autoptr (GArray) positions = g_array_new (FALSE, FALSE, sizeof (guint));

  /* If it is not known where its keys are, a node says where it belongs. */
  if (entry == NULL || !command_entry_find_keys (entry, command, positions) || positions->len == 0)
    return CLUSTER_WAY_ANY;
  if (cluster_split_find_slot (command, positions, slot))
    return CLUSTER_WAY_SLOT;

  return may_be_split ? CLUSTER_WAY_SPLIT : CLUSTER_WAY_NONE;
}

ClusterWay
cluster_way_find (ClusterMap *map,
                  TornadisCommand *command)
{
  const CommandEntry *entry = cluster_map_find_command (map, command);
  ClusterWay way = { CLUSTER_WAY_SLOT, .entry = entry };
  ClusterPolicy policy;

  way.reads = entry != NULL && (command_entry_get_flags (entry) & COMMAND_FLAG_READONLY) != 0;
  if (G_LIKELY (cluster_route_find_slot (entry, command, &way.slot)))
    return way;

  policy = cluster_policy_find (entry, command);
  way.response = policy.response;
  switch (policy.request)
    {
    case CLUSTER_REQUEST_BY_CHANNEL:
      way.kind = find_slot_of_argument (command, 1, &way.slot) ? CLUSTER_WAY_SLOT : CLUSTER_WAY_ANY;
      way.reads = FALSE;
      break;
    case CLUSTER_REQUEST_BY_SLOT:
      way.kind = parse_slot (command, &way.slot) ? CLUSTER_WAY_SLOT : CLUSTER_WAY_ANY;
      break;
    case CLUSTER_REQUEST_ALL_NODES:
      way.kind = CLUSTER_WAY_NODES;
      break;
    case CLUSTER_REQUEST_ALL_SHARDS:
      way.kind = CLUSTER_WAY_SHARDS;
      break;
    case CLUSTER_REQUEST_CURSOR:
      way.kind = CLUSTER_WAY_CURSOR;
      break;
    case CLUSTER_REQUEST_BY_KEY:
    case CLUSTER_REQUEST_MULTI_SHARD:
    default:
      way.kind = find_by_keys (entry, command, policy.request == CLUSTER_REQUEST_MULTI_SHARD, &way.slot);
      break;
    }

  return way;
}

ClusterWay
cluster_way_find_for_all (ClusterMap *map,
                          TornadisPipeline *pipeline,
                          TornadisCommand **several)
{
  ClusterWay all = { CLUSTER_WAY_ANY };

  for (guint i = 0; i < tornadis_pipeline_get_number_of_stacked_calls (pipeline); i++)
    {
      TornadisCommand *command = tornadis_pipeline_get_command (pipeline, i);
      ClusterWay way = cluster_way_find (map, command);

      if (way.kind == CLUSTER_WAY_ANY || (way.kind == CLUSTER_WAY_SLOT && all.kind == CLUSTER_WAY_SLOT && way.slot == all.slot))
        continue;
      if (way.kind != CLUSTER_WAY_SLOT && way.kind != CLUSTER_WAY_SPLIT && way.kind != CLUSTER_WAY_NONE)
        {
          if (several != NULL)
            *several = command;
          return way;
        }
      if (way.kind != CLUSTER_WAY_SLOT || all.kind != CLUSTER_WAY_ANY)
        return (ClusterWay){ CLUSTER_WAY_NONE };
      all.kind = CLUSTER_WAY_SLOT;
      all.slot = way.slot;
    }

  return all;
}

gboolean
cluster_way_check (TornadisCommand *command,
                   GError **error)
{
  static const struct
  {
    const char *name;
    const char *subcommand; /* (nullable) */
    const char *instead;
  } refused[] = {
    { "SELECT", NULL, "set the property db" },
    { "AUTH", NULL, "set the properties username and password" },
    { "READONLY", NULL, "set read-from" },
    { "READWRITE", NULL, "set read-from" },
    { "ASKING", NULL, "redirections are followed" },
    { "MONITOR", NULL, "it is about one server" },
    { "CLIENT", "SETNAME", "set the property client-name" },
    { "CLIENT", "TRACKING", "use the plugin cache" },
    { "CLIENT", "CACHING", "use the plugin cache" },
    { "CLIENT", "NO-EVICT", "it is about one connection" },
    { "CLIENT", "NO-TOUCH", "it is about one connection" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      if (!command_is (command, refused[i].name) ||
          (refused[i].subcommand != NULL && !command_argument_is (command, 1, refused[i].subcommand)))
        continue;

      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "%s%s%s cannot be called on a cluster: %s", refused[i].name,
                   refused[i].subcommand != NULL ? " " : "", refused[i].subcommand != NULL ? refused[i].subcommand : "",
                   refused[i].instead);
      return FALSE;
    }

  return TRUE;
}
