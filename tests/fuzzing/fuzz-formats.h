/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/tornadis-glib.h"

G_BEGIN_DECLS

/* The other side of the bridge: what languages write and read, as far as replies and calls need it. */

/* (element-type TornadisCommand) as Python marshals them. */
GString *fuzz_marshal_calls (GPtrArray *calls);
/* As JavaScript makes JSON of them; NULL: an argument is no text. */
GString *fuzz_json_calls (GPtrArray *calls);

/* Whether what was written is this reply, as the outcome of the call 0, and nothing else. */
void fuzz_check_marshal (TornadisReply *reply,
                         gboolean decode,
                         const guint8 *data,
                         gsize length);
void fuzz_check_json (TornadisReply *reply,
                      const char *json);

/* The same of what was published: bytes, or the names of keys, as a message has them. */
void fuzz_check_marshal_payload (TornadisReply *payload,
                                 const char *data,
                                 gsize length);
void fuzz_check_json_payload (TornadisReply *payload,
                              const char *json,
                              gsize length);

G_END_DECLS
