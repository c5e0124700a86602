/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "tornadis-glib/values/tornadis-reply.h"
#include "tornadis-glib/wire/tornadis-poller.h"
#include "tornadis-glib/wire/tornadis-queue.h"

G_BEGIN_DECLS

typedef struct _TornadisConnection TornadisConnection;

/* All are called from the main context of the connection, never from within a function of it. */
typedef struct
{
  /* Called with a push, or with push-arrays any array. TRUE: it was a push, and is consumed. May be %NULL. */
  gboolean (*push)   (TornadisReply *reply,
                      gpointer       user_data);
  /* The connection has failed and is closed; called once, unless tornadis_connection_close() was called first. */
  void     (*closed) (const GError  *error,
                      gpointer       user_data);
  /* Keep the owner while the others are called; may be %NULL. @held is what the first has returned. */
  gboolean (*hold)    (gpointer      user_data);
  void     (*release) (gboolean      held,
                       gpointer      user_data);
  /* What tornadis_connection_await_drained() has asked for. */
  void     (*drained) (gpointer      user_data);
} TornadisConnectionFuncs;

/* One live socket: an item of the poller, a reader, and the queue that it works for. Fails when the system has no room for
 * another. */
TornadisConnection *tornadis_connection_new             (GSocketConnection             *socket_connection,
                                                         gsize                          read_page_size,
                                                         gsize                          max_reply_size,
                                                         guint                          tcp_user_timeout_msec,
                                                         TornadisPoller                *poller,
                                                         GError                       **error);
TornadisConnection *tornadis_connection_ref             (TornadisConnection            *self);
void                tornadis_connection_unref           (TornadisConnection            *self);
/* From now on works for @queue (unowned, outlives the connection or its closing). */
void                tornadis_connection_attach          (TornadisConnection            *self,
                                                         TornadisQueue                 *queue,
                                                         const TornadisConnectionFuncs *funcs,
                                                         gpointer                       user_data);
void                tornadis_connection_set_write_mode  (TornadisConnection            *self,
                                                         gsize                          write_page_size,
                                                         gboolean                       aggressive);
/* Whether replies are looked for before the main loop sleeps, see tornadis_poller_item_expect_input(); %FALSE at first. */
void                tornadis_connection_set_busy_poll   (TornadisConnection            *self,
                                                         gboolean                       busy_poll);
void                tornadis_connection_set_push_arrays (TornadisConnection            *self,
                                                         gboolean                       push_arrays);
/* MONITOR was answered: lines about the commands of clients come between the replies, until the end. */
void                tornadis_connection_set_push_lines  (TornadisConnection            *self);
void                tornadis_connection_set_max_reply_size (TornadisConnection         *self,
                                                         gsize                          max_reply_size);
/* Something was pushed to the queue: writes it now when the link was idle, else with the others of this main-context
 * iteration. */
void                tornadis_connection_kick            (TornadisConnection            *self);
/* More follows: writes it with that, when tornadis_connection_hurry() is called or, at the latest, in the connection's turn. */
void                tornadis_connection_kick_later      (TornadisConnection            *self);
void                tornadis_connection_hurry           (TornadisConnection            *self);
/* Writes no further call, and fails with @error once those that are written have been answered. */
void                tornadis_connection_retire          (TornadisConnection            *self,
                                                         const GError                  *error);
/* Stops and resumes reading: back-pressure on the server. */
void                tornadis_connection_set_paused      (TornadisConnection            *self,
                                                         gboolean                       paused);
gboolean            tornadis_connection_get_paused      (TornadisConnection            *self);
/* Whether there is data that is not read yet, and may be. */
gboolean            tornadis_connection_has_unread      (TornadisConnection            *self);
/* The same, for a late timer that must not overtake a reply that has arrived. TRUE: @drained will be called when all that
 * is there now has been read. */
gboolean            tornadis_connection_await_drained   (TornadisConnection            *self);
/* Monotonic time, to the precision of a main-context iteration. */
gint64              tornadis_connection_get_time        (TornadisConnection            *self);
gint64              tornadis_connection_get_last_read   (TornadisConnection            *self);
void                tornadis_connection_close           (TornadisConnection            *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisConnection, tornadis_connection_unref)

G_END_DECLS
