/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-network.h"

static GNetworkMonitor *network_monitor; /* (unowned) (nullable) atomic; GIO keeps it */
static int network_asked;                /* atomic */

static gboolean
network_ask_cb (gpointer user_data)
{
  g_main_context_push_thread_default (NULL);
  g_atomic_pointer_set (&network_monitor, g_network_monitor_get_default ());
  g_main_context_pop_thread_default (NULL);

  return G_SOURCE_REMOVE;
}

GNetworkMonitor *
tornadis_network_get_monitor (void)
{
  /* At once in the main thread, else in an idle source of its context. */
  if (g_atomic_pointer_get (&network_monitor) == NULL && g_atomic_int_compare_and_exchange (&network_asked, FALSE, TRUE))
    g_main_context_invoke (NULL, network_ask_cb, NULL);

  return g_atomic_pointer_get (&network_monitor);
}
