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
  gboolean raw;
  gboolean quoted;
  gboolean no_newline;
  gboolean no_stdin;
  ToolStatus status;
  gboolean done;
} Call;

static void
call_finish (Call *self,
             GError *error)
{
  if (error != NULL)
    {
      tool_print_error ("%s", error->message);
      self->status = g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE) ? TOOL_USAGE : TOOL_FAILED;
      g_error_free (error);
    }
  self->done = TRUE;
}

static void
call_print (Call *self,
            TornadisReply *reply)
{
  GString *output = tool_output_begin ();

  if (self->options.json)
    {
      tool_reply_append (output, reply, TOOL_FORMAT_JSON);
    }
  else if (self->quoted || (!self->raw && isatty (STDOUT_FILENO)))
    {
      g_autofree char *text = tornadis_reply_to_string (reply);

      g_string_append_printf (output, "%s\n", text);
    }
  else
    {
      tool_reply_append (output, reply, TOOL_FORMAT_RAW);
    }

  if (self->no_newline && output->len > 0)
    g_string_truncate (output, output->len - 1);
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Call *self = user_data;
  GError *error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (self->client, result, &error);

  if (reply != NULL)
    call_print (self, reply);
  call_finish (self, error);
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
      tornadis_client_call_async (self->client, self->command, NULL, called_cb, self);
    }
}

static void
call_start (Call *self)
{
  char **arguments = self->options.arguments;
  guint n = g_strv_length (arguments);

  if (n < 2 || self->no_stdin || strcmp (arguments[n - 1], "-") != 0)
    {
      self->command = tornadis_command_new_strv ((const char *const *) arguments);
      tornadis_client_call_async (self->client, self->command, NULL, called_cb, self);
    }
  else
    {
      g_autoptr (GInputStream) stream = g_unix_input_stream_new (STDIN_FILENO, FALSE);

      self->command = tornadis_command_new (arguments[0]);
      for (guint i = 1; i < n - 1; i++)
        tornadis_command_append_string (self->command, arguments[i]);
      self->value = g_byte_array_new ();
      g_input_stream_read_bytes_async (stream, READ_BYTES, G_PRIORITY_DEFAULT, NULL, value_read_cb, self);
    }
}

static void
call_clear (Call *self)
{
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
    { "raw", 0, 0, G_OPTION_ARG_NONE, &self.raw, "Print strings as they are, on a terminal too", NULL },
    { "quoted", 0, 0, G_OPTION_ARG_NONE, &self.quoted, "Print quoted strings and numbered lists, as on a terminal", NULL },
    { "no-newline", 'n', 0, G_OPTION_ARG_NONE, &self.no_newline, "Print no newline after the reply", NULL },
    { "no-stdin", 0, 0, G_OPTION_ARG_NONE, &self.no_stdin, "Take a last argument - for what it is", NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (!tool_options_parse (&self.options, argv, TOOL_PARSE_BEFORE, "COMMAND [ARGUMENT…]",
                           "Calls one command and prints its reply. Options stand before the command.\n"
                           "A last argument - is read from standard input, as it is.",
                           entries))
    return TOOL_USAGE;
  if (self.options.arguments == NULL)
    {
      tool_print_error ("Which command?");
      return TOOL_USAGE;
    }

  self.client = tool_options_make_client (&self.options, TORNADIS_TYPE_CLIENT);
  if (self.client == NULL)
    return TOOL_USAGE;

  call_start (&self);
  while (!self.done)
    g_main_context_iteration (NULL, TRUE);

  return (int) self.status;
}
