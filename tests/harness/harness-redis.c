/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "harness/harness-redis.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <glib/gstdio.h>

#include "harness/harness-process.h"
#include "harness/harness-redis-private.h"

#define START_SEC 60

/**
 * TornadisHarnessRedis:
 *
 * A private server: one alone, or one of a group.
 */
struct _TornadisHarnessRedis
{
  GObject parent_instance;

  HarnessRedisKind kind; /* its strings are in the next two */
  char *certificates;    /* (owned) (nullable) */
  char *password;        /* (owned) (nullable) */
  char *directory;       /* (owned) */
  char *socket_path;     /* (owned) */
  char *config_path;     /* (owned) (nullable) */
  char **extra_args;     /* (owned) */
  GPid pid;              /* 0: not running */
  gboolean paused;
  guint port;
  guint tls_port; /* 0: none */
  guint bus_port; /* 0: none */
};

G_DEFINE_FINAL_TYPE (TornadisHarnessRedis, tornadis_harness_redis, G_TYPE_OBJECT)

static void
tornadis_harness_redis_finalize (GObject *object)
{
  TornadisHarnessRedis *self = TORNADIS_HARNESS_REDIS (object);

  tornadis_harness_redis_kill (self);
  if (self->directory != NULL)
    harness_remove_directory (self->directory);

  g_free (self->certificates);
  g_free (self->password);
  g_free (self->directory);
  g_free (self->socket_path);
  g_free (self->config_path);
  g_strfreev (self->extra_args);

  G_OBJECT_CLASS (tornadis_harness_redis_parent_class)->finalize (object);
}

static void
tornadis_harness_redis_class_init (TornadisHarnessRedisClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = tornadis_harness_redis_finalize;
}

static void
tornadis_harness_redis_init (TornadisHarnessRedis *self)
{
}

static void
add_arg (GPtrArray *argv,
         const char *name,
         const char *value)
{
  g_ptr_array_add (argv, g_strdup (name));
  g_ptr_array_add (argv, g_strdup (value));
}

static void
add_port (GPtrArray *argv,
          const char *name,
          guint port)
{
  g_ptr_array_add (argv, g_strdup (name));
  g_ptr_array_add (argv, g_strdup_printf ("%u", port));
}

static void
add_tls (TornadisHarnessRedis *self,
         GPtrArray *argv)
{
  static const char *const files[][2] = {
    { "--tls-cert-file", "server.pem" }, { "--tls-key-file", "server.key" }, { "--tls-ca-cert-file", "ca.pem" },
  };

  add_port (argv, "--tls-port", self->tls_port);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = tornadis_harness_redis_get_file (self, files[i][1]);

      add_arg (argv, files[i][0], path);
    }
  add_arg (argv, "--tls-auth-clients", "optional");
}

/* FILE:NAME is the path of a file, {i} the number of the server. */
static char *
expand_arg (TornadisHarnessRedis *self,
            const char *arg)
{
  g_auto (GStrv) parts = NULL;
  g_autofree char *index = g_strdup_printf ("%u", self->kind.index);

  if (g_str_has_prefix (arg, "FILE:"))
    return tornadis_harness_redis_get_file (self, arg + strlen ("FILE:"));

  parts = g_strsplit (arg, "{i}", -1);
  return g_strjoinv (index, parts);
}

gboolean
harness_redis_launch (TornadisHarnessRedis *self,
                      GError **error)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  char *program = harness_find_server (error);

  if (program == NULL)
    return FALSE;

  g_ptr_array_add (argv, program);
  if (self->config_path != NULL)
    g_ptr_array_add (argv, g_strdup (self->config_path));
  if (self->kind.sentinel)
    g_ptr_array_add (argv, g_strdup ("--sentinel"));
  add_port (argv, "--port", self->port);
  add_arg (argv, "--bind", "127.0.0.1");
  add_arg (argv, "--unixsocket", self->socket_path);
  add_arg (argv, "--dir", self->directory);
  if (!self->kind.sentinel)
    {
      add_arg (argv, "--save", "");
      add_arg (argv, "--appendonly", "no");
      add_arg (argv, "--enable-debug-command", "yes");
    }
  if (self->bus_port != 0)
    add_port (argv, "--cluster-port", self->bus_port);
  if (self->tls_port != 0)
    add_tls (self, argv);
  for (guint i = 0; self->extra_args != NULL && self->extra_args[i] != NULL; i++)
    g_ptr_array_add (argv, expand_arg (self, self->extra_args[i]));
  g_ptr_array_add (argv, NULL);

  self->paused = FALSE;

  return harness_spawn ((const char *const *) argv->pdata, &self->pid, error);
}

gboolean
harness_redis_await (TornadisHarnessRedis *self,
                     GError **error)
{
  gint64 deadline = g_get_monotonic_time () + START_SEC * G_TIME_SPAN_SECOND;

  while (g_get_monotonic_time () < deadline)
    {
      g_autofree char *answer = tornadis_harness_redis_command (self, "PING", NULL);

      if (answer != NULL && (g_str_has_prefix (answer, "+PONG") || g_str_has_prefix (answer, "-NOAUTH")))
        return TRUE;
      if (waitpid (self->pid, NULL, WNOHANG) == self->pid)
        {
          self->pid = 0;
          break;
        }
      g_usleep (5000);
    }

  tornadis_harness_redis_kill (self);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The server did not start");
  return FALSE;
}

static gboolean
redis_spawn (TornadisHarnessRedis *self,
             GError **error)
{
  return harness_redis_launch (self, error) && harness_redis_await (self, error);
}

static void
redis_choose_ports (TornadisHarnessRedis *self)
{
  self->port = harness_find_free_port ();
  self->tls_port = self->certificates != NULL ? harness_find_free_port () : 0;
  self->bus_port = self->kind.bus ? harness_find_free_port () : 0;
}

/* On ports of its own: somebody else may have taken one meanwhile. */
static gboolean
redis_start (TornadisHarnessRedis *self,
             GError **error)
{
  for (guint attempt = 0;; attempt++)
    {
      redis_choose_ports (self);

      if (redis_spawn (self, attempt < 3 ? NULL : error))
        return TRUE;
      if (attempt == 3)
        return FALSE;
    }
}

TornadisHarnessRedis *
harness_redis_prepare (const HarnessRedisKind *kind,
                       const char *const *extra_args,
                       GError **error)
{
  g_autoptr (TornadisHarnessRedis) self = g_object_new (TORNADIS_HARNESS_TYPE_REDIS, NULL);

  self->directory = g_dir_make_tmp ("tornadis-XXXXXX", error);
  if (self->directory == NULL)
    return NULL;

  self->kind = *kind;
  self->kind.certificates = self->certificates = g_strdup (kind->certificates);
  self->kind.password = self->password = g_strdup (kind->password);
  self->socket_path = g_build_filename (self->directory, "redis.sock", NULL);
  self->extra_args = g_strdupv ((char **) extra_args);
  redis_choose_ports (self);

  return g_steal_pointer (&self);
}

gboolean
harness_redis_configure (TornadisHarnessRedis *self,
                         const char *name,
                         const char *text,
                         GError **error)
{
  g_free (self->config_path);
  self->config_path = g_build_filename (self->directory, name, NULL);

  return g_file_set_contents (self->config_path, text, -1, error);
}

guint
harness_redis_get_index (TornadisHarnessRedis *self)
{
  return self->kind.index;
}

guint
harness_redis_get_bus_port (TornadisHarnessRedis *self)
{
  return self->bus_port;
}

guint
harness_redis_get_link_port (TornadisHarnessRedis *self)
{
  return self->tls_port != 0 ? self->tls_port : self->port;
}

GPid
harness_redis_get_pid (TornadisHarnessRedis *self)
{
  return self->pid;
}

gboolean
harness_redis_answers (TornadisHarnessRedis *self)
{
  return self->pid != 0 && !self->paused;
}

const char *
harness_find_argument (const char *const *args,
                       const char *name)
{
  const char *value = NULL;

  /* The last one counts. */
  for (guint i = 0; args != NULL && args[i] != NULL; i++)
    if (g_str_equal (args[i], name))
      value = args[i + 1];

  return value;
}

/**
 * tornadis_harness_redis_new:
 * @extra_args: (array zero-terminated=1) (nullable): more arguments of the server
 * @error: return location for an error
 *
 * Starts a server and waits until it answers.
 *
 * Returns: (transfer full): a server
 */
TornadisHarnessRedis *
tornadis_harness_redis_new (const char *const *extra_args,
                            GError **error)
{
  const HarnessRedisKind kind = { 0 };
  g_autoptr (TornadisHarnessRedis) self = harness_redis_prepare (&kind, extra_args, error);

  return self != NULL && redis_start (self, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * tornadis_harness_redis_new_tls:
 * @extra_args: (array zero-terminated=1) (nullable): more arguments of the server
 * @error: return location for an error
 *
 * Starts a server that speaks TLS on another port, with certificates made for it, see
 * tornadis_harness_redis_get_file(): ca.pem, other-ca.pem, server, elsewhere, expired and client (.pem and .key),
 * client-both.pem. In @extra_args `FILE:NAME` stands for the path of such a file.
 *
 * Returns: (transfer full): a server
 */
TornadisHarnessRedis *
tornadis_harness_redis_new_tls (const char *const *extra_args,
                                GError **error)
{
  const HarnessRedisKind kind = { 0 };
  g_autoptr (TornadisHarnessRedis) self = harness_redis_prepare (&kind, extra_args, error);

  if (self == NULL || !harness_make_certificates (self->directory, error))
    return NULL;

  self->kind.certificates = self->certificates = g_strdup (self->directory);

  return redis_start (self, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * tornadis_harness_redis_get_socket_path:
 * @self: a server
 *
 * Gets the path of the unix socket.
 *
 * Returns: (transfer none): a path
 */
const char *
tornadis_harness_redis_get_socket_path (TornadisHarnessRedis *self)
{
  return self->socket_path;
}

/**
 * tornadis_harness_redis_get_directory:
 * @self: a server
 *
 * Gets the directory of the server.
 *
 * Returns: (transfer none): a path
 */
const char *
tornadis_harness_redis_get_directory (TornadisHarnessRedis *self)
{
  return self->directory;
}

/**
 * tornadis_harness_redis_get_port:
 * @self: a server
 *
 * Gets the port on 127.0.0.1.
 *
 * Returns: a port
 */
guint
tornadis_harness_redis_get_port (TornadisHarnessRedis *self)
{
  return self->port;
}

/**
 * tornadis_harness_redis_get_tls_port:
 * @self: a server
 *
 * Gets the port that speaks TLS on 127.0.0.1.
 *
 * Returns: a port, or 0
 */
guint
tornadis_harness_redis_get_tls_port (TornadisHarnessRedis *self)
{
  return self->tls_port;
}

/**
 * tornadis_harness_redis_get_file:
 * @self: a server
 * @name: the name of a file
 *
 * Gets the path of a file in the directory of the server, or of its certificates.
 *
 * Returns: (transfer full): a path
 */
char *
tornadis_harness_redis_get_file (TornadisHarnessRedis *self,
                                 const char *name)
{
  return g_build_filename (self->certificates != NULL ? self->certificates : self->directory, name, NULL);
}

/**
 * tornadis_harness_redis_command:
 * @self: a server
 * @line: a command with its arguments
 * @error: return location for an error
 *
 * Sends a command behind the client's back, and waits. Of several lines the reply to the last is returned; they go over
 * one connection. With a password of a group's, AUTH goes first.
 *
 * Returns: (transfer full): the reply as it came, with its type
 */
char *
tornadis_harness_redis_command (TornadisHarnessRedis *self,
                                const char *line,
                                GError **error)
{
  return harness_command (self->socket_path, self->password, line, error);
}

/**
 * tornadis_harness_redis_is_running:
 * @self: a server
 *
 * Tells whether the server was started and not killed; a paused one was not.
 *
 * Returns: whether it runs
 */
gboolean
tornadis_harness_redis_is_running (TornadisHarnessRedis *self)
{
  return self->pid != 0;
}

/**
 * tornadis_harness_redis_kill:
 * @self: a server
 *
 * Ends the server at once, if it runs.
 */
void
tornadis_harness_redis_kill (TornadisHarnessRedis *self)
{
  harness_kill (&self->pid);
}

/**
 * tornadis_harness_redis_pause:
 * @self: a server
 *
 * Stops the server where it is; its sockets stay.
 */
void
tornadis_harness_redis_pause (TornadisHarnessRedis *self)
{
  if (self->pid == 0)
    return;

  self->paused = TRUE;
  kill (self->pid, SIGSTOP);
}

/**
 * tornadis_harness_redis_resume:
 * @self: a server
 *
 * Lets a paused server go on.
 */
void
tornadis_harness_redis_resume (TornadisHarnessRedis *self)
{
  if (self->pid == 0)
    return;

  self->paused = FALSE;
  kill (self->pid, SIGCONT);
}

/**
 * tornadis_harness_redis_restart:
 * @self: a server
 * @error: return location for an error
 *
 * Ends the server, if it runs, and starts it again on the same addresses, empty. One of a group is who it was, and what
 * the group has made of it.
 *
 * Returns: whether it runs
 */
gboolean
tornadis_harness_redis_restart (TornadisHarnessRedis *self,
                                GError **error)
{
  tornadis_harness_redis_kill (self);
  g_unlink (self->socket_path);

  return redis_spawn (self, error);
}

/**
 * tornadis_harness_redis_move:
 * @self: a server
 * @error: return location for an error
 *
 * Like tornadis_harness_redis_restart(), but on other ports.
 *
 * Returns: whether it runs
 */
gboolean
tornadis_harness_redis_move (TornadisHarnessRedis *self,
                             GError **error)
{
  tornadis_harness_redis_kill (self);
  g_unlink (self->socket_path);

  return redis_start (self, error);
}
