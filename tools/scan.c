/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis scan: the names of keys. */

#include "tool.h"

#include <unistd.h>

typedef struct
{
  TornadisClient *client; /* (owned) */
  ToolScan *scan;         /* (owned) */
  ToolOptions options;
  ToolScanOptions scan_options;
  ToolFormat format;
  guint timer;     /* 0: none, until the next page */
  gboolean is_due; /* it is, when output has been written */
  ToolStatus status;
  gboolean done;
} Scan;

static void
scan_print (Scan *self,
            TornadisReply *keys)
{
  GString *output = tool_output_begin ();

  for (gsize i = 0; i < tornadis_reply_get_n_elements (keys); i++)
    tool_reply_append (output, tornadis_reply_get_element (keys, i), self->format);

  tool_output_commit ();
}

/* A slow reader gets what he takes, and the next page is not asked for before. */
static void
scan_next (Scan *self)
{
  if (!self->is_due || tool_output_is_full ())
    return;

  self->is_due = FALSE;
  tool_scan_next (self->scan);
}

static void
drained_cb (gpointer user_data)
{
  scan_next (user_data);
}

static gboolean
timer_cb (gpointer user_data)
{
  Scan *self = user_data;

  self->timer = 0;
  self->is_due = TRUE;
  scan_next (self);

  return G_SOURCE_REMOVE;
}

static void
scanned_cb (TornadisReply *keys,
            gboolean is_last,
            const GError *error,
            gpointer user_data)
{
  Scan *self = user_data;

  if (error != NULL)
    {
      g_autofree char *text = tool_options_describe_error (&self->options, error);

      tool_print_error ("%s", text);
      self->status = TOOL_FAILED;
    }
  if (keys != NULL)
    scan_print (self, keys);

  if (is_last)
    self->done = TRUE;
  else
    self->timer = g_timeout_add ((guint) (self->options.interval * 1000), timer_cb, self);
}

static void
scan_clear (Scan *self)
{
  tool_output_set_drained_func (NULL, NULL);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->scan, tool_scan_free);
  g_clear_object (&self->client);
  tool_scan_options_clear (&self->scan_options);
  tool_options_clear (&self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scan, scan_clear)

int
tool_scan (char **argv)
{
  g_auto (Scan) self = { .scan_options = { .count = TOOL_NOT_GIVEN } };
  const GOptionEntry entries[] = {
    TOOL_SCAN_ENTRIES (&self.scan_options),
    G_OPTION_ENTRY_NULL,
  };

  if (!tool_options_parse (&self.options, argv, TOOL_PARSE_RAW | TOOL_PARSE_INTERVAL, NULL,
                           "Prints the names of all keys, one a line, without holding up the server: those of all nodes of a\n"
                           "cluster. A key that is there all the time is printed, perhaps more than once.",
                           entries) ||
      !tool_scan_options_check (&self.scan_options))
    return TOOL_USAGE;
  if (self.options.arguments != NULL)
    {
      tool_print_usage_error ("scan takes no argument; keys are chosen by --pattern");
      return TOOL_USAGE;
    }

  self.client = tool_options_make_client (&self.options, TORNADIS_TYPE_CLIENT);
  if (self.client == NULL)
    return TOOL_USAGE;

  self.format = tool_options_get_format (&self.options, isatty (STDOUT_FILENO) ? TOOL_FORMAT_LINE : TOOL_FORMAT_RAW);
  self.scan = tool_scan_new (self.client, &self.scan_options, scanned_cb, &self);
  tool_connecting_watch (self.client);
  tool_output_set_drained_func (drained_cb, &self);
  tool_output_watch ();
  tool_scan_next (self.scan);
  while (!self.done)
    g_main_context_iteration (NULL, TRUE);

  return (int) self.status;
}
