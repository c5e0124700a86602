/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cluster that is none: one process plays all nodes, says of them what real ones say, and counts. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define CROWD_MAX_NODES 512
#define CROWD_BIN_MSEC 100
#define CROWD_N_BINS 600

/* In memory that both processes share. Who writes what is said of each; numbers are read while they are written. */
typedef struct
{
  /* By the parent, before the nodes are started. */
  guint n_masters; /* each with a replica, whose number is greater by as much */
  guint16 ports[CROWD_MAX_NODES];

  /* By the parent. */
  gint is_over;       /* the first master's replica has taken its slots */
  gint is_down;       /* none of the nodes is there */
  gint n_resets;      /* the bins begin anew */

  /* By the nodes. */
  gint are_down;
  guint64 n_open;     /* connections */
  guint64 n_accepted;
  guint64 n_commands;
  guint64 n_moved;    /* redirections */
  guint64 n_pings;
  guint64 n_looks;    /* CLUSTER INFO, CLUSTER SHARDS and COMMAND */
  guint64 n_topologies; /* CLUSTER SHARDS */
  guint64 n_tables;     /* COMMAND */
  guint64 look_bytes; /* of the replies to these */
  guint bins[CROWD_N_BINS]; /* how many connections were accepted in each, since they began */
  guint look_bins[CROWD_N_BINS]; /* how many of these commands came */
} CrowdNodes;

/* Forks, listens, and says which ports these are. @commands: what COMMAND answers. */
CrowdNodes *crowd_nodes_start (guint       n_masters,
                               GBytes     *commands);
void        crowd_nodes_stop  (CrowdNodes *self);

G_END_DECLS
