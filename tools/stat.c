/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis stat: what a server holds and does, a line every second, as redis-cli --stat has it. */

#include "tool.h"

#include <string.h>
#include <unistd.h>

/* On a terminal the heading comes again, so that it is in sight. */
#define HEADING_ROWS 20

typedef enum
{
  FIELD_KEYS,
  FIELD_MEMORY,
  FIELD_CLIENTS,
  FIELD_BLOCKED,
  FIELD_REQUESTS,
  FIELD_CONNECTIONS,
  FIELD_SAVING,
  FIELD_REWRITING,
  N_FIELDS,
} Field;

typedef struct
{
  TornadisClient *client;   /* (owned) */
  TornadisCommand *command; /* (owned) */
  ToolOptions options;
  gint64 requests;   /* of the line before; -1: there was none since the connection was made */
  guint64 n_printed; /* lines */
  gint64 n_left;     /* -1: no end */
  guint timer;       /* 0: none, until the next line */
  gboolean is_due;   /* it is, when output has been written */
  ToolLoss loss;
  ToolStatus status;
  gboolean done;
} Stat;

static void stat_ask (Stat *self);

/* The number behind "keys=" for a database, else behind the colon. */
static gint64
parse_value (const char *value)
{
  return g_ascii_strtoll (g_str_has_prefix (value, "keys=") ? value + strlen ("keys=") : value, NULL, 10);
}

/* Adds up what INFO says: of all databases, and of all nodes where it is that of a cluster. */
static void
parse_info (const char *info,
            gint64 values[N_FIELDS])
{
  static const char *const names[N_FIELDS] = {
    "db", "used_memory", "connected_clients", "blocked_clients", "total_commands_processed", "total_connections_received",
    "rdb_bgsave_in_progress", "aof_rewrite_in_progress",
  };

  memset (values, 0, N_FIELDS * sizeof (gint64));
  while (*info != '\0')
    {
      gsize length = strcspn (info, "\r\n");
      gsize name_length = strcspn (info, ":\r\n");

      for (guint i = 0; name_length < length && i < N_FIELDS; i++)
        if (strncmp (info, names[i], strlen (names[i])) == 0 &&
            (i == FIELD_KEYS ? g_ascii_isdigit (info[strlen (names[i])]) : name_length == strlen (names[i])))
          values[i] += parse_value (info + name_length + 1);
      info += length + strspn (info + length, "\r\n");
    }
}

static const char *
describe_child (const gint64 values[N_FIELDS])
{
  if (values[FIELD_SAVING] > 0 && values[FIELD_REWRITING] > 0)
    return "SAVE+AOF";

  return values[FIELD_SAVING] > 0 ? "SAVE" : values[FIELD_REWRITING] > 0 ? "AOF" : "";
}

static char *
format_memory (gint64 bytes)
{
  static const char units[] = "BKMGTP";
  double value = (double) bytes;
  guint i = 0;

  for (; value >= 1024 && units[i + 1] != '\0'; i++)
    value /= 1024;

  return g_strdup_printf (i == 0 ? "%.0f%c" : "%.2f%c", value, units[i]);
}

static void
stat_print_table (Stat *self,
                  GString *output,
                  const gint64 values[N_FIELDS],
                  gint64 since)
{
  g_autofree char *memory = format_memory (values[FIELD_MEMORY]);
  g_autofree char *requests = g_strdup_printf ("%" G_GINT64_FORMAT " (+%" G_GINT64_FORMAT ")", values[FIELD_REQUESTS], since);

  if (self->n_printed == 0 || (self->n_printed % HEADING_ROWS == 0 && isatty (STDOUT_FILENO)))
    g_string_append (output, "------- data ------ --------------------- load -------------------- - child -\n"
                             "keys       mem      clients blocked requests            connections\n");
  g_string_append_printf (output, "%-10" G_GINT64_FORMAT " %-8s %-7" G_GINT64_FORMAT " %-7" G_GINT64_FORMAT " %-19s ",
                          values[FIELD_KEYS], memory, values[FIELD_CLIENTS], values[FIELD_BLOCKED], requests);
  if (*describe_child (values) != '\0')
    g_string_append_printf (output, "%-11" G_GINT64_FORMAT " %s\n", values[FIELD_CONNECTIONS], describe_child (values));
  else
    g_string_append_printf (output, "%" G_GINT64_FORMAT "\n", values[FIELD_CONNECTIONS]);
}

static void
stat_print (Stat *self,
            const char *info)
{
  GString *output = tool_output_begin ();
  gint64 values[N_FIELDS];
  gint64 since;

  parse_info (info, values);
  since = self->requests >= 0 ? values[FIELD_REQUESTS] - self->requests : 0;
  self->requests = values[FIELD_REQUESTS];

  if (self->options.csv && self->n_printed == 0)
    g_string_append (output, "\"keys\",\"memory\",\"clients\",\"blocked\",\"requests\",\"requests_since\",\"connections\",\"child\"\n");
  if (self->options.json || self->options.csv)
    g_string_append_printf (output,
                            self->options.json ? "{\"keys\": %" G_GINT64_FORMAT ", \"memory\": %" G_GINT64_FORMAT
                                                 ", \"clients\": %" G_GINT64_FORMAT ", \"blocked\": %" G_GINT64_FORMAT
                                                 ", \"requests\": %" G_GINT64_FORMAT ", \"requests_since\": %" G_GINT64_FORMAT
                                                 ", \"connections\": %" G_GINT64_FORMAT ", \"child\": \"%s\"}\n"
                                               : "%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
                                                 ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT ",%" G_GINT64_FORMAT
                                                 ",%" G_GINT64_FORMAT ",\"%s\"\n",
                            values[FIELD_KEYS], values[FIELD_MEMORY], values[FIELD_CLIENTS], values[FIELD_BLOCKED],
                            values[FIELD_REQUESTS], since, values[FIELD_CONNECTIONS], describe_child (values));
  else
    stat_print_table (self, output, values, since);

  self->n_printed++;
  tool_output_commit ();
}

static void
stat_ask_due (Stat *self)
{
  if (!self->is_due || tool_output_is_full ())
    return;

  self->is_due = FALSE;
  stat_ask (self);
}

static void
drained_cb (gpointer user_data)
{
  stat_ask_due (user_data);
}

static gboolean
timer_cb (gpointer user_data)
{
  Stat *self = user_data;

  self->timer = 0;
  self->is_due = TRUE;
  stat_ask_due (self);

  return G_SOURCE_REMOVE;
}

/* A server that was there comes back. */
static gboolean
stat_waits (Stat *self,
            const GError *error)
{
  if (self->n_printed == 0 || !tool_loss_begin (&self->loss, error))
    return FALSE;

  self->requests = -1;

  return TRUE;
}

static void
replied_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  Stat *self = user_data;
  const char *info = reply != NULL ? tornadis_reply_get_text (reply) : NULL;

  if (self->done)
    return;

  if (info != NULL)
    {
      tool_loss_end (&self->loss);
      stat_print (self, info);
      if (self->n_left > 0)
        self->n_left--;
    }
  else if (error == NULL || !stat_waits (self, error))
    {
      g_autofree char *text = error != NULL ? tool_options_describe_error (&self->options, error) : NULL;

      tool_print_error ("%s", text != NULL ? text : "The reply to INFO is no text");
      self->status = TOOL_FAILED;
      self->done = TRUE;
    }

  if (self->n_left == 0)
    self->done = TRUE;
  if (!self->done)
    self->timer = g_timeout_add ((guint) (self->options.interval * 1000), timer_cb, self);
}

static void
stat_ask (Stat *self)
{
  tornadis_client_submit (self->client, self->command, replied_cb, self, NULL);
}

static void
ended_cb (gpointer user_data)
{
  ((Stat *) user_data)->done = TRUE;
}

static void
stat_clear (Stat *self)
{
  tool_output_set_drained_func (NULL, NULL);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->client);
  g_clear_pointer (&self->command, tornadis_command_unref);
  tool_loss_clear (&self->loss);
  tool_options_clear (&self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stat, stat_clear)

int
tool_stat (char **argv)
{
  g_auto (Stat) self = { .requests = -1, .options = { .repeat = -1, .interval = 1 } };

  if (!tool_options_parse (&self.options, argv, TOOL_PARSE_REPEAT, NULL,
                           "Prints what the server holds and does, a line every second: keys of all databases, memory, clients,\n"
                           "requests and how many since the line before, connections, and what a child process is busy with.\n"
                           "Of a cluster it is the sum of all nodes.",
                           NULL))
    return TOOL_USAGE;
  if (self.options.arguments != NULL)
    {
      tool_print_usage_error ("stat takes no argument");
      return TOOL_USAGE;
    }

  self.client = tool_options_make_client (&self.options, TORNADIS_TYPE_CLIENT);
  if (self.client == NULL)
    return TOOL_USAGE;

  self.n_left = self.options.repeat;
  self.command = tornadis_command_new ("INFO");
  tool_connecting_watch (self.client);
  tool_output_set_drained_func (drained_cb, &self);
  tool_output_watch ();
  tool_signals_watch (ended_cb, &self);
  stat_ask (&self);
  while (!self.done)
    g_main_context_iteration (NULL, TRUE);
  tool_signals_unwatch ();

  return (int) self.status;
}
