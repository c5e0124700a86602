/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-merge.h"

G_BEGIN_DECLS

/* Replies that are merged into one, none of which is a failure. */
typedef struct
{
  ClusterResponse response;
  const ClusterAnswer *answers; /* (unowned) at least one */
  guint n;
} ClusterMerge;

/* Whether all replies are of the kind. */
gboolean       cluster_merge_is_all       (const ClusterMerge  *self,
                                           TornadisReplyKind    kind);
/* Returns NULL, with TORNADIS_ERROR_PROTOCOL. */
TornadisReply *cluster_merge_fail         (GError             **error,
                                           const char          *problem);
/* By CLUSTER_RESPONSE_AGG_SUM and its like. */
TornadisReply *cluster_merge_aggregated   (const ClusterMerge  *self,
                                           GError             **error);
/* By CLUSTER_RESPONSE_SUM_BY_NAME. */
TornadisReply *cluster_merge_sums_by_name (const ClusterMerge  *self,
                                           GError             **error);
/* By CLUSTER_RESPONSE_JOIN or CLUSTER_RESPONSE_UNION. Never fails. */
TornadisReply *cluster_merge_joined       (const ClusterMerge  *self);
/* Of a split command, the elements in the places of their keys. */
TornadisReply *cluster_merge_by_position  (const ClusterMerge  *self,
                                           GError             **error);

/* The elements of a reply that is being made (transfer full) (element-type TornadisReply), to which replies are added. */
static inline GPtrArray *
elements_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);
}

static inline void
elements_add (GPtrArray     *self,
              TornadisReply *reply)
{
  g_ptr_array_add (self, tornadis_reply_ref (reply));
}

static inline TornadisReply *
elements_to_reply (GPtrArray         *self,
                   TornadisReplyKind  kind)
{
  return tornadis_reply_new_nested (kind, (TornadisReply **) self->pdata, self->len);
}

/* Bytes of a reply as the key of a hash table (transfer full), or NULL. */
static inline GBytes *
reply_dup_name (TornadisReply *self)
{
  return tornadis_reply_is_error (self) ? NULL : tornadis_reply_get_bytes (self);
}

G_END_DECLS
