/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The longest name that a client has to know. */
#define TORNADIS_COMMAND_EFFECT_MAX_LENGTH 12

/* What a command does to the link it runs on, known from its name. */
typedef enum
{
  TORNADIS_COMMAND_PLAIN,
  TORNADIS_COMMAND_REFUSED, /* would leave replies and callers out of step */
  TORNADIS_COMMAND_SELECT,
  TORNADIS_COMMAND_AUTH,
  TORNADIS_COMMAND_MULTI,
  TORNADIS_COMMAND_EXEC,    /* EXEC or DISCARD */
  TORNADIS_COMMAND_WATCH,
  TORNADIS_COMMAND_UNWATCH,
} TornadisCommandEffect;

/* Whether a name of @length bytes can do anything to a link: none is shorter than four letters. */
static inline gboolean
tornadis_command_effect_is_possible (gsize length)
{
  return length > 3 && length <= TORNADIS_COMMAND_EFFECT_MAX_LENGTH;
}

/* Of a name in any case. @container (out): what it does is known from the second argument. */
TornadisCommandEffect tornadis_command_effect_of_name       (const char *name,
                                                             gsize       length,
                                                             gboolean   *container);
/* CLIENT and SCRIPT are harmless but for one subcommand each. */
TornadisCommandEffect tornadis_command_effect_of_subcommand (const char *container,
                                                             const char *subcommand,
                                                             gsize       length);
/* Whether a server that takes long over this command may be alive all the same. */
gboolean              tornadis_command_effect_may_block     (const char *name);
/* Where to turn to instead of a command that clients refuse; @name in capital letters. */
const char           *tornadis_command_effect_get_hint      (const char *name);

G_END_DECLS
