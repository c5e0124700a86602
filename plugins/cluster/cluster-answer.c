/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-answer.h"

#include <string.h>

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
