/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "common/command-table.h"

G_BEGIN_DECLS

/* Which calls may be made again. */
typedef struct
{
  CommandTable *table; /* (unowned) */
  char **idempotent;   /* (unowned) (nullable) names in upper case */
} RetryRules;

/* Whether none of the commands blocks. */
gboolean retry_rules_never_blocks (const RetryRules *self,
                                   TornadisCall *call);
/* Whether none of the commands changes anything. */
gboolean retry_rules_only_reads (const RetryRules *self,
                                 TornadisCall *call);
/* Whether it does no harm when each of the commands runs twice. */
gboolean retry_rules_may_run_twice (const RetryRules *self,
                                    TornadisCall *call);
/* Whether the server has refused all of the call for now, so that nothing of it ran. @error (nullable): its error, or %NULL
 * when it has replied. */
gboolean retry_rules_did_not_run (const RetryRules *self,
                                  TornadisCall *call,
                                  const GError *error);

G_END_DECLS
