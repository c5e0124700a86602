/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tornadis-glib/values/tornadis-command-private.h"
#include "tornadis-glib/values/tornadis-reply.h"

G_BEGIN_DECLS

/* What can be asked for again on the next connection with the command that asked for it. */
typedef enum
{
  TORNADIS_SESSION_READONLY,
  TORNADIS_SESSION_NO_EVICT,
  TORNADIS_SESSION_NO_TOUCH,
  TORNADIS_SESSION_N_SETTINGS,
} TornadisSessionSetting;

/* Where a connection stands with MULTI and WATCH. */
typedef struct
{
  gboolean in_multi : 1;
  gboolean watching : 1;
} TornadisTransaction;

/* What a server keeps for a connection, and forgets with it: the only place where it is followed. It is fed with commands as they are
 * queued, and with replies as they come.
 *
 *   answered   What the replies so far have made of it.
 *   expected   What it will be once all that is queued has been answered, if nothing is refused: what a command that
 *              is queued next will find.
 *
 *   lost       The same, of a connection that was lost with a transaction. Nothing that was meant for it may run by
 *              itself, or as if nothing had happened: it is not admitted, up to EXEC or DISCARD, or until WATCH or
 *              MULTI begins another one, by somebody who knows of the loss. */
typedef struct
{
  /* Of the connection that is up; what a new one is opened with is its owner's affair. */
  int db;
  GBytes *username;  /* (owned) (nullable) */
  GBytes *password;  /* (owned) (nullable) */
  char *client_name; /* (owned) (nullable) */

  TornadisTransaction answered;
  TornadisTransaction expected; /* unless it is @stale */
  TornadisTransaction lost;
  gboolean loss_known : 1; /* a caller was notified of it */
  gboolean stale : 1;   /* a command that @expected counts was taken back or refused */
  gboolean altered : 1; /* the server keeps something that cannot be compared or set back */
  guint n_unsettled;    /* commands of which it depends what the server keeps, that are queued and not answered */

  guint n_queued;        /* commands that the server has queued for EXEC */
  GPtrArray *effects;    /* (owned) (nullable) (element-type TornadisCommand) (nullable elements) those of them, in their
                            places, that will do something */
  TornadisCommand *settings[TORNADIS_SESSION_N_SETTINGS]; /* (owned) (nullable) */
} TornadisSession;

/* What changed for whoever opens the next connection. */
typedef enum
{
  TORNADIS_SESSION_UNCHANGED = 0,
  TORNADIS_SESSION_CHANGED_DB = 1 << 0,
  TORNADIS_SESSION_CHANGED_USER = 1 << 1,
  TORNADIS_SESSION_CHANGED_NAME = 1 << 2,
  /* The server says that it is not the one for what it was asked. */
  TORNADIS_SESSION_WRONG_SERVER = 1 << 3,
  /* A command that waits for data was given up, though the server may have it: it would take what nobody gets. */
  TORNADIS_SESSION_BLOCKS_IN_VAIN = 1 << 4,
} TornadisSessionChange;

void                  tornadis_session_clear              (TornadisSession       *self);
/* A connection is opened with this. */
void                  tornadis_session_begin              (TornadisSession       *self,
                                                           int                    db,
                                                           GBytes                *username,
                                                           GBytes                *password,
                                                           const char            *client_name);
/* The connection is closed. @lost: where it stood, as far as commands were written to it. What is still queued has to
 * be followed again. */
void                  tornadis_session_end                (TornadisSession       *self,
                                                           TornadisTransaction    lost);
/* The program closed the connection itself, and knows. */
void                  tornadis_session_forget_loss        (TornadisSession       *self);
/* Whether @command, or @commands, may be sent: they do not belong to a transaction that was lost. @known: it is made by
 * somebody who may know of it. */
gboolean              tornadis_session_admits             (TornadisSession       *self,
                                                           TornadisCommand       *command,
                                                           GPtrArray             *commands,
                                                           gboolean               atomic,
                                                           gboolean               known);
/* Why it may not. */
GError               *tornadis_session_make_loss_error    (const char            *name);

/* Follows a command that was queued; those without an effect need not be. */
void                  tornadis_session_queued             (TornadisSession       *self,
                                                           TornadisCommandEffect  effect);
/* @command, which may be %NULL when it has no @effect, was answered; every command of a transaction has to be. */
TornadisSessionChange tornadis_session_answered           (TornadisSession       *self,
                                                           TornadisCommandEffect  effect,
                                                           TornadisCommand       *command,
                                                           TornadisReply         *reply);

/* What @command does to @self, if it is not refused. */
void                  tornadis_transaction_follow         (TornadisTransaction   *self,
                                                           TornadisCommandEffect  effect);
/* Commands that make what the server kept, besides user, database and name (element-type TornadisCommand); %NULL: none. */
GPtrArray            *tornadis_session_dup_settings       (TornadisSession       *self);
/* Whether it is as it was when the connection came up, but for user, database and name. */
gboolean              tornadis_session_is_pristine        (const TornadisSession *self);
/* Whether it waits for data, by its arguments too. */
gboolean              tornadis_session_command_blocks     (TornadisCommand       *command);

static inline gboolean
tornadis_transaction_is_open (TornadisTransaction self)
{
  return self.in_multi || self.watching;
}

/* Whether what the server keeps depends on a command with this effect. */
static inline gboolean
tornadis_session_is_unsettled_by (TornadisCommandEffect effect)
{
  return effect != TORNADIS_COMMAND_PLAIN && effect != TORNADIS_COMMAND_BLOCKING && effect != TORNADIS_COMMAND_REFUSED;
}

G_END_DECLS
