/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps of a peer's script. */

#include <errno.h>
#include <linux/filter.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/harness-peer-private.h"

static gboolean
pause_for (HarnessConversation *self,
           int msec)
{
  gboolean ready;

  return harness_peer_wait (self->peer, -1, 0, msec, &ready);
}

/* Waits for tornadis_harness_peer_go(), each call of which is for one wait. */
static gboolean
step_wait (HarnessConversation *self)
{
  guint64 one;
  gboolean ready = TRUE;

  while (read (self->peer->go_fd, &one, sizeof one) < 0)
    if (!ready || !harness_peer_wait (self->peer, self->peer->go_fd, POLLIN, HARNESS_PEER_PATIENCE_MSEC, &ready))
      return FALSE;

  return TRUE;
}

static gboolean
step_echo (HarnessConversation *self,
           guint64 n)
{
  for (guint64 i = 0; n == 0 || i < n; i++)
    {
      g_autoptr (GPtrArray) args = harness_conversation_read (self);
      g_autoptr (GString) answer = NULL;

      if (args == NULL)
        return n == 0;
      answer = harness_make_echo (args);
      if (!harness_conversation_send (self, answer->str, answer->len))
        return FALSE;
    }

  return TRUE;
}

static gboolean
step_delay (HarnessConversation *self,
            int max_msec)
{
  g_autoptr (GString) output = g_string_new (NULL);
  gint64 next = 0;

  for (;;)
    {
      g_autoptr (GPtrArray) args = self->input->len > 0 ? harness_conversation_parse (self) : NULL;
      gint64 wait;
      gboolean ready;

      if (args != NULL)
        {
          g_autoptr (GString) answer = harness_make_echo (args);

          g_string_append_len (output, answer->str, (gssize) answer->len);
          continue;
        }

      wait = output->len == 0 ? HARNESS_PEER_PATIENCE_MSEC : MAX (0, next - g_get_monotonic_time ()) / 1000;
      if (!harness_peer_wait (self->peer, self->fd, POLLIN, (int) wait, &ready) || (ready && !harness_conversation_receive (self)))
        return TRUE;

      if (output->len > 0 && g_get_monotonic_time () >= next)
        {
          gsize n = (gsize) g_rand_int_range (self->random, 1, (gint32) MIN (output->len, 400) + 1);

          if (!harness_conversation_send (self, output->str, n))
            return TRUE;
          g_string_erase (output, 0, (gssize) n);
          next = g_get_monotonic_time () + 1000 * g_rand_int_range (self->random, 0, max_msec + 1);
        }
    }
}

static gboolean
step_handshake (HarnessConversation *self,
                gboolean resp3)
{
  static const char hello[] = "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n";
  static const char unknown[] = "-ERR unknown command 'HELLO'\r\n";
  const char *answer = resp3 ? hello : unknown;

  for (;;)
    {
      g_autoptr (GPtrArray) args = harness_conversation_read (self);
      gboolean ok;

      if (args == NULL)
        return FALSE;

      if (harness_arg_is (args, 0, "HELLO"))
        ok = harness_conversation_send (self, answer, strlen (answer));
      else if (harness_arg_is (args, 0, "AUTH") || harness_arg_is (args, 0, "SELECT") || harness_arg_is (args, 0, "CLIENT"))
        ok = harness_conversation_send (self, "+OK\r\n", 5);
      else
        {
          harness_conversation_unread (self, args);
          return TRUE;
        }

      if (!ok)
        return FALSE;
    }
}

/* Up to the command @name, if there is one. */
static gboolean
step_serve (HarnessConversation *self,
            const char *name)
{
  for (;;)
    {
      g_autoptr (GPtrArray) args = harness_conversation_read (self);
      g_autoptr (GString) answer = NULL;

      if (args == NULL)
        return FALSE;
      if (*name != '\0' && harness_arg_is (args, 0, name))
        {
          harness_conversation_unread (self, args);
          return TRUE;
        }
      answer = harness_peer_make_answer (self->peer, args);
      if (!harness_conversation_send (self, answer->str, answer->len))
        return FALSE;
    }
}

static gboolean
step_expect (HarnessConversation *self,
             const char *name)
{
  g_autoptr (GPtrArray) args = harness_conversation_read (self);

  if (args == NULL)
    {
      harness_peer_fail (self->peer, "expected %s, but the stream ended", name);
      return FALSE;
    }

  if (*name != '\0' && !harness_arg_is (args, 0, name))
    {
      GBytes *arg = g_ptr_array_index (args, 0);

      harness_peer_fail (self->peer, "expected %s, but %.*s came", name, (int) g_bytes_get_size (arg),
                         (const char *) g_bytes_get_data (arg, NULL));
      return FALSE;
    }

  return TRUE;
}

/* Until so many bytes have come that no step has taken. */
static gboolean
step_await_bytes (HarnessConversation *self,
                  guint n)
{
  gboolean ready;

  while (self->input->len < n)
    if (!harness_peer_wait (self->peer, self->fd, POLLIN, HARNESS_PEER_PATIENCE_MSEC, &ready) || !ready ||
        !harness_conversation_receive (self))
      return FALSE;

  return TRUE;
}

static gboolean
step_drip (HarnessConversation *self,
           int msec,
           const GString *bytes)
{
  for (gsize i = 0; i < bytes->len; i++)
    {
      if (!harness_conversation_send (self, bytes->str + i, 1))
        return FALSE;
      if (msec > 0 && !pause_for (self, msec))
        return FALSE;
    }

  return TRUE;
}

static gboolean
step_drain (HarnessConversation *self)
{
  gboolean ready;

  while (harness_peer_wait (self->peer, self->fd, POLLIN, HARNESS_PEER_PATIENCE_MSEC, &ready))
    if (ready && !harness_conversation_receive (self))
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

/* FALSE: the conversation is over. */
static gboolean
conversation_step (HarnessConversation *self,
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
  if (g_str_equal (name, "await-bytes"))
    return step_await_bytes (self, (guint) number);
  if (g_str_equal (name, "echo-server"))
    return step_echo (self, (guint64) number);
  if (g_str_equal (name, "serve"))
    return step_serve (self, first);
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
      pause_for (self, HARNESS_PEER_PATIENCE_MSEC);
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
      g_autoptr (GString) text = harness_parse_text (line, NULL);

      return harness_conversation_send (self, text->str, text->len);
    }
  if (g_str_equal (name, "send-repeat"))
    {
      g_autoptr (GString) text = harness_parse_text (line, NULL);
      g_autoptr (GString) block = g_string_new (NULL);

      /* In blocks, so that a million of them do not take a million system calls. */
      for (int i = 0; i < number; i++)
        {
          g_string_append_len (block, text->str, (gssize) text->len);
          if (block->len > 65536 || i == number - 1)
            {
              if (!harness_conversation_send (self, block->str, block->len))
                return FALSE;
              g_string_truncate (block, 0);
            }
        }
      return TRUE;
    }
  if (g_str_equal (name, "drip"))
    {
      g_autoptr (GString) text = harness_parse_text (line, NULL);

      return step_drip (self, number, text);
    }

  harness_peer_fail (self->peer, "there is no step “%s”", line);
  return FALSE;
}

static void
conversation_count_step (HarnessConversation *self)
{
  g_mutex_lock (&self->peer->lock);
  self->peer->n_steps++;
  g_mutex_unlock (&self->peer->lock);
}

gpointer
harness_conversation_run (gpointer data)
{
  HarnessConversation *self = data;
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
