/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "harness/harness-sentinel.h"

#include <string.h>

#include "harness/harness-process.h"
#include "harness/harness-redis-private.h"

/* A master with two replicas, and as many sentinels. */
#define N 3
#define NAME "main"

/**
 * TornadisHarnessSentinel:
 *
 * A private master with two replicas, called main, and three sentinels that watch them: they take a second to notice that a
 * server is down. Servers and sentinels are killed, paused, started again and moved one by one.
 */
struct _TornadisHarnessSentinel
{
  GObject parent_instance;

  char *directory;                    /* (owned) (nullable) of the certificates */
  TornadisHarnessRedis *servers[N];   /* (owned) */
  TornadisHarnessRedis *sentinels[N]; /* (owned) */
};

G_DEFINE_FINAL_TYPE (TornadisHarnessSentinel, tornadis_harness_sentinel, G_TYPE_OBJECT)

static void
tornadis_harness_sentinel_finalize (GObject *object)
{
  TornadisHarnessSentinel *self = TORNADIS_HARNESS_SENTINEL (object);

  for (guint i = 0; i < N; i++)
    {
      g_clear_object (&self->sentinels[i]);
      g_clear_object (&self->servers[i]);
    }
  if (self->directory != NULL)
    harness_remove_directory (self->directory);
  g_free (self->directory);

  G_OBJECT_CLASS (tornadis_harness_sentinel_parent_class)->finalize (object);
}

static void
tornadis_harness_sentinel_class_init (TornadisHarnessSentinelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tornadis_harness_sentinel_finalize;
}

static void
tornadis_harness_sentinel_init (TornadisHarnessSentinel *self)
{
}

/* What servers and sentinels rewrite is in files, so that one that is started again is what it was. */
static gboolean
sentinel_start_server (TornadisHarnessSentinel *self,
                       guint i,
                       const char *const *args,
                       GError **error)
{
  const HarnessRedisKind kind = { .index = i,
                                  .certificates = self->directory,
                                  .password = harness_find_argument (args, "--requirepass") };
  g_autofree char *replicaof = NULL;
  g_autofree char *text = NULL;

  self->servers[i] = harness_redis_prepare (&kind, args, error);
  if (self->servers[i] == NULL)
    return FALSE;

  if (i > 0)
    replicaof = g_strdup_printf ("replicaof 127.0.0.1 %u\n", harness_redis_get_link_port (self->servers[0]));
  text = g_strconcat ("repl-diskless-sync-delay 0\n", replicaof != NULL ? replicaof : "",
                      self->directory != NULL ? "tls-replication yes\n" : "", NULL);

  return harness_redis_configure (self->servers[i], "redis.conf", text, error) &&
         harness_redis_launch (self->servers[i], error);
}

static gboolean
sentinel_start_sentinel (TornadisHarnessSentinel *self,
                         guint i,
                         const char *const *server_args,
                         const char *const *args,
                         GError **error)
{
  const HarnessRedisKind kind = { .sentinel = TRUE,
                                  .index = i,
                                  .certificates = self->directory,
                                  .password = harness_find_argument (args, "--requirepass") };
  const char *password = harness_find_argument (server_args, "--requirepass");
  g_autofree char *auth = password != NULL ? g_strdup_printf ("sentinel auth-pass " NAME " %s\n", password) : NULL;
  g_autofree char *text = NULL;

  self->sentinels[i] = harness_redis_prepare (&kind, args, error);
  if (self->sentinels[i] == NULL)
    return FALSE;

  text = g_strdup_printf ("%s"
                          "sentinel monitor " NAME " 127.0.0.1 %u 2\n"
                          "sentinel down-after-milliseconds " NAME " 1000\n"
                          "sentinel failover-timeout " NAME " 5000\n"
                          "%s",
                          self->directory != NULL ? "tls-replication yes\n" : "",
                          harness_redis_get_link_port (self->servers[0]), auth != NULL ? auth : "");

  return harness_redis_configure (self->sentinels[i], "sentinel.conf", text, error) &&
         harness_redis_launch (self->sentinels[i], error);
}

/**
 * tornadis_harness_sentinel_hurry:
 * @self: the servers and sentinels
 * @hurry: whether they are to, or take their time again
 *
 * Has the sentinels ask servers, and tell each other what they know, many times as often as they do. A master that came back is
 * made a replica after less than a second then, where that takes ten.
 */
void
tornadis_harness_sentinel_hurry (TornadisHarnessSentinel *self,
                                 gboolean hurry)
{
  const char *line = hurry ? "SENTINEL DEBUG INFO-PERIOD 200 PUBLISH-PERIOD 200 ASK-PERIOD 200"
                           : "SENTINEL DEBUG INFO-PERIOD 10000 PUBLISH-PERIOD 2000 ASK-PERIOD 1000";

  for (guint i = 0; i < N; i++)
    {
      /* Those of before Redis 7 cannot: it takes longer. */
      g_autofree char *answer G_GNUC_UNUSED = harness_redis_answers (self->sentinels[i])
                                                ? tornadis_harness_redis_command (self->sentinels[i], line, NULL)
                                                : NULL;
    }
}

static gboolean
sentinel_start (TornadisHarnessSentinel *self,
                const char *const *server_args,
                const char *const *sentinel_args,
                GError **error)
{
  for (guint i = 0; i < N; i++)
    if (!sentinel_start_server (self, i, server_args, error))
      return FALSE;
  for (guint i = 0; i < N; i++)
    if (!harness_redis_await (self->servers[i], error))
      return FALSE;
  for (guint i = 0; i < N; i++)
    if (!sentinel_start_sentinel (self, i, server_args, sentinel_args, error))
      return FALSE;
  for (guint i = 0; i < N; i++)
    if (!harness_redis_await (self->sentinels[i], error))
      return FALSE;

  tornadis_harness_sentinel_hurry (self, TRUE);
  if (!tornadis_harness_sentinel_wait (self, error))
    return FALSE;
  tornadis_harness_sentinel_hurry (self, FALSE);

  return TRUE;
}

/**
 * tornadis_harness_sentinel_new:
 * @server_args: (array zero-terminated=1) (nullable): more arguments of each server
 * @sentinel_args: (array zero-terminated=1) (nullable): more arguments of each sentinel
 * @error: return location for an error
 *
 * Starts all and waits until they know each other.
 *
 * Returns: (transfer full): the servers and sentinels
 */
TornadisHarnessSentinel *
tornadis_harness_sentinel_new (const char *const *server_args,
                               const char *const *sentinel_args,
                               GError **error)
{
  g_autoptr (TornadisHarnessSentinel) self = g_object_new (TORNADIS_HARNESS_TYPE_SENTINEL, NULL);

  return sentinel_start (self, server_args, sentinel_args, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * tornadis_harness_sentinel_new_tls:
 * @server_args: (array zero-terminated=1) (nullable): more arguments of each server
 * @sentinel_args: (array zero-terminated=1) (nullable): more arguments of each sentinel
 * @error: return location for an error
 *
 * The same, where all speak TLS, see tornadis_harness_redis_new_tls().
 *
 * Returns: (transfer full): the servers and sentinels
 */
TornadisHarnessSentinel *
tornadis_harness_sentinel_new_tls (const char *const *server_args,
                                   const char *const *sentinel_args,
                                   GError **error)
{
  g_autoptr (TornadisHarnessSentinel) self = g_object_new (TORNADIS_HARNESS_TYPE_SENTINEL, NULL);

  self->directory = g_dir_make_tmp ("tornadis-XXXXXX", error);

  return self->directory != NULL && harness_make_certificates (self->directory, error) &&
             sentinel_start (self, server_args, sentinel_args, error)
           ? g_steal_pointer (&self)
           : NULL;
}

/**
 * tornadis_harness_sentinel_get_n:
 * @self: the servers and sentinels
 *
 * Returns: how many servers there are, and how many sentinels
 */
guint
tornadis_harness_sentinel_get_n (TornadisHarnessSentinel *self)
{
  return N;
}

/**
 * tornadis_harness_sentinel_get_server:
 * @self: the servers and sentinels
 * @i: which one; 0 is the master at first
 *
 * Returns: (transfer none): a server
 */
TornadisHarnessRedis *
tornadis_harness_sentinel_get_server (TornadisHarnessSentinel *self,
                                      guint i)
{
  return self->servers[i];
}

/**
 * tornadis_harness_sentinel_get_sentinel:
 * @self: the servers and sentinels
 * @i: which one
 *
 * Returns: (transfer none): a sentinel
 */
TornadisHarnessRedis *
tornadis_harness_sentinel_get_sentinel (TornadisHarnessSentinel *self,
                                        guint i)
{
  return self->sentinels[i];
}

/**
 * tornadis_harness_sentinel_get_port:
 * @self: the servers and sentinels
 * @i: which server
 *
 * Returns: the port by which the sentinels know it
 */
guint
tornadis_harness_sentinel_get_port (TornadisHarnessSentinel *self,
                                    guint i)
{
  return harness_redis_get_link_port (self->servers[i]);
}

/**
 * tornadis_harness_sentinel_get_file:
 * @self: the servers and sentinels
 * @name: the name of a file
 *
 * Returns: (transfer full): the path of a file of the certificates
 */
char *
tornadis_harness_sentinel_get_file (TornadisHarnessSentinel *self,
                                    const char *name)
{
  return g_build_filename (self->directory, name, NULL);
}

/**
 * tornadis_harness_sentinel_make_uri:
 * @self: the servers and sentinels
 * @options: (nullable): what follows the name of the master
 *
 * Returns: (transfer full): the URI of all sentinels
 */
char *
tornadis_harness_sentinel_make_uri (TornadisHarnessSentinel *self,
                                    const char *options)
{
  g_autoptr (GString) uri = g_string_new (self->directory != NULL ? "rediss-sentinel://" : "redis-sentinel://");

  for (guint i = 0; i < N; i++)
    g_string_append_printf (uri, "%s127.0.0.1:%u", i > 0 ? "," : "", harness_redis_get_link_port (self->sentinels[i]));
  g_string_append_printf (uri, "/" NAME "%s", options != NULL ? options : "");

  return g_string_free (g_steal_pointer (&uri), FALSE);
}

/* The number of the server that a sentinel names, or -1. */
static int
sentinel_ask (TornadisHarnessSentinel *self,
              guint sentinel)
{
  g_autofree char *answer =
    tornadis_harness_redis_command (self->sentinels[sentinel], "SENTINEL GET-MASTER-ADDR-BY-NAME " NAME, NULL);

  for (guint i = 0; answer != NULL && i < N; i++)
    {
      g_autofree char *port = g_strdup_printf ("\r\n%u\r\n", harness_redis_get_link_port (self->servers[i]));

      if (strstr (answer, port) != NULL)
        return (int) i;
    }

  return -1;
}

/**
 * tornadis_harness_sentinel_find_master:
 * @self: the servers and sentinels
 *
 * Asks all sentinels that can answer.
 *
 * Returns: the server that they agree on, or -1
 */
int
tornadis_harness_sentinel_find_master (TornadisHarnessSentinel *self)
{
  int master = -1;

  for (guint i = 0; i < N; i++)
    {
      int named = harness_redis_answers (self->sentinels[i]) ? sentinel_ask (self, i) : -2;

      if (named == -1 || (named >= 0 && master >= 0 && named != master))
        return -1;
      if (named >= 0)
        master = named;
    }

  return master;
}

static guint
count_answering (TornadisHarnessRedis **servers)
{
  guint n = 0;

  for (guint i = 0; i < N; i++)
    n += harness_redis_answers (servers[i]) ? 1 : 0;

  return n;
}

static guint
count_in (const char *text,
          const char *part)
{
  guint n = 0;

  for (; text != NULL && (text = strstr (text, part)) != NULL; text += strlen (part))
    n++;

  return n;
}

/**
 * tornadis_harness_sentinel_is_ok:
 * @self: the servers and sentinels
 *
 * Tells whether all that can answer know each other, agree on a master that is one, and all others replicate it.
 *
 * Returns: whether that is so
 */
gboolean
tornadis_harness_sentinel_is_ok (TornadisHarnessSentinel *self)
{
  int master = tornadis_harness_sentinel_find_master (self);
  guint n_replicas = count_answering (self->servers) - 1;
  guint n_others = count_answering (self->sentinels) - 1;
  g_autofree char *info = NULL;

  if (master < 0 || !harness_redis_answers (self->servers[master]))
    return FALSE;

  info = tornadis_harness_redis_command (self->servers[master], "INFO replication", NULL);
  /* One that is called online, and has not acknowledged anything yet, is not sent what is written: that takes up to a second. */
  if (info == NULL || strstr (info, "role:master") == NULL || count_in (info, "state=online") != n_replicas ||
      strstr (info, ",offset=0,") != NULL)
    return FALSE;

  for (guint i = 0; i < N; i++)
    {
      g_autofree char *replicas = NULL;
      g_autofree char *others = NULL;

      if (!harness_redis_answers (self->sentinels[i]))
        continue;
      replicas = tornadis_harness_redis_command (self->sentinels[i], "SENTINEL REPLICAS " NAME, NULL);
      others = tornadis_harness_redis_command (self->sentinels[i], "SENTINEL SENTINELS " NAME, NULL);
      /* Of one that is down it keeps what was. */
      if (count_in (replicas, "flags\r\n$5\r\nslave\r\n") != n_replicas ||
          count_in (replicas, "master-link-status\r\n$2\r\nok\r\n") < n_replicas ||
          count_in (others, "flags\r\n$8\r\nsentinel\r\n") != n_others)
        return FALSE;
    }

  return TRUE;
}

static gboolean
ok_cb (gpointer data)
{
  return tornadis_harness_sentinel_is_ok (data);
}

/**
 * tornadis_harness_sentinel_wait:
 * @self: the servers and sentinels
 * @error: return location for an error
 *
 * Waits until tornadis_harness_sentinel_is_ok(), without the main loop.
 *
 * Returns: whether that came to be
 */
gboolean
tornadis_harness_sentinel_wait (TornadisHarnessSentinel *self,
                                GError **error)
{
  return harness_wait (ok_cb, self, "the sentinels agree", error);
}

static gboolean
failover_cb (gpointer data)
{
  TornadisHarnessSentinel *self = data;

  for (guint i = 0; i < N; i++)
    {
      g_autofree char *answer = NULL;

      if (!harness_redis_answers (self->sentinels[i]))
        continue;
      answer = tornadis_harness_redis_command (self->sentinels[i], "SENTINEL FAILOVER " NAME, NULL);
      return answer != NULL && g_str_has_prefix (answer, "+OK");
    }

  return FALSE;
}

/**
 * tornadis_harness_sentinel_failover:
 * @self: the servers and sentinels
 * @error: return location for an error
 *
 * Has a sentinel make another server the master, and does not wait until it is. Waits while one is not ready for that.
 *
 * Returns: whether it has begun
 */
gboolean
tornadis_harness_sentinel_failover (TornadisHarnessSentinel *self,
                                    GError **error)
{
  return harness_wait (failover_cb, self, "a sentinel begins a failover", error);
}
