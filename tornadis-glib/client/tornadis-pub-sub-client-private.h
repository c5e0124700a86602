/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-pub-sub-client.h"
#include "tornadis-glib/client/tornadis-subscriptions.h"

G_BEGIN_DECLS

/* An emission of a message that has come. */
typedef struct
{
  TornadisMessage *message; /* (unowned) */
  gboolean told;            /* for a binding that tells of it once, whichever handlers there are */
} TornadisDelivery;

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
/* Has a plugin say where @names (element-type GBytes) belong, of which there are some when it subscribes. FALSE: here; else
 * @task returns, now or later. */
gboolean               tornadis_pub_sub_client_route             (TornadisPubSubClient *self,
                                                                  TornadisSubscriptionKind kind,
                                                                  gboolean              subscribe,
                                                                  GPtrArray            *names,
                                                                  GTask                *task);

G_END_DECLS
