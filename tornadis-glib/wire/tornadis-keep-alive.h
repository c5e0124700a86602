/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "tornadis-glib/wire/tornadis-poller.h"

G_BEGIN_DECLS

typedef struct _TornadisKeepAlive TornadisKeepAlive;

/* The peer has not acknowledged anything for as long as it may. */
typedef void (*TornadisKeepAliveFunc) (TornadisKeepAlive *self);

/* Finds out that the other end of a TCP connection has vanished without closing it; part of its owner. An idle connection
 * is probed by the system, and data that is not acknowledged ends it (TCP_USER_TIMEOUT). Linux treats a peer that is alive
 * and reads nothing like one that has vanished, however often it acknowledges the probes of its full window: for as long
 * as data waits in the socket, the limit is therefore moved on, and whether there are signs of life is judged here. */
struct _TornadisKeepAlive
{
  TornadisPollerTimer timer;  /* set while data may wait in the socket */
  GSocket *socket;            /* (owned) (nullable) NULL: not TCP */
  TornadisKeepAliveFunc func;
  guint user_timeout_msec;    /* 0: none */
  guint in_force_msec;        /* what the socket has */
  gint64 empty_at;            /* monotonic time: when it was last seen that no data waits */
  gint64 looked_at;           /* monotonic time */
  guint misses;               /* looks in a row without a sign of life */
};

/* Begins to look for signs of life. */
void tornadis_keep_alive_start (TornadisKeepAlive     *self);
void tornadis_keep_alive_init  (TornadisKeepAlive     *self,
                                TornadisPoller        *poller,
                                GSocket               *socket,
                                guint                  user_timeout_msec,
                                TornadisKeepAliveFunc  func);
void tornadis_keep_alive_clear (TornadisKeepAlive     *self);

/* Something was written. */
static inline void
tornadis_keep_alive_sent (TornadisKeepAlive *self)
{
  if (G_UNLIKELY (self->timer.at == 0) && self->user_timeout_msec > 0)
    tornadis_keep_alive_start (self);
}

G_END_DECLS
