/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "prompt.h"

/* The server that the prompt speaks to, for prompt-session.c and prompt-run.c. */
typedef struct
{
  ToolOptions options;    /* (owned) */
  TornadisClient *client; /* (owned) */
  TornadisClient *aside;  /* (owned) */
  GSourceOnceFunc changed;
  gpointer changed_data;
  GCancellable *running;   /* (owned) (nullable): of the call that runs */
  char *master;            /* (owned) (nullable): where that is which sentinels have named */
  gboolean trying;         /* to connect, until that has succeeded or was refused */
  gboolean failed;         /* at least once since */
  gboolean lost;           /* the loss was said */
  gboolean in_transaction; /* as the last call left it */
  gboolean watching;
} PromptSession;

/* Either @reply or @error, or neither when what happened is printed already. */
typedef void (*PromptRanFunc) (TornadisReply *reply,
                               const GError *error,
                               gpointer user_data);

/* prompt-session.c */
PromptSession *prompt_session_new (ToolOptions *options);
void prompt_session_free (PromptSession *self);
void prompt_session_start (PromptSession *self,
                           GSourceOnceFunc changed,
                           gpointer user_data);
void prompt_session_try (PromptSession *self);
gboolean prompt_session_restart (PromptSession *self);
gboolean prompt_session_move (PromptSession *self,
                              char *uri,
                              char *host,
                              int port);
gboolean prompt_session_is_trying (PromptSession *self);
gboolean prompt_session_has_failed (PromptSession *self);
char *prompt_session_make_text (PromptSession *self);

/* prompt-run.c */
gboolean prompt_session_run (PromptSession *self,
                             GPtrArray *words,
                             GCancellable *cancellable,
                             PromptRanFunc func,
                             gpointer user_data);
