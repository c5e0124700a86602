/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Leaves no copy of a password in memory. */
void wipe (gpointer data,
           gsize length);
/* g_free() of a text (nullable) that is wiped first. */
void wipe_free (char *text);

G_END_DECLS
