/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

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

/* What a server says of one command, in its reply to COMMAND: flags, tips, and where the keys are. */
typedef struct _CommandEntry CommandEntry;

/* (transfer full) (element-type utf8 CommandEntry) By the name in upper case. NULL with TORNADIS_ERROR_PLUGIN: @reply does not
 * list commands. */
GHashTable      *command_entries_parse        (TornadisReply       *reply,
                                               GError             **error);
/* (nullable) The one that is named by an argument of @command. */
CommandEntry    *command_entries_find         (GHashTable          *entries,
                                               TornadisCommand     *command,
                                               gsize                i);
CommandFlags     command_entry_get_flags      (const CommandEntry  *self);
CommandRequest   command_entry_get_request    (const CommandEntry  *self);
CommandResponse  command_entry_get_response   (const CommandEntry  *self);
/* Itself, or the subcommand that @command is. NULL: the server does not know that. */
const CommandEntry *command_entry_get_subcommand (const CommandEntry *self,
                                                  TornadisCommand    *command);
/* As command_table_find_keys() does. */
gboolean         command_entry_find_keys      (const CommandEntry  *self,
                                               TornadisCommand     *command,
                                               GArray              *positions);
/* The one argument that is a key, whatever the others are. 0: it is not as simple as that, or there is a request tip. */
guint            command_entry_get_single_key (const CommandEntry  *self);
/* See command_keys_get_run(). */
gboolean         command_entry_get_key_run    (const CommandEntry  *self,
                                               gsize                n_args,
                                               guint               *first,
                                               guint               *last,
                                               guint               *step);

G_END_DECLS
