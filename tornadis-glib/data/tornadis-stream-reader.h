/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_STREAM_READER (tornadis_stream_reader_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (TornadisStreamReader, tornadis_stream_reader, TORNADIS, STREAM_READER, GObject)

struct _TornadisStreamReaderClass
{
  GObjectClass parent_class;

  /*< private >*/
  const struct _TornadisStreamReaderHooks *hooks;
  gpointer padding[7];
};

TORNADIS_AVAILABLE_IN_1_0
TornadisStreamReader *tornadis_stream_reader_new (TornadisCaller *caller,
                                                  const char *stream,
                                                  const char *start_id);
TORNADIS_AVAILABLE_IN_1_0
TornadisCaller *tornadis_stream_reader_get_caller (TornadisStreamReader *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_stream_reader_get_stream (TornadisStreamReader *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_stream_reader_get_start_id (TornadisStreamReader *self);
TORNADIS_AVAILABLE_IN_1_0
const char *tornadis_stream_reader_get_last_id (TornadisStreamReader *self);
TORNADIS_AVAILABLE_IN_1_0
guint tornadis_stream_reader_get_max_pending (TornadisStreamReader *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_stream_reader_set_max_pending (TornadisStreamReader *self,
                                             guint max_pending);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_stream_reader_is_closed (TornadisStreamReader *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_stream_reader_start (TornadisStreamReader *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_stream_reader_next_async (TornadisStreamReader *self,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisStreamEntry *tornadis_stream_reader_next_finish (TornadisStreamReader *self,
                                                         GAsyncResult *result,
                                                         GError **error);
TORNADIS_AVAILABLE_IN_1_0
TornadisStreamEntry *tornadis_stream_reader_take_entry (TornadisStreamReader *self);
TORNADIS_AVAILABLE_IN_1_0
void tornadis_stream_reader_close_async (TornadisStreamReader *self,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean tornadis_stream_reader_close_finish (TornadisStreamReader *self,
                                              GAsyncResult *result,
                                              GError **error);

G_END_DECLS
