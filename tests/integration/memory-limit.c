/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "integration/memory-limit.h"

gboolean
memory_limit_works (void)
{
  g_autofree char *memory = NULL;

  memory_limit_set (MEMORY_LIMIT, MEMORY_LIMIT);
  memory = g_try_malloc (2 * MEMORY_LIMIT);
  memory_limit_clear ();

  return memory == NULL;
}

#ifdef MEMORY_LIMIT_IS_FIXED

#define OPTIONS "allocator_may_return_null=1:max_allocation_size_mb=8"

const char *__asan_default_options (void);
const char *__tsan_default_options (void);

const char *
__asan_default_options (void)
{
  return OPTIONS;
}

const char *
__tsan_default_options (void)
{
  return OPTIONS;
}

G_STATIC_ASSERT (MEMORY_LIMIT == 8 * 1024 * 1024);

void
memory_limit_set (gsize size,
                  gsize mapped)
{
}

void
memory_limit_clear (void)
{
}

#else

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Those of the C library, in whose place the program and all of its libraries call the ones below. */
void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *memory, size_t size);

static gsize limit = G_MAXSIZE;        /* (atomic) */
static gsize mapped_limit = G_MAXSIZE; /* (atomic) */

void
memory_limit_set (gsize size,
                  gsize mapped)
{
  g_atomic_pointer_set (&limit, size);
  g_atomic_pointer_set (&mapped_limit, mapped);
}

void
memory_limit_clear (void)
{
  memory_limit_set (G_MAXSIZE, G_MAXSIZE);
}

static gboolean
is_more_than (gsize size,
              gsize *most)
{
  if (G_LIKELY (size <= (gsize) g_atomic_pointer_get (most)))
    return FALSE;

  errno = ENOMEM;
  return TRUE;
}

void *
malloc (size_t size)
{
  return is_more_than (size, &limit) ? NULL : __libc_malloc (size);
}

void *
calloc (size_t n,
        size_t size)
{
  return size > 0 && is_more_than (n > G_MAXSIZE / size ? G_MAXSIZE : n * size, &limit) ? NULL : __libc_calloc (n, size);
}

void *
realloc (void *memory,
         size_t size)
{
  return is_more_than (size, &limit) ? NULL : __libc_realloc (memory, size);
}

void *
mmap (void *address,
      size_t length,
      int protection,
      int flags,
      int fd,
      off_t offset)
{
  /* That of off_t is this one too, where there are two. */
  static void *(*real) (void *, size_t, int, int, int, off64_t);

  if (real == NULL)
    real = (void *(*) (void *, size_t, int, int, int, off64_t)) dlsym (RTLD_NEXT, "mmap64");

  return is_more_than (length, &mapped_limit) ? MAP_FAILED : real (address, length, protection, flags, fd, offset);
}

#endif
