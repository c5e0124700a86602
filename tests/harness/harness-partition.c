/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "harness/harness-partition.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/harness-redis-private.h"

/* Where the address of the sender is in a packet. */
#define SENDER_ADDRESS (SKF_NET_OFF + 12)
#define SOURCE_ADDRESS(index) (0x7f000100u + (index))

static void
add_instruction (GArray *program,
                 guint16 code,
                 guint32 k)
{
  const struct sock_filter instruction = { .code = code, .k = k };

  g_array_append_val (program, instruction);
}

/* A filter of what @server receives, by which side the sender is on, whichever connected. A client is on none. */
static GArray *
make_filter (GPtrArray *servers,
             const gboolean *far,
             gboolean clients,
             guint server)
{
  GArray *program = g_array_new (FALSE, FALSE, sizeof (struct sock_filter));
  /* One of the far side that no client reaches receives only what its own side sends. */
  gboolean listed_pass = clients && far[server];

  add_instruction (program, BPF_LD | BPF_W | BPF_ABS, (guint32) SENDER_ADDRESS);
  for (guint i = 0; i < servers->len; i++)
    if ((!far[i] == !far[server]) == listed_pass)
      add_instruction (program, BPF_JMP | BPF_JEQ | BPF_K, SOURCE_ADDRESS (harness_redis_get_index (servers->pdata[i])));
  add_instruction (program, BPF_LD | BPF_H | BPF_ABS, 0);
  for (guint i = 0; i < servers->len; i++)
    if ((!far[i] == !far[server]) == listed_pass)
      {
        add_instruction (program, BPF_JMP | BPF_JEQ | BPF_K, tornadis_harness_redis_get_port (servers->pdata[i]));
        add_instruction (program, BPF_JMP | BPF_JEQ | BPF_K, tornadis_harness_redis_get_tls_port (servers->pdata[i]));
        add_instruction (program, BPF_JMP | BPF_JEQ | BPF_K, harness_redis_get_bus_port (servers->pdata[i]));
      }
  add_instruction (program, BPF_RET | BPF_K, listed_pass ? 0 : G_MAXUINT32);
  add_instruction (program, BPF_RET | BPF_K, listed_pass ? G_MAXUINT32 : 0);

  /* All jumps go to the last one. */
  for (guint i = 0; i < program->len; i++)
    {
      struct sock_filter *instruction = &g_array_index (program, struct sock_filter, i);

      if (instruction->code == (BPF_JMP | BPF_JEQ | BPF_K))
        instruction->jt = (guint8) (program->len - 1 - i - 1);
    }
  g_assert (program->len <= G_MAXUINT8);

  return program;
}

static gboolean
is_tcp (int fd)
{
  int domain = 0;
  socklen_t length = sizeof domain;

  return getsockopt (fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_INET;
}

/* On all sockets that the server has; what a listening one accepts inherits it. */
static gboolean
set_filter (TornadisHarnessRedis *server,
            GArray *program, /* (nullable) */
            GError **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd", (int) harness_redis_get_pid (server));
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  int process;
  const char *name;
  gboolean ok = TRUE;

  if (dir == NULL)
    return FALSE;

  process = (int) syscall (SYS_pidfd_open, harness_redis_get_pid (server), 0);
  while (ok && (name = g_dir_read_name (dir)) != NULL)
    {
      int fd = (int) syscall (SYS_pidfd_getfd, process, (int) g_ascii_strtoll (name, NULL, 10), 0);

      /* It may have been closed meanwhile. */
      if (fd < 0)
        ok = errno == EBADF && process >= 0;
      else if (is_tcp (fd))
        {
          const struct sock_fprog filter = { program != NULL ? (guint16) program->len : 0,
                                             program != NULL ? (gpointer) program->data : NULL };

          if (program != NULL)
            ok = setsockopt (fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
          else
            ok = setsockopt (fd, SOL_SOCKET, SO_DETACH_FILTER, &process, sizeof process) == 0 || errno == ENOENT;
        }
      if (!ok)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "No hold of the sockets of a server: %s",
                     g_strerror (errno));
      if (fd >= 0)
        close (fd);
    }
  if (process >= 0)
    close (process);

  return ok;
}

gboolean
harness_partition (GPtrArray *servers,
                   const gboolean *far,
                   gboolean clients,
                   GError **error)
{
  gboolean parted = FALSE;

  for (guint i = 0; i < servers->len; i++)
    parted = parted || far[i];

  for (guint i = 0; i < servers->len; i++)
    if (tornadis_harness_redis_is_running (servers->pdata[i]))
      {
        g_autoptr (GArray) program = parted ? make_filter (servers, far, clients, i) : NULL;

        if (!set_filter (servers->pdata[i], program, error))
          return FALSE;
      }

  return TRUE;
}
