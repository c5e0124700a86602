/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The outcome of a call in a word (transfer full): "ok", "cancelled", the server's first word, such as WRONGTYPE, or
 * the nick of an error of the library, such as "lost". */
char *outcome_describe (const GError *error);

G_END_DECLS
