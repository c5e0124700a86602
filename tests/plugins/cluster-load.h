/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is done to a cluster all the time while something happens to it, and what must be true of it afterwards. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "harness/harness.h"

G_BEGIN_DECLS

/* So many keys are written, and so many counted; so many calls are under way at any time. */
#define LOAD_N_KEYS 60
#define LOAD_N_IN_FLIGHT 48

typedef struct
{
  char *key;             /* (owned) */
  guint64 n_acknowledged; /* INCRs that were answered */
  guint64 n_unclear;      /* that may have run */
  guint64 n_rounds;       /* answers to any command of a key of this number, to calls that were begun in the present round */
} LoadCounter;

typedef struct
{
  TornadisClient *client; /* (unowned) */
  LoadCounter counters[LOAD_N_KEYS];
  guint64 n_calls;
  guint n_under_way;
  guint round;
  gboolean is_stopping;
  guint n_errors; /* of any kind */
  guint n_lost;
  guint n_refused; /* by a server */
} Load;

typedef gboolean (*LoadEvent) (TornadisHarnessCluster  *cluster,
                               GError                 **error);

/* Begins. */
Load   *load_start          (TornadisClient         *client);
/* Lets it happen in a thread, with the load going on, and waits until it has. */
void    load_during         (Load                   *self,
                             TornadisHarnessCluster *cluster,
                             LoadEvent               event);
/* Waits until calls that begin now are answered, for each key. */
void    load_wait_for_all   (Load                   *self);
/* Waits until every call has ended. */
void    load_stop           (Load                   *self);
/* Of how many INCRs that were acknowledged the cluster knows nothing; it never knows of more than there were. */
guint64 load_count_missing  (Load                   *self);
void    load_free           (Load                   *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Load, load_free)

G_END_DECLS
