/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#include "mock/mock-line.h"

/* Answers calls without a server, so that applications can test their own code.
 *
 * Each command is looked for in the script, then handlers of the signal are asked, then it is looked for in the table of
 * answers. What was called is written down.
 */

#define TORNADIS_TYPE_MOCK_PLUGIN (tornadis_mock_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisMockPlugin, tornadis_mock_plugin, TORNADIS, MOCK_PLUGIN, TornadisPlugin)

struct _TornadisMockPlugin
{
  TornadisPlugin parent_instance;

  GVariant *table;     /* (owned) (nullable) as it was set */
  GPtrArray *answers;  /* (owned) (element-type MockLine) of the table, the most specific first */
  GPtrArray *script;   /* (owned) (element-type MockLine) what is left of it */
  GQueue calls;        /* (element-type TornadisCommand) (element owned) */
  GHashTable *delayed; /* (owned) from (unowned) TornadisCall to Delayed */
  guint n_calls;
  guint max_calls;
  guint delay_msec;
  gboolean strict;
};

G_DEFINE_FINAL_TYPE (TornadisMockPlugin, tornadis_mock_plugin, TORNADIS_TYPE_PLUGIN)

typedef enum
{
  PROP_ANSWERS = 1,
  PROP_SCRIPT,
  PROP_CALLS,
  PROP_N_CALLS,
  PROP_MAX_CALLS,
  PROP_DELAY_MSEC,
  PROP_STRICT,
} TornadisMockPluginProperty;

static GParamSpec *props[PROP_STRICT + 1];

enum
{
  SIGNAL_ANSWER,
  SIGNAL_CLEAR,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* One of the two. */
typedef struct
{
  TornadisReply *reply; /* (owned) (nullable) */
  GError *error;        /* (owned) (nullable) */
} Outcome;

static void
outcome_clear (Outcome *outcome)
{
  g_clear_pointer (&outcome->reply, tornadis_reply_unref);
  g_clear_error (&outcome->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

/* An answer whose time has not come. */
typedef struct
{
  TornadisMockPlugin *plugin; /* (unowned) the call has it in its chain */
  TornadisCall *call;         /* (owned) */
  Outcome outcome;
  GSource *source; /* (owned) */
} Delayed;

static void
delayed_free (gpointer data)
{
  Delayed *self = data;

  g_source_destroy (self->source);
  g_source_unref (self->source);
  outcome_clear (&self->outcome);
  g_object_unref (self->call);
  g_free (self);
}

static void
record_call (TornadisMockPlugin *self,
             TornadisCommand *command)
{
  self->n_calls++;
  g_queue_push_tail (&self->calls, tornadis_command_ref (command));
  while (self->calls.length > self->max_calls)
    tornadis_command_unref (g_queue_pop_head (&self->calls));

  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_N_CALLS]);
}

static GVariant *
describe_calls (TornadisMockPlugin *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aas"));
  for (GList *l = self->calls.head; l != NULL; l = l->next)
    {
      g_auto (GStrv) words = mock_command_get_words (l->data);

      g_variant_builder_add_value (&builder, g_variant_new_strv ((const char *const *) words, -1));
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static GError *
make_error (const char *name,
            TornadisCommand *command)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (TORNADIS_TYPE_ERROR);
  g_autofree char *nick = g_ascii_strdown (name, -1);
  const GEnumValue *value = g_enum_get_value_by_nick (klass, nick);

  if (value == NULL)
    return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The mock's answer to %s is no error of the library: “%s”",
                        tornadis_command_get_name (command), name);

  return g_error_new (TORNADIS_ERROR, value->value, "The mock answers %s with %s", tornadis_command_get_name (command), name);
}

static void
outcome_set_answer (Outcome *outcome,
                    GVariant *answer,
                    TornadisCommand *command)
{
  const char *kind, *name;

  if (g_variant_is_of_type (answer, G_VARIANT_TYPE ("(ss)")))
    {
      g_variant_get (answer, "(&s&s)", &kind, &name);
      if (g_strcmp0 (kind, "error") == 0)
        {
          outcome->error = make_error (name, command);
          return;
        }
    }

  outcome->reply = tornadis_reply_new_from_variant (answer);
}

static TornadisReply *
ask_handlers (TornadisMockPlugin *self,
              TornadisCommand *command)
{
  TornadisReply *reply = NULL;

  g_signal_emit (self, signals[SIGNAL_ANSWER], g_quark_try_string (tornadis_command_get_name (command)), command, &reply);

  return reply;
}

/* FALSE: there is no answer. */
static gboolean
find_answer (TornadisMockPlugin *self,
             TornadisCommand *command,
             Outcome *outcome)
{
  g_auto (GStrv) words = mock_command_get_words (command);
  MockLine *line;
  guint position;

  line = mock_lines_find (self->script, words, &position);
  if (line != NULL)
    {
      outcome_set_answer (outcome, mock_line_get_answer (line), command);
      g_ptr_array_remove_index (self->script, position);
      return TRUE;
    }

  outcome->reply = ask_handlers (self, command);
  if (outcome->reply != NULL)
    return TRUE;

  line = mock_lines_find (self->answers, words, &position);
  if (line != NULL)
    outcome_set_answer (outcome, mock_line_get_answer (line), command);
  else if (self->strict)
    outcome->error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The mock has no answer to %s",
                                  tornadis_command_get_name (command));

  return line != NULL || self->strict;
}

/* Errors of the server stay in their place, any other is that of the whole pipeline. */
static gboolean
find_answers (TornadisMockPlugin *self,
              TornadisPipeline *pipeline,
              Outcome *outcome)
{
  guint n = tornadis_pipeline_get_number_of_stacked_calls (pipeline);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("av"));

  for (guint i = 0; i < n; i++)
    {
      g_auto (Outcome) one = { NULL, NULL };
      g_autoptr (GVariant) value = NULL;

      if (!find_answer (self, tornadis_pipeline_get_command (pipeline, i), &one))
        return FALSE;
      if (one.error != NULL)
        {
          outcome->error = g_steal_pointer (&one.error);
          return TRUE;
        }
      value = tornadis_reply_to_variant (one.reply);
      g_variant_builder_add (&builder, "v", value);
    }

  outcome->reply = tornadis_reply_new_from_variant (g_variant_builder_end (&builder));
  return TRUE;
}

static void
answer_call (TornadisCall *call,
             const Outcome *outcome)
{
  if (outcome->reply != NULL)
    tornadis_call_return_reply (call, outcome->reply);
  else
    tornadis_call_return_error (call, outcome->error);
}

static gboolean
delayed_cb (gpointer user_data)
{
  Delayed *self = user_data;

  g_hash_table_steal (self->plugin->delayed, self->call);
  answer_call (self->call, &self->outcome);
  delayed_free (self);

  return G_SOURCE_REMOVE;
}

static void
delay_answer (TornadisMockPlugin *self,
              TornadisCall *call,
              Outcome *outcome)
{
  Delayed *delayed = g_new (Delayed, 1);
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  *delayed = (Delayed){ self, g_object_ref (call), *outcome, g_timeout_source_new (self->delay_msec) };
  *outcome = (Outcome){ NULL, NULL };

  g_source_set_static_name (delayed->source, "[tornadis] delay of the mock");
  g_source_set_callback (delayed->source, delayed_cb, delayed, NULL);
  g_source_attach (delayed->source, context);
  g_hash_table_insert (self->delayed, call, delayed);
}

static gboolean
tornadis_mock_plugin_call (TornadisPlugin *plugin,
                           TornadisCall *call)
{
  TornadisMockPlugin *self = (TornadisMockPlugin *) plugin;
  TornadisCommand *command = tornadis_call_get_command (call);
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);
  g_auto (Outcome) outcome = { NULL, NULL };
  gboolean found;

  if (command != NULL)
    {
      record_call (self, command);
      found = find_answer (self, command, &outcome);
    }
  else
    {
      for (guint i = 0; i < tornadis_pipeline_get_number_of_stacked_calls (pipeline); i++)
        record_call (self, tornadis_pipeline_get_command (pipeline, i));
      found = find_answers (self, pipeline, &outcome);
    }

  if (found && self->delay_msec > 0)
    delay_answer (self, call, &outcome);
  else if (found)
    answer_call (call, &outcome);

  return found;
}

/* One that is cancelled meanwhile is not answered any more. */
static void
tornadis_mock_plugin_call_done (TornadisPlugin *plugin,
                                TornadisCall *call)
{
  g_hash_table_remove (((TornadisMockPlugin *) plugin)->delayed, call);
}

static void
tornadis_mock_plugin_clear (TornadisMockPlugin *self)
{
  g_queue_clear_full (&self->calls, (GDestroyNotify) tornadis_command_unref);
  self->n_calls = 0;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_N_CALLS]);
}

static void
tornadis_mock_plugin_get_property (GObject *object,
                                   guint prop_id,
                                   GValue *value,
                                   GParamSpec *pspec)
{
  TornadisMockPlugin *self = (TornadisMockPlugin *) object;

  switch ((TornadisMockPluginProperty) prop_id)
    {
    case PROP_ANSWERS:
      g_value_set_variant (value, self->table);
      break;
    case PROP_SCRIPT:
      g_value_take_variant (value, mock_lines_to_variant (self->script));
      break;
    case PROP_CALLS:
      g_value_take_variant (value, describe_calls (self));
      break;
    case PROP_N_CALLS:
      g_value_set_uint (value, self->n_calls);
      break;
    case PROP_MAX_CALLS:
      g_value_set_uint (value, self->max_calls);
      break;
    case PROP_DELAY_MSEC:
      g_value_set_uint (value, self->delay_msec);
      break;
    case PROP_STRICT:
      g_value_set_boolean (value, self->strict);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
set_table (TornadisMockPlugin *self,
           GVariant *table)
{
  g_clear_pointer (&self->table, g_variant_unref);
  self->table = table != NULL ? g_variant_ref (table) : NULL;
  mock_lines_read (self->answers, table);
  mock_lines_sort (self->answers);
}

static void
tornadis_mock_plugin_set_property (GObject *object,
                                   guint prop_id,
                                   const GValue *value,
                                   GParamSpec *pspec)
{
  TornadisMockPlugin *self = (TornadisMockPlugin *) object;

  switch ((TornadisMockPluginProperty) prop_id)
    {
    case PROP_ANSWERS:
      set_table (self, g_value_get_variant (value));
      break;
    case PROP_SCRIPT:
      mock_lines_read (self->script, g_value_get_variant (value));
      break;
    case PROP_MAX_CALLS:
      self->max_calls = g_value_get_uint (value);
      while (self->calls.length > self->max_calls)
        tornadis_command_unref (g_queue_pop_head (&self->calls));
      break;
    case PROP_DELAY_MSEC:
      self->delay_msec = g_value_get_uint (value);
      break;
    case PROP_STRICT:
      self->strict = g_value_get_boolean (value);
      break;
    case PROP_CALLS:
    case PROP_N_CALLS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_mock_plugin_finalize (GObject *object)
{
  TornadisMockPlugin *self = (TornadisMockPlugin *) object;

  g_clear_pointer (&self->table, g_variant_unref);
  g_ptr_array_unref (self->answers);
  g_ptr_array_unref (self->script);
  g_queue_clear_full (&self->calls, (GDestroyNotify) tornadis_command_unref);
  g_hash_table_unref (self->delayed);

  G_OBJECT_CLASS (tornadis_mock_plugin_parent_class)->finalize (object);
}

/* The first handler that has a reply wins. */
static gboolean
take_first_reply (GSignalInvocationHint *hint,
                  GValue *result,
                  const GValue *reply,
                  gpointer data)
{
  g_value_copy (reply, result);

  return g_value_get_boxed (reply) == NULL;
}

static void
install_properties (GObjectClass *object_class)
{
  /* What commands are answered with: from a line, such as `GET user:*`, to the reply as a variant. */
  props[PROP_ANSWERS] = g_param_spec_variant ("answers", NULL, NULL, G_VARIANT_TYPE ("a{s*}"), NULL,
                                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /* The same in pairs of which each answers one command, in their order, and is gone then; what is left of them. */
  props[PROP_SCRIPT] = g_param_spec_variant ("script", NULL, NULL, G_VARIANT_TYPE ("a(s*)"), NULL,
                                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /* The commands that were called, the oldest first: their arguments as text, in a variant of type `aas`. */
  props[PROP_CALLS] = g_param_spec_variant ("calls", NULL, NULL, G_VARIANT_TYPE ("aas"), NULL,
                                            G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /* How many commands were called. */
  props[PROP_N_CALLS] =
    g_param_spec_uint ("n-calls", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /* How many of the last ones are kept. */
  props[PROP_MAX_CALLS] =
    g_param_spec_uint ("max-calls", NULL, NULL, 0, G_MAXUINT, 10000, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /* How long every answer takes, in milliseconds. */
  props[PROP_DELAY_MSEC] =
    g_param_spec_uint ("delay-msec", NULL, NULL, 0, G_MAXINT, 0, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /* Whether a command without an answer fails; else it goes to the server. */
  props[PROP_STRICT] =
    g_param_spec_boolean ("strict", NULL, NULL, TRUE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_mock_plugin_class_init (TornadisMockPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  object_class->get_property = tornadis_mock_plugin_get_property;
  object_class->set_property = tornadis_mock_plugin_set_property;
  object_class->finalize = tornadis_mock_plugin_finalize;
  plugin_class->call = tornadis_mock_plugin_call;
  plugin_class->call_done = tornadis_mock_plugin_call_done;

  install_properties (object_class);

  /* Asks for the reply to a command, with its name in upper case for a detail; NULL asks the next one. */
  signals[SIGNAL_ANSWER] =
    g_signal_new ("answer", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, take_first_reply, NULL,
                  NULL, TORNADIS_TYPE_REPLY, 1, TORNADIS_TYPE_COMMAND);
  /* Emitted by the application: forgets the calls. */
  signals[SIGNAL_CLEAR] = g_signal_new_class_handler ("clear", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
                                                      G_CALLBACK (tornadis_mock_plugin_clear), NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
tornadis_mock_plugin_init (TornadisMockPlugin *self)
{
  self->answers = mock_lines_new ();
  self->script = mock_lines_new ();
  self->delayed = g_hash_table_new_full (NULL, NULL, NULL, delayed_free);
  g_queue_init (&self->calls);
  self->max_calls = 10000;
  self->strict = TRUE;
}

/* What the registry looks for in libtornadis-mock.so. */
G_MODULE_EXPORT void tornadis_mock_plugin_register (void);

void
tornadis_mock_plugin_register (void)
{
  tornadis_plugin_register ("mock", TORNADIS_TYPE_MOCK_PLUGIN);
}
