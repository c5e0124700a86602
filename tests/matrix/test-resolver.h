/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define TEST_TYPE_RESOLVER (test_resolver_get_type ())

/* Knows one name, server.test, and only what it is told of it. */
G_DECLARE_FINAL_TYPE (TestResolver, test_resolver, TEST, RESOLVER, GResolver)

/* One, for the whole process. */
TestResolver *test_resolver_install (void);
/* Up to a NULL; none at all: the name is not known. */
void test_resolver_set_addresses (TestResolver *self,
                                  const char *const *addresses);
/* From now on nobody is answered, or everybody is again. */
void test_resolver_set_silent (TestResolver *self,
                               gboolean silent);
guint test_resolver_get_n_asked (TestResolver *self);

G_END_DECLS
