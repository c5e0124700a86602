/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the subcommands of tornadis share. There is one process, one standard output and one main context: the
 * functions here keep their state in their files. */

#pragma once

#include <tornadis-glib/tornadis-glib.h>

#define TOOL_NOT_GIVEN G_MININT

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
  TOOL_FORMAT_CSV,  /* one record: the elements of lists within lists stand in it, too */
} ToolFormat;

/* The options that subcommands have in common: each means the same wherever it is. */
typedef struct
{
  /* Which server */
  char *uri;            /* (owned) (nullable) */
  char *host;           /* (owned) (nullable) */
  int port;             /* TOOL_NOT_GIVEN: none */
  char *socket;         /* (owned) (nullable) */
  gboolean cluster;
  int db;               /* TOOL_NOT_GIVEN: none */
  char *user;           /* (owned) (nullable) */
  char *password;       /* (owned) (nullable) */
  gboolean askpass;
  gboolean tls;
  char *cacert;         /* (owned) (nullable): files of certificates */
  char *cert;           /* (owned) (nullable) */
  char *key;            /* (owned) (nullable) */
  char *sni;            /* (owned) (nullable) */
  gboolean insecure;
  char **plugins;       /* (owned) (nullable) */
  double timeout;       /* seconds, 0: none */
  gboolean resp2;
  gboolean resp3;

  /* How replies are printed */
  gboolean json;
  gboolean csv;
  gboolean raw;

  /* How often; what is there before parsing is the default */
  gint64 repeat;        /* -1: no end */
  double interval;      /* seconds */

  char **arguments;     /* (owned) (nullable): what is not an option */
  char *title;          /* (owned) (nullable): of the server, when there is a client */
  GPtrArray *instances; /* (element-type TornadisPlugin) (owned) (nullable): made once, for all clients */
  GTlsDatabase *tls_database;       /* (owned) (nullable): likewise */
  GTlsCertificate *tls_certificate; /* (owned) (nullable) */
} ToolOptions;

typedef enum
{
  TOOL_PARSE_ANYWHERE = 0,       /* options may follow arguments */
  TOOL_PARSE_BEFORE = 1 << 0,    /* no options after the first argument */
  TOOL_PARSE_NO_SERVER = 1 << 1, /* of the options above only --json */
  TOOL_PARSE_RAW = 1 << 2,       /* --raw as well */
  TOOL_PARSE_REPEAT = 1 << 3,    /* -r and -i as well */
  TOOL_PARSE_INTERVAL = 1 << 4,  /* -i as well */
} ToolParseFlags;

/* The subcommands: each gets its name and arguments, and gives the exit status. */
int tool_bench (char **argv);
int tool_call (char **argv);
int tool_keys (char **argv);
int tool_latency (char **argv);
int tool_monitor (char **argv);
int tool_pipe (char **argv);
int tool_plugins (char **argv);
int tool_prompt (char **argv); /* no subcommand: argv has the program's name, options, and no argument */
int tool_scan (char **argv);
int tool_stat (char **argv);
int tool_subscribe (char **argv);

/* tool-options.c */
gboolean tool_options_parse (ToolOptions *self,
                             char **argv,
                             ToolParseFlags flags,
                             const char *arguments,
                             const char *summary,
                             const GOptionEntry *entries);
gboolean tool_options_check_count (gint64 count,
                                   const char *problem);
guint    tool_options_find_argument (char **argv);
void     tool_options_append_help (GString *text,
                                   const char *arguments,
                                   const char *summary,
                                   const char *description);
ToolFormat tool_options_get_format (ToolOptions *self,
                                    ToolFormat otherwise);
void     tool_options_clear (ToolOptions *self);
void     tool_print_usage_error (const char *format,
                                 ...) G_GNUC_PRINTF (1, 2);

/* tool-client.c */
gpointer tool_options_make_client (ToolOptions *self,
                                   GType type);
char    *tool_options_describe_error (ToolOptions *self,
                                      const GError *error);
gboolean tool_error_is_loss (const GError *error);
gboolean tool_error_is_no_cluster (const GError *error);

/* tool-connecting.c */
void tool_connecting_watch (TornadisClient *client);

/* tool-loss.c */
typedef struct
{
  char *reason; /* (owned) (nullable): why there is no connection, which was said */
} ToolLoss;

gboolean tool_loss_is_on (const ToolLoss *self);
gboolean tool_loss_begin (ToolLoss *self,
                          const GError *error);
void tool_loss_end (ToolLoss *self);
void tool_loss_clear (ToolLoss *self);

/* tool-tls.c */
gboolean tool_options_equip_tls (ToolOptions *self,
                                 TornadisClient *client,
                                 GError **error);

/* tool-password.c */
char *tool_password_ask (const char *prompt,
                         GError **error);
void  tool_password_hide (char **argv,
                          const char *password);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolOptions, tool_options_clear)

/* tool-plugin.c */
TornadisPlugin *tool_plugin_new (const char *text,
                                 GError **error);
char           *tool_property_describe_type (GParamSpec *pspec);

/* tool-text.c: the program's own words */
const char *tool_text_choose (guint64 n,
                              const char *one,
                              const char *many);
char       *tool_text_localize (const char *text);

/* tool-line.c: bytes of other programs' lines */
gboolean tool_line_split (const char *line,
                          gsize length,
                          GPtrArray *words,
                          const char **problem);
void     tool_line_append (GString *string,
                           const char *data,
                           gsize length);
void     tool_line_append_shown (GString *string,
                                 const char *data,
                                 gsize length,
                                 gboolean json);

/* tool-command.c */
gboolean tool_command_is (TornadisCommand *command,
                          const char *name,
                          const char *subcommand);
TornadisReply *tool_command_type_reply (TornadisCommand *command,
                                        TornadisReply *reply);
gboolean       tool_command_check (TornadisCommand *command,
                                   GError **error);
char          *tool_command_describe_error (TornadisCommand *command,
                                            const GError *error);

/* tool-reply.c */
void tool_reply_append_shown (GString *string,
                              TornadisReply *reply);
void tool_reply_append (GString *string,
                        TornadisReply *reply,
                        ToolFormat format);
void tool_string_append (GString *string,
                         const char *data,
                         gsize length,
                         ToolFormat format);
void tool_error_append (GString *string,
                        const char *data,
                        gsize length,
                        ToolFormat format);
void tool_csv_append_string (GString *string,
                             const char *data,
                             gsize length);
void tool_json_append_string (GString *string,
                              const char *data,
                              gsize length);

/* tool-message.c */
void tool_message_append_payload (GString *output,
                                  TornadisMessage *message,
                                  ToolFormat format);
void tool_message_append (GString *output,
                          TornadisMessage *message,
                          ToolFormat format);

/* tool-terminal.c: standard output, without waiting for it, and what goes to standard error */
GString *tool_output_begin (void);
void     tool_output_commit (void);
gboolean tool_output_is_full (void);
void     tool_output_set_drained_func (GSourceOnceFunc func,
                                       gpointer user_data);
void     tool_output_watch (void);
void     tool_output_drain (void);
void     tool_output_finish (void);
void     tool_print_error (const char *format,
                           ...) G_GNUC_PRINTF (1, 2);
void     tool_progress_start (char *(*func) (gpointer user_data),
                              gpointer user_data);
void     tool_progress_stop (void);
char    *tool_progress_draw_bar (double share);

/* tool-signals.c */
void tool_signals_watch (GSourceOnceFunc func,
                         gpointer user_data);
void tool_signals_unwatch (void);

/* tool-scan.c: the names of keys, a page at a time */
typedef struct _ToolScan ToolScan;

/* @keys is NULL where there is an @error. */
typedef void (*ToolScanFunc) (TornadisReply *keys,
                              gboolean is_last,
                              const GError *error,
                              gpointer user_data);

/* What all that scan have for options. */
typedef struct
{
  char *pattern; /* (owned) (nullable) */
  char *type;    /* (owned) (nullable) */
  int count;     /* TOOL_NOT_GIVEN: what the server takes */
} ToolScanOptions;

#define TOOL_SCAN_ENTRIES(options) \
  { "pattern", 0, 0, G_OPTION_ARG_FILENAME, &(options)->pattern, "Only keys that match", "PATTERN" }, \
  { "type", 0, 0, G_OPTION_ARG_FILENAME, &(options)->type, "Only keys of a type, such as hash", "TYPE" }, \
  { "count", 0, 0, G_OPTION_ARG_INT, &(options)->count, "How many keys the server looks at for a page", "N" }

gboolean  tool_scan_options_check (ToolScanOptions *self);
void      tool_scan_options_clear (ToolScanOptions *self);
ToolScan *tool_scan_new (TornadisClient *client,
                         const ToolScanOptions *options,
                         ToolScanFunc func,
                         gpointer user_data);
void      tool_scan_next (ToolScan *self);
void      tool_scan_free (ToolScan *self);
