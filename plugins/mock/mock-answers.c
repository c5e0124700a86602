/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mock/mock-answers.h"

#include <string.h>

#include "mock/mock-line.h"

void
mock_outcome_clear (MockOutcome *outcome)
{
  g_clear_pointer (&outcome->reply, tornadis_reply_unref);
  g_clear_error (&outcome->error);
}

static void
outcome_set_line (MockOutcome *outcome,
                  const char *type,
                  const char *text)
{
  char *line = g_strconcat (type, text, "\r\n", NULL);
  g_autoptr (GBytes) resp = g_bytes_new_take (line, strlen (line));

  mock_outcome_clear (outcome);
  outcome->reply = tornadis_reply_new_from_resp (resp, NULL);
}

void
mock_outcome_set_status (MockOutcome *outcome,
                         const char *status)
{
  outcome_set_line (outcome, "+", status);
}

void
mock_outcome_set_error (MockOutcome *outcome,
                        const char *text)
{
  outcome_set_line (outcome, "-", text);
}

gboolean
mock_outcome_is_refusal (const MockOutcome *outcome)
{
  static const char *const prefixes[] = { "ASK", "BUSY", "CLUSTERDOWN", "CROSSSLOT", "DENIED", "LOADING", "MASTERDOWN", "MISCONF",
                                          "MOVED", "NOAUTH", "NOPERM", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN", NULL };
  static const char *const texts[] = { "ERR unknown command", "ERR unknown subcommand", "ERR wrong number of arguments",
                                       "ERR Command not allowed" };
  g_autoptr (GError) error = NULL;
  g_autofree char *prefix = NULL;

  if (outcome->error != NULL)
    return TRUE;
  if (!tornadis_reply_is_error (outcome->reply))
    return FALSE;

  error = tornadis_reply_dup_error (outcome->reply);
  prefix = tornadis_error_dup_prefix (error);
  if (prefix != NULL && g_strv_contains (prefixes, prefix))
    return TRUE;

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      if (g_ascii_strncasecmp (error->message, texts[i], strlen (texts[i])) == 0)
        return TRUE;
    }

  return FALSE;
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
outcome_set_answer (MockOutcome *outcome,
                    MockLine *line,
                    TornadisCommand *command)
{
  GVariant *answer = mock_line_get_answer (line);
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

void
mock_answers_init (MockAnswers *self,
                   gpointer instance,
                   guint signal_id)
{
  *self = (MockAnswers){
    .instance = instance,
    .signal_id = signal_id,
    .answers = mock_lines_new (),
    .script = mock_lines_new (),
    .strict = TRUE,
  };
}

void
mock_answers_clear (MockAnswers *self)
{
  g_clear_pointer (&self->table, g_variant_unref);
  g_ptr_array_unref (self->answers);
  g_ptr_array_unref (self->script);
}

void
mock_answers_set_table (MockAnswers *self,
                        GVariant *table)
{
  g_clear_pointer (&self->table, g_variant_unref);
  self->table = table != NULL ? g_variant_ref (table) : NULL;
  mock_lines_read (self->answers, table);
  mock_lines_sort (self->answers);
}

/* The handlers that are connected to this command, or also those that are connected to any. */
static gboolean
answers_has_handler (MockAnswers *self,
                     TornadisCommand *command,
                     gboolean named)
{
  GQuark detail = g_quark_try_string (tornadis_command_get_name (command));
  const GSignalMatchType match = G_SIGNAL_MATCH_ID | G_SIGNAL_MATCH_DETAIL;

  if (!named)
    return g_signal_has_handler_pending (self->instance, self->signal_id, detail, FALSE);

  return detail != 0 && g_signal_handler_find (self->instance, match, self->signal_id, detail, NULL, NULL, NULL) != 0;
}

static gboolean
answers_look (MockAnswers *self,
              TornadisCommand *command,
              gboolean named,
              MockOutcome *outcome)
{
  g_auto (GStrv) words = mock_command_get_words (command);
  MockLine *line;
  guint position;

  line = mock_lines_find (self->script, words, named, &position);
  if (line != NULL)
    {
      outcome_set_answer (outcome, line, command);
      g_ptr_array_remove_index (self->script, position);
      return TRUE;
    }

  if (answers_has_handler (self, command, named))
    g_signal_emit (self->instance, self->signal_id, g_quark_try_string (tornadis_command_get_name (command)), command,
                   &outcome->reply);
  if (outcome->reply != NULL)
    return TRUE;

  line = mock_lines_find (self->answers, words, named, &position);
  if (line != NULL)
    outcome_set_answer (outcome, line, command);

  return line != NULL;
}

static void
outcome_set_missing (MockOutcome *outcome,
                     TornadisCommand *command)
{
  const char *name = tornadis_command_get_name (command);

  /* No answer is needed: EXEC alone says whether a watched key has changed. */
  if (g_str_equal (name, "WATCH") || g_str_equal (name, "UNWATCH"))
    mock_outcome_set_status (outcome, "OK");
  else
    outcome->error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The mock has no answer to %s", name);
}

gboolean
mock_answers_find (MockAnswers *self,
                   TornadisCommand *command,
                   MockOutcome *outcome)
{
  if (answers_look (self, command, FALSE, outcome))
    return TRUE;

  if (self->strict)
    outcome_set_missing (outcome, command);

  return self->strict;
}

gboolean
mock_answers_find_named (MockAnswers *self,
                         TornadisCommand *command,
                         MockOutcome *outcome)
{
  return answers_look (self, command, TRUE, outcome);
}

gboolean
mock_answers_find_refusal (MockAnswers *self,
                           TornadisCommand *command,
                           MockOutcome *outcome)
{
  g_auto (GStrv) words = mock_command_get_words (command);
  guint position;
  MockLine *line = mock_lines_find (self->script, words, FALSE, &position);
  gboolean scripted = line != NULL;

  /* What a handler will say is not known: it is asked when the command runs. */
  if (!scripted && answers_has_handler (self, command, FALSE))
    return FALSE;
  if (!scripted)
    line = mock_lines_find (self->answers, words, FALSE, &position);

  if (line == NULL)
    return FALSE;

  outcome_set_answer (outcome, line, command);
  if (!mock_outcome_is_refusal (outcome))
    {
      mock_outcome_clear (outcome);
      return FALSE;
    }

  if (scripted)
    g_ptr_array_remove_index (self->script, position);
  return TRUE;
}
