/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SCAN, page by page, of all nodes where the client is one of a cluster. */

#include "tool.h"

#include <string.h>

struct _ToolScan
{
  TornadisClient *client; /* (owned) */
  char *cursor;           /* (owned) */
  char *pattern;          /* (owned) (nullable) */
  char *type;             /* (owned) (nullable) */
  int count;              /* TOOL_NOT_GIVEN: what the server takes */
  ToolScanFunc func;
  gpointer user_data;
  gboolean scanning;
  gboolean freed; /* when the reply comes */
};

gboolean
tool_scan_options_check (ToolScanOptions *self)
{
  return tool_options_check_count (self->count, "The count is a number of keys from 1");
}

void
tool_scan_options_clear (ToolScanOptions *self)
{
  g_clear_pointer (&self->pattern, g_free);
  g_clear_pointer (&self->type, g_free);
}

/* Nothing is asked for before tool_scan_next(), and then one page each time. */
ToolScan *
tool_scan_new (TornadisClient *client,
               const ToolScanOptions *options,
               ToolScanFunc func,
               gpointer user_data)
{
  ToolScan *self = g_new0 (ToolScan, 1);

  self->client = g_object_ref (client);
  self->cursor = g_strdup ("0");
  self->pattern = g_strdup (options->pattern);
  self->type = g_strdup (options->type);
  self->count = options->count;
  self->func = func;
  self->user_data = user_data;

  return self;
}

static void
scan_destroy (ToolScan *self)
{
  g_object_unref (self->client);
  g_free (self->cursor);
  g_free (self->pattern);
  g_free (self->type);
  g_free (self);
}

void
tool_scan_free (ToolScan *self)
{
  if (self->scanning)
    self->freed = TRUE;
  else
    scan_destroy (self);
}

static void
scanned_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  ToolScan *self = user_data;
  TornadisReply *keys = NULL;
  const char *cursor = NULL;
  g_autoptr (GError) problem = NULL;

  self->scanning = FALSE;
  if (self->freed)
    {
      scan_destroy (self);
      return;
    }

  if (reply != NULL && tornadis_reply_get_n_elements (reply) == 2)
    {
      cursor = tornadis_reply_get_text (tornadis_reply_get_element (reply, 0));
      keys = tornadis_reply_get_element (reply, 1);
    }
  if (cursor == NULL && error == NULL)
    error = problem = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "The reply to SCAN is none of a server");
  if (error != NULL)
    {
      self->func (NULL, TRUE, error, self->user_data);
      return;
    }

  g_free (self->cursor);
  self->cursor = g_strdup (cursor);
  self->func (keys, strcmp (self->cursor, "0") == 0, NULL, self->user_data);
}

void
tool_scan_next (ToolScan *self)
{
  g_autoptr (TornadisCommand) command =
    tornadis_command_new_strv ((const char *[]) { "SCAN", self->cursor, NULL });

  if (self->pattern != NULL)
    {
      tornadis_command_append_string (command, "MATCH");
      tornadis_command_append_string (command, self->pattern);
    }
  if (self->count != TOOL_NOT_GIVEN)
    {
      tornadis_command_append_string (command, "COUNT");
      tornadis_command_append_int64 (command, self->count);
    }
  if (self->type != NULL)
    {
      tornadis_command_append_string (command, "TYPE");
      tornadis_command_append_string (command, self->type);
    }

  self->scanning = TRUE;
  tornadis_client_submit (self->client, command, scanned_cb, self, NULL);
}
