/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-endpoint.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"

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
      g_ptr_array_remove_range (self->options, i, 2);
      break;
    }

  return TRUE;
}

static gboolean
is_scheme (const char *scheme,
           const char *wanted)
{
  return scheme != NULL && g_ascii_strcasecmp (scheme, wanted) == 0;
}

static gboolean
endpoint_parse (TornadisEndpoint *self,
                const char *uri,
                GError **error)
{
  /* Relaxed for the sake of an '@' in a password: the user info ends at the last one. */
  const GUriFlags flags = G_URI_FLAGS_PARSE_RELAXED | G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED_QUERY;
  g_autofree char *scheme = NULL;
  g_autofree char *host = NULL;
  g_autofree char *path = NULL;
  g_autofree char *query = NULL;
  g_autoptr (GError) problem = NULL;
  gboolean is_unix, has_db = FALSE;
  int port;

  if (!check_characters (uri, error))
    return FALSE;
  if (!g_uri_split_with_user (uri, flags, &scheme, &self->username, &self->password, NULL, &host, &port, &path, &query,
                              NULL, &problem))
    return endpoint_fail (error, get_problem (problem->code));

  is_unix = is_scheme (scheme, "unix") || is_scheme (scheme, "redis+unix");
  self->tls = is_scheme (scheme, "rediss");
  if (scheme == NULL)
    return endpoint_fail (error, "there is no scheme such as redis://");
  if (!is_unix && !self->tls && !is_scheme (scheme, "redis"))
    return endpoint_fail (error, "the scheme is none of redis, rediss, unix and redis+unix");
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
  if (!is_unix)
    self->host = g_strdup (*host != '\0' ? host : DEFAULT_HOST);

  return parse_path (self, path, is_unix, &has_db, error) &&
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
  g_free (self->username);
  g_free (self->password);
  g_ptr_array_unref (self->options);
  g_free (self);
}
