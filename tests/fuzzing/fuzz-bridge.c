/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "introspection/bridge/tornadis-bridge-format.h"
#include "introspection/bridge/tornadis-bridge-values.h"
#include "tests/fuzzing/fuzz-formats.h"
#include "tests/fuzzing/fuzz.h"
#include "tornadis-glib/tornadis-glib.h"

static void
check_same_calls (GPtrArray *calls,
                  GPtrArray *again)
{
  g_assert_cmpuint (calls->len, ==, again->len);
  for (guint i = 0; i < calls->len; i++)
    {
      TornadisCommand *a = g_ptr_array_index (calls, i);
      TornadisCommand *b = g_ptr_array_index (again, i);
      gsize n = tornadis_command_get_n_args (a);

      g_assert_cmpuint (n, ==, tornadis_command_get_n_args (b));
      for (gsize j = 0; j < n; j++)
        {
          gsize a_length, b_length;
          const guint8 *a_data = tornadis_command_get_arg_data (a, j, &a_length);
          const guint8 *b_data = tornadis_command_get_arg_data (b, j, &b_length);

          g_assert_cmpmem (a_data, a_length, b_data, b_length);
        }
    }
}

/* What is written in the way of a language is read as the same calls. */
static void
check_calls (GPtrArray *calls,
             const TornadisBridgeFormat *format,
             GString *(*write) (GPtrArray *calls))
{
  g_autoptr (GString) written = write (calls);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) again = NULL;

  if (written == NULL)
    return;
  again = format->parse (written->str, written->len, &error);
  g_assert_no_error (error);
  check_same_calls (calls, again);
}

static void
use_calls (const TornadisBridgeFormat *format,
           const char *calls,
           gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) parsed = format->parse (calls, length, &error);

  fuzz_check_error (parsed != NULL, error, TORNADIS_ERROR);
  if (parsed == NULL)
    {
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      return;
    }

  /* Lists may be tuples, but apart from that there is one way to marshal them. */
  if (format == &tornadis_bridge_marshal)
    {
      g_autoptr (GString) again = fuzz_marshal_calls (parsed);

      g_assert_cmpuint (again->len, ==, length);
      for (gsize i = 0; i < length; i++)
        g_assert_true (calls[i] == again->str[i] || (calls[i] == '(' && again->str[i] == '['));
    }
  check_calls (parsed, &tornadis_bridge_marshal, fuzz_marshal_calls);
  check_calls (parsed, &tornadis_bridge_json, fuzz_json_calls);
}

/* A pipeline gets all of the calls or none. */
static void
use_pipeline (const guint8 *data,
              gsize size,
              const char *text)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (GError) error = NULL;

  if (!tornadis_bridge_stack_data (pipeline, data, size, NULL))
    g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 0);
  tornadis_pipeline_clear (pipeline);

  if (text != NULL && !tornadis_bridge_stack_text (pipeline, text, &error))
    {
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 0);
    }
}

static void
use_reply (TornadisReply *reply)
{
  g_autofree char *json = tornadis_bridge_dup_text (reply);

  fuzz_check_json (reply, json);
  for (guint decode = 0; decode < 2; decode++)
    {
      gsize length;
      g_autofree guint8 *data = tornadis_bridge_dup_data (reply, decode, &length);

      if (data != NULL)
        fuzz_check_marshal (reply, decode, data, length);
    }
}

/* The bytes are calls, as Python marshals them and as JavaScript makes JSON of them, and a reply that goes to both. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  g_autofree char *text = fuzz_dup_text (data, size);
  gboolean is_text = g_utf8_validate (text, -1, NULL);
  g_autoptr (GBytes) resp = g_bytes_new (data, size);
  g_autoptr (TornadisReply) reply = NULL;

  /* With nothing behind them. */
  use_calls (&tornadis_bridge_marshal, g_bytes_get_data (resp, NULL), size);
  if (is_text)
    use_calls (&tornadis_bridge_json, text, strlen (text));
  use_pipeline (data, size, is_text ? text : NULL);

  reply = tornadis_reply_new_from_resp (resp, NULL);
  if (reply != NULL)
    use_reply (reply);

  return 0;
}
