/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cache/cache-effect.h"

#include "common/commands.h"

static gboolean
ends_multi (TornadisCommand *command)
{
  return command_is (command, "EXEC") || command_is (command, "DISCARD");
}

gboolean
cache_effect_sent (CacheLink *link,
                   TornadisCommand *command)
{
  gboolean is_auth = command_is (command, "AUTH");

  /* It is looked at again when the client is settled, after EXEC if need be. */
  if (is_auth || command_is (command, "SELECT"))
    link->knows_space = FALSE;
  link->unnamed |= is_auth;

  if (command_is (command, "CLIENT") && command_argument_is (command, 1, "TRACKING"))
    cache_link_taint (link);

  return ends_multi (command);
}

gboolean
cache_effect_is_queued (TornadisCall *call,
                        gboolean *ended)
{
  TornadisReply *reply = tornadis_call_get_reply (call);
  gboolean is_pipeline = tornadis_call_get_pipeline (call) != NULL;
  gboolean queued = FALSE;

  *ended = call_is_atomic (call);
  if (*ended)
    return FALSE;

  for (guint i = 0; i < call_get_n_commands (call); i++)
    {
      TornadisReply *element = is_pipeline && reply != NULL ? tornadis_reply_get_element (reply, i) : reply;

      if (reply_is_queued (element))
        queued = TRUE;
      else if (ends_multi (call_get_command (call, i)))
        {
          *ended = TRUE;
          queued = FALSE;
        }
    }

  return queued;
}
