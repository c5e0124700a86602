/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-subscription-router.h"

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-subscription-names.h"
#include "tornadis-glib/client/tornadis-subscription-route.h"
#include "tornadis-glib/tornadis-error.h"

/* All of them, for what may do anything to the table (element-type TornadisSubscriptionRoute) (transfer full). */
static GPtrArray *
router_get_routes (TornadisSubscriptionRouter *self)
{
  GPtrArray *routes = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_subscription_route_unref);
  GHashTableIter iter;
  TornadisSubscriptionRoute *route;

  g_hash_table_iter_init (&iter, self->routes);
  while (g_hash_table_iter_next (&iter, (gpointer *) &route, NULL))
    g_ptr_array_add (routes, g_rc_box_acquire (route));

  return routes;
}

/* Those of @names that there are, or all of @kind when there are no names (element-type TornadisSubscriptionRoute) (transfer
 * full). */
static GPtrArray *
router_find_routes (TornadisSubscriptionRouter *self,
                    TornadisSubscriptionKind kind,
                    GPtrArray *names)
{
  g_autoptr (GPtrArray) all = names->len == 0 ? router_get_routes (self) : NULL;
  GPtrArray *routes = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_subscription_route_unref);

  for (guint i = 0; all != NULL && i < all->len; i++)
    {
      TornadisSubscriptionRoute *route = g_ptr_array_index (all, i);

      if (route->key.kind == kind)
        g_ptr_array_add (routes, g_rc_box_acquire (route));
    }
  for (guint i = 0; i < names->len; i++)
    for (guint place = 0; place < self->n_places; place++)
      {
        TornadisSubscriptionRoute *route = tornadis_subscription_route_lookup (self, kind, g_ptr_array_index (names, i), place);

        if (route != NULL)
          g_ptr_array_add (routes, g_rc_box_acquire (route));
      }

  return routes;
}

/* Calls. */

static void
part_free (gpointer data)
{
  TornadisRoutedPart *self = data;

  tornadis_subscription_route_unref (self->route);
  g_free (self);
}

static gboolean
call_cancelled_cb (gpointer user_data)
{
  tornadis_subscription_route_complete (g_task_get_task_data (user_data),
                                        tornadis_cancel_watch_dup_error (g_task_get_cancellable (user_data)));

  return G_SOURCE_REMOVE;
}

static gboolean
call_timeout_cb (gpointer user_data)
{
  tornadis_subscription_route_complete (user_data, g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT,
                                                                        "The subscription was not confirmed in time"));

  return G_SOURCE_REMOVE;
}

static TornadisRoutedCall *
call_new (TornadisSubscriptionRouter *router,
          gboolean subscribes,
          GTask *task)
{
  TornadisRoutedCall *self = g_new0 (TornadisRoutedCall, 1);
  TornadisClient *client = router->client;
  guint timeout_msec = tornadis_link_get_settings (tornadis_client_get_link (client))->call_timeout_msec;

  self->router = router;
  self->serial = ++router->n_calls;
  self->subscribes = subscribes;
  self->task = g_object_ref (task);
  self->parts = g_ptr_array_new_with_free_func (part_free);
  g_task_set_task_data (task, self, NULL);
  /* What has come about is returned, however late it is cancelled. */
  g_task_set_check_cancellable (task, FALSE);
  self->watch = tornadis_cancel_watch_new_for_task (task, call_cancelled_cb);
  if (timeout_msec > 0)
    {
      self->timeout = g_timeout_source_new (timeout_msec);
      g_source_set_static_name (self->timeout, "[tornadis] subscription");
      g_source_set_callback (self->timeout, call_timeout_cb, self, NULL);
      g_source_attach (self->timeout, tornadis_client_get_context (client));
    }
  g_queue_push_tail (&router->calls, self);

  return self;
}

static void
call_add (TornadisRoutedCall *self,
          TornadisSubscriptionRoute *route,
          gboolean asks)
{
  TornadisRoutedPart *part = g_new (TornadisRoutedPart, 1);

  *part = (TornadisRoutedPart){ self, g_rc_box_acquire (route), asks, FALSE };
  g_ptr_array_add (self->parts, part);
  g_ptr_array_add (route->parts, part);
  self->n_left++;
  if (asks)
    {
      tornadis_subscription_route_begin_change (route);
      route->n_asking++;
      tornadis_subscription_route_end_change (route);
    }
}

/* Whether it has no place, or had none the last time: one that begins or moves for the first time may well come to one. */
static gboolean
route_is_homeless (const TornadisSubscriptionRoute *self)
{
  return self->router != NULL && tornadis_subscription_route_is_wanted (self) && !self->vacant &&
         (self->state == TORNADIS_SUBSCRIPTION_ABSENT || (self->state == TORNADIS_SUBSCRIPTION_JOINING && self->failed));
}

/* Calls may complete, and their callers do anything. */
static void
router_step (TornadisSubscriptionRouter *self,
             GPtrArray *routes)
{
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);

  for (guint i = 0; i < routes->len; i++)
    tornadis_subscription_route_step (g_ptr_array_index (routes, i));
}

void
tornadis_subscription_router_subscribe (TornadisSubscriptionRouter *self,
                                        TornadisPlugin *plugin,
                                        TornadisSubscriptionKind kind,
                                        GPtrArray *names,
                                        GTask *task)
{
  g_autoptr (GPtrArray) routes = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_subscription_route_unref);
  TornadisRoutedCall *call;

  if (g_queue_get_length (&self->calls) >= tornadis_link_get_settings (tornadis_client_get_link (self->client))->max_pending)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_BUSY, "Too many calls wait for subscriptions already");
      return;
    }

  call = call_new (self, TRUE, task);
  self->plugin = plugin;
  for (guint i = 0; i < names->len; i++)
    {
      GBytes *name = g_ptr_array_index (names, i);
      guint n_places = MAX (1, tornadis_subscription_route_count_places (self, kind, name));

      for (guint place = 0; place < n_places; place++)
        {
          TornadisSubscriptionRoute *route = tornadis_subscription_route_ensure (self, kind, name, place);

          g_ptr_array_add (routes, g_rc_box_acquire (route));
          call_add (call, route, TRUE);
        }
    }

  tornadis_subscription_router_reopen (self);
  router_step (self, routes);
}

/* No call before counts any more. */
static void
route_disown (TornadisSubscriptionRoute *self)
{
  tornadis_subscription_route_begin_change (self);
  self->granted = FALSE;
  self->n_asking = 0;
  for (guint i = 0; i < self->parts->len; i++)
    ((TornadisRoutedPart *) g_ptr_array_index (self->parts, i))->asks = FALSE;
  tornadis_subscription_route_end_change (self);
}

void
tornadis_subscription_router_unsubscribe (TornadisSubscriptionRouter *self,
                                          TornadisSubscriptionKind kind,
                                          GPtrArray *names,
                                          GTask *task)
{
  g_autoptr (GPtrArray) routes = router_find_routes (self, kind, names);
  TornadisRoutedCall *call;

  if (routes->len == 0)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  call = call_new (self, FALSE, task);
  for (guint i = 0; i < routes->len; i++)
    {
      route_disown (g_ptr_array_index (routes, i));
      call_add (call, g_ptr_array_index (routes, i), FALSE);
    }
  router_step (self, routes);
}

/* Another place for the name of @first: it is there for whoever has asked for that name. What was published there before it is
 * has not come. */
static void
router_add_place (TornadisSubscriptionRouter *self,
                  TornadisSubscriptionRoute *first,
                  guint place)
{
  TornadisSubscriptionRoute *route = tornadis_subscription_route_ensure (self, first->key.kind, first->key.bytes, place);

  tornadis_subscription_route_begin_change (route);
  route->granted = first->granted;
  route->confirmed = first->confirmed;
  tornadis_subscription_route_end_change (route);
  self->gap |= first->confirmed;
  for (guint i = 0; i < first->parts->len; i++)
    {
      const TornadisRoutedPart *part = g_ptr_array_index (first->parts, i);

      if (part->asks)
        call_add (part->call, route, TRUE);
    }
}

static void
router_add_places (TornadisSubscriptionRouter *self)
{
  g_autoptr (GPtrArray) routes = router_get_routes (self);

  for (guint i = 0; i < routes->len; i++)
    {
      TornadisSubscriptionRoute *first = g_ptr_array_index (routes, i);
      guint n_places;

      if (first->place > 0 || first->router == NULL || !tornadis_subscription_route_is_wanted (first))
        continue;

      n_places = tornadis_subscription_route_count_places (self, first->key.kind, first->key.bytes);
      for (guint place = 1; place < n_places; place++)
        if (tornadis_subscription_route_lookup (self, first->key.kind, first->key.bytes, place) == NULL)
          router_add_place (self, first, place);
    }
}

void
tornadis_subscription_router_reroute (TornadisSubscriptionRouter *self,
                                      const GError *error)
{
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);
  g_autoptr (GPtrArray) routes = NULL;

  router_add_places (self);
  routes = router_get_routes (self);
  for (guint i = 0; i < routes->len; i++)
    {
      TornadisSubscriptionRoute *route = g_ptr_array_index (routes, i);

      tornadis_subscription_route_step (route);
      if (error != NULL && route_is_homeless (route))
        tornadis_subscription_route_fail_calls (route, error);
    }
  tornadis_subscription_route_close_idle (self, NULL);
  if (self->any_restored)
    tornadis_subscription_route_notify (self);
}

void
tornadis_subscription_router_ended (TornadisSubscriptionRouter *self,
                                    TornadisClient *target,
                                    TornadisSubscriptionKind kind,
                                    GBytes *name)
{
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);
  g_autoptr (TornadisClient) alive_target G_GNUC_UNUSED = g_object_ref (target);
  TornadisSubscriptionRoute *found = NULL;
  g_autoptr (TornadisSubscriptionRoute) route = NULL;

  for (guint place = 0; place < self->n_places && (found == NULL || found->target != target); place++)
    found = tornadis_subscription_route_lookup (self, kind, name, place);
  if (found == NULL || found->target != target)
    return;

  route = g_rc_box_acquire (found);
  if (route->state == TORNADIS_SUBSCRIPTION_JOINING)
    {
      route->ended = TRUE;
    }
  else if (route->state == TORNADIS_SUBSCRIPTION_PRESENT)
    {
      tornadis_subscription_route_set_state (route, TORNADIS_SUBSCRIPTION_ABSENT, NULL);
      tornadis_subscription_route_lose (route, target, NULL);
      if (route->router != NULL)
        tornadis_subscription_route_notify (route->router);
    }
}

GPtrArray *
tornadis_subscription_router_get_targets (TornadisSubscriptionRouter *self)
{
  GPtrArray *targets = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer target;

  g_hash_table_iter_init (&iter, self->targets);
  while (g_hash_table_iter_next (&iter, &target, NULL))
    g_ptr_array_add (targets, g_object_ref (target));

  return targets;
}

void
tornadis_subscription_router_came (TornadisSubscriptionRouter *self)
{
  if (G_UNLIKELY (self->any_restored))
    tornadis_subscription_route_notify_gap (self);
}

/* Nobody has any of them. */
static void
router_leave_all (TornadisSubscriptionRouter *self)
{
  g_autoptr (GPtrArray) targets = tornadis_subscription_router_get_targets (self);
  g_autoptr (GPtrArray) routes = router_get_routes (self);

  for (guint i = 0; i < routes->len; i++)
    {
      TornadisSubscriptionRoute *route = g_ptr_array_index (routes, i);

      self->gap |= route->confirmed;
      tornadis_subscription_route_set_state (route, TORNADIS_SUBSCRIPTION_ABSENT, NULL);
    }
  self->any_restored = FALSE;
  g_hash_table_remove_all (self->targets);

  for (guint i = 0; i < targets->len; i++)
    {
      TornadisClient *target = g_ptr_array_index (targets, i);

      tornadis_client_close (target);
      for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
        {
          g_autoptr (GPtrArray) all = tornadis_subscription_names_new_array ();
          g_autoptr (GTask) task = g_task_new (target, NULL, NULL, NULL);

          tornadis_subscriptions_unsubscribe (self->funcs.adopt (self->client, target), kind, all, task);
        }
    }
}

static void
router_fail_calls (TornadisSubscriptionRouter *self,
                   const char *problem)
{
  guint64 n_calls = self->n_calls;
  TornadisRoutedCall *call;

  /* Not those that are made meanwhile. */
  while ((call = g_queue_peek_head (&self->calls)) != NULL && call->serial <= n_calls)
    tornadis_subscription_route_complete (call, g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, problem));
}

void
tornadis_subscription_router_close (TornadisSubscriptionRouter *self)
{
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);
  g_autoptr (GPtrArray) routes = NULL;

  self->is_closed = TRUE;
  router_leave_all (self);
  router_fail_calls (self, "The client was closed");
  routes = router_get_routes (self);
  router_step (self, routes);
}

void
tornadis_subscription_router_reopen (TornadisSubscriptionRouter *self)
{
  if (!self->is_closed)
    return;

  self->is_closed = FALSE;
  tornadis_subscription_router_reroute (self, NULL);
}

void
tornadis_subscription_router_remove_plugin (TornadisSubscriptionRouter *self,
                                            TornadisPlugin *plugin)
{
  g_autoptr (TornadisClient) alive G_GNUC_UNUSED = g_object_ref (self->client);
  g_autoptr (GPtrArray) routes = NULL;

  if (self->plugin != plugin)
    return;

  self->plugin = NULL;
  router_leave_all (self);
  router_fail_calls (self, "The plugin that routes subscriptions was removed");
  self->gap = FALSE;
  routes = router_get_routes (self);
  for (guint i = 0; i < routes->len; i++)
    {
      TornadisSubscriptionRoute *route = g_ptr_array_index (routes, i);

      if (route->router != NULL)
        route_disown (route);
    }
  router_step (self, routes);
  self->funcs.settled (self->client);
}

gboolean
tornadis_subscription_router_has (TornadisSubscriptionRouter *self,
                                  TornadisSubscriptionKind kind,
                                  GBytes *name,
                                  gboolean *is_wanted)
{
  TornadisSubscriptionRoute *route = NULL;

  for (guint place = 0; place < self->n_places && route == NULL; place++)
    route = tornadis_subscription_route_lookup (self, kind, name, place);
  *is_wanted = route != NULL && tornadis_subscription_route_is_wanted (route);

  return route != NULL;
}

gboolean
tornadis_subscription_router_is_wanted (TornadisSubscriptionRouter *self)
{
  return self->n_wanted > 0;
}

gboolean
tornadis_subscription_router_is_subscribed (TornadisSubscriptionRouter *self)
{
  return self->n_subscribed > 0;
}

guint
tornadis_subscription_router_get_n_confirmed (TornadisSubscriptionRouter *self)
{
  return self->n_confirmed;
}

TornadisSubscriptionRouter *
tornadis_subscription_router_new (TornadisClient *client,
                                  const TornadisSubscriptionRouterFuncs *funcs)
{
  TornadisSubscriptionRouter *self = g_new0 (TornadisSubscriptionRouter, 1);

  self->client = client;
  self->funcs = *funcs;
  self->routes = g_hash_table_new_full (tornadis_subscription_route_hash, tornadis_subscription_route_equal,
                                        tornadis_subscription_route_drop, NULL);
  self->targets = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  g_queue_init (&self->calls);

  return self;
}

void
tornadis_subscription_router_free (TornadisSubscriptionRouter *self)
{
  g_assert (g_queue_is_empty (&self->calls));

  g_hash_table_unref (self->routes);
  g_hash_table_unref (self->targets);
  g_free (self);
}
