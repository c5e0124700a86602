/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <tornadis-glib/tornadis-glib.h>

static void
got_cb (TornadisClient *client, TornadisReply *reply, GError *error, gpointer loop)
{
  g_print ("%s\n", error != NULL ? error->message : tornadis_reply_get_text (reply));
  g_main_loop_quit (loop);
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (argc > 1 ? argv[1] : "redis://localhost", NULL);
  g_autoptr (TornadisCommand) set = tornadis_command_new_format ("SET %s %b", "greeting", "hello", (size_t) 5);
  g_autoptr (TornadisCommand) get = tornadis_command_new_format ("GET %s", "greeting");

  tornadis_client_submit (client, set, NULL, NULL, NULL);
  tornadis_client_submit (client, get, got_cb, loop, NULL);
  g_main_loop_run (loop);
  return 0;
}
