/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/data/tornadis-stream-entry-private.h"
#include "tornadis-glib/data/tornadis-stream-link-private.h"
#include "tornadis-glib/data/tornadis-stream-reader.h"

G_BEGIN_DECLS

/* What a class does in its own way. A reference is held meanwhile. */
typedef struct _TornadisStreamReaderHooks
{
  const char *start_id; /* when none is given */
  /* (transfer full) (nullable): the next command on the connection of its own; nothing if there is nothing to ask for. */
  TornadisCommand *(*next_command) (TornadisStreamReader *self);
  void (*take_reply) (TornadisStreamReader *self,
                      TornadisReply *reply);
  /* An error of the server's that will not pass. */
  TornadisStreamLinkVerdict (*take_error) (TornadisStreamReader *self,
                                           const GError *error);
  /* The connection was lost, and what was asked for on it with it. */
  void (*lost) (TornadisStreamReader *self);
  /* An entry (transfer none) is about to be told, or dropped without that. */
  void (*told) (TornadisStreamReader *self,
                TornadisStreamEntry *entry);
  void (*dropped) (TornadisStreamReader *self,
                   TornadisStreamEntry *entry);
  /* It was closed, and what was read ahead dropped. */
  void (*closed) (TornadisStreamReader *self);
  /* Whether nothing is under way any more, so that closing has come to its end. */
  gboolean (*is_idle) (TornadisStreamReader *self);
} TornadisStreamReaderHooks;

/* As a GRefString. */
char *tornadis_stream_reader_get_key (TornadisStreamReader *self);
/* For a command, while it is asked for. */
TornadisStreamLink *tornadis_stream_reader_get_link (TornadisStreamReader *self);
/* Whether entries that were read are still to be told. */
gboolean tornadis_stream_reader_has_entries (TornadisStreamReader *self);
/* An entry (transfer full) that is to be told. */
void tornadis_stream_reader_queue (TornadisStreamReader *self,
                                   TornadisStreamEntry *entry);
/* There may be room, or something to ask for. */
void tornadis_stream_reader_go_on (TornadisStreamReader *self);
/* (transfer full): what somebody is told who waits when it is closed. */
GError *tornadis_stream_reader_make_closed_error (void);
/* Something has ended that closing waits for. */
void tornadis_stream_reader_check_closed (TornadisStreamReader *self);
/* Whether it is worth reading when there are so many more. */
gboolean tornadis_stream_reader_has_room (TornadisStreamReader *self,
                                          guint n_pending);
/* Something has failed that will be tried again. */
void tornadis_stream_reader_tell_interrupted (TornadisStreamReader *self,
                                              const GError *error);
/* Something has failed for good: it stops. */
void tornadis_stream_reader_fail (TornadisStreamReader *self,
                                  const GError *error);

G_END_DECLS
