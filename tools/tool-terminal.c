/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Standard output is written from the main loop and never waited for before the end, so that a slow reader does not
 * hold up connections and signals; who adds to it stops when it is full. Standard error has messages, and on a terminal a
 * line of progress. */

#include "tool.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How much may wait to be written before more is held back. */
#define FULL_BYTES (1024 * 1024)
/* A pipe that can be written to takes this much without waiting: PIPE_BUF. */
#define PIECE_BYTES 4096
#define PIECES_PER_TURN 64

#define PROGRESS_MSEC 250
#define BAR_WIDTH 30

static GString *output;     /* (owned) (nullable) */
static gsize output_done;   /* bytes of @output that are written */
static guint output_source; /* 0: nothing is to be written */
static GSourceOnceFunc drained_func;
static gpointer drained_data;

static char *(*progress_func) (gpointer user_data);
static gpointer progress_data;
static guint progress_source;
static gboolean progress_shown;

/* Other programs are terminated by SIGPIPE when nobody reads any more, which GIO ignores. */
static G_NORETURN void
output_failed (int error_number)
{
  if (error_number == EPIPE)
    {
      tool_progress_stop ();
      signal (SIGPIPE, SIG_DFL);
      raise (SIGPIPE);
    }

  tool_print_error ("standard output: %s", g_strerror (error_number));
  exit (TOOL_FAILED);
}

static void
progress_erase (void)
{
  if (progress_shown)
    g_printerr ("\r\033[K");
  progress_shown = FALSE;
}

/* Returns FALSE when standard output takes nothing now. */
static gboolean
output_write_piece (void)
{
  ssize_t n;

  /* It may be on the same terminal. */
  progress_erase ();
  n = write (STDOUT_FILENO, output->str + output_done, MIN (output->len - output_done, PIECE_BYTES));
  if (n < 0 && errno != EINTR && errno != EAGAIN)
    output_failed (errno);
  if (n <= 0)
    return FALSE;

  output_done += (gsize) n;
  if (output_done == output->len)
    {
      g_string_truncate (output, 0);
      output_done = 0;
    }
  return TRUE;
}

static gboolean
output_is_writable (int timeout_msec)
{
  struct pollfd fd = { STDOUT_FILENO, POLLOUT, 0 };

  return poll (&fd, 1, timeout_msec) > 0;
}

static gboolean
output_cb (int fd,
           GIOCondition condition,
           gpointer user_data)
{
  gboolean was_full = tool_output_is_full ();

  for (guint i = 0; i < PIECES_PER_TURN && output->len > 0; i++)
    if (!output_write_piece () || !output_is_writable (0))
      break;

  if (was_full && !tool_output_is_full () && drained_func != NULL)
    drained_func (drained_data);
  if (output->len > 0)
    return G_SOURCE_CONTINUE;

  output_source = 0;
  return G_SOURCE_REMOVE;
}

/* Gets what is to be written, to append to; tool_output_commit() follows. */
GString *
tool_output_begin (void)
{
  if (output == NULL)
    output = g_string_new (NULL);

  /* What is written is removed when it has become the larger part. */
  if (output_done > FULL_BYTES && output_done > output->len / 2)
    {
      g_string_erase (output, 0, (gssize) output_done);
      output_done = 0;
    }

  return output;
}

void
tool_output_commit (void)
{
  if (output_source == 0 && output->len > 0)
    output_source = g_unix_fd_add (STDOUT_FILENO, G_IO_OUT, output_cb, NULL);
}

gboolean
tool_output_is_full (void)
{
  return output != NULL && output->len - output_done >= FULL_BYTES;
}

/* @func is called whenever output is full no more. */
void
tool_output_set_drained_func (GSourceOnceFunc func,
                              gpointer user_data)
{
  drained_func = func;
  drained_data = user_data;
}

static gboolean
reader_gone_cb (int fd,
                GIOCondition condition,
                gpointer user_data)
{
  output_failed (EPIPE);
}

/* Terminates the program when nobody can read its output any more, even if there is none for a long time. */
void
tool_output_watch (void)
{
  g_unix_fd_add (STDOUT_FILENO, G_IO_ERR, reader_gone_cb, NULL);
}

/* Waits until output is full no more, for those who cannot have less of it. */
void
tool_output_drain (void)
{
  while (tool_output_is_full ())
    if (!output_write_piece ())
      output_is_writable (-1);
}

/* Writes what is left, waiting for it. */
void
tool_output_finish (void)
{
  tool_progress_stop ();
  drained_func = NULL;
  g_clear_handle_id (&output_source, g_source_remove);

  while (output != NULL && output->len > 0)
    if (!output_write_piece ())
      output_is_writable (-1);

  if (output != NULL)
    g_string_free (output, TRUE);
  output = NULL;
}

void
tool_print_error (const char *format,
                  ...)
{
  g_autoptr (GString) shown = g_string_new (NULL);
  g_autofree char *text = NULL;
  g_autofree char *localized = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);

  /* A server has chosen the words of some. */
  tool_line_append_shown (shown, text, strlen (text), FALSE);
  localized = tool_text_localize (shown->str);
  progress_erase ();
  g_printerr ("tornadis: %s\n", localized);
}

static gboolean
progress_cb (gpointer user_data)
{
  g_autofree char *text = progress_func (progress_data);

  progress_erase ();
  g_printerr ("%s", text);
  progress_shown = TRUE;

  return G_SOURCE_CONTINUE;
}

/* Shows the text that @func returns again and again, if standard error is a terminal. */
void
tool_progress_start (char *(*func) (gpointer user_data),
                     gpointer user_data)
{
  if (!isatty (STDERR_FILENO))
    return;

  progress_func = func;
  progress_data = user_data;
  progress_source = g_timeout_add (PROGRESS_MSEC, progress_cb, NULL);
}

/* A bar that is as full as @share, which is from 0 to 1, of all that is to be done. */
char *
tool_progress_draw_bar (double share)
{
  char bar[BAR_WIDTH + 1];
  guint n = (guint) (CLAMP (share, 0, 1) * BAR_WIDTH);

  memset (bar, '#', n);
  memset (bar + n, '.', BAR_WIDTH - n);
  bar[BAR_WIDTH] = '\0';

  return g_strdup_printf ("[%s] %3u%%", bar, (guint) (CLAMP (share, 0, 1) * 100));
}

void
tool_progress_stop (void)
{
  g_clear_handle_id (&progress_source, g_source_remove);
  progress_erase ();
}
