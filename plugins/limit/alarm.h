/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Calls its owner at a time, in the main context in which it was set first. */
typedef struct
{
  GSource *source; /* (owned) (nullable) */
  GSourceFunc func;
  gpointer user_data; /* (unowned) */
} Alarm;

/* @at: monotonic, in microseconds; 0 for never. It goes off once, and is set again by its owner. */
void alarm_set (Alarm *self,
                gint64 at);
void alarm_clear (Alarm *self);

G_END_DECLS
