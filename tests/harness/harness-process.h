/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the private servers stand on. Not for the tests themselves. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The server that is tested with, an absolute path; %NULL and an error when there is none. */
char    *harness_find_server        (GError            **error);
/* 702 for 7.2.x; -1 and an error when there is no server. */
int      harness_get_server_version (GError           **error);
/* Free on 127.0.0.1, and not given before. */
guint    harness_find_free_port     (void);
/* Starts a program that ends with this one, whatever ends it. */
gboolean harness_spawn              (const char *const  *argv,
                                    GPid               *pid,
                                    GError            **error);
/* Ends it at once and sets @pid to 0, which stands for one that does not run. */
void     harness_kill               (GPid               *pid);
/* With all that is in it. */
void     harness_remove_directory   (const char         *directory);
gboolean harness_make_certificates  (const char         *directory,
                                    GError            **error);
/* An identifier as nodes and sentinels have them. */
char    *harness_make_id            (void);
/* A command line to a unix socket, or several, each in a line of @lines; the reply to the last as it came. */
char    *harness_command            (const char         *socket_path,
                                    const char         *password,
                                    const char         *lines,
                                    GError            **error);

typedef gboolean (*HarnessCondition) (gpointer data);

/* Polls until @condition holds, without the main loop; FALSE and an error when it does not come. */
gboolean harness_wait               (HarnessCondition    condition,
                                    gpointer            data,
                                    const char         *what,
                                    GError            **error);

G_END_DECLS
