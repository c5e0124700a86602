/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(TORNADIS_INSIDE) && !defined(TORNADIS_COMPILATION)
#error "Only <tornadis-glib/tornadis-glib.h> can be included directly."
#endif

#include <glib-object.h>

#include <tornadis-glib/tornadis-version-macros.h>

G_BEGIN_DECLS

/**
 * TornadisReplyKind:
 * @TORNADIS_REPLY_KIND_NIL: no value
 * @TORNADIS_REPLY_KIND_STATUS: a status line, such as `OK`
 * @TORNADIS_REPLY_KIND_ERROR: an error in the server's own words
 * @TORNADIS_REPLY_KIND_INTEGER: a signed 64-bit integer
 * @TORNADIS_REPLY_KIND_STRING: bytes
 * @TORNADIS_REPLY_KIND_ARRAY: an ordered list of replies
 * @TORNADIS_REPLY_KIND_DOUBLE: a floating point number (RESP3)
 * @TORNADIS_REPLY_KIND_BOOLEAN: true or false (RESP3)
 * @TORNADIS_REPLY_KIND_BIG_NUMBER: an integer of any size, as decimal text (RESP3)
 * @TORNADIS_REPLY_KIND_VERBATIM: text meant to be shown to a person as it is (RESP3)
 * @TORNADIS_REPLY_KIND_MAP: keys and values in turn (RESP3)
 * @TORNADIS_REPLY_KIND_SET: replies in no order, each once (RESP3)
 * @TORNADIS_REPLY_KIND_PUSH: data that the server sent of its own accord (RESP3)
 *
 * What a [struct@Tornadis.Reply] is.
 *
 * Since: 1.0
 */
typedef enum
{
  TORNADIS_REPLY_KIND_NIL,
  TORNADIS_REPLY_KIND_STATUS,
  TORNADIS_REPLY_KIND_ERROR,
  TORNADIS_REPLY_KIND_INTEGER,
  TORNADIS_REPLY_KIND_STRING,
  TORNADIS_REPLY_KIND_ARRAY,
  TORNADIS_REPLY_KIND_DOUBLE,
  TORNADIS_REPLY_KIND_BOOLEAN,
  TORNADIS_REPLY_KIND_BIG_NUMBER,
  TORNADIS_REPLY_KIND_VERBATIM,
  TORNADIS_REPLY_KIND_MAP,
  TORNADIS_REPLY_KIND_SET,
  TORNADIS_REPLY_KIND_PUSH,
} TornadisReplyKind;

/**
 * TornadisProtocol:
 * @TORNADIS_PROTOCOL_AUTO: RESP3 where the server speaks it, else RESP2
 * @TORNADIS_PROTOCOL_RESP2: RESP2, without asking
 * @TORNADIS_PROTOCOL_RESP3: RESP3, or the connection fails
 *
 * Which protocol to speak with the server, see [property@Tornadis.Client:protocol].
 *
 * Since: 1.0
 */
typedef enum
{
  TORNADIS_PROTOCOL_AUTO,
  TORNADIS_PROTOCOL_RESP2,
  TORNADIS_PROTOCOL_RESP3,
} TornadisProtocol;

/**
 * TornadisClientState:
 * @TORNADIS_CLIENT_STATE_DISCONNECTED: there is no connection and none is being made
 * @TORNADIS_CLIENT_STATE_CONNECTING: a connection is being made
 * @TORNADIS_CLIENT_STATE_CONNECTED: the connection is up and ready for calls
 * @TORNADIS_CLIENT_STATE_WAITING: the next attempt to connect waits for its time
 *
 * Where a client stands, see [property@Tornadis.Client:state].
 *
 * Since: 1.0
 */
typedef enum
{
  TORNADIS_CLIENT_STATE_DISCONNECTED,
  TORNADIS_CLIENT_STATE_CONNECTING,
  TORNADIS_CLIENT_STATE_CONNECTED,
  TORNADIS_CLIENT_STATE_WAITING,
} TornadisClientState;

/**
 * TornadisUriFlags:
 * @TORNADIS_URI_FLAGS_NONE: an address, and properties of the client
 * @TORNADIS_URI_FLAGS_ALLOW_PLUGINS: the URI may choose plugins, whose modules are loaded: for one that comes from
 *   whoever runs the program, such as its configuration
 *
 * What a URI may decide, see [ctor@Tornadis.Client.new_for_uri_full].
 *
 * Since: 1.0
 */
typedef enum
{
  TORNADIS_URI_FLAGS_NONE = 0,
  TORNADIS_URI_FLAGS_ALLOW_PLUGINS = 1 << 0,
} TornadisUriFlags;

/**
 * TornadisSubscriptionKind:
 * @TORNADIS_SUBSCRIPTION_KIND_CHANNEL: to channels (`SUBSCRIBE`)
 * @TORNADIS_SUBSCRIPTION_KIND_PATTERN: to patterns (`PSUBSCRIBE`)
 * @TORNADIS_SUBSCRIPTION_KIND_SHARD: to shard channels (`SSUBSCRIBE`)
 *
 * What the names of [method@Tornadis.PubSubClient.subscribe_bytes_async] are.
 *
 * Since: 1.0
 */
typedef enum
{
  TORNADIS_SUBSCRIPTION_KIND_CHANNEL,
  TORNADIS_SUBSCRIPTION_KIND_PATTERN,
  TORNADIS_SUBSCRIPTION_KIND_SHARD,
} TornadisSubscriptionKind;

/**
 * TornadisScannerKind:
 * @TORNADIS_SCANNER_KIND_KEYS: the keys of the database, with `SCAN`
 * @TORNADIS_SCANNER_KIND_HASH: the fields and values of a hash, with `HSCAN`
 * @TORNADIS_SCANNER_KIND_SET: the members of a set, with `SSCAN`
 * @TORNADIS_SCANNER_KIND_SORTED_SET: the members and scores of a sorted set, with `ZSCAN`
 *
 * What a [class@Tornadis.Scanner] goes through.
 *
 * Since: 1.0
 */
typedef enum
{
  TORNADIS_SCANNER_KIND_KEYS,
  TORNADIS_SCANNER_KIND_HASH,
  TORNADIS_SCANNER_KIND_SET,
  TORNADIS_SCANNER_KIND_SORTED_SET,
} TornadisScannerKind;

G_END_DECLS
