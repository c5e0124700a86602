/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "harness/harness-peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/harness-peer-private.h"

/**
 * TornadisHarnessPeer:
 *
 * A peer that does what a script says, in threads of its own.
 */
G_DEFINE_FINAL_TYPE (TornadisHarnessPeer, tornadis_harness_peer, G_TYPE_OBJECT)

void
harness_peer_fail (TornadisHarnessPeer *self,
                   const char *format,
                   ...)
{
  va_list args;

  g_mutex_lock (&self->lock);
  if (self->failure == NULL)
    {
      va_start (args, format);
      self->failure = g_strdup_vprintf (format, args);
      va_end (args);
    }
  g_mutex_unlock (&self->lock);
}

static gpointer
accept_thread (gpointer data)
{
  TornadisHarnessPeer *self = data;
  gboolean ready;

  while (harness_peer_wait (self, self->listen_fd, POLLIN, -1, &ready))
    {
      int fd = ready ? accept4 (self->listen_fd, NULL, NULL, SOCK_CLOEXEC) : -1;
      HarnessConversation *conversation;
      const int one = 1;

      if (fd < 0)
        continue;

      /* What was sent is there when the step is done, whether or not all before it was acknowledged. */
      setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);

      conversation = g_new0 (HarnessConversation, 1);
      conversation->peer = self;
      conversation->fd = fd;

      g_mutex_lock (&self->lock);
      conversation->part = g_ptr_array_index (self->parts, MIN (self->n_connections, self->parts->len - 1));
      self->n_connections++;
      g_ptr_array_add (self->threads, g_thread_new ("conversation", harness_conversation_run, conversation));
      g_mutex_unlock (&self->lock);
    }

  return NULL;
}

static void
tornadis_harness_peer_finalize (GObject *object)
{
  TornadisHarnessPeer *self = TORNADIS_HARNESS_PEER (object);

  if (self->stop_fds[1] >= 0)
    close (self->stop_fds[1]);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  for (guint i = 0; i < self->threads->len; i++)
    g_thread_join (g_ptr_array_index (self->threads, i));

  if (self->listen_fd >= 0)
    close (self->listen_fd);
  if (self->stop_fds[0] >= 0)
    close (self->stop_fds[0]);
  if (self->go_fd >= 0)
    close (self->go_fd);
  g_clear_pointer (&self->parts, g_ptr_array_unref);
  g_clear_pointer (&self->answers, g_hash_table_unref);
  g_ptr_array_unref (self->threads);
  g_byte_array_unref (self->received);
  g_string_free (self->commands, TRUE);
  g_free (self->failure);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (tornadis_harness_peer_parent_class)->finalize (object);
}

static void
tornadis_harness_peer_class_init (TornadisHarnessPeerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tornadis_harness_peer_finalize;
}

static void
tornadis_harness_peer_init (TornadisHarnessPeer *self)
{
  g_mutex_init (&self->lock);
  self->threads = g_ptr_array_new ();
  self->received = g_byte_array_new ();
  self->commands = g_string_new (NULL);
  self->listen_fd = self->go_fd = self->stop_fds[0] = self->stop_fds[1] = -1;
}

/* What is left of a part of the script. */
static char *
take_declarations (TornadisHarnessPeer *self,
                   const char *part)
{
  g_auto (GStrv) lines = g_strsplit (part, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (g_strstrip (lines[i]), "answer "))
      {
        harness_peer_declare (self, lines[i] + strlen ("answer "));
        lines[i][0] = '\0';
      }

  return g_strjoinv ("\n", lines);
}

/**
 * tornadis_harness_peer_new:
 * @script: what to do, a line a step
 * @error: return location for an error
 *
 * Listens on a free port of 127.0.0.1.
 *
 * Returns: (transfer full): a peer
 */
TornadisHarnessPeer *
tornadis_harness_peer_new (const char *script,
                           GError **error)
{
  g_autoptr (TornadisHarnessPeer) self = g_object_new (TORNADIS_HARNESS_TYPE_PEER, NULL);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  g_auto (GStrv) parts = g_strsplit (script, "---\n", -1);

  self->parts = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; parts[i] != NULL; i++)
    g_ptr_array_add (self->parts, take_declarations (self, parts[i]));

  self->listen_fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  self->go_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
  if (pipe2 (self->stop_fds, O_CLOEXEC) < 0 || self->go_fd < 0 || self->listen_fd < 0 ||
      bind (self->listen_fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (self->listen_fd, 128) < 0 ||
      getsockname (self->listen_fd, (struct sockaddr *) &address, &length) < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "Could not listen: %s", g_strerror (errno));
      return NULL;
    }

  self->port = ntohs (address.sin_port);
  self->thread = g_thread_new ("peer", accept_thread, self);

  return g_steal_pointer (&self);
}

/**
 * tornadis_harness_peer_go:
 * @self: a peer
 *
 * Ends a `wait` of the script, this or the next one.
 */
void
tornadis_harness_peer_go (TornadisHarnessPeer *self)
{
  const guint64 one = 1;

  if (write (self->go_fd, &one, sizeof one) < 0)
    harness_peer_fail (self, "go: %s", g_strerror (errno));
}

/**
 * tornadis_harness_peer_get_port:
 * @self: a peer
 *
 * Gets the port on 127.0.0.1.
 *
 * Returns: a port
 */
guint
tornadis_harness_peer_get_port (TornadisHarnessPeer *self)
{
  return self->port;
}

/**
 * tornadis_harness_peer_get_n_connections:
 * @self: a peer
 *
 * Gets how many connections have been accepted.
 *
 * Returns: a number
 */
guint
tornadis_harness_peer_get_n_connections (TornadisHarnessPeer *self)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->n_connections;
  g_mutex_unlock (&self->lock);

  return n;
}

/**
 * tornadis_harness_peer_get_n_steps:
 * @self: a peer
 *
 * Gets how many steps are done, of all connections. The step with which a connection ends is done when it is closed.
 *
 * Returns: a number
 */
guint
tornadis_harness_peer_get_n_steps (TornadisHarnessPeer *self)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->n_steps;
  g_mutex_unlock (&self->lock);

  return n;
}

/**
 * tornadis_harness_peer_get_received:
 * @self: a peer
 *
 * Gets the commands that were read, a line each, escaped.
 *
 * Returns: (transfer full): text
 */
char *
tornadis_harness_peer_get_received (TornadisHarnessPeer *self)
{
  char *text;

  g_mutex_lock (&self->lock);
  text = g_strdup (self->commands->str);
  g_mutex_unlock (&self->lock);

  return text;
}

/**
 * tornadis_harness_peer_get_received_bytes:
 * @self: a peer
 *
 * Gets all bytes that were received.
 *
 * Returns: (transfer full): bytes
 */
GBytes *
tornadis_harness_peer_get_received_bytes (TornadisHarnessPeer *self)
{
  GBytes *bytes;

  g_mutex_lock (&self->lock);
  bytes = g_bytes_new (self->received->data, self->received->len);
  g_mutex_unlock (&self->lock);

  return bytes;
}

/**
 * tornadis_harness_peer_get_failure:
 * @self: a peer
 *
 * Gets what did not go as the script says.
 *
 * Returns: (transfer full) (nullable): text, or %NULL
 */
char *
tornadis_harness_peer_get_failure (TornadisHarnessPeer *self)
{
  char *failure;

  g_mutex_lock (&self->lock);
  failure = g_strdup (self->failure);
  g_mutex_unlock (&self->lock);

  return failure;
}
