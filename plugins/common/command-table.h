/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "common/command-entry.h"

G_BEGIN_DECLS

/* What servers say of their commands, in the reply to COMMAND. One table serves a plugin on
 * all its clients; what it knows is kept by the title of the client. */
typedef struct _CommandTable CommandTable;

/* @error (nullable) (transfer none) is why nothing is known. Called from the main loop, exactly once. */
typedef void (*CommandTableFunc) (const GError *error,
                                  gpointer      user_data);

/* @plugin (unowned) is whose calls of COMMAND they are, see tornadis_plugin_submit(). */
CommandTable *command_table_new       (TornadisPlugin    *plugin);
void          command_table_free      (CommandTable      *self);
/* Whether the commands of the server of @client are known. If not, one COMMAND is sent, however many wait for it, and
 * @func (nullable) is called when they are. Those who wait when the table is freed are not called. */
gboolean      command_table_is_ready  (CommandTable      *self,
                                       TornadisClient    *client,
                                       CommandTableFunc   func,
                                       gpointer           user_data);
/* Forgets what is known, when a command was loaded into the server since. */
void          command_table_forget    (CommandTable      *self,
                                       TornadisClient    *client);
/* Whether the server knows the command, or the subcommand that it is; @flags (out) (optional). */
gboolean      command_table_lookup    (CommandTable      *self,
                                       TornadisClient    *client,
                                       TornadisCommand   *command,
                                       CommandFlags      *flags);
/* Appends the positions of the keys among the arguments to @positions (element-type guint), in order. FALSE with
 * TORNADIS_ERROR_PLUGIN: they are not known. */
gboolean      command_table_find_keys (CommandTable      *self,
                                       TornadisClient    *client,
                                       TornadisCommand   *command,
                                       GArray            *positions,
                                       GError           **error);
/* The command, or the subcommand that it is, for whoever asks several things of it. NULL: the server does not know it. It
 * belongs to the table, until that is told to forget or freed. */
const CommandEntry *command_table_find (CommandTable      *self,
                                        TornadisClient    *client,
                                        TornadisCommand   *command);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandTable, command_table_free)

G_END_DECLS
