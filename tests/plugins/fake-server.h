/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server, or a sentinel, that says what the test has it say, on the default main context. It speaks RESP3. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  FAKE_ANSWERS,
  FAKE_SILENT,   /* takes connections, and answers nothing */
  FAKE_UNKNOWN,  /* no master of that name */
  FAKE_NOAUTH,   /* wants a password that nobody has */
  FAKE_GARBAGE,  /* answers what is no RESP */
  FAKE_NO_REPLY, /* answers HELLO, and then nothing */
} FakeMood;

typedef struct
{
  GSocketService *service; /* (owned) (nullable) NULL: nobody listens */
  guint port;
  GPtrArray *connections; /* (owned) (element-type FakeConnection) */
  GPtrArray *commands;    /* (owned) (element-type utf8) all that came, their arguments joined by spaces */
  FakeMood mood;

  /* A server. */
  const char *role;

  /* A sentinel. */
  const char *host;
  guint master;    /* the port that it names */
  int epoch;       /* -1: it does not let anybody ask */
  char *replicas;  /* (owned) (nullable) the reply as it is sent */
  char *sentinels; /* (owned) (nullable) likewise */
} Fake;

Fake *fake_new (const char *role);
/* A sentinel that names @master (nullable). */
Fake *fake_new_sentinel (Fake *master);
void fake_free (Fake *self);
/* Nobody listens there any more, and all connections are closed. */
void fake_stop (Fake *self);
void fake_start (Fake *self);
/* Closes the connections. */
void fake_drop (Fake *self);
/* How many commands came that begin with @prefix. */
guint fake_count (Fake *self,
                  const char *prefix);
guint fake_count_connections (Fake *self);
/* To those who have subscribed. */
void fake_report (Fake *self,
                  const char *message);
/* The reply to SENTINEL SENTINELS or REPLICAS: of the servers up to NULL. */
char *fake_list (const char *flags,
                 Fake *first,
                 ...) G_GNUC_NULL_TERMINATED;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fake, fake_free)

G_END_DECLS
