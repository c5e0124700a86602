/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-command.h"

G_BEGIN_DECLS

/* What the server still has to confirm of a command that has no reply but one push for each of its names, in order:
 * SUBSCRIBE and its kin. Only an error is a reply to it. */
typedef struct _TornadisConfirmations TornadisConfirmations;

/* (nullable): %NULL when @command is one that has a reply. */
TornadisConfirmations *tornadis_confirmations_new         (TornadisCommand       *command);
void                   tornadis_confirmations_free        (TornadisConfirmations *self);
/* The server has sent a confirmation of @name for a command @verb, in lower case. FALSE: it is not the next that this
 * command expects, so that the server has sent it of its own accord. */
gboolean               tornadis_confirmations_take        (TornadisConfirmations *self,
                                                           const char            *verb,
                                                           GBytes                *name);
gboolean               tornadis_confirmations_is_complete (TornadisConfirmations *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisConfirmations, tornadis_confirmations_free)

G_END_DECLS
