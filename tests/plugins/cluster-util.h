/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of the plugin cluster share: a real cluster for the whole program, and clients of it. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "harness/harness.h"

G_BEGIN_DECLS

#define N_MASTERS 3

/* Each test has a client of its own; the cluster is that of the program, and empty. */
typedef struct
{
  TornadisHarnessCluster *cluster; /* (unowned) of N_MASTERS masters, each with a replica: node N_MASTERS + i is that of i */
  TornadisClient *client;          /* (owned) whose test data are options of its URI */
  char *keys[N_MASTERS];           /* (owned) one of each master */
} Scene;

void                    scene_set_up       (Scene                   *self,
                                            gconstpointer            options);
void                    scene_tear_down    (Scene                   *self,
                                            gconstpointer            options);
/* Starts the cluster of the program, runs the tests, and stops it. */
int                     run_with_cluster   (const char *const       *args);

/* (transfer none): the only one that is on the client, or the last. */
TornadisPlugin         *get_cluster_plugin (TornadisClient          *client);
guint64                 get_redirects      (TornadisClient          *client);
/* A key of a master as the cluster was when it started, made of @name and digits. */
char                   *make_key           (guint                    master,
                                            const char              *name);
/* The reply of the harness to a command on a node, which is no error. */
char                   *node_command       (TornadisHarnessCluster  *cluster,
                                            guint                    i,
                                            const char              *format,
                                            ...) G_GNUC_PRINTF (3, 4);
/* How many commands of a name all nodes have run. */
guint                   count_calls_of_all (TornadisHarnessCluster  *cluster,
                                            const char              *name);
/* Splits @line at the spaces, calls it and asserts what comes: a text as redis-cli prints it, or an error. */
void                    assert_line        (TornadisClient          *client,
                                            const char              *line,
                                            const char              *expected);
void                    assert_refused     (TornadisClient          *client,
                                            const char              *line,
                                            TornadisError            code,
                                            const char              *words);

G_END_DECLS
