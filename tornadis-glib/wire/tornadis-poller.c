/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-poller.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#ifdef TORNADIS_HAVE_EPOLL
#include <sys/epoll.h>
#endif

/* How the time of the main loop is shared out.
 *
 * There are two sources. The one at the default priority is in charge until all items together have used up SHARE_USEC
 * of a window, or have left work over. Then they yield: the other source is in charge, behind GTK's redraw at 120, and
 * has whatever time nobody else wants. With the next window, and when nothing is left over, it begins anew at the default
 * priority.
 *
 * When for WAIT_USEC there was no such time, they are let in at the default priority once more, for as long as the
 * share of that time, at the most MAX_GRANT_USEC, in dispatches of SHARE_USEC between which others at that priority have
 * their turns. A window of 16.7 ms has room for one such dispatch, two at its ends, and one of BATCH_USEC that began just
 * before a frame was due: 5 ms. */
#define YIELD_PRIORITY (G_PRIORITY_HIGH_IDLE + 25)
#define WINDOW_USEC (16 * G_TIME_SPAN_MILLISECOND)
#define WAIT_USEC (12 * G_TIME_SPAN_MILLISECOND)
#define SHARE_USEC (2 * G_TIME_SPAN_MILLISECOND)
#define MAX_GRANT_USEC (5 * G_TIME_SPAN_MILLISECOND)
#define BATCH_USEC (1 * G_TIME_SPAN_MILLISECOND)
/* An item's part of that when others wait for their turns. */
#define SLICE_USEC 250

/* A server nearby answers sooner than a thread that went to sleep is awake again: after a write, the reply is looked for
 * this long before the main loop sleeps. When it does not come, the next writes are not followed by this, twice as many
 * each time, up to 2^SPIN_MAX_MISSES: a distant server costs no time. */
#define SPIN_USEC 50
#define SPIN_MAX_MISSES 10
/* However many connections a thread has, it spends no more than a twentieth of its time on looking in vain. */
#define SPIN_PAUSE_USEC (20 * SPIN_USEC)

/* How many items are asked for at a time, and no more are expected. */
#define EVENTS 64

typedef enum
{
  SOURCE_PROMPT,   /* at the default priority */
  SOURCE_YIELDING, /* behind frames */
  N_SOURCES
} TornadisPollerSourceKind;

/* An item or a timer during its turn; on the stack. */
typedef struct _TornadisPollerTurn TornadisPollerTurn;

struct _TornadisPollerTurn
{
  TornadisPollerTurn *outer;  /* (nullable) the turn in which the main loop runs that this belongs to */
  TornadisPollerItem *item;   /* (unowned) (nullable) NULL once it was cleared */
  TornadisPollerTimer *timer; /* (unowned) (nullable) likewise */
};

struct _TornadisPoller
{
  int ref_count;               /* guarded by the lock of the table */
  GMainContext *context;       /* (owned) */
  gpointer data;               /* (owned) (nullable) */
  GDestroyNotify data_destroy; /* (nullable) of @data */
  GSource *sources[N_SOURCES]; /* (owned) */
  TornadisPollerSourceKind in_charge;
  GQueue ready;      /* (element-type TornadisPollerItem) (unowned) in the order of their turns */
  GSequence *timers; /* (owned) (element-type TornadisPollerTimer) (unowned) by time */
  gint64 next_timer; /* monotonic time, or 0 */
#ifdef TORNADIS_HAVE_EPOLL
  int epoll_fd;
  pid_t pid;                /* whose @epoll_fd is; a child made with fork() shares what is watched with its parent */
  gpointer tags[N_SOURCES]; /* of @epoll_fd */
#else
  GPtrArray *polled; /* (owned) (element-type TornadisPollerItem) (unowned) */
#endif
  TornadisPollerTurn *turn;      /* (unowned) (nullable) the innermost */
  TornadisPollerItem *expecting[EVENTS]; /* (unowned) whose input is worth waiting for; there is no order */
  guint n_expecting;
  gboolean was_written;          /* something that is answered at once, since the dispatch began */
  gint64 spin_not_before;        /* monotonic time */
  gint64 window_start;           /* monotonic time */
  gint64 window_used;            /* microseconds at the default priority since */
  gint64 yielded;                /* monotonic time: when a source was last dispatched */
  gint64 grant;                  /* microseconds that the next dispatches may take because of a long wait, or 0 */
  gboolean collected;            /* since the last poll */
  gboolean settled;              /* the context has its timeout, and may be asleep */
};

typedef struct
{
  GSource source;
  TornadisPoller *poller; /* (unowned) it destroys the source when it is freed */
  TornadisPollerSourceKind kind;
} TornadisPollerSource;

static GMutex lock;
static GHashTable *pollers; /* (element-type GMainContext TornadisPoller) (unowned), guarded by @lock */

/* There is something to do that the main loop did not know of when it went to sleep. What comes up while sources are
 * dispatched is found before it sleeps, but not what another source's prepare function causes, or whoever polls in place
 * of GLib. */
static inline void
poller_wake_up (TornadisPoller *self)
{
  if (G_LIKELY (!self->settled))
    return;

  self->settled = FALSE;
  g_main_context_wakeup (self->context);
}

static void
poller_enqueue (TornadisPoller *self,
                TornadisPollerItem *item)
{
  if (item->queued)
    return;

  item->queued = TRUE;
  g_queue_push_tail_link (&self->ready, &item->link);
}

static inline void
item_unexpect (TornadisPollerItem *item)
{
  TornadisPoller *poller = item->poller;
  TornadisPollerItem *last;

  if (!item->expecting)
    return;

  last = poller->expecting[--poller->n_expecting];
  last->place = item->place;
  poller->expecting[item->place] = last;
  item->expecting = FALSE;
}

static inline void
poller_add_condition (TornadisPoller *self,
                      TornadisPollerItem *item,
                      GIOCondition condition)
{
  item->ready |= condition;
  item_unexpect (item);
  poller_enqueue (self, item);
}

/* Descriptors. */

#ifdef TORNADIS_HAVE_EPOLL

/* The bits are the same. */
G_STATIC_ASSERT ((int) EPOLLIN == (int) G_IO_IN && (int) EPOLLOUT == (int) G_IO_OUT);
G_STATIC_ASSERT ((int) EPOLLERR == (int) G_IO_ERR && (int) EPOLLHUP == (int) G_IO_HUP);

static void
poller_collect (TornadisPoller *self)
{
  struct epoll_event events[EVENTS];
  int n_events = epoll_wait (self->epoll_fd, events, G_N_ELEMENTS (events), 0);

  for (int i = 0; i < n_events; i++)
    poller_add_condition (self, events[i].data.ptr, (GIOCondition) events[i].events);
}

static gboolean
poller_watch (TornadisPoller *self,
              TornadisPollerItem *item)
{
  struct epoll_event event = { .events = item->watched, .data.ptr = item };

  if (epoll_ctl (self->epoll_fd, item->polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, item->fd, &event) == 0)
    item->polled = TRUE;

  return item->polled;
}

static void
poller_unwatch (TornadisPoller *self,
                TornadisPollerItem *item)
{
  if (self->pid == getpid ())
    epoll_ctl (self->epoll_fd, EPOLL_CTL_DEL, item->fd, NULL);
  item->polled = FALSE;
}

/* What is ready now, of those whose input is expected at least. Returns whether all have been looked at. */
static gboolean
poller_look (TornadisPoller *self)
{
  poller_collect (self);
  return TRUE;
}

static gboolean
poller_has_input (TornadisPoller *self)
{
  GSource *source = self->sources[self->in_charge];

  return self->epoll_fd >= 0 && g_source_query_unix_fd (source, self->tags[self->in_charge]) != 0;
}

static void
poller_update_sources (TornadisPoller *self)
{
  for (guint i = 0; self->epoll_fd >= 0 && i < N_SOURCES; i++)
    g_source_modify_unix_fd (self->sources[i], self->tags[i], i == self->in_charge ? G_IO_IN : 0);
}

static void
poller_init_descriptors (TornadisPoller *self)
{
  self->epoll_fd = -1;
}

static void
poller_clear_descriptors (TornadisPoller *self)
{
  if (self->epoll_fd >= 0)
    close (self->epoll_fd);
}

gboolean
tornadis_poller_open (TornadisPoller *self,
                      GError **error)
{
  if (self->epoll_fd >= 0 && self->pid == getpid ())
    return TRUE;

  if (self->epoll_fd >= 0)
    {
      for (guint i = 0; i < N_SOURCES; i++)
        g_source_remove_unix_fd (self->sources[i], self->tags[i]);
      close (self->epoll_fd);
    }

  self->pid = getpid ();
  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (self->epoll_fd < 0)
    {
      int saved_errno = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno), "No descriptor for the main loop: %s",
                   g_strerror (saved_errno));
      return FALSE;
    }

  for (guint i = 0; i < N_SOURCES; i++)
    self->tags[i] = g_source_add_unix_fd (self->sources[i], self->epoll_fd, i == self->in_charge ? G_IO_IN : 0);

  return TRUE;
}

#else

static GIOCondition
item_query (TornadisPoller *self,
            TornadisPollerItem *item)
{
  return g_source_query_unix_fd (self->sources[self->in_charge], item->tags[self->in_charge]);
}

static void
poller_collect (TornadisPoller *self)
{
  for (guint i = 0; i < self->polled->len; i++)
    {
      TornadisPollerItem *item = g_ptr_array_index (self->polled, i);
      GIOCondition condition = item_query (self, item) & (item->watched | G_IO_ERR | G_IO_HUP);

      if (condition != 0)
        poller_add_condition (self, item, condition);
    }
}

static void
item_update_tags (TornadisPoller *self,
                  TornadisPollerItem *item)
{
  for (guint i = 0; i < N_SOURCES; i++)
    g_source_modify_unix_fd (self->sources[i], item->tags[i], i == self->in_charge ? item->watched : 0);
}

static gboolean
poller_watch (TornadisPoller *self,
              TornadisPollerItem *item)
{
  if (!item->polled)
    {
      g_ptr_array_add (self->polled, item);
      for (guint i = 0; i < N_SOURCES; i++)
        item->tags[i] = g_source_add_unix_fd (self->sources[i], item->fd, 0);
    }

  item->polled = TRUE;
  item_update_tags (self, item);
  return TRUE;
}

static void
poller_unwatch (TornadisPoller *self,
                TornadisPollerItem *item)
{
  g_ptr_array_remove_fast (self->polled, item);
  for (guint i = 0; i < N_SOURCES; i++)
    g_source_remove_unix_fd (self->sources[i], item->tags[i]);
  item->polled = FALSE;
}

static gboolean
poller_look (TornadisPoller *self)
{
  GPollFD poll_fds[EVENTS];

  for (guint i = 0; i < self->n_expecting; i++)
    poll_fds[i] = (GPollFD){ self->expecting[i]->fd, self->expecting[i]->watched, 0 };

  g_poll (poll_fds, self->n_expecting, 0);
  /* The last takes the place of one that is not expected any more. */
  for (guint i = self->n_expecting; i > 0; i--)
    if (poll_fds[i - 1].revents != 0)
      poller_add_condition (self, self->expecting[i - 1], poll_fds[i - 1].revents);

  return FALSE;
}

static gboolean
poller_has_input (TornadisPoller *self)
{
  return self->polled->len > 0;
}

static void
poller_update_sources (TornadisPoller *self)
{
  for (guint i = 0; i < self->polled->len; i++)
    item_update_tags (self, g_ptr_array_index (self->polled, i));
}

static void
poller_init_descriptors (TornadisPoller *self)
{
  self->polled = g_ptr_array_new ();
}

static void
poller_clear_descriptors (TornadisPoller *self)
{
  g_ptr_array_unref (self->polled);
}

gboolean
tornadis_poller_open (TornadisPoller *self,
                      GError **error)
{
  return TRUE;
}

#endif

/* Whose turn it is. */

static gboolean
poller_has_work (TornadisPoller *self,
                 gint64 now)
{
  return self->ready.length > 0 || (self->next_timer != 0 && self->next_timer <= now);
}

static void
poller_put_in_charge (TornadisPoller *self,
                      TornadisPollerSourceKind kind)
{
  if (self->in_charge == kind)
    return;

  self->in_charge = kind;
  poller_update_sources (self);
}

/* What the dispatch that begins may take. */
static gint64
poller_take_budget (TornadisPoller *self)
{
  gint64 budget = self->grant != 0 ? MIN (self->grant, SHARE_USEC) : BATCH_USEC;

  self->grant = MAX (self->grant - budget, 0);

  return budget;
}

/* Called at the end of a dispatch. */
static void
poller_share_out (TornadisPoller *self,
                  TornadisPollerSourceKind kind,
                  gint64 start)
{
  gint64 now = g_get_monotonic_time ();
  gboolean more = self->ready.length > 0;

  if (start - self->window_start > WINDOW_USEC)
    {
      self->window_start = start;
      self->window_used = 0;
    }
  if (kind == SOURCE_PROMPT)
    self->window_used += now - start;

  self->yielded = now;
  if (!more)
    self->grant = 0;
  if (self->grant > 0)
    return;

  /* Not back as soon as nothing is left: changing over costs two main-context iterations. */
  poller_put_in_charge (self, more || self->window_used >= SHARE_USEC ? SOURCE_YIELDING : SOURCE_PROMPT);
}

/* A main loop runs within these turns, perhaps for long: what they have begun continues there. */
static void
poller_resume_turns (TornadisPoller *self,
                     gint64 now)
{
  for (TornadisPollerTurn *turn = self->turn; turn != NULL; turn = turn->outer)
    {
      TornadisPollerTimer *timer = g_steal_pointer (&turn->timer);

      if (turn->item != NULL && turn->item->unfinished)
        {
          turn->item->unfinished = FALSE;
          poller_enqueue (self, turn->item);
        }
      /* Once is enough: then the timer's own function sets it. */
      if (timer != NULL && (timer->at == 0 || timer->at > now))
        tornadis_poller_timer_set (timer, now);
    }
}

/* Milliseconds until @at, rounded up; @timeout may be shorter already. */
static void
shorten_timeout (int *timeout,
                 gint64 at,
                 gint64 now)
{
  gint64 msec = (MAX (at - now, 0) + 999) / 1000;

  if (*timeout < 0 || msec < *timeout)
    *timeout = (int) MIN (msec, G_MAXINT);
}

static void
poller_expect_nobody (TornadisPoller *self,
                      gboolean in_vain)
{
  while (self->n_expecting > 0)
    {
      TornadisPollerItem *item = self->expecting[self->n_expecting - 1];

      item_unexpect (item);
      if (in_vain)
        {
          item->misses = MIN (item->misses + 1, SPIN_MAX_MISSES);
          item->skips = (guint16) ((1U << item->misses) - 1);
        }
    }
}

static gboolean
poller_spin (TornadisPoller *self,
             gint64 deadline)
{
  /* One of several that are to answer may wait for this very processor. */
  if (self->n_expecting > 1)
    sched_yield ();

  do
    {
      self->collected = poller_look (self);
      for (GList *link = self->ready.head; link != NULL; link = link->next)
        ((TornadisPollerItem *) link->data)->misses = 0;
      if (self->ready.length > 0)
        return TRUE;
    }
  while (g_get_monotonic_time () < deadline);

  return FALSE;
}

/* Looks for the replies to what was just written, for as long as going to sleep would take longer. When one has come, the
 * others are looked for after its turn. */
static gboolean
poller_find_input (TornadisPoller *self)
{
  gint64 now = g_get_monotonic_time ();

  if (now < self->spin_not_before)
    {
      poller_expect_nobody (self, FALSE);
      return FALSE;
    }

  if (poller_spin (self, now + SPIN_USEC))
    return TRUE;

  self->spin_not_before = now + SPIN_USEC + SPIN_PAUSE_USEC;
  poller_expect_nobody (self, TRUE);
  return FALSE;
}

/* What is due is found here and not announced with g_source_set_ready_time(), which wakes the main loop up with a write to
 * a file descriptor, though it is this very thread that runs it. */
static gboolean
poller_find_work (TornadisPoller *self,
                  GSource *source,
                  int *timeout)
{
  const TornadisPollerSource *own = (TornadisPollerSource *) source;
  gint64 now;

  *timeout = -1;
  self->collected = FALSE;

  if (own->kind != self->in_charge)
    {
      if (own->kind == SOURCE_YIELDING)
        return FALSE;

      now = g_source_get_time (source);
      if (now < self->yielded + WAIT_USEC)
        {
          shorten_timeout (timeout, self->yielded + WAIT_USEC, now);
          return FALSE;
        }

      /* Others had all the time. */
      self->grant = CLAMP ((now - self->yielded) * SHARE_USEC / WINDOW_USEC, SHARE_USEC, MAX_GRANT_USEC);
      self->window_start = now;
      self->window_used = 0;
      poller_put_in_charge (self, SOURCE_PROMPT);
    }

  if (self->ready.length > 0)
    return TRUE;

  if (self->n_expecting > 0 && poller_find_input (self))
    return TRUE;

  self->collected = FALSE;
  if (self->next_timer == 0)
    return FALSE;

  now = g_source_get_time (source);
  shorten_timeout (timeout, self->next_timer, now);
  return self->next_timer <= now;
}

static gboolean
poller_prepare (GSource *source,
                int *timeout)
{
  TornadisPoller *self = ((TornadisPollerSource *) source)->poller;
  gboolean has_work;

  if (self->turn != NULL)
    poller_resume_turns (self, g_source_get_time (source));

  has_work = poller_find_work (self, source, timeout);
  self->settled = TRUE;
  return has_work;
}

static gboolean
poller_check (GSource *source)
{
  const TornadisPollerSource *own = (TornadisPollerSource *) source;
  TornadisPoller *self = own->poller;

  self->settled = FALSE;
  return own->kind == self->in_charge && poller_has_work (self, g_source_get_time (source));
}

static void
poller_run_timers (TornadisPoller *self,
                   gint64 now,
                   gint64 deadline)
{
  while (self->next_timer != 0 && self->next_timer <= now)
    {
      TornadisPollerTimer *timer = g_sequence_get (g_sequence_get_begin_iter (self->timers));

      TornadisPollerTurn turn = { .outer = self->turn, .timer = timer };

      tornadis_poller_timer_set (timer, 0);
      self->turn = &turn;
      timer->func (timer, now, deadline);
      self->turn = turn.outer;
      if (g_get_monotonic_time () > deadline)
        return;
    }
}

static void
poller_run_items (TornadisPoller *self,
                  gint64 now,
                  gint64 deadline)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&self->ready)) != NULL)
    {
      TornadisPollerItem *item = link->data;
      GIOCondition condition = item->ready;
      TornadisPollerTurn turn = { .outer = self->turn, .item = item };

      item->queued = FALSE;
      item->ready = 0;
      self->turn = &turn;
      item->func (item, condition, now, self->ready.length == 0 ? deadline : MIN (now + SLICE_USEC, deadline));
      self->turn = turn.outer;

      now = g_get_monotonic_time ();
      if (now >= deadline)
        return;
    }
}

/* Several answer at about the same time: to go around the main loop in between takes longer than the next one does. Once
 * something was written others have their turns first: that is not answered so soon. */
static void
poller_run_answers (TornadisPoller *self,
                    gint64 deadline)
{
  gint64 until = 0;

  while (self->ready.length == 0 && self->n_expecting > 0 && !self->was_written)
    {
      gint64 now = g_get_monotonic_time ();

      if (until == 0)
        until = MIN (now + SPIN_USEC, deadline);
      if (now >= until || now < self->spin_not_before || !poller_spin (self, until))
        return;
      poller_run_items (self, now, deadline);
    }
}

static gboolean
poller_dispatch (GSource *source,
                 GSourceFunc callback,
                 gpointer user_data)
{
  const TornadisPollerSource *own = (TornadisPollerSource *) source;
  g_autoptr (TornadisPoller) self = tornadis_poller_ref (own->poller);
  gint64 start = g_get_monotonic_time ();
  gint64 budget = poller_take_budget (self);

  self->settled = FALSE;
  self->was_written = FALSE;
  if (!self->collected && poller_has_input (self))
    poller_collect (self);

  poller_run_timers (self, start, start + budget);
  poller_run_items (self, start, start + budget);
  poller_run_answers (self, start + budget);
  poller_share_out (self, own->kind, start);

  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
  .prepare = poller_prepare,
  .check = poller_check,
  .dispatch = poller_dispatch,
};

static void
poller_add_source (TornadisPoller *self,
                   TornadisPollerSourceKind kind,
                   int priority,
                   const char *name)
{
  GSource *source = g_source_new (&source_funcs, sizeof (TornadisPollerSource));
  TornadisPollerSource *own = (TornadisPollerSource *) source;

  own->poller = self;
  own->kind = kind;
  g_source_set_static_name (source, name);
  g_source_set_priority (source, priority);
  /* A callback may run a main loop of its own, which must go on getting replies. */
  g_source_set_can_recurse (source, TRUE);
  self->sources[kind] = source;
}

static TornadisPoller *
poller_new (GMainContext *context)
{
  TornadisPoller *self = g_new0 (TornadisPoller, 1);

  self->context = g_main_context_ref (context);
  self->timers = g_sequence_new (NULL);
  g_queue_init (&self->ready);
  poller_add_source (self, SOURCE_PROMPT, G_PRIORITY_DEFAULT, "[tornadis] connections");
  poller_add_source (self, SOURCE_YIELDING, YIELD_PRIORITY, "[tornadis] connections, behind frames");
  poller_init_descriptors (self);
  for (guint i = 0; i < N_SOURCES; i++)
    g_source_attach (self->sources[i], context);

  return self;
}

static void
poller_free (TornadisPoller *self)
{
  g_assert (g_queue_is_empty (&self->ready));
  g_assert (g_sequence_is_empty (self->timers));

  for (guint i = 0; i < N_SOURCES; i++)
    {
      g_source_destroy (self->sources[i]);
      g_source_unref (self->sources[i]);
    }
  poller_clear_descriptors (self);
  if (self->data != NULL)
    self->data_destroy (self->data);
  g_sequence_free (self->timers);
  g_main_context_unref (self->context);
  g_free (self);
}

TornadisPoller *
tornadis_poller_get (GMainContext *context)
{
  TornadisPoller *self;

  g_mutex_lock (&lock);
  if (pollers == NULL)
    pollers = g_hash_table_new (NULL, NULL);
  self = g_hash_table_lookup (pollers, context);
  if (self == NULL)
    {
      self = poller_new (context);
      g_hash_table_insert (pollers, context, self);
    }
  self->ref_count++;
  g_mutex_unlock (&lock);

  return self;
}

TornadisPoller *
tornadis_poller_ref (TornadisPoller *self)
{
  g_mutex_lock (&lock);
  self->ref_count++;
  g_mutex_unlock (&lock);

  return self;
}

void
tornadis_poller_unref (TornadisPoller *self)
{
  gboolean last;

  g_mutex_lock (&lock);
  last = --self->ref_count == 0;
  if (last)
    g_hash_table_remove (pollers, self->context);
  g_mutex_unlock (&lock);

  if (last)
    poller_free (self);
}

gpointer *
tornadis_poller_get_data (TornadisPoller *self,
                          GDestroyNotify destroy)
{
  self->data_destroy = destroy;
  return &self->data;
}

/* Items. */

void
tornadis_poller_item_init (TornadisPollerItem *item,
                           TornadisPoller *poller,
                           int fd,
                           TornadisPollerItemFunc func)
{
  *item = (TornadisPollerItem){ .poller = tornadis_poller_ref (poller), .fd = fd, .func = func };
  item->link.data = item;
}

void
tornadis_poller_item_clear (TornadisPollerItem *item)
{
  TornadisPoller *poller = item->poller;

  if (poller == NULL)
    return;

  tornadis_poller_item_unqueue (item);
  if (item->polled)
    poller_unwatch (poller, item);
  item_unexpect (item);
  for (TornadisPollerTurn *turn = poller->turn; turn != NULL; turn = turn->outer)
    if (turn->item == item)
      turn->item = NULL;

  g_clear_pointer (&item->poller, tornadis_poller_unref);
}

gboolean
tornadis_poller_item_watch (TornadisPollerItem *item,
                            GIOCondition condition)
{
  if (item->polled && item->watched == condition)
    return TRUE;

  item->watched = condition;
  return poller_watch (item->poller, item);
}

void
tornadis_poller_item_queue (TornadisPollerItem *item)
{
  poller_enqueue (item->poller, item);
  poller_wake_up (item->poller);
}

void
tornadis_poller_item_unqueue (TornadisPollerItem *item)
{
  if (!item->queued)
    return;

  g_queue_unlink (&item->poller->ready, &item->link);
  item->queued = FALSE;
  item->ready = 0;
}

void
tornadis_poller_item_queue_first (TornadisPollerItem *item)
{
  if (item->queued)
    return;

  item->queued = TRUE;
  g_queue_push_head_link (&item->poller->ready, &item->link);
  poller_wake_up (item->poller);
}

void
tornadis_poller_item_expect_input (TornadisPollerItem *item)
{
  TornadisPoller *poller = item->poller;

  poller->was_written = TRUE;
  if (item->skips > 0)
    {
      item->skips--;
      return;
    }
  if (item->expecting || poller->n_expecting == EVENTS)
    return;

  item->expecting = TRUE;
  item->place = poller->n_expecting;
  poller->expecting[poller->n_expecting++] = item;
}

/* Timers. */

static int
timer_compare (gconstpointer a,
               gconstpointer b,
               gpointer user_data)
{
  const TornadisPollerTimer *one = a, *other = b;

  return (one->at > other->at) - (one->at < other->at);
}

static void
poller_update_next_timer (TornadisPoller *self)
{
  GSequenceIter *first = g_sequence_get_begin_iter (self->timers);
  const TornadisPollerTimer *timer = g_sequence_iter_is_end (first) ? NULL : g_sequence_get (first);
  gint64 last = self->next_timer;

  self->next_timer = timer != NULL ? timer->at : 0;
  if (timer != NULL && (last == 0 || timer->at < last))
    poller_wake_up (self);
}

void
tornadis_poller_timer_init (TornadisPollerTimer *timer,
                            TornadisPoller *poller,
                            TornadisPollerTimerFunc func)
{
  *timer = (TornadisPollerTimer){ .poller = tornadis_poller_ref (poller), .func = func };
}

void
tornadis_poller_timer_clear (TornadisPollerTimer *timer)
{
  if (timer->poller == NULL)
    return;

  tornadis_poller_timer_set (timer, 0);
  for (TornadisPollerTurn *turn = timer->poller->turn; turn != NULL; turn = turn->outer)
    if (turn->timer == timer)
      turn->timer = NULL;
  g_clear_pointer (&timer->poller, tornadis_poller_unref);
}

void
tornadis_poller_timer_set (TornadisPollerTimer *timer,
                           gint64 at)
{
  TornadisPoller *poller = timer->poller;

  if (timer->at == at)
    return;

  timer->at = at;
  if (at == 0)
    g_clear_pointer (&timer->iter, g_sequence_remove);
  else if (timer->iter == NULL)
    timer->iter = g_sequence_insert_sorted (poller->timers, timer, timer_compare, NULL);
  else
    g_sequence_sort_changed (timer->iter, timer_compare, NULL);

  poller_update_next_timer (poller);
}
