/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plugins/util.h"

#include "integration/util.h"

TornadisPlugin *
add_plugin (TornadisClient *client,
            const char *name,
            const char *first_property,
            ...)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *plugin = tornadis_client_add_plugin_by_name (client, name, &error);
  va_list args;

  g_assert_no_error (error);
  va_start (args, first_property);
  g_object_set_valist (G_OBJECT (plugin), first_property, args);
  va_end (args);

  return plugin;
}

guint64
get_count (TornadisPlugin *plugin,
           const char *name)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) number = G_VALUE_INIT;

  g_object_get_property (G_OBJECT (plugin), name, &value);
  g_value_init (&number, G_TYPE_UINT64);
  g_assert_true (g_value_transform (&value, &number));

  return g_value_get_uint64 (&number);
}

GPtrArray *messages;

static GLogWriterOutput
message_writer (GLogLevelFlags level,
                const GLogField *fields,
                gsize n_fields,
                gpointer user_data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE") && (level & G_LOG_LEVEL_MESSAGE) != 0)
      g_ptr_array_add (messages, g_strdup (fields[i].value));

  return g_log_writer_default (level, fields, n_fields, user_data);
}

void
keep_messages (void)
{
  messages = g_ptr_array_new_with_free_func (g_free);
  g_log_set_writer_func (message_writer, NULL, NULL);
}

gboolean
is_at_master (TornadisHarnessSentinel *group,
              TornadisClient *client)
{
  int master = tornadis_harness_sentinel_find_master (group);
  g_autofree char *port = NULL;
  g_autoptr (TornadisReply) reply = NULL;

  if (master < 0)
    return FALSE;

  port = g_strdup_printf ("%u", tornadis_harness_sentinel_get_port (group, (guint) master));
  reply = call (client, NULL, "CONFIG", "GET", "port", NULL);

  return reply != NULL && g_strcmp0 (tornadis_reply_get_text (tornadis_reply_lookup (reply, "port")), port) == 0;
}

gboolean
connect_by (Way way,
            TornadisClient *template,
            GError **error)
{
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (template);
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TornadisReply) reply = NULL;
  g_autoptr (TornadisClient) client = NULL;

  tornadis_pipeline_stack_command (pipeline, ping);
  switch (way)
    {
    case WAY_CONNECT:
      return connect_and_wait (template, error);
    case WAY_CALL:
      reply = call (template, error, "PING", NULL);
      return reply != NULL;
    case WAY_POOL_CALL:
      tornadis_client_pool_call_async (pool, ping, NULL, store_result, &result);
      reply = tornadis_client_pool_call_finish (pool, wait_for_result (&result), error);
      return reply != NULL;
    case WAY_POOL_CALL_PIPELINE:
      tornadis_client_pool_call_pipeline_async (pool, pipeline, NULL, store_result, &result);
      reply = tornadis_client_pool_call_pipeline_finish (pool, wait_for_result (&result), error);
      return reply != NULL;
    case WAY_POOL_TAKE:
      client = take (pool, error);
      if (client != NULL)
        tornadis_client_pool_release_client (pool, client);
      return client != NULL;
    case WAY_POOL_PRECONNECT:
      tornadis_client_pool_preconnect_async (pool, 1, NULL, store_result, &result);
      return tornadis_client_pool_preconnect_finish (pool, wait_for_result (&result), error);
    case N_WAYS:
    default:
      g_assert_not_reached ();
    }
}

void
tally_count_cb (TornadisClient *client,
                TornadisReply *reply,
                GError *error,
                gpointer user_data)
{
  Tally *self = user_data;

  if (error == NULL)
    self->ok++;
  else if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY))
    self->busy++;
  else if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST))
    self->lost++;
  else
    self->other++;
  self->all = ++self->n_ended == self->n_expected;
}

static void
pool_called_cb (GObject *object,
                GAsyncResult *result,
                gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_pool_call_finish (TORNADIS_CLIENT_POOL (object), result, &error);

  tally_count_cb (NULL, reply, error, user_data);
}

static TornadisCommand *
tally_make_command (Tally *self,
                    const char *name,
                    guint argument)
{
  TornadisCommand *command = tornadis_command_new (name);

  tornadis_command_append_int64 (command, argument);
  self->n_expected++;
  self->all = FALSE;

  return command;
}

void
tally_submit (Tally *self,
              TornadisClient *client,
              const char *name,
              guint argument)
{
  g_autoptr (TornadisCommand) command = tally_make_command (self, name, argument);

  tornadis_client_submit (client, command, tally_count_cb, self, NULL);
}

void
tally_submit_to_pool (Tally *self,
                      TornadisClientPool *pool,
                      const char *name,
                      guint argument)
{
  g_autoptr (TornadisCommand) command = tally_make_command (self, name, argument);

  tornadis_client_pool_call_async (pool, command, NULL, pool_called_cb, self);
}

void
tally_submit_pipeline (Tally *self,
                       TornadisClient *client,
                       TornadisPipeline *pipeline)
{
  self->n_expected++;
  self->all = FALSE;
  tornadis_client_submit_pipeline (client, pipeline, tally_count_cb, self, NULL);
}

void
tally_wait (Tally *self)
{
  g_assert_true (spin_until (&self->all, 60000));
}
