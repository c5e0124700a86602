/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-answer.h"

#include <string.h>

#include "cluster/cluster-redirect.h"

void
cluster_answer_error (TornadisCall *call,
                      TornadisError code,
                      const char *format,
                      ...)
{
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  error = g_error_new_valist (TORNADIS_ERROR, (int) code, format, args);
  va_end (args);
  tornadis_call_return_error (call, error);
}

void
cluster_answer_line (TornadisCall *call,
                     const char *line)
{
  g_autoptr (TornadisReply) reply = cluster_answer_make_line (line);

  tornadis_call_return_reply (call, reply);
}

TornadisReply *
cluster_answer_make_line (const char *line)
{
  g_autofree char *one = g_strdelimit (g_strdup (line), "\r\n", ' ');
  g_autofree char *resp = g_strconcat (one, "\r\n", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new (resp, strlen (resp));

  return tornadis_reply_new_from_resp (bytes, NULL);
}

gboolean
cluster_answer_puts_off (const char *text,
                         gsize length)
{
  ClusterRedirect redirect;
  ClusterRedirectKind kind = cluster_redirect_parse (text, length, &redirect);

  return kind != CLUSTER_REDIRECT_NONE && kind != CLUSTER_REDIRECT_UNBLOCKED;
}

gboolean
cluster_answer_is_of_unrun (const GError *error)
{
  if (error->domain != TORNADIS_ERROR)
    return FALSE;

  switch ((TornadisError) error->code)
    {
    case TORNADIS_ERROR_CONNECT:
    case TORNADIS_ERROR_AUTHENTICATION:
    case TORNADIS_ERROR_CLOSED:
    case TORNADIS_ERROR_BUSY:
      return TRUE;
    case TORNADIS_ERROR_REPLY:
      return cluster_answer_puts_off (error->message, strlen (error->message));
    case TORNADIS_ERROR_LOST:
    case TORNADIS_ERROR_TIMEOUT:
    case TORNADIS_ERROR_PROTOCOL:
    case TORNADIS_ERROR_USAGE:
    case TORNADIS_ERROR_PLUGIN:
    default:
      return FALSE;
    }
}

void
cluster_answer_fail_in_part (TornadisCall *call,
                             const GError *error)
{
  if (cluster_answer_is_of_unrun (error))
    cluster_answer_error (call, TORNADIS_ERROR_LOST, "%s: other nodes may have run their part, and one has not: %s",
                          tornadis_call_get_name (call), error->message);
  else
    tornadis_call_return_error (call, error);
}
