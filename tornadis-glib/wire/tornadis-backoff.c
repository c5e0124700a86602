/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-backoff.h"

guint
tornadis_backoff_next (TornadisBackoff *self)
{
  guint ceiling = TORNADIS_BACKOFF_BASE_MSEC;

  for (guint i = 0; i < self->attempt && ceiling < TORNADIS_BACKOFF_CAP_MSEC; i++)
    ceiling *= 2;
  ceiling = MIN (ceiling, TORNADIS_BACKOFF_CAP_MSEC);

  if (self->attempt < G_MAXUINT)
    self->attempt++;

  return (guint) g_random_int_range (0, (gint32) ceiling + 1);
}

void
tornadis_backoff_reset (TornadisBackoff *self)
{
  self->attempt = 0;
}
