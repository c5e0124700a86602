/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints the user IDs that it runs with and the names of the plugins, for the test of setuid programs. */

#include <tornadis-glib/tornadis-glib.h>

#include <unistd.h>

int
main (void)
{
  g_auto (GStrv) names = tornadis_plugin_list_names ();
  g_autofree char *text = g_strjoinv (" ", names);

  g_print ("%u %u %s\n", (guint) getuid (), (guint) geteuid (), text);
  return 0;
}
