/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Subscriptions and messages, as Vala reads them. */

using Harness;

Tornadis.PubSubClient make_pubsub (TornadisHarness.Redis server) {
  return new Tornadis.PubSubClient.for_unix_socket (server.get_socket_path ());
}

async void test_messages (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var pubsub = make_pubsub (server);
  string? news = null;
  pubsub.message["news"].connect ((message) => {
    news = message.get_text ();
  });
  assert (yield pubsub.subscribe_async ({ "news", "other" }));
  assert (yield pubsub.psubscribe_async ({ "p*" }));
  assert (pubsub.subscribed);
  yield client.call_async (command ("PUBLISH news hello"));
  yield client.call_async (command ("PUBLISH other there"));
  yield client.call_async (command ("PUBLISH pp everywhere"));

  var message = yield pubsub.pop_message_async ();
  assert (message.get_channel () == "other" && message.get_pattern () == null);
  assert (message.get_text () == "there" && message.get_payload ().get_size () == 5);
  assert (message.get_channel_bytes ().get_size () == 5);
  message = yield pubsub.pop_message_async (5);
  assert (message.get_channel () == "pp" && message.get_pattern () == "p*");
  assert (news == "hello");
  assert ((yield pubsub.pop_message_async (0.05)) == null);

  assert (yield pubsub.unsubscribe_async ({ "news" }));
  assert (yield pubsub.unsubscribe_async ());
  assert (yield pubsub.punsubscribe_async ());
  assert (!pubsub.subscribed);
  try {
    yield pubsub.pop_message_async ();
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
  }
}

async void test_fault_08_names_of_bytes (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var pubsub = make_pubsub (server);
  Bytes[] names = { new Bytes ({ 255, 0, 97 }), new Bytes ({ 98 }) };
  assert (yield pubsub.subscribe_bytes_async (Tornadis.SubscriptionKind.CHANNEL, names));
  yield client.call_async (new Tornadis.Command.bytes ({ new Bytes ("PUBLISH".data), names[0], new Bytes ("x".data) }));
  var message = yield pubsub.pop_message_async (5);
  assert (message.get_channel_bytes ().compare (names[0]) == 0 && message.get_text () == "x");
  assert (message.get_reply ().get_text () == "x");
  pubsub.unpop_message (message);
  message = yield pubsub.pop_message_async (0);
  assert (message.get_channel_bytes ().compare (names[0]) == 0);
  assert (yield pubsub.unsubscribe_bytes_async (Tornadis.SubscriptionKind.CHANNEL, names[0:1]));
  assert (pubsub.subscribed);
  assert (yield pubsub.unsubscribe_bytes_async (Tornadis.SubscriptionKind.CHANNEL));
  assert (!pubsub.subscribed);
}

async void test_fault_08_keys (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var pubsub = make_pubsub (server);
  yield pubsub.subscribe_async ({ "__redis__:invalidate" });
  yield client.call_async (command ("CLIENT TRACKING ON REDIRECT %s".printf (pubsub.connection_id.to_string ())));
  yield client.call_async (command ("GET key"));
  yield client.call_async (command ("SET key 1"));
  var message = yield pubsub.pop_message_async (5);
  assert (message.get_payload () == null && message.get_text () == null);
  assert (message.get_reply ().get_n_elements () == 1 && message.get_reply ().get_element (0).get_text () == "key");
}

async void test_shard_channels (TornadisHarness.Redis server) throws Error {
  var pubsub = make_pubsub (server);
  assert (yield pubsub.ssubscribe_async ({ "shard" }));
  yield make_client (server).call_async (command ("SPUBLISH shard hello"));
  var message = yield pubsub.pop_message_async ();
  assert (message.get_text () == "hello");
  assert (message.is_shard ());
  assert (yield pubsub.sunsubscribe_async ());
}

async void test_kept_messages (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var pubsub = make_pubsub (server);
  Tornadis.Message[] messages = {};
  pubsub.message.connect ((message) => {
    messages += message;
    if (messages.length == 3)
      Idle.add (test_kept_messages.callback);
  });
  yield pubsub.subscribe_async ({ "a" });
  client.submit (command ("PUBLISH a 0"));
  client.submit (command ("PUBLISH a 1"));
  client.submit (command ("PUBLISH a 2"));
  yield;
  for (int i = 0; i < 3; i++)
    assert (messages[i].get_text () == i.to_string ());
}

async void test_signals (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var pubsub = make_pubsub (server);
  string seen = "";
  int n_overflows = 0;
  int n_gaps = 0;
  pubsub.subscription_added.connect ((name, count) => seen += @"+$name$count");
  pubsub.subscription_removed.connect ((name, count) => seen += @"-$name$count");
  pubsub.overflow.connect (() => n_overflows++);
  pubsub.gap.connect (() => n_gaps++);
  pubsub.max_pending = 2;
  yield pubsub.subscribe_async ({ "a", "b" });
  yield pubsub.unsubscribe_async ({ "b" });
  assert (seen == "+a1+b2-b1");
  for (int i = 0; i < 5; i++)
    yield client.call_async (command (@"PUBLISH a $i"));
  while (n_overflows == 0)
    yield wait (5);
  for (int i = 0; i < 5; i++) {
    var message = yield pubsub.pop_message_async ();
    assert (message.get_text () == i.to_string ());
  }
  server.restart ();
  while (n_gaps == 0)
    yield wait (5);
  assert (pubsub.subscribed);
}

async void test_constructors (TornadisHarness.Redis server) throws Error {
  Tornadis.PubSubClient[] clients = {
    new Tornadis.PubSubClient ("127.0.0.1", (uint16) server.get_port ()),
    new Tornadis.PubSubClient.for_uri ("unix://" + server.get_socket_path ())
  };
  foreach (var pubsub in clients) {
    assert (yield pubsub.subscribe_async ({ "a" }));
    try {
      yield pubsub.call_async (command ("PING"));
      assert_not_reached ();
    } catch (Tornadis.Error error) {
      assert (error is Tornadis.Error.USAGE);
    }
  }
}

int main (string[] args) {
  Test.init (ref args);
  add ("/vala/pub-sub/messages", (s, c) => test_messages.begin (s, c), (r) => test_messages.end (r));
  add ("/vala/pub-sub/fault-08-names-of-bytes", (s, c) => test_fault_08_names_of_bytes.begin (s, c), (r) => test_fault_08_names_of_bytes.end (r));
  add ("/vala/pub-sub/fault-08-keys", (s, c) => test_fault_08_keys.begin (s, c), (r) => test_fault_08_keys.end (r));
  add ("/vala/pub-sub/shard-channels", (s, c) => test_shard_channels.begin (s, c), (r) => test_shard_channels.end (r));
  add ("/vala/pub-sub/kept", (s, c) => test_kept_messages.begin (s, c), (r) => test_kept_messages.end (r));
  add ("/vala/pub-sub/signals", (s, c) => test_signals.begin (s, c), (r) => test_signals.end (r));
  add ("/vala/pub-sub/constructors", (s, c) => test_constructors.begin (s, c), (r) => test_constructors.end (r));
  return Test.run ();
}
