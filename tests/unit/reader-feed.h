/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <string.h>

#include "tornadis-glib/wire/tornadis-reader.h"

/* Gives bytes to the reader as a connection does, in as many pieces as it wants. */
static inline void
reader_feed (TornadisReader *reader,
             const char *data,
             gsize size)
{
  while (size > 0)
    {
      gsize room;
      guint8 *place = tornadis_reader_reserve (reader, &room);

      g_assert_cmpuint (room, >, 0);
      room = MIN (room, size);
      memcpy (place, data, room);
      tornadis_reader_commit (reader, room);
      data += room;
      size -= room;
    }
}
