/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limit/circuit-breaker.h"

#include <string.h>

G_DEFINE_ENUM_TYPE (TornadisCircuitState,
                    tornadis_circuit_state,
                    G_DEFINE_ENUM_VALUE (CIRCUIT_CLOSED, "closed"),
                    G_DEFINE_ENUM_VALUE (CIRCUIT_OPEN, "open"),
                    G_DEFINE_ENUM_VALUE (CIRCUIT_HALF_OPEN, "half-open"))

static void
circuit_breaker_set_state (CircuitBreaker *self,
                           TornadisCircuitState state)
{
  self->state = state;
  self->n_probes_out = self->n_probes_ok = 0;
  self->era++;
}

static void
circuit_breaker_open (CircuitBreaker *self,
                      gint64 now)
{
  guint64 msec = (guint64) self->open_msec << MIN (self->n_opened, 20);

  self->n_opened++;
  self->open_until = now + (gint64) MIN (msec, MAX (self->max_open_msec, self->open_msec)) * 1000;
  circuit_breaker_set_state (self, CIRCUIT_OPEN);
}

void
circuit_breaker_reset (CircuitBreaker *self)
{
  memset (self->slices, 0, sizeof self->slices);
  self->n_opened = 0;
  if (self->state != CIRCUIT_CLOSED)
    circuit_breaker_set_state (self, CIRCUIT_CLOSED);
}

void
circuit_breaker_set_window (CircuitBreaker *self,
                            guint msec)
{
  /* What was counted in slices of another length is of no use. */
  memset (self->slices, 0, sizeof self->slices);
  self->window_msec = msec;
}

void
circuit_breaker_update (CircuitBreaker *self,
                        gint64 now)
{
  if (self->state == CIRCUIT_OPEN && now >= self->open_until)
    circuit_breaker_set_state (self, CIRCUIT_HALF_OPEN);
  /* A probe that hangs, or blocks, must not keep all others out for ever. */
  else if (self->n_probes_out > 0 && now >= self->probed_at + (gint64) self->open_msec * 1000)
    circuit_breaker_set_state (self, CIRCUIT_HALF_OPEN);
  /* The number of probes was lowered meanwhile. */
  else if (self->state == CIRCUIT_HALF_OPEN && self->n_probes_ok >= self->probes)
    circuit_breaker_reset (self);
}

gint64
circuit_breaker_get_time (const CircuitBreaker *self)
{
  return self->state == CIRCUIT_OPEN ? self->open_until : 0;
}

gboolean
circuit_breaker_admit (CircuitBreaker *self,
                       gint64 now,
                       guint *era)
{
  if (self->error_rate > 0)
    circuit_breaker_update (self, now);

  if (self->state == CIRCUIT_OPEN ||
      (self->state == CIRCUIT_HALF_OPEN && self->n_probes_out + self->n_probes_ok >= self->probes))
    return FALSE;

  if (self->state == CIRCUIT_HALF_OPEN)
    {
      self->n_probes_out++;
      self->probed_at = now;
    }
  *era = self->era;

  return TRUE;
}

gboolean
circuit_breaker_honours (const CircuitBreaker *self,
                         guint era)
{
  return self->error_rate <= 0 || self->era == era;
}

/* Counts an outcome. Returns whether there are too many failures now. */
static gboolean
circuit_breaker_count (CircuitBreaker *self,
                       gboolean failed,
                       gint64 now)
{
  gint64 number = now / (MAX (self->window_msec / CIRCUIT_WINDOW_SLICES, 1) * 1000);
  CircuitSlice *slice = &self->slices[number % CIRCUIT_WINDOW_SLICES];
  guint n_calls = 0, n_failures = 0;

  if (slice->number != number)
    *slice = (CircuitSlice){ number, 0, 0 };
  slice->n_calls++;
  slice->n_failures += failed;

  for (guint i = 0; i < CIRCUIT_WINDOW_SLICES; i++)
    if (self->slices[i].number > number - CIRCUIT_WINDOW_SLICES)
      {
        n_calls += self->slices[i].n_calls;
        n_failures += self->slices[i].n_failures;
      }

  return n_failures > 0 && n_calls >= self->min_calls && n_failures >= self->error_rate * n_calls;
}

void
circuit_breaker_end (CircuitBreaker *self,
                     guint era,
                     CircuitOutcome outcome,
                     gint64 now)
{
  if (self->error_rate <= 0 || era != self->era)
    return;

  if (self->state == CIRCUIT_CLOSED)
    {
      if (outcome != CIRCUIT_NO_OUTCOME && circuit_breaker_count (self, outcome == CIRCUIT_FAILURE, now))
        {
          memset (self->slices, 0, sizeof self->slices);
          circuit_breaker_open (self, now);
        }
      return;
    }

  self->n_probes_out--;
  if (outcome == CIRCUIT_FAILURE)
    circuit_breaker_open (self, now);
  else if (outcome == CIRCUIT_SUCCESS && ++self->n_probes_ok >= self->probes)
    circuit_breaker_reset (self);
}
