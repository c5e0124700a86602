/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unit/session-model.h"

#define N_RUNS 3000
#define N_STEPS 120

static int
roll (gpointer user_data,
      int begin,
      int end)
{
  return g_test_rand_int_range (begin, end);
}

static void
test_model (void)
{
  for (guint run = 0; run < N_RUNS; run++)
    {
      if (g_test_verbose ())
        g_test_message ("run %u", run);
      session_model_run (N_STEPS, roll, NULL);
    }
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/session-model/random", test_model);

  return g_test_run ();
}
