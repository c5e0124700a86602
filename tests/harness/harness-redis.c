/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "harness/harness-redis.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_SEC 60
#define COMMAND_SEC 60

/**
 * TornadisHarnessRedis:
 *
 * A private server.
 */
struct _TornadisHarnessRedis
{
  GObject parent_instance;

  char *directory;   /* (owned) */
  char *socket_path; /* (owned) */
  char **extra_args; /* (owned) (nullable) */
  GPid pid;          /* 0: not running */
  guint port;
  guint tls_port; /* 0: none */
};

G_DEFINE_FINAL_TYPE (TornadisHarnessRedis, tornadis_harness_redis, G_TYPE_OBJECT)

static void
tornadis_harness_redis_finalize (GObject *object)
{
  TornadisHarnessRedis *self = TORNADIS_HARNESS_REDIS (object);

  tornadis_harness_redis_kill (self);

  if (self->directory != NULL)
    {
      g_autoptr (GDir) dir = g_dir_open (self->directory, 0, NULL);
      const char *name;

      while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
        {
          g_autofree char *path = g_build_filename (self->directory, name, NULL);

          g_unlink (path);
        }
      g_rmdir (self->directory);
    }

  g_free (self->directory);
  g_free (self->socket_path);
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

static char *
find_server (void)
{
  const char *program = g_getenv ("TORNADIS_TEST_SERVER");
  char *path;

  if (program != NULL)
    return g_strdup (program);

  path = g_find_program_in_path ("redis-server");
  return path != NULL ? path : g_find_program_in_path ("valkey-server");
}

/* Below those that the kernel gives to connections, one of which might take it while a server is started again. */
static guint
find_free_port (void)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);

  for (;;)
    {
      guint16 port = (guint16) g_random_int_range (10000, 32768);
      g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, port);
      g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

      if (g_socket_bind (socket, address, FALSE, NULL))
        return port;
    }
}

/* In the child, between fork and exec: it must not outlive the test. */
static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static gboolean
redis_spawn (TornadisHarnessRedis *self,
             GError **error)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *program = find_server ();
  gint64 deadline = g_get_monotonic_time () + START_SEC * G_TIME_SPAN_SECOND;

  if (program == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no redis-server to test with");
      return FALSE;
    }

  g_ptr_array_add (argv, g_steal_pointer (&program));
  g_ptr_array_add (argv, g_strdup ("--port"));
  g_ptr_array_add (argv, g_strdup_printf ("%u", self->port));
  g_ptr_array_add (argv, g_strdup ("--bind"));
  g_ptr_array_add (argv, g_strdup ("127.0.0.1"));
  g_ptr_array_add (argv, g_strdup ("--unixsocket"));
  g_ptr_array_add (argv, g_strdup (self->socket_path));
  g_ptr_array_add (argv, g_strdup ("--dir"));
  g_ptr_array_add (argv, g_strdup (self->directory));
  g_ptr_array_add (argv, g_strdup ("--save"));
  g_ptr_array_add (argv, g_strdup (""));
  g_ptr_array_add (argv, g_strdup ("--appendonly"));
  g_ptr_array_add (argv, g_strdup ("no"));
  g_ptr_array_add (argv, g_strdup ("--enable-debug-command"));
  g_ptr_array_add (argv, g_strdup ("yes"));
  if (self->tls_port != 0)
    {
      static const char *const files[][2] = {
        { "--tls-cert-file", "server.pem" }, { "--tls-key-file", "server.key" }, { "--tls-ca-cert-file", "ca.pem" },
      };

      g_ptr_array_add (argv, g_strdup ("--tls-port"));
      g_ptr_array_add (argv, g_strdup_printf ("%u", self->tls_port));
      for (guint i = 0; i < G_N_ELEMENTS (files); i++)
        {
          g_ptr_array_add (argv, g_strdup (files[i][0]));
          g_ptr_array_add (argv, tornadis_harness_redis_get_file (self, files[i][1]));
        }
      g_ptr_array_add (argv, g_strdup ("--tls-auth-clients"));
      g_ptr_array_add (argv, g_strdup ("optional"));
    }
  for (guint i = 0; self->extra_args != NULL && self->extra_args[i] != NULL; i++)
    g_ptr_array_add (argv, g_strdup (self->extra_args[i]));
  g_ptr_array_add (argv, NULL);

  if (!g_spawn_async (NULL, (char **) argv->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
                      die_with_parent, NULL, &self->pid, error))
    return FALSE;

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
redis_start (TornadisHarnessRedis *self,
             gboolean tls,
             GError **error)
{
  for (guint attempt = 0;; attempt++)
    {
      self->port = find_free_port ();
      self->tls_port = tls ? find_free_port () : 0;

      /* Somebody else may have taken a port meanwhile. */
      if (redis_spawn (self, attempt < 3 ? NULL : error))
        return TRUE;
      if (attempt == 3)
        return FALSE;
    }
}

static TornadisHarnessRedis *
redis_prepare (const char *const *extra_args,
               GError **error)
{
  g_autoptr (TornadisHarnessRedis) self = g_object_new (TORNADIS_HARNESS_TYPE_REDIS, NULL);

  self->directory = g_dir_make_tmp ("tornadis-XXXXXX", error);
  if (self->directory == NULL)
    return NULL;

  self->socket_path = g_build_filename (self->directory, "redis.sock", NULL);
  self->extra_args = g_strdupv ((char **) extra_args);

  return g_steal_pointer (&self);
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
  g_autoptr (TornadisHarnessRedis) self = redis_prepare (extra_args, error);

  return self != NULL && redis_start (self, FALSE, error) ? g_steal_pointer (&self) : NULL;
}

static gboolean
run_script (TornadisHarnessRedis *self,
            const char *script,
            GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GSubprocess) process = NULL;

  g_subprocess_launcher_set_cwd (launcher, self->directory);
  process = g_subprocess_launcher_spawn (launcher, error, "sh", "-ec", script, NULL);

  return process != NULL && g_subprocess_wait_check (process, NULL, error);
}

/* An authority, and certificates for: this host, another host, a client, one that is over, and this host's to come. */
static const char make_certificates[] =
  "printf '%s\\n' '[v3]' 'subjectAltName=DNS:localhost,IP:127.0.0.1' > here.cnf\n"
  "printf '%s\\n' '[v3]' 'subjectAltName=DNS:elsewhere.test' > elsewhere.cnf\n"
  "printf '%s\\n' '[v3]' 'extendedKeyUsage=clientAuth' > client.cnf\n"
  "openssl ecparam -name prime256v1 -genkey -noout -out ca.key\n"
  "openssl req -x509 -new -key ca.key -subj /CN=tornadis-test-ca -days 30 -out ca.pem\n"
  "openssl ecparam -name prime256v1 -genkey -noout -out other-ca.key\n"
  "openssl req -x509 -new -key other-ca.key -subj /CN=other-ca -days 30 -out other-ca.pem\n"
  "make () {\n"
  "  openssl ecparam -name prime256v1 -genkey -noout -out $1.key\n"
  "  openssl req -new -key $1.key -subj /CN=$1 -out $1.csr\n"
  "  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial $3 -extfile $2.cnf -extensions v3 -out $1.pem\n"
  "}\n"
  "over='-days -1'\n"
  "if openssl x509 -help 2>&1 | grep -q not_after; then\n"
  "  over='-not_before 20200101000000Z -not_after 20200102000000Z'\n"
  "fi\n"
  "make server here '-days 30'\n"
  "make elsewhere elsewhere '-days 30'\n"
  "make expired here \"$over\"\n"
  "make client client '-days 30'\n"
  "cat client.pem client.key > client-both.pem\n"
  "printf '%s\n' '[ca]' 'default_ca=a' '[a]' 'database=index.txt' 'rand_serial=yes' 'new_certs_dir=.' 'default_md=sha256' 'policy=p' '[p]' "
  "  'commonName=supplied' > ca.cnf\n"
  ": > index.txt\n"
  "openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -in server.csr -out early.pem "
  "  -extfile here.cnf -extensions v3 -startdate 20980101000000Z -enddate 20990101000000Z\n";

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
  g_autoptr (TornadisHarnessRedis) self = redis_prepare (extra_args, error);

  if (self == NULL || !run_script (self, make_certificates, error))
    return NULL;

  for (guint i = 0; self->extra_args != NULL && self->extra_args[i] != NULL; i++)
    if (g_str_has_prefix (self->extra_args[i], "FILE:"))
      {
        char *path = tornadis_harness_redis_get_file (self, self->extra_args[i] + strlen ("FILE:"));

        g_free (self->extra_args[i]);
        self->extra_args[i] = path;
      }

  return redis_start (self, TRUE, error) ? g_steal_pointer (&self) : NULL;
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
 * Gets the path of a file in the directory of the server.
 *
 * Returns: (transfer full): a path
 */
char *
tornadis_harness_redis_get_file (TornadisHarnessRedis *self,
                                 const char *name)
{
  return g_build_filename (self->directory, name, NULL);
}

/* Whether @answer holds one whole reply of a kind that this understands: a line or a string. */
static gboolean
is_whole (GString *answer)
{
  const char *end = strstr (answer->str, "\r\n");

  if (end == NULL)
    return FALSE;
  if (answer->str[0] != '$' || answer->str[1] == '-')
    return TRUE;

  return answer->len >= (gsize) (end + 4 - answer->str) + g_ascii_strtoull (answer->str + 1, NULL, 10);
}

/**
 * tornadis_harness_redis_command:
 * @self: a server
 * @line: a command with its arguments
 * @error: return location for an error
 *
 * Sends a command behind the client's back, and waits. The reply must be a line or a string.
 *
 * Returns: (transfer full): the reply as it came, with its type
 */
char *
tornadis_harness_redis_command (TornadisHarnessRedis *self,
                                const char *line,
                                GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (self->socket_path);
  g_autoptr (GSocketConnection) connection = NULL;
  g_autofree char *request = g_strconcat (line, "\r\n", NULL);
  g_autoptr (GString) answer = g_string_new (NULL);

  g_socket_client_set_timeout (client, COMMAND_SEC);
  connection = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, error);
  if (connection == NULL ||
      !g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), request, strlen (request), NULL,
                                  NULL, error))
    return NULL;

  while (!is_whole (answer))
    {
      char buffer[4096];
      gssize n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), buffer, sizeof buffer, NULL,
                                      error);

      if (n == 0)
        g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The server closed the connection");
      if (n <= 0)
        return NULL;
      g_string_append_len (answer, buffer, n);
    }

  return g_string_free (g_steal_pointer (&answer), FALSE);
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
  if (self->pid == 0)
    return;

  kill (self->pid, SIGKILL);
  while (waitpid (self->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  g_spawn_close_pid (self->pid);
  self->pid = 0;
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
  kill (self->pid, SIGCONT);
}

/**
 * tornadis_harness_redis_restart:
 * @self: a server
 * @error: return location for an error
 *
 * Ends the server, if it runs, and starts it again on the same addresses, empty.
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
