/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "harness/harness-cluster.h"

#include <string.h>

#include "harness/harness-cluster-private.h"
#include "harness/harness-partition.h"
#include "harness/harness-process.h"
#include "harness/harness-redis-private.h"

#define N_SLOTS 16384
#define N_ATTEMPTS 3
/* From which on nodes.conf has identifiers of shards: 7.2. */
#define SHARD_ID_VERSION 702

/**
 * TornadisHarnessCluster:
 *
 * A cluster of private servers. Its first nodes are the masters, each with an equal part of the slots in order; then
 * come the replicas, the first of each master, then the second of each, and so on; then the nodes that were added.
 *
 * All calls wait, without the main loop. They may be made in a thread while the main loop goes on with the load, by one
 * thread at a time.
 */
G_DEFINE_FINAL_TYPE (TornadisHarnessCluster, tornadis_harness_cluster, G_TYPE_OBJECT)

static const char *const default_args[] = {
  "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-allow-replica-migration", "no",
  "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", "--cluster-announce-ip", "127.0.0.1",
  "--replica-announce-ip", "127.0.0.1", "--bind-source-addr", HARNESS_SOURCE_ADDRESS, "--protected-mode", "no", NULL
};

static void
tornadis_harness_cluster_finalize (GObject *object)
{
  TornadisHarnessCluster *self = TORNADIS_HARNESS_CLUSTER (object);

  g_ptr_array_unref (self->nodes);
  g_ptr_array_unref (self->ids);
  g_strfreev (self->args);
  if (self->certificates != NULL)
    harness_remove_directory (self->certificates);
  g_free (self->certificates);

  G_OBJECT_CLASS (tornadis_harness_cluster_parent_class)->finalize (object);
}

static void
tornadis_harness_cluster_class_init (TornadisHarnessClusterClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tornadis_harness_cluster_finalize;
}

static void
tornadis_harness_cluster_init (TornadisHarnessCluster *self)
{
  self->nodes = g_ptr_array_new_with_free_func (g_object_unref);
  self->ids = g_ptr_array_new_with_free_func (g_free);
}

static TornadisHarnessRedis *
cluster_node (TornadisHarnessCluster *self,
              guint i)
{
  g_assert (i < self->nodes->len);

  return g_ptr_array_index (self->nodes, i);
}

static const char *
cluster_id (TornadisHarnessCluster *self,
            guint i)
{
  return g_ptr_array_index (self->ids, i);
}

gboolean
harness_cluster_counts (TornadisHarnessCluster *self,
                        guint i)
{
  return !self->removed[i] && !self->isolated[i] && harness_redis_answers (cluster_node (self, i));
}

gboolean
harness_cluster_do (TornadisHarnessCluster *self,
                    guint i,
                    GError **error,
                    const char *format,
                    ...)
{
  g_autofree char *line = NULL;
  g_autofree char *reply = NULL;
  va_list args;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);

  reply = tornadis_harness_redis_command (cluster_node (self, i), line, error);
  if (reply != NULL && *reply == '-')
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s", line, reply);

  return reply != NULL && *reply != '-';
}

/* A master is OK only two seconds after its start, but a replica at once, and stays it when it takes over. So each
 * master starts as the replica of a node that is not there, which is forgotten. That nobody hears of it, each node
 * starts with addresses of the others where nobody listens. */
static char *
make_nodes_conf (TornadisHarnessCluster *self,
                 guint me,
                 gboolean shards)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *ghost = harness_make_id ();
  guint n = self->n_masters;

  for (guint i = 0; i < self->nodes->len; i++)
    {
      TornadisHarnessRedis *node = cluster_node (self, i);
      const char *master = i == me && i < n ? ghost : cluster_id (self, i % n);
      /* Valkey forgets a master with its ghost unless told that they share a shard. */
      g_autofree char *shard = shards ? g_strdup_printf (",,shard-id=%s", cluster_id (self, i % n)) : g_strdup ("");

      if (i < n)
        g_string_append_printf (text, "%s 127.0.0.1:1@1%s master - 0 0 %u connected %u-%u\n",
                                i == me ? ghost : cluster_id (self, i), shard, i + 1, N_SLOTS * i / n,
                                N_SLOTS * (i + 1) / n - 1);
      if (i == me)
        g_string_append_printf (text, "%s 127.0.0.1:%u@%u%s myself,slave %s 0 0 %u connected\n", cluster_id (self, i),
                                tornadis_harness_redis_get_port (node), harness_redis_get_bus_port (node), shard, master,
                                i % n + 1);
      else if (i >= n)
        g_string_append_printf (text, "%s 127.0.0.1:1@1%s slave %s 0 0 %u connected\n", cluster_id (self, i), shard,
                                master, i % n + 1);
    }
  /* Each master takes over with an epoch of its own. */
  g_string_append_printf (text, "vars currentEpoch %u lastVoteEpoch 0\n", n + (me < n ? me : 0));

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
take_over (TornadisHarnessCluster *self,
           guint i,
           GError **error)
{
  g_autofree char *nodes = tornadis_harness_cluster_command (self, i, "CLUSTER NODES", error);
  const char *myself = nodes != NULL ? strstr (nodes, "myself,slave ") : NULL;

  if (nodes == NULL)
    return FALSE;
  if (myself == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The node has not read nodes.conf");
      return FALSE;
    }

  return harness_cluster_do (self, i, error, "CLUSTER FAILOVER TAKEOVER") &&
         harness_cluster_do (self, i, error, "CLUSTER FORGET %.40s", myself + strlen ("myself,slave "));
}

gboolean
harness_cluster_meet (TornadisHarnessCluster *self,
                      guint i,
                      guint j,
                      GError **error)
{
  TornadisHarnessRedis *node = cluster_node (self, j);

  return harness_cluster_do (self, i, error, "CLUSTER MEET 127.0.0.1 %u %u", tornadis_harness_redis_get_port (node),
                             harness_redis_get_bus_port (node));
}

gboolean
harness_cluster_add (TornadisHarnessCluster *self,
                     GError **error)
{
  const HarnessRedisKind kind = {
    .bus = TRUE,
    .index = self->nodes->len,
    .certificates = self->certificates,
    .password = harness_find_argument ((const char *const *) self->args, "--requirepass"),
  };
  TornadisHarnessRedis *node = harness_redis_prepare (&kind, (const char *const *) self->args, error);

  if (node == NULL)
    return FALSE;

  g_assert (self->nodes->len < HARNESS_CLUSTER_MAX_NODES);
  g_ptr_array_add (self->nodes, node);
  g_ptr_array_add (self->ids, harness_make_id ());

  return TRUE;
}

static gboolean
cluster_launch (TornadisHarnessCluster *self,
                guint n_nodes,
                GError **error)
{
  int version = harness_get_server_version (error);

  if (version < 0)
    return FALSE;

  g_ptr_array_set_size (self->nodes, 0);
  g_ptr_array_set_size (self->ids, 0);
  for (guint i = 0; i < n_nodes; i++)
    if (!harness_cluster_add (self, error))
      return FALSE;

  for (guint i = 0; i < n_nodes; i++)
    {
      TornadisHarnessRedis *node = cluster_node (self, i);
      g_autofree char *path = g_build_filename (tornadis_harness_redis_get_directory (node), "nodes.conf", NULL);
      g_autofree char *text = make_nodes_conf (self, i, version >= SHARD_ID_VERSION);

      if (!g_file_set_contents (path, text, -1, error) || !harness_redis_launch (node, error))
        return FALSE;
    }
  for (guint i = 0; i < n_nodes; i++)
    if (!harness_redis_await (cluster_node (self, i), error))
      return FALSE;

  return TRUE;
}

gboolean
harness_cluster_meet_all (TornadisHarnessCluster *self,
                          GError **error)
{
  for (guint i = 0; i < self->nodes->len; i++)
    for (guint j = 0; j < i; j++)
      if (harness_cluster_counts (self, i) && harness_cluster_counts (self, j) && !harness_cluster_meet (self, i, j, error))
        return FALSE;

  return TRUE;
}

/* Makes a cluster of servers that run. */
static gboolean
cluster_join (TornadisHarnessCluster *self,
              GError **error)
{
  guint n_nodes = self->nodes->len;

  for (guint i = 0; i < self->n_masters; i++)
    if (!take_over (self, i, error))
      return FALSE;
  if (!harness_cluster_meet_all (self, error) ||
      !harness_wait (harness_cluster_is_linked, self, "all nodes know each other", error))
    return FALSE;

  /* A replica is told of once it has received something; meeting again is a way to tell that at once. */
  for (guint i = 0; i < self->n_masters; i++)
    if (!harness_cluster_do (self, i, error, "FLUSHALL"))
      return FALSE;
  if (!harness_wait (harness_cluster_is_written, self, "all replicas follow", error))
    return FALSE;
  for (guint i = self->n_masters; i < n_nodes; i++)
    for (guint j = 0; j < n_nodes; j++)
      if (j != i && !harness_cluster_meet (self, i, j, error))
        return FALSE;

  return harness_wait (harness_cluster_is_known, self, "all nodes are told of", error);
}

static TornadisHarnessCluster *
cluster_new (guint n_masters,
             guint n_replicas,
             gboolean tls,
             const char *const *extra_args,
             GError **error)
{
  g_autoptr (TornadisHarnessCluster) self = g_object_new (TORNADIS_HARNESS_TYPE_CLUSTER, NULL);
  g_autoptr (GStrvBuilder) args = g_strv_builder_new ();

  g_strv_builder_addv (args, (const char **) default_args);
  if (extra_args != NULL)
    g_strv_builder_addv (args, (const char **) extra_args);
  self->args = g_strv_builder_end (args);
  self->n_masters = n_masters;

  if (tls)
    {
      self->certificates = g_dir_make_tmp ("tornadis-XXXXXX", error);
      if (self->certificates == NULL || !harness_make_certificates (self->certificates, error))
        return NULL;
    }

  /* Somebody else may have taken a port meanwhile. */
  for (guint attempt = 1; !cluster_launch (self, n_masters * (1 + n_replicas), attempt < N_ATTEMPTS ? NULL : error); attempt++)
    if (attempt == N_ATTEMPTS)
      return NULL;

  return cluster_join (self, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * tornadis_harness_cluster_new:
 * @n_masters: how many masters
 * @n_replicas: how many replicas each has
 * @extra_args: (array zero-terminated=1) (nullable): more arguments of all servers, in which `{i}` is the number of the
 *   node
 * @error: return location for an error
 *
 * Starts a cluster and waits until every node serves and tells clients of all the others. With `--requirepass` it must
 * have `--masterauth` too.
 *
 * Returns: (transfer full): a cluster
 */
TornadisHarnessCluster *
tornadis_harness_cluster_new (guint n_masters,
                              guint n_replicas,
                              const char *const *extra_args,
                              GError **error)
{
  return cluster_new (n_masters, n_replicas, FALSE, extra_args, error);
}

/**
 * tornadis_harness_cluster_new_tls:
 * @n_masters: how many masters
 * @n_replicas: how many replicas each has
 * @extra_args: (array zero-terminated=1) (nullable): more arguments of all servers, such as `--tls-cluster`
 * @error: return location for an error
 *
 * Like tornadis_harness_cluster_new(), and each node speaks TLS on another port; see
 * tornadis_harness_redis_new_tls() for the certificates.
 *
 * Returns: (transfer full): a cluster
 */
TornadisHarnessCluster *
tornadis_harness_cluster_new_tls (guint n_masters,
                                  guint n_replicas,
                                  const char *const *extra_args,
                                  GError **error)
{
  return cluster_new (n_masters, n_replicas, TRUE, extra_args, error);
}

/**
 * tornadis_harness_cluster_get_n_nodes:
 * @self: a cluster
 *
 * Gets how many nodes there are, with those that were killed and removed.
 *
 * Returns: a number
 */
guint
tornadis_harness_cluster_get_n_nodes (TornadisHarnessCluster *self)
{
  return self->nodes->len;
}

/**
 * tornadis_harness_cluster_get_node:
 * @self: a cluster
 * @i: the number of a node
 *
 * Gets a node, to be killed, paused, restarted, moved to other ports.
 *
 * Returns: (transfer none): a server
 */
TornadisHarnessRedis *
tornadis_harness_cluster_get_node (TornadisHarnessCluster *self,
                                   guint i)
{
  return cluster_node (self, i);
}

/**
 * tornadis_harness_cluster_get_node_id:
 * @self: a cluster
 * @i: the number of a node
 *
 * Gets the name that the cluster has for a node.
 *
 * Returns: (transfer none): 40 hexadecimal digits
 */
const char *
tornadis_harness_cluster_get_node_id (TornadisHarnessCluster *self,
                                      guint i)
{
  g_assert (i < self->ids->len);

  return cluster_id (self, i);
}

/**
 * tornadis_harness_cluster_get_hosts:
 * @self: a cluster
 * @tls: whether to get the ports that speak TLS
 *
 * Gets the addresses of all nodes as a URI has them: `127.0.0.1:10001,127.0.0.1:10002`.
 *
 * Returns: (transfer full): addresses
 */
char *
tornadis_harness_cluster_get_hosts (TornadisHarnessCluster *self,
                                    gboolean tls)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < self->nodes->len; i++)
    if (!self->removed[i])
      g_string_append_printf (text, "%s127.0.0.1:%u", text->len > 0 ? "," : "",
                              tls ? tornadis_harness_redis_get_tls_port (cluster_node (self, i))
                                  : tornadis_harness_redis_get_port (cluster_node (self, i)));

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/**
 * tornadis_harness_cluster_command:
 * @self: a cluster
 * @i: the number of a node
 * @line: a command with its arguments
 * @error: return location for an error
 *
 * Does tornadis_harness_redis_command() on a node.
 *
 * Returns: (transfer full): the reply as it came, with its type
 */
char *
tornadis_harness_cluster_command (TornadisHarnessCluster *self,
                                  guint i,
                                  const char *line,
                                  GError **error)
{
  return tornadis_harness_redis_command (cluster_node (self, i), line, error);
}
