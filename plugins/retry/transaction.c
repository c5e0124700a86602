/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "retry/transaction.h"

static guint
transaction_get_current (const Transaction *self)
{
  return self->in_multi || self->watching ? self->serial : 0;
}

static guint
transaction_follow_name (Transaction *self,
                         const char *name)
{
  gboolean is_multi = g_str_equal (name, "MULTI");
  gboolean is_watch = g_str_equal (name, "WATCH");
  guint serial;

  if ((is_multi || is_watch) && transaction_get_current (self) == 0)
    self->serial++;

  self->in_multi |= is_multi;
  self->watching |= is_watch;
  serial = transaction_get_current (self);

  if (g_str_equal (name, "EXEC") || g_str_equal (name, "DISCARD"))
    self->in_multi = self->watching = FALSE;
  else if (g_str_equal (name, "UNWATCH") && !self->in_multi)
    self->watching = FALSE;

  return serial;
}

guint
transaction_follow (Transaction *self,
                    TornadisCall *call)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);
  guint serial = transaction_get_current (self);

  if (pipeline == NULL)
    return transaction_follow_name (self, tornadis_call_get_name (call));

  /* A transaction of its own, or the end of one that watches. */
  if (tornadis_pipeline_get_atomic (pipeline))
    {
      self->in_multi = self->watching = FALSE;
      return serial;
    }

  for (guint i = 0; i < tornadis_pipeline_get_number_of_stacked_calls (pipeline); i++)
    {
      const char *name = tornadis_command_get_name (tornadis_pipeline_get_command (pipeline, i));

      serial = MAX (serial, transaction_follow_name (self, name));
    }

  return serial;
}

void
transaction_forget (Transaction *self,
                    guint serial)
{
  if (serial == self->serial)
    self->in_multi = self->watching = FALSE;
}
