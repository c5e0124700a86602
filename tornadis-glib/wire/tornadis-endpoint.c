/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-endpoint.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT 6379

/* Errors name the part that is wrong and never quote it: a URI has a password in it, and one with an
 * unescaped '/', '?' or '@' in the password has pieces of it in any part. */
static gboolean
endpoint_fail (GError **error,
               const char *problem)
{
  g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "Invalid URI: %s", problem);
  return FALSE;
}

/* The one place where a part is decoded. */
static char *
decode (const char *begin,
        const char *end,
        const char *problem,
        GError **error)
{
  g_autofree char *text = g_uri_unescape_segment (begin, end, NULL);

  if (text == NULL || !g_utf8_validate (text, -1, NULL))
    {
      endpoint_fail (error, problem);
      return NULL;
    }

  return g_steal_pointer (&text);
}

static const char *
find (const char *begin,
      const char *end,
      char c)
{
  return memchr (begin, c, (gsize) (end - begin));
}

/* Digits and nothing else, where g_ascii_string_to_unsigned() would say what it saw. */
static gboolean
parse_number (const char *begin,
              const char *end,
              guint max,
              guint *number)
{
  guint64 value = 0;

  if (begin == end)
    return FALSE;

  for (; begin < end; begin++)
    {
      if (!g_ascii_isdigit (*begin))
        return FALSE;
      value = value * 10 + (guint64) (*begin - '0');
      if (value > max)
        return FALSE;
    }

  *number = (guint) value;
  return TRUE;
}

/* An empty user name or password is none: "redis://:password@host" has no user. */
static gboolean
parse_user_info (TornadisEndpoint *self,
                 const char *begin,
                 const char *end,
                 GError **error)
{
  const char *colon = find (begin, end, ':');
  const char *user_end = colon != NULL ? colon : end;

  if (user_end > begin)
    {
      self->username = decode (begin, user_end, "the user name is not percent-encoded UTF-8", error);
      if (self->username == NULL)
        return FALSE;
    }

  if (colon != NULL && colon + 1 < end)
    {
      self->password = decode (colon + 1, end, "the password is not percent-encoded UTF-8", error);
      if (self->password == NULL)
        return FALSE;
    }

  return TRUE;
}

static gboolean
is_ipv6 (const char *host)
{
  const char *zone = strchr (host, '%');
  g_autofree char *literal = zone != NULL ? g_strndup (host, (gsize) (zone - host)) : g_strdup (host);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (literal);

  return address != NULL && g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6 &&
         (zone == NULL || zone[1] != '\0');
}

static gboolean
parse_port (TornadisEndpoint *self,
            const char *begin,
            const char *end,
            GError **error)
{
  guint port;

  /* "host:" is a host with the default port. */
  if (begin == end)
    return TRUE;

  if (!parse_number (begin, end, G_MAXUINT16, &port) || port == 0)
    return endpoint_fail (error, "the port is not a number from 1 to 65535");

  self->port = (guint16) port;
  return TRUE;
}

static gboolean
parse_host (TornadisEndpoint *self,
            const char *begin,
            const char *end,
            GError **error)
{
  const char *host_end;
  gboolean bracketed = begin < end && *begin == '[';

  if (bracketed)
    {
      begin++;
      host_end = find (begin, end, ']');
      if (host_end == NULL)
        return endpoint_fail (error, "the IPv6 address has no closing bracket");
    }
  else
    {
      host_end = find (begin, end, ':');
      if (host_end == NULL)
        host_end = end;
    }

  self->host = decode (begin, host_end, "the host is not percent-encoded UTF-8", error);
  if (self->host == NULL)
    return FALSE;

  if (bracketed)
    {
      if (!is_ipv6 (self->host))
        return endpoint_fail (error, "the host in brackets is not an IPv6 address");
      host_end++;
    }
  else if (*self->host == '\0')
    {
      g_free (self->host);
      self->host = g_strdup (DEFAULT_HOST);
    }

  if (host_end == end)
    return TRUE;
  if (*host_end != ':')
    return endpoint_fail (error, "the host is followed by something that is no port");
  if (find (host_end + 1, end, ':') != NULL)
    return endpoint_fail (error, "an IPv6 address stands in brackets");

  return parse_port (self, host_end + 1, end, error);
}

/* The user info ends at the last '@', so that an '@' in a password does not become part of the host. */
static gboolean
parse_authority (TornadisEndpoint *self,
                 const char *begin,
                 const char *end,
                 gboolean is_unix,
                 GError **error)
{
  const char *at = g_strrstr_len (begin, end - begin, "@");

  if (at != NULL)
    {
      if (!parse_user_info (self, begin, at, error))
        return FALSE;
      begin = at + 1;
    }

  if (!is_unix)
    return parse_host (self, begin, end, error);
  if (begin < end)
    return endpoint_fail (error, "the path of a unix socket begins with a slash and has no host");

  return TRUE;
}

static gboolean
parse_db (TornadisEndpoint *self,
          const char *text,
          GError **error)
{
  guint db;

  if (!parse_number (text, text + strlen (text), G_MAXINT, &db))
    return endpoint_fail (error, "the database is not a whole number");

  self->db = (int) db;
  return TRUE;
}

static gboolean
parse_path (TornadisEndpoint *self,
            const char *begin,
            const char *end,
            gboolean is_unix,
            gboolean *has_db,
            GError **error)
{
  g_autofree char *path = decode (begin, end, "the path is not percent-encoded UTF-8", error);

  if (path == NULL)
    return FALSE;

  if (is_unix)
    {
      if (path[0] != '/' || path[1] == '\0')
        return endpoint_fail (error, "the path of the unix socket is missing");
      self->unix_path = g_steal_pointer (&path);
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

static gboolean
parse_option (TornadisEndpoint *self,
              const char *begin,
              const char *end,
              GError **error)
{
  const char *equals = find (begin, end, '=');
  const char *name_end = equals != NULL ? equals : end;
  g_autofree char *name = NULL;
  g_autofree char *value = NULL;

  name = decode (begin, name_end, "the name of an option is not percent-encoded UTF-8", error);
  if (name == NULL)
    return FALSE;
  value = decode (equals != NULL ? equals + 1 : end, end,
                  "the value of an option is not percent-encoded UTF-8", error);
  if (value == NULL)
    return FALSE;

  if (*name == '\0')
    return endpoint_fail (error, "an option has no name");
  if (has_option (self, name))
    return endpoint_fail (error, "an option is given twice");

  g_ptr_array_add (self->options, g_steal_pointer (&name));
  g_ptr_array_add (self->options, g_steal_pointer (&value));
  return TRUE;
}

/* An '@' here may be the end of a password with an unescaped '?', pieces of which must not be taken for
 * options: whoever validates those quotes their names. */
static gboolean
parse_query (TornadisEndpoint *self,
             const char *begin,
             const char *end,
             GError **error)
{
  if (find (begin, end, '@') != NULL)
    return endpoint_fail (error, "an @ in an option, and a ? in a password, are percent-encoded");

  while (begin < end)
    {
      const char *next = find (begin, end, '&');

      if (next == NULL)
        next = end;
      if (next > begin && !parse_option (self, begin, next, error))
        return FALSE;
      begin = next < end ? next + 1 : end;
    }

  return TRUE;
}

/* The database may stand in the path and among the options, as long as both say the same. */
static gboolean
take_db_option (TornadisEndpoint *self,
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
is_scheme (const char *uri,
           const char *end,
           const char *scheme)
{
  gsize length = strlen (scheme);

  return (gsize) (end - uri) == length && g_ascii_strncasecmp (uri, scheme, length) == 0;
}

static gboolean
endpoint_parse (TornadisEndpoint *self,
                const char *uri,
                GError **error)
{
  const char *colon = strchr (uri, ':');
  gboolean is_unix, has_db = FALSE;
  const char *authority, *path, *query, *end;

  for (end = uri; *end != '\0'; end++)
    {
      if (g_ascii_isspace (*end) || g_ascii_iscntrl (*end))
        return endpoint_fail (error, "there is a space or a control character in it");
    }

  if (colon == NULL)
    return endpoint_fail (error, "there is no scheme such as redis://");
  is_unix = is_scheme (uri, colon, "unix") || is_scheme (uri, colon, "redis+unix");
  self->tls = is_scheme (uri, colon, "rediss");
  if (!is_unix && !self->tls && !is_scheme (uri, colon, "redis"))
    return endpoint_fail (error, "the scheme is none of redis, rediss, unix and redis+unix");

  if (find (colon, end, '#') != NULL)
    return endpoint_fail (error, "it has a fragment; a # in another part is written %23");

  path = colon + 1;
  if (g_str_has_prefix (path, "//"))
    {
      authority = path + strlen ("//");
      path = authority + strcspn (authority, "/?");
      if (!parse_authority (self, authority, path, is_unix, error))
        return FALSE;
    }
  else if (!is_unix)
    {
      return endpoint_fail (error, "the scheme is not followed by //");
    }

  query = find (path, end, '?');
  if (!parse_path (self, path, query != NULL ? query : end, is_unix, &has_db, error))
    return FALSE;
  if (query == NULL)
    return TRUE;

  return parse_query (self, query + 1, end, error) && take_db_option (self, has_db, error);
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
