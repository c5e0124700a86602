/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "harness/harness-peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* No wait of the peer is longer, so that a broken test ends. */
#define PATIENCE_MSEC 60000

/**
 * TornadisHarnessPeer:
 *
 * A peer that does what a script says, in threads of its own.
 */
struct _TornadisHarnessPeer
{
  GObject parent_instance;

  GPtrArray *parts; /* (owned) (element-type utf8) the script of each connection; read by all threads */
  GThread *thread;  /* (owned) accepts */
  int listen_fd;
  int stop_fds[2]; /* a pipe that is closed to stop all threads */
  int go_fd;       /* an eventfd: how many waits are over */
  guint port;

  GMutex lock; /* of what follows */
  GPtrArray *threads;   /* (element-type GThread) of the connections */
  GByteArray *received; /* by all connections */
  GString *commands;    /* read by all connections, a line each */
  char *failure;        /* (nullable) the first */
  guint n_connections;
  guint n_steps; /* that are done */
};

G_DEFINE_FINAL_TYPE (TornadisHarnessPeer, tornadis_harness_peer, G_TYPE_OBJECT)

/* One connection, in a thread of its own. */
typedef struct
{
  TornadisHarnessPeer *peer; /* (unowned) joins the thread before it goes */
  const char *part;
  int fd;
  GByteArray *input; /* not yet taken apart */
  GRand *random;
} Conversation;

static void
peer_fail (TornadisHarnessPeer *self,
           const char *format,
           ...) G_GNUC_PRINTF (2, 3);

static void
peer_fail (TornadisHarnessPeer *self,
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

/* Waits for @events or the time; FALSE when the peer is to stop. @ready tells whether they came. */
static gboolean
wait_for (TornadisHarnessPeer *self,
          int fd,
          short events,
          int msec,
          gboolean *ready)
{
  struct pollfd fds[2] = { { self->stop_fds[0], POLLIN, 0 }, { fd, events, 0 } };

  while (poll (fds, 2, msec) < 0 && errno == EINTR)
    ;
  *ready = fds[1].revents != 0;

  return fds[0].revents == 0;
}

static gboolean
pause_for (Conversation *self,
           int msec)
{
  gboolean ready;

  return wait_for (self->peer, -1, 0, msec, &ready);
}

/* Waits for tornadis_harness_peer_go(), each call of which is for one wait. */
static gboolean
step_wait (Conversation *self)
{
  guint64 one;
  gboolean ready = TRUE;

  while (read (self->peer->go_fd, &one, sizeof one) < 0)
    if (!ready || !wait_for (self->peer, self->peer->go_fd, POLLIN, PATIENCE_MSEC, &ready))
      return FALSE;

  return TRUE;
}

/* Reads what is there; FALSE at the end of the stream. */
static gboolean
conversation_receive (Conversation *self)
{
  guint8 buffer[65536];
  gssize n = recv (self->fd, buffer, sizeof buffer, 0);

  if (n <= 0)
    return FALSE;

  g_byte_array_append (self->input, buffer, (guint) n);
  g_mutex_lock (&self->peer->lock);
  g_byte_array_append (self->peer->received, buffer, (guint) n);
  g_mutex_unlock (&self->peer->lock);

  return TRUE;
}

/* Takes one whole command out of the input; %NULL when there is none. */
static GPtrArray *
conversation_parse (Conversation *self)
{
  g_autoptr (GPtrArray) args = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  const char *begin = (const char *) self->input->data;
  const char *end = begin + self->input->len;
  const char *at = begin;
  guint64 n_args = 0;

  for (gint64 i = -1; i == -1 || (guint64) i < n_args; i++)
    {
      const char *line_end = memmem (at, (gsize) (end - at), "\r\n", 2);
      guint64 number;

      if (line_end == NULL)
        return NULL;

      number = g_ascii_strtoull (at + 1, NULL, 10);
      at = line_end + 2;
      if (i == -1)
        n_args = number;
      else
        {
          if ((guint64) (end - at) < number + 2)
            return NULL;
          g_ptr_array_add (args, g_bytes_new (at, number));
          at += number + 2;
        }
    }

  {
    g_autoptr (GString) line = g_string_new (NULL);

    for (guint i = 0; i < args->len; i++)
      {
        GBytes *arg = g_ptr_array_index (args, i);
        g_autofree char *text = g_strndup (g_bytes_get_data (arg, NULL), g_bytes_get_size (arg));
        g_autofree char *escaped = g_strescape (text, NULL);

        g_string_append_printf (line, "%s%s", i > 0 ? " " : "", escaped);
      }
    g_mutex_lock (&self->peer->lock);
    g_string_append_printf (self->peer->commands, "%s\n", line->str);
    g_mutex_unlock (&self->peer->lock);
  }

  g_byte_array_remove_range (self->input, 0, (guint) (at - begin));

  return g_steal_pointer (&args);
}

/* Waits for one whole command; %NULL at the end of the stream. */
static GPtrArray *
conversation_read (Conversation *self)
{
  for (;;)
    {
      GPtrArray *args = self->input->len > 0 ? conversation_parse (self) : NULL;
      gboolean ready;

      if (args != NULL)
        return args;
      if (!wait_for (self->peer, self->fd, POLLIN, PATIENCE_MSEC, &ready) || !ready || !conversation_receive (self))
        return NULL;
    }
}

static gboolean
conversation_send (Conversation *self,
                   const char *bytes,
                   gsize length)
{
  while (length > 0)
    {
      gboolean ready;
      gssize n;

      if (!wait_for (self->peer, self->fd, POLLOUT, PATIENCE_MSEC, &ready) || !ready)
        return FALSE;
      n = send (self->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN)
        return FALSE;
      if (n > 0)
        {
          bytes += n;
          length -= (gsize) n;
        }
    }

  return TRUE;
}

static gboolean
arg_is (GPtrArray *args,
        guint i,
        const char *text)
{
  GBytes *arg;

  if (i >= args->len)
    return FALSE;

  arg = g_ptr_array_index (args, i);
  return g_bytes_get_size (arg) == strlen (text) && g_ascii_strncasecmp (g_bytes_get_data (arg, NULL), text, strlen (text)) == 0;
}

/* The answer of a server that echoes. */
static GString *
make_answer (GPtrArray *args)
{
  GString *answer = g_string_new (NULL);
  GBytes *last = g_ptr_array_index (args, args->len - 1);
  gsize length = g_bytes_get_size (last);

  if (arg_is (args, 0, "PING"))
    g_string_append (answer, "+PONG\r\n");
  else if (arg_is (args, 0, "SET"))
    g_string_append (answer, "+OK\r\n");
  else if (arg_is (args, 0, "ECHO") || arg_is (args, 0, "GET"))
    {
      const char *prefix = arg_is (args, 0, "GET") ? "value-of-" : "";

      g_string_append_printf (answer, "$%zu\r\n%s", length + strlen (prefix), prefix);
      g_string_append_len (answer, g_bytes_get_data (last, NULL), (gssize) length);
      g_string_append (answer, "\r\n");
    }
  else
    g_string_append (answer, "-ERR unknown command\r\n");

  return answer;
}

static gboolean
step_echo (Conversation *self,
           guint64 n)
{
  for (guint64 i = 0; n == 0 || i < n; i++)
    {
      g_autoptr (GPtrArray) args = conversation_read (self);
      g_autoptr (GString) answer = NULL;

      if (args == NULL)
        return n == 0;
      answer = make_answer (args);
      if (!conversation_send (self, answer->str, answer->len))
        return FALSE;
    }

  return TRUE;
}

static gboolean
step_delay (Conversation *self,
            int max_msec)
{
  g_autoptr (GString) output = g_string_new (NULL);
  gint64 next = 0;

  for (;;)
    {
      g_autoptr (GPtrArray) args = self->input->len > 0 ? conversation_parse (self) : NULL;
      gint64 wait;
      gboolean ready;

      if (args != NULL)
        {
          g_autoptr (GString) answer = make_answer (args);

          g_string_append_len (output, answer->str, (gssize) answer->len);
          continue;
        }

      wait = output->len == 0 ? PATIENCE_MSEC : MAX (0, next - g_get_monotonic_time ()) / 1000;
      if (!wait_for (self->peer, self->fd, POLLIN, (int) wait, &ready) || (ready && !conversation_receive (self)))
        return TRUE;

      if (output->len > 0 && g_get_monotonic_time () >= next)
        {
          gsize n = (gsize) g_rand_int_range (self->random, 1, (gint32) MIN (output->len, 400) + 1);

          if (!conversation_send (self, output->str, n))
            return TRUE;
          g_string_erase (output, 0, (gssize) n);
          next = g_get_monotonic_time () + 1000 * g_rand_int_range (self->random, 0, max_msec + 1);
        }
    }
}

static gboolean
step_handshake (Conversation *self,
                gboolean resp3)
{
  static const char hello[] = "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n";
  static const char unknown[] = "-ERR unknown command 'HELLO'\r\n";

  for (;;)
    {
      g_autoptr (GPtrArray) args = NULL;
      gboolean ok;

      /* A command of another kind is put back. */
      while (self->input->len == 0 || (args = conversation_parse (self)) == NULL)
        {
          gboolean ready;

          if (!wait_for (self->peer, self->fd, POLLIN, PATIENCE_MSEC, &ready) || !ready || !conversation_receive (self))
            return FALSE;
        }

      if (arg_is (args, 0, "HELLO"))
        ok = conversation_send (self, resp3 ? hello : unknown, strlen (resp3 ? hello : unknown));
      else if (arg_is (args, 0, "AUTH") || arg_is (args, 0, "SELECT") || arg_is (args, 0, "CLIENT"))
        ok = conversation_send (self, "+OK\r\n", 5);
      else
        {
          g_autoptr (GByteArray) rest = g_steal_pointer (&self->input);
          g_autoptr (GString) head = g_string_new (NULL);

          g_string_append_printf (head, "*%u\r\n", args->len);
          self->input = g_byte_array_new ();
          for (guint i = 0; i < args->len; i++)
            {
              GBytes *arg = g_ptr_array_index (args, i);

              g_string_append_printf (head, "$%zu\r\n", g_bytes_get_size (arg));
              g_string_append_len (head, g_bytes_get_data (arg, NULL), (gssize) g_bytes_get_size (arg));
              g_string_append (head, "\r\n");
            }
          g_byte_array_append (self->input, (guint8 *) head->str, (guint) head->len);
          g_byte_array_append (self->input, rest->data, rest->len);

          g_mutex_lock (&self->peer->lock);
          g_string_truncate (self->peer->commands, self->peer->commands->len - 1);
          {
            const char *last = strrchr (self->peer->commands->str, '\n');

            g_string_truncate (self->peer->commands, last != NULL ? (gsize) (last + 1 - self->peer->commands->str) : 0);
          }
          g_mutex_unlock (&self->peer->lock);
          return TRUE;
        }

      if (!ok)
        return FALSE;
    }
}

static gboolean
step_expect (Conversation *self,
             const char *name)
{
  g_autoptr (GPtrArray) args = conversation_read (self);

  if (args == NULL)
    {
      peer_fail (self->peer, "expected %s, but the stream ended", name);
      return FALSE;
    }

  if (*name != '\0' && !arg_is (args, 0, name))
    {
      GBytes *arg = g_ptr_array_index (args, 0);

      peer_fail (self->peer, "expected %s, but %.*s came", name, (int) g_bytes_get_size (arg),
                 (const char *) g_bytes_get_data (arg, NULL));
      return FALSE;
    }

  return TRUE;
}

static gboolean
step_drip (Conversation *self,
           int msec,
           const GString *bytes)
{
  for (gsize i = 0; i < bytes->len; i++)
    {
      if (!conversation_send (self, bytes->str + i, 1))
        return FALSE;
      if (msec > 0 && !pause_for (self, msec))
        return FALSE;
    }

  return TRUE;
}

static gboolean
step_drain (Conversation *self)
{
  gboolean ready;

  while (wait_for (self->peer, self->fd, POLLIN, PATIENCE_MSEC, &ready))
    if (ready && !conversation_receive (self))
      break;

  return FALSE;
}

/* A filter that keeps nothing of any packet. */
static gboolean
become_deaf (int fd)
{
  struct sock_filter nothing = BPF_STMT (BPF_RET | BPF_K, 0);
  struct sock_fprog program = { 1, &nothing };

  return setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static void
reset_on_close (int fd)
{
  const struct linger linger = { 1, 0 };

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* C escapes, NUL included. */
static GString *
parse_text (const char *quoted)
{
  GString *text = g_string_new (NULL);
  const char *at = strchr (quoted, '"');

  g_assert (at != NULL);
  for (at++; *at != '"' && *at != '\0'; at++)
    {
      if (*at != '\\')
        {
          g_string_append_c (text, *at);
          continue;
        }

      at++;
      switch (*at)
        {
        case 'r':
          g_string_append_c (text, '\r');
          break;
        case 'n':
          g_string_append_c (text, '\n');
          break;
        case 'x':
          g_string_append_c (text, (char) (g_ascii_xdigit_value (at[1]) * 16 + g_ascii_xdigit_value (at[2])));
          at += 2;
          break;
        default:
          g_string_append_c (text, *at);
        }
    }

  return text;
}

/* FALSE: the conversation is over. */
static gboolean
conversation_step (Conversation *self,
                   const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 3);
  const char *name = words[0];
  const char *first = words[1] != NULL ? words[1] : "";
  const char *second = words[1] != NULL && words[2] != NULL ? words[2] : "";
  int number = atoi (first);

  if (g_str_equal (name, "handshake") || g_str_equal (name, "handshake3"))
    return step_handshake (self, g_str_equal (name, "handshake3"));
  if (g_str_equal (name, "expect"))
    return step_expect (self, first);
  if (g_str_equal (name, "expect-any"))
    return step_expect (self, "");
  if (g_str_equal (name, "echo-server"))
    return step_echo (self, (guint64) number);
  if (g_str_equal (name, "delay-server"))
    {
      g_rand_set_seed (self->random, (guint32) atoi (second));
      return step_delay (self, number) && FALSE;
    }
  if (g_str_equal (name, "drain"))
    return step_drain (self);
  if (g_str_equal (name, "sleep"))
    return pause_for (self, number);
  if (g_str_equal (name, "wait"))
    return step_wait (self);
  if (g_str_equal (name, "stop-reading"))
    {
      pause_for (self, PATIENCE_MSEC);
      return FALSE;
    }
  if (g_str_equal (name, "deaf"))
    return become_deaf (self->fd);
  if (g_str_equal (name, "half-close"))
    return shutdown (self->fd, SHUT_WR) == 0;
  if (g_str_equal (name, "close"))
    return FALSE;
  if (g_str_equal (name, "reset"))
    {
      reset_on_close (self->fd);
      return FALSE;
    }
  if (g_str_equal (name, "send"))
    {
      g_autoptr (GString) text = parse_text (line);

      return conversation_send (self, text->str, text->len);
    }
  if (g_str_equal (name, "send-repeat"))
    {
      g_autoptr (GString) text = parse_text (line);
      g_autoptr (GString) block = g_string_new (NULL);

      /* In blocks, so that a million of them do not take a million system calls. */
      for (int i = 0; i < number; i++)
        {
          g_string_append_len (block, text->str, (gssize) text->len);
          if (block->len > 65536 || i == number - 1)
            {
              if (!conversation_send (self, block->str, block->len))
                return FALSE;
              g_string_truncate (block, 0);
            }
        }
      return TRUE;
    }
  if (g_str_equal (name, "drip"))
    {
      g_autoptr (GString) text = parse_text (line);

      return step_drip (self, number, text);
    }

  peer_fail (self->peer, "there is no step “%s”", line);
  return FALSE;
}

static void
conversation_count_step (Conversation *self)
{
  g_mutex_lock (&self->peer->lock);
  self->peer->n_steps++;
  g_mutex_unlock (&self->peer->lock);
}

static gpointer
conversation_thread (gpointer data)
{
  Conversation *self = data;
  g_auto (GStrv) lines = g_strsplit (self->part, "\n", -1);
  gboolean goes_on = TRUE;

  self->input = g_byte_array_new ();
  self->random = g_rand_new_with_seed (1);

  for (guint i = 0; lines[i] != NULL && goes_on; i++)
    if (*g_strstrip (lines[i]) != '\0')
      {
        goes_on = conversation_step (self, lines[i]);
        if (goes_on)
          conversation_count_step (self);
      }
  if (goes_on)
    step_drain (self);

  close (self->fd);
  conversation_count_step (self);
  g_byte_array_unref (self->input);
  g_rand_free (self->random);
  g_free (self);

  return NULL;
}

static gpointer
accept_thread (gpointer data)
{
  TornadisHarnessPeer *self = data;
  gboolean ready;

  while (wait_for (self, self->listen_fd, POLLIN, -1, &ready))
    {
      int fd = ready ? accept4 (self->listen_fd, NULL, NULL, SOCK_CLOEXEC) : -1;
      Conversation *conversation;
      const int one = 1;

      if (fd < 0)
        continue;

      /* What was sent is there when the step is done, whether or not all before it was acknowledged. */
      setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);

      conversation = g_new0 (Conversation, 1);
      conversation->peer = self;
      conversation->fd = fd;

      g_mutex_lock (&self->lock);
      conversation->part = g_ptr_array_index (self->parts, MIN (self->n_connections, self->parts->len - 1));
      self->n_connections++;
      g_ptr_array_add (self->threads, g_thread_new ("conversation", conversation_thread, conversation));
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
    g_ptr_array_add (self->parts, g_strdup (parts[i]));

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
    peer_fail (self, "go: %s", g_strerror (errno));
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
