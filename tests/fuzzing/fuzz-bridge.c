/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "introspection/bridge/tornadis-bridge-values.h"
#include "tests/fuzzing/fuzz.h"
#include "tornadis-glib/tornadis-glib.h"

/* The bytes are calls, as Python marshals them and as JavaScript makes JSON of them. */
int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize size)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autofree char *text = g_strndup ((const char *) data, size);
  gboolean is_text = g_utf8_validate (text, -1, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (tornadis_bridge_stack_data (pipeline, data, size, NULL), <=, size >= 5);
  tornadis_pipeline_clear (pipeline);

  if (is_text && !tornadis_bridge_stack_text (pipeline, text, &error))
    {
      g_assert_error (error, TORNADIS_ERROR, TORNADIS_ERROR_USAGE);
      g_assert_cmpuint (tornadis_pipeline_get_number_of_stacked_calls (pipeline), ==, 0);
    }

  return 0;
}
