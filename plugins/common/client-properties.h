/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* For a client that a plugin makes because of another one: @to is to be as @from in all but which server it is of, and whether
 * calls connect it. */
void client_copy_properties (TornadisClient *from,
                             TornadisClient *to);

G_END_DECLS
