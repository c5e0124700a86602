/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/scans.h"

#include <stdlib.h>
#include <string.h>

#include "soak/job.h"

/* What is there all the time is told, each at least once, and with the property unique not twice. A server that was started anew
 * has it in another order, so that a scan that goes on there may leave out some. */

#define N_MEMBERS 400
#define MAX_COUNT 100
/* Milliseconds. */
#define MAX_WAIT 10
/* One of so many batches is not followed by another. */
#define LET_GO 50

typedef struct
{
  Run *run;                 /* (unowned) */
  TornadisScanner *scanner; /* (owned) (nullable) */
  char *key;                /* (owned) of a set */
  gboolean unique;
  guint told[N_MEMBERS]; /* how often */
  guint64 n_crashes;     /* when the scan began */
  Whim whim;
  gboolean is_busy;
} Scans;

static void scans_begin_one (Scans *self);
static void scans_go_on (Scans *self);

static gboolean
again_cb (gpointer user_data)
{
  scans_go_on (user_data);

  return G_SOURCE_REMOVE;
}

static void
scans_take (Scans *self,
            TornadisReply *batch)
{
  for (gsize i = 0; i < tornadis_reply_get_n_elements (batch); i++)
    {
      const char *text = tornadis_reply_get_text (tornadis_reply_get_element (batch, i));
      guint member = text != NULL && *text == 'm' ? (guint) atoi (text + 1) : N_MEMBERS;

      if (member >= N_MEMBERS)
        run_fail (self->run, "The set %s has the member %s", self->key, text);
      if (++self->told[member] > 1 && self->unique)
        run_fail (self->run, "The member %s of %s comes twice", text, self->key);
    }
}

static void
scans_end_one (Scans *self)
{
  Run *run = self->run;

  tally_count (run->tally, "scans");
  if (tally_get (run->events, "crash") == self->n_crashes)
    for (guint i = 0; i < N_MEMBERS; i++)
      if (self->told[i] == 0)
        run_fail (run, "The member m%u of %s does not come", i, self->key);
  scans_begin_one (self);
}

static void
next_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  Scans *self = user_data;
  Run *run = self->run;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) batch = tornadis_scanner_next_finish (self->scanner, result, &error);

  run->n_pending--;
  run->n_done++;
  whim_clear (&self->whim);
  if (error != NULL)
    {
      run_take_error (run, error);
      g_timeout_add (1 + run_random (run, MAX_WAIT), again_cb, self);
    }
  else if (batch == NULL)
    scans_end_one (self);
  else
    {
      scans_take (self, batch);
      if (run_random (run, LET_GO) == 0)
        scans_begin_one (self);
      else
        scans_go_on (self);
    }
}

static void
scans_go_on (Scans *self)
{
  whim_begin (&self->whim, self->run);
  self->run->n_pending++;
  tornadis_scanner_next_async (self->scanner, self->whim.cancellable, next_cb, self);
}

static void
scans_begin_one (Scans *self)
{
  Run *run = self->run;
  g_autoptr (GBytes) key = g_bytes_new (self->key, strlen (self->key));

  g_clear_object (&self->scanner);
  self->is_busy = run_take (run);
  if (!self->is_busy)
    return;

  self->unique = run_random (run, 2) == 0;
  self->n_crashes = tally_get (run->events, "crash");
  memset (self->told, 0, sizeof self->told);
  self->scanner = run_track (run, g_object_new (TORNADIS_TYPE_SCANNER, "caller", run_pick_caller (run), "kind", TORNADIS_SCANNER_KIND_SET,
                                                "key", key, "count", 1 + run_random (run, MAX_COUNT), "unique", self->unique, NULL));
  scans_go_on (self);
}

static gpointer
scans_begin (Run *run)
{
  Scans *self = g_new0 (Scans, 1);
  g_autofree char *answer G_GNUC_UNUSED = NULL;
  g_autoptr (GString) line = g_string_new ("SADD ");

  self->run = run;
  self->key = g_strdup_printf ("%s:set", run->prefix);
  g_string_append (line, self->key);
  for (guint i = 0; i < N_MEMBERS; i++)
    g_string_append_printf (line, " m%u", i);
  answer = tornadis_harness_redis_command (run->site->server, line->str, NULL);
  scans_begin_one (self);

  return self;
}

static gboolean
scans_end (gpointer data)
{
  return !((Scans *) data)->is_busy;
}

static void
scans_free (gpointer data)
{
  Scans *self = data;

  g_clear_object (&self->scanner);
  g_free (self->key);
  g_free (self);
}

const Participant scans_participant = { scans_begin, scans_end, scans_free };
