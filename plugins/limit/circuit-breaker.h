/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define CIRCUIT_WINDOW_SLICES 10

typedef enum
{
  CIRCUIT_CLOSED,
  CIRCUIT_OPEN,
  CIRCUIT_HALF_OPEN,
} TornadisCircuitState;

#define TORNADIS_TYPE_CIRCUIT_STATE (tornadis_circuit_state_get_type ())
GType tornadis_circuit_state_get_type (void);

typedef enum
{
  CIRCUIT_SUCCESS,
  CIRCUIT_FAILURE,
  CIRCUIT_NO_OUTCOME, /* says nothing about the server, such as that of a call that was cancelled */
} CircuitOutcome;

typedef struct
{
  gint64 number; /* of the slice of time */
  guint n_calls;
  guint n_failures;
} CircuitSlice;

/* Closed, it counts the outcomes of the last time and opens when too many are failures. Open, it refuses. When its time
 * has come it is half-open: @probes calls are admitted; when all succeed it closes, and the first that fails opens it for
 * twice as long as before. It has no clock: times are monotonic, in microseconds, and come from its owner. */
typedef struct
{
  double error_rate; /* 0: always closed */
  guint min_calls;
  guint window_msec; /* see circuit_breaker_set_window() */
  guint open_msec;
  guint max_open_msec;
  guint probes;
  /*< private >*/
  TornadisCircuitState state;
  CircuitSlice slices[CIRCUIT_WINDOW_SLICES];
  gint64 open_until;
  gint64 probed_at; /* when the last probe was let through */
  guint n_opened;   /* in a row */
  guint n_probes_out;
  guint n_probes_ok;
  guint era; /* changes with the state: the outcome of a call that began in another era does not count */
} CircuitBreaker;

/* Closes it and forgets what was counted. */
void circuit_breaker_reset (CircuitBreaker *self);
void circuit_breaker_set_window (CircuitBreaker *self,
                                 guint msec);
/* Half-opens it when its time has come. */
void circuit_breaker_update (CircuitBreaker *self,
                             gint64 now);
/* When circuit_breaker_update() is to be called; 0: there is no need. */
gint64 circuit_breaker_get_time (const CircuitBreaker *self);
/* Whether a call may begin. If so, circuit_breaker_end() must be called with its @era. */
gboolean circuit_breaker_admit (CircuitBreaker *self,
                                gint64 now,
                                guint *era);
/* Whether a call that was admitted but not sent yet may still be sent. */
gboolean circuit_breaker_honours (const CircuitBreaker *self,
                                  guint era);
void circuit_breaker_end (CircuitBreaker *self,
                          guint era,
                          CircuitOutcome outcome,
                          gint64 now);

G_END_DECLS
