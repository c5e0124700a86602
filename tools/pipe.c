/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis pipe: the commands of standard input, many in flight, their replies in order. */

#include "tool.h"

#include <gio/gunixinputstream.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES 65536
#define MAX_LINE_BYTES (512 * 1024 * 1024)
/* What is in flight at most. */
#define MAX_CALLS 1000
#define MAX_BYTES (16 * 1024 * 1024)

typedef struct
{
  TornadisClient *client; /* (owned) */
  GInputStream *stream;   /* (owned) */
  ToolOptions options;
  gboolean quiet;

  GString *input;     /* (owned): what was read */
  gsize taken;        /* bytes of @input that were lines */
  gsize searched;     /* bytes of @input known to hold no further end of line */
  guint64 line;       /* number of the last one taken */
  guint64 n_read;     /* bytes */
  guint64 n_expected; /* bytes, 0: unknown */
  gboolean reading;
  gboolean ended;  /* no more is read */
  gboolean at_end; /* because there is no more */

  GQueue calls;          /* (element-type PipeCall) (owned) in the order of the lines */
  gsize bytes_in_flight; /* of their lines */
  guint window;          /* how many of them may be in flight */
  guint64 n_commands;
  guint64 n_errors;
  guint64 n_lost;     /* of @n_errors: without a reply because the connection was lost */
  guint64 first_lost; /* lines */
  guint64 last_lost;
  guint64 multi_line; /* of a MULTI that nothing has ended yet; 0: there is none */
  guint64 n_queued;   /* commands behind it */
  gboolean failed;
} Pipe;

typedef struct
{
  Pipe *pipe;
  guint64 line;
  gsize n_bytes;
  TornadisCommand *command; /* (owned) (nullable): none where the line is not one */
  TornadisReply *reply;     /* (owned) (nullable) */
  GError *error;            /* (owned) (nullable) */
} PipeCall;

/* What is behind the last line that was taken. */
typedef struct
{
  guint64 line;
  gboolean within; /* it has begun with something */
  guint64 n;       /* commands */
  guint64 first;   /* lines */
  guint64 last;
} PipeRest;

static void pipe_pump (Pipe *self);

static void
pipe_call_free (PipeCall *call)
{
  g_clear_pointer (&call->command, tornadis_command_unref);
  g_clear_pointer (&call->reply, tornadis_reply_unref);
  g_clear_error (&call->error);
  g_free (call);
}

static void
pipe_fail_call (Pipe *self,
                PipeCall *call)
{
  self->n_errors++;
  if (!tool_error_is_loss (call->error))
    {
      tool_print_error ("line %" G_GUINT64_FORMAT ": %s", call->line, call->error->message);
      return;
    }

  if (self->n_lost++ == 0)
    {
      tool_print_error ("line %" G_GUINT64_FORMAT ": %s", call->line, call->error->message);
      self->first_lost = call->line;
    }
  self->last_lost = call->line;
}

/* Prints what is there, in the order of the lines: a plugin may answer out of order. */
static void
pipe_print (Pipe *self)
{
  PipeCall *call;

  while ((call = g_queue_peek_head (&self->calls)) != NULL && (call->reply != NULL || call->error != NULL))
    {
      ToolFormat format = tool_options_get_format (&self->options, TOOL_FORMAT_LINE);
      GString *output = tool_output_begin ();
      gsize before = output->len;

      if (call->error != NULL)
        pipe_fail_call (self, call);

      if (call->reply != NULL && !self->quiet)
        {
          tool_reply_append (output, call->reply, format);
        }
      else if (call->error != NULL && !self->quiet && !tool_error_is_loss (call->error))
        {
          tool_error_append (output, call->error->message, strlen (call->error->message), format);
          g_string_append_c (output, '\n');
        }

      /* The larger the replies, the fewer are asked for at a time. */
      if ((output->len - before) * self->window > MAX_BYTES)
        self->window = (guint) MAX (1, MAX_BYTES / (output->len - before));
      else if (self->window < MAX_CALLS)
        self->window++;

      self->bytes_in_flight -= call->n_bytes;
      pipe_call_free (g_queue_pop_head (&self->calls));
      tool_output_commit ();
    }
}

/* Keeps in mind the transaction that is begun. EXEC ends it with any outcome; one that is lost may have run. */
static void
pipe_follow_transaction (Pipe *self,
                         PipeCall *call,
                         const GError *error)
{
  if (error == NULL && tool_command_is (call->command, "MULTI", NULL))
    {
      self->multi_line = call->line;
      self->n_queued = 0;
    }
  else if (tool_command_is (call->command, "EXEC", NULL) || (error == NULL && tool_command_is (call->command, "DISCARD", NULL)))
    {
      self->multi_line = 0;
    }
  else if (error == NULL)
    {
      self->n_queued++;
    }
}

static void
replied_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  PipeCall *call = user_data;
  Pipe *self = call->pipe;

  pipe_follow_transaction (self, call, error);
  if (error != NULL)
    {
      g_autofree char *text = tool_command_describe_error (call->command, error);

      call->error = g_error_new_literal (error->domain, error->code, text);
    }
  else
    {
      call->reply = tornadis_reply_ref (reply);
    }
  g_clear_pointer (&call->command, tornadis_command_unref);

  /* What follows a command whose outcome is unknown is not sent. */
  if (error != NULL && tool_error_is_loss (error) && !self->failed)
    {
      self->failed = TRUE;
      self->ended = TRUE;
      tornadis_client_close (client);
    }

  pipe_print (self);
  pipe_pump (self);
}

static void
pipe_take_line (Pipe *self,
                const char *line,
                gsize length)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  const char *problem = NULL;
  PipeCall *call;

  self->line++;
  if (tool_line_split (line, length, words, &problem) && words->len == 0)
    return;

  call = g_new0 (PipeCall, 1);
  call->pipe = self;
  call->line = self->line;
  self->n_commands++;
  g_queue_push_tail (&self->calls, call);

  if (problem == NULL)
    {
      call->command = tornadis_command_new_bytes ((GBytes **) words->pdata, words->len);
      tool_command_check (call->command, &call->error);
    }
  else
    {
      call->error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_USAGE, problem);
    }

  if (call->error != NULL)
    {
      pipe_print (self);
    }
  else
    {
      call->n_bytes = length;
      self->bytes_in_flight += length;
      tornadis_client_submit (self->client, call->command, replied_cb, call, NULL);
    }
}

/* Takes the next line of what was read; the last line may lack its newline. */
static gboolean
pipe_next_line (Pipe *self)
{
  const char *begin = self->input->str + self->taken;
  const char *end = memchr (self->input->str + self->searched, '\n', self->input->len - self->searched);
  gsize length;

  if (end == NULL)
    {
      self->searched = self->input->len;
      if (!self->ended || self->taken == self->input->len)
        return FALSE;
      end = self->input->str + self->input->len;
    }

  length = (gsize) (end - begin);
  self->taken = MIN (self->taken + length + 1, self->input->len);
  self->searched = self->taken;
  pipe_take_line (self, begin, length);

  return TRUE;
}

static void
pipe_stop (Pipe *self,
           const char *message)
{
  tool_print_error ("%s", message);
  self->failed = TRUE;
  self->ended = TRUE;
}

static void
read_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  Pipe *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (self->stream, result, &error);
  gsize n = bytes != NULL ? g_bytes_get_size (bytes) : 0;

  self->reading = FALSE;
  if (bytes == NULL)
    g_prefix_error (&error, "standard input: ");

  if (error != NULL)
    pipe_stop (self, error->message);
  else if (n == 0)
    self->ended = self->at_end = TRUE;
  else
    g_string_append_len (self->input, g_bytes_get_data (bytes, NULL), (gssize) n);

  self->n_read += n;
  pipe_pump (self);
}

static void
pipe_read (Pipe *self)
{
  if (self->reading || self->ended)
    return;

  g_string_erase (self->input, 0, (gssize) self->taken);
  self->searched -= self->taken;
  self->taken = 0;

  if (self->input->len > MAX_LINE_BYTES)
    {
      g_autofree char *message = g_strdup_printf ("line %" G_GUINT64_FORMAT ": longer than 512 MiB", self->line + 1);

      pipe_stop (self, message);
      return;
    }

  self->reading = TRUE;
  g_input_stream_read_bytes_async (self->stream, READ_BYTES, G_PRIORITY_DEFAULT, NULL, read_cb, self);
}

/* Sends what may be sent, and reads more when all of it has been sent. */
static void
pipe_pump (Pipe *self)
{
  while (!self->failed && self->calls.length < self->window && self->bytes_in_flight < MAX_BYTES && !tool_output_is_full ())
    if (!pipe_next_line (self))
      {
        pipe_read (self);
        return;
      }
}

static void
drained_cb (gpointer user_data)
{
  pipe_pump (user_data);
}

static void
connected_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  Pipe *self = user_data;
  g_autoptr (GError) error = NULL;

  if (tornadis_client_connect_finish (self->client, result, &error))
    {
      pipe_pump (self);
    }
  else
    {
      g_autofree char *text = tool_options_describe_error (&self->options, error);

      pipe_stop (self, text);
    }
}

static char *
pipe_describe_sums (Pipe *self,
                    guint64 n_commands)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %s, %" G_GUINT64_FORMAT " %s", n_commands,
                          tool_text_choose (n_commands, "command", "commands"), self->n_errors,
                          tool_text_choose (self->n_errors, "error", "errors"));
}

static char *
pipe_describe_progress (gpointer user_data)
{
  Pipe *self = user_data;
  g_autofree char *share = NULL;
  g_autofree char *sums = NULL;

  if (self->n_expected > 0)
    {
      guint64 n_taken = self->n_read - (self->input->len - self->taken);

      share = g_strdup_printf ("%3u%%  ", (guint) MIN (100, n_taken * 100 / self->n_expected));
    }

  sums = pipe_describe_sums (self, self->n_commands - self->calls.length);
  return g_strconcat (share != NULL ? share : "", sums, NULL);
}

static void
pipe_rest_count (PipeRest *rest,
                 const char *data,
                 gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      if (data[i] == '\n')
        {
          rest->line++;
          rest->within = FALSE;
        }
      else if (!rest->within && !g_ascii_isspace (data[i]))
        {
          rest->within = TRUE;
          if (data[i] == '#')
            continue;
          rest->last = rest->line;
          if (rest->n++ == 0)
            rest->first = rest->line;
        }
    }
}

/* Says what was not sent because it has ended early. A file is read to its end for that; of anything else there may be more
 * at any time, which is not waited for. */
static void
pipe_print_rest (Pipe *self)
{
  PipeRest rest = { .line = self->line + 1 };
  g_autofree char *buffer = g_malloc (READ_BYTES);
  gssize n = 1;

  while (self->reading && self->n_expected > 0)
    g_main_context_iteration (NULL, TRUE);

  pipe_rest_count (&rest, self->input->str + self->taken, self->input->len - self->taken);
  while (!self->at_end && self->n_expected > 0 && n > 0)
    {
      n = g_input_stream_read (self->stream, buffer, READ_BYTES, NULL, NULL);
      pipe_rest_count (&rest, buffer, (gsize) MAX (n, 0));
      self->at_end = n == 0;
    }

  if (rest.n > 0)
    tool_print_error ("%" G_GUINT64_FORMAT " %s not sent, from line %" G_GUINT64_FORMAT " to line %" G_GUINT64_FORMAT "%s", rest.n,
                      tool_text_choose (rest.n, "command was", "commands were"), rest.first, rest.last,
                      self->at_end ? "" : ", nor was what follows");
}

static void
pipe_print_sum (Pipe *self)
{
  g_autofree char *sums = pipe_describe_sums (self, self->n_commands);

  if (self->multi_line > 0)
    tool_print_error ("the MULTI of line %" G_GUINT64_FORMAT " has no EXEC: what follows it, %" G_GUINT64_FORMAT " %s, did not run",
                      self->multi_line, self->n_queued, tool_text_choose (self->n_queued, "command", "commands"));
  if (self->n_lost > 1)
    tool_print_error ("%" G_GUINT64_FORMAT " commands have no reply, from line %" G_GUINT64_FORMAT " to line %" G_GUINT64_FORMAT
                      "; some may have run",
                      self->n_lost, self->first_lost, self->last_lost);
  /* Where there was no connection it goes without saying. */
  if (self->failed && self->n_commands > 0)
    pipe_print_rest (self);
  if (self->quiet && self->options.json)
    g_string_append_printf (tool_output_begin (), "{\"commands\": %" G_GUINT64_FORMAT ", \"errors\": %" G_GUINT64_FORMAT "}\n",
                            self->n_commands, self->n_errors);
  else if (self->quiet)
    g_string_append_printf (tool_output_begin (), "%s\n", sums);
}

static void
pipe_clear (Pipe *self)
{
  tool_output_set_drained_func (NULL, NULL);
  g_clear_object (&self->client);
  g_clear_object (&self->stream);
  g_string_free (self->input, TRUE);
  g_queue_clear_full (&self->calls, (GDestroyNotify) pipe_call_free);
  tool_options_clear (&self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pipe, pipe_clear)

int
tool_pipe (char **argv)
{
  g_auto (Pipe) self = { .input = g_string_new (NULL), .window = 1 };
  const GOptionEntry entries[] = {
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self.quiet, "Print no replies, but how many commands and errors there were", NULL },
    G_OPTION_ENTRY_NULL,
  };
  struct stat status;

  if (!tool_options_parse (&self.options, argv, TOOL_PARSE_ANYWHERE, NULL,
                           "Calls the commands of standard input, one a line, and prints their replies, one a line.\n"
                           "Words are quoted as for redis-cli. Empty lines and those that begin with # are skipped.",
                           entries))
    return TOOL_USAGE;
  if (self.options.arguments != NULL)
    {
      tool_print_error ("pipe takes no argument: commands come from standard input");
      return TOOL_USAGE;
    }

  self.client = tool_options_make_client (&self.options, TORNADIS_TYPE_CLIENT);
  if (self.client == NULL)
    return TOOL_USAGE;

  self.stream = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  if (fstat (STDIN_FILENO, &status) == 0 && S_ISREG (status.st_mode))
    self.n_expected = (guint64) status.st_size;
  /* Replies on the same terminal are progress enough. */
  if (self.quiet || !isatty (STDOUT_FILENO))
    tool_progress_start (pipe_describe_progress, &self);
  tool_output_set_drained_func (drained_cb, &self);
  tornadis_client_connect_async (self.client, NULL, connected_cb, &self);

  while (!self.ended || self.calls.length > 0 || (!self.failed && self.taken < self.input->len))
    g_main_context_iteration (NULL, TRUE);

  tool_progress_stop ();
  pipe_print_sum (&self);

  return self.failed || self.n_errors > 0 || self.multi_line > 0 ? TOOL_FAILED : TOOL_DONE;
}
