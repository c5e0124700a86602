/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the subcommands of tornadis share. There is one process, one standard output and one main context: the
 * functions here keep their state in their files. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

typedef enum
{
  TOOL_DONE,
  TOOL_FAILED, /* an error of the server, a lost connection, output that could not be written */
  TOOL_USAGE,  /* options, arguments, URI or plugin */
} ToolStatus;

typedef enum
{
  TOOL_FORMAT_RAW,  /* strings as they are, one element a line */
  TOOL_FORMAT_LINE, /* exactly one line: elements between tabs, control characters escaped */
  TOOL_FORMAT_JSON, /* exactly one line */
} ToolFormat;

/* The options that several subcommands have. */
typedef struct
{
  char *uri;             /* (owned) (nullable) */
  char **plugins;        /* (owned) (nullable) */
  double timeout;        /* seconds, 0: none */
  gboolean resp2;
  gboolean resp3;
  gboolean json;
  char **arguments;      /* (owned) (nullable): what is not an option */
  GPtrArray *instances;  /* (element-type TornadisPlugin) (owned) (nullable): made once, for all clients */
} ToolOptions;

typedef enum
{
  TOOL_PARSE_ANYWHERE,   /* options may follow arguments */
  TOOL_PARSE_BEFORE,     /* no options after the first argument */
  TOOL_PARSE_NO_SERVER,  /* of the options above only --json */
} ToolParseFlags;

/* The subcommands: each gets its name and arguments, and gives the exit status. */
int tool_bench (char **argv);
int tool_call (char **argv);
int tool_pipe (char **argv);
int tool_plugins (char **argv);
int tool_subscribe (char **argv);

/* tool.c */
gboolean tool_options_parse (ToolOptions *self,
                             char **argv,
                             ToolParseFlags flags,
                             const char *arguments,
                             const char *summary,
                             const GOptionEntry *entries);
void     tool_options_clear (ToolOptions *self);
gpointer tool_options_make_client (ToolOptions *self,
                                   GType type);
gboolean tool_options_equip (ToolOptions *self,
                             TornadisClient *client);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolOptions, tool_options_clear)

/* tool-plugin.c */
TornadisPlugin *tool_plugin_new (const char *text,
                                 GError **error);
char           *tool_property_describe_type (GParamSpec *pspec);

/* tool-line.c: bytes of other programs' lines */
gboolean tool_line_split (const char *line,
                          gsize length,
                          GPtrArray *words,
                          const char **problem);
void     tool_line_append (GString *string,
                           const char *data,
                           gsize length);

/* tool-reply.c */
void tool_reply_append (GString *string,
                        TornadisReply *reply,
                        ToolFormat format);
void tool_json_append_string (GString *string,
                              const char *data,
                              gsize length);

/* tool-terminal.c: standard output, without waiting for it, and what goes to standard error */
GString *tool_output_begin (void);
void     tool_output_commit (void);
gboolean tool_output_is_full (void);
void     tool_output_set_drained_func (GSourceOnceFunc func,
                                       gpointer user_data);
void     tool_output_watch (void);
void     tool_output_finish (void);
void     tool_print_error (const char *format,
                           ...) G_GNUC_PRINTF (1, 2);
void     tool_progress_start (char *(*func) (gpointer user_data),
                              gpointer user_data);
void     tool_progress_stop (void);
