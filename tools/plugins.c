/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* tornadis plugins: which there are, and their properties. */

#include "tool.h"

#include <string.h>

/* A default as text, or NULL for none and for what is no plain value. */
static char *
describe_default (GParamSpec *pspec)
{
  const GValue *value = g_param_spec_get_default_value (pspec);
  g_auto (GValue) text = G_VALUE_INIT;

  if (G_VALUE_HOLDS_ENUM (value))
    return g_strdup (g_enum_get_value (G_PARAM_SPEC_ENUM (pspec)->enum_class, g_value_get_enum (value))->value_nick);
  if (G_VALUE_HOLDS_BOOLEAN (value))
    return g_strdup (g_value_get_boolean (value) ? "true" : "false");
  if (G_VALUE_HOLDS_FLAGS (value) || G_VALUE_HOLDS_BOXED (value))
    return NULL;

  g_value_init (&text, G_TYPE_STRING);
  return g_value_transform (value, &text) ? g_value_dup_string (&text) : NULL;
}

static void
append_json_member (GString *output,
                    const char *name,
                    const char *text)
{
  g_string_append_printf (output, "\"%s\": ", name);
  if (text != NULL)
    tool_json_append_string (output, text, strlen (text));
  else
    g_string_append (output, "null");
}

static void
append_property (GString *output,
                 GParamSpec *pspec,
                 const char *type,
                 gboolean json)
{
  g_autofree char *standard = describe_default (pspec);
  const char *blurb = g_param_spec_get_blurb (pspec);

  if (json)
    {
      g_string_append_c (output, '{');
      append_json_member (output, "name", pspec->name);
      g_string_append (output, ", ");
      append_json_member (output, "takes", type);
      g_string_append (output, ", ");
      append_json_member (output, "default", standard);
      g_string_append (output, ", ");
      append_json_member (output, "description", blurb);
      g_string_append_c (output, '}');
      return;
    }

  g_string_append_printf (output, "  %s: %s", pspec->name, type);
  if (standard != NULL)
    g_string_append_printf (output, " (default: %s)", standard);
  if (blurb != NULL)
    g_string_append_printf (output, "; %s", blurb);
  g_string_append_c (output, '\n');
}

static void
append_plugin (GString *output,
               const char *name,
               TornadisPlugin *plugin,
               gboolean json)
{
  guint n, n_shown = 0;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (plugin), &n);

  if (json)
    {
      g_string_append_c (output, '{');
      append_json_member (output, "name", name);
      g_string_append (output, ", ");
      append_json_member (output, "description", tornadis_plugin_get_description (plugin));
      g_string_append (output, ", \"properties\": [");
    }
  else
    {
      const char *description = tornadis_plugin_get_description (plugin);

      g_string_append (output, name);
      if (description != NULL)
        g_string_append_printf (output, ": %s", description);
      g_string_append_c (output, '\n');
    }

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *type = tool_property_describe_type (pspecs[i]);

      if (type == NULL)
        continue;
      if (json && n_shown++ > 0)
        g_string_append (output, ", ");
      append_property (output, pspecs[i], type, json);
    }

  if (json)
    g_string_append (output, "]}\n");
}

int
tool_plugins (char **argv)
{
  g_auto (ToolOptions) options = { 0 };
  gboolean names_only = FALSE;
  const GOptionEntry entries[] = {
    { "names", 0, 0, G_OPTION_ARG_NONE, &names_only, "Print names only, and load nothing", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_auto (GStrv) names = NULL;
  ToolStatus status = TOOL_DONE;

  if (!tool_options_parse (&options, argv, TOOL_PARSE_NO_SERVER, NULL,
                           "Lists the plugins that --plugin takes, what they do, and the properties that can be set.", entries))
    return TOOL_USAGE;
  if (options.arguments != NULL)
    {
      tool_print_error ("plugins takes no argument");
      return TOOL_USAGE;
    }

  names = tornadis_plugin_list_names ();
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisPlugin) plugin = names_only ? NULL : tornadis_plugin_new_by_name (names[i], &error);
      GString *output = tool_output_begin ();

      if (plugin != NULL)
        append_plugin (output, names[i], plugin, options.json);
      else if (names_only && options.json)
        tool_json_append_string (output, names[i], strlen (names[i]));
      else if (names_only)
        g_string_append (output, names[i]);

      if (names_only)
        g_string_append_c (output, '\n');
      if (error != NULL)
        {
          tool_print_error ("%s", error->message);
          status = TOOL_FAILED;
        }
    }

  return (int) status;
}
