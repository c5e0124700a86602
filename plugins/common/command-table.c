/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/command-table.h"

#include <string.h>

#include "common/command-keys.h"

/* No command of any server has a longer name; tornadis_command_get_name() cuts there. */
#define MAX_NAME_LENGTH 31
#define N_RECENT 64

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

/* A command that was looked up lately. */
typedef struct
{
  const char *name;      /* (unowned) (nullable) belongs to the commands */
  CommandEntry *command; /* (unowned) */
} Recent;

/* A COMMAND in flight. */
typedef struct
{
  CommandTable *table; /* (unowned) (nullable) NULL when it was freed */
  struct _Server *server;
} Request;

/* Somebody who waits for it. */
typedef struct
{
  TornadisClient *client; /* (owned) */
  CommandTableFunc func;  /* (nullable) */
  gpointer user_data;     /* (unowned) */
} Waiter;

typedef struct _Server
{
  GHashTable *commands;    /* (owned) (nullable) (element-type utf8 CommandEntry) by the name in upper case */
  Recent recent[N_RECENT]; /* of @commands, see server_get_recent() */
  GPtrArray *waiters;      /* (owned) (element-type Waiter) */
  Request *request;        /* (nullable) owned by the call */
} Server;

struct _CommandTable
{
  TornadisPlugin *plugin;      /* (unowned) */
  GHashTable *servers;         /* (owned) (element-type utf8 Server) by title */
  GHashTable *clients;         /* (owned) (element-type TornadisClient Server) both unowned: the server of each, by its title */
  TornadisClient *last_client; /* (unowned) (nullable) that was asked for last, and one of @clients */
  Server *last_server;         /* (unowned) of @last_client */
};

static void
command_free (gpointer data)
{
  CommandEntry *self = data;

  command_keys_free (self->keys);
  g_clear_pointer (&self->subcommands, g_hash_table_unref);
  g_free (self);
}

static GHashTable *
command_map_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, command_free);
}

static void
waiter_free (gpointer data)
{
  Waiter *self = data;

  g_object_unref (self->client);
  g_free (self);
}

static void
server_free (gpointer data)
{
  Server *self = data;

  if (self->request != NULL)
    self->request->table = NULL;
  g_clear_pointer (&self->commands, g_hash_table_unref);
  g_ptr_array_unref (self->waiters);
  g_free (self);
}

static gboolean
reply_has_name (TornadisReply *self,
                const char *name)
{
  gsize length;
  const guint8 *data = tornadis_reply_get_data (self, &length);

  return data != NULL && length == strlen (name) && memcmp (data, name, length) == 0;
}

gboolean
command_reply_contains (TornadisReply *self,
                        const char *name)
{
  for (gsize i = 0; self != NULL && i < tornadis_reply_get_n_elements (self); i++)
    {
      if (reply_has_name (tornadis_reply_get_element (self, i), name))
        return TRUE;
    }

  return FALSE;
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
command_parse_tips (CommandEntry *self,
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
  command_parse_tips (self, tornadis_reply_get_element (reply, FIELD_TIPS));
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
      self->subcommands = command_map_new ();
      if (!parse_commands (subcommands, name, self->subcommands))
        g_clear_pointer (&self, command_free);
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

static GHashTable *
parse_reply (TornadisReply *reply,
             GError **error)
{
  g_autoptr (GHashTable) commands = command_map_new ();

  if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_ARRAY || !parse_commands (reply, NULL, commands) ||
      g_hash_table_size (commands) == 0)
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The server's reply to COMMAND does not list commands");
      return NULL;
    }

  return g_steal_pointer (&commands);
}

static void client_gone_cb (gpointer user_data,
                            GObject *client);

/* The client may be gone: it is no more than an address here. */
static void
table_remove_client (CommandTable *self,
                     gconstpointer client)
{
  if (self->last_client == client)
    self->last_client = NULL;
  g_hash_table_remove (self->clients, client);
}

static void
retitled_cb (CommandTable *self,
             GParamSpec *pspec,
             TornadisClient *client)
{
  g_signal_handlers_disconnect_by_func (client, retitled_cb, self);
  g_object_weak_unref (G_OBJECT (client), client_gone_cb, self);
  table_remove_client (self, client);
}

static void
client_gone_cb (gpointer user_data,
                GObject *client)
{
  table_remove_client (user_data, client);
}

static G_NO_INLINE Server *
table_find_server (CommandTable *self,
                   TornadisClient *client)
{
  Server *server = g_hash_table_lookup (self->clients, client);
  g_autofree char *title = NULL;

  if (server != NULL)
    return server;

  g_object_get (client, "title", &title, NULL);
  server = g_hash_table_lookup (self->servers, title);
  if (server == NULL)
    {
      server = g_new0 (Server, 1);
      server->waiters = g_ptr_array_new_with_free_func (waiter_free);
      g_hash_table_insert (self->servers, g_steal_pointer (&title), server);
    }

  g_signal_connect_swapped (client, "notify::title", G_CALLBACK (retitled_cb), self);
  g_object_weak_ref (G_OBJECT (client), client_gone_cb, self);
  g_hash_table_insert (self->clients, client, server);

  return server;
}

static inline Server *
table_get_server (CommandTable *self,
                  TornadisClient *client)
{
  if (G_LIKELY (self->last_client == client))
    return self->last_server;

  self->last_server = table_find_server (self, client);
  self->last_client = client;

  return self->last_server;
}

static void server_ask (Server *self,
                        CommandTable *table,
                        TornadisClient *client);

static void
asked_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  Request *request = user_data;
  Server *server = request->server;
  g_autoptr (GPtrArray) notified = g_ptr_array_new_with_free_func (waiter_free);
  g_autoptr (GError) failure = NULL;

  if (request->table == NULL)
    return;

  if (reply != NULL)
    server->commands = parse_reply (reply, &failure);
  else
    failure = g_error_copy (error);

  /* A failure is for those who asked with the same client. The others ask with their own. */
  for (guint i = 0; i < server->waiters->len;)
    {
      if (failure == NULL || ((Waiter *) g_ptr_array_index (server->waiters, i))->client == client)
        g_ptr_array_add (notified, g_ptr_array_steal_index (server->waiters, i));
      else
        i++;
    }

  /* Each may free the table. */
  for (guint i = 0; i < notified->len && request->table != NULL; i++)
    {
      Waiter *waiter = g_ptr_array_index (notified, i);

      if (waiter->func != NULL)
        waiter->func (failure, waiter->user_data);
    }

  if (request->table == NULL)
    return;

  server->request = NULL;
  if (server->waiters->len > 0)
    server_ask (server, request->table, ((Waiter *) g_ptr_array_index (server->waiters, 0))->client);
}

static void
server_ask (Server *self,
            CommandTable *table,
            TornadisClient *client)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("COMMAND");

  self->request = g_new (Request, 1);
  self->request->table = table;
  self->request->server = self;
  tornadis_plugin_submit (table->plugin, client, command, asked_cb, self->request, g_free);
}

CommandTable *
command_table_new (TornadisPlugin *plugin)
{
  CommandTable *self = g_new0 (CommandTable, 1);

  self->plugin = plugin;
  self->servers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, server_free);
  self->clients = g_hash_table_new (NULL, NULL);

  return self;
}

void
command_table_free (CommandTable *self)
{
  g_autoptr (GList) clients = g_hash_table_get_keys (self->clients);

  for (GList *l = clients; l != NULL; l = l->next)
    retitled_cb (self, NULL, l->data);

  g_hash_table_unref (self->clients);
  g_hash_table_unref (self->servers);
  g_free (self);
}

gboolean
command_table_is_ready (CommandTable *self,
                        TornadisClient *client,
                        CommandTableFunc func,
                        gpointer user_data)
{
  Server *server = table_get_server (self, client);
  Waiter *waiter;

  if (G_LIKELY (server->commands != NULL))
    return TRUE;

  waiter = g_new (Waiter, 1);
  waiter->client = g_object_ref (client);
  waiter->func = func;
  waiter->user_data = user_data;
  g_ptr_array_add (server->waiters, waiter);

  if (server->request == NULL)
    server_ask (server, self, client);

  return FALSE;
}

void
command_table_forget (CommandTable *self,
                      TornadisClient *client)
{
  Server *server = table_get_server (self, client);

  memset (server->recent, 0, sizeof server->recent);
  g_clear_pointer (&server->commands, g_hash_table_unref);
}

static CommandEntry *
map_lookup_argument (GHashTable *map,
                     TornadisCommand *command,
                     gsize i)
{
  gsize length;
  const char *data = (const char *) tornadis_command_get_arg_data (command, i, &length);
  g_autofree char *name = g_ascii_strup (data, (gssize) length);

  return g_hash_table_lookup (map, name);
}

gboolean
command_table_lookup (CommandTable *self,
                      TornadisClient *client,
                      TornadisCommand *command,
                      CommandFlags *flags)
{
  const CommandEntry *found = command_table_find (self, client, command);

  if (found != NULL && flags != NULL)
    *flags = found->flags;

  return found != NULL;
}

gboolean
command_table_find_keys (CommandTable *self,
                         TornadisClient *client,
                         TornadisCommand *command,
                         GArray *positions,
                         GError **error)
{
  const CommandEntry *found = command_table_find (self, client, command);

  if (found != NULL && command_entry_find_keys (found, command, positions))
    return TRUE;

  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "It is not known which arguments of %s are keys",
               tornadis_command_get_name (command));
  return FALSE;
}

/* By the address: most names are shared by all commands that have them. What is there may be another one all the same. */
static inline Recent *
server_get_recent (Server *self,
                   const char *name)
{
  return &self->recent[GPOINTER_TO_SIZE (name) / 32 % N_RECENT];
}

static G_NO_INLINE CommandEntry *
server_find (Server *self,
             TornadisCommand *command,
             const char *name)
{
  gpointer key, found;

  if (self->commands == NULL || tornadis_command_get_n_args (command) == 0)
    return NULL;
  if (strlen (name) >= MAX_NAME_LENGTH)
    return map_lookup_argument (self->commands, command, 0);
  if (!g_hash_table_lookup_extended (self->commands, name, &key, &found))
    return NULL;

  *server_get_recent (self, name) = (Recent){ key, found };
  return found;
}

const CommandEntry *
command_table_find (CommandTable *self,
                    TornadisClient *client,
                    TornadisCommand *command)
{
  const char *name = tornadis_command_get_name (command);
  Server *server = table_get_server (self, client);
  const Recent *recent = server_get_recent (server, name);
  CommandEntry *found;

  if (G_LIKELY (recent->name != NULL && strcmp (recent->name, name) == 0))
    found = recent->command;
  else
    found = server_find (server, command, name);

  if (found != NULL && found->subcommands != NULL && tornadis_command_get_n_args (command) > 1)
    return map_lookup_argument (found->subcommands, command, 1);

  return found;
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
