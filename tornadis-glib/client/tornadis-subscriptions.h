/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-subscription-names.h"

G_BEGIN_DECLS

/* Any of them may close or drop the client; it is kept while they run. */
typedef struct
{
  /* A subscription began or ended. */
  void (*changed)  (TornadisClient *client,
                    TornadisSubscriptionKind kind,
                    gboolean        added,
                    GBytes         *name,
                    guint           count);
  /* Whether there are any may have changed. */
  void (*settled)  (TornadisClient *client);
  /* Those of the link before are there again; @complete: none of them is still to come. */
  void (*restored) (TornadisClient *client,
                    gboolean        complete);
} TornadisSubscriptionsFuncs;

/* The subscriptions of a pub/sub client: calls that change them, and what restores them on a new link. */
typedef struct _TornadisSubscriptions TornadisSubscriptions;

TornadisSubscriptions *tornadis_subscriptions_new           (TornadisClient                   *client,
                                                             const TornadisSubscriptionsFuncs *funcs);
/* All calls have completed. */
void                   tornadis_subscriptions_free          (TornadisSubscriptions            *self);
/* Whether any name is wanted. */
gboolean               tornadis_subscriptions_is_wanted     (TornadisSubscriptions            *self);
/* Whether any name is wanted that the server has confirmed, on this link or on the one before. */
gboolean               tornadis_subscriptions_is_subscribed (TornadisSubscriptions            *self);
/* How many names the server has confirmed. */
guint                  tornadis_subscriptions_get_n_confirmed (TornadisSubscriptions          *self);
/* Whether that name is wanted. */
gboolean tornadis_subscriptions_wants (TornadisSubscriptions *self,
                                       TornadisSubscriptionKind kind,
                                       GBytes *bytes);
/* Whether the server has confirmed @channel, and it is wanted. */
gboolean               tornadis_subscriptions_has_channel   (TornadisSubscriptions            *self,
                                                             const char                       *channel);
/* Both return @task, now or later. @names (element-type GBytes) are not changed any more; none: all that there are. */
void                   tornadis_subscriptions_subscribe     (TornadisSubscriptions            *self,
                                                             TornadisSubscriptionKind          kind,
                                                             GPtrArray                        *names,
                                                             GTask                            *task);
void                   tornadis_subscriptions_unsubscribe   (TornadisSubscriptions            *self,
                                                             TornadisSubscriptionKind          kind,
                                                             GPtrArray                        *names,
                                                             GTask                            *task);
/* Queues what comes first on a new link. */
void                   tornadis_subscriptions_restore       (TornadisSubscriptions            *self,
                                                             TornadisQueue                    *queue);
/* The link was lost or closed, and its calls have completed. */
void                   tornadis_subscriptions_link_lost     (TornadisSubscriptions            *self);
/* TRUE: it was a confirmation. */
gboolean               tornadis_subscriptions_push          (TornadisSubscriptions            *self,
                                                             TornadisReply                    *push);

G_END_DECLS
