/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "key-prefix/key-prefix.h"

G_BEGIN_DECLS

/* A transaction that is made by single commands, on one client: MULTI, what the server queues, and EXEC, whose reply is
 * those of all of them. */
typedef struct _KeyTransaction KeyTransaction;

KeyTransaction *key_transaction_new      (void);
void            key_transaction_free     (KeyTransaction *self);
/* A command is about to be sent. */
void            key_transaction_send     (KeyTransaction *self,
                                          KeyRole         role);
/* Whether what is sent next is part of one. */
gboolean        key_transaction_is_open  (KeyTransaction *self);
/* A command has failed, or a command without a prefix has its reply (nullable). */
void            key_transaction_follow   (KeyTransaction *self,
                                          KeyRole         role,
                                          TornadisReply  *reply);
/* The reply with the names as the caller knows them, or itself (transfer full); @self (nullable). */
TornadisReply  *key_transaction_read     (KeyTransaction *self,
                                          GBytes         *prefix,
                                          KeyRole         role,
                                          TornadisReply  *reply);
/* The same of each element of an array; @roles are KeyRole. */
TornadisReply  *key_transaction_read_all (KeyTransaction *self,
                                          GBytes         *prefix,
                                          GByteArray     *roles,
                                          TornadisReply  *reply);

G_END_DECLS
