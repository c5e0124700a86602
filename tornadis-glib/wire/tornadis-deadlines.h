/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* When which call is due: a binary heap, to which a call that is due after all others is added in constant time. The entry
 * of a call that completes is not looked up; it is removed when its time comes, or when such entries are half of all. */
typedef struct
{
  GArray *heap; /* (owned) (nullable) (element-type TornadisDeadline) */
  guint limit;  /* how many there may be before those of completed calls are removed */
} TornadisDeadlines;

typedef struct
{
  gint64 at; /* monotonic time */
  guint64 id;
} TornadisDeadline;

/* Whether the call still waits. */
typedef gboolean (*TornadisDeadlineFunc) (const TornadisDeadline *deadline,
                                          gpointer                user_data);

void     tornadis_deadlines_clear (TornadisDeadlines      *self);
/* Forgets all, and keeps their memory. */
void     tornadis_deadlines_reset (TornadisDeadlines      *self);
void     tornadis_deadlines_push  (TornadisDeadlines      *self,
                                   gint64                  at,
                                   guint64                 id,
                                   TornadisDeadlineFunc    is_awaited,
                                   gpointer                user_data);
/* The first of a call that still waits; FALSE: there is none. */
gboolean tornadis_deadlines_peek  (TornadisDeadlines      *self,
                                   TornadisDeadline       *deadline,
                                   TornadisDeadlineFunc    is_awaited,
                                   gpointer                user_data);
void     tornadis_deadlines_pop   (TornadisDeadlines      *self);

G_END_DECLS
