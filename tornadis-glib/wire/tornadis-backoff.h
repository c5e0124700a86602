/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define TORNADIS_BACKOFF_BASE_MSEC 50
#define TORNADIS_BACKOFF_CAP_MSEC 5000

/* Delays between attempts to connect: exponential with full jitter, so that many clients that lost
 * one server do not come back in step. */
typedef struct
{
  guint attempt; /* failed attempts in a row */
} TornadisBackoff;

/* Counts a failure. Returns the time to wait before the next attempt, 0 to CAP milliseconds. */
guint tornadis_backoff_next  (TornadisBackoff *self);
void  tornadis_backoff_reset (TornadisBackoff *self);

G_END_DECLS
