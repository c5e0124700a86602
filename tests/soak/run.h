/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One round of one kind: clients that are made for it, workers that have a number of operations to do with them, and what
 * happens meanwhile. At its end nothing of it is left. */

#pragma once

#include "soak/chaos.h"
#include "soak/history.h"

G_BEGIN_DECLS

typedef struct _Run Run;

#define MAX_PARTICIPANTS 4

/* Somebody beside the workers who has something of its own to do. All are begun before the first operation. */
typedef struct
{
  gpointer (*begin) (Run *run);
  /* There are no more operations, and nothing happens to the servers any more. Called again and again until it is TRUE: all is
   * done and was as it has to be. */
  gboolean (*end) (gpointer self);
  void (*free) (gpointer self);
} Participant;

typedef struct
{
  const char *name;
  SiteType site;
  const char *const *plugins; /* (nullable) of the clients, by their names; with one server with options: "limit:max-in-flight=8" */
  gboolean may_lose;          /* the servers lose what they have acknowledged */
  gboolean has_pool;          /* workers call it beside the clients, and what wants a connection of its own has one of it */
  gboolean has_cache;         /* each place of keys belongs to one client: what others do takes a moment to reach its cache */
  gboolean has_few_workers;   /* of a cache that is written all the time little is read */
  const Participant *participants[MAX_PARTICIPANTS];
} Kind;

struct _Run
{
  const Kind *kind;
  Site *site;                              /* (unowned) */
  Tally *tally;                            /* (unowned) */
  Tally *events;                           /* (unowned) what has happened to the servers */
  GRand *rand;                             /* (owned) */
  char *title;                             /* (owned) the seed, the kind and the number of the round */
  char *prefix;                            /* (owned) of all names, so that nothing of another round has the same */
  History *history;                        /* (owned) */
  GPtrArray *clients;                      /* (owned) (element-type TornadisClient) */
  TornadisClientPool *pool;                /* (owned) (nullable) */
  TornadisScript *script;                  /* (owned) runs the command that its first argument names, with the key as the first of the others */
  Chaos *chaos;                            /* (owned) */
  gpointer participants[MAX_PARTICIPANTS]; /* (owned) (nullable) of the kind */
  guint64 next_disturbance;                /* after so many operations something is done to a client */
  guint n_workers;                         /* that are not done yet */
  guint n_left;                            /* operations to begin */
  guint n_pending;                         /* calls that have begun and not ended */
  guint64 n_done;                          /* what has ended, which is how progress shows */
  guint n_alive;                           /* objects that were made and not finalized */
  guint n_files;                           /* that were open before */
  guint first_source;                      /* that did not run before */
};

/* Does @n_operations of the kind, as the seed and the number of the @round say. Whatever is wrong ends the program. Of what the
 * first round of a program leaves some is GLib's, and stays: its sources and files are not looked at. */
void run_round (const Kind *kind,
                Site *site,
                guint64 seed,
                guint round,
                guint n_operations,
                gboolean is_first,
                Tally *tally,
                Tally *events);
/* Whether there is an operation left to begin, which is taken. */
gboolean run_take (Run *self);
/* A number below @n. */
guint run_random (Run *self,
                  guint n);
/* The client that a place belongs to, where it does. */
TornadisClient *run_get_client (Run *self,
                                guint place);
TornadisClient *run_pick_client (Run *self);
/* Client or pool (transfer none). */
TornadisCaller *run_pick_caller (Run *self);
/* From now on it has to be finalized until the end of the round. Returns the same. */
gpointer run_track (Run *self,
                    gpointer object);
/* It is not as it has to be: says so and ends the program. */
void run_fail (Run *self,
               const char *format,
               ...) G_GNUC_PRINTF (2, 3) G_GNUC_NORETURN;

/* What an error says of the command. */
typedef enum
{
  FATE_NEVER,   /* it has not run */
  FATE_UNCLEAR, /* it may have, or may yet */
} Fate;

/* Counts the error, which must be one that may come. */
Fate run_take_error (Run *self,
                     const GError *error);

G_END_DECLS
