/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* Follows what one client sends, to know what is between a WATCH or MULTI and its EXEC. */
typedef struct
{
  gboolean in_multi;
  gboolean watching;
  guint serial; /* of the last one that began, from 1 */
} Transaction;

/* The serial of the transaction that the command or the pipeline belongs to, from its first command to EXEC; or 0. */
guint transaction_follow (Transaction *self,
                          TornadisCall *call);
/* The server does not know it any more. */
void transaction_forget (Transaction *self,
                         guint serial);

G_END_DECLS
