/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Replies as tests write them. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* [1, 'text', +OK, -ERR message;, null, true, 1.5] is an array, ~[1] a set, >[1] a push, {'key': 1} a map and ='text' verbatim.
 * An error goes on up to a semicolon, or the end. */
TornadisReply *make_reply        (const char    *text);
/* The same with arrays in place of maps, as in RESP2. */
TornadisReply *flatten_reply     (TornadisReply *reply);
/* Of the same kind, with the same value, all the way down. */
gboolean       replies_are_equal (TornadisReply *reply,
                                  TornadisReply *other);

typedef TornadisReply *(*MakeReplyFunc) (void);

/* A copy of the tree where one node in @rarity is another, which is made. */
TornadisReply *mutate_reply      (TornadisReply *reply,
                                  int            rarity,
                                  MakeReplyFunc  make_odd);

G_END_DECLS
