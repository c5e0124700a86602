/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How often what has happened. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _Tally Tally;

Tally *tally_new (void);
/* @what is a string that lives as long as the program. */
void tally_count (Tally *self,
                  const char *what);
guint64 tally_get (Tally *self,
                   const char *what);
/* "got 12, lost 3". */
char *tally_print (Tally *self);
void tally_free (Tally *self);

G_END_DECLS
