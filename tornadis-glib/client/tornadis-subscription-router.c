/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/client/tornadis-subscription-router.h"

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-plugin-private.h"
#include "tornadis-glib/client/tornadis-subscription-names.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

typedef enum
{
  ROUTE_ABSENT, /* nobody has it: because it is not wanted, or until the plugin says who is to */
  ROUTE_JOINING,
  ROUTE_PRESENT,
  ROUTE_LEAVING,
} RouteState;

/* A name. Calls that are made on other clients for it keep it. */
typedef struct
{
  TornadisSubscriptionRouter *router; /* (unowned) (nullable) NULL: it is not in the table any more */
  TornadisSubscriptionKind kind;
  GBytes *bytes;                /* (owned) */
  TornadisPubSubClient *target; /* (owned) (nullable) that has it, or is asked to begin or to end it; NULL: it is absent */
  GPtrArray *calls;             /* (owned) (element-type RoutedCall) unowned each, that wait for it */
  RouteState state;
  guint n_ops;    /* how often it was asked to begin or to end */
  guint n_asking; /* calls that subscribe, and no later one has unsubscribed */
  guint granted : 1;
  guint confirmed : 1; /* the program was told that it is there */
  guint ended : 1;     /* the server has ended it while it was asked to begin it */
} Route;

/* A target is asked to begin or to end it. What another time has asked for since then is none of its business. */
typedef struct
{
  Route *route; /* (owned) */
  guint serial;
} RouteOp;

/* What a call waits for. */
typedef struct
{
  Route *route;      /* (owned) */
  gboolean asks;     /* it counts in n_asking */
  gboolean is_done;
} RoutedPart;

typedef struct
{
  TornadisSubscriptionRouter *router; /* (unowned) its calls complete before it is freed */
  GTask *task;                        /* (owned) */
  TornadisCancelWatch *watch;         /* (owned) (nullable) */
  GSource *timeout;                   /* (owned) (nullable) */
  GArray *parts;                      /* (owned) (element-type RoutedPart) */
  guint n_left;
} RoutedCall;

struct _TornadisSubscriptionRouter
{
  TornadisPubSubClient *client; /* (unowned) the owner */
  TornadisSubscriptionRouterFuncs funcs;
  TornadisPlugin *plugin; /* (unowned) (nullable) that routes them */
  GHashTable *routes;     /* (owned) (element-type Route) */
  GQueue calls;           /* (element-type RoutedCall) */
  guint n_wanted;
  guint n_confirmed;
  guint n_subscribed;   /* wanted and confirmed */
  guint n_busy;         /* routes that begin or end */
  gboolean gap;         /* messages of some were lost, which is to be notified when they are there again */
  gboolean any_restored;
  gboolean is_closed;
};

static void route_step (Route *self);

static guint
route_hash (gconstpointer key)
{
  const Route *self = key;

  return g_bytes_hash (self->bytes) ^ self->kind;
}

static gboolean
route_equal (gconstpointer one,
             gconstpointer other)
{
  const Route *first = one, *second = other;

  return first->kind == second->kind && g_bytes_equal (first->bytes, second->bytes);
}

static void
route_clear (gpointer data)
{
  Route *self = data;

  g_clear_object (&self->target);
  g_ptr_array_unref (self->calls);
  g_bytes_unref (self->bytes);
}

static void
route_unref (Route *self)
{
  g_rc_box_release_full (self, route_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Route, route_unref)

/* The table lets go of it. */
static void
route_drop (gpointer data)
{
  Route *self = data;

  self->router = NULL;
  route_unref (self);
}

static gboolean
route_is_wanted (const Route *self)
{
  return self->n_asking > 0 || self->granted;
}

/* Every change of a route stands between these two. */
static void
route_begin_change (Route *self)
{
  gboolean wanted = route_is_wanted (self);

  self->router->n_wanted -= wanted;
  self->router->n_confirmed -= self->confirmed;
  self->router->n_subscribed -= wanted && self->confirmed;
  self->router->n_busy -= self->state == ROUTE_JOINING || self->state == ROUTE_LEAVING;
}

static void
route_end_change (Route *self)
{
  gboolean wanted = route_is_wanted (self);

  self->router->n_wanted += wanted;
  self->router->n_confirmed += self->confirmed;
  self->router->n_subscribed += wanted && self->confirmed;
  self->router->n_busy += self->state == ROUTE_JOINING || self->state == ROUTE_LEAVING;
}

static void
route_set_state (Route *self,
                 RouteState state,
                 TornadisPubSubClient *target)
{
  if (self->router != NULL)
    route_begin_change (self);
  self->state = state;
  g_set_object (&self->target, target);
  if (self->router != NULL)
    route_end_change (self);
}

static Route *
router_lookup (TornadisSubscriptionRouter *self,
               TornadisSubscriptionKind kind,
               GBytes *bytes)
{
  const Route key = { .kind = kind, .bytes = bytes };

  return g_hash_table_lookup (self->routes, &key);
}

static Route *
router_ensure (TornadisSubscriptionRouter *self,
               TornadisSubscriptionKind kind,
               GBytes *bytes)
{
  Route *route = router_lookup (self, kind, bytes);

  if (route == NULL)
    {
      route = g_rc_box_new0 (Route);
      route->router = self;
      route->kind = kind;
      route->bytes = g_bytes_ref (bytes);
      route->calls = g_ptr_array_new ();
      g_hash_table_add (self->routes, route);
    }

  return route;
}

/* All, for what may do anything to the table (element-type Route) (transfer full). */
static GPtrArray *
router_get_routes (TornadisSubscriptionRouter *self)
{
  GPtrArray *routes = g_ptr_array_new_with_free_func ((GDestroyNotify) route_unref);
  GHashTableIter iter;
  Route *route;

  g_hash_table_iter_init (&iter, self->routes);
  while (g_hash_table_iter_next (&iter, (gpointer *) &route, NULL))
    g_ptr_array_add (routes, g_rc_box_acquire (route));

  return routes;
}

static void
part_clear (gpointer data)
{
  route_unref (((RoutedPart *) data)->route);
}

/* Completes it, with an @error (transfer full) or as it should. Its names may not be wanted any more. */
static void
call_complete (RoutedCall *self,
               GError *error)
{
  TornadisSubscriptionRouter *router = self->router;
  g_autoptr (TornadisPubSubClient) alive G_GNUC_UNUSED = g_object_ref (router->client);
  g_autoptr (GArray) parts = self->parts;
  g_autoptr (GTask) task = self->task;

  g_queue_remove (&router->calls, self);
  g_clear_pointer (&self->watch, tornadis_cancel_watch_free);
  if (self->timeout != NULL)
    g_source_destroy (self->timeout);
  g_clear_pointer (&self->timeout, g_source_unref);
  for (guint i = 0; i < parts->len; i++)
    {
      RoutedPart *part = &g_array_index (parts, RoutedPart, i);
      Route *route = part->route;

      g_ptr_array_remove (route->calls, self);
      if (!part->asks || route->router == NULL)
        continue;

      route_begin_change (route);
      route->n_asking--;
      route->granted |= error == NULL;
      route_end_change (route);
    }
  g_free (self);

  if (error != NULL)
    {
      for (guint i = 0; i < parts->len; i++)
        route_step (g_array_index (parts, RoutedPart, i).route);
      g_task_return_error (task, error);
    }
  else
    {
      g_task_return_boolean (task, TRUE);
    }
  router->funcs.settled (router->client);
}

/* It has come to rest: what waits for that has it. */
static void
route_settle (Route *self)
{
  guint i = 0;

  while (i < self->calls->len)
    {
      RoutedCall *call = g_ptr_array_index (self->calls, i);
      gboolean is_changed = FALSE;

      for (guint k = 0; k < call->parts->len; k++)
        {
          RoutedPart *part = &g_array_index (call->parts, RoutedPart, k);

          if (part->route != self || part->is_done)
            continue;

          part->is_done = TRUE;
          call->n_left--;
          is_changed = TRUE;
        }

      if (is_changed && call->n_left == 0)
        {
          call_complete (call, NULL);
          i = 0;
        }
      else
        {
          i++;
        }
    }
}

static void
route_fail_calls (Route *self,
                  const GError *error)
{
  while (self->calls->len > 0)
    call_complete (g_ptr_array_index (self->calls, 0), g_error_copy (error));
}

/* Its client will not have it any more: what is not granted is forgotten. */
static void
route_set_confirmed (Route *self,
                     gboolean confirmed)
{
  TornadisSubscriptionRouter *router = self->router;

  if (router == NULL || self->confirmed == confirmed)
    return;

  route_begin_change (self);
  self->confirmed = confirmed;
  route_end_change (self);
  router->funcs.changed (router->client, confirmed, self->bytes);
}

/* The plugin has nothing more to say to it: it is not restored, and calls for it fail. */
static void
route_refuse (Route *self,
              const GError *error)
{
  if (self->router == NULL)
    return;

  route_begin_change (self);
  self->granted = FALSE;
  route_end_change (self);
  route_fail_calls (self, error);
  route_step (self);
}

/* A target does not have it although it should, and @error (nullable) is what it said. */
static void
route_lose (Route *self,
            TornadisPubSubClient *target,
            const GError *error)
{
  TornadisSubscriptionRouter *router = self->router;
  g_autoptr (GError) ended = NULL;

  router->gap |= self->confirmed;
  if (!route_is_wanted (self) || router->is_closed || router->plugin == NULL)
    {
      route_step (self);
      return;
    }

  if (tornadis_plugin_subscription_failed (router->plugin, router->client, self->kind, self->bytes, target, error))
    return;

  if (error == NULL)
    error = ended = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_LOST, "The server has ended the subscription");
  route_refuse (self, error);
}

/* After each change: what was lost is there again, as far as it can be. */
static void
router_notify (TornadisSubscriptionRouter *self)
{
  gboolean is_complete = TRUE;
  GHashTableIter iter;
  Route *route;

  if (self->any_restored && self->n_busy == 0)
    {
      self->any_restored = FALSE;
      g_hash_table_iter_init (&iter, self->routes);
      while (is_complete && g_hash_table_iter_next (&iter, (gpointer *) &route, NULL))
        is_complete = route->state == ROUTE_PRESENT || !route->confirmed;

      if (self->gap)
        {
          self->gap = !is_complete;
          self->funcs.gap (self->client);
        }
    }
  self->funcs.settled (self->client);
}

static RouteOp *
route_begin_op (Route *self)
{
  RouteOp *op = g_new (RouteOp, 1);

  *op = (RouteOp){ g_rc_box_acquire (self), ++self->n_ops };

  return op;
}

/* Its route (transfer full), and whether that has waited for it. */
static Route *
route_end_op (RouteOp *op,
              gboolean *is_awaited)
{
  Route *route = op->route;

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
  g_autoptr (Route) self = route_end_op (user_data, &is_awaited);
  g_autoptr (TornadisPubSubClient) alive G_GNUC_UNUSED = NULL;
  g_autoptr (GError) error = NULL;
  TornadisPubSubClient *target = TORNADIS_PUB_SUB_CLIENT (object);
  gboolean is_there = tornadis_pub_sub_client_subscribe_bytes_finish (target, result, &error);

  if (!is_awaited)
    return;

  alive = g_object_ref (self->router->client);
  if (is_there && !self->ended)
    {
      self->router->any_restored |= self->confirmed;
      route_set_state (self, ROUTE_PRESENT, target);
      route_set_confirmed (self, TRUE);
      route_step (self);
    }
  else
    {
      route_set_state (self, ROUTE_ABSENT, NULL);
      route_lose (self, target, error);
    }

  if (self->router != NULL)
    router_notify (self->router);
}

static void
route_join (Route *self,
            TornadisPubSubClient *target)
{
  g_autoptr (GError) error = NULL;

  if (!self->router->funcs.adopt (self->router->client, target))
    {
      error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "The plugin has named a client that others use");
      route_refuse (self, error);
      return;
    }

  route_set_state (self, ROUTE_JOINING, target);
  self->ended = FALSE;
  tornadis_pub_sub_client_subscribe_bytes_async (target, self->kind, &self->bytes, 1, NULL, joined_cb, route_begin_op (self));
}

static void
left_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  gboolean is_awaited;
  g_autoptr (Route) self = route_end_op (user_data, &is_awaited);
  g_autoptr (TornadisPubSubClient) alive G_GNUC_UNUSED = NULL;

  /* An error says that the link was lost, or that the server had ended it before. */
  tornadis_pub_sub_client_unsubscribe_bytes_finish (TORNADIS_PUB_SUB_CLIENT (object), result, NULL);
  if (!is_awaited)
    return;

  alive = g_object_ref (self->router->client);
  self->router->gap |= self->confirmed && route_is_wanted (self);
  route_set_state (self, ROUTE_ABSENT, NULL);
  route_step (self);
  if (self->router != NULL)
    router_notify (self->router);
}

static void
route_leave (Route *self)
{
  TornadisPubSubClient *target = self->target;

  route_set_state (self, ROUTE_LEAVING, target);
  tornadis_pub_sub_client_unsubscribe_bytes_async (target, self->kind, &self->bytes, 1, NULL, left_cb, route_begin_op (self));
}

/* (nullable) (transfer full): who is to have it. */
static TornadisPubSubClient *
route_find_target (Route *self)
{
  TornadisSubscriptionRouter *router = self->router;
  TornadisPubSubClient *target = NULL;

  if (router->plugin == NULL || router->is_closed)
    return NULL;

  if (!tornadis_plugin_route_subscription (router->plugin, router->client, self->kind, self->bytes, &target) || target == NULL ||
      target == router->client)
    return NULL;

  return g_object_ref (target);
}

/* Does the next thing that is to be done for it. */
static void
route_step (Route *self)
{
  g_autoptr (Route) alive G_GNUC_UNUSED = g_rc_box_acquire (self);
  g_autoptr (TornadisPubSubClient) client G_GNUC_UNUSED = NULL;
  g_autoptr (TornadisPubSubClient) target = NULL;

  if (self->router == NULL || self->state == ROUTE_JOINING || self->state == ROUTE_LEAVING)
    return;

  client = g_object_ref (self->router->client);
  if (!route_is_wanted (self))
    {
      if (self->state == ROUTE_PRESENT)
        {
          route_leave (self);
          return;
        }

      route_set_confirmed (self, FALSE);
      /* The program may have been told, and want it again. */
      if (self->router == NULL || self->state != ROUTE_ABSENT || route_is_wanted (self))
        return;
      route_settle (self);
      if (self->router != NULL && self->state == ROUTE_ABSENT && !route_is_wanted (self) && self->calls->len == 0)
        g_hash_table_remove (self->router->routes, self);
      return;
    }

  target = route_find_target (self);
  if (self->router == NULL)
    return;

  if (self->state == ROUTE_PRESENT)
    {
      if (target != NULL && target != self->target)
        route_leave (self);
      else
        route_settle (self);
    }
  else if (self->state == ROUTE_ABSENT && target != NULL)
    {
      route_join (self, target);
    }
}

/* Calls. */

static gboolean
call_cancelled_cb (gpointer user_data)
{
  call_complete (g_task_get_task_data (user_data), g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Operation was cancelled"));

  return G_SOURCE_REMOVE;
}

static gboolean
call_timeout_cb (gpointer user_data)
{
  RoutedCall *self = user_data;

  call_complete (self, g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "The subscription was not confirmed in time"));

  return G_SOURCE_REMOVE;
}

static RoutedCall *
call_new (TornadisSubscriptionRouter *router,
          GTask *task)
{
  RoutedCall *self = g_new0 (RoutedCall, 1);
  TornadisClient *client = TORNADIS_CLIENT (router->client);
  guint timeout_msec = tornadis_link_get_settings (tornadis_client_get_link (client))->call_timeout_msec;

  self->router = router;
  self->task = g_object_ref (task);
  self->parts = g_array_new (FALSE, FALSE, sizeof (RoutedPart));
  g_array_set_clear_func (self->parts, part_clear);
  g_task_set_task_data (task, self, NULL);
  /* What has come about is returned, however late it is cancelled. */
  g_task_set_check_cancellable (task, FALSE);
  self->watch = tornadis_cancel_watch_new (task, call_cancelled_cb);
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
call_add (RoutedCall *self,
          Route *route,
          gboolean asks)
{
  const RoutedPart part = { g_rc_box_acquire (route), asks, FALSE };

  g_array_append_val (self->parts, part);
  self->n_left++;
  g_ptr_array_add (route->calls, self);
  if (asks)
    {
      route_begin_change (route);
      route->n_asking++;
      route_end_change (route);
    }
}

/* Calls may complete, and their callers do anything. */
static void
router_step (TornadisSubscriptionRouter *self,
             GPtrArray *routes)
{
  g_autoptr (TornadisPubSubClient) alive G_GNUC_UNUSED = g_object_ref (self->client);

  for (guint i = 0; i < routes->len; i++)
    route_step (g_ptr_array_index (routes, i));
}

void
tornadis_subscription_router_subscribe (TornadisSubscriptionRouter *self,
                                        TornadisPlugin *plugin,
                                        TornadisSubscriptionKind kind,
                                        GPtrArray *names,
                                        GTask *task)
{
  g_autoptr (GPtrArray) routes = g_ptr_array_new_with_free_func ((GDestroyNotify) route_unref);
  RoutedCall *call = call_new (self, task);

  self->plugin = plugin;
  for (guint i = 0; i < names->len; i++)
    {
      Route *route = router_ensure (self, kind, g_ptr_array_index (names, i));

      g_ptr_array_add (routes, g_rc_box_acquire (route));
      call_add (call, route, TRUE);
    }

  tornadis_subscription_router_reopen (self);
  router_step (self, routes);
}

/* No call before counts any more. */
static void
route_disown (Route *self)
{
  route_begin_change (self);
  self->granted = FALSE;
  self->n_asking = 0;
  for (guint i = 0; i < self->calls->len; i++)
    {
      RoutedCall *call = g_ptr_array_index (self->calls, i);

      for (guint k = 0; k < call->parts->len; k++)
        {
          RoutedPart *part = &g_array_index (call->parts, RoutedPart, k);

          if (part->route == self)
            part->asks = FALSE;
        }
    }
  route_end_change (self);
}

void
tornadis_subscription_router_unsubscribe (TornadisSubscriptionRouter *self,
                                          TornadisSubscriptionKind kind,
                                          GPtrArray *names,
                                          GTask *task)
{
  g_autoptr (GPtrArray) all = router_get_routes (self);
  g_autoptr (GPtrArray) routes = g_ptr_array_new_with_free_func ((GDestroyNotify) route_unref);
  RoutedCall *call;

  for (guint i = 0; names->len == 0 && i < all->len; i++)
    {
      Route *route = g_ptr_array_index (all, i);

      if (route->kind == kind)
        g_ptr_array_add (routes, g_rc_box_acquire (route));
    }
  for (guint i = 0; i < names->len; i++)
    {
      Route *route = router_lookup (self, kind, g_ptr_array_index (names, i));

      if (route != NULL)
        g_ptr_array_add (routes, g_rc_box_acquire (route));
    }

  if (routes->len == 0)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  call = call_new (self, task);
  for (guint i = 0; i < routes->len; i++)
    {
      route_disown (g_ptr_array_index (routes, i));
      call_add (call, g_ptr_array_index (routes, i), FALSE);
    }
  router_step (self, routes);
}

void
tornadis_subscription_router_reroute (TornadisSubscriptionRouter *self,
                                      const GError *error)
{
  g_autoptr (TornadisPubSubClient) alive G_GNUC_UNUSED = g_object_ref (self->client);
  g_autoptr (GPtrArray) routes = router_get_routes (self);

  for (guint i = 0; i < routes->len; i++)
    {
      Route *route = g_ptr_array_index (routes, i);

      route_step (route);
      if (error != NULL && route->router != NULL && route->state != ROUTE_PRESENT && route_is_wanted (route))
        route_fail_calls (route, error);
    }
}

void
tornadis_subscription_router_ended (TornadisSubscriptionRouter *self,
                                    TornadisPubSubClient *target,
                                    TornadisSubscriptionKind kind,
                                    GBytes *name)
{
  g_autoptr (TornadisPubSubClient) alive G_GNUC_UNUSED = g_object_ref (self->client);
  g_autoptr (TornadisPubSubClient) alive_target G_GNUC_UNUSED = g_object_ref (target);
  Route *found = router_lookup (self, kind, name);
  g_autoptr (Route) route = NULL;

  if (found == NULL || found->target != target)
    return;

  route = g_rc_box_acquire (found);
  if (route->state == ROUTE_JOINING)
    {
      route->ended = TRUE;
    }
  else if (route->state == ROUTE_PRESENT)
    {
      route_set_state (route, ROUTE_ABSENT, NULL);
      route_lose (route, target, NULL);
      if (route->router != NULL)
        router_notify (route->router);
    }
}

GPtrArray *
tornadis_subscription_router_get_targets (TornadisSubscriptionRouter *self)
{
  GPtrArray *targets = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  Route *route;

  g_hash_table_iter_init (&iter, self->routes);
  while (g_hash_table_iter_next (&iter, (gpointer *) &route, NULL))
    {
      if (route->target != NULL && g_hash_table_add (seen, route->target))
        g_ptr_array_add (targets, g_object_ref (route->target));
    }

  return targets;
}

/* Nobody has any of them. */
static void
router_leave_all (TornadisSubscriptionRouter *self)
{
  g_autoptr (GPtrArray) targets = tornadis_subscription_router_get_targets (self);
  g_autoptr (GPtrArray) routes = router_get_routes (self);

  for (guint i = 0; i < routes->len; i++)
    {
      Route *route = g_ptr_array_index (routes, i);

      self->gap |= route->confirmed;
      route_set_state (route, ROUTE_ABSENT, NULL);
    }
  self->any_restored = FALSE;

  for (guint i = 0; i < targets->len; i++)
    {
      TornadisPubSubClient *target = g_ptr_array_index (targets, i);

      tornadis_client_close (TORNADIS_CLIENT (target));
      for (guint kind = 0; kind < TORNADIS_N_SUBSCRIPTION_KINDS; kind++)
        tornadis_pub_sub_client_unsubscribe_bytes_async (target, kind, NULL, 0, NULL, NULL, NULL);
    }
}

static void
router_fail_calls (TornadisSubscriptionRouter *self,
                   const char *problem)
{
  guint n_calls = g_queue_get_length (&self->calls);

  /* Not those that are made meanwhile. */
  for (; n_calls > 0 && !g_queue_is_empty (&self->calls); n_calls--)
    call_complete (g_queue_peek_head (&self->calls), g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, problem));
}

void
tornadis_subscription_router_close (TornadisSubscriptionRouter *self)
{
  g_autoptr (TornadisPubSubClient) alive G_GNUC_UNUSED = g_object_ref (self->client);
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
  g_autoptr (TornadisPubSubClient) alive G_GNUC_UNUSED = g_object_ref (self->client);
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
      Route *route = g_ptr_array_index (routes, i);

      if (route->router != NULL)
        route_disown (route);
    }
  router_step (self, routes);
  self->funcs.settled (self->client);
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
tornadis_subscription_router_new (TornadisPubSubClient *client,
                                  const TornadisSubscriptionRouterFuncs *funcs)
{
  TornadisSubscriptionRouter *self = g_new0 (TornadisSubscriptionRouter, 1);

  self->client = client;
  self->funcs = *funcs;
  self->routes = g_hash_table_new_full (route_hash, route_equal, route_drop, NULL);
  g_queue_init (&self->calls);

  return self;
}

void
tornadis_subscription_router_free (TornadisSubscriptionRouter *self)
{
  g_assert (g_queue_is_empty (&self->calls));

  g_hash_table_unref (self->routes);
  g_free (self);
}
