/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the prompt shows: replies, which may be large and are written from the main loop, so that they can be stopped, and
 * lines that are said meanwhile. No control character that a server sends reaches the terminal. */

#include "prompt.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

/* A terminal that can be written to takes this much without waiting for long. */
#define PIECE_BYTES 1024
#define SLOW_SEC 0.5

static gboolean coloured;
static ToolFormat reply_format; /* TOOL_FORMAT_LINE: as on every terminal */
static GString *reply_text;     /* (owned) (nullable): being written */
static gsize reply_done;        /* bytes of it that are */
static guint reply_source;
static GString *said; /* (owned) (nullable): to be written behind it */
static GSourceOnceFunc done_func;
static gpointer done_data;

void
prompt_print_init (void)
{
  const char *no_color = g_getenv ("NO_COLOR");

  coloured = (no_color == NULL || *no_color == '\0') && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
}

void
prompt_print_set_format (ToolFormat format)
{
  reply_format = format;
}

gboolean
prompt_print_is_busy (void)
{
  return reply_text != NULL;
}

void
prompt_print_append (GString *string,
                     PromptStyle style,
                     const char *data,
                     gsize length)
{
  static const char *const begin[] = {
    [PROMPT_STYLE_PLAIN] = "",
    [PROMPT_STYLE_ERROR] = "\033[31m",
    [PROMPT_STYLE_NOTICE] = "\033[33m",
    [PROMPT_STYLE_CHANNEL] = "\033[36m",
  };
  gboolean styled = coloured && style != PROMPT_STYLE_PLAIN;

  if (styled)
    g_string_append (string, begin[style]);
  tool_line_append_shown (string, data, length, FALSE);
  if (styled)
    g_string_append (string, "\033[0m");
}

/* Prints lines, above the one that is edited, or behind the reply that is being written. */
void
prompt_print_text (const char *text)
{
  if (reply_text == NULL)
    {
      prompt_line_print (text, strlen (text));
      return;
    }

  if (said == NULL)
    said = g_string_new (NULL);
  g_string_append (said, text);
}

void
prompt_print_line (PromptStyle style,
                   const char *format,
                   ...)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autofree char *text = NULL;
  g_autofree char *localized = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);

  localized = tool_text_localize (text);
  prompt_print_append (line, style, localized, strlen (localized));
  g_string_append_c (line, '\n');
  prompt_print_text (line->str);
}

/* Prints why there is no reply, in the form that replies have. */
void
prompt_print_error (const GError *error)
{
  if (reply_format == TOOL_FORMAT_JSON || reply_format == TOOL_FORMAT_CSV)
    {
      g_autoptr (GString) line = g_string_new (NULL);

      tool_error_append (line, error->message, strlen (error->message), reply_format);
      g_string_append_c (line, '\n');
      prompt_print_text (line->str);
    }
  else
    {
      gboolean is_reply = g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);

      prompt_print_line (PROMPT_STYLE_ERROR, "%s%s", is_reply ? "(error) " : "", error->message);
    }
}

/* Prints how long a call took that was slow, unless programs may read what is printed. */
void
prompt_print_duration (double seconds)
{
  if (seconds >= SLOW_SEC && reply_format == TOOL_FORMAT_LINE)
    prompt_print_line (PROMPT_STYLE_PLAIN, "(%.2fs)", seconds);
}

/* Whether an element of a list, behind its numbers, is an error. */
static gboolean
line_is_error (const char *line,
               gsize length)
{
  const char *end = line + length;

  for (;;)
    {
      const char *p = line;

      while (p < end && *p == ' ')
        p++;
      while (p < end && g_ascii_isdigit (*p))
        p++;
      if (end - p < 2 || strchr (")~#", *p) == NULL || p[1] != ' ')
        break;
      line = p + 2;
    }

  return (gsize) (end - line) >= strlen ("(error) ") && strncmp (line, "(error) ", strlen ("(error) ")) == 0;
}

static void
append_reply (GString *string,
              TornadisReply *reply)
{
  g_autofree char *text = NULL;

  if (reply_format != TOOL_FORMAT_LINE)
    {
      g_autoptr (GString) bytes = g_string_new (NULL);

      tool_reply_append (bytes, reply, reply_format);
      tool_line_append_shown (string, bytes->str, bytes->len, reply_format == TOOL_FORMAT_JSON);
      return;
    }

  text = tornadis_reply_to_string (reply);
  for (const char *line = text; *line != '\0';)
    {
      gsize length = strcspn (line, "\n");
      /* INFO and its like have the network's ends of lines. */
      gsize shown = length > 0 && line[length - 1] == '\r' ? length - 1 : length;
      gboolean is_error = tornadis_reply_is_error (reply) || line_is_error (line, length);

      prompt_print_append (string, is_error ? PROMPT_STYLE_ERROR : PROMPT_STYLE_PLAIN, line, shown);
      g_string_append_c (string, '\n');
      line += length;
      if (*line == '\n')
        line++;
    }
  if (*text == '\0')
    g_string_append_c (string, '\n');
}

static void
finish (void)
{
  g_autoptr (GString) text = g_steal_pointer (&said);

  g_clear_handle_id (&reply_source, g_source_remove);
  g_string_free (g_steal_pointer (&reply_text), TRUE);
  if (text != NULL)
    prompt_line_print (text->str, text->len);
  done_func (done_data);
}

static gboolean
writable_cb (int fd,
             GIOCondition condition,
             gpointer user_data)
{
  ssize_t n = write (fd, reply_text->str + reply_done, MIN (reply_text->len - reply_done, PIECE_BYTES));

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;
  if (n > 0)
    reply_done += (gsize) n;
  if (n > 0 && reply_done < reply_text->len)
    return G_SOURCE_CONTINUE;

  reply_source = 0;
  finish ();
  return G_SOURCE_REMOVE;
}

/* Prints a reply while no line is edited. @done is called when it is written, at the earliest in the next iteration. */
void
prompt_print_reply (TornadisReply *reply,
                    GSourceOnceFunc done,
                    gpointer user_data)
{
  g_return_if_fail (reply_text == NULL);

  reply_text = g_string_new (NULL);
  reply_done = 0;
  done_func = done;
  done_data = user_data;
  append_reply (reply_text, reply);
  reply_source = g_unix_fd_add (STDOUT_FILENO, G_IO_OUT, writable_cb, NULL);
}

/* Leaves out what is not written yet. */
void
prompt_print_stop (void)
{
  if (reply_text == NULL)
    return;

  prompt_line_print ("\n", 1);
  prompt_print_line (PROMPT_STYLE_NOTICE, "Cancelled");
  finish ();
}
