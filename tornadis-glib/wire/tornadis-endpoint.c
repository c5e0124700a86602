/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-endpoint.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-secret.h"

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT 6379

/* Errors name the part that is wrong and never quote it, as those of GLib do: a URI has a password in it, and one with an
 * unescaped '/', '?' or '@' in the password has pieces of it in any part. */
static gboolean
endpoint_fail (GError **error,
               const char *problem)
{
  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Invalid URI: %s", problem);
  return FALSE;
}

static const char *
get_problem (int code)
{
  switch (code)
    {
    case G_URI_ERROR_BAD_USER:
      return "the user name is not percent-encoded UTF-8";
    case G_URI_ERROR_BAD_PASSWORD:
      return "the password is not percent-encoded UTF-8";
    case G_URI_ERROR_BAD_HOST:
      return "the host is not percent-encoded UTF-8, or not an IPv6 address in brackets";
    case G_URI_ERROR_BAD_PORT:
      return "the port is not a number from 1 to 65535; an IPv6 address stands in brackets";
    case G_URI_ERROR_BAD_PATH:
      return "the path is not percent-encoded UTF-8";
    case G_URI_ERROR_BAD_QUERY:
      return "an option is not NAME=VALUE in percent-encoded UTF-8";
    default:
      return "it cannot be taken apart";
    }
}

/* What GLib would mend, or pass over in silence. */
static gboolean
check_characters (const char *uri,
                  GError **error)
{
  for (; *uri != '\0'; uri++)
    {
      if (g_ascii_isspace (*uri) || g_ascii_iscntrl (*uri))
        return endpoint_fail (error, "there is a space or a control character in it");
      if (*uri == '#')
        return endpoint_fail (error, "it has a fragment; a # in another part is written %23");
      if (*uri == '%' && !(g_ascii_isxdigit (uri[1]) && g_ascii_isxdigit (uri[2])))
        return endpoint_fail (error, "a % is not followed by two hexadecimal digits; a % itself is written %25");
    }

  return TRUE;
}

/* Digits and nothing else, where g_ascii_string_to_unsigned() takes a sign. */
static gboolean
parse_db (TornadisEndpoint *self,
          const char *text,
          GError **error)
{
  guint64 db;

  if (!g_ascii_isdigit (*text) || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT, &db, NULL))
    return endpoint_fail (error, "the database is not a whole number");

  self->db = (int) db;
  return TRUE;
}

static gboolean
parse_path (TornadisEndpoint *self,
            const char *path,
            gboolean is_unix,
            gboolean *has_db,
            GError **error)
{
  if (is_unix)
    {
      if (path[0] != '/' || path[1] == '\0')
        return endpoint_fail (error, "the path of the unix socket is missing");
      self->unix_path = g_strdup (path);
      return TRUE;
    }

  *has_db = path[0] != '\0' && path[1] != '\0';
  return !*has_db || parse_db (self, path + 1, error);
}

static gboolean
has_option (TornadisEndpoint *self,
            const char *name)
{
  for (guint i = 0; i < self->options->len; i += 2)
    {
      if (strcmp (g_ptr_array_index (self->options, i), name) == 0)
        return TRUE;
    }

  return FALSE;
}

/* An '@' here may be the end of a password with an unescaped '?', pieces of which must not be taken for
 * options: whoever validates those quotes their names. */
static gboolean
parse_query (TornadisEndpoint *self,
             const char *query,
             GError **error)
{
  g_autoptr (GError) problem = NULL;
  GUriParamsIter iter;
  char *name, *value;

  if (strchr (query, '@') != NULL)
    return endpoint_fail (error, "an @ in an option, and a ? in a password, are percent-encoded");

  g_uri_params_iter_init (&iter, query, -1, "&", G_URI_PARAMS_NONE);
  while (g_uri_params_iter_next (&iter, &name, &value, &problem))
    {
      gboolean is_new = !has_option (self, name);

      g_ptr_array_add (self->options, name);
      g_ptr_array_add (self->options, value);
      if (*name == '\0')
        return endpoint_fail (error, "an option has no name");
      if (!is_new)
        return endpoint_fail (error, "an option is given twice");
    }

  return problem == NULL || endpoint_fail (error, get_problem (G_URI_ERROR_BAD_QUERY));
}

/* The database may stand in the path and among the options, as long as both say the same. */
static gboolean
parse_db_option (TornadisEndpoint *self,
                 gboolean has_db,
                 GError **error)
{
  int db = self->db;

  for (guint i = 0; i < self->options->len; i += 2)
    {
      if (strcmp (g_ptr_array_index (self->options, i), "db") != 0)
        continue;

      if (!parse_db (self, g_ptr_array_index (self->options, i + 1), error))
        return FALSE;
      if (has_db && db != self->db)
        return endpoint_fail (error, "the path and the db option name different databases");
      self->has_db_option = TRUE;
      g_ptr_array_remove_range (self->options, i, 2);
      break;
    }

  return TRUE;
}

static const struct
{
  const char *name;
  gboolean tls;
  gboolean is_unix;
} schemes[] = {
  { "redis", FALSE, FALSE },
  { "rediss", TRUE, FALSE },
  { "valkey", FALSE, FALSE },
  { "valkeys", TRUE, FALSE },
  { "redis+unix", FALSE, TRUE },
  { "valkey+unix", FALSE, TRUE },
  { "unix", FALSE, TRUE },
};

static gboolean
parse_scheme (TornadisEndpoint *self,
              const char *scheme,
              gboolean *is_unix,
              GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    {
      gsize length = strlen (schemes[i].name);

      if (g_ascii_strncasecmp (scheme, schemes[i].name, length) != 0)
        continue;
      if (scheme[length] != '\0' && (scheme[length] != '-' || schemes[i].is_unix))
        continue;

      self->tls = schemes[i].tls;
      *is_unix = schemes[i].is_unix;
      if (scheme[length] == '-')
        self->plugin = g_ascii_strdown (scheme + length + 1, -1);
      return TRUE;
    }

  return endpoint_fail (error, "the scheme is none of redis, rediss, valkey, valkeys, unix, redis+unix and valkey+unix, nor one "
                               "of the first four with a plugin's name, such as redis-sentinel");
}

/* Each is checked as the only one would be. */
static gboolean
check_hosts (const char *hosts,
             GError **error)
{
  g_auto (GStrv) each = g_strsplit (hosts, ",", -1);

  for (guint i = 0; each[i] != NULL; i++)
    {
      g_autofree char *uri = g_strconcat ("redis://", each[i], NULL);
      g_autofree char *host = NULL;
      g_autoptr (GError) problem = NULL;
      int port;

      if (!g_uri_split_network (uri, G_URI_FLAGS_PARSE_RELAXED, NULL, &host, &port, &problem))
        return endpoint_fail (error, get_problem (problem->code));
      if (port == 0)
        return endpoint_fail (error, get_problem (G_URI_ERROR_BAD_PORT));
      if (*host == '\0' && each[1] != NULL)
        return endpoint_fail (error, "a host between commas is empty");
    }

  return TRUE;
}

/* A URI of several hosts is none to GLib: takes them out of @uri (inout), whose scheme was seen. */
static gboolean
take_hosts (TornadisEndpoint *self,
            char **uri,
            GError **error)
{
  const char *authority = strstr (*uri, "://");
  const char *end, *user_end;
  g_autofree char *hosts = NULL;
  g_autofree char *rest = NULL;

  if (authority == NULL)
    return endpoint_fail (error, "the scheme is not followed by //");

  authority += strlen ("://");
  end = authority + strcspn (authority, "/?");
  if (strchr (end, '@') != NULL)
    return endpoint_fail (error, "an @ behind the hosts, and a / or ? in a password, are percent-encoded");

  user_end = g_strrstr_len (authority, end - authority, "@");
  user_end = user_end != NULL ? user_end + 1 : authority;

  hosts = g_strndup (user_end, (gsize) (end - user_end));
  if (!check_hosts (hosts, error))
    return FALSE;

  self->plugin_uri = g_strdup_printf ("%.*s%s%.*s", (int) (authority - *uri), *uri, hosts, (int) strcspn (end, "?"), end);
  rest = g_strdup_printf ("%.*s%s", (int) (user_end - *uri), *uri, end);
  g_free (*uri);
  *uri = g_steal_pointer (&rest);
  return TRUE;
}

static gboolean
endpoint_parse (TornadisEndpoint *self,
                const char *given,
                GError **error)
{
  /* Relaxed for the sake of an '@' in a password: the user info ends at the last one. */
  const GUriFlags flags = G_URI_FLAGS_PARSE_RELAXED | G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED_QUERY;
  g_autofree char *uri = g_strdup (given);
  g_autofree char *scheme = NULL;
  g_autofree char *host = NULL;
  g_autofree char *path = NULL;
  g_autofree char *query = NULL;
  g_autoptr (GError) problem = NULL;
  gboolean is_unix = FALSE, has_db = FALSE;
  int port;

  if (!check_characters (uri, error))
    return FALSE;
  scheme = g_uri_parse_scheme (uri);
  if (scheme == NULL)
    return endpoint_fail (error, "there is no scheme such as redis://");
  if (!parse_scheme (self, scheme, &is_unix, error) || (self->plugin != NULL && !take_hosts (self, &uri, error)))
    return FALSE;
  if (!g_uri_split_with_user (uri, flags, NULL, &self->username, &self->password, NULL, &host, &port, &path, &query,
                              NULL, &problem))
    return endpoint_fail (error, get_problem (problem->code));

  if (!is_unix && host == NULL)
    return endpoint_fail (error, "the scheme is not followed by //");
  if (is_unix && host != NULL && *host != '\0')
    return endpoint_fail (error, "the path of a unix socket begins with a slash and has no host");
  if (port == 0 || (is_unix && port > 0))
    return endpoint_fail (error, get_problem (G_URI_ERROR_BAD_PORT));

  /* "redis://:password@host" has no user; an empty password is one. */
  if (self->username != NULL && *self->username == '\0')
    g_clear_pointer (&self->username, g_free);
  if (port > 0)
    self->port = (guint16) port;
  if (!is_unix && self->plugin == NULL)
    self->host = g_strdup (*host != '\0' ? host : DEFAULT_HOST);

  /* What is in the path of a plugin's URI only that knows. */
  return (self->plugin != NULL || parse_path (self, path, is_unix, &has_db, error)) &&
         (query == NULL || (parse_query (self, query, error) && parse_db_option (self, has_db, error)));
}

TornadisEndpoint *
tornadis_endpoint_parse (const char *uri,
                         GError **error)
{
  g_autoptr (TornadisEndpoint) self = g_new0 (TornadisEndpoint, 1);

  self->port = DEFAULT_PORT;
  self->options = g_ptr_array_new_with_free_func (g_free);

  return endpoint_parse (self, uri, error) ? g_steal_pointer (&self) : NULL;
}

void
tornadis_endpoint_free (TornadisEndpoint *self)
{
  g_free (self->host);
  g_free (self->unix_path);
  g_free (self->plugin);
  g_free (self->plugin_uri);
  g_free (self->username);
  tornadis_secret_free (self->password);
  g_ptr_array_unref (self->options);
  g_free (self);
}
