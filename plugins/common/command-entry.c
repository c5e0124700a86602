/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/command-entry.h"

#include <string.h>

#include "common/command-keys.h"

/* The elements of a command in the reply to COMMAND: since Redis 2.8, and those that came with 6 and 7. */
enum
{
  FIELD_NAME,
  FIELD_ARITY,
  FIELD_FLAGS,
  FIELD_FIRST,
  FIELD_LAST,
  FIELD_STEP,
  FIELD_CATEGORIES,
  FIELD_TIPS,
  FIELD_KEY_SPECS,
  FIELD_SUBCOMMANDS,
};

struct _CommandEntry
{
  CommandFlags flags;
  CommandRequest request;
  CommandResponse response;
  guint single_key;        /* see command_entry_get_single_key() */
  CommandKeys *keys;       /* (owned) */
  GHashTable *subcommands; /* (owned) (nullable) (element-type utf8 CommandEntry) by the name in upper case */
};

static void
entry_free (gpointer data)
{
  CommandEntry *self = data;

  command_keys_free (self->keys);
  g_clear_pointer (&self->subcommands, g_hash_table_unref);
  g_free (self);
}

static GHashTable *
entries_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
}

static CommandFlags
parse_flags (TornadisReply *reply,
             const char *name)
{
  static const struct
  {
    const char *name;
    CommandFlags flag;
  } known[] = {
    { "readonly", COMMAND_FLAG_READONLY },
    { "write", COMMAND_FLAG_WRITE },
    { "blocking", COMMAND_FLAG_BLOCKING },
    { "pubsub", COMMAND_FLAG_PUBSUB },
  };
  /* Before Redis 6 there are no categories, and no server says so. */
  static const char *const blocking[] = { "BLPOP", "BRPOP", "BRPOPLPUSH", "BZPOPMIN", "BZPOPMAX", "XREAD", "XREADGROUP", "WAIT",
                                          NULL };
  TornadisReply *categories = tornadis_reply_get_element (reply, FIELD_CATEGORIES);
  CommandFlags flags = COMMAND_FLAG_NONE;

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    {
      if (command_reply_contains (tornadis_reply_get_element (reply, FIELD_FLAGS), known[i].name))
        flags |= known[i].flag;
    }

  if (categories != NULL ? command_reply_contains (categories, "@blocking") : g_strv_contains (blocking, name))
    flags |= COMMAND_FLAG_BLOCKING;

  return flags;
}

/* Gets which of the words is behind @name in the tips (nullable), from 1 on; 0: none of them. */
static guint
parse_tip (TornadisReply *tips,
           const char *name,
           const char *const *words)
{
  for (gsize i = 0; tips != NULL && i < tornadis_reply_get_n_elements (tips); i++)
    {
      const char *text = tornadis_reply_get_text (tornadis_reply_get_element (tips, i));

      if (text == NULL || !g_str_has_prefix (text, name))
        continue;
      for (guint j = 0; words[j] != NULL; j++)
        {
          if (strcmp (text + strlen (name), words[j]) == 0)
            return j + 1;
        }
    }

  return 0;
}

static void
entry_parse_tips (CommandEntry *self,
                  TornadisReply *tips)
{
  /* In the order of the types. */
  static const char *const requests[] = { "all_nodes", "all_shards", "multi_shard", "special", NULL };
  static const char *const responses[] = { "one_succeeded", "all_succeeded", "agg_logical_and", "agg_logical_or", "agg_min",
                                           "agg_max", "agg_sum", "special", NULL };

  self->request = parse_tip (tips, "request_policy:", requests);
  self->response = parse_tip (tips, "response_policy:", responses);
}

static gboolean parse_commands (TornadisReply *reply,
                                const char *parent,
                                GHashTable *commands);

/* @name has no parent before it. */
static CommandEntry *
parse_command (TornadisReply *reply,
               const char *name,
               gboolean is_subcommand)
{
  TornadisReply *subcommands = tornadis_reply_get_element (reply, FIELD_SUBCOMMANDS);
  gboolean movable = command_reply_contains (tornadis_reply_get_element (reply, FIELD_FLAGS), "movablekeys");
  CommandEntry *self = g_new0 (CommandEntry, 1);

  self->flags = parse_flags (reply, name);
  entry_parse_tips (self, tornadis_reply_get_element (reply, FIELD_TIPS));
  self->keys = command_keys_new (is_subcommand ? "" : name, tornadis_reply_get_element (reply, FIELD_KEY_SPECS),
                                 tornadis_reply_get_integer (tornadis_reply_get_element (reply, FIELD_FIRST)),
                                 tornadis_reply_get_integer (tornadis_reply_get_element (reply, FIELD_LAST)),
                                 tornadis_reply_get_integer (tornadis_reply_get_element (reply, FIELD_STEP)), movable);
  if (self->request == COMMAND_REQUEST_NONE)
    self->single_key = command_keys_get_single (self->keys);
  if (command_keys_are_movable (self->keys))
    self->flags |= COMMAND_FLAG_MOVABLE_KEYS;

  /* There are none below subcommands, whatever a server says. */
  if (!is_subcommand && subcommands != NULL && tornadis_reply_get_n_elements (subcommands) > 0)
    {
      self->subcommands = entries_new ();
      if (!parse_commands (subcommands, name, self->subcommands))
        g_clear_pointer (&self, entry_free);
    }

  return self;
}

/* @parent (nullable): in upper case. FALSE when it is not such a reply. */
static gboolean
parse_commands (TornadisReply *reply,
                const char *parent,
                GHashTable *commands)
{
  g_autofree char *before = parent != NULL ? g_strconcat (parent, "|", NULL) : g_strdup ("");

  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    {
      TornadisReply *element = tornadis_reply_get_element (reply, i);
      TornadisReply *field = tornadis_reply_get_element (element, FIELD_NAME);
      const char *text = field != NULL ? tornadis_reply_get_text (field) : NULL;
      g_autofree char *full = NULL;
      const char *name;
      CommandEntry *command;

      if (text == NULL || tornadis_reply_get_n_elements (element) <= FIELD_STEP)
        return FALSE;
      for (guint j = FIELD_FIRST; j <= FIELD_STEP; j++)
        {
          if (tornadis_reply_get_kind (tornadis_reply_get_element (element, j)) != TORNADIS_REPLY_KIND_INTEGER)
            return FALSE;
        }

      full = g_ascii_strup (text, -1);
      name = g_str_has_prefix (full, before) ? full + strlen (before) : full;
      command = parse_command (element, name, parent != NULL);
      if (command == NULL)
        return FALSE;
      g_hash_table_replace (commands, g_strdup (name), command);
    }

  return TRUE;
}

GHashTable *
command_entries_parse (TornadisReply *reply,
                       GError **error)
{
  g_autoptr (GHashTable) commands = entries_new ();

  if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_ARRAY || !parse_commands (reply, NULL, commands) ||
      g_hash_table_size (commands) == 0)
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The server's reply to COMMAND does not list commands");
      return NULL;
    }

  return g_steal_pointer (&commands);
}

CommandEntry *
command_entries_find (GHashTable *map,
                      TornadisCommand *command,
                      gsize i)
{
  gsize length;
  const char *data = (const char *) tornadis_command_get_arg_data (command, i, &length);
  g_autofree char *name = g_ascii_strup (data, (gssize) length);

  return g_hash_table_lookup (map, name);
}

const CommandEntry *
command_entry_get_subcommand (const CommandEntry *self,
                              TornadisCommand *command)
{
  if (G_LIKELY (self->subcommands == NULL) || tornadis_command_get_n_args (command) < 2)
    return self;

  return command_entries_find (self->subcommands, command, 1);
}

CommandFlags
command_entry_get_flags (const CommandEntry *self)
{
  return self->flags;
}

CommandRequest
command_entry_get_request (const CommandEntry *self)
{
  return self->request;
}

CommandResponse
command_entry_get_response (const CommandEntry *self)
{
  return self->response;
}

gboolean
command_entry_find_keys (const CommandEntry *self,
                         TornadisCommand *command,
                         GArray *positions)
{
  return command_keys_find (self->keys, command, positions);
}

guint
command_entry_get_single_key (const CommandEntry *self)
{
  return self->single_key;
}

gboolean
command_entry_get_key_run (const CommandEntry *self,
                           gsize n_args,
                           guint *first,
                           guint *last,
                           guint *step)
{
  return command_keys_get_run (self->keys, n_args, first, last, step);
}
