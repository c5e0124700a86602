/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/fuzzing/fuzz.h"
#include "tools/tool.h"

/* What of a plugin can be read, and is what its property may be. */
static void
check_properties (gpointer object)
{
  guint n;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n);

  for (guint i = 0; i < n; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      if ((pspecs[i]->flags & G_PARAM_READABLE) == 0)
        continue;
      g_value_init (&value, pspecs[i]->value_type);
      g_object_get_property (object, pspecs[i]->name, &value);
      g_assert_false (g_param_value_validate (pspecs[i], &value));
      if (G_VALUE_HOLDS_STRING (&value) && g_value_get_string (&value) != NULL)
        g_assert_true (g_utf8_validate (g_value_get_string (&value), -1, NULL));
    }
}

static void
check_client (gpointer client)
{
  g_autoptr (GListModel) plugins = NULL;

  check_properties (client);
  plugins = g_object_ref (tornadis_client_get_plugins (client));
  for (guint i = 0; i < g_list_model_get_n_items (plugins); i++)
    {
      g_autoptr (GObject) plugin = g_list_model_get_item (plugins, i);

      check_properties (plugin);
    }
}

/* The bytes are a URI, and what the command line has for a plugin: NAME:PROPERTY=VALUE,PROPERTY=VALUE. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  g_autofree char *text = fuzz_dup_text (data, size);
  g_autoptr (TornadisPlugin) plugin = NULL;
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (TornadisClient) careful = NULL;
  g_autoptr (TornadisPubSubClient) pub_sub = NULL;
  GError *error = NULL;

  plugin = tool_plugin_new (text, &error);
  fuzz_check_error (plugin != NULL, error, TORNADIS_ERROR);
  g_assert_true (error == NULL || error->code == TORNADIS_ERROR_PLUGIN);
  g_clear_error (&error);
  if (plugin != NULL)
    check_properties (plugin);

  client = tornadis_client_new_for_uri_full (text, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);
  fuzz_check_error (client != NULL, error, TORNADIS_ERROR);
  g_clear_error (&error);
  if (client != NULL)
    check_client (client);

  /* The fewer the rights, the fewer the clients. */
  careful = tornadis_client_new_for_uri (text, &error);
  fuzz_check_error (careful != NULL, error, TORNADIS_ERROR);
  g_assert_true (careful == NULL || client != NULL);
  g_assert_true (careful == NULL || g_list_model_get_n_items (tornadis_client_get_plugins (careful)) <= 1);
  g_clear_error (&error);

  pub_sub = tornadis_pub_sub_client_new_for_uri_full (text, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);
  fuzz_check_error (pub_sub != NULL, error, TORNADIS_ERROR);
  g_clear_error (&error);
  if (pub_sub != NULL)
    check_client (pub_sub);

  /* What plugins leave to the main loop. */
  while (g_main_context_iteration (NULL, FALSE))
    ;

  return 0;
}
