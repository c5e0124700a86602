/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SIGINT and SIGTERM for those that have something to say at the end. */

#include "tool.h"

#include <glib-unix.h>

static GSourceOnceFunc signal_func;
static gpointer signal_data;
static guint sources[2];

static gboolean
signal_cb (gpointer user_data)
{
  tool_signals_unwatch ();
  signal_func (signal_data);

  return G_SOURCE_REMOVE;
}

/* @func is called for the first signal. A second one terminates a program that does not get to its end. */
void
tool_signals_watch (GSourceOnceFunc func,
                    gpointer user_data)
{
  signal_func = func;
  signal_data = user_data;
  sources[0] = g_unix_signal_add (SIGINT, signal_cb, NULL);
  sources[1] = g_unix_signal_add (SIGTERM, signal_cb, NULL);
}

void
tool_signals_unwatch (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_clear_handle_id (&sources[i], g_source_remove);
}
