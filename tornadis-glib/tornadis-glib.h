/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#define TORNADIS_INSIDE

#include <tornadis-glib/tornadis-version.h>
#include <tornadis-glib/tornadis-version-macros.h>
#include <tornadis-glib/tornadis-types.h>
#include <tornadis-glib/tornadis-enums.h>
#include <tornadis-glib/tornadis-enum-types.h>

#include <tornadis-glib/tornadis-error.h>
#include <tornadis-glib/values/tornadis-command.h>
#include <tornadis-glib/values/tornadis-message.h>
#include <tornadis-glib/values/tornadis-reply.h>
#include <tornadis-glib/client/tornadis-call.h>
#include <tornadis-glib/client/tornadis-caller.h>
#include <tornadis-glib/client/tornadis-client-pool.h>
#include <tornadis-glib/client/tornadis-client.h>
#include <tornadis-glib/client/tornadis-credentials.h>
#include <tornadis-glib/client/tornadis-pipeline.h>
#include <tornadis-glib/client/tornadis-plugin-registry.h>
#include <tornadis-glib/client/tornadis-plugin.h>
#include <tornadis-glib/client/tornadis-pub-sub-client.h>
#include <tornadis-glib/data/tornadis-scanner.h>
#include <tornadis-glib/data/tornadis-function-library.h>
#include <tornadis-glib/data/tornadis-lock.h>
#include <tornadis-glib/data/tornadis-script.h>
#include <tornadis-glib/data/tornadis-stream-consumer.h>
#include <tornadis-glib/data/tornadis-stream-entry.h>
#include <tornadis-glib/data/tornadis-stream-reader.h>
#include <tornadis-glib/data/tornadis-keyspace.h>
#include <tornadis-glib/data/tornadis-record.h>
#include <tornadis-glib/data/tornadis-hash-model.h>
#include <tornadis-glib/data/tornadis-item.h>
#include <tornadis-glib/data/tornadis-key-model.h>
#include <tornadis-glib/data/tornadis-list-model.h>
#include <tornadis-glib/data/tornadis-live-model.h>
#include <tornadis-glib/data/tornadis-set-model.h>
#include <tornadis-glib/data/tornadis-sorted-set-model.h>
#include <tornadis-glib/data/tornadis-stream-model.h>

#undef TORNADIS_INSIDE
