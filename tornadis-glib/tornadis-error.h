/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <glib-object.h>

#include <tornadis-glib/tornadis-version-macros.h>

G_BEGIN_DECLS

/**
 * TORNADIS_ERROR:
 *
 * Error domain of this library, see [error@Tornadis.Error].
 *
 * Since: 1.0
 */
#define TORNADIS_ERROR (tornadis_error_quark ())

/**
 * TornadisError:
 * @TORNADIS_ERROR_CONNECT: the connection could not be made
 * @TORNADIS_ERROR_AUTHENTICATION: the server refused the user name or the password
 * @TORNADIS_ERROR_CLOSED: the connection was lost or closed before the command was written: it never ran
 * @TORNADIS_ERROR_LOST: the connection was lost or closed after the command was written: it may have run
 * @TORNADIS_ERROR_TIMEOUT: no reply came within [property@Tornadis.Client:call-timeout-msec]
 * @TORNADIS_ERROR_PROTOCOL: the server sent what is not the protocol, or more than the bounds allow or
 *   than there is memory for
 * @TORNADIS_ERROR_REPLY: the server answered with an error, in its own words;
 *   [func@Tornadis.Error.dup_prefix] gives its first word
 * @TORNADIS_ERROR_USAGE: the library was asked for something that it does not do
 * @TORNADIS_ERROR_BUSY: a bound is reached
 * @TORNADIS_ERROR_PLUGIN: a plugin failed, or could not be found or loaded
 *
 * Errors of this library. Cancelling gives %G_IO_ERROR_CANCELLED.
 *
 * Equivalent of tornadis' `ConnectionError` (CONNECT, AUTHENTICATION, CLOSED, LOST, TIMEOUT, PROTOCOL)
 * and `ClientError` (the others).
 *
 * Since: 1.0
 */
typedef enum
{
  TORNADIS_ERROR_CONNECT,
  TORNADIS_ERROR_AUTHENTICATION,
  TORNADIS_ERROR_CLOSED,
  TORNADIS_ERROR_LOST,
  TORNADIS_ERROR_TIMEOUT,
  TORNADIS_ERROR_PROTOCOL,
  TORNADIS_ERROR_REPLY,
  TORNADIS_ERROR_USAGE,
  TORNADIS_ERROR_BUSY,
  TORNADIS_ERROR_PLUGIN,
} TornadisError;

TORNADIS_AVAILABLE_IN_1_0
GQuark  tornadis_error_quark      (void);
TORNADIS_AVAILABLE_IN_1_0
char   *tornadis_error_dup_prefix (const GError *error);

G_END_DECLS
