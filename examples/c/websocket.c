/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A websocket server: every websocket gets elements of the list "jobs", and every element is sent to one of them.
 *
 * websocket [URI [PORT]]; with 0 for the port it takes a free one */

#include <stdlib.h>

#include <glib-unix.h>
#include <libsoup/soup.h>
#include <tornadis-glib/tornadis-glib.h>

typedef struct
{
  GMainLoop *loop;          /* (unowned) */
  SoupServer *server;       /* (unowned) */
  TornadisClientPool *pool; /* (unowned) */
  guint n_sessions;
  gboolean stopping;
  int status;
} Program;

typedef struct
{
  Program *program;                   /* (unowned) */
  SoupWebsocketConnection *websocket; /* (owned) */
  TornadisClient *client;             /* (owned) (nullable): out of the pool */
} Session;

static void
program_quit_if_done (Program *self)
{
  if (self->stopping && self->n_sessions == 0)
    g_main_loop_quit (self->loop);
}

static void
session_free (Session *self)
{
  self->program->n_sessions--;
  program_quit_if_done (self->program);
  g_object_unref (self->websocket);
  g_free (self);
}

/* The client is released at once, the session is freed when the websocket is closed on both sides. Also the callback of
 * LPUSH. */
static void
session_end (TornadisClient *client, TornadisReply *reply, GError *error, gpointer user_data)
{
  Session *self = user_data;
  gushort code = error != NULL ? SOUP_WEBSOCKET_CLOSE_SERVER_ERROR : SOUP_WEBSOCKET_CLOSE_GOING_AWAY;

  if (self->client != NULL)
    tornadis_client_pool_release_client (self->program->pool, self->client);
  g_clear_object (&self->client);

  if (error != NULL)
    g_printerr ("websocket: %s\n", error->message);
  if (soup_websocket_connection_get_state (self->websocket) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (self->websocket, code, NULL);

  if (soup_websocket_connection_get_state (self->websocket) == SOUP_WEBSOCKET_STATE_CLOSED)
    session_free (self);
  else
    g_signal_connect_swapped (self->websocket, "closed", G_CALLBACK (session_free), self);
}

static gboolean
session_is_open (Session *self)
{
  return soup_websocket_connection_get_state (self->websocket) == SOUP_WEBSOCKET_STATE_OPEN && !self->program->stopping;
}

static void session_pop (Session *self);

static void
popped_cb (TornadisClient *client, TornadisReply *reply, GError *error, gpointer user_data)
{
  Session *self = user_data;
  TornadisReply *element = error == NULL ? tornadis_reply_get_element (reply, 1) : NULL;
  g_autoptr (GBytes) bytes = element != NULL ? tornadis_reply_get_bytes (element) : NULL;

  if (error != NULL)
    session_end (client, NULL, error, self);
  else if (element == NULL)
    session_pop (self);
  else if (session_is_open (self))
    {
      /* Elements may be any bytes; a text message must be UTF-8. */
      soup_websocket_connection_send_message (self->websocket, SOUP_WEBSOCKET_DATA_BINARY, bytes);
      session_pop (self);
    }
  else
    {
      g_autoptr (TornadisCommand) lpush = tornadis_command_new_format ("LPUSH jobs");

      tornadis_command_append_bytes (lpush, bytes);
      tornadis_client_submit (client, lpush, session_end, self, NULL);
    }
}

/* BLPOP blocks its connection: hence a client that is this websocket's alone. It waits one second at a time, so that
 * it completes soon after the websocket is closed. Cancelling it, or closing its connection, would lose an element that is
 * just being sent; so it is waited for, and an element that comes too late is pushed back. What was sent counts as
 * delivered, and waits in memory for a page that is slow: to be sure of both, use BLMOVE to a second list, and wait until
 * the page confirms. */
static void
session_pop (Session *self)
{
  g_autoptr (TornadisCommand) blpop = tornadis_command_new_format ("BLPOP jobs 1");

  if (session_is_open (self))
    tornadis_client_submit (self->client, blpop, popped_cb, self, NULL);
  else
    session_end (self->client, NULL, NULL, self);
}

static void
got_client_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Session *self = user_data;
  g_autoptr (GError) error = NULL;

  self->client = tornadis_client_pool_get_connected_client_finish (TORNADIS_CLIENT_POOL (object), result, &error);
  if (self->client != NULL)
    session_pop (self);
  else
    session_end (NULL, NULL, error, self);
}

static void
websocket_cb (SoupServer *server, SoupServerMessage *message, const char *path, SoupWebsocketConnection *websocket, gpointer user_data)
{
  Program *program = user_data;
  Session *self = g_new0 (Session, 1);

  self->program = program;
  self->websocket = g_object_ref (websocket);
  program->n_sessions++;
  tornadis_client_pool_get_connected_client_async (program->pool, NULL, got_client_cb, self);
}

static void
preconnected_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Program *program = user_data;
  g_autoptr (GError) error = NULL;

  if (!tornadis_client_pool_preconnect_finish (TORNADIS_CLIENT_POOL (object), result, &error))
    {
      g_printerr ("websocket: %s\n", error->message);
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

/* The sessions are over within a second. A second signal terminates the program at once. */
static gboolean
signal_cb (gpointer user_data)
{
  Program *program = user_data;

  program->stopping = TRUE;
  soup_server_disconnect (program->server);
  tornadis_client_pool_destroy (program->pool);
  program_quit_if_done (program);
  return G_SOURCE_REMOVE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (SoupServer) server = soup_server_new (NULL, NULL);
  g_autoptr (TornadisClientPool) pool = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) template = tornadis_client_new_for_uri (argc > 1 ? argv[1] : "redis://localhost", &error);
  guint port = argc > 2 ? (guint) atoi (argv[2]) : 8080;
  Program program = { loop, server };

  if (template == NULL || !soup_server_listen_local (server, port, SOUP_SERVER_LISTEN_IPV4_ONLY, &error))
    {
      g_printerr ("websocket: %s\n", error->message);
      return EXIT_FAILURE;
    }

  /* From the hundredth on, websockets wait for a client. */
  program.pool = pool = tornadis_client_pool_new (template);
  g_object_set (pool, "max-size", 100, NULL);
  soup_server_add_websocket_handler (server, "/", NULL, NULL, websocket_cb, &program, NULL);
  g_unix_signal_add (SIGINT, signal_cb, &program);
  g_unix_signal_add (SIGTERM, signal_cb, &program);

  tornadis_client_pool_preconnect_async (pool, 1, NULL, preconnected_cb, &program);
  g_main_loop_run (loop);
  return program.status;
}
