/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/job.h"
#include "soak/value.h"

/* A client of the pool, WATCH, GET, and a transaction that sets the key to something else: when it has run, nobody has written
 * the key since it was read. */

/* Others may write the key, and the connection be lost, between the read and the transaction. Milliseconds. */
#define MAX_THOUGHT 20
/* Keys of so many places are wanted by all transactions. */
#define N_WANTED 2

typedef struct
{
  Worker *worker;              /* (unowned) */
  TornadisClient *client;      /* (owned) (nullable) of the pool */
  HistoryKey *key;             /* (unowned) */
  HistoryOperation *operation; /* (unowned) the read, then the compare-and-set */
  char *name;                  /* (owned) (nullable) of the value that is written */
  Whim whim;
} Transaction;

static void
transaction_end (Transaction *self,
                 gboolean has_failed)
{
  Worker *worker = self->worker;

  if (self->client != NULL)
    tornadis_client_pool_release_client (worker->run->pool, self->client);
  g_clear_object (&self->client);
  whim_clear (&self->whim);
  g_free (self->name);
  g_free (self);
  worker_go_on (worker, has_failed);
}

/* Behind WATCH a call is not made again at the node to which its slot has gone, where nothing is watched. */
static gboolean
is_redirection (const GError *error)
{
  g_autofree char *prefix = tornadis_error_dup_prefix (error);

  return g_strcmp0 (prefix, "MOVED") == 0 || g_strcmp0 (prefix, "ASK") == 0;
}

/* A call has ended; whether with an error, and so all of it. */
static gboolean
transaction_has_failed (Transaction *self,
                        const GError *error)
{
  Run *run = self->worker->run;

  run->n_pending--;
  run->n_done++;
  if (error == NULL)
    return FALSE;

  if (is_redirection (error))
    tally_count (run->tally, "redirected");
  if (is_redirection (error) || run_take_error (run, error) == FATE_NEVER)
    history_end_never (self->key, self->operation);
  else
    history_end_unclear (self->key, self->operation);
  transaction_end (self, TRUE);

  return TRUE;
}

static void
written_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  Transaction *self = user_data;
  Run *run = self->worker->run;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_pipeline_finish (TORNADIS_CLIENT (object), result, &error);

  if (transaction_has_failed (self, error))
    return;

  if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_NIL)
    {
      tally_count (run->tally, "conflicts");
      history_end_never (self->key, self->operation);
    }
  else if (tornadis_reply_get_n_elements (reply) == 1 && g_strcmp0 (tornadis_reply_get_text (tornadis_reply_get_element (reply, 0)), "OK") == 0)
    {
      tally_count (run->tally, "got");
      history_end (run->history, self->key, self->operation, NULL);
    }
  else
    {
      g_autofree char *text = tornadis_reply_to_string (reply);

      run_fail (run, "EXEC of %s has the reply: %s", self->key->name, text);
    }
  transaction_end (self, FALSE);
}

static gboolean
write_cb (gpointer user_data)
{
  Transaction *self = user_data;
  Run *run = self->worker->run;
  g_autofree char *value = value_make (self->key->name, self->name, 0);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

  tornadis_pipeline_set_atomic (pipeline, TRUE);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "SET", self->key->name, value, NULL });
  run->n_pending++;
  tornadis_client_call_pipeline_async (self->client, pipeline, self->whim.cancellable, written_cb, self);

  return G_SOURCE_REMOVE;
}

static void
read_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  Transaction *self = user_data;
  Run *run = self->worker->run;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);
  HistoryOperation *read = self->operation;
  g_autofree char *before = NULL;
  gsize length;
  const char *data;

  if (transaction_has_failed (self, error))
    return;

  if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_NIL)
    {
      data = (const char *) tornadis_reply_get_data (reply, &length);
      before = value_parse (self->key->name, data != NULL ? data : "", data != NULL ? length : 0);
      if (before == NULL)
        {
          g_autofree char *text = tornadis_reply_to_string (reply);

          run_fail (run, "GET of %s has the reply: %.300s", self->key->name, text);
        }
    }
  self->name = worker_name (self->worker);
  self->operation = history_begin (run->history, self->key, EFFECT_COMPARE_AND_SET, self->name, before);
  history_end (run->history, self->key, read, g_steal_pointer (&before));
  g_timeout_add (run_random (run, MAX_THOUGHT), write_cb, self);
}

static void
watched_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  Transaction *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply G_GNUC_UNUSED = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, &error);
  g_autoptr (TornadisCommand) command = NULL;

  if (transaction_has_failed (self, error))
    return;

  command = tornadis_command_new_strv ((const char *[]){ "GET", self->key->name, NULL });
  self->worker->run->n_pending++;
  tornadis_client_call_async (self->client, command, self->whim.cancellable, read_cb, self);
}

static void
got_client_cb (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  Transaction *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisCommand) command = NULL;

  self->client = tornadis_client_pool_get_connected_client_finish (TORNADIS_CLIENT_POOL (object), result, &error);
  if (transaction_has_failed (self, error))
    return;

  run_track (self->worker->run, self->client);
  command = tornadis_command_new_strv ((const char *[]){ "WATCH", self->key->name, NULL });
  self->worker->run->n_pending++;
  tornadis_client_call_async (self->client, command, self->whim.cancellable, watched_cb, self);
}

void
transaction_begin (Worker *worker)
{
  Run *run = worker->run;
  Transaction *self = g_new0 (Transaction, 1);

  self->worker = worker;
  self->key = history_get_key (run->history, KEY_TYPE_TEXT, run_random (run, N_WANTED));
  self->operation = history_begin (run->history, self->key, EFFECT_READ, NULL, NULL);
  whim_begin (&self->whim, run);
  tally_count (run->tally, "transactions");
  run->n_pending++;
  tornadis_client_pool_get_connected_client_async (run->pool, self->whim.cancellable, got_client_cb, self);
}
