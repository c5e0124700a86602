/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-subscriptions.h"
#include "tornadis-glib/wire/tornadis-cancel-watch.h"

G_BEGIN_DECLS

/* Inside the router of subscriptions: a name, where it is and where it goes. */

typedef struct _TornadisSubscriptionRouter TornadisSubscriptionRouter;

/* Any of them may close or drop the client; it is kept while they run. */
typedef struct
{
  /* As those of TornadisSubscriptionsFuncs. */
  void (*changed) (TornadisClient          *client,
                   TornadisSubscriptionKind kind,
                   gboolean                 added,
                   GBytes                  *name);
  void (*settled) (TornadisClient          *client);
  /* Some that were lost are there again. */
  void (*gap)     (TornadisClient          *client);
  /* Another client is about to be used: its messages are for @client. Returns its subscriptions (transfer none) (nullable);
   * NULL: they are somebody else's. */
  TornadisSubscriptions *
       (*adopt)   (TornadisClient          *client,
                   TornadisClient          *target);
} TornadisSubscriptionRouterFuncs;

typedef enum
{
  TORNADIS_SUBSCRIPTION_ABSENT, /* nobody has it: because it is not wanted, or until the plugin says who is to */
  TORNADIS_SUBSCRIPTION_JOINING,
  TORNADIS_SUBSCRIPTION_PRESENT,
  TORNADIS_SUBSCRIPTION_LEAVING,
} TornadisSubscriptionRouteState;

/* A name, at one of the places where the plugin wants it. The same name is asked for, granted and refused at all of them; what
 * the program is told of it is what becomes of it at place 0. Calls that are made on other clients for it keep it. */
typedef struct
{
  TornadisSubscriptionKey key; /* (owned) the table has it by that and the place */
  guint place;
  TornadisSubscriptionRouter *router;   /* (unowned) (nullable) NULL: it is not in the table any more */
  TornadisClient *target;               /* (owned) (nullable) that has it, or is to begin or to end it; NULL: it is absent */
  TornadisSubscriptions *subscriptions; /* (unowned) (nullable) those of @target */
  GPtrArray *parts;                     /* (owned) (element-type TornadisRoutedPart) unowned each, of calls that wait for it */
  TornadisSubscriptionRouteState state;
  guint n_ops;    /* how often it was asked to begin or to end */
  guint n_asking; /* calls that subscribe, and no later one has unsubscribed */
  guint granted : 1;
  guint confirmed : 1; /* the program was told that it is there */
  guint vacant : 1;    /* absent, because nobody needs it at this place */
  guint ended : 1;     /* the server has ended it while it was asked to begin it */
  guint failed : 1;    /* it was lost, or could not begin, and nobody has had it since */
} TornadisSubscriptionRoute;

typedef struct
{
  TornadisSubscriptionRouter *router; /* (unowned) its calls complete before it is freed */
  GTask *task;                        /* (owned) */
  TornadisCancelWatch *watch;         /* (owned) (nullable) */
  GSource *timeout;                   /* (owned) (nullable) */
  GPtrArray *parts;                   /* (owned) (element-type TornadisRoutedPart) owned each */
  guint64 serial;                     /* the later the greater */
  guint n_left;
  gboolean subscribes;
} TornadisRoutedCall;

/* A name that a call waits for. */
typedef struct
{
  TornadisRoutedCall *call;         /* (unowned) */
  TornadisSubscriptionRoute *route; /* (owned) */
  gboolean asks;                    /* it counts in n_asking */
  gboolean is_done;
} TornadisRoutedPart;

struct _TornadisSubscriptionRouter
{
  TornadisClient *client; /* (unowned) the owner */
  TornadisSubscriptionRouterFuncs funcs;
  TornadisPlugin *plugin; /* (unowned) (nullable) that routes them */
  GHashTable *routes;     /* (owned) (element-type TornadisSubscriptionRoute) */
  GHashTable *targets;    /* (owned) (element-type TornadisClient guint) owned, by how many routes each has; 0: no more */
  GQueue calls;           /* (element-type TornadisRoutedCall) */
  guint64 n_calls;        /* that there were */
  guint n_places;         /* the most that a name has had */
  guint n_wanted;
  guint n_confirmed;    /* names */
  guint n_subscribed;   /* wanted and confirmed */
  guint n_busy;         /* routes that begin or end */
  gboolean gap;         /* messages of some were lost, which is to be notified when they are there again */
  gboolean any_restored;
  gboolean is_closed;
};

/* The table lets go of it. */
void     tornadis_subscription_route_drop         (gpointer                       data);
void     tornadis_subscription_route_unref        (TornadisSubscriptionRoute     *self);
/* Of the table of them. */
guint tornadis_subscription_route_hash (gconstpointer route);
gboolean tornadis_subscription_route_equal (gconstpointer one,
                                            gconstpointer other);
/* (transfer none) (nullable) */
TornadisSubscriptionRoute *
tornadis_subscription_route_lookup (TornadisSubscriptionRouter *router,
                                    TornadisSubscriptionKind kind,
                                    GBytes *bytes,
                                    guint place);
/* (transfer none) */
TornadisSubscriptionRoute *
tornadis_subscription_route_ensure (TornadisSubscriptionRouter *router,
                                    TornadisSubscriptionKind kind,
                                    GBytes *bytes,
                                    guint place);
/* At how many places the plugin wants it. */
guint tornadis_subscription_route_count_places (TornadisSubscriptionRouter *router,
                                                TornadisSubscriptionKind kind,
                                                GBytes *bytes);
/* Every change of what makes it wanted, confirmed or busy stands between these two. */
void     tornadis_subscription_route_begin_change (TornadisSubscriptionRoute     *self);
void     tornadis_subscription_route_end_change   (TornadisSubscriptionRoute     *self);
void     tornadis_subscription_route_set_state    (TornadisSubscriptionRoute     *self,
                                                   TornadisSubscriptionRouteState state,
                                                   TornadisClient                *target);
/* Does the next thing that is to be done for it. */
void     tornadis_subscription_route_step         (TornadisSubscriptionRoute     *self);
/* @target does not have it although it should, and @error (nullable) is what it said. */
void     tornadis_subscription_route_lose         (TornadisSubscriptionRoute     *self,
                                                   TornadisClient                *target,
                                                   const GError                  *error);
/* Completes what waits for it to begin. */
void     tornadis_subscription_route_fail_calls   (TornadisSubscriptionRoute     *self,
                                                   const GError                  *error);
/* Completes a call, with an @error (transfer full) or as it should. Its names may not be wanted any more. */
void     tornadis_subscription_route_complete     (TornadisRoutedCall            *call,
                                                   GError                        *error);
/* Closes the clients, or only @target (nullable), that have none. */
void     tornadis_subscription_route_close_idle   (TornadisSubscriptionRouter    *router,
                                                   TornadisClient                *target);
/* Some that were lost are there again. */
void     tornadis_subscription_route_notify_gap   (TornadisSubscriptionRouter    *router);
/* After changes of routes: what was lost is there again, as far as it can be. */
void     tornadis_subscription_route_notify       (TornadisSubscriptionRouter    *router);

static inline gboolean
tornadis_subscription_route_is_wanted (const TornadisSubscriptionRoute *self)
{
  return self->n_asking > 0 || self->granted;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisSubscriptionRoute, tornadis_subscription_route_unref)

G_END_DECLS
