/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What many clients of a cluster cost it and themselves: links, memory, what they ask of the topology when nothing happens and
 * after a failover, and how they come back when all nodes were away. The nodes are played by another process; nothing is
 * compared, and nothing runs long enough to be a measurement of speed.
 *
 * With more than a thousand clients, connections that are idle for 45 s may be lost: TCP probes all of them at the same moment, and
 * the loopback device drops what is beyond net.core.netdev_max_backlog, each time. */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <tornadis-glib/tornadis-glib.h>
#include <unistd.h>

#include "benchmarks/crowd-nodes.h"

/* How long is looked at what a failover, or the return of all nodes, brings about. */
#define AFTERMATH_SECONDS 10
#define TICK_MSEC 10
#define ENTRY(name, flag) "*6\r\n+" name "\r\n:2\r\n*1\r\n+" flag "\r\n:1\r\n:1\r\n:1\r\n"

static gint n_clients = 20;
static gint n_masters = 3;
static gint n_keys = 1;
static gint seconds = 0;
static gint commands_port = 0;
static gboolean is_separate = FALSE;

static const GOptionEntry entries[] = {
  { "clients", 'c', 0, G_OPTION_ARG_INT, &n_clients, "How many clients there are", "N" },
  { "masters", 'm', 0, G_OPTION_ARG_INT, &n_masters, "How many masters there are, each with a replica", "N" },
  { "keys", 'k', 0, G_OPTION_ARG_INT, &n_keys, "How many keys each client has to do with", "N" },
  { "seconds", 's', 0, G_OPTION_ARG_INT, &seconds, "How long nothing happens", "N" },
  { "commands-of", 0, 0, G_OPTION_ARG_INT, &commands_port, "A server on this host that says what COMMAND answers", "PORT" },
  { "separate", 0, 0, G_OPTION_ARG_NONE, &is_separate, "Each client finds out by itself where the nodes are", NULL },
  { NULL },
};

typedef struct
{
  CrowdNodes *nodes;
  GPtrArray *clients; /* (owned) (element-type TornadisClient) */
  guint next;         /* whose turn it is */
  guint n_pending;
  guint n_errors;
  char *error; /* (owned) (nullable) the first */
} Crowd;

/* What COMMAND of a real server answers, which is long. */
static GBytes *
fetch_commands (guint port)
{
  static const char request[] = "HELLO 3\r\nECHO begin\r\nCOMMAND\r\nECHO finish\r\n";
  static const char begin[] = "$5\r\nbegin\r\n", finish[] = "$6\r\nfinish\r\n";
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK), .sin_port = htons ((guint16) port) };
  g_autoptr (GString) text = g_string_new (NULL);
  int fd = socket (AF_INET, SOCK_STREAM, 0);
  const char *first, *last;

  if (connect (fd, (struct sockaddr *) &address, sizeof address) < 0 || write (fd, request, strlen (request)) < 0)
    g_error ("There is no server at port %u", port);
  while (!g_str_has_suffix (text->str, finish))
    {
      char buffer[4096];
      ssize_t n = read (fd, buffer, sizeof buffer);

      if (n <= 0)
        g_error ("The server at port %u says no more", port);
      g_string_append_len (text, buffer, n);
    }
  close (fd);
  first = strstr (text->str, begin);
  last = text->str + text->len - strlen (finish);
  g_assert (first != NULL);
  first += strlen (begin);

  return g_bytes_new (first, (gsize) (last - first));
}

/* Clients. */

static guint
get_resident_kib (void)
{
  g_autofree char *text = NULL;
  const char *second;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL) || (second = strchr (text, ' ')) == NULL)
    return 0;

  return (guint) (g_ascii_strtoull (second, NULL, 10) * (guint64) sysconf (_SC_PAGESIZE) / 1024);
}

/* All clients that share what is known of the cluster have the same plugin, as those of a pool do. */
static TornadisClient *
make_client (const char *uri,
             TornadisClient *first)
{
  g_autoptr (GError) error = NULL;
  TornadisClient *client;

  if (first == NULL || is_separate)
    {
      client = tornadis_client_new_for_uri (uri, &error);
    }
  else
    {
      g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (tornadis_client_get_plugins (first), 0);

      client = g_object_new (TORNADIS_TYPE_CLIENT, NULL);
      tornadis_client_add_plugin (client, plugin, &error);
    }
  if (error != NULL)
    g_error ("%s", error->message);

  return client;
}

static void
crowd_make (Crowd *self)
{
  g_autofree char *uri = NULL;

  uri = g_strdup_printf ("redis-cluster://127.0.0.1:%u,127.0.0.1:%u?failover-timeout-msec=60000", self->nodes->ports[0],
                         self->nodes->ports[self->nodes->n_masters - 1]);
  self->clients = g_ptr_array_new_with_free_func (g_object_unref);
  for (gint i = 0; i < n_clients; i++)
    g_ptr_array_add (self->clients, make_client (uri, i > 0 ? g_ptr_array_index (self->clients, 0) : NULL));
}

static void
called_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  Crowd *self = user_data;

  self->n_pending--;
  if (reply != NULL && g_strcmp0 (tornadis_reply_get_text (reply), "value") == 0)
    return;

  self->n_errors++;
  if (self->error == NULL)
    self->error = g_strdup (error != NULL ? error->message : "not the value");
}

static void
crowd_call (Crowd *self,
            guint i,
            guint key)
{
  g_autofree char *name = g_strdup_printf ("key:%u:%u", i, key);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", name, NULL });

  self->n_pending++;
  tornadis_client_submit (g_ptr_array_index (self->clients, i), command, called_cb, self, NULL);
}

static void
crowd_call_all (Crowd *self,
                guint n)
{
  for (guint i = 0; i < self->clients->len; i++)
    for (guint key = 0; key < n; key++)
      crowd_call (self, i, key);
}

/* Each client calls once a second. */
static gboolean
tick_cb (gpointer user_data)
{
  Crowd *self = user_data;
  guint n = (self->clients->len + 1000 / TICK_MSEC - 1) / (1000 / TICK_MSEC);

  for (guint i = 0; i < n; i++)
    {
      self->next = (self->next + 1) % self->clients->len;
      crowd_call (self, self->next, (guint) g_random_int_range (0, n_keys));
    }

  return G_SOURCE_CONTINUE;
}

static void
crowd_wait (Crowd *self)
{
  while (self->n_pending > 0)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
crowd_is_connected (Crowd *self)
{
  for (guint i = 0; i < self->clients->len; i++)
    {
      if (tornadis_client_is_connected (g_ptr_array_index (self->clients, i)))
        return TRUE;
    }

  return FALSE;
}

static gboolean
over_cb (gpointer is_over)
{
  *(gboolean *) is_over = TRUE;

  return G_SOURCE_REMOVE;
}

static void
run_for (guint msec)
{
  gboolean is_over = FALSE;

  g_timeout_add (msec, over_cb, &is_over);
  while (!is_over)
    g_main_context_iteration (NULL, TRUE);
}

/* Calls go on meanwhile. */
static void
crowd_live (Crowd *self,
            guint n_seconds)
{
  guint id = g_timeout_add (TICK_MSEC, tick_cb, self);

  run_for (1000 * n_seconds);
  g_source_remove (id);
  crowd_wait (self);
}

/* What happened. */

static void
say (const char *name,
     double value)
{
  g_print ("  %-34s %.6g\n", name, value);
}

static void
say_bins (const char *name,
          const guint *bins)
{
  guint n = CROWD_N_BINS, peak = 0;

  while (n > 0 && bins[n - 1] == 0)
    n--;
  g_print ("  %s:", name);
  for (guint i = 0; i < n; i++)
    {
      peak = MAX (peak, bins[i]);
      if (i < 60)
        g_print (" %u", bins[i]);
    }
  g_print ("%s; peak %u\n", n > 60 ? " ..." : "", peak);
}

static void
say_since (const CrowdNodes *nodes,
           const CrowdNodes *before)
{
  say ("connections made", (double) (nodes->n_accepted - before->n_accepted));
  say ("commands", (double) (nodes->n_commands - before->n_commands));
  say ("of these PING", (double) (nodes->n_pings - before->n_pings));
  say ("of these about the cluster", (double) (nodes->n_looks - before->n_looks));
  say ("of these for its topology", (double) (nodes->n_topologies - before->n_topologies));
  say ("of these for its commands", (double) (nodes->n_tables - before->n_tables));
  say ("KiB in reply to these", (double) (nodes->look_bytes - before->look_bytes) / 1024);
  say ("redirections", (double) (nodes->n_moved - before->n_moved));
}

static void
reset_bins (CrowdNodes *nodes)
{
  g_atomic_int_inc (&nodes->n_resets);
}

static void
test_begin (Crowd *self)
{
  CrowdNodes before = *self->nodes;
  guint kib = get_resident_kib (), made;
  gint64 began = g_get_monotonic_time ();

  crowd_make (self);
  made = get_resident_kib ();
  g_print ("%.3g seconds to make them\n", (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC);
  crowd_call_all (self, (guint) n_keys);
  crowd_wait (self);
  g_print ("All clients call, for the first time\n");
  say ("seconds", (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC);
  say_since (self->nodes, &before);
  say ("connections for each client", (double) self->nodes->n_open / n_clients);
  say ("KiB for each client, not connected", (double) (made - kib) / n_clients);
  say ("KiB for each client, connected", (double) (get_resident_kib () - kib) / n_clients);
}

static void
test_calm (Crowd *self)
{
  CrowdNodes before = *self->nodes;

  g_print ("Nothing happens for %d seconds\n", seconds);
  run_for (1000 * (guint) seconds);
  say_since (self->nodes, &before);

  before = *self->nodes;
  g_print ("Each client calls once a second, for %d seconds\n", seconds);
  crowd_live (self, (guint) seconds);
  say_since (self->nodes, &before);
}

static void
test_failover (Crowd *self)
{
  CrowdNodes before = *self->nodes;

  reset_bins (self->nodes);
  g_atomic_int_set (&self->nodes->is_over, TRUE);
  crowd_call_all (self, (guint) n_keys);
  crowd_wait (self);
  g_print ("A replica takes its master's place, and all clients call\n");
  say_since (self->nodes, &before);
  if (seconds > 0)
    {
      crowd_live (self, AFTERMATH_SECONDS);
      g_print ("... and once a second for %d seconds\n", AFTERMATH_SECONDS);
      say_since (self->nodes, &before);
    }
  say_bins ("connections in each 100 ms", self->nodes->bins);
  say_bins ("questions in each 100 ms", self->nodes->look_bins);
}

static void
test_return (Crowd *self)
{
  CrowdNodes before = *self->nodes;
  gint64 began;

  g_atomic_int_set (&self->nodes->is_down, TRUE);
  while (!g_atomic_int_get (&self->nodes->are_down))
    run_for (TICK_MSEC);
  /* What is written to a connection that was closed a moment ago is lost. */
  while (crowd_is_connected (self))
    g_main_context_iteration (NULL, TRUE);
  crowd_call_all (self, 1);
  run_for (seconds > 0 ? 5000 : 100);
  reset_bins (self->nodes);
  began = g_get_monotonic_time ();
  g_atomic_int_set (&self->nodes->is_down, FALSE);
  crowd_wait (self);
  g_print ("All nodes were away, each client has a call that waits, and all nodes are back\n");
  say ("seconds until all calls were answered", (double) (g_get_monotonic_time () - began) / G_USEC_PER_SEC);
  if (seconds > 0)
    run_for (1000 * AFTERMATH_SECONDS);
  say_since (self->nodes, &before);
  say_bins ("connections in each 100 ms", self->nodes->bins);
  say_bins ("questions in each 100 ms", self->nodes->look_bins);
}

static void
allow_files (void)
{
  struct rlimit limit;
  /* After the failover those that had to do with one node have to do with another too. */
  rlim_t wanted = (rlim_t) n_clients * (rlim_t) MIN (n_keys, n_masters) * (rlim_t) (n_masters + 1) / (rlim_t) n_masters + 1000;

  getrlimit (RLIMIT_NOFILE, &limit);
  /* While they ask. */
  if (is_separate)
    wanted += 4 * (rlim_t) n_clients;
  limit.rlim_cur = MAX (limit.rlim_cur, wanted);
  limit.rlim_max = MAX (limit.rlim_max, wanted);
  if (setrlimit (RLIMIT_NOFILE, &limit) < 0)
    g_error ("%d clients need %lu open files, which are not allowed here", n_clients, (gulong) wanted);
}

int
main (int argc,
      char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- a simulation of many clients of a cluster");
  g_autoptr (GBytes) commands = NULL;
  g_autoptr (GError) error = NULL;
  Crowd crowd = { NULL };
  guint n_errors;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    g_error ("%s", error->message);
  if (n_clients < 1 || n_keys < 1 || n_masters < 1 || n_masters > CROWD_MAX_NODES / 2)
    g_error ("There are too few or too many of something");

  allow_files ();
  commands = commands_port != 0 ? fetch_commands ((guint) commands_port) : g_bytes_new_static ("*1\r\n" ENTRY ("get", "readonly"), sizeof ("*1\r\n" ENTRY ("get", "readonly")) - 1);
  crowd.nodes = crowd_nodes_start ((guint) n_masters, commands);
  g_print ("%d clients, %s, of %d masters with a replica each; %d keys each; COMMAND answers %zu bytes\n", n_clients,
           is_separate ? "each for itself" : "which share what they know", n_masters, n_keys, g_bytes_get_size (commands));

  test_begin (&crowd);
  if (seconds > 0)
    test_calm (&crowd);
  test_failover (&crowd);
  test_return (&crowd);

  n_errors = crowd.n_errors;
  if (n_errors > 0)
    g_printerr ("%u calls failed, the first of them: %s\n", n_errors, crowd.error);
  g_ptr_array_unref (crowd.clients);
  g_free (crowd.error);
  crowd_nodes_stop (crowd.nodes);

  return n_errors > 0;
}
