/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis latency: how long a server takes to answer PING, as redis-cli --latency has it. */

#include "tool.h"

#include <unistd.h>

/* Between the answer to one PING and the next. */
#define PAUSE_MSEC 10
/* What a line is about. */
#define DEFAULT_SEC 1
#define DEFAULT_HISTORY_SEC 15

typedef struct
{
  TornadisClient *client;   /* (owned) */
  TornadisCommand *command; /* (owned) */
  ToolOptions options;
  gboolean history;

  gint64 start;      /* of the line, monotonic time; 0: nothing was asked yet */
  gint64 asked;      /* likewise, of a PING; 0: none waits */
  guint64 n_samples; /* and how long they took, in microseconds */
  gint64 minimum;
  gint64 maximum;
  gint64 sum;

  guint64 n_printed; /* lines */
  gint64 n_left;     /* -1: no end */
  guint ask_timer;   /* 0: none */
  guint line_timer;  /* 0: the line ends with the program */
  ToolLoss loss;
  ToolStatus status;
  gboolean done;
} Latency;

/* Of a line, in milliseconds. */
typedef struct
{
  double minimum;
  double maximum;
  double average;
  gboolean has_waiting; /* a PING that has no answer yet counts for as long as it has waited */
} LatencyFigures;

static void
latency_start_line (Latency *self)
{
  self->start = g_get_monotonic_time ();
  self->n_samples = 0;
  self->sum = 0;
}

/* Gets what the line has so far. A server that hangs gives no more samples: what waits counts once it has waited longer than
 * any that was answered, as it can only get worse. Returns FALSE if there is nothing. */
static gboolean
latency_measure (Latency *self,
                 LatencyFigures *figures)
{
  gint64 waited = self->asked != 0 && !tool_loss_is_on (&self->loss) ? g_get_monotonic_time () - self->asked : 0;
  gint64 minimum = self->minimum, maximum = self->maximum, sum = self->sum;
  guint64 n = self->n_samples;

  figures->has_waiting = waited > (n > 0 ? maximum : PAUSE_MSEC * 1000);
  if (figures->has_waiting)
    {
      minimum = n > 0 ? minimum : waited;
      maximum = waited;
      sum += waited;
      n++;
    }
  if (n == 0)
    return FALSE;

  figures->minimum = (double) minimum / 1000;
  figures->maximum = (double) maximum / 1000;
  figures->average = (double) sum / (double) n / 1000;

  return TRUE;
}

static char *
latency_describe (Latency *self,
                  const LatencyFigures *figures)
{
  return g_strdup_printf ("min: %.3f, max: %.3f, avg: %.3f ms (%" G_GUINT64_FORMAT " %s%s)", figures->minimum, figures->maximum,
                          figures->average, self->n_samples, tool_text_choose (self->n_samples, "sample", "samples"),
                          figures->has_waiting ? ", and one waits" : "");
}

static void
latency_print (Latency *self,
               const LatencyFigures *figures)
{
  double seconds = (double) (g_get_monotonic_time () - self->start) / G_USEC_PER_SEC;
  g_autofree char *text = latency_describe (self, figures);
  GString *output = tool_output_begin ();

  if (self->options.csv && self->n_printed++ == 0)
    g_string_append (output, "\"min_ms\",\"max_ms\",\"avg_ms\",\"samples\",\"seconds\"\n");
  if (self->options.json || self->options.csv)
    g_string_append_printf (output,
                            self->options.json ? "{\"min_ms\": %.3f, \"max_ms\": %.3f, \"avg_ms\": %.3f, "
                                                 "\"samples\": %" G_GUINT64_FORMAT ", \"seconds\": %.3f}\n"
                                               : "%.3f,%.3f,%.3f,%" G_GUINT64_FORMAT ",%.3f\n",
                            figures->minimum, figures->maximum, figures->average, self->n_samples, seconds);
  else
    g_string_append_printf (output, "%s -- %.2f seconds\n", text, seconds);
  tool_output_commit ();
}

static char *
latency_describe_progress (gpointer user_data)
{
  Latency *self = user_data;
  LatencyFigures figures;

  return latency_measure (self, &figures) ? latency_describe (self, &figures) : g_strdup ("no samples yet");
}

/* A line of which nothing was measured is none. */
static gboolean
line_cb (gpointer user_data)
{
  Latency *self = user_data;
  LatencyFigures figures;

  if (tool_output_is_full () || !latency_measure (self, &figures))
    return G_SOURCE_CONTINUE;

  latency_print (self, &figures);
  if (self->n_left > 0)
    self->n_left--;
  if (self->n_left == 0)
    self->done = TRUE;
  latency_start_line (self);

  return G_SOURCE_CONTINUE;
}

static void latency_ask (Latency *self);

static gboolean
ask_cb (gpointer user_data)
{
  Latency *self = user_data;

  self->ask_timer = 0;
  latency_ask (self);

  return G_SOURCE_REMOVE;
}

static void
latency_count (Latency *self,
               gint64 usec)
{
  self->minimum = self->n_samples == 0 ? usec : MIN (self->minimum, usec);
  self->maximum = self->n_samples == 0 ? usec : MAX (self->maximum, usec);
  self->sum += usec;
  self->n_samples++;
}

static void
replied_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  Latency *self = user_data;
  gint64 usec = g_get_monotonic_time () - self->asked;

  self->asked = 0;
  if (self->done)
    return;

  if (error == NULL)
    {
      tool_loss_end (&self->loss);
      latency_count (self, usec);
    }
  else if (!tool_loss_begin (&self->loss, error))
    {
      tool_print_error ("%s", error->message);
      self->status = TOOL_FAILED;
      self->done = TRUE;
      return;
    }

  self->ask_timer = g_timeout_add (PAUSE_MSEC, ask_cb, self);
}

static void
latency_ask (Latency *self)
{
  self->asked = g_get_monotonic_time ();
  tornadis_client_submit (self->client, self->command, replied_cb, self, NULL);
}

/* What it takes to connect is no latency. */
static void
connected_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  Latency *self = user_data;
  g_autoptr (GError) error = NULL;

  if (tornadis_client_connect_finish (self->client, result, &error))
    {
      latency_start_line (self);
      if (self->options.interval > 0)
        self->line_timer = g_timeout_add ((guint) (self->options.interval * 1000), line_cb, self);
      latency_ask (self);
    }
  else if (!self->done)
    {
      g_autofree char *text = tool_options_describe_error (&self->options, error);

      tool_print_error ("%s", text);
      self->status = TOOL_FAILED;
      self->done = TRUE;
    }
}

static void
ended_cb (gpointer user_data)
{
  Latency *self = user_data;
  LatencyFigures figures;

  if (latency_measure (self, &figures))
    latency_print (self, &figures);
  self->done = TRUE;
}

static void
latency_clear (Latency *self)
{
  g_clear_handle_id (&self->ask_timer, g_source_remove);
  g_clear_handle_id (&self->line_timer, g_source_remove);
  g_clear_object (&self->client);
  g_clear_pointer (&self->command, tornadis_command_unref);
  tool_loss_clear (&self->loss);
  tool_options_clear (&self->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Latency, latency_clear)

/* Somebody who looks on decides when it is enough. */
static void
latency_prepare (Latency *self,
                 gint64 not_given)
{
  gboolean is_watched = isatty (STDOUT_FILENO) && !self->options.json && !self->options.csv;
  gboolean has_times = self->options.repeat != not_given || self->options.interval > 0;

  if (self->options.interval <= 0 && (self->history || has_times || !is_watched))
    self->options.interval = self->history ? DEFAULT_HISTORY_SEC : DEFAULT_SEC;

  self->n_left = self->options.repeat != not_given ? self->options.repeat : self->history ? -1 : 1;
}

int
tool_latency (char **argv)
{
  const gint64 not_given = G_MAXINT64;
  g_auto (Latency) self = { .options = { .repeat = not_given } };
  const GOptionEntry entries[] = {
    { "history", 0, 0, G_OPTION_ARG_NONE, &self.history, "Print a line every 15 seconds, without an end", NULL },
    G_OPTION_ENTRY_NULL,
  };

  if (!tool_options_parse (&self.options, argv, TOOL_PARSE_REPEAT, NULL,
                           "Measures how long the server takes to answer PING, a hundred times a second, and prints the shortest,\n"
                           "the longest and the average time. On a terminal it goes on until Ctrl+C, elsewhere for a second;\n"
                           "--interval is the time that a line is about, --repeat the number of lines.",
                           entries))
    return TOOL_USAGE;
  if (self.options.arguments != NULL)
    {
      tool_print_usage_error ("latency takes no argument");
      return TOOL_USAGE;
    }

  self.client = tool_options_make_client (&self.options, TORNADIS_TYPE_CLIENT);
  if (self.client == NULL)
    return TOOL_USAGE;

  latency_prepare (&self, not_given);
  self.command = tornadis_command_new ("PING");
  tool_output_watch ();
  tool_signals_watch (ended_cb, &self);
  tornadis_client_connect_async (self.client, NULL, connected_cb, &self);
  tool_progress_start (latency_describe_progress, &self);
  while (!self.done)
    g_main_context_iteration (NULL, TRUE);
  tool_signals_unwatch ();

  return (int) self.status;
}
