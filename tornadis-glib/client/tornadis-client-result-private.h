/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-client-private.h"

G_BEGIN_DECLS

/* The GAsyncResult of a call. To the caller it behaves as a GTask does, and costs a third of one: it has no properties and no
 * data, and belongs to the context of its client. */
#define TORNADIS_TYPE_CLIENT_RESULT (tornadis_client_result_get_type ())
G_DECLARE_FINAL_TYPE (TornadisClientResult, tornadis_client_result, TORNADIS, CLIENT_RESULT, GObject)

/* Whether a call on @client that is made now can have one: callbacks come in the caller's thread-default context. */
gboolean        tornadis_client_result_suits      (TornadisClient        *client);
TornadisClientResult *
                tornadis_client_result_new        (TornadisClient        *client,
                                                   GAsyncReadyCallback    callback,
                                                   gpointer               user_data,
                                                   gpointer               source_tag);
/* Cancels the call when @cancellable is cancelled. Where to tell what it is cancelled by; NULL: it was cancelled before it was
 * made, and need not be. */
TornadisDispatched *
                tornadis_client_result_watch      (TornadisClientResult  *self,
                                                   GCancellable          *cancellable);
/* A TornadisSlotFunc, with the result (transfer full) as user_data: calls the callback with the outcome, at once if this is
 * an iteration of the main context after the one in which the result was made, else in the next one. */
void            tornadis_client_result_return     (TornadisReply         *reply,
                                                   const GError          *error,
                                                   gpointer               user_data);
/* Takes the outcome: as g_task_propagate_pointer(). */
TornadisReply  *tornadis_client_result_propagate  (TornadisClientResult  *self,
                                                   GError               **error);
/* Whether it is the result of a call on @client. */
gboolean        tornadis_client_result_is_of      (TornadisClientResult  *self,
                                                   TornadisClient        *client);
/* Frees those that are kept for the next calls. */
void            tornadis_client_result_free_all   (TornadisClientPrivate *priv);

G_END_DECLS
