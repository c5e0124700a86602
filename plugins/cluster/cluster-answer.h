/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* What the plugin itself answers to a call that it holds. */

/* With an error of the library. */
void           cluster_answer_error      (TornadisCall  *call,
                                          TornadisError  code,
                                          const char    *format,
                                          ...) G_GNUC_PRINTF (3, 4);
/* With a reply, or an error, in a server's words: "+OK". */
void           cluster_answer_line       (TornadisCall  *call,
                                          const char    *line);
/* A reply of one line (transfer full), which @line is in RESP without the line's end. If there are others in it they become
 * part of it: in RESP3 errors may have several. */
TornadisReply *cluster_answer_make_line  (const char    *line);
/* Whether an error of a server says that the command has not run, and would elsewhere or later. */
gboolean       cluster_answer_puts_off   (const char    *text,
                                          gsize          length);
/* Whether it is one after which callers call again: of what has not run. */
gboolean       cluster_answer_is_of_unrun (const GError *error);
/* With the error of one part of it, of which others may have run. */
void           cluster_answer_fail_in_part (TornadisCall *call,
                                          const GError  *error);

G_END_DECLS
