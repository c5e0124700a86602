/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* Which of the servers a client is for. */
typedef enum
{
  SENTINEL_ROLE_MASTER,
  SENTINEL_ROLE_REPLICA,
  SENTINEL_ROLE_PREFER_REPLICA,
} SentinelRole;

GType sentinel_role_get_type (void);

/* The epoch of one who does not say: older Sentinels, and those that do not permit the question. */
#define SENTINEL_EPOCH_UNKNOWN (-1)

/* What one sentinel says of the servers of a name. */
typedef struct
{
  GNetworkAddress *sentinel; /* (owned) who says it */
  GNetworkAddress *master;   /* (owned) */
  gint64 epoch;              /* of the failover that made it the master: the greater, the later */
  gboolean is_old;           /* there was a failover since, but nobody says more */
  GPtrArray *replicas;       /* (owned) (element-type SentinelReplica) those that can be read from */
  char *reason;              /* (owned) (nullable) why it does not say which there are */
  GPtrArray *sentinels;      /* (owned) (element-type GNetworkAddress) the others that it knows */
} SentinelView;

typedef struct
{
  GNetworkAddress *address; /* (owned) */
  guint priority;           /* 1 and more: the smaller the better */
} SentinelReplica;

/* What is asked for that. */
TornadisPipeline *sentinel_view_make_pipeline (const char *name);
/* @replies are those of @sentinel to that; NULL with an error: it does not know the master. Whatever it says, the view is
 * bounded. */
SentinelView *sentinel_view_new (GNetworkAddress *sentinel,
                                 const char *name,
                                 TornadisReply *replies,
                                 GError **error);
void sentinel_view_free (SentinelView *self);
/* (transfer full) (element-type GNetworkAddress): the servers for a role in the order in which they are to be tried, replicas
 * at random, those with a better priority more often. */
GPtrArray *sentinel_view_get_servers (const SentinelView *self,
                                      SentinelRole role);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SentinelView, sentinel_view_free)

G_END_DECLS
