/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A client out of a pool, for what needs a connection of its own. There is one way out, which gives it back, as the
 * context manager of Python does.
 *
 * connected-client [URI] */

#include <stdlib.h>

#include <tornadis-glib/tornadis-glib.h>

typedef struct
{
  GMainLoop *loop;          /* (unowned) */
  TornadisClientPool *pool; /* (unowned) */
  TornadisClient *client;   /* (owned) (nullable): taken from the pool */
  gint64 number;
  int status;
} Doubling;

static void double_number (Doubling *self);

static void
finish (Doubling *self, const GError *error)
{
  if (self->client != NULL)
    tornadis_client_pool_release_client (self->pool, self->client);
  g_clear_object (&self->client);

  if (error == NULL)
    g_print ("number: %" G_GINT64_FORMAT "\n", self->number);
  else
    {
      g_printerr ("connected-client: %s\n", error->message);
      self->status = EXIT_FAILURE;
    }
  g_main_loop_quit (self->loop);
}

static void
written_cb (TornadisClient *client, TornadisReply *replies, GError *error, gpointer user_data)
{
  /* NIL: somebody changed the number meanwhile, and nothing was done. */
  if (error == NULL && tornadis_reply_get_kind (replies) == TORNADIS_REPLY_KIND_NIL)
    double_number (user_data);
  else
    finish (user_data, error);
}

static void
read_cb (TornadisClient *client, TornadisReply *replies, GError *error, gpointer user_data)
{
  Doubling *self = user_data;
  g_autoptr (TornadisPipeline) transaction = tornadis_pipeline_new ();
  g_autoptr (TornadisCommand) set = tornadis_command_new_format ("SET number");
  TornadisReply *number = error == NULL ? tornadis_reply_get_element (replies, 1) : NULL;
  g_autoptr (GError) refused = number != NULL ? tornadis_reply_dup_error (number) : NULL;

  if (error != NULL || refused != NULL)
    {
      finish (self, error != NULL ? error : refused);
      return;
    }

  self->number = tornadis_reply_get_kind (number) == TORNADIS_REPLY_KIND_NIL ? 42 : 2 * tornadis_reply_get_integer (number);

  tornadis_command_append_int64 (set, self->number);
  tornadis_pipeline_set_atomic (transaction, TRUE);
  tornadis_pipeline_stack_command (transaction, set);
  tornadis_client_submit_pipeline (client, transaction, written_cb, self, NULL);
}

/* Doubles a number, even while others change it. WATCH is a matter of the connection it was sent on, so that nobody
 * else may use that until EXEC. */
static void
double_number (Doubling *self)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "WATCH", "number", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]) { "GET", "number", NULL });
  tornadis_client_submit_pipeline (self->client, pipeline, read_cb, self, NULL);
}

static void
got_client_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Doubling *self = user_data;
  g_autoptr (GError) error = NULL;

  self->client = tornadis_client_pool_get_connected_client_finish (TORNADIS_CLIENT_POOL (object), result, &error);
  if (self->client != NULL)
    double_number (self);
  else
    finish (self, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) template = tornadis_client_new_for_uri (argc > 1 ? argv[1] : "redis://localhost", &error);
  g_autoptr (TornadisClientPool) pool = NULL;
  Doubling doubling = { loop };

  if (template == NULL)
    {
      g_printerr ("connected-client: %s\n", error->message);
      return EXIT_FAILURE;
    }

  pool = tornadis_client_pool_new (template);
  g_object_set (pool, "max-size", 4, NULL);
  doubling.pool = pool;
  tornadis_client_pool_get_connected_client_async (pool, NULL, got_client_cb, &doubling);
  g_main_loop_run (loop);
  return doubling.status;
}
