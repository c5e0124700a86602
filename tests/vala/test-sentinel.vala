/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that has changed its URI and nothing else, while the master dies. */

using Harness;

/* Everything that fails does so in a way that is promised. */
async Tornadis.Reply call_until_ok (Tornadis.Client client, string line) throws Error {
  while (true) {
    try {
      return yield client.call_async (command (line));
    } catch (Tornadis.Error error) {
      if (!(error is Tornadis.Error.LOST || error is Tornadis.Error.CLOSED || error is Tornadis.Error.CONNECT))
        throw error;
    }
    yield wait (1);
  }
}

async void test_client (TornadisHarness.Redis server) throws Error {
  var group = new TornadisHarness.Sentinel (null, null);
  var client = new Tornadis.Client.for_uri (group.make_uri (null));
  assert ((yield call (client, "SET key value")) == "OK");
  assert ((yield client.call_async (command ("WAIT 2 0"))).get_integer () == 2);

  group.get_server (group.find_master ()).kill ();
  assert ((yield call_until_ok (client, "GET key")).get_text () == "value");
  var role = yield client.call_async (command ("ROLE"));
  assert (role.get_element (0).get_text () == "master");
  client.close ();
}

async void test_errors (TornadisHarness.Redis server) throws Error {
  try {
    yield new Tornadis.Client.for_uri ("redis-sentinel://127.0.0.1:1/main").call_async (command ("PING"));
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.CONNECT);
  }
  try {
    new Tornadis.Client.for_uri ("redis-sentinel://127.0.0.1:1");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
  }
}

int main (string[] args) {
  Test.init (ref args);
  add ("/vala/sentinel/client", (s, c) => test_client.begin (s, c), (r) => test_client.end (r));
  add ("/vala/sentinel/errors", (s, c) => test_errors.begin (s, c), (r) => test_errors.end (r));
  return Test.run ();
}
