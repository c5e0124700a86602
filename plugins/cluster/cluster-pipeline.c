/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-pipeline.h"

#include "cluster/cluster-answer.h"
#include "cluster/cluster-trip.h"
#include "cluster/cluster-wait.h"
#include "cluster/cluster-way.h"

/* What of a pipeline goes to one node; or, where there is none, what of one slot is made again. */
typedef struct
{
  TornadisClient *client; /* (owned) (nullable) */
  guint slot;             /* where there is no node */
  gboolean waits;         /* those do not only have to go elsewhere */
  guint n_waiting;        /* of those, as were counted; and their bytes */
  gsize n_waiting_bytes;
  guint length;
  guint first; /* position of its first command in the whole */
  guint last;
} Lot;

typedef struct
{
  ClusterClient *client;     /* (owned) */
  TornadisCall *call;        /* (owned) */
  GCancellable *cancellable; /* (owned) */
  GPtrArray *replies;        /* (owned) (element-type TornadisReply) (nullable) each */
  guint *next;               /* (owned) for each position, that of the next command of its lot */
  GHashTable *led;           /* (owned) (nullable) (element-type guint Lot) unowned, by slots: the first of each is on its way */
  GError *error;             /* (owned) (nullable) of a whole lot */
  guint n_awaited;
} Sorting;

/* Of one lot, or of one command. */
typedef struct
{
  Sorting *sorting; /* (unowned) freed with the last */
  Lot *lot;         /* (owned) (nullable) */
  guint position;   /* of one command */
} Awaited;

static void
lot_free (gpointer data)
{
  Lot *self = data;

  g_clear_object (&self->client);
  g_free (self);
}

static gboolean
is_put_off (TornadisReply *reply)
{
  gsize length;
  const char *text;

  if (!tornadis_reply_is_error (reply))
    return FALSE;

  text = (const char *) tornadis_reply_get_data (reply, &length);
  return cluster_answer_puts_off (text, length);
}

/* Whether a command that was put off with it goes on at once. */
static gboolean
is_redirection (TornadisReply *reply)
{
  const char *text = tornadis_reply_get_text (reply);

  return text != NULL && (g_str_has_prefix (text, "MOVED ") || g_str_has_prefix (text, "ASK "));
}

static gboolean
sorting_may_have_run (const Sorting *self)
{
  for (guint i = 0; i < self->replies->len; i++)
    {
      TornadisReply *reply = g_ptr_array_index (self->replies, i);

      if (reply != NULL && !is_put_off (reply))
        return TRUE;
    }

  return FALSE;
}

static void
sorting_unref (Sorting *self)
{
  g_autoptr (TornadisReply) reply = NULL;

  if (--self->n_awaited > 0)
    return;

  if (!g_cancellable_is_cancelled (self->cancellable))
    {
      if (self->error != NULL && sorting_may_have_run (self))
        {
          cluster_answer_fail_in_part (self->call, self->error);
        }
      else if (self->error != NULL)
        {
          tornadis_call_return_error (self->call, self->error);
        }
      else
        {
          reply = tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, (TornadisReply **) self->replies->pdata,
                                             self->replies->len);
          tornadis_call_return_reply (self->call, reply);
        }
    }
  g_ptr_array_unref (self->replies);
  g_free (self->next);
  g_clear_pointer (&self->led, g_hash_table_unref);
  g_clear_error (&self->error);
  cluster_trip_end (self->client, self->call, self->cancellable);
  g_object_unref (self->call);
  g_rc_box_release (self->client);
  g_free (self);
}

/* Of several it is the one by which commands may have run. */
static void
sorting_fail (Sorting *self,
              const GError *error)
{
  if (self->error != NULL && !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST) &&
      (cluster_answer_is_of_unrun (error) || !cluster_answer_is_of_unrun (self->error)))
    return;

  g_clear_error (&self->error);
  self->error = g_error_copy (error);
}

static void
lot_add (Lot *self,
         guint *next,
         guint position)
{
  if (self->length++ == 0)
    self->first = position;
  else
    next[self->last] = position;
  self->last = position;
  next[position] = 0;
}

static Lot *
lots_find (GPtrArray *lots,
           TornadisClient *client)
{
  Lot *lot;

  for (guint i = 0; i < lots->len; i++)
    {
      lot = g_ptr_array_index (lots, i);
      if (lot->client == client)
        return lot;
    }

  lot = g_new (Lot, 1);
  *lot = (Lot){ .client = g_object_ref (client) };
  g_ptr_array_add (lots, lot);

  return lot;
}

/* @next is that of the sorting. */
static void
lots_add (GPtrArray *lots,
          guint *next,
          TornadisClient *node,
          guint position)
{
  lot_add (lots_find (lots, node), next, position);
}

/* @next is that of the sorting. */
static TornadisPipeline *
lot_make_pipeline (const Lot *self,
                   const guint *next,
                   TornadisPipeline *whole)
{
  TornadisPipeline *pipeline = tornadis_pipeline_new ();
  g_autofree TornadisCommand **commands = g_new (TornadisCommand *, self->length);
  gsize n;
  TornadisCommand **all = tornadis_pipeline_get_commands (whole, &n);

  for (guint i = 0, position = self->first; i < self->length; i++, position = next[position])
    commands[i] = all[position];
  tornadis_pipeline_stack_commands (pipeline, commands, self->length);

  return pipeline;
}

/* What hooks of other plugins do in one of the calls may have removed this one: nothing else is sent then. */
static gboolean
sorting_is_over (Sorting *self)
{
  g_autoptr (GError) error = NULL;

  if (G_LIKELY (!self->client->is_gone))
    return FALSE;

  error = cluster_client_make_gone_error (self->call);
  sorting_fail (self, error);

  return TRUE;
}

static void
sorting_set_reply (Sorting *self,
                   guint position,
                   TornadisReply *reply)
{
  TornadisReply **place = (TornadisReply **) &self->replies->pdata[position];

  tornadis_reply_ref (reply);
  g_clear_pointer (place, tornadis_reply_unref);
  *place = reply;
}

static void command_done_cb (GObject *object,
                             GAsyncResult *result,
                             gpointer user_data);
static void lot_done_cb (GObject *object,
                         GAsyncResult *result,
                         gpointer user_data);

/* By itself, wherever that leads. @waiting (nullable) (transfer full): those that wait for it. */
static void
sorting_call (Sorting *self,
              guint position,
              Lot *waiting)
{
  Awaited *awaited = g_new (Awaited, 1);

  *awaited = (Awaited){ self, waiting, position };
  self->n_awaited++;
  tornadis_client_call_async (cluster_client_get_parts (self->client),
                              tornadis_pipeline_get_command (tornadis_call_get_pipeline (self->call), position),
                              self->cancellable, command_done_cb, awaited);
}

/* Sends all of them (element-type Lot), which are then gone. */
static void
sorting_send (Sorting *self,
              GPtrArray *lots)
{
  /* Plugins that were put on the clients of nodes meanwhile may have run a main loop, or closed the client. */
  if (G_UNLIKELY (tornadis_call_is_abandoned (self->call)))
    g_cancellable_cancel (self->cancellable);

  while (lots->len > 0 && !sorting_is_over (self))
    {
      Lot *lot = g_ptr_array_steal_index (lots, 0);
      g_autoptr (TornadisPipeline) pipeline = lot_make_pipeline (lot, self->next, tornadis_call_get_pipeline (self->call));
      Awaited *awaited = g_new (Awaited, 1);

      *awaited = (Awaited){ self, lot, 0 };
      self->n_awaited++;
      tornadis_client_call_pipeline_async (lot->client, pipeline, self->cancellable, lot_done_cb, awaited);
    }
}

/* Those that are made again (element-type Lot), by their slots. */
typedef struct
{
  GPtrArray *lots;     /* (owned) (nullable) in the order of their first commands */
  GHashTable *by_slot; /* (owned) (nullable) (element-type guint Lot) unowned */
} Again;

static void
again_clear (Again *self)
{
  g_clear_pointer (&self->lots, g_ptr_array_unref);
  g_clear_pointer (&self->by_slot, g_hash_table_unref);
}

static void
again_add (Again *self,
           Sorting *sorting,
           guint position,
           gboolean waits)
{
  ClusterWay way = cluster_way_find (sorting->client->map,
                                     tornadis_pipeline_get_command (tornadis_call_get_pipeline (sorting->call), position));
  guint slot = way.kind == CLUSTER_WAY_SLOT ? way.slot : CLUSTER_N_SLOTS;
  Lot *lot;

  if (self->lots == NULL)
    *self = (Again){ g_ptr_array_new_with_free_func (lot_free), g_hash_table_new (NULL, NULL) };
  lot = g_hash_table_lookup (self->by_slot, GUINT_TO_POINTER (slot));
  if (lot == NULL)
    {
      lot = g_new0 (Lot, 1);
      lot->slot = slot;
      g_ptr_array_add (self->lots, lot);
      g_hash_table_insert (self->by_slot, GUINT_TO_POINTER (slot), lot);
    }
  lot->waits |= waits;
  lot_add (lot, sorting->next, position);
}

/* Has @n commands from @position on wait for the first of @led, if there is room for them. */
static gboolean
sorting_wait (Sorting *self,
              Lot *led,
              guint position,
              guint n)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (self->call);
  g_autoptr (GError) error = NULL;
  gsize n_bytes = 0;

  for (guint i = 0; i < n; i++, position = self->next[position])
    n_bytes += tornadis_command_get_size (tornadis_pipeline_get_command (pipeline, position));
  if (!cluster_wait_add (self->client, self->call, n, n_bytes, &error))
    {
      sorting_fail (self, error);
      return FALSE;
    }

  led->n_waiting += n;
  led->n_waiting_bytes += n_bytes;
  return TRUE;
}

/* (transfer full) lot */
static void
sorting_lead (Sorting *self,
              Lot *lot)
{
  if (lot->length > 1 && !sorting_wait (self, lot, self->next[lot->first], lot->length - 1))
    {
      lot_free (lot);
      return;
    }

  if (self->led == NULL)
    self->led = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (self->led, GUINT_TO_POINTER (lot->slot), lot);
  sorting_call (self, lot->first, lot);
}

static void
sorting_join (Sorting *self,
              Lot *led,
              const Lot *lot)
{
  if (!sorting_wait (self, led, lot->first, lot->length))
    return;

  for (guint i = 0, position = lot->first, next; i < lot->length; i++, position = next)
    {
      next = self->next[position];
      lot_add (led, self->next, position);
    }
}

/* At once, one after the other, where they only have to go elsewhere. Where they have to wait, how long is not the same for each: of a
 * slot the first goes alone, and when it was served the others follow it. */
static void
again_send (Again *self,
            Sorting *sorting)
{
  while (self->lots != NULL && self->lots->len > 0 && !sorting_is_over (sorting))
    {
      Lot *lot = g_ptr_array_steal_index (self->lots, 0);
      Lot *led = sorting->led != NULL ? g_hash_table_lookup (sorting->led, GUINT_TO_POINTER (lot->slot)) : NULL;

      if (led == NULL && lot->waits)
        {
          sorting_lead (sorting, lot);
          continue;
        }

      if (led != NULL)
        sorting_join (sorting, led, lot);
      for (guint i = 0, position = lot->first; led == NULL && i < lot->length && !sorting_is_over (sorting);
           i++, position = sorting->next[position])
        sorting_call (sorting, position, NULL);
      lot_free (lot);
    }
}

/* The first of @lot has ended. The others go where it should have: for want of a replica to the master, which is as good. */
static void
sorting_follow (Sorting *self,
                const Lot *lot,
                TornadisReply *reply)
{
  g_autoptr (GPtrArray) lots = g_ptr_array_new_with_free_func (lot_free);
  gboolean is_served = !is_put_off (reply);
  Again again = { NULL, NULL };

  for (guint i = 1, position = self->next[lot->first], next; i < lot->length && !sorting_is_over (self); i++, position = next)
    {
      TornadisClient *node = NULL;

      next = self->next[position];
      if (is_served)
        node = lot->slot < CLUSTER_N_SLOTS ? cluster_client_get_master (self->client, lot->slot) : cluster_client_get_home (self->client);
      if (node != NULL)
        lots_add (lots, self->next, node, position);
      else if (is_served)
        again_add (&again, self, position, TRUE);
      else if (self->replies->pdata[position] == NULL)
        sorting_set_reply (self, position, reply);
    }
  sorting_send (self, lots);
  again_send (&again, self);
  again_clear (&again);
}

static void
command_done_cb (GObject *object,
                 GAsyncResult *result,
                 gpointer user_data)
{
  g_autofree Awaited *awaited = user_data;
  Sorting *sorting = awaited->sorting;
  Lot *lot = awaited->lot;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);

  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
    {
      g_autofree char *line = g_strconcat ("-", error->message, NULL);

      reply = cluster_answer_make_line (line);
    }
  if (reply != NULL)
    sorting_set_reply (sorting, awaited->position, reply);
  else
    sorting_fail (sorting, error);
  if (lot != NULL)
    {
      g_hash_table_remove (sorting->led, GUINT_TO_POINTER (lot->slot));
      cluster_wait_take_back (sorting->call, lot->n_waiting, lot->n_waiting_bytes);
      if (reply != NULL && !g_cancellable_is_cancelled (sorting->cancellable))
        sorting_follow (sorting, lot, reply);
      lot_free (lot);
    }
  sorting_unref (sorting);
}

static void
lot_done_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  g_autofree Awaited *awaited = user_data;
  Sorting *sorting = awaited->sorting;
  Lot *lot = awaited->lot;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) replies = tornadis_client_call_pipeline_finish (TORNADIS_CLIENT (object), result, &error);
  gboolean is_unsent = g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT) ||
                       g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  Again again = { NULL, NULL };

  if (error != NULL)
    cluster_client_explain (sorting->client, lot->client, tornadis_call_get_name (sorting->call), &error);

  for (guint i = 0, position = lot->first, next; i < lot->length && !g_cancellable_is_cancelled (sorting->cancellable);
       i++, position = next)
    {
      TornadisReply *reply = replies != NULL ? tornadis_reply_get_element (replies, i) : NULL;

      next = sorting->next[position];
      if (reply != NULL)
        sorting_set_reply (sorting, position, reply);
      if ((reply != NULL ? is_put_off (reply) : is_unsent) && !sorting->client->is_gone)
        again_add (&again, sorting, position, reply == NULL || !is_redirection (reply));
    }
  if (error != NULL && (!is_unsent || sorting->client->is_gone))
    sorting_fail (sorting, error);
  again_send (&again, sorting);

  again_clear (&again);
  lot_free (lot);
  sorting_unref (sorting);
}

static void
reply_clear (gpointer data)
{
  g_clear_pointer ((TornadisReply **) &data, tornadis_reply_unref);
}

/* Takes @next. Until all is sent it is awaited itself. */
static Sorting *
sorting_new (ClusterClient *client,
             TornadisCall *call,
             guint n_commands,
             guint *next)
{
  Sorting *self = g_new (Sorting, 1);

  *self = (Sorting){ g_rc_box_acquire (client), g_object_ref (call), g_object_ref (cluster_trip_begin (client, call, TRUE)),
                     g_ptr_array_new_full (n_commands, reply_clear), next, NULL, NULL, 1 };
  g_ptr_array_set_size (self->replies, (int) n_commands);

  return self;
}

gboolean
cluster_pipeline_send_keys (ClusterClient *client,
                            TornadisCall *call)
{
  gsize n;
  TornadisCommand **commands = tornadis_pipeline_get_commands (tornadis_call_get_pipeline (call), &n);
  g_autoptr (GPtrArray) lots = g_ptr_array_new_with_free_func (lot_free);
  g_autofree guint *next = g_new (guint, n);
  Sorting *self;

  for (guint i = 0; i < n; i++)
    {
      TornadisClient *node = cluster_client_find_node_of_key (client, commands[i]);

      if (G_UNLIKELY (node == NULL))
        return FALSE;
      lots_add (lots, next, node, i);
    }

  /* Plugins that were put on the clients of nodes meanwhile may have closed the client: nothing was sent, and is not. */
  if (G_UNLIKELY (tornadis_call_is_abandoned (call)))
    return TRUE;

  self = sorting_new (client, call, (guint) n, g_steal_pointer (&next));
  sorting_send (self, lots);
  sorting_unref (self);

  return TRUE;
}

void
cluster_pipeline_send (ClusterClient *client,
                       TornadisCall *call)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);
  guint n = tornadis_pipeline_get_number_of_stacked_calls (pipeline);
  g_autoptr (GPtrArray) lots = g_ptr_array_new_with_free_func (lot_free);
  Sorting *self = sorting_new (client, call, n, g_new (guint, n));
  Again again = { NULL, NULL };

  for (guint i = 0; i < n && !sorting_is_over (self); i++)
    {
      TornadisCommand *command = tornadis_pipeline_get_command (pipeline, i);
      TornadisClient *node = cluster_client_find_node (client, command);

      if (node != NULL)
        {
          lots_add (lots, self->next, node, i);
        }
      else if (cluster_way_find (client->map, command).kind == CLUSTER_WAY_SLOT)
        {
          again_add (&again, self, i, TRUE);
        }
      else
        {
          /* What comes before it is first at each node. */
          sorting_send (self, lots);
          if (!sorting_is_over (self))
            sorting_call (self, i, NULL);
        }
    }

  sorting_send (self, lots);
  again_send (&again, self);
  again_clear (&again);
  sorting_unref (self);
}
