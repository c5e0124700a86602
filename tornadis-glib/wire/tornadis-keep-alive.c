/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-keep-alive.h"

#include <gio/gnetworking.h>

#ifdef __linux__
#include <linux/sockios.h>
#include <sys/ioctl.h>
#endif

#if defined(TCP_USER_TIMEOUT) && defined(TCP_INFO) && defined(SIOCOUTQ)
#define HAVE_SIGNS_OF_LIFE
#endif

/* After this long it is noticed that an idle peer has vanished: not after TCP's quarter of an hour. */
#define IDLE_SEC 30
#define INTERVAL_SEC 5
#define N_PROBES 3
/* How many looks there are within the user timeout. A peer that lives was never seen to be without a sign of life for
 * more than two of them. */
#define N_LOOKS 6
/* Linux' probes of a full window, the answers to them and what it sends again have a pace of their own, of some tenths of
 * a second: no judgement is passed sooner, and no limit is shorter than one look. */
#define MIN_JUDGEMENT_MSEC 3000
#define MIN_USER_TIMEOUT_MSEC 1000

/* The time in which there are N_LOOKS. */
static guint
keep_alive_get_judgement_msec (TornadisKeepAlive *self)
{
  return MAX (self->user_timeout_msec, MIN_JUDGEMENT_MSEC);
}

#ifdef HAVE_SIGNS_OF_LIFE

static void
keep_alive_put_in_force (TornadisKeepAlive *self,
                         guint msec)
{
  if (self->in_force_msec == msec)
    return;

  self->in_force_msec = msec;
  g_socket_set_option (self->socket, IPPROTO_TCP, TCP_USER_TIMEOUT, (int) msec, NULL);
}

/* There is life if what is in flight does not have to be sent again; or if nothing is in flight, when the probes of a full
 * window are answered. That something has arrived is no sign by itself: the peer may be repeating it because it hears
 * nothing. */
static gboolean
keep_alive_sees_life (TornadisKeepAlive *self,
                      gint64 now)
{
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info;

  if (getsockopt (g_socket_get_fd (self->socket), IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return TRUE;

  if (info.tcpi_unacked > 0)
    return info.tcpi_retransmits == 0;

  return info.tcpi_probes == 0 || info.tcpi_last_ack_recv * G_TIME_SPAN_MILLISECOND < now - self->looked_at;
}

static void
keep_alive_look_cb (TornadisPollerTimer *timer,
                    gint64 now,
                    gint64 deadline)
{
  TornadisKeepAlive *self = (TornadisKeepAlive *) timer;
  guint judgement_msec;
  gint64 limit_msec;
  int n_waiting = 0;

  if (ioctl (g_socket_get_fd (self->socket), SIOCOUTQ, &n_waiting) != 0 || n_waiting == 0)
    {
      keep_alive_put_in_force (self, self->user_timeout_msec);
      return;
    }

  self->misses = keep_alive_sees_life (self, now) ? 0 : self->misses + 1;
  self->looked_at = now;
  /* Looks are counted, and not time: a main loop that was blocked must not judge by what it saw long ago. */
  if (self->misses >= N_LOOKS)
    {
      self->func (self);
      return;
    }

  judgement_msec = keep_alive_get_judgement_msec (self);
  limit_msec = (now - self->empty_at) / G_TIME_SPAN_MILLISECOND + judgement_msec / 2;
  keep_alive_put_in_force (self, MAX (self->user_timeout_msec, (guint) MIN (limit_msec, G_MAXINT)));
  tornadis_poller_timer_set (&self->timer, now + judgement_msec * G_TIME_SPAN_MILLISECOND / N_LOOKS);
}

#else

static void
keep_alive_put_in_force (TornadisKeepAlive *self,
                         guint msec)
{
#ifdef TCP_USER_TIMEOUT
  g_socket_set_option (self->socket, IPPROTO_TCP, TCP_USER_TIMEOUT, (int) msec, NULL);
#endif
  self->user_timeout_msec = 0;
}

static void
keep_alive_look_cb (TornadisPollerTimer *timer,
                    gint64 now,
                    gint64 deadline)
{
}

#endif

void
tornadis_keep_alive_start (TornadisKeepAlive *self)
{
  gint64 now = g_get_monotonic_time ();

  self->empty_at = self->looked_at = now;
  self->misses = 0;
  tornadis_poller_timer_set (&self->timer, now + keep_alive_get_judgement_msec (self) * G_TIME_SPAN_MILLISECOND / N_LOOKS);
}

void
tornadis_keep_alive_init (TornadisKeepAlive *self,
                          TornadisPoller *poller,
                          GSocket *socket,
                          guint user_timeout_msec,
                          TornadisKeepAliveFunc func)
{
  GSocketFamily family = g_socket_get_family (socket);

  *self = (TornadisKeepAlive){ .func = func };

  if (family != G_SOCKET_FAMILY_IPV4 && family != G_SOCKET_FAMILY_IPV6)
    return;

  self->socket = g_object_ref (socket);
  self->user_timeout_msec = user_timeout_msec > 0 ? MAX (user_timeout_msec, MIN_USER_TIMEOUT_MSEC) : 0;
  tornadis_poller_timer_init (&self->timer, poller, keep_alive_look_cb);

  /* Where the system does not have these, there is nothing to do instead. */
  g_socket_set_keepalive (socket, TRUE);
#ifdef TCP_KEEPIDLE
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPIDLE, IDLE_SEC, NULL);
#endif
#ifdef TCP_KEEPINTVL
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPINTVL, INTERVAL_SEC, NULL);
#endif
#ifdef TCP_KEEPCNT
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPCNT, N_PROBES, NULL);
#endif
  keep_alive_put_in_force (self, self->user_timeout_msec);
}

void
tornadis_keep_alive_clear (TornadisKeepAlive *self)
{
  tornadis_poller_timer_clear (&self->timer);
  g_clear_object (&self->socket);
}
