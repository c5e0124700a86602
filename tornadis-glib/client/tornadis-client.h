/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <tornadis-glib/tornadis-enums.h>
#include <tornadis-glib/tornadis-types.h>

G_BEGIN_DECLS

#define TORNADIS_TYPE_CLIENT (tornadis_client_get_type ())

TORNADIS_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (TornadisClient, tornadis_client, TORNADIS, CLIENT, GObject)

struct _TornadisClientClass
{
  GObjectClass parent_class;

  /*< private >*/
  const struct _TornadisClientHooks *hooks;
  gpointer padding[15];
};

/**
 * TornadisReplyFunc:
 * @client: the client that made the call
 * @reply: (nullable): the reply, or %NULL when @error is set
 * @error: (nullable): what went wrong, or %NULL; owned by the caller
 * @user_data: what was given to [method@Tornadis.Client.submit]
 *
 * Receives the outcome of a call, in the main context of the client.
 *
 * Since: 1.0
 */
typedef void (*TornadisReplyFunc) (TornadisClient *client,
                                   TornadisReply  *reply,
                                   GError         *error,
                                   gpointer        user_data);

TORNADIS_AVAILABLE_IN_1_0
TornadisClient *tornadis_client_new                  (const char           *host,
                                                      guint16               port);
TORNADIS_AVAILABLE_IN_1_0
TornadisClient *tornadis_client_new_for_uri          (const char           *uri,
                                                      GError              **error);
TORNADIS_AVAILABLE_IN_1_0
TornadisClient *tornadis_client_new_for_uri_full     (const char           *uri,
                                                      TornadisUriFlags      flags,
                                                      GError              **error);
TORNADIS_AVAILABLE_IN_1_0
TornadisClient *tornadis_client_new_for_unix_socket  (const char           *path);
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_client_connect_async        (TornadisClient       *self,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_client_connect_finish       (TornadisClient       *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_client_close                (TornadisClient       *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_client_is_connected         (TornadisClient       *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_client_is_in_transaction    (TornadisClient       *self);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_client_is_session_settled   (TornadisClient       *self);
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_client_call_async           (TornadisClient       *self,
                                                      TornadisCommand      *command,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply  *tornadis_client_call_finish          (TornadisClient       *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_client_submit               (TornadisClient       *self,
                                                      TornadisCommand      *command,
                                                      TornadisReplyFunc     func,
                                                      gpointer              user_data,
                                                      GDestroyNotify        user_data_destroy);
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_client_call_pipeline_async  (TornadisClient       *self,
                                                      TornadisPipeline     *pipeline,
                                                      GCancellable         *cancellable,
                                                      GAsyncReadyCallback   callback,
                                                      gpointer              user_data);
TORNADIS_AVAILABLE_IN_1_0
TornadisReply  *tornadis_client_call_pipeline_finish (TornadisClient       *self,
                                                      GAsyncResult         *result,
                                                      GError              **error);
TORNADIS_AVAILABLE_IN_1_0
void            tornadis_client_submit_pipeline      (TornadisClient       *self,
                                                      TornadisPipeline     *pipeline,
                                                      TornadisReplyFunc     func,
                                                      gpointer              user_data,
                                                      GDestroyNotify        user_data_destroy);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_client_add_plugin           (TornadisClient       *self,
                                                      TornadisPlugin       *plugin,
                                                      GError              **error);
TORNADIS_AVAILABLE_IN_1_0
TornadisPlugin *tornadis_client_add_plugin_by_name   (TornadisClient       *self,
                                                      const char           *name,
                                                      GError              **error);
TORNADIS_AVAILABLE_IN_1_0
gboolean        tornadis_client_remove_plugin        (TornadisClient       *self,
                                                      TornadisPlugin       *plugin);
TORNADIS_AVAILABLE_IN_1_0
GListModel     *tornadis_client_get_plugins          (TornadisClient       *self);

G_END_DECLS
