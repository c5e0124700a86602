/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-pub-sub-client.h"
#include "tornadis-glib/client/tornadis-subscriptions.h"

G_BEGIN_DECLS

TornadisSubscriptions *tornadis_pub_sub_client_get_subscriptions (TornadisPubSubClient *self);

G_END_DECLS
