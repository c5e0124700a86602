/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Not for the tests themselves. */

#pragma once

#include "harness/harness-cluster.h"

G_BEGIN_DECLS

#define HARNESS_CLUSTER_MAX_NODES 16

struct _TornadisHarnessCluster
{
  GObject parent_instance;

  GPtrArray *nodes; /* (owned) (element-type TornadisHarnessRedis) */
  GPtrArray *ids;   /* (owned) (element-type utf8) of the nodes */
  gboolean removed[HARNESS_CLUSTER_MAX_NODES];
  gboolean isolated[HARNESS_CLUSTER_MAX_NODES];
  char **args;        /* (owned) */
  char *certificates; /* (owned) (nullable) a directory */
  guint n_masters;    /* at the start */
};

/* A node that is not started. */
gboolean harness_cluster_add        (TornadisHarnessCluster  *self,
                                     GError                 **error);
/* Whether what a node says counts. */
gboolean harness_cluster_counts     (TornadisHarnessCluster  *self,
                                     guint                    i);
/* FALSE and an error when the reply is one. */
gboolean harness_cluster_do         (TornadisHarnessCluster  *self,
                                     guint                    i,
                                     GError                 **error,
                                     const char              *format,
                                     ...) G_GNUC_PRINTF (4, 5);
gboolean harness_cluster_meet       (TornadisHarnessCluster  *self,
                                     guint                    i,
                                     guint                    j,
                                     GError                 **error);
gboolean harness_cluster_meet_all   (TornadisHarnessCluster  *self,
                                     GError                 **error);
/* Whether a node says that it is a master; whether all that count say that, and that it has slots. */
gboolean harness_cluster_is_master  (TornadisHarnessCluster  *self,
                                     guint                    i);
gboolean harness_cluster_is_heir    (TornadisHarnessCluster  *self,
                                     guint                    i);

/* Of a cluster that was just started, to be waited for: that each node is linked to all; that each replica has received
 * something; that each node tells clients of all. */
gboolean harness_cluster_is_linked  (gpointer                 data);
gboolean harness_cluster_is_written (gpointer                 data);
gboolean harness_cluster_is_known   (gpointer                 data);

G_END_DECLS
