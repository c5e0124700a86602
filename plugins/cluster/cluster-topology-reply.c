/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-topology-private.h"

#include <string.h>

#include "cluster/cluster-endpoint.h"

/* How a reply is read. */
typedef struct
{
  ClusterTopology *topology; /* (unowned) that is being made */
  const char *host;          /* (unowned) of the node that said it */
  const char *port_name;     /* (unowned) (nullable) */
} Source;

static gboolean
set_error (GError **error,
           const char *problem)
{
  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "The server's description of its cluster is not one: %s", problem);
  return FALSE;
}

static gboolean
is_list (TornadisReply *reply)
{
  return reply != NULL && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_ARRAY;
}

static gboolean
is_map (TornadisReply *reply)
{
  return is_list (reply) || (reply != NULL && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_MAP);
}

/* Both @map and what is found may be NULL; an empty text is none. */
static const char *
get_text (TornadisReply *map,
          const char *key)
{
  TornadisReply *found = is_map (map) ? tornadis_reply_lookup (map, key) : NULL;
  const char *text = found != NULL ? tornadis_reply_get_text (found) : NULL;

  return text != NULL && text[0] != '\0' ? text : NULL;
}

static gboolean
reply_to_port (TornadisReply *reply,
               guint16 *port)
{
  gint64 value;

  if (reply == NULL || tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_INTEGER)
    return FALSE;

  value = tornadis_reply_get_integer (reply);
  *port = (guint16) value;
  return value > 0 && value <= G_MAXUINT16;
}

static gboolean
text_is_host (const char *text)
{
  return text != NULL && cluster_host_is_valid (text, strlen (text));
}

/* NIL means the host that was asked, whatever else is known. An empty name or a question mark means that there is none of the
 * kind that the cluster prefers: then @fallbacks (nullable) may have another. NULL: what it is cannot be a host. */
static const char *
source_choose_host (const Source *self,
                    TornadisReply *endpoint,
                    TornadisReply *fallbacks)
{
  const char *text;

  if (endpoint == NULL || tornadis_reply_get_kind (endpoint) == TORNADIS_REPLY_KIND_NIL)
    return self->host;

  text = tornadis_reply_get_text (endpoint);
  if (text == NULL)
    return NULL;
  if (text[0] != '\0' && strcmp (text, "?") != 0)
    return text_is_host (text) ? text : NULL;

  text = get_text (fallbacks, "hostname");
  if (!text_is_host (text))
    text = get_text (fallbacks, "ip");

  return text_is_host (text) ? text : self->host;
}

/* A range of slots is that of a shard. */
static gboolean
source_claim (const Source *self,
              guint shard,
              TornadisReply *start,
              TornadisReply *end,
              GError **error)
{
  gint64 first, last;

  if (start == NULL || end == NULL || tornadis_reply_get_kind (start) != TORNADIS_REPLY_KIND_INTEGER ||
      tornadis_reply_get_kind (end) != TORNADIS_REPLY_KIND_INTEGER)
    return set_error (error, "a range of slots is no pair of numbers");

  first = tornadis_reply_get_integer (start);
  last = tornadis_reply_get_integer (end);
  if (first < 0 || last >= CLUSTER_N_SLOTS || first > last)
    return set_error (error, "there is no such range of slots");
  if (!cluster_topology_claim (self->topology, shard, (guint) first, (guint) last))
    return set_error (error, "a slot is named twice");

  return TRUE;
}

static ClusterHealth
parse_health (TornadisReply *reply)
{
  const char *health = get_text (reply, "health");

  if (health == NULL)
    return tornadis_reply_lookup (reply, "health") == NULL ? CLUSTER_HEALTH_ONLINE : CLUSTER_HEALTH_FAILED;
  if (strcmp (health, "online") == 0)
    return CLUSTER_HEALTH_ONLINE;

  return strcmp (health, "loading") == 0 ? CLUSTER_HEALTH_LOADING : CLUSTER_HEALTH_FAILED;
}

/* A node of CLUSTER SHARDS; FALSE: it is of no use. */
static gboolean
source_parse_node (const Source *self,
                   TornadisReply *reply,
                   ClusterEntry *entry)
{
  TornadisReply *offset;
  const char *role = get_text (reply, "role");

  if (role == NULL)
    return FALSE;

  entry->is_master = strcmp (role, "master") == 0 || strcmp (role, "primary") == 0;
  if (!entry->is_master && strcmp (role, "replica") != 0 && strcmp (role, "slave") != 0)
    return FALSE;

  entry->host = source_choose_host (self, tornadis_reply_lookup (reply, "endpoint"), reply);
  if (entry->host == NULL || !reply_to_port (tornadis_reply_lookup (reply, self->port_name), &entry->port))
    return FALSE;

  offset = tornadis_reply_lookup (reply, "replication-offset");
  entry->offset = offset != NULL ? tornadis_reply_get_integer (offset) : 0;
  entry->id = get_text (reply, "id");
  entry->zone = get_text (reply, "availability-zone");
  entry->health = parse_health (reply);

  return TRUE;
}

static gboolean
source_parse_shard (const Source *self,
                    TornadisReply *reply,
                    GError **error)
{
  TornadisReply *slots = is_map (reply) ? tornadis_reply_lookup (reply, "slots") : NULL;
  TornadisReply *nodes = is_map (reply) ? tornadis_reply_lookup (reply, "nodes") : NULL;
  guint shard;

  if (!is_list (slots) || !is_list (nodes) || tornadis_reply_get_n_elements (slots) % 2 != 0)
    return set_error (error, "a shard has no list of slots, or none of nodes");
  if (!cluster_topology_add_shard (self->topology, &shard))
    return set_error (error, "there are too many shards");

  for (gsize i = 0; i < tornadis_reply_get_n_elements (slots); i += 2)
    {
      if (!source_claim (self, shard, tornadis_reply_get_element (slots, i), tornadis_reply_get_element (slots, i + 1), error))
        return FALSE;
    }
  for (gsize i = 0; i < tornadis_reply_get_n_elements (nodes); i++)
    {
      ClusterEntry entry = { NULL };

      if (source_parse_node (self, tornadis_reply_get_element (nodes, i), &entry))
        cluster_topology_add (self->topology, shard, &entry);
    }

  return TRUE;
}

/* Whether one of the nodes has a port for TLS; nothing is said of what else the reply is. */
static gboolean
names_tls_ports (TornadisReply *reply)
{
  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    {
      TornadisReply *shard = tornadis_reply_get_element (reply, i);
      TornadisReply *nodes = is_map (shard) ? tornadis_reply_lookup (shard, "nodes") : NULL;

      for (gsize j = 0; is_list (nodes) && j < tornadis_reply_get_n_elements (nodes); j++)
        {
          TornadisReply *node = tornadis_reply_get_element (nodes, j);
          guint16 port;

          if (is_map (node) && reply_to_port (tornadis_reply_lookup (node, "tls-port"), &port))
            return TRUE;
        }
    }

  return FALSE;
}

ClusterTopology *
cluster_topology_new_from_shards (TornadisReply *reply,
                                  const char *host,
                                  gboolean use_tls,
                                  GError **error)
{
  g_autoptr (ClusterTopology) self = cluster_topology_new ();
  Source source = { self, host, "port" };

  if (!is_list (reply))
    {
      set_error (error, "there is no list of shards");
      return NULL;
    }

  if (use_tls && names_tls_ports (reply))
    source.port_name = "tls-port";
  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    {
      if (!source_parse_shard (&source, tornadis_reply_get_element (reply, i), error))
        return NULL;
    }

  cluster_topology_settle (self);
  return g_steal_pointer (&self);
}

/* Adds a node of CLUSTER SLOTS: host, port, from Redis 4 on its id, from Redis 7 on a list of what else is known. */
static void
source_take_slots_node (const Source *self,
                        guint shard,
                        TornadisReply *reply,
                        gboolean is_master)
{
  TornadisReply *id = is_list (reply) ? tornadis_reply_get_element (reply, 2) : NULL;
  TornadisReply *others = is_list (reply) ? tornadis_reply_get_element (reply, 3) : NULL;
  ClusterEntry entry = { .is_master = is_master, .health = CLUSTER_HEALTH_ONLINE };

  if (!is_list (reply) || !reply_to_port (tornadis_reply_get_element (reply, 1), &entry.port))
    return;

  entry.host = source_choose_host (self, tornadis_reply_get_element (reply, 0), others);
  entry.id = id != NULL ? tornadis_reply_get_text (id) : NULL;
  entry.zone = get_text (others, "availability-zone");
  if (entry.host != NULL)
    cluster_topology_add (self->topology, shard, &entry);
}

/* A range of slots and its nodes, the master first. Each is a shard here: the same nodes have several ranges. */
static gboolean
source_parse_range (const Source *self,
                    TornadisReply *reply,
                    GError **error)
{
  gsize n = is_list (reply) ? tornadis_reply_get_n_elements (reply) : 0;
  guint shard;

  if (n < 3)
    return set_error (error, "a range of slots has no node");
  if (!cluster_topology_add_shard (self->topology, &shard))
    return set_error (error, "there are too many ranges");
  if (!source_claim (self, shard, tornadis_reply_get_element (reply, 0), tornadis_reply_get_element (reply, 1), error))
    return FALSE;

  for (gsize i = 2; i < n; i++)
    source_take_slots_node (self, shard, tornadis_reply_get_element (reply, i), i == 2);

  return TRUE;
}

ClusterTopology *
cluster_topology_new_from_slots (TornadisReply *reply,
                                 const char *host,
                                 GError **error)
{
  g_autoptr (ClusterTopology) self = cluster_topology_new ();
  Source source = { self, host, NULL };

  if (!is_list (reply))
    {
      set_error (error, "there is no list of slots");
      return NULL;
    }

  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    {
      if (!source_parse_range (&source, tornadis_reply_get_element (reply, i), error))
        return NULL;
    }

  cluster_topology_settle (self);
  return g_steal_pointer (&self);
}
