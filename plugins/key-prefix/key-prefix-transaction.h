/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "key-prefix/key-prefix.h"

G_BEGIN_DECLS

/* What one client has queued with single commands between MULTI and EXEC, whose reply has that of each of them. */
typedef struct _KeyTransaction KeyTransaction;

KeyTransaction *key_transaction_new       (void);
void            key_transaction_free      (KeyTransaction *self);
/* Whether the server has replied to MULTI, and not yet to EXEC. */
gboolean        key_transaction_is_begun  (KeyTransaction *self);
/* An atomic pipeline is over, and with it any other transaction. */
void            key_transaction_end       (KeyTransaction *self);
/* A command has failed, or a command without a prefix has its reply (nullable). */
void            key_transaction_follow    (KeyTransaction *self,
                                           KeyRole         role,
                                           TornadisReply  *reply);
/* The reply with the names as the caller knows them, or itself (transfer full); @self (nullable). */
TornadisReply  *key_transaction_read      (KeyTransaction *self,
                                           GBytes         *prefix,
                                           KeyRole         role,
                                           TornadisReply  *reply);
/* The same of each element of an array; @roles are KeyRole. */
TornadisReply  *key_transaction_read_all  (KeyTransaction *self,
                                           GBytes         *prefix,
                                           GByteArray     *roles,
                                           TornadisReply  *reply);

G_END_DECLS
