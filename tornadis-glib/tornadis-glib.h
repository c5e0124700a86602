/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#define TORNADIS_INSIDE

#include <tornadis-glib/tornadis-version.h>
#include <tornadis-glib/tornadis-version-macros.h>
#include <tornadis-glib/tornadis-types.h>
#include <tornadis-glib/tornadis-enums.h>
#include <tornadis-glib/tornadis-enum-types.h>

#include <tornadis-glib/tornadis-bridge.h>
#include <tornadis-glib/tornadis-call.h>
#include <tornadis-glib/tornadis-client-pool.h>
#include <tornadis-glib/tornadis-client.h>
#include <tornadis-glib/tornadis-command.h>
#include <tornadis-glib/tornadis-error.h>
#include <tornadis-glib/tornadis-message.h>
#include <tornadis-glib/tornadis-pipeline.h>
#include <tornadis-glib/tornadis-plugin-registry.h>
#include <tornadis-glib/tornadis-plugin.h>
#include <tornadis-glib/tornadis-pub-sub-client.h>
#include <tornadis-glib/tornadis-reply.h>

#undef TORNADIS_INSIDE
