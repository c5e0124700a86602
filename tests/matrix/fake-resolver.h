/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FAKE_TYPE_RESOLVER (fake_resolver_get_type ())

/* Knows one name, server.test, and only what it is told of it. */
G_DECLARE_FINAL_TYPE (FakeResolver, fake_resolver, FAKE, RESOLVER, GResolver)

/* One, for the whole process. */
FakeResolver *fake_resolver_install (void);
/* Up to a NULL; none at all: the name is not known. */
void fake_resolver_set_addresses (FakeResolver *self,
                                  const char *const *addresses);
/* From now on nobody is answered, or everybody is again. */
void fake_resolver_set_silent (FakeResolver *self,
                               gboolean silent);
guint fake_resolver_get_n_asked (FakeResolver *self);

G_END_DECLS
