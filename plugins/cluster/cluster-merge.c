/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-merge.h"

#include <string.h>

typedef struct
{
  ClusterResponse response;
  const ClusterAnswer *answers; /* (unowned) */
  guint n;
} Merge;

/* Of a reply that is being made. */
static GPtrArray *
elements_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_reply_unref);
}

static void
elements_add (GPtrArray *self,
              TornadisReply *reply)
{
  g_ptr_array_add (self, tornadis_reply_ref (reply));
}

static TornadisReply *
elements_to_reply (GPtrArray *self,
                   TornadisReplyKind kind)
{
  return tornadis_reply_new_nested (kind, (TornadisReply **) self->pdata, self->len);
}

static TornadisReply *
new_text (const char *data,
          gsize length)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);

  return tornadis_reply_new_string (bytes);
}

static TornadisReply *
fail (GError **error,
      const char *problem)
{
  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "The nodes' replies do not go together: %s", problem);
  return NULL;
}

static gboolean
kind_is_list (TornadisReplyKind kind)
{
  return kind == TORNADIS_REPLY_KIND_ARRAY || kind == TORNADIS_REPLY_KIND_SET || kind == TORNADIS_REPLY_KIND_PUSH;
}

static gboolean
kind_is_number (TornadisReplyKind kind)
{
  return kind == TORNADIS_REPLY_KIND_INTEGER || kind == TORNADIS_REPLY_KIND_BOOLEAN;
}

static gboolean
answer_failed (const ClusterAnswer *self)
{
  return self->reply == NULL || tornadis_reply_is_error (self->reply);
}

static TornadisReply *
answer_return (const ClusterAnswer *self,
               GError **error)
{
  if (self->reply != NULL)
    return tornadis_reply_ref (self->reply);

  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  else
    fail (error, "one is missing");
  return NULL;
}

/* Whether all replies are of the kind. */
static gboolean
merge_is_all (const Merge *self,
              TornadisReplyKind kind)
{
  for (guint i = 0; i < self->n; i++)
    {
      if (tornadis_reply_get_kind (self->answers[i].reply) != kind)
        return FALSE;
    }

  return TRUE;
}

/* The kind of list that they all are, or an ARRAY if they are different ones; NIL: not all are lists. */
static TornadisReplyKind
merge_get_list_kind (const Merge *self)
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

/* What a failure of an answer says, of which some nodes say no more than that they had nothing to do. */
static gboolean
answer_is_idle (const ClusterAnswer *self)
{
  const char *text = self->reply != NULL ? tornadis_reply_get_text (self->reply) : NULL;

  if (self->error != NULL && g_error_matches (self->error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
    text = self->error->message;

  return text != NULL && g_str_has_prefix (text, "NOTBUSY");
}

/* Of failures the first that tells: SCRIPT KILL is NOTBUSY wherever no script runs. */
static TornadisReply *
merge_one_succeeded (const Merge *self,
                     GError **error)
{
  for (guint i = 0; i < self->n; i++)
    {
      if (!answer_failed (&self->answers[i]))
        return tornadis_reply_ref (self->answers[i].reply);
    }

  for (guint i = 0; i < self->n; i++)
    {
      if (!answer_is_idle (&self->answers[i]))
        return answer_return (&self->answers[i], error);
    }

  return answer_return (&self->answers[0], error);
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
merge_numbers (const Merge *self,
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

static TornadisReply *
merge_aggregated (const Merge *self,
                  GError **error)
{
  g_autoptr (GPtrArray) elements = elements_new ();
  gsize length = tornadis_reply_get_n_elements (self->answers[0].reply);
  TornadisReply *number;

  if (!merge_is_all (self, TORNADIS_REPLY_KIND_ARRAY))
    {
      number = merge_numbers (self, FALSE, 0);
      return number != NULL ? number : fail (error, "not all are numbers");
    }

  for (guint i = 1; i < self->n; i++)
    {
      if (tornadis_reply_get_n_elements (self->answers[i].reply) != length)
        return fail (error, "the lists are of different lengths");
    }
  for (gsize i = 0; i < length; i++)
    {
      number = merge_numbers (self, TRUE, i);
      if (number == NULL)
        return fail (error, "not all elements are numbers");
      g_ptr_array_add (elements, number);
    }

  return elements_to_reply (elements, TORNADIS_REPLY_KIND_ARRAY);
}

/* Bytes of a reply as the key of a hash table (transfer full), or NULL. */
static GBytes *
make_name (TornadisReply *reply)
{
  return tornadis_reply_is_error (reply) ? NULL : tornadis_reply_get_bytes (reply);
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
      GBytes *name = make_name (tornadis_reply_get_element (list, i));

      if (name != NULL && !g_hash_table_add (seen, name))
        continue;
      for (guint j = 0; j < step; j++)
        elements_add (elements, tornadis_reply_get_element (list, i + j));
    }
}

static TornadisReply *
merge_joined (const Merge *self)
{
  g_autoptr (GPtrArray) elements = elements_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  TornadisReplyKind kind = merge_get_list_kind (self);
  gboolean are_maps = merge_is_all (self, TORNADIS_REPLY_KIND_MAP);

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

static TornadisReply *
merge_by_position (const Merge *self,
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
        return fail (error, "there is not an element for each key");

      for (guint j = 0; j < answer->positions->len; j++)
        {
          guint position = g_array_index (answer->positions, guint, j);

          if (position >= n || places[position] != NULL)
            return fail (error, "two elements have one place");
          places[position] = tornadis_reply_get_element (answer->reply, j);
        }
    }

  return tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, places, n);
}

/* In the order in which names come first. */
static TornadisReply *
merge_sums_by_name (const Merge *self,
                    GError **error)
{
  g_autoptr (GPtrArray) elements = elements_new ();
  g_autoptr (GHashTable) places = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  TornadisReplyKind kind = tornadis_reply_get_kind (self->answers[0].reply);

  if ((kind != TORNADIS_REPLY_KIND_ARRAY && kind != TORNADIS_REPLY_KIND_MAP) || !merge_is_all (self, kind))
    return fail (error, "not all are lists");

  for (guint i = 0; i < self->n; i++)
    {
      TornadisReply *reply = self->answers[i].reply;
      gsize length = tornadis_reply_get_n_elements (reply);

      for (gsize j = 0; j < length; j += 2)
        {
          g_autoptr (GBytes) name = make_name (tornadis_reply_get_element (reply, j));
          TornadisReply *value = tornadis_reply_get_element (reply, j + 1);
          TornadisReply *sum;
          gsize place;

          if (name == NULL || value == NULL || !kind_is_number (tornadis_reply_get_kind (value)))
            return fail (error, "not every name has a number behind it");

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

static TornadisReply *
merge_any (const Merge *self)
{
  guint first = (guint) g_random_int_range (0, (gint32) self->n);

  for (guint i = 0; i < self->n; i++)
    {
      TornadisReply *reply = self->answers[(first + i) % self->n].reply;

      if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_NIL)
        return tornadis_reply_ref (reply);
    }

  return tornadis_reply_ref (self->answers[0].reply);
}

/* The bytes of texts; NULL: not all are. */
static GString *
merge_texts (const Merge *self,
             gboolean with_headings)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < self->n; i++)
    {
      gsize length;
      const char *data = (const char *) tornadis_reply_get_data (self->answers[i].reply, &length);

      if (data == NULL)
        return NULL;
      if (with_headings)
        g_string_append_printf (text, "# Node %s\r\n", self->answers[i].node);
      g_string_append_len (text, data, (gssize) length);
      /* None has its last line in common with the next. */
      if (length > 0 && data[length - 1] != '\n')
        g_string_append (text, with_headings ? "\r\n" : "\n");
    }

  return g_steal_pointer (&text);
}

static TornadisReply *
merge_by_node (const Merge *self)
{
  g_autoptr (GPtrArray) elements = elements_new ();

  for (guint i = 0; i < self->n; i++)
    {
      g_ptr_array_add (elements, new_text (self->answers[i].node, strlen (self->answers[i].node)));
      elements_add (elements, self->answers[i].reply);
    }

  return elements_to_reply (elements, TORNADIS_REPLY_KIND_MAP);
}

static TornadisReply *
merge_succeeded (const Merge *self,
                 GError **error)
{
  g_autoptr (GString) text = NULL;

  switch (self->response)
    {
    case CLUSTER_RESPONSE_ALL_SUCCEEDED:
    case CLUSTER_RESPONSE_ONE_SUCCEEDED:
      return tornadis_reply_ref (self->answers[0].reply);
    case CLUSTER_RESPONSE_AGG_LOGICAL_AND:
    case CLUSTER_RESPONSE_AGG_LOGICAL_OR:
    case CLUSTER_RESPONSE_AGG_MIN:
    case CLUSTER_RESPONSE_AGG_MAX:
    case CLUSTER_RESPONSE_AGG_SUM:
      return merge_aggregated (self, error);
    case CLUSTER_RESPONSE_SUM_BY_NAME:
      return merge_sums_by_name (self, error);
    case CLUSTER_RESPONSE_ANY:
      return merge_any (self);
    case CLUSTER_RESPONSE_LINES:
    case CLUSTER_RESPONSE_BY_NODE:
      text = merge_texts (self, self->response == CLUSTER_RESPONSE_BY_NODE);
      if (text != NULL)
        return new_text (text->str, text->len);
      return merge_by_node (self);
    case CLUSTER_RESPONSE_NONE:
      if (self->answers[0].positions != NULL)
        return merge_by_position (self, error);
      return merge_joined (self);
    case CLUSTER_RESPONSE_JOIN:
    case CLUSTER_RESPONSE_UNION:
    default:
      return merge_joined (self);
    }
}

TornadisReply *
cluster_merge (ClusterResponse response,
               const ClusterAnswer *answers,
               guint n_answers,
               GError **error)
{
  const Merge self = { response, answers, n_answers };

  g_return_val_if_fail (n_answers > 0, NULL);

  if (response == CLUSTER_RESPONSE_ONE_SUCCEEDED)
    return merge_one_succeeded (&self, error);

  for (guint i = 0; i < n_answers; i++)
    {
      if (answer_failed (&answers[i]))
        return answer_return (&answers[i], error);
    }

  return merge_succeeded (&self, error);
}
