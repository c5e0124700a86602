/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-pipeline.h"

G_BEGIN_DECLS

/* The stacked commands as they are now: (transfer none), never changed while a reference is held, because the pipeline
 * copies the array before it changes one that others hold. */
GPtrArray *tornadis_pipeline_peek_commands (TornadisPipeline *self);
/* A pipeline of @commands, which it does not change. */
TornadisPipeline *tornadis_pipeline_new_shared (GPtrArray *commands,
                                                gboolean   atomic);
/* Another pipeline with the commands that @self has now. */
TornadisPipeline *tornadis_pipeline_copy (TornadisPipeline *self);

G_END_DECLS
