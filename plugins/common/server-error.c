/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/server-error.h"

#include <string.h>

char *
server_error_dup_cause (const GError *error,
                        gboolean *aborted)
{
  g_autofree char *prefix = tornadis_error_dup_prefix (error);
  g_autoptr (GError) cause = NULL;
  const char *reason;

  if (aborted != NULL)
    *aborted = g_strcmp0 (prefix, "EXECABORT") == 0;
  if (g_strcmp0 (prefix, "EXECABORT") != 0)
    return g_steal_pointer (&prefix);

  reason = strstr (error->message, ": ");
  if (reason == NULL)
    return g_steal_pointer (&prefix);

  cause = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_REPLY, reason + 2);
  return tornadis_error_dup_prefix (cause);
}
