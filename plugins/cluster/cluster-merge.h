/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "cluster/cluster-policy.h"

G_BEGIN_DECLS

/* What one node made of the command, or of its part of it. */
typedef struct
{
  const char *node;        /* (unowned) its key */
  TornadisReply *reply;    /* (unowned) (nullable) of any kind, an error of the server too */
  const GError *error;     /* (unowned) (nullable) if there is no reply */
  const GArray *positions; /* (unowned) (nullable) (element-type guint) of a split command: where the elements belong */
} ClusterAnswer;

/* Makes one reply of those of nodes (transfer full). Where all must have succeeded, which is everywhere but for
 * CLUSTER_RESPONSE_ONE_SUCCEEDED, the first failure in the order of the answers is what becomes of it all: that of a server may
 * be the reply, as a reply of kind ERROR; any other gives NULL with @error. Replies that do not go together, such as text to
 * be added to a number, give TORNADIS_ERROR_PROTOCOL, and so do none at all, of a cluster that has no such node. */
TornadisReply *cluster_merge (ClusterResponse       response,
                              const ClusterAnswer  *answers,
                              guint                 n_answers,
                              GError              **error);

G_END_DECLS
