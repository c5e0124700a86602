/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "harness/harness-redis.h"

G_BEGIN_DECLS

#define TORNADIS_HARNESS_TYPE_SENTINEL (tornadis_harness_sentinel_get_type ())

G_DECLARE_FINAL_TYPE (TornadisHarnessSentinel, tornadis_harness_sentinel, TORNADIS_HARNESS, SENTINEL, GObject)

TornadisHarnessSentinel *tornadis_harness_sentinel_new          (const char * const       *server_args,
                                                                 const char * const       *sentinel_args,
                                                                 GError                  **error);
TornadisHarnessSentinel *tornadis_harness_sentinel_new_tls      (const char * const       *server_args,
                                                                 const char * const       *sentinel_args,
                                                                 GError                  **error);
guint                    tornadis_harness_sentinel_get_n        (TornadisHarnessSentinel  *self);
TornadisHarnessRedis    *tornadis_harness_sentinel_get_server   (TornadisHarnessSentinel  *self,
                                                                 guint                     i);
TornadisHarnessRedis    *tornadis_harness_sentinel_get_sentinel (TornadisHarnessSentinel  *self,
                                                                 guint                     i);
guint                    tornadis_harness_sentinel_get_port     (TornadisHarnessSentinel  *self,
                                                                 guint                     i);
char                    *tornadis_harness_sentinel_get_file     (TornadisHarnessSentinel  *self,
                                                                 const char               *name);
char                    *tornadis_harness_sentinel_make_uri     (TornadisHarnessSentinel  *self,
                                                                 const char               *options);
int                      tornadis_harness_sentinel_find_master  (TornadisHarnessSentinel  *self);
gboolean                 tornadis_harness_sentinel_is_ok        (TornadisHarnessSentinel  *self);
gboolean                 tornadis_harness_sentinel_wait         (TornadisHarnessSentinel  *self,
                                                                 GError                  **error);
void                     tornadis_harness_sentinel_hurry        (TornadisHarnessSentinel  *self,
                                                                 gboolean                  hurry);
gboolean                 tornadis_harness_sentinel_failover     (TornadisHarnessSentinel  *self,
                                                                 GError                  **error);

G_END_DECLS
