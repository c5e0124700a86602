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

/* The state of MULTI and WATCH of a connection. */
typedef struct
{
  gboolean in_multi : 1;
  gboolean watching : 1;
} TornadisTransaction;

/* What a server keeps for a connection, and forgets with it: this is where it is followed, and nowhere else. It is fed with
 * commands as they are queued, and with replies as they come.
 *
 *   answered   What the replies so far have made of it.
 *   expected   What it will be once all that is queued has been answered, if nothing is refused: what a command that
 *              is queued next will find.
 *
 *   lost       The state of a connection that was lost within a transaction. No command that was meant for this
 *              transaction may run outside of it: commands are not admitted up to and including EXEC or DISCARD, or
 *              until WATCH or MULTI begins another one or UNWATCH gives it up, sent by somebody who knows of the loss.
 *   refused    What a call was to begin that was not queued, as there was no room for it: likewise, until its caller is
 *              notified. It is nothing to what was queued before. */
typedef struct
{
  /* Of the connection that is up; what a new one is opened with is up to the owner. */
  int db;
  GBytes *username;  /* (owned) (nullable) */
  GBytes *password;  /* (owned) (nullable) */
  char *client_name; /* (owned) (nullable) */

  TornadisTransaction answered;
  TornadisTransaction expected; /* unless it is @stale */
  TornadisTransaction lost;
  TornadisTransaction refused;
  gboolean loss_known : 1;    /* a caller was notified of @lost */
  gboolean refusal_known : 1; /* a caller was notified of a call that was not admitted behind the last of @refused */
  gboolean stale : 1;         /* a command that @expected counts was taken back or refused */
  gboolean altered : 1;       /* the server keeps something that cannot be compared or set back */
  guint loss_id;           /* grows with every call that began a transaction, or was to, and was lost or not sent */
  guint refusal_id;        /* what it was for the last call of @refused */
  guint told_loss_id;      /* what it was for the call that is called back, which may notify the program later */
  guint n_unsettled;       /* commands without a reply that may change what the server keeps */
  guint n_logins;          /* those of them that are the library's own, and change nothing for its user */

  guint n_queued;        /* commands that the server has queued for EXEC */
  GPtrArray *effects;    /* (owned) (nullable) (element-type TornadisCommand) (nullable elements) by their
                            position, those that have an effect */
  TornadisCommand *settings[TORNADIS_SESSION_N_SETTINGS]; /* (owned) (nullable) */
} TornadisSession;

/* What changed for whoever opens the next connection. */
typedef enum
{
  TORNADIS_SESSION_UNCHANGED = 0,
  TORNADIS_SESSION_CHANGED_DB = 1 << 0,
  TORNADIS_SESSION_CHANGED_USER = 1 << 1,
  TORNADIS_SESSION_CHANGED_NAME = 1 << 2,
  /* The server says that it is the wrong one for the command. */
  TORNADIS_SESSION_WRONG_SERVER = 1 << 3,
  /* A command that waits for data was cancelled or timed out, though the server may have it: the server would take an
   * element for it that nobody receives. */
  TORNADIS_SESSION_BLOCKS_IN_VAIN = 1 << 4,
  /* MONITOR: from now on the server tells of the commands of all its clients. */
  TORNADIS_SESSION_MONITORS = 1 << 5,
} TornadisSessionChange;

/* What a command or a pipeline has to do with it. */
typedef enum
{
  TORNADIS_SESSION_NO_CONCERN = 0,
  /* It may change what the server keeps. */
  TORNADIS_SESSION_CONCERN_KEPT = 1 << 0,
  /* It begins or ends a transaction; not one that it is itself from MULTI to EXEC. */
  TORNADIS_SESSION_CONCERN_TRANSACTION = 1 << 1,
} TornadisSessionConcern;

void                  tornadis_session_clear              (TornadisSession       *self);
/* A connection is opened with this. */
void                  tornadis_session_begin              (TornadisSession       *self,
                                                           int                    db,
                                                           GBytes                *username,
                                                           GBytes                *password,
                                                           const char            *client_name);
/* The login that the connection was opened with is known; both are (transfer full) (nullable). */
void tornadis_session_set_login (TornadisSession *self,
                                 GBytes *username,
                                 GBytes *password);
/* The connection is closed. @lost: its state, as far as commands were written to it. What is still queued has to be
 * followed again. */
void                  tornadis_session_end                (TornadisSession       *self,
                                                           TornadisTransaction    lost);
/* Follows what a command with @effect does, if it is not refused. */
void                  tornadis_transaction_follow         (TornadisTransaction   *self,
                                                           TornadisCommandEffect  effect);
/* Follows @command, or @commands. */
void                  tornadis_transaction_follow_all     (TornadisTransaction   *self,
                                                           TornadisCommand       *command,
                                                           GPtrArray             *commands);
/* Follows a command that was queued; those without an effect need not be. */
void                  tornadis_session_queued             (TornadisSession       *self,
                                                           TornadisCommandEffect  effect);
/* @command, which may be %NULL when it has no @effect, was answered; every command of a transaction has to be. */
TornadisSessionChange tornadis_session_answered           (TornadisSession       *self,
                                                           TornadisCommandEffect  effect,
                                                           TornadisCommand       *command,
                                                           TornadisReply         *reply);

/* A call that began a transaction, or was to, was lost or is not sent, and nobody knows of it yet. */
void                  tornadis_session_lose_begun         (TornadisSession       *self);
/* The program is notified of a call for which the loss_id was @loss_id: it knows of what was lost up to then. */
void                  tornadis_session_know_loss          (TornadisSession       *self,
                                                           guint                  loss_id);
/* A call is not sent for another reason, such as that there is no room: what it was to begin is refused. Whether it was to begin
 * anything. @is_sorting: see tornadis_session_admits_now(). */
gboolean tornadis_session_refuse (TornadisSession *self,
                                  TornadisCommand *command,
                                  GPtrArray *commands,
                                  gboolean atomic,
                                  gboolean is_sorting);
/* The program is notified of one that was, for which the loss_id was @loss_id then; or @is_lost, of one that was not admitted. */
void tornadis_session_know_refusal (TornadisSession *self,
                                    guint loss_id,
                                    gboolean is_lost);
/* The program closed the connection itself, and so knows of the loss. */
void                  tornadis_session_forget_loss        (TornadisSession       *self);
/* And of what was refused. */
void tornadis_session_forget_all (TornadisSession *self);
/* Whether @command, or @commands, may be queued: as tornadis_session_admits() with @known, and for what was refused. While a
 * loss @is_sorting, only that: it is as if it had not happened yet. */
gboolean tornadis_session_admits_now (TornadisSession *self,
                                      TornadisCommand *command,
                                      GPtrArray *commands,
                                      gboolean atomic,
                                      gboolean is_sorting);
/* Whether @command, or @commands, may be sent because they do not belong to a transaction that was lost. @known: the caller
 * may know of the loss. */
gboolean              tornadis_session_admits             (TornadisSession       *self,
                                                           TornadisCommand       *command,
                                                           GPtrArray             *commands,
                                                           gboolean               atomic,
                                                           gboolean               known);
/* The error of a command that is not admitted. */
GError               *tornadis_session_new_loss_error     (const char            *name);
/* Commands that set again what the server kept, besides user, database and name (element-type TornadisCommand); %NULL:
 * none. */
GPtrArray            *tornadis_session_dup_settings       (TornadisSession       *self);
/* Whether it is as it was when the connection came up, but for user, database and name. */
gboolean              tornadis_session_is_pristine        (const TornadisSession *self);
/* The concern of @command, or of @commands. */
TornadisSessionConcern tornadis_session_get_concern       (TornadisCommand       *command,
                                                           GPtrArray             *commands,
                                                           gboolean               atomic);
/* Whether EXEC, as things stand, does SELECT or AUTH. */
gboolean              tornadis_session_is_moved_by_exec    (const TornadisSession *self);
/* Whether it waits for data, going by its arguments too. */
gboolean              tornadis_session_command_blocks     (TornadisCommand       *command);

/* Whether later commands depend on one with this effect: they run as another user, or in another database. */
static inline gboolean
tornadis_session_is_moved_by (TornadisCommandEffect effect)
{
  return effect == TORNADIS_COMMAND_SELECT || effect == TORNADIS_COMMAND_AUTH;
}

static inline gboolean
tornadis_transaction_is_open (TornadisTransaction self)
{
  return self.in_multi || self.watching;
}

/* What a call has begun between @before and @after, which by itself would begin @alone. */
static inline TornadisTransaction
tornadis_transaction_get_begun (TornadisTransaction before,
                                TornadisTransaction after,
                                TornadisTransaction alone)
{
  alone.in_multi = after.in_multi && !before.in_multi;
  alone.watching &= after.watching;

  return alone;
}

static inline gboolean
tornadis_session_has_lost (const TornadisSession *self)
{
  return tornadis_transaction_is_open (self->lost) || tornadis_transaction_is_open (self->refused);
}

/* Whether a command with this effect may change what the server keeps. */
static inline gboolean
tornadis_session_is_unsettled_by (TornadisCommandEffect effect)
{
  return effect != TORNADIS_COMMAND_PLAIN && effect != TORNADIS_COMMAND_BLOCKING && effect != TORNADIS_COMMAND_REFUSED;
}

G_END_DECLS
