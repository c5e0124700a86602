/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-pipeline-private.h"
#include "tornadis-glib/client/tornadis-pipeline.h"

#include "tornadis-glib/values/tornadis-command-private.h"

/**
 * TornadisPipeline:
 *
 * A list of commands that are sent as one.
 *
 * Commands are stacked, that is appended, then sent with [method@Tornadis.Client.call_pipeline_async], which gives one
 * reply for each, in order. No other command comes between them. With [property@Tornadis.Pipeline:atomic] they are a
 * transaction: the server runs all of them or none.
 *
 * A pipeline may be sent any number of times, to any client, and changed while it is in flight: what is sent are the
 * commands that it had when it was sent.
 *
 * Equivalent of tornadis' `Pipeline`.
 *
 * Since: 1.0
 */

/* An array grows by copying it, which for this many costs more than the room. */
#define USUAL_LENGTH 128

struct _TornadisPipeline
{
  GObject parent_instance;

  GPtrArray *commands; /* (owned) (element-type TornadisCommand) */
  gboolean shared;     /* somebody may hold a reference to @commands: copied before it is changed */
  gboolean atomic;
};

G_DEFINE_FINAL_TYPE (TornadisPipeline, tornadis_pipeline, G_TYPE_OBJECT)

typedef enum
{
  PROP_NUMBER_OF_STACKED_CALLS = 1,
  PROP_ATOMIC,
} TornadisPipelineProperty;

static GParamSpec *props[PROP_ATOMIC + 1];

static void
tornadis_pipeline_get_property (GObject *object,
                                guint prop_id,
                                GValue *value,
                                GParamSpec *pspec)
{
  TornadisPipeline *self = TORNADIS_PIPELINE (object);

  switch ((TornadisPipelineProperty) prop_id)
    {
    case PROP_NUMBER_OF_STACKED_CALLS:
      g_value_set_uint (value, self->commands->len);
      break;
    case PROP_ATOMIC:
      g_value_set_boolean (value, self->atomic);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_pipeline_set_property (GObject *object,
                                guint prop_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  switch ((TornadisPipelineProperty) prop_id)
    {
    case PROP_ATOMIC:
      tornadis_pipeline_set_atomic (TORNADIS_PIPELINE (object), g_value_get_boolean (value));
      break;
    case PROP_NUMBER_OF_STACKED_CALLS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_pipeline_finalize (GObject *object)
{
  g_ptr_array_unref (TORNADIS_PIPELINE (object)->commands);

  G_OBJECT_CLASS (tornadis_pipeline_parent_class)->finalize (object);
}

static void
tornadis_pipeline_class_init (TornadisPipelineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tornadis_pipeline_get_property;
  object_class->set_property = tornadis_pipeline_set_property;
  object_class->finalize = tornadis_pipeline_finalize;

  /**
   * TornadisPipeline:number-of-stacked-calls: (getter get_number_of_stacked_calls)
   *
   * How many commands are stacked.
   *
   * Equivalent of tornadis' `Pipeline.number_of_stacked_calls`.
   *
   * Since: 1.0
   */
  props[PROP_NUMBER_OF_STACKED_CALLS] =
    g_param_spec_uint ("number-of-stacked-calls", NULL, NULL, 0, G_MAXUINT, 0,
                       G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisPipeline:atomic: (getter get_atomic) (setter set_atomic)
   *
   * Whether the commands are sent between `MULTI` and `EXEC`.
   *
   * Since: 1.0
   */
  props[PROP_ATOMIC] =
    g_param_spec_boolean ("atomic", NULL, NULL, FALSE,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static GPtrArray *
command_array_new (void)
{
  return g_ptr_array_new_full (USUAL_LENGTH, (GDestroyNotify) tornadis_command_unref);
}

static void
tornadis_pipeline_init (TornadisPipeline *self)
{
  self->commands = command_array_new ();
}

GPtrArray *
tornadis_pipeline_peek_commands (TornadisPipeline *self)
{
  self->shared = TRUE;
  return self->commands;
}

TornadisPipeline *
tornadis_pipeline_new_shared (GPtrArray *commands,
                              gboolean atomic)
{
  TornadisPipeline *self = tornadis_pipeline_new ();

  g_ptr_array_unref (self->commands);
  self->commands = g_ptr_array_ref (commands);
  self->shared = TRUE;
  self->atomic = atomic;

  return self;
}

TornadisPipeline *
tornadis_pipeline_copy (TornadisPipeline *self)
{
  return tornadis_pipeline_new_shared (tornadis_pipeline_peek_commands (self), self->atomic);
}

/**
 * tornadis_pipeline_new:
 *
 * Creates an empty pipeline.
 *
 * Equivalent of tornadis' `Pipeline()`.
 *
 * Returns: (transfer full): a new pipeline
 *
 * Since: 1.0
 */
TornadisPipeline *
tornadis_pipeline_new (void)
{
  return g_object_new (TORNADIS_TYPE_PIPELINE, NULL);
}

/* @command is (transfer full). */
static inline void
pipeline_add (TornadisPipeline *self,
              TornadisCommand *command)
{
  tornadis_command_seal (command);
  g_ptr_array_add (self->commands, command);
}

/* Before the array is changed. */
static void
pipeline_unshare (TornadisPipeline *self)
{
  g_autoptr (GPtrArray) shared = NULL;

  if (!self->shared)
    return;

  shared = g_steal_pointer (&self->commands);
  self->commands = command_array_new ();
  self->shared = FALSE;
  for (guint i = 0; i < shared->len; i++)
    pipeline_add (self, tornadis_command_ref (g_ptr_array_index (shared, i)));
}

/* Likewise. */
static void
pipeline_stack (TornadisPipeline *self,
                TornadisCommand *command)
{
  pipeline_unshare (self);
  pipeline_add (self, command);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_NUMBER_OF_STACKED_CALLS]);
}

/**
 * tornadis_pipeline_stack_command:
 * @self: a pipeline
 * @command: a command; it cannot be changed any more
 *
 * Appends a command. One that cannot be sent is found when the pipeline is sent.
 *
 * Equivalent of tornadis' `Pipeline.stack_call()`.
 *
 * Since: 1.0
 */
void
tornadis_pipeline_stack_command (TornadisPipeline *self,
                                 TornadisCommand *command)
{
  g_return_if_fail (TORNADIS_IS_PIPELINE (self));
  g_return_if_fail (command != NULL);

  pipeline_stack (self, tornadis_command_ref (command));
}

/**
 * tornadis_pipeline_stack_commands:
 * @self: a pipeline
 * @commands: (array length=n_commands): commands; they cannot be changed any more
 * @n_commands: how many there are
 *
 * Appends several commands, with one notification for all. It is faster than one after the other with
 * [method@Tornadis.Pipeline.stack_command].
 *
 * Since: 1.0
 */
void
tornadis_pipeline_stack_commands (TornadisPipeline *self,
                                  TornadisCommand **commands,
                                  gsize n_commands)
{
  g_return_if_fail (TORNADIS_IS_PIPELINE (self));
  g_return_if_fail (commands != NULL || n_commands == 0);
  for (gsize i = 0; i < n_commands; i++)
    g_return_if_fail (commands[i] != NULL);

  if (n_commands == 0)
    return;

  pipeline_unshare (self);
  for (gsize i = 0; i < n_commands; i++)
    pipeline_add (self, tornadis_command_ref (commands[i]));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_NUMBER_OF_STACKED_CALLS]);
}

/**
 * tornadis_pipeline_stack_strv:
 * @self: a pipeline
 * @argv: (array zero-terminated=1): a command and its arguments, as text
 *
 * Appends a command, created as with [ctor@Tornadis.Command.new_strv].
 *
 * Equivalent of tornadis' `Pipeline.stack_call()`.
 *
 * Since: 1.0
 */
void
tornadis_pipeline_stack_strv (TornadisPipeline *self,
                              const char *const *argv)
{
  g_return_if_fail (TORNADIS_IS_PIPELINE (self));
  g_return_if_fail (argv != NULL);

  pipeline_stack (self, tornadis_command_new_strv (argv));
}

/**
 * tornadis_pipeline_get_number_of_stacked_calls: (get-property number-of-stacked-calls)
 * @self: a pipeline
 *
 * Gets how many commands are stacked.
 *
 * Returns: the number of commands
 *
 * Since: 1.0
 */
guint
tornadis_pipeline_get_number_of_stacked_calls (TornadisPipeline *self)
{
  g_return_val_if_fail (TORNADIS_IS_PIPELINE (self), 0);

  return self->commands->len;
}

/**
 * tornadis_pipeline_get_command:
 * @self: a pipeline
 * @i: a position, from 0
 *
 * Gets one of the stacked commands.
 *
 * Returns: (transfer none) (nullable): the command, or %NULL when there are not so many
 *
 * Since: 1.0
 */
TornadisCommand *
tornadis_pipeline_get_command (TornadisPipeline *self,
                               guint i)
{
  g_return_val_if_fail (TORNADIS_IS_PIPELINE (self), NULL);

  return i < self->commands->len ? g_ptr_array_index (self->commands, i) : NULL;
}

/**
 * tornadis_pipeline_get_commands:
 * @self: a pipeline
 * @n_commands: (out): return location for how many there are
 *
 * Gets all stacked commands where they are, without a copy. It is faster than one after the other with
 * [method@Tornadis.Pipeline.get_command].
 *
 * They last until the pipeline is changed or freed.
 *
 * Returns: (transfer none) (array length=n_commands): the commands
 *
 * Since: 1.0
 */
TornadisCommand **
tornadis_pipeline_get_commands (TornadisPipeline *self,
                                gsize *n_commands)
{
  g_return_val_if_fail (n_commands != NULL, NULL);
  *n_commands = 0;
  g_return_val_if_fail (TORNADIS_IS_PIPELINE (self), NULL);

  *n_commands = self->commands->len;
  return (TornadisCommand **) self->commands->pdata;
}

/**
 * tornadis_pipeline_clear:
 * @self: a pipeline
 *
 * Removes all commands. A pipeline in flight is not affected.
 *
 * Since: 1.0
 */
void
tornadis_pipeline_clear (TornadisPipeline *self)
{
  g_return_if_fail (TORNADIS_IS_PIPELINE (self));

  if (self->commands->len == 0)
    return;

  g_ptr_array_unref (self->commands);
  self->commands = command_array_new ();
  self->shared = FALSE;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_NUMBER_OF_STACKED_CALLS]);
}

/**
 * tornadis_pipeline_get_atomic: (get-property atomic)
 * @self: a pipeline
 *
 * Gets whether the pipeline is a transaction.
 *
 * Returns: the value of [property@Tornadis.Pipeline:atomic]
 *
 * Since: 1.0
 */
gboolean
tornadis_pipeline_get_atomic (TornadisPipeline *self)
{
  g_return_val_if_fail (TORNADIS_IS_PIPELINE (self), FALSE);

  return self->atomic;
}

/**
 * tornadis_pipeline_set_atomic: (set-property atomic)
 * @self: a pipeline
 * @atomic: whether it is to be a transaction
 *
 * Sets [property@Tornadis.Pipeline:atomic].
 *
 * Since: 1.0
 */
void
tornadis_pipeline_set_atomic (TornadisPipeline *self,
                              gboolean atomic)
{
  g_return_if_fail (TORNADIS_IS_PIPELINE (self));

  atomic = !!atomic;
  if (self->atomic == atomic)
    return;

  self->atomic = atomic;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ATOMIC]);
}
