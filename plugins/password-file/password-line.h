/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* No password is as long. */
#define PASSWORD_LINE_MAX_LENGTH 65536

typedef struct
{
  char *line;          /* (owned) wiped when it is freed */
  gboolean is_exposed; /* others may read or change the file */
} PasswordLine;

void password_line_free (PasswordLine *self);
/* Reads the first line of a file. */
void password_line_read_async (GFile *file,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
PasswordLine *password_line_read_finish (GAsyncResult *result,
                                         GError **error);
/* Splits "USER:PASSWORD", which overwrites it; without a colon, or with nothing before it, @username (out) is %NULL. Returns the
 * password. */
const char *password_line_split (char *line,
                                 const char **username);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PasswordLine, password_line_free)

G_END_DECLS
