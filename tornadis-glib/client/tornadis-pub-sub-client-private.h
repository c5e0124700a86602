/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-pub-sub-client.h"
#include "tornadis-glib/client/tornadis-subscriptions.h"

G_BEGIN_DECLS

/* Whether a message is being emitted because it has come, not because a program emits it. */
gboolean               tornadis_pub_sub_client_is_delivering     (TornadisPubSubClient *self);
/* (transfer full) (nullable): the first message that is kept, unless it is for one that waits. */
TornadisMessage       *tornadis_pub_sub_client_take_message      (TornadisPubSubClient *self);
/* Keeps a message again, ahead of all but those that were kept so before. FALSE: a handler is connected for it. */
gboolean               tornadis_pub_sub_client_restore_message   (TornadisPubSubClient *self,
                                                                  TornadisMessage      *message);
TornadisSubscriptions *tornadis_pub_sub_client_get_subscriptions (TornadisPubSubClient *self);

G_END_DECLS
