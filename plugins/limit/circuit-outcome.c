/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limit/circuit-outcome.h"

#include "common/server-error.h"

/* Whether the server says that it cannot serve at all, not that it refuses this command. With OOM, MISCONF or READONLY it
 * serves others. */
static gboolean
is_unable (const GError *error)
{
  static const char *const words[] = { "LOADING", "MASTERDOWN", "CLUSTERDOWN", "BUSY", NULL };
  g_autofree char *cause = server_error_dup_cause (error, NULL);

  return cause != NULL && g_strv_contains (words, cause);
}

static CircuitOutcome
judge_replies (TornadisReply *replies)
{
  for (gsize i = 0; i < tornadis_reply_get_n_elements (replies); i++)
    {
      TornadisReply *reply = tornadis_reply_get_element (replies, i);
      g_autoptr (GError) error = tornadis_reply_is_error (reply) ? tornadis_reply_dup_error (reply) : NULL;

      if (error != NULL && is_unable (error))
        return CIRCUIT_FAILURE;
    }

  return CIRCUIT_SUCCESS;
}

CircuitOutcome
circuit_outcome_of (TornadisCall *call)
{
  g_autoptr (GError) error = tornadis_call_dup_error (call);

  if (tornadis_call_is_abandoned (call))
    return CIRCUIT_NO_OUTCOME;
  if (error == NULL)
    return tornadis_call_get_pipeline (call) != NULL ? judge_replies (tornadis_call_get_reply (call)) : CIRCUIT_SUCCESS;
  if (error->domain != TORNADIS_ERROR)
    return CIRCUIT_NO_OUTCOME;

  switch ((TornadisError) error->code)
    {
    case TORNADIS_ERROR_REPLY:
      return is_unable (error) ? CIRCUIT_FAILURE : CIRCUIT_SUCCESS;
    case TORNADIS_ERROR_CONNECT:
    case TORNADIS_ERROR_LOST:
    case TORNADIS_ERROR_TIMEOUT:
    case TORNADIS_ERROR_PROTOCOL:
      return CIRCUIT_FAILURE;
    case TORNADIS_ERROR_AUTHENTICATION:
    case TORNADIS_ERROR_CLOSED:
    case TORNADIS_ERROR_USAGE:
    case TORNADIS_ERROR_BUSY:
    case TORNADIS_ERROR_PLUGIN:
    default:
      return CIRCUIT_NO_OUTCOME;
    }
}
