/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A password that was replaced is nowhere in the memory of the program.
 *
 * The program itself never has one in its clear form for longer than it takes to hand it over, and looks for the letters
 * without having them: every one is kept with its bits turned over. The server knows the hashes alone. */

#include "integration/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH 40
/* What is looked for: the allocator keeps something of its own at the beginning of what is free. */
#define TAIL 16
#define FLIP 0xa5
#define CHUNK (1 << 20)
/* What the sanitizers have reserved is larger. */
#define MAX_REGION (G_GUINT64_CONSTANT (1) << 30)

typedef enum
{
  OLD,
  NEW,
  FREED,
  N_PASSWORDS,
} Which;

static guint8 flipped[N_PASSWORDS][LENGTH];

static void *(*const volatile set_memory) (void *, int, size_t) = memset;

/* Random, so that there is no other copy of it. */
static void
make_passwords (void)
{
  for (guint i = 0; i < N_PASSWORDS; i++)
    for (guint j = 0; j < LENGTH; j++)
      flipped[i][j] = (guint8) ('a' + g_random_int_range (0, 26)) ^ FLIP;
}

static void
reveal (Which which,
        char *text)
{
  for (guint i = 0; i < LENGTH; i++)
    text[i] = (char) (flipped[which][i] ^ FLIP);
  text[LENGTH] = '\0';
}

/* GLib's checksum keeps the last block of what it has seen, until there is another. */
static char *
dup_hash (Which which)
{
  char text[LENGTH + 1];
  GChecksum *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  char *hash;

  reveal (which, text);
  g_checksum_update (checksum, (const guchar *) text, LENGTH);
  set_memory (text, 0, sizeof text);
  hash = g_strdup (g_checksum_get_string (checksum));
  g_checksum_reset (checksum);
  g_checksum_update (checksum, (const guchar *) "another text, which is not hashed before there is more of it", -1);
  g_checksum_free (checksum);
  return hash;
}

static guint
count_in_chunk (const guint8 *chunk,
                gsize length,
                Which which)
{
  const guint8 *tail = flipped[which] + LENGTH - TAIL;
  const guint8 *at = chunk;
  guint n = 0;

  while ((at = memchr (at, tail[0] ^ FLIP, length - (gsize) (at - chunk))) != NULL && at + TAIL <= chunk + length)
    {
      gsize i = 1;

      while (i < TAIL && (at[i] ^ FLIP) == tail[i])
        i++;
      n += i == TAIL;
      at++;
    }

  return n;
}

/* @chunk is of CHUNK bytes, which are not looked at. */
static guint
count_in_region (int memory,
                 guint8 *chunk,
                 guint64 start,
                 guint64 end,
                 Which which)
{
  guint n = 0;

  for (guint64 at = start; at < end; at += CHUNK - TAIL + 1)
    {
      gssize length;

      if (at == (guint64) (gsize) chunk)
        return n;
      length = pread (memory, chunk, MIN (CHUNK, end - at), (off_t) at);
      if (length <= 0)
        return n;
      n += count_in_chunk (chunk, (gsize) length, which);
      if ((guint64) length == end - at)
        break;
    }

  return n;
}

/* The addresses of all memory, a line each. */
static void
read_maps (char *maps)
{
  int file = open ("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  gsize length = 0;
  gssize n;

  g_assert_no_errno (file);
  while ((n = read (file, maps + length, CHUNK - 1 - length)) > 0)
    length += (gsize) n;
  g_assert_cmpint (n, ==, 0);
  g_assert_cmpuint (length, <, CHUNK - 1);
  maps[length] = '\0';
  close (file);
}

/* How often a password is in what this process can write to. Nothing is allocated, which could be where it was freed. */
static guint
count_in_memory (Which which)
{
  guint8 *chunk = mmap (NULL, 2 * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *maps = (char *) chunk + CHUNK;
  int memory = open ("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  guint n = 0;

  g_assert_true (chunk != MAP_FAILED);
  g_assert_no_errno (memory);
  read_maps (maps);
  for (char *line = maps; line != NULL && *line != '\0'; line = strchr (line, '\n'))
    {
      guint64 start, end;

      line += *line == '\n';
      start = g_ascii_strtoull (line, &line, 16);
      end = *line == '-' ? g_ascii_strtoull (line + 1, &line, 16) : start;
      if (end - start > MAX_REGION || !g_str_has_prefix (line, " rw"))
        continue;
      /* The kernel may have put the chunk and another region into one. */
      if (start <= (gsize) chunk && (gsize) chunk < end)
        {
          n += count_in_region (memory, chunk, start, (gsize) chunk, which);
          start = (gsize) chunk + 2 * CHUNK;
        }
      n += count_in_region (memory, chunk, start, end, which);
    }

  close (memory);
  munmap (chunk, 2 * CHUNK);
  return n;
}

/* What is freed as it is would be found; meson.build sees to it that the C library leaves it so. */
static void
test_freed (void)
{
  char *text = g_malloc (LENGTH + 1);

  g_assert_cmpuint (count_in_memory (FREED), ==, 0);
  reveal (FREED, text);
  g_assert_cmpuint (count_in_memory (FREED), ==, 1);
  g_free (text);
  g_assert_cmpuint (count_in_memory (FREED), ==, 1);
}

static void
allow (Fixture *fixture,
       const char *user)
{
  for (Which which = OLD; which <= NEW; which++)
    {
      g_autofree char *hash = dup_hash (which);
      g_autofree char *rule = g_strconcat ("#", hash, NULL);

      assert_call (fixture->client, "OK", "ACL", "SETUSER", user, "on", rule, "~*", "&*", "+@all", NULL);
    }
}

/* g_object_set() would make a copy of its own. */
static void
set_password (TornadisClient *client,
              Which which)
{
  g_auto (GValue) value = G_VALUE_INIT;
  char text[LENGTH + 1];

  reveal (which, text);
  g_value_init (&value, G_TYPE_STRING);
  g_value_set_static_string (&value, text);
  g_object_set_property (G_OBJECT (client), "password", &value);
  set_memory (text, 0, sizeof text);
}

static TornadisClient *
make_user (Fixture *fixture,
           TornadisProtocol protocol)
{
  TornadisClient *client = tornadis_client_new_for_unix_socket (tornadis_harness_redis_get_socket_path (fixture->redis));

  g_object_set (client, "username", "ann", "protocol", protocol, NULL);
  return client;
}

static void
test_property (Fixture *fixture,
               gconstpointer data)
{
  static const TornadisProtocol protocols[] = { TORNADIS_PROTOCOL_RESP3, TORNADIS_PROTOCOL_RESP2 };

  allow (fixture, "ann");
  for (guint i = 0; i < G_N_ELEMENTS (protocols); i++)
    {
      g_autoptr (TornadisClient) client = make_user (fixture, protocols[i]);

      g_assert_cmpuint (count_in_memory (OLD), ==, 0);
      set_password (client, OLD);
      assert_call (client, "\"ann\"", "ACL", "WHOAMI", NULL);
      g_assert_cmpuint (count_in_memory (OLD), >, 0);
      set_password (client, NEW);
      tornadis_client_close (client);
      assert_call (client, "\"ann\"", "ACL", "WHOAMI", NULL);
      g_assert_cmpuint (count_in_memory (OLD), ==, 0);
      g_assert_cmpuint (count_in_memory (NEW), >, 0);
      g_clear_object (&client);
      spin_for (0);
      g_assert_cmpuint (count_in_memory (NEW), ==, 0);
    }
}

/* One that the server refuses is gone with its client. */
static void
test_refused (Fixture *fixture,
              gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_user (fixture, TORNADIS_PROTOCOL_AUTO);
  g_autoptr (GError) error = NULL;

  set_password (client, OLD);
  g_assert_false (connect_and_wait (client, &error));
  g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_AUTHENTICATION);
  g_clear_object (&client);
  spin_for (0);
  g_assert_cmpuint (count_in_memory (OLD), ==, 0);
}

/* AUTH by the program: what the client keeps for the next connection, and what it has sent. */
static void
auth (TornadisClient *client,
      Which which)
{
  char text[LENGTH + 1];

  reveal (which, text);
  assert_call (client, "OK", "AUTH", "ann", text, NULL);
  set_memory (text, 0, sizeof text);
}

static void
test_auth (Fixture *fixture,
           gconstpointer data)
{
  g_autoptr (TornadisClient) client = make_user (fixture, TORNADIS_PROTOCOL_AUTO);

  g_object_set (client, "username", NULL, NULL);
  allow (fixture, "ann");
  auth (client, OLD);
  g_assert_cmpuint (count_in_memory (OLD), >, 0);
  auth (client, NEW);
  g_assert_cmpuint (count_in_memory (OLD), ==, 0);
  g_assert_cmpuint (count_in_memory (NEW), >, 0);
}

/* The plugin has read them into memory of its own. */
static void
write_file (const char *path,
            Which which)
{
  char line[LENGTH + 6] = "ann:";
  int file = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);

  g_assert_no_errno (file);
  reveal (which, line + 4);
  line[LENGTH + 4] = '\n';
  g_assert_cmpint (write (file, line, LENGTH + 5), ==, LENGTH + 5);
  set_memory (line, 0, sizeof line);
  close (file);
}

static void
test_file (Fixture *fixture,
           gconstpointer data)
{
  const char *socket = tornadis_harness_redis_get_socket_path (fixture->redis);
  g_autoptr (TornadisClient) client = tornadis_client_new_for_unix_socket (socket);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (tornadis_harness_redis_get_directory (fixture->redis), "password", NULL);
  g_autofree char *next = g_strconcat (path, "-next", NULL);
  TornadisPlugin *plugin = tornadis_client_add_plugin_by_name (client, "password-file", &error);

  g_assert_no_error (error);
  g_object_set (plugin, "path", path, NULL);
  allow (fixture, "ann");
  write_file (path, OLD);
  assert_call (client, "\"ann\"", "ACL", "WHOAMI", NULL);
  g_assert_cmpuint (count_in_memory (OLD), >, 0);
  write_file (next, NEW);
  g_assert_no_errno (rename (next, path));
  wait_until (count_in_memory (OLD) == 0);
  g_assert_cmpuint (count_in_memory (NEW), >, 0);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  make_passwords ();

  g_test_add_func ("/secret-memory/freed", test_freed);
  g_test_add ("/secret-memory/property", Fixture, NULL, fixture_set_up, test_property, fixture_tear_down);
  g_test_add ("/secret-memory/refused", Fixture, NULL, fixture_set_up, test_refused, fixture_tear_down);
  g_test_add ("/secret-memory/auth", Fixture, NULL, fixture_set_up, test_auth, fixture_tear_down);
  g_test_add ("/secret-memory/file", Fixture, NULL, fixture_set_up, test_file, fixture_tear_down);

  return g_test_run ();
}
