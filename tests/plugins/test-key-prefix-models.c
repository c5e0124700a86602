/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Live models with the plugin key-prefix: they are told of the keys as the server has them. */

#include "integration/model-util.h"

static void
add_prefix (TornadisClient *client,
            const char *prefix)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *plugin = tornadis_client_add_plugin_by_name (client, "key-prefix", &error);

  g_assert_no_error (error);
  g_object_set (plugin, "prefix", prefix, NULL);
}

static void
test_models (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (TornadisClient) other = make_other (fixture);
  g_autoptr (TornadisListModel) list = NULL;
  g_autoptr (TornadisKeyModel) keys = NULL;

  add_prefix (fixture->client, "a[*]");
  add_prefix (fixture->client, "outer:");
  list = tornadis_list_model_new (fixture->client, "list");
  keys = tornadis_key_model_new (fixture->client, "l*");
  wait_for_live (list);
  wait_for_live (keys);

  /* Keys of others, which would match as well without care. */
  run (other, "RPUSH list no");
  run (other, "RPUSH outer:axlist no");
  run (other, "RPUSH outer:a[*]list yes");
  wait_for_rows (list, "yes");
  wait_for_rows (keys, "list");
  run (fixture->client, "RPUSH last x");
  wait_for_rows (keys, "list last");
  run (other, "DEL outer:a[*]list");
  wait_for_rows (list, "");
  wait_for_rows (keys, "last");
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add ("/key-prefix-models/models", Fixture, notifying, fixture_set_up, test_models, fixture_tear_down);
  g_test_add ("/key-prefix-models/tracking", Fixture, NULL, fixture_set_up, test_models, fixture_tear_down);

  return g_test_run ();
}
