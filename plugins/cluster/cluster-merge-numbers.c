/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-merge-private.h"

static gboolean
kind_is_number (TornadisReplyKind kind)
{
  return kind == TORNADIS_REPLY_KIND_INTEGER || kind == TORNADIS_REPLY_KIND_BOOLEAN;
}

static gint64
add_bounded (gint64 a,
             gint64 b)
{
  if (b > 0 && a > G_MAXINT64 - b)
    return G_MAXINT64;
  if (b < 0 && a < G_MININT64 - b)
    return G_MININT64;

  return a + b;
}

static gint64
aggregate (ClusterResponse response,
           gint64 a,
           gint64 b)
{
  if (response == CLUSTER_RESPONSE_AGG_LOGICAL_AND)
    return a != 0 && b != 0;
  if (response == CLUSTER_RESPONSE_AGG_LOGICAL_OR)
    return a != 0 || b != 0;
  if (response == CLUSTER_RESPONSE_AGG_MIN)
    return MIN (a, b);
  if (response == CLUSTER_RESPONSE_AGG_MAX)
    return MAX (a, b);

  return add_bounded (a, b);
}

/* Of the elements at @i of lists, or of the replies themselves. */
static TornadisReply *
merge_numbers (const ClusterMerge *self,
               gboolean of_lists,
               gsize i)
{
  gboolean booleans = TRUE;
  gint64 total = 0;

  for (guint j = 0; j < self->n; j++)
    {
      TornadisReply *reply = self->answers[j].reply;
      gint64 value;

      if (of_lists)
        reply = tornadis_reply_get_element (reply, i);
      if (reply == NULL || !kind_is_number (tornadis_reply_get_kind (reply)))
        return NULL;

      booleans = booleans && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_BOOLEAN;
      value = tornadis_reply_get_integer (reply);
      total = j == 0 ? value : aggregate (self->response, total, value);
    }

  /* Sums of truths are numbers. */
  if (booleans && self->response != CLUSTER_RESPONSE_AGG_SUM)
    return tornadis_reply_new_from_variant (g_variant_new_boolean (total != 0));

  return tornadis_reply_new_from_variant (g_variant_new_int64 (total));
}

TornadisReply *
cluster_merge_aggregated (const ClusterMerge *self,
                          GError **error)
{
  g_autoptr (GPtrArray) elements = elements_new ();
  gsize length = tornadis_reply_get_n_elements (self->answers[0].reply);
  TornadisReply *number;

  if (!cluster_merge_is_all (self, TORNADIS_REPLY_KIND_ARRAY))
    {
      number = merge_numbers (self, FALSE, 0);
      return number != NULL ? number : cluster_merge_fail (error, "not all are numbers");
    }

  for (guint i = 1; i < self->n; i++)
    {
      if (tornadis_reply_get_n_elements (self->answers[i].reply) != length)
        return cluster_merge_fail (error, "the lists are of different lengths");
    }
  for (gsize i = 0; i < length; i++)
    {
      number = merge_numbers (self, TRUE, i);
      if (number == NULL)
        return cluster_merge_fail (error, "not all elements are numbers");
      g_ptr_array_add (elements, number);
    }

  return elements_to_reply (elements, TORNADIS_REPLY_KIND_ARRAY);
}

/* In the order in which names come first. */
TornadisReply *
cluster_merge_sums_by_name (const ClusterMerge *self,
                            GError **error)
{
  g_autoptr (GPtrArray) elements = elements_new ();
  g_autoptr (GHashTable) places = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  TornadisReplyKind kind = tornadis_reply_get_kind (self->answers[0].reply);

  if ((kind != TORNADIS_REPLY_KIND_ARRAY && kind != TORNADIS_REPLY_KIND_MAP) || !cluster_merge_is_all (self, kind))
    return cluster_merge_fail (error, "not all are lists");

  for (guint i = 0; i < self->n; i++)
    {
      TornadisReply *reply = self->answers[i].reply;
      gsize length = tornadis_reply_get_n_elements (reply);

      for (gsize j = 0; j < length; j += 2)
        {
          g_autoptr (GBytes) name = reply_dup_name (tornadis_reply_get_element (reply, j));
          TornadisReply *value = tornadis_reply_get_element (reply, j + 1);
          TornadisReply *sum;
          gsize place;

          if (name == NULL || value == NULL || !kind_is_number (tornadis_reply_get_kind (value)))
            return cluster_merge_fail (error, "not every name has a number behind it");

          /* 0 is none: names are before their numbers. */
          place = GPOINTER_TO_SIZE (g_hash_table_lookup (places, name));
          if (place == 0)
            {
              elements_add (elements, tornadis_reply_get_element (reply, j));
              g_hash_table_insert (places, g_steal_pointer (&name), GSIZE_TO_POINTER (elements->len));
              elements_add (elements, value);
              continue;
            }

          sum = g_ptr_array_index (elements, place);
          elements->pdata[place] = tornadis_reply_new_from_variant (g_variant_new_int64 (
            add_bounded (tornadis_reply_get_integer (sum), tornadis_reply_get_integer (value))));
          tornadis_reply_unref (sum);
        }
    }

  return elements_to_reply (elements, kind);
}
