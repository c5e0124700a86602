/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/histogram.h"

/* The middle of a bucket, in microseconds. */
static double
get_bucket_value (guint bucket)
{
  guint shift = bucket >> HISTOGRAM_BITS > 1 ? (bucket >> HISTOGRAM_BITS) - 1 : 0;
  guint begin = (bucket - (shift << HISTOGRAM_BITS)) << shift;

  return begin + ((1u << shift) - 1) / 2.0;
}

void
histogram_merge (Histogram *self,
                 const Histogram *other)
{
  for (guint i = 0; i < HISTOGRAM_SIZE; i++)
    self->counts[i] += other->counts[i];
  self->total += other->total;
}

double
histogram_get_quantile (const Histogram *self,
                        double share)
{
  guint64 seen = 0;
  guint bucket = 0;

  for (guint i = 0; i < HISTOGRAM_SIZE && (double) seen < share * (double) self->total; i++)
    {
      seen += self->counts[i];
      bucket = i;
    }

  return get_bucket_value (bucket);
}

guint64
histogram_count_up_to (const Histogram *self,
                       gint64 usec)
{
  guint last = histogram_get_bucket (usec);
  guint64 count = 0;

  for (guint i = 0; i <= last; i++)
    count += self->counts[i];

  return count;
}
