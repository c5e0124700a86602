/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "common/uri-hosts.h"
#include "tests/fuzzing/fuzz.h"
#include "tornadis-glib/wire/tornadis-endpoint.h"

static void
append_escaped (GString *uri,
                const char *text)
{
  g_autofree char *escaped = g_uri_escape_string (text, NULL, TRUE);

  g_string_append (uri, escaped);
}

/* A URI that says what @endpoint does. */
static char *
make_uri (const TornadisEndpoint *endpoint)
{
  GString *uri = g_string_new (endpoint->unix_path != NULL ? "unix" : endpoint->tls ? "rediss"
                                                                                    : "redis");
  const char *hosts = endpoint->plugin_uri != NULL ? strstr (endpoint->plugin_uri, "://") + 3 : NULL;

  if (endpoint->plugin != NULL)
    g_string_append_printf (uri, "-%s", endpoint->plugin);
  g_string_append (uri, "://");
  if (endpoint->username != NULL)
    append_escaped (uri, endpoint->username);
  if (endpoint->password != NULL)
    {
      g_string_append_c (uri, ':');
      append_escaped (uri, endpoint->password);
    }
  if (endpoint->username != NULL || endpoint->password != NULL)
    g_string_append_c (uri, '@');

  if (endpoint->unix_path != NULL)
    g_string_append_uri_escaped (uri, endpoint->unix_path, "/", TRUE);
  else if (hosts != NULL)
    g_string_append (uri, hosts);
  else if (strchr (endpoint->host, ':') != NULL)
    g_string_append_printf (uri, "[%s]:%u", endpoint->host, endpoint->port);
  else
    {
      append_escaped (uri, endpoint->host);
      g_string_append_printf (uri, ":%u", endpoint->port);
    }

  g_string_append_printf (uri, "?db=%d", endpoint->db);
  for (guint i = 0; i < endpoint->options->len; i++)
    {
      g_string_append_c (uri, i % 2 == 0 ? '&' : '=');
      append_escaped (uri, g_ptr_array_index (endpoint->options, i));
    }

  return g_string_free (uri, FALSE);
}

static void
check_hosts (const TornadisEndpoint *endpoint)
{
  g_autoptr (GPtrArray) hosts = NULL;
  g_auto (GStrv) path = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (strchr (endpoint->plugin_uri, '@'));
  g_assert_null (strchr (endpoint->plugin_uri, '?'));
  fuzz_check_error (uri_hosts_parse (endpoint->plugin_uri, 1234, &hosts, &path, &error), error, TORNADIS_ERROR);
  if (error != NULL)
    {
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      return;
    }

  g_assert_cmpuint (hosts->len, >, 0);
  for (guint i = 0; i < hosts->len; i++)
    {
      GNetworkAddress *host = g_ptr_array_index (hosts, i);

      g_assert_cmpstr (g_network_address_get_hostname (host), !=, "");
      g_assert_cmpuint (g_network_address_get_port (host), >, 0);
      g_assert_true (uri_host_equal (host, host));
    }
  for (guint i = 0; path[i] != NULL; i++)
    g_assert_true (g_utf8_validate (path[i], -1, NULL));
}

static void
check_endpoint (const TornadisEndpoint *endpoint)
{
  g_autofree char *uri = make_uri (endpoint);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisEndpoint) again = NULL;

  /* One place, and one only. */
  g_assert_cmpint ((endpoint->host != NULL) + (endpoint->unix_path != NULL) + (endpoint->plugin != NULL), ==, 1);
  g_assert_cmpint (endpoint->plugin != NULL, ==, endpoint->plugin_uri != NULL);
  g_assert_cmpuint (endpoint->port, >, 0);
  g_assert_cmpint (endpoint->db, >=, 0);
  g_assert_cmpuint (endpoint->options->len % 2, ==, 0);
  for (guint i = 0; i < endpoint->options->len; i++)
    g_assert_true (g_utf8_validate (g_ptr_array_index (endpoint->options, i), -1, NULL));
  if (endpoint->plugin != NULL)
    check_hosts (endpoint);

  /* It can be said again. */
  again = tornadis_endpoint_parse (uri, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (again->host, ==, endpoint->host);
  g_assert_cmpuint (again->port, ==, endpoint->port);
  g_assert_cmpstr (again->unix_path, ==, endpoint->unix_path);
  g_assert_cmpstr (again->plugin, ==, endpoint->plugin);
  g_assert_cmpint (again->tls, ==, endpoint->tls);
  g_assert_cmpstr (again->username, ==, endpoint->username);
  g_assert_cmpstr (again->password, ==, endpoint->password);
  g_assert_cmpint (again->db, ==, endpoint->db);
  g_assert_cmpuint (again->options->len, ==, endpoint->options->len);
  for (guint i = 0; i < again->options->len; i++)
    g_assert_cmpstr (g_ptr_array_index (again->options, i), ==, g_ptr_array_index (endpoint->options, i));
}

/* What is wrong, but nothing of a URI, in which there may be a password. */
static void
check_problem (const char *uri,
               const GError *error)
{
  const char *authority = strstr (uri, "://");

  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
  if (authority != NULL && strlen (authority) > 12)
    g_assert_null (strstr (error->message, authority + 3));
}

/* The bytes are a URI. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  g_autofree char *uri = fuzz_dup_text (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisEndpoint) endpoint = tornadis_endpoint_parse (uri, &error);

  fuzz_check_error (endpoint != NULL, error, TORNADIS_ERROR);
  if (endpoint != NULL)
    check_endpoint (endpoint);
  else
    check_problem (uri, error);

  return 0;
}
