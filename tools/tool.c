/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options that several subcommands have, and the client that they create. */

#include "tool.h"

#include <math.h>
#include <string.h>

#define DEFAULT_URI "redis://127.0.0.1:6379"

/* An option that is misspelt may have a password for its value. */
static void
print_usage_error (const char *message)
{
  g_autofree char *shown = g_strndup (message, strcspn (message, "="));

  tool_print_error ("%s", shown);
  g_printerr ("Try “%s --help” for more information.\n", g_get_prgname ());
}

static gboolean
options_check (ToolOptions *self)
{
  if (self->resp2 && self->resp3)
    print_usage_error ("Either --resp2 or --resp3");
  else if (!isfinite (self->timeout) || self->timeout < 0 || self->timeout > (double) (G_MAXUINT / 1000))
    print_usage_error ("The timeout is a number of seconds");
  else
    return TRUE;

  return FALSE;
}

/* Reads options and arguments. A mistake is printed: the exit status is TOOL_USAGE. Text is of the type “filename”
 * all over: it is taken as it is, where a string would have to be of the locale's character set. */
gboolean
tool_options_parse (ToolOptions *self,
                    char **argv,
                    ToolParseFlags flags,
                    const char *arguments,
                    const char *summary,
                    const GOptionEntry *entries)
{
  const GOptionEntry output_entries[] = {
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print JSON, one value a line", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->arguments, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  const GOptionEntry server_entries[] = {
    { "uri", 0, 0, G_OPTION_ARG_FILENAME, &self->uri, "Server (default: $TORNADIS_URI, else " DEFAULT_URI ")", "URI" },
    { "timeout", 0, 0, G_OPTION_ARG_DOUBLE, &self->timeout, "Time for connecting, and for each call", "SECONDS" },
    { "plugin", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->plugins, "Use a plugin; may be given again",
      "NAME[:PROPERTY=VALUE,…]" },
    { "resp2", 0, 0, G_OPTION_ARG_NONE, &self->resp2, "Speak RESP2", NULL },
    { "resp3", 0, 0, G_OPTION_ARG_NONE, &self->resp3, "Speak RESP3", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (arguments);
  g_auto (GStrv) args = g_strdupv (argv);
  g_autoptr (GError) error = NULL;

  g_option_context_set_summary (context, summary);
  g_option_context_set_strict_posix (context, flags == TOOL_PARSE_BEFORE);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, output_entries, NULL);
  if (flags != TOOL_PARSE_NO_SERVER)
    g_option_context_add_main_entries (context, server_entries, NULL);

  if (!g_option_context_parse_strv (context, &args, &error))
    {
      print_usage_error (error->message);
      return FALSE;
    }

  return options_check (self);
}

void
tool_options_clear (ToolOptions *self)
{
  g_clear_pointer (&self->uri, g_free);
  g_clear_pointer (&self->plugins, g_strfreev);
  g_clear_pointer (&self->arguments, g_strfreev);
  g_clear_pointer (&self->instances, g_ptr_array_unref);
}

static gboolean
options_make_plugins (ToolOptions *self,
                      GError **error)
{
  if (self->instances != NULL)
    return TRUE;

  self->instances = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; self->plugins != NULL && self->plugins[i] != NULL; i++)
    {
      TornadisPlugin *plugin = tool_plugin_new (self->plugins[i], error);

      if (plugin == NULL)
        return FALSE;
      g_ptr_array_add (self->instances, plugin);
    }

  return TRUE;
}

/* Sets what options and environment say about a client beside its address. A mistake is printed. */
gboolean
tool_options_equip (ToolOptions *self,
                    TornadisClient *client)
{
  g_autofree char *password = NULL;
  g_autoptr (GError) error = NULL;

  g_object_get (client, "password", &password, NULL);
  if (password == NULL)
    g_object_set (client, "password", g_getenv ("TORNADIS_PASSWORD"), NULL);

  if (self->resp2 || self->resp3)
    g_object_set (client, "protocol", self->resp2 ? TORNADIS_PROTOCOL_RESP2 : TORNADIS_PROTOCOL_RESP3, NULL);
  if (self->timeout > 0)
    g_object_set (client,
                  "connect-timeout", (guint) ceil (self->timeout),
                  "call-timeout-msec", (guint) ceil (self->timeout * 1000),
                  NULL);

  if (!options_make_plugins (self, &error))
    {
      tool_print_error ("%s", error->message);
      return FALSE;
    }

  for (guint i = 0; i < self->instances->len; i++)
    if (!tornadis_client_add_plugin (client, g_ptr_array_index (self->instances, i), &error))
      {
        tool_print_error ("%s", error->message);
        return FALSE;
      }

  return TRUE;
}

/* Creates a client of the server that --uri or the environment names, or prints why not. */
gpointer
tool_options_make_client (ToolOptions *self,
                          GType type)
{
  const char *uri = self->uri != NULL ? self->uri : g_getenv ("TORNADIS_URI");
  g_autoptr (TornadisClient) client = NULL;
  g_autoptr (GError) error = NULL;

  if (uri == NULL || (*uri == '\0' && self->uri == NULL))
    uri = DEFAULT_URI;

  if (type == TORNADIS_TYPE_PUB_SUB_CLIENT)
    client = (TornadisClient *) tornadis_pub_sub_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);
  else
    client = tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);

  if (client == NULL)
    tool_print_error ("%s", error->message);
  else if (tool_options_equip (self, client))
    return g_steal_pointer (&client);

  return NULL;
}
