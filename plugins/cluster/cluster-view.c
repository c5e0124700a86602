/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-view.h"

#include <string.h>

#include "cluster/cluster-connectable.h"
#include "common/client-properties.h"

struct _ClusterView
{
  char *title;               /* (owned) */
  char *host;                /* (owned) */
  TornadisClient *client;    /* (owned) */
  GCancellable *cancellable; /* (owned) */
  ClusterViewFunc heard;
  ClusterViewFunc described;
  gpointer user_data; /* (unowned) */
  gboolean is_heard;
  gboolean is_down;
  guint64 epoch;
  GError *error;             /* (owned) (nullable) */
  ClusterTopology *topology; /* (owned) (nullable) */
};

typedef struct
{
  ClusterView *view;         /* (unowned) valid unless it is cancelled */
  GCancellable *cancellable; /* (owned) */
} Question;

static void
view_ask (ClusterView *self,
          const char *what,
          GAsyncReadyCallback callback)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "CLUSTER", what, NULL });
  Question *question = g_new (Question, 1);

  *question = (Question){ self, g_object_ref (self->cancellable) };
  tornadis_client_call_async (self->client, command, self->cancellable, callback, question);
}

/* @self (out) is NULL if it was freed. */
static TornadisReply *
finish_question (ClusterView **self,
                 GObject *object,
                 GAsyncResult *result,
                 gpointer user_data,
                 GError **error)
{
  Question *question = user_data;
  TornadisReply *reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, error);

  *self = g_cancellable_is_cancelled (question->cancellable) ? NULL : question->view;
  g_object_unref (question->cancellable);
  g_free (question);

  return reply;
}

/* What stands behind @name, which ends with a colon, in the reply to CLUSTER INFO; NULL: nothing is said of it. */
static const char *
find_field (const char *text,
            const char *name)
{
  for (const char *line = text; line != NULL; line = strchr (line, '\n'))
    {
      if (line != text)
        line++;
      if (g_str_has_prefix (line, name))
        return line + strlen (name);
    }

  return NULL;
}

static void
view_parse_info (ClusterView *self,
                 const char *text)
{
  const char *state = find_field (text, "cluster_state:");
  const char *epoch = find_field (text, "cluster_current_epoch:");

  self->is_down = state == NULL || !g_str_has_prefix (state, "ok");
  self->epoch = epoch != NULL ? g_ascii_strtoull (epoch, NULL, 10) : 0;
}

static void
info_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  ClusterView *self;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = finish_question (&self, object, result, user_data, &error);

  if (self == NULL)
    return;

  self->is_heard = TRUE;
  /* Whoever may not ask that may ask for the rest. */
  if (reply != NULL || g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
    view_parse_info (self, reply != NULL ? tornadis_reply_get_text (reply) : NULL);
  else
    self->error = g_steal_pointer (&error);
  self->heard (self, self->user_data);
}

/* @topology (transfer full) (nullable) and @error (transfer full) (nullable) are what came of the question. */
static void
view_take (ClusterView *self,
           ClusterTopology *topology,
           GError *error)
{
  g_autoptr (ClusterTopology) found = topology;

  self->error = error;
  if (found != NULL && cluster_topology_get_n_slots (found) > 0)
    self->topology = g_steal_pointer (&found);
  else if (found != NULL)
    self->error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "%s: no node has slots", self->title);
  self->described (self, self->user_data);
}

static void
slots_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  ClusterView *self;
  GError *error = NULL;
  g_autoptr (TornadisReply) reply = finish_question (&self, object, result, user_data, &error);

  if (self != NULL)
    view_take (self, reply != NULL ? cluster_topology_new_from_slots (reply, self->host, &error) : NULL, error);
  else
    g_clear_error (&error);
}

/* Whether the server does not know that subcommand. */
static gboolean
is_too_old (const GError *error)
{
  return g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY) && g_str_has_prefix (error->message, "ERR") &&
         (strstr (error->message, "nknown subcommand") != NULL || strstr (error->message, "nknown command") != NULL);
}

static void
shards_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  ClusterView *self;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = finish_question (&self, object, result, user_data, &error);
  ClusterTopology *topology = NULL;
  gboolean use_tls;

  if (self == NULL)
    return;

  if (is_too_old (error))
    {
      view_ask (self, "SLOTS", slots_cb);
      return;
    }

  g_object_get (self->client, "tls", &use_tls, NULL);
  if (reply != NULL)
    topology = cluster_topology_new_from_shards (reply, self->host, use_tls, &error);
  view_take (self, topology, g_steal_pointer (&error));
}

ClusterView *
cluster_view_new (const char *title,
                  GNetworkAddress *node,
                  TornadisClient *model,
                  guint timeout_msec,
                  ClusterViewFunc heard,
                  ClusterViewFunc described,
                  gpointer user_data)
{
  ClusterView *self = g_new0 (ClusterView, 1);
  g_autoptr (ClusterConnectable) connectable = cluster_connectable_new_fixed (title, node);
  g_autoptr (GSocketConnectable) identity = NULL;

  self->title = g_strdup (title);
  self->host = g_strdup (g_network_address_get_hostname (node));
  self->cancellable = g_cancellable_new ();
  self->heard = heard;
  self->described = described;
  self->user_data = user_data;
  self->client = g_object_new (TORNADIS_TYPE_CLIENT, NULL);
  client_copy_properties (model, self->client);
  g_object_get (self->client, "tls-server-identity", &identity, NULL);
  g_object_set (self->client,
                "connectable", connectable,
                /* The certificate is that of the node, unless the program knows better. */
                "tls-server-identity", identity != NULL ? identity : G_SOCKET_CONNECTABLE (node),
                "call-timeout-msec", timeout_msec,
                NULL);
  view_ask (self, "INFO", info_cb);

  return self;
}

void
cluster_view_free (ClusterView *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  tornadis_client_close (self->client);
  g_object_unref (self->client);
  g_clear_pointer (&self->topology, cluster_topology_unref);
  g_clear_error (&self->error);
  g_free (self->title);
  g_free (self->host);
  g_free (self);
}

gboolean
cluster_view_is_usable (const ClusterView *self)
{
  return self->is_heard && self->error == NULL;
}

const GError *
cluster_view_get_error (const ClusterView *self)
{
  return self->error;
}

guint64
cluster_view_get_epoch (const ClusterView *self)
{
  return self->epoch;
}

gboolean
cluster_view_is_down (const ClusterView *self)
{
  return self->is_down;
}

/* A replica that is cut off counts epochs of elections that it cannot win: that it is cut off comes first. */
gboolean
cluster_view_is_better (const ClusterView *self,
                        const ClusterView *other)
{
  if (self->is_down != other->is_down)
    return other->is_down;

  return self->epoch > other->epoch;
}

void
cluster_view_describe (ClusterView *self)
{
  view_ask (self, "SHARDS", shards_cb);
}

ClusterTopology *
cluster_view_take_topology (ClusterView *self)
{
  return g_steal_pointer (&self->topology);
}

TornadisClient *
cluster_view_get_client (ClusterView *self)
{
  return self->client;
}
