/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-merge-private.h"

static gboolean
kind_is_list (TornadisReplyKind kind)
{
  return kind == TORNADIS_REPLY_KIND_ARRAY || kind == TORNADIS_REPLY_KIND_SET || kind == TORNADIS_REPLY_KIND_PUSH;
}

/* The kind of list that they all are, or an ARRAY if they are different ones; NIL: not all are lists. */
static TornadisReplyKind
merge_get_list_kind (const ClusterMerge *self)
{
  TornadisReplyKind kind = tornadis_reply_get_kind (self->answers[0].reply);

  for (guint i = 0; i < self->n; i++)
    {
      TornadisReplyKind other = tornadis_reply_get_kind (self->answers[i].reply);

      if (!kind_is_list (other))
        return TORNADIS_REPLY_KIND_NIL;
      if (other != kind)
        kind = TORNADIS_REPLY_KIND_ARRAY;
    }

  return kind;
}

/* @step is 2 for maps. Those that have no name are all different. */
static void
add_distinct (GPtrArray *elements,
              GHashTable *seen,
              TornadisReply *list,
              guint step)
{
  for (gsize i = 0; i + step <= tornadis_reply_get_n_elements (list); i += step)
    {
      GBytes *name = reply_dup_name (tornadis_reply_get_element (list, i));

      if (name != NULL && !g_hash_table_add (seen, name))
        continue;
      for (guint j = 0; j < step; j++)
        elements_add (elements, tornadis_reply_get_element (list, i + j));
    }
}

TornadisReply *
cluster_merge_joined (const ClusterMerge *self)
{
  g_autoptr (GPtrArray) elements = elements_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  TornadisReplyKind kind = merge_get_list_kind (self);
  gboolean are_maps = cluster_merge_is_all (self, TORNADIS_REPLY_KIND_MAP);

  for (guint i = 0; i < self->n; i++)
    {
      TornadisReply *reply = self->answers[i].reply;

      if (are_maps)
        add_distinct (elements, seen, reply, 2);
      else if (kind == TORNADIS_REPLY_KIND_NIL)
        elements_add (elements, reply);
      else if (kind == TORNADIS_REPLY_KIND_SET || self->response == CLUSTER_RESPONSE_UNION)
        add_distinct (elements, seen, reply, 1);
      else
        {
          for (gsize j = 0; j < tornadis_reply_get_n_elements (reply); j++)
            elements_add (elements, tornadis_reply_get_element (reply, j));
        }
    }

  if (are_maps)
    return elements_to_reply (elements, TORNADIS_REPLY_KIND_MAP);

  return elements_to_reply (elements, kind == TORNADIS_REPLY_KIND_SET ? kind : TORNADIS_REPLY_KIND_ARRAY);
}

TornadisReply *
cluster_merge_by_position (const ClusterMerge *self,
                           GError **error)
{
  g_autofree TornadisReply **places = NULL;
  gsize n = 0;

  for (guint i = 0; i < self->n; i++)
    n += self->answers[i].positions != NULL ? self->answers[i].positions->len : 0;

  places = g_new0 (TornadisReply *, n);
  for (guint i = 0; i < self->n; i++)
    {
      const ClusterAnswer *answer = &self->answers[i];

      if (answer->positions == NULL || tornadis_reply_get_kind (answer->reply) != TORNADIS_REPLY_KIND_ARRAY ||
          tornadis_reply_get_n_elements (answer->reply) != answer->positions->len)
        return cluster_merge_fail (error, "there is not an element for each key");

      for (guint j = 0; j < answer->positions->len; j++)
        {
          guint position = g_array_index (answer->positions, guint, j);

          if (position >= n || places[position] != NULL)
            return cluster_merge_fail (error, "two elements have one place");
          places[position] = tornadis_reply_get_element (answer->reply, j);
        }
    }

  return tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, places, n);
}
