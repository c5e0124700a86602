/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A number from @begin to below @end, from which it follows what happens next. */
typedef int (*SessionModelDice) (gpointer user_data,
                                 int begin,
                                 int end);

/* Fails at once when what the session does is not what the model says. */
void session_model_run (guint n_steps,
                        SessionModelDice dice,
                        gpointer user_data);

G_END_DECLS
