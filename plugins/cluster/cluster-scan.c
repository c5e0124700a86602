/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-scan.h"

#include <string.h>

#include "cluster/cluster-answer.h"
#include "cluster/cluster-trip.h"

/* A cluster is advised to have 1,000 nodes at the most. */
#define NODE_BITS 10
#define MAX_NODES (1u << NODE_BITS)

/* What a node's cursor says is where its process is in tables that are in an order of its own. A replica that takes a master's place
 * has another, so that the cursor of this plugin has a mark of the node as well; and what is left of 64 bits is more than a node
 * with as many keys as it can have needs. */
#define MARK_BITS 10
#define MAX_MARK (1u << MARK_BITS)
#define OWN_BITS (NODE_BITS + MARK_BITS)

typedef struct
{
  ClusterClient *client;     /* (owned) */
  TornadisCall *call;        /* (owned) */
  GCancellable *cancellable; /* (owned) */
  guint node;                /* the one that is scanned, in the order of their first slots; unless the servers go from one to the next */
  guint n_nodes;
  guint mark; /* of the node */
} Scan;

static Scan *
scan_new (ClusterClient *client,
          TornadisCall *call)
{
  Scan *self = g_new0 (Scan, 1);

  self->client = g_rc_box_acquire (client);
  self->call = g_object_ref (call);
  self->cancellable = g_object_ref (cluster_trip_begin (client, call, TRUE));

  return self;
}

static void
scan_free (Scan *self)
{
  g_object_unref (self->cancellable);
  g_object_unref (self->call);
  g_rc_box_release (self->client);
  g_free (self);
}

/* The masters (element-type ClusterNode) (transfer container), by their first slots. */
static GPtrArray *
get_masters (ClusterTopology *topology)
{
  GPtrArray *masters = g_ptr_array_new ();
  guint n = cluster_topology_get_masters (topology)->len;
  const ClusterNode *last = NULL;

  for (guint slot = 0; slot < CLUSTER_N_SLOTS && masters->len < n; slot++)
    {
      const ClusterNode *master = cluster_topology_get_master (topology, slot);

      if (master == last)
        continue;
      last = master;
      if (!g_ptr_array_find (masters, master, NULL))
        g_ptr_array_add (masters, (gpointer) master);
    }

  return masters;
}

static gboolean
parse_cursor (GBytes *argument,
              guint64 *cursor)
{
  g_autofree char *digits = g_strndup (g_bytes_get_data (argument, NULL), g_bytes_get_size (argument));

  return g_ascii_string_to_unsigned (digits, 10, 0, G_MAXUINT64, cursor, NULL);
}

static GBytes *
make_digits (guint64 number)
{
  char *digits = g_strdup_printf ("%" G_GUINT64_FORMAT, number);

  return g_bytes_new_take (digits, strlen (digits));
}

static TornadisReply *
make_reply (guint64 cursor,
            TornadisReply *keys)
{
  g_autoptr (GBytes) bytes = make_digits (cursor);
  g_autoptr (TornadisReply) text = tornadis_reply_new_string (bytes);
  TornadisReply *parts[] = { text, keys };

  return tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, parts, G_N_ELEMENTS (parts));
}

static void
scanned_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  Scan *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);
  g_autoptr (TornadisReply) own = NULL;
  g_autoptr (GBytes) digits = NULL;
  guint64 cursor;

  if (g_cancellable_is_cancelled (self->cancellable))
    {
      scan_free (self);
      return;
    }

  if (error != NULL)
    cluster_client_explain (self->client, TORNADIS_CLIENT (object), "SCAN", &error);
  if (reply != NULL && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_ARRAY && tornadis_reply_get_n_elements (reply) == 2)
    digits = tornadis_reply_get_bytes (tornadis_reply_get_element (reply, 0));

  if (reply == NULL)
    tornadis_call_return_error (self->call, error);
  else if (digits == NULL || !parse_cursor (digits, &cursor) || cursor >> (64 - OWN_BITS) != 0)
    cluster_answer_error (self->call, TORNADIS_ERROR_PROTOCOL, "SCAN: the node's cursor is not one");
  else
    {
      /* It is through with this node. */
      if (cursor == 0)
        cursor = ++self->node < self->n_nodes ? self->node : 0;
      else
        cursor = cursor << OWN_BITS | (guint64) self->mark << NODE_BITS | self->node;
      own = make_reply (cursor, tornadis_reply_get_element (reply, 1));
      tornadis_call_return_reply (self->call, own);
    }
  scan_free (self);
}

/* @command with another name and another cursor. */
static TornadisCommand *
make_command (TornadisCommand *command,
              const char *name,
              GBytes *cursor)
{
  TornadisCommand *own = tornadis_command_new (name);

  tornadis_command_append_bytes (own, cursor);
  for (gsize i = 2; i < tornadis_command_get_n_args (command); i++)
    {
      g_autoptr (GBytes) argument = tornadis_command_get_arg (command, i);

      tornadis_command_append_bytes (own, argument);
    }

  return own;
}

static guint
get_mark (const ClusterNode *node)
{
  guint hash = g_str_hash (node->key);

  return (hash ^ hash >> MARK_BITS ^ hash >> 2 * MARK_BITS) & (MAX_MARK - 1);
}

static void
scan_nodes (ClusterClient *client,
            TornadisCall *call)
{
  TornadisCommand *command = tornadis_call_get_command (call);
  ClusterTopology *topology = cluster_map_get_topology (client->map);
  g_autoptr (GPtrArray) masters = NULL;
  g_autoptr (GBytes) argument = tornadis_command_get_arg (command, 1);
  g_autoptr (GBytes) digits = NULL;
  g_autoptr (TornadisCommand) own = NULL;
  guint64 cursor;
  Scan *self;

  /* What is nobody's would be left out, and who has it next never be asked. */
  if (cluster_topology_get_n_slots (topology) < CLUSTER_N_SLOTS)
    {
      cluster_map_refresh (client->map, NULL, NULL, NULL);
      cluster_answer_error (call, TORNADIS_ERROR_CONNECT, "SCAN: a part of the cluster's slots has no node at present");
      return;
    }
  if (argument == NULL || !parse_cursor (argument, &cursor))
    {
      cluster_answer_error (call, TORNADIS_ERROR_USAGE, "SCAN: the cursor is not one");
      return;
    }
  masters = get_masters (topology);
  if (masters->len > MAX_NODES || (cursor & (MAX_NODES - 1)) >= masters->len)
    {
      cluster_answer_error (call, TORNADIS_ERROR_USAGE, "SCAN: the cursor is of a cluster with more nodes");
      return;
    }

  self = scan_new (client, call);
  self->node = (guint) (cursor & (MAX_NODES - 1));
  self->n_nodes = masters->len;
  self->mark = get_mark (g_ptr_array_index (masters, self->node));
  /* Of another node in its place: from its beginning. What comes twice is none the worse. */
  if ((cursor >> NODE_BITS & (MAX_MARK - 1)) != self->mark)
    cursor = 0;
  digits = make_digits (cursor >> OWN_BITS);
  own = make_command (command, "SCAN", digits);
  tornadis_client_call_async (cluster_links_get (client->links, g_ptr_array_index (masters, self->node)), own, self->cancellable,
                              scanned_cb, self);
}

/* Cursors of CLUSTERSCAN name a slot in braces: the first is that of both. */
static gboolean
is_of_walk (GBytes *cursor)
{
  gsize length;
  const char *data = g_bytes_get_data (cursor, &length);

  return length > 0 && memchr (data, '{', length) != NULL;
}

static gboolean
is_first (GBytes *cursor)
{
  guint64 number;

  return parse_cursor (cursor, &number) && number == 0;
}

/* Whether the node does not have that command, or not for this user. */
static gboolean
is_refused (const GError *error)
{
  return g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY) &&
         (g_str_has_prefix (error->message, "NOPERM") || g_str_has_prefix (error->message, "ERR unknown command"));
}

static void
walked_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Scan *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);
  g_autoptr (GBytes) cursor = tornadis_command_get_arg (tornadis_call_get_command (self->call), 1);

  if (g_cancellable_is_cancelled (self->cancellable))
    ;
  else if (reply != NULL)
    tornadis_call_return_reply (self->call, reply);
  else if (is_refused (error) && is_first (cursor) && !self->client->is_gone)
    scan_nodes (self->client, self->call);
  else
    tornadis_call_return_error (self->call, error);
  scan_free (self);
}

static gboolean
servers_can_walk (ClusterClient *client)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("CLUSTERSCAN");

  return cluster_map_find_command (client->map, command) != NULL;
}

void
cluster_scan (ClusterClient *client,
              TornadisCall *call)
{
  TornadisCommand *command = tornadis_call_get_command (call);
  g_autoptr (GBytes) cursor = tornadis_command_get_arg (command, 1);
  g_autoptr (TornadisCommand) own = NULL;
  Scan *self;

  if (cursor == NULL || (!is_of_walk (cursor) && (!is_first (cursor) || !servers_can_walk (client))))
    {
      scan_nodes (client, call);
      return;
    }

  self = scan_new (client, call);
  own = make_command (command, "CLUSTERSCAN", cursor);
  tornadis_client_call_async (cluster_client_get_parts (client), own, self->cancellable, walked_cb, self);
}
