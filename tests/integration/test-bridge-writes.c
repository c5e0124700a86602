/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When the calls of one turn of a language are written: together, to each server that they go to, and at once. */

#include "integration/util.h"
#include "introspection/bridge/tornadis-bridge-carrier.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>

#define N_TARGETS 2

/* Sends ECHO 0… to the first client, ECHO 1… to the second, and what has no argument nowhere: its call hook answers that, after a
 * main loop has run until what came before is received, and answered: behind what is in flight others would wait. */
#define ROUTING_TYPE_PLUGIN (routing_plugin_get_type ())
G_DECLARE_FINAL_TYPE (RoutingPlugin, routing_plugin, ROUTING, PLUGIN, TornadisPlugin)

struct _RoutingPlugin
{
  TornadisPlugin parent_instance;

  TornadisClient *targets[N_TARGETS]; /* (owned) */
  TornadisHarnessPeer **peers;        /* (unowned) */
  guint n_routed;
};

G_DEFINE_FINAL_TYPE (RoutingPlugin, routing_plugin, TORNADIS_TYPE_PLUGIN)

/* (nullable) */
static TornadisClient *
routing_plugin_find (RoutingPlugin *self,
                     TornadisCommand *command)
{
  gsize length;
  const guint8 *digit = tornadis_command_get_arg_data (command, 1, &length);

  return digit != NULL && length > 0 ? self->targets[*digit - '0'] : NULL;
}

static TornadisClient *
routing_plugin_route (TornadisPlugin *plugin,
                      TornadisClient *client,
                      TornadisCommand *command)
{
  RoutingPlugin *self = ROUTING_PLUGIN (plugin);
  TornadisClient *target = routing_plugin_find (self, command);

  self->n_routed += target != NULL;

  return target;
}

static gboolean
routing_plugin_is_idle (RoutingPlugin *self)
{
  guint n_received = 0;
  guint n_pending = 0;

  for (guint i = 0; i < N_TARGETS; i++)
    {
      guint pending;

      g_object_get (self->targets[i], "pending", &pending, NULL);
      n_pending += pending;
      n_received += count_received (self->peers[i], "ECHO");
    }

  return n_received == self->n_routed && n_pending == 0;
}

static gboolean
routing_plugin_call (TornadisPlugin *plugin,
                     TornadisCall *call)
{
  RoutingPlugin *self = ROUTING_PLUGIN (plugin);
  TornadisClient *target = routing_plugin_find (self, tornadis_call_get_command (call));
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  if (target != NULL)
    {
      tornadis_call_forward (call, target);
      return TRUE;
    }

  wait_until (routing_plugin_is_idle (self));
  bytes = g_bytes_new_static ("WAITED", strlen ("WAITED"));
  reply = tornadis_reply_new_string (bytes);
  tornadis_call_return_reply (call, reply);

  return TRUE;
}

static void
routing_plugin_finalize (GObject *object)
{
  RoutingPlugin *self = ROUTING_PLUGIN (object);

  for (guint i = 0; i < N_TARGETS; i++)
    assert_client_finalized (self->targets[i]);

  G_OBJECT_CLASS (routing_plugin_parent_class)->finalize (object);
}

static void
routing_plugin_class_init (RoutingPluginClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = routing_plugin_finalize;
  TORNADIS_PLUGIN_CLASS (klass)->call = routing_plugin_call;
  TORNADIS_PLUGIN_CLASS (klass)->route = routing_plugin_route;
}

static void
routing_plugin_init (RoutingPlugin *self)
{
}

/* A client of "JavaScript", with the plugin or with none of its own. */
typedef struct
{
  TornadisHarnessPeer *peers[N_TARGETS];
  TornadisClient *client;
  TornadisBridgeCarrier *carrier;
  RoutingPlugin *plugin; /* (owned) */
  GString *told;
} Writes;

static void
told_cb (GObject *owner,
         const char *outcomes,
         gboolean *taken,
         gpointer user_data)
{
  *taken = TRUE;
  g_string_append (user_data, outcomes);
}

static void
set_up (Writes *self,
        gconstpointer routes)
{
  g_autoptr (GError) error = NULL;

  self->told = g_string_new (NULL);
  self->plugin = g_object_new (ROUTING_TYPE_PLUGIN, NULL);
  self->plugin->peers = self->peers;
  for (guint i = 0; i < N_TARGETS; i++)
    {
      self->peers[i] = make_peer ("handshake3\nserve\n");
      self->plugin->targets[i] = make_client (self->peers[i]);
      g_assert_true (connect_and_wait (self->plugin->targets[i], &error));
    }

  self->client = make_client (self->peers[0]);
  if (GPOINTER_TO_INT (routes))
    tornadis_client_add_plugin (self->client, TORNADIS_PLUGIN (self->plugin), &error);
  else
    g_assert_true (connect_and_wait (self->client, &error));
  g_assert_no_error (error);
  self->carrier = tornadis_bridge_carrier_new_text (G_OBJECT (self->client), told_cb, self->told, NULL);
}

static void
tear_down (Writes *self,
           gconstpointer routes)
{
  assert_finalized (self->carrier);
  assert_client_finalized (self->client);
  assert_finalized (self->plugin);
  for (guint i = 0; i < N_TARGETS; i++)
    {
      g_autofree char *failure = tornadis_harness_peer_get_failure (self->peers[i]);

      g_assert_null (failure);
      g_object_unref (self->peers[i]);
    }
  g_string_free (self->told, TRUE);
}

static void
submit (Writes *self,
        const char *calls)
{
  g_autoptr (GError) error = NULL;

  tornadis_bridge_carrier_submit_text (self->carrier, calls, &error);
  g_assert_no_error (error);
}

/* No main loop runs meanwhile. */
static void
await_received (TornadisHarnessPeer *peer,
                guint n)
{
  gint64 patience = get_patience ();

  while (count_received (peer, "ECHO") < n && g_get_monotonic_time () < patience)
    g_usleep (1000);
  g_assert_cmpuint (count_received (peer, "ECHO"), ==, n);
}

static void
await_told (Writes *self,
            const char *text)
{
  while (strstr (self->told->str, text) == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_plain (Writes *self,
            gconstpointer routes)
{
  g_test_summary ("Calls that are submitted together are all written before that returns");

  submit (self, "[[\"ECHO\",\"e1\"],[\"ECHO\",\"e2\"],[\"ECHO\",\"e3\"]]");
  await_received (self->peers[0], 3);
  await_told (self, " 3,\"e3\"");

  /* Behind what is in flight they wait for the turn of the connection. */
  submit (self, "[[\"ECHO\",\"e4\"]]");
  submit (self, "[[\"ECHO\",\"e5\"],[\"ECHO\",\"e6\"]]");
  await_received (self->peers[0], 4);
  await_told (self, " 6,\"e6\"");
}

static void
test_routed (Writes *self,
             gconstpointer routes)
{
  g_test_summary ("Calls that a plugin routes to several clients are all written before that returns");

  submit (self, "[[\"ECHO\",\"0e1\"],[\"ECHO\",\"1e2\"],[\"ECHO\",\"0e3\"],[\"ECHO\",\"1e4\"],[\"ECHO\",\"1e5\"]]");
  g_assert_cmpuint (self->plugin->n_routed, ==, 5);
  await_received (self->peers[0], 2);
  await_received (self->peers[1], 3);
  await_told (self, " 3,\"0e3\"");
  await_told (self, " 5,\"1e5\"");
}

/* Waits until a reply of the peer is there to be read, on its only connection to this process; no main loop runs. */
static void
await_reply (TornadisHarnessPeer *peer)
{
  guint n = 0;

  for (int fd = 0; fd < FD_SETSIZE; fd++)
    {
      struct sockaddr_in address;
      socklen_t length = sizeof address;
      struct pollfd poll_fd = { fd, POLLIN, 0 };

      if (getpeername (fd, (struct sockaddr *) &address, &length) != 0 || address.sin_family != AF_INET ||
          ntohs (address.sin_port) != tornadis_harness_peer_get_port (peer))
        continue;
      g_assert_cmpint (poll (&poll_fd, 1, -1), ==, 1);
      n++;
    }

  g_assert_cmpuint (n, ==, 1);
}

static void
test_outcomes (Writes *self,
               gconstpointer routes)
{
  g_test_summary ("Replies that have come from several servers are told together");

  submit (self, "[[\"ECHO\",\"0e1\"],[\"ECHO\",\"1e2\"]]");
  for (guint i = 0; i < N_TARGETS; i++)
    await_reply (self->peers[i]);
  await_told (self, "1e2");
  await_told (self, "0e1");
  /* One opening bracket, though which of the two comes first is open. */
  g_assert_cmpint (self->told->str[0], ==, '[');
  g_assert_null (strchr (self->told->str + 1, '['));
}

static void
test_hook (Writes *self,
           gconstpointer routes)
{
  g_test_summary ("A main loop that runs in a hook, amid calls that are submitted together, writes those before");

  submit (self, "[[\"ECHO\",\"0e1\"],[\"ECHO\",\"1e2\"],[\"OTHER\"],[\"ECHO\",\"0e3\"],[\"ECHO\",\"0e4\"]]");
  await_received (self->peers[0], 3);
  await_told (self, "WAITED");
  await_told (self, " 5,\"0e4\"");
}

static void
test_cancelled (Writes *self,
                gconstpointer routes)
{
  g_autofree char *received = NULL;

  g_test_summary ("Calls behind one that is in flight can be taken back until they are written");

  submit (self, "[[\"ECHO\",\"0e1\"]]");
  submit (self, "[[\"ECHO\",\"0e2\"],[\"ECHO\",\"0e3\"],[\"ECHO\",\"0e4\"]]");
  tornadis_bridge_carrier_cancel (self->carrier, 2);
  await_told (self, " 4,\"0e4\"");
  g_assert_nonnull (strstr (self->told->str, "-3,{\"e\":[\"g-io-error-quark\",19,"));
  received = tornadis_harness_peer_get_received (self->peers[0]);
  g_assert_null (strstr (received, "0e3"));
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/bridge-writes/plain", Writes, GINT_TO_POINTER (FALSE), set_up, test_plain, tear_down);
  g_test_add ("/bridge-writes/routed", Writes, GINT_TO_POINTER (TRUE), set_up, test_routed, tear_down);
  g_test_add ("/bridge-writes/outcomes", Writes, GINT_TO_POINTER (TRUE), set_up, test_outcomes, tear_down);
  g_test_add ("/bridge-writes/hook", Writes, GINT_TO_POINTER (TRUE), set_up, test_hook, tear_down);
  g_test_add ("/bridge-writes/cancelled", Writes, GINT_TO_POINTER (TRUE), set_up, test_cancelled, tear_down);

  return g_test_run ();
}
