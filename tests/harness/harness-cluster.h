/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "harness/harness-redis.h"

G_BEGIN_DECLS

#define TORNADIS_HARNESS_TYPE_CLUSTER (tornadis_harness_cluster_get_type ())

G_DECLARE_FINAL_TYPE (TornadisHarnessCluster, tornadis_harness_cluster, TORNADIS_HARNESS, CLUSTER, GObject)

TornadisHarnessCluster *tornadis_harness_cluster_new                (guint                    n_masters,
                                                                     guint                    n_replicas,
                                                                     const char * const      *extra_args,
                                                                     GError                 **error);
TornadisHarnessCluster *tornadis_harness_cluster_new_tls            (guint                    n_masters,
                                                                     guint                    n_replicas,
                                                                     const char * const      *extra_args,
                                                                     GError                 **error);
guint                   tornadis_harness_cluster_get_n_nodes        (TornadisHarnessCluster  *self);
TornadisHarnessRedis   *tornadis_harness_cluster_get_node           (TornadisHarnessCluster  *self,
                                                                     guint                    i);
const char             *tornadis_harness_cluster_get_node_id        (TornadisHarnessCluster  *self,
                                                                     guint                    i);
char                   *tornadis_harness_cluster_get_hosts          (TornadisHarnessCluster  *self,
                                                                     gboolean                 tls);
char                   *tornadis_harness_cluster_command            (TornadisHarnessCluster  *self,
                                                                     guint                    i,
                                                                     const char              *line,
                                                                     GError                 **error);
int                     tornadis_harness_cluster_find_slot          (TornadisHarnessCluster  *self,
                                                                     const char              *key,
                                                                     GError                 **error);
int                     tornadis_harness_cluster_find_master        (TornadisHarnessCluster  *self,
                                                                     guint                    slot,
                                                                     GError                 **error);
int                     tornadis_harness_cluster_find_replica       (TornadisHarnessCluster  *self,
                                                                     guint                    master,
                                                                     GError                 **error);
gboolean                tornadis_harness_cluster_failover           (TornadisHarnessCluster  *self,
                                                                     guint                    i,
                                                                     const char              *how,
                                                                     GError                 **error);
gboolean                tornadis_harness_cluster_begin_migration    (TornadisHarnessCluster  *self,
                                                                     guint                    slot,
                                                                     guint                    to,
                                                                     GError                 **error);
int                     tornadis_harness_cluster_migrate_keys       (TornadisHarnessCluster  *self,
                                                                     guint                    slot,
                                                                     guint                    to,
                                                                     guint                    n_max,
                                                                     GError                 **error);
gboolean                tornadis_harness_cluster_end_migration      (TornadisHarnessCluster  *self,
                                                                     guint                    slot,
                                                                     guint                    to,
                                                                     GError                 **error);
gboolean                tornadis_harness_cluster_migrate_slot       (TornadisHarnessCluster  *self,
                                                                     guint                    slot,
                                                                     guint                    to,
                                                                     GError                 **error);
int                     tornadis_harness_cluster_add_node           (TornadisHarnessCluster  *self,
                                                                     GError                 **error);
gboolean                tornadis_harness_cluster_remove_node        (TornadisHarnessCluster  *self,
                                                                     guint                    i,
                                                                     GError                 **error);
gboolean                tornadis_harness_cluster_move               (TornadisHarnessCluster  *self,
                                                                     GError                 **error);
gboolean                tornadis_harness_cluster_isolate            (TornadisHarnessCluster  *self,
                                                                     const guint             *indices,
                                                                     guint                    n_indices,
                                                                     gboolean                 clients,
                                                                     GError                 **error);
gboolean                tornadis_harness_cluster_heal               (TornadisHarnessCluster  *self,
                                                                     GError                 **error);
gboolean                tornadis_harness_cluster_wait_until_ok      (TornadisHarnessCluster  *self,
                                                                     GError                 **error);
gboolean                tornadis_harness_cluster_wait_for_master    (TornadisHarnessCluster  *self,
                                                                     guint                    i,
                                                                     GError                 **error);

G_END_DECLS
