/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* Where the keys of one command are; a part of CommandEntry. */
typedef struct _CommandKeys CommandKeys;

/* @name is in upper case, "" for a subcommand. @specs (nullable) are the key specifications of Redis 7, the numbers
 * and @movable what there was before. */
CommandKeys *command_keys_new         (const char      *name,
                                       TornadisReply   *specs,
                                       gint64           first,
                                       gint64           last,
                                       gint64           step,
                                       gboolean         movable);
void         command_keys_free        (CommandKeys     *self);
/* Whether what the server says does not suffice to find them all. */
gboolean     command_keys_are_movable (CommandKeys     *self);
/* Appends the positions to @positions (element-type guint), in order and each once; FALSE: they are not known. */
gboolean     command_keys_find        (CommandKeys     *self,
                                       TornadisCommand *command,
                                       GArray          *positions);
/* Whether the keys are nothing but one run of the arguments, from @first on each @step one up to @last, of a command of
 * so many arguments, and no other argument says how many there are: then it can be split. */
gboolean     command_keys_get_run     (CommandKeys     *self,
                                       gsize            n_args,
                                       guint           *first,
                                       guint           *last,
                                       guint           *step);
/* The one argument that is a key, whatever the others are, or 0 if it is not as simple as that. */
guint        command_keys_get_single  (CommandKeys     *self);

/* Whether one of the elements of a reply (nullable) is @name. */
gboolean command_reply_contains (TornadisReply *self,
                                 const char    *name);

G_END_DECLS
