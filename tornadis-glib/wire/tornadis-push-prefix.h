/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <string.h>

#include "tornadis-glib/values/tornadis-reply-private.h"

G_BEGIN_DECLS

/* What consecutive pushes have in common.
 *
 * A subscriber gets many pushes that differ in their last element alone, the message:
 *
 *     >3\r\n $7\r\nmessage\r\n $4\r\nnews\r\n   $5\r\nhello\r\n
 *     `---------------- prefix -------------'   `-- last ---'
 *
 * Three things are kept, each of which saves work for the next:
 *
 * - The names of the last one: replies of the strings before the last element, which are the kind, for a pattern also that, and the
 *   channel. A string with the same bytes is the same reply once more, since replies never change.
 * - Names of before: the same for channels that take turns.
 * - The prefix: the bytes of the whole push before its last element. A push that begins with the same bytes has the same
 *   names and needs no parsing until there. Only a push whose elements before the last are all names has one: then the
 *   bytes say nothing but the names, and what they cost the size of the reply is known too. */

#define TORNADIS_PUSH_PREFIX_MAX_NAMES 3
#define TORNADIS_PUSH_PREFIX_MAX_NAME_LENGTH 256

typedef struct
{
  TornadisReply *names[TORNADIS_PUSH_PREFIX_MAX_NAMES]; /* (owned) (nullable) by their position in the push */
  guint8 *bytes;                                        /* (owned) (nullable) */
  gsize length;                                         /* of the prefix, 0 while there is none */
  gsize head;                                           /* bytes of it before the length of its last name */
  TornadisReply **former;                               /* (owned) (nullable) (element owned, nullable) other names, by a
                                                         * hash, once there were any */
  gsize cost;                                           /* of a push with this prefix up to its last element */
  guint n_names;                                        /* in the prefix */
} TornadisPushPrefix;

/* Whether a push of which [@data, @end) is there begins with the prefix, and costs no more than @budget until then. */
static inline gboolean
tornadis_push_prefix_matches (const TornadisPushPrefix *self,
                              const guint8             *data,
                              const guint8             *end,
                              gsize                     budget)
{
  return self->length > 0 && self->cost <= budget && (gsize) (end - data) >= self->length &&
         memcmp (data, self->bytes, self->length) == 0;
}

/* The name at position @i of a push (transfer full). If it is another than in the push before, the prefix is dropped. */
TornadisReply *tornadis_push_prefix_get_name (TornadisPushPrefix   *self,
                                              gsize                 i,
                                              const guint8         *data,
                                              gsize                 length);
/* Keeps [@data, @end) as the prefix of a push whose elements there are @values and the name that was given just now, if
 * @values are names too. */
void           tornadis_push_prefix_keep     (TornadisPushPrefix   *self,
                                              const guint8         *data,
                                              const guint8         *end,
                                              TornadisReply *const *values,
                                              gsize                 n_values,
                                              gsize                 cost);
/* Makes the prefix that of a push of which [@data, @end) is there, if it differs in nothing but the last name and that is
 * one of before. */
gboolean       tornadis_push_prefix_switch   (TornadisPushPrefix   *self,
                                              const guint8         *data,
                                              const guint8         *end);
void           tornadis_push_prefix_clear    (TornadisPushPrefix   *self);

G_END_DECLS
