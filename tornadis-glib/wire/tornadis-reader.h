/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-reply.h"

G_BEGIN_DECLS

#define TORNADIS_READER_MAX_DEPTH 16384

typedef struct _TornadisReader TornadisReader;

/* Turns the bytes of one connection into replies, without recursion and within bounds.
 *
 * The owner asks where to put bytes (reserve), receives them there, says how many came (commit) and takes whole replies
 * until there is none (next). */
TornadisReader *tornadis_reader_new          (gsize            page_size,
                                              gsize            max_reply_size);
void            tornadis_reader_free         (TornadisReader  *self);
void            tornadis_reader_set_max_reply_size (TornadisReader *self,
                                              gsize            max_reply_size);
/* Room for at least one byte; @size says how much. Valid until any other function is called. While a large string arrives
 * this is the string's own memory; NULL: there is no more of that, which the next call of tornadis_reader_next() says. */
guint8         *tornadis_reader_reserve      (TornadisReader  *self,
                                              gsize           *size);
void            tornadis_reader_commit       (TornadisReader  *self,
                                              gsize            size);
/* The next whole reply (transfer full); NULL without error: more bytes are needed. After an error
 * the reader stays in error. */
TornadisReply  *tornadis_reader_next         (TornadisReader  *self,
                                              GError         **error);
/* Whether bytes are held that are not yet a whole reply. */
gboolean        tornadis_reader_is_partial   (TornadisReader  *self);
/* Gives back the page while nothing is held, so that an idle connection costs little. */
void            tornadis_reader_trim         (TornadisReader  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisReader, tornadis_reader_free)

G_END_DECLS
