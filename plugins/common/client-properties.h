/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* For clients that a plugin makes because of another one. */

/* @to gets those properties of @from that are named, up to a NULL. */
void client_copy_named_properties (TornadisClient    *from,
                                   TornadisClient    *to,
                                   const char *const *names);
/* @to is to be as @from in all but which server it is of, how long calls may take, and whether they connect it. */
void client_copy_properties       (TornadisClient    *from,
                                   TornadisClient    *to);
/* Likewise, when a property of @from has changed. Nothing is done with those in which they may differ. */
void client_copy_property (TornadisClient *from,
                           TornadisClient *to,
                           GParamSpec *pspec);
/* The plugin that has set @connectable is removed from @client. Calls that wait for an attempt to connect that was put off go with
 * that attempt, which is still made to it, and fails as it says; not to the server that the client itself is of. */
void client_leave_connectable     (TornadisClient    *client,
                                   GSocketConnectable *connectable);

G_END_DECLS
