/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-message-queue.h"
#include "tornadis-glib/client/tornadis-pub-sub-client.h"
#include "tornadis-glib/client/tornadis-subscription-router.h"
#include "tornadis-glib/client/tornadis-subscriptions.h"
#include "tornadis-glib/values/tornadis-message-private.h"

G_BEGIN_DECLS

/* An emission of a message that has come. */
typedef struct
{
  TornadisMessage *message; /* (unowned) */
  gboolean told;            /* for a binding that tells of it once, whichever handlers there are */
} TornadisDelivery;

struct _TornadisPubSubClient
{
  TornadisClient parent_instance;

  TornadisSubscriptions *subscriptions; /* (owned) */
  TornadisSubscriptionRouter *router;   /* (owned) (nullable) of those that a plugin routes to other clients */
  TornadisPubSubClient *whole;          /* (weak) (nullable) whose subscriptions were routed to this one */
  TornadisMessageQueue messages;        /* that no handler took; the client does not read while it is full */
  gboolean gap;                         /* to be notified when the subscriptions are restored */
  gboolean notified_subscribed;
  TornadisDelivery *delivery;           /* (unowned) (nullable) what has come and is being emitted */
  gulong handler_id;                    /* of a handler of all messages, or 0 */
  TornadisMessageNamesCache names;
};

/* (nullable): the innermost, if that is of @message; NULL: a program emits it. Valid for as long as the emission. */
TornadisDelivery      *tornadis_pub_sub_client_get_delivery      (TornadisPubSubClient *self,
                                                                  TornadisMessage      *message);
/* How many messages were kept so far. */
guint64                tornadis_pub_sub_client_get_n_kept        (TornadisPubSubClient *self);
/* Keeps a message that came when @n_kept had been kept, in its place among those that still are. */
void                   tornadis_pub_sub_client_keep_message      (TornadisPubSubClient *self,
                                                                  TornadisMessage      *message,
                                                                  guint64               n_kept);
/* (transfer full) (nullable): the first message that is kept, unless it is for one that waits. */
TornadisMessage       *tornadis_pub_sub_client_take_message      (TornadisPubSubClient *self);
TornadisSubscriptions *tornadis_pub_sub_client_get_subscriptions (TornadisPubSubClient *self);
/* What subscriptions notify of: one began or ended, whether there are any may have changed, some that were lost are there
 * again. */
void                   tornadis_pub_sub_client_changed           (TornadisClient       *client,
                                                                  TornadisSubscriptionKind kind,
                                                                  gboolean              added,
                                                                  GBytes               *name,
                                                                  guint                 count);
void                   tornadis_pub_sub_client_settled           (TornadisClient       *client);
void                   tornadis_pub_sub_client_emit_gap          (TornadisClient       *client);
/* Whether it keeps something of its user. */
gboolean               tornadis_pub_sub_client_is_used           (TornadisClient       *client);

/* tornadis-pub-sub-client-route.c */

/* Has a plugin say where @names (element-type GBytes) belong, of which there are some when it subscribes. FALSE: here; else
 * @task returns, now or later. */
gboolean               tornadis_pub_sub_client_route             (TornadisPubSubClient *self,
                                                                  TornadisSubscriptionKind kind,
                                                                  gboolean              subscribe,
                                                                  GPtrArray            *names,
                                                                  GTask                *task);
/* For tornadis_plugin_reroute_subscriptions(). */
void                   tornadis_pub_sub_client_reroute           (TornadisClient       *client,
                                                                  TornadisPlugin       *plugin,
                                                                  const GError         *error);

G_END_DECLS
