/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a server keeps for a connection, and what becomes of it when the connection is lost or handed on. */

using Harness;

async void cut (TornadisHarness.Redis server, Tornadis.Client client) throws Error {
  server.command (@"CLIENT KILL ID $(client.connection_id)");
  while (client.is_connected ())
    yield wait (1);
}

async void assert_lost (Tornadis.Client client, string line) {
  try {
    yield client.call_async (command (line));
    assert_not_reached ();
  } catch (Error error) {
    assert (error is Tornadis.Error.LOST);
  }
}

async void test_pristine (TornadisHarness.Redis server) throws Error {
  var pool = new Tornadis.ClientPool (make_client (server)) { max_size = 1 };
  string[] calls = { "MULTI", "SELECT 5", "EXEC" };

  var client = yield pool.get_connected_client_async ();
  var before = client.connection_id;
  foreach (var line in calls)
    yield client.call_async (command (line));
  assert (client.db == 5);
  pool.release_client (client);
  client = yield pool.get_connected_client_async ();
  assert (client.connection_id != before && client.db == 0);
  pool.release_client (client);
}

async void test_watch_lost (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var transaction = new Tornadis.Pipeline () { atomic = true };

  transaction.stack_strv ({ "SET", "stock", "0" });
  yield client.call_async (command ("WATCH stock"));
  assert (client.in_transaction && client.session_settled);
  yield cut (server, client);
  server.command ("SET stock 100");
  try {
    yield client.call_pipeline_async (transaction);
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.LOST);
  }
  assert (!client.in_transaction);
  assert ((yield call (client, "GET stock")) == "100");
}

async void test_multi_lost (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);

  yield client.call_async (command ("MULTI"));
  yield cut (server, client);
  yield assert_lost (client, "INCR n");
  yield assert_lost (client, "EXEC");
  assert ((yield call (client, "GET n")) == null);
}

async void test_given_up (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var cancellable = new Cancellable ();

  yield client.connect_async ();
  Timeout.add (50, () => {
    cancellable.cancel ();
    return Source.REMOVE;
  });
  try {
    yield client.call_async (command ("BLPOP list 0"), cancellable);
    assert_not_reached ();
  } catch (IOError.CANCELLED error) {
  }
  yield client.call_async (command ("RPUSH list x"));
  assert ((yield call (client, "LPOP list")) == "x");
}

int main (string[] args) {
  Test.init (ref args);
  add ("/vala/session/fault-02-pristine", (s, c) => test_pristine.begin (s, c), (r) => test_pristine.end (r));
  add ("/vala/session/fault-03-watch-lost", (s, c) => test_watch_lost.begin (s, c), (r) => test_watch_lost.end (r));
  add ("/vala/session/fault-03-multi-lost", (s, c) => test_multi_lost.begin (s, c), (r) => test_multi_lost.end (r));
  add ("/vala/session/fault-17-given-up", (s, c) => test_given_up.begin (s, c), (r) => test_given_up.end (r));
  return Test.run ();
}
