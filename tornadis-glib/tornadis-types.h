/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <gio/gio.h>

#include <tornadis-glib/tornadis-version-macros.h>

G_BEGIN_DECLS

typedef struct _TornadisCall TornadisCall;
typedef struct _TornadisCaller TornadisCaller;
typedef struct _TornadisClient TornadisClient;
typedef struct _TornadisClientPool TornadisClientPool;
typedef struct _TornadisCommand TornadisCommand;
typedef struct _TornadisFunctionLibrary TornadisFunctionLibrary;
typedef struct _TornadisLock TornadisLock;
typedef struct _TornadisKeyspace TornadisKeyspace;
typedef struct _TornadisCredentials TornadisCredentials;
typedef struct _TornadisLoginRequest TornadisLoginRequest;
typedef struct _TornadisHashModel TornadisHashModel;
typedef struct _TornadisItem TornadisItem;
typedef struct _TornadisKeyModel TornadisKeyModel;
typedef struct _TornadisListModel TornadisListModel;
typedef struct _TornadisLiveModel TornadisLiveModel;
typedef struct _TornadisMessage TornadisMessage;
typedef struct _TornadisPipeline TornadisPipeline;
typedef struct _TornadisPlugin TornadisPlugin;
typedef struct _TornadisPubSubClient TornadisPubSubClient;
typedef struct _TornadisRecord TornadisRecord;
typedef struct _TornadisReply TornadisReply;
typedef struct _TornadisScanner TornadisScanner;
typedef struct _TornadisScript TornadisScript;
typedef struct _TornadisStreamConsumer TornadisStreamConsumer;
typedef struct _TornadisStreamEntry TornadisStreamEntry;
typedef struct _TornadisStreamModel TornadisStreamModel;
typedef struct _TornadisStreamReader TornadisStreamReader;
typedef struct _TornadisSetModel TornadisSetModel;
typedef struct _TornadisSortedSetModel TornadisSortedSetModel;

G_END_DECLS
