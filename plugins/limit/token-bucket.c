/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limit/token-bucket.h"

/* A timer of the main loop is up to a few milliseconds late; what comes in this time must not be lost, or high rates
 * would not be reached. */
#define SLACK_SECONDS 0.01

/* No wait is longer than this. */
#define MAX_WAIT_SECONDS 1e9

static double
token_bucket_get_capacity (const TokenBucket *self)
{
  return MAX (MAX (self->burst, 1), self->per_second * SLACK_SECONDS);
}

static void
token_bucket_fill (TokenBucket *self,
                   gint64 now)
{
  double capacity = token_bucket_get_capacity (self);

  if (self->filled_at == 0)
    self->tokens = capacity;
  else
    self->tokens += self->per_second * (double) (now - self->filled_at) / G_USEC_PER_SEC;

  self->tokens = MIN (self->tokens, capacity);
  self->filled_at = now;
}

gint64
token_bucket_get_time (TokenBucket *self,
                       guint cost,
                       gint64 now)
{
  double missing, wait;
  gint64 usec;

  if (self->per_second <= 0)
    return now;

  token_bucket_fill (self, now);
  missing = MIN (cost, token_bucket_get_capacity (self)) - self->tokens;
  /* Rounding must not make the owner wake up for nothing. */
  if (missing < 1e-6)
    return now;

  wait = MIN (missing / self->per_second, MAX_WAIT_SECONDS) * G_USEC_PER_SEC;
  usec = (gint64) wait;
  return now + usec + ((double) usec < wait);
}

void
token_bucket_take (TokenBucket *self,
                   guint cost,
                   gint64 now)
{
  if (self->per_second <= 0)
    return;

  token_bucket_fill (self, now);
  self->tokens -= cost;
}
