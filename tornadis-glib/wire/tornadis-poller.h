/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What connections of one main context share: one file descriptor in GLib's poll, one clock, and one share of the main
 * loop, which is bounded from both sides. However much data there is, a program that draws its frames in less than 10 ms
 * is never late; however busy other sources are, what waits gets its turn within 16 ms.
 *
 * A function may run a main loop of its own: in it the timer that fired, and an item that is not finished, go on.
 *
 * Everything here is called in the thread that runs the context, except tornadis_poller_get() and _unref(). */
typedef struct _TornadisPoller TornadisPoller;
typedef struct _TornadisPollerItem TornadisPollerItem;
typedef struct _TornadisPollerTimer TornadisPollerTimer;

/* @condition is what its file descriptor is ready for. Works until about @deadline, and queues the item again when
 * there is more to do; both are monotonic time. The item may have been freed when it returns. */
typedef void (*TornadisPollerItemFunc)  (TornadisPollerItem  *item,
                                         GIOCondition         condition,
                                         gint64               now,
                                         gint64               deadline);
/* The timer is no longer set. Works until about @deadline; what is left to do, it sets itself for again. */
typedef void (*TornadisPollerTimerFunc) (TornadisPollerTimer *timer,
                                         gint64               now,
                                         gint64               deadline);

/* Something that has turns; part of its owner. After its initialization its fields are for the poller alone. */
struct _TornadisPollerItem
{
  TornadisPoller *poller;      /* (owned) (nullable) NULL: not initialized */
  TornadisPollerItemFunc func;
  GList link;                  /* in the poller's queue */
  int fd;                      /* or -1 */
  GIOCondition watched;
  GIOCondition ready;          /* since its last turn */
  gpointer tags[2];            /* (nullable) where there is no epoll */
  guint8 misses;               /* see tornadis_poller_item_expect_input() */
  guint16 skips;
  guint place;                 /* among those that the poller expects */
  guint queued : 1;
  guint expecting : 1;
  guint polled : 1;            /* known to the poller's descriptor */
  guint unfinished : 1;        /* see tornadis_poller_item_set_unfinished() */
};

struct _TornadisPollerTimer
{
  TornadisPoller *poller; /* (owned) (nullable) NULL: not initialized */
  TornadisPollerTimerFunc func;
  GSequenceIter *iter;    /* (nullable) while it is set */
  gint64 at;              /* monotonic time, or 0 */
};

/* The one of @context, created when there is none (transfer full). */
TornadisPoller *tornadis_poller_get                 (GMainContext            *context);
TornadisPoller *tornadis_poller_ref                 (TornadisPoller          *self);
void            tornadis_poller_unref               (TornadisPoller          *self);
/* A pointer to what one other part of the library keeps for the context; @destroy frees that with the poller. */
gpointer       *tornadis_poller_get_data            (TornadisPoller          *self,
                                                     GDestroyNotify           destroy);

/* Creates the poller's descriptor if it has none yet, or has that of the parent process. Has to come before an item with a
 * descriptor is watched. */
gboolean        tornadis_poller_open                (TornadisPoller          *self,
                                                     GError                 **error);

/* @fd is watched for nothing at first; -1: there is none. */
void            tornadis_poller_item_init           (TornadisPollerItem      *item,
                                                     TornadisPoller          *poller,
                                                     int                      fd,
                                                     TornadisPollerItemFunc   func);
/* Before the descriptor is closed. Safe to call twice. */
void            tornadis_poller_item_clear          (TornadisPollerItem      *item);
/* %FALSE, with errno, only at the first time. */
gboolean        tornadis_poller_item_watch          (TornadisPollerItem      *item,
                                                     GIOCondition             condition);
/* It has something to do: its turn comes after those that are queued already. */
void            tornadis_poller_item_queue          (TornadisPollerItem      *item);
void            tornadis_poller_item_unqueue        (TornadisPollerItem      *item);
/* Its turn comes next: it consumes what the others produce, and must do so before they produce more. */
void            tornadis_poller_item_queue_first    (TornadisPollerItem      *item);
/* During its turn: whether there is more to do than its descriptor shows. A main loop that runs within the turn then gives
 * it another one. */
static inline void
tornadis_poller_item_set_unfinished (TornadisPollerItem *item,
                                     gboolean            unfinished)
{
  item->unfinished = unfinished;
}
/* Something was written that a peer nearby answers at once: its reply is looked for before the main loop sleeps. */
void            tornadis_poller_item_expect_input   (TornadisPollerItem      *item);

void            tornadis_poller_timer_init          (TornadisPollerTimer     *timer,
                                                     TornadisPoller          *poller,
                                                     TornadisPollerTimerFunc  func);
void            tornadis_poller_timer_clear         (TornadisPollerTimer     *timer);
/* @at is monotonic time; 0: not at all. */
void            tornadis_poller_timer_set           (TornadisPollerTimer     *timer,
                                                     gint64                   at);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisPoller, tornadis_poller_unref)

G_END_DECLS
