/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "retry/retry-rules.h"

#include "common/commands.h"
#include "common/server-error.h"

typedef gboolean (*CommandTest) (const RetryRules *self,
                                 TornadisClient *client,
                                 TornadisCommand *command);

/* Whether a rule holds for every command of the call. */
static gboolean
rules_hold (const RetryRules *self,
            TornadisCall *call,
            CommandTest test)
{
  TornadisClient *client = tornadis_call_get_client (call);

  for (guint i = 0; i < call_get_n_commands (call); i++)
    if (!test (self, client, call_get_command (call, i)))
      return FALSE;

  return TRUE;
}

static gboolean
has_block_option (TornadisCommand *command)
{
  for (gsize i = 1; i < tornadis_command_get_n_args (command) && !command_argument_is (command, i, "STREAMS"); i++)
    if (command_argument_is (command, i, "BLOCK"))
      return TRUE;

  return FALSE;
}

static gboolean
does_not_block (const RetryRules *self,
                TornadisClient *client,
                TornadisCommand *command)
{
  /* Until the server has said which commands block. */
  static const char *const blocking[] = { "BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BLMPOP", "BZPOPMIN",
                                          "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF", NULL };
  const char *name = tornadis_command_get_name (command);
  CommandFlags flags = COMMAND_FLAG_NONE;

  if (g_str_equal (name, "XREAD") || g_str_equal (name, "XREADGROUP"))
    return !has_block_option (command);
  if (g_strv_contains (blocking, name))
    return FALSE;

  return !command_table_lookup (self->table, client, command, &flags) || (flags & COMMAND_FLAG_BLOCKING) == 0;
}

static gboolean
is_idempotent (const RetryRules *self,
               TornadisCommand *command)
{
  return self->idempotent != NULL &&
         g_strv_contains ((const char *const *) self->idempotent, tornadis_command_get_name (command));
}

static gboolean
only_reads (const RetryRules *self,
            TornadisClient *client,
            TornadisCommand *command)
{
  CommandFlags flags = COMMAND_FLAG_NONE;

  return command_table_lookup (self->table, client, command, &flags) && (flags & COMMAND_FLAG_READONLY) != 0;
}

static gboolean
may_run_twice (const RetryRules *self,
               TornadisClient *client,
               TornadisCommand *command)
{
  return is_idempotent (self, command) || only_reads (self, client, command);
}

/* A script may have written before it passes on the error of a command, or returns one of its own. */
static gboolean
is_no_script (const RetryRules *self,
              TornadisClient *client,
              TornadisCommand *command)
{
  static const char *const scripts[] = { "EVAL", "EVALSHA", "FCALL", NULL };

  return !g_strv_contains (scripts, tornadis_command_get_name (command)) || is_idempotent (self, command);
}

static gboolean
is_refusal (const GError *error,
            gboolean *aborted)
{
  static const char *const words[] = { "LOADING", "READONLY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", NULL };
  g_autofree char *cause = server_error_dup_cause (error, aborted);

  return cause != NULL && g_strv_contains (words, cause);
}

static gboolean
are_refusals (TornadisReply *replies)
{
  gsize n = tornadis_reply_get_n_elements (replies);

  for (gsize i = 0; i < n; i++)
    {
      TornadisReply *reply = tornadis_reply_get_element (replies, i);
      g_autoptr (GError) error = tornadis_reply_is_error (reply) ? tornadis_reply_dup_error (reply) : NULL;

      if (error == NULL || !is_refusal (error, NULL))
        return FALSE;
    }

  return n > 0;
}

gboolean
retry_rules_never_blocks (const RetryRules *self,
                          TornadisCall *call)
{
  return rules_hold (self, call, does_not_block);
}

gboolean
retry_rules_only_reads (const RetryRules *self,
                        TornadisCall *call)
{
  return rules_hold (self, call, only_reads);
}

gboolean
retry_rules_may_run_twice (const RetryRules *self,
                           TornadisCall *call)
{
  return rules_hold (self, call, may_run_twice);
}

gboolean
retry_rules_did_not_run (const RetryRules *self,
                         TornadisCall *call,
                         const GError *error)
{
  gboolean aborted;

  /* After an error of MULTI itself the commands behind it may have run, without it. */
  if (call_is_atomic (call))
    return error != NULL && is_refusal (error, &aborted) && aborted;

  if (error != NULL ? !is_refusal (error, NULL)
                    : tornadis_call_get_pipeline (call) == NULL || !are_refusals (tornadis_call_get_reply (call)))
    return FALSE;

  return rules_hold (self, call, is_no_script);
}
