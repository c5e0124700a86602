/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/verbatim.h"

#include <string.h>

TornadisReply *
verbatim_new (const char *data,
              gsize length)
{
  g_autoptr (GString) resp = g_string_new (NULL);
  g_autoptr (GBytes) bytes = NULL;

  g_string_append_printf (resp, "=%" G_GSIZE_FORMAT "\r\ntxt:", length + strlen ("txt:"));
  g_string_append_len (resp, data, (gssize) length);
  g_string_append (resp, "\r\n");
  bytes = g_string_free_to_bytes (g_steal_pointer (&resp));

  return tornadis_reply_new_from_resp (bytes, NULL);
}
