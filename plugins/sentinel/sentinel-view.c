/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sentinel/sentinel-view.h"

#include <string.h>

#include "common/uri-hosts.h"

/* More than anybody has: of what a sentinel tells beyond that nothing is kept. All sentinels are connected to. */
#define MAX_REPLICAS 1000
#define MAX_SENTINELS 32
/* That of a replica that does not say; one with 0 is never to be a master, and as good to read from as any. */
#define DEFAULT_PRIORITY 100

GType
sentinel_role_get_type (void)
{
  static GType type;
  static gsize once;
  static const GEnumValue values[] = {
    { SENTINEL_ROLE_MASTER, "SENTINEL_ROLE_MASTER", "master" },
    { SENTINEL_ROLE_REPLICA, "SENTINEL_ROLE_REPLICA", "replica" },
    { SENTINEL_ROLE_PREFER_REPLICA, "SENTINEL_ROLE_PREFER_REPLICA", "prefer-replica" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&once))
    {
      type = g_enum_register_static ("TornadisSentinelRole", values);
      g_once_init_leave (&once, 1);
    }

  return type;
}

static void
replica_free (gpointer data)
{
  SentinelReplica *self = data;

  g_object_unref (self->address);
  g_free (self);
}

/* The epoch is asked for first: when there is a failover in between it is one too old for the address, and not too new. */
enum
{
  QUESTION_MASTER,
  QUESTION_ADDRESS,
  QUESTION_REPLICAS,
  QUESTION_SENTINELS,
};

TornadisPipeline *
sentinel_view_make_pipeline (const char *name)
{
  static const char *const questions[] = {
    [QUESTION_MASTER] = "MASTER",
    [QUESTION_ADDRESS] = "GET-MASTER-ADDR-BY-NAME",
    [QUESTION_REPLICAS] = "REPLICAS",
    [QUESTION_SENTINELS] = "SENTINELS",
  };
  TornadisPipeline *pipeline = tornadis_pipeline_new ();

  for (guint i = 0; i < G_N_ELEMENTS (questions); i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "SENTINEL", questions[i], name, NULL });

  return pipeline;
}

static const char *
lookup_text (TornadisReply *server,
             const char *field)
{
  TornadisReply *value = tornadis_reply_lookup (server, field);

  return value != NULL ? tornadis_reply_get_text (value) : NULL;
}

static GNetworkAddress *
get_address (TornadisReply *server)
{
  return uri_host_new_for_replies (tornadis_reply_lookup (server, "ip"), tornadis_reply_lookup (server, "port"));
}

static gboolean
has_flag (const char *flags,
          const char *flag)
{
  g_auto (GStrv) words = g_strsplit (flags != NULL ? flags : "", ",", -1);

  return g_strv_contains ((const char *const *) words, flag);
}

/* Whether the sentinel would send readers there. */
static gboolean
is_readable (TornadisReply *server)
{
  static const char *const bad[] = { "s_down", "o_down", "disconnected" };
  const char *flags = lookup_text (server, "flags");
  const char *role = lookup_text (server, "role-reported");

  /* One that has just been made the master is listed for a while. */
  if (role != NULL && strcmp (role, "slave") != 0 && strcmp (role, "replica") != 0)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    if (has_flag (flags, bad[i]))
      return FALSE;

  return g_strcmp0 (lookup_text (server, "master-link-status"), "ok") == 0;
}

/* Those of the list that @replies has at @index: without the permission for it there are none. */
static TornadisReply *
get_server (TornadisReply *replies,
            guint index,
            gsize i)
{
  TornadisReply *servers = tornadis_reply_get_element (replies, index);

  return servers != NULL && tornadis_reply_get_kind (servers) == TORNADIS_REPLY_KIND_ARRAY
           ? tornadis_reply_get_element (servers, i)
           : NULL;
}

static void
add_replica (SentinelView *self,
             TornadisReply *server)
{
  g_autoptr (GNetworkAddress) address = get_address (server);
  const char *priority;
  SentinelReplica *replica;
  guint64 number;

  if (address == NULL || !is_readable (server))
    return;

  priority = lookup_text (server, "slave-priority");
  if (priority == NULL || !g_ascii_string_to_unsigned (priority, 10, 1, G_MAXINT32, &number, NULL))
    number = DEFAULT_PRIORITY;

  replica = g_new (SentinelReplica, 1);
  *replica = (SentinelReplica){ g_steal_pointer (&address), (guint) number };
  g_ptr_array_add (self->replicas, replica);
}

static gint64
get_epoch (TornadisReply *replies)
{
  TornadisReply *master = tornadis_reply_get_element (replies, QUESTION_MASTER);
  const char *text = master != NULL ? lookup_text (master, "config-epoch") : NULL;
  guint64 number;

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &number, NULL) ? (gint64) number
                                                                                             : SENTINEL_EPOCH_UNKNOWN;
}

/* (nullable): with an error, that does not say where the master is. */
static GNetworkAddress *
get_master (const char *name,
            TornadisReply *replies,
            GError **error)
{
  TornadisReply *address = tornadis_reply_get_element (replies, QUESTION_ADDRESS);
  GNetworkAddress *master = NULL;

  if (address != NULL && tornadis_reply_is_error (address))
    {
      g_autoptr (GError) words = tornadis_reply_dup_error (address);

      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "it said: %s", words->message);
      return NULL;
    }

  if (address != NULL && tornadis_reply_get_kind (address) == TORNADIS_REPLY_KIND_NIL)
    {
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "it knows no “%s”", name);
      return NULL;
    }

  if (address != NULL && tornadis_reply_get_kind (address) == TORNADIS_REPLY_KIND_ARRAY)
    master = uri_host_new_for_replies (tornadis_reply_get_element (address, 0), tornadis_reply_get_element (address, 1));
  if (master == NULL)
    g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "it did not give an address of “%s”", name);

  return master;
}

/* (nullable) (transfer full) */
static char *
get_reason (TornadisReply *replies)
{
  TornadisReply *list = tornadis_reply_get_element (replies, QUESTION_REPLICAS);
  g_autoptr (GError) words = list != NULL ? tornadis_reply_dup_error (list) : NULL;

  return words != NULL ? g_strdup_printf ("SENTINEL REPLICAS: %s", words->message) : NULL;
}

SentinelView *
sentinel_view_new (GNetworkAddress *sentinel,
                   const char *name,
                   TornadisReply *replies,
                   GError **error)
{
  GNetworkAddress *master = get_master (name, replies, error);
  SentinelView *self;
  TornadisReply *server;

  if (master == NULL)
    return NULL;

  self = g_new (SentinelView, 1);
  self->sentinel = g_object_ref (sentinel);
  self->master = master;
  self->epoch = get_epoch (replies);
  self->is_old = FALSE;
  self->reason = get_reason (replies);
  self->replicas = g_ptr_array_new_with_free_func (replica_free);
  self->sentinels = g_ptr_array_new_with_free_func (g_object_unref);

  for (gsize i = 0; i < MAX_REPLICAS && (server = get_server (replies, QUESTION_REPLICAS, i)) != NULL; i++)
    add_replica (self, server);
  for (gsize i = 0; i < MAX_SENTINELS && (server = get_server (replies, QUESTION_SENTINELS, i)) != NULL; i++)
    {
      GNetworkAddress *other = get_address (server);

      if (other != NULL)
        g_ptr_array_add (self->sentinels, other);
    }

  return self;
}

void
sentinel_view_free (SentinelView *self)
{
  g_object_unref (self->sentinel);
  g_object_unref (self->master);
  g_ptr_array_unref (self->replicas);
  g_ptr_array_unref (self->sentinels);
  g_free (self->reason);
  g_free (self);
}

/* Takes one at random, one with half the priority twice as often. */
static GNetworkAddress *
draw (GPtrArray *replicas)
{
  double total = 0, drawn;
  guint i;

  for (i = 0; i < replicas->len; i++)
    total += 1.0 / ((SentinelReplica *) g_ptr_array_index (replicas, i))->priority;

  drawn = g_random_double_range (0, total);
  for (i = 0; i + 1 < replicas->len; i++)
    {
      drawn -= 1.0 / ((SentinelReplica *) g_ptr_array_index (replicas, i))->priority;
      if (drawn < 0)
        break;
    }

  return ((SentinelReplica *) g_ptr_array_steal_index_fast (replicas, i))->address;
}

GPtrArray *
sentinel_view_get_servers (const SentinelView *self,
                           SentinelRole role)
{
  GPtrArray *servers = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) left = g_ptr_array_new ();

  if (role != SENTINEL_ROLE_MASTER)
    {
      for (guint i = 0; i < self->replicas->len; i++)
        g_ptr_array_add (left, g_ptr_array_index (self->replicas, i));
      while (left->len > 0)
        g_ptr_array_add (servers, g_object_ref (draw (left)));
    }
  if (role != SENTINEL_ROLE_REPLICA)
    g_ptr_array_add (servers, g_object_ref (self->master));

  return servers;
}
