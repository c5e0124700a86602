/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/tornadis-error.h"

/**
 * tornadis_error_quark:
 *
 * Gets the domain of the errors of this library.
 *
 * Returns: the domain of [error@Tornadis.Error]
 *
 * Since: 1.0
 */
G_DEFINE_QUARK (tornadis-error-quark, tornadis_error)

/**
 * tornadis_error_dup_prefix:
 * @error: an error of any domain
 *
 * Gets the first word of an error that the server answered with, such as `WRONGTYPE`, `MOVED` or `ERR`.
 *
 * Servers classify their errors by this word: a program decides by it, not by the text behind it.
 * The word is one of capital letters, digits, `_` and `-`.
 *
 * Returns: (transfer full) (nullable): the word, or %NULL when @error is not
 *   [error@Tornadis.Error.REPLY] or does not begin with such a word
 *
 * Since: 1.0
 */
char *
tornadis_error_dup_prefix (const GError *error)
{
  gsize length;

  g_return_val_if_fail (error != NULL, NULL);

  if (!g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
    return NULL;

  for (length = 0; error->message[length] != '\0' && error->message[length] != ' '; length++)
    {
      char c = error->message[length];

      if (!g_ascii_isupper (c) && !g_ascii_isdigit (c) && c != '_' && c != '-')
        return NULL;
    }

  return length > 0 ? g_strndup (error->message, length) : NULL;
}
