/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/client/tornadis-private.h"
#include "tornadis-glib/tornadis-error.h"

G_BEGIN_DECLS

/* As many as a byte counts. */
#define TORNADIS_BRIDGE_MAX_MESSAGES 256

/* Messages that go over together. Each has a byte in @indices, the number of its route in @routes, and a payload. */
typedef struct
{
  GString *routes;   /* (owned) as the format has written them */
  GString *payloads; /* (owned) likewise */
  guint8 indices[TORNADIS_BRIDGE_MAX_MESSAGES];
  gsize ends[TORNADIS_BRIDGE_MAX_MESSAGES]; /* of the payload of each, in @payloads */
  guint n_routes;
  guint n_messages;
  guint n_told;      /* of these: gone over already */
  gboolean popped;   /* by those who wait for one, not for handlers */
  gboolean all;      /* with which those end that were popped together */
  gulong handler_id; /* emitted by the program, for this one, not behind what others are called with now; or 0 */
  guint64 n_kept;    /* how many had been kept, to be popped, when the first came */
} TornadisBridgeBatch;

/* A shape that a language makes and takes apart by itself. */
typedef struct
{
  /* What stands before and behind all outcomes. */
  const char *opening;
  const char *closing;
  /* Appends the number of a call and its reply. FALSE: nothing of it is written, because there are strings that are not
   * text in it and @decode wants them to be, because it is nested too deep, or because there is no memory for it. */
  gboolean   (*append_reply)   (GString                   *out,
                                guint32                    number,
                                TornadisReply             *reply,
                                gboolean                   decode);
  /* What a call ended with, instead. */
  void       (*append_error)   (GString                   *out,
                                guint32                    number,
                                const GError              *error);
  /* The reply is to be asked for by its number, and @decode holds for it. */
  void       (*append_kept)    (GString                   *out,
                                guint32                    number,
                                gboolean                   decode);
  void       (*append_true)    (GString                   *out,
                                guint32                    number);
  void       (*append_route)   (TornadisBridgeBatch       *batch,
                                TornadisMessage           *message);
  void       (*append_payload) (TornadisBridgeBatch       *batch,
                                TornadisMessage           *message);
  /* The next @n messages of a batch that are not told yet. */
  GString   *(*join)           (const TornadisBridgeBatch *batch,
                                guint                      n);
  /* The commands (element-type TornadisCommand) of a list of lists of arguments. */
  GPtrArray *(*parse)          (const char                *calls,
                                gsize                      length,
                                GError                   **error);
} TornadisBridgeFormat;

extern const TornadisBridgeFormat tornadis_bridge_marshal;
extern const TornadisBridgeFormat tornadis_bridge_json;

/* The payloads of the next @n messages of a batch. */
static inline const char *
tornadis_bridge_batch_peek (const TornadisBridgeBatch *batch,
                            guint                      n,
                            gsize                     *length)
{
  gsize start = batch->n_told > 0 ? batch->ends[batch->n_told - 1] : 0;

  *length = batch->ends[batch->n_told + n - 1] - start;
  return batch->payloads->str + start;
}

/* From this size on it may be that there is no memory for more. */
#define TORNADIS_BRIDGE_LARGE_SIZE (1024 * 1024)
/* More than what is written of a value without asking: all but strings. */
#define TORNADIS_BRIDGE_VALUE_SIZE 1024

gboolean tornadis_bridge_make_room (GString *out,
                                    gsize n);

/* Whether a value with @n bytes of text can be written at the end of @out: what is large must not end the program. */
static inline gboolean
tornadis_bridge_has_room (GString *out,
                          gsize n)
{
  return G_LIKELY (out->len + n < TORNADIS_BRIDGE_LARGE_SIZE) ||
         out->allocated_len - out->len > n + TORNADIS_BRIDGE_VALUE_SIZE || tornadis_bridge_make_room (out, n);
}

/* Room for @n bytes at the end of @out. */
static inline char *
tornadis_bridge_extend (GString *out,
                        gsize    n)
{
  gsize before = out->len;

  if (G_UNLIKELY (out->allocated_len - before <= n))
    {
      g_string_set_size (out, before + n);
    }
  else
    {
      out->len += n;
      out->str[out->len] = '\0';
    }

  return out->str + before;
}

/* Of an aggregate that has any. */
static inline TornadisReply **
tornadis_bridge_get_elements (const TornadisReply *reply)
{
  TornadisReply **elements = g_atomic_pointer_get (&((TornadisReply *) reply)->v.elements);

  return G_LIKELY (elements != NULL) ? elements : TORNADIS_PRIVATE_CALL (reply_unpack, (TornadisReply *) reply);
}

/* Languages take long over longer ones, or refuse: those stay text. */
#define TORNADIS_BRIDGE_MAX_DIGITS 600

/* To other languages than C a NUL is a character like any other. */
gboolean   tornadis_bridge_data_is_text (const char          *data,
                                         gsize                length);
gboolean   tornadis_bridge_is_text      (const TornadisReply *reply);
gboolean   tornadis_bridge_is_number    (const TornadisReply *reply);
GPtrArray *tornadis_bridge_new_calls    (void);
/* Always returns %NULL. */
GPtrArray *tornadis_bridge_fail_parse   (GPtrArray           *calls,
                                         GError             **error);
/* Text in any case. */
char      *tornadis_bridge_dup_message  (const char          *message);
/* Whether @reply is a list so long that Python is better off when it takes parts of it. */
gboolean   tornadis_bridge_has_parts    (const TornadisReply *reply);
/* A marshalled list of the strings of the first segment of a list that is packed and has any; %NULL: they are not text, and
 * @decode wants them to be. */
GString   *tornadis_bridge_marshal_part (const TornadisReply *reply,
                                         gboolean             decode);

G_END_DECLS
