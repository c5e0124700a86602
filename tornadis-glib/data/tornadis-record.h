/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_RECORD (tornadis_record_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (TornadisRecord, tornadis_record, TORNADIS, RECORD, GObject)

struct _TornadisRecordClass
{
  GObjectClass parent_class;

  /*< private >*/
  gpointer padding[16];
};

TORNADIS_AVAILABLE_IN_1_0
TornadisRecord *tornadis_record_new (TornadisClient *client,
                                     const char *key,
                                     GVariant *fields);
TORNADIS_AVAILABLE_IN_1_0
TornadisClient *tornadis_record_get_client (TornadisRecord *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_record_set_client (TornadisRecord *self,
                                 TornadisClient *client);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_record_get_key (TornadisRecord *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_record_set_key (TornadisRecord *self,
                              const char *key);
TORNADIS_AVAILABLE_IN_1_0
GVariant *tornadis_record_get_fields (TornadisRecord *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_record_get_loaded (TornadisRecord *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_record_get_live (TornadisRecord *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_record_get_exists (TornadisRecord *self);
TORNADIS_AVAILABLE_IN_1_0
const GError *tornadis_record_get_error (TornadisRecord *self);
TORNADIS_AVAILABLE_IN_1_0
GVariant *tornadis_record_get_field (TornadisRecord *self,
                                     const char *name);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_record_set_field (TornadisRecord *self,
                                    const char *name,
                                    GVariant *value);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_record_load_async (TornadisRecord *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_record_load_finish (TornadisRecord *self,
                                      GAsyncResult *result,
                                      GError **error);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_record_flush_async (TornadisRecord *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_record_flush_finish (TornadisRecord *self,
                                       GAsyncResult *result,
                                       GError **error);

G_END_DECLS
