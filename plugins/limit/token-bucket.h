/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* So many a second, and so many at once after a pause. What costs more than there can ever be goes when it is full, and
 * what it costs more is paid off before the next. All times are monotonic, in microseconds. */
typedef struct
{
  double per_second; /* 0: no bound */
  guint burst;
  /*< private >*/
  double tokens;
  gint64 filled_at; /* 0: not used yet, and full */
} TokenBucket;

/* When @cost may be taken; not after @now: at once. */
gint64 token_bucket_get_time (TokenBucket *self,
                              guint cost,
                              gint64 now);
void token_bucket_take (TokenBucket *self,
                        guint cost,
                        gint64 now);

G_END_DECLS
