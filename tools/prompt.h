/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the files of the prompt share. There is one prompt in a process: the functions here keep their state in their
 * files, and are called in the thread of the main loop. */

#pragma once

#include "tool.h"

/* prompt-words.c: the words of a line that is not whole yet */
typedef struct
{
  GPtrArray *words; /* (owned) (element-type GBytes): the last is the one at the cursor, which may be empty */
  gsize start;      /* of that word, in the line */
} PromptWords;

gboolean prompt_words_parse (PromptWords *self,
                             const char *line,
                             gsize length);
void prompt_words_clear (PromptWords *self);
const char *prompt_words_skip_count (const char *line);
gboolean prompt_word_is (GBytes *word,
                         const char *text);
gboolean prompt_words_have (GPtrArray *words,
                            guint i,
                            const char *text);
char *prompt_word_dup_lower (GBytes *word);
void prompt_word_append_quoted (GString *string,
                                const char *data,
                                gsize length,
                                char mark,
                                gboolean closed);
char **prompt_lines_split (const char *text);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PromptWords, prompt_words_clear)

/* prompt-commands.c: what the server says about its commands */
gboolean prompt_commands_is_known (void);
void prompt_commands_load (TornadisClient *client);
void prompt_commands_clear (void);
GPtrArray *prompt_commands_list (const char *container);
GPtrArray *prompt_commands_list_groups (void);
GPtrArray *prompt_commands_list_documented (void);
TornadisReply *prompt_commands_get_docs_of (const char *name);
TornadisReply *prompt_commands_get_docs (GPtrArray *words,
                                         guint *n_name_words);
gboolean prompt_commands_is_key (GPtrArray *words,
                                 guint position);

/* prompt-hints.c: the arguments of commands, in words */
char *prompt_hint (const char *line);
char *prompt_help (GPtrArray *words);
char *prompt_help_group (const char *group);

/* prompt-own.c: the words of the prompt itself */
const char *prompt_own_help (GBytes *word);
void prompt_own_list (GPtrArray *names);
char *prompt_own_describe_unknown (GBytes *word);

/* prompt-complete.c */
void prompt_complete_set_client (TornadisClient *client);
void prompt_complete_interrupt (void);
char **prompt_complete (const char *line,
                        gsize *start);

/* prompt-history.c */
void prompt_history_load (void);
void prompt_history_add (const char *line);

/* prompt-print.c: replies, and what is said above the line that is edited */
typedef enum
{
  PROMPT_STYLE_PLAIN,
  PROMPT_STYLE_ERROR,
  PROMPT_STYLE_NOTICE,
  PROMPT_STYLE_CHANNEL,
} PromptStyle;

void prompt_print_init (void);
gboolean prompt_print_is_busy (void);
void prompt_print_set_format (ToolFormat format);
void prompt_print_append (GString *string,
                          PromptStyle style,
                          const char *data,
                          gsize length);
void prompt_print_text (const char *text);
void prompt_print_line (PromptStyle style,
                        const char *format,
                        ...) G_GNUC_PRINTF (2, 3);
void prompt_print_error (const GError *error);
void prompt_print_duration (double seconds);
void prompt_print_reply (TornadisReply *reply,
                         GSourceOnceFunc done,
                         gpointer user_data);
void prompt_print_stop (void);

/* prompt-messages.c: what channels send */
typedef TornadisPubSubClient *(*PromptMessagesMakeFunc) (gpointer user_data);

gboolean prompt_messages_take_command (GPtrArray *words);
void prompt_messages_run (GPtrArray *words,
                          GCancellable *cancellable,
                          GSourceOnceFunc done,
                          gpointer user_data);
void prompt_messages_set_make_func (PromptMessagesMakeFunc make,
                                    gpointer user_data);
void prompt_messages_set_format (ToolFormat format);
void prompt_messages_invalidate (TornadisReply *keys);
void prompt_messages_resume (void);
guint prompt_messages_close (void);

/* prompt-tracking.c: CLIENT TRACKING */
void prompt_tracking_prepare (TornadisClient *client,
                              GPtrArray *words);
void prompt_tracking_follow (TornadisClient *client,
                             GPtrArray *words,
                             TornadisReply *reply);
gboolean prompt_tracking_is_on (void);
void prompt_tracking_clear (void);

/* prompt-line-readline.c or prompt-line-plain.c: the line that is edited */
typedef struct
{
  void (*accepted) (const char *line, /* (nullable): the end of input */
                    gpointer user_data);
  void (*interrupted) (gpointer user_data);
} PromptLineFuncs;

void prompt_line_init (const PromptLineFuncs *funcs,
                       gpointer user_data);
void prompt_line_begin (const char *prompt);
void prompt_line_set_prompt (const char *prompt);
void prompt_line_print (const char *text,
                        gsize length);
void prompt_line_refresh (void);
gboolean prompt_line_interrupt (void);
void prompt_line_add_history (const char *line);
void prompt_line_clear_screen (void);
void prompt_line_finish (void);
