/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/chaos.h"

#include <stdlib.h>

#include "soak/history.h"

/* How many operations at most there are between two of what happens. */
#define MAX_CALM 120
/* How long a server sleeps or is away; on a busy machine it may be longer. */
#define MAX_PAUSE_MSEC 150

typedef struct
{
  const char *name;
  void (*run) (Site *site, GRand *rand);
  gboolean sites[N_SITES]; /* where it may happen */
} Action;

struct _Chaos
{
  Site *site;      /* (unowned) */
  GRand *rand;     /* (owned) the thread's, while there is one */
  Tally *tally;    /* (unowned) */
  GThread *thread; /* (owned) (nullable) */
  const Action *action;
  gint is_over; /* (atomic) the thread has ended */
  guint64 next; /* how many operations have to end before the next begins */
};

static void
sleep_a_while (GRand *rand)
{
  g_usleep ((gulong) g_rand_int_range (rand, 0, MAX_PAUSE_MSEC * 1000));
}

static TornadisHarnessRedis *
pick_server (Site *site,
             GRand *rand)
{
  return site_get_server (site, (guint) g_rand_int_range (rand, 0, (gint32) site_get_n (site)));
}

static void
check (const char *what,
       const GError *error)
{
  if (error != NULL)
    g_error ("%s failed: %s", what, error->message);
}

/* Waits until a group is what it was, perhaps with other masters. */
static void
wait_until_ok (Site *site)
{
  g_autoptr (GError) error = NULL;

  if (site->cluster != NULL)
    tornadis_harness_cluster_wait_until_ok (site->cluster, &error);
  else if (site->sentinel != NULL)
    tornadis_harness_sentinel_wait (site->sentinel, &error);
  check ("Putting the servers in order", error);
}

/* The server's words do not matter: a server that loads its data has others. */
static void
command (TornadisHarnessRedis *server,
         const char *line)
{
  g_autofree char *answer G_GNUC_UNUSED = tornadis_harness_redis_command (server, line, NULL);
}

static void
kill_normal_clients (Site *site,
                     GRand *rand)
{
  command (pick_server (site, rand), "CLIENT KILL TYPE normal");
}

static void
kill_subscribers (Site *site,
                  GRand *rand)
{
  command (pick_server (site, rand), "CLIENT KILL TYPE pubsub");
}

/* One of them, whatever it is, but for those by which servers hear of each other. */
static void
kill_one_client (Site *site,
                 GRand *rand)
{
  TornadisHarnessRedis *server = pick_server (site, rand);
  g_autofree char *list = tornadis_harness_redis_command (server, g_rand_boolean (rand) ? "CLIENT LIST TYPE normal" : "CLIENT LIST TYPE pubsub", NULL);
  g_auto (GStrv) lines = g_strsplit (list != NULL ? list : "", "\nid=", -1);
  guint n = g_strv_length (lines);
  int id = n > 1 ? atoi (lines[g_rand_int_range (rand, 1, (gint32) n)]) : 0;

  if (id > 0)
    {
      g_autofree char *line = g_strdup_printf ("CLIENT KILL ID %d", id);

      command (server, line);
    }
}

static void
crash (Site *site,
       GRand *rand)
{
  TornadisHarnessRedis *server = pick_server (site, rand);
  g_autoptr (GError) error = NULL;

  tornadis_harness_redis_kill (server);
  if (g_rand_boolean (rand))
    sleep_a_while (rand);
  tornadis_harness_redis_restart (server, &error);
  check ("Starting the server again", error);
  wait_until_ok (site);
}

/* Long enough for another server to take its place. */
static void
crash_for_long (Site *site,
                GRand *rand)
{
  TornadisHarnessRedis *server = pick_server (site, rand);
  g_autoptr (GError) error = NULL;

  tornadis_harness_redis_kill (server);
  wait_until_ok (site);
  tornadis_harness_redis_restart (server, &error);
  check ("Starting the server again", error);
  wait_until_ok (site);
}

static void
stop_and_continue (Site *site,
                   GRand *rand)
{
  TornadisHarnessRedis *server = pick_server (site, rand);

  tornadis_harness_redis_pause (server);
  sleep_a_while (rand);
  tornadis_harness_redis_resume (server);
  wait_until_ok (site);
}

static void
hold_clients (Site *site,
              GRand *rand)
{
  g_autofree char *line = g_strdup_printf ("CLIENT PAUSE %d %s", g_rand_int_range (rand, 1, MAX_PAUSE_MSEC), g_rand_boolean (rand) ? "ALL" : "WRITE");

  command (pick_server (site, rand), line);
}

static void
forget_scripts (Site *site,
                GRand *rand)
{
  command (pick_server (site, rand), "SCRIPT FLUSH");
}

static void
fail_over (Site *site,
           GRand *rand)
{
  g_autoptr (GError) error = NULL;

  if (site->sentinel != NULL)
    {
      tornadis_harness_sentinel_failover (site->sentinel, &error);
    }
  else
    {
      static const char *const ways[] = { "", "FORCE", "TAKEOVER" };
      int replica = tornadis_harness_cluster_find_replica (site->cluster, (guint) g_rand_int_range (rand, 0, (gint32) site_get_n (site)), NULL);

      if (replica >= 0)
        tornadis_harness_cluster_failover (site->cluster, (guint) replica, ways[g_rand_int_range (rand, 0, G_N_ELEMENTS (ways))], &error);
    }
  check ("A failover", error);
  wait_until_ok (site);
}

/* The slot of one of the places that keys are in. */
static void
migrate (Site *site,
         GRand *rand)
{
  g_autofree char *key = g_strdup_printf ("{%d}", g_rand_int_range (rand, 0, N_PLACES));
  g_autoptr (GError) error = NULL;
  guint slot = (guint) tornadis_harness_cluster_find_slot (site->cluster, key, &error);
  guint to = (guint) g_rand_int_range (rand, 0, (gint32) site_get_n (site));

  if (error == NULL && (int) to != tornadis_harness_cluster_find_master (site->cluster, slot, &error))
    tornadis_harness_cluster_migrate_slot (site->cluster, slot, to, &error);
  check ("A migration", error);
}

static const Action actions[] = {
  { "kill-normal", kill_normal_clients, { TRUE, TRUE, TRUE, TRUE, TRUE } },
  { "kill-pubsub", kill_subscribers, { TRUE, TRUE, TRUE, TRUE, TRUE } },
  { "kill-one", kill_one_client, { TRUE, TRUE, TRUE, TRUE, TRUE } },
  { "crash", crash, { TRUE, TRUE, TRUE, TRUE, TRUE } },
  { "crash-for-long", crash_for_long, { FALSE, FALSE, FALSE, TRUE, TRUE } },
  { "stop", stop_and_continue, { TRUE, TRUE, TRUE, TRUE, TRUE } },
  { "hold", hold_clients, { TRUE, TRUE, TRUE, TRUE, TRUE } },
  { "forget-scripts", forget_scripts, { TRUE, TRUE, TRUE, TRUE, TRUE } },
  { "fail-over", fail_over, { FALSE, FALSE, FALSE, TRUE, TRUE } },
  { "migrate", migrate, { FALSE, FALSE, TRUE, FALSE, FALSE } },
};

Chaos *
chaos_new (Site *site,
           guint32 seed,
           Tally *tally)
{
  Chaos *self = g_new0 (Chaos, 1);

  self->site = site;
  self->rand = g_rand_new_with_seed (seed);
  self->tally = tally;
  self->next = (guint64) g_rand_int_range (self->rand, 0, MAX_CALM);

  return self;
}

static gpointer
act (gpointer data)
{
  Chaos *self = data;

  self->action->run (self->site, self->rand);
  g_atomic_int_set (&self->is_over, TRUE);
  g_main_context_wakeup (NULL);

  return NULL;
}

/* Whether nothing is happening. */
static gboolean
chaos_is_calm (Chaos *self)
{
  if (self->thread != NULL && g_atomic_int_get (&self->is_over))
    g_thread_join (g_steal_pointer (&self->thread));

  return self->thread == NULL;
}

void
chaos_tick (Chaos *self,
            guint64 n_done)
{
  gboolean was_acting = self->thread != NULL;

  if (!chaos_is_calm (self))
    return;
  if (was_acting)
    self->next = n_done + (guint64) g_rand_int_range (self->rand, 0, MAX_CALM);
  if (n_done < self->next)
    return;

  do
    self->action = &actions[g_rand_int_range (self->rand, 0, G_N_ELEMENTS (actions))];
  while (!self->action->sites[self->site->type]);
  tally_count (self->tally, self->action->name);
  self->is_over = FALSE;
  self->thread = g_thread_new ("chaos", act, self);
}

gboolean
chaos_end (Chaos *self)
{
  return chaos_is_calm (self);
}

void
chaos_free (Chaos *self)
{
  g_assert (self->thread == NULL);
  g_rand_free (self->rand);
  g_free (self);
}
