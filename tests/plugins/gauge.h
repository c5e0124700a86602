/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plugin that stands behind another and measures what that lets through. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

typedef struct
{
  TornadisPlugin parent_instance;

  GString *log;     /* (owned) the first argument of every call, if it has any */
  guint n;          /* commands under way */
  guint max;        /* of these */
  guint calls;      /* that came, each attempt of one */
  guint reasons;    /* attempts that knew why the one before failed */
  gboolean answers; /* every call at once */
} Gauge;

Gauge *gauge_new (void);
void gauge_add (Gauge *self,
                TornadisClient *client);
void gauge_take_off (Gauge *self,
                     TornadisClient *client);

G_END_DECLS
