/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A library that will not be there under the name that its user knows. */

int absent (void);

int
absent (void)
{
  return 0;
}
