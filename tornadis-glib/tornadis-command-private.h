/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/tornadis-command.h"

G_BEGIN_DECLS

/* Arguments of at least this many bytes are kept and written by reference. */
#define TORNADIS_LARGE_ARG_SIZE 16384

/* What a command does to the link it runs on, known from its name. */
typedef enum
{
  TORNADIS_COMMAND_PLAIN,
  TORNADIS_COMMAND_REFUSED, /* would leave replies and callers out of step */
  TORNADIS_COMMAND_SELECT,
  TORNADIS_COMMAND_AUTH,
  TORNADIS_COMMAND_MULTI,
  TORNADIS_COMMAND_EXEC,    /* EXEC or DISCARD */
  TORNADIS_COMMAND_WATCH,
  TORNADIS_COMMAND_UNWATCH,
} TornadisCommandEffect;

/* A large argument: @bytes belong on the wire before @body[offset]. */
typedef struct
{
  gsize offset;
  GBytes *bytes; /* (owned) */
} TornadisLargeArg;

/* The body is the wire form of all arguments ("$3\r\nGET\r\n$1\r\nk\r\n") less the large ones,
 * without the "*N\r\n" that stands before it. */
struct _TornadisCommand
{
  gatomicrefcount ref_count;
  guint8 effect; /* TornadisCommandEffect */
  gboolean sealed; /* handed to a client or a pipeline: no more appending */
  gsize n_args;
  gsize wire_size; /* bytes of all arguments on the wire, large ones included */
  guint8 *body;    /* (owned), or inline_body */
  gsize body_len;
  gsize body_size;
  GArray *large; /* (owned) (nullable) (element-type TornadisLargeArg) */
  char name[32]; /* first argument in upper case, cut short, printable */
  guint8 inline_body[80];
};

static inline TornadisCommandEffect
tornadis_command_get_effect (const TornadisCommand *self)
{
  return (TornadisCommandEffect) self->effect;
}

static inline void
tornadis_command_seal (TornadisCommand *self)
{
  self->sealed = TRUE;
}

const char *tornadis_command_get_refusal (TornadisCommand *self);

G_END_DECLS
