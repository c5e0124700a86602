/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts that name the key that they belong to, and who wrote them. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @name has no space in it; @padding is how much longer it is. */
char *value_make (const char *key,
                  const char *name,
                  guint padding);
/* Returns the name (transfer full); %NULL when @data is no value of the key, or is not whole. */
char *value_parse (const char *key,
                   const char *data,
                   gsize length);

G_END_DECLS
