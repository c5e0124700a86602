/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the formats have in common. */

#include "introspection/bridge/tornadis-bridge-format.h"

gboolean
tornadis_bridge_data_is_text (const char *data,
                              gsize length)
{
  const char *p = data;
  const char *end = p + length;

  if (G_LIKELY (TORNADIS_PRIVATE_CALL (reply_data_is_text, data, length)))
    return TRUE;

  while (!g_utf8_validate_len (p, (gsize) (end - p), &p))
    if (*p++ != '\0' || p > end)
      return FALSE;

  return TRUE;
}

gboolean
tornadis_bridge_is_text (const TornadisReply *reply)
{
  return tornadis_bridge_data_is_text (reply->data, reply->length);
}

gboolean
tornadis_bridge_is_number (const TornadisReply *reply)
{
  return reply->length <= TORNADIS_BRIDGE_MAX_DIGITS &&
         TORNADIS_PRIVATE_CALL (number_text_is_integer, reply->data, reply->length);
}

gboolean
tornadis_bridge_make_room (GString *out,
                           gsize n)
{
  gsize needed = out->len + n + TORNADIS_BRIDGE_VALUE_SIZE + 1;
  gsize size = MAX (needed, out->allocated_len + out->allocated_len / 2);
  char *str = g_try_realloc (out->str, size);

  /* Not just what is needed: all of it may be copied each time. */
  if (str == NULL)
    {
      size = MAX (needed, out->allocated_len + out->allocated_len / 8);
      str = g_try_realloc (out->str, size);
    }
  if (str == NULL)
    return FALSE;

  out->str = str;
  out->allocated_len = size;

  return TRUE;
}

GPtrArray *
tornadis_bridge_new_calls (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_command_unref);
}

GPtrArray *
tornadis_bridge_fail_parse (GPtrArray *calls,
                            GError **error)
{
  g_ptr_array_unref (calls);
  g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Not a list of calls");

  return NULL;
}

char *
tornadis_bridge_dup_message (const char *message)
{
  return g_utf8_make_valid (message, -1);
}
