/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/fuzzing/fuzz.h"

#include <stdlib.h>

/* GLib would end the program by SIGTRAP, upon which an engine does not tell the input. */
static GLogWriterOutput
log_writer (GLogLevelFlags level,
            const GLogField *fields,
            gsize n_fields,
            gpointer user_data)
{
  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)) == 0)
    return G_LOG_WRITER_HANDLED;

  g_log_writer_standard_streams (level, fields, n_fields, NULL);
  abort ();
}

int
LLVMFuzzerInitialize (int *argc,
                      char ***argv)
{
  g_log_set_writer_func (log_writer, NULL, NULL);

  return 0;
}

char *
fuzz_dup_text (const guint8 *data,
               gsize size)
{
  return g_strndup ((const char *) data, size);
}

void
fuzz_check_error (gboolean has_result,
                  const GError *error,
                  GQuark domain)
{
  g_assert_cmpint (!has_result, ==, error != NULL);
  if (error == NULL)
    return;

  g_assert_cmpuint (error->domain, !=, 0);
  g_assert_true (domain == 0 || error->domain == domain);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpstr (error->message, !=, "");
}
