/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of calls, and of connecting, while no node is there for them: how much waits, who else is tried, and what the
 * errors say when the plugin is removed or a node is given up. */

#include "plugins/cluster-peers.h"

#include <string.h>

#include "integration/hook-plugin.h"
#include "plugins/cluster-util.h"
#include "plugins/util.h"

#define REMOVED "the plugin was removed"

/* Calls that wait. */

/* One that stands before the cluster, and so has nothing to do with connections. */
typedef HookPlugin KeepingPlugin;
typedef TornadisPluginClass KeepingPluginClass;

GType keeping_plugin_get_type (void);
G_DEFINE_TYPE (KeepingPlugin, keeping_plugin, calling_plugin_get_type ())

static void
keeping_plugin_class_init (KeepingPluginClass *klass)
{
  klass->setup = NULL;
  klass->push = NULL;
}

static void
keeping_plugin_init (HookPlugin *self)
{
}

/* Each of the ways in which a call is put off: by what a node says, by what another one says behind ASKING, and since the slot is
 * nobody's. The peers then say that, or that no more. */
typedef enum
{
  PUT_OFF_BY_NODE,
  PUT_OFF_BEHIND_ASKING,
  PUT_OFF_FOR_WANT_OF_NODE,
  N_PUT_OFF,
} PutOff;

static void
put_off (Nodes *self,
         PutOff way)
{
  g_autofree char *ask = g_strdup_printf ("-ASK {slot} 127.0.0.1:%u\r\n", port_of (self->peers[1]));
  g_autofree char *shard = make_shard (SECOND_SLOT, 16383, port_of (self->peers[1]));

  answer (self->peers[0], "GET", "%s", way == PUT_OFF_BEHIND_ASKING ? ask : "-CLUSTERDOWN The cluster is down\r\n");
  answer (self->peers[1], "GET", "-TRYAGAIN later\r\n");
  for (guint i = 0; way == PUT_OFF_FOR_WANT_OF_NODE && i < N_PEERS; i++)
    answer (self->peers[i], "CLUSTER SHARDS", "*1\r\n%s", shard);
}

static void
serve (Nodes *self)
{
  g_autofree char *shards = make_shards (self);

  for (guint i = 0; i < N_PEERS; i++)
    {
      answer (self->peers[i], "GET", "$1\r\nv\r\n");
      answer (self->peers[i], "CLUSTER SHARDS", "%s", shards);
    }
}

static void
submit_get (Tally *tally,
            TornadisClient *client,
            guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TornadisCommand) command = make_command ("GET " FIRST_KEY);

      tally->n_expected++;
      tornadis_client_submit (client, command, tally_count_cb, tally, NULL);
    }
}

static void
make_room_cb (TornadisClient *client)
{
  guint max_pending;

  g_object_get (client, "max-pending", &max_pending, NULL);
  if (max_pending < 1000)
    g_object_set (client, "max-pending", 1000, NULL);
}

/* The nodes' clients, which have the same bounds themselves, have more room: an ASKING counts there, too. */
static gboolean
room_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  if (hook == ATTACH && client != self->data)
    g_signal_connect (client, "notify::max-pending", G_CALLBACK (make_room_cb), NULL);

  return FALSE;
}

/* As with a server that is not there, max-pending is how many wait. When they are served, or given up, there is room again. */
static void
test_bounded (Nodes *self,
              gconstpointer data)
{
  for (PutOff way = 0; way < N_PUT_OFF; way++)
    {
      Nodes nodes;

      HookPlugin *room;

      nodes_set_up (&nodes, "failover-timeout-msec=60000");
      room = add_looking (nodes.client, "room", room_hook, nodes.client);
      assert_both (&nodes);
      g_object_set (nodes.client, "max-pending", 10, NULL);
      /* The client of a node that comes back is a new one, and has no more room itself. */
      for (guint round = 0; round < (way == PUT_OFF_FOR_WANT_OF_NODE ? 1 : 3); round++)
        {
          g_autoptr (GCancellable) cancellable = g_cancellable_new ();
          g_autoptr (TornadisCommand) command = make_command ("GET " FIRST_KEY);
          g_autoptr (GAsyncResult) result = NULL;
          g_autoptr (GError) error = NULL;
          Tally tally = { 0 };

          put_off (&nodes, way);
          tornadis_client_call_async (nodes.client, command, cancellable, store_result, &result);
          submit_get (&tally, nodes.client, 100);
          wait_until (tally.n_ended == 91);
          g_assert_cmpuint (tally.busy, ==, 91);
          g_assert_null (result);

          /* One that is given up leaves its place to another. */
          g_cancellable_cancel (cancellable);
          g_assert_null (tornadis_client_call_finish (nodes.client, wait_for_result (&result), &error));
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          submit_get (&tally, nodes.client, 5);
          wait_until (tally.n_ended == 95);
          g_assert_cmpuint (tally.busy, ==, 95);

          serve (&nodes);
          tally_wait (&tally);
          g_assert_cmpuint (tally.ok, ==, 10);
        }
      take_off (nodes.client, room);
      nodes_tear_down (&nodes, NULL);
    }
}

static gboolean
keep_all_hook (HookPlugin *self,
               Hook hook,
               TornadisClient *client,
               TornadisCall *call)
{
  if (hook == CALL)
    g_ptr_array_add (self->data, g_object_ref (call));

  return FALSE;
}

/* What has ended waits no more, though somebody has it still, as garbage collectors do. */
static void
test_bounded_kept (Nodes *self,
                   gconstpointer data)
{
  g_autoptr (TornadisPlugin) cluster = g_object_ref (get_cluster_plugin (self->client));
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  HookPlugin *before = g_object_new (keeping_plugin_get_type (), NULL);

  before->func = keep_all_hook;
  before->data = kept;
  g_assert_true (tornadis_client_remove_plugin (self->client, cluster));
  g_assert_true (tornadis_client_add_plugin (self->client, (TornadisPlugin *) before, NULL));
  g_assert_true (tornadis_client_add_plugin (self->client, cluster, NULL));
  assert_both (self);
  g_object_set (self->client, "max-pending", 10, NULL);
  for (guint round = 0; round < 3; round++)
    {
      guint n_before = count_received (self->peers[0], "GET");
      Tally tally = { 0 };

      put_off (self, PUT_OFF_BY_NODE);
      submit_get (&tally, self->client, 10);
      wait_until (tally.n_ended > 0 || count_received (self->peers[0], "GET") >= n_before + 20);
      g_assert_cmpuint (tally.n_ended, ==, 0);
      serve (self);
      tally_wait (&tally);
      g_assert_cmpuint (tally.ok, ==, 10);
    }

  g_ptr_array_set_size (kept, 0);
  take_off (self->client, before);
}

/* So are the bytes of their arguments; of one call that is all that waits there may be more. */
static void
test_bounded_bytes (Nodes *self,
                    gconstpointer data)
{
  g_autofree char *value = g_strnfill (1000, 'v');
  g_autofree char *line = g_strdup_printf ("SET " FIRST_KEY " %s", value);
  g_autoptr (TornadisPipeline) atomic = PIPELINE (TRUE, line, line, line, line, line, line);
  Tally tally = { 0 };

  assert_both (self);
  for (guint i = 0; i < N_PEERS; i++)
    {
      answer (self->peers[i], "MULTI", "+OK\r\n");
      answer (self->peers[i], "SET", "-CLUSTERDOWN The cluster is down\r\n");
      answer (self->peers[i], "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    }
  g_object_set (self->client, "max-queued-bytes", (guint64) 5500, NULL);
  tally_submit_pipeline (&tally, self->client, atomic);
  wait_until (count_received (self->peers[0], "EXEC") > 1);
  g_assert_cmpuint (tally.n_ended, ==, 0);
  for (guint i = 0; i < 7; i++)
    {
      g_autoptr (TornadisCommand) command = make_command (line);

      tally.n_expected++;
      tornadis_client_submit (self->client, command, tally_count_cb, &tally, NULL);
    }
  wait_until (tally.n_ended == 7);
  g_assert_cmpuint (tally.busy, ==, 7);
  for (guint i = 0; i < N_PEERS; i++)
    {
      answer (self->peers[i], "SET", "+QUEUED\r\n");
      answer (self->peers[i], "EXEC", "*1\r\n+OK\r\n");
    }
  wait_until (tally.n_ended == 8);
  g_assert_cmpuint (tally.ok, ==, 1);
}

/* Connecting. */

/* Peers that take connections and never say anything. */
#define N_SILENT 5

static GPtrArray *
make_silent (void)
{
  GPtrArray *silent = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < N_SILENT; i++)
    g_ptr_array_add (silent, make_peer ("wait\n---\nwait\n---\nwait\n---\nwait\n---\nwait\n---\nwait\n"));

  return silent;
}

/* A cluster of masters at ports that nobody listens on, of such peers (nullable), and last of one that is there (nullable). */
static void
say_masters (Nodes *self,
             guint n_dead,
             GPtrArray *silent,
             TornadisHarnessPeer *alive)
{
  g_autoptr (GArray) ports = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GString) shards = g_string_new (NULL);

  for (guint port = 1; port <= n_dead; port++)
    g_array_append_val (ports, port);
  for (guint i = 0; silent != NULL && i < silent->len; i++)
    {
      guint port = port_of (silent->pdata[i]);

      g_array_append_val (ports, port);
    }
  if (alive != NULL)
    {
      guint port = port_of (alive);

      g_array_append_val (ports, port);
    }

  g_string_append_printf (shards, "*%u\r\n", ports->len);
  for (guint i = 0; i < ports->len; i++)
    {
      guint first = i * (16384 / ports->len), last = i == ports->len - 1 ? 16383 : (i + 1) * (16384 / ports->len) - 1;
      g_autofree char *shard = make_shard (first, last, g_array_index (ports, guint, i));

      g_string_append (shards, shard);
    }
  for (guint i = 0; i < N_PEERS; i++)
    answer (self->peers[i], "CLUSTER SHARDS", "%s", shards->str);
}

static TornadisClient *
make_another (Nodes *self)
{
  g_autofree char *hosts = g_strdup_printf ("127.0.0.1:%u", port_of (self->peers[0]));

  return make_client_of (hosts, "failover-timeout-msec=100");
}

static void
assert_state (TornadisClient *client,
              TornadisClientState expected)
{
  TornadisClientState state;

  g_object_get (client, "state", &state, NULL);
  g_assert_cmpint (state, ==, expected);
}

/* Of many masters one is there. */
static void
test_connect_others (Nodes *self,
                     gconstpointer data)
{
  say_masters (self, 9, NULL, self->peers[1]);
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (TornadisClient) client = make_another (self);
      g_autoptr (GError) error = NULL;

      g_assert_true (connect_and_wait (client, &error));
      g_assert_no_error (error);
      assert_state (client, TORNADIS_CLIENT_STATE_CONNECTED);
      /* What any may serve goes there, too. */
      assert_call (client, "\"text\"", "ECHO", "text", NULL);
    }
}

/* A master that does not answer is not waited for alone. */
static void
test_connect_past_silent (Nodes *self,
                          gconstpointer data)
{
  g_autoptr (GPtrArray) silent = make_silent ();
  g_autoptr (GError) error = NULL;

  say_masters (self, 0, silent, self->peers[1]);
  g_object_set (self->client, "connect-timeout", 3600, NULL);
  g_assert_true (connect_and_wait (self->client, &error));
  g_assert_no_error (error);
  assert_call (self->client, "\"text\"", "ECHO", "text", NULL);
}

/* The masters are gone, and a replica is there. */
static void
test_connect_replica (Nodes *self,
                      gconstpointer data)
{
  g_autofree char *master = make_node (1, "master", "online");
  g_autofree char *replica = make_node (port_of (self->peers[1]), "replica", "online");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_PEERS; i++)
    answer (self->peers[i], "CLUSTER SHARDS", "*1\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:16383\r\n+nodes\r\n*2\r\n%s%s", master, replica);
  g_assert_true (connect_and_wait (self->client, &error));
  g_assert_no_error (error);
}

/* None is there: it says so, is as it was before, and can be connected when there is one. */
static void
test_connect_to_nobody (Nodes *self,
                        gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_object_set (self->client, "autoconnect", FALSE, NULL);
  for (guint i = 0; i < 3; i++)
    {
      say_masters (self, 3, NULL, NULL);
      g_assert_false (connect_and_wait (self->client, &error));
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
      g_assert_nonnull (strstr (error->message, "refused"));
      g_clear_error (&error);
      assert_state (self->client, TORNADIS_CLIENT_STATE_DISCONNECTED);
      assert_refused (self->client, "GET " FIRST_KEY, TORNADIS_ERROR_CLOSED, "not connected");
    }

  serve (self);
  while (!connect_and_wait (self->client, NULL))
    spin_for (1);
  assert_call (self->client, "\"v\"", "GET", FIRST_KEY, NULL);
}

/* All let it wait: for connect-timeout, whatever their number. */
static void
test_connect_in_time (Nodes *self,
                      gconstpointer data)
{
  g_autoptr (GPtrArray) silent = make_silent ();
  g_autoptr (GError) error = NULL;

  say_masters (self, 0, silent, NULL);
  g_object_set (self->client, "connect-timeout", 1, NULL);
  g_assert_false (connect_and_wait (self->client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  assert_state (self->client, TORNADIS_CLIENT_STATE_DISCONNECTED);
}

static guint
count_connections (GPtrArray *peers)
{
  guint n = 0;

  for (guint i = 0; i < peers->len; i++)
    n += tornadis_harness_peer_get_n_connections (peers->pdata[i]);

  return n;
}

/* While it connects it is closed, cancelled, dropped, or the plugin is removed. */
static void
test_connect_ends (Nodes *self,
                   gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GPtrArray) silent = make_silent ();
      TornadisClient *client = make_another (self);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      say_masters (self, 1, silent, NULL);
      tornadis_client_connect_async (client, cancellable, store_result, &result);
      while (count_connections (silent) == 0)
        g_main_context_iteration (NULL, FALSE);
      if (i == 0)
        tornadis_client_close (client);
      else if (i == 1)
        g_cancellable_cancel (cancellable);
      else if (i == 2)
        g_assert_true (tornadis_client_remove_plugin (client, get_cluster_plugin (client)));
      else
        g_object_run_dispose (G_OBJECT (client));
      g_assert_false (tornadis_client_connect_finish (client, wait_for_result (&result), &error));
      if (i == 1)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else
        g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
      if (i == 2)
        g_assert_nonnull (strstr (error->message, REMOVED));
      g_clear_object (&result);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      assert_client_finalized (client);
    }
}

/* No other node is tried when the program has closed the client, or waits no more. */
static void
test_connect_given_up (Nodes *self,
                       gconstpointer data)
{
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (GPtrArray) silent = make_silent ();
      TornadisClient *client = make_another (self);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      say_masters (self, 0, silent, self->peers[1]);
      tornadis_client_connect_async (client, cancellable, store_result, &result);
      while (count_connections (silent) == 0 && result == NULL)
        g_main_context_iteration (NULL, FALSE);
      if (result == NULL && !tornadis_client_is_connected (client))
        {
          guint n_connections = tornadis_harness_peer_get_n_connections (self->peers[1]);

          if (i % 2 == 0)
            tornadis_client_close (client);
          else
            g_cancellable_cancel (cancellable);
          g_assert_false (tornadis_client_connect_finish (client, wait_for_result (&result), &error));
          spin_for (30);
          g_assert_cmpuint (tornadis_harness_peer_get_n_connections (self->peers[1]), ==, n_connections);
          g_assert_false (tornadis_client_is_connected (client));
          if (i % 2 == 0)
            assert_state (client, TORNADIS_CLIENT_STATE_DISCONNECTED);
        }
      else
        {
          (void) tornadis_client_connect_finish (client, wait_for_result (&result), NULL);
        }
      g_clear_object (&result);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      assert_client_finalized (client);
    }
}

/* A plugin that is put on the client of a node closes that of the application. */
static gboolean
close_hook (HookPlugin *self,
            Hook hook,
            TornadisClient *client,
            TornadisCall *call)
{
  if (hook != ATTACH || self->data == NULL)
    return FALSE;

  tornadis_client_close (g_steal_pointer (&self->data));

  return FALSE;
}

static void
test_closed_by_attach (Nodes *self,
                       gconstpointer data)
{
  for (guint is_mixed = 0; is_mixed < 2; is_mixed++)
    {
      g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "SET " FIRST_KEY " 1", "SET " SECOND_KEY " 1", is_mixed ? "ECHO text" : "GET " FIRST_KEY);
      g_autoptr (TornadisPlugin) behind = g_object_new (looking_plugin_get_type (), NULL);
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      TornadisError code = is_mixed ? TORNADIS_ERROR_LOST : TORNADIS_ERROR_CLOSED;
      Nodes nodes;

      nodes_set_up (&nodes, "failover-timeout-msec=60000");
      assert_call (nodes.client, "\"value-of-" SECOND_KEY "\"", "GET", SECOND_KEY, NULL);
      g_assert_true (tornadis_client_add_plugin (nodes.client, behind, NULL));
      ((HookPlugin *) behind)->func = close_hook;
      ((HookPlugin *) behind)->data = nodes.client;
      tornadis_client_call_pipeline_async (nodes.client, pipeline, NULL, store_result, &result);
      g_assert_null (((HookPlugin *) behind)->data);
      g_assert_null (tornadis_client_call_pipeline_finish (nodes.client, wait_for_result (&result), &error));
      g_assert_error (error, TORNADIS_ERROR, (int) code);
      g_clear_object (&result);
      assert_call (nodes.client, "\"value-of-" FIRST_KEY "\"", "GET", FIRST_KEY, NULL);
      assert_call (nodes.client, "\"value-of-" SECOND_KEY "\"", "GET", SECOND_KEY, NULL);
      for (guint i = 0; i < N_PEERS; i++)
        g_assert_cmpuint (count_received (nodes.peers[i], "SET"), ==, 0);
      nodes_tear_down (&nodes, NULL);
    }
}

/* The plugin is removed. */

/* What has ended how. */
typedef struct
{
  guint n_made;
  guint n_ended;
  guint n_lost;
} Removed;

static void
removed_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  Removed *self = user_data;

  self->n_ended++;
  if (error == NULL)
    g_error ("A call was served");
  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST))
    self->n_lost++;
  else
    g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED);
  if (strstr (error->message, REMOVED) == NULL)
    g_error ("%s", error->message);
}

static void
removed_submit (Removed *self,
                TornadisClient *client)
{
  static const char *const lines[] = { "GET " FIRST_KEY, "GET " SECOND_KEY, "SET " FIRST_KEY " 1", "ECHO text" };
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "GET " FIRST_KEY, "GET " SECOND_KEY, "SCAN 0");
  g_autoptr (TornadisPipeline) atomic = PIPELINE (TRUE, "SET " FIRST_KEY " 1");

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (TornadisCommand) command = make_command (lines[i]);

      tornadis_client_submit (client, command, removed_cb, self, NULL);
    }
  tornadis_client_submit_pipeline (client, pipeline, removed_cb, self, NULL);
  tornadis_client_submit_pipeline (client, atomic, removed_cb, self, NULL);
  self->n_made += G_N_ELEMENTS (lines) + 2;
}

/* When calls are where. */
typedef enum
{
  WHEN_UNKNOWN,    /* the cluster is not known */
  WHEN_CONNECTING, /* to nodes that do not answer */
  WHEN_UNWRITTEN,
  WHEN_PUT_OFF,
  WHEN_PUT_OFF_BEHIND_ASKING,
  N_WHEN,
} When;

static void
go_to (Nodes *nodes,
       When when,
       GPtrArray *silent)
{
  if (when > WHEN_CONNECTING)
    assert_both (nodes);
  if (when == WHEN_CONNECTING)
    say_masters (nodes, 0, silent, NULL);
  for (guint i = 0; when >= WHEN_PUT_OFF && i < N_PEERS; i++)
    {
      static const char *const names[] = { "GET", "SET", "ECHO", "EXEC", "SCAN" };

      for (gsize k = 0; k < G_N_ELEMENTS (names); k++)
        answer (nodes->peers[i], names[k], "%s", when == WHEN_PUT_OFF || i == 1 ? "-CLUSTERDOWN x\r\n" : "-TRYAGAIN x\r\n");
      answer (nodes->peers[i], "MULTI", "+OK\r\n");
    }
  if (when == WHEN_PUT_OFF_BEHIND_ASKING)
    answer (nodes->peers[0], "GET", "-ASK {slot} 127.0.0.1:%u\r\n", port_of (nodes->peers[1]));
}

/* Nothing goes to the server that the client itself is of. */
static void
test_removed (Nodes *self,
              gconstpointer data)
{
  for (When when = 0; when < N_WHEN; when++)
    for (guint with_other = 0; with_other < 2; with_other++)
      {
        g_autoptr (TornadisHarnessPeer) own = make_peer ("handshake3\nserve\n");
        g_autoptr (GPtrArray) silent = make_silent ();
        HookPlugin *other = NULL;
        TornadisPlugin *cluster;
        Nodes nodes;
        Removed removed = { 0 };
        guint n;

        nodes_set_up (&nodes, "failover-timeout-msec=60000");
        cluster = get_cluster_plugin (nodes.client);
        g_object_set (nodes.client, "host", "127.0.0.1", "port", port_of (own), NULL);
        go_to (&nodes, when, silent);
        /* With another one calls go through all plugins. */
        if (with_other)
          other = add_calling (nodes.client, "o", NULL, NULL);
        n = count_received (nodes.peers[0], "GET");
        removed_submit (&removed, nodes.client);
        if (when == WHEN_CONNECTING || when == WHEN_PUT_OFF || when == WHEN_PUT_OFF_BEHIND_ASKING)
          spin_for (20);
        if (when >= WHEN_PUT_OFF)
          wait_until (count_received (nodes.peers[0], "GET") > n + 1);
        g_assert_cmpuint (removed.n_ended, ==, 0);
        g_assert_true (tornadis_client_remove_plugin (nodes.client, cluster));
        wait_until (removed.n_ended == removed.n_made);
        if (when <= WHEN_CONNECTING)
          g_assert_cmpuint (removed.n_lost, ==, 0);
        g_assert_cmpuint (tornadis_harness_peer_get_n_connections (own), ==, 0);
        /* From now on it is a client of its own server. */
        assert_call (nodes.client, "\"value-of-own\"", "GET", "own", NULL);
        if (other != NULL)
          take_off (nodes.client, other);
        nodes_tear_down (&nodes, NULL);
      }
}

/* What was written may have run. */
static void
test_removed_written (Nodes *self,
                      gconstpointer data)
{
  for (guint with_other = 0; with_other < 2; with_other++)
    {
      g_autoptr (TornadisHarnessPeer) third = make_peer ("handshake3\nserve GET\nexpect GET\nwait\n");
      g_autofree char *shard = make_shard (0, 16383, port_of (third));
      g_autoptr (TornadisClient) client = make_another (self);
      TornadisPlugin *cluster = get_cluster_plugin (client);
      g_autoptr (TornadisCommand) command = make_command ("GET " FIRST_KEY);
      HookPlugin *other = with_other ? add_calling (client, "o", NULL, NULL) : NULL;
      Removed removed = { 0 };

      for (guint i = 0; i < N_PEERS; i++)
        answer (self->peers[i], "CLUSTER SHARDS", "*1\r\n%s", shard);
      tornadis_client_submit (client, command, removed_cb, &removed, NULL);
      wait_until (count_received (third, "GET") == 1);
      removed_submit (&removed, client);
      wait_until (tornadis_client_is_connected (client));
      spin_for (10);
      g_assert_true (tornadis_client_remove_plugin (client, cluster));
      wait_until (removed.n_ended == removed.n_made + 1);
      g_assert_cmpuint (removed.n_lost, ==, removed.n_ended);
      if (other != NULL)
        take_off (client, other);
    }
}

static gboolean
keep_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  if (hook != CALL || self->kept != NULL)
    return FALSE;

  self->kept = g_object_ref (call);
  return TRUE;
}

/* Another plugin has had the call until then. */
static void
test_removed_behind (Nodes *self,
                     gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) own = make_peer ("handshake3\nserve\n");
  g_autoptr (TornadisPlugin) cluster = g_object_ref (get_cluster_plugin (self->client));
  g_autoptr (TornadisCommand) command = make_command ("GET " FIRST_KEY);
  Removed removed = { 0 };
  HookPlugin *before = g_object_new (keeping_plugin_get_type (), NULL);

  before->func = keep_hook;
  g_object_set (self->client, "host", "127.0.0.1", "port", port_of (own), NULL);
  g_assert_true (tornadis_client_remove_plugin (self->client, cluster));
  g_assert_true (tornadis_client_add_plugin (self->client, (TornadisPlugin *) before, NULL));
  g_assert_true (tornadis_client_add_plugin (self->client, cluster, NULL));
  tornadis_client_submit (self->client, command, removed_cb, &removed, NULL);
  g_assert_nonnull (before->kept);
  g_assert_true (tornadis_client_remove_plugin (self->client, cluster));
  tornadis_call_proceed (before->kept);
  wait_until (removed.n_ended == 1);
  g_assert_cmpuint (removed.n_lost, ==, 0);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (own), ==, 0);
  g_clear_object (&before->kept);
  take_off (self->client, before);
}

/* A listener waits for its next attempt to connect, and does not make it to the server that the client itself is of. */
static void
test_removed_from_listener (Nodes *self,
                            gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) own = make_peer ("handshake3\nserve\n");
  g_autoptr (TornadisPubSubClient) listener = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TornadisClientState state;

  listener = tornadis_pub_sub_client_new_for_uri ("redis-cluster://127.0.0.1:1", &error);
  g_assert_no_error (error);
  g_object_set (listener, "host", "127.0.0.1", "port", port_of (own), NULL);
  /* The more attempts have failed the longer it waits for the next. */
  do
    {
      g_clear_object (&result);
      tornadis_pub_sub_client_subscribe_async (listener, (const char *[]){ "news", NULL }, NULL, store_result, &result);
      do
        {
          g_main_context_iteration (NULL, TRUE);
          g_object_get (listener, "state", &state, NULL);
        }
      while (state != TORNADIS_CLIENT_STATE_WAITING && result == NULL);
    }
  while (result != NULL);
  g_assert_true (tornadis_client_remove_plugin (TORNADIS_CLIENT (listener), get_cluster_plugin (TORNADIS_CLIENT (listener))));
  g_assert_false (tornadis_pub_sub_client_subscribe_finish (listener, wait_for_result (&result), &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_CONNECT);
  g_assert_nonnull (strstr (error->message, REMOVED));
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (own), ==, 0);
}

typedef enum
{
  AT_ONCE,
  IN_MAIN_LOOP,
  BY_DISPOSING,
  N_MOMENTS,
} Moment;

typedef struct
{
  TornadisClient *client;  /* (unowned) of the application */
  TornadisPlugin *cluster; /* (unowned) */
  Nodes *nodes;
  Moment moment;
  Hook hook;
  guint left; /* so many of these hooks until it happens */
} Attaching;

/* The plugin is put on the client of a node, or sees a call there, and removes the cluster's from that of the application. */
static gboolean
attach_hook (HookPlugin *self,
             Hook hook,
             TornadisClient *client,
             TornadisCall *call)
{
  Attaching *attaching = self->data;

  if (attaching == NULL || hook != attaching->hook || client == attaching->client || --attaching->left > 0)
    return FALSE;

  self->data = NULL;
  if (attaching->moment == BY_DISPOSING)
    g_object_run_dispose (G_OBJECT (attaching->client));
  else
    tornadis_client_remove_plugin (attaching->client, attaching->cluster);
  if (attaching->moment == IN_MAIN_LOOP)
    spin_for (20);

  return FALSE;
}

/* For hooks: the commands of which some are for several nodes. */
#define MGET_ENTRY "*6\r\n+mget\r\n:-2\r\n*1\r\n+readonly\r\n:1\r\n:-1\r\n:1\r\n"
#define GET_ENTRY "*6\r\n+get\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n"

static void
remove_by_hook (Hook hook,
                Moment moment,
                const char *line,
                guint left)
{
  static const char both[] = "MGET " FIRST_KEY " " SECOND_KEY;
  g_autoptr (TornadisPipeline) keys = PIPELINE (FALSE, "GET " FIRST_KEY, "GET " SECOND_KEY);
  g_autoptr (TornadisPipeline) mixed = PIPELINE (FALSE, "GET " FIRST_KEY, "GET " SECOND_KEY, "SCAN 0", "GET " FIRST_KEY, both, "GET " SECOND_KEY);
  g_autoptr (TornadisPipeline) atomic = PIPELINE (TRUE, "GET " FIRST_KEY);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisPlugin) behind = g_object_new (calling_plugin_get_type (), NULL);
  g_autoptr (TornadisReply) reply G_GNUC_UNUSED = NULL;
  Nodes nodes;
  Attaching attaching = { .nodes = &nodes, .moment = moment, .hook = hook, .left = left };

  nodes_set_up (&nodes, "failover-timeout-msec=60000");
  for (guint i = 0; i < N_PEERS; i++)
    answer (nodes.peers[i], "COMMAND", "*2\r\n" GET_ENTRY MGET_ENTRY);
  attaching.client = nodes.client;
  attaching.cluster = get_cluster_plugin (nodes.client);
  g_assert_true (tornadis_client_add_plugin (nodes.client, behind, NULL));
  for (guint i = 0; g_str_equal (line, "ATOMIC") && i < N_PEERS; i++)
    {
      answer (nodes.peers[i], "WATCH", "+OK\r\n");
      answer (nodes.peers[i], "MULTI", "+OK\r\n");
      answer (nodes.peers[i], "GET", "+QUEUED\r\n");
      answer (nodes.peers[i], "EXEC", "*1\r\n+OK\r\n");
    }
  if (g_str_equal (line, "ATOMIC"))
    assert_call (nodes.client, "OK", "WATCH", FIRST_KEY, NULL);
  ((HookPlugin *) behind)->func = attach_hook;
  ((HookPlugin *) behind)->data = &attaching;
  if (g_str_equal (line, "CONNECT"))
    {
      tornadis_client_connect_async (nodes.client, NULL, store_result, &result);
      (void) tornadis_client_connect_finish (nodes.client, wait_for_result (&result), NULL);
    }
  else if (g_str_equal (line, "KEYS") || g_str_equal (line, "MIXED") || g_str_equal (line, "ATOMIC"))
    {
      tornadis_client_call_pipeline_async (nodes.client, *line == 'K' ? keys : *line == 'M' ? mixed
                                                                                            : atomic,
                                           NULL, store_result, &result);
      reply = tornadis_client_call_pipeline_finish (nodes.client, wait_for_result (&result), NULL);
    }
  else
    {
      g_autoptr (TornadisCommand) command = make_command (line);

      tornadis_client_call_async (nodes.client, command, NULL, store_result, &result);
      reply = tornadis_client_call_finish (nodes.client, wait_for_result (&result), NULL);
    }
  g_clear_object (&result);
  nodes_tear_down (&nodes, NULL);
}

static void
test_removed_by_hook (Nodes *self,
                      gconstpointer data)
{
  static const char *const lines[] = { "GET " FIRST_KEY, "ECHO text", "SCAN 0", "DBSIZE", "WATCH " FIRST_KEY,
                                       "MGET " FIRST_KEY " " SECOND_KEY, "KEYS", "MIXED", "ATOMIC", "CONNECT" };

  for (Moment moment = 0; moment < N_MOMENTS; moment++)
    for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
      for (guint left = 1; left <= 4; left++)
        remove_by_hook ((Hook) GPOINTER_TO_INT (data), moment, lines[i], left);
}

/* The cluster becomes another one while a plugin is put on the client of a node. */
static gboolean
change_hook (HookPlugin *self,
             Hook hook,
             TornadisClient *client,
             TornadisCall *call)
{
  Attaching *attaching = self->data;
  guint64 before, refreshes;

  if (hook != ATTACH || attaching == NULL || client == attaching->client || --attaching->left > 0)
    return FALSE;

  self->data = NULL;
  say_masters (attaching->nodes, 0, NULL, attaching->nodes->peers[1]);
  g_object_get (attaching->cluster, "refreshes", &before, NULL);
  do
    {
      g_autofree char *text G_GNUC_UNUSED = call_text (attaching->client, "GET", "moved", NULL);

      g_object_get (attaching->cluster, "refreshes", &refreshes, NULL);
    }
  while (refreshes == before);
  spin_for (20);

  return FALSE;
}

static void
test_changed_by_attach (Nodes *self,
                        gconstpointer data)
{
  static const char *const lines[] = { "GET " FIRST_KEY, "GET " SECOND_KEY, "ECHO text", "SCAN 0" };

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    for (guint left = 1; left <= 2; left++)
      {
        Nodes nodes;
        Attaching attaching = { .nodes = &nodes, .left = left };
        g_autoptr (TornadisPlugin) behind = g_object_new (looking_plugin_get_type (), NULL);
        g_autofree char *moved = NULL;
        Calls calls = { 0 };

        nodes_set_up (&nodes, "failover-timeout-msec=60000");
        moved = g_strdup_printf ("-MOVED 1 127.0.0.1:%u\r\n", port_of (nodes.peers[1]));
        answer (nodes.peers[0], "GET", "%s", moved);
        attaching.client = nodes.client;
        attaching.cluster = get_cluster_plugin (nodes.client);
        g_assert_true (tornadis_client_add_plugin (nodes.client, behind, NULL));
        ((HookPlugin *) behind)->func = change_hook;
        ((HookPlugin *) behind)->data = &attaching;
        submit (nodes.client, lines[i], &calls);
        wait_for_calls (&calls);
        calls_clear (&calls);
        nodes_tear_down (&nodes, NULL);
      }
}

/* A plugin that is told that what is kept of nodes is of no use any more removes the cluster's. */
static gboolean
push_hook (HookPlugin *self,
           Hook hook,
           TornadisClient *client,
           TornadisCall *call)
{
  Attaching *attaching = self->data;

  if (hook != PUSH || attaching == NULL)
    return FALSE;

  self->data = NULL;
  if (attaching->moment == BY_DISPOSING)
    g_object_run_dispose (G_OBJECT (attaching->client));
  else
    tornadis_client_remove_plugin (attaching->client, attaching->cluster);
  if (attaching->moment == IN_MAIN_LOOP)
    spin_for (20);

  return FALSE;
}

/* A slot is somewhere else, by what a redirection says or by the next look at the cluster. */
static void
test_removed_by_push (Nodes *self,
                      gconstpointer data)
{
  for (Moment moment = 0; moment < N_MOMENTS; moment++)
    for (guint by_look = 0; by_look < 2; by_look++)
      {
        g_autoptr (TornadisPlugin) behind = g_object_new (looking_plugin_get_type (), NULL);
        g_autofree char *moved = NULL;
        Nodes nodes;
        Attaching attaching = { .nodes = &nodes, .moment = moment };
        Calls calls = { 0 };

        nodes_set_up (&nodes, "failover-timeout-msec=60000");
        assert_both (&nodes);
        attaching.client = nodes.client;
        attaching.cluster = get_cluster_plugin (nodes.client);
        g_assert_true (tornadis_client_add_plugin (nodes.client, behind, NULL));
        ((HookPlugin *) behind)->func = push_hook;
        ((HookPlugin *) behind)->data = &attaching;
        moved = g_strdup_printf ("-MOVED 7629 127.0.0.1:%u\r\n", by_look ? 1 : port_of (nodes.peers[1]));
        if (by_look)
          say_masters (&nodes, 0, NULL, nodes.peers[1]);
        answer (nodes.peers[0], "GET", "%s", moved);
        submit (nodes.client, "GET " FIRST_KEY, &calls);
        wait_for_calls (&calls);
        wait_until (((HookPlugin *) behind)->data == NULL);
        calls_clear (&calls);
        nodes_tear_down (&nodes, NULL);
      }
}

typedef struct
{
  TornadisPlugin *cluster; /* (unowned) */
  guint n_ended;
} Removing;

static void
removing_cb (TornadisClient *client,
             TornadisReply *reply,
             GError *error,
             gpointer user_data)
{
  Removing *self = user_data;

  g_assert_nonnull (error);
  if (self->n_ended++ == 0)
    tornadis_client_remove_plugin (client, self->cluster);
}

/* Who is told how a call has ended, since the client is closed, removes the plugin. */
static void
test_removed_by_outcome (Nodes *self,
                         gconstpointer data)
{
  static const char *const lines[] = { "GET " FIRST_KEY, "ECHO text", "SCAN 0", "WATCH " FIRST_KEY, "MGET " FIRST_KEY " " SECOND_KEY };

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    for (guint n = 1; n <= 3; n++)
      {
        g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, lines[i], "GET " SECOND_KEY);
        g_autoptr (TornadisCommand) command = make_command (lines[i]);
        Nodes nodes;
        Removing removing = { 0 };

        nodes_set_up (&nodes, "failover-timeout-msec=60000");
        removing.cluster = get_cluster_plugin (nodes.client);
        if (n > 1)
          assert_both (&nodes);
        for (guint j = 0; j < n; j++)
          {
            tornadis_client_submit (nodes.client, command, removing_cb, &removing, NULL);
            tornadis_client_submit_pipeline (nodes.client, pipeline, removing_cb, &removing, NULL);
          }
        tornadis_client_close (nodes.client);
        wait_until (removing.n_ended == 2 * n);
        nodes_tear_down (&nodes, NULL);
      }
}

static void
remove_by_state_cb (TornadisClient *client,
                    GParamSpec *pspec,
                    gpointer user_data)
{
  Removing *self = user_data;
  TornadisClientState state;

  g_object_get (client, "state", &state, NULL);
  if (state == TORNADIS_CLIENT_STATE_DISCONNECTED && self->n_ended++ == 0)
    tornadis_client_remove_plugin (client, self->cluster);
}

/* Who is told that no node is there removes the plugin. */
static void
test_removed_by_state (Nodes *self,
                       gconstpointer data)
{
  static const char *const lines[] = { "GET " FIRST_KEY, "ECHO text", "WATCH " FIRST_KEY, "MGET " FIRST_KEY " " SECOND_KEY };

  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      Nodes nodes;
      Removing removing = { 0 };
      Calls calls = { 0 };

      nodes_set_up (&nodes, "failover-timeout-msec=0");
      removing.cluster = get_cluster_plugin (nodes.client);
      say_masters (&nodes, 2, NULL, NULL);
      g_signal_connect (nodes.client, "notify::state", G_CALLBACK (remove_by_state_cb), &removing);
      submit (nodes.client, lines[i], &calls);
      submit (nodes.client, lines[i], &calls);
      wait_for_calls (&calls);
      g_assert_cmpuint (removing.n_ended, >, 0);
      calls_clear (&calls);
      nodes_tear_down (&nodes, NULL);
    }
}

/* What errors say. */

/* What was sent to a node that has failed is lost since the cluster says so: nobody has closed the client. */
static void
test_failed (Nodes *self,
             gconstpointer data)
{
  g_autoptr (TornadisHarnessPeer) third = make_peer ("handshake3\nserve GET\nexpect GET\nwait\n");
  g_autofree char *failed = make_node (port_of (third), "master", "fail");
  g_autofree char *rest = make_shard (SECOND_SLOT, 16383, port_of (self->peers[0]));
  g_autofree char *words = g_strdup_printf ("the cluster says that its node 127.0.0.1:%u has failed", port_of (third));
  g_autofree char *own = make_shard (0, 16383, port_of (third));
  g_autoptr (TornadisCommand) get = make_command ("GET " FIRST_KEY);
  g_autoptr (TornadisPipeline) pipeline = PIPELINE (FALSE, "GET " FIRST_KEY);
  GAsyncResult *results[4] = { NULL };

  answer (self->peers[0], "CLUSTER SHARDS", "*1\r\n%s", own);
  tornadis_client_call_async (self->client, get, NULL, store_result, &results[0]);
  wait_until (count_received (third, "GET") == 1);
  /* Routed, for several nodes, one after the other, and split by nodes. */
  tornadis_client_call_async (self->client, get, NULL, store_result, &results[1]);
  {
    g_autoptr (TornadisCommand) scan = make_command ("SCAN 0");

    tornadis_client_call_async (self->client, scan, NULL, store_result, &results[2]);
  }
  tornadis_client_call_pipeline_async (self->client, pipeline, NULL, store_result, &results[3]);
  spin_for (20);
  answer (self->peers[0], "CLUSTER SHARDS", "*2\r\n*4\r\n+slots\r\n*2\r\n:0\r\n:%u\r\n+nodes\r\n*1\r\n%s%s", SECOND_SLOT - 1, failed,
          rest);
  for (gsize i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply G_GNUC_UNUSED = NULL;

      wait_for_result (&results[i]);
      reply = i < 3 ? tornadis_client_call_finish (self->client, results[i], &error)
                    : tornadis_client_call_pipeline_finish (self->client, results[i], &error);
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
      if (strstr (error->message, words) == NULL)
        g_error ("%s", error->message);
      g_object_unref (results[i]);
    }

  g_clear_object (&third);
  assert_refused (self->client, "GET " FIRST_KEY, TORNADIS_ERROR_CONNECT, "");
}

static void
retitled_cb (GObject *object,
             GParamSpec *pspec,
             gpointer user_data)
{
  ++*(guint *) user_data;
}

/* Clients are called what errors call the cluster, until the plugin is removed. */
static void
test_title (Nodes *self,
            gconstpointer data)
{
  g_autofree char *expected = g_strdup_printf ("cluster of 127.0.0.1:%u", port_of (self->peers[0]));
  g_autofree char *uri = g_strdup_printf ("redis-cluster://127.0.0.1:%u", port_of (self->peers[0]));
  g_autoptr (TornadisPubSubClient) listener = tornadis_pub_sub_client_new_for_uri (uri, NULL);
  TornadisClient *clients[] = { self->client, TORNADIS_CLIENT (listener) };

  for (gsize i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      g_autofree char *title = NULL;
      g_autofree char *after = NULL;
      guint n = 0;

      g_object_get (clients[i], "title", &title, NULL);
      g_assert_cmpstr (title, ==, expected);
      g_signal_connect (clients[i], "notify::title", G_CALLBACK (retitled_cb), &n);
      g_assert_true (tornadis_client_remove_plugin (clients[i], get_cluster_plugin (clients[i])));
      g_object_get (clients[i], "title", &after, NULL);
      g_assert_cmpstr (after, ==, "127.0.0.1:6379");
      g_assert_cmpuint (n, ==, 1);
      g_signal_handlers_disconnect_by_data (clients[i], &n);
    }
}

static void
nodes_set_up_plainly (Nodes *self,
                      gconstpointer data)
{
  nodes_set_up (self, NULL);
}

#define ADD(path, function) g_test_add (path, Nodes, NULL, nodes_set_up, function, nodes_tear_down)

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/cluster-ends/bounded", test_bounded);
  g_test_add ("/cluster-ends/bounded-bytes", Nodes, "failover-timeout-msec=60000", nodes_set_up, test_bounded_bytes, nodes_tear_down);
  g_test_add ("/cluster-ends/bounded-kept", Nodes, "failover-timeout-msec=60000", nodes_set_up, test_bounded_kept, nodes_tear_down);
  ADD ("/cluster-ends/connect-others", test_connect_others);
  ADD ("/cluster-ends/connect-past-silent", test_connect_past_silent);
  ADD ("/cluster-ends/connect-replica", test_connect_replica);
  ADD ("/cluster-ends/connect-to-nobody", test_connect_to_nobody);
  ADD ("/cluster-ends/connect-in-time", test_connect_in_time);
  ADD ("/cluster-ends/connect-ends", test_connect_ends);
  ADD ("/cluster-ends/connect-given-up", test_connect_given_up);
  ADD ("/cluster-ends/closed-by-attach", test_closed_by_attach);
  ADD ("/cluster-ends/removed", test_removed);
  ADD ("/cluster-ends/removed-written", test_removed_written);
  ADD ("/cluster-ends/removed-behind", test_removed_behind);
  ADD ("/cluster-ends/removed-from-listener", test_removed_from_listener);
  g_test_add ("/cluster-ends/removed-by-attach", Nodes, GINT_TO_POINTER (ATTACH), nodes_set_up_plainly, test_removed_by_hook, nodes_tear_down);
  g_test_add ("/cluster-ends/removed-by-call", Nodes, GINT_TO_POINTER (CALL), nodes_set_up_plainly, test_removed_by_hook, nodes_tear_down);
  ADD ("/cluster-ends/changed-by-attach", test_changed_by_attach);
  ADD ("/cluster-ends/removed-by-push", test_removed_by_push);
  ADD ("/cluster-ends/removed-by-outcome", test_removed_by_outcome);
  ADD ("/cluster-ends/removed-by-state", test_removed_by_state);
  ADD ("/cluster-ends/failed", test_failed);
  ADD ("/cluster-ends/title", test_title);

  return g_test_run ();
}
