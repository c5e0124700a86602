/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* (transfer full): a reply of the protocol's kind of string that is text for people. */
TornadisReply *verbatim_new (const char *data,
                             gsize       length);

G_END_DECLS
