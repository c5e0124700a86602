/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-command-effect.h"
#include "tornadis-glib/values/tornadis-command.h"

G_BEGIN_DECLS

/* Arguments of at least this many bytes are kept and written by reference. */
#define TORNADIS_LARGE_ARG_SIZE 16384
/* As many bytes of other arguments, one behind the other, are written by reference too. */
#define TORNADIS_LARGE_BODY_SIZE 65536

/* A large argument: @bytes belong on the wire before @body[offset]. */
typedef struct
{
  gsize offset;
  GBytes *bytes; /* (owned) */
} TornadisLargeArg;

/* What most commands have nothing of. Those whose body is large have it too. */
typedef struct
{
  gsize size;   /* of all of them */
  GArray *args; /* (owned) (element-type TornadisLargeArg) */
} TornadisLargeArgs;

/* The body is the wire form of all arguments ("$3\r\nGET\r\n$1\r\nk\r\n") less the large ones,
 * without the "*N\r\n" that stands before it. With 120 bytes this is as large as allocators still have at hand. */
struct _TornadisCommand
{
  int ref_count; /* (atomic) */
  guint n_args;
  guint8 *body; /* (owned), or inline_body */
  gsize body_len;
  TornadisLargeArgs *large; /* (owned) (nullable) */
  char *name;               /* (owned) (nullable) (atomic) created when asked for, unless it is a shared one */
  guint8 effect : 6;        /* TornadisCommandEffect */
  guint8 container : 1;     /* CLIENT or SCRIPT: what it does is known from the second argument */
  guint8 sealed;            /* (atomic) handed to a client or a pipeline: no more appending */
  union
  {
    guint8 inline_body[72];
    gsize body_size; /* of a body that is not inline */
  };
};

G_STATIC_ASSERT (sizeof (struct _TornadisCommand) <= 120);

/* How many bytes all arguments have on the wire. */
static inline gsize
tornadis_command_get_wire_size (const TornadisCommand *self)
{
  return self->body_len + (G_UNLIKELY (self->large != NULL) ? self->large->size : 0);
}

/* tornadis_command_ref(), where it is known that there is one. */
static inline TornadisCommand *
tornadis_command_hold (TornadisCommand *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

static inline TornadisCommandEffect
tornadis_command_get_effect (const TornadisCommand *self)
{
  return (TornadisCommandEffect) self->effect;
}

/* From any thread: the first to submit a command may be two at once. Nothing else is written by then, so that no order
 * is needed, which GLib's own atomics would add. */
static inline void
tornadis_command_seal (TornadisCommand *self)
{
  __atomic_store_n (&self->sealed, TRUE, __ATOMIC_RELAXED);
}

static inline gboolean
tornadis_command_is_sealed (const TornadisCommand *self)
{
  return __atomic_load_n (&self->sealed, __ATOMIC_RELAXED);
}

/* What to use instead of a command that clients refuse; NULL: they do not refuse it. */
const char *tornadis_command_get_refusal (TornadisCommand *self);
/* Whether lines that nobody asks for follow its reply. */
gboolean    tornadis_command_is_monitor  (TornadisCommand *self);
void        tornadis_command_append_data (TornadisCommand *self,
                                          const char      *data,
                                          gsize            length);

G_END_DECLS
