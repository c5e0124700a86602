/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cluster/cluster-split.h"

#include "cluster/cluster-slot.h"

#define FEW_ARGS 32

static void
part_free (gpointer data)
{
  ClusterPart *self = data;

  tornadis_command_unref (self->command);
  g_array_unref (self->positions);
  g_free (self);
}

static guint
slot_of_argument (GBytes *argument)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (argument, &length);

  return cluster_slot_of (data, length);
}

/* @args (nullable) are all that @command has. */
static guint
slot_of_key (TornadisCommand *command,
             GPtrArray *args,
             guint position)
{
  gsize length;
  const guint8 *key;

  if (args != NULL)
    return slot_of_argument (g_ptr_array_index (args, position));

  key = tornadis_command_get_arg_data (command, position, &length);
  return cluster_slot_of (key, length);
}

gboolean
cluster_split_find_slot (TornadisCommand *command,
                         const GArray *positions,
                         guint *slot)
{
  g_autoptr (GPtrArray) args = NULL;

  if (positions->len == 0)
    return FALSE;

  /* Each of a few is sooner found than all are taken out. */
  if (positions->len > 1 && tornadis_command_get_n_args (command) > FEW_ARGS)
    args = tornadis_command_get_args (command);

  *slot = slot_of_key (command, args, g_array_index (positions, guint, 0));
  for (guint i = 1; i < positions->len; i++)
    {
      if (slot_of_key (command, args, g_array_index (positions, guint, i)) != *slot)
        return FALSE;
    }

  return TRUE;
}

static void
append_args (TornadisCommand *command,
             GPtrArray *args,
             guint begin,
             guint end)
{
  for (guint i = begin; i < end; i++)
    tornadis_command_append_bytes (command, g_ptr_array_index (args, i));
}

static ClusterPart *
part_new (guint slot,
          GPtrArray *args,
          guint n_before)
{
  ClusterPart *self = g_new (ClusterPart, 1);

  self->slot = slot;
  self->positions = g_array_new (FALSE, FALSE, sizeof (guint));
  self->command = tornadis_command_new_bytes ((GBytes **) args->pdata, n_before);

  return self;
}

GPtrArray *
cluster_split (const CommandEntry *entry,
               TornadisCommand *command)
{
  g_autoptr (GPtrArray) args = NULL;
  g_autoptr (GHashTable) by_slot = NULL;
  GPtrArray *parts;
  guint first, last, step;

  /* The last key must have as much behind it as the others have between them. */
  if (!command_entry_get_key_run (entry, tornadis_command_get_n_args (command), &first, &last, &step) ||
      step > tornadis_command_get_n_args (command) - last)
    return NULL;

  args = tornadis_command_get_args (command);
  by_slot = g_hash_table_new (NULL, NULL);
  parts = g_ptr_array_new_with_free_func (part_free);

  for (guint i = first, key = 0; i <= last; i += step, key++)
    {
      guint slot = slot_of_argument (g_ptr_array_index (args, i));
      ClusterPart *part = g_hash_table_lookup (by_slot, GUINT_TO_POINTER (slot));

      if (part == NULL)
        {
          part = part_new (slot, args, first);
          g_hash_table_insert (by_slot, GUINT_TO_POINTER (slot), part);
          g_ptr_array_add (parts, part);
        }
      append_args (part->command, args, i, i + step);
      g_array_append_val (part->positions, key);
    }

  for (guint i = 0; i < parts->len; i++)
    append_args (((ClusterPart *) g_ptr_array_index (parts, i))->command, args, last + step, args->len);

  return parts;
}
