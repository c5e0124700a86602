/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cache/cache-effect.h"

typedef enum
{
  EFFECT_NONE,
  EFFECT_SELECT,
  EFFECT_AUTH,
  EFFECT_MULTI,
  EFFECT_EXEC, /* or DISCARD */
  EFFECT_WATCH,
  EFFECT_UNWATCH,
  EFFECT_TRACKING,
} CacheEffect;

static char *
dup_arg (TornadisCommand *command,
         gsize i)
{
  g_autoptr (GBytes) arg = tornadis_command_get_arg (command, i);

  return arg != NULL ? g_strndup (g_bytes_get_data (arg, NULL), g_bytes_get_size (arg)) : g_strdup ("");
}

static CacheEffect
command_get_effect (TornadisCommand *command)
{
  static const struct
  {
    const char *name;
    CacheEffect effect;
  } known[] = {
    { "SELECT", EFFECT_SELECT },
    { "AUTH", EFFECT_AUTH },
    { "MULTI", EFFECT_MULTI },
    { "EXEC", EFFECT_EXEC },
    { "DISCARD", EFFECT_EXEC },
    { "WATCH", EFFECT_WATCH },
    { "UNWATCH", EFFECT_UNWATCH },
  };
  const char *name = tornadis_command_get_name (command);

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_equal (name, known[i].name))
      return known[i].effect;

  if (g_str_equal (name, "CLIENT"))
    {
      g_autofree char *subcommand = dup_arg (command, 1);

      if (g_ascii_strcasecmp (subcommand, "TRACKING") == 0)
        return EFFECT_TRACKING;
    }

  return EFFECT_NONE;
}

gboolean
cache_effect_sent (CacheLink *link,
                   TornadisCommand *command,
                   gboolean in_pipeline)
{
  CacheEffect effect = command_get_effect (command);

  switch (effect)
    {
    case EFFECT_SELECT:
    case EFFECT_AUTH:
      link->n_unsettled++;
      /* Whether it has run is for the server alone to know. */
      if (in_pipeline || link->in_multi)
        link->tainted = TRUE;
      break;
    case EFFECT_MULTI:
      link->in_multi = TRUE;
      break;
    case EFFECT_WATCH:
      link->watching = TRUE;
      break;
    case EFFECT_TRACKING:
      link->tainted = TRUE;
      cache_link_flush (link);
      break;
    case EFFECT_NONE:
    case EFFECT_EXEC:
    case EFFECT_UNWATCH:
    default:
      break;
    }

  return effect != EFFECT_NONE;
}

static void
link_logged_in (CacheLink *link,
                TornadisCommand *command)
{
  g_free (link->user);
  g_free (link->authenticated);
  link->user = tornadis_command_get_n_args (command) > 2 ? dup_arg (command, 1) : g_strdup ("default");
  link->authenticated = g_strdup (link->user);
}

static void
link_selected (CacheLink *link,
               TornadisCommand *command)
{
  g_autofree char *db = dup_arg (command, 1);

  link->db = (int) g_ascii_strtoll (db, NULL, 10);
}

static void
link_settled (CacheLink *link,
              TornadisCommand *command,
              CacheEffect effect,
              gboolean known,
              gboolean ok)
{
  link->n_unsettled--;

  /* It may still run. */
  if (!known && tornadis_client_is_connected (link->client))
    link->tainted = TRUE;
  if (!ok)
    return;

  if (effect == EFFECT_AUTH)
    link_logged_in (link, command);
  else
    link_selected (link, command);

  if (link->tracking == NULL)
    return;

  cache_link_choose_space (link);
  cache_link_flush (link);
}

void
cache_effect_answered (CacheLink *link,
                       TornadisCommand *command,
                       gboolean known,
                       gboolean ok)
{
  CacheEffect effect = command_get_effect (command);

  switch (effect)
    {
    case EFFECT_SELECT:
    case EFFECT_AUTH:
      link_settled (link, command, effect, known, ok);
      break;
    case EFFECT_MULTI:
      link->in_multi |= ok;
      break;
    case EFFECT_EXEC:
      if (known)
        link->in_multi = link->watching = FALSE;
      break;
    case EFFECT_WATCH:
      link->watching |= ok;
      break;
    case EFFECT_UNWATCH:
      if (ok && !link->in_multi)
        link->watching = FALSE;
      break;
    case EFFECT_NONE:
    case EFFECT_TRACKING:
    default:
      break;
    }
}
