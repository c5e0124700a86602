/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client-private.h"

G_BEGIN_DECLS

typedef enum
{
  TORNADIS_SUBSCRIPTION_CHANNEL,
  TORNADIS_SUBSCRIPTION_PATTERN,
  TORNADIS_SUBSCRIPTION_SHARD,
  TORNADIS_N_SUBSCRIPTION_KINDS,
} TornadisSubscriptionKind;

/* Any of them may close or drop the client; it is kept while they run. */
typedef struct
{
  /* The server has taken or ended a subscription. */
  void (*changed)  (TornadisClient *client,
                    gboolean        added,
                    const char     *name,
                    guint           count);
  /* Whether there are any may have changed. */
  void (*settled)  (TornadisClient *client);
  /* All those of the link before are there again. */
  void (*restored) (TornadisClient *client);
} TornadisSubscriptionsFuncs;

/* What a pub/sub client wants to be subscribed to, and the commands that tell the server. */
typedef struct _TornadisSubscriptions TornadisSubscriptions;

TornadisSubscriptions *tornadis_subscriptions_new         (TornadisClient                   *client,
                                                           const TornadisSubscriptionsFuncs *funcs);
void                   tornadis_subscriptions_free        (TornadisSubscriptions            *self);
gboolean               tornadis_subscriptions_has_names   (TornadisSubscriptions            *self,
                                                           gboolean                          confirmed_only);
/* Both return @task, now or later. */
void                   tornadis_subscriptions_subscribe   (TornadisSubscriptions            *self,
                                                           TornadisSubscriptionKind          kind,
                                                           const char * const               *names,
                                                           GTask                            *task);
void                   tornadis_subscriptions_unsubscribe (TornadisSubscriptions            *self,
                                                           TornadisSubscriptionKind          kind,
                                                           const char * const               *names,
                                                           GTask                            *task);
/* Queues what a new link must be told first. */
void                   tornadis_subscriptions_restore     (TornadisSubscriptions            *self,
                                                           TornadisQueue                    *queue);
/* TRUE: it was a confirmation. */
gboolean               tornadis_subscriptions_push        (TornadisSubscriptions            *self,
                                                           TornadisReply                    *push);

G_END_DECLS
