/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A coroutine, as C has it: an asynchronous function of your own, whose GTask is handed from callback to callback and
 * holds what they share.
 *
 * coroutine [URI] */

#include <stdlib.h>

#include <tornadis-glib/tornadis-glib.h>

typedef struct
{
  GMainLoop *loop; /* (unowned) */
  int status;
} Program;

typedef struct
{
  char *name; /* (owned) */
  gint64 number;
} User;

static void
user_free (User *self)
{
  g_free (self->name);
  g_free (self);
}

/* Every step owns the task: it passes it on to the next step, or returns its result and drops it. */
static void
stored_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);
  User *user = g_task_get_task_data (task);

  if (reply != NULL)
    g_task_return_int (task, (gssize) user->number);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
counted_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  TornadisClient *client = TORNADIS_CLIENT (object);
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (client, result, &error);
  g_autoptr (TornadisCommand) hset = NULL;
  GCancellable *cancellable = g_task_get_cancellable (task);
  User *user = g_task_get_task_data (task);

  if (reply == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  user->number = tornadis_reply_get_integer (reply);
  hset = tornadis_command_new_format ("HSET user:%lld name %s", (long long) user->number, user->name);
  tornadis_client_call_async (client, hset, cancellable, stored_cb, g_steal_pointer (&task));
}

static void
register_async (TornadisClient *client, const char *name, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (client, cancellable, callback, user_data);
  g_autoptr (TornadisCommand) incr = tornadis_command_new_format ("INCR users");
  User *user = g_new0 (User, 1);

  user->name = g_strdup (name);
  g_task_set_task_data (task, user, (GDestroyNotify) user_free);
  tornadis_client_call_async (client, incr, cancellable, counted_cb, task);
}

/* The number of the user, or -1 with an error. */
static gssize
register_finish (TornadisClient *client, GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}

static void
registered_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Program *program = user_data;
  g_autoptr (GError) error = NULL;
  gssize number = register_finish (TORNADIS_CLIENT (object), result, &error);

  if (error == NULL)
    g_print ("Ada is user %" G_GSSIZE_FORMAT "\n", number);
  else
    g_printerr ("coroutine: %s\n", error->message);
  program->status = error == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
  g_main_loop_quit (program->loop);
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = tornadis_client_new_for_uri (argc > 1 ? argv[1] : "redis://localhost", &error);
  Program program = { loop, EXIT_SUCCESS };

  if (client == NULL)
    {
      g_printerr ("coroutine: %s\n", error->message);
      return EXIT_FAILURE;
    }

  register_async (client, "Ada", NULL, registered_cb, &program);
  g_main_loop_run (loop);
  return program.status;
}
