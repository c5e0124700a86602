/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the nodes say, and what is waited for. */

#include <stdlib.h>
#include <string.h>

#include "harness/harness-cluster-private.h"
#include "harness/harness-process.h"

/* The words of a line of CLUSTER NODES. */
enum
{
  WORD_ID,
  WORD_ADDRESS,
  WORD_FLAGS,
  WORD_MASTER,
  WORD_PING,
  WORD_PONG,
  WORD_EPOCH,
  WORD_LINK,
  WORD_SLOTS,
};

static guint
count_parts (const char *text,
             const char *part)
{
  guint n = 0;

  for (const char *at = text; (at = strstr (at, part)) != NULL; at += strlen (part))
    n++;

  return n;
}

static char *
ask (TornadisHarnessCluster *self,
     guint i,
     const char *line)
{
  char *reply = tornadis_harness_cluster_command (self, i, line, NULL);

  return reply != NULL ? reply : g_strdup ("");
}

/* What node @i says of node @j; %NULL when it knows nothing. */
static char **
ask_about (TornadisHarnessCluster *self,
           guint i,
           guint j)
{
  g_autofree char *nodes = ask (self, i, "CLUSTER NODES");
  g_auto (GStrv) lines = g_strsplit (nodes, "\n", -1);

  for (guint l = 0; lines[l] != NULL; l++)
    if (g_str_has_prefix (lines[l], tornadis_harness_cluster_get_node_id (self, j)))
      {
        g_auto (GStrv) words = g_strsplit (g_strchomp (lines[l]), " ", -1);

        return g_strv_length (words) >= WORD_SLOTS ? g_steal_pointer (&words) : NULL;
      }

  return NULL;
}

gboolean
harness_cluster_is_master (TornadisHarnessCluster *self,
                           guint i)
{
  g_auto (GStrv) words = ask_about (self, i, i);

  return words != NULL && strstr (words[WORD_FLAGS], "master") != NULL;
}

/* What a node says about who serves what and follows whom, in an order that is the same for all. */
static char *
describe (TornadisHarnessCluster *self,
          guint i)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint j = 0; j < self->nodes->len; j++)
    {
      g_auto (GStrv) words = ask_about (self, i, j);

      if (words == NULL)
        continue;
      g_string_append_printf (text, "%s %s", words[WORD_ID], words[WORD_MASTER]);
      /* Of what migrates the others do not tell. */
      for (guint w = WORD_SLOTS; words[w] != NULL && words[w][0] != '['; w++)
        g_string_append_printf (text, " %s", words[w]);
      g_string_append_c (text, '\n');
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
node_is_ok (TornadisHarnessCluster *self,
            guint i)
{
  g_autofree char *info = ask (self, i, "INFO replication");
  g_autofree char *state = ask (self, i, "CLUSTER INFO");
  g_autofree char *nodes = ask (self, i, "CLUSTER NODES");

  return *info != '\0' && strstr (info, "master_link_status:down") == NULL && strstr (state, "cluster_state:ok") != NULL &&
         strstr (state, "cluster_slots_ok:16384") != NULL && strstr (nodes, "handshake") == NULL;
}

/* That all nodes that run agree, and serve. */
static gboolean
is_ok (gpointer data)
{
  TornadisHarnessCluster *self = data;
  g_autofree char *first = NULL;

  for (guint i = 0; i < self->nodes->len; i++)
    if (harness_cluster_counts (self, i))
      {
        g_autofree char *text = describe (self, i);

        if (!node_is_ok (self, i) || (first != NULL && !g_str_equal (first, text)))
          return FALSE;
        if (first == NULL)
          first = g_steal_pointer (&text);
      }

  return first != NULL;
}

gboolean
harness_cluster_is_linked (gpointer data)
{
  TornadisHarnessCluster *self = data;

  if (!is_ok (self))
    return FALSE;

  for (guint i = 0; i < self->nodes->len; i++)
    {
      g_autofree char *nodes = ask (self, i, "CLUSTER NODES");

      if (count_parts (nodes, " connected") != self->nodes->len)
        return FALSE;
    }

  return TRUE;
}

gboolean
harness_cluster_is_written (gpointer data)
{
  TornadisHarnessCluster *self = data;

  for (guint i = self->n_masters; i < self->nodes->len; i++)
    {
      g_autofree char *info = ask (self, i, "INFO replication");

      if (strstr (info, "slave_repl_offset:0\r\n") != NULL || strstr (info, "master_link_status:up") == NULL)
        return FALSE;
    }

  return TRUE;
}

gboolean
harness_cluster_is_known (gpointer data)
{
  TornadisHarnessCluster *self = data;

  if (!harness_cluster_is_linked (self))
    return FALSE;

  for (guint i = 0; i < self->nodes->len; i++)
    {
      g_autofree char *shards = ask (self, i, "CLUSTER SHARDS");

      if (count_parts (shards, "\r\nonline\r\n") != self->nodes->len ||
          count_parts (shards, "\r\nslots\r\n") != self->n_masters)
        return FALSE;
    }

  return TRUE;
}

/**
 * tornadis_harness_cluster_wait_until_ok:
 * @self: a cluster
 * @error: return location for an error
 *
 * Waits until all nodes that run serve all slots, agree about who serves what and follows whom, and the replicas
 * follow. Nodes that are paused, isolated or removed do not count.
 *
 * Returns: whether they do
 */
gboolean
tornadis_harness_cluster_wait_until_ok (TornadisHarnessCluster *self,
                                        GError **error)
{
  return harness_wait (is_ok, self, "the cluster is in order", error);
}

gboolean
harness_cluster_is_heir (TornadisHarnessCluster *self,
                         guint i)
{
  for (guint j = 0; j < self->nodes->len; j++)
    if (harness_cluster_counts (self, j))
      {
        g_auto (GStrv) words = ask_about (self, j, i);

        if (words == NULL || strstr (words[WORD_FLAGS], "master") == NULL || words[WORD_SLOTS] == NULL)
          return FALSE;
      }

  return TRUE;
}

typedef struct
{
  TornadisHarnessCluster *cluster;
  guint i;
} Heir;

static gboolean
heir_is_known (gpointer data)
{
  Heir *heir = data;

  return harness_cluster_is_heir (heir->cluster, heir->i);
}

/**
 * tornadis_harness_cluster_wait_for_master:
 * @self: a cluster
 * @i: the number of a node
 * @error: return location for an error
 *
 * Waits until a node and all others that count say that it is a master and has slots.
 *
 * Returns: whether it is
 */
gboolean
tornadis_harness_cluster_wait_for_master (TornadisHarnessCluster *self,
                                          guint i,
                                          GError **error)
{
  Heir heir = { self, i };

  return harness_wait (heir_is_known, &heir, "the node is a master", error);
}

/**
 * tornadis_harness_cluster_find_slot:
 * @self: a cluster
 * @key: a key without spaces
 * @error: return location for an error
 *
 * Gets the slot of a key.
 *
 * Returns: a slot, or -1 with @error set
 */
int
tornadis_harness_cluster_find_slot (TornadisHarnessCluster *self,
                                    const char *key,
                                    GError **error)
{
  g_autofree char *line = g_strdup_printf ("CLUSTER KEYSLOT %s", key);

  for (guint i = 0; i < self->nodes->len; i++)
    if (harness_cluster_counts (self, i))
      {
        g_autofree char *reply = tornadis_harness_cluster_command (self, i, line, error);

        return reply != NULL ? atoi (reply + 1) : -1;
      }

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No node runs");
  return -1;
}

static gboolean
has_slot (char **words,
          guint slot)
{
  for (guint w = WORD_SLOTS; words[w] != NULL && words[w][0] != '['; w++)
    {
      const char *dash = strchr (words[w], '-');
      guint first = (guint) atoi (words[w]);

      if (slot >= first && slot <= (dash != NULL ? (guint) atoi (dash + 1) : first))
        return TRUE;
    }

  return FALSE;
}

/**
 * tornadis_harness_cluster_find_master:
 * @self: a cluster
 * @slot: a slot
 * @error: return location for an error
 *
 * Gets the number of the node that says now that the slot is its own; of several the one with the latest epoch.
 *
 * Returns: a number, or -1 with @error set
 */
int
tornadis_harness_cluster_find_master (TornadisHarnessCluster *self,
                                      guint slot,
                                      GError **error)
{
  gint64 best_epoch = -1;
  int best = -1;

  for (guint i = 0; i < self->nodes->len; i++)
    {
      g_auto (GStrv) words = harness_cluster_counts (self, i) ? ask_about (self, i, i) : NULL;
      gint64 epoch = words != NULL ? g_ascii_strtoll (words[WORD_EPOCH], NULL, 10) : -1;

      if (epoch > best_epoch && has_slot (words, slot))
        {
          best = (int) i;
          best_epoch = epoch;
        }
    }

  if (best < 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No node has the slot %u", slot);

  return best;
}

/**
 * tornadis_harness_cluster_find_replica:
 * @self: a cluster
 * @master: the number of a node
 * @error: return location for an error
 *
 * Gets the number of the first node that says that it is a replica of the other.
 *
 * Returns: a number, or -1 with @error set
 */
int
tornadis_harness_cluster_find_replica (TornadisHarnessCluster *self,
                                       guint master,
                                       GError **error)
{
  for (guint i = 0; i < self->nodes->len; i++)
    {
      g_auto (GStrv) words = harness_cluster_counts (self, i) ? ask_about (self, i, i) : NULL;

      if (words != NULL && g_str_equal (words[WORD_MASTER], tornadis_harness_cluster_get_node_id (self, master)))
        return (int) i;
    }

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "Node %u has no replica", master);
  return -1;
}
