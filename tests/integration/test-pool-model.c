/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a pool's counts come out right, whatever becomes of connections, of those who ask and of what plugins do. */

#include "integration/hook-plugin.h"

#define N_STEPS 600
#define MAX_TAKEN 8

typedef struct
{
  TornadisHarnessRedis *redis;
  TornadisClientPool *pool;
  TornadisClient *admin;
  GQueue held;        /* (element-type TornadisCall) (owned) */
  GPtrArray *taken;   /* (owned) (element-type TornadisClient) */
  GPtrArray *pending; /* (owned) (element-type GCancellable) of those who ask and of calls */
  guint n_called;     /* back */
  guint n_made;
  guint depth;
  gboolean settling; /* nothing fails any more */
} Model;

static void model_step (Model *self);

static void
model_nest (Model *self)
{
  if (self->settling || self->depth == 2 || g_test_rand_int_range (0, 6) > 0)
    return;

  self->depth++;
  model_step (self);
  self->depth--;
}

static gboolean
hook (HookPlugin *plugin,
      Hook which,
      TornadisClient *client,
      TornadisCall *call)
{
  Model *self = plugin->data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (GBytes) resp = NULL;

  if (which != CALL)
    {
      if (which != DETACH)
        model_nest (self);
      return FALSE;
    }

  model_nest (self);
  switch (self->settling ? 0 : g_test_rand_int_range (0, 6))
    {
    case 1:
      error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "refused");
      tornadis_call_return_error (call, error);
      return TRUE;
    case 2:
      g_queue_push_tail (&self->held, g_object_ref (call));
      return TRUE;
    case 3:
      resp = g_bytes_new_static ("+OK\r\n", 5);
      reply = tornadis_reply_new_from_resp (resp, NULL);
      tornadis_call_return_reply (call, reply);
      return TRUE;
    default:
      return FALSE;
    }
}

static void
model_let_go (Model *self)
{
  g_autoptr (TornadisCall) call = g_queue_pop_head (&self->held);
  g_autoptr (GError) error = g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CONNECT, "refused late");

  if (call == NULL || tornadis_call_is_abandoned (call))
    return;

  if (g_test_rand_int_range (0, 2) == 0)
    tornadis_call_proceed (call);
  else
    tornadis_call_return_error (call, error);
}

static void
taken_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  Model *self = user_data;
  TornadisClient *client = tornadis_client_pool_get_connected_client_finish (TORNADIS_CLIENT_POOL (object), result, NULL);

  self->n_called++;
  if (client != NULL)
    g_ptr_array_add (self->taken, client);
  model_nest (self);
}

static void
called_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Model *self = user_data;
  g_autoptr (TornadisReply) reply G_GNUC_UNUSED = tornadis_client_pool_call_finish (TORNADIS_CLIENT_POOL (object), result, NULL);

  self->n_called++;
  model_nest (self);
}

static void
preconnected_cb (GObject *object,
                 GAsyncResult *result,
                 gpointer user_data)
{
  Model *self = user_data;

  tornadis_client_pool_preconnect_finish (TORNADIS_CLIENT_POOL (object), result, NULL);
  self->n_called++;
  model_nest (self);
}

static GCancellable *
model_make_cancellable (Model *self)
{
  GCancellable *cancellable = g_cancellable_new ();

  self->n_made++;
  g_ptr_array_add (self->pending, cancellable);
  return cancellable;
}

static void
model_step (Model *self)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new (g_test_rand_bit () ? "PING" : "MULTI");
  g_autoptr (TornadisCommand) kill = NULL;
  g_autoptr (TornadisClient) client = NULL;

  switch (g_test_rand_int_range (0, 16))
    {
    case 0:
    case 1:
    case 2:
      tornadis_client_pool_get_connected_client_async (self->pool, model_make_cancellable (self), taken_cb, self);
      break;
    case 3:
    case 4:
    case 5:
      tornadis_client_pool_call_async (self->pool, command, model_make_cancellable (self), called_cb, self);
      break;
    case 6:
      client = tornadis_client_pool_get_client_nowait (self->pool);
      if (client != NULL)
        g_ptr_array_add (self->taken, g_steal_pointer (&client));
      break;
    case 7:
    case 8:
    case 9:
      if (self->taken->len > 0)
        {
          client = g_ptr_array_steal_index_fast (self->taken, (guint) g_test_rand_int_range (0, (gint32) self->taken->len));
          if (g_test_rand_bit ())
            tornadis_client_submit (client, command, NULL, NULL, NULL);
          tornadis_client_pool_release_client (self->pool, client);
        }
      break;
    case 10:
      if (self->pending->len > 0)
        g_cancellable_cancel (g_ptr_array_index (self->pending, g_test_rand_int_range (0, (gint32) self->pending->len)));
      break;
    case 11:
      model_let_go (self);
      break;
    case 12:
      tornadis_client_pool_preconnect_async (self->pool, g_test_rand_int_range (0, 4), model_make_cancellable (self),
                                             preconnected_cb, self);
      break;
    case 13:
      if (g_test_rand_int_range (0, 4) == 0)
        tornadis_client_pool_destroy (self->pool);
      else
        g_object_set (self->pool, "max-size", g_test_rand_int_range (1, 4), NULL);
      break;
    case 14:
      kill = tornadis_command_new ("CLIENT");
      tornadis_command_append_string (kill, "KILL");
      tornadis_command_append_string (kill, "TYPE");
      tornadis_command_append_string (kill, "normal");
      tornadis_client_submit (self->admin, kill, NULL, NULL, NULL);
      break;
    default:
      for (int n = g_test_rand_int_range (1, 5); n > 0; n--)
        g_main_context_iteration (NULL, FALSE);
    }
}

/* All who take clients give them back. */
static gboolean
model_is_settled (Model *self)
{
  guint size, idle, waiting;

  model_let_go (self);
  while (self->taken->len > 0)
    {
      g_autoptr (TornadisClient) client = g_ptr_array_steal_index_fast (self->taken, 0);

      tornadis_client_pool_release_client (self->pool, client);
    }

  g_object_get (self->pool, "size", &size, "idle", &idle, "waiting", &waiting, NULL);
  return self->n_called == self->n_made && self->held.length == 0 && waiting == 0 && size == idle;
}

static void
test_model (void)
{
  g_autoptr (TornadisClient) template = NULL;
  g_autoptr (GError) error = NULL;
  HookPlugin *plugin;
  const char *path;
  Model self = { .settling = TRUE };

  self.redis = tornadis_harness_redis_new (NULL, &error);
  g_assert_no_error (error);
  path = tornadis_harness_redis_get_socket_path (self.redis);
  template = tornadis_client_new_for_unix_socket (path);
  plugin = add_calling (template, "plugin", hook, &self);
  self.admin = tornadis_client_new_for_unix_socket (path);
  self.pool = tornadis_client_pool_new (template);
  g_object_set (self.pool, "max-size", 2, NULL);
  self.taken = g_ptr_array_new_with_free_func (g_object_unref);
  self.pending = g_ptr_array_new_with_free_func (g_object_unref);

  self.settling = FALSE;
  for (guint i = 1; i <= N_STEPS; i++)
    {
      model_step (&self);
      if (i % 60 > 0)
        continue;

      self.settling = TRUE;
      wait_until (model_is_settled (&self));
      g_ptr_array_set_size (self.pending, 0);
      self.settling = FALSE;
    }

  self.settling = TRUE;
  g_ptr_array_unref (self.taken);
  g_ptr_array_unref (self.pending);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_finalized (self.pool);
  assert_client_finalized (g_steal_pointer (&template));
  assert_finalized (plugin);
  assert_finalized (self.admin);
  g_object_unref (self.redis);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pool/model", test_model);

  return g_test_run ();
}
