/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define TORNADIS_HARNESS_TYPE_REDIS (tornadis_harness_redis_get_type ())

G_DECLARE_FINAL_TYPE (TornadisHarnessRedis, tornadis_harness_redis, TORNADIS_HARNESS, REDIS, GObject)

TornadisHarnessRedis *tornadis_harness_redis_new             (const char * const    *extra_args,
                                                              GError               **error);
TornadisHarnessRedis *tornadis_harness_redis_new_tls         (const char * const    *extra_args,
                                                              GError               **error);
const char           *tornadis_harness_redis_get_socket_path (TornadisHarnessRedis  *self);
const char           *tornadis_harness_redis_get_directory   (TornadisHarnessRedis  *self);
guint                 tornadis_harness_redis_get_port        (TornadisHarnessRedis  *self);
guint                 tornadis_harness_redis_get_tls_port    (TornadisHarnessRedis  *self);
char                 *tornadis_harness_redis_get_file        (TornadisHarnessRedis  *self,
                                                              const char            *name);
char                 *tornadis_harness_redis_command         (TornadisHarnessRedis  *self,
                                                              const char            *line,
                                                              GError               **error);
gboolean              tornadis_harness_redis_is_running      (TornadisHarnessRedis  *self);
void                  tornadis_harness_redis_kill            (TornadisHarnessRedis  *self);
void                  tornadis_harness_redis_pause           (TornadisHarnessRedis  *self);
void                  tornadis_harness_redis_resume          (TornadisHarnessRedis  *self);
gboolean              tornadis_harness_redis_restart         (TornadisHarnessRedis  *self,
                                                              GError               **error);
gboolean              tornadis_harness_redis_move            (TornadisHarnessRedis  *self,
                                                              GError               **error);

G_END_DECLS
