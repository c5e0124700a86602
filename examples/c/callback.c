/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Callbacks: tornadis_client_submit() returns at once, and its callback gets the reply later, from the main loop.
 *
 * callback [URI] */

#include <stdlib.h>

#include <tornadis-glib/tornadis-glib.h>

typedef struct
{
  GMainLoop *loop; /* (unowned) */
  int status;
} Program;

static void
show (Program *program, const char *name, TornadisReply *reply, const GError *error)
{
  if (error == NULL)
    g_print ("%s: %s\n", name, tornadis_reply_get_text (reply));
  else if (program->status == EXIT_SUCCESS)
    {
      /* One line will do, where both fail for the same reason. */
      g_printerr ("callback: %s\n", error->message);
      program->status = EXIT_FAILURE;
    }
}

/* The reply and the error are the library's; to keep one, take a reference or a copy. */
static void
got_ping_cb (TornadisClient *client, TornadisReply *reply, GError *error, gpointer user_data)
{
  show (user_data, "PING", reply, error);
}

static void
got_greeting_cb (TornadisClient *client, TornadisReply *reply, GError *error, gpointer user_data)
{
  Program *program = user_data;

  show (program, "GET", reply, error);
  /* Replies come in the order of the calls, so this is the last one. */
  g_main_loop_quit (program->loop);
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (argc > 1 ? argv[1] : "redis://localhost", &error);
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (TornadisCommand) set = tornadis_command_new_format ("SET %s %s", "greeting", "hello");
  g_autoptr (TornadisCommand) get = tornadis_command_new_format ("GET %s", "greeting");
  Program program = { loop, EXIT_SUCCESS };

  if (client == NULL)
    {
      g_printerr ("callback: %s\n", error->message);
      return EXIT_FAILURE;
    }

  tornadis_client_submit (client, ping, got_ping_cb, &program, NULL);
  /* Without a callback the reply is dropped, and so is an error. */
  tornadis_client_submit (client, set, NULL, NULL, NULL);
  tornadis_client_submit (client, get, got_greeting_cb, &program, NULL);
  g_main_loop_run (loop);
  return program.status;
}
