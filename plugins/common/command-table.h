/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* What servers say of their commands, in the reply to COMMAND: flags, and where the keys are. One table serves a plugin on
 * all its clients; what it knows is kept by the title of the client. */
typedef struct _CommandTable CommandTable;

typedef enum
{
  COMMAND_FLAG_NONE = 0,
  COMMAND_FLAG_READONLY = 1 << 0,
  COMMAND_FLAG_WRITE = 1 << 1,
  COMMAND_FLAG_BLOCKING = 1 << 2,
  COMMAND_FLAG_PUBSUB = 1 << 3,
  /* Not all keys are where the table says, or the server is too old to say. */
  COMMAND_FLAG_MOVABLE_KEYS = 1 << 4,
} CommandFlags;

/* The tips request_policy and response_policy of Redis 7 and Valkey, for clients of a cluster. */
typedef enum
{
  COMMAND_REQUEST_NONE,
  COMMAND_REQUEST_ALL_NODES,
  COMMAND_REQUEST_ALL_SHARDS,
  COMMAND_REQUEST_MULTI_SHARD,
  COMMAND_REQUEST_SPECIAL,
} CommandRequest;

typedef enum
{
  COMMAND_RESPONSE_NONE,
  COMMAND_RESPONSE_ONE_SUCCEEDED,
  COMMAND_RESPONSE_ALL_SUCCEEDED,
  COMMAND_RESPONSE_AGG_LOGICAL_AND,
  COMMAND_RESPONSE_AGG_LOGICAL_OR,
  COMMAND_RESPONSE_AGG_MIN,
  COMMAND_RESPONSE_AGG_MAX,
  COMMAND_RESPONSE_AGG_SUM,
  COMMAND_RESPONSE_SPECIAL,
} CommandResponse;

/* What is known of one command. */
typedef struct _CommandEntry CommandEntry;

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

CommandFlags    command_entry_get_flags     (const CommandEntry *self);
CommandRequest  command_entry_get_request   (const CommandEntry *self);
CommandResponse command_entry_get_response  (const CommandEntry *self);
/* As command_table_find_keys() does. */
gboolean        command_entry_find_keys     (const CommandEntry *self,
                                             TornadisCommand    *command,
                                             GArray             *positions);
/* The one argument that is a key, whatever the others are. 0: it is not as simple as that, or there is a request tip. */
guint           command_entry_get_single_key (const CommandEntry *self);
/* See command_keys_get_run(). */
gboolean        command_entry_get_key_run   (const CommandEntry *self,
                                             gsize               n_args,
                                             guint              *first,
                                             guint              *last,
                                             guint              *step);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CommandTable, command_table_free)

G_END_DECLS
