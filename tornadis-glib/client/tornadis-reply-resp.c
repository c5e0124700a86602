/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/values/tornadis-reply.h"

#include <string.h>

#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/wire/tornadis-reader.h"

#define MAX_PAGE_SIZE 65536

/**
 * tornadis_reply_new_from_resp:
 * @resp: one whole reply as it stands on the wire, in RESP2 or RESP3
 * @error: return location for an error
 *
 * Creates a reply from the bytes of the protocol.
 *
 * This is for plugins that answer a call by themselves, and for tests: a client reads its replies
 * without help. The bytes must be exactly one reply. Errors of the server are replies too.
 *
 * Fails with %TORNADIS_ERROR_PROTOCOL if @resp is anything else, or there is no memory for it.
 *
 * Returns: (transfer full): a new reply
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_reply_new_from_resp (GBytes *resp,
                              GError **error)
{
  g_autoptr (TornadisReader) reader = NULL;
  g_autoptr (TornadisReply) self = NULL;
  GError *local_error = NULL;
  const guint8 *data;
  gsize size, done = 0;

  g_return_val_if_fail (resp != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  data = g_bytes_get_data (resp, &size);
  reader = tornadis_reader_new (MIN (size, MAX_PAGE_SIZE), G_MAXSIZE);

  while (self == NULL)
    {
      gsize room;
      guint8 *place;

      if (done == size)
        {
          g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "The reply is not whole");
          return NULL;
        }

      place = tornadis_reader_reserve (reader, &room);
      if (place != NULL)
        {
          room = MIN (room, size - done);
          memcpy (place, data + done, room);
          done += room;
          tornadis_reader_commit (reader, room);
        }

      self = tornadis_reader_next (reader, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, local_error);
          return NULL;
        }
    }

  if (done < size || tornadis_reader_is_partial (reader))
    {
      g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL,
                           "There are bytes behind the reply");
      return NULL;
    }

  return g_steal_pointer (&self);
}
