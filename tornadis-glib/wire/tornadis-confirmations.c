/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/wire/tornadis-confirmations.h"

struct _TornadisConfirmations
{
  const char *verb;  /* (unowned) the name of the command */
  GPtrArray *args;   /* (owned) (element-type GBytes) of the command, whose name is the first */
  guint n_confirmed; /* of the names */
};

TornadisConfirmations *
tornadis_confirmations_new (TornadisCommand *command)
{
  static const char *const verbs[] = { "SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUNSUBSCRIBE" };

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (tornadis_command_get_name (command), verbs[i]))
      {
        TornadisConfirmations *self = g_new (TornadisConfirmations, 1);

        *self = (TornadisConfirmations){ verbs[i], tornadis_command_get_args (command), 0 };
        return self;
      }

  return NULL;
}

void
tornadis_confirmations_free (TornadisConfirmations *self)
{
  g_assert (self->n_confirmed < self->args->len);

  g_ptr_array_unref (self->args);
  g_free (self);
}

gboolean
tornadis_confirmations_take (TornadisConfirmations *self,
                             const char *verb,
                             GBytes *name)
{
  if (tornadis_confirmations_is_complete (self) || g_ascii_strcasecmp (verb, self->verb) != 0 ||
      !g_bytes_equal (name, g_ptr_array_index (self->args, self->n_confirmed + 1)))
    return FALSE;

  self->n_confirmed++;
  return TRUE;
}

gboolean
tornadis_confirmations_is_complete (TornadisConfirmations *self)
{
  return self->n_confirmed + 1 == self->args->len;
}
