/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/tornadis-types.h"

G_BEGIN_DECLS

/* A connection of its own on which a reader's commands block, one after the other; when it is lost it makes another. */
typedef struct _TornadisStreamLink TornadisStreamLink;

/* What comes of an error. */
typedef enum
{
  TORNADIS_STREAM_LINK_GO_ON,     /* the owner has dealt with it */
  TORNADIS_STREAM_LINK_TRY_AGAIN, /* after a while, with the next command */
  TORNADIS_STREAM_LINK_STOP,      /* until it is told to go on */
} TornadisStreamLinkVerdict;

/* Of the owner. It may be freed within each of them, and the link with it. */
typedef struct
{
  /* (transfer full) (nullable): nothing until it is told to go on. */
  TornadisCommand *(*next_command) (gpointer owner);
  void (*take_reply) (gpointer owner,
                      TornadisReply *reply);
  TornadisStreamLinkVerdict (*take_error) (gpointer owner,
                                           const GError *error);
} TornadisStreamLinkFuncs;

TornadisStreamLink *tornadis_stream_link_new (TornadisCaller *caller,
                                              const TornadisStreamLinkFuncs *funcs,
                                              gpointer owner);
/* Closes the connection, whatever is under way: the owner hears no more. */
void tornadis_stream_link_free (TornadisStreamLink *self);
/* Asks for the next command, unless one is under way. */
void tornadis_stream_link_go_on (TornadisStreamLink *self);
/* For the next command. How long it may block: it ends before the time is over that the client gives a call, or the silence of
 * a connection. */
guint tornadis_stream_link_get_block_msec (TornadisStreamLink *self);
/* Likewise. How many entries it asks for, of @n at most: fewer when so many were too large for a reply, or took too long. */
guint tornadis_stream_link_get_count (TornadisStreamLink *self,
                                      guint n);

/* Whether what has failed so may succeed when it is tried again. */
gboolean tornadis_stream_error_may_pass (const GError *error);
/* How long to wait before the attempt behind so many that have failed, in milliseconds. */
guint tornadis_stream_get_delay (guint n_failures);

G_END_DECLS
