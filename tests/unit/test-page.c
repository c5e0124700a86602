/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-page.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#define N_PAGES 8
/* malloc maps blocks of this size one by one, and so says how many there are. */
#define LARGE_SIZE (64 * 1024 * 1024)

static gsize
count_large (void)
{
#ifdef __GLIBC__
  return (gsize) mallinfo2 ().hblkhd / LARGE_SIZE;
#else
  return 0;
#endif
}

static void
take_and_give_back (gsize size)
{
  guint8 *pages[N_PAGES];

  for (guint i = 0; i < N_PAGES; i++)
    pages[i] = tornadis_page_new (size);
  for (guint i = 0; i < N_PAGES; i++)
    tornadis_page_spare (pages[i], size);
}

static gpointer
large_thread (gpointer data)
{
  take_and_give_back (LARGE_SIZE);

  return GSIZE_TO_POINTER (count_large ());
}

static void
test_large (void)
{
  gsize before = count_large ();

  g_test_summary ("However many were in use, a thread keeps one large page, and none when it has ended");

  g_assert_cmpuint (GPOINTER_TO_SIZE (g_thread_join (g_thread_new ("large", large_thread, NULL))), <=, before + 1);
  g_assert_cmpuint (count_large (), ==, before);
}

static gpointer
small_thread (gpointer data)
{
  guint8 *pages[N_PAGES];

  take_and_give_back (4096);
  for (guint i = 0; i < N_PAGES; i++)
    {
      pages[i] = tornadis_page_new (4096);
      for (guint j = 0; j < i; j++)
        g_assert_true (pages[i] != pages[j]);
      pages[i][0] = 1;
    }
  for (guint i = 0; i < N_PAGES; i++)
    g_free (pages[i]);

  return NULL;
}

static void
test_several (void)
{
  g_test_summary ("Nobody gets a page that somebody else has");

  g_thread_join (g_thread_new ("small", small_thread, NULL));
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/page/large", test_large);
  g_test_add_func ("/page/several", test_several);

  return g_test_run ();
}
