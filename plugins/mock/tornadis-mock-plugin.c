/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#include "common/commands.h"
#include "mock/mock-answers.h"
#include "mock/mock-line.h"
#include "mock/mock-transaction.h"

/* Answers calls without a server, so that applications can test their own code.
 *
 * Each command is looked up in the script, then handlers of the signal are asked, then it is looked up in the table of
 * answers. Calls are recorded.
 */

#define TORNADIS_TYPE_MOCK_PLUGIN (tornadis_mock_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisMockPlugin, tornadis_mock_plugin, TORNADIS, MOCK_PLUGIN, TornadisPlugin)

struct _TornadisMockPlugin
{
  TornadisPlugin parent_instance;

  MockAnswers answers;
  GQueue calls;             /* (element-type TornadisCommand) (element owned) */
  GHashTable *delayed;      /* (owned) (element-type TornadisCall Delayed) the calls unowned */
  GHashTable *transactions; /* (owned) (element-type TornadisClient MockTransaction) of the clients (unowned) that it is on */
  guint n_calls;
  guint max_calls;
  guint delay_msec;
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

/* An answer whose time has not come. */
typedef struct
{
  TornadisMockPlugin *plugin; /* (unowned) the call has it in its chain */
  TornadisCall *call;         /* (owned) */
  MockOutcome outcome;
  GSource *source; /* (owned) */
} Delayed;

static void
delayed_free (gpointer data)
{
  Delayed *self = data;

  g_source_destroy (self->source);
  g_source_unref (self->source);
  mock_outcome_clear (&self->outcome);
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

/* Whether an error means that the connection is lost, or could not be made. */
static gboolean
ends_connection (const GError *error)
{
  return g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT) ||
         g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST) ||
         g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
}

static void
answer_call (TornadisMockPlugin *self,
             TornadisCall *call,
             const MockOutcome *outcome)
{
  g_autoptr (TornadisMockPlugin) alive G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (TornadisClient) client = g_object_ref (tornadis_call_get_client (call));
  MockTransaction *transaction = g_hash_table_lookup (self->transactions, client);

  if (outcome->reply != NULL)
    {
      tornadis_call_return_reply (call, outcome->reply);
      return;
    }

  /* In the state that the caller should find. */
  if (self->answers.strict && ends_connection (outcome->error))
    {
      if (transaction != NULL)
        mock_transaction_get_loss (transaction)->known = TRUE;
      if (tornadis_client_is_connected (client))
        tornadis_plugin_set_client_lost (TORNADIS_PLUGIN (self), client, outcome->error);
    }

  tornadis_call_return_error (call, outcome->error);
}

static gboolean
delayed_cb (gpointer user_data)
{
  Delayed *self = user_data;

  g_hash_table_steal (self->plugin->delayed, self->call);
  answer_call (self->plugin, self->call, &self->outcome);
  delayed_free (self);

  return G_SOURCE_REMOVE;
}

static void
delay_answer (TornadisMockPlugin *self,
              TornadisCall *call,
              MockOutcome *outcome)
{
  Delayed *delayed = g_new (Delayed, 1);
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  *delayed = (Delayed){ self, g_object_ref (call), *outcome, g_timeout_source_new (self->delay_msec) };
  *outcome = (MockOutcome){ NULL, NULL };

  g_source_set_static_name (delayed->source, "[tornadis] delay of the mock");
  g_source_set_callback (delayed->source, delayed_cb, delayed, NULL);
  g_source_attach (delayed->source, context);
  g_hash_table_insert (self->delayed, call, delayed);
}

/* Stands for the connection, as long as nothing is sent to a server. FALSE: it could not be made, as the outcome says. */
static gboolean
mock_connect (TornadisMockPlugin *self,
              TornadisCall *call,
              gboolean by_itself,
              MockTransaction *transaction,
              MockOutcome *outcome)
{
  TornadisClient *client = tornadis_call_get_client (call);
  g_autoptr (TornadisCommand) hello = NULL;

  if (tornadis_client_is_connected (client))
    return TRUE;

  hello = tornadis_command_new ("HELLO");
  if (mock_answers_find_named (&self->answers, hello, outcome) &&
      (outcome->error != NULL || tornadis_reply_is_error (outcome->reply)))
    return FALSE;

  mock_outcome_clear (outcome);
  mock_transaction_reset (transaction);
  if (by_itself)
    tornadis_plugin_set_client_state (TORNADIS_PLUGIN (self), client, TORNADIS_CLIENT_STATE_CONNECTED);
  return TRUE;
}

static gboolean
mock_find_answer (TornadisMockPlugin *self,
                  TornadisCall *call,
                  MockTransaction *transaction,
                  MockOutcome *outcome)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);

  for (guint i = 0; i < call_get_n_commands (call); i++)
    record_call (self, call_get_command (call, i));

  if (pipeline != NULL)
    return mock_transaction_answer_pipeline (transaction, &self->answers, pipeline, outcome);
  return mock_transaction_answer (transaction, &self->answers, tornadis_call_get_command (call), outcome);
}

/* Why the client would not send a call. */
static gboolean
mock_admits (TornadisCall *call,
             MockTransaction *transaction,
             GError **error)
{
  TornadisClient *client = tornadis_call_get_client (call);
  MockLoss *loss = mock_transaction_get_loss (transaction);
  gboolean autoconnect;

  g_object_get (client, "autoconnect", &autoconnect, NULL);
  if (!autoconnect && !tornadis_client_is_connected (client))
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED,
                   "%s was not sent: the client is not connected and autoconnect is off", tornadis_call_get_name (call));
      return FALSE;
    }

  /* The program has closed the client, and so gave it up. */
  if (!tornadis_client_is_in_transaction (client))
    mock_loss_end (loss);
  if (mock_loss_admits (loss, call))
    return TRUE;

  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST,
               "%s was not sent: the transaction that WATCH or MULTI had begun was lost with the connection",
               tornadis_call_get_name (call));
  return FALSE;
}

/* Answers a call in place of a connection. FALSE: there is no answer, and none is needed. */
static gboolean
mock_stand_in (TornadisMockPlugin *self,
               TornadisCall *call,
               MockTransaction *transaction,
               MockOutcome *outcome)
{
  gboolean found = TRUE;

  if (mock_admits (call, transaction, &outcome->error) && mock_connect (self, call, TRUE, transaction, outcome))
    {
      found = mock_find_answer (self, call, transaction, outcome);
      if (ends_connection (outcome->error))
        mock_transaction_lose (transaction, call, g_error_matches (outcome->error, TORNADIS_ERROR, TORNADIS_ERROR_LOST));
    }

  tornadis_plugin_set_client_in_transaction (TORNADIS_PLUGIN (self), tornadis_call_get_client (call),
                                             mock_transaction_is_open (transaction));
  return found;
}

static gboolean
tornadis_mock_plugin_call (TornadisPlugin *plugin,
                           TornadisCall *call)
{
  TornadisMockPlugin *self = (TornadisMockPlugin *) plugin;
  MockTransaction *current = g_hash_table_lookup (self->transactions, tornadis_call_get_client (call));
  /* A handler may remove the plugin; and calls in flight still go through one that was removed. */
  g_autoptr (MockTransaction) transaction = current != NULL ? mock_transaction_ref (current) : mock_transaction_new ();
  gboolean connects = g_str_equal (tornadis_call_get_name (call), "HELLO");
  g_auto (MockOutcome) outcome = { NULL, NULL };
  gboolean found = TRUE;

  /* Without strict connecting is the server's. */
  if (connects && !self->answers.strict)
    return FALSE;

  if (!self->answers.strict)
    found = mock_find_answer (self, call, transaction, &outcome);
  else if (!connects)
    found = mock_stand_in (self, call, transaction, &outcome);
  else if (mock_connect (self, call, FALSE, transaction, &outcome))
    mock_outcome_set_status (&outcome, "OK");

  if (found && self->delay_msec > 0)
    delay_answer (self, call, &outcome);
  else if (found)
    answer_call (self, call, &outcome);

  return found;
}

/* A delayed call that was cancelled meanwhile is not answered any more. */
static void
tornadis_mock_plugin_call_done (TornadisPlugin *plugin,
                                TornadisCall *call)
{
  g_hash_table_remove (((TornadisMockPlugin *) plugin)->delayed, call);
}

static gboolean
tornadis_mock_plugin_attach (TornadisPlugin *plugin,
                             TornadisClient *client,
                             GError **error)
{
  g_hash_table_insert (((TornadisMockPlugin *) plugin)->transactions, client, mock_transaction_new ());
  return TRUE;
}

static void
tornadis_mock_plugin_detach (TornadisPlugin *plugin,
                             TornadisClient *client)
{
  g_hash_table_remove (((TornadisMockPlugin *) plugin)->transactions, client);
}

/* Clients that a pool gives away are not within a transaction. */
static void
tornadis_mock_plugin_client_acquired (TornadisPlugin *plugin,
                                      TornadisClient *client,
                                      gint64 elapsed)
{
  MockTransaction *transaction = g_hash_table_lookup (((TornadisMockPlugin *) plugin)->transactions, client);

  if (transaction == NULL)
    return;

  mock_transaction_reset (transaction);
  mock_loss_end (mock_transaction_get_loss (transaction));
  tornadis_plugin_set_client_in_transaction (plugin, client, FALSE);
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
      g_value_set_variant (value, self->answers.table);
      break;
    case PROP_SCRIPT:
      g_value_take_variant (value, mock_lines_to_variant (self->answers.script));
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
      g_value_set_boolean (value, self->answers.strict);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
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
      mock_answers_set_table (&self->answers, g_value_get_variant (value));
      break;
    case PROP_SCRIPT:
      mock_lines_read (self->answers.script, g_value_get_variant (value));
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
      self->answers.strict = g_value_get_boolean (value);
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

  mock_answers_clear (&self->answers);
  g_queue_clear_full (&self->calls, (GDestroyNotify) tornadis_command_unref);
  g_hash_table_unref (self->delayed);
  g_hash_table_unref (self->transactions);

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
  /* The same in pairs, each of which answers one command, in their order, and is removed then; read, it is what is left. */
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
  /* Whether a command without an answer fails; otherwise it is sent to the server. */
  props[PROP_STRICT] =
    g_param_spec_boolean ("strict", NULL, NULL, TRUE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_mock_plugin_class_init (TornadisMockPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass),
                                         "answers calls without a server, for the tests of an application");
  object_class->get_property = tornadis_mock_plugin_get_property;
  object_class->set_property = tornadis_mock_plugin_set_property;
  object_class->finalize = tornadis_mock_plugin_finalize;
  plugin_class->attach = tornadis_mock_plugin_attach;
  plugin_class->detach = tornadis_mock_plugin_detach;
  plugin_class->client_acquired = tornadis_mock_plugin_client_acquired;
  plugin_class->call = tornadis_mock_plugin_call;
  plugin_class->call_done = tornadis_mock_plugin_call_done;

  install_properties (object_class);

  /* Emitted for each command that is not in the script, to get its reply, with its name in upper case as detail; after a
   * handler that returns NULL the next one is asked. */
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
  mock_answers_init (&self->answers, self, signals[SIGNAL_ANSWER]);
  self->delayed = g_hash_table_new_full (NULL, NULL, NULL, delayed_free);
  self->transactions = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) mock_transaction_unref);
  g_queue_init (&self->calls);
  self->max_calls = 10000;
}

/* What the registry looks for in libtornadis-mock.so. */
G_MODULE_EXPORT void tornadis_mock_plugin_register (void);

void
tornadis_mock_plugin_register (void)
{
  tornadis_plugin_register ("mock", TORNADIS_TYPE_MOCK_PLUGIN);
}
