/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plugins/fake-server.h"

#include <string.h>

typedef struct
{
  Fake *server;                  /* (unowned) */
  GSocketConnection *connection; /* (owned) */
  GSource *source;               /* (owned) (nullable) */
  GString *input;                /* (owned) */
  gboolean subscribed;
} FakeConnection;

static void
connection_free (gpointer data)
{
  FakeConnection *self = data;

  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  g_io_stream_close (G_IO_STREAM (self->connection), NULL, NULL);
  g_object_unref (self->connection);
  g_string_free (self->input, TRUE);
  g_free (self);
}

static void
connection_send (FakeConnection *self,
                 const char *text)
{
  GOutputStream *stream = g_io_stream_get_output_stream (G_IO_STREAM (self->connection));

  g_output_stream_write_all (stream, text, strlen (text), NULL, NULL, NULL);
}

static void G_GNUC_PRINTF (2, 3)
  connection_printf (FakeConnection *self,
                     const char *format,
                     ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  connection_send (self, text);
}

static void
connection_answer_sentinel (FakeConnection *self,
                            const char *question)
{
  Fake *server = self->server;

  if (g_str_equal (question, "MASTER"))
    {
      if (server->mood == FAKE_UNKNOWN)
        connection_send (self, "-ERR No such master with that name\r\n");
      else if (server->epoch < 0)
        connection_send (self, "-NOPERM this user has no permissions to run the 'sentinel|master' command\r\n");
      else
        connection_printf (self, "%%1\r\n+config-epoch\r\n+%d\r\n", server->epoch);
    }
  else if (g_str_equal (question, "GET-MASTER-ADDR-BY-NAME"))
    {
      if (server->mood == FAKE_UNKNOWN)
        connection_send (self, "_\r\n");
      else
        connection_printf (self, "*2\r\n+%s\r\n+%u\r\n", server->host, server->master);
    }
  else
    {
      const char *list = g_str_equal (question, "REPLICAS") ? server->replicas : server->sentinels;

      connection_send (self, list != NULL ? list : "*0\r\n");
    }
}

static void
connection_answer (FakeConnection *self,
                   GPtrArray *argv)
{
  Fake *server = self->server;
  const char *name = g_ptr_array_index (argv, 0);
  const char *first = argv->len > 1 ? g_ptr_array_index (argv, 1) : "";
  gboolean is_hello = g_str_equal (name, "HELLO");
  g_autofree char *line = NULL;

  g_ptr_array_add (argv, NULL);
  line = g_strjoinv (" ", (char **) argv->pdata);
  g_ptr_array_add (server->commands, g_steal_pointer (&line));

  if (server->mood == FAKE_SILENT || (server->mood == FAKE_NO_REPLY && !is_hello))
    return;

  if (server->mood == FAKE_GARBAGE)
    connection_send (self, "HTTP/1.1 400 Bad Request\r\n");
  else if (server->mood == FAKE_NOAUTH)
    connection_send (self, "-NOAUTH HELLO must be called with the client already authenticated\r\n");
  else if (is_hello)
    connection_send (self, "%1\r\n+proto\r\n:3\r\n");
  else if (g_str_equal (name, "SENTINEL"))
    connection_answer_sentinel (self, first);
  else if (g_str_equal (name, "ROLE"))
    connection_printf (self, "*3\r\n+%s\r\n:0\r\n*0\r\n", server->role);
  else if (g_str_equal (name, "SUBSCRIBE"))
    {
      self->subscribed = TRUE;
      connection_printf (self, ">3\r\n+subscribe\r\n+%s\r\n:1\r\n", first);
    }
  else
    connection_send (self, "+OK\r\n");
}

/* The next command, of which the bytes are taken; %NULL: it has not come as a whole. */
static GPtrArray *
take_command (GString *input)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  const char *at = input->str;
  const char *end = input->str + input->len;
  const char *line = memchr (at, '\n', input->len);
  guint64 n;

  if (line == NULL)
    return NULL;
  g_assert_cmpint (*at, ==, '*');
  n = g_ascii_strtoull (at + 1, NULL, 10);
  at = line + 1;
  for (guint64 i = 0; i < n; i++)
    {
      guint64 length;

      line = memchr (at, '\n', (gsize) (end - at));
      if (line == NULL)
        return NULL;
      length = g_ascii_strtoull (at + 1, NULL, 10);
      if ((guint64) (end - line - 1) < length + 2)
        return NULL;
      g_ptr_array_add (argv, g_strndup (line + 1, length));
      at = line + 1 + length + 2;
    }

  g_string_erase (input, 0, at - input->str);
  return g_steal_pointer (&argv);
}

static gboolean
readable_cb (GSocket *socket,
             GIOCondition condition,
             gpointer user_data)
{
  FakeConnection *self = user_data;
  char buffer[4096];
  gssize n = g_socket_receive (socket, buffer, sizeof buffer, NULL, NULL);
  GPtrArray *argv;

  if (n <= 0)
    {
      g_ptr_array_remove_fast (self->server->connections, self);
      return G_SOURCE_REMOVE;
    }

  g_string_append_len (self->input, buffer, n);
  while ((argv = take_command (self->input)) != NULL)
    {
      connection_answer (self, argv);
      g_ptr_array_unref (argv);
    }

  return G_SOURCE_CONTINUE;
}

static gboolean
incoming_cb (GSocketService *service,
             GSocketConnection *connection,
             GObject *source_object,
             gpointer user_data)
{
  Fake *server = user_data;
  FakeConnection *self = g_new0 (FakeConnection, 1);

  self->server = server;
  self->connection = g_object_ref (connection);
  self->input = g_string_new (NULL);
  self->source = g_socket_create_source (g_socket_connection_get_socket (connection), G_IO_IN | G_IO_HUP, NULL);
  g_source_set_callback (self->source, G_SOURCE_FUNC (readable_cb), self, NULL);
  g_source_attach (self->source, NULL);
  g_ptr_array_add (server->connections, self);

  return TRUE;
}

void
fake_start (Fake *self)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new (loopback, (guint16) self->port);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  self->service = g_socket_service_new ();
  g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), wanted, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                 &address, &error);
  g_assert_no_error (error);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  g_signal_connect (self->service, "incoming", G_CALLBACK (incoming_cb), self);
}

void
fake_drop (Fake *self)
{
  g_ptr_array_set_size (self->connections, 0);
}

void
fake_stop (Fake *self)
{
  if (self->service != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->service, self);
      g_socket_service_stop (self->service);
      g_socket_listener_close (G_SOCKET_LISTENER (self->service));
    }
  g_clear_object (&self->service);
  fake_drop (self);
}

Fake *
fake_new (const char *role)
{
  Fake *self = g_new0 (Fake, 1);

  self->connections = g_ptr_array_new_with_free_func (connection_free);
  self->commands = g_ptr_array_new_with_free_func (g_free);
  self->role = role;
  self->host = "127.0.0.1";
  fake_start (self);

  return self;
}

Fake *
fake_new_sentinel (Fake *master)
{
  Fake *self = fake_new ("sentinel");

  self->master = master != NULL ? master->port : 0;
  self->mood = master != NULL ? FAKE_ANSWERS : FAKE_UNKNOWN;

  return self;
}

void
fake_free (Fake *self)
{
  fake_stop (self);
  g_ptr_array_unref (self->connections);
  g_ptr_array_unref (self->commands);
  g_free (self->replicas);
  g_free (self->sentinels);
  g_free (self);
}

guint
fake_count (Fake *self,
            const char *prefix)
{
  guint n = 0;

  for (guint i = 0; i < self->commands->len; i++)
    n += g_str_has_prefix (g_ptr_array_index (self->commands, i), prefix) ? 1 : 0;

  return n;
}

guint
fake_count_connections (Fake *self)
{
  return self->connections->len;
}

void
fake_report (Fake *self,
             const char *message)
{
  for (guint i = 0; i < self->connections->len; i++)
    {
      FakeConnection *connection = g_ptr_array_index (self->connections, i);

      if (connection->subscribed)
        connection_printf (connection, ">3\r\n+message\r\n+%s\r\n+%s\r\n", "+switch-master", message);
    }
}

char *
fake_list (const char *flags,
           Fake *first,
           ...)
{
  g_autoptr (GString) list = g_string_new (NULL);
  guint n = 0;
  va_list args;

  va_start (args, first);
  for (Fake *each = first; each != NULL; each = va_arg (args, Fake *), n++)
    g_string_append_printf (list,
                            "%%4\r\n+ip\r\n+127.0.0.1\r\n+port\r\n+%u\r\n+flags\r\n+%s\r\n+master-link-status\r\n+ok\r\n",
                            each->port, flags);
  va_end (args);

  return g_strdup_printf ("*%u\r\n%s", n, list->str);
}
