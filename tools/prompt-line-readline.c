/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The line that is edited, by GNU Readline. Its callback interface reads when the main loop says that there is something;
 * between two keys all else goes on. What is said meanwhile is written above the line. While a command runs the terminal
 * is as it was. */

#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#define HISTORY_LINES 1000

static const PromptLineFuncs *funcs;
static gpointer funcs_data;
static guint input_source;
static gboolean active;  /* a line is edited */
static gboolean reading; /* within Readline: what comes now waits */
static gboolean hinting; /* the terminal can show hints */
static gboolean hinted;  /* a hint stands behind the cursor */
static GString *waiting; /* (owned) (nullable): to be printed above the line */
static char *new_prompt; /* (owned) (nullable): likewise */
static gboolean break_seen;
static gboolean ended;         /* a line was accepted, or the end of input */
static char *accepted;         /* (owned) (nullable): by free() */
static gsize completion_start; /* of the word that is completed */
static int stop_pipe[2] = { -1, -1 };

/* Columns that text takes, or -1 if that is not so easy. */
static int
measure (const char *text)
{
  int width = 0;

  if (!g_utf8_validate (text, -1, NULL))
    return -1;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_iscntrl (c))
        return -1;
      if (!g_unichar_iszerowidth (c))
        width += g_unichar_iswide (c) ? 2 : 1;
    }

  return width;
}

/* The cursor stands where the line ends, and the hint begins. */
static void
erase_hint (void)
{
  if (hinted)
    fputs ("\033[K", rl_outstream);
  hinted = FALSE;
}

static void
show_hint (void)
{
  int width = measure (rl_prompt), line = measure (rl_line_buffer), rows, columns, room;
  g_autofree char *hint = NULL;
  g_autofree char *shown = NULL;

  /* Not while something is looked for in the history. */
  if (!hinting || rl_done || rl_end == 0 || rl_point != rl_end || rl_display_prompt != rl_prompt || width < 0 || line < 0)
    return;

  rl_get_screen_size (&rows, &columns);
  room = columns > 0 ? columns - 1 - (width + line) % columns : 0;
  hint = room > 0 && room < columns - 1 ? prompt_hint (rl_line_buffer) : NULL;
  width = hint != NULL ? measure (hint) : -1;
  if (width <= 0 || strlen (hint) != (gsize) width)
    return;

  shown = g_strndup (hint, (gsize) MIN (width, room));
  fprintf (rl_outstream, "\033[2m%s\033[0m\033[%dD", shown, MIN (width, room));
  fflush (rl_outstream);
  hinted = TRUE;
}

/* Draws the prompt and the line, which have been erased, or are at another place now. */
static void
draw_line (void)
{
  rl_forced_update_display ();
  show_hint ();
}

static void
write_text (const char *text,
            gsize length)
{
  fwrite (text, 1, length, rl_outstream);
  fflush (rl_outstream);
}

/* Does what had to wait for Readline. */
static void
catch_up (void)
{
  g_autoptr (GString) text = g_steal_pointer (&waiting);
  g_autofree char *prompt = g_steal_pointer (&new_prompt);

  if (prompt != NULL)
    prompt_line_set_prompt (prompt);
  if (text != NULL)
    prompt_line_print (text->str, text->len);
}

static void
handle_line (char *line)
{
  /* Freed by free(). */
  accepted = line;
  ended = TRUE;
  rl_callback_handler_remove ();
}

static void
finish_line (void)
{
  char *line = g_steal_pointer (&accepted);

  ended = FALSE;
  active = FALSE;
  g_clear_handle_id (&input_source, g_source_remove);
  /* At the end of input some versions end the line themselves, when they no longer take what is pasted. */
  if (line == NULL && (!rl_eof_found || g_strcmp0 (rl_variable_value ("enable-bracketed-paste"), "on") != 0))
    write_text ("\n", 1);
  catch_up ();
  funcs->accepted (line, funcs_data);
  free (line);
}

static gboolean
input_cb (int fd,
          GIOCondition condition,
          gpointer user_data)
{
  if ((condition & G_IO_IN) == 0)
    {
      rl_callback_handler_remove ();
      finish_line ();
      return G_SOURCE_REMOVE;
    }

  erase_hint ();
  reading = TRUE;
  rl_callback_read_char ();
  reading = FALSE;

  if (ended)
    {
      finish_line ();
      return G_SOURCE_REMOVE;
    }

  /* Only here, as Readline may have taken several keys at once. */
  show_hint ();
  catch_up ();
  if (break_seen)
    funcs->interrupted (funcs_data);

  return input_source != 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* Shows candidates, without the line that stands before them. */
static void
display_matches (char **matches,
                 int n,
                 int max_length)
{
  g_autofree char **words = g_new0 (char *, (gsize) n + 2);

  for (int i = 0; i <= n; i++)
    words[i] = matches[i] + MIN (completion_start, strlen (matches[i]));

  rl_display_match_list (words, n, max_length - (int) completion_start);
  rl_forced_update_display ();
}

/* Readline takes the whole line for the word: what a word is, we know. */
static char **
complete (const char *text,
          int start,
          int end)
{
  g_autofree char *line = g_strndup (rl_line_buffer, (gsize) end);
  g_auto (GStrv) candidates = prompt_complete (line, &completion_start);
  guint n = candidates != NULL ? g_strv_length (candidates) : 0;
  char **matches;

  rl_attempted_completion_over = 1;
  if (n == 0)
    return NULL;

  rl_completion_append_character = n == 1 ? ' ' : '\0';
  rl_completion_suppress_append = n != 1;
  line[completion_start] = '\0';
  /* GLib's memory is that of malloc(): Readline may free it. */
  matches = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    matches[i] = g_strconcat (line, candidates[i], NULL);

  return matches;
}

static gboolean
resized_cb (gpointer user_data)
{
  if (active && !reading)
    {
      erase_hint ();
      rl_resize_terminal ();
      show_hint ();
    }
  else
    {
      rl_reset_screen_size ();
    }

  return G_SOURCE_CONTINUE;
}

static void
stop_handler (int number)
{
  int error_number = errno;

  /* When the pipe is full that is enough. */
  if (write (stop_pipe[1], "", 1) != 1)
    errno = error_number;
}

/* Stops as Ctrl+Z says, with the terminal as it was, and goes on where it was. */
static gboolean
stop_cb (int fd,
         GIOCondition condition,
         gpointer user_data)
{
  struct sigaction by_default = { .sa_handler = SIG_DFL }, before;
  char c;

  if (read (fd, &c, 1) != 1)
    return G_SOURCE_CONTINUE;

  if (active)
    {
      erase_hint ();
      rl_deprep_terminal ();
    }
  sigaction (SIGTSTP, &by_default, &before);
  kill (getpid (), SIGTSTP);
  sigaction (SIGTSTP, &before, NULL);
  rl_reset_screen_size ();
  if (active)
    {
      rl_prep_terminal (1);
      draw_line ();
    }

  return G_SOURCE_CONTINUE;
}

static void
catch_stop (void)
{
  struct sigaction action = { .sa_handler = stop_handler, .sa_flags = SA_RESTART };
  struct sigaction before;

  /* A shell without job control has it ignored. */
  if (sigaction (SIGTSTP, NULL, &before) != 0 || before.sa_handler == SIG_IGN ||
      !g_unix_open_pipe (stop_pipe, FD_CLOEXEC, NULL))
    return;

  g_unix_set_fd_nonblocking (stop_pipe[1], TRUE, NULL);
  g_unix_fd_add (stop_pipe[0], G_IO_IN, stop_cb, NULL);
  sigemptyset (&action.sa_mask);
  sigaction (SIGTSTP, &action, NULL);
}

void
prompt_line_init (const PromptLineFuncs *line_funcs,
                  gpointer user_data)
{
  funcs = line_funcs;
  funcs_data = user_data;

  rl_readline_name = "tornadis";
  /* GLib has the handlers, and threads of GIO read the environment. */
  rl_catch_signals = 0;
  rl_catch_sigwinch = 0;
  rl_change_environment = 0;
  rl_initialize ();
  /* It waits for an answer in the middle of everything. */
  rl_variable_bind ("page-completions", "off");

  rl_attempted_completion_function = complete;
  rl_completion_display_matches_hook = display_matches;
  rl_completer_word_break_characters = (char *) "";
  rl_completer_quote_characters = "";
  rl_basic_quote_characters = "";
  stifle_history (HISTORY_LINES);

  hinting = g_strcmp0 (g_getenv ("TERM"), "dumb") != 0 && g_getenv ("TERM") != NULL &&
            g_strcmp0 (rl_variable_value ("horizontal-scroll-mode"), "on") != 0 &&
            g_strcmp0 (rl_variable_value ("show-mode-in-prompt"), "on") != 0;

  g_unix_signal_add (SIGWINCH, resized_cb, NULL);
  catch_stop ();
}

/* Lets a line be edited, which is empty at first. */
void
prompt_line_begin (const char *prompt)
{
  g_return_if_fail (!active);

  break_seen = FALSE;
  hinted = FALSE;
  active = TRUE;
  input_source = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, input_cb, NULL);
  rl_callback_handler_install (prompt, handle_line);
}

void
prompt_line_set_prompt (const char *prompt)
{
  if (!active || g_strcmp0 (rl_prompt, prompt) == 0)
    return;

  if (reading)
    {
      g_free (new_prompt);
      new_prompt = g_strdup (prompt);
      return;
    }

  erase_hint ();
  rl_clear_visible_line ();
  rl_set_prompt (prompt);
  draw_line ();
}

/* Writes lines, above the one that is edited if there is one. */
void
prompt_line_print (const char *text,
                   gsize length)
{
  if (reading)
    {
      if (waiting == NULL)
        waiting = g_string_new (NULL);
      g_string_append_len (waiting, text, (gssize) length);
    }
  else if (!active)
    {
      write_text (text, length);
    }
  else
    {
      erase_hint ();
      rl_clear_visible_line ();
      write_text (text, length);
      draw_line ();
    }
}

/* There may be another hint for the line. */
void
prompt_line_refresh (void)
{
  if (!active || reading)
    return;

  erase_hint ();
  show_hint ();
}

/* Ends the editing of a line, which stays on the terminal with a mark. Returns FALSE while it goes on: it is told when it
 * can be ended. */
gboolean
prompt_line_interrupt (void)
{
  if (reading)
    {
      break_seen = TRUE;
      prompt_complete_interrupt ();
      return FALSE;
    }
  if (!active)
    return TRUE;

  g_clear_handle_id (&input_source, g_source_remove);
  erase_hint ();
  rl_point = rl_end;
  rl_redisplay ();
  write_text ("^C\n", strlen ("^C\n"));
  rl_free_line_state ();
  rl_callback_sigcleanup ();
  rl_callback_handler_remove ();
  active = FALSE;

  return TRUE;
}

void
prompt_line_add_history (const char *line)
{
  add_history (line);
}

void
prompt_line_clear_screen (void)
{
  write_text ("\033[H\033[2J", strlen ("\033[H\033[2J"));
}

/* Leaves the terminal as it was. */
void
prompt_line_finish (void)
{
  if (active)
    {
      g_clear_handle_id (&input_source, g_source_remove);
      erase_hint ();
      rl_callback_handler_remove ();
      active = FALSE;
      write_text ("\n", 1);
    }
}
