/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Servers of a group, which starts many at once. Not for the tests themselves. */

#pragma once

#include "harness/harness-redis.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean sentinel;
  gboolean bus;             /* has the port of a cluster's bus too */
  guint index;              /* stands where the arguments have {i} */
  const char *certificates; /* (nullable) a directory; with it the server speaks TLS */
  const char *password;     /* (nullable) with which the harness's own commands go */
} HarnessRedisKind;

/* Not started, but with all ports. */
TornadisHarnessRedis *harness_redis_prepare       (const HarnessRedisKind  *kind,
                                                   const char *const       *extra_args,
                                                   GError                 **error);
/* The text of the configuration file, which the server may then rewrite. */
gboolean              harness_redis_configure     (TornadisHarnessRedis    *self,
                                                   const char              *name,
                                                   const char              *text,
                                                   GError                 **error);
/* Begins to start it. */
gboolean              harness_redis_launch        (TornadisHarnessRedis    *self,
                                                   GError                 **error);
/* Waits until it answers. */
gboolean              harness_redis_await         (TornadisHarnessRedis    *self,
                                                   GError                 **error);
guint                 harness_redis_get_index     (TornadisHarnessRedis    *self);
guint                 harness_redis_get_bus_port  (TornadisHarnessRedis    *self);
/* The port by which the servers of a group know each other: the one that speaks TLS, where there is one. */
guint                 harness_redis_get_link_port (TornadisHarnessRedis    *self);
GPid                  harness_redis_get_pid       (TornadisHarnessRedis    *self);
/* Neither killed nor paused. */
gboolean              harness_redis_answers       (TornadisHarnessRedis    *self);
/* The value of an argument of the server, such as --requirepass; %NULL when there is none. */
const char           *harness_find_argument       (const char *const       *args,
                                                   const char              *name);

G_END_DECLS
