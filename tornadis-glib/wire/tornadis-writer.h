/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "tornadis-glib/values/tornadis-command-private.h"

G_BEGIN_DECLS

/* The bytes to be written to one link: small arguments in one buffer, large ones by reference. Positions count every byte
 * that was ever added, so that a command can be found again. */
typedef struct
{
  guint8 *data; /* (owned) (nullable) */
  gsize size;
  gsize head; /* data[head..tail) is not yet written */
  gsize tail;
  GQueue large;    /* (element-type TornadisWriterLarge) not yet written whole, in order */
  guint64 queued;  /* position behind the last byte */
  guint64 written; /* position behind the last byte that the socket took */
  guint64 offered; /* position behind the last byte that it was offered for good */
} TornadisWriter;

/* Leaves no copy in memory of what was written. */
void tornadis_writer_wipe (TornadisWriter *self);
void     tornadis_writer_clear       (TornadisWriter        *self);
void     tornadis_writer_append      (TornadisWriter        *self,
                                      const char            *bytes,
                                      gsize                  length);
void     tornadis_writer_add_command (TornadisWriter        *self,
                                      const TornadisCommand *command);
/* The next bytes to write, in at most @max vectors. Returns how many vectors there are. */
guint    tornadis_writer_get_vectors (TornadisWriter        *self,
                                      GOutputVector         *vectors,
                                      guint                  max);
/* What these vectors hold cannot be taken back any more, though it may not be written yet. */
void     tornadis_writer_offer       (TornadisWriter        *self,
                                      const GOutputVector   *vectors,
                                      guint                  n_vectors);
void     tornadis_writer_advance     (TornadisWriter        *self,
                                      gsize                  n_bytes);
/* Forgets everything from @position on, none of which may be written or offered yet. */
void     tornadis_writer_truncate    (TornadisWriter        *self,
                                      guint64                position);

static inline gsize
tornadis_writer_get_pending (const TornadisWriter *self)
{
  return (gsize) (self->queued - self->written);
}

G_END_DECLS
