/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A rate per second, and a burst after a pause. What costs more than the bucket holds may be taken when it is full, and the
 * excess is paid off before the next. All times are monotonic, in microseconds. */
typedef struct
{
  double per_second; /* 0: no bound */
  guint burst;
  /*< private >*/
  double tokens;
  gint64 filled_at; /* 0: not used yet, and full */
} TokenBucket;

/* When @cost may be taken; a time up to @now is at once. */
gint64 token_bucket_get_time (TokenBucket *self,
                              guint cost,
                              gint64 now);
void token_bucket_take (TokenBucket *self,
                        guint cost,
                        gint64 now);

G_END_DECLS
