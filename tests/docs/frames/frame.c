/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a C block that is less than a program runs in. It goes on until as many lines are printed as are expected, and
 * a little longer, so that one too many is seen. */

#include <gmodule.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tornadis-glib/tornadis-glib.h>

static TornadisClient *client;
static TornadisClient *other;
static TornadisPubSubClient *pubsub;
static TornadisClientPool *pool;
static GMainLoop *loop;
static guint seen;

static void
frame_print (const char *text)
{
  const char *mark = g_getenv ("DOCS_MARK");

  for (const char *found = strstr (text, mark); found != NULL; found = strstr (found + strlen (mark), mark))
    seen++;
  fputs (text, stdout);
  fflush (stdout);
}

static void
frame_turn (gint64 msec,
            guint enough)
{
  gint64 deadline = g_get_monotonic_time () + msec * 1000;

  while (g_get_monotonic_time () < deadline && (enough == 0 || seen < enough))
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
}

/* DEFINITIONS */

/* What the block declares lives until the end of the wait. */
static void
frame_block (void)
{
  guint enough = (guint) atoi (g_getenv ("DOCS_LINES"));

  /* BLOCK */
  if (enough > 0)
    frame_turn (5000, enough);
  frame_turn (50, 0);
}

int
main (void)
{
  const char *path = g_getenv ("DOCS_SOCKET");

  g_set_print_handler (frame_print);
  client = tornadis_client_new_for_unix_socket (path);
  other = tornadis_client_new_for_unix_socket (path);
  pubsub = tornadis_pub_sub_client_new_for_unix_socket (path);
  pool = tornadis_client_pool_new (client);
  loop = g_main_loop_new (NULL, FALSE);
  frame_block ();
  return 0;
}
