/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MEMORY_LIMIT_IS_FIXED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_LIMIT_IS_FIXED
#endif

/* With a sanitizer that has a malloc() of its own it is that from the beginning to the end, and mappings are not limited. */
#define MEMORY_LIMIT (8 * 1024 * 1024)

/* From now on what is allocated, or mapped, at once in this program, by whomever, is at most so large: more gives nothing, as
 * without memory. */
void memory_limit_set (gsize size,
                       gsize mapped);
void memory_limit_clear (void);
/* Whether it does: valgrind has a malloc() of its own. */
gboolean memory_limit_works (void);

G_END_DECLS
