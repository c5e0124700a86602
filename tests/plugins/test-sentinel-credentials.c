/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The master that sentinels name is logged in to with the credentials of the client, and so is its heir; the sentinels, which
 * have users of their own, are not. */

#include "integration/login.h"
#include "integration/util.h"
#include "plugins/util.h"

static void
rule_all (TornadisHarnessSentinel *group,
          const char *line)
{
  for (guint i = 0; i < tornadis_harness_sentinel_get_n (group); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *reply = tornadis_harness_redis_command (tornadis_harness_sentinel_get_server (group, i), line, &error);

      g_assert_no_error (error);
      g_assert_true (*reply != '-');
    }
}

static gboolean
is_user (TornadisClient *client,
         const char *expected)
{
  g_autoptr (TornadisReply) reply = call (client, NULL, "ACL", "WHOAMI", NULL);

  return reply != NULL && g_strcmp0 (tornadis_reply_get_text (reply), expected) == 0;
}

static gboolean
has_other_master (TornadisHarnessSentinel *group,
                  int old)
{
  int master = tornadis_harness_sentinel_find_master (group);

  return master >= 0 && master != old;
}

/* Of a group that @login is a user of; @rule is about somebody else. */
static TornadisClient *
make_client_of (TornadisHarnessSentinel *group,
                TestLogin *login,
                const char *rule)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = tornadis_harness_sentinel_make_uri (group, NULL);
  TornadisClient *client = tornadis_client_new_for_uri (uri, &error);

  g_assert_no_error (error);
  rule_all (group, "ACL SETUSER ann on >one ~* &* +@all");
  rule_all (group, rule);
  g_object_set (client, "credentials", login, NULL);
  g_assert_true (is_user (client, "ann"));

  return client;
}

static void
test_failover (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessSentinel) group = tornadis_harness_sentinel_new (NULL, NULL, &error);
  g_autoptr (TestLogin) login = test_login_new ("ann", "one");
  TornadisClient *client;
  int old;

  g_assert_no_error (error);
  client = make_client_of (group, login, "ACL SETUSER bob on >two ~* &* +@all");
  test_login_set (login, "bob", "two");
  wait_until (is_user (client, "bob"));

  old = tornadis_harness_sentinel_find_master (group);
  g_assert_true (tornadis_harness_sentinel_failover (group, &error));
  g_assert_no_error (error);
  wait_until (has_other_master (group, old));
  wait_until (is_at_master (group, client));
  wait_until (is_user (client, "bob"));

  assert_client_finalized (client);
}

static guint64
count_switches (TornadisClient *client)
{
  g_autoptr (TornadisPlugin) plugin = g_list_model_get_item (tornadis_client_get_plugins (client), 0);
  guint64 switches;

  g_object_get (plugin, "switches", &switches, NULL);

  return switches;
}

/* The heir is asked what it is with the credentials too: of a master that sleeps nobody else hears. */
static void
test_asleep (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisHarnessSentinel) group = tornadis_harness_sentinel_new (NULL, NULL, &error);
  g_autoptr (TestLogin) login = test_login_new ("ann", "one");
  TornadisClient *client;
  int old;

  g_assert_no_error (error);
  client = make_client_of (group, login, "ACL SETUSER default -role");
  old = tornadis_harness_sentinel_find_master (group);
  tornadis_harness_redis_pause (tornadis_harness_sentinel_get_server (group, (guint) old));
  wait_until (count_switches (client) == 1);
  wait_until (is_at_master (group, client));
  g_assert_true (is_user (client, "ann"));
  tornadis_harness_redis_resume (tornadis_harness_sentinel_get_server (group, (guint) old));

  assert_client_finalized (client);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sentinel-credentials/failover", test_failover);
  g_test_add_func ("/sentinel-credentials/asleep", test_asleep);

  return g_test_run ();
}
