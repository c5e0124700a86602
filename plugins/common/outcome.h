/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* The outcome of a call in a word (transfer full): "ok", "cancelled", the server's first word, such as WRONGTYPE, or
 * the nick of an error of the library, such as "lost". */
char *outcome_describe (const GError *error);
/* Whose the outcome of a call is (transfer full): the title of the client that it was forwarded to, such as that of a cluster's
 * node, or of its own. */
char *outcome_dup_server (TornadisCall *call);

G_END_DECLS
