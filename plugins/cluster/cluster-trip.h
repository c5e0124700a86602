/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-client.h"
#include "cluster/cluster-redirect.h"

G_BEGIN_DECLS

/* What is kept of a call that does not go straight to its node. It belongs to the call. */
typedef struct
{
  TornadisClient *target;    /* (owned) (nullable) where it goes next, whatever the topology says */
  gboolean asking;           /* which is to serve it this once */
  gboolean at_master;        /* the replica could not serve it */
  guint n_redirects;
  guint delay_msec;          /* of the last attempt that had to be put off */
  gint64 since;              /* when it could first not be served, monotonic time; 0: never */
  GCancellable *cancellable; /* (owned) (nullable) of what is made on its behalf while it is held */
  gboolean has_sent;         /* of that, something that may have run */
  GSource *timer;            /* (owned) (nullable) makes it again, while it is held and put off */
} ClusterTrip;

/* (nullable) */
ClusterTrip *cluster_trip_get     (TornadisCall  *call);
ClusterTrip *cluster_trip_ensure  (TornadisCall  *call);
/* A call that was sent to @sent (nullable) has failed with @error: whether it is to be made again, which it may be since it has
 * not run, after @delay_msec (out). @error is replaced if there is more to be said. */
gboolean     cluster_trip_go_on   (ClusterClient *client,
                                   TornadisCall  *call,
                                   TornadisClient *sent,
                                   GError       **error,
                                   guint         *delay_msec);
/* Where a redirection points to (transfer full) (nullable). @sent (nullable) is who has said so. */
char        *cluster_trip_dup_host (const ClusterRedirect *redirect,
                                    TornadisClient *sent);
/* Begins to do something on behalf of a call that is held (transfer none): it is cancelled when nobody waits for that any
 * more. */
GCancellable *cluster_trip_begin  (ClusterClient *client,
                                   TornadisCall  *call,
                                   gboolean       sends);
/* That is done: where nobody else has @cancellable (transfer full) the next call gets it, since to make one, and to connect to
 * it, takes long. */
void          cluster_trip_end    (ClusterClient *client,
                                   TornadisCall  *call,
                                   GCancellable  *cancellable);
/* Nobody waits for it any more. */
void         cluster_trip_cancel  (ClusterTrip   *self);
/* Makes a call that is held again after a while, if that may help; else it fails with @error. */
void         cluster_trip_put_off (ClusterClient *client,
                                   TornadisCall  *call,
                                   const GError  *error);
/* Sends a call that is held to @node. In a transaction a call that was forwarded is not made again. */
void         cluster_trip_send    (ClusterClient *client,
                                   TornadisCall  *call,
                                   TornadisClient *node);
/* Sends a call that is held, behind ASKING. */
void         cluster_trip_ask     (ClusterClient *client,
                                   TornadisCall  *call,
                                   ClusterTrip   *trip);

G_END_DECLS
