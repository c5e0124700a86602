/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "common/command-entry.h"
#include "tests/fuzzing/fuzz.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/wire/tornadis-reader.h"

/* (nullable): it has no name. */
static TornadisCommand *
make_command (TornadisReply *reply)
{
  TornadisCommand *command = tornadis_command_new_bytes (NULL, 0);

  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    {
      gsize length;
      const guint8 *data = tornadis_reply_get_data (tornadis_reply_get_element (reply, i), &length);

      tornadis_command_append_data (command, data != NULL ? (const char *) data : "", length);
    }
  if (tornadis_command_get_n_args (command) > 0)
    return command;

  tornadis_command_unref (command);
  return NULL;
}

/* Positions are those of arguments, in order, each once, and the shortcuts say the same. */
static void
check_keys (const CommandEntry *entry,
            TornadisCommand *command)
{
  g_autoptr (GArray) positions = g_array_new (FALSE, FALSE, sizeof (guint));
  gboolean known = command_entry_find_keys (entry, command, positions);
  gsize n_args = tornadis_command_get_n_args (command);
  guint single = command_entry_get_single_key (entry);
  guint first, last, step;

  for (guint i = 0; i < positions->len; i++)
    {
      guint position = g_array_index (positions, guint, i);

      g_assert_cmpuint (position, >, i > 0 ? g_array_index (positions, guint, i - 1) : 0);
      g_assert_cmpuint (position, <, n_args);
    }
  g_assert_true (known || positions->len == 0);

  if (single > 0 && single < n_args)
    {
      g_assert_true (known);
      g_assert_cmpuint (positions->len, ==, 1);
      g_assert_cmpuint (g_array_index (positions, guint, 0), ==, single);
    }

  if (command_entry_get_key_run (entry, n_args, &first, &last, &step))
    {
      guint n = 0;

      g_assert_true (known);
      g_assert_cmpuint (step, >, 0);
      for (guint position = first; position <= last; position += step)
        {
          g_assert_cmpuint (n, <, positions->len);
          g_assert_cmpuint (g_array_index (positions, guint, n++), ==, position);
        }
      g_assert_cmpuint (n, ==, positions->len);
    }
}

static void
check_command (GHashTable *entries,
               TornadisCommand *command)
{
  const CommandEntry *entry = command_entries_find (entries, command, 0);

  if (entry == NULL)
    return;

  command_entry_get_flags (entry);
  g_assert_cmpuint (command_entry_get_request (entry), <=, COMMAND_REQUEST_SPECIAL);
  g_assert_cmpuint (command_entry_get_response (entry), <=, COMMAND_RESPONSE_SPECIAL);
  check_keys (entry, command);
  entry = command_entry_get_subcommand (entry, command);
  if (entry != NULL)
    check_keys (entry, command);
}

/* The bytes are the reply to COMMAND, and commands as they stand on the wire. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  g_autoptr (TornadisReader) reader = tornadis_reader_new (size, 1024 * 1024);
  g_autoptr (TornadisReply) first = NULL;
  g_autoptr (GHashTable) entries = NULL;
  g_autoptr (GError) error = NULL;
  TornadisReply *reply;
  gsize room;
  guint8 *place = tornadis_reader_reserve (reader, &room);

  memcpy (place, data, size);
  tornadis_reader_commit (reader, size);
  first = tornadis_reader_next (reader, NULL);
  if (first == NULL)
    return 0;

  entries = command_entries_parse (first, &error);
  fuzz_check_error (entries != NULL, error, TORNADIS_ERROR);
  if (entries == NULL)
    return 0;

  g_assert_cmpuint (g_hash_table_size (entries), >, 0);
  while ((reply = tornadis_reader_next (reader, NULL)) != NULL)
    {
      g_autoptr (TornadisCommand) command = make_command (reply);

      if (command != NULL)
        check_command (entries, command);
      tornadis_reply_unref (reply);
    }

  return 0;
}
