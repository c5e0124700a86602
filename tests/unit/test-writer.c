/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "tornadis-glib/values/tornadis-reply-private.h"
#include "tornadis-glib/wire/tornadis-writer.h"

/* Takes up to @n_bytes out of the writer, as a socket would. */
static void
take (TornadisWriter *writer,
      GByteArray *out,
      gsize n_bytes)
{
  GOutputVector vectors[8];
  guint n_vectors = tornadis_writer_get_vectors (writer, vectors, G_N_ELEMENTS (vectors));
  gsize taken = 0;

  for (guint i = 0; i < n_vectors && taken < n_bytes; i++)
    {
      gsize step = MIN (vectors[i].size, n_bytes - taken);

      g_byte_array_append (out, vectors[i].buffer, (guint) step);
      taken += step;
    }

  tornadis_writer_advance (writer, taken);
}

static void
take_all (TornadisWriter *writer,
          GByteArray *out,
          gsize step)
{
  while (tornadis_writer_get_pending (writer) > 0)
    take (writer, out, step);
}

static TornadisCommand *
make_command (const char *name,
              gsize size,
              guint8 fill)
{
  g_autofree guint8 *data = g_malloc (size);
  g_autoptr (GBytes) value = NULL;
  TornadisCommand *command = tornadis_command_new (name);

  memset (data, fill, size);
  value = g_bytes_new (data, size);
  tornadis_command_append_bytes (command, value);
  return command;
}

static void
append_expected (GByteArray *expected,
                 const char *name,
                 gsize size,
                 guint8 fill)
{
  g_autofree char *head = g_strdup_printf ("*2\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen (name), name, size);
  guint old;

  g_byte_array_append (expected, (const guint8 *) head, (guint) strlen (head));
  old = expected->len;
  g_byte_array_set_size (expected, (guint) (old + size));
  memset (expected->data + old, fill, size);
  g_byte_array_append (expected, (const guint8 *) "\r\n", 2);
}

static void
test_small (void)
{
  TornadisWriter writer = { 0 };
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]) { "GET", "key", NULL });

  tornadis_writer_add_command (&writer, command);
  tornadis_writer_add_command (&writer, command);
  take_all (&writer, out, 3);

  g_assert_cmpmem (out->data, out->len, "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", 44);
  tornadis_writer_clear (&writer);
}

static void
test_large (void)
{
  static const gsize steps[] = { 1000, 16383, 16384, 16385, 65536, G_MAXSIZE };

  g_test_summary ("Small and large arguments alternate, and are taken in pieces of every kind of size");

  for (guint s = 0; s < G_N_ELEMENTS (steps); s++)
    {
      TornadisWriter writer = { 0 };
      g_autoptr (GByteArray) out = g_byte_array_new ();
      g_autoptr (GByteArray) expected = g_byte_array_new ();

      for (guint i = 0; i < 20; i++)
        {
          gsize size = i % 3 == 0 ? 10 : TORNADIS_LARGE_ARG_SIZE + i;
          g_autoptr (TornadisCommand) command = make_command ("ECHO", size, (guint8) i);

          tornadis_writer_add_command (&writer, command);
          append_expected (expected, "ECHO", size, (guint8) i);
          if (i % 5 == 0)
            take (&writer, out, steps[s]);
        }

      take_all (&writer, out, steps[s]);
      g_assert_cmpmem (out->data, out->len, expected->data, expected->len);
      g_assert_cmpuint (writer.queued, ==, expected->len);
      tornadis_writer_clear (&writer);
    }
}

static void
test_truncate (void)
{
  TornadisWriter writer = { 0 };
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (GByteArray) expected = g_byte_array_new ();
  guint64 positions[8];

  g_test_summary ("Truncating drops what was appended after a position, large arguments included");

  for (guint i = 0; i < G_N_ELEMENTS (positions); i++)
    {
      gsize size = i % 2 == 0 ? 5 : 2 * TORNADIS_LARGE_ARG_SIZE;
      g_autoptr (TornadisCommand) command = make_command ("ECHO", size, (guint8) i);

      positions[i] = writer.queued;
      tornadis_writer_add_command (&writer, command);
      if (i < 4)
        append_expected (expected, "ECHO", size, (guint8) i);
    }

  take (&writer, out, 100);
  tornadis_writer_truncate (&writer, positions[6]);
  tornadis_writer_truncate (&writer, positions[4]);
  g_assert_cmpuint (writer.queued, ==, positions[4]);
  take_all (&writer, out, 999);

  g_assert_cmpmem (out->data, out->len, expected->data, expected->len);
  tornadis_writer_clear (&writer);
}

static void
test_bounded (void)
{
  TornadisWriter writer = { 0 };
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (TornadisCommand) command = make_command ("ECHO", 100, 'x');

  g_test_summary ("A writer that is never drained must not grow");

  for (guint i = 0; i < 100; i++)
    tornadis_writer_add_command (&writer, command);
  for (guint i = 0; i < 100000; i++)
    {
      tornadis_writer_add_command (&writer, command);
      take (&writer, out, tornadis_command_get_wire_size (command) + 4);
      g_byte_array_set_size (out, 0);
    }

  g_assert_cmpuint (writer.size, <=, 128 * 1024);
  tornadis_writer_clear (&writer);
}

static void
test_many_args (void)
{
  static const gsize steps[] = { 10000, 70000, G_MAXSIZE };

  g_test_summary ("A command of many small arguments is written without a copy, large ones among them, and is kept until then");

  for (guint s = 0; s < G_N_ELEMENTS (steps); s++)
    {
      TornadisWriter writer = { 0 };
      g_autoptr (GByteArray) out = g_byte_array_new ();
      g_autoptr (GBytes) large = g_bytes_new_take (g_malloc0 (TORNADIS_LARGE_ARG_SIZE), TORNADIS_LARGE_ARG_SIZE);
      g_autoptr (GBytes) wire = NULL;
      g_autoptr (TornadisReply) reply = NULL;
      TornadisCommand *command = tornadis_command_new ("RPUSH");

      for (guint i = 0; i < 30000; i++)
        {
          tornadis_command_append_int64 (command, i);
          if (i == 100 || i == 20000)
            tornadis_command_append_bytes (command, large);
        }
      tornadis_writer_add_command (&writer, command);
      tornadis_command_unref (command);
      g_assert_cmpuint (writer.size, <, 8192);

      take_all (&writer, out, steps[s]);
      g_assert_cmpuint (writer.queued, ==, out->len);
      tornadis_writer_clear (&writer);

      wire = g_byte_array_free_to_bytes (g_steal_pointer (&out));
      reply = tornadis_reply_new_from_resp (wire, NULL);
      g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 30003);
      g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (reply, 101)), ==, 100);
      g_assert_cmpuint (tornadis_reply_get_element (reply, 102)->length, ==, TORNADIS_LARGE_ARG_SIZE);
      g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (reply, 30002)), ==, 29999);
    }
}

static void
test_wipe (void)
{
  TornadisWriter writer = { 0 };
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (TornadisCommand) command = make_command ("AUTH", 20, 0);
  g_autoptr (TornadisCommand) next = make_command ("ECHO", 20, 1);
  gsize written;

  g_test_summary ("Of what was written nothing is left, whatever waits behind it");

  tornadis_writer_add_command (&writer, command);
  written = tornadis_writer_get_pending (&writer);
  tornadis_writer_add_command (&writer, next);
  take (&writer, out, (guint) written);
  tornadis_writer_wipe (&writer);
  for (gsize i = 0; i < writer.size; i++)
    if (i < writer.head || i >= writer.tail)
      g_assert_cmpuint (writer.data[i], ==, 0);
  g_byte_array_set_size (out, 0);
  take_all (&writer, out, 7);
  g_assert_cmpuint (out->len, ==, written);
  tornadis_writer_wipe (&writer);
  for (gsize i = 0; i < writer.size; i++)
    g_assert_cmpuint (writer.data[i], ==, 0);
  tornadis_writer_clear (&writer);
}

int
main (int argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/writer/small", test_small);
  g_test_add_func ("/writer/large", test_large);
  g_test_add_func ("/writer/truncate", test_truncate);
  g_test_add_func ("/writer/bounded", test_bounded);
  g_test_add_func ("/writer/many-args", test_many_args);
  g_test_add_func ("/writer/wipe", test_wipe);

  return g_test_run ();
}
