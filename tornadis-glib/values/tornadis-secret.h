/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Passwords, of which no copy is left in memory when it is not needed any more. */

/* (nullable) both: its bytes are wiped when they are freed. */
GBytes *tornadis_secret_new (const char *text);
/* Consumes @bytes (nullable). Returns the same in memory that is wiped when it is freed. */
GBytes *tornadis_secret_take (GBytes *bytes);
void tornadis_secret_wipe (gpointer data,
                           gsize length);
/* g_free() of a text (nullable) that is wiped first. */
void tornadis_secret_free (char *text);
/* A server's @words without what it quotes of a command that it does not know, and without @password (nullable). */
char *tornadis_secret_censor (const char *words,
                              GBytes *password);

G_END_DECLS
