/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the integration tests share: calls that wait, on the default main context. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#include "harness/harness.h"

G_BEGIN_DECLS

/* A private server for the whole program, and for one test with arguments of its own. */
typedef struct
{
  TornadisHarnessRedis *redis;
  TornadisClient *client;
} Fixture;

void              fixture_set_up        (Fixture           *fixture,
                                         gconstpointer      data);
/* Its client speaks RESP2. */
void              fixture_set_up_resp2  (Fixture           *fixture,
                                         gconstpointer      data);
void              fixture_tear_down     (Fixture           *fixture,
                                         gconstpointer      data);

TornadisHarnessPeer *make_peer          (const char        *script);
/* A client of the peer. */
TornadisClient   *make_client           (TornadisHarnessPeer *peer);

/* Runs the default main context until @flag or for @msec; whether @flag was set. */
gboolean          spin_until            (gboolean          *flag,
                                         guint              msec);
/* Runs it for so long, and then whatever is ready: what must not happen has had its time. */
void              spin_for              (guint              msec);
/* Runs it until @condition holds. */
#define wait_until(condition)                                                     \
  G_STMT_START                                                                    \
  {                                                                               \
    gint64 patience = get_patience ();                                            \
    gboolean holds;                                                               \
                                                                                  \
    while (!(holds = (condition)) && g_get_monotonic_time () < patience)          \
      spin_for (1);                                                               \
    if (!holds)                                                                   \
      g_error ("%s:%d: waited in vain until %s", __FILE__, __LINE__, #condition); \
  }                                                                               \
  G_STMT_END
/* The end of all waiting that begins now, in monotonic time. */
gint64            get_patience          (void);
/* How many clients wait for the server, as in BLPOP. */
guint             count_blocked         (TornadisHarnessRedis *redis);
/* How often the server has run a command, named in lower case. */
guint             count_calls           (TornadisHarnessRedis *redis,
                                         const char        *name);
/* 702 is 7.2. Valkey has counted on from that, its own. */
guint             get_server_version    (TornadisHarnessRedis *redis,
                                         gboolean          *is_valkey);
/* How many commands of a name the peer has read. */
guint             count_received        (TornadisHarnessPeer *peer,
                                         const char        *name);
gboolean          connect_and_wait      (TornadisClient    *client,
                                         GError           **error);
/* Calls with the arguments up to NULL and waits. */
TornadisReply    *call                  (TornadisClient    *client,
                                         GError           **error,
                                         ...) G_GNUC_NULL_TERMINATED;
/* The same, and the reply as redis-cli prints it; fails the test on an error. */
char             *call_text             (TornadisClient    *client,
                                         ...) G_GNUC_NULL_TERMINATED;
void              assert_call           (TornadisClient    *client,
                                         const char        *expected,
                                         ...) G_GNUC_NULL_TERMINATED;
TornadisReply    *call_pipeline         (TornadisClient    *client,
                                         TornadisPipeline  *pipeline,
                                         GCancellable      *cancellable,
                                         GError           **error);
/* Of commands that are split at the spaces, up to a NULL. */
TornadisPipeline *make_pipeline         (gboolean           atomic,
                                         const char *const *lines);
#define PIPELINE(atomic, ...) make_pipeline (atomic, (const char *[]){ __VA_ARGS__, NULL })
/* Keeps a GAsyncResult for after the main loop. */
void              store_result          (GObject           *object,
                                         GAsyncResult      *result,
                                         gpointer           result_location);
GAsyncResult     *wait_for_result       (GAsyncResult     **result_location);
/* The next message (transfer full). */
TornadisMessage  *pop_message           (TornadisPubSubClient *client);
/* A client of the pool that is connected, and the same where it may not fail. */
TornadisClient   *take                  (TornadisClientPool *pool,
                                         GError           **error);
TornadisClient   *assert_take           (TornadisClientPool *pool);
/* From now on long lists of short strings come packed, as for Python. */
void              enable_packs          (void);
/* A private cluster that is up. */
TornadisHarnessCluster *
                  start_cluster        (guint               n_masters,
                                        guint               n_replicas,
                                        const char *const  *args);
/* Of the nodes that it has at first. @options (nullable): "read-from=any&failover-timeout-msec=100". */
char             *make_cluster_uri     (TornadisHarnessCluster *cluster,
                                        const char          *options);
TornadisClient   *make_cluster_client  (TornadisHarnessCluster *cluster,
                                        const char          *options);
/* Calls a function of the harness, which may not fail. */
#define assert_done(function, ...)                    \
  G_STMT_START                                        \
  {                                                   \
    g_autoptr (GError) failure = NULL;                \
    gboolean done = function (__VA_ARGS__, &failure); \
                                                      \
    g_assert_no_error (failure);                      \
    g_assert_true (done);                             \
  }                                                   \
  G_STMT_END

/* Lets go of the last reference and checks that it was. */
#define assert_finalized(object) g_assert_finalize_object (G_OBJECT (object))
/* The same, of a client that plugins with a detach hook are on: it goes with a turn of the main loop. */
void              assert_client_finalized (TornadisClient *client);

G_END_DECLS
