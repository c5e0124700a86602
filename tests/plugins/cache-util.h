/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of the cache plugin share. */

#pragma once

#include "integration/util.h"

G_BEGIN_DECLS

TornadisClient *cache_make_client   (TornadisHarnessRedis *redis,
                                     TornadisProtocol      protocol);
/* (transfer none): a new plugin on @client. */
TornadisPlugin *cache_add           (TornadisClient       *client);
/* Connects and waits until the server tells of changed keys on @n connections. */
void            cache_connect       (TornadisClient       *client,
                                     TornadisPlugin       *plugin,
                                     guint                 n);
void            cache_wait_for      (TornadisPlugin       *plugin,
                                     const char           *property,
                                     guint64               at_least);
guint64         cache_get           (TornadisPlugin       *plugin,
                                     const char           *property);
/* Whether one call more was answered without the server. */
#define assert_hit(plugin, expression) assert_counted (plugin, "hits", TRUE, expression)
#define assert_no_hit(plugin, expression) assert_counted (plugin, "hits", FALSE, expression)
#define assert_counted(plugin, property, more, expression)                                                             \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    guint64 before_ = cache_get (plugin, property);                                                                    \
    expression;                                                                                                        \
    g_assert_cmpuint (cache_get (plugin, property), ==, before_ + ((more) ? 1 : 0));                                   \
  }                                                                                                                    \
  G_STMT_END
/* Takes it from the client and checks that nobody else has it. */
void            cache_remove        (TornadisClient       *client,
                                     TornadisPlugin       *plugin);

G_END_DECLS
