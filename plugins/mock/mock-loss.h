/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* What of a transaction is open. */
typedef struct
{
  gboolean in_multi : 1;
  gboolean watching : 1;
} MockOpen;

/* A transaction that was lost with its connection, as the client has it: up to EXEC no call that was meant for it is made, or
 * until somebody who knows of the loss begins another one. */
typedef struct
{
  MockOpen open;
  gboolean known; /* a caller was notified of it */
} MockLoss;

/* What the commands of a call do, if none is refused. */
void     mock_open_follow (MockOpen       *self,
                           TornadisCall   *call);
/* @open is what was open on the connection; nothing changes if that is nothing. */
void     mock_loss_begin  (MockLoss       *self,
                           const MockOpen *open);
void     mock_loss_end    (MockLoss       *self);
gboolean mock_loss_is_any (const MockLoss *self);
/* Whether a call may be made; else it fails with LOST. */
gboolean mock_loss_admits (MockLoss       *self,
                           TornadisCall   *call);

G_END_DECLS
