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

/* Whether an argument (nullable) is a word, in letters of any case. */
static inline gboolean
argument_is (GBytes     *argument,
             const char *word)
{
  gsize length = strlen (word);

  return argument != NULL && g_bytes_get_size (argument) == length &&
         (length == 0 || g_ascii_strncasecmp (g_bytes_get_data (argument, NULL), word, length) == 0);
}

static inline gboolean
command_argument_is (TornadisCommand *command,
                     gsize            i,
                     const char      *word)
{
  g_autoptr (GBytes) argument = tornadis_command_get_arg (command, i);

  return argument_is (argument, word);
}

/* Whether the server keeps what it was sent for EXEC; @reply (nullable). */
static inline gboolean
reply_is_queued (TornadisReply *reply)
{
  return reply != NULL && tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_STATUS &&
         g_strcmp0 (tornadis_reply_get_text (reply), "QUEUED") == 0;
}

G_END_DECLS
