/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Latencies, counted in buckets: 32 for each doubling, so that percentiles are right to 3 % at any number of calls. */

#include "tool.h"

static guint
get_bucket (gint64 usec)
{
  guint value = (guint) CLAMP (usec, 0, G_MAXINT32);
  guint bits = g_bit_storage (value);
  guint shift = bits > TOOL_HISTOGRAM_BITS + 1 ? bits - TOOL_HISTOGRAM_BITS - 1 : 0;

  return (shift << TOOL_HISTOGRAM_BITS) + (value >> shift);
}

/* The middle of a bucket, in microseconds. */
static double
get_bucket_value (guint bucket)
{
  guint shift = bucket >> TOOL_HISTOGRAM_BITS > 1 ? (bucket >> TOOL_HISTOGRAM_BITS) - 1 : 0;
  guint begin = (bucket - (shift << TOOL_HISTOGRAM_BITS)) << shift;

  return begin + ((1u << shift) - 1) / 2.0;
}

void
tool_histogram_add (ToolHistogram *self,
                    gint64 usec)
{
  self->counts[get_bucket (usec)]++;
  self->total++;
}

/* The time, in milliseconds, that @share of all (0 to 1) did not take longer than. */
double
tool_histogram_get_msec (ToolHistogram *self,
                         double share)
{
  guint64 seen = 0;
  guint bucket = 0;

  for (guint i = 0; i < TOOL_HISTOGRAM_SIZE && (double) seen < share * (double) self->total; i++)
    {
      seen += self->counts[i];
      bucket = i;
    }

  return get_bucket_value (bucket) / 1000;
}
