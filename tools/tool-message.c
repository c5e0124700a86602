/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages as they are printed. */

#include "tool.h"

#include <string.h>

/* What was published, or the keys that have changed, of which there are none where it may be any. */
void
tool_message_append_payload (GString *output,
                             TornadisMessage *message,
                             ToolFormat format)
{
  TornadisReply *reply = tornadis_message_get_reply (message);
  gsize n_keys = tornadis_reply_get_n_elements (reply);
  gsize length;
  const char *data = (const char *) tornadis_reply_get_data (reply, &length);

  if (data != NULL)
    tool_string_append (output, data, length, format);
  else if (format == TOOL_FORMAT_JSON)
    g_string_append (output, tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_NIL ? "null" : "[");

  for (gsize i = 0; i < n_keys; i++)
    {
      data = (const char *) tornadis_reply_get_data (tornadis_reply_get_element (reply, i), &length);
      if (i > 0)
        g_string_append (output, format == TOOL_FORMAT_JSON ? ", " : format == TOOL_FORMAT_CSV ? "," : " ");
      tool_string_append (output, data, length, format);
    }

  if (format == TOOL_FORMAT_JSON && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_ARRAY)
    g_string_append_c (output, ']');
}

/* A line without its end. */
void
tool_message_append (GString *output,
                     TornadisMessage *message,
                     ToolFormat format)
{
  g_autoptr (GBytes) channel = tornadis_message_get_channel_bytes (message);
  const char *pattern = tornadis_message_get_pattern (message);
  gsize length;
  const char *data = g_bytes_get_data (channel, &length);

  if (format == TOOL_FORMAT_JSON)
    {
      g_string_append (output, "{\"channel\": ");
      tool_string_append (output, data, length, format);
      if (pattern != NULL)
        {
          g_string_append (output, ", \"pattern\": ");
          tool_string_append (output, pattern, strlen (pattern), format);
        }
      g_string_append (output, ", \"payload\": ");
    }
  else
    {
      tool_string_append (output, data, length, format);
      g_string_append_c (output, format == TOOL_FORMAT_CSV ? ',' : '\t');
    }
  tool_message_append_payload (output, message, format);
  if (format == TOOL_FORMAT_JSON)
    g_string_append_c (output, '}');
}
