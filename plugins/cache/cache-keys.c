/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cache/cache-keys.h"

#include "common/commands.h"

CacheKeys *
cache_keys_new (CommandTable *table)
{
  CacheKeys *self = g_new (CacheKeys, 1);

  self->table = table;
  self->positions = g_array_new (FALSE, FALSE, sizeof (guint));
  self->keys = g_array_new (FALSE, FALSE, sizeof (CacheBytes));
  self->args = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  return self;
}

void
cache_keys_free (CacheKeys *self)
{
  g_array_unref (self->positions);
  g_array_unref (self->keys);
  g_ptr_array_unref (self->args);
  g_free (self);
}

void
cache_keys_clear (CacheKeys *self)
{
  g_array_set_size (self->keys, 0);
  g_ptr_array_set_size (self->args, 0);
}

static gboolean
keys_add (CacheKeys *self,
          TornadisClient *client,
          TornadisCommand *command)
{
  g_autoptr (GPtrArray) args = NULL;

  g_array_set_size (self->positions, 0);
  if (!command_table_find_keys (self->table, client, command, self->positions, NULL))
    return FALSE;
  if (self->positions->len == 0)
    return TRUE;

  /* The usual case; many are taken out at once. */
  if (self->positions->len == 1)
    {
      gsize length;
      const guint8 *data = tornadis_command_get_arg_data (command, g_array_index (self->positions, guint, 0), &length);
      CacheBytes key = cache_bytes (data, length);

      g_array_append_val (self->keys, key);
      return TRUE;
    }

  args = tornadis_command_get_args (command);
  for (guint i = 0; i < self->positions->len; i++)
    {
      GBytes *arg = g_ptr_array_index (args, g_array_index (self->positions, guint, i));
      gsize length;
      gconstpointer data = g_bytes_get_data (arg, &length);
      CacheBytes key = cache_bytes (data, length);

      g_ptr_array_add (self->args, g_bytes_ref (arg));
      g_array_append_val (self->keys, key);
    }

  return TRUE;
}

gboolean
cache_keys_is_script (const char *name)
{
  static const char *const names[] = { "EVALSHA_RO", "EVAL_RO", "FCALL_RO", NULL };

  return g_strv_contains (names, name);
}

/* If a key of the server has this name, more is dropped than necessary. */
CacheBytes
cache_keys_get_any (void)
{
  static const char name[] = "\0any";

  return cache_bytes (name, sizeof name);
}

void
cache_keys_add_any (CacheKeys *self)
{
  CacheBytes any = cache_keys_get_any ();

  g_array_append_val (self->keys, any);
}

/* SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern …] …: the keys of patterns are read, and the server
 * notifies nobody when they change. */
static gboolean
sorts_by_patterns (TornadisCommand *command)
{
  g_autoptr (GPtrArray) args = tornadis_command_get_args (command);

  for (guint i = 2; i + 1 < args->len; i++)
    {
      GBytes *word = g_ptr_array_index (args, i);
      gsize length;
      const char *pattern = g_bytes_get_data (g_ptr_array_index (args, i + 1), &length);

      if (argument_is (word, "LIMIT"))
        i += 2;
      else if (argument_is (word, "BY") || argument_is (word, "GET"))
        {
          if (length > 0 && memchr (pattern, '*', length) != NULL)
            return TRUE;
          i++;
        }
    }

  return FALSE;
}

gboolean
cache_keys_add_read (CacheKeys *self,
                     TornadisClient *client,
                     TornadisCommand *command)
{
  CommandFlags flags;
  guint n = self->keys->len;

  if (command_is (command, "SORT_RO") && sorts_by_patterns (command))
    return FALSE;

  return command_table_lookup (self->table, client, command, &flags) &&
         (flags & (COMMAND_FLAG_READONLY | COMMAND_FLAG_BLOCKING)) == COMMAND_FLAG_READONLY &&
         keys_add (self, client, command) && self->keys->len > n;
}

gboolean
cache_keys_add_written (CacheKeys *self,
                        TornadisClient *client,
                        TornadisCommand *command)
{
  CommandFlags flags;
  guint n = self->keys->len;

  if (!command_table_lookup (self->table, client, command, &flags))
    return FALSE;
  if ((flags & COMMAND_FLAG_READONLY) != 0)
    return TRUE;

  /* FLUSHALL has no key, and changes them all; PING has none and does nothing to them. */
  return keys_add (self, client, command) && (self->keys->len > n || (flags & COMMAND_FLAG_WRITE) == 0);
}

const CacheBytes *
cache_keys_peek (CacheKeys *self)
{
  return &g_array_index (self->keys, CacheBytes, 0);
}
