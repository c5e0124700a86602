/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server that hangs accepts connections and says nothing: whoever looks at the terminal is told what is waited for. */

#include "tool.h"

#include <unistd.h>

/* A connection that takes longer is spoken of. */
#define PATIENCE_MSEC 1000

static void
free_weak_ref (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static gboolean
patience_over_cb (gpointer user_data)
{
  g_autoptr (TornadisClient) client = g_weak_ref_get (user_data);
  g_autofree char *title = NULL;
  TornadisClientState state;

  if (client == NULL)
    return G_SOURCE_REMOVE;

  g_object_get (client, "title", &title, "state", &state, NULL);
  if (state == TORNADIS_CLIENT_STATE_CONNECTING)
    tool_print_error ("Connecting to %s…", title);

  return G_SOURCE_REMOVE;
}

/* Says to which server the client connects when that takes its time, if standard error is a terminal. */
void
tool_connecting_watch (TornadisClient *client)
{
  GWeakRef *ref;

  if (!isatty (STDERR_FILENO))
    return;

  ref = g_new0 (GWeakRef, 1);
  g_weak_ref_init (ref, client);
  g_timeout_add_full (G_PRIORITY_DEFAULT, PATIENCE_MSEC, patience_over_cb, ref, free_weak_ref);
}
