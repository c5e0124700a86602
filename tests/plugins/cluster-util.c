/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plugins/cluster-util.h"

#include <string.h>

#include "cluster/cluster-slot.h"
#include "integration/util.h"

static TornadisHarnessCluster *shared;

int
run_with_cluster (const char *const *args)
{
  int status;

  shared = start_cluster (N_MASTERS, 1, args);
  status = g_test_run ();
  g_clear_object (&shared);

  return status;
}

TornadisPlugin *
get_cluster_plugin (TornadisClient *client)
{
  GListModel *plugins = tornadis_client_get_plugins (client);
  g_autoptr (TornadisPlugin) last = g_list_model_get_item (plugins, g_list_model_get_n_items (plugins) - 1);

  return last;
}

guint64
get_redirects (TornadisClient *client)
{
  guint64 n;

  g_object_get (get_cluster_plugin (client), "redirects", &n, NULL);

  return n;
}

char *
make_key (guint master,
          const char *name)
{
  for (guint i = 0;; i++)
    {
      g_autofree char *key = g_strdup_printf ("%s%u", name, i);

      if (cluster_slot_of (key, strlen (key)) * N_MASTERS / CLUSTER_N_SLOTS == master)
        return g_steal_pointer (&key);
    }
}

char *
node_command (TornadisHarnessCluster *cluster,
              guint i,
              const char *format,
              ...)
{
  g_autofree char *line = NULL;
  g_autofree char *reply = NULL;
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);

  reply = tornadis_harness_cluster_command (cluster, i, line, &error);
  g_assert_no_error (error);
  if (reply[0] == '-')
    g_error ("%s: %s", line, reply);

  return g_steal_pointer (&reply);
}

guint
count_calls_of_all (TornadisHarnessCluster *cluster,
                    const char *name)
{
  guint n = 0;

  for (guint i = 0; i < tornadis_harness_cluster_get_n_nodes (cluster); i++)
    n += count_calls (tornadis_harness_cluster_get_node (cluster, i), name);

  return n;
}

void
scene_set_up (Scene *self,
              gconstpointer options)
{
  self->cluster = shared;
  self->client = make_cluster_client (shared, options);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *flushed G_GNUC_UNUSED = node_command (shared, i, "FLUSHALL");

      self->keys[i] = make_key (i, "key");
    }
}

void
scene_tear_down (Scene *self,
                 gconstpointer options)
{
  /* A call that just ended may still hold the client in an idle source. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  if (self->client != NULL)
    assert_client_finalized (self->client);
  for (guint i = 0; i < N_MASTERS; i++)
    g_free (self->keys[i]);
}

static TornadisReply *
call_line (TornadisClient *client,
           const char *line,
           GError **error)
{
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *const *) argv);
  g_autoptr (GAsyncResult) result = NULL;

  tornadis_client_call_async (client, command, NULL, store_result, &result);
  return tornadis_client_call_finish (client, wait_for_result (&result), error);
}

void
assert_line (TornadisClient *client,
             const char *line,
             const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call_line (client, line, &error);
  g_autofree char *text = NULL;

  if (reply == NULL)
    g_error ("%s: %s", line, error->message);
  text = tornadis_reply_to_string (reply);
  if (!g_str_equal (text, expected))
    g_error ("%s: “%s” is not “%s”", line, text, expected);
}

void
assert_refused (TornadisClient *client,
                const char *line,
                TornadisError code,
                const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = call_line (client, line, &error);

  if (reply != NULL)
    g_error ("%s was not refused", line);
  g_assert_error (error, TORNADIS_ERROR, (int) code);
  if (strstr (error->message, words) == NULL)
    g_error ("%s: “%s” does not say “%s”", line, error->message, words);
}
