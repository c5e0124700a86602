/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis call: one command, its reply on standard output. */

#include "tool.h"

#include <gio/gunixinputstream.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 65536
/* What a server takes by default, in one argument. */
#define MAX_VALUE_BYTES (512 * 1024 * 1024)

typedef struct
{
  TornadisClient *client;   /* (owned) */
  TornadisCommand *command; /* (owned) */
  GByteArray *value;        /* (owned) (nullable): the last argument while it is read */
  ToolOptions options;
  gboolean quoted;
  gboolean no_newline;
  gboolean last_from_stdin;
  gboolean no_stdin;
  gint64 n_left;   /* calls, -1: no end */
  guint timer;     /* 0: none, until the next call */
  gboolean is_due; /* it is, when output has been written */
  ToolStatus status;
  gboolean done;
} Call;

static void call_send (Call *self);

static void
call_finish (Call *self,
             GError *error)
{
  if (error != NULL)
    {
      gboolean is_usage = g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_autofree char *text = is_usage ? tool_command_describe_error (self->command, error)
                                       : tool_options_describe_error (&self->options, error);

      tool_print_error ("%s", text);
      self->status = is_usage ? TOOL_USAGE : TOOL_FAILED;
      g_error_free (error);
    }
  self->done = TRUE;
}

static void
call_print (Call *self,
            TornadisReply *reply)
{
  GString *output = tool_output_begin ();
  gsize before = output->len;
  ToolFormat format = tool_options_get_format (&self->options, TOOL_FORMAT_LINE);

  if (self->quoted || (format == TOOL_FORMAT_LINE && isatty (STDOUT_FILENO)))
    {
      g_autoptr (TornadisReply) typed = tool_command_type_reply (self->command, reply);

      tool_reply_append_shown (output, typed);
    }
  else
    {
      tool_reply_append (output, reply, tool_options_get_format (&self->options, TOOL_FORMAT_RAW));
    }

  if (self->no_newline && output->len > before)
    g_string_truncate (output, output->len - 1);
  tool_output_commit ();
}

static void
call_send_due (Call *self)
{
  if (!self->is_due || tool_output_is_full ())
    return;

  self->is_due = FALSE;
  call_send (self);
}

static void
drained_cb (gpointer user_data)
{
  call_send_due (user_data);
}

static gboolean
timer_cb (gpointer user_data)
{
  Call *self = user_data;

  self->timer = 0;
  self->is_due = TRUE;
  call_send_due (self);

  return G_SOURCE_REMOVE;
}

/* A server that shuts down ends the connection without a reply, which is what SHUTDOWN was called for. */
static gboolean
call_has_shut_down (Call *self,
                    const GError *error)
{
  return g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST) && tool_command_is (self->command, "SHUTDOWN", NULL) &&
         !tool_command_is (self->command, "SHUTDOWN", "ABORT");
}

static void
called_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  Call *self = user_data;

  if (reply != NULL)
    call_print (self, reply);
  if (self->n_left > 0)
    self->n_left--;

  if (call_has_shut_down (self, error))
    call_finish (self, NULL);
  else if (error != NULL || self->n_left == 0)
    call_finish (self, error != NULL ? g_error_copy (error) : NULL);
  else
    self->timer = g_timeout_add ((guint) (self->options.interval * 1000), timer_cb, self);
}

static void
call_send (Call *self)
{
  tornadis_client_submit (self->client, self->command, called_cb, self, NULL);
}

static void
value_read_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  Call *self = user_data;
  GInputStream *stream = G_INPUT_STREAM (object);
  GError *error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (stream, result, &error);

  if (bytes == NULL)
    {
      g_prefix_error (&error, "standard input: ");
      call_finish (self, error);
    }
  else if (g_bytes_get_size (bytes) > MAX_VALUE_BYTES - self->value->len)
    {
      call_finish (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "standard input: more than 512 MiB"));
    }
  else if (g_bytes_get_size (bytes) > 0)
    {
      g_byte_array_append (self->value, g_bytes_get_data (bytes, NULL), (guint) g_bytes_get_size (bytes));
      g_input_stream_read_bytes_async (stream, READ_BYTES, G_PRIORITY_DEFAULT, NULL, value_read_cb, self);
    }
  else
    {
      g_autoptr (GBytes) value = g_byte_array_free_to_bytes (g_steal_pointer (&self->value));

      tornadis_command_append_bytes (self->command, value);
      call_send (self);
    }
}

static void
call_start (Call *self)
{
  char **arguments = self->options.arguments;
  guint n = g_strv_length (arguments);
  gboolean has_dash = n > 1 && !self->no_stdin && !self->last_from_stdin && strcmp (arguments[n - 1], "-") == 0;

  self->n_left = self->options.repeat;
  if (!has_dash && !self->last_from_stdin)
    {
      call_send (self);
    }
  else
    {
      g_autoptr (GInputStream) stream = g_unix_input_stream_new (STDIN_FILENO, FALSE);

      g_clear_pointer (&self->command, tornadis_command_unref);
      self->command = tornadis_command_new (arguments[0]);
      for (guint i = 1; i < n - has_dash; i++)
        tornadis_command_append_string (self->command, arguments[i]);
      self->value = g_byte_array_new ();
      g_input_stream_read_bytes_async (stream, READ_BYTES, G_PRIORITY_DEFAULT, NULL, value_read_cb, self);
    }
}

static gboolean
call_check (Call *self)
{
  const char *const *arguments = (const char *const *) self->options.arguments;
  g_autoptr (GError) error = NULL;

  if (arguments == NULL)
    {
      tool_print_usage_error ("Which command?");
      return FALSE;
    }

  self->command = tornadis_command_new_strv (arguments);
  if (!tool_command_check (self->command, &error))
    tool_print_error ("%s", error->message);
  else if (self->quoted && (self->options.json || self->options.csv || self->options.raw))
    tool_print_usage_error ("One of --json, --csv, --raw and --quoted");
  else if (self->last_from_stdin && self->no_stdin)
    tool_print_usage_error ("Either -x or --no-stdin");
  else
    return TRUE;

  return FALSE;
}

static void
call_clear (Call *self)
{
  tool_output_set_drained_func (NULL, NULL);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->client);
  g_clear_pointer (&self->command, tornadis_command_unref);
  g_clear_pointer (&self->value, g_byte_array_unref);
  tool_options_clear (&self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Call, call_clear)

int
tool_call (char **argv)
{
  g_auto (Call) self = { 0 };
  const GOptionEntry entries[] = {
    { "quoted", 0, 0, G_OPTION_ARG_NONE, &self.quoted, "Print quoted strings and numbered lists, as on a terminal", NULL },
    { "no-newline", 0, 0, G_OPTION_ARG_NONE, &self.no_newline, "Print no newline after the reply", NULL },
    { "stdin", 'x', 0, G_OPTION_ARG_NONE, &self.last_from_stdin, "Read one more argument from standard input", NULL },
    { "no-stdin", 0, 0, G_OPTION_ARG_NONE, &self.no_stdin, "Take a last argument - for what it is", NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (!tool_options_parse (&self.options, argv, TOOL_PARSE_BEFORE | TOOL_PARSE_RAW | TOOL_PARSE_REPEAT,
                           "COMMAND [ARGUMENT…]",
                           "Calls one command and prints its reply. Options stand before the command.\n"
                           "A last argument - is read from standard input, as it is.",
                           entries) ||
      !call_check (&self))
    return TOOL_USAGE;

  self.client = tool_options_make_client (&self.options, TORNADIS_TYPE_CLIENT);
  if (self.client == NULL)
    return TOOL_USAGE;

  tool_connecting_watch (self.client);
  tool_output_set_drained_func (drained_cb, &self);
  call_start (&self);
  while (!self.done)
    g_main_context_iteration (NULL, TRUE);

  return (int) self.status;
}
