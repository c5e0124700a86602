/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gmodule.h>
#include <string.h>

#include "common/command-table.h"
#include "common/commands.h"
#include "key-prefix/key-prefix-transaction.h"

/* Puts a prefix before the keys of all commands, and takes it off the names of keys in replies, so that each of many
 * applications sees a server of its own. Where keys are is what the server says in reply to COMMAND; the calls wait until
 * it has. */

#define TORNADIS_TYPE_KEY_PREFIX_PLUGIN (tornadis_key_prefix_plugin_get_type ())
G_DECLARE_FINAL_TYPE (TornadisKeyPrefixPlugin, tornadis_key_prefix_plugin, TORNADIS, KEY_PREFIX_PLUGIN, TornadisPlugin)

/* How often RANDOMKEY is asked for a key with the prefix. */
#define MAX_TRIES 20
/* How many names of commands that the server does not know are remembered. */
#define MAX_UNKNOWN 1000

struct _TornadisKeyPrefixPlugin
{
  TornadisPlugin parent_instance;

  GBytes *prefix;           /* (owned) (nullable) NULL when it is empty */
  CommandTable *table;      /* (owned) */
  GHashTable *calls;        /* (owned) (element-type TornadisCall CallState) the calls unowned, until call_done */
  GHashTable *waiting;      /* (owned) (element-type TornadisClient Waiting) the clients unowned */
  GHashTable *transactions; /* (owned) (element-type TornadisClient KeyTransaction) from attach to detach */
  GHashTable *unknown;      /* (owned) (element-type utf8) titles and commands that were looked for again */
  GArray *positions;        /* (owned) (element-type guint) scratch */
};

G_DEFINE_FINAL_TYPE (TornadisKeyPrefixPlugin, tornadis_key_prefix_plugin, TORNADIS_TYPE_PLUGIN)

typedef enum
{
  PROP_PREFIX = 1,
} TornadisKeyPrefixPluginProperty;

static GParamSpec *props[PROP_PREFIX + 1];

/* A call in flight. Its command or pipeline is restored when it is done: another attempt that a plugin before this one
 * asks for begins with what the caller sent. */
typedef struct
{
  GBytes *prefix;             /* (owned) (nullable) NULL while it waits */
  TornadisCommand *command;   /* (owned) (nullable) the caller's, when it was replaced */
  TornadisPipeline *pipeline; /* (owned) (nullable) the caller's, when it was replaced */
  KeyRole role;               /* of a command */
  GByteArray *roles;          /* (owned) (nullable) of a pipeline, KeyRole each */
} CallState;

/* The calls of a client that wait for the table. */
typedef struct
{
  TornadisKeyPrefixPlugin *self; /* (unowned) */
  TornadisClient *client;        /* (unowned) the calls hold it */
  GPtrArray *calls;              /* (owned) (element-type TornadisCall) */
} Waiting;

/* A RANDOMKEY whose reply has to have the prefix. */
typedef struct
{
  TornadisKeyPrefixPlugin *self; /* (owned) */
  TornadisCall *call;            /* (owned) waits for it */
  guint tries;
} RandomKey;

static void
call_state_free (gpointer data)
{
  CallState *state = data;

  g_clear_pointer (&state->prefix, g_bytes_unref);
  g_clear_pointer (&state->command, tornadis_command_unref);
  g_clear_object (&state->pipeline);
  g_clear_pointer (&state->roles, g_byte_array_unref);
  g_free (state);
}

static void
waiting_free (gpointer data)
{
  Waiting *waiting = data;

  g_ptr_array_unref (waiting->calls);
  g_free (waiting);
}

static void
random_key_free (gpointer data)
{
  RandomKey *random_key = data;

  g_object_unref (random_key->call);
  g_object_unref (random_key->self);
  g_free (random_key);
}

static CallState *
plugin_add_state (TornadisKeyPrefixPlugin *self,
                  TornadisCall *call,
                  KeyRole role)
{
  CallState *state = g_new0 (CallState, 1);

  state->prefix = g_bytes_ref (self->prefix);
  state->role = role;
  g_hash_table_replace (self->calls, call, state);

  return state;
}

/* Whether COMMAND would be queued for EXEC: after WATCH alone it is not. */
static gboolean
plugin_may_be_in_multi (TornadisKeyPrefixPlugin *self,
                        TornadisClient *client)
{
  KeyTransaction *transaction = g_hash_table_lookup (self->transactions, client);

  return tornadis_client_is_in_transaction (client) &&
         (transaction == NULL || key_transaction_is_begun (transaction) || !tornadis_client_is_session_settled (client));
}

/* Whether the table is worth another look for a command that it does not have: a module may have been loaded. */
static gboolean
plugin_looks_again (TornadisKeyPrefixPlugin *self,
                    TornadisClient *client,
                    TornadisCommand *command)
{
  g_autofree char *title = NULL;

  if (plugin_may_be_in_multi (self, client) || g_hash_table_size (self->unknown) >= MAX_UNKNOWN)
    return FALSE;

  g_object_get (client, "title", &title, NULL);
  return g_hash_table_add (self->unknown, g_strconcat (title, " ", tornadis_command_get_name (command), NULL));
}

typedef enum
{
  OUTCOME_DONE,
  OUTCOME_FAILED,
  OUTCOME_LOOK_AGAIN,
} Outcome;

/* @changed (out) (transfer full) is the command with the prefix, or the command itself. */
static Outcome
plugin_add_prefix (TornadisKeyPrefixPlugin *self,
                   TornadisClient *client,
                   TornadisCommand *command,
                   KeyRole role,
                   TornadisCommand **changed,
                   GError **error)
{
  GError *local_error = NULL;

  g_array_set_size (self->positions, 0);
  if (!command_table_find_keys (self->table, client, command, self->positions, &local_error))
    {
      if (command_table_lookup (self->table, client, command, NULL))
        {
          g_propagate_error (error, local_error);
          return OUTCOME_FAILED;
        }

      g_error_free (local_error);
      if (plugin_looks_again (self, client, command))
        return OUTCOME_LOOK_AGAIN;
      *changed = tornadis_command_ref (command);
      return OUTCOME_DONE;
    }

  *changed = key_prefix_add (self->prefix, role, command, self->positions, error);
  return *changed != NULL ? OUTCOME_DONE : OUTCOME_FAILED;
}

static Outcome
plugin_change_command (TornadisKeyPrefixPlugin *self,
                       TornadisCall *call,
                       KeyRole role,
                       GError **error)
{
  TornadisClient *client = tornadis_call_get_client (call);
  TornadisCommand *command = tornadis_call_get_command (call);
  g_autoptr (TornadisCommand) changed = NULL;
  Outcome outcome = plugin_add_prefix (self, client, command, role, &changed, error);

  if (outcome != OUTCOME_DONE || (changed == command && role == KEY_ROLE_PLAIN))
    return outcome;

  if (changed != command)
    {
      plugin_add_state (self, call, role)->command = tornadis_command_ref (command);
      tornadis_call_set_command (call, changed);
      return OUTCOME_DONE;
    }

  plugin_add_state (self, call, role);
  return OUTCOME_DONE;
}

static Outcome
plugin_change_pipeline (TornadisKeyPrefixPlugin *self,
                        TornadisCall *call,
                        GError **error)
{
  TornadisClient *client = tornadis_call_get_client (call);
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);
  g_autoptr (TornadisPipeline) changed = tornadis_pipeline_new ();
  g_autoptr (GByteArray) roles = g_byte_array_new ();
  CallState *state;

  tornadis_pipeline_set_atomic (changed, tornadis_pipeline_get_atomic (pipeline));
  for (guint i = 0; i < tornadis_pipeline_get_number_of_stacked_calls (pipeline); i++)
    {
      TornadisCommand *command = tornadis_pipeline_get_command (pipeline, i);
      guint8 role = (guint8) key_prefix_get_role (command);
      g_autoptr (TornadisCommand) changed_command = NULL;
      Outcome outcome = plugin_add_prefix (self, client, command, (KeyRole) role, &changed_command, error);

      if (outcome != OUTCOME_DONE)
        return outcome;
      tornadis_pipeline_stack_command (changed, changed_command);
      g_byte_array_append (roles, &role, 1);
    }

  state = plugin_add_state (self, call, KEY_ROLE_PLAIN);
  state->pipeline = g_object_ref (pipeline);
  state->roles = g_steal_pointer (&roles);
  tornadis_call_set_pipeline (call, changed);

  return OUTCOME_DONE;
}

static void random_key_ask (RandomKey *random_key);

static void
random_key_cb (TornadisClient *client,
               TornadisReply *reply,
               GError *error,
               gpointer user_data)
{
  RandomKey *random_key = user_data;
  CallState *state = g_hash_table_lookup (random_key->self->calls, random_key->call);

  if (state == NULL)
    random_key_free (random_key); /* the caller does not wait any more */
  else if (error == NULL && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_STRING &&
           !key_prefix_is_named (state->prefix, reply) && ++random_key->tries < MAX_TRIES)
    random_key_ask (random_key);
  else
    {
      if (error != NULL)
        tornadis_call_return_error (random_key->call, error);
      else
        tornadis_call_return_reply (random_key->call, reply);
      random_key_free (random_key);
    }
}

static void
random_key_ask (RandomKey *random_key)
{
  tornadis_plugin_submit (TORNADIS_PLUGIN (random_key->self), tornadis_call_get_client (random_key->call),
                          tornadis_call_get_command (random_key->call), random_key_cb, random_key, NULL);
}

static void
plugin_begin_random_key (TornadisKeyPrefixPlugin *self,
                         TornadisCall *call)
{
  RandomKey *random_key = g_new0 (RandomKey, 1);

  random_key->self = g_object_ref (self);
  random_key->call = g_object_ref (call);
  random_key_ask (random_key);
}

static void ready_cb (const GError *error,
                      gpointer user_data);

static void
plugin_hold (TornadisKeyPrefixPlugin *self,
             TornadisCall *call)
{
  TornadisClient *client = tornadis_call_get_client (call);
  Waiting *waiting = g_hash_table_lookup (self->waiting, client);

  if (waiting == NULL)
    {
      waiting = g_new (Waiting, 1);
      waiting->self = self;
      waiting->client = client;
      waiting->calls = g_ptr_array_new_with_free_func (g_object_unref);
      g_hash_table_insert (self->waiting, client, waiting);
      command_table_is_ready (self->table, client, ready_cb, waiting);
    }

  g_ptr_array_add (waiting->calls, g_object_ref (call));
  g_hash_table_replace (self->calls, call, g_new0 (CallState, 1));
}

/* TRUE when the call is held, or has failed. */
static gboolean
plugin_begin (TornadisKeyPrefixPlugin *self,
              TornadisCall *call)
{
  TornadisClient *client = tornadis_call_get_client (call);
  TornadisCommand *command = tornadis_call_get_command (call);
  g_autoptr (GError) error = NULL;
  KeyRole role = KEY_ROLE_PLAIN;
  Outcome outcome;

  if (self->prefix == NULL)
    return FALSE;

  if (command != NULL)
    role = key_prefix_get_role (command);
  if (role == KEY_ROLE_AUTH)
    return FALSE;

  if ((g_hash_table_size (self->waiting) > 0 && g_hash_table_contains (self->waiting, client)) ||
      !command_table_is_ready (self->table, client, NULL, NULL))
    {
      plugin_hold (self, call);
      return TRUE;
    }

  outcome = command != NULL ? plugin_change_command (self, call, role, &error) : plugin_change_pipeline (self, call, &error);
  switch (outcome)
    {
    case OUTCOME_FAILED:
      tornadis_call_return_error (call, error);
      return TRUE;
    case OUTCOME_LOOK_AGAIN:
      command_table_forget (self->table, client);
      plugin_hold (self, call);
      return TRUE;
    case OUTCOME_DONE:
    default:
      break;
    }

  if (role != KEY_ROLE_RANDOMKEY)
    return FALSE;

  plugin_begin_random_key (self, call);
  return TRUE;
}

/* The error for the callers. None of their calls has run, which some errors say already. */
static GError *
make_failure (const GError *error)
{
  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT) ||
      g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION) ||
      g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED))
    return g_error_copy (error);

  return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The server does not say where keys are: %s", error->message);
}

static void
ready_cb (const GError *error,
          gpointer user_data)
{
  Waiting *waiting = user_data;
  g_autoptr (TornadisKeyPrefixPlugin) self = g_object_ref (waiting->self);
  g_autoptr (GError) failure = error != NULL ? make_failure (error) : NULL;
  g_autoptr (GPtrArray) calls = g_ptr_array_ref (waiting->calls);

  g_hash_table_remove (self->waiting, waiting->client);

  for (guint i = 0; i < calls->len; i++)
    {
      TornadisCall *call = g_ptr_array_index (calls, i);

      /* Not one that has completed meanwhile. */
      if (!g_hash_table_remove (self->calls, call))
        continue;

      if (failure != NULL)
        tornadis_call_return_error (call, failure);
      else if (!plugin_begin (self, call))
        tornadis_call_proceed (call);
    }
}

static gboolean
tornadis_key_prefix_plugin_call (TornadisPlugin *plugin,
                                 TornadisCall *call)
{
  return plugin_begin ((TornadisKeyPrefixPlugin *) plugin, call);
}

static void
tornadis_key_prefix_plugin_call_done (TornadisPlugin *plugin,
                                      TornadisCall *call)
{
  TornadisKeyPrefixPlugin *self = (TornadisKeyPrefixPlugin *) plugin;
  TornadisReply *reply = tornadis_call_get_reply (call);
  KeyTransaction *transaction = g_hash_table_lookup (self->transactions, tornadis_call_get_client (call));
  g_autoptr (TornadisReply) read = NULL;
  CallState *state;

  /* Its replies are none of those to single commands. */
  if (transaction != NULL && call_is_atomic (call))
    {
      key_transaction_end (transaction);
      transaction = NULL;
    }

  if (!g_hash_table_steal_extended (self->calls, call, NULL, (gpointer *) &state))
    {
      if (transaction != NULL)
        key_transaction_follow (transaction, KEY_ROLE_PLAIN, reply);
      return;
    }

  if (state->command != NULL)
    tornadis_call_set_command (call, state->command);
  if (state->pipeline != NULL)
    tornadis_call_set_pipeline (call, state->pipeline);

  if (reply == NULL && transaction != NULL)
    key_transaction_follow (transaction, state->role, NULL);
  else if (reply != NULL && state->roles != NULL)
    read = key_transaction_read_all (transaction, state->prefix, state->roles, reply);
  else if (reply != NULL)
    read = key_transaction_read (transaction, state->prefix, state->role, reply);

  if (read != NULL && read != reply)
    tornadis_call_return_reply (call, read);
  call_state_free (state);
}

/* A plugin before this one that chooses a server by the keys would choose it by those without the prefix. */
static gboolean
plugin_check_outer (TornadisClient *client,
                    GError **error)
{
  GListModel *plugins = tornadis_client_get_plugins (client);

  for (guint i = 0; i < g_list_model_get_n_items (plugins); i++)
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (plugins, i);

      if (TORNADIS_PLUGIN_GET_CLASS (plugin)->route == NULL)
        continue;

      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                   "key-prefix has to stand before %s, which chooses servers by the keys: name it in the URI, as in "
                   "?plugins=key-prefix",
                   G_OBJECT_TYPE_NAME (plugin));
      return FALSE;
    }

  return TRUE;
}

static gboolean
tornadis_key_prefix_plugin_attach (TornadisPlugin *plugin,
                                   TornadisClient *client,
                                   GError **error)
{
  TornadisKeyPrefixPlugin *self = (TornadisKeyPrefixPlugin *) plugin;

  if (g_hash_table_contains (self->transactions, client))
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The client has this prefix already");
      return FALSE;
    }

  if (!plugin_check_outer (client, error))
    return FALSE;

  g_hash_table_insert (self->transactions, client, key_transaction_new ());
  return TRUE;
}

static void
tornadis_key_prefix_plugin_detach (TornadisPlugin *plugin,
                                   TornadisClient *client)
{
  g_hash_table_remove (((TornadisKeyPrefixPlugin *) plugin)->transactions, client);
}

static void
tornadis_key_prefix_plugin_get_property (GObject *object,
                                         guint prop_id,
                                         GValue *value,
                                         GParamSpec *pspec)
{
  GBytes *prefix = ((TornadisKeyPrefixPlugin *) object)->prefix;

  switch ((TornadisKeyPrefixPluginProperty) prop_id)
    {
    case PROP_PREFIX:
      g_value_take_string (value, prefix != NULL ? g_strndup (g_bytes_get_data (prefix, NULL), g_bytes_get_size (prefix))
                                                 : g_strdup (""));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_key_prefix_plugin_set_property (GObject *object,
                                         guint prop_id,
                                         const GValue *value,
                                         GParamSpec *pspec)
{
  TornadisKeyPrefixPlugin *self = (TornadisKeyPrefixPlugin *) object;
  const char *prefix = g_value_get_string (value);

  switch ((TornadisKeyPrefixPluginProperty) prop_id)
    {
    case PROP_PREFIX:
      g_clear_pointer (&self->prefix, g_bytes_unref);
      if (prefix != NULL && prefix[0] != '\0')
        self->prefix = g_bytes_new (prefix, strlen (prefix));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_key_prefix_plugin_finalize (GObject *object)
{
  TornadisKeyPrefixPlugin *self = (TornadisKeyPrefixPlugin *) object;

  g_clear_pointer (&self->prefix, g_bytes_unref);
  command_table_free (self->table);
  g_hash_table_unref (self->calls);
  g_hash_table_unref (self->waiting);
  g_hash_table_unref (self->transactions);
  g_hash_table_unref (self->unknown);
  g_array_unref (self->positions);

  G_OBJECT_CLASS (tornadis_key_prefix_plugin_parent_class)->finalize (object);
}

static void
tornadis_key_prefix_plugin_class_init (TornadisKeyPrefixPluginClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  TornadisPluginClass *plugin_class = TORNADIS_PLUGIN_CLASS (klass);

  tornadis_plugin_class_set_description (TORNADIS_PLUGIN_CLASS (klass),
                                         "puts a prefix before every key, and takes it off the names of keys in replies");
  object_class->get_property = tornadis_key_prefix_plugin_get_property;
  object_class->set_property = tornadis_key_prefix_plugin_set_property;
  object_class->finalize = tornadis_key_prefix_plugin_finalize;
  plugin_class->attach = tornadis_key_prefix_plugin_attach;
  plugin_class->detach = tornadis_key_prefix_plugin_detach;
  plugin_class->call = tornadis_key_prefix_plugin_call;
  plugin_class->call_done = tornadis_key_prefix_plugin_call_done;

  /* The text before every key; with an empty one, the default, the plugin does nothing. Calls in flight keep the one that
   * they began with. */
  props[PROP_PREFIX] =
    g_param_spec_string ("prefix", NULL, NULL, "", G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_key_prefix_plugin_init (TornadisKeyPrefixPlugin *self)
{
  self->table = command_table_new (TORNADIS_PLUGIN (self));
  self->calls = g_hash_table_new_full (NULL, NULL, NULL, call_state_free);
  self->waiting = g_hash_table_new_full (NULL, NULL, NULL, waiting_free);
  self->transactions = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) key_transaction_free);
  self->unknown = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->positions = g_array_new (FALSE, FALSE, sizeof (guint));
}

/* What the registry looks for in libtornadis-key-prefix.so. */
G_MODULE_EXPORT void tornadis_key_prefix_plugin_register (void);

void
tornadis_key_prefix_plugin_register (void)
{
  tornadis_plugin_register ("key-prefix", TORNADIS_TYPE_KEY_PREFIX_PLUGIN);
}
