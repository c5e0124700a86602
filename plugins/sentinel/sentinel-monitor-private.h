/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sentinel/sentinel-monitor.h"

G_BEGIN_DECLS

/* They are asked again after so long without a report, and later up to a minute, until all of them are listened to. */
#define SENTINEL_MIN_PAUSE_MSEC 1000

/* One sentinel, in the order in which they are asked. */
typedef struct
{
  SentinelMonitor *monitor; /* (unowned) */
  GNetworkAddress *address; /* (owned) */
  gboolean is_seed;
  TornadisClient *listener; /* (owned) (nullable) a TornadisPubSubClient */
  gboolean subscribing;     /* or subscribed: from then on the client restores it */
  gboolean subscribed;
} Sentinel;

struct _SentinelMonitor
{
  char *name;              /* (owned) of the master */
  SentinelLogin login;     /* (owned) */
  GPtrArray *sentinels;    /* (owned) (element-type Sentinel) in the order in which they are asked */
  GArray *waiters;         /* (owned) (element-type Waiter) */
  GPtrArray *round;        /* (owned) (nullable) (element-type GNetworkAddress) those that are left to be asked in this one */
  guint64 round_number;    /* of this round, or the next */
  SentinelView *old_view;  /* (owned) (nullable) the newest of this round that is too old */
  GString *reasons;        /* (owned) why those that were asked have not answered */
  TornadisClient *model;   /* (owned) (nullable) how connections are made: never connected itself */
  GCancellable *cancelled; /* (owned) of everything */
  GSource *timer;          /* (owned) (nullable) asks without a report */
  guint pause_msec;        /* before it does */
  GNetworkAddress *master; /* (owned) (nullable) the last that was heard of */
  gint64 epoch;            /* of the last that is known to be one */
  SentinelSwitchedFunc func;
  gpointer user_data;
  gboolean again;  /* somebody has reported a switch during a round, which may have begun before it */
  gboolean wanted; /* somebody is to be told of switches */
};

/* sentinel-monitor.c */

/* A client of that type (transfer full), of a sentinel. */
TornadisClient *sentinel_monitor_make_client  (SentinelMonitor *self,
                                               GType            type,
                                               GNetworkAddress *address);
/* (transfer none) (nullable); @index (out) (optional) among all. */
Sentinel       *sentinel_monitor_find         (SentinelMonitor *self,
                                               GNetworkAddress *address,
                                               guint           *index);
/* Who is asked first from now on, or last. */
void            sentinel_monitor_put          (SentinelMonitor *self,
                                               GNetworkAddress *address,
                                               gboolean         first);

/* sentinel-reports.c */

/* It is not listened to any more. */
void            sentinel_stop                 (Sentinel        *self);
/* Unless it is already. */
void            sentinel_monitor_listen       (SentinelMonitor *self,
                                               Sentinel        *sentinel);
/* Asks @sentinel (nullable) first. */
void            sentinel_monitor_look_into_it (SentinelMonitor *self,
                                               GNetworkAddress *sentinel);
/* Not at the same time as all others that have heard the same; a round starts it at its end. */
void            sentinel_monitor_start_timer  (SentinelMonitor *self);
void            sentinel_monitor_stop_timer   (SentinelMonitor *self);

G_END_DECLS
