/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define HISTOGRAM_BITS 5
#define HISTOGRAM_SIZE ((32 - HISTOGRAM_BITS) << HISTOGRAM_BITS)

/* Times, counted in buckets: 32 for each doubling, so that quantiles are right to 3 % at any number of them. */
typedef struct
{
  guint64 counts[HISTOGRAM_SIZE];
  guint64 total;
} Histogram;

static inline guint
histogram_get_bucket (gint64 usec)
{
  guint value = G_LIKELY ((guint64) usec <= G_MAXINT32) ? (guint) usec : usec < 0 ? 0 : G_MAXINT32;
  /* The small values, which all have buckets of their own, as the largest of them. */
  guint bits = g_bit_storage (value | ((2u << HISTOGRAM_BITS) - 1));
  guint shift = bits - HISTOGRAM_BITS - 1;

  return (shift << HISTOGRAM_BITS) + (value >> shift);
}

static inline void
histogram_add (Histogram *self,
               gint64 usec)
{
  self->counts[histogram_get_bucket (usec)]++;
  self->total++;
}

void    histogram_merge        (Histogram       *self,
                                const Histogram *other);
/* The time in microseconds within which @share of all (0 to 1) were done; 0 without any. */
double  histogram_get_quantile (const Histogram *self,
                                double           share);
/* How many did not take longer, to the precision of a bucket. */
guint64 histogram_count_up_to  (const Histogram *self,
                                gint64           usec);

G_END_DECLS
