/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client that options and environment describe. */

#include "tool.h"

#include <math.h>
#include <string.h>

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT 6379

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

static const char *
get_environment (const char *name)
{
  const char *value = g_getenv (name);

  return value != NULL && *value != '\0' ? value : NULL;
}

/* What is given beside a URI counts more than what stands in it, and that more than the environment. */
static void
options_equip_login (ToolOptions *self,
                     TornadisClient *client)
{
  g_autofree char *password = NULL;

  if (self->user != NULL)
    g_object_set (client, "username", self->user, NULL);
  if (self->db >= 0)
    g_object_set (client, "db", self->db, NULL);
  if (self->password != NULL)
    g_object_set (client, "password", self->password, NULL);

  g_object_get (client, "password", &password, NULL);
  if (password == NULL)
    g_object_set (client, "password", get_environment ("TORNADIS_PASSWORD"), NULL);
  if (password == NULL && get_environment ("TORNADIS_PASSWORD") == NULL)
    g_object_set (client, "password", get_environment ("REDISCLI_AUTH"), NULL);
}

/* Sets what options and environment say about a client beside its address. */
static gboolean
options_equip (ToolOptions *self,
               TornadisClient *client,
               GError **error)
{
  options_equip_login (self, client);

  if (self->resp2 || self->resp3)
    g_object_set (client, "protocol", self->resp2 ? TORNADIS_PROTOCOL_RESP2 : TORNADIS_PROTOCOL_RESP3, NULL);
  if (self->timeout > 0)
    g_object_set (client,
                  "connect-timeout", (guint) ceil (self->timeout),
                  "call-timeout-msec", (guint) ceil (self->timeout * 1000),
                  NULL);

  if (!tool_options_equip_tls (self, client, error) || !options_make_plugins (self, error))
    return FALSE;

  for (guint i = 0; i < self->instances->len; i++)
    if (!tornadis_client_add_plugin (client, g_ptr_array_index (self->instances, i), error))
      return FALSE;

  return TRUE;
}

/* Whether no option says which server, so that TORNADIS_URI counts. */
static gboolean
options_lack_server (ToolOptions *self)
{
  return self->uri == NULL && self->host == NULL && self->port == TOOL_NOT_GIVEN && self->socket == NULL;
}

/* With --cluster redis:// is redis-cluster://. */
static char *
make_cluster_uri (ToolOptions *self,
                  const char *uri,
                  GError **error)
{
  gsize length = strcspn (uri, ":");
  g_autofree char *scheme = g_ascii_strdown (uri, (gssize) length);

  if (!self->cluster || g_str_has_suffix (scheme, "-cluster"))
    return g_strdup (uri);
  if (strchr (scheme, '-') == NULL && strstr (scheme, "unix") == NULL)
    return g_strconcat (scheme, "-cluster", uri + length, NULL);

  g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "The URI is none of a node of a cluster");
  return NULL;
}

/* NULL: host and port, or a socket, are given, or nothing is. */
static char *
make_uri (ToolOptions *self,
          GError **error)
{
  const char *uri = self->uri;

  if (options_lack_server (self))
    uri = get_environment ("TORNADIS_URI");
  if (uri != NULL)
    return make_cluster_uri (self, uri, error);

  if (self->cluster)
    {
      const char *host = self->host != NULL ? self->host : DEFAULT_HOST;
      int port = self->port != TOOL_NOT_GIVEN ? self->port : DEFAULT_PORT;

      return g_uri_join (G_URI_FLAGS_NONE, "redis-cluster", NULL, host, port, "", NULL, NULL);
    }

  return NULL;
}

static TornadisClient *
make_bare_client (ToolOptions *self,
                  GType type,
                  GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autofree char *uri = make_uri (self, &problem);

  if (problem != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return NULL;
    }

  if (uri == NULL)
    return g_object_new (type,
                         "host", self->host != NULL ? self->host : DEFAULT_HOST,
                         "port", (guint) (self->port != TOOL_NOT_GIVEN ? self->port : DEFAULT_PORT),
                         "unix-domain-socket", self->socket,
                         NULL);
  if (type == TORNADIS_TYPE_PUB_SUB_CLIENT)
    return (TornadisClient *) tornadis_pub_sub_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, error);

  return tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, error);
}

static TornadisClient *
make_client (ToolOptions *self,
             GType type,
             GError **error)
{
  TornadisClient *client = make_bare_client (self, type, error);

  /* The user may have forgotten that there is one. */
  if (client == NULL && options_lack_server (self) && get_environment ("TORNADIS_URI") != NULL)
    g_prefix_error (error, "TORNADIS_URI: ");

  return client;
}

/* Creates a client of the server that options or the environment name, or prints why not. */
gpointer
tool_options_make_client (ToolOptions *self,
                          GType type)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisClient) client = make_client (self, type, &error);

  if (client != NULL && options_equip (self, client, &error))
    {
      g_clear_pointer (&self->title, g_free);
      g_object_get (client, "title", &self->title, NULL);
      return g_steal_pointer (&client);
    }

  tool_print_error ("%s", error->message);
  return NULL;
}

/* What an error says, with what it has to do with an option (transfer full). */
char *
tool_options_describe_error (ToolOptions *self,
                             const GError *error)
{
  if (self->db > 0 && strstr (error->message, "cluster mode") != NULL)
    return g_strconcat (error->message, "; this cluster has no database but 0: leave out --db", NULL);
  if (tool_error_is_no_cluster (error))
    return g_strdup_printf ("%s: %s; %s", self->title, error->message,
                            self->cluster ? "the server is none of a cluster: leave out -c"
                                          : "the server is none of a cluster: its URI is redis://");

  return g_strdup (error->message);
}

/* Whether the connection is what failed. */
gboolean
tool_error_is_loss (const GError *error)
{
  return error->domain == TORNADIS_ERROR &&
         (error->code == TORNADIS_ERROR_CONNECT || error->code == TORNADIS_ERROR_AUTHENTICATION ||
          error->code == TORNADIS_ERROR_CLOSED || error->code == TORNADIS_ERROR_LOST ||
          error->code == TORNADIS_ERROR_PROTOCOL);
}

/* Whether a server says that it is none of a cluster, which it does not become. */
gboolean
tool_error_is_no_cluster (const GError *error)
{
  return error->domain == TORNADIS_ERROR && strstr (error->message, "cluster support disabled") != NULL;
}
