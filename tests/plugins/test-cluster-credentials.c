/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All nodes of a cluster are logged in to with the credentials of the client. */

#include <string.h>

#include "integration/login.h"
#include "integration/util.h"
#include "plugins/cluster-util.h"

static void
rule_all (Scene *self,
          const char *line)
{
  for (guint i = 0; i < tornadis_harness_cluster_get_n_nodes (self->cluster); i++)
    g_free (node_command (self->cluster, i, "%s", line));
}

/* How many connections of all nodes are of a user. */
static guint
count_connections (Scene *self,
                   const char *user)
{
  g_autofree char *marked = g_strdup_printf ("user=%s ", user);
  guint n = 0;

  for (guint i = 0; i < tornadis_harness_cluster_get_n_nodes (self->cluster); i++)
    {
      g_autofree char *list = node_command (self->cluster, i, "CLIENT LIST");

      for (const char *found = list; (found = strstr (found, marked)) != NULL; found++)
        n++;
    }

  return n;
}

typedef struct
{
  Scene *scene;
  guint n_sent;
  guint n_replies;
  gboolean stopped;
} Load;

static void load_call (Load *self);

static void
load_replied_cb (TornadisClient *client,
                 TornadisReply *reply,
                 GError *error,
                 gpointer user_data)
{
  Load *self = user_data;

  g_assert_no_error (error);
  self->n_replies++;
  if (!self->stopped)
    load_call (self);
}

static void
load_call (Load *self)
{
  g_autoptr (TornadisCommand) command =
    tornadis_command_new_strv ((const char *[]){ "INCR", self->scene->keys[self->n_sent++ % N_MASTERS], NULL });

  tornadis_client_submit (self->scene->client, command, load_replied_cb, self, NULL);
}

/* The login changes under load, and what was before is taken away on all of them. */
static void
test_rotation (Scene *self,
               gconstpointer data)
{
  g_autoptr (TestLogin) login = test_login_new ("user0", "password");
  Load load = { .scene = self };

  rule_all (self, "ACL SETUSER user0 on >password ~* &* +@all");
  g_object_set (self->client, "credentials", login, NULL);
  for (guint i = 0; i < 30; i++)
    load_call (&load);
  wait_until (load.n_replies > 100);
  g_assert_cmpuint (count_connections (self, "user0"), >=, N_MASTERS);

  for (guint i = 1; i <= 3; i++)
    {
      g_autofree char *user = g_strdup_printf ("user%u", i);
      g_autofree char *before = g_strdup_printf ("user%u", i - 1);
      g_autofree char *added = g_strdup_printf ("ACL SETUSER %s on >password ~* &* +@all", user);
      g_autofree char *deleted = g_strdup_printf ("ACL DELUSER %s", before);

      rule_all (self, added);
      test_login_set (login, user, "password");
      wait_until (count_connections (self, before) == 0);
      g_assert_cmpuint (count_connections (self, user), >=, N_MASTERS);
      rule_all (self, deleted);
    }

  load.stopped = TRUE;
  wait_until (load.n_replies == load.n_sent);
  rule_all (self, "ACL DELUSER user3");
}

static gboolean
can_do (TornadisClient *client,
        const char *name,
        const char *key,
        gint64 expected)
{
  g_autoptr (TornadisReply) reply = call (client, NULL, name, key, "text", NULL);

  return reply != NULL && tornadis_reply_get_integer (reply) == expected;
}

/* What a program sets later is for connections to nodes that it has called before, too. */
static void
test_changed (Scene *self,
              gconstpointer data)
{
  g_autofree char *hosts = tornadis_harness_cluster_get_hosts (self->cluster, FALSE);
  g_autofree char *uri = g_strconcat ("redis-cluster://ann:old@", hosts, NULL);
  g_autoptr (TornadisPubSubClient) listener = tornadis_pub_sub_client_new_for_uri (uri, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  const char *names[N_MASTERS + 1] = { NULL };

  rule_all (self, "ACL SETUSER ann on >old ~* &* +@all");
  g_object_set (self->client, "username", "ann", "password", "old", NULL);
  for (guint i = 0; i < N_MASTERS; i++)
    {
      names[i] = self->keys[i];
      g_assert_true (can_do (self->client, "APPEND", self->keys[i], 4));
    }
  tornadis_pub_sub_client_ssubscribe_async (listener, names, NULL, store_result, &result);
  g_assert_true (tornadis_pub_sub_client_ssubscribe_finish (listener, wait_for_result (&result), NULL));

  rule_all (self, "ACL SETUSER ann resetpass >new");
  g_object_set (self->client, "password", "new", "client-name", "later", NULL);
  g_object_set (listener, "password", "new", NULL);
  rule_all (self, "CLIENT KILL USER ann");

  for (guint i = 0; i < N_MASTERS; i++)
    {
      g_autofree char *list = NULL;

      wait_until (can_do (self->client, "APPEND", self->keys[i], 8));
      wait_until (can_do (self->client, "SPUBLISH", self->keys[i], 1));
      list = node_command (self->cluster, i, "CLIENT LIST");
      g_assert_nonnull (strstr (list, " name=later "));
    }

  g_object_set (self->client, "username", NULL, "password", NULL, NULL);
  rule_all (self, "ACL DELUSER ann");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/cluster-credentials/rotation", Scene, NULL, scene_set_up, test_rotation, scene_tear_down);
  g_test_add ("/cluster-credentials/changed", Scene, NULL, scene_set_up, test_changed, scene_tear_down);

  return run_with_cluster (NULL);
}
