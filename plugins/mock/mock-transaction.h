/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "mock/mock-answers.h"

G_BEGIN_DECLS

/* What a client of the mock is in the middle of: MULTI, what is queued, and EXEC, as a server does it. */
typedef struct _MockTransaction MockTransaction;

MockTransaction *mock_transaction_new             (void);
MockTransaction *mock_transaction_ref             (MockTransaction  *self);
void             mock_transaction_unref           (MockTransaction  *self);
/* The connection is another. */
void             mock_transaction_reset           (MockTransaction  *self);
/* FALSE: there is no answer, and need not be one. */
gboolean         mock_transaction_answer          (MockTransaction  *self,
                                                   MockAnswers      *answers,
                                                   TornadisCommand  *command,
                                                   MockOutcome      *outcome);
/* FALSE: there is none to one of the commands, and need not be one. */
gboolean         mock_transaction_answer_pipeline (MockTransaction  *self,
                                                   MockAnswers      *answers,
                                                   TornadisPipeline *pipeline,
                                                   MockOutcome      *outcome);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MockTransaction, mock_transaction_unref)

G_END_DECLS
