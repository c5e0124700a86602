/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pipeline: many commands in one write, and their replies in one array.
 *
 * pipeline [URI] */

#include <stdlib.h>

#include <tornadis-glib/tornadis-glib.h>

typedef struct
{
  GMainLoop *loop; /* (unowned) */
  int status;
} Program;

static void
called_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Program *program = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) replies = tornadis_client_call_pipeline_finish (TORNADIS_CLIENT (object), result, &error);

  if (replies == NULL)
    {
      g_printerr ("pipeline: %s\n", error->message);
      program->status = EXIT_FAILURE;
    }
  else
    for (gsize i = 0; i < tornadis_reply_get_n_elements (replies); i++)
      {
        TornadisReply *reply = tornadis_reply_get_element (replies, i);
        g_autoptr (GError) reply_error = tornadis_reply_dup_error (reply);

        /* An error of the server is one of the replies. */
        if (reply_error != NULL)
          g_print ("error: %s\n", reply_error->message);
        else if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_INTEGER)
          g_print ("%" G_GINT64_FORMAT "\n", tornadis_reply_get_integer (reply));
        else
          g_print ("%s\n", tornadis_reply_get_text (reply));
      }

  g_main_loop_quit (program->loop);
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (argc > 1 ? argv[1] : "redis://localhost", &error);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  Program program = { loop, EXIT_SUCCESS };

  if (client == NULL)
    {
      g_printerr ("pipeline: %s\n", error->message);
      return EXIT_FAILURE;
    }

  /* With its property "atomic" it is a transaction: nothing of anybody else's runs in between. */
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "SET", "foo", "bar", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "GET", "foo", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "LPUSH", "foo", "x", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "STRLEN", "foo", NULL });

  /* Nothing has been sent so far. */
  tornadis_client_call_pipeline_async (client, pipeline, NULL, called_cb, &program);
  g_main_loop_run (loop);
  return program.status;
}
