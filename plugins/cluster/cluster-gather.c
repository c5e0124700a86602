/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-gather.h"

#include "cluster/cluster-answer.h"
#include "cluster/cluster-merge.h"
#include "cluster/cluster-split.h"
#include "cluster/cluster-trip.h"

typedef struct
{
  char *node;           /* (owned) its key, or where the part was sent first */
  GArray *positions;    /* (owned) (nullable) (element-type guint) */
  TornadisReply *reply; /* (owned) (nullable) */
  GError *error;        /* (owned) (nullable) */
} Answer;

typedef struct
{
  ClusterClient *client;     /* (owned) */
  TornadisCall *call;        /* (owned) */
  GCancellable *cancellable; /* (owned) cancelled when nobody waits for the call any more */
  ClusterResponse response;
  GArray *answers; /* (owned) (element-type Answer) */
  guint n_awaited;
} Gather;

/* One of the calls that are made. */
typedef struct
{
  Gather *gather; /* (unowned) freed with the last of them */
  guint index;
} Part;

static void
answer_clear (gpointer data)
{
  Answer *self = data;

  g_free (self->node);
  g_clear_pointer (&self->positions, g_array_unref);
  g_clear_pointer (&self->reply, tornadis_reply_unref);
  g_clear_error (&self->error);
}

static Gather *
gather_new (ClusterClient *client,
            TornadisCall *call,
            ClusterResponse response,
            guint n)
{
  Gather *self = g_new (Gather, 1);

  *self = (Gather){ g_rc_box_acquire (client), g_object_ref (call), g_object_ref (cluster_trip_begin (client, call, TRUE)), response,
                    g_array_sized_new (FALSE, TRUE, sizeof (Answer), n), n };
  g_array_set_clear_func (self->answers, answer_clear);
  g_array_set_size (self->answers, n);

  return self;
}

static void
gather_free (Gather *self)
{
  g_array_unref (self->answers);
  g_object_unref (self->cancellable);
  g_object_unref (self->call);
  g_rc_box_release (self->client);
  g_free (self);
}

static gboolean
answer_may_have_run (const Answer *self)
{
  if (self->error == NULL)
    return TRUE;

  return !cluster_answer_is_of_unrun (self->error) && !g_error_matches (self->error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
}

static void
gather_end (Gather *self)
{
  g_autofree ClusterAnswer *answers = g_new (ClusterAnswer, self->answers->len);
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  gboolean may_have_run = FALSE;

  for (guint i = 0; i < self->answers->len; i++)
    {
      const Answer *answer = &g_array_index (self->answers, Answer, i);

      may_have_run |= answer_may_have_run (answer);
      answers[i] = (ClusterAnswer){ answer->node, answer->reply, answer->error, answer->positions };
    }

  if (!g_cancellable_is_cancelled (self->cancellable))
    {
      reply = cluster_merge (self->response, answers, self->answers->len, &error);
      if (reply != NULL)
        tornadis_call_return_reply (self->call, reply);
      else if (may_have_run)
        cluster_answer_fail_in_part (self->call, error);
      else
        tornadis_call_return_error (self->call, error);
    }

  gather_free (self);
}

static void
answered_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  g_autofree Part *part = user_data;
  Gather *gather = part->gather;
  Answer *answer = &g_array_index (gather->answers, Answer, part->index);

  answer->reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &answer->error);
  if (answer->error != NULL)
    cluster_client_explain (gather->client, TORNADIS_CLIENT (object), tornadis_call_get_name (gather->call), &answer->error);
  if (--gather->n_awaited == 0)
    gather_end (gather);
}

static void
gather_call (Gather *self,
             guint index,
             TornadisClient *client,
             TornadisCommand *command)
{
  Part *part = g_new (Part, 1);

  *part = (Part){ self, index };
  tornadis_client_call_async (client, command, self->cancellable, answered_cb, part);
}

/* What hooks of other plugins do in one of the calls may have removed this one: there is nobody left to be called. The last frees
 * @self. */
static void
gather_refuse (Gather *self,
               guint index)
{
  Answer *answer = &g_array_index (self->answers, Answer, index);

  answer->error = cluster_client_make_gone_error (self->call);
  if (--self->n_awaited == 0)
    gather_end (self);
}

void
cluster_gather_nodes (ClusterClient *client,
                      TornadisCall *call,
                      ClusterResponse response,
                      const GPtrArray *nodes)
{
  /* Plugins that are put on the client of a node may run a main loop, in which there comes another one. */
  g_autoptr (ClusterTopology) topology G_GNUC_UNUSED = cluster_topology_ref (cluster_map_get_topology (client->map));
  Gather *self = gather_new (client, call, response, nodes->len);

  for (guint i = 0; i < nodes->len; i++)
    {
      const ClusterNode *node = g_ptr_array_index (nodes, i);

      g_array_index (self->answers, Answer, i).node = g_strdup (node->key);
      if (G_UNLIKELY (self->client->is_gone))
        gather_refuse (self, i);
      else
        gather_call (self, i, cluster_links_get_at (client->links, node->host, node->port), tornadis_call_get_command (call));
    }
}

void
cluster_gather_parts (ClusterClient *client,
                      TornadisCall *call,
                      ClusterResponse response,
                      const GPtrArray *parts)
{
  Gather *self = gather_new (client, call, response, parts->len);
  g_autoptr (TornadisClient) through = g_object_ref (cluster_client_get_parts (client));

  for (guint i = 0; i < parts->len; i++)
    {
      const ClusterPart *part = g_ptr_array_index (parts, i);
      Answer *answer = &g_array_index (self->answers, Answer, i);

      answer->node = g_strdup_printf ("slot %u", part->slot);
      answer->positions = g_array_ref (part->positions);
      if (G_UNLIKELY (self->client->is_gone))
        gather_refuse (self, i);
      else
        gather_call (self, i, through, part->command);
    }
}
