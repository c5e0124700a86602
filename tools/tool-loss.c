/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server that was there and is gone, for those that ask it again and again: it comes back, and is waited for as long as
 * that takes. */

#include "tool.h"

gboolean
tool_loss_is_on (const ToolLoss *self)
{
  return self->reason != NULL;
}

/* Whether the error is one after which it is tried again, which is said. The same is not said again and again. Who waits for a
 * connection longer than a call may take gets a timeout of that. */
gboolean
tool_loss_begin (ToolLoss *self,
                 const GError *error)
{
  if (!tool_error_is_loss (error) &&
      !(tool_loss_is_on (self) && g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_TIMEOUT)))
    return FALSE;

  if (g_strcmp0 (self->reason, error->message) != 0 && tool_error_is_loss (error))
    {
      tool_print_error ("%s; trying again", error->message);
      g_free (self->reason);
      self->reason = g_strdup (error->message);
    }

  return TRUE;
}

/* The server has answered. */
void
tool_loss_end (ToolLoss *self)
{
  if (tool_loss_is_on (self))
    tool_print_error ("connected again");
  tool_loss_clear (self);
}

void
tool_loss_clear (ToolLoss *self)
{
  g_clear_pointer (&self->reason, g_free);
}
