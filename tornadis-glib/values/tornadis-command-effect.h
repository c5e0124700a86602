/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The longest name that a client has to know. */
#define TORNADIS_COMMAND_EFFECT_MAX_LENGTH 12

/* What a command does to the connection it runs on, known from its name and for CLIENT, ACL and SCRIPT from its
 * subcommand. */
typedef enum
{
  TORNADIS_COMMAND_PLAIN,
  TORNADIS_COMMAND_REFUSED, /* would leave replies and callers out of step */
  TORNADIS_COMMAND_SELECT,
  TORNADIS_COMMAND_AUTH,
  TORNADIS_COMMAND_SET_NAME,
  TORNADIS_COMMAND_MULTI,
  TORNADIS_COMMAND_EXEC,
  TORNADIS_COMMAND_DISCARD,
  TORNADIS_COMMAND_WATCH,
  TORNADIS_COMMAND_UNWATCH,
  TORNADIS_COMMAND_READONLY, /* or READWRITE */
  TORNADIS_COMMAND_NO_EVICT,
  TORNADIS_COMMAND_NO_TOUCH,
  TORNADIS_COMMAND_OTHER,    /* something else that the server keeps for the connection, such as CLIENT TRACKING */
  TORNADIS_COMMAND_BLOCKING, /* may wait for data by design */
} TornadisCommandEffect;

/* Whether a name of @length bytes can do anything to a connection: ACL is the only one of three letters. */
static inline gboolean
tornadis_command_effect_is_possible (const char *name,
                                     gsize       length)
{
  return (length > 3 && length <= TORNADIS_COMMAND_EFFECT_MAX_LENGTH) || (length == 3 && (name[0] & ~0x20) == 'A');
}

/* Of a name in any case. @container (out): what it does is known from the second argument. */
TornadisCommandEffect tornadis_command_effect_of_name       (const char *name,
                                                             gsize       length,
                                                             gboolean   *container);
TornadisCommandEffect tornadis_command_effect_of_subcommand (const char *container,
                                                             const char *subcommand,
                                                             gsize       length);
/* Whether a server that takes long over this command may be alive all the same. */
gboolean              tornadis_command_effect_may_block     (const char *name);
/* Where to turn to instead of a command that clients refuse; @name in capital letters. */
const char           *tornadis_command_effect_get_hint      (const char *name);

G_END_DECLS
