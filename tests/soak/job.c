/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/job.h"

#include <string.h>

#include "soak/value.h"

#define MAX_STEPS 5
#define MAX_PADDING 200
/* Larger than what is read, written or copied at a time. */
#define LARGE_PADDING 100000
/* Seconds, as BLPOP has them. */
#define BLOCK_TIME "0.02"
/* Milliseconds. */
#define CHECK_AGAIN 5

typedef enum
{
  COMMAND_ECHO,
  COMMAND_SET,
  COMMAND_GET,
  COMMAND_GETSET,
  COMMAND_INCRBY,
  COMMAND_COUNT,
  COMMAND_RPUSH,
  COMMAND_LPOP,
  COMMAND_BLPOP,
  COMMAND_LRANGE,
  N_COMMANDS,
} CommandKind;

/* Of ECHO only the name counts. */
static const struct
{
  const char *name;
  KeyType type;
  Effect effect;
  const char *argument; /* (nullable) where there is no value */
} commands[N_COMMANDS] = {
  { "ECHO", KEY_TYPE_TEXT, EFFECT_READ, NULL },
  { "SET", KEY_TYPE_TEXT, EFFECT_WRITE, NULL },
  { "GET", KEY_TYPE_TEXT, EFFECT_READ, NULL },
  { "GETSET", KEY_TYPE_TEXT, EFFECT_SWAP, NULL },
  { "INCRBY", KEY_TYPE_NUMBER, EFFECT_ADD, NULL },
  { "GET", KEY_TYPE_NUMBER, EFFECT_READ, NULL },
  { "RPUSH", KEY_TYPE_LIST, EFFECT_APPEND, NULL },
  { "LPOP", KEY_TYPE_LIST, EFFECT_TAKE, NULL },
  { "BLPOP", KEY_TYPE_LIST, EFFECT_TAKE, BLOCK_TIME },
  { "LRANGE", KEY_TYPE_LIST, EFFECT_LIST, "0" },
};

typedef enum
{
  FORM_COMMAND,
  FORM_SCRIPT,
  FORM_PIPELINE,
  FORM_ATOMIC,
  FORM_MGET,
  FORM_MSET,
  N_FORMS,
} Form;

static const char *const form_names[N_FORMS] = { "commands", "scripts", "pipelines", "atomic", "mget", "mset" };

typedef struct
{
  CommandKind command;
  HistoryKey *key;             /* (unowned) (nullable) */
  HistoryOperation *operation; /* (unowned) (nullable) */
  char *text;                  /* (owned) (nullable) what ECHO says, or the value */
} Step;

typedef struct
{
  Run *run;       /* (unowned) */
  Worker *worker; /* (unowned) (nullable) whose it is; else it checks the key */
  Form form;
  guint place;
  Step steps[MAX_STEPS];
  guint n_steps;
  Whim whim;
  gboolean has_failed;
} Job;

static void job_send_check (Job *self);

static void
job_free (Job *self)
{
  for (guint i = 0; i < self->n_steps; i++)
    g_free (self->steps[i].text);
  whim_clear (&self->whim);
  g_free (self);
}

/* What is sent. */

static void
step_begin (Step *self,
            Job *job,
            CommandKind command,
            HistoryKey *key)
{
  Run *run = job->run;
  g_autofree char *name = NULL;

  *self = (Step){ command, command != COMMAND_ECHO ? key : NULL, NULL, NULL };
  if (command == COMMAND_INCRBY)
    {
      name = g_strdup_printf ("%u", 1 + run_random (run, 3));
      self->text = g_strdup (name);
    }
  else if (command == COMMAND_ECHO || commands[command].effect == EFFECT_WRITE || commands[command].effect == EFFECT_SWAP ||
           commands[command].effect == EFFECT_APPEND)
    {
      name = worker_name (job->worker);
      self->text = value_make (key->name, name, run_random (run, 100) == 0 ? LARGE_PADDING : run_random (run, MAX_PADDING));
    }
  if (self->key != NULL)
    self->operation = history_begin (run->history, key, commands[command].effect, name, NULL);
}

/* The arguments behind the name and the key. */
static void
step_append_arguments (const Step *self,
                       GPtrArray *argv)
{
  if (self->text != NULL)
    g_ptr_array_add (argv, self->text);
  if (commands[self->command].argument != NULL)
    g_ptr_array_add (argv, (gpointer) commands[self->command].argument);
  if (self->command == COMMAND_LRANGE)
    g_ptr_array_add (argv, (gpointer) "-1");
}

static void
step_append (const Step *self,
             GPtrArray *argv)
{
  g_ptr_array_add (argv, (gpointer) commands[self->command].name);
  if (self->key != NULL)
    g_ptr_array_add (argv, self->key->name);
  step_append_arguments (self, argv);
}

static TornadisCommand *
job_create_command (Job *self)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();

  if (self->form == FORM_COMMAND)
    step_append (&self->steps[0], argv);
  else if (self->form == FORM_SCRIPT)
    {
      g_ptr_array_add (argv, self->steps[0].key->name);
      g_ptr_array_add (argv, (gpointer) commands[self->steps[0].command].name);
      step_append_arguments (&self->steps[0], argv);
    }
  else
    {
      g_ptr_array_add (argv, (gpointer) (self->form == FORM_MGET ? "MGET" : "MSET"));
      for (guint i = 0; i < self->n_steps; i++)
        {
          g_ptr_array_add (argv, self->steps[i].key->name);
          step_append_arguments (&self->steps[i], argv);
        }
    }
  g_ptr_array_add (argv, NULL);

  return self->form == FORM_SCRIPT ? tornadis_script_create_command (self->run->script, (const char *const *) argv->pdata)
                                   : tornadis_command_new_strv ((const char *const *) argv->pdata);
}

static TornadisPipeline *
job_create_pipeline (Job *self)
{
  TornadisPipeline *pipeline = tornadis_pipeline_new ();

  tornadis_pipeline_set_atomic (pipeline, self->form == FORM_ATOMIC);
  for (guint i = 0; i < self->n_steps; i++)
    {
      g_autoptr (GPtrArray) argv = g_ptr_array_new ();

      step_append (&self->steps[i], argv);
      g_ptr_array_add (argv, NULL);
      tornadis_pipeline_stack_strv (pipeline, (const char *const *) argv->pdata);
    }

  return pipeline;
}

/* What comes back. */

static void G_GNUC_NORETURN
step_fail (const Step *self,
           Job *job,
           TornadisReply *reply)
{
  g_autofree char *text = tornadis_reply_to_string (reply);

  run_fail (job->run, "%s (%s) of %s has the reply: %.300s", commands[self->command].name, form_names[job->form],
            self->key != NULL ? self->key->name : self->text, text);
}

static char *
step_parse_value (const Step *self,
                  Job *job,
                  TornadisReply *reply)
{
  gsize length;
  const guint8 *data;
  char *name = NULL;

  if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_NIL)
    return NULL;
  if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_STRING)
    {
      data = tornadis_reply_get_data (reply, &length);
      name = value_parse (self->key->name, (const char *) data, length);
    }
  if (name == NULL)
    step_fail (self, job, reply);

  return name;
}

/* The result, as the history has it. */
static char *
step_parse (const Step *self,
            Job *job,
            TornadisReply *reply)
{
  GString *items;

  switch (self->command)
    {
    case COMMAND_ECHO:
      if (g_strcmp0 (tornadis_reply_get_text (reply), self->text) != 0)
        step_fail (self, job, reply);
      return NULL;

    case COMMAND_SET:
      if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_STATUS || g_strcmp0 (tornadis_reply_get_text (reply), "OK") != 0)
        step_fail (self, job, reply);
      return NULL;

    case COMMAND_GET:
    case COMMAND_GETSET:
    case COMMAND_LPOP:
      return step_parse_value (self, job, reply);

    case COMMAND_INCRBY:
    case COMMAND_RPUSH:
      if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_INTEGER)
        step_fail (self, job, reply);
      return g_strdup_printf ("%" G_GINT64_FORMAT, tornadis_reply_get_integer (reply));

    case COMMAND_COUNT:
      if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_NIL)
        return NULL;
      if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_STRING)
        step_fail (self, job, reply);
      return g_strdup (tornadis_reply_get_text (reply));

    case COMMAND_BLPOP:
      if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_NIL)
        return NULL;
      if (tornadis_reply_get_n_elements (reply) != 2 ||
          g_strcmp0 (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)), self->key->name) != 0)
        step_fail (self, job, reply);
      return step_parse_value (self, job, tornadis_reply_get_element (reply, 1));

    case COMMAND_LRANGE:
      if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_ARRAY)
        step_fail (self, job, reply);
      items = g_string_new (NULL);
      for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
        {
          g_autofree char *name = step_parse_value (self, job, tornadis_reply_get_element (reply, i));

          g_string_append_printf (items, "%s\n", name);
        }
      return g_string_free (items, items->len == 0);

    case N_COMMANDS:
    default:
      g_assert_not_reached ();
    }
}

static void
step_fail_with (Step *self,
                Job *job,
                Fate fate)
{
  job->has_failed = TRUE;
  if (self->operation == NULL)
    return;
  if (fate == FATE_NEVER)
    history_end_never (self->key, self->operation);
  else
    history_end_unclear (self->key, self->operation);
}

static void
step_end (Step *self,
          Job *job,
          TornadisReply *reply)
{
  if (tornadis_reply_is_error (reply))
    {
      g_autoptr (GError) error = tornadis_reply_dup_error (reply);

      step_fail_with (self, job, run_take_error (job->run, error));
    }
  else
    {
      char *result = step_parse (self, job, reply);

      tally_count (job->run->tally, "got");
      if (self->operation != NULL)
        history_end (job->run->history, self->key, self->operation, result);
    }
}

static void
job_take_reply (Job *self,
                TornadisReply *reply)
{
  if (self->form == FORM_COMMAND || self->form == FORM_SCRIPT)
    {
      step_end (&self->steps[0], self, reply);
      return;
    }
  if (self->form != FORM_MSET && tornadis_reply_get_n_elements (reply) != self->n_steps)
    step_fail (&self->steps[0], self, reply);
  for (guint i = 0; i < self->n_steps; i++)
    step_end (&self->steps[i], self, self->form == FORM_MSET ? reply : tornadis_reply_get_element (reply, i));
}

static gboolean
check_again_cb (gpointer user_data)
{
  job_send_check (user_data);

  return G_SOURCE_REMOVE;
}

static void
job_check (Job *self)
{
  Run *run = self->run;
  HistoryKey *key = self->steps[0].key;

  switch (history_check (key, run->kind->may_lose))
    {
    case VERDICT_LINEARIZABLE:
      tally_count (run->tally, "keys");
      break;
    case VERDICT_UNDECIDED:
      tally_count (run->tally, "keys-undecided");
      break;
    case VERDICT_REFUSED:
    default:
      {
        g_autofree char *text = linearizability_describe (key->operations);

        run_fail (run, "What %s was seen to be cannot be:\n%s", key->name, text);
      }
    }
  history_drop (run->history, key);
}

static void
job_end (Job *self,
         TornadisReply *reply,
         const GError *error)
{
  Run *run = self->run;
  Worker *worker = self->worker;
  gboolean has_failed;

  run->n_pending--;
  self->has_failed = error != NULL;
  if (error == NULL)
    job_take_reply (self, reply);
  else
    {
      Fate fate = run_take_error (run, error);

      /* What goes to several nodes may have run at some of them, and a script may have run up to the error. */
      if (self->form == FORM_SCRIPT || (run->site->cluster != NULL && self->n_steps > 1 && self->form != FORM_ATOMIC))
        fate = FATE_UNCLEAR;
      for (guint i = 0; i < self->n_steps; i++)
        step_fail_with (&self->steps[i], self, fate);
    }

  has_failed = self->has_failed;
  /* That a key is asked for again is no progress. */
  run->n_done += worker != NULL || !has_failed;
  if (worker == NULL && has_failed)
    {
      g_timeout_add (CHECK_AGAIN, check_again_cb, self);
      return;
    }
  if (worker == NULL)
    job_check (self);
  job_free (self);
  if (worker != NULL)
    worker_go_on (worker, has_failed);
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Job *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  if (TORNADIS_IS_SCRIPT (object))
    reply = tornadis_script_call_finish (TORNADIS_SCRIPT (object), result, &error);
  else if (self->form == FORM_PIPELINE || self->form == FORM_ATOMIC)
    reply = tornadis_caller_call_pipeline_finish (TORNADIS_CALLER (object), result, &error);
  else
    reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);
  job_end (self, reply, error);
}

static void
submitted_cb (TornadisClient *client,
              TornadisReply *reply,
              GError *error,
              gpointer user_data)
{
  job_end (user_data, reply, error);
}

static void
job_send (Job *self)
{
  Run *run = self->run;
  TornadisCaller *caller = run->kind->has_cache ? TORNADIS_CALLER (run_get_client (run, self->place)) : run_pick_caller (run);
  gboolean submit = TORNADIS_IS_CLIENT (caller) && self->worker != NULL && run_random (run, 3) == 0;

  run->n_pending++;
  tally_count (run->tally, form_names[self->form]);
  if (self->worker != NULL && !submit)
    whim_begin (&self->whim, run);

  if (self->form == FORM_PIPELINE || self->form == FORM_ATOMIC)
    {
      g_autoptr (TornadisPipeline) pipeline = job_create_pipeline (self);

      if (submit)
        tornadis_client_submit_pipeline (TORNADIS_CLIENT (caller), pipeline, submitted_cb, self, NULL);
      else
        tornadis_caller_call_pipeline_async (caller, pipeline, self->whim.cancellable, called_cb, self);
    }
  else
    {
      g_autoptr (TornadisCommand) command = job_create_command (self);

      if (self->form == FORM_SCRIPT)
        tornadis_script_call_async (run->script, caller, command, self->whim.cancellable, called_cb, self);
      else if (submit)
        tornadis_client_submit (TORNADIS_CLIENT (caller), command, submitted_cb, self, NULL);
      else
        tornadis_caller_call_async (caller, command, self->whim.cancellable, called_cb, self);
    }
}

static void
job_send_check (Job *self)
{
  static const CommandKind reads[N_KEY_TYPES] = { COMMAND_GET, COMMAND_COUNT, COMMAND_LRANGE };
  HistoryKey *key = self->steps[0].key;

  step_begin (&self->steps[0], self, reads[key->type], key);
  job_send (self);
}

void
job_check_key (Run *run,
               HistoryKey *key)
{
  Job *self = g_new0 (Job, 1);

  self->run = run;
  self->form = FORM_COMMAND;
  self->place = key->place;
  self->n_steps = 1;
  self->steps[0].key = key;
  job_send_check (self);
}

static CommandKind
pick_command (Run *run,
              Form form)
{
  static const CommandKind reads[] = { COMMAND_GET, COMMAND_COUNT, COMMAND_LRANGE };
  CommandKind command;

  if (run->kind->has_cache && form == FORM_COMMAND && run_random (run, 2) == 0)
    return reads[run_random (run, G_N_ELEMENTS (reads))];

  /* BLPOP holds up what is behind it, and does not in a transaction or a script. */
  do
    command = (CommandKind) run_random (run, N_COMMANDS);
  while ((command == COMMAND_BLPOP && (form != FORM_COMMAND || run_random (run, 4) > 0)) || (command == COMMAND_ECHO && form == FORM_SCRIPT));

  return form == FORM_MGET ? COMMAND_GET : form == FORM_MSET ? COMMAND_SET
                                                             : command;
}

void
job_begin (Worker *worker)
{
  static const Form forms[] = { FORM_COMMAND, FORM_COMMAND, FORM_COMMAND, FORM_COMMAND, FORM_SCRIPT, FORM_PIPELINE, FORM_ATOMIC, FORM_MGET, FORM_MSET };
  Run *run = worker->run;
  Job *self = g_new0 (Job, 1);
  gboolean one_place;

  self->run = run;
  self->worker = worker;
  self->form = forms[run_random (run, G_N_ELEMENTS (forms))];
  self->place = run_random (run, N_PLACES);
  self->n_steps = self->form == FORM_COMMAND || self->form == FORM_SCRIPT ? 1 : 1 + run_random (run, MAX_STEPS);
  /* In a cluster a transaction is of one slot. */
  one_place = run->kind->has_cache || self->form == FORM_ATOMIC || run_random (run, 2) == 0;
  for (guint i = 0; i < self->n_steps; i++)
    {
      CommandKind command = pick_command (run, self->form);
      HistoryKey *key = history_get_key (run->history, commands[command].type, i == 0 || one_place ? self->place : run_random (run, N_PLACES));

      step_begin (&self->steps[i], self, command, key);
    }
  job_send (self);
}
