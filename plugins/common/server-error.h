/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* The first word of what the server said, %NULL when @error is not the server's. A transaction that it did not run fails
 * with EXECABORT and a reason: @aborted (out) (optional) is TRUE then and the word is the first of the reason. */
char *server_error_dup_cause (const GError *error,
                              gboolean *aborted);

G_END_DECLS
