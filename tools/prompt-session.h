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
  const char *beginning;   /* (nullable): what the user has asked for, to be said when there is a connection */
  guint n_ended;           /* subscriptions that have ended with it */
  guint moment_source;     /* when that is over, who waits for a connection is told so */
  gboolean trying;         /* to connect, until that has succeeded or was refused */
  gboolean failed;         /* at least once since */
  gboolean slow;           /* likewise: it is said that it takes its time */
  gboolean down;           /* the prompt shows that there is no connection */
  gboolean lost;           /* there was one before */
  gboolean stopping;       /* SHUTDOWN runs */
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
gboolean prompt_session_restart (PromptSession *self,
                                 const char *beginning);
gboolean prompt_session_move (PromptSession *self,
                              char *uri,
                              char *host,
                              int port);
void prompt_session_hurry (PromptSession *self,
                           gboolean told);
void prompt_session_leave (PromptSession *self);
void prompt_session_stopped (PromptSession *self);
gboolean prompt_session_is_pending (PromptSession *self);
char *prompt_session_make_text (PromptSession *self);

/* prompt-run.c */
gboolean prompt_session_run (PromptSession *self,
                             GPtrArray *words,
                             GCancellable *cancellable,
                             PromptRanFunc func,
                             gpointer user_data);
