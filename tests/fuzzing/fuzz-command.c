/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "tests/fuzzing/fuzz.h"
#include "tools/tool.h"
#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/wire/tornadis-reader.h"
#include "tornadis-glib/wire/tornadis-session.h"
#include "tornadis-glib/wire/tornadis-writer.h"

/* What is shown stays on its line, and changes nothing on a terminal. */
static void
check_shown (const char *text,
             gsize length,
             gboolean line_is_kept)
{
  g_assert_true (g_utf8_validate_len (text, length, NULL));
  for (gsize i = 0; i < length; i++)
    if (g_ascii_iscntrl (text[i]))
      g_assert_true (!line_is_kept && (text[i] == '\n' || text[i] == '\t'));
}

/* Words are found again in a line that was made of them. */
static void
check_words (GPtrArray *words)
{
  g_autoptr (GPtrArray) again = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GString) line = g_string_new (NULL);
  const char *problem = NULL;

  for (guint i = 0; i < words->len; i++)
    {
      gsize length;
      const char *data = g_bytes_get_data (g_ptr_array_index (words, i), &length);
      g_autoptr (GString) written = g_string_new (NULL);

      tool_line_append (written, data, length);
      check_shown (written->str, written->len, TRUE);
      g_string_replace (written, "\"", "\\\"", 0);
      g_string_append_printf (line, "%s\"%s\"", i > 0 ? " " : "", written->str);

      g_string_truncate (written, 0);
      tool_line_append_shown (written, data, length, FALSE);
      check_shown (written->str, written->len, FALSE);
    }

  g_assert_true (tool_line_split (line->str, line->len, again, &problem));
  g_assert_null (problem);
  g_assert_cmpuint (again->len, ==, words->len);
  for (guint i = 0; i < words->len; i++)
    g_assert_true (g_bytes_equal (g_ptr_array_index (again, i), g_ptr_array_index (words, i)));
}

/* The command has the words for arguments, however they are asked for. */
static void
check_args (TornadisCommand *command,
            GPtrArray *words)
{
  g_autoptr (GPtrArray) args = tornadis_command_get_args (command);
  gsize size = 0;

  g_assert_cmpuint (tornadis_command_get_n_args (command), ==, words->len);
  g_assert_cmpuint (args->len, ==, words->len);
  for (guint i = 0; i < words->len; i++)
    {
      GBytes *word = g_ptr_array_index (words, i);
      g_autoptr (GBytes) arg = tornadis_command_get_arg (command, i);
      gsize length;
      const guint8 *data = tornadis_command_get_arg_data (command, i, &length);

      g_assert_true (g_bytes_equal (arg, word));
      g_assert_true (g_bytes_equal (g_ptr_array_index (args, i), word));
      g_assert_cmpmem (data, length, g_bytes_get_data (word, NULL), g_bytes_get_size (word));
      size += length;
    }
  g_assert_null (tornadis_command_get_arg (command, words->len));
  g_assert_cmpuint (tornadis_command_get_size (command), >=, size);
}

/* All of it as it goes to a server, written in pieces of @step bytes. */
static GByteArray *
write_command (TornadisCommand *command,
               gsize step)
{
  TornadisWriter writer = { 0 };
  GByteArray *out = g_byte_array_new ();

  tornadis_writer_add_command (&writer, command);
  while (tornadis_writer_get_pending (&writer) > 0)
    {
      GOutputVector vectors[4];
      guint n_vectors = tornadis_writer_get_vectors (&writer, vectors, G_N_ELEMENTS (vectors));
      gsize taken = 0;

      g_assert_cmpuint (n_vectors, >, 0);
      for (guint i = 0; i < n_vectors && taken < step; i++)
        {
          gsize piece = MIN (vectors[i].size, step - taken);

          g_byte_array_append (out, vectors[i].buffer, (guint) piece);
          taken += piece;
        }
      tornadis_writer_advance (&writer, taken);
    }
  tornadis_writer_clear (&writer);

  return out;
}

/* A server, which reads as the library does, gets these words. */
static void
check_wire (TornadisCommand *command,
            GPtrArray *words,
            gsize step)
{
  g_autoptr (GBytes) wire = g_byte_array_free_to_bytes (write_command (command, step));
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) array = tornadis_reply_new_from_resp (wire, &error);

  g_assert_no_error (error);
  g_assert_cmpint (tornadis_reply_get_kind (array), ==, TORNADIS_REPLY_KIND_ARRAY);
  g_assert_cmpuint (tornadis_reply_get_n_elements (array), ==, words->len);
  for (guint i = 0; i < words->len; i++)
    {
      TornadisReply *element = tornadis_reply_get_element (array, i);
      g_autoptr (GBytes) bytes = tornadis_reply_get_bytes (element);

      g_assert_cmpint (tornadis_reply_get_kind (element), ==, TORNADIS_REPLY_KIND_STRING);
      g_assert_true (g_bytes_equal (bytes, g_ptr_array_index (words, i)));
    }
}

/* The case of names does not matter to a server, and not to what is known of them. */
static void
check_effect (TornadisCommand *command,
              GPtrArray *words)
{
  g_autoptr (TornadisCommand) other = tornadis_command_new_bytes (NULL, 0);

  for (guint i = 0; i < words->len; i++)
    {
      gsize length;
      const char *data = g_bytes_get_data (g_ptr_array_index (words, i), &length);
      g_autofree char *swapped = g_memdup2 (data, length);

      for (gsize j = 0; j < length; j++)
        if (g_ascii_isalpha (swapped[j]))
          swapped[j] ^= 0x20;
      tornadis_command_append_data (other, length > 0 ? swapped : "", length);
    }

  g_assert_cmpint (tornadis_command_get_effect (command), ==, tornadis_command_get_effect (other));
  g_assert_cmpstr (tornadis_command_get_refusal (command), ==, tornadis_command_get_refusal (other));
  g_assert_cmpint (tornadis_command_is_monitor (command), ==, tornadis_command_is_monitor (other));
  g_assert_cmpstr (tornadis_command_get_name (command), ==, tornadis_command_get_name (other));
  g_assert_cmpint (tornadis_session_command_blocks (command), ==, tornadis_session_command_blocks (other));
  g_assert_cmpint (tornadis_session_get_concern (command, NULL, FALSE), ==, tornadis_session_get_concern (other, NULL, FALSE));
  g_assert_true (tornadis_command_get_effect (command) != TORNADIS_COMMAND_REFUSED ||
                 tornadis_command_get_refusal (command) != NULL);
}

/* In hiredis' language the words make the same command, where they stand between spaces and where they are part of one. */
static void
check_format (GPtrArray *words)
{
  gsize length, other_length;
  const char *data = g_bytes_get_data (g_ptr_array_index (words, 0), &length);
  const char *other = g_bytes_get_data (g_ptr_array_index (words, words->len - 1), &other_length);
  g_autofree char *joined = g_malloc (length + 1 + other_length);
  g_autoptr (GBytes) arg = NULL;
  g_autoptr (TornadisCommand) command = NULL;

  /* It gives up at an empty argument of a kind, which is then none. */
  if (length == 0 || other_length == 0)
    return;

  command = tornadis_command_new_format ("NAME  %b %b:%b 100%%", data, length, data, length, other, other_length);
  memcpy (joined, data, length);
  joined[length] = ':';
  memcpy (joined + length + 1, other, other_length);

  g_assert_cmpuint (tornadis_command_get_n_args (command), ==, 4);
  g_assert_cmpstr (tornadis_command_get_name (command), ==, "NAME");
  arg = tornadis_command_get_arg (command, 1);
  g_assert_cmpmem (g_bytes_get_data (arg, NULL), g_bytes_get_size (arg), data, length);
  g_bytes_unref (arg);
  arg = tornadis_command_get_arg (command, 2);
  g_assert_cmpmem (g_bytes_get_data (arg, NULL), g_bytes_get_size (arg), joined, length + 1 + other_length);
  g_bytes_unref (arg);
  arg = tornadis_command_get_arg (command, 3);
  g_assert_cmpmem (g_bytes_get_data (arg, NULL), g_bytes_get_size (arg), "100%", 4);
}

/* A line of the tool, whose words are a command. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (TornadisCommand) command = NULL;
  g_autoptr (TornadisCommand) appended = NULL;
  g_autofree char *line = g_memdup2 (data, size);
  const char *problem = NULL;

  g_assert_cmpint (tool_line_split (line, size, words, &problem), ==, problem == NULL);
  /* A word takes a byte of the line at least, and the word before it a space. */
  g_assert_cmpuint (words->len, <=, (size + 1) / 2);
  if (words->len == 0)
    return 0;

  check_words (words);
  /* One that is written by reference. */
  if (size % 16 == 0)
    g_ptr_array_add (words, g_bytes_new_take (g_malloc0 (TORNADIS_LARGE_ARG_SIZE), TORNADIS_LARGE_ARG_SIZE));
  command = tornadis_command_new_bytes ((GBytes **) words->pdata, words->len);
  check_args (command, words);
  check_wire (command, words, 1 + data[0]);
  check_effect (command, words);
  check_format (words);

  appended = tornadis_command_new_bytes (NULL, 0);
  for (guint i = 0; i < words->len; i++)
    tornadis_command_append_bytes (appended, g_ptr_array_index (words, i));
  check_args (appended, words);

  return 0;
}
