/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-script.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/client/tornadis-pipeline.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisScript:
 *
 * A script in Lua that the server runs.
 *
 * It is sent by its digest, with `EVALSHA`, once the server has told that; and with its source when the server does not have
 * it, as after a restart, a failover or `SCRIPT FLUSH`. So a call of it never fails because the server has forgotten it.
 *
 * ```c
 * static void
 * taken_cb (GObject *object, GAsyncResult *result, gpointer user_data)
 * {
 *   g_autoptr (GError) error = NULL;
 *   g_autoptr (TornadisReply) reply = tornadis_script_call_finish (TORNADIS_SCRIPT (object), result, &error);
 *
 *   if (reply != NULL)
 *     g_print ("%" G_GINT64_FORMAT " left\n", tornadis_reply_get_integer (reply));
 * }
 *
 * static void
 * take_two (TornadisClient *client)
 * {
 *   g_autoptr (TornadisScript) script = tornadis_script_new ("return redis.call('DECRBY', KEYS[1], ARGV[1])", 1);
 *   g_autoptr (TornadisCommand) command = tornadis_script_create_command (script, (const char *[]){ "stock", "2", NULL });
 *
 *   tornadis_script_call_async (script, TORNADIS_CALLER (client), command, NULL, taken_cb, NULL);
 * }
 * ```
 *
 * Keys come first among the arguments, [property@Tornadis.Script:n-keys] of them. A script must use no other keys: a cluster
 * finds the node by them, and each node learns of the script by itself.
 *
 * A script may be used with any number of clients and pools of one thread.
 *
 * Since: 1.0
 */

/* What a server says that does not have the script. One that a script makes up would have it run twice. */
#define NO_SCRIPT "NOSCRIPT No matching script"

/* Of EVAL and EVALSHA: the name, the source or digest, and the number of keys. */
#define N_FIXED 3

struct _TornadisScript
{
  GObject parent_instance;

  GBytes *source; /* (owned) with a NUL behind it */
  GBytes *digest; /* (owned) (nullable) likewise; as the server has told it */
  guint n_keys;
  gboolean read_only;
  gboolean loading;       /* the digest is asked for */
  TornadisCaller *loader; /* (unowned) (nullable) the last that has loaded it: one that may, as others may not */
};

G_DEFINE_FINAL_TYPE (TornadisScript, tornadis_script, G_TYPE_OBJECT)

typedef enum
{
  PROP_SOURCE = 1,
  PROP_N_KEYS,
  PROP_READ_ONLY,
  PROP_DIGEST,
} TornadisScriptProperty;

static GParamSpec *props[PROP_DIGEST + 1];

/* A call of a script, or of a pipeline with it. */
typedef struct
{
  TornadisCaller *caller;     /* (owned) */
  TornadisCommand *command;   /* (owned) (nullable) with the source */
  TornadisPipeline *pipeline; /* (owned) (nullable) likewise */
  guint n_before;             /* of the replies of the pipeline that is sent, those that nobody has asked for */
} Run;

static void
run_free (gpointer data)
{
  Run *self = data;

  g_object_unref (self->caller);
  g_clear_pointer (&self->command, tornadis_command_unref);
  g_clear_object (&self->pipeline);
  g_free (self);
}

static const char *
bytes_get_text (GBytes *bytes)
{
  return bytes != NULL ? g_bytes_get_data (bytes, NULL) : NULL;
}

static GBytes *
bytes_new_text (const char *text)
{
  gsize length = strlen (text);
  g_autoptr (GBytes) whole = g_bytes_new (text, length + 1);

  return g_bytes_new_from_bytes (whole, 0, length);
}

static TornadisCommand *
script_create_load (TornadisScript *self)
{
  TornadisCommand *command = tornadis_command_new_strv ((const char *[]){ "SCRIPT", "LOAD", NULL });

  tornadis_command_append_bytes (command, self->source);

  return command;
}

/* Whether @command is one of tornadis_script_create_command(). */
static gboolean
script_owns (TornadisScript *self,
             TornadisCommand *command)
{
  gsize n_args = tornadis_command_get_n_args (command);
  g_autofree char *n_keys = g_strdup_printf ("%u", self->n_keys);
  const guint8 *data;
  gsize length;

  if (n_args < N_FIXED + self->n_keys ||
      !g_str_equal (tornadis_command_get_name (command), self->read_only ? "EVAL_RO" : "EVAL"))
    return FALSE;

  data = tornadis_command_get_arg_data (command, 2, &length);
  if (length != strlen (n_keys) || memcmp (data, n_keys, length) != 0)
    return FALSE;

  data = tornadis_command_get_arg_data (command, 1, &length);

  return length == g_bytes_get_size (self->source) && memcmp (data, g_bytes_get_data (self->source, NULL), length) == 0;
}

/* The same with the digest. */
static TornadisCommand *
script_shorten (TornadisScript *self,
                TornadisCommand *command)
{
  TornadisCommand *shorter = tornadis_command_new (self->read_only ? "EVALSHA_RO" : "EVALSHA");
  gsize n_args = tornadis_command_get_n_args (command);

  tornadis_command_append_bytes (shorter, self->digest);
  for (gsize i = 2; i < n_args; i++)
    {
      g_autoptr (GBytes) arg = tornadis_command_get_arg (command, i);

      tornadis_command_append_bytes (shorter, arg);
    }

  return shorter;
}

static gboolean
script_take_digest (TornadisScript *self,
                    TornadisCaller *caller,
                    TornadisReply *reply)
{
  gboolean is_string = reply != NULL && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_STRING;
  const char *text = is_string ? tornadis_reply_get_text (reply) : NULL;

  if (text == NULL || *text == '\0')
    return FALSE;

  g_set_weak_pointer (&self->loader, caller);
  if (g_strcmp0 (bytes_get_text (self->digest), text) == 0)
    return TRUE;

  g_clear_pointer (&self->digest, g_bytes_unref);
  self->digest = bytes_new_text (text);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_DIGEST]);

  return TRUE;
}

static void
loaded_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (TornadisScript) self = user_data;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, NULL);

  /* Refused or lost: it goes on with the source. */
  self->loading = FALSE;
  script_take_digest (self, TORNADIS_CALLER (object), reply);
}

/* Between MULTI and EXEC, where the server says only at the end that it has no script of a digest, and answers each command. */
static gboolean
is_in_transaction (TornadisCaller *caller)
{
  return TORNADIS_IS_CLIENT (caller) && tornadis_client_is_in_transaction (TORNADIS_CLIENT (caller));
}

/* A script that is loaded stays, where one that was evaluated may have to go, since Redis 7.4. */
static void
script_load (TornadisScript *self,
             TornadisCaller *caller)
{
  g_autoptr (TornadisCommand) load = NULL;

  if (self->loading || is_in_transaction (caller))
    return;

  self->loading = TRUE;
  load = script_create_load (self);
  tornadis_caller_call_async (caller, load, NULL, loaded_cb, g_object_ref (self));
}

static void
task_return_reply (GTask *task,
                   TornadisReply *reply,
                   GError *error)
{
  if (reply != NULL)
    g_task_return_pointer (task, reply, (GDestroyNotify) tornadis_reply_unref);
  else
    g_task_return_error (task, error);
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  TornadisReply *reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  task_return_reply (task, reply, error);
}

static void
called_by_digest_cb (GObject *object,
                     GAsyncResult *result,
                     gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisScript *self = g_task_get_source_object (task);
  const Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  TornadisReply *reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  /* It would become part of a transaction that was begun meanwhile. */
  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY) && g_str_has_prefix (error->message, NO_SCRIPT) &&
      !is_in_transaction (run->caller))
    {
      g_error_free (error);
      tornadis_caller_call_async (run->caller, run->command, g_task_get_cancellable (task), called_cb, g_object_ref (task));
      script_load (self, run->caller);
      return;
    }

  task_return_reply (task, reply, error);
}

static GTask *
script_start (TornadisScript *self,
              TornadisCaller *caller,
              TornadisCommand *command,
              TornadisPipeline *pipeline,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer user_data,
              gpointer source_tag)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Run *run = g_new (Run, 1);

  *run = (Run){ g_object_ref (caller), command != NULL ? tornadis_command_ref (command) : NULL,
                pipeline != NULL ? g_object_ref (pipeline) : NULL };
  g_task_set_task_data (task, run, run_free);
  g_task_set_source_tag (task, source_tag);
  /* A reply that was read is the caller's, as of a client's call. */
  g_task_set_check_cancellable (task, FALSE);

  return task;
}

/**
 * tornadis_script_new:
 * @source: the source in Lua
 * @n_keys: how many of the arguments, from the first, are keys
 *
 * Creates a script. Nothing is sent before it is called.
 *
 * Returns: (transfer full): a new script
 *
 * Since: 1.0
 */
TornadisScript *
tornadis_script_new (const char *source,
                     guint n_keys)
{
  g_return_val_if_fail (source != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_SCRIPT, "source", source, "n-keys", n_keys, NULL);
}

/**
 * tornadis_script_get_source: (get-property source)
 * @self: a script
 *
 * Gets the source.
 *
 * Returns: the source in Lua
 *
 * Since: 1.0
 */
const char *
tornadis_script_get_source (TornadisScript *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCRIPT (self), NULL);

  return bytes_get_text (self->source);
}

/**
 * tornadis_script_get_n_keys: (get-property n-keys)
 * @self: a script
 *
 * Gets how many keys it takes.
 *
 * Returns: the number of keys
 *
 * Since: 1.0
 */
guint
tornadis_script_get_n_keys (TornadisScript *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCRIPT (self), 0);

  return self->n_keys;
}

/**
 * tornadis_script_get_read_only: (get-property read-only)
 * @self: a script
 *
 * Gets whether it only reads.
 *
 * Returns: %TRUE if it is called by `EVALSHA_RO`
 *
 * Since: 1.0
 */
gboolean
tornadis_script_get_read_only (TornadisScript *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCRIPT (self), FALSE);

  return self->read_only;
}

/**
 * tornadis_script_get_digest: (get-property digest)
 * @self: a script
 *
 * Gets the name that the server has given to the script.
 *
 * Returns: (nullable): the digest, or %NULL before a server has told it
 *
 * Since: 1.0
 */
const char *
tornadis_script_get_digest (TornadisScript *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCRIPT (self), NULL);

  return bytes_get_text (self->digest);
}

/**
 * tornadis_script_create_command:
 * @self: a script
 * @arguments: (array zero-terminated=1) (nullable): the keys and then other arguments, as text
 *
 * Creates the command that calls the script, for [method@Tornadis.Script.call_async]. More arguments may be appended to it, of
 * any bytes.
 *
 * It is `EVAL` with the source, which is right to send by itself as well, in a pipeline or a transaction for instance.
 *
 * Returns: (transfer full): a new command
 *
 * Since: 1.0
 */
TornadisCommand *
tornadis_script_create_command (TornadisScript *self,
                                const char *const *arguments)
{
  TornadisCommand *command;

  g_return_val_if_fail (TORNADIS_IS_SCRIPT (self), NULL);

  command = tornadis_command_new (self->read_only ? "EVAL_RO" : "EVAL");
  tornadis_command_append_bytes (command, self->source);
  tornadis_command_append_int64 (command, self->n_keys);
  for (guint i = 0; arguments != NULL && arguments[i] != NULL; i++)
    tornadis_command_append_string (command, arguments[i]);

  return command;
}

/**
 * tornadis_script_call_async:
 * @self: a script
 * @caller: a client or a pool
 * @command: a command of [method@Tornadis.Script.create_command]; it cannot be changed any more
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the reply is there or the call has failed
 * @user_data: passed to @callback
 *
 * Calls the script: by its digest, or with its source when this is not known yet, or not to the server.
 *
 * In a transaction that was begun by hand (`MULTI`) it goes with its source. One that is begun while the call is under way leaves
 * it with the server's `NOSCRIPT`, if that does not have the script.
 *
 * An error that the script raises, and that is not for want of the script, does not have it run again.
 *
 * Since: 1.0
 */
void
tornadis_script_call_async (TornadisScript *self,
                            TornadisCaller *caller,
                            TornadisCommand *command,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (TornadisCommand) shorter = NULL;

  g_return_if_fail (TORNADIS_IS_SCRIPT (self));
  g_return_if_fail (TORNADIS_IS_CALLER (caller));
  g_return_if_fail (command != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = script_start (self, caller, command, NULL, cancellable, callback, user_data, tornadis_script_call_async);
  if (!script_owns (self, command))
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE,
                               "%s is no command of this script, with its %u keys: tornadis_script_create_command() makes one",
                               tornadis_command_get_name (command), self->n_keys);
      return;
    }

  if (self->digest != NULL && !is_in_transaction (caller))
    {
      shorter = script_shorten (self, command);
      tornadis_caller_call_async (caller, shorter, cancellable, called_by_digest_cb, g_object_ref (task));
    }
  else
    {
      tornadis_caller_call_async (caller, command, cancellable, called_cb, g_object_ref (task));
      script_load (self, caller);
    }
}

/**
 * tornadis_script_call_finish:
 * @self: a script
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes a call started with [method@Tornadis.Script.call_async], and gets its reply. Errors are those of
 * [method@Tornadis.Client.call_finish]; what the script raises is %TORNADIS_ERROR_REPLY.
 *
 * Returns: (transfer full): the reply
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_script_call_finish (TornadisScript *self,
                             GAsyncResult *result,
                             GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_SCRIPT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
pipeline_called_cb (GObject *object,
                    GAsyncResult *result,
                    gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_pipeline_finish (TORNADIS_CALLER (object), result, &error);
  gsize n = reply != NULL ? tornadis_reply_get_n_elements (reply) : 0;
  g_autofree TornadisReply **wanted = NULL;

  if (reply != NULL && run->n_before > 0 && n > run->n_before)
    {
      wanted = g_new (TornadisReply *, n);
      for (gsize i = run->n_before; i < n; i++)
        wanted[i - run->n_before] = tornadis_reply_get_element (reply, i);
      task_return_reply (task, tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, wanted, n - run->n_before), NULL);
      return;
    }

  task_return_reply (task, g_steal_pointer (&reply), error);
}

/* A transaction runs on one node at one time: its first call of the script is with the source, by which all others know it. In
 * another pipeline each command may go to a node of its own, and the script first, to all of them. */
static void
script_send_pipeline (TornadisScript *self,
                      GTask *task)
{
  Run *run = g_task_get_task_data (task);
  gboolean atomic = tornadis_pipeline_get_atomic (run->pipeline);
  guint n_commands = tornadis_pipeline_get_number_of_stacked_calls (run->pipeline);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  guint n_own = 0;

  tornadis_pipeline_set_atomic (pipeline, atomic);
  if (!atomic)
    {
      g_autoptr (TornadisCommand) load = script_create_load (self);

      tornadis_pipeline_stack_command (pipeline, load);
      run->n_before = 1;
    }

  for (guint i = 0; i < n_commands; i++)
    {
      TornadisCommand *command = tornadis_pipeline_get_command (run->pipeline, i);
      g_autoptr (TornadisCommand) shorter = NULL;

      if (script_owns (self, command) && (n_own++ > 0 || !atomic))
        shorter = script_shorten (self, command);
      tornadis_pipeline_stack_command (pipeline, shorter != NULL ? shorter : command);
    }

  tornadis_caller_call_pipeline_async (run->caller, pipeline, g_task_get_cancellable (task), pipeline_called_cb,
                                       g_object_ref (task));
}

static void
loaded_for_pipeline_cb (GObject *object,
                        GAsyncResult *result,
                        gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TornadisScript *self = g_task_get_source_object (task);
  GError *error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
    {
      const Run *run = g_task_get_task_data (task);

      /* Who may not load it sends the source each time. */
      g_error_free (error);
      tornadis_caller_call_pipeline_async (run->caller, run->pipeline, g_task_get_cancellable (task), pipeline_called_cb,
                                           g_object_ref (task));
    }
  else if (reply == NULL)
    g_task_return_error (task, error);
  else if (!script_take_digest (self, TORNADIS_CALLER (object), reply))
    g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "SCRIPT LOAD: the reply is no digest");
  else
    script_send_pipeline (self, task);
}

/**
 * tornadis_script_call_pipeline_async:
 * @self: a script
 * @caller: a client or a pool
 * @pipeline: commands, any number of which are of [method@Tornadis.Script.create_command]
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when the replies are there or the call has failed
 * @user_data: passed to @callback
 *
 * Calls a pipeline in which the script is called more than once, with its source sent once.
 *
 * The script goes first, so that the server has it when its calls come, and those are by its digest. If @caller was not the last
 * to load it, the server is asked for the digest before the pipeline is sent; who may not load scripts sends the source with each
 * call. With less than two calls of the script, and for other scripts among the commands, it is as
 * [method@Tornadis.Client.call_pipeline_async].
 *
 * Since: 1.0
 */
void
tornadis_script_call_pipeline_async (TornadisScript *self,
                                     TornadisCaller *caller,
                                     TornadisPipeline *pipeline,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (TornadisPipeline) copy = NULL;
  g_autoptr (TornadisCommand) load = NULL;
  guint n_commands;
  guint n_own = 0;

  g_return_if_fail (TORNADIS_IS_SCRIPT (self));
  g_return_if_fail (TORNADIS_IS_CALLER (caller));
  g_return_if_fail (TORNADIS_IS_PIPELINE (pipeline));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  /* What is sent are the commands that it has now. */
  copy = tornadis_pipeline_new ();
  tornadis_pipeline_set_atomic (copy, tornadis_pipeline_get_atomic (pipeline));
  n_commands = tornadis_pipeline_get_number_of_stacked_calls (pipeline);
  for (guint i = 0; i < n_commands; i++)
    {
      TornadisCommand *command = tornadis_pipeline_get_command (pipeline, i);

      n_own += script_owns (self, command);
      tornadis_pipeline_stack_command (copy, command);
    }

  task = script_start (self, caller, NULL, copy, cancellable, callback, user_data, tornadis_script_call_pipeline_async);
  if (n_own < 2 || is_in_transaction (caller))
    {
      tornadis_caller_call_pipeline_async (caller, copy, cancellable, pipeline_called_cb, g_object_ref (task));
    }
  else if (self->loader != caller)
    {
      load = script_create_load (self);
      tornadis_caller_call_async (caller, load, cancellable, loaded_for_pipeline_cb, g_object_ref (task));
    }
  else
    {
      script_send_pipeline (self, task);
    }
}

/**
 * tornadis_script_call_pipeline_finish:
 * @self: a script
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes a call started with [method@Tornadis.Script.call_pipeline_async], and gets its replies, as
 * [method@Tornadis.Client.call_pipeline_finish]: one for each command of the pipeline.
 *
 * Returns: (transfer full): the replies
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_script_call_pipeline_finish (TornadisScript *self,
                                      GAsyncResult *result,
                                      GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_SCRIPT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
tornadis_script_get_property (GObject *object,
                              guint prop_id,
                              GValue *value,
                              GParamSpec *pspec)
{
  TornadisScript *self = TORNADIS_SCRIPT (object);

  switch ((TornadisScriptProperty) prop_id)
    {
    case PROP_SOURCE:
      g_value_set_string (value, bytes_get_text (self->source));
      break;
    case PROP_N_KEYS:
      g_value_set_uint (value, self->n_keys);
      break;
    case PROP_READ_ONLY:
      g_value_set_boolean (value, self->read_only);
      break;
    case PROP_DIGEST:
      g_value_set_string (value, bytes_get_text (self->digest));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_script_set_property (GObject *object,
                              guint prop_id,
                              const GValue *value,
                              GParamSpec *pspec)
{
  TornadisScript *self = TORNADIS_SCRIPT (object);
  const char *source;

  switch ((TornadisScriptProperty) prop_id)
    {
    case PROP_SOURCE:
      source = g_value_get_string (value);
      self->source = bytes_new_text (source != NULL ? source : "");
      break;
    case PROP_N_KEYS:
      self->n_keys = g_value_get_uint (value);
      break;
    case PROP_READ_ONLY:
      self->read_only = g_value_get_boolean (value);
      break;
    case PROP_DIGEST:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_script_finalize (GObject *object)
{
  TornadisScript *self = TORNADIS_SCRIPT (object);

  g_clear_weak_pointer (&self->loader);
  g_bytes_unref (self->source);
  g_clear_pointer (&self->digest, g_bytes_unref);

  G_OBJECT_CLASS (tornadis_script_parent_class)->finalize (object);
}

static void
tornadis_script_class_init (TornadisScriptClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tornadis_script_get_property;
  object_class->set_property = tornadis_script_set_property;
  object_class->finalize = tornadis_script_finalize;

  /**
   * TornadisScript:source: (getter get_source)
   *
   * The source in Lua.
   *
   * Since: 1.0
   */
  props[PROP_SOURCE] =
    g_param_spec_string ("source", NULL, NULL, "",
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisScript:n-keys: (getter get_n_keys)
   *
   * How many of the arguments, from the first, are keys.
   *
   * Since: 1.0
   */
  props[PROP_N_KEYS] =
    g_param_spec_uint ("n-keys", NULL, NULL, 0, G_MAXUINT16, 0,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisScript:read-only: (getter get_read_only)
   *
   * Whether it only reads, and so may run on a replica: it is called by `EVALSHA_RO` and `EVAL_RO`, which servers have since
   * Redis 7.0 and which refuse to write.
   *
   * Since: 1.0
   */
  props[PROP_READ_ONLY] =
    g_param_spec_boolean ("read-only", NULL, NULL, FALSE,
                          G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisScript:digest: (getter get_digest)
   *
   * The name that the server has given to the script, once it has told it.
   *
   * Since: 1.0
   */
  props[PROP_DIGEST] =
    g_param_spec_string ("digest", NULL, NULL, NULL,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_script_init (TornadisScript *self)
{
}
