/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-backoff.h"

#define N_SAMPLES 2000

/* Full jitter means that every delay from nothing to the ceiling is as likely: each fifth of the range
 * has about a fifth of the samples. Fewer than half of that has a chance below 1e-20. */
static void
assert_spread (guint attempt,
               guint ceiling)
{
  guint fifths[5] = { 0 };

  for (guint i = 0; i < N_SAMPLES; i++)
    {
      TornadisBackoff backoff = { .attempt = attempt };
      guint delay = tornadis_backoff_next (&backoff);

      g_assert_cmpuint (delay, <=, ceiling);
      g_assert_cmpuint (backoff.attempt, ==, attempt + 1);
      fifths[delay * 5 / (ceiling + 1)]++;
    }

  for (guint i = 0; i < G_N_ELEMENTS (fifths); i++)
    g_assert_cmpuint (fifths[i], >, N_SAMPLES / 10);
}

static void
test_ceilings (void)
{
  static const guint ceilings[] = { 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000 };

  for (guint attempt = 0; attempt < G_N_ELEMENTS (ceilings); attempt++)
    assert_spread (attempt, ceilings[attempt]);

  assert_spread (64, TORNADIS_BACKOFF_CAP_MSEC);
  assert_spread (100000, TORNADIS_BACKOFF_CAP_MSEC);
}

static void
test_counts (void)
{
  TornadisBackoff backoff = { 0 };

  for (guint i = 0; i < 20; i++)
    {
      g_assert_cmpuint (backoff.attempt, ==, i);
      tornadis_backoff_next (&backoff);
    }
}

static void
test_never_wraps (void)
{
  TornadisBackoff backoff = { .attempt = G_MAXUINT };

  g_assert_cmpuint (tornadis_backoff_next (&backoff), <=, TORNADIS_BACKOFF_CAP_MSEC);
  g_assert_cmpuint (backoff.attempt, ==, G_MAXUINT);
}

static void
test_reset (void)
{
  TornadisBackoff backoff = { 0 };

  for (guint i = 0; i < 10; i++)
    tornadis_backoff_next (&backoff);
  tornadis_backoff_reset (&backoff);

  g_assert_cmpuint (backoff.attempt, ==, 0);
  g_assert_cmpuint (tornadis_backoff_next (&backoff), <=, TORNADIS_BACKOFF_BASE_MSEC);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/backoff/ceilings", test_ceilings);
  g_test_add_func ("/backoff/counts", test_counts);
  g_test_add_func ("/backoff/never-wraps", test_never_wraps);
  g_test_add_func ("/backoff/reset", test_reset);

  return g_test_run ();
}
