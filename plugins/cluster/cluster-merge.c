/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-merge-private.h"

#include <string.h>

#include "common/verbatim.h"

static TornadisReply *
new_text (const char *data,
          gsize length)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);

  return tornadis_reply_new_string (bytes);
}

TornadisReply *
cluster_merge_fail (GError **error,
                    const char *problem)
{
  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "The nodes' replies do not go together: %s", problem);
  return NULL;
}

gboolean
cluster_merge_is_all (const ClusterMerge *self,
                      TornadisReplyKind kind)
{
  for (guint i = 0; i < self->n; i++)
    {
      if (tornadis_reply_get_kind (self->answers[i].reply) != kind)
        return FALSE;
    }

  return TRUE;
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
    cluster_merge_fail (error, "one is missing");
  return NULL;
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
merge_one_succeeded (const ClusterMerge *self,
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

static TornadisReply *
merge_any (const ClusterMerge *self)
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
merge_texts (const ClusterMerge *self,
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
merge_by_node (const ClusterMerge *self)
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
merge_succeeded (const ClusterMerge *self,
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
      return cluster_merge_aggregated (self, error);
    case CLUSTER_RESPONSE_SUM_BY_NAME:
      return cluster_merge_sums_by_name (self, error);
    case CLUSTER_RESPONSE_ANY:
      return merge_any (self);
    case CLUSTER_RESPONSE_LINES:
    case CLUSTER_RESPONSE_BY_NODE:
      text = merge_texts (self, self->response == CLUSTER_RESPONSE_BY_NODE);
      if (text == NULL)
        return merge_by_node (self);
      if (cluster_merge_is_all (self, TORNADIS_REPLY_KIND_VERBATIM))
        return verbatim_new (text->str, text->len);
      return new_text (text->str, text->len);
    case CLUSTER_RESPONSE_NONE:
      if (self->answers[0].positions != NULL)
        return cluster_merge_by_position (self, error);
      return cluster_merge_joined (self);
    case CLUSTER_RESPONSE_JOIN:
    case CLUSTER_RESPONSE_UNION:
    default:
      return cluster_merge_joined (self);
    }
}

TornadisReply *
cluster_merge (ClusterResponse response,
               const ClusterAnswer *answers,
               guint n_answers,
               GError **error)
{
  const ClusterMerge self = { response, answers, n_answers };

  if (n_answers == 0)
    return cluster_merge_fail (error, "there are none");

  if (response == CLUSTER_RESPONSE_ONE_SUCCEEDED)
    return merge_one_succeeded (&self, error);

  for (guint i = 0; i < n_answers; i++)
    {
      if (answer_failed (&answers[i]))
        return answer_return (&answers[i], error);
    }

  return merge_succeeded (&self, error);
}
