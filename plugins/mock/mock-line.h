/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* A line that stands for commands, such as "GET user:*", and what they are answered with. */
typedef struct _MockLine MockLine;

GVariant  *mock_line_get_answer   (const MockLine  *self);

/* Lists of them (element-type MockLine). */
GPtrArray *mock_lines_new         (void);
/* From @pairs (nullable) of a line and an answer, boxed or not, replacing what there was. */
void       mock_lines_read        (GPtrArray       *lines,
                                   GVariant        *pairs);
/* As a(sv) (transfer full). */
GVariant  *mock_lines_to_variant  (GPtrArray       *lines);
/* The most specific first. */
void       mock_lines_sort        (GPtrArray       *lines);
/* The first that stands for a command, with @words as below; @named: only one that names the command. */
MockLine  *mock_lines_find        (GPtrArray       *lines,
                                   GStrv            words,
                                   gboolean         named,
                                   guint           *position);

/* The arguments as text, the name in upper case. Bytes that are no text become \xNN. */
GStrv      mock_command_get_words (TornadisCommand *command);

G_END_DECLS
