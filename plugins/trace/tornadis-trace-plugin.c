/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#include "common/outcome.h"
#include "trace/trace-arguments.h"
#include "trace/trace-mark.h"

/* Marks for Sysprof and structured log messages, one for each attempt of a call as this plugin sees it.
 *
 * It looks at call and call_done rather than at observe, which costs less but knows neither the number of an attempt
 * nor the time for which a plugin behind this one held the call, nor calls that such a plugin answered.
 */

#define TORNADIS_TYPE_TRACE_PLUGIN (tornadis_trace_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisTracePlugin, tornadis_trace_plugin, TORNADIS, TRACE_PLUGIN, TornadisPlugin)

typedef enum
{
  TRACE_LEVEL_DEBUG,
  TRACE_LEVEL_INFO,
  TRACE_LEVEL_MESSAGE,
} TornadisTraceLevel;

#define TRACE_TYPE_LEVEL (tornadis_trace_level_get_type ())
GType tornadis_trace_level_get_type (void);

G_DEFINE_ENUM_TYPE (TornadisTraceLevel,
                    tornadis_trace_level,
                    G_DEFINE_ENUM_VALUE (TRACE_LEVEL_DEBUG, "debug"),
                    G_DEFINE_ENUM_VALUE (TRACE_LEVEL_INFO, "info"),
                    G_DEFINE_ENUM_VALUE (TRACE_LEVEL_MESSAGE, "message"))

struct _TornadisTracePlugin
{
  TornadisPlugin parent_instance;

  GHashTable *begun; /* (owned) from (unowned) TornadisCall to its elapsed time when it came here */
  guint max_length;
  TornadisTraceArguments arguments;
  TornadisTraceLevel level;
  gboolean log;
  gboolean marks;
};

G_DEFINE_FINAL_TYPE (TornadisTracePlugin, tornadis_trace_plugin, TORNADIS_TYPE_PLUGIN)

typedef enum
{
  PROP_ARGUMENTS = 1,
  PROP_LEVEL,
  PROP_LOG,
  PROP_MARKS,
  PROP_MAX_LENGTH,
} TornadisTracePluginProperty;

static GParamSpec *props[PROP_MAX_LENGTH + 1];

/* What is shown of a call. */
typedef struct
{
  const char *name; /* (unowned) */
  char *server;     /* (owned) */
  char *outcome;    /* (owned) */
  char *arguments;  /* (owned) (nullable) NULL: not shown */
  guint n_commands; /* 0: it is not a pipeline */
  guint attempt;
  gint64 duration;
} Trace;

static void
trace_clear (Trace *trace)
{
  g_free (trace->server);
  g_free (trace->outcome);
  g_free (trace->arguments);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Trace, trace_clear)

static void
trace_init (Trace *trace,
            TornadisTracePlugin *self,
            TornadisCall *call,
            gint64 begun)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);
  g_autoptr (GError) error = tornadis_call_dup_error (call);

  trace->name = tornadis_call_get_name (call);
  trace->outcome = outcome_describe (error);
  trace->attempt = tornadis_call_get_attempt (call);
  trace->duration = tornadis_call_get_elapsed (call) - begun;
  trace->server = outcome_dup_server (call);

  if (pipeline != NULL)
    trace->n_commands = tornadis_pipeline_get_number_of_stacked_calls (pipeline);
  if (self->arguments == TRACE_ARGUMENTS_NONE)
    return;

  if (pipeline != NULL)
    trace->arguments = trace_arguments_describe_all (pipeline, self->arguments, self->max_length);
  else
    trace->arguments = trace_arguments_describe (tornadis_call_get_command (call), self->arguments, self->max_length);
}

/* What follows the name: "(3)" for a pipeline, and the arguments. */
static void
append_what (GString *text,
             const Trace *trace)
{
  if (trace->n_commands > 0)
    g_string_append_printf (text, "(%u)", trace->n_commands);
  if (trace->arguments != NULL && *trace->arguments != '\0')
    g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", trace->arguments);
}

static void
leave_mark (const Trace *trace)
{
  g_autoptr (GString) message = g_string_new (NULL);

  append_what (message, trace);
  g_string_append_printf (message, "%s%s %s", message->len > 0 ? " " : "", trace->server, trace->outcome);
  if (trace->attempt > 1)
    g_string_append_printf (message, " attempt %u", trace->attempt);

  trace_mark (trace->duration, trace->name, message->str);
}

static const struct
{
  GLogLevelFlags flag;
  const char *priority; /* as journald has it */
} levels[] = {
  [TRACE_LEVEL_DEBUG] = { G_LOG_LEVEL_DEBUG, "7" },
  [TRACE_LEVEL_INFO] = { G_LOG_LEVEL_INFO, "6" },
  [TRACE_LEVEL_MESSAGE] = { G_LOG_LEVEL_MESSAGE, "5" },
};

static void
log_trace (const Trace *trace,
           TornadisTraceLevel level)
{
  g_autoptr (GString) what = g_string_new (NULL);
  g_autofree char *message = NULL;
  g_autofree char *duration = g_strdup_printf ("%" G_GINT64_FORMAT, trace->duration);
  g_autofree char *attempt = g_strdup_printf ("%u", trace->attempt);
  g_autofree char *n_commands = g_strdup_printf ("%u", trace->n_commands);
  GLogField fields[10] = {
    { "PRIORITY", levels[level].priority, -1 },
    { "GLIB_DOMAIN", G_LOG_DOMAIN, -1 },
    { "TORNADIS_COMMAND", trace->name, -1 },
    { "TORNADIS_SERVER", trace->server, -1 },
    { "TORNADIS_DURATION_USEC", duration, -1 },
    { "TORNADIS_OUTCOME", trace->outcome, -1 },
    { "TORNADIS_ATTEMPT", attempt, -1 },
  };
  gsize n = 7;

  append_what (what, trace);
  message = g_strdup_printf ("%s%s%s %s %.3f ms %s", trace->name, what->len > 0 && trace->n_commands == 0 ? " " : "",
                             what->str, trace->server, (double) trace->duration / 1000, trace->outcome);
  fields[n++] = (GLogField){ "MESSAGE", message, -1 };
  if (trace->arguments != NULL)
    fields[n++] = (GLogField){ "TORNADIS_ARGUMENTS", trace->arguments, -1 };
  if (trace->n_commands > 0)
    fields[n++] = (GLogField){ "TORNADIS_N_COMMANDS", n_commands, -1 };

  g_log_structured_array (levels[level].flag, fields, n);
}

static gboolean
tornadis_trace_plugin_call (TornadisPlugin *plugin,
                            TornadisCall *call)
{
  TornadisTracePlugin *self = (TornadisTracePlugin *) plugin;

  g_hash_table_insert (self->begun, call, GSIZE_TO_POINTER ((gsize) tornadis_call_get_elapsed (call)));

  return FALSE;
}

static void
tornadis_trace_plugin_call_done (TornadisPlugin *plugin,
                                 TornadisCall *call)
{
  TornadisTracePlugin *self = (TornadisTracePlugin *) plugin;
  gboolean marked = self->marks && trace_mark_is_wanted ();
  g_auto (Trace) trace = { NULL };
  gpointer begun = NULL;

  g_hash_table_steal_extended (self->begun, call, NULL, &begun);
  if (!marked && !self->log)
    return;

  trace_init (&trace, self, call, (gint64) GPOINTER_TO_SIZE (begun));
  if (marked)
    leave_mark (&trace);
  if (self->log)
    log_trace (&trace, self->level);
}

static void
tornadis_trace_plugin_get_property (GObject *object,
                                    guint prop_id,
                                    GValue *value,
                                    GParamSpec *pspec)
{
  TornadisTracePlugin *self = (TornadisTracePlugin *) object;

  switch ((TornadisTracePluginProperty) prop_id)
    {
    case PROP_ARGUMENTS:
      g_value_set_enum (value, (int) self->arguments);
      break;
    case PROP_LEVEL:
      g_value_set_enum (value, (int) self->level);
      break;
    case PROP_LOG:
      g_value_set_boolean (value, self->log);
      break;
    case PROP_MARKS:
      g_value_set_boolean (value, self->marks);
      break;
    case PROP_MAX_LENGTH:
      g_value_set_uint (value, self->max_length);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_trace_plugin_set_property (GObject *object,
                                    guint prop_id,
                                    const GValue *value,
                                    GParamSpec *pspec)
{
  TornadisTracePlugin *self = (TornadisTracePlugin *) object;

  switch ((TornadisTracePluginProperty) prop_id)
    {
    case PROP_ARGUMENTS:
      self->arguments = (TornadisTraceArguments) g_value_get_enum (value);
      break;
    case PROP_LEVEL:
      self->level = (TornadisTraceLevel) g_value_get_enum (value);
      break;
    case PROP_LOG:
      self->log = g_value_get_boolean (value);
      break;
    case PROP_MARKS:
      self->marks = g_value_get_boolean (value);
      break;
    case PROP_MAX_LENGTH:
      self->max_length = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_trace_plugin_finalize (GObject *object)
{
  g_hash_table_unref (((TornadisTracePlugin *) object)->begun);

  G_OBJECT_CLASS (tornadis_trace_plugin_parent_class)->finalize (object);
}

static void
tornadis_trace_plugin_class_init (TornadisTracePluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass),
                                         "shows every exchange with the server, its arguments shortened or hidden");
  object_class->get_property = tornadis_trace_plugin_get_property;
  object_class->set_property = tornadis_trace_plugin_set_property;
  object_class->finalize = tornadis_trace_plugin_finalize;
  plugin_class->call = tornadis_trace_plugin_call;
  plugin_class->call_done = tornadis_trace_plugin_call_done;

  /* Which arguments are shown; those of commands that carry passwords never are. */
  props[PROP_ARGUMENTS] = g_param_spec_enum ("arguments", NULL, NULL, TRACE_TYPE_ARGUMENTS, TRACE_ARGUMENTS_NONE,
                                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /* The level of the log messages. */
  props[PROP_LEVEL] = g_param_spec_enum ("level", NULL, NULL, TRACE_TYPE_LEVEL, TRACE_LEVEL_DEBUG,
                                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /* Whether there are log messages. */
  props[PROP_LOG] = g_param_spec_boolean ("log", NULL, NULL, TRUE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /* Whether there are marks, while Sysprof records. */
  props[PROP_MARKS] = g_param_spec_boolean ("marks", NULL, NULL, TRUE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /* How many characters of the arguments of a call are shown. */
  props[PROP_MAX_LENGTH] =
    g_param_spec_uint ("max-length", NULL, NULL, 1, 4096, 80, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_trace_plugin_init (TornadisTracePlugin *self)
{
  self->begun = g_hash_table_new (NULL, NULL);
  self->log = TRUE;
  self->marks = TRUE;
  self->max_length = 80;
}

/* What the registry looks for in libtornadis-trace.so. */
G_MODULE_EXPORT void tornadis_trace_plugin_register (void);

void
tornadis_trace_plugin_register (void)
{
  tornadis_plugin_register ("trace", TORNADIS_TYPE_TRACE_PLUGIN);
}
