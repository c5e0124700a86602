/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The line that is edited, where there is no library for it: the terminal's own editing, which knows no completion, no
 * hints and no history. */

#include "prompt.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const PromptLineFuncs *funcs;
static gpointer funcs_data;
static guint input_source;
static gboolean active;
static char *shown;    /* (owned) (nullable): the prompt */
static GString *input; /* (owned): what is read, without an end */

static void
write_text (const char *text,
            gsize length)
{
  fwrite (text, 1, length, stdout);
  fflush (stdout);
}

static void
finish_line (const char *line)
{
  active = FALSE;
  g_clear_handle_id (&input_source, g_source_remove);
  if (line == NULL)
    write_text ("\n", 1);
  funcs->accepted (line, funcs_data);
}

static gboolean
take_line (void)
{
  const char *end = memchr (input->str, '\n', input->len);
  g_autofree char *line = NULL;

  if (end == NULL)
    return FALSE;

  line = g_strndup (input->str, (gsize) (end - input->str));
  g_string_erase (input, 0, end - input->str + 1);
  finish_line (line);
  return TRUE;
}

static gboolean
input_cb (int fd,
          GIOCondition condition,
          gpointer user_data)
{
  char buffer[4096];
  ssize_t n = read (fd, buffer, sizeof buffer);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;

  if (n <= 0)
    {
      input_source = 0;
      finish_line (NULL);
      return G_SOURCE_REMOVE;
    }

  g_string_append_len (input, buffer, n);
  return take_line () ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

/* There may be lines that were read with another one. */
static gboolean
begin_cb (gpointer user_data)
{
  if (!take_line ())
    input_source = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, input_cb, NULL);

  return G_SOURCE_REMOVE;
}

void
prompt_line_init (const PromptLineFuncs *line_funcs,
                  gpointer user_data)
{
  funcs = line_funcs;
  funcs_data = user_data;
  input = g_string_new (NULL);
}

void
prompt_line_begin (const char *prompt)
{
  g_return_if_fail (!active);

  active = TRUE;
  g_free (shown);
  shown = g_strdup (prompt);
  write_text (shown, strlen (shown));
  input_source = g_idle_add (begin_cb, NULL);
}

void
prompt_line_set_prompt (const char *prompt)
{
  if (!active || strcmp (shown, prompt) == 0)
    return;

  g_free (shown);
  shown = g_strdup (prompt);
  prompt_line_print ("", 0);
}

/* What is typed already is not shown again, and is still there. */
void
prompt_line_print (const char *text,
                   gsize length)
{
  if (active)
    write_text ("\r\033[K", strlen ("\r\033[K"));
  write_text (text, length);
  if (active)
    write_text (shown, strlen (shown));
}

void
prompt_line_refresh (void)
{
}

gboolean
prompt_line_interrupt (void)
{
  if (!active)
    return TRUE;

  g_clear_handle_id (&input_source, g_source_remove);
  g_string_truncate (input, 0);
  active = FALSE;
  write_text ("\n", 1);

  return TRUE;
}

void
prompt_line_add_history (const char *line)
{
}

void
prompt_line_clear_screen (void)
{
  write_text ("\033[H\033[2J", strlen ("\033[H\033[2J"));
}

void
prompt_line_finish (void)
{
  prompt_line_interrupt ();
}
