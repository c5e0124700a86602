/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/site.h"

#define N_MASTERS 3

Site *
site_new (SiteType type)
{
  static const char *const durable[] = { "--appendonly", "yes", "--appendfsync", "always", NULL };
  Site *self = g_new0 (Site, 1);
  g_autoptr (GError) error = NULL;

  self->type = type;
  switch (type)
    {
    case SITE_SERVER:
      self->server = tornadis_harness_redis_new (durable, &error);
      break;
    case SITE_TLS:
      self->server = tornadis_harness_redis_new_tls (durable, &error);
      break;
    case SITE_CLUSTER:
      self->cluster = tornadis_harness_cluster_new (N_MASTERS, 0, durable, &error);
      break;
    case SITE_FAILOVER:
      self->cluster = tornadis_harness_cluster_new (N_MASTERS, N_MASTERS, NULL, &error);
      break;
    case SITE_SENTINEL:
      self->sentinel = tornadis_harness_sentinel_new (NULL, NULL, &error);
      break;
    case N_SITES:
    default:
      g_assert_not_reached ();
    }
  if (error != NULL)
    g_error ("The servers do not start: %s", error->message);
  if (type == SITE_TLS)
    {
      g_autofree char *path = tornadis_harness_redis_get_file (self->server, "ca.pem");

      self->database = g_tls_file_database_new (path, &error);
      if (error != NULL)
        g_error ("%s: %s", path, error->message);
    }
  /* What is to happen after a failover happens in less than a second then. */
  if (self->sentinel != NULL)
    tornadis_harness_sentinel_hurry (self->sentinel, TRUE);

  return self;
}

static TornadisClient *
make_client (Site *self,
             GRand *rand,
             const char *const *plugins)
{
  g_autofree char *names = plugins != NULL ? g_strjoinv (",", (char **) plugins) : NULL;
  g_autofree char *options = names != NULL ? g_strconcat ("?plugins=", names, NULL) : NULL;
  g_autofree char *uri = NULL;
  g_autoptr (GError) error = NULL;
  TornadisClient *client;

  if (self->cluster != NULL)
    {
      g_autofree char *hosts = tornadis_harness_cluster_get_hosts (self->cluster, FALSE);

      uri = g_strconcat ("redis-cluster://", hosts, options, NULL);
    }
  else if (self->sentinel != NULL)
    uri = tornadis_harness_sentinel_make_uri (self->sentinel, options);
  else if (self->database != NULL)
    return g_object_new (TORNADIS_TYPE_CLIENT,
                         "host", "localhost", "port", tornadis_harness_redis_get_tls_port (self->server),
                         "tls", TRUE, "tls-database", self->database,
                         NULL);
  else if (g_rand_boolean (rand))
    return tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (self->server));
  else
    return tornadis_client_new ("127.0.0.1", (guint16) tornadis_harness_redis_get_port (self->server));

  client = tornadis_client_new_for_uri_full (uri, TORNADIS_URI_FLAGS_ALLOW_PLUGINS, &error);
  if (error != NULL)
    g_error ("No client of %s: %s", uri, error->message);

  return client;
}

TornadisClient *
site_make_client (Site *self,
                  GRand *rand,
                  const char *const *plugins)
{
  static const guint timeouts[] = { 0, 0, 10, 100 };
  static const guint tls_timeouts[] = { 0, 0, 1000, 5000 };
  TornadisClient *client = make_client (self, rand, plugins);
  guint timeout = (self->database != NULL ? tls_timeouts : timeouts)[g_rand_int_range (rand, 0, G_N_ELEMENTS (timeouts))];

  g_object_set (client,
                "protocol", g_rand_int_range (rand, 0, 3) == 0 ? TORNADIS_PROTOCOL_RESP2 : TORNADIS_PROTOCOL_AUTO,
                "call-timeout-msec", timeout,
                "aggressive-write", g_rand_boolean (rand),
                "busy-poll", g_rand_boolean (rand),
                "read-page-size", g_rand_boolean (rand) ? 1024 : 65536,
                "write-page-size", g_rand_boolean (rand) ? 1024 : 65536,
                "verify-replies", g_rand_boolean (rand) ? 0 : 10,
                NULL);

  return client;
}

guint
site_get_n (Site *self)
{
  return self->cluster != NULL    ? tornadis_harness_cluster_get_n_nodes (self->cluster)
         : self->sentinel != NULL ? tornadis_harness_sentinel_get_n (self->sentinel)
                                  : 1;
}

TornadisHarnessRedis *
site_get_server (Site *self,
                 guint i)
{
  return self->cluster != NULL    ? tornadis_harness_cluster_get_node (self->cluster, i)
         : self->sentinel != NULL ? tornadis_harness_sentinel_get_server (self->sentinel, i)
                                  : self->server;
}

void
site_clean (Site *self)
{
  for (guint i = 0; i < site_get_n (self); i++)
    {
      /* A replica refuses it, and has it from its master. */
      g_autofree char *answer G_GNUC_UNUSED = tornadis_harness_redis_command (site_get_server (self, i), "FLUSHALL", NULL);
    }
}

void
site_free (Site *self)
{
  g_clear_object (&self->server);
  g_clear_object (&self->database);
  g_clear_object (&self->cluster);
  g_clear_object (&self->sentinel);
  g_free (self);
}
