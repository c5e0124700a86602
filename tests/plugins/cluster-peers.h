/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cluster of scripted nodes, which say what the test wants them to. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "harness/harness.h"

G_BEGIN_DECLS

#define N_PEERS 2
/* The slots of the first half are those of the first peer. Of these keys the one has slot 7629, the other 15495. */
#define FIRST_KEY "k"
#define SECOND_KEY "a"
#define SECOND_SLOT 8192

/* One client, whose test data are options of its URI, and whose seed is the first peer. */
typedef struct
{
  TornadisHarnessPeer *peers[N_PEERS];
  TornadisClient *client;
} Nodes;

void            nodes_set_up        (Nodes               *self,
                                     gconstpointer        options);
void            nodes_tear_down     (Nodes               *self,
                                     gconstpointer        options);
/* Has @peer, which may be another one, say which slots the two have, and which commands there are. */
void            nodes_describe      (Nodes               *self,
                                     TornadisHarnessPeer *peer);
/* What CLUSTER SHARDS says when each of the two has a half. */
char           *make_shards         (Nodes               *self);
/* A node of CLUSTER SHARDS, and a shard with one, as servers write them. */
char           *make_node           (guint                port,
                                     const char          *role,
                                     const char          *health);
char           *make_shard          (guint                first,
                                     guint                last,
                                     guint                port);
guint           port_of             (TornadisHarnessPeer *peer);
TornadisClient *make_client_of      (const char          *hosts,
                                     const char          *options);
/* What the peer says to a command from now on; and what it says once, and then. */
void            answer              (TornadisHarnessPeer *peer,
                                     const char          *name,
                                     const char          *format,
                                     ...) G_GNUC_PRINTF (3, 4);
void            answer_once         (TornadisHarnessPeer *peer,
                                     const char          *name,
                                     const char          *first,
                                     const char          *then);
/* Both keys have the values that peers make up. */
void            assert_both         (Nodes               *self);

G_END_DECLS
