/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/tornadis-bridge-private.h"

#include <gmodule.h>
#include <string.h>

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-pipeline-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/values/tornadis-number-text-private.h"
#include "tornadis-glib/values/tornadis-reply-pack-private.h"
#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-poller.h"

/**
 * TornadisBridge:
 *
 * Carries the calls of a client from another language to C, and their outcomes back, many at a time.
 *
 * It is there for language bindings; programs in C have [method@Tornadis.Client.submit]. What costs time between
 * languages is each passage, not what is passed. So the calls of one turn of the main loop come over in one piece, in a
 * shape that the other language makes by itself, and outcomes go back in one that it takes apart by itself:
 *
 * - Python marshals (version 2) a list of lists of bytes, and gets the outcomes marshalled;
 * - JavaScript makes JSON of an array of arrays of strings, and gets JSON.
 *
 * Calls are numbered from 0 in the order in which they are submitted; after 2³¹ - 1 comes 0 again. Outcomes are told in
 * the order in which calls end, always from the main loop, never from within a function of the bridge or the client.
 *
 * Calls that are not yet submitted must not wait for ever when a main loop runs within a callback:
 * [method@Tornadis.Bridge.expect] makes the main loop ask for them.
 *
 * The client is kept while calls are expected or under way.
 *
 * Since: 1.0
 */
struct _TornadisBridge
{
  GObject parent_instance;

  TornadisClient *client;             /* (unowned) (nullable) a weak pointer */
  TornadisClient *held;               /* (owned) (nullable) the same, from a call's being announced to its outcome's being told */
  const TornadisBridgeFormat *format; /* (unowned) */
  TornadisBridgeDataFunc data_func;   /* (nullable) */
  TornadisBridgeTextFunc text_func;   /* (nullable) */
  gpointer user_data;
  GDestroyNotify user_data_destroy; /* (nullable) */

  TornadisPollerItem item; /* of the client's main context, since the first call */
  GQueue chunks;    /* (element-type TornadisBridgeChunk) (owned) outcomes to be told */
  GHashTable *kept; /* (owned) (nullable) (element-type guint TornadisReply) what will be asked for */
  guint n_in_flight;
  guint32 next_number;
  gboolean decode;
  gboolean expecting;
};

G_DEFINE_FINAL_TYPE (TornadisBridge, tornadis_bridge, G_TYPE_OBJECT)

/* So much is told at a time, so that frames are drawn in between. It goes ahead of more that is read: outcomes do not pile
 * up. */
#define MAX_OUTCOMES 256
#define MAX_CHUNK_SIZE (256 * 1024)
/* A string that is the whole reply and this long goes over by itself, copied once. */
#define KEEP_SIZE (64 * 1024)

typedef struct
{
  GString *outcomes; /* (owned) */
  guint n_outcomes;
} TornadisBridgeChunk;

/* A call under way. */
typedef struct
{
  TornadisBridge *bridge; /* (unowned) it keeps itself while calls are under way */
  guint32 number;
} TornadisBridgeCall;

static void
chunk_free (gpointer data)
{
  TornadisBridgeChunk *chunk = data;

  g_string_free (chunk->outcomes, TRUE);
  g_free (chunk);
}

/* GJS refuses callbacks between the steps of a garbage collection, though the main loop runs then: the outcomes would be
 * lost. Brings the collection to an end. */
static void
finish_collection (void)
{
  GModule *program = g_module_open (NULL, 0);
  gpointer (*get_current) (void);
  void (*collect) (gpointer context);

  if (program != NULL && g_module_symbol (program, "gjs_context_get_current", (gpointer *) &get_current) &&
      g_module_symbol (program, "gjs_context_gc", (gpointer *) &collect))
    collect (get_current ());

  g_clear_pointer (&program, g_module_close);
}

static void
bridge_notify (TornadisBridge *self,
             const char *outcomes,
             gsize length)
{
  gboolean taken = FALSE;

  if (self->data_func != NULL)
    {
      self->data_func (self->held, (const guint8 *) outcomes, length, self->user_data);
      return;
    }

  self->text_func (self->held, outcomes, &taken, self->user_data);
  if (G_LIKELY (taken))
    return;

  finish_collection ();
  self->text_func (self->held, outcomes, &taken, self->user_data);
}

/* Keeps the client, and itself. */
static void
bridge_hold (TornadisBridge *self,
             TornadisClient *client)
{
  if (self->held != NULL)
    return;

  self->held = g_object_ref (client);
  g_object_ref (self);
}

/* Nothing is expected, under way or left to tell: the client may go, and with it the bridge. */
static void
bridge_let_go (TornadisBridge *self)
{
  if (self->held == NULL || self->expecting || self->n_in_flight > 0 || !g_queue_is_empty (&self->chunks))
    return;

  g_clear_object (&self->held);
  g_object_unref (self);
}

/* What is left to tell is told even if a function runs a main loop of its own. */
static void
bridge_go_on (TornadisBridge *self)
{
  if (!g_queue_is_empty (&self->chunks) && self->item.poller != NULL)
    tornadis_poller_item_queue_first (&self->item);
}

static void
bridge_turn (TornadisPollerItem *item,
             GIOCondition condition,
             gint64 now,
             gint64 deadline)
{
  g_autoptr (TornadisBridge) self = g_object_ref ((TornadisBridge *) (gpointer) ((guint8 *) item - G_STRUCT_OFFSET (TornadisBridge, item)));
  TornadisBridgeChunk *chunk;

  if (self->expecting)
    {
      self->expecting = FALSE;
      bridge_go_on (self);
      bridge_notify (self, "", 0);
    }

  while ((chunk = g_queue_pop_head (&self->chunks)) != NULL)
    {
      bridge_go_on (self);
      g_string_append (chunk->outcomes, self->format->closing);
      bridge_notify (self, chunk->outcomes->str, chunk->outcomes->len);
      chunk_free (chunk);

      if (g_get_monotonic_time () >= deadline)
        break;
    }

  if (g_queue_is_empty (&self->chunks) && !self->expecting)
    tornadis_poller_item_unqueue (&self->item);
  bridge_let_go (self);
}

static void
tornadis_bridge_dispose (GObject *object)
{
  TornadisBridge *self = TORNADIS_BRIDGE (object);

  tornadis_poller_item_clear (&self->item);
  g_clear_weak_pointer (&self->client);
  /* What is not told yet will not be. */
  g_queue_clear_full (&self->chunks, chunk_free);
  self->expecting = FALSE;
  if (self->user_data_destroy != NULL)
    g_steal_pointer (&self->user_data_destroy) (self->user_data);

  G_OBJECT_CLASS (tornadis_bridge_parent_class)->dispose (object);
  bridge_let_go (self);
}

static void
tornadis_bridge_finalize (GObject *object)
{
  TornadisBridge *self = TORNADIS_BRIDGE (object);

  g_clear_pointer (&self->kept, g_hash_table_unref);

  G_OBJECT_CLASS (tornadis_bridge_parent_class)->finalize (object);
}

static void
tornadis_bridge_class_init (TornadisBridgeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = tornadis_bridge_dispose;
  object_class->finalize = tornadis_bridge_finalize;
}

static void
tornadis_bridge_init (TornadisBridge *self)
{
  g_queue_init (&self->chunks);
}

GPtrArray *
tornadis_bridge_new_calls (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_command_unref);
}

GPtrArray *
tornadis_bridge_fail_parse (GPtrArray *calls,
                            GError **error)
{
  g_ptr_array_unref (calls);
  g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Not a list of calls");

  return NULL;
}

gboolean
tornadis_bridge_is_text (const TornadisReply *reply)
{
  const char *p = reply->data;
  const char *end = p + reply->length;

  if (G_LIKELY (tornadis_reply_is_text (reply)))
    return TRUE;

  while (!g_utf8_validate_len (p, (gsize) (end - p), &p))
    if (*p++ != '\0' || p > end)
      return FALSE;

  return TRUE;
}

gboolean
tornadis_bridge_is_number (const TornadisReply *reply)
{
  return reply->length <= TORNADIS_BRIDGE_MAX_DIGITS && tornadis_number_text_is_integer (reply->data, reply->length);
}

char *
tornadis_bridge_dup_message (const char *message)
{
  return g_utf8_make_valid (message, -1);
}

static TornadisBridge *
bridge_new (TornadisClient *client,
            const TornadisBridgeFormat *format,
            gpointer user_data,
            GDestroyNotify user_data_destroy)
{
  TornadisBridge *self = g_object_new (TORNADIS_TYPE_BRIDGE, NULL);

  g_set_weak_pointer (&self->client, client);
  self->format = format;
  self->user_data = user_data;
  self->user_data_destroy = user_data_destroy;

  return self;
}

/**
 * tornadis_bridge_new_data: (constructor)
 * @client: the client whose calls it carries
 * @func: (scope notified) (closure user_data): takes the outcomes
 * @user_data: passed to @func
 * @user_data_destroy: (nullable): frees @user_data
 *
 * Makes a bridge to Python.
 *
 * Returns: (transfer full): a new bridge
 *
 * Since: 1.0
 */
TornadisBridge *
tornadis_bridge_new_data (TornadisClient *client,
                          TornadisBridgeDataFunc func,
                          gpointer user_data,
                          GDestroyNotify user_data_destroy)
{
  TornadisBridge *self;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), NULL);
  g_return_val_if_fail (func != NULL, NULL);

  self = bridge_new (client, &tornadis_bridge_marshal, user_data, user_data_destroy);
  self->data_func = func;
  tornadis_reply_pack_enable ();

  return self;
}

/**
 * tornadis_bridge_new_text: (constructor)
 * @client: the client whose calls it carries
 * @func: (scope notified) (closure user_data): takes the outcomes
 * @user_data: passed to @func
 * @user_data_destroy: (nullable): frees @user_data
 *
 * Makes a bridge to JavaScript.
 *
 * Returns: (transfer full): a new bridge
 *
 * Since: 1.0
 */
TornadisBridge *
tornadis_bridge_new_text (TornadisClient *client,
                          TornadisBridgeTextFunc func,
                          gpointer user_data,
                          GDestroyNotify user_data_destroy)
{
  TornadisBridge *self;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), NULL);
  g_return_val_if_fail (func != NULL, NULL);

  self = bridge_new (client, &tornadis_bridge_json, user_data, user_data_destroy);
  self->text_func = func;

  return self;
}

/**
 * tornadis_bridge_set_decode:
 * @self: a bridge to Python
 * @decode: whether strings are told as text
 *
 * Sets whether strings are told as text instead of bytes, which is not done otherwise. A reply with strings that are
 * not UTF-8 has then to be asked for.
 *
 * Since: 1.0
 */
void
tornadis_bridge_set_decode (TornadisBridge *self,
                            gboolean decode)
{
  g_return_if_fail (TORNADIS_IS_BRIDGE (self));

  self->decode = decode;
}

static void
bridge_start (TornadisBridge *self,
              TornadisClient *client)
{
  g_autoptr (TornadisPoller) poller = NULL;

  if (self->item.poller != NULL)
    return;

  poller = tornadis_poller_get (tornadis_client_get_context (client));
  tornadis_poller_item_init (&self->item, poller, -1, bridge_turn);
}

/* The client, which may have been disposed of but is there; or %NULL with an error. */
static TornadisClient *
bridge_get_client (TornadisBridge *self,
                   GError **error)
{
  TornadisClient *client = self->held != NULL ? self->held : self->client;

  if (client == NULL)
    g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "Nothing was sent: the client is gone");

  return client;
}

/**
 * tornadis_bridge_expect:
 * @self: a bridge
 * @error: return location for an error
 *
 * Announces calls. When the main loop comes round before calls are submitted, it asks for them: the function of the
 * bridge is called with nothing.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the client is gone or was disposed of.
 *
 * Returns: %TRUE if it will ask
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_expect (TornadisBridge *self,
                        GError **error)
{
  TornadisClient *client;

  g_return_val_if_fail (TORNADIS_IS_BRIDGE (self), FALSE);

  client = bridge_get_client (self, error);
  if (client == NULL)
    return FALSE;

  bridge_start (self, client);
  bridge_hold (self, client);
  self->expecting = TRUE;
  tornadis_poller_item_queue (&self->item);

  return TRUE;
}

static TornadisBridgeChunk *
bridge_get_chunk (TornadisBridge *self)
{
  TornadisBridgeChunk *chunk = g_queue_peek_tail (&self->chunks);

  if (chunk != NULL && chunk->n_outcomes < MAX_OUTCOMES && chunk->outcomes->len < MAX_CHUNK_SIZE)
    return chunk;

  chunk = g_new (TornadisBridgeChunk, 1);
  chunk->outcomes = g_string_sized_new (1024);
  chunk->n_outcomes = 0;
  g_string_append (chunk->outcomes, self->format->opening);
  g_queue_push_tail (&self->chunks, chunk);
  tornadis_poller_item_queue_first (&self->item);

  return chunk;
}

static void
bridge_keep (TornadisBridge *self,
             GString *out,
             guint32 number,
             TornadisReply *reply)
{
  if (self->kept == NULL)
    self->kept = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) tornadis_reply_unref);
  g_hash_table_insert (self->kept, GUINT_TO_POINTER (number), tornadis_reply_ref (reply));
  self->format->append_kept (out, number);
}

static void
bridge_add_outcome (TornadisBridge *self,
                    guint32 number,
                    TornadisReply *reply,
                    const GError *error)
{
  TornadisBridgeChunk *chunk = bridge_get_chunk (self);
  GString *out = chunk->outcomes;

  if (G_UNLIKELY (error != NULL))
    self->format->append_error (out, number, error);
  else if ((reply->kind == TORNADIS_REPLY_KIND_STRING && reply->length >= KEEP_SIZE) ||
           !self->format->append_reply (out, number, reply, self->decode))
    bridge_keep (self, out, number, reply);

  chunk->n_outcomes++;
}

static void
bridge_reply_cb (TornadisReply *reply,
                 const GError *error,
                 gpointer user_data)
{
  TornadisBridgeCall *call = user_data;
  TornadisBridge *self = call->bridge;
  g_autoptr (GError) reply_error = NULL;

  if (reply != NULL && G_UNLIKELY (reply->kind == TORNADIS_REPLY_KIND_ERROR))
    error = reply_error = tornadis_reply_dup_error (reply);

  self->n_in_flight--;
  /* Without a poller the bridge was disposed of. */
  if (G_LIKELY (self->item.poller != NULL))
    bridge_add_outcome (self, call->number, reply, error);
  else
    bridge_let_go (self);
  g_free (call);
}

/* So many calls get the numbers from the one that is returned on, before any is made: a plugin may make others
 * meanwhile. */
static guint32
bridge_reserve (TornadisBridge *self,
                TornadisClient *client,
                guint n_calls)
{
  guint32 first = self->next_number;

  self->next_number = (first + n_calls) & G_MAXINT32;
  self->n_in_flight += n_calls;
  bridge_hold (self, client);
  bridge_start (self, client);

  return first;
}

static void
bridge_call (TornadisBridge *self,
             TornadisClient *client,
             guint32 number,
             TornadisCommand *command,
             TornadisPipeline *pipeline)
{
  TornadisBridgeCall *call = g_new (TornadisBridgeCall, 1);

  *call = (TornadisBridgeCall){ self, number & G_MAXINT32 };
  tornadis_client_dispatch (client, command, pipeline, bridge_reply_cb, call);
}

static gboolean
bridge_submit_one (TornadisBridge *self,
                   TornadisCommand *command,
                   TornadisPipeline *pipeline,
                   GError **error)
{
  TornadisClient *client = bridge_get_client (self, error);

  if (client == NULL)
    return FALSE;

  bridge_call (self, client, bridge_reserve (self, client, 1), command, pipeline);

  return TRUE;
}

static gboolean
bridge_submit (TornadisBridge *self,
               const char *calls,
               gsize length,
               GError **error)
{
  TornadisClient *client = bridge_get_client (self, error);
  g_autoptr (GPtrArray) commands = NULL;
  TornadisLink *link;
  gboolean cork;
  guint32 first;

  self->expecting = FALSE;
  if (client != NULL)
    commands = self->format->parse (calls, length, error);
  if (commands == NULL)
    {
      bridge_let_go (self);
      return FALSE;
    }

  first = bridge_reserve (self, client, commands->len);

  /* One write for all of them, though the first finds the link idle. A plugin may wait for replies. */
  link = tornadis_client_get_link (client);
  cork = tornadis_client_get_chain (client) == NULL;
  if (cork)
    tornadis_link_set_corked (link, TRUE);
  for (guint i = 0; i < commands->len; i++)
    bridge_call (self, client, first + i, g_ptr_array_index (commands, i), NULL);
  if (cork)
    tornadis_link_set_corked (link, FALSE);

  bridge_let_go (self);

  return TRUE;
}

/**
 * tornadis_bridge_submit_data:
 * @self: a bridge to Python
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
tornadis_bridge_submit_data (TornadisBridge *self,
                             const guint8 *calls,
                             gsize length,
                             GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_BRIDGE (self) && self->data_func != NULL, FALSE);

  return bridge_submit (self, (const char *) calls, length, error);
}

/**
 * tornadis_bridge_submit_text:
 * @self: a bridge to JavaScript
 * @calls: JSON of an array of arrays of strings
 * @error: return location for an error
 *
 * Submits calls.
 *
 * An error is %TORNADIS_ERROR_USAGE, when @calls is no such JSON, or %TORNADIS_ERROR_CLOSED, when the client is gone;
 * no call is then made and no number used.
 *
 * Returns: %TRUE if the calls were made
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_submit_text (TornadisBridge *self,
                             const char *calls,
                             GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_BRIDGE (self) && self->text_func != NULL, FALSE);
  g_return_val_if_fail (calls != NULL, FALSE);

  return bridge_submit (self, calls, strlen (calls), error);
}

/**
 * tornadis_bridge_submit_command:
 * @self: a bridge
 * @command: the command; it cannot be changed any more
 * @error: return location for an error
 *
 * Submits one call.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the client is gone; no number is then used.
 *
 * Returns: %TRUE if the call was made
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_submit_command (TornadisBridge *self,
                                TornadisCommand *command,
                                GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_BRIDGE (self), FALSE);
  g_return_val_if_fail (command != NULL, FALSE);

  return bridge_submit_one (self, command, NULL, error);
}

/**
 * tornadis_bridge_submit_pipeline:
 * @self: a bridge
 * @pipeline: the commands
 * @error: return location for an error
 *
 * Submits one call: a pipeline.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the client is gone; no number is then used.
 *
 * Returns: %TRUE if the call was made
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_submit_pipeline (TornadisBridge *self,
                                 TornadisPipeline *pipeline,
                                 GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_BRIDGE (self), FALSE);
  g_return_val_if_fail (TORNADIS_IS_PIPELINE (pipeline), FALSE);

  return bridge_submit_one (self, NULL, pipeline, error);
}

/**
 * tornadis_bridge_take_reply:
 * @self: a bridge
 * @number: the number of the call
 *
 * Takes a reply that has to be asked for: one that is a long string, or cannot be told in the shape that it should have.
 *
 * Returns: (transfer full) (nullable): the reply, or %NULL when there is none of that number
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_bridge_take_reply (TornadisBridge *self,
                            guint number)
{
  gpointer reply = NULL;

  g_return_val_if_fail (TORNADIS_IS_BRIDGE (self), NULL);

  if (self->kept != NULL)
    g_hash_table_steal_extended (self->kept, GUINT_TO_POINTER (number), NULL, &reply);

  return reply;
}

static gboolean
stack_calls (TornadisPipeline *pipeline,
             GPtrArray *commands)
{
  if (commands == NULL)
    return FALSE;

  for (guint i = 0; i < commands->len; i++)
    tornadis_pipeline_stack_command (pipeline, g_ptr_array_index (commands, i));
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
 *   when a string is not UTF-8 and @decode wants it to be, or when it is nested deeper than Python reads
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
 * tornadis_bridge_dup_text:
 * @reply: a reply
 *
 * Makes JSON of a reply, as the outcome of a call of the number 0.
 *
 * Returns: (transfer full): a JSON array of the number and the value
 *
 * Since: 1.0
 */
char *
tornadis_bridge_dup_text (TornadisReply *reply)
{
  g_return_val_if_fail (reply != NULL, NULL);

  return g_string_free (dup_outcome (&tornadis_bridge_json, reply, FALSE), FALSE);
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
  tornadis_client_expect_collector ();
}
