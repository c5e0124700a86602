/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "mock/mock-answers.h"
#include "mock/mock-loss.h"

G_BEGIN_DECLS

/* The transaction of a client of the mock: MULTI, what is queued, and EXEC, as a server does it. */
typedef struct _MockTransaction MockTransaction;

MockTransaction *mock_transaction_new             (void);
MockTransaction *mock_transaction_ref             (MockTransaction  *self);
void             mock_transaction_unref           (MockTransaction  *self);
/* The connection is another one now. */
void             mock_transaction_reset           (MockTransaction  *self);
/* The connection was lost; @sent: with a call that may have run. */
void             mock_transaction_lose            (MockTransaction  *self,
                                                   TornadisCall     *call,
                                                   gboolean          sent);
/* The last one that was lost, if any was. */
MockLoss        *mock_transaction_get_loss        (MockTransaction  *self);
/* Whether what is called now belongs to it, or to one that was lost. */
gboolean         mock_transaction_is_open         (MockTransaction  *self);
/* FALSE: there is no answer, and none is needed. */
gboolean         mock_transaction_answer          (MockTransaction  *self,
                                                   MockAnswers      *answers,
                                                   TornadisCommand  *command,
                                                   MockOutcome      *outcome);
/* FALSE: one of the commands has no answer, and none is needed. */
gboolean         mock_transaction_answer_pipeline (MockTransaction  *self,
                                                   MockAnswers      *answers,
                                                   TornadisPipeline *pipeline,
                                                   MockOutcome      *outcome);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MockTransaction, mock_transaction_unref)

G_END_DECLS
