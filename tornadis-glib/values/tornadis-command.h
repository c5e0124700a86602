/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_COMMAND (tornadis_command_get_type ())

TORNADIS_AVAILABLE_IN_1_0
GType            tornadis_command_get_type      (void) G_GNUC_CONST;
TORNADIS_AVAILABLE_IN_1_0
TornadisCommand *tornadis_command_new           (const char         *name);
TORNADIS_AVAILABLE_IN_1_0
TornadisCommand *tornadis_command_new_strv      (const char * const *argv);
TORNADIS_AVAILABLE_IN_1_0
TornadisCommand *tornadis_command_new_bytes     (GBytes            **args,
                                                 gsize               n_args);
TORNADIS_AVAILABLE_IN_1_0
TornadisCommand *tornadis_command_new_format    (const char         *format,
                                                 ...);
TORNADIS_AVAILABLE_IN_1_0
TornadisCommand *tornadis_command_ref           (TornadisCommand    *self);
TORNADIS_AVAILABLE_IN_1_0
void             tornadis_command_unref         (TornadisCommand    *self);
TORNADIS_AVAILABLE_IN_1_0
void             tornadis_command_append_string (TornadisCommand    *self,
                                                 const char         *value);
TORNADIS_AVAILABLE_IN_1_0
void             tornadis_command_append_bytes  (TornadisCommand    *self,
                                                 GBytes             *value);
TORNADIS_AVAILABLE_IN_1_0
void             tornadis_command_append_int64  (TornadisCommand    *self,
                                                 gint64              value);
TORNADIS_AVAILABLE_IN_1_0
void             tornadis_command_append_double (TornadisCommand    *self,
                                                 double              value);
TORNADIS_AVAILABLE_IN_1_0
gsize            tornadis_command_get_n_args    (TornadisCommand    *self);
TORNADIS_AVAILABLE_IN_1_0
GBytes          *tornadis_command_get_arg       (TornadisCommand    *self,
                                                 gsize               i);
TORNADIS_AVAILABLE_IN_1_0
const guint8    *tornadis_command_get_arg_data  (TornadisCommand    *self,
                                                 gsize               i,
                                                 gsize              *len);
TORNADIS_AVAILABLE_IN_1_0
GPtrArray       *tornadis_command_get_args      (TornadisCommand    *self);
TORNADIS_AVAILABLE_IN_1_0
const char      *tornadis_command_get_name      (TornadisCommand    *self);
TORNADIS_AVAILABLE_IN_1_0
gsize            tornadis_command_get_size      (TornadisCommand    *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisCommand, tornadis_command_unref)

G_END_DECLS
