/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "harness/harness-process.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define COMMAND_SEC 60
/* Nothing takes so long on the slowest machine. */
#define WAIT_SEC 60
#define POLL_USEC 5000

char *
harness_find_server (GError **error)
{
  const char *program = g_getenv ("TORNADIS_TEST_SERVER");
  char *path = g_find_program_in_path (program != NULL ? program : "redis-server");

  if (path == NULL && program == NULL)
    path = g_find_program_in_path ("valkey-server");
  if (path == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no redis-server to test with");

  return path;
}

int
harness_get_server_version (GError **error)
{
  g_autofree char *program = harness_find_server (error);
  g_autofree char *output = NULL;
  const char *argv[] = { program, "--version", NULL };
  const char *version;
  guint major, minor;

  if (program == NULL || !g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, NULL, error))
    return -1;

  version = strstr (output, " v=");
  if (version == NULL || sscanf (version, " v=%u.%u", &major, &minor) != 2)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s has no version: %s", program, output);
      return -1;
    }

  return (int) (major * 100 + minor);
}

/* Below those that the kernel gives to connections, one of which might take it while a server is started again. */
guint
harness_find_free_port (void)
{
  static GHashTable *given; /* (owned) lives as long as the program */
  static GMutex lock;
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);

  g_mutex_lock (&lock);
  if (given == NULL)
    given = g_hash_table_new (NULL, NULL);

  for (;;)
    {
      guint16 port = (guint16) g_random_int_range (10000, 32768);
      g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, port);
      g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

      if (!g_hash_table_contains (given, GUINT_TO_POINTER (port)) && g_socket_bind (socket, address, FALSE, NULL))
        {
          g_hash_table_add (given, GUINT_TO_POINTER (port));
          g_mutex_unlock (&lock);
          return port;
        }
    }
}

/* In the child, between fork and exec: it must not outlive the test. */
static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

typedef struct
{
  const char *const *argv;
  GPid *pid;
  GError **error;
  gboolean done;
  gboolean ok;
} Spawn;

static GMutex spawn_lock;
static GCond spawn_done;

static void
spawn (gpointer data,
       gpointer user_data)
{
  Spawn *self = data;

  g_mutex_lock (&spawn_lock);
  self->ok = g_spawn_async (NULL, (char **) self->argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
                            die_with_parent, NULL, self->pid, self->error);
  self->done = TRUE;
  g_cond_broadcast (&spawn_done);
  g_mutex_unlock (&spawn_lock);
}

/* For the kernel the parent is a thread, and a test may start a server in one that ends before the server should. */
gboolean
harness_spawn (const char *const *argv,
               GPid *pid,
               GError **error)
{
  static GThreadPool *thread; /* (owned) of one, which lives as long as the program */
  Spawn self = { argv, pid, error, FALSE, FALSE };

  g_mutex_lock (&spawn_lock);
  if (thread == NULL)
    thread = g_thread_pool_new (spawn, NULL, 1, TRUE, NULL);
  g_thread_pool_push (thread, &self, NULL);
  while (!self.done)
    g_cond_wait (&spawn_done, &spawn_lock);
  g_mutex_unlock (&spawn_lock);

  return self.ok;
}

void
harness_kill (GPid *pid)
{
  if (*pid == 0)
    return;

  kill (*pid, SIGKILL);
  while (waitpid (*pid, NULL, 0) < 0 && errno == EINTR)
    ;
  g_spawn_close_pid (*pid);
  *pid = 0;
}

void
harness_remove_directory (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        harness_remove_directory (path);
      else
        g_unlink (path);
    }
  g_rmdir (directory);
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

gboolean
harness_make_certificates (const char *directory,
                           GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GSubprocess) process = NULL;

  g_subprocess_launcher_set_cwd (launcher, directory);
  process = g_subprocess_launcher_spawn (launcher, error, "sh", "-ec", make_certificates, NULL);

  return process != NULL && g_subprocess_wait_check (process, NULL, error);
}

char *
harness_make_id (void)
{
  return g_strdup_printf ("%08x%08x%08x%08x%08x", g_random_int (), g_random_int (), g_random_int (), g_random_int (),
                          g_random_int ());
}

/* The end of the reply that begins at @at; %NULL if it has not come as a whole. */
static const char *
skip_reply (const char *at,
            const char *end)
{
  const char *line_end = memmem (at, (gsize) (end - at), "\r\n", 2);
  gint64 number;

  if (line_end == NULL)
    return NULL;

  number = g_ascii_strtoll (at + 1, NULL, 10);
  switch (*at)
    {
    case '$':
    case '=':
    case '!':
      if (number < 0)
        return line_end + 2;
      return end - line_end >= number + 4 ? line_end + number + 4 : NULL;

    case '%':
      number *= 2;
      G_GNUC_FALLTHROUGH;

    case '*':
    case '~':
    case '>':
      at = line_end + 2;
      for (gint64 i = 0; i < number && at != NULL; i++)
        at = skip_reply (at, end);
      return at;

    default:
      return line_end + 2;
    }
}

char *
harness_command (const char *socket_path,
                 const char *password,
                 const char *lines,
                 GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (socket_path);
  g_autoptr (GSocketConnection) connection = NULL;
  g_auto (GStrv) words = g_strsplit (lines, "\n", -1);
  g_autofree char *text = g_strjoinv ("\r\n", words);
  g_autofree char *auth = password != NULL ? g_strdup_printf ("AUTH %s\r\n", password) : NULL;
  g_autofree char *request = g_strconcat (auth != NULL ? auth : "", text, "\r\n", NULL);
  g_autoptr (GString) answer = g_string_new (NULL);
  guint n_left = g_strv_length (words) + (auth != NULL ? 1 : 0);

  g_socket_client_set_timeout (client, COMMAND_SEC);
  connection = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, error);
  if (connection == NULL ||
      !g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), request, strlen (request), NULL,
                                  NULL, error))
    return NULL;

  for (;;)
    {
      char buffer[4096];
      const char *end;
      gssize n;

      while ((end = skip_reply (answer->str, answer->str + answer->len)) != NULL)
        {
          if (--n_left == 0)
            return g_string_free (g_steal_pointer (&answer), FALSE);
          g_string_erase (answer, 0, end - answer->str);
        }

      n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), buffer, sizeof buffer, NULL, error);
      if (n == 0)
        g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The server closed the connection");
      if (n <= 0)
        return NULL;
      g_string_append_len (answer, buffer, n);
    }
}

gboolean
harness_wait (HarnessCondition condition,
              gpointer data,
              const char *what,
              GError **error)
{
  const char *slow = g_getenv ("TORNADIS_TEST_SLOW");
  gint64 patience = WAIT_SEC * G_TIME_SPAN_SECOND * (slow != NULL ? MAX (1, atoi (slow)) : 1);
  gint64 deadline = g_get_monotonic_time () + patience;

  while (!condition (data))
    {
      if (g_get_monotonic_time () > deadline)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "Waited in vain until %s", what);
          return FALSE;
        }
      g_usleep (POLL_USEC);
    }

  return TRUE;
}
