/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

G_BEGIN_DECLS

/* What is shown of arguments. */
typedef enum
{
  TRACE_ARGUMENTS_NONE,
  TRACE_ARGUMENTS_FIRST,
  TRACE_ARGUMENTS_ALL,
} TornadisTraceArguments;

#define TRACE_TYPE_ARGUMENTS (tornadis_trace_arguments_get_type ())
GType tornadis_trace_arguments_get_type         (void);

/* The arguments on one line of at most @max_length characters, with a mark if it was cut (transfer full). Those of
 * commands that carry passwords are never shown. */
char *trace_arguments_describe         (TornadisCommand  *command,
                                        TornadisTraceArguments    shown,
                                        gsize             max_length);
/* The same for all commands, each with its name. */
char *trace_arguments_describe_all     (TornadisPipeline *pipeline,
                                        TornadisTraceArguments    shown,
                                        gsize             max_length);

G_END_DECLS
