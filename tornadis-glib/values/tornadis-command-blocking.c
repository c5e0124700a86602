/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-command-private.h"

#include <string.h>

/* Those that wait by design, scripts, and those of which the server's documentation says that they may take long;
 * of a module's nothing is known. */
gboolean
tornadis_command_may_block (TornadisCommand *self)
{
  static const char *const names[] = {
    "BLMOVE", "BLMPOP", "BLPOP", "BRPOP", "BRPOPLPUSH", "BZMPOP", "BZPOPMAX", "BZPOPMIN", "DEBUG", "EVAL",
    "EVALSHA", "EVALSHA_RO", "EVAL_RO", "EXEC", "FAILOVER", "FCALL", "FCALL_RO", "FLUSHALL", "FLUSHDB", "KEYS",
    "MIGRATE", "SAVE", "SHUTDOWN", "SORT", "SORT_RO", "WAIT", "WAITAOF", "XREAD", "XREADGROUP",
  };
  const char *name = tornadis_command_get_name (self);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      return TRUE;

  return strchr (name, '.') != NULL;
}
