/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* The outcome of a call: one of the two. */
typedef struct
{
  TornadisReply *reply; /* (owned) (nullable) */
  GError *error;        /* (owned) (nullable) */
} MockOutcome;

void mock_outcome_clear      (MockOutcome  *outcome);
/* Sets a status, such as OK. */
void mock_outcome_set_status (MockOutcome  *outcome,
                              const char   *status);
/* Sets an error of the server. */
void mock_outcome_set_error  (MockOutcome  *outcome,
                              const char   *text);
/* Whether it is an error that comes before a command runs: the server refuses to queue it between MULTI and EXEC, or never
 * received it. */
gboolean mock_outcome_is_refusal (const MockOutcome *outcome);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MockOutcome, mock_outcome_clear)

/* Where answers come from: the script, then handlers of a signal, then the table. */
typedef struct
{
  gpointer instance;  /* (unowned) whose signal it is */
  guint signal_id;    /* that asks for the reply to a command, with its name as detail */
  GVariant *table;    /* (owned) (nullable) as it was set */
  GPtrArray *answers; /* (owned) (element-type MockLine) of the table, the most specific first */
  GPtrArray *script;  /* (owned) (element-type MockLine) what is left of it */
  gboolean strict;    /* a command without an answer is an error */
} MockAnswers;

void     mock_answers_init         (MockAnswers     *self,
                                    gpointer         instance,
                                    guint            signal_id);
void     mock_answers_clear        (MockAnswers     *self);
/* @table (nullable). */
void     mock_answers_set_table    (MockAnswers     *self,
                                    GVariant        *table);
/* FALSE: there is no answer, and none is needed. */
gboolean mock_answers_find         (MockAnswers     *self,
                                    TornadisCommand *command,
                                    MockOutcome     *outcome);
/* The same, but only from lines and handlers that name the command, not from those for any command. */
gboolean mock_answers_find_named   (MockAnswers     *self,
                                    TornadisCommand *command,
                                    MockOutcome     *outcome);
/* Whether it is known before the command runs that its answer is a refusal, which is then used. */
gboolean mock_answers_find_refusal (MockAnswers     *self,
                                    TornadisCommand *command,
                                    MockOutcome     *outcome);

G_END_DECLS
