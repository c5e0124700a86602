/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <tornadis-glib/tornadis-glib.h>

#include "common/command-table.h"
#include "retry/retry-rules.h"

/* Repeats calls that failed for a passing reason, when they have not run or may run twice. What belongs to a transaction is
 * for those who began it to begin again. */

#define TORNADIS_TYPE_RETRY_PLUGIN (tornadis_retry_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisRetryPlugin, tornadis_retry_plugin, TORNADIS, RETRY_PLUGIN, TornadisPlugin)

struct _TornadisRetryPlugin
{
  TornadisPlugin parent_instance;

  guint max_attempts;
  guint max_time_msec; /* 0: no bound */
  guint min_delay_msec;
  guint max_delay_msec;
  gboolean retry_connect;
  char **idempotent; /* (owned) (nullable) in upper case */

  CommandTable *table; /* (owned) */
  GHashTable *clients; /* (owned) (element-type TornadisClient RetryClient) those that it is on */
  guint64 retries;
  guint64 gave_up;
};

G_DEFINE_FINAL_TYPE (TornadisRetryPlugin, tornadis_retry_plugin, TORNADIS_TYPE_PLUGIN)

/* A server that does not answer COMMAND is asked again after a second, then after twice that, up to this. */
#define MAX_ASK_INTERVAL (64 * G_TIME_SPAN_SECOND)

/* Data of a call: whether an attempt may have changed something. */
#define MAY_HAVE_RUN "tornadis-retry-may-have-run"

typedef struct
{
  gboolean knows_commands;
  gint64 ask_at; /* monotonic, 0: has not been asked yet */
  gint64 ask_interval;
} RetryClient;

typedef enum
{
  PROP_MAX_ATTEMPTS = 1,
  PROP_MAX_TIME_MSEC,
  PROP_MIN_DELAY_MSEC,
  PROP_MAX_DELAY_MSEC,
  PROP_RETRY_CONNECT,
  PROP_IDEMPOTENT,
  PROP_RETRIES,
  PROP_GAVE_UP,
} TornadisRetryPluginProperty;

static GParamSpec *props[PROP_GAVE_UP + 1];
static guint retrying_signal;

/* Asks in the background, so that the commands are known when they are needed: then there is no connection. Not within a
 * transaction, where the reply would be one more of EXEC's. */
static void
retry_learn_commands (TornadisRetryPlugin *self,
                      TornadisClient *client,
                      RetryClient *state)
{
  gint64 now;

  if (state->knows_commands || tornadis_client_is_in_transaction (client))
    return;

  now = g_get_monotonic_time ();
  if (now < state->ask_at)
    return;

  state->ask_at = now + state->ask_interval;
  state->ask_interval = MIN (2 * state->ask_interval, MAX_ASK_INTERVAL);
  state->knows_commands = command_table_is_ready (self->table, client, NULL, NULL);
}

static void
connected_cb (TornadisRetryPlugin *self,
              GParamSpec *pspec,
              TornadisClient *client)
{
  RetryClient *state = g_hash_table_lookup (self->clients, client);

  /* Nothing is sent before the first call. */
  if (state->ask_at == 0 || !tornadis_client_is_connected (client))
    return;

  state->ask_at = 0;
  retry_learn_commands (self, client, state);
}

static gboolean
tornadis_retry_plugin_attach (TornadisPlugin *plugin,
                              TornadisClient *client,
                              GError **error)
{
  TornadisRetryPlugin *self = (TornadisRetryPlugin *) plugin;
  RetryClient *state = g_new0 (RetryClient, 1);

  state->ask_interval = G_TIME_SPAN_SECOND;
  g_hash_table_insert (self->clients, client, state);
  g_signal_connect_swapped (client, "notify::connected", G_CALLBACK (connected_cb), self);

  return TRUE;
}

static void
tornadis_retry_plugin_detach (TornadisPlugin *plugin,
                              TornadisClient *client)
{
  TornadisRetryPlugin *self = (TornadisRetryPlugin *) plugin;

  g_signal_handlers_disconnect_by_func (client, connected_cb, self);
  g_hash_table_remove (self->clients, client);
}

static gboolean
tornadis_retry_plugin_call (TornadisPlugin *plugin,
                            TornadisCall *call)
{
  TornadisRetryPlugin *self = (TornadisRetryPlugin *) plugin;
  TornadisClient *client = tornadis_call_get_client (call);
  RetryClient *state = g_hash_table_lookup (self->clients, client);

  /* A plugin before this one may have held the call while this one was removed. Connecting: nothing is sent before the first
   * call. */
  if (state != NULL && !g_str_equal (tornadis_call_get_name (call), "HELLO"))
    retry_learn_commands (self, client, state);

  return FALSE;
}

static gboolean
is_one_of (const GError *error,
           guint codes)
{
  return error != NULL && error->domain == TORNADIS_ERROR && (codes & 1U << error->code) != 0;
}

#define CODE(name) (1U << TORNADIS_ERROR_##name)

/* Whether the call may be repeated after this failure. */
static gboolean
retry_is_allowed (TornadisRetryPlugin *self,
                  TornadisCall *call,
                  const GError *error)
{
  RetryRules rules = { self->table, self->idempotent };
  gboolean passing;

  if (error == NULL && tornadis_call_get_pipeline (call) == NULL)
    return FALSE;
  if (tornadis_call_is_abandoned (call) || tornadis_call_is_in_transaction (call))
    return FALSE;

  if (is_one_of (error, CODE (CONNECT)))
    passing = self->retry_connect;
  else if (is_one_of (error, CODE (LOST)))
    passing = retry_rules_may_run_twice (&rules, call);
  else
    passing = retry_rules_did_not_run (&rules, call, error);

  return passing && retry_rules_never_blocks (&rules, call);
}

/* Exponential with full jitter, so that many who lost one server do not come back in step. */
static guint
retry_choose_delay (TornadisRetryPlugin *self,
                    guint attempt)
{
  guint64 longest = MIN ((guint64) self->min_delay_msec << MIN (attempt - 1, 30), self->max_delay_msec);

  return (guint) (g_random_double () * (double) (longest + 1));
}

/* Whether the time would be up before the next attempt. */
static gboolean
retry_is_too_late (TornadisRetryPlugin *self,
                   TornadisCall *call,
                   guint delay_msec)
{
  gint64 msec = tornadis_call_get_elapsed (call) / G_TIME_SPAN_MILLISECOND + delay_msec;
  guint timeout_msec;

  g_object_get (tornadis_call_get_client (call), "call-timeout-msec", &timeout_msec, NULL);

  return (self->max_time_msec != 0 && msec >= self->max_time_msec) || (timeout_msec != 0 && msec >= timeout_msec);
}

static void
retry_begin (TornadisRetryPlugin *self,
             TornadisCall *call,
             const GError *error,
             guint delay_msec)
{
  RetryRules rules = { self->table, self->idempotent };
  /* The error of a pipeline is in its replies. */
  g_autoptr (GError) reason = error != NULL
                                ? g_error_copy (error)
                                : tornadis_reply_dup_error (tornadis_reply_get_element (tornadis_call_get_reply (call), 0));

  if (is_one_of (error, CODE (LOST)) && !retry_rules_only_reads (&rules, call))
    g_object_set_data (G_OBJECT (call), MAY_HAVE_RUN, GUINT_TO_POINTER (TRUE));

  self->retries++;
  tornadis_call_retry (call, delay_msec);
  g_signal_emit (self, retrying_signal, 0, tornadis_call_get_client (call), tornadis_call_get_name (call),
                 tornadis_call_get_attempt (call) + 1, delay_msec, reason);
}

/* The last attempt never ran, but one before it may have. */
static void
retry_end (TornadisCall *call,
           const GError *error)
{
  g_autoptr (GError) lost = NULL;

  if (g_object_get_data (G_OBJECT (call), MAY_HAVE_RUN) == NULL ||
      !is_one_of (error, CODE (CONNECT) | CODE (CLOSED) | CODE (BUSY)))
    return;

  lost = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "An attempt to make %s may have run; the last one failed: %s",
                      tornadis_call_get_name (call), error->message);
  tornadis_call_return_error (call, lost);
}

static void
tornadis_retry_plugin_call_done (TornadisPlugin *plugin,
                                 TornadisCall *call)
{
  TornadisRetryPlugin *self = (TornadisRetryPlugin *) plugin;
  g_autoptr (GError) error = tornadis_call_dup_error (call);
  guint attempt = tornadis_call_get_attempt (call);
  gboolean allowed = retry_is_allowed (self, call, error);
  guint delay_msec = allowed ? retry_choose_delay (self, attempt) : 0;

  if (allowed && attempt < self->max_attempts && !retry_is_too_late (self, call, delay_msec))
    {
      retry_begin (self, call, error, delay_msec);
      return;
    }

  self->gave_up += (guint) allowed;
  retry_end (call, error);
}

static void
retry_set_idempotent (TornadisRetryPlugin *self,
                      char **names)
{
  g_strfreev (self->idempotent);
  self->idempotent = g_strdupv (names);

  for (guint i = 0; self->idempotent != NULL && self->idempotent[i] != NULL; i++)
    {
      g_autofree char *name = self->idempotent[i];

      self->idempotent[i] = g_ascii_strup (name, -1);
    }
}

static void
tornadis_retry_plugin_get_property (GObject *object,
                                    guint prop_id,
                                    GValue *value,
                                    GParamSpec *pspec)
{
  TornadisRetryPlugin *self = (TornadisRetryPlugin *) object;

  switch ((TornadisRetryPluginProperty) prop_id)
    {
    case PROP_MAX_ATTEMPTS:
      g_value_set_uint (value, self->max_attempts);
      break;
    case PROP_MAX_TIME_MSEC:
      g_value_set_uint (value, self->max_time_msec);
      break;
    case PROP_MIN_DELAY_MSEC:
      g_value_set_uint (value, self->min_delay_msec);
      break;
    case PROP_MAX_DELAY_MSEC:
      g_value_set_uint (value, self->max_delay_msec);
      break;
    case PROP_RETRY_CONNECT:
      g_value_set_boolean (value, self->retry_connect);
      break;
    case PROP_IDEMPOTENT:
      g_value_set_boxed (value, self->idempotent);
      break;
    case PROP_RETRIES:
      g_value_set_uint64 (value, self->retries);
      break;
    case PROP_GAVE_UP:
      g_value_set_uint64 (value, self->gave_up);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_retry_plugin_set_property (GObject *object,
                                    guint prop_id,
                                    const GValue *value,
                                    GParamSpec *pspec)
{
  TornadisRetryPlugin *self = (TornadisRetryPlugin *) object;

  switch ((TornadisRetryPluginProperty) prop_id)
    {
    case PROP_MAX_ATTEMPTS:
      self->max_attempts = g_value_get_uint (value);
      break;
    case PROP_MAX_TIME_MSEC:
      self->max_time_msec = g_value_get_uint (value);
      break;
    case PROP_MIN_DELAY_MSEC:
      self->min_delay_msec = g_value_get_uint (value);
      break;
    case PROP_MAX_DELAY_MSEC:
      self->max_delay_msec = g_value_get_uint (value);
      break;
    case PROP_RETRY_CONNECT:
      self->retry_connect = g_value_get_boolean (value);
      break;
    case PROP_IDEMPOTENT:
      retry_set_idempotent (self, g_value_get_boxed (value));
      break;
    case PROP_RETRIES:
    case PROP_GAVE_UP:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_retry_plugin_finalize (GObject *object)
{
  TornadisRetryPlugin *self = (TornadisRetryPlugin *) object;

  command_table_free (self->table);
  g_hash_table_unref (self->clients);
  g_strfreev (self->idempotent);

  G_OBJECT_CLASS (tornadis_retry_plugin_parent_class)->finalize (object);
}

static void
tornadis_retry_plugin_class_init (TornadisRetryPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);
  const GParamFlags read_write = G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS;
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass),
                                         "repeats calls that failed and may be repeated, after a growing delay");
  object_class->get_property = tornadis_retry_plugin_get_property;
  object_class->set_property = tornadis_retry_plugin_set_property;
  object_class->finalize = tornadis_retry_plugin_finalize;
  plugin_class->attach = tornadis_retry_plugin_attach;
  plugin_class->detach = tornadis_retry_plugin_detach;
  plugin_class->call = tornadis_retry_plugin_call;
  plugin_class->call_done = tornadis_retry_plugin_call_done;

  /* How often a call is made, the first time included. */
  props[PROP_MAX_ATTEMPTS] = g_param_spec_uint ("max-attempts", NULL, NULL, 1, G_MAXUINT, 3, read_write);
  /* No attempt begins later than this after the call was made, in milliseconds; 0: no bound but the call timeout. */
  props[PROP_MAX_TIME_MSEC] = g_param_spec_uint ("max-time-msec", NULL, NULL, 0, G_MAXUINT, 0, read_write);
  /* The longest delay before the second attempt, in milliseconds; twice as long before each further one. Delays are chosen
   * at random between none and the longest. */
  props[PROP_MIN_DELAY_MSEC] = g_param_spec_uint ("min-delay-msec", NULL, NULL, 0, G_MAXINT, 50, read_write);
  /* The longest delay before any attempt, in milliseconds. */
  props[PROP_MAX_DELAY_MSEC] = g_param_spec_uint ("max-delay-msec", NULL, NULL, 0, G_MAXINT, 2000, read_write);
  /* Whether a call is repeated when no connection could be made. */
  props[PROP_RETRY_CONNECT] = g_param_spec_boolean ("retry-connect", NULL, NULL, TRUE, read_write);
  /* Names of commands that may run twice although they write. */
  props[PROP_IDEMPOTENT] = g_param_spec_boxed ("idempotent", NULL, NULL, G_TYPE_STRV, read_write);
  /* How many attempts were made after the first of a call, and how many calls failed although they could have had another;
   * they change without notify. */
  props[PROP_RETRIES] = g_param_spec_uint64 ("retries", NULL, NULL, 0, G_MAXUINT64, 0, read_only);
  props[PROP_GAVE_UP] = g_param_spec_uint64 ("gave-up", NULL, NULL, 0, G_MAXUINT64, 0, read_only);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);

  /* Emitted before each further attempt of a call (client, name), with its number, from 2; the delay before it, in
   * milliseconds; and why the one before failed. */
  retrying_signal = g_signal_new ("retrying", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 5,
                                  TORNADIS_TYPE_CLIENT, G_TYPE_STRING, G_TYPE_UINT, G_TYPE_UINT, G_TYPE_ERROR);
}

static void
tornadis_retry_plugin_init (TornadisRetryPlugin *self)
{
  self->table = command_table_new (TORNADIS_PLUGIN (self));
  self->clients = g_hash_table_new_full (NULL, NULL, NULL, g_free);
}

/* What the registry looks for in libtornadis-retry.so. */
G_MODULE_EXPORT void tornadis_retry_plugin_register (void);

void
tornadis_retry_plugin_register (void)
{
  tornadis_plugin_register ("retry", TORNADIS_TYPE_RETRY_PLUGIN);
}
