/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Built together with the command and with the sanitizer that reports data races. GLib is built without: what threads
 * hand to each other goes through pthreads, which the sanitizer sees. */

#include <pthread.h>

#include "tornadis-glib/values/tornadis-command-private.h"

#define N_COMMANDS 200

typedef struct
{
  TornadisCommand *commands[N_COMMANDS];
  pthread_barrier_t barrier;
} Shared;

static void *
use_commands (void *user_data)
{
  Shared *shared = user_data;
  gboolean is_watch[N_COMMANDS];

  /* From here on nothing orders what the two do. */
  pthread_barrier_wait (&shared->barrier);

  /* As a client does with what is submitted. In a loop of its own: the sanitizer soon forgets who touched a byte. */
  for (guint i = 0; i < N_COMMANDS; i++)
    {
      tornadis_command_seal (shared->commands[i]);
      is_watch[i] = tornadis_command_get_effect (shared->commands[i]) == TORNADIS_COMMAND_WATCH;
    }

  for (guint i = 0; i < N_COMMANDS; i++)
    {
      TornadisCommand *command = shared->commands[i];
      g_autoptr (GBytes) key = NULL;

      g_assert_true (tornadis_command_is_sealed (command));
      g_assert_cmpint (is_watch[i], ==, i % 2);
      g_assert_null (tornadis_command_get_refusal (command));
      g_assert_cmpuint (tornadis_command_get_n_args (command), ==, 2);
      g_assert_cmpstr (tornadis_command_get_name (command), ==, i % 2 == 0 ? "GET" : "WATCH");
      g_assert_cmpuint (tornadis_command_get_size (command), >, 0);
      key = tornadis_command_get_arg (command, 1);
      g_assert_cmpmem (g_bytes_get_data (key, NULL), g_bytes_get_size (key), "k", 1);
    }

  return NULL;
}

static void
test_shared (void)
{
  Shared shared;
  pthread_t thread;

  g_test_summary ("Two threads may use a command that nobody has sealed yet");

  pthread_barrier_init (&shared.barrier, NULL, 2);
  for (guint i = 0; i < N_COMMANDS; i++)
    {
      shared.commands[i] = tornadis_command_new (i % 2 == 0 ? "GET" : "WATCH");
      tornadis_command_append_string (shared.commands[i], "k");
    }

  g_assert_cmpint (pthread_create (&thread, NULL, use_commands, &shared), ==, 0);
  use_commands (&shared);
  g_assert_cmpint (pthread_join (thread, NULL), ==, 0);

  pthread_barrier_destroy (&shared.barrier);
  for (guint i = 0; i < N_COMMANDS; i++)
    tornadis_command_unref (shared.commands[i]);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-threads/fault-18-shared", test_shared);

  return g_test_run ();
}
