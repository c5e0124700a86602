/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis monitor: what a server is asked, by all its clients, until it is interrupted. */

#include "tool.h"

#include <string.h>
#include <unistd.h>

typedef struct
{
  TornadisClient *client; /* (owned) */
  ToolOptions options;
  ToolFormat format;
  gint64 count; /* lines to print, TOOL_NOT_GIVEN: no end */
  gint64 n_printed;
  ToolStatus status;
  gboolean done;
} Monitor;

/* Gets the lines, which are pushes. */
typedef struct
{
  TornadisPlugin parent_instance;

  Monitor *monitor; /* (unowned) */
} MonitorPlugin;

typedef TornadisPluginClass MonitorPluginClass;

static GType monitor_plugin_get_type (void);

G_DEFINE_TYPE (MonitorPlugin, monitor_plugin, TORNADIS_TYPE_PLUGIN)

/* The server has escaped it; on a terminal nobody has to believe that. */
static void
append_line (GString *output,
             const char *line,
             ToolFormat format)
{
  for (; *line != '\0'; line++)
    g_string_append_c (output, format == TOOL_FORMAT_LINE && (*line < ' ' || *line > '~') ? '?' : *line);
  g_string_append_c (output, '\n');
}

static void
append_words (GString *output,
              const char *words,
              ToolFormat format)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  const char *problem;

  /* They are quoted as those of redis-cli; of what is not, as much as was. */
  tool_line_split (words, strlen (words), parts, &problem);
  for (guint i = 0; i < parts->len; i++)
    {
      gsize length;
      const char *data = g_bytes_get_data (g_ptr_array_index (parts, i), &length);

      if (format == TOOL_FORMAT_CSV)
        g_string_append_c (output, ',');
      else if (i > 0)
        g_string_append (output, ", ");
      if (format == TOOL_FORMAT_CSV)
        tool_csv_append_string (output, data, length);
      else
        tool_json_append_string (output, data, length);
    }
}

/* “1700000000.123456 [0 127.0.0.1:50000] "get" "key"”: when, in which database, by whom, what. */
static void
append_parts (GString *output,
              const char *line,
              ToolFormat format)
{
  gsize time_length = strcspn (line, " ");
  const char *db = line + time_length + strspn (line + time_length, " [");
  gsize db_length = strspn (db, "0123456789");
  const char *client = db + db_length + strspn (db + db_length, " ");
  gsize client_length = strcspn (client, "]");
  const char *words = client + client_length + (client[client_length] == ']');
  gboolean is_json = format == TOOL_FORMAT_JSON;

  g_string_append_printf (output, is_json ? "{\"time\": %.*s, \"db\": %.*s, \"client\": " : "%.*s,%.*s,", (int) time_length, line,
                          (int) db_length, db);
  if (is_json)
    tool_json_append_string (output, client, client_length);
  else
    tool_csv_append_string (output, client, client_length);

  if (is_json)
    g_string_append (output, ", \"command\": [");
  append_words (output, words, format);
  g_string_append (output, is_json ? "]}\n" : "\n");
}

/* A server that says more than is read here waits, which it does not for ever. */
static void
monitor_print (Monitor *self,
               const char *line)
{
  GString *output = tool_output_begin ();

  if (self->format == TOOL_FORMAT_JSON || self->format == TOOL_FORMAT_CSV)
    append_parts (output, line, self->format);
  else
    append_line (output, line, self->format);
  tool_output_commit ();
  if (tool_output_is_full ())
    tool_output_drain ();

  if (++self->n_printed == self->count)
    self->done = TRUE;
}

static gboolean
monitor_plugin_push (TornadisPlugin *plugin,
                     TornadisReply *push)
{
  Monitor *self = ((MonitorPlugin *) plugin)->monitor;
  const char *line;

  if (tornadis_reply_get_kind (push) != TORNADIS_REPLY_KIND_STATUS)
    return FALSE;

  line = (const char *) tornadis_reply_get_data (push, NULL);
  if (!self->done)
    monitor_print (self, line);

  return TRUE;
}

static void
monitor_plugin_class_init (MonitorPluginClass *klass)
{
  klass->push = monitor_plugin_push;
}

static void
monitor_plugin_init (MonitorPlugin *self)
{
}

static void
monitor_fail (Monitor *self,
              const GError *error)
{
  g_autofree char *text = NULL;

  if (self->done)
    return;

  text = tool_options_describe_error (&self->options, error);
  tool_print_error ("%s", text);
  self->status = g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE) ? TOOL_USAGE : TOOL_FAILED;
  self->done = TRUE;
}

static void
called_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  if (error != NULL)
    monitor_fail (user_data, error);
}

static void
disconnected_cb (TornadisClient *client,
                 GError *error,
                 Monitor *self)
{
  if (error != NULL)
    monitor_fail (self, error);
}

static void
monitor_clear (Monitor *self)
{
  if (self->client != NULL)
    g_signal_handlers_disconnect_by_data (self->client, self);
  g_clear_object (&self->client);
  tool_options_clear (&self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Monitor, monitor_clear)

static gboolean
monitor_start (Monitor *self)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("MONITOR");
  g_autoptr (TornadisPlugin) plugin = g_object_new (monitor_plugin_get_type (), NULL);
  g_autoptr (GError) error = NULL;

  ((MonitorPlugin *) plugin)->monitor = self;
  if (!tornadis_client_add_plugin (self->client, plugin, &error))
    {
      tool_print_error ("%s", error->message);
      return FALSE;
    }

  g_signal_connect (self->client, "disconnected", G_CALLBACK (disconnected_cb), self);
  tornadis_client_submit (self->client, command, called_cb, self, NULL);
  return TRUE;
}

int
tool_monitor (char **argv)
{
  g_auto (Monitor) self = { .count = TOOL_NOT_GIVEN };
  const GOptionEntry entries[] = {
    { "count", 0, 0, G_OPTION_ARG_INT64, &self.count, "End after so many commands", "N" },
    G_OPTION_ENTRY_NULL,
  };

  if (!tool_options_parse (&self.options, argv, TOOL_PARSE_RAW, NULL,
                           "Prints what the server is asked by all its clients, a line for each command, as it comes: the time, the\n"
                           "database, the client, the command. The server is slower meanwhile.",
                           entries))
    return TOOL_USAGE;
  if (self.options.arguments != NULL)
    {
      tool_print_usage_error ("monitor takes no argument");
      return TOOL_USAGE;
    }
  if (!tool_options_check_count (self.count, "The count is a number of commands from 1"))
    return TOOL_USAGE;

  self.client = tool_options_make_client (&self.options, TORNADIS_TYPE_CLIENT);
  if (self.client == NULL)
    return TOOL_USAGE;

  self.format = tool_options_get_format (&self.options, isatty (STDOUT_FILENO) ? TOOL_FORMAT_LINE : TOOL_FORMAT_RAW);
  tool_connecting_watch (self.client);
  tool_output_watch ();
  if (!monitor_start (&self))
    return TOOL_USAGE;
  while (!self.done)
    g_main_context_iteration (NULL, TRUE);

  return (int) self.status;
}
