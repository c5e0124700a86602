/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of TornadisBridgeCarrier, and their outcomes. */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

#include <string.h>

/* A string that is the whole reply and this long goes over by itself, copied once. */
#define KEEP_SIZE (64 * 1024)

/* What no argument has, for the most part. */
#define WORD_SEPARATOR "\x1f"

guint32
tornadis_bridge_carrier_reserve (TornadisBridgeCarrier *self,
                                 guint n_calls)
{
  guint32 first = self->next_number;

  self->next_number = (first + n_calls) & G_MAXINT32;

  return first;
}

TornadisBridgeCall *
tornadis_bridge_call_new (TornadisBridgeCarrier *self,
                          guint32 number)
{
  TornadisBridgeCall *call = g_new (TornadisBridgeCall, 1);

  *call = (TornadisBridgeCall){ .link = { .data = call }, .carrier = self, .number = number & G_MAXINT32, .decode = self->decode };
  g_queue_push_tail_link (&self->calls, &call->link);

  return call;
}

void
tornadis_bridge_call_free (TornadisBridgeCall *call)
{
  TornadisBridgeCarrier *self = call->carrier;

  if (G_UNLIKELY (self->cancelled == &call->link))
    self->cancelled = call->link.next != NULL ? call->link.next : call->link.prev;
  g_queue_unlink (&self->calls, &call->link);
  g_clear_object (&call->cancellable);
  /* Not with g_cancellable_disconnect(), which waits for a thread that may be cancelling it. */
  if (call->callers_id != 0)
    g_signal_handler_disconnect (call->callers, call->callers_id);
  g_clear_object (&call->callers);
  g_free (call->expired);
  g_free (call);
  if (G_UNLIKELY (!tornadis_bridge_carrier_is_alive (self)))
    tornadis_bridge_carrier_let_go (self);
}

static void
carrier_keep (TornadisBridgeCarrier *self,
              GString *out,
              const TornadisBridgeCall *call,
              TornadisReply *reply)
{
  if (self->kept == NULL)
    self->kept = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) tornadis_reply_unref);
  g_hash_table_insert (self->kept, GUINT_TO_POINTER (call->number), tornadis_reply_ref (reply));
  self->format->append_kept (out, call->number, call->decode);
}

/* Whether it can be told as it is. C strings end with a NUL, which this is no text with. */
static gboolean
reply_is_plain (TornadisReply *reply)
{
  return (reply->kind == TORNADIS_REPLY_KIND_STRING || reply->kind == TORNADIS_REPLY_KIND_STATUS) &&
         reply->length < KEEP_SIZE && TORNADIS_PRIVATE_CALL (reply_data_is_text, reply->data, reply->length);
}

static void
carrier_add_outcome (TornadisBridgeCarrier *self,
                     const TornadisBridgeCall *call,
                     TornadisReply *reply,
                     const GError *error)
{
  TornadisBridgeChunk *chunk;
  GString *out;

  if (call->lone && reply != NULL && reply_is_plain (reply))
    {
      chunk = tornadis_bridge_carrier_add_lone (self);
      g_string_append_len (chunk->outcomes, reply->data, (gssize) reply->length);
      return;
    }

  chunk = tornadis_bridge_carrier_get_outcomes (self);
  out = chunk->outcomes;

  if (G_UNLIKELY (error != NULL))
    self->format->append_error (out, call->number, error);
  else if ((reply->kind == TORNADIS_REPLY_KIND_STRING && reply->length >= KEEP_SIZE) ||
           (self->data_func != NULL && tornadis_bridge_has_parts (reply)) ||
           !self->format->append_reply (out, call->number, reply, call->decode))
    carrier_keep (self, out, call, reply);

  chunk->n_outcomes++;
}

GError *
tornadis_bridge_call_explain (TornadisBridgeCall *call,
                              const GError *error)
{
  /* The connection was closed because of another whose time was over with this one's. */
  if (G_UNLIKELY (call->expired != NULL && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST)))
    return g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, call->expired);

  /* Of what is no call, and knows no other reason. */
  if (call->cancellable != NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return TORNADIS_PRIVATE_CALL (cancel_watch_dup_reason, call->cancellable);

  return NULL;
}

void
tornadis_bridge_call_complete_reply (TornadisBridgeCall *call,
                                     TornadisReply *reply,
                                     const GError *error)
{
  g_autoptr (GError) reason = NULL;

  if (G_UNLIKELY (error != NULL) && (reason = tornadis_bridge_call_explain (call, error)) != NULL)
    error = reason;
  if (G_LIKELY (tornadis_bridge_carrier_is_alive (call->carrier)))
    carrier_add_outcome (call->carrier, call, reply, error);
  tornadis_bridge_call_free (call);
}

static void
reply_cb (TornadisReply *reply,
          const GError *error,
          gpointer user_data)
{
  g_autoptr (GError) reply_error = NULL;

  if (reply != NULL && G_UNLIKELY (reply->kind == TORNADIS_REPLY_KIND_ERROR))
    error = reply_error = tornadis_reply_dup_error (reply);

  tornadis_bridge_call_complete_reply (user_data, reply, error);
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  tornadis_bridge_call_complete_reply (user_data, reply, error);
}

static void
pipeline_called_cb (GObject *object,
                    GAsyncResult *result,
                    gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_pipeline_finish (TORNADIS_CALLER (object), result, &error);

  tornadis_bridge_call_complete_reply (user_data, reply, error);
}

static gboolean
carrier_submit_one (TornadisBridgeCarrier *self,
                    TornadisCommand *command,
                    TornadisPipeline *pipeline,
                    GCancellable *cancellable,
                    GError **error)
{
  GObject *owner = tornadis_bridge_carrier_get_owner (self, error);
  TornadisBridgeCall *call;

  if (owner == NULL)
    return FALSE;

  /* The light way is a client's alone. */
  if (TORNADIS_IS_CLIENT (owner) && cancellable == NULL)
    {
      tornadis_bridge_carrier_hold (self, owner);
      call = tornadis_bridge_call_new (self, tornadis_bridge_carrier_reserve (self, 1));
      TORNADIS_PRIVATE_CALL (client_dispatch, TORNADIS_CLIENT (owner), command, pipeline, reply_cb, call, &call->dispatched);
      return TRUE;
    }

  call = tornadis_bridge_carrier_start (self, cancellable, NULL);
  if (command != NULL)
    tornadis_caller_call_async (TORNADIS_CALLER (owner), command, call->cancellable, called_cb, call);
  else
    tornadis_caller_call_pipeline_async (TORNADIS_CALLER (owner), pipeline, call->cancellable, pipeline_called_cb, call);

  return TRUE;
}

static gboolean
carrier_submit (TornadisBridgeCarrier *self,
                const char *calls,
                gsize length,
                GError **error)
{
  TornadisClient *client = tornadis_bridge_carrier_get_owner (self, error);
  g_autoptr (GPtrArray) commands = NULL;
  guint32 first;

  self->expecting = FALSE;
  if (client != NULL)
    commands = self->format->parse (calls, length, error);
  if (commands == NULL)
    {
      tornadis_bridge_carrier_let_go (self);
      return FALSE;
    }

  tornadis_bridge_carrier_hold (self, G_OBJECT (client));
  first = tornadis_bridge_carrier_reserve (self, commands->len);

  /* One write for all of them to a server, though the first finds the link idle. */
  TORNADIS_PRIVATE_CALL (client_set_corked, client, TRUE);
  for (guint i = 0; i < commands->len; i++)
    {
      TornadisBridgeCall *call = tornadis_bridge_call_new (self, first + i);

      TORNADIS_PRIVATE_CALL (client_dispatch, client, g_ptr_array_index (commands, i), NULL, reply_cb, call,
                             &call->dispatched);
    }
  TORNADIS_PRIVATE_CALL (client_set_corked, client, FALSE);

  tornadis_bridge_carrier_let_go (self);

  return TRUE;
}

/**
 * tornadis_bridge_carrier_submit_data:
 * @self: a carrier to Python, of a client
 * @calls: (array length=length): a marshalled list of lists of bytes
 * @length: the number of bytes
 * @error: return location for an error
 *
 * Submits calls.
 *
 * An error is %TORNADIS_ERROR_USAGE, when @calls is nothing that was marshalled so, or %TORNADIS_ERROR_CLOSED, when
 * the client is gone; no call is then made and no number used.
 *
 * Returns: %TRUE if the calls were made
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_submit_data (TornadisBridgeCarrier *self,
                                     const guint8 *calls,
                                     gsize length,
                                     GError **error)
{
  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self) && self->data_func != NULL, FALSE);
  g_return_val_if_fail (self->owner == NULL || TORNADIS_IS_CLIENT (self->owner), FALSE);

  return carrier_submit (self, (const char *) calls, length, error);
}

/**
 * tornadis_bridge_carrier_submit_text:
 * @self: a carrier to JavaScript, of a client
 * @calls: JSON of an array of arrays of strings
 * @error: return location for an error
 *
 * Submits calls. No outcome of theirs is brought before this has returned, even where a plugin runs a main loop.
 *
 * An error is %TORNADIS_ERROR_USAGE, when @calls is no such JSON, or %TORNADIS_ERROR_CLOSED, when the client is gone;
 * no call is then made and no number used.
 *
 * Returns: %TRUE if the calls were made
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_submit_text (TornadisBridgeCarrier *self,
                                     const char *calls,
                                     GError **error)
{
  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self) && self->text_func != NULL, FALSE);
  g_return_val_if_fail (self->owner == NULL || TORNADIS_IS_CLIENT (self->owner), FALSE);
  g_return_val_if_fail (calls != NULL, FALSE);

  return carrier_submit (self, calls, strlen (calls), error);
}

/* The command of so many words, or %NULL. */
static TornadisCommand *
split_words (const char *words,
             guint n_words)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_bytes (NULL, 0);
  const char *p = words;

  while (TRUE)
    {
      gsize length = strcspn (p, WORD_SEPARATOR);

      TORNADIS_PRIVATE_CALL (command_append_data, command, p, length);
      n_words--;
      p += length;
      if (*p++ == '\0')
        return n_words == 0 ? g_steal_pointer (&command) : NULL;
    }
}

/**
 * tornadis_bridge_carrier_submit_lone:
 * @self: a carrier to JavaScript, of a client
 * @words: the arguments, with U+001F between them
 * @n_words: how many there are
 *
 * Submits one call that others are not expected to go with, and whose reply somebody waits for: this takes less time than
 * [method@TornadisBridge.Carrier.submit_text], and so does the reply, see [callback@TornadisBridge.LoneFunc]. What is no
 * such reply is brought like any other outcome.
 *
 * Returns: %TRUE if the call was made; %FALSE, for [method@TornadisBridge.Carrier.submit_text] to be used, if there is a
 * U+001F in an argument or the client is gone
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_submit_lone (TornadisBridgeCarrier *self,
                                     const char *words,
                                     guint n_words)
{
  GObject *owner;
  g_autoptr (TornadisCommand) command = NULL;
  TornadisBridgeCall *call;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self) && self->lone_func != NULL, FALSE);
  g_return_val_if_fail (self->owner == NULL || TORNADIS_IS_CLIENT (self->owner), FALSE);
  g_return_val_if_fail (words != NULL, FALSE);

  owner = tornadis_bridge_carrier_get_owner (self, NULL);
  if (owner == NULL || (command = split_words (words, n_words)) == NULL)
    return FALSE;

  self->expecting = FALSE;
  tornadis_bridge_carrier_hold (self, owner);
  call = tornadis_bridge_call_new (self, tornadis_bridge_carrier_reserve (self, 1));
  call->lone = TRUE;
  TORNADIS_PRIVATE_CALL (client_dispatch, (TornadisClient *) owner, command, NULL, reply_cb, call, &call->dispatched);

  return TRUE;
}

/**
 * tornadis_bridge_carrier_submit_command:
 * @self: a carrier
 * @command: the command; it cannot be changed any more
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Submits one call.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone; no number is then used.
 *
 * Returns: %TRUE if the call was made
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_submit_command (TornadisBridgeCarrier *self,
                                        TornadisCommand *command,
                                        GCancellable *cancellable,
                                        GError **error)
{
  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);
  g_return_val_if_fail (command != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);

  return carrier_submit_one (self, command, NULL, cancellable, error);
}

/**
 * tornadis_bridge_carrier_submit_pipeline:
 * @self: a carrier
 * @pipeline: the commands
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Submits one call: a pipeline.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone; no number is then used.
 *
 * Returns: %TRUE if the call was made
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_submit_pipeline (TornadisBridgeCarrier *self,
                                         TornadisPipeline *pipeline,
                                         GCancellable *cancellable,
                                         GError **error)
{
  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);
  g_return_val_if_fail (TORNADIS_IS_PIPELINE (pipeline), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);

  return carrier_submit_one (self, NULL, pipeline, cancellable, error);
}

/* Many are cancelled together, in their order or the other way round: the next is beside the last. */
static TornadisBridgeCall *
carrier_find_call (TornadisBridgeCarrier *self,
                   guint32 number)
{
  GList *later = self->cancelled != NULL ? self->cancelled : self->calls.head;
  GList *earlier = later;

  while (later != NULL || earlier != NULL)
    {
      if (later != NULL && ((TornadisBridgeCall *) later->data)->number == number)
        return later->data;
      if (earlier != NULL && ((TornadisBridgeCall *) earlier->data)->number == number)
        return earlier->data;
      later = later != NULL ? later->next : NULL;
      earlier = earlier != NULL ? earlier->prev : NULL;
    }

  return NULL;
}

/* At once: from now on nothing is read for it. FALSE: it has an outcome already. */
static gboolean
carrier_give_up (TornadisBridgeCarrier *self,
                 guint number,
                 const GError *reason)
{
  TornadisBridgeCall *call = carrier_find_call (self, number);

  /* The caller's own cancellable may have been before. */
  if (call == NULL || (call->cancellable != NULL && g_cancellable_is_cancelled (call->cancellable)))
    return FALSE;

  self->cancelled = &call->link;
  if (call->cancellable != NULL)
    TORNADIS_PRIVATE_CALL (cancel_watch_cancel, call->cancellable, reason);
  else
    TORNADIS_PRIVATE_CALL (client_cancel, TORNADIS_CLIENT (self->held), &call->dispatched, call, reason);

  return TRUE;
}

/**
 * tornadis_bridge_carrier_cancel:
 * @self: a carrier
 * @number: the number of a call
 *
 * Cancels a call, as a [class@Gio.Cancellable] does, but before this returns: its outcome is %G_IO_ERROR_CANCELLED, and
 * nothing is read for it any more. What was read for it before is its outcome none the less.
 *
 * Returns: %FALSE when it has an outcome already, which was or will be brought
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_cancel (TornadisBridgeCarrier *self,
                                guint number)
{
  g_autoptr (GError) error = NULL;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Operation was cancelled");

  return carrier_give_up (self, number, error);
}

/**
 * tornadis_bridge_carrier_expire:
 * @self: a carrier
 * @numbers: (array length=n_numbers): the numbers of calls
 * @n_numbers: how many there are
 * @messages: (array zero-terminated=1): for each, what took too long
 *
 * Ends calls whose time is over as [method@TornadisBridge.Carrier.cancel] does, but their outcome, for plugins too, is
 * %TORNADIS_ERROR_TIMEOUT with that message. To the caller it is that also where the connection was closed because of
 * another of them, and the call lost with it.
 *
 * Those that have an outcome already, which was or will be brought, keep it.
 *
 * Returns: how many had none
 *
 * Since: 1.0
 */
guint
tornadis_bridge_carrier_expire (TornadisBridgeCarrier *self,
                                const guint *numbers,
                                gsize n_numbers,
                                const char *const *messages)
{
  guint n_expired = 0;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), 0);
  g_return_val_if_fail (messages != NULL && g_strv_length ((char **) messages) == n_numbers, 0);

  /* Before any ends: it may take others with it. */
  for (gsize i = 0; i < n_numbers; i++)
    {
      TornadisBridgeCall *call = carrier_find_call (self, numbers[i]);

      if (call == NULL || call->expired != NULL)
        continue;
      self->cancelled = &call->link;
      call->expired = g_strdup (messages[i]);
      n_expired++;
    }

  for (gsize i = 0; i < n_numbers; i++)
    {
      g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, messages[i]);

      carrier_give_up (self, numbers[i], error);
    }

  return n_expired;
}

/**
 * tornadis_bridge_carrier_take_reply:
 * @self: a carrier
 * @number: the number of the call
 *
 * Takes a reply that has to be asked for: one that is a long string, or a list so long that Python takes it in parts (see
 * [func@TornadisBridge.take_part]), or that cannot be told in the shape that it should have.
 *
 * Returns: (transfer full) (nullable): the reply, or %NULL when there is none of that number
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_bridge_carrier_take_reply (TornadisBridgeCarrier *self,
                                    guint number)
{
  gpointer reply = NULL;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), NULL);

  if (self->kept != NULL)
    g_hash_table_steal_extended (self->kept, GUINT_TO_POINTER (number), NULL, &reply);

  return reply;
}
