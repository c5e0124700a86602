/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that has changed its URI and nothing else: the same story with one server and with a cluster. */

using Harness;

/* In slots of all masters. */
string[] make_names () {
  string[] names = {};
  for (int i = 0; i < 30; i++)
    names += @"name-$i";
  return names;
}

async Tornadis.Reply call_all (Tornadis.Client client, string name, string[] arguments) throws Error {
  string[] line = { name };
  foreach (var argument in arguments)
    line += argument;
  return yield client.call_async (new Tornadis.Command.strv (line));
}

async void tell_of_values (Tornadis.Client client) throws Error {
  assert (yield client.connect_async ());
  assert (client.connected && client.state == Tornadis.ClientState.CONNECTED);
  foreach (var name in make_names ())
    assert ((yield call (client, @"SET $name $name")) == "OK");
  foreach (var name in make_names ())
    assert ((yield call (client, @"GET $name")) == name);
  assert ((yield client.call_async (command ("HSET hash a 1 b 2"))).get_integer () == 2);
  assert ((yield client.call_async (command ("HGETALL hash"))).get_n_elements () == 4);
  try {
    yield call (client, "INCR hash");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.REPLY);
  }
}

async void tell_of_many_keys (Tornadis.Client client) throws Error {
  var names = make_names ();
  string[] pairs = {};
  foreach (var name in names) {
    pairs += name;
    pairs += name.substring (5);
  }
  yield call (client, "FLUSHALL");
  assert ((yield call_all (client, "MSET", pairs)).get_text () == "OK");
  var replies = yield call_all (client, "MGET", names);
  assert (replies.get_n_elements () == names.length);
  for (int i = 0; i < names.length; i++)
    assert (replies.get_element (i).get_text () == @"$i");
  assert ((yield call_all (client, "EXISTS", names)).get_integer () == 30);
  assert ((yield client.call_async (command ("DBSIZE"))).get_integer () == 30);

  var scanned = new GenericSet<string> (str_hash, str_equal);
  string cursor = "0";
  do {
    var reply = yield client.call_async (command (@"SCAN $cursor COUNT 3"));
    cursor = reply.get_element (0).get_text ();
    var keys = reply.get_element (1);
    for (uint i = 0; i < keys.get_n_elements (); i++)
      scanned.add (keys.get_element (i).get_text ());
  } while (cursor != "0");
  assert (scanned.length == 30);
  assert ((yield call_all (client, "DEL", names)).get_integer () == 30);
}

async void tell_of_pipelines (Tornadis.Client client) throws Error {
  var names = make_names ();
  var pipeline = new Tornadis.Pipeline ();
  foreach (var name in names) {
    pipeline.stack_strv ({ "SET", name, name });
    pipeline.stack_strv ({ "INCR", name });
    pipeline.stack_strv ({ "GET", name });
  }
  var replies = yield client.call_pipeline_async (pipeline);
  assert (replies.get_n_elements () == 90);
  for (int i = 0; i < names.length; i++) {
    assert (replies.get_element (3 * i).get_text () == "OK" && replies.get_element (3 * i + 1).is_error ());
    assert (replies.get_element (3 * i + 2).get_text () == names[i]);
  }

  /* What is for several nodes keeps its place among the others. */
  pipeline = new Tornadis.Pipeline ();
  pipeline.stack_strv ({ "SET", "name-0", "new" });
  pipeline.stack_strv ({ "MGET", "name-0", "name-1" });
  pipeline.stack_strv ({ "SET", "name-0", "name-0" });
  replies = yield client.call_pipeline_async (pipeline);
  assert (replies.get_element (1).get_element (0).get_text () == "new");

  pipeline = new Tornadis.Pipeline () { atomic = true };
  pipeline.stack_strv ({ "SET", "{order:1}:state", "paid" });
  pipeline.stack_strv ({ "RPUSH", "{order:1}:log", "a", "b" });
  replies = yield client.call_pipeline_async (pipeline);
  assert (replies.get_n_elements () == 2 && replies.get_element (1).get_integer () == 2);
}

async void tell_of_pools (Tornadis.ClientPool pool) throws Error {
  /* By hand, on a client of one's own. */
  var own = yield pool.get_connected_client_async ();
  yield call (own, "WATCH {order:1}:state");
  assert (own.is_in_transaction ());
  assert ((yield call (own, "GET {order:1}:state")) == "paid");
  yield call (own, "MULTI");
  assert ((yield call (own, "SET {order:1}:state sent")) == "QUEUED");
  assert ((yield own.call_async (command ("EXEC"))).get_element (0).get_text () == "OK");
  assert (!own.is_in_transaction ());
  pool.release_client (own);

  string popped = "";
  pool.call_async.begin (command ("BLPOP queue 0"), null, (object, result) => {
    try {
      popped = pool.call_async.end (result).get_element (1).get_text ();
    } catch (Error error) {
      assert_not_reached ();
    }
  });
  assert ((yield pool.call_async (command ("RPUSH queue job"))).get_integer () == 1);
  while (popped == "")
    yield wait (1);
  assert (popped == "job");
}

async void tell_of_messages (string uri, Tornadis.Client client) throws Error {
  var pubsub = new Tornadis.PubSubClient.for_uri (uri);
  yield pubsub.subscribe_async ({ "news" });
  yield call (client, "PUBLISH news today");
  var message = yield pubsub.pop_message_async (60);
  assert (message.get_channel () == "news" && message.get_text () == "today");

  /* Shard channels of three nodes. */
  yield pubsub.ssubscribe_async ({ "a", "b", "c" });
  foreach (var name in new string[] { "a", "b", "c" }) {
    yield call (client, "SPUBLISH %s shard".printf (name));
    message = yield pubsub.pop_message_async (60);
    assert (message.get_channel () == name && message.is_shard ());
  }
  yield pubsub.sunsubscribe_async (null);
  assert (pubsub.subscribed);
  pubsub.close ();
}

async void tell (string uri) throws Error {
  var client = new Tornadis.Client.for_uri (uri);
  var pool = new Tornadis.ClientPool (client);
  yield tell_of_values (client);
  yield tell_of_many_keys (client);
  yield tell_of_pipelines (client);
  yield tell_of_pools (pool);
  yield tell_of_messages (uri, client);
  pool.destroy ();
  client.close ();
  assert (!client.connected);
  assert ((yield call (client, "GET name-0")) == "name-0");
}

async void test_one_server (TornadisHarness.Redis server) throws Error {
  yield tell ("redis://127.0.0.1:%u".printf (server.get_port ()));
}

async void test_cluster (TornadisHarness.Redis server) throws Error {
  var cluster = new TornadisHarness.Cluster (3, 0, null);
  yield tell ("redis-cluster://" + cluster.get_hosts (false));
}

async void test_refused (TornadisHarness.Redis server) throws Error {
  var cluster = new TornadisHarness.Cluster (3, 0, null);
  var client = new Tornadis.Client.for_uri ("redis-cluster://" + cluster.get_hosts (false));
  string[] refused = { "RENAME name-0 name-1", "SELECT 0", "MSETNX name-0 a name-1 b" };
  foreach (var line in refused) {
    try {
      yield call (client, line);
      assert_not_reached ();
    } catch (Tornadis.Error error) {
      assert (error is Tornadis.Error.USAGE);
    }
  }
  try {
    var unused = new Tornadis.Client.for_uri ("redis-cluster://h?read-from=others");
    error ("%p", unused);
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
  }
  try {
    yield call (new Tornadis.Client.for_uri ("redis-cluster://127.0.0.1:1"), "PING");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.CONNECT);
  }
}

/* Without the plugin it is a client of one server, to which no call goes that was made before. */
async void test_removed (TornadisHarness.Redis server) throws Error {
  var peer = new TornadisHarness.Peer ("wait\n");
  var client = new Tornadis.Client.for_uri (@"redis-cluster://127.0.0.1:$(peer.get_port ())");
  assert (client.title == @"cluster of 127.0.0.1:$(peer.get_port ())");
  client.host = "127.0.0.1";
  client.port = server.get_port ();
  Error? failure = null;
  call.begin (client, "SET key value", (source, result) => {
    try {
      call.end (result);
      assert_not_reached ();
    } catch (Error error) {
      failure = error;
    }
  });
  while (peer.get_n_connections () == 0)
    yield wait (1);
  assert (client.remove_plugin ((Tornadis.Plugin) client.get_plugins ().get_item (0)));
  while (failure == null)
    yield wait (1);
  assert (failure is Tornadis.Error.CLOSED);
  assert ("the plugin was removed" in failure.message);
  assert (client.title == @"127.0.0.1:$(server.get_port ())");
  assert ((yield client.call_async (command ("EXISTS key"))).get_integer () == 0);
}

int main (string[] args) {
  Test.init (ref args);
  add ("/vala/cluster/one-server", (s, c) => test_one_server.begin (s, c), (r) => test_one_server.end (r));
  add ("/vala/cluster/cluster", (s, c) => test_cluster.begin (s, c), (r) => test_cluster.end (r));
  add ("/vala/cluster/refused", (s, c) => test_refused.begin (s, c), (r) => test_refused.end (r));
  add ("/vala/cluster/removed", (s, c) => test_removed.begin (s, c), (r) => test_removed.end (r));
  return Test.run ();
}
