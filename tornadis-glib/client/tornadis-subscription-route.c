/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-subscription-route.h"

#include "tornadis-glib/client/tornadis-plugin-private.h"
#include "tornadis-glib/tornadis-error.h"

/* A target is asked to begin or to end it. What another time has asked for since then is none of its business. */
typedef struct
{
  TornadisSubscriptionRoute *route; /* (owned) */
  guint serial;
} RouteOp;

static void
route_clear (gpointer data)
{
  TornadisSubscriptionRoute *self = data;

  g_clear_object (&self->target);
  g_ptr_array_unref (self->parts);
  g_bytes_unref (self->key.bytes);
}

void
tornadis_subscription_route_unref (TornadisSubscriptionRoute *self)
{
  g_rc_box_release_full (self, route_clear);
}

void
tornadis_subscription_route_drop (gpointer data)
{
  TornadisSubscriptionRoute *self = data;

  self->router = NULL;
  tornadis_subscription_route_unref (self);
}

void
tornadis_subscription_route_begin_change (TornadisSubscriptionRoute *self)
{
  gboolean wanted = tornadis_subscription_route_is_wanted (self);

  self->router->n_wanted -= wanted;
  self->router->n_confirmed -= self->confirmed && self->place == 0;
  self->router->n_subscribed -= wanted && self->confirmed;
  self->router->n_busy -= self->state == TORNADIS_SUBSCRIPTION_JOINING || self->state == TORNADIS_SUBSCRIPTION_LEAVING;
}

void
tornadis_subscription_route_end_change (TornadisSubscriptionRoute *self)
{
  gboolean wanted = tornadis_subscription_route_is_wanted (self);

  self->router->n_wanted += wanted;
  self->router->n_confirmed += self->confirmed && self->place == 0;
  self->router->n_subscribed += wanted && self->confirmed;
  self->router->n_busy += self->state == TORNADIS_SUBSCRIPTION_JOINING || self->state == TORNADIS_SUBSCRIPTION_LEAVING;
}

static void
router_count (TornadisSubscriptionRouter *self,
              TornadisClient *target,
              int change)
{
  guint n;

  if (target == NULL)
    return;

  n = GPOINTER_TO_UINT (g_hash_table_lookup (self->targets, target));
  g_hash_table_replace (self->targets, g_object_ref (target), GUINT_TO_POINTER (n + (guint) change));
}

void
tornadis_subscription_route_close_idle (TornadisSubscriptionRouter *self,
                                        TornadisClient *target)
{
  g_autoptr (GPtrArray) idle = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer each, n;

  g_hash_table_iter_init (&iter, self->targets);
  while (g_hash_table_iter_next (&iter, &each, &n))
    {
      if (GPOINTER_TO_UINT (n) > 0 || (target != NULL && target != each))
        continue;

      g_ptr_array_add (idle, g_object_ref (each));
      g_hash_table_iter_remove (&iter);
    }

  /* Handlers of theirs may do anything. */
  for (guint i = 0; i < idle->len; i++)
    {
      if (!g_hash_table_contains (self->targets, g_ptr_array_index (idle, i)))
        tornadis_client_close (g_ptr_array_index (idle, i));
    }
}

void
tornadis_subscription_route_set_state (TornadisSubscriptionRoute *self,
                                       TornadisSubscriptionRouteState state,
                                       TornadisClient *target)
{
  if (self->router != NULL)
    tornadis_subscription_route_begin_change (self);
  if (self->router != NULL && target != self->target)
    {
      router_count (self->router, self->target, -1);
      router_count (self->router, target, 1);
    }
  self->state = state;
  g_set_object (&self->target, target);
  if (self->router != NULL)
    tornadis_subscription_route_end_change (self);
}

guint
tornadis_subscription_route_hash (gconstpointer route)
{
  const TornadisSubscriptionRoute *self = route;

  return tornadis_subscription_key_hash (&self->key) + self->place;
}

gboolean
tornadis_subscription_route_equal (gconstpointer one,
                                   gconstpointer other)
{
  const TornadisSubscriptionRoute *first = one, *second = other;

  return first->place == second->place && tornadis_subscription_key_equal (&first->key, &second->key);
}

TornadisSubscriptionRoute *
tornadis_subscription_route_lookup (TornadisSubscriptionRouter *self,
                                    TornadisSubscriptionKind kind,
                                    GBytes *bytes,
                                    guint place)
{
  const TornadisSubscriptionRoute wanted = { .key = { kind, bytes }, .place = place };

  return g_hash_table_lookup (self->routes, &wanted);
}

guint
tornadis_subscription_route_count_places (TornadisSubscriptionRouter *self,
                                          TornadisSubscriptionKind kind,
                                          GBytes *bytes)
{
  TornadisPubSubClient *client = (TornadisPubSubClient *) self->client;

  return self->plugin != NULL ? tornadis_plugin_route_subscription (self->plugin, client, kind, bytes, 0, NULL) : 0;
}

TornadisSubscriptionRoute *
tornadis_subscription_route_ensure (TornadisSubscriptionRouter *self,
                                    TornadisSubscriptionKind kind,
                                    GBytes *bytes,
                                    guint place)
{
  TornadisSubscriptionRoute *route = tornadis_subscription_route_lookup (self, kind, bytes, place);

  if (route == NULL)
    {
      route = g_rc_box_new0 (TornadisSubscriptionRoute);
      route->key = (TornadisSubscriptionKey){ kind, g_bytes_ref (bytes) };
      route->place = place;
      self->n_places = MAX (self->n_places, place + 1);
      route->router = self;
      route->parts = g_ptr_array_new ();
      g_hash_table_add (self->routes, route);
    }

  return route;
}

void
tornadis_subscription_route_complete (TornadisRoutedCall *self,
                                      GError *error)
{
  TornadisSubscriptionRouter *router = self->router;
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (router->client);
  g_autoptr (GPtrArray) parts = self->parts;
  g_autoptr (GTask) task = self->task;

  g_queue_remove (&router->calls, self);
  g_clear_pointer (&self->watch, tornadis_cancel_watch_free);
  if (self->timeout != NULL)
    g_source_destroy (self->timeout);
  g_clear_pointer (&self->timeout, g_source_unref);
  for (guint i = 0; i < parts->len; i++)
    {
      TornadisRoutedPart *part = g_ptr_array_index (parts, i);
      TornadisSubscriptionRoute *route = part->route;

      g_ptr_array_remove (route->parts, part);
      if (!part->asks || route->router == NULL)
        continue;

      tornadis_subscription_route_begin_change (route);
      route->n_asking--;
      route->granted |= error == NULL;
      tornadis_subscription_route_end_change (route);
    }
  g_free (self);

  if (error != NULL)
    {
      for (guint i = 0; i < parts->len; i++)
        tornadis_subscription_route_step (((TornadisRoutedPart *) g_ptr_array_index (parts, i))->route);
      g_task_return_error (task, error);
    }
  else
    {
      g_task_return_boolean (task, TRUE);
    }
  router->funcs.settled (router->client);
}

/* What waits for it has it, or only what waits for its end. */
static void
route_settle (TornadisSubscriptionRoute *self,
              gboolean only_its_end)
{
  /* Not what is made meanwhile. */
  guint64 n_calls = self->router->n_calls;
  guint i = 0;

  while (i < self->parts->len)
    {
      TornadisRoutedPart *part = g_ptr_array_index (self->parts, i);

      if (part->is_done || part->call->serial > n_calls || (only_its_end && part->call->subscribes))
        {
          i++;
          continue;
        }

      part->is_done = TRUE;
      if (--part->call->n_left == 0)
        {
          tornadis_subscription_route_complete (part->call, NULL);
          i = 0;
        }
    }
}

void
tornadis_subscription_route_fail_calls (TornadisSubscriptionRoute *self,
                                        const GError *error)
{
  guint64 n_calls = self->router->n_calls;
  guint i = 0;

  while (i < self->parts->len)
    {
      TornadisRoutedCall *call = ((TornadisRoutedPart *) g_ptr_array_index (self->parts, i))->call;

      if (!call->subscribes || call->serial > n_calls)
        {
          i++;
          continue;
        }

      tornadis_subscription_route_complete (call, g_error_copy (error));
      i = 0;
    }
}

/* Its client will not have it any more: what is not granted is forgotten. */
static void
route_set_confirmed (TornadisSubscriptionRoute *self,
                     gboolean confirmed)
{
  TornadisSubscriptionRouter *router = self->router;

  if (router == NULL || self->confirmed == confirmed)
    return;

  tornadis_subscription_route_begin_change (self);
  self->confirmed = confirmed;
  tornadis_subscription_route_end_change (self);
  if (self->place == 0)
    router->funcs.changed (router->client, self->key.kind, confirmed, self->key.bytes);
}

/* The plugin has nothing more to say to it: it is not restored, and calls for it fail. */
static void
route_refuse (TornadisSubscriptionRoute *self,
              const GError *error)
{
  TornadisSubscriptionRouter *router = self->router;
  g_autoptr (GPtrArray) routes = NULL;

  if (router == NULL)
    return;

  /* Wherever it is. */
  routes = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_subscription_route_unref);
  for (guint place = 0; place < router->n_places; place++)
    {
      TornadisSubscriptionRoute *route = tornadis_subscription_route_lookup (router, self->key.kind, self->key.bytes, place);

      if (route == NULL)
        continue;

      g_ptr_array_add (routes, g_rc_box_acquire (route));
      tornadis_subscription_route_begin_change (route);
      route->granted = FALSE;
      tornadis_subscription_route_end_change (route);
    }
  tornadis_subscription_route_fail_calls (self, error);
  for (guint i = 0; i < routes->len; i++)
    tornadis_subscription_route_step (g_ptr_array_index (routes, i));
}

void
tornadis_subscription_route_lose (TornadisSubscriptionRoute *self,
                                  TornadisClient *target,
                                  const GError *error)
{
  TornadisSubscriptionRouter *router = self->router;
  g_autoptr (GError) ended = NULL;

  router->gap |= self->confirmed;
  self->failed = TRUE;
  if (!tornadis_subscription_route_is_wanted (self) || router->is_closed || router->plugin == NULL)
    {
      if (error != NULL)
        tornadis_subscription_route_fail_calls (self, error);
      tornadis_subscription_route_step (self);
      return;
    }

  if (tornadis_plugin_subscription_failed (router->plugin, (TornadisPubSubClient *) router->client, self->key.kind, self->key.bytes,
                                           (TornadisPubSubClient *) target, error))
    return;

  if (error == NULL)
    error = ended = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "The server has ended the subscription");
  route_refuse (self, error);
}

void
tornadis_subscription_route_notify_gap (TornadisSubscriptionRouter *self)
{
  gboolean is_complete = TRUE;
  GHashTableIter iter;
  TornadisSubscriptionRoute *route;

  self->any_restored = FALSE;
  if (!self->gap)
    return;

  g_hash_table_iter_init (&iter, self->routes);
  while (is_complete && g_hash_table_iter_next (&iter, (gpointer *) &route, NULL))
    is_complete = route->state == TORNADIS_SUBSCRIPTION_PRESENT || !route->confirmed || route->vacant;

  self->gap = !is_complete;
  self->funcs.gap (self->client);
}

void
tornadis_subscription_route_notify (TornadisSubscriptionRouter *self)
{
  if (self->any_restored && self->n_busy == 0)
    tornadis_subscription_route_notify_gap (self);
  self->funcs.settled (self->client);
}

static RouteOp *
route_begin_op (TornadisSubscriptionRoute *self)
{
  RouteOp *op = g_new (RouteOp, 1);

  *op = (RouteOp){ g_rc_box_acquire (self), ++self->n_ops };

  return op;
}

/* Its route (transfer full), and whether that has waited for it. */
static TornadisSubscriptionRoute *
route_end_op (RouteOp *op,
              gboolean *is_awaited)
{
  TornadisSubscriptionRoute *route = op->route;

  *is_awaited = route->router != NULL && route->target != NULL && route->n_ops == op->serial;
  g_free (op);

  return route;
}

static void
joined_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  gboolean is_awaited;
  g_autoptr (TornadisSubscriptionRoute) self = route_end_op (user_data, &is_awaited);
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = NULL;
  g_autoptr (GError) error = NULL;
  TornadisClient *target = TORNADIS_CLIENT (object);
  gboolean is_there = g_task_propagate_boolean (G_TASK (result), &error);

  if (!is_awaited)
    return;

  alive = g_object_ref (self->router->client);
  if (is_there && !self->ended)
    {
      self->router->any_restored |= self->confirmed;
      self->failed = FALSE;
      tornadis_subscription_route_set_state (self, TORNADIS_SUBSCRIPTION_PRESENT, target);
      route_set_confirmed (self, TRUE);
      tornadis_subscription_route_step (self);
    }
  else
    {
      tornadis_subscription_route_set_state (self, TORNADIS_SUBSCRIPTION_ABSENT, NULL);
      tornadis_subscription_route_lose (self, target, error);
    }

  if (self->router != NULL)
    tornadis_subscription_route_notify (self->router);
}

static void
route_ask (TornadisSubscriptionRoute *self,
           gboolean subscribe,
           GAsyncReadyCallback callback)
{
  g_autoptr (GPtrArray) names = tornadis_subscription_names_new_array ();
  g_autoptr (GTask) task = g_task_new (self->target, NULL, callback, route_begin_op (self));

  g_task_set_source_tag (task, route_ask);
  g_ptr_array_add (names, g_bytes_ref (self->key.bytes));
  if (subscribe)
    tornadis_subscriptions_subscribe (self->subscriptions, self->key.kind, names, task);
  else
    tornadis_subscriptions_unsubscribe (self->subscriptions, self->key.kind, names, task);
}

static void
route_join (TornadisSubscriptionRoute *self,
            TornadisClient *target)
{
  g_autoptr (GError) error = NULL;

  self->subscriptions = self->router->funcs.adopt (self->router->client, target);
  if (self->subscriptions == NULL)
    {
      error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "The plugin has named a client that others use");
      route_refuse (self, error);
      return;
    }

  tornadis_subscription_route_set_state (self, TORNADIS_SUBSCRIPTION_JOINING, target);
  self->ended = FALSE;
  route_ask (self, TRUE, joined_cb);
}

static void
left_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  gboolean is_awaited, moves;
  g_autoptr (TornadisSubscriptionRoute) self = route_end_op (user_data, &is_awaited);
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = NULL;

  /* An error says that the link was lost, or that the server had ended it before. */
  g_task_propagate_boolean (G_TASK (result), NULL);
  if (!is_awaited)
    return;

  alive = g_object_ref (self->router->client);
  moves = tornadis_subscription_route_is_wanted (self);
  self->router->gap |= self->confirmed && moves;
  tornadis_subscription_route_set_state (self, TORNADIS_SUBSCRIPTION_ABSENT, NULL);
  tornadis_subscription_route_step (self);
  if (self->router != NULL && moves)
    tornadis_subscription_route_close_idle (self->router, TORNADIS_CLIENT (object));
  if (self->router != NULL)
    tornadis_subscription_route_notify (self->router);
}

static void
route_leave (TornadisSubscriptionRoute *self)
{
  TornadisClient *target = self->target;

  tornadis_subscription_route_set_state (self, TORNADIS_SUBSCRIPTION_LEAVING, target);
  route_ask (self, FALSE, left_cb);
}

/* (nullable) (transfer full): who is to have it; @is_vacant: nobody needs to. */
static TornadisClient *
route_find_target (TornadisSubscriptionRoute *self,
                   gboolean *is_vacant)
{
  TornadisSubscriptionRouter *router = self->router;
  TornadisPubSubClient *target = NULL;

  *is_vacant = FALSE;
  if (router->plugin == NULL || router->is_closed)
    return NULL;

  *is_vacant = tornadis_plugin_route_subscription (router->plugin, (TornadisPubSubClient *) router->client, self->key.kind,
                                                   self->key.bytes, self->place, &target) == 0;

  return target != NULL && !*is_vacant ? g_object_ref (TORNADIS_CLIENT (target)) : NULL;
}

/* It is as good as there. What was lost here comes from somewhere else now. */
static void
route_vacate (TornadisSubscriptionRoute *self)
{
  self->vacant = TRUE;
  self->router->any_restored |= self->confirmed && self->failed;
  self->failed = FALSE;
  route_set_confirmed (self, TRUE);
  if (self->router != NULL && self->vacant)
    route_settle (self, FALSE);
}

void
tornadis_subscription_route_step (TornadisSubscriptionRoute *self)
{
  g_autoptr (TornadisSubscriptionRoute) alive G_GNUC_UNUSED = g_rc_box_acquire (self);
  g_autoptr (TornadisClient) client G_GNUC_UNUSED = NULL;
  g_autoptr (TornadisClient) target = NULL;
  gboolean is_vacant;

  if (self->router == NULL || self->state == TORNADIS_SUBSCRIPTION_JOINING || self->state == TORNADIS_SUBSCRIPTION_LEAVING)
    return;

  client = g_object_ref (self->router->client);
  if (!tornadis_subscription_route_is_wanted (self))
    {
      if (self->state == TORNADIS_SUBSCRIPTION_PRESENT)
        {
          route_leave (self);
          return;
        }

      route_set_confirmed (self, FALSE);
      /* The program may have been told, and want it again. */
      if (self->router == NULL || self->state != TORNADIS_SUBSCRIPTION_ABSENT || tornadis_subscription_route_is_wanted (self))
        return;
      route_settle (self, FALSE);
      if (self->router != NULL && self->state == TORNADIS_SUBSCRIPTION_ABSENT && !tornadis_subscription_route_is_wanted (self) &&
          self->parts->len == 0)
        g_hash_table_remove (self->router->routes, self);
      return;
    }

  /* It has ended, although it begins anew. */
  if (self->state == TORNADIS_SUBSCRIPTION_ABSENT && self->parts->len > 0)
    {
      route_settle (self, TRUE);
      if (self->router == NULL || self->state != TORNADIS_SUBSCRIPTION_ABSENT || !tornadis_subscription_route_is_wanted (self))
        {
          tornadis_subscription_route_step (self);
          return;
        }
    }

  target = route_find_target (self, &is_vacant);
  if (self->router == NULL)
    return;

  self->vacant = FALSE;
  if (self->state == TORNADIS_SUBSCRIPTION_PRESENT)
    {
      if (is_vacant || (target != NULL && target != self->target))
        route_leave (self);
      else
        route_settle (self, FALSE);
    }
  else if (self->state == TORNADIS_SUBSCRIPTION_ABSENT && is_vacant)
    {
      route_vacate (self);
    }
  else if (self->state == TORNADIS_SUBSCRIPTION_ABSENT && target != NULL)
    {
      route_join (self, target);
    }
}
