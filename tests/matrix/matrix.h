/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the programs of the fault matrix share. A case is a row of a table in its program, which says what calls end with;
 * `PROGRAM --table` prints the rows, from which table.py makes tests/README.md. */

#pragma once

#include "integration/util.h"

G_BEGIN_DECLS

/* How a call ended; a row may allow several. */
typedef enum
{
  MATRIX_VALUE = 1 << 0, /* its own */
  MATRIX_CONNECT = 1 << 1,
  MATRIX_AUTHENTICATION = 1 << 2,
  MATRIX_CLOSED = 1 << 3,
  MATRIX_LOST = 1 << 4,
  MATRIX_TIMEOUT = 1 << 5,
  MATRIX_PROTOCOL = 1 << 6,
  MATRIX_REPLY = 1 << 7,
  MATRIX_USAGE = 1 << 8,
  MATRIX_BUSY = 1 << 9,
  MATRIX_OTHERS = 1 << 10, /* a value that is another call's */
} MatrixEnding;

/* Which connection serves the calls that are made after the fault. */
typedef enum
{
  MATRIX_SAME,
  MATRIX_NEW,
} MatrixAfter;

/* What the calls of a case end with, where there is one that is meant. */
typedef struct
{
  guint ending; /* of that call */
  guint behind; /* of another call, or 0; the note says which */
  MatrixAfter after;
  const char *note; /* (nullable) which calls, or what else */
} MatrixEnds;

typedef struct
{
  const char *serial; /* what it asks for, and no other */
  gboolean ended;
  MatrixEnding ending;
  char *text; /* (owned) (nullable) the reply or the error's message */
} MatrixCall;

void matrix_init (int *argc,
                  char ***argv);
/* Adds a case, or prints its row. @after: what else is known when it is over. */
void matrix_add (const char *path,
                 const char *peer,
                 const char *what,
                 const char *ends,
                 gconstpointer data,
                 GTestDataFunc func);
int matrix_run (void);
/* In the words of the table; that of the calls of a row whose others end with @others, and of those after it. */
char *matrix_describe (guint endings);
const char *matrix_describe_after (MatrixAfter after);
char *matrix_describe_ends (const MatrixEnds *ends);
/* Of how many bytes one is cut at: all, or on a machine that is slowed down fewer. */
gsize matrix_get_stride (void);

/* The clock that does not go back jumps by so many seconds, as if the machine had slept: what has to wait for a time does
 * not have to wait. */
void matrix_advance_clock (guint seconds);
/* How far the other one is from that of the system, in seconds. */
void matrix_set_wall_clock (gint64 offset);

void matrix_call_clear (MatrixCall *self);
void matrix_call_end (MatrixCall *self,
                      TornadisReply *reply,
                      const GError *error);
/* ECHO of @serial, for which @self is kept until it has ended. */
void matrix_call_submit (MatrixCall *self,
                         TornadisClient *client);
void matrix_call_submit_strv (MatrixCall *self,
                              TornadisClient *client,
                              const char *const *argv);
/* So many of them. */
void matrix_call_submit_pipeline (MatrixCall *self,
                                  TornadisClient *client,
                                  gboolean atomic,
                                  guint n);
void matrix_call_submit_pipeline_of (MatrixCall *self,
                                     TornadisClient *client,
                                     TornadisPipeline *pipeline);
void matrix_call_connect (MatrixCall *self,
                          TornadisClient *client);
void matrix_call_pool (MatrixCall *self,
                       TornadisClientPool *pool);
void matrix_call_subscribe (MatrixCall *self,
                            TornadisClient *client,
                            const char *channel);
/* Waits until it has ended, and fails unless it has ended so. @where: what is added to the message, such as a byte. */
void matrix_call_assert (MatrixCall *self,
                         guint endings,
                         const char *where);
/* Lets everything come that may come, and fails if a call has ended twice. */
void matrix_assert_once (MatrixCall *calls,
                         guint n_calls);
/* A further call gets its own value. */
void matrix_assert_works (TornadisClient *client,
                          const char *where);

G_END_DECLS
