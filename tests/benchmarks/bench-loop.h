/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A main loop that one library shares with its program: what is the same for every library that is measured, and what
 * each does its own way. */

#pragma once

#include "bench.h"

#define BENCH_LARGE_REPLY_KEY "bench:100k"

typedef enum
{
  BENCH_CALL_GET,   /* 32 bytes */
  BENCH_CALL_LARGE, /* GET of 100 KB */
  BENCH_CALL_INFO,  /* of the server's clients */
} BenchCall;

/* How many connections are opened at once: the server's backlog takes 511. */
#define BENCH_OPEN_AT_ONCE 100

extern GMainLoop *bench_loop;
extern const char *bench_path;

/* Of the library. The first connects the client that calls; bench_opened() is told of it, as of each of the idle ones. */
void backend_open (void);
void backend_open_idle (void);
void backend_call (BenchCall call);
void backend_subscribe (guint index);

/* What it tells. */
void bench_opened (void);
void bench_answered (const char *data,
                     gsize length);
void bench_subscribed (void);
void bench_message (guint index,
                    const char *text,
                    gsize length);
