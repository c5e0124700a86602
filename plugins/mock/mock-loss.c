/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mock/mock-loss.h"

#include "common/commands.h"

static void
open_follow_command (MockOpen *self,
                     TornadisCommand *command)
{
  if (command_is (command, "MULTI"))
    self->in_multi = TRUE;
  else if (command_is (command, "WATCH"))
    self->watching |= !self->in_multi;
  else if (command_is (command, "UNWATCH"))
    self->watching &= self->in_multi;
  else if (self->in_multi && (command_is (command, "EXEC") || command_is (command, "DISCARD")))
    self->in_multi = self->watching = FALSE;
}

void
mock_open_follow (MockOpen *self,
                  TornadisCall *call)
{
  if (call_is_atomic (call))
    self->in_multi = self->watching = FALSE;
  else
    for (guint i = 0; i < call_get_n_commands (call); i++)
      open_follow_command (self, call_get_command (call, i));
}

void
mock_loss_begin (MockLoss *self,
                 const MockOpen *open)
{
  if (open->in_multi || open->watching)
    *self = (MockLoss){ *open, FALSE };
}

void
mock_loss_end (MockLoss *self)
{
  *self = (MockLoss){ { FALSE, FALSE }, FALSE };
}

gboolean
mock_loss_is_any (const MockLoss *self)
{
  return self->open.in_multi || self->open.watching;
}

/* Whether a call has nothing to do with what was lost: it begins anew, or gives up what was watched. */
static gboolean
loss_is_left_by (const MockLoss *self,
                 TornadisCall *call)
{
  TornadisCommand *first = call_get_command (call, 0);

  if (call_is_atomic (call))
    return FALSE;
  if (command_is (first, "WATCH") || command_is (first, "MULTI"))
    return self->known;

  return command_is (first, "UNWATCH") && (self->known || !self->open.in_multi);
}

gboolean
mock_loss_admits (MockLoss *self,
                  TornadisCall *call)
{
  /* EXEC would have ended it, also where only WATCH was sent. */
  MockOpen open = { TRUE, FALSE };
  MockOpen begun = { FALSE, FALSE };

  if (!mock_loss_is_any (self))
    return TRUE;

  if (loss_is_left_by (self, call))
    {
      mock_loss_end (self);
      return TRUE;
    }

  mock_open_follow (&open, call);
  mock_open_follow (&begun, call);
  if (!open.in_multi)
    mock_loss_end (self);
  /* What it would have begun is lost as well. */
  self->open.watching |= open.watching;
  self->open.in_multi |= open.in_multi && begun.in_multi;

  return FALSE;
}
