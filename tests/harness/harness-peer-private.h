/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Not for the tests themselves. */

#pragma once

#include "harness/harness-peer.h"

G_BEGIN_DECLS

/* No wait of the peer is longer, so that a broken test ends. */
#define HARNESS_PEER_PATIENCE_MSEC 60000

struct _TornadisHarnessPeer
{
  GObject parent_instance;

  GPtrArray *parts; /* (owned) (element-type utf8) the script of each connection; read by all threads */
  GThread *thread;  /* (owned) accepts */
  int listen_fd;
  int stop_fds[2]; /* a pipe that is closed to stop all threads */
  int go_fd;       /* an eventfd: how many waits are over */
  guint port;

  GMutex lock;          /* of what follows */
  GHashTable *answers;  /* (owned) (element-type utf8 GQueue) the texts by command */
  GPtrArray *threads;   /* (element-type GThread) of the connections */
  GByteArray *received; /* by all connections */
  GString *commands;    /* read by all connections, a line each */
  char *failure;        /* (nullable) the first */
  guint n_connections;
  guint n_steps; /* that are done */
};

/* One connection, in a thread of its own. */
typedef struct
{
  TornadisHarnessPeer *peer; /* (unowned) joins the thread before it goes */
  const char *part;
  int fd;
  GByteArray *input; /* not yet taken apart */
  GRand *random;
} HarnessConversation;

void       harness_peer_fail              (TornadisHarnessPeer  *self,
                                           const char           *format,
                                           ...) G_GNUC_PRINTF (2, 3);
/* Waits for @events or the time; FALSE when the peer is to stop. @ready tells whether they came. */
gboolean   harness_peer_wait              (TornadisHarnessPeer  *self,
                                           int                   fd,
                                           short                 events,
                                           int                   msec,
                                           gboolean             *ready);
/* Does what the script says; the function of a thread, which frees @data. */
gpointer   harness_conversation_run       (gpointer              data);
/* Reads what is there; FALSE at the end of the stream. */
gboolean   harness_conversation_receive   (HarnessConversation  *self);
/* Takes one whole command out of the input; %NULL when there is none. */
GPtrArray *harness_conversation_parse     (HarnessConversation  *self);
/* Waits for one whole command; %NULL at the end of the stream. */
GPtrArray *harness_conversation_read      (HarnessConversation  *self);
/* Puts a command back, as if it had not been read. */
void       harness_conversation_unread    (HarnessConversation  *self,
                                           GPtrArray            *args);
gboolean   harness_conversation_send      (HarnessConversation  *self,
                                           const char           *bytes,
                                           gsize                 length);

/* Whether an argument is @text, in whatever case. */
gboolean   harness_arg_is                 (GPtrArray            *args,
                                           guint                 i,
                                           const char           *text);
/* The first text in quotes, with C escapes, NUL included; @end is behind it. */
GString   *harness_parse_text             (const char           *line,
                                           const char          **end);
/* A line `answer NAME "TEXT"...`. */
void       harness_peer_declare           (TornadisHarnessPeer  *self,
                                           const char           *line);
/* What a server answers: one that echoes, and one that answers as the script says. */
GString   *harness_make_echo              (GPtrArray            *args);
GString   *harness_peer_make_answer       (TornadisHarnessPeer  *self,
                                           GPtrArray            *args);

G_END_DECLS
