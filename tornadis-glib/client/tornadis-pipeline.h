/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_PIPELINE (tornadis_pipeline_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisPipeline, tornadis_pipeline, TORNADIS, PIPELINE, GObject)

TORNADIS_AVAILABLE_IN_1_0
TornadisPipeline *tornadis_pipeline_new                         (void);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_pipeline_stack_command               (TornadisPipeline   *self,
                                                                 TornadisCommand    *command);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_pipeline_stack_commands              (TornadisPipeline   *self,
                                                                 TornadisCommand   **commands,
                                                                 gsize               n_commands);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_pipeline_stack_strv                  (TornadisPipeline   *self,
                                                                 const char * const *argv);
TORNADIS_AVAILABLE_IN_1_0
guint             tornadis_pipeline_get_number_of_stacked_calls (TornadisPipeline   *self);
TORNADIS_AVAILABLE_IN_1_0
TornadisCommand  *tornadis_pipeline_get_command                 (TornadisPipeline   *self,
                                                                 guint               i);
TORNADIS_AVAILABLE_IN_1_0
TornadisCommand **tornadis_pipeline_get_commands                (TornadisPipeline   *self,
                                                                 gsize              *n_commands);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_pipeline_clear                       (TornadisPipeline   *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean          tornadis_pipeline_get_atomic                  (TornadisPipeline   *self);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_pipeline_set_atomic                  (TornadisPipeline   *self,
                                                                 gboolean            atomic);

G_END_DECLS
