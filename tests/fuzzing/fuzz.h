/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

int LLVMFuzzerInitialize (int *argc,
                          char ***argv);
int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

/* A copy with a NUL behind it, which ends at the first one of the input. */
char *fuzz_dup_text (const guint8 *data,
                     gsize size);
/* Whether there is an error exactly if there is no result, and it says what is wrong: in @domain, or 0 for any. */
void fuzz_check_error (gboolean has_result,
                       const GError *error,
                       GQuark domain);
