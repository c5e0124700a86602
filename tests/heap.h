/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

G_BEGIN_DECLS

/* Bytes in use on the heap; 0 where nobody counts. */
static inline gsize
get_heap_size (void)
{
#if defined (__GLIBC__) && __GLIBC_PREREQ (2, 33)
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

G_END_DECLS
