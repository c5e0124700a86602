/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis alone on a terminal: a prompt. There is always one of three: a line is edited, a command runs, its reply is
 * written; Ctrl+C ends each of them. Connections, messages and what they say go on meanwhile. */

#include "prompt-session.h"

#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  PromptSession *session;    /* (owned) */
  GQueue lines;              /* (element-type utf8) (owned): to be run */
  GPtrArray *words;          /* (owned) (nullable) (element-type GBytes): of what is run */
  guint64 repeat;            /* so many times more */
  GCancellable *cancellable; /* (owned) (nullable): of what is run */
  gint64 begin_usec;
  gboolean connecting; /* no line is edited until that has an outcome */
  gboolean done;
} Prompt;

static void prompt_next (Prompt *self);

/* One has connected, or has not: it is said already. */
static void
session_changed_cb (gpointer user_data)
{
  Prompt *self = user_data;
  g_autofree char *text = prompt_session_make_text (self->session);

  prompt_line_set_prompt (text);
  if (self->connecting && !prompt_session_is_pending (self->session))
    {
      self->connecting = FALSE;
      prompt_next (self);
    }
}

static void
written_cb (gpointer user_data)
{
  Prompt *self = user_data;

  prompt_print_duration ((double) (g_get_monotonic_time () - self->begin_usec) / G_USEC_PER_SEC);
  prompt_messages_resume ();
  prompt_next (self);
}

static void
forget_rest (Prompt *self)
{
  self->repeat = 0;
  g_queue_clear_full (&self->lines, g_free);
}

/* What was run has its outcome. */
static void
ran_cb (TornadisReply *reply,
        const GError *error,
        gpointer user_data)
{
  Prompt *self = user_data;

  g_clear_object (&self->cancellable);
  /* Nobody is there any more. */
  if (self->done)
    return;
  /* Changes of the subscriptions have said it themselves. */
  if (reply == NULL && error == NULL)
    {
      prompt_next (self);
      return;
    }
  if (reply != NULL)
    {
      prompt_print_reply (reply, written_cb, self);
      return;
    }

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      prompt_print_line (PROMPT_STYLE_NOTICE, "Cancelled");
      forget_rest (self);
    }
  else
    {
      prompt_print_error (error);
      if (!g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
        forget_rest (self);
    }
  written_cb (self);
}

static void
show_help (GPtrArray *words)
{
  g_autofree char *help = NULL;
  g_autofree char *first = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  const char *own;
  gboolean is_group;

  g_ptr_array_remove_index (words, 0);
  if (words->len == 0)
    {
      prompt_print_text ("help COMMAND        what the server says about a command, and its subcommands\n"
                         "help @GROUP         likewise about a group of commands, such as @string\n"
                         "connect HOST PORT   another server; or connect URI\n"
                         ":json, :csv         how replies and messages are shown; :quoted is as at first\n"
                         "clear               an empty terminal\n"
                         "quit                leave; so does Ctrl+D\n"
                         "N COMMAND           call a command N times\n"
                         "Tab completes commands and keys, Ctrl+C ends a call or a line. Messages of SUBSCRIBE appear above\n"
                         "the line. Lines that begin with a space are not kept in the history.\n");
      return;
    }

  own = words->len == 1 ? prompt_own_help (g_ptr_array_index (words, 0)) : NULL;
  if (own != NULL)
    {
      prompt_print_text (own);
      return;
    }

  first = prompt_word_dup_lower (g_ptr_array_index (words, 0));
  is_group = *first == '@' && words->len == 1;
  help = is_group ? prompt_help_group (first + 1) : prompt_help (words);
  if (help != NULL)
    {
      prompt_print_append (text, PROMPT_STYLE_PLAIN, help, strlen (help));
      prompt_print_text (text->str);
    }
  else
    prompt_print_line (PROMPT_STYLE_ERROR, "The server has told of no such %s", is_group ? "group" : "command");
}

static void
set_format (ToolFormat format)
{
  prompt_print_set_format (format);
  prompt_messages_set_format (format);
}

/* Whether the words were for the prompt itself, and nothing runs. */
static gboolean
run_own (Prompt *self,
         GPtrArray *words)
{
  GBytes *first = g_ptr_array_index (words, 0);
  g_autofree char *unknown = prompt_own_describe_unknown (first);

  if (unknown != NULL)
    prompt_print_line (PROMPT_STYLE_ERROR, "%s", unknown);
  else if (prompt_word_is (first, "quit") || prompt_word_is (first, "exit"))
    self->done = TRUE;
  else if (prompt_word_is (first, "clear") && words->len == 1)
    prompt_line_clear_screen ();
  else if (prompt_word_is (first, "help") || prompt_word_is (first, "?"))
    show_help (words);
  else if (prompt_word_is (first, ":json"))
    set_format (TOOL_FORMAT_JSON);
  else if (prompt_word_is (first, ":csv"))
    set_format (TOOL_FORMAT_CSV);
  else if (prompt_word_is (first, ":quoted"))
    set_format (TOOL_FORMAT_LINE);
  else
    return FALSE;

  return TRUE;
}

static void
run_words (Prompt *self)
{
  self->begin_usec = g_get_monotonic_time ();
  self->cancellable = g_cancellable_new ();
  if (prompt_session_run (self->session, self->words, self->cancellable, ran_cb, self))
    return;

  /* A new server. */
  g_clear_object (&self->cancellable);
  prompt_next (self);
}

/* Runs a line. Returns FALSE when nothing is left to be waited for. */
static gboolean
run_line (Prompt *self,
          const char *line)
{
  const char *command = prompt_words_skip_count (line);
  const char *problem;

  g_clear_pointer (&self->words, g_ptr_array_unref);
  self->words = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  if (!tool_line_split (command, strlen (command), self->words, &problem))
    {
      prompt_print_line (PROMPT_STYLE_ERROR, "Not a command: %s", problem);
      return FALSE;
    }
  if (self->words->len == 0 || run_own (self, self->words))
    return FALSE;

  self->repeat = 0;
  while (g_ascii_isspace (*line))
    line++;
  if (line != command)
    {
      self->repeat = g_ascii_strtoull (line, NULL, 10);
      if (self->repeat == 0)
        return FALSE;
      self->repeat--;
    }
  run_words (self);

  return TRUE;
}

/* Goes on with what is to be run, or lets a line be edited. */
static void
prompt_next (Prompt *self)
{
  g_autofree char *text = NULL;

  if (self->repeat > 0)
    {
      self->repeat--;
      run_words (self);
      return;
    }

  while (!self->done && !g_queue_is_empty (&self->lines))
    {
      g_autofree char *line = g_queue_pop_head (&self->lines);

      if (run_line (self, line))
        return;
    }
  if (self->done)
    return;

  /* A call that was given up may have taken the connection with it, which is back at once. */
  if (prompt_session_is_pending (self->session))
    {
      self->connecting = TRUE;
      return;
    }

  text = prompt_session_make_text (self->session);
  prompt_line_begin (text);
}

static void
accepted_cb (const char *line,
             gpointer user_data)
{
  Prompt *self = user_data;
  g_auto (GStrv) lines = line != NULL ? prompt_lines_split (line) : NULL;

  if (lines == NULL)
    {
      self->done = TRUE;
      return;
    }

  for (guint i = 0; lines[i] != NULL; i++)
    {
      prompt_history_add (lines[i]);
      g_queue_push_tail (&self->lines, g_strdup (lines[i]));
    }
  prompt_next (self);
}

/* Ctrl+C. */
static void
interrupted_cb (gpointer user_data)
{
  Prompt *self = user_data;

  forget_rest (self);
  if (prompt_print_is_busy ())
    {
      prompt_print_stop ();
    }
  else if (self->cancellable != NULL)
    {
      g_cancellable_cancel (self->cancellable);
    }
  else
    {
      g_autofree char *text = prompt_session_make_text (self->session);

      /* The terminal has shown the key. */
      if (self->connecting)
        prompt_print_text ("\n");
      self->connecting = FALSE;
      if (prompt_line_interrupt ())
        prompt_line_begin (text);
    }
}

static gboolean
interrupt_cb (gpointer user_data)
{
  interrupted_cb (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
ended_cb (gpointer user_data)
{
  ((Prompt *) user_data)->done = TRUE;
  return G_SOURCE_CONTINUE;
}

/* What plugins log, and what is said about them, stands above the line, too. */
static GLogWriterOutput
log_cb (GLogLevelFlags level,
        const GLogField *fields,
        gsize n_fields,
        gpointer user_data)
{
  GThread *thread = user_data;
  const char *domain = NULL;
  g_autofree char *text = NULL;

  if (g_thread_self () != thread || (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)) != 0)
    return g_log_writer_default (level, fields, n_fields, NULL);
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "GLIB_DOMAIN") == 0)
      domain = fields[i].value;
  if (g_log_writer_default_would_drop (level, domain))
    return G_LOG_WRITER_HANDLED;

  text = g_log_writer_format_fields (level, fields, n_fields, FALSE);
  prompt_print_line (PROMPT_STYLE_PLAIN, "%s", text);
  return G_LOG_WRITER_HANDLED;
}

static void
print_error_cb (const char *text)
{
  g_autofree char *line = g_strndup (text, strcspn (text, "\n"));

  prompt_print_line (PROMPT_STYLE_ERROR, "%s", line);
}

static void
prompt_run (Prompt *self)
{
  static const PromptLineFuncs line_funcs = { accepted_cb, interrupted_cb };
  guint signals[3];

  g_log_set_writer_func (log_cb, g_thread_self (), NULL);
  g_set_printerr_handler (print_error_cb);
  prompt_print_init ();
  prompt_line_init (&line_funcs, self);
  prompt_history_load ();
  signals[0] = g_unix_signal_add (SIGINT, interrupt_cb, self);
  signals[1] = g_unix_signal_add (SIGTERM, ended_cb, self);
  signals[2] = g_unix_signal_add (SIGHUP, ended_cb, self);

  prompt_session_start (self->session, session_changed_cb, self);
  self->connecting = TRUE;
  while (!self->done)
    g_main_context_iteration (NULL, TRUE);

  prompt_line_finish ();
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    g_source_remove (signals[i]);
  g_set_printerr_handler (NULL);
}

static void
prompt_clear (Prompt *self)
{
  g_clear_pointer (&self->session, prompt_session_free);
  g_clear_pointer (&self->words, g_ptr_array_unref);
  g_clear_object (&self->cancellable);
  g_queue_clear_full (&self->lines, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Prompt, prompt_clear)

int
tool_prompt (char **argv)
{
  g_auto (ToolOptions) options = { 0 };
  g_auto (Prompt) self = { .lines = G_QUEUE_INIT };

  if (!tool_options_parse (&options, argv, TOOL_PARSE_BEFORE, NULL, "What all commands have.", NULL))
    return TOOL_USAGE;
  if (!isatty (STDIN_FILENO) || !isatty (STDOUT_FILENO))
    {
      tool_print_error ("The prompt needs a terminal; “tornadis pipe” reads commands from standard input, see “tornadis help”");
      return TOOL_USAGE;
    }

  set_format (tool_options_get_format (&options, TOOL_FORMAT_LINE));
  self.session = prompt_session_new (&options);
  if (self.session == NULL)
    return TOOL_USAGE;

  prompt_run (&self);

  return TOOL_DONE;
}
