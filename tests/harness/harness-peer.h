/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define TORNADIS_HARNESS_TYPE_PEER (tornadis_harness_peer_get_type ())

G_DECLARE_FINAL_TYPE (TornadisHarnessPeer, tornadis_harness_peer, TORNADIS_HARNESS, PEER, GObject)

TornadisHarnessPeer *tornadis_harness_peer_new                (const char           *script,
                                                               GError              **error);
void                 tornadis_harness_peer_go                 (TornadisHarnessPeer  *self);
void                 tornadis_harness_peer_set_answers        (TornadisHarnessPeer  *self,
                                                               const char           *name,
                                                               const char *const    *texts);
guint                tornadis_harness_peer_get_port           (TornadisHarnessPeer  *self);
guint                tornadis_harness_peer_get_n_connections  (TornadisHarnessPeer  *self);
guint                tornadis_harness_peer_get_n_steps        (TornadisHarnessPeer  *self);
char                *tornadis_harness_peer_get_received       (TornadisHarnessPeer  *self);
GBytes              *tornadis_harness_peer_get_received_bytes (TornadisHarnessPeer  *self);
char                *tornadis_harness_peer_get_failure        (TornadisHarnessPeer  *self);

G_END_DECLS
