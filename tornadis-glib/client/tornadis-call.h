/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_CALL (tornadis_call_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (TornadisCall, tornadis_call, TORNADIS, CALL, GObject)

TORNADIS_AVAILABLE_IN_1_0
TornadisCommand  *tornadis_call_get_command      (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
TornadisPipeline *tornadis_call_get_pipeline     (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_call_set_command      (TornadisCall     *self,
                                                  TornadisCommand  *command);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_call_set_pipeline     (TornadisCall     *self,
                                                  TornadisPipeline *pipeline);
TORNADIS_AVAILABLE_IN_1_0
TornadisClient   *tornadis_call_get_client       (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
const char       *tornadis_call_get_name         (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
guint             tornadis_call_get_attempt      (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
gint64            tornadis_call_get_start_time   (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
gint64            tornadis_call_get_elapsed      (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply    *tornadis_call_get_reply        (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
GError           *tornadis_call_dup_error        (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean          tornadis_call_is_abandoned     (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean          tornadis_call_is_in_transaction (TornadisCall    *self);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_call_proceed          (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_call_forward          (TornadisCall     *self,
                                                  TornadisClient   *client);
TORNADIS_AVAILABLE_IN_1_0
TornadisClient   *tornadis_call_get_target       (TornadisCall     *self);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_call_return_reply     (TornadisCall     *self,
                                                  TornadisReply    *reply);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_call_return_error     (TornadisCall     *self,
                                                  const GError     *error);
TORNADIS_AVAILABLE_IN_1_0
void              tornadis_call_retry            (TornadisCall     *self,
                                                  guint             delay_msec);

G_END_DECLS
