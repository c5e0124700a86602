/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/command-table.h"

#include <string.h>

/* No command of any server has a longer name; tornadis_command_get_name() cuts there. */
#define MAX_NAME_LENGTH 31
#define N_RECENT 64

/* A command that was looked up lately. */
typedef struct
{
  const char *name;      /* (unowned) (nullable) belongs to the commands */
  const char *shared;    /* (unowned) (nullable) what tornadis_command_get_name() gives of any that has this name */
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
    server->commands = command_entries_parse (reply, &failure);
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

gboolean
command_table_lookup (CommandTable *self,
                      TornadisClient *client,
                      TornadisCommand *command,
                      CommandFlags *flags)
{
  const CommandEntry *found = command_table_find (self, client, command);

  if (found != NULL && flags != NULL)
    *flags = command_entry_get_flags (found);

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

/* Two commands have it at the same place: it is neither's own, and lasts. */
static gboolean
name_is_shared (const char *name)
{
  g_autoptr (TornadisCommand) other = tornadis_command_new (name);

  return tornadis_command_get_name (other) == name;
}

static G_NO_INLINE CommandEntry *
server_find (Server *self,
             TornadisCommand *command,
             const char *name)
{
  Recent *recent = server_get_recent (self, name);
  gpointer key, found;

  if (recent->name != NULL && strcmp (recent->name, name) == 0)
    return recent->command;
  if (self->commands == NULL || tornadis_command_get_n_args (command) == 0)
    return NULL;
  if (strlen (name) >= MAX_NAME_LENGTH)
    return command_entries_find (self->commands, command, 0);
  if (!g_hash_table_lookup_extended (self->commands, name, &key, &found))
    return NULL;

  *recent = (Recent){ key, name_is_shared (name) ? name : NULL, found };
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
  const CommandEntry *found;

  if (G_LIKELY (recent->shared == name))
    found = recent->command;
  else
    found = server_find (server, command, name);

  return found != NULL ? command_entry_get_subcommand (found, command) : NULL;
}
