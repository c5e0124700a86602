/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is done to a cluster that runs. */

#include <stdlib.h>
#include <string.h>

#include "harness/harness-cluster-private.h"
#include "harness/harness-partition.h"
#include "harness/harness-process.h"
#include "harness/harness-redis-private.h"

/* After this, four times the node timeout and some, a replica begins a new election. */
#define FAILOVER_USEC (9 * G_TIME_SPAN_SECOND)

typedef struct
{
  TornadisHarnessCluster *cluster;
  guint i;
  const char *how;
  gint64 asked; /* when, in monotonic time */
} Failover;

/* Redis says OK, and takes the votes of an earlier election for those of this one: nobody else believes that the replica
 * is a master, and soon it is none. */
static gboolean
is_failed_over (gpointer data)
{
  Failover *failover = data;

  if (harness_cluster_is_heir (failover->cluster, failover->i))
    return TRUE;

  if (g_get_monotonic_time () - failover->asked > FAILOVER_USEC)
    {
      harness_cluster_do (failover->cluster, failover->i, NULL, "CLUSTER FAILOVER %s", failover->how);
      failover->asked = g_get_monotonic_time ();
    }

  return FALSE;
}

/**
 * tornadis_harness_cluster_failover:
 * @self: a cluster
 * @i: the number of a replica
 * @how: an empty string, FORCE or TAKEOVER
 * @error: return location for an error
 *
 * Has a replica become the master, and waits until it is to all nodes that count. Soon after another failover to the
 * same node Redis 7 and 8 lose what is written meanwhile, and it takes as long as the time until a third is possible.
 *
 * Returns: whether it is
 */
gboolean
tornadis_harness_cluster_failover (TornadisHarnessCluster *self,
                                   guint i,
                                   const char *how,
                                   GError **error)
{
  Failover failover = { self, i, how, g_get_monotonic_time () };

  return harness_cluster_do (self, i, error, "CLUSTER FAILOVER %s", how) &&
         harness_wait (is_failed_over, &failover, "the replica is a master", error);
}

/* The epoch of a node, or 0. */
static guint64
get_epoch (TornadisHarnessCluster *self,
           guint i)
{
  g_autofree char *info = tornadis_harness_cluster_command (self, i, "CLUSTER INFO", NULL);
  const char *field = "cluster_current_epoch:";
  const char *found = info != NULL ? strstr (info, field) : NULL;

  return found != NULL ? g_ascii_strtoull (found + strlen (field), NULL, 10) : 0;
}

/* A node that takes a slot does not do so for good, if another whose epoch is later than the latest that it knows of still
 * claims the slot a moment later: then each of the two says that the other has it. */
static gboolean
is_of_one_epoch (gpointer data)
{
  TornadisHarnessCluster *self = data;
  guint64 epoch = 0;

  for (guint i = 0; i < self->nodes->len; i++)
    {
      guint64 own = harness_cluster_counts (self, i) ? get_epoch (self, i) : 0;

      if (own != 0 && epoch != 0 && own != epoch)
        return FALSE;
      epoch = MAX (epoch, own);
    }

  return TRUE;
}

/**
 * tornadis_harness_cluster_begin_migration:
 * @self: a cluster
 * @slot: a slot
 * @to: the number of a master
 * @error: return location for an error
 *
 * Has the slot be imported there and migrating where it is; no key moves.
 *
 * Returns: whether that was done
 */
gboolean
tornadis_harness_cluster_begin_migration (TornadisHarnessCluster *self,
                                          guint slot,
                                          guint to,
                                          GError **error)
{
  int from = tornadis_harness_cluster_find_master (self, slot, error);

  return from >= 0 && harness_wait (is_of_one_epoch, self, "all nodes are of one epoch", error) &&
         harness_cluster_do (self, to, error, "CLUSTER SETSLOT %u IMPORTING %s", slot,
                             tornadis_harness_cluster_get_node_id (self, (guint) from)) &&
         harness_cluster_do (self, (guint) from, error, "CLUSTER SETSLOT %u MIGRATING %s", slot,
                             tornadis_harness_cluster_get_node_id (self, to));
}

/* Of an array of strings; in a form in which a line of a command has any byte. */
static char *
quote_keys (const char *reply,
            int *n_keys)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *at = strstr (reply, "\r\n") + 2;

  *n_keys = atoi (reply + 1);
  for (int i = 0; i < *n_keys; i++)
    {
      gsize length = g_ascii_strtoull (at + 1, NULL, 10);

      at = strstr (at, "\r\n") + 2;
      g_string_append (text, " \"");
      for (gsize c = 0; c < length; c++)
        g_string_append_printf (text, "\\x%02x", (guint8) at[c]);
      g_string_append_c (text, '"');
      at += length + 2;
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/**
 * tornadis_harness_cluster_migrate_keys:
 * @self: a cluster
 * @slot: a slot whose migration was begun
 * @to: the number of the master where it goes
 * @n_max: how many keys to move at most
 * @error: return location for an error
 *
 * Moves keys of the slot.
 *
 * Returns: how many were moved, or -1 with @error set
 */
int
tornadis_harness_cluster_migrate_keys (TornadisHarnessCluster *self,
                                       guint slot,
                                       guint to,
                                       guint n_max,
                                       GError **error)
{
  const char *password = harness_find_argument ((const char *const *) self->args, "--requirepass");
  gboolean tls = g_strcmp0 (harness_find_argument ((const char *const *) self->args, "--tls-cluster"), "yes") == 0;
  TornadisHarnessRedis *target = tornadis_harness_cluster_get_node (self, to);
  int from = tornadis_harness_cluster_find_master (self, slot, error);
  g_autofree char *line = g_strdup_printf ("CLUSTER GETKEYSINSLOT %u %u", slot, n_max);
  g_autofree char *reply = NULL;
  g_autofree char *keys = NULL;
  int n_keys;

  if (from < 0 || (reply = tornadis_harness_cluster_command (self, (guint) from, line, error)) == NULL)
    return -1;

  keys = quote_keys (reply, &n_keys);
  if (n_keys == 0)
    return 0;

  return harness_cluster_do (self, (guint) from, error, "MIGRATE 127.0.0.1 %u \"\" 0 60000%s%s KEYS%s",
                             tls ? tornadis_harness_redis_get_tls_port (target) : tornadis_harness_redis_get_port (target),
                             password != NULL ? " AUTH " : "", password != NULL ? password : "", keys)
           ? n_keys
           : -1;
}

/**
 * tornadis_harness_cluster_end_migration:
 * @self: a cluster
 * @slot: a slot
 * @to: the number of the master where it goes
 * @error: return location for an error
 *
 * Gives the slot to that master, there first and then on the others; replicas hear of it from their masters.
 *
 * Returns: whether that was done
 */
gboolean
tornadis_harness_cluster_end_migration (TornadisHarnessCluster *self,
                                        guint slot,
                                        guint to,
                                        GError **error)
{
  const char *id = tornadis_harness_cluster_get_node_id (self, to);

  if (!harness_cluster_do (self, to, error, "CLUSTER SETSLOT %u NODE %s", slot, id))
    return FALSE;

  for (guint i = 0; i < self->nodes->len; i++)
    if (i != to && harness_cluster_counts (self, i) && harness_cluster_is_master (self, i) &&
        !harness_cluster_do (self, i, error, "CLUSTER SETSLOT %u NODE %s", slot, id))
      return FALSE;

  return TRUE;
}

/**
 * tornadis_harness_cluster_migrate_slot:
 * @self: a cluster
 * @slot: a slot
 * @to: the number of a master
 * @error: return location for an error
 *
 * Does all steps of a migration.
 *
 * Returns: whether that was done
 */
gboolean
tornadis_harness_cluster_migrate_slot (TornadisHarnessCluster *self,
                                       guint slot,
                                       guint to,
                                       GError **error)
{
  int n;

  if (!tornadis_harness_cluster_begin_migration (self, slot, to, error))
    return FALSE;
  while ((n = tornadis_harness_cluster_migrate_keys (self, slot, to, 100, error)) > 0)
    ;

  return n == 0 && tornadis_harness_cluster_end_migration (self, slot, to, error);
}

/**
 * tornadis_harness_cluster_add_node:
 * @self: a cluster
 * @error: return location for an error
 *
 * Starts a master more, without slots, and waits until all know it.
 *
 * Returns: its number, or -1 with @error set
 */
int
tornadis_harness_cluster_add_node (TornadisHarnessCluster *self,
                                   GError **error)
{
  guint added = self->nodes->len;
  TornadisHarnessRedis *node;
  g_autofree char *id = NULL;

  if (!harness_cluster_add (self, error))
    return -1;

  /* Here the name is the server's choice. */
  node = tornadis_harness_cluster_get_node (self, added);
  if (!tornadis_harness_redis_move (node, error) ||
      (id = tornadis_harness_cluster_command (self, added, "CLUSTER MYID", error)) == NULL)
    return -1;
  g_free (self->ids->pdata[added]);
  self->ids->pdata[added] = g_strndup (strstr (id, "\r\n") + 2, 40);

  for (guint i = 0; i < added; i++)
    if (harness_cluster_counts (self, i) && !harness_cluster_meet (self, added, i, error))
      return -1;

  return tornadis_harness_cluster_wait_until_ok (self, error) ? (int) added : -1;
}

/**
 * tornadis_harness_cluster_remove_node:
 * @self: a cluster
 * @i: the number of a node without slots and replicas
 * @error: return location for an error
 *
 * Has all others forget a node, and it all others if it runs. It keeps its number.
 *
 * Returns: whether that was done
 */
gboolean
tornadis_harness_cluster_remove_node (TornadisHarnessCluster *self,
                                      guint i,
                                      GError **error)
{
  const char *id = tornadis_harness_cluster_get_node_id (self, i);
  TornadisHarnessRedis *node = tornadis_harness_cluster_get_node (self, i);

  self->removed[i] = TRUE;
  for (guint j = 0; j < self->nodes->len; j++)
    if (harness_cluster_counts (self, j))
      {
        g_autoptr (GError) failure = NULL;

        /* Redis 8 and Valkey 8 tell the others. */
        if (!harness_cluster_do (self, j, &failure, "CLUSTER FORGET %s", id) &&
            strstr (failure->message, "Unknown node") == NULL)
          {
            g_propagate_error (error, g_steal_pointer (&failure));
            return FALSE;
          }
      }

  return !harness_redis_answers (node) || harness_cluster_do (self, i, error, "FLUSHALL\nCLUSTER RESET HARD");
}

/**
 * tornadis_harness_cluster_move:
 * @self: a cluster
 * @error: return location for an error
 *
 * Kills all nodes at once, those that were killed included, starts them on other ports, empty, and waits until the
 * cluster is in order. Each node is who it was.
 *
 * Returns: whether it is
 */
gboolean
tornadis_harness_cluster_move (TornadisHarnessCluster *self,
                               GError **error)
{
  for (guint i = 0; i < self->nodes->len; i++)
    tornadis_harness_redis_kill (tornadis_harness_cluster_get_node (self, i));
  for (guint i = 0; i < self->nodes->len; i++)
    if (!self->removed[i] && !tornadis_harness_redis_move (tornadis_harness_cluster_get_node (self, i), error))
      return FALSE;

  return harness_cluster_meet_all (self, error) && tornadis_harness_cluster_wait_until_ok (self, error);
}

/**
 * tornadis_harness_cluster_isolate:
 * @self: a cluster
 * @indices: (array length=n_indices): the numbers of nodes
 * @n_indices: how many
 * @clients: whether clients stay on the other side
 * @error: return location for an error
 *
 * Cuts some nodes from all others, as if the cable between them were cut: no packet gets through, of the bus or of
 * replication, and with @clients of any client; without, clients reach all nodes. Those nodes do not count for what
 * waits. What is started later is not cut.
 *
 * Returns: %FALSE with %G_IO_ERROR_NOT_SUPPORTED where the system does not let a process have its children's sockets
 */
gboolean
tornadis_harness_cluster_isolate (TornadisHarnessCluster *self,
                                  const guint *indices,
                                  guint n_indices,
                                  gboolean clients,
                                  GError **error)
{
  memset (self->isolated, 0, sizeof self->isolated);
  for (guint i = 0; i < n_indices; i++)
    self->isolated[indices[i]] = TRUE;

  return harness_partition (self->nodes, self->isolated, clients, error);
}

/**
 * tornadis_harness_cluster_heal:
 * @self: a cluster
 * @error: return location for an error
 *
 * Ends what tornadis_harness_cluster_isolate() began.
 *
 * Returns: whether that was done
 */
gboolean
tornadis_harness_cluster_heal (TornadisHarnessCluster *self,
                               GError **error)
{
  return tornadis_harness_cluster_isolate (self, NULL, 0, FALSE, error);
}
