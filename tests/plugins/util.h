/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of plugins share. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* Adds a plugin that comes with the library, and sets its properties. */
TornadisPlugin *add_plugin (TornadisClient *client,
                            const char *name,
                            const char *first_property,
                            ...) G_GNUC_NULL_TERMINATED;

/* What becomes of many calls. */
typedef struct
{
  guint ok;
  guint busy;
  guint lost;
  guint other;
  guint n_ended;
  guint n_expected;
  gboolean all;
} Tally;

/* A TornadisReplyFunc, of a call that the caller has added to @n_expected. */
void tally_count_cb (TornadisClient *client,
                     TornadisReply *reply,
                     GError *error,
                     gpointer user_data);
/* A command of one argument. */
void tally_submit (Tally *self,
                   TornadisClient *client,
                   const char *name,
                   guint argument);
void tally_submit_to_pool (Tally *self,
                           TornadisClientPool *pool,
                           const char *name,
                           guint argument);
void tally_submit_pipeline (Tally *self,
                            TornadisClient *client,
                            TornadisPipeline *pipeline);
void tally_wait (Tally *self);

G_END_DECLS
