/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

G_BEGIN_DECLS

/* Completes a call, exactly once: @reply (transfer none) or @error (transfer none) is %NULL. */
typedef void (*TornadisSlotFunc) (TornadisReply *reply,
                                  const GError  *error,
                                  gpointer       user_data);

/* What an observer has to know of a pipeline. */
typedef struct
{
  GPtrArray *commands; /* (element-type TornadisCommand) */
  gboolean atomic;
} TornadisObservedPipeline;

/* A call that was to be observed has its outcome, @elapsed microseconds after it was made: @reply, also one of kind ERROR,
 * or @error. It was of @command, or of @pipeline. Called before the call's own function. @elapsed is below 0 if the call
 * was made after the turn had begun in which the reply came. */
typedef void (*TornadisObserveFunc) (TornadisCommand                *command,
                                     const TornadisObservedPipeline *pipeline,
                                     TornadisReply                  *reply,
                                     const GError                   *error,
                                     gint64                          elapsed,
                                     gpointer                        user_data);

/* Whom the function of a call notifies. */
typedef enum
{
  TORNADIS_NOTIFIES_PROGRAM,
  TORNADIS_NOTIFIES_PLUGINS, /* and the program after them, or never */
  TORNADIS_NOTIFIES_NOBODY,  /* that is, nobody but plugins */
  TORNADIS_NOTIFIES_MAKER,   /* a plugin whose own call it is: it belongs to no transaction of the program's */
} TornadisNotifies;

/* Who makes a call. */
typedef struct
{
  TornadisSlotFunc func; /* (nullable) NULL discards the reply */
  gpointer user_data;    /* (unowned) */
  gint64 deadline;       /* monotonic time; 0: none of its own */
  gint64 queued;         /* when the call was made, monotonic time; 0: it is not observed */
  guint8 notifies;       /* TornadisNotifies */
} TornadisOrigin;

/* What runs when a call completes. */
typedef struct
{
  TornadisSlotFunc func;             /* (nullable) */
  gpointer user_data;                /* (unowned) */
  TornadisObserveFunc observe_func;  /* (nullable) NULL: is not observed, and what follows is not set */
  gpointer observe_data;             /* (unowned) */
  gint64 queued;                     /* monotonic time */
  TornadisCommand *command;          /* (nullable) the queue's, or once held (owned) */
  TornadisObservedPipeline pipeline; /* with (nullable) commands, likewise */
  GError *error;                     /* (owned) (nullable) of one that is in an array of tornadis_completions_new() */
} TornadisCompletion;

/* Makes it outlive the call's slot in the queue. */
void    tornadis_completion_hold  (TornadisCompletion       *self);
void    tornadis_completion_clear (TornadisCompletion       *self);
void    tornadis_completion_run   (const TornadisCompletion *self,
                                   TornadisReply            *reply,
                                   const GError             *error);

/* Calls that complete together, in order: a queue is in its new state before the first of their functions is called. */
GArray *tornadis_completions_new  (void);
/* Holds a copy of @completion, and consumes @error. */
void    tornadis_completions_add  (GArray                   *self,
                                   const TornadisCompletion *completion,
                                   GError                   *error);
/* Consumes @self. The functions that it calls may do anything, to the queue as well. */
void    tornadis_completions_run  (GArray                   *self);

G_END_DECLS
