/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pub/sub: the messages of a channel and of all channels of a pattern, until one says STOP. Those of the channel come
 * as a signal; those that have no handler are there to pop.
 *
 * pub-sub [URI]; and then: redis-cli PUBLISH bar hello, redis-cli PUBLISH foo1 STOP */

#include <stdlib.h>

#include <tornadis-glib/tornadis-glib.h>

typedef struct
{
  GMainLoop *loop;           /* (unowned) */
  GCancellable *cancellable; /* (unowned): ends the program */
  int status;
} Program;

static void
show (Program *program, TornadisMessage *message)
{
  const char *text = tornadis_message_get_text (message);

  g_print ("%s: %s\n", tornadis_message_get_channel (message), text != NULL ? text : "(not text)");
  if (g_strcmp0 (text, "STOP") == 0)
    g_cancellable_cancel (program->cancellable);
}

static void
message_cb (TornadisPubSubClient *client, TornadisMessage *message, gpointer user_data)
{
  show (user_data, message);
}

static void
gap_cb (TornadisPubSubClient *client, gpointer user_data)
{
  g_print ("there may be messages missing\n");
}

static void
end (Program *program, const GError *error)
{
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_printerr ("pub-sub: %s\n", error->message);
      program->status = EXIT_FAILURE;
    }
  g_main_loop_quit (program->loop);
}

static void
popped_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  TornadisPubSubClient *client = TORNADIS_PUB_SUB_CLIENT (object);
  Program *program = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisMessage) message = tornadis_pub_sub_client_pop_message_finish (client, result, &error);

  if (error != NULL)
    end (program, error);
  else
    {
      show (program, message);
      tornadis_pub_sub_client_pop_message_async (client, -1, program->cancellable, popped_cb, program);
    }
}

static void
psubscribed_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  TornadisPubSubClient *client = TORNADIS_PUB_SUB_CLIENT (object);
  Program *program = user_data;
  g_autoptr (GError) error = NULL;

  if (!tornadis_pub_sub_client_psubscribe_finish (client, result, &error))
    end (program, error);
  else
    {
      g_print ("subscribed\n");
      tornadis_pub_sub_client_pop_message_async (client, -1, program->cancellable, popped_cb, program);
    }
}

static void
subscribed_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  TornadisPubSubClient *client = TORNADIS_PUB_SUB_CLIENT (object);
  Program *program = user_data;
  g_autoptr (GError) error = NULL;

  if (!tornadis_pub_sub_client_subscribe_finish (client, result, &error))
    end (program, error);
  else
    tornadis_pub_sub_client_psubscribe_async (client, (const char *[]) { "foo*", NULL }, program->cancellable, psubscribed_cb, program);
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisPubSubClient) client = tornadis_pub_sub_client_new_for_uri (argc > 1 ? argv[1] : "redis://localhost", &error);
  Program program = { loop, cancellable, EXIT_SUCCESS };

  if (client == NULL)
    {
      g_printerr ("pub-sub: %s\n", error->message);
      return EXIT_FAILURE;
    }

  g_signal_connect (client, "message::bar", G_CALLBACK (message_cb), &program);
  /* The client subscribes again by itself after the connection was lost, but what was published meanwhile is lost. */
  g_signal_connect (client, "gap", G_CALLBACK (gap_cb), &program);
  tornadis_pub_sub_client_subscribe_async (client, (const char *[]) { "bar", NULL }, cancellable, subscribed_cb, &program);
  g_main_loop_run (loop);
  return program.status;
}
