/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/tornadis-message.h"
#include "tornadis-glib/tornadis-reply.h"

G_BEGIN_DECLS

/* Keeps a reference to the replies whose bytes it shows; @pattern may be NULL. */
TornadisMessage *tornadis_message_new      (TornadisReply   *channel,
                                            TornadisReply   *pattern,
                                            TornadisReply   *payload);
gsize            tornadis_message_get_size (TornadisMessage *self);

G_END_DECLS
