/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values that go over outside of any carrier. */

#include "introspection/bridge/tornadis-bridge-values.h"

#include <string.h>

#include "introspection/bridge/tornadis-bridge-format.h"

static gboolean
stack_calls (TornadisPipeline *pipeline,
             GPtrArray *commands)
{
  if (commands == NULL)
    return FALSE;

  tornadis_pipeline_stack_commands (pipeline, (TornadisCommand **) commands->pdata, commands->len);
  g_ptr_array_unref (commands);

  return TRUE;
}

/**
 * tornadis_bridge_stack_data:
 * @pipeline: a pipeline
 * @calls: (array length=length): a marshalled list of lists of bytes
 * @length: the number of bytes
 * @error: return location for an error
 *
 * Adds commands at the end of a pipeline.
 *
 * An error is %TORNADIS_ERROR_USAGE, when @calls is nothing that was marshalled so; nothing is then added.
 *
 * Returns: %TRUE if the commands were added
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_stack_data (TornadisPipeline *pipeline,
                            const guint8 *calls,
                            gsize length,
                            GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_PIPELINE (pipeline), FALSE);

  return stack_calls (pipeline, tornadis_bridge_marshal.parse ((const char *) calls, length, error));
}

/**
 * tornadis_bridge_stack_text:
 * @pipeline: a pipeline
 * @calls: JSON of an array of arrays of strings
 * @error: return location for an error
 *
 * Adds commands at the end of a pipeline.
 *
 * An error is %TORNADIS_ERROR_USAGE, when @calls is no such JSON; nothing is then added.
 *
 * Returns: %TRUE if the commands were added
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_stack_text (TornadisPipeline *pipeline,
                            const char *calls,
                            GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_PIPELINE (pipeline), FALSE);
  g_return_val_if_fail (calls != NULL, FALSE);

  return stack_calls (pipeline, tornadis_bridge_json.parse (calls, strlen (calls), error));
}

static GString *
dup_outcome (const TornadisBridgeFormat *format,
             TornadisReply *reply,
             gboolean decode)
{
  GString *out = g_string_new (format->opening);

  if (!format->append_reply (out, 0, reply, decode))
    {
      g_string_free (out, TRUE);
      return NULL;
    }
  g_string_append (out, format->closing);

  return out;
}

/**
 * tornadis_bridge_dup_data:
 * @reply: a reply
 * @decode: whether strings are to be text
 * @length: (out): return location for the number of bytes
 *
 * Marshals a reply, as the outcome of a call of the number 0.
 *
 * Returns: (transfer full) (array length=length) (nullable): a marshalled dict of the number and the value, or %NULL
 *   when a string is not UTF-8 and @decode wants it to be, when it is nested deeper than Python reads, or when there is no
 *   memory for it
 *
 * Since: 1.0
 */
guint8 *
tornadis_bridge_dup_data (TornadisReply *reply,
                          gboolean decode,
                          gsize *length)
{
  GString *out;

  *length = 0;
  g_return_val_if_fail (reply != NULL, NULL);

  out = dup_outcome (&tornadis_bridge_marshal, reply, decode);
  if (out == NULL)
    return NULL;

  *length = out->len;
  return (guint8 *) g_string_free (out, FALSE);
}

/**
 * tornadis_bridge_take_part:
 * @reply: a reply to which the caller has the only reference
 * @decode: whether strings are to be text
 * @length: (out): return location for the number of bytes
 *
 * Takes strings off the front of a long list, and gives back the memory that they had: a list that is made of them one part
 * after the other never stands beside all of the reply.
 *
 * Lists of strings that are short, so many that they come to more than a megabyte, can be taken so.
 *
 * Returns: (transfer full) (array length=length) (nullable): a marshalled list of the first strings, which are elements of
 *   @reply no more; %NULL, and @reply is as it was, when there are none left, when it is another kind of reply or has other
 *   references, or when a string among them is not UTF-8 and @decode wants it to be
 *
 * Since: 1.0
 */
guint8 *
tornadis_bridge_take_part (TornadisReply *reply,
                           gboolean decode,
                           gsize *length)
{
  GString *out;

  *length = 0;
  g_return_val_if_fail (reply != NULL, NULL);

  /* Elements that have nodes were asked for, and may be in use. */
  if (!tornadis_reply_is_packed (reply) || reply->kind == TORNADIS_REPLY_KIND_MAP || reply->length == 0 ||
      g_atomic_int_get (&reply->ref_count) != 1 || g_atomic_pointer_get (&reply->v.elements) != NULL)
    return NULL;

  out = tornadis_bridge_marshal_part (reply, decode);
  if (out == NULL)
    return NULL;

  TORNADIS_PRIVATE_CALL (reply_pack_shift, reply);
  *length = out->len;
  return (guint8 *) g_string_free (out, FALSE);
}

/**
 * tornadis_bridge_dup_text:
 * @reply: a reply
 *
 * Makes JSON of a reply, as the outcome of a call of the number 0.
 *
 * Returns: (transfer full) (nullable): a JSON array of the number and the value, or %NULL when there is no memory for it
 *
 * Since: 1.0
 */
char *
tornadis_bridge_dup_text (TornadisReply *reply)
{
  GString *out;

  g_return_val_if_fail (reply != NULL, NULL);

  out = dup_outcome (&tornadis_bridge_json, reply, FALSE);

  return out != NULL ? g_string_free (out, FALSE) : NULL;
}

/* NULL: nothing. */
static TornadisReply *
make_string (GBytes *bytes)
{
  gsize length;
  const char *data;

  if (bytes == NULL)
    return TORNADIS_PRIVATE_CALL (reply_new_data, TORNADIS_REPLY_KIND_NIL, "", 0);

  data = g_bytes_get_data (bytes, &length);

  return TORNADIS_PRIVATE_CALL (reply_new_data, TORNADIS_REPLY_KIND_STRING, data != NULL ? data : "", length);
}

/**
 * tornadis_bridge_make_message:
 * @channel: the name of its channel
 * @pattern: (nullable): the pattern that brought it
 * @payload: (nullable): what was published; %NULL: it is about keys
 * @keys: (nullable) (array length=n_keys): the names of these keys, or nothing for all of them
 * @n_keys: how many there are
 * @is_shard: whether it is of a shard channel
 *
 * Makes a message out of its parts.
 *
 * Returns: (transfer full): a new message
 *
 * Since: 1.0
 */
TornadisMessage *
tornadis_bridge_make_message (GBytes *channel,
                              GBytes *pattern,
                              GBytes *payload,
                              GBytes **keys,
                              gsize n_keys,
                              gboolean is_shard)
{
  TornadisSubscriptionKind kind = TORNADIS_SUBSCRIPTION_KIND_CHANNEL;
  TornadisReply **elements = g_new (TornadisReply *, 4);
  gsize n = 0;

  elements[n++] = TORNADIS_PRIVATE_CALL (reply_new_data, TORNADIS_REPLY_KIND_STRING, "message", strlen ("message"));
  if (is_shard)
    kind = TORNADIS_SUBSCRIPTION_KIND_SHARD;
  else if (pattern != NULL)
    kind = TORNADIS_SUBSCRIPTION_KIND_PATTERN;

  if (kind == TORNADIS_SUBSCRIPTION_KIND_PATTERN)
    elements[n++] = make_string (pattern);
  elements[n++] = make_string (channel);
  if (payload != NULL || keys == NULL)
    elements[n++] = make_string (payload);
  else
    {
      TornadisReply **names = g_new (TornadisReply *, n_keys);

      for (gsize i = 0; i < n_keys; i++)
        names[i] = make_string (keys[i]);
      elements[n++] = TORNADIS_PRIVATE_CALL (reply_new_array, TORNADIS_REPLY_KIND_ARRAY, names, n_keys);
    }

  return TORNADIS_PRIVATE_CALL (message_new, TORNADIS_PRIVATE_CALL (reply_new_array, TORNADIS_REPLY_KIND_ARRAY, elements, n),
                                kind, NULL);
}

/**
 * tornadis_bridge_expect_collector:
 *
 * Tells, for the rest of the program's life, that the last reference to a client may go in a garbage collection, during
 * which hooks of plugins in that language cannot be called. A client whose plugins have the hook
 * [vfunc@Tornadis.Plugin.detach] is from now on disposed of by the main loop.
 *
 * Since: 1.0
 */
void
tornadis_bridge_expect_collector (void)
{
  TORNADIS_PRIVATE_CALL (client_expect_collector);
}
