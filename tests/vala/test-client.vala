/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Clients, commands, replies, pipelines and pools, as Vala reads them. */

using Harness;

async void test_calls (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  assert (yield client.connect_async ());
  assert (client.connected && client.is_connected ());
  assert (client.state == Tornadis.ClientState.CONNECTED);
  assert (client.protocol_version == 3);

  var reply = yield client.call_async (new Tornadis.Command.strv ({ "SET", "k", "v" }));
  assert (reply.get_kind () == Tornadis.ReplyKind.STATUS);
  assert ((yield call (client, "GET k")) == "v");
  reply = yield client.call_async (command ("GET nothing"));
  assert (reply.get_kind () == Tornadis.ReplyKind.NIL && reply.get_text () == null);

  client.close ();
  assert (!client.is_connected ());
  client.autoconnect = false;
  try {
    yield client.call_async (command ("PING"));
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.CLOSED);
  }
}

async void test_errors (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  yield client.call_async (command ("SET k v"));
  try {
    yield client.call_async (command ("LPUSH k x"));
    assert_not_reached ();
  } catch (Tornadis.Error.REPLY error) {
    assert (Tornadis.Error.dup_prefix (error) == "WRONGTYPE");
    assert (error.domain == Tornadis.Error.quark ());
  }
  try {
    yield client.call_async (command ("SUBSCRIBE a"));
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
    assert (Tornadis.Error.dup_prefix (error) == null);
  }
  try {
    yield new Tornadis.Client ("127.0.0.1", 1).connect_async ();
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.CONNECT);
  }
}

async void test_cancelled (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var cancellable = new Cancellable ();
  Timeout.add (50, () => {
    cancellable.cancel ();
    return Source.REMOVE;
  });
  try {
    yield client.call_async (command ("BLPOP nothing 1"), cancellable);
    assert_not_reached ();
  } catch (IOError error) {
    assert (error is IOError.CANCELLED);
  }
  assert ((yield call (client, "ECHO mine")) == "mine");
}

class Counter {
  public int n;
  public static int n_left = 0;

  public Counter () {
    n_left++;
  }

  ~Counter () {
    n_left--;
  }
}

/* The closure of a callback lives until it was called. */
void submit_counting (Tornadis.Client client, Counter total, owned SourceFunc done) {
  var counter = new Counter ();
  client.submit (command ("ECHO x"), (self, reply, error) => {
    assert (self == client && error == null && reply.get_text () == "x");
    counter.n++;
    total.n += counter.n;
  });
  client.submit (command ("INCR x y"), (self, reply, error) => {
    assert (reply == null && error is Tornadis.Error.REPLY);
    counter.n++;
    total.n += counter.n;
    done ();
  });
  assert (counter.n == 0);
}

async void test_submit (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var total = new Counter ();
  assert (Counter.n_left == 1);
  client.submit (command ("SET k v"));
  submit_counting (client, total, () => {
    Idle.add (test_submit.callback);
    return Source.REMOVE;
  });
  yield;
  assert (total.n == 3);
  assert (Counter.n_left == 1);

  Tornadis.Reply? kept = null;
  var pipeline = new Tornadis.Pipeline ();
  pipeline.stack_strv ({ "GET", "k" });
  client.submit_pipeline (pipeline);
  client.submit_pipeline (pipeline, (self, reply, error) => {
    kept = reply;
    Idle.add (test_submit.callback);
  });
  yield;
  assert (kept.get_element (0).get_text () == "v");
}

async void test_constructors (TornadisHarness.Redis server) throws Error {
  var by_host = new Tornadis.Client ("127.0.0.1", (uint16) server.get_port ());
  assert ((yield call (by_host, "PING")) == "PONG");
  var by_uri = new Tornadis.Client.for_uri ("unix://%s?db=2&client-name=vala".printf (server.get_socket_path ()));
  assert (by_uri.db == 2);
  assert ((yield call (by_uri, "CLIENT GETNAME")) == "vala");
  try {
    new Tornadis.Client.for_uri ("http://a");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
  }
}

async string? get_failure (Tornadis.Client client) {
  try {
    yield client.connect_async ();
    return null;
  } catch (Error error) {
    return error.message;
  }
}

async void test_username_alone (TornadisHarness.Redis server) throws Error {
  yield make_client (server).call_async (command ("ACL SETUSER reader reset on nopass +@all"));
  var by_uri = new Tornadis.Client.for_uri ("redis://reader:@127.0.0.1:%u".printf (server.get_port ()));
  assert ((yield call (by_uri, "ACL WHOAMI")) == "reader");
  var client = make_client (server);
  client.username = "reader";
  assert ((yield call (client, "ACL WHOAMI")) == "reader");
  client.close ();
  client.username = "nobody";
  try {
    yield client.connect_async ();
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.AUTHENTICATION);
  }
}

async void test_client_name (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  client.client_name = "good";
  Test.expect_message ("GLib-GObject", LogLevelFlags.LEVEL_WARNING, "*out of range for property*client-name*");
  client.client_name = "two words";
  Test.assert_expected_messages ();
  assert ((yield call (client, "CLIENT GETNAME")) == "good");
  try {
    new Tornadis.Client.for_uri ("redis://h?client-name=two%20words");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
  }
}

async void test_last_words (TornadisHarness.Redis server) throws Error {
  var peer = new TornadisHarness.Peer ("expect HELLO\nsend \"-DENIED protected mode\\r\\n\"\nreset\n");
  for (var i = 0; i < 8; i++) {
    var message = yield get_failure (new Tornadis.Client ("127.0.0.1", (uint16) peer.get_port ()));
    assert ("The server said: DENIED protected mode" in message);
  }
  yield make_client (server).call_async (command ("CONFIG SET requirepass secret"));
  assert ("requires a password" in yield get_failure (make_client (server)));
}

async void test_uri_plugins (TornadisHarness.Redis server) throws Error {
  var uri = "redis://h?plugins=log,retry&retry.idempotent=SET,DEL";
  var client = new Tornadis.Client.for_uri_full (uri, Tornadis.UriFlags.ALLOW_PLUGINS);
  var pubsub = new Tornadis.PubSubClient.for_uri_full (uri, Tornadis.UriFlags.ALLOW_PLUGINS);
  var names = Value (typeof (string[]));
  client.get_plugins ().get_item (1).get_property ("idempotent", ref names);
  assert (string.joinv (" ", (string[]) names) == "SET DEL");
  assert (pubsub.get_plugins ().get_n_items () == 2);
  try {
    new Tornadis.Client.for_uri (uri);
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
  }
  try {
    new Tornadis.PubSubClient.for_uri_full (uri, Tornadis.UriFlags.NONE);
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
  }
}

class Editor : Tornadis.Client {
  public Editor (string path) {
    Object (unix_domain_socket: path, client_name: "editor", db: 1);
  }

  public async string? get_name () throws Error {
    return yield call (this, "CLIENT GETNAME");
  }
}

async void test_subclass (TornadisHarness.Redis server) throws Error {
  assert ((yield new Editor (server.get_socket_path ()).get_name ()) == "editor");
}

async void test_properties (TornadisHarness.Redis server) throws Error {
  var client = new Tornadis.Client ("example.invalid", 1) {
    aggressive_write = true,
    busy_poll = false,
    verify_replies = 50,
    call_timeout_msec = 12000,
    client_name = "vala",
    connect_timeout = 7,
    db = 3,
    max_pending = 100,
    max_queued_bytes = 1000000,
    max_reply_size = 2000000,
    protocol = Tornadis.Protocol.RESP2,
    proxy_resolver = new SimpleProxyResolver (null, null),
    read_page_size = 4096,
    read_timeout = 60,
    tcp_nodelay = false,
    tcp_user_timeout_msec = 7000,
    write_page_size = 8192
  };
  assert (client.unix_domain_socket == null && client.connectable == null && client.username == null);
  assert (client.password == null && client.tls_certificate == null && client.tls_database == null);
  assert (client.tls_server_identity == null && !client.tls && client.autoconnect);
  assert (client.host == "example.invalid" && client.port == 1 && client.title == "example.invalid:1");
  assert (client.aggressive_write && !client.busy_poll && client.verify_replies == 50 && client.call_timeout_msec == 12000 && client.client_name == "vala");
  assert (client.connect_timeout == 7 && client.db == 3 && client.max_pending == 100);
  assert (client.max_queued_bytes == 1000000 && client.max_reply_size == 2000000);
  assert (client.protocol == Tornadis.Protocol.RESP2 && client.proxy_resolver is SimpleProxyResolver);
  assert (client.read_page_size == 4096 && client.read_timeout == 60 && !client.tcp_nodelay);
  assert (client.write_page_size == 8192 && client.tcp_user_timeout_msec == 7000 && client.protocol_version == 0);
  assert (client.state == Tornadis.ClientState.DISCONNECTED);

  client.connectable = new UnixSocketAddress (server.get_socket_path ());
  assert ((yield call (client, "CLIENT GETNAME")) == "vala");
  assert (client.protocol_version == 2);
  yield client.call_async (command ("ACL SETUSER reader on >secret +@all ~*"));
  client.close ();
  client.username = "reader";
  client.password = "secret";
  assert ((yield call (client, "ACL WHOAMI")) == "reader");
}

async void test_tls (TornadisHarness.Redis _server) throws Error {
  var server = new TornadisHarness.Redis.tls ({ "--tls-auth-clients", "yes" });
  var client = new Tornadis.Client ("localhost", (uint16) server.get_tls_port ()) {
    tls = true,
    tls_certificate = new TlsCertificate.from_file (server.get_file ("client-both.pem")),
    tls_database = TlsFileDatabase.@new (server.get_file ("ca.pem")),
    tls_server_identity = new NetworkAddress ("localhost", 0)
  };
  assert ((yield call (client, "PING")) == "PONG");
}

async void test_signals (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  int n_closed = 0;
  int n_lost = 0;
  int n_scheduled = 0;
  int n_notified = 0;
  client.disconnected.connect ((error) => {
    if (error == null)
      n_closed++;
    else
      n_lost++;
  });
  client.reconnect_scheduled.connect ((attempt, delay_msec, error) => {
    assert (attempt > 0 && delay_msec <= 5000 && error.message != "");
    n_scheduled++;
  });
  client.notify["connected"].connect (() => n_notified++);
  yield client.connect_async ();
  client.close ();
  while (n_closed == 0)
    yield wait (5);
  assert (n_notified == 2 && n_lost == 0);
  yield client.connect_async ();
  server.kill ();
  while (n_scheduled == 0) {
    try {
      yield client.call_async (command ("PING"));
    } catch (Tornadis.Error error) {
      yield wait (1);
    }
  }
  assert (n_lost == 1 && n_closed == 1);
}

async void test_command (TornadisHarness.Redis server) throws Error {
  var command = new Tornadis.Command ("eval");
  command.append_string ("return {ARGV[1], ARGV[2], ARGV[3], #ARGV}");
  command.append_int64 (0);
  command.append_double (0.1);
  command.append_bytes (new Bytes ({ 0, 255 }));
  command.append_string ("");
  assert (command.get_name () == "EVAL" && command.get_n_args () == 6);
  unowned uint8[]? data_of_arg = command.get_arg_data (4);
  assert (data_of_arg.length == 2 && data_of_arg[1] == 255 && command.get_arg_data (6) == null);
  assert (command.get_arg (4).compare (new Bytes ({ 0, 255 })) == 0 && command.get_arg (6) == null);
  var reply = yield make_client (server).call_async (command);
  assert (reply.get_element (0).get_double () == 0.1);
  unowned uint8[]? data = reply.get_element (1).get_data ();
  assert (data.length == 2 && data[0] == 0 && data[1] == 255);
  assert (reply.get_element (1).get_text () == null);
  assert (reply.get_element (3).get_integer () == 3);

  var bytes = new Tornadis.Command.bytes ({ new Bytes ("ECHO".data), new Bytes ({ 1, 0 }) });
  reply = yield make_client (server).call_async (bytes);
  assert (reply.get_bytes ().get_size () == 2);
}

Tornadis.Reply parse (string resp) throws Error {
  return new Tornadis.Reply.from_resp (new Bytes (resp.data));
}

void test_reply () {
  try {
    var reply = parse ("*5\r\n:7\r\n#t\r\n,2.5\r\n$3\r\nfoo\r\n-ERR no\r\n");
    assert (reply.get_kind () == Tornadis.ReplyKind.ARRAY && reply.get_n_elements () == 5);
    assert (reply.get_element (0).get_integer () == 7 && reply.get_element (1).get_boolean ());
    assert (reply.get_element (2).get_double () == 2.5 && reply.get_element (3).get_bytes ().get_size () == 3);
    assert (reply.get_element (4).is_error () && reply.get_element (4).dup_error () is Tornadis.Error.REPLY);
    assert (reply.get_element (5) == null && reply.dup_error () == null && reply.get_bytes () == null);
    assert (reply.get_data () == null && !reply.is_error ());
    assert (reply.to_variant ().get_type_string () == "av");
    assert (@"$(reply.get_element (3))" == "\"foo\"");
    /* An element that is kept outlives its reply. */
    Tornadis.Reply element = reply.get_element (3);
    reply = parse ("%1\r\n+k\r\n+v\r\n");
    assert (element.get_text () == "foo");
    assert (reply.lookup ("k").get_text () == "v" && reply.lookup ("x") == null);
    parse ("nonsense");
    assert_not_reached ();
  } catch (Error error) {
    assert (error is Tornadis.Error.PROTOCOL);
  }
}

async void test_pipeline (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var pipeline = new Tornadis.Pipeline ();
  pipeline.stack_strv ({ "SET", "k", "v" });
  pipeline.stack_command (command ("LPUSH k x"));
  pipeline.stack_command (command ("GET k"));
  assert (pipeline.number_of_stacked_calls == 3 && pipeline.get_number_of_stacked_calls () == 3);
  assert (pipeline.get_command (1).get_name () == "LPUSH" && pipeline.get_command (3) == null);
  var replies = yield client.call_pipeline_async (pipeline);
  assert (replies.get_n_elements () == 3);
  assert (replies.get_element (1).is_error () && replies.get_element (2).get_text () == "v");

  pipeline.clear ();
  pipeline.stack_commands ({ command ("GET k"), command ("ECHO x") });
  replies = yield client.call_pipeline_async (pipeline);
  assert (replies.get_element (0).get_text () == "v" && replies.get_element (1).get_text () == "x");
  assert (pipeline.get_commands ().length == 2 && pipeline.get_commands ()[1].get_name () == "ECHO");

  pipeline.clear ();
  pipeline.atomic = true;
  assert (pipeline.get_atomic ());
  pipeline.stack_strv ({ "INCR", "n" });
  pipeline.stack_strv ({ "INCR", "n" });
  replies = yield client.call_pipeline_async (pipeline);
  assert (replies.get_element (1).get_integer () == 2);
  pipeline.set_atomic (false);
  assert (!pipeline.atomic);

  pipeline.clear ();
  try {
    yield client.call_pipeline_async (pipeline);
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
  }
}

async void test_pool (TornadisHarness.Redis server) throws Error {
  var template = make_client (server);
  var pool = new Tornadis.ClientPool (template) { max_size = 1, client_timeout = 60, autoclose = true };
  assert (pool.template == template && pool.max_size == 1 && pool.client_timeout == 60 && pool.autoclose);
  assert (yield pool.preconnect_async ());
  assert (pool.size == 1 && pool.idle == 1 && pool.waiting == 0);

  var client = yield pool.get_connected_client_async ();
  assert (pool.get_client_nowait () == null && pool.idle == 0);
  Tornadis.Reply? pong = null;
  pool.call_async.begin (command ("PING"), null, (object, result) => {
    try {
      pong = pool.call_async.end (result);
    } catch (Error error) {
      assert_not_reached ();
    }
    Idle.add (test_pool.callback);
  });
  assert (pool.waiting == 1);
  pool.release_client (client);
  yield;
  assert (pong.get_text () == "PONG");

  var pipeline = new Tornadis.Pipeline ();
  pipeline.stack_strv ({ "PING" });
  var replies = yield pool.call_pipeline_async (pipeline);
  assert (replies.get_element (0).get_text () == "PONG");
  var another = pool.get_client_nowait ();
  pool.release_client (another);
  pool.destroy ();
  assert (pool.size == 0);
  try {
    yield new Tornadis.ClientPool (template).preconnect_async ();
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
  }
}

async void test_disposed (TornadisHarness.Redis server) throws Error {
  uint told = 0;
  var client = make_client (server);
  client.disconnected.connect ((error) => told++);
  client.notify.connect ((pspec) => told++);
  assert ((yield call (client, "PING")) == "PONG");
  assert (told > 0);
  /* The call that has ended has the client for as long as its callback runs. */
  Idle.add (test_disposed.callback);
  yield;
  told = 0;
  Error? lost = null;
  client.submit (command ("PING"), (self, reply, error) => {
    lost = error;
  });
  client = null;
  assert (lost != null && lost is Tornadis.Error);
  assert (told == 0);
}

void test_version () {
  assert (Tornadis.VERSION_S == @"$(Tornadis.MAJOR_VERSION).$(Tornadis.MINOR_VERSION).$(Tornadis.MICRO_VERSION)");
}

int main (string[] args) {
  Test.init (ref args);
  add ("/vala/client/calls", (s, c) => test_calls.begin (s, c), (r) => test_calls.end (r));
  add ("/vala/client/errors", (s, c) => test_errors.begin (s, c), (r) => test_errors.end (r));
  add ("/vala/client/cancelled", (s, c) => test_cancelled.begin (s, c), (r) => test_cancelled.end (r));
  add ("/vala/client/submit", (s, c) => test_submit.begin (s, c), (r) => test_submit.end (r));
  add ("/vala/client/constructors", (s, c) => test_constructors.begin (s, c), (r) => test_constructors.end (r));
  add ("/vala/client/fault-01-username-alone", (s, c) => test_username_alone.begin (s, c), (r) => test_username_alone.end (r));
  add ("/vala/client/fault-06-client-name", (s, c) => test_client_name.begin (s, c), (r) => test_client_name.end (r));
  add ("/vala/client/fault-09-last-words", (s, c) => test_last_words.begin (s, c), (r) => test_last_words.end (r));
  add ("/vala/client/fault-18-uri-plugins", (s, c) => test_uri_plugins.begin (s, c), (r) => test_uri_plugins.end (r));
  add ("/vala/client/subclass", (s, c) => test_subclass.begin (s, c), (r) => test_subclass.end (r));
  add ("/vala/client/properties", (s, c) => test_properties.begin (s, c), (r) => test_properties.end (r));
  add ("/vala/client/tls", (s, c) => test_tls.begin (s, c), (r) => test_tls.end (r));
  add ("/vala/client/signals", (s, c) => test_signals.begin (s, c), (r) => test_signals.end (r));
  add ("/vala/client/disposed", (s, c) => test_disposed.begin (s, c), (r) => test_disposed.end (r));
  add ("/vala/command", (s, c) => test_command.begin (s, c), (r) => test_command.end (r));
  add ("/vala/pipeline", (s, c) => test_pipeline.begin (s, c), (r) => test_pipeline.end (r));
  add ("/vala/client-pool", (s, c) => test_pool.begin (s, c), (r) => test_pool.end (r));
  Test.add_func ("/vala/reply", test_reply);
  Test.add_func ("/vala/version", test_version);
  return Test.run ();
}
