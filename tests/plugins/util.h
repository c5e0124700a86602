/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of plugins share. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "harness/harness.h"

G_BEGIN_DECLS

/* Adds a plugin that comes with the library, and sets its properties. */
TornadisPlugin *add_plugin (TornadisClient *client,
                            const char *name,
                            const char *first_property,
                            ...) G_GNUC_NULL_TERMINATED;

/* A property of a plugin that is a number. */
guint64 get_count (TornadisPlugin *plugin,
                   const char *name);

/* What is logged as a message (element-type utf8), from keep_messages() on. */
extern GPtrArray *messages;
void keep_messages (void);

/* Whether the calls of @client go to the master that the sentinels name. */
gboolean is_at_master (TornadisHarnessSentinel *group,
                       TornadisClient *client);

/* All that connects. Each begins with a client, or clients, that are not connected. */
typedef enum
{
  WAY_CONNECT,
  WAY_CALL,
  WAY_POOL_CALL,
  WAY_POOL_CALL_PIPELINE,
  WAY_POOL_TAKE,
  WAY_POOL_PRECONNECT,
  N_WAYS,
} Way;

/* The clients are @template, or those of a pool that is made after it. Waits; whether it went well. */
gboolean connect_by (Way way,
                     TornadisClient *template,
                     GError **error);

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
