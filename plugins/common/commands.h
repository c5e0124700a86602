/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <string.h>
#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* What several plugins ask of calls, of their commands, and of replies. */

/* Of how many commands a call is: those of a pipeline, or one. */
static inline guint
call_get_n_commands (TornadisCall *call)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);

  return pipeline != NULL ? tornadis_pipeline_get_number_of_stacked_calls (pipeline) : 1;
}

static inline TornadisCommand *
call_get_command (TornadisCall *call,
                  guint         i)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);

  return pipeline != NULL ? tornadis_pipeline_get_command (pipeline, i) : tornadis_call_get_command (call);
}

/* Whether a call is from MULTI to EXEC by itself. */
static inline gboolean
call_is_atomic (TornadisCall *call)
{
  TornadisPipeline *pipeline = tornadis_call_get_pipeline (call);

  return pipeline != NULL && tornadis_pipeline_get_atomic (pipeline);
}

/* @name is in upper case. */
static inline gboolean
command_is (TornadisCommand *command,
            const char      *name)
{
  return g_str_equal (tornadis_command_get_name (command), name);
}

/* Whether data (nullable) is a word, in letters of any case. */
static inline gboolean
data_is (gconstpointer data,
         gsize         length,
         const char   *word)
{
  return length == strlen (word) && (length == 0 || g_ascii_strncasecmp (data, word, length) == 0);
}

static inline gboolean
argument_is (GBytes     *argument,
             const char *word)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (argument, &length);

  return data_is (data, length, word);
}

static inline gboolean
command_argument_is (TornadisCommand *command,
                     gsize            i,
                     const char      *word)
{
  gsize length;
  const guint8 *data = tornadis_command_get_arg_data (command, i, &length);

  return data != NULL && data_is (data, length, word);
}

/* Whether the server keeps what it was sent for EXEC; @reply (nullable). */
static inline gboolean
reply_is_queued (TornadisReply *reply)
{
  return reply != NULL && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_STATUS &&
         g_strcmp0 (tornadis_reply_get_text (reply), "QUEUED") == 0;
}

G_END_DECLS
