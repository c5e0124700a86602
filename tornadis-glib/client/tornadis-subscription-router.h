/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-subscription-route.h"

G_BEGIN_DECLS

/* The subscriptions of a pub/sub client that a plugin routes to other clients. Each is at one place, or at several, and at each
 * of them at one of these clients at a time: where it moves, it has ended at the one before it begins at the next, so that no message comes twice. */

TornadisSubscriptionRouter *
         tornadis_subscription_router_new           (TornadisClient                  *client,
                                                     const TornadisSubscriptionRouterFuncs *funcs);
/* All calls have completed. */
void     tornadis_subscription_router_free          (TornadisSubscriptionRouter            *self);
/* Both return @task, now or later. @names (element-type GBytes) are not changed any more; none: all that there are. */
void     tornadis_subscription_router_subscribe     (TornadisSubscriptionRouter            *self,
                                                     TornadisPlugin                        *plugin,
                                                     TornadisSubscriptionKind               kind,
                                                     GPtrArray                             *names,
                                                     GTask                                 *task);
void     tornadis_subscription_router_unsubscribe   (TornadisSubscriptionRouter            *self,
                                                     TornadisSubscriptionKind               kind,
                                                     GPtrArray                             *names,
                                                     GTask                                 *task);
/* The plugin is asked again. @error (nullable): what calls for names that still have no place fail with. */
void     tornadis_subscription_router_reroute       (TornadisSubscriptionRouter            *self,
                                                     const GError                          *error);
/* @target does not have it any more, and nobody asked for that. */
void     tornadis_subscription_router_ended         (TornadisSubscriptionRouter            *self,
                                                     TornadisClient                  *target,
                                                     TornadisSubscriptionKind               kind,
                                                     GBytes                                *name);
/* A message has come of one of them, before which there may have been a gap. */
void     tornadis_subscription_router_came          (TornadisSubscriptionRouter            *self);
/* The client was closed; what it was subscribed to comes back when it is connected again. */
void     tornadis_subscription_router_close         (TornadisSubscriptionRouter            *self);
void     tornadis_subscription_router_reopen        (TornadisSubscriptionRouter            *self);
/* Nobody routes them any more, if that was @plugin: they end. */
void     tornadis_subscription_router_remove_plugin (TornadisSubscriptionRouter            *self,
                                                     TornadisPlugin                        *plugin);
/* The clients that have any, or have had them and are not closed (element-type TornadisClient) (transfer full). */
GPtrArray *tornadis_subscription_router_get_targets (TornadisSubscriptionRouter            *self);
/* Whether there is such a name, even if it is about to end. */
gboolean tornadis_subscription_router_has (TornadisSubscriptionRouter *self,
                                           TornadisSubscriptionKind kind,
                                           GBytes *name,
                                           gboolean *is_wanted);
/* Whether any name is wanted; whether any of these has been confirmed; and how many names have been. */
gboolean tornadis_subscription_router_is_wanted     (TornadisSubscriptionRouter            *self);
gboolean tornadis_subscription_router_is_subscribed (TornadisSubscriptionRouter            *self);
guint    tornadis_subscription_router_get_n_confirmed (TornadisSubscriptionRouter          *self);

G_END_DECLS
