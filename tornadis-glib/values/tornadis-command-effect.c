/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-command-effect.h"

#include <string.h>

#define HINT_PUB_SUB "use TornadisPubSubClient"
#define HINT_REPLICATION "replication is not supported"

#define IS(literal) (memcmp (name, literal, sizeof literal) == 0)

/* Every command passes here: most leave by the length, and no two comparisons are dear. */
static TornadisCommandEffect
effect_of_name (const char *name,
                gsize length)
{
  switch (length)
    {
    case 4:
      if (IS ("AUTH"))
        return TORNADIS_COMMAND_AUTH;
      if (IS ("EXEC"))
        return TORNADIS_COMMAND_EXEC;
      if (IS ("SYNC"))
        return TORNADIS_COMMAND_REFUSED;
      if (IS ("WAIT"))
        return TORNADIS_COMMAND_BLOCKING;
      break;
    case 5:
      if (IS ("MULTI"))
        return TORNADIS_COMMAND_MULTI;
      if (IS ("WATCH"))
        return TORNADIS_COMMAND_WATCH;
      if (IS ("HELLO") || IS ("PSYNC") || IS ("RESET"))
        return TORNADIS_COMMAND_REFUSED;
      if (IS ("BLPOP") || IS ("BRPOP") || IS ("XREAD"))
        return TORNADIS_COMMAND_BLOCKING;
      break;
    case 6:
      if (IS ("SELECT"))
        return TORNADIS_COMMAND_SELECT;
      if (IS ("ASKING"))
        return TORNADIS_COMMAND_OTHER;
      if (IS ("BLMOVE") || IS ("BLMPOP") || IS ("BZMPOP"))
        return TORNADIS_COMMAND_BLOCKING;
      break;
    case 7:
      if (IS ("DISCARD"))
        return TORNADIS_COMMAND_DISCARD;
      if (IS ("UNWATCH"))
        return TORNADIS_COMMAND_UNWATCH;
      if (IS ("MONITOR"))
        return TORNADIS_COMMAND_OTHER;
      if (IS ("WAITAOF"))
        return TORNADIS_COMMAND_BLOCKING;
      break;
    case 8:
      if (IS ("READONLY"))
        return TORNADIS_COMMAND_READONLY;
      if (IS ("REPLCONF"))
        return TORNADIS_COMMAND_REFUSED;
      if (IS ("BZPOPMAX") || IS ("BZPOPMIN"))
        return TORNADIS_COMMAND_BLOCKING;
      break;
    case 9:
      if (IS ("READWRITE"))
        return TORNADIS_COMMAND_READONLY;
      if (IS ("SUBSCRIBE"))
        return TORNADIS_COMMAND_REFUSED;
      break;
    case 10:
      if (IS ("PSUBSCRIBE") || IS ("SSUBSCRIBE"))
        return TORNADIS_COMMAND_REFUSED;
      if (IS ("BRPOPLPUSH") || IS ("XREADGROUP"))
        return TORNADIS_COMMAND_BLOCKING;
      break;
    case 11:
      if (IS ("UNSUBSCRIBE"))
        return TORNADIS_COMMAND_REFUSED;
      break;
    case 12:
      if (IS ("PUNSUBSCRIBE") || IS ("SUNSUBSCRIBE"))
        return TORNADIS_COMMAND_REFUSED;
      break;
    default:
      break;
    }

  return TORNADIS_COMMAND_PLAIN;
}

static gboolean
is_container (const char *name,
              gsize length)
{
  return (length == 6 && (IS ("CLIENT") || IS ("SCRIPT"))) || (length == 3 && IS ("ACL"));
}

TornadisCommandEffect
tornadis_command_effect_of_name (const char *name_in_any_case,
                                 gsize length,
                                 gboolean *container)
{
  char name[TORNADIS_COMMAND_EFFECT_MAX_LENGTH + 1];

  for (gsize i = 0; i < length; i++)
    name[i] = g_ascii_toupper (name_in_any_case[i]);
  name[length] = '\0';

  *container = is_container (name, length);

  return effect_of_name (name, length);
}

/* What is not known to leave the connection as it was is taken for something that does not. */
static TornadisCommandEffect
effect_of_client (const char *subcommand)
{
  static const struct
  {
    const char *name;
    TornadisCommandEffect effect;
  } known[] = {
    { "GETNAME", TORNADIS_COMMAND_PLAIN },
    { "GETREDIR", TORNADIS_COMMAND_PLAIN },
    { "HELP", TORNADIS_COMMAND_PLAIN },
    { "ID", TORNADIS_COMMAND_PLAIN },
    { "INFO", TORNADIS_COMMAND_PLAIN },
    { "KILL", TORNADIS_COMMAND_PLAIN },
    { "LIST", TORNADIS_COMMAND_PLAIN },
    { "NO-EVICT", TORNADIS_COMMAND_NO_EVICT },
    { "NO-TOUCH", TORNADIS_COMMAND_NO_TOUCH },
    { "PAUSE", TORNADIS_COMMAND_PLAIN },
    { "REPLY", TORNADIS_COMMAND_REFUSED },
    { "SETNAME", TORNADIS_COMMAND_SET_NAME },
    { "TRACKINGINFO", TORNADIS_COMMAND_PLAIN },
    { "UNBLOCK", TORNADIS_COMMAND_PLAIN },
    { "UNPAUSE", TORNADIS_COMMAND_PLAIN },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_ascii_strcasecmp (subcommand, known[i].name) == 0)
      return known[i].effect;

  return TORNADIS_COMMAND_OTHER;
}

TornadisCommandEffect
tornadis_command_effect_of_subcommand (const char *container,
                                       const char *subcommand_data,
                                       gsize length)
{
  g_autofree char *subcommand = g_strndup (subcommand_data, length);

  switch (g_ascii_toupper (container[0]))
    {
    case 'A':
      /* A user that is changed keeps the connections it has, but would not be let in again. */
      return g_ascii_strcasecmp (subcommand, "SETUSER") == 0 || g_ascii_strcasecmp (subcommand, "DELUSER") == 0 ||
                 g_ascii_strcasecmp (subcommand, "LOAD") == 0
               ? TORNADIS_COMMAND_OTHER
               : TORNADIS_COMMAND_PLAIN;
    case 'C':
      return effect_of_client (subcommand);
    default:
      return g_ascii_strcasecmp (subcommand, "DEBUG") == 0 ? TORNADIS_COMMAND_REFUSED : TORNADIS_COMMAND_PLAIN;
    }
}

/* Those that wait by design, scripts, and those of which the server's documentation says that they may take long;
 * of a module's nothing is known. */
gboolean
tornadis_command_effect_may_block (const char *name)
{
  static const char *const names[] = {
    "BLMOVE",
    "BLMPOP",
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "BZMPOP",
    "BZPOPMAX",
    "BZPOPMIN",
    "DEBUG",
    "EVAL",
    "EVALSHA",
    "EVALSHA_RO",
    "EVAL_RO",
    "EXEC",
    "FAILOVER",
    "FCALL",
    "FCALL_RO",
    "FLUSHALL",
    "FLUSHDB",
    "KEYS",
    "MIGRATE",
    "SAVE",
    "SHUTDOWN",
    "SORT",
    "SORT_RO",
    "WAIT",
    "WAITAOF",
    "XREAD",
    "XREADGROUP",
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      return TRUE;

  return strchr (name, '.') != NULL;
}

const char *
tornadis_command_effect_get_hint (const char *name)
{
  static const struct
  {
    const char *name;
    const char *hint;
  } hints[] = {
    { "SUBSCRIBE", HINT_PUB_SUB },
    { "PSUBSCRIBE", HINT_PUB_SUB },
    { "SSUBSCRIBE", HINT_PUB_SUB },
    { "UNSUBSCRIBE", HINT_PUB_SUB },
    { "PUNSUBSCRIBE", HINT_PUB_SUB },
    { "SUNSUBSCRIBE", HINT_PUB_SUB },
    { "SYNC", HINT_REPLICATION },
    { "PSYNC", HINT_REPLICATION },
    { "REPLCONF", HINT_REPLICATION },
    { "HELLO", "the properties protocol, username, password and client-name do it" },
    { "RESET", "tornadis_client_close() does it" },
    { "CLIENT", "tornadis_client_submit() without a function discards the reply" },
    { "SCRIPT", "debugging scripts is not supported" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (hints); i++)
    {
      if (strcmp (name, hints[i].name) == 0)
        return hints[i].hint;
    }

  g_return_val_if_reached (NULL);
}
