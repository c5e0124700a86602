/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "common/client-credentials.h"

gboolean
client_credentials_attach (TornadisPlugin *plugin,
                           TornadisClient *client,
                           GError **error)
{
  g_autoptr (TornadisCredentials) present = NULL;

  g_object_get (client, "credentials", &present, NULL);
  /* Those of a pool's template are the plugin already. */
  if (present != NULL && present != TORNADIS_CREDENTIALS (plugin))
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN, "The client has other credentials");
      return FALSE;
    }

  g_object_set (client, "credentials", plugin, NULL);
  return TRUE;
}

void
client_credentials_detach (TornadisPlugin *plugin,
                           TornadisClient *client)
{
  g_autoptr (TornadisCredentials) present = NULL;

  g_object_get (client, "credentials", &present, NULL);
  if (present == TORNADIS_CREDENTIALS (plugin))
    g_object_set (client, "credentials", NULL, NULL);
}
