/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/tornadis-types.h"

G_BEGIN_DECLS

/* Calls commands that may run more than once, and again until the server has answered. */
typedef struct _TornadisStreamSender TornadisStreamSender;

/* The reply, or an error that will not pass. */
typedef void (*TornadisStreamSentFunc) (gpointer owner,
                                        gpointer data,
                                        TornadisReply *reply,
                                        const GError *error);

TornadisStreamSender *tornadis_stream_sender_new (TornadisCaller *caller,
                                                  gpointer owner);
/* What was called goes on, but nothing is tried again, and the owner hears no more. */
void tornadis_stream_sender_free (TornadisStreamSender *self);
/* @data is freed after @func, or without that when the sender is freed. */
void tornadis_stream_sender_send (TornadisStreamSender *self,
                                  TornadisCommand *command,
                                  TornadisStreamSentFunc func,
                                  gpointer data,
                                  GDestroyNotify data_destroy);

G_END_DECLS
