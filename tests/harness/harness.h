/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What tests in all languages stand on: a private server, and a scripted peer that makes faults.
 *
 * TornadisHarnessRedis starts a redis-server (or valkey-server, or what TORNADIS_TEST_SERVER names) of its own on a
 * unix socket and a free loopback port, in a directory of its own, and ends it with the test, however that ends.
 *
 * TornadisHarnessCluster starts several such servers as a cluster, and does to it what happens to clusters: nodes die,
 * sleep, move, come and go, are cut off, fail over, and slots migrate. A node is a TornadisHarnessRedis.
 *
 * TornadisHarnessSentinel is a master with two replicas and three sentinels that watch them.
 *
 * TornadisHarnessPeer listens on a free loopback port and does what a script says, one line a step:
 *
 *   handshake             answers HELLO with an unknown-command error, and AUTH, SELECT and CLIENT with OK, until
 *                         another command comes, which is left for the next step
 *   handshake3            the same, but HELLO is answered as RESP3
 *   expect NAME           reads one command; any other name is a failure
 *   expect-any            reads one command
 *   await-bytes N         until N bytes have come, of commands that are left for the next steps
 *   send "TEXT"           sends bytes, with C escapes
 *   send-repeat N "TEXT"  sends them N times
 *   drip MS "TEXT"        sends them one by one, MS milliseconds apart
 *   echo-server [N]       answers N commands, or all: ECHO x with x, GET k with value-of-k, PING, SET; else an error
 *   serve [NAME]          answers all commands, as `answer` says or like echo-server, until the command NAME comes, which
 *                         is left for the next step
 *   delay-server MS SEED  the same for all, in random pieces at random times up to MS apart, reading on meanwhile
 *   drain                 reads and drops all until the end of the stream
 *   stop-reading          does nothing until the peer is stopped
 *   deaf                  from now on acknowledges nothing that comes, as if the cable were cut
 *   wait                  until tornadis_harness_peer_go() is called, once for each wait
 *   sleep MS
 *   half-close            says that no more will be sent
 *   close                 closes
 *   reset                 closes with a reset
 *   ---                   what follows is for the next connection; the last part is for all further ones
 *
 * A script that ends without closing drains. Wherever it stands, a line
 *
 *   answer NAME "TEXT"... says what `serve` answers to a command, or to one with its subcommand as CLUSTER SHARDS: of
 *                         several texts one after the other, on whichever connection, and the last for good; "" is none
 *
 * is of all connections from the beginning. In TEXT {port} is the port of the peer, and {slot} the slot of a cluster
 * that has the first argument of the command.
 *
 * tornadis_harness_collector_pause() leaves the garbage collector of GJS in the middle of a sweep. */

#pragma once

#include "harness/harness-cluster.h"
#include "harness/harness-collector.h"
#include "harness/harness-peer.h"
#include "harness/harness-redis.h"
#include "harness/harness-sentinel.h"
