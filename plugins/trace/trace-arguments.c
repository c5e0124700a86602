/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "trace/trace-arguments.h"

#include <string.h>

#include "common/commands.h"

#define MASK "***"
#define CUT "…"

G_DEFINE_ENUM_TYPE (TornadisTraceArguments,
                    tornadis_trace_arguments,
                    G_DEFINE_ENUM_VALUE (TRACE_ARGUMENTS_NONE, "none"),
                    G_DEFINE_ENUM_VALUE (TRACE_ARGUMENTS_FIRST, "first"),
                    G_DEFINE_ENUM_VALUE (TRACE_ARGUMENTS_ALL, "all"))

/* Commands that carry passwords, and for some of them the first argument that makes them such. */
static const struct
{
  const char *name;
  const char *subcommand; /* (nullable) */
} secrets[] = {
  { "AUTH", NULL },
  { "HELLO", NULL },
  { "MIGRATE", NULL },
  { "ACL", "SETUSER" },
  { "CONFIG", "SET" },
  { "MODULE", "LOAD" },
  { "MODULE", "LOADEX" },
  { "SENTINEL", "SET" },
  { "SENTINEL", "CONFIG" },
};

static gboolean
is_secret (TornadisCommand *command)
{
  for (gsize i = 0; i < G_N_ELEMENTS (secrets); i++)
    {
      if (command_is (command, secrets[i].name) &&
          (secrets[i].subcommand == NULL || command_argument_is (command, 1, secrets[i].subcommand)))
        return TRUE;
    }

  return FALSE;
}

/* Whether data is seen as one word without quotes. */
static gboolean
is_plain (const char *data,
          gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      if (data[i] == '"' || data[i] == '\\' || data[i] == ';' || (guint8) data[i] <= ' ' || data[i] == 0x7f)
        return FALSE;
    }

  return length > 0 && g_utf8_validate_len (data, length, NULL);
}

/* Appends one character, or one byte that is not part of any. Returns how many bytes it took. */
static gsize
append_character (GString *text,
                  const char *data,
                  gsize length)
{
  gunichar c = g_utf8_get_char_validated (data, (gssize) length);
  gboolean valid = c != (gunichar) -1 && c != (gunichar) -2;

  if (valid && g_unichar_isprint (c))
    {
      if (c == '"' || c == '\\')
        g_string_append_c (text, '\\');
      g_string_append_unichar (text, c);
      return (gsize) (g_utf8_next_char (data) - data);
    }

  g_string_append_printf (text, "\\x%02x", (guint8) *data);
  return 1;
}

/* Appends an argument; no more of a long one is read than is shown. */
static void
append_word (GString *text,
             const char *data,
             gsize length,
             gsize max_length)
{
  gsize most = MIN (length, max_length * 4);
  gboolean plain = is_plain (data, most);

  if (!plain)
    g_string_append_c (text, '"');
  for (gsize i = 0; i < most;)
    i += append_character (text, data + i, length - i);
  if (!plain)
    g_string_append_c (text, '"');
}

static gboolean
is_full (const GString *text,
         gsize max_length)
{
  return text->len > max_length && (gsize) g_utf8_strlen (text->str, (gssize) text->len) > max_length;
}

static void
append_arguments (GString *text,
                  TornadisCommand *command,
                  TornadisTraceArguments shown,
                  gsize max_length)
{
  gsize n = tornadis_command_get_n_args (command);
  gsize last = shown == TRACE_ARGUMENTS_ALL ? n : MIN (n, 2);

  if (n > 1 && is_secret (command))
    {
      g_string_append (text, MASK);
      return;
    }

  for (gsize i = 1; i < last && !is_full (text, max_length); i++)
    {
      gsize length;
      const char *data = (const char *) tornadis_command_get_arg_data (command, i, &length);

      if (i > 1)
        g_string_append_c (text, ' ');
      append_word (text, data, length, max_length);
    }
}

static char *
cut (GString *text,
     gsize max_length)
{
  if (is_full (text, max_length))
    {
      g_string_truncate (text, (gsize) (g_utf8_offset_to_pointer (text->str, (glong) max_length) - text->str));
      g_string_append (text, CUT);
    }

  return g_string_free (text, FALSE);
}

char *
trace_arguments_describe (TornadisCommand *command,
                          TornadisTraceArguments shown,
                          gsize max_length)
{
  GString *text = g_string_new (NULL);

  append_arguments (text, command, shown, max_length);

  return cut (text, max_length);
}

char *
trace_arguments_describe_all (TornadisPipeline *pipeline,
                              TornadisTraceArguments shown,
                              gsize max_length)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < tornadis_pipeline_get_number_of_stacked_calls (pipeline) && !is_full (text, max_length); i++)
    {
      TornadisCommand *command = tornadis_pipeline_get_command (pipeline, i);

      if (i > 0)
        g_string_append (text, "; ");
      g_string_append (text, tornadis_command_get_name (command));
      if (tornadis_command_get_n_args (command) > 1)
        g_string_append_c (text, ' ');
      append_arguments (text, command, shown, max_length);
    }

  return cut (text, max_length);
}
