/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "introspection/bridge/tornadis-bridge-carrier-private.h"

#include "introspection/bridge/tornadis-bridge-collector.h"

/**
 * TornadisBridgeCarrier:
 *
 * Carries the calls of a client or a pool from another language to C, and their outcomes and messages back, many at a time.
 *
 * It is there for language bindings; programs in C have [method@Tornadis.Client.submit]. What costs time between
 * languages is each passage, not what is passed. So the calls of one turn of the main loop come over in one piece, in a
 * shape that the other language makes by itself, and outcomes and messages go back in one that it takes apart by itself:
 *
 * - Python marshals (version 2) a list of lists of bytes, and gets what is brought marshalled;
 * - JavaScript makes JSON of an array of arrays of strings, and gets JSON.
 *
 * Calls are numbered from 0 in the order in which they are submitted; after 2³¹ - 1 comes 0 again. Outcomes and messages are
 * brought in the order in which they come, from the main loop, or before anything else of the client is emitted or returned
 * that comes after them, such as [signal@Tornadis.Client::disconnected].
 *
 * Calls that are not yet submitted must not wait for ever when a main loop runs within a callback:
 * [method@TornadisBridge.Carrier.expect] makes the main loop ask for them.
 *
 * The owner is kept while calls are expected or under way, or there is something to bring. A client has one carrier.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (TornadisBridgeCarrier, tornadis_bridge_carrier, G_TYPE_OBJECT)

/* So much is told at a time. It goes ahead of more that is read: outcomes do not pile up. */
#define MAX_ITEMS TORNADIS_BRIDGE_MAX_MESSAGES
#define MAX_CHUNK_SIZE (256 * 1024)
/* And no more than was seen to take about so long, so that frames are drawn in between. Of messages, which nobody asked for
 * one by one, few go over before anything was seen. */
#define OUTCOMES_USEC 1000
#define MESSAGES_USEC 500
#define MIN_ITEMS 8
/* Of what is kept to be used again. */
#define MAX_SPARE_SIZE 4096
#define FIRST_MESSAGES 16

static void
batch_free (TornadisBridgeBatch *batch)
{
  g_string_free (batch->routes, TRUE);
  g_string_free (batch->payloads, TRUE);
  g_free (batch);
}

void
tornadis_bridge_chunk_free (TornadisBridgeChunk *chunk)
{
  if (chunk->outcomes != NULL)
    g_string_free (chunk->outcomes, TRUE);
  g_clear_pointer (&chunk->batch, batch_free);
  g_clear_pointer (&chunk->routes, g_hash_table_unref);
  g_clear_pointer (&chunk->last, tornadis_message_unref);
  g_free (chunk);
}

/* What a function is called with. */
typedef enum
{
  TELL_NOTHING,
  TELL_OUTCOMES,
  TELL_LONE, /* the reply of a lone call */
  TELL_MESSAGES,
} TellKind;

/* Returns whether it was taken. */
static gboolean
carrier_call_func (TornadisBridgeCarrier *self,
                   const char *text,
                   TellKind kind)
{
  gboolean taken = FALSE;

  if (kind == TELL_LONE)
    self->lone_func (text, &taken, self->lone_data);
  else
    self->text_func (kind == TELL_OUTCOMES ? NULL : self->held, text, &taken, self->user_data);

  return taken;
}

/* Who has calls under way is known there: GJS looks up the type of each object that it is given, with dlsym(). */
static void
carrier_notify (TornadisBridgeCarrier *self,
                const char *outcomes,
                gsize length,
                TellKind kind)
{
  self->n_notifying++;
  if (self->data_func != NULL)
    self->data_func (self->held, (const guint8 *) outcomes, length, self->user_data);
  else
    {
      tornadis_bridge_collector_settle ();
      if (G_UNLIKELY (!carrier_call_func (self, outcomes, kind)))
        {
          tornadis_bridge_collector_collect ();
          carrier_call_func (self, outcomes, kind);
        }
    }
  self->n_notifying--;
}

void
tornadis_bridge_carrier_hold (TornadisBridgeCarrier *self,
                              GObject *owner)
{
  if (self->held != NULL)
    return;

  self->held = g_object_ref (owner);
  g_object_ref (self);
}

void
tornadis_bridge_carrier_let_go (TornadisBridgeCarrier *self)
{
  if (self->held == NULL || self->expecting || self->calls.length > 0 || !g_queue_is_empty (&self->chunks))
    return;

  g_clear_object (&self->held);
  g_object_unref (self);
}

/* What is left to tell is told even if a function runs a main loop of its own. */
static void
carrier_go_on (TornadisBridgeCarrier *self)
{
  if (!g_queue_is_empty (&self->chunks) && tornadis_bridge_carrier_is_alive (self))
    TORNADIS_PRIVATE_CALL (poller_item_queue_first, &self->item);
}

/* What the program does with each is as long or short as the next time, for the most part. */
static void
adapt (guint *max_items,
       guint n_items,
       gint64 usec,
       gint64 most_usec)
{
  if (usec > most_usec)
    *max_items = (guint) CLAMP (n_items * most_usec / usec, MIN_ITEMS, MAX_ITEMS);
  else if (n_items >= *max_items && usec < most_usec / 2)
    *max_items = MIN (*max_items * 2, MAX_ITEMS);
}

/* What is to be told next, and how much that is. Of messages, which came before it was known how long they take, some may
 * stay for later. */
static GString *
carrier_take_items (TornadisBridgeCarrier *self,
                    guint *n_items)
{
  TornadisBridgeChunk *chunk = g_queue_peek_head (&self->chunks);
  TornadisBridgeBatch *batch = chunk->batch;
  GString *items;

  if (batch != NULL)
    {
      *n_items = MIN (batch->n_messages - batch->n_told, self->max_messages);
      items = self->format->join (batch, *n_items);
      batch->n_told += *n_items;
      if (batch->n_told < batch->n_messages)
        return items;
    }
  else
    {
      *n_items = chunk->n_outcomes;
      items = g_steal_pointer (&chunk->outcomes);
      if (!chunk->lone)
        g_string_append (items, self->format->closing);
    }

  g_queue_pop_head_link (&self->chunks);
  tornadis_bridge_chunk_free (chunk);
  return items;
}

/* (transfer full): @items */
static void
carrier_reuse (TornadisBridgeCarrier *self,
               GString *items)
{
  if (self->spare != NULL || items->allocated_len > MAX_SPARE_SIZE)
    {
      g_string_free (items, TRUE);
      return;
    }

  g_string_truncate (items, 0);
  self->spare = items;
}

/* @items are (transfer full). */
static void
carrier_tell (TornadisBridgeCarrier *self,
              GString *items,
              guint n_items,
              TellKind kind)
{
  gint64 begin = kind != TELL_LONE ? g_get_monotonic_time () : 0;

  g_object_ref (self);
  carrier_go_on (self);
  carrier_notify (self, items->str, items->len, kind);
  if (kind == TELL_MESSAGES)
    adapt (&self->max_messages, n_items, g_get_monotonic_time () - begin, MESSAGES_USEC);
  else if (kind == TELL_OUTCOMES)
    adapt (&self->max_outcomes, n_items, g_get_monotonic_time () - begin, OUTCOMES_USEC);
  carrier_reuse (self, items);
  g_object_unref (self);
}

static void
carrier_tell_next (TornadisBridgeCarrier *self)
{
  const TornadisBridgeChunk *chunk = g_queue_peek_head (&self->chunks);
  TellKind kind = chunk->batch != NULL ? TELL_MESSAGES : chunk->lone ? TELL_LONE
                                                                     : TELL_OUTCOMES;
  guint n_items;
  GString *items = carrier_take_items (self, &n_items);

  carrier_tell (self, items, n_items, kind);
}

void
tornadis_bridge_carrier_tell_at_once (TornadisBridgeCarrier *self,
                                      TornadisBridgeChunk *chunk)
{
  guint n_items = chunk->batch->n_messages - chunk->batch->n_told;
  GString *items = self->format->join (chunk->batch, n_items);

  tornadis_bridge_chunk_free (chunk);
  carrier_tell (self, items, n_items, TELL_MESSAGES);
}

static void
carrier_turn (TornadisPollerItem *item,
              GIOCondition condition,
              gint64 now,
              gint64 deadline)
{
  g_autoptr (TornadisBridgeCarrier) self =
    g_object_ref ((TornadisBridgeCarrier *) (gpointer) ((guint8 *) item - G_STRUCT_OFFSET (TornadisBridgeCarrier, item)));

  if (self->expecting)
    {
      self->expecting = FALSE;
      carrier_go_on (self);
      carrier_notify (self, "", 0, TELL_NOTHING);
    }

  while (!g_queue_is_empty (&self->chunks))
    {
      carrier_tell_next (self);
      if (g_get_monotonic_time () >= deadline)
        break;
    }

  if (g_queue_is_empty (&self->chunks) && !self->expecting && tornadis_bridge_carrier_is_alive (self))
    TORNADIS_PRIVATE_CALL (poller_item_unqueue, &self->item);
  tornadis_bridge_carrier_let_go (self);
}

void
tornadis_bridge_carrier_tell_all (TornadisBridgeCarrier *self)
{
  if (g_queue_is_empty (&self->chunks))
    return;

  g_object_ref (self);
  while (!g_queue_is_empty (&self->chunks))
    carrier_tell_next (self);
  tornadis_bridge_carrier_let_go (self);
  g_object_unref (self);
}

static void
flush_cb (gpointer user_data)
{
  tornadis_bridge_carrier_tell_all (user_data);
}

static void
tornadis_bridge_carrier_dispose (GObject *object)
{
  TornadisBridgeCarrier *self = TORNADIS_BRIDGE_CARRIER (object);
  GList *link;

  if (tornadis_bridge_carrier_is_alive (self))
    TORNADIS_PRIVATE_CALL (poller_item_clear, &self->item);
  if (TORNADIS_IS_CLIENT (self->owner))
    TORNADIS_PRIVATE_CALL (client_set_flush, TORNADIS_CLIENT (self->owner), NULL, self);
  g_clear_weak_pointer (&self->owner);
  /* What is not told yet will not be. */
  while ((link = g_queue_pop_head_link (&self->chunks)) != NULL)
    tornadis_bridge_chunk_free (link->data);
  self->expecting = FALSE;
  if (self->user_data_destroy != NULL)
    g_steal_pointer (&self->user_data_destroy) (self->user_data);
  if (self->lone_data_destroy != NULL)
    g_steal_pointer (&self->lone_data_destroy) (self->lone_data);

  G_OBJECT_CLASS (tornadis_bridge_carrier_parent_class)->dispose (object);
  tornadis_bridge_carrier_let_go (self);
}

static void
tornadis_bridge_carrier_finalize (GObject *object)
{
  TornadisBridgeCarrier *self = TORNADIS_BRIDGE_CARRIER (object);

  g_hash_table_unref (self->listeners);
  g_clear_pointer (&self->kept, g_hash_table_unref);
  g_clear_pointer (&self->clients, g_hash_table_unref);
  if (self->spare != NULL)
    g_string_free (self->spare, TRUE);

  G_OBJECT_CLASS (tornadis_bridge_carrier_parent_class)->finalize (object);
}

static void
tornadis_bridge_carrier_class_init (TornadisBridgeCarrierClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = tornadis_bridge_carrier_dispose;
  object_class->finalize = tornadis_bridge_carrier_finalize;
}

static void
tornadis_bridge_carrier_init (TornadisBridgeCarrier *self)
{
  g_queue_init (&self->chunks);
  g_queue_init (&self->calls);
  self->listeners = g_hash_table_new (NULL, NULL);
  self->max_messages = FIRST_MESSAGES;
  self->max_outcomes = MAX_ITEMS;
}

GMainContext *
tornadis_bridge_carrier_get_context (GObject *owner)
{
  if (TORNADIS_IS_CLIENT (owner))
    return TORNADIS_PRIVATE_CALL (client_get_context, TORNADIS_CLIENT (owner));

  return TORNADIS_PRIVATE_CALL (client_pool_get_context, TORNADIS_CLIENT_POOL (owner));
}

static TornadisBridgeCarrier *
carrier_new (GObject *owner,
             const TornadisBridgeFormat *format,
             gpointer user_data,
             GDestroyNotify user_data_destroy)
{
  TornadisBridgeCarrier *self = g_object_new (TORNADIS_BRIDGE_TYPE_CARRIER, NULL);
  TornadisPoller *poller = TORNADIS_PRIVATE_CALL (poller_get, tornadis_bridge_carrier_get_context (owner));

  g_set_weak_pointer (&self->owner, owner);
  self->format = format;
  self->user_data = user_data;
  self->user_data_destroy = user_data_destroy;
  TORNADIS_PRIVATE_CALL (poller_item_init, &self->item, poller, -1, carrier_turn);
  TORNADIS_PRIVATE_CALL (poller_unref, poller);
  if (TORNADIS_IS_CLIENT (owner))
    TORNADIS_PRIVATE_CALL (client_set_flush, TORNADIS_CLIENT (owner), flush_cb, self);

  return self;
}

/**
 * tornadis_bridge_carrier_new_data: (constructor)
 * @owner: the client or the pool whose calls it carries
 * @func: (scope notified) (closure user_data): takes what it brings
 * @user_data: passed to @func
 * @user_data_destroy: (nullable): frees @user_data
 *
 * Makes a carrier to Python.
 *
 * Returns: (transfer full): a new carrier
 *
 * Since: 1.0
 */
TornadisBridgeCarrier *
tornadis_bridge_carrier_new_data (GObject *owner,
                                  TornadisBridgeDataFunc func,
                                  gpointer user_data,
                                  GDestroyNotify user_data_destroy)
{
  TornadisBridgeCarrier *self;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (owner) || TORNADIS_IS_CLIENT_POOL (owner), NULL);
  g_return_val_if_fail (func != NULL, NULL);

  self = carrier_new (owner, &tornadis_bridge_marshal, user_data, user_data_destroy);
  self->data_func = func;
  /* So do marshalled bytes begin. */
  TORNADIS_PRIVATE_CALL (reply_pack_enable, 's');

  return self;
}

/**
 * tornadis_bridge_carrier_new_text: (constructor)
 * @owner: the client or the pool whose calls it carries
 * @func: (scope notified) (closure user_data): takes what it brings
 * @user_data: passed to @func
 * @user_data_destroy: (nullable): frees @user_data
 *
 * Makes a carrier to JavaScript.
 *
 * Returns: (transfer full): a new carrier
 *
 * Since: 1.0
 */
TornadisBridgeCarrier *
tornadis_bridge_carrier_new_text (GObject *owner,
                                  TornadisBridgeTextFunc func,
                                  gpointer user_data,
                                  GDestroyNotify user_data_destroy)
{
  TornadisBridgeCarrier *self;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (owner) || TORNADIS_IS_CLIENT_POOL (owner), NULL);
  g_return_val_if_fail (func != NULL, NULL);

  self = carrier_new (owner, &tornadis_bridge_json, user_data, user_data_destroy);
  self->text_func = func;

  return self;
}

/**
 * tornadis_bridge_carrier_set_decode:
 * @self: a carrier to Python
 * @decode: whether strings are told as text
 *
 * Sets whether the strings in replies are told as text instead of bytes, which is not done otherwise, to calls that are
 * submitted from now on. A reply with strings that are not UTF-8 has then to be asked for.
 *
 * Since: 1.0
 */
void
tornadis_bridge_carrier_set_decode (TornadisBridgeCarrier *self,
                                    gboolean decode)
{
  g_return_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self));

  self->decode = decode;
}

/**
 * tornadis_bridge_set_lone_func:
 * @carrier: a carrier to JavaScript, which has no such function yet
 * @func: (scope notified) (closure user_data): takes replies of lone calls
 * @user_data: passed to @func
 * @user_data_destroy: (nullable): frees @user_data
 *
 * Sets what takes replies of calls that are made with [method@TornadisBridge.Carrier.submit_lone].
 *
 * It is no method: GJS would tie @func to the object, and from then on do much each time when a reference of others comes
 * to its own, or goes.
 *
 * Since: 1.0
 */
void
tornadis_bridge_set_lone_func (TornadisBridgeCarrier *carrier,
                               TornadisBridgeLoneFunc func,
                               gpointer user_data,
                               GDestroyNotify user_data_destroy)
{
  g_return_if_fail (TORNADIS_BRIDGE_IS_CARRIER (carrier) && carrier->text_func != NULL && carrier->lone_func == NULL);
  g_return_if_fail (func != NULL);

  carrier->lone_func = func;
  carrier->lone_data = user_data;
  carrier->lone_data_destroy = user_data_destroy;
}

gpointer
tornadis_bridge_carrier_get_owner (TornadisBridgeCarrier *self,
                                   GError **error)
{
  GObject *owner = self->held != NULL ? self->held : self->owner;

  if (owner == NULL)
    g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "Nothing was sent: the client is gone");

  return owner;
}

/**
 * tornadis_bridge_carrier_expect:
 * @self: a carrier
 * @error: return location for an error
 *
 * Announces calls. When the main loop comes round before calls are submitted, it asks for them: the function of the
 * carrier is called with nothing.
 *
 * An error is %TORNADIS_ERROR_CLOSED, when the owner is gone or was disposed of.
 *
 * Returns: %TRUE if it will ask
 *
 * Since: 1.0
 */
gboolean
tornadis_bridge_carrier_expect (TornadisBridgeCarrier *self,
                                GError **error)
{
  GObject *owner;

  g_return_val_if_fail (TORNADIS_BRIDGE_IS_CARRIER (self), FALSE);

  owner = tornadis_bridge_carrier_get_owner (self, error);
  if (owner == NULL)
    return FALSE;

  tornadis_bridge_carrier_hold (self, owner);
  self->expecting = TRUE;
  TORNADIS_PRIVATE_CALL (poller_item_queue, &self->item);

  return TRUE;
}

/* What several connections bring for one client, those that are ready now, is told together: so the calls that are made then
 * go out together too. */
static gboolean
carrier_waits_for_others (TornadisBridgeCarrier *self,
                          const TornadisBridgeChunk *chunk)
{
  return chunk->batch == NULL && TORNADIS_IS_CLIENT (self->held) &&
         TORNADIS_PRIVATE_CALL (client_has_router, TORNADIS_CLIENT (self->held));
}

/* (transfer full): @chunk */
static TornadisBridgeChunk *
carrier_add_chunk (TornadisBridgeCarrier *self,
                   TornadisBridgeChunk *chunk)
{
  chunk->link.data = chunk;
  g_queue_push_tail_link (&self->chunks, &chunk->link);
  if (carrier_waits_for_others (self, chunk))
    TORNADIS_PRIVATE_CALL (poller_item_queue, &self->item);
  else
    TORNADIS_PRIVATE_CALL (poller_item_queue_first, &self->item);

  return chunk;
}

static TornadisBridgeChunk *
carrier_add_outcomes (TornadisBridgeCarrier *self)
{
  TornadisBridgeChunk *chunk = carrier_add_chunk (self, g_new0 (TornadisBridgeChunk, 1));

  chunk->outcomes = self->spare != NULL ? g_steal_pointer (&self->spare) : g_string_sized_new (1024);

  return chunk;
}

TornadisBridgeChunk *
tornadis_bridge_carrier_get_outcomes (TornadisBridgeCarrier *self)
{
  TornadisBridgeChunk *chunk = g_queue_peek_tail (&self->chunks);

  if (G_LIKELY (chunk != NULL && chunk->batch == NULL && !chunk->lone && chunk->n_outcomes < self->max_outcomes &&
                chunk->outcomes->len < MAX_CHUNK_SIZE))
    return chunk;

  chunk = carrier_add_outcomes (self);
  g_string_append (chunk->outcomes, self->format->opening);

  return chunk;
}

TornadisBridgeChunk *
tornadis_bridge_carrier_add_lone (TornadisBridgeCarrier *self)
{
  TornadisBridgeChunk *chunk = carrier_add_outcomes (self);

  chunk->lone = TRUE;
  chunk->n_outcomes = 1;

  return chunk;
}

TornadisBridgeChunk *
tornadis_bridge_chunk_new_messages (TornadisBridgeCarrier *self,
                                    gboolean popped)
{
  TornadisBridgeChunk *chunk = g_new0 (TornadisBridgeChunk, 1);

  chunk->batch = g_new (TornadisBridgeBatch, 1);
  chunk->batch->routes = g_string_sized_new (64);
  chunk->batch->payloads = g_string_sized_new (8192);
  chunk->batch->n_routes = 0;
  chunk->batch->n_messages = 0;
  chunk->batch->n_told = 0;
  chunk->batch->popped = popped;
  chunk->batch->all = FALSE;
  chunk->batch->handler_id = 0;
  chunk->batch->n_kept = TORNADIS_PRIVATE_CALL (pub_sub_client_get_n_kept, TORNADIS_PUB_SUB_CLIENT (self->held));

  return chunk;
}

TornadisBridgeChunk *
tornadis_bridge_carrier_get_messages (TornadisBridgeCarrier *self,
                                      gboolean popped)
{
  TornadisBridgeChunk *chunk = g_queue_peek_tail (&self->chunks);

  if (G_LIKELY (chunk != NULL && chunk->batch != NULL && chunk->batch->popped == popped &&
                chunk->batch->n_messages < MAX_ITEMS &&
                chunk->batch->payloads->len < MAX_CHUNK_SIZE))
    return chunk;

  return carrier_add_chunk (self, tornadis_bridge_chunk_new_messages (self, popped));
}
