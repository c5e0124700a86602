/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "benchmarks/crowd-nodes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster/cluster-slot.h"

#define BACKLOG 4096
#define TICK_MSEC 10
#define MAX_EVENTS 256
#define MAX_ARGS 8

typedef struct
{
  int fd;
  guint node;
  gboolean listens;
  GByteArray *input; /* (owned) (nullable) what is left of a command */
} Socket;

typedef struct
{
  const char *data;
  gsize length;
} Text;

typedef struct
{
  CrowdNodes *shared;
  GBytes *commands;
  GString *shards[2];  /* before and after the failover */
  GHashTable *sockets; /* (owned) (element-type Socket) */
  int epoll;
  gint64 began; /* the bins did, in monotonic time */
  gint n_resets;
} Nodes;

static pid_t child;

/* What they say. */

static guint
get_owner (const CrowdNodes *shared,
           guint slot,
           gboolean is_over)
{
  guint owner = slot * shared->n_masters / CLUSTER_N_SLOTS;

  return is_over && owner == 0 ? shared->n_masters : owner;
}

static void
append_node (GString *text,
             guint16 port,
             gboolean is_master)
{
  g_string_append_printf (text,
                          "%%7\r\n$2\r\nid\r\n$40\r\n%040u\r\n$4\r\nport\r\n:%u\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n"
                          "$8\r\nendpoint\r\n$9\r\n127.0.0.1\r\n$4\r\nrole\r\n$%d\r\n%s\r\n"
                          "$18\r\nreplication-offset\r\n:1000000\r\n$6\r\nhealth\r\n$6\r\nonline\r\n",
                          port, port, is_master ? 6 : 7, is_master ? "master" : "replica");
}

static GString *
make_shards (const CrowdNodes *shared,
             gboolean is_over)
{
  GString *text = g_string_new (NULL);
  guint n = shared->n_masters;

  g_string_append_printf (text, "*%u\r\n", n);
  for (guint i = 0; i < n; i++)
    {
      guint first = (i * CLUSTER_N_SLOTS + n - 1) / n;
      guint last = ((i + 1) * CLUSTER_N_SLOTS + n - 1) / n - 1;

      g_string_append_printf (text, "%%2\r\n$5\r\nslots\r\n*2\r\n:%u\r\n:%u\r\n$5\r\nnodes\r\n*2\r\n", first, last);
      append_node (text, shared->ports[i], !is_over || i > 0);
      append_node (text, shared->ports[n + i], is_over && i == 0);
    }

  return text;
}

static gboolean
text_is (const Text *text,
         const char *word)
{
  return text->length == strlen (word) && g_ascii_strncasecmp (text->data, word, text->length) == 0;
}

static guint
get_bin (const Nodes *self)
{
  gint64 bin = (g_get_monotonic_time () - self->began) / (CROWD_BIN_MSEC * G_TIME_SPAN_MILLISECOND);

  return (guint) MIN (bin, CROWD_N_BINS - 1);
}

static void
answer_look (Nodes *self,
             GString *output,
             const Text *args,
             guint n)
{
  CrowdNodes *shared = self->shared;
  gboolean is_over = g_atomic_int_get (&shared->is_over);
  gsize before = output->len;

  if (n > 1 && text_is (&args[1], "SHARDS"))
    {
      g_string_append_len (output, self->shards[is_over]->str, (gssize) self->shards[is_over]->len);
      shared->n_topologies++;
    }
  else if (n > 1)
    {
      g_autofree char *info = g_strdup_printf ("cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n"
                                               "cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_known_nodes:%u\r\n"
                                               "cluster_size:%u\r\ncluster_current_epoch:%d\r\ncluster_my_epoch:1\r\n",
                                               2 * shared->n_masters, shared->n_masters, 1000 + is_over);

      g_string_append_printf (output, "$%zu\r\n%s\r\n", strlen (info), info);
    }
  else
    {
      g_string_append_len (output, g_bytes_get_data (self->commands, NULL), (gssize) g_bytes_get_size (self->commands));
      shared->n_tables++;
    }
  shared->n_looks++;
  shared->look_bins[get_bin (self)]++;
  shared->look_bytes += output->len - before;
}

static void
answer (Nodes *self,
        guint node,
        GString *output,
        const Text *args,
        guint n)
{
  CrowdNodes *shared = self->shared;

  shared->n_commands++;
  if (text_is (&args[0], "GET") && n > 1)
    {
      guint slot = cluster_slot_of (args[1].data, args[1].length);
      guint owner = get_owner (shared, slot, g_atomic_int_get (&shared->is_over));

      if (owner == node)
        {
          g_string_append (output, "$5\r\nvalue\r\n");
        }
      else
        {
          g_string_append_printf (output, "-MOVED %u 127.0.0.1:%u\r\n", slot, shared->ports[owner]);
          shared->n_moved++;
        }
    }
  else if (text_is (&args[0], "CLUSTER") || text_is (&args[0], "COMMAND"))
    {
      answer_look (self, output, args, n);
    }
  else if (text_is (&args[0], "PING"))
    {
      g_string_append (output, "+PONG\r\n");
      shared->n_pings++;
    }
  else if (text_is (&args[0], "HELLO"))
    {
      g_string_append (output, "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n");
    }
  else
    {
      g_string_append (output, "+OK\r\n");
    }
}

/* How they hear it. */

/* The length of the command at the beginning, 0 if there is more to come. */
static gsize
parse (const char *data,
       gsize length,
       Text *args,
       guint *n)
{
  const char *at = data, *end = data + length;
  guint wanted;

  if (length == 0 || memchr (data, '\n', length) == NULL)
    return 0;

  g_assert (*at == '*');
  wanted = (guint) g_ascii_strtoull (at + 1, NULL, 10);
  at = (const char *) memchr (at, '\n', length) + 1;
  for (*n = 0; *n < wanted; (*n)++)
    {
      const char *line = at < end ? memchr (at, '\n', (gsize) (end - at)) : NULL;
      gsize size;

      if (line == NULL)
        return 0;
      size = g_ascii_strtoull (at + 1, NULL, 10);
      if ((gsize) (end - line - 1) < size + 2)
        return 0;
      if (*n < MAX_ARGS)
        args[*n] = (Text){ line + 1, size };
      at = line + 1 + size + 2;
    }
  *n = MIN (*n, MAX_ARGS);

  return (gsize) (at - data);
}

static void
socket_free (gpointer data)
{
  Socket *self = data;

  close (self->fd);
  g_clear_pointer (&self->input, g_byte_array_unref);
  g_free (self);
}

static void
add_socket (Nodes *self,
            int fd,
            guint node,
            gboolean listens)
{
  Socket *socket = g_new (Socket, 1);
  struct epoll_event event = { EPOLLIN, { .ptr = socket } };

  *socket = (Socket){ fd, node, listens, NULL };
  g_hash_table_add (self->sockets, socket);
  if (epoll_ctl (self->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
    g_error ("epoll: %s", g_strerror (errno));
}

static void
take (Nodes *self,
      Socket *listener)
{
  int fd;

  while ((fd = accept4 (listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    {
      add_socket (self, fd, listener->node, FALSE);
      self->shared->n_accepted++;
      self->shared->n_open++;
      self->shared->bins[get_bin (self)]++;
    }
  if (errno != EAGAIN && errno != ECONNABORTED)
    g_error ("accept: %s", g_strerror (errno));
}

static void
drop (Nodes *self,
      Socket *socket)
{
  self->shared->n_open--;
  g_hash_table_remove (self->sockets, socket);
}

static void
hear (Nodes *self,
      Socket *socket)
{
  static char buffer[65536];
  ssize_t length = recv (socket->fd, buffer, sizeof buffer, 0);
  g_autoptr (GString) output = g_string_new (NULL);
  const char *data = buffer;
  gsize left, used = 0, size;
  Text args[MAX_ARGS];
  guint n;

  if (length <= 0)
    {
      drop (self, socket);
      return;
    }

  left = (gsize) length;
  if (socket->input != NULL)
    {
      g_byte_array_append (socket->input, (const guint8 *) buffer, (guint) length);
      data = (const char *) socket->input->data;
      left = socket->input->len;
    }
  while ((size = parse (data + used, left - used, args, &n)) > 0)
    {
      answer (self, socket->node, output, args, n);
      used += size;
    }
  if (used == left)
    {
      g_clear_pointer (&socket->input, g_byte_array_unref);
    }
  else if (socket->input != NULL)
    {
      g_byte_array_remove_range (socket->input, 0, (guint) used);
    }
  else
    {
      socket->input = g_byte_array_new ();
      g_byte_array_append (socket->input, (const guint8 *) data + used, (guint) (left - used));
    }

  /* Nobody reads slowly here: what does not fit at once is waited for. */
  for (gsize sent = 0; sent < output->len;)
    {
      ssize_t part = send (socket->fd, output->str + sent, output->len - sent, MSG_NOSIGNAL);

      if (part >= 0)
        sent += (gsize) part;
      else if (errno == EAGAIN)
        g_usleep (100);
      else
        break;
    }
}

/* How they live. */

static void
listen_all (Nodes *self)
{
  const int one = 1;

  for (guint i = 0; i < 2 * self->shared->n_masters; i++)
    {
      struct sockaddr_in address = { .sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                                     .sin_port = htons (self->shared->ports[i]) };
      socklen_t size = sizeof address;
      int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

      setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
      if (bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, BACKLOG) < 0)
        g_error ("listen: %s", g_strerror (errno));
      getsockname (fd, (struct sockaddr *) &address, &size);
      self->shared->ports[i] = ntohs (address.sin_port);
      add_socket (self, fd, i, TRUE);
    }
}

static void
obey (Nodes *self)
{
  CrowdNodes *shared = self->shared;
  gint is_down = g_atomic_int_get (&shared->is_down);
  gint n_resets = g_atomic_int_get (&shared->n_resets);

  if (self->n_resets != n_resets)
    {
      memset (shared->bins, 0, sizeof shared->bins);
      memset (shared->look_bins, 0, sizeof shared->look_bins);
      self->began = g_get_monotonic_time ();
      self->n_resets = n_resets;
    }
  if (is_down == shared->are_down)
    return;

  if (is_down)
    {
      g_hash_table_remove_all (self->sockets);
      shared->n_open = 0;
    }
  else
    {
      listen_all (self);
    }
  g_atomic_int_set (&shared->are_down, is_down);
}

static G_NORETURN void
nodes_run (Nodes *self)
{
  struct epoll_event events[MAX_EVENTS];

  for (;;)
    {
      int n = epoll_wait (self->epoll, events, MAX_EVENTS, TICK_MSEC);

      for (int i = 0; i < n; i++)
        {
          Socket *socket = events[i].data.ptr;

          if (socket->listens)
            take (self, socket);
          else
            hear (self, socket);
        }
      obey (self);
    }
}

CrowdNodes *
crowd_nodes_start (guint n_masters,
                   GBytes *commands)
{
  CrowdNodes *shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Nodes nodes = { shared, commands };
  char ready = 0;
  int ends[2];

  g_assert (shared != MAP_FAILED && 2 * n_masters <= CROWD_MAX_NODES && pipe (ends) == 0);
  shared->n_masters = n_masters;
  child = fork ();
  g_assert (child >= 0);
  if (child == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      nodes.sockets = g_hash_table_new_full (NULL, NULL, socket_free, NULL);
      nodes.epoll = epoll_create1 (EPOLL_CLOEXEC);
      nodes.began = g_get_monotonic_time ();
      listen_all (&nodes);
      for (guint i = 0; i < G_N_ELEMENTS (nodes.shards); i++)
        nodes.shards[i] = make_shards (shared, i == 1);
      if (write (ends[1], &ready, 1) != 1)
        _exit (1);
      nodes_run (&nodes);
    }

  close (ends[1]);
  if (read (ends[0], &ready, 1) != 1)
    g_error ("The nodes could not be started");
  close (ends[0]);
  return shared;
}

void
crowd_nodes_stop (CrowdNodes *self)
{
  kill (child, SIGKILL);
  waitpid (child, NULL, 0);
  munmap (self, sizeof *self);
}
