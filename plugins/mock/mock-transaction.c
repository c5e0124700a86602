/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mock/mock-transaction.h"

#define ABORTED "EXECABORT Transaction discarded because of previous errors."

struct _MockTransaction
{
  GPtrArray *queued; /* (owned) (nullable) (element-type TornadisCommand) NULL: outside of MULTI */
  gboolean refused;  /* a command was refused, so that EXEC will run none */
  gboolean watching;
  MockLoss loss;
};

MockTransaction *
mock_transaction_new (void)
{
  return g_rc_box_new0 (MockTransaction);
}

MockTransaction *
mock_transaction_ref (MockTransaction *self)
{
  return g_rc_box_acquire (self);
}

void
mock_transaction_unref (MockTransaction *self)
{
  g_rc_box_release_full (self, (GDestroyNotify) mock_transaction_reset);
}

void
mock_transaction_reset (MockTransaction *self)
{
  g_clear_pointer (&self->queued, g_ptr_array_unref);
  self->refused = self->watching = FALSE;
}

void
mock_transaction_lose (MockTransaction *self,
                       TornadisCall *call,
                       gboolean sent)
{
  MockOpen open = { self->queued != NULL, self->watching };

  if (sent)
    mock_open_follow (&open, call);
  mock_loss_begin (&self->loss, &open);
  mock_transaction_reset (self);
}

MockLoss *
mock_transaction_get_loss (MockTransaction *self)
{
  return &self->loss;
}

gboolean
mock_transaction_is_open (MockTransaction *self)
{
  return self->queued != NULL || self->watching || mock_loss_is_any (&self->loss);
}

static GPtrArray *
replies_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);
}

static void
outcome_set_replies (MockOutcome *outcome,
                     GPtrArray *replies)
{
  outcome->reply = tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, (TornadisReply **) replies->pdata, replies->len);
}

/* Says which command it was, as the client does. */
static void
outcome_abort (MockOutcome *outcome,
               guint position,
               TornadisCommand *command)
{
  g_autoptr (GError) error = tornadis_reply_dup_error (outcome->reply);
  g_autofree char *text =
    g_strdup_printf ("%s Command %u, %s: %s", ABORTED, position, tornadis_command_get_name (command), error->message);

  mock_outcome_set_error (outcome, text);
}

/* Finds the outcome of EXEC, with the answers to all commands. FALSE: one has none. */
static gboolean
run_commands (MockAnswers *answers,
              GPtrArray *commands,
              MockOutcome *outcome)
{
  g_autoptr (TornadisCommand) exec = tornadis_command_new ("EXEC");
  g_autoptr (GPtrArray) replies = replies_new ();

  /* When EXEC has an answer of its own, such as nil because of a watched key, none of the commands runs. */
  if (mock_answers_find_named (answers, exec, outcome))
    return TRUE;

  for (guint i = 0; i < commands->len; i++)
    {
      TornadisCommand *command = g_ptr_array_index (commands, i);
      g_auto (MockOutcome) one = { NULL, NULL };

      if (!mock_answers_find (answers, command, &one))
        return FALSE;

      if (mock_outcome_is_refusal (&one))
        {
          *outcome = one;
          one = (MockOutcome){ NULL, NULL };
          if (outcome->reply != NULL)
            outcome_abort (outcome, i + 1, command);
          return TRUE;
        }

      g_ptr_array_add (replies, g_steal_pointer (&one.reply));
    }

  outcome_set_replies (outcome, replies);
  return TRUE;
}

static gboolean
answer_multi (MockTransaction *self,
              MockAnswers *answers,
              TornadisCommand *command,
              MockOutcome *outcome)
{
  if (self->queued != NULL)
    {
      mock_outcome_set_error (outcome, "ERR MULTI calls can not be nested");
      return TRUE;
    }

  if (!mock_answers_find_named (answers, command, outcome))
    {
      if (!answers->strict)
        return FALSE;
      mock_outcome_set_status (outcome, "OK");
    }

  if (outcome->error == NULL && !tornadis_reply_is_error (outcome->reply))
    self->queued = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_command_unref);
  return TRUE;
}

static gboolean
answer_exec (MockTransaction *self,
             MockAnswers *answers,
             TornadisCommand *command,
             MockOutcome *outcome)
{
  g_autoptr (GPtrArray) queued = g_steal_pointer (&self->queued);
  gboolean refused = self->refused;

  if (queued == NULL)
    {
      if (mock_answers_find_named (answers, command, outcome))
        return TRUE;
      mock_outcome_set_error (outcome, "ERR EXEC without MULTI");
      return answers->strict;
    }

  mock_transaction_reset (self);
  if (refused)
    mock_outcome_set_error (outcome, ABORTED);
  else if (!run_commands (answers, queued, outcome))
    g_set_error_literal (&outcome->error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN,
                         "The mock has no answer to a command between MULTI and EXEC");

  return TRUE;
}

static gboolean
answer_discard (MockTransaction *self,
                MockAnswers *answers,
                TornadisCommand *command,
                MockOutcome *outcome)
{
  gboolean begun = self->queued != NULL;

  if (begun)
    mock_transaction_reset (self);
  if (mock_answers_find_named (answers, command, outcome))
    return TRUE;

  if (begun)
    mock_outcome_set_status (outcome, "OK");
  else
    mock_outcome_set_error (outcome, "ERR DISCARD without MULTI");
  return begun || answers->strict;
}

static void
queue_command (MockTransaction *self,
               MockAnswers *answers,
               TornadisCommand *command,
               MockOutcome *outcome)
{
  if (g_str_equal (tornadis_command_get_name (command), "WATCH"))
    {
      mock_outcome_set_error (outcome, "ERR WATCH inside MULTI is not allowed");
    }
  else if (mock_answers_find_refusal (answers, command, outcome))
    {
      self->refused = TRUE;
    }
  else
    {
      g_ptr_array_add (self->queued, tornadis_command_ref (command));
      mock_outcome_set_status (outcome, "QUEUED");
    }
}

static gboolean
answer_outside (MockTransaction *self,
                MockAnswers *answers,
                TornadisCommand *command,
                MockOutcome *outcome)
{
  if (!mock_answers_find (answers, command, outcome))
    return FALSE;

  if (outcome->error == NULL && !tornadis_reply_is_error (outcome->reply))
    {
      if (g_str_equal (tornadis_command_get_name (command), "WATCH"))
        self->watching = TRUE;
      else if (g_str_equal (tornadis_command_get_name (command), "UNWATCH"))
        self->watching = FALSE;
    }

  return TRUE;
}

gboolean
mock_transaction_answer (MockTransaction *self,
                         MockAnswers *answers,
                         TornadisCommand *command,
                         MockOutcome *outcome)
{
  const char *name = tornadis_command_get_name (command);

  if (g_str_equal (name, "MULTI"))
    return answer_multi (self, answers, command, outcome);
  if (g_str_equal (name, "EXEC"))
    return answer_exec (self, answers, command, outcome);
  if (g_str_equal (name, "DISCARD"))
    return answer_discard (self, answers, command, outcome);

  if (self->queued == NULL)
    return answer_outside (self, answers, command, outcome);

  queue_command (self, answers, command, outcome);
  return TRUE;
}

/* MULTI and EXEC are not among its commands. */
static gboolean
answer_atomic (MockTransaction *self,
               MockAnswers *answers,
               GPtrArray *commands,
               MockOutcome *outcome)
{
  mock_transaction_reset (self);

  for (guint i = 0; i < commands->len; i++)
    {
      TornadisCommand *command = g_ptr_array_index (commands, i);

      if (!mock_answers_find_refusal (answers, command, outcome))
        continue;
      if (outcome->reply != NULL)
        outcome_abort (outcome, i + 1, command);
      return TRUE;
    }

  return run_commands (answers, commands, outcome);
}

/* Errors of the server stay among the replies, any other is that of the whole pipeline. */
static gboolean
answer_all (MockTransaction *self,
            MockAnswers *answers,
            GPtrArray *commands,
            MockOutcome *outcome)
{
  g_autoptr (GPtrArray) replies = replies_new ();

  for (guint i = 0; i < commands->len; i++)
    {
      g_auto (MockOutcome) one = { NULL, NULL };

      if (!mock_transaction_answer (self, answers, g_ptr_array_index (commands, i), &one))
        return FALSE;
      if (one.error != NULL)
        {
          outcome->error = g_steal_pointer (&one.error);
          return TRUE;
        }
      g_ptr_array_add (replies, g_steal_pointer (&one.reply));
    }

  outcome_set_replies (outcome, replies);
  return TRUE;
}

gboolean
mock_transaction_answer_pipeline (MockTransaction *self,
                                  MockAnswers *answers,
                                  TornadisPipeline *pipeline,
                                  MockOutcome *outcome)
{
  g_autoptr (GPtrArray) commands = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_command_unref);

  for (guint i = 0; i < tornadis_pipeline_get_number_of_stacked_calls (pipeline); i++)
    g_ptr_array_add (commands, tornadis_command_ref (tornadis_pipeline_get_command (pipeline, i)));

  if (tornadis_pipeline_get_atomic (pipeline))
    return answer_atomic (self, answers, commands, outcome);
  return answer_all (self, answers, commands, outcome);
}
