/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The servers that the clients of a kind have to do with. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "harness/harness.h"

G_BEGIN_DECLS

typedef enum
{
  SITE_SERVER,   /* one server */
  SITE_TLS,      /* one, over TLS */
  SITE_CLUSTER,  /* masters without replicas, so that nobody takes the place of one that is away */
  SITE_FAILOVER, /* masters with replicas */
  SITE_SENTINEL,
  N_SITES,
} SiteType;

/* The first three have written what they acknowledge: nothing of it is lost when they are killed. The others lose it with any
 * failover, as replication is asynchronous. */
typedef struct
{
  SiteType type;
  TornadisHarnessRedis *server;      /* (owned) (nullable) if it is one */
  GTlsDatabase *database;            /* (owned) (nullable) */
  TornadisHarnessCluster *cluster;   /* (owned) (nullable) */
  TornadisHarnessSentinel *sentinel; /* (owned) (nullable) */
} Site;

Site *site_new (SiteType type);
/* A client that is like others in nothing that can be chosen. Of a group it has @plugins (nullable), by their names, before the one
 * that finds the servers, as they stand in a URI. */
TornadisClient *site_make_client (Site *self,
                                  GRand *rand,
                                  const char *const *plugins);
guint site_get_n (Site *self);
/* One of the servers, sentinels not included. */
TornadisHarnessRedis *site_get_server (Site *self,
                                       guint i);
/* Forgets all keys. */
void site_clean (Site *self);
void site_free (Site *self);

G_END_DECLS
