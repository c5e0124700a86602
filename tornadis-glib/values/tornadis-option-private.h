/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Initialises @value (uninitialised) with what @text says for a property: numbers, text, true or false, nicks of
 * enumerations, of flags with | and texts with ; between them. FALSE: it is no value of this property. */
gboolean tornadis_option_parse (GParamSpec *pspec,
                                const char *text,
                                GValue     *value);

G_END_DECLS
