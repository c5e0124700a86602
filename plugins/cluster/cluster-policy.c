/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-policy.h"

#include <string.h>

#include "common/commands.h"

typedef struct
{
  const char *name;
  const char *subcommand; /* (nullable) */
  ClusterRequest request;
  ClusterResponse response;
  /* Whatever the server says; else only if it says nothing of where the command goes, or nothing of the replies. */
  gboolean overrides;
} Rule;

#define RULE(name, subcommand, request, response, overrides)                            \
  {                                                                                     \
    name, subcommand, CLUSTER_REQUEST_##request, CLUSTER_RESPONSE_##response, overrides \
  }

/* Those of one name together. Servers before Redis 7 give no tips at all. */
static const Rule rules[] = {
  RULE ("ACL", "DELUSER", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("ACL", "LOAD", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("ACL", "SAVE", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("ACL", "SETUSER", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("BGREWRITEAOF", NULL, ALL_SHARDS, ALL_SUCCEEDED, FALSE),
  RULE ("BGSAVE", NULL, ALL_SHARDS, ALL_SUCCEEDED, FALSE),
  RULE ("CLIENT", "LIST", ALL_NODES, LINES, FALSE),
  RULE ("CLIENT", "PAUSE", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("CLIENT", "SETINFO", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("CLIENT", "SETNAME", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("CLIENT", "UNPAUSE", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("CLUSTER", "COUNTKEYSINSLOT", BY_SLOT, NONE, FALSE),
  RULE ("CLUSTER", "GETKEYSINSLOT", BY_SLOT, NONE, FALSE),
  /* A cursor is no key either, and names a slot. Other nodes than that of the slot, replicas too, would begin it again. */
  RULE ("CLUSTERSCAN", NULL, BY_CHANNEL, NONE, TRUE),
  RULE ("CONFIG", "RESETSTAT", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("CONFIG", "REWRITE", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("CONFIG", "SET", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("DBSIZE", NULL, ALL_SHARDS, AGG_SUM, FALSE),
  RULE ("DEL", NULL, MULTI_SHARD, AGG_SUM, FALSE),
  RULE ("EXISTS", NULL, MULTI_SHARD, AGG_SUM, FALSE),
  RULE ("FLUSHALL", NULL, ALL_SHARDS, ALL_SUCCEEDED, FALSE),
  RULE ("FLUSHDB", NULL, ALL_SHARDS, ALL_SUCCEEDED, FALSE),
  RULE ("FUNCTION", "DELETE", ALL_SHARDS, ALL_SUCCEEDED, FALSE),
  RULE ("FUNCTION", "FLUSH", ALL_SHARDS, ALL_SUCCEEDED, FALSE),
  RULE ("FUNCTION", "KILL", ALL_SHARDS, ONE_SUCCEEDED, FALSE),
  RULE ("FUNCTION", "LIST", ALL_SHARDS, JOIN, FALSE),
  RULE ("FUNCTION", "LOAD", ALL_SHARDS, ALL_SUCCEEDED, FALSE),
  RULE ("FUNCTION", "RESTORE", ALL_SHARDS, ALL_SUCCEEDED, FALSE),
  RULE ("INFO", NULL, ALL_SHARDS, BY_NODE, FALSE),
  RULE ("KEYS", NULL, ALL_SHARDS, JOIN, FALSE),
  RULE ("LASTSAVE", NULL, ALL_SHARDS, AGG_MIN, FALSE),
  /* It answers how many it has reset; Redis 7 says that any node's reply would do. */
  RULE ("LATENCY", "RESET", ALL_NODES, AGG_SUM, TRUE),
  RULE ("MGET", NULL, MULTI_SHARD, NONE, FALSE),
  RULE ("MSET", NULL, MULTI_SHARD, ALL_SUCCEEDED, FALSE),
  /* Redis 7 says that it may be split; it would not be all or nothing any more. */
  RULE ("MSETNX", NULL, BY_KEY, NONE, TRUE),
  /* Redis 7 and later say that all shards are to answer: it would fail with any of them. */
  RULE ("PING", NULL, BY_KEY, NONE, TRUE),
  RULE ("PUBSUB", "CHANNELS", ALL_NODES, UNION, FALSE),
  RULE ("PUBSUB", "NUMPAT", ALL_NODES, AGG_SUM, FALSE),
  RULE ("PUBSUB", "NUMSUB", ALL_NODES, SUM_BY_NAME, FALSE),
  RULE ("PUBSUB", "SHARDCHANNELS", ALL_NODES, UNION, FALSE),
  RULE ("PUBSUB", "SHARDNUMSUB", ALL_NODES, SUM_BY_NAME, FALSE),
  RULE ("RANDOMKEY", NULL, ALL_SHARDS, ANY, TRUE),
  RULE ("SAVE", NULL, ALL_SHARDS, ALL_SUCCEEDED, FALSE),
  RULE ("SCAN", NULL, CURSOR, NONE, TRUE),
  RULE ("SCRIPT", "EXISTS", ALL_SHARDS, AGG_LOGICAL_AND, FALSE),
  RULE ("SCRIPT", "FLUSH", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("SCRIPT", "KILL", ALL_SHARDS, ONE_SUCCEEDED, FALSE),
  RULE ("SCRIPT", "LOAD", ALL_NODES, ALL_SUCCEEDED, FALSE),
  RULE ("SLOWLOG", "GET", ALL_NODES, JOIN, FALSE),
  RULE ("SLOWLOG", "LEN", ALL_NODES, AGG_SUM, FALSE),
  RULE ("SLOWLOG", "RESET", ALL_NODES, ALL_SUCCEEDED, FALSE),
  /* A channel is no key, for COMMAND GETKEYS either, and has a slot all the same. */
  RULE ("SPUBLISH", NULL, BY_CHANNEL, NONE, TRUE),
  RULE ("SSUBSCRIBE", NULL, BY_CHANNEL, NONE, TRUE),
  RULE ("SUNSUBSCRIBE", NULL, BY_CHANNEL, NONE, TRUE),
  RULE ("TOUCH", NULL, MULTI_SHARD, AGG_SUM, FALSE),
  RULE ("UNLINK", NULL, MULTI_SHARD, AGG_SUM, FALSE),
  RULE ("WAIT", NULL, ALL_SHARDS, AGG_MIN, FALSE),
  RULE ("WAITAOF", NULL, ALL_SHARDS, AGG_MIN, FALSE),
};

/* The rules by name, made once, for the life of the program. Most commands have none, which their first letter and their
 * length tell. */
typedef struct
{
  GHashTable *first;   /* (owned) (element-type utf8 Rule) unowned: the first of each name */
  guint32 lengths[26]; /* by the first letter, a bit for each length */
} Index;

static guint32
length_bit (const char *name)
{
  return 1u << (strlen (name) % 32);
}

static Index *
get_index (void)
{
  static Index *made;

  if (g_once_init_enter (&made))
    {
      Index *index = g_new0 (Index, 1);

      index->first = g_hash_table_new (g_str_hash, g_str_equal);
      for (gsize i = G_N_ELEMENTS (rules); i > 0; i--)
        {
          const Rule *rule = &rules[i - 1];

          g_hash_table_insert (index->first, (gpointer) rule->name, (gpointer) rule);
          index->lengths[rule->name[0] - 'A'] |= length_bit (rule->name);
        }
      g_once_init_leave (&made, index);
    }

  return made;
}

/* The first of the rules for a name, or NULL. */
static const Rule *
find_rules (const char *name)
{
  Index *index = get_index ();

  if (!g_ascii_isupper (name[0]) || (index->lengths[name[0] - 'A'] & length_bit (name)) == 0)
    return NULL;

  return g_hash_table_lookup (index->first, name);
}

/* @rule (nullable) is the first for the name. */
static const Rule *
find_rule (const Rule *rule,
           TornadisCommand *command)
{
  const char *name = rule != NULL ? rule->name : NULL;

  for (; rule != NULL && rule < rules + G_N_ELEMENTS (rules) && g_str_equal (rule->name, name); rule++)
    {
      if (rule->subcommand == NULL || command_argument_is (command, 1, rule->subcommand))
        return rule;
    }

  return NULL;
}

/* CLIENT KILL address, and with filters. An ID is one of a node's own: at others it is somebody else's. */
static ClusterPolicy
find_for_kill (TornadisCommand *command)
{
  gsize n = tornadis_command_get_n_args (command);

  for (gsize i = 2; n > 3 && i < n; i += 2)
    {
      if (command_argument_is (command, i, "ID"))
        return (ClusterPolicy){ CLUSTER_REQUEST_BY_KEY, CLUSTER_RESPONSE_NONE };
    }

  return (ClusterPolicy){ CLUSTER_REQUEST_ALL_NODES, n > 3 ? CLUSTER_RESPONSE_AGG_SUM : CLUSTER_RESPONSE_ONE_SUCCEEDED };
}

static ClusterResponse
response_by_tips (CommandResponse response)
{
  static const ClusterResponse responses[] = {
    [COMMAND_RESPONSE_NONE] = CLUSTER_RESPONSE_NONE,
    [COMMAND_RESPONSE_ONE_SUCCEEDED] = CLUSTER_RESPONSE_ONE_SUCCEEDED,
    [COMMAND_RESPONSE_ALL_SUCCEEDED] = CLUSTER_RESPONSE_ALL_SUCCEEDED,
    [COMMAND_RESPONSE_AGG_LOGICAL_AND] = CLUSTER_RESPONSE_AGG_LOGICAL_AND,
    [COMMAND_RESPONSE_AGG_LOGICAL_OR] = CLUSTER_RESPONSE_AGG_LOGICAL_OR,
    [COMMAND_RESPONSE_AGG_MIN] = CLUSTER_RESPONSE_AGG_MIN,
    [COMMAND_RESPONSE_AGG_MAX] = CLUSTER_RESPONSE_AGG_MAX,
    [COMMAND_RESPONSE_AGG_SUM] = CLUSTER_RESPONSE_AGG_SUM,
    [COMMAND_RESPONSE_SPECIAL] = CLUSTER_RESPONSE_BY_NODE,
  };

  return responses[response];
}

ClusterPolicy
cluster_policy_find (const CommandEntry *entry,
                     TornadisCommand *command)
{
  const Rule *known = find_rules (tornadis_command_get_name (command));
  const Rule *rule = find_rule (known, command);
  CommandRequest request = entry != NULL ? command_entry_get_request (entry) : COMMAND_REQUEST_NONE;
  ClusterPolicy policy = { CLUSTER_REQUEST_BY_KEY, CLUSTER_RESPONSE_NONE };

  if (rule != NULL && (rule->overrides || request == COMMAND_REQUEST_NONE))
    return (ClusterPolicy){ rule->request, rule->response };
  if (known != NULL && g_str_equal (known->name, "CLIENT") && command_argument_is (command, 1, "KILL"))
    return find_for_kill (command);

  switch (request)
    {
    case COMMAND_REQUEST_ALL_NODES:
      policy.request = CLUSTER_REQUEST_ALL_NODES;
      break;
    case COMMAND_REQUEST_ALL_SHARDS:
      policy.request = CLUSTER_REQUEST_ALL_SHARDS;
      break;
    case COMMAND_REQUEST_MULTI_SHARD:
      policy.request = CLUSTER_REQUEST_MULTI_SHARD;
      break;
    /* What is special about it is not known here. */
    case COMMAND_REQUEST_NONE:
    case COMMAND_REQUEST_SPECIAL:
    default:
      return policy;
    }

  policy.response = response_by_tips (command_entry_get_response (entry));
  /* Nobody knows how to put such a one together again. */
  if (policy.request == CLUSTER_REQUEST_MULTI_SHARD && policy.response == CLUSTER_RESPONSE_BY_NODE)
    return (ClusterPolicy){ CLUSTER_REQUEST_BY_KEY, CLUSTER_RESPONSE_NONE };
  if (policy.response == CLUSTER_RESPONSE_NONE && rule != NULL)
    policy.response = rule->response;

  return policy;
}
