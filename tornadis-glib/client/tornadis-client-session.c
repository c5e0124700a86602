/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a TornadisClient says of what the server keeps for its connection. Of calls that were queued the link's session
 * knows; those that a plugin holds are counted here. */

#include "tornadis-glib/client/tornadis-client-login-private.h"
#include "tornadis-glib/client/tornadis-client-private.h"

void
tornadis_client_count_held (TornadisClient *self,
                            TornadisSessionConcern concern,
                            int n)
{
  TornadisClientPrivate *priv = tornadis_client_get_private (self);

  if ((concern & TORNADIS_SESSION_CONCERN_KEPT) != 0)
    priv->n_held_kept += (guint) n;
  if ((concern & TORNADIS_SESSION_CONCERN_TRANSACTION) != 0)
    priv->n_held_transactions += (guint) n;
}

/**
 * tornadis_client_is_in_transaction:
 * @self: a client
 *
 * Gets whether a command that is called now belongs to a transaction.
 *
 * Returns: the value of [property@Tornadis.Client:in-transaction]
 *
 * Since: 1.0
 */
gboolean
tornadis_client_is_in_transaction (TornadisClient *self)
{
  const TornadisClientPrivate *priv;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (self), FALSE);

  priv = tornadis_client_get_private (self);

  if (priv->n_held_transactions > 0)
    return TRUE;

  return G_UNLIKELY (priv->stand_in != NULL) ? priv->stand_in_transaction : tornadis_link_is_in_transaction (priv->link);
}

/* The properties may have been set for the next connection. */
static gboolean
client_is_as_its_properties (const TornadisClientPrivate *priv)
{
  const TornadisSession *session = tornadis_link_get_session (priv->link);

  return tornadis_link_get_state (priv->link) != TORNADIS_CLIENT_STATE_CONNECTED ||
         (session->db == priv->db && tornadis_client_login_is_of_session (priv, priv->username, session->password));
}

/**
 * tornadis_client_is_session_settled:
 * @self: a client
 *
 * Gets whether it is known what the server keeps for the connection.
 *
 * Returns: the value of [property@Tornadis.Client:session-settled]
 *
 * Since: 1.0
 */
gboolean
tornadis_client_is_session_settled (TornadisClient *self)
{
  const TornadisClientPrivate *priv;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (self), FALSE);

  priv = tornadis_client_get_private (self);

  return priv->n_held_kept == 0 && tornadis_queue_is_settled (tornadis_link_get_queue (priv->link)) &&
         client_is_as_its_properties (priv);
}
