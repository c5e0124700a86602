/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names, addresses, networks that come and go, and clocks that jump. */

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "matrix/matrix.h"
#include "matrix/fake-resolver.h"

#define V MATRIX_VALUE
#define C MATRIX_CONNECT
#define L MATRIX_LOST
#define T MATRIX_TIMEOUT
#define SAME MATRIX_SAME
#define NEW MATRIX_NEW

/* Of the library, in seconds and one more. */
#define CONNECT_TIMEOUT 21
#define SILENCE 31
#define HOURS (8 * 3600)

typedef struct
{
  TornadisClient *client; /* (owned) */
  guint n_lost;
  MatrixCall call;
  MatrixCall behind;
} Scene;

typedef struct
{
  const char *name;
  const char *what;
  const char *peer;
  void (*func) (Scene *self);
  MatrixEnds ends;
  gboolean own_network; /* in a process that has a network of its own */
} Row;

static void
lost_cb (TornadisClient *client,
         GError *error,
         gpointer user_data)
{
  ((Scene *) user_data)->n_lost++;
}

static void
take_client (Scene *self,
             TornadisClient *client)
{
  self->client = client;
  g_object_set (client, "aggressive-write", TRUE, NULL);
  g_signal_connect (client, "disconnected", G_CALLBACK (lost_cb), self);
}

static void
be_client_of (Scene *self,
              const char *host,
              guint port)
{
  take_client (self, tornadis_client_new (host, (guint16) port));
}

static TornadisHarnessPeer *
meet (Scene *self,
      const char *script)
{
  TornadisHarnessPeer *peer = make_peer (script);

  be_client_of (self, "127.0.0.1", tornadis_harness_peer_get_port (peer));
  return peer;
}

static void
connect_scene (Scene *self)
{
  g_autoptr (GError) error = NULL;

  connect_and_wait (self->client, &error);
  g_assert_no_error (error);
}

/* The peer goes on, and has done so many more steps when this returns. Nothing of the client runs meanwhile. */
static void
go (TornadisHarnessPeer *peer,
    guint n_steps)
{
  n_steps += tornadis_harness_peer_get_n_steps (peer);
  tornadis_harness_peer_go (peer);
  while (tornadis_harness_peer_get_n_steps (peer) < n_steps)
    g_usleep (1000);
}

static void
submit (Scene *self)
{
  matrix_call_submit (&self->call, self->client);
}

static void
submit_with_timeout (Scene *self,
                     guint msec)
{
  g_object_set (self->client, "call-timeout-msec", msec, NULL);
  submit (self);
  g_object_set (self->client, "call-timeout-msec", 0, NULL);
}

static void
end (Scene *self,
     guint ending)
{
  matrix_call_assert (&self->call, ending, "the call");
}

/* As long as a peer may be silent, and the answer to a PING may take. */
static void
wait_for_silence (Scene *self,
                  MatrixCall *waiting)
{
  for (guint i = 0; i < 10 && !waiting->ended; i++)
    {
      matrix_advance_clock (SILENCE);
      spin_for (5);
    }
}

static void
finish_scene (Scene *self)
{
  matrix_assert_works (self->client, "after");
  tornadis_client_close (self->client);
  assert_client_finalized (g_steal_pointer (&self->client));
}

/* Names */

#define ADDRESSES(...) fake_resolver_set_addresses (resolver, (const char *[]){ __VA_ARGS__, NULL })

static void
name_unknown (Scene *self)
{
  FakeResolver *resolver = fake_resolver_install ();
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");

  be_client_of (self, "server.test", tornadis_harness_peer_get_port (peer));
  ADDRESSES (NULL);
  submit (self);
  end (self, C);
  ADDRESSES ("127.0.0.1");
  finish_scene (self);
}

static void
name_forgotten (Scene *self)
{
  FakeResolver *resolver = fake_resolver_install ();
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\nwait\nclose\n---\nhandshake\necho-server\n");

  be_client_of (self, "server.test", tornadis_harness_peer_get_port (peer));
  ADDRESSES ("127.0.0.1");
  connect_scene (self);
  ADDRESSES (NULL);
  submit (self);
  tornadis_harness_peer_go (peer);
  end (self, L);
  matrix_call_submit (&self->behind, self->client);
  matrix_call_assert (&self->behind, C, "while unknown");
  ADDRESSES ("127.0.0.1");
  finish_scene (self);
}

static void
name_without_answer (Scene *self)
{
  FakeResolver *resolver = fake_resolver_install ();
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");
  guint n_asked = fake_resolver_get_n_asked (resolver);

  be_client_of (self, "server.test", tornadis_harness_peer_get_port (peer));
  ADDRESSES ("127.0.0.1");
  fake_resolver_set_silent (resolver, TRUE);
  submit (self);
  wait_until (fake_resolver_get_n_asked (resolver) > n_asked);
  matrix_advance_clock (CONNECT_TIMEOUT);
  end (self, C);
  fake_resolver_set_silent (resolver, FALSE);
  finish_scene (self);
}

/* Two servers at one port, each at an address of its own. */
static void
name_moves_of (Scene *self,
               gboolean by_connectable)
{
  FakeResolver *resolver = fake_resolver_install ();
  g_autoptr (TornadisHarnessRedis) first = NULL;
  g_autoptr (TornadisHarnessRedis) second = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *port = NULL;

  first = tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  port = g_strdup_printf ("%u", tornadis_harness_redis_get_port (first));
  second = tornadis_harness_redis_new ((const char *[]){ "--bind", "127.0.0.2", "--port", port, NULL }, &error);
  g_assert_no_error (error);
  g_free (tornadis_harness_redis_command (second, "SET where second", NULL));

  be_client_of (self, "server.test", tornadis_harness_redis_get_port (first));
  if (by_connectable)
    {
      g_autoptr (GSocketConnectable) name = g_network_address_new ("server.test", (guint16) tornadis_harness_redis_get_port (first));

      g_object_set (self->client, "connectable", name, NULL);
    }
  ADDRESSES ("127.0.0.1");
  assert_call (self->client, "(nil)", "GET", "where", NULL);
  matrix_call_submit_strv (&self->call, self->client, (const char *[]){ "BLPOP", "nothing", "0", NULL });
  wait_until (count_blocked (first) == 1);
  ADDRESSES ("127.0.0.2");
  tornadis_harness_redis_kill (first);
  end (self, L);
  assert_call (self->client, "\"second\"", "GET", "where", NULL);
  finish_scene (self);
}

static void
name_moves (Scene *self)
{
  name_moves_of (self, FALSE);
}

/* A GNetworkAddress itself would keep to the first server. */
static void
connectable_moves (Scene *self)
{
  name_moves_of (self, TRUE);
}

static void
one_address_refuses (Scene *self)
{
  FakeResolver *resolver = fake_resolver_install ();
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");

  be_client_of (self, "server.test", tornadis_harness_peer_get_port (peer));
  ADDRESSES ("127.0.0.3", "127.0.0.1");
  submit (self);
  end (self, V);
  finish_scene (self);
}

/* Listens, and takes no connection more. */
static void
fill_backlog (int fds[3],
              const char *host,
              guint port)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (host, port);
  struct sockaddr_in native;

  g_assert_true (g_socket_address_to_native (address, &native, sizeof native, NULL));
  for (guint i = 0; i < 3; i++)
    fds[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (i > 0 ? SOCK_NONBLOCK : 0), 0);
  g_assert_cmpint (bind (fds[0], (struct sockaddr *) &native, sizeof native), ==, 0);
  g_assert_cmpint (listen (fds[0], 0), ==, 0);
  for (guint i = 1; i < 3; i++)
    g_assert_true (connect (fds[i], (struct sockaddr *) &native, sizeof native) == 0 || errno == EINPROGRESS);
}

static void
one_address_dead (Scene *self)
{
  FakeResolver *resolver = fake_resolver_install ();
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");
  int fds[3];

  fill_backlog (fds, "127.0.0.3", tornadis_harness_peer_get_port (peer));
  be_client_of (self, "server.test", tornadis_harness_peer_get_port (peer));
  ADDRESSES ("127.0.0.3", "127.0.0.1");
  submit (self);
  end (self, V);
  for (guint i = 0; i < 3; i++)
    close (fds[i]);
  finish_scene (self);
}

static void
all_addresses_dead (Scene *self)
{
  FakeResolver *resolver = fake_resolver_install ();
  g_autoptr (TornadisHarnessPeer) peer = make_peer ("handshake\necho-server\n");
  int fds[3];

  fill_backlog (fds, "127.0.0.3", tornadis_harness_peer_get_port (peer));
  be_client_of (self, "server.test", tornadis_harness_peer_get_port (peer));
  ADDRESSES ("127.0.0.3", "127.0.0.4");
  submit (self);
  spin_for (20);
  g_assert_false (self->call.ended);
  matrix_advance_clock (CONNECT_TIMEOUT);
  end (self, C);
  for (guint i = 0; i < 3; i++)
    close (fds[i]);
  ADDRESSES ("127.0.0.1");
  finish_scene (self);
}

/* Networks */

/* Of the process's own network, which has nothing else. */
static void
set_up (const char *interface,
        gboolean up)
{
  int fd = socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = { .ifr_flags = (short) (up ? IFF_UP : 0) };

  g_strlcpy (request.ifr_name, interface, sizeof request.ifr_name);
  g_assert_cmpint (ioctl (fd, SIOCSIFFLAGS, &request), ==, 0);
  close (fd);
}

static void
remove_ipv4 (void)
{
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = { .ifr_addr = { .sa_family = AF_INET } };

  g_strlcpy (request.ifr_name, "lo", sizeof request.ifr_name);
  g_assert_cmpint (ioctl (fd, SIOCSIFADDR, &request), ==, 0);
  close (fd);
}

static void
ipv6_only (Scene *self)
{
  g_autoptr (TornadisHarnessRedis) redis = NULL;
  g_autoptr (GError) error = NULL;

  redis = tornadis_harness_redis_new ((const char *[]){ "--bind", "127.0.0.1", "::1", NULL }, &error);
  g_assert_no_error (error);
  remove_ipv4 ();
  be_client_of (self, "::1", tornadis_harness_redis_get_port (redis));
  submit (self);
  end (self, V);
  finish_scene (self);

  /* Its addresses are of both sorts, wherever it is. */
  be_client_of (self, "localhost", tornadis_harness_redis_get_port (redis));
  matrix_call_submit (&self->behind, self->client);
  matrix_call_assert (&self->behind, V, "localhost");
  finish_scene (self);
}

static void
network_down_in_flight (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer G_GNUC_UNUSED = meet (self, "handshake\necho-server\n");

  g_free (call_text (self->client, "ECHO", "x", NULL));
  set_up ("lo", FALSE);
  submit (self);
  wait_for_silence (self, &self->call);
  end (self, L);
  matrix_call_submit (&self->behind, self->client);
  spin_for (20);
  matrix_advance_clock (CONNECT_TIMEOUT);
  matrix_call_assert (&self->behind, C, "while it is down");
  set_up ("lo", TRUE);
  finish_scene (self);
}

static void
network_down_for_a_moment (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "handshake\necho-server\n");

  connect_scene (self);
  set_up ("lo", FALSE);
  submit (self);
  spin_for (20);
  set_up ("lo", TRUE);
  end (self, V);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);
  finish_scene (self);
}

static void
network_down_subscribed (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = make_peer (
    "handshake3\nserve\nanswer SUBSCRIBE \">3\\r\\n$9\\r\\nsubscribe\\r\\n$4\\r\\nnews\\r\\n:1\\r\\n\"\n");
  TornadisClient *client =
    TORNADIS_CLIENT (tornadis_pub_sub_client_new ("127.0.0.1", (guint16) tornadis_harness_peer_get_port (peer)));

  take_client (self, client);
  matrix_call_subscribe (&self->call, client, "news");
  end (self, V);
  set_up ("lo", FALSE);
  matrix_call_subscribe (&self->behind, client, "more");
  wait_for_silence (self, &self->behind);
  matrix_call_assert (&self->behind, L, "while it is down");
  set_up ("lo", TRUE);
  wait_until (tornadis_harness_peer_get_n_connections (peer) == 2 && count_received (peer, "SUBSCRIBE") >= 2);
  tornadis_client_close (client);
  assert_client_finalized (g_steal_pointer (&self->client));
}

/* What the monitor says */

static void
flap (guint n)
{
  for (guint i = 0; i < n; i++)
    g_signal_emit_by_name (g_network_monitor_get_default (), "network-changed", i % 2 == 1);
}

static void
flapping_in_flight (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "handshake\nexpect ECHO\nwait\nsend \"$4\\r\\ncall\\r\\n\"\necho-server\n");

  connect_scene (self);
  submit (self);
  for (guint i = 0; i < 100; i++)
    {
      flap (20);
      g_main_context_iteration (NULL, FALSE);
    }
  tornadis_harness_peer_go (peer);
  end (self, V);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);
  finish_scene (self);
}

static void
flapping_while_connecting (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "wait\nhandshake\necho-server\n");

  submit (self);
  for (guint i = 0; i < 100; i++)
    {
      flap (20);
      g_main_context_iteration (NULL, FALSE);
    }
  tornadis_harness_peer_go (peer);
  end (self, V);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);
  finish_scene (self);
}

/* Every change that is one for the better may be an attempt, and no more. */
static void
flapping_while_away (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "close\n");
  g_autoptr (TornadisHarnessPeer) back = NULL;

  submit (self);
  end (self, C);
  for (guint i = 0; i < 20; i++)
    {
      MatrixCall again = { .serial = "again" };
      guint n = tornadis_harness_peer_get_n_connections (peer);

      matrix_call_submit (&again, self->client);
      flap (100);
      matrix_call_assert (&again, C, "while away");
      g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), <=, n + 1);
      matrix_assert_once (&again, 1);
    }
  back = make_peer ("handshake\necho-server\n");
  g_object_set (self->client, "port", tornadis_harness_peer_get_port (back), NULL);
  finish_scene (self);
}

/* Processes */

/* A child that has done what it was to do ends by a signal: nothing that would look at what it leaves does so. */
static void
end_child (void)
{
  raise (SIGKILL);
}

static gboolean
child_has_ended (pid_t child)
{
  int status;

  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  return WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL;
}

/* The child has the same socket. What it lets go of is its own. */
static void
fork_and_drop (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "handshake\nexpect ECHO\nwait\nsend \"$4\\r\\ncall\\r\\n\"\necho-server\n");
  pid_t child;

  connect_scene (self);
  submit (self);
  child = fork ();
  if (child == 0)
    {
      g_signal_handlers_disconnect_by_data (self->client, self);
      tornadis_client_close (self->client);
      end_child ();
    }
  g_assert_true (child_has_ended (child));
  tornadis_harness_peer_go (peer);
  end (self, V);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);
  finish_scene (self);
}

static void
fork_and_exit (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "handshake\nexpect ECHO\nwait\nsend \"$4\\r\\ncall\\r\\n\"\necho-server\n");
  pid_t child;

  connect_scene (self);
  submit (self);
  child = fork ();
  if (child == 0)
    end_child ();
  g_assert_true (child_has_ended (child));
  tornadis_harness_peer_go (peer);
  end (self, V);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);
  finish_scene (self);
}

/* Clocks */

static void
jump_wall_clock (Scene *self,
                 gint64 by_sec)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "handshake\nexpect ECHO\nwait\nsend \"$4\\r\\ncall\\r\\n\"\necho-server\n");

  connect_scene (self);
  submit_with_timeout (self, 600000);
  matrix_set_wall_clock (by_sec);
  spin_for (20);
  g_assert_false (self->call.ended);
  tornadis_harness_peer_go (peer);
  end (self, V);
  matrix_set_wall_clock (0);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);
  finish_scene (self);
}

static void
jump_forward (Scene *self)
{
  jump_wall_clock (self, 100000 * 3600);
}

static void
jump_back (Scene *self)
{
  jump_wall_clock (self, -100000 * 3600);
}

/* A machine slept: its clock goes on, or jumps, and what came meanwhile is there. */
static void
sleep_with_answer (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "handshake\nexpect ECHO\nwait\nsend \"$4\\r\\ncall\\r\\n\"\necho-server\n");

  connect_scene (self);
  submit_with_timeout (self, 600000);
  go (peer, 2);
  matrix_advance_clock (HOURS);
  end (self, V);
  finish_scene (self);
}

static void
sleep_without_answer (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "handshake\nexpect ECHO\nwait\nsend \"$4\\r\\ncall\\r\\n\"\necho-server\n");

  connect_scene (self);
  submit_with_timeout (self, 600000);
  matrix_advance_clock (HOURS);
  end (self, T);
  tornadis_harness_peer_go (peer);
  finish_scene (self);
}

static void
sleep_while_idle (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "handshake\necho-server\n");

  connect_scene (self);
  matrix_advance_clock (HOURS);
  submit_with_timeout (self, 600000);
  end (self, V);
  g_assert_cmpuint (tornadis_harness_peer_get_n_connections (peer), ==, 1);
  finish_scene (self);
}

static void
sleep_and_be_left (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "handshake\nexpect ECHO\nwait\nclose\n---\nhandshake\necho-server\n");

  connect_scene (self);
  submit_with_timeout (self, 600000);
  go (peer, 2);
  matrix_advance_clock (HOURS);
  end (self, L);
  finish_scene (self);
}

/* The other side has gone without a word: a firewall has forgotten the connection. */
static void
sleep_and_be_forgotten (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer =
    meet (self, "handshake\nexpect ECHO\nsend \"+x\\r\\n\"\nwait\ndeaf\nstop-reading\n---\nhandshake\necho-server\n");

  g_free (call_text (self->client, "ECHO", "x", NULL));
  go (peer, 2);
  matrix_advance_clock (HOURS);
  submit (self);
  wait_for_silence (self, &self->call);
  end (self, L);
  finish_scene (self);
}

static void
sleep_while_connecting (Scene *self)
{
  g_autoptr (TornadisHarnessPeer) peer = meet (self, "await-bytes 10\nwait\ndrain\n---\nhandshake\necho-server\n");

  submit (self);
  wait_until (tornadis_harness_peer_get_n_steps (peer) == 1);
  matrix_advance_clock (HOURS);
  end (self, C);
  finish_scene (self);
}

#define REDIS "redis-server"
#define PEER "scripted"

static const Row rows[] = {
  { "dns/unknown", "a name that is not known, and then is", PEER, name_unknown, { C, 0, NEW, NULL } },
  { "dns/forgotten", "a name that is not known any more when the connection is lost", PEER, name_forgotten, { L, C, NEW, "while it is not known" } },
  { "dns/silent", "a resolver that does not answer", PEER, name_without_answer, { C, 0, NEW, "after `connect-timeout`" } },
  { "dns/moves", "a name that comes to mean another server, BLPOP in flight", REDIS, name_moves, { L, 0, NEW, "to the other server" } },
  { "dns/connectable-moves", "the same of a GNetworkAddress, set as `connectable`", REDIS, connectable_moves, { L, 0, NEW, "to the other server" } },
  { "dns/one-refuses", "two addresses, the first refuses", PEER, one_address_refuses, { V, 0, SAME, NULL } },
  { "dns/one-dead", "two addresses, the first is a black hole", PEER, one_address_dead, { V, 0, SAME, NULL } },
  { "dns/all-dead", "two addresses, a black hole and one that refuses", PEER, all_addresses_dead, { C, 0, NEW, "after `connect-timeout`" } },
  { "ipv6-only", "a machine without IPv4, `::1` and `localhost`", REDIS, ipv6_only, { V, V, SAME, "`localhost`" }, TRUE },
  { "down/in-flight", "the network goes, a call in flight", PEER, network_down_in_flight, { L, C, NEW, "while it is away" }, TRUE },
  { "down/moment", "the network goes for a moment, a call in flight", PEER, network_down_for_a_moment, { V, 0, SAME, NULL }, TRUE },
  { "down/subscribed", "the network goes, subscribed, another SUBSCRIBE in flight", PEER, network_down_subscribed, { V, L, NEW, "the other SUBSCRIBE" }, TRUE },
  { "flapping/in-flight", "GNetworkMonitor flaps, a call in flight", PEER, flapping_in_flight, { V, 0, SAME, NULL } },
  { "flapping/connecting", "GNetworkMonitor flaps while connecting", PEER, flapping_while_connecting, { V, 0, SAME, NULL } },
  { "flapping/away", "GNetworkMonitor flaps, no server", PEER, flapping_while_away, { C, 0, NEW, "one attempt a call" } },
  { "fork/close", "fork, the child closes the client, a call in flight", PEER, fork_and_drop, { V, 0, SAME, NULL } },
  { "fork/exit", "fork, the child ends, a call in flight", PEER, fork_and_exit, { V, 0, SAME, NULL } },
  { "clock/forward", "the wall clock jumps forward, a call with a timeout in flight", PEER, jump_forward, { V, 0, SAME, NULL } },
  { "clock/back", "the wall clock jumps back, a call with a timeout in flight", PEER, jump_back, { V, 0, SAME, NULL } },
  { "suspended/answered", "a suspended laptop: hours later, the answer is there", PEER, sleep_with_answer, { V, 0, SAME, NULL } },
  { "suspended/unanswered", "a suspended laptop: hours later, no answer, a timeout", PEER, sleep_without_answer, { T, 0, SAME, NULL } },
  { "suspended/idle", "a suspended laptop: hours later, a call on the old connection", PEER, sleep_while_idle, { V, 0, SAME, NULL } },
  { "suspended/closed", "a suspended laptop: the server has closed, a call in flight", PEER, sleep_and_be_left, { L, 0, NEW, NULL } },
  { "suspended/forgotten", "a suspended laptop: nobody knows the connection any more", PEER, sleep_and_be_forgotten, { L, 0, NEW, "the `PING` is not answered" } },
  { "suspended/connecting", "a suspended laptop: while connecting", PEER, sleep_while_connecting, { C, 0, NEW, NULL } },
};

/* Of what is run from now on in this thread, and in threads and processes that come from it. */
static gboolean
have_own_network (void)
{
  if (unshare (CLONE_NEWNET) != 0 && unshare (CLONE_NEWUSER | CLONE_NEWNET) != 0)
    return FALSE;

  set_up ("lo", TRUE);
  return TRUE;
}

static void
run_row_here (gconstpointer data)
{
  const Row *row = data;
  Scene scene = { .call = { .serial = "call" }, .behind = { .serial = "behind" } };

  if (row->own_network)
    g_assert_true (have_own_network ());

  row->func (&scene);
  end (&scene, row->ends.ending);
  if (row->ends.behind != 0)
    matrix_call_assert (&scene.behind, row->ends.behind, row->name);
  matrix_assert_once (&scene.call, 1);
  matrix_assert_once (&scene.behind, 1);
}

static gboolean
may_have_own_network (void)
{
  pid_t child = fork ();

  if (child == 0)
    {
      if (have_own_network ())
        end_child ();
      _exit (1);
    }

  return child_has_ended (child);
}

static void
run_row (gconstpointer data)
{
  const Row *row = data;

  if (!row->own_network || g_test_subprocess ())
    run_row_here (row);
  else if (!may_have_own_network ())
    g_test_skip ("No process may have a network of its own");
  else
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
    }
}

static void
add_row (const Row *row)
{
  g_autofree char *path = g_strdup_printf ("/matrix/network/%s", row->name);
  g_autofree char *ends = matrix_describe_ends (&row->ends);

  matrix_add (path, row->peer, row->what, ends, row, run_row);
}

int
main (int argc,
      char **argv)
{
  matrix_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    add_row (&rows[i]);

  return matrix_run ();
}
