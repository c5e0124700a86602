/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a peer receives and sends. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "harness/harness-peer-private.h"

gboolean
harness_peer_wait (TornadisHarnessPeer *self,
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

gboolean
harness_conversation_receive (HarnessConversation *self)
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

/* What is noted of a command. */
static char *
make_line (GPtrArray *args)
{
  g_autoptr (GString) line = g_string_new (NULL);

  for (guint i = 0; i < args->len; i++)
    {
      GBytes *arg = g_ptr_array_index (args, i);
      g_autofree char *text = g_bytes_get_size (arg) > 0 ? g_strndup (g_bytes_get_data (arg, NULL), g_bytes_get_size (arg))
                                                         : g_strdup ("");
      g_autofree char *escaped = g_strescape (text, NULL);

      g_string_append_printf (line, "%s%s", i > 0 ? " " : "", escaped);
    }
  g_string_append_c (line, '\n');

  return g_string_free (g_steal_pointer (&line), FALSE);
}

GPtrArray *
harness_conversation_parse (HarnessConversation *self)
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
    g_autofree char *line = make_line (args);

    g_mutex_lock (&self->peer->lock);
    g_string_append (self->peer->commands, line);
    g_mutex_unlock (&self->peer->lock);
  }

  g_byte_array_remove_range (self->input, 0, (guint) (at - begin));

  return g_steal_pointer (&args);
}

GPtrArray *
harness_conversation_read (HarnessConversation *self)
{
  for (;;)
    {
      GPtrArray *args = self->input->len > 0 ? harness_conversation_parse (self) : NULL;
      gboolean ready;

      if (args != NULL)
        return args;
      if (!harness_peer_wait (self->peer, self->fd, POLLIN, HARNESS_PEER_PATIENCE_MSEC, &ready) || !ready || !harness_conversation_receive (self))
        return NULL;
    }
}

/* Other connections may have noted others behind it. */
static void
forget_line (GString *lines,
             const char *line)
{
  gsize length = strlen (line);
  const char *last = NULL;

  for (const char *at = lines->str; *at != '\0'; at = strchr (at, '\n') + 1)
    if (strncmp (at, line, length) == 0)
      last = at;
  if (last != NULL)
    g_string_erase (lines, last - lines->str, (gssize) length);
}

void
harness_conversation_unread (HarnessConversation *self,
                             GPtrArray *args)
{
  g_autoptr (GString) head = g_string_new (NULL);
  g_autofree char *line = make_line (args);

  g_string_append_printf (head, "*%u\r\n", args->len);
  for (guint i = 0; i < args->len; i++)
    {
      GBytes *arg = g_ptr_array_index (args, i);

      g_string_append_printf (head, "$%zu\r\n", g_bytes_get_size (arg));
      g_string_append_len (head, g_bytes_get_data (arg, NULL), (gssize) g_bytes_get_size (arg));
      g_string_append (head, "\r\n");
    }
  g_byte_array_prepend (self->input, (guint8 *) head->str, (guint) head->len);

  g_mutex_lock (&self->peer->lock);
  forget_line (self->peer->commands, line);
  g_mutex_unlock (&self->peer->lock);
}

gboolean
harness_conversation_send (HarnessConversation *self,
                           const char *bytes,
                           gsize length)
{
  while (length > 0)
    {
      gboolean ready;
      gssize n;

      if (!harness_peer_wait (self->peer, self->fd, POLLOUT, HARNESS_PEER_PATIENCE_MSEC, &ready) || !ready)
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
