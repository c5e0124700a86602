/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Deadlines of a link: of its calls, and of the server's silence. There is one timer for all, which finds out what it is
 * for when it fires, so that a call does not set one. */

#include "tornadis-glib/wire/tornadis-link-private.h"

#include "tornadis-glib/tornadis-error.h"

/* After this long it is noticed that what had to be read first will not be, because reading was paused. */
#define DRAIN_USEC (100 * G_TIME_SPAN_MILLISECOND)

void
tornadis_link_arm (TornadisLink *self,
                   gint64 at)
{
  if (at == 0 || self->freed || (self->timer.at != 0 && self->timer.at <= at))
    return;

  tornadis_poller_timer_set (&self->timer, at);
}

/* Completes those that were due at @since. */
static void
link_expire_calls (TornadisLink *self,
                   gint64 since,
                   gint64 until)
{
  self->drain_since = 0;
  tornadis_link_arm (self, tornadis_queue_expire (self->queue, since, until));
}

/* What had come before a deadline is read first, in turns like any other, and however long that takes: the main loop may
 * have been busy elsewhere. What comes later does not put the deadline off. */
static void
link_check_deadlines (TornadisLink *self,
                      gint64 now,
                      gint64 until)
{
  gint64 next = tornadis_queue_get_next_deadline (self->queue);

  if (next == 0 || next > now)
    {
      self->drain_since = 0;
      tornadis_link_arm (self, next);
      return;
    }

  if (self->connection != NULL && tornadis_connection_await_drained (self->connection))
    {
      if (self->drain_since == 0)
        self->drain_since = now;
      tornadis_link_arm (self, now + DRAIN_USEC);
    }
  else
    {
      link_expire_calls (self, now, until);
    }
}

void
tornadis_link_drained_cb (gpointer user_data)
{
  TornadisLink *self = user_data;
  gboolean held;

  if (self->drain_since == 0)
    return;

  held = tornadis_link_enter (self);
  link_expire_calls (self, self->drain_since, g_get_monotonic_time ());
  tornadis_link_leave (self, held);
}

static void
link_lose_silent (TornadisLink *self,
                  const char *reason)
{
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, reason);

  tornadis_link_lost (self, error);
}

/* Nothing new is written on a retired connection, PING neither. What is written has to be answered in the time that a PING
 * would have had. */
static gint64
link_check_retired (TornadisLink *self,
                    gint64 now,
                    gint64 last_read,
                    gint64 ping_interval)
{
  gint64 limit = last_read + 2 * ping_interval;

  if (!tornadis_queue_first_is_due (self->queue))
    return now + ping_interval;
  if (now < limit)
    return limit;

  link_lose_silent (self, "The server does not answer");
  return 0;
}

/* A PING is sent on a silent link that somebody waits for. It is data that the peer must acknowledge, and its reply is
 * required once it is written and nothing is ahead of it that may take the server long. */
static gint64
link_check_ping (TornadisLink *self,
                 gint64 now,
                 gint64 last_read,
                 gint64 ping_interval)
{
  gboolean pinged = self->last_ping > last_read;

  if (now < last_read + ping_interval)
    return last_read + ping_interval;

  if (self->unusable)
    return link_check_retired (self, now, last_read, ping_interval);

  /* Inside a transaction it would be queued, and be part of what EXEC returns. */
  if (tornadis_queue_get_expected (self->queue).in_multi)
    return now + ping_interval;

  if (!pinged)
    {
      static const TornadisOrigin nobody = { 0 };
      g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");

      self->last_ping = now;
      self->ping_id = tornadis_queue_push (self->queue, ping, TORNADIS_SLOT_LINK_ONLY, &nobody);
      tornadis_connection_kick (self->connection);
    }
  else if (!tornadis_queue_is_due (self->queue, self->ping_id))
    {
      self->last_ping = now;
    }
  else if (now >= self->last_ping + ping_interval)
    {
      link_lose_silent (self, "The server does not answer PING");
      return 0;
    }

  return self->last_ping + ping_interval;
}

static gint64
earliest (gint64 one,
          gint64 other)
{
  return one == 0 || (other != 0 && other < one) ? other : one;
}

/* The idle limit that the user has set, and the PING. Returns when to look again, or 0. */
static gint64
link_check_silence (TornadisLink *self,
                    gint64 now)
{
  gint64 last_read = tornadis_connection_get_last_read (self->connection);
  gint64 read_timeout = self->settings.read_timeout_msec * G_TIME_SPAN_MILLISECOND;
  gint64 ping_interval = self->settings.ping_interval_msec * G_TIME_SPAN_MILLISECOND;
  gint64 limit = read_timeout > 0 ? last_read + read_timeout : 0;
  gint64 next;

  if (ping_interval > 0 && !tornadis_link_is_listening (self) && !tornadis_queue_awaits_replies (self->queue))
    ping_interval = 0;

  next = earliest (limit, ping_interval > 0 ? last_read + ping_interval : 0);
  if (next == 0 || now < next)
    return next;

  if (tornadis_connection_get_paused (self->connection))
    return now + MAX (ping_interval, G_TIME_SPAN_SECOND);

  /* It is this program that has not read for so long. */
  if (tornadis_connection_has_unread (self->connection))
    return now + DRAIN_USEC;

  if (limit != 0 && now >= limit)
    {
      g_autoptr (GError) error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT, "Nothing was read for %u seconds",
                                              self->settings.read_timeout_msec / 1000);

      tornadis_link_lost (self, error);
      return 0;
    }

  return ping_interval > 0 ? earliest (limit, link_check_ping (self, now, last_read, ping_interval)) : limit;
}

void
tornadis_link_timer_cb (TornadisPollerTimer *timer,
                        gint64 now,
                        gint64 deadline)
{
  TornadisLink *self = TORNADIS_LINK_OF (timer, timer);
  gboolean held = tornadis_link_enter (self);

  link_check_deadlines (self, now, deadline);
  if (!self->freed && self->connection != NULL)
    tornadis_link_arm (self, link_check_silence (self, now));
  if (!self->freed && self->connection != NULL)
    tornadis_link_arm (self, tornadis_link_check_login (self, now));

  tornadis_link_leave (self, held);
}
