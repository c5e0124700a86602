/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdlib.h>

#include "tests/fuzzing/fuzz.h"

/* Stands in for a fuzzing engine: runs the target over the files given as arguments. */
int
main (int argc,
      char **argv)
{
  if (argc < 2)
    {
      g_printerr ("Usage: %s FILE…\n", argv[0]);
      return EXIT_FAILURE;
    }

  LLVMFuzzerInitialize (&argc, &argv);
  for (int i = 1; i < argc; i++)
    {
      g_autofree char *data = NULL;
      g_autoptr (GError) error = NULL;
      gsize size;

      if (!g_file_get_contents (argv[i], &data, &size, &error))
        {
          g_printerr ("%s\n", error->message);
          return EXIT_FAILURE;
        }

      g_print ("%s, %" G_GSIZE_FORMAT " bytes\n", argv[i], size);
      LLVMFuzzerTestOneInput ((const guint8 *) data, size);
    }

  return EXIT_SUCCESS;
}
