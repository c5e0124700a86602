/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A consumer of a GListModel, which knows of it only what its signal says, as a view does. */

#pragma once

#include "integration/util.h"

G_BEGIN_DECLS

typedef struct _Shadow Shadow;

/* Holds the items that are looked at. */
Shadow *shadow_new (gpointer model);
/* Checks that every item is where it has to be. */
void shadow_free (Shadow *shadow);
/* Checks that the model has the same items in the same places as the shadow was told. */
void shadow_check (Shadow *shadow);
/* Looks at rows, as a view that is scrolled there, and lets go of all others. */
void shadow_look (Shadow *shadow,
                  guint first,
                  guint n);
/* How many changes there were, and what the last one was. */
guint shadow_count (Shadow *shadow);
void shadow_assert_last (Shadow *shadow,
                         guint position,
                         guint n_removed,
                         guint n_added);

/* Arguments of a server with notifications. */
extern const char *const notifying[];

/* The rows, separated by spaces; ? for what is loading. */
char *get_rows (gpointer model);
/* Looks at all until the rows are these. */
void wait_for_rows (gpointer model,
                    const char *expected);
/* Until it has been read, and learns of every change. */
void wait_for_live (gpointer model);
GBytes *text_bytes (const char *text);
/* Another client, which changes what the model shows. */
TornadisClient *make_other (Fixture *fixture);
/* A command, in an argument of which | stands for a space. */
TornadisCommand *make_command (const char *line);
void run (TornadisClient *client,
          const char *line);

G_END_DECLS
