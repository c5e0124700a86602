/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client-private.h"
#include "tornadis-glib/client/tornadis-subscription-names.h"
#include "tornadis-glib/wire/tornadis-backoff.h"

G_BEGIN_DECLS

/* Restores on every new link the names that are granted. */
typedef struct
{
  TornadisClient *client;           /* (unowned) */
  TornadisSubscriptionNames *names; /* (unowned) */
  /* Not on this server. */
  void (*refused)  (TornadisSubscriptionKind kind,
                    GBytes                  *bytes,
                    gpointer                 user_data);
  /* Some are there again, and nothing is pending; @complete: nor is anything tried again later. */
  void (*restored) (gboolean                 complete,
                    gpointer                 user_data);
  gpointer user_data; /* (unowned) of both, in which anything may be done */

  guint64 link;          /* counts the links */
  guint n_restoring;     /* commands on this link that are pending */
  gboolean any_restored; /* since that was notified last */
  GSource *retry;        /* (owned) (nullable) while names are postponed */
  GPtrArray *postponed[TORNADIS_N_SUBSCRIPTION_KINDS]; /* (owned) (nullable) (element-type GBytes) */
  TornadisBackoff backoff;
} TornadisSubscriptionRestorer;

/* Queues what comes first on a new link. */
void tornadis_subscription_restorer_start (TornadisSubscriptionRestorer *self,
                                           TornadisQueue                *queue);
/* The link was lost or closed. */
void tornadis_subscription_restorer_stop  (TornadisSubscriptionRestorer *self);
/* Nothing is pending. */
void tornadis_subscription_restorer_clear (TornadisSubscriptionRestorer *self);

G_END_DECLS
