/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cluster/cluster-connectable.h"
#include "cluster/cluster-links.h"
#include "cluster/cluster-map.h"
#include "cluster/cluster-zones.h"

G_BEGIN_DECLS

typedef enum
{
  CLUSTER_READ_FROM_MASTER,
  CLUSTER_READ_FROM_REPLICA,
  CLUSTER_READ_FROM_ANY,
  CLUSTER_READ_FROM_ZONE,
} ClusterReadFrom;

/* Of a client on which parts of calls are made: the ClusterClient whose they are. */
#define CLUSTER_WHOLE "tornadis-cluster-whole"

/* How a plugin was told to work. */
typedef struct
{
  ClusterReadFrom read_from;
  char *zone;            /* (owned) (nullable) */
  ClusterZones *zones;   /* (unowned) (nullable) likewise: of all nodes */
  guint failover_msec;   /* how long a call that has not run is kept while its slot has no master */
} ClusterSettings;

/* What happened, for whoever counts it. */
typedef struct
{
  guint64 n_redirects;
  guint64 n_failovers;
} ClusterCounters;

/* WATCH and MULTI by hand. */
typedef struct
{
  TornadisClient *node; /* (owned) (nullable) that it is bound to */
  int slot;             /* whose node that is, or -1 */
  gboolean watches;
  gboolean in_multi;
  gboolean owes_multi;  /* no node has been sent the MULTI yet */
  TornadisCall *opener; /* (unowned) (nullable) a MULTI behind WATCH that has not been answered yet */
  guint number;         /* of those that there were */
  gboolean is_lost;     /* and perhaps nobody knows of it yet */
  gboolean is_spoiled;  /* a command was refused, so that EXEC is to refuse all, as a server does */
} ClusterTransaction;

/* One client of the application. */
typedef struct _ClusterClient ClusterClient;

struct _ClusterClient
{
  TornadisPlugin *plugin;          /* (unowned) */
  TornadisClient *client;          /* (unowned) that the plugin is on */
  ClusterConnectable *connectable; /* (owned) of the client, which is called like it, and never connects itself */
  TornadisClient *parts;           /* (owned) (nullable) the plugin is on it too: calls that are parts of others go through it */
  ClusterClient *whole;            /* (unowned) itself, or of such a client the one that they are parts for */
  ClusterMap *map;                 /* (unowned) */
  const ClusterSettings *settings; /* (unowned) */
  ClusterCounters *counters;       /* (unowned) */
  ClusterLinks *links;             /* owned by the whole */
  GQueue waiting;                  /* (element-type TornadisCall) (owned) until the cluster is known */
  guint64 n_waiting_commands;      /* of the whole, see cluster-wait.h */
  guint64 n_waiting_bytes;
  GCancellable *spare;             /* (owned) (nullable) see cluster_trip_end() */
  char *home;                      /* (owned) (nullable) the key of the node of what may go to any */
  ClusterTransaction transaction;
  TornadisClientState state; /* what was said last of the connection */
  gboolean is_gone;          /* it was freed, and somebody is still at work with it */
};

/* @whole (nullable): of which the calls on @client are parts. @title is what the cluster is called in errors. */
ClusterClient  *cluster_client_new         (TornadisPlugin        *plugin,
                                            TornadisClient        *client,
                                            ClusterClient         *whole,
                                            const char            *title,
                                            ClusterMap            *map,
                                            const ClusterSettings *settings,
                                            ClusterCounters       *counters,
                                            TornadisPlugin        *setup);
void            cluster_client_free        (ClusterClient         *self);
/* The map has another topology; and what comes of it, once all clients know. @has_moved: a slot of the one before has left its
 * node. */
void            cluster_client_update      (ClusterClient         *self);
void            cluster_client_follow_update (ClusterClient       *self,
                                            gboolean               has_moved);
/* A call has come to the plugin. Whether it holds it, or has answered it. */
gboolean        cluster_client_call        (ClusterClient         *self,
                                            TornadisCall          *call);
/* Likewise, or it is made again, or taken up where it was left; the cluster is known. */
void            cluster_client_route       (ClusterClient         *self,
                                            TornadisCall          *call);
/* Where a command goes that the hook before would forward (transfer none); NULL: that hook has more to do. */
TornadisClient *cluster_client_route_quickly (ClusterClient       *self,
                                            TornadisCommand       *command);
void            cluster_client_call_done   (ClusterClient         *self,
                                            TornadisCall          *call);
/* Of a call that is held although the plugin is gone from its client; the error alone is (transfer full). */
void            cluster_client_refuse_gone (TornadisCall          *call);
GError         *cluster_client_make_gone_error (TornadisCall      *call);
/* Replaces what the client of a node says of itself, when that node was given up or the plugin was removed: nobody has closed the
 * client of the application. @name is that of the call that was sent to @sent (nullable). */
void            cluster_client_explain     (ClusterClient         *self,
                                            TornadisClient        *sent,
                                            const char            *name,
                                            GError               **error);
/* Likewise, of a call that a node's client had when the plugin was removed. */
void            cluster_client_explain_gone (TornadisCall         *call);
/* None of the nodes that are known could be reached. */
void            cluster_client_say_down    (ClusterClient         *self);
/* The node of a command's one key, wherever other commands go (transfer none); NULL: it is not that simple. No such command is
 * refused, or has to do with transactions. */
TornadisClient *cluster_client_find_node_of_key (ClusterClient    *self,
                                            TornadisCommand       *command);
/* The node that a command can go to as it is (transfer none). NULL: several answer it, or nobody can now. */
TornadisClient *cluster_client_find_node   (ClusterClient         *self,
                                            TornadisCommand       *command);
/* (transfer none) (nullable): the master of a slot; and any, always the same one as long as it is up. */
TornadisClient *cluster_client_get_master  (ClusterClient         *self,
                                            guint                  slot);
TornadisClient *cluster_client_get_home    (ClusterClient         *self);
/* The client on which parts of calls are made (transfer none). */
TornadisClient *cluster_client_get_parts   (ClusterClient         *self);

G_END_DECLS
