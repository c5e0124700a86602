/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A web server that counts its visits in Redis.
 *
 * web [URI [PORT]]; with 0 for the port it takes a free one */

#include <stdlib.h>
#include <string.h>

#include <glib-unix.h>
#include <libsoup/soup.h>
#include <tornadis-glib/tornadis-glib.h>

typedef struct
{
  GMainLoop *loop;    /* (unowned) */
  SoupServer *server; /* (unowned) */
  int status;
} Program;

static void
respond (SoupServerMessage *message, guint status, const char *text)
{
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_COPY, text, strlen (text));
}

static void
counted_cb (TornadisClient *client, TornadisReply *reply, GError *error, gpointer user_data)
{
  SoupServerMessage *message = user_data;

  if (error == NULL)
    {
      g_autofree char *text = g_strdup_printf ("Visit %" G_GINT64_FORMAT "\n", tornadis_reply_get_integer (reply));

      respond (message, SOUP_STATUS_OK, text);
    }
  else
    {
      /* The next call connects again. What went wrong is no business of the visitor's. */
      g_printerr ("web: %s\n", error->message);
      respond (message, SOUP_STATUS_SERVICE_UNAVAILABLE, "Try again later\n");
    }
  soup_server_message_unpause (message);
}

static void
request_cb (SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user_data)
{
  TornadisClient *client = user_data;
  g_autoptr (TornadisCommand) incr = tornadis_command_new_format ("INCR visits");

  if (strcmp (path, "/") != 0)
    respond (message, SOUP_STATUS_NOT_FOUND, "Not found\n");
  else if (soup_server_message_get_method (message) != SOUP_METHOD_GET)
    respond (message, SOUP_STATUS_NOT_IMPLEMENTED, "Only GET\n");
  else
    {
      /* Not answered when this returns, but later. One client serves any number of requests at a time. */
      soup_server_message_pause (message);
      tornadis_client_submit (client, incr, counted_cb, g_object_ref (message), g_object_unref);
    }
}

static void
connected_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Program *program = user_data;
  g_autoptr (GError) error = NULL;

  if (!tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, &error))
    {
      g_printerr ("web: %s\n", error->message);
      program->status = EXIT_FAILURE;
      g_main_loop_quit (program->loop);
    }
  else
    {
      GSList *uris = soup_server_get_uris (program->server);
      g_autofree char *uri = g_uri_to_string (uris->data);

      g_print ("%s\n", uri);
      g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
    }
}

static gboolean
signal_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (SoupServer) server = soup_server_new (NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (argc > 1 ? argv[1] : "redis://localhost", &error);
  guint port = argc > 2 ? (guint) atoi (argv[2]) : 8080;
  Program program = { loop, server, EXIT_SUCCESS };

  if (client == NULL || !soup_server_listen_local (server, port, SOUP_SERVER_LISTEN_IPV4_ONLY, &error))
    {
      g_printerr ("web: %s\n", error->message);
      return EXIT_FAILURE;
    }

  soup_server_add_handler (server, "/", request_cb, client, NULL);
  g_unix_signal_add (SIGINT, signal_cb, loop);
  g_unix_signal_add (SIGTERM, signal_cb, loop);

  /* Calls connect by themselves; but without Redis there is no use in starting. */
  tornadis_client_connect_async (client, NULL, connected_cb, &program);
  g_main_loop_run (loop);
  /* Completes the calls that still wait for Redis, while the server still has their requests. */
  tornadis_client_close (client);
  soup_server_disconnect (server);
  return program.status;
}
