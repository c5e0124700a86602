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

G_END_DECLS
