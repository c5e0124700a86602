/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What plugins in Vala do in their hooks: calls of their own, looking on, retries, answers that come late. */

using Harness;

/* Asks the server, and another client, before a GET goes on as an ECHO of both answers. */
class Asking : Tornadis.Plugin {
  public Tornadis.Client other;
  public string seen = "";

  public override bool call (Tornadis.Call call) {
    seen += call.get_name () + ";";
    if (call.get_name () != "GET")
      return false;
    ask.begin (call);
    return true;
  }

  private async void ask (Tornadis.Call call) {
    string answers = "";
    submit (call.get_client (), command ("GET own"), (client, reply, error) => {
      assert (error == null);
      answers = reply.get_text ();
      ask.callback ();
    });
    yield;
    try {
      var theirs = yield other.call_async (command ("GET theirs"));
      call.set_command (command ("ECHO " + answers + theirs.get_text ()));
      call.proceed ();
    } catch (Error error) {
      call.return_error (error);
    }
  }
}

delegate bool OnCall (Tornadis.Call call);
delegate void OnDone (Tornadis.Call call);

/* Runs functions in its hooks. */
class Acting : Tornadis.Plugin {
  public OnCall? on_call;
  public OnDone? on_done;

  public Acting (owned OnCall? on_call, owned OnDone? on_done = null) {
    this.on_call = (owned) on_call;
    this.on_done = (owned) on_done;
  }

  public override bool call (Tornadis.Call call) {
    return on_call != null && on_call (call);
  }

  public override void call_done (Tornadis.Call call) {
    if (on_done != null)
      on_done (call);
  }
}

/* Has commands for every connection, and takes pushes or lets them pass. */
class Greeting : Tornadis.Plugin {
  public string name;
  public bool takes;
  public string pushes = "";

  public Greeting (string name, bool takes) {
    this.name = name;
    this.takes = takes;
  }

  public override void setup (Tornadis.Pipeline commands) {
    commands.stack_strv ({ "APPEND", "order", name });
    commands.stack_strv ({ "CLIENT", "TRACKING", "ON" });
  }

  public override bool push (Tornadis.Reply push) {
    pushes += push.get_element (0).get_text ();
    return takes;
  }
}

class Looking : Tornadis.Plugin {
  public string log = "";

  public override void observe (Tornadis.Client client, Tornadis.Command? command, Tornadis.Pipeline? pipeline,
                                Tornadis.Reply? reply, Error? error, int64 elapsed) {
    assert (elapsed >= 0 && (reply == null) != (error == null));
    log += @"$(command != null ? command.get_name () : "PIPELINE") $(error == null);";
  }

  public override void client_acquired (Tornadis.Client client, int64 elapsed) {
    assert (elapsed >= 0);
    log += "client_acquired;";
  }
}

delegate bool Judge (Tornadis.Client client, Tornadis.Reply replies) throws Error;

/* Named by a scheme, and asked whether a server is the right one, which is the test's to say. */
class Choosing : Tornadis.Plugin {
  public string? uri { get; construct; }
  public uint level { get; set; }

  public string[] commands = {};
  public Judge? judge;
  public Tornadis.Reply[] kept = {};

  /* That is in its path. */
  public override bool attach (Tornadis.Client client) throws Error {
    if (uri != null && uri.contains ("://there/"))
      client.unix_domain_socket = uri.split ("://there")[1];
    return true;
  }

  public override void setup (Tornadis.Pipeline pipeline) {
    foreach (var line in commands)
      pipeline.stack_strv (line.split (" "));
  }

  public override bool setup_done (Tornadis.Client client, Tornadis.Reply replies) throws Error {
    assert (replies.get_n_elements () == commands.length);
    kept += replies;
    return judge == null || judge (client, replies);
  }
}

async void test_asking (TornadisHarness.Redis server) throws Error {
  var asking = new Asking ();
  asking.other = make_client (server);
  yield call (asking.other, "MSET own a theirs b");
  string behind = "";
  var client = make_client (server);
  client.add_plugin (asking);
  client.add_plugin (new Acting ((call) => {
    behind += call.get_name () + ";";
    return false;
  }));
  assert ((yield call (client, "GET k")) == "ab");
  assert (asking.seen == "GET;" && behind == "GET;ECHO;");
}

/* Over the connections of others: to the next when one cannot be reached. */
async void test_forward (TornadisHarness.Redis server) throws Error {
  var there = new TornadisHarness.Redis (null);
  var nowhere = new Tornadis.Client.for_unix_socket ("/nonexistent");
  var other = make_client (there);
  var client = make_client (server);
  string log = "";
  int seen = 0;
  client.add_plugin (new Acting ((call) => {
    assert (call.get_target () == null);
    if (call.get_name () != "GET" && call.get_name () != "PIPELINE")
      return false;
    call.forward (log.has_suffix ("nowhere;") ? other : nowhere);
    return true;
  }, (call) => {
    assert (call.get_attempt () == 1);
    log += call.get_name ();
    if (call.get_target () == nowhere) {
      assert (call.dup_error () is Tornadis.Error.CONNECT);
      log += " nowhere";
      call.retry (0);
    } else if (call.get_target () == other)
      log += " other";
    log += ";";
  }));
  client.add_plugin (new Acting ((call) => {
    seen++;
    return false;
  }));
  yield call (other, "SET k there");
  assert ((yield call (client, "SET k here")) == "OK");
  assert ((yield call (client, "GET k")) == "there");
  var pipeline = new Tornadis.Pipeline ();
  pipeline.stack_strv ({ "GET", "k" });
  pipeline.stack_strv ({ "INCR", "n" });
  var replies = yield client.call_pipeline_async (pipeline);
  assert (replies.get_element (0).get_text () == "there" && replies.get_element (1).get_integer () == 1);
  assert (log == "SET;GET nowhere;GET other;PIPELINE nowhere;PIPELINE other;" && seen == 1);
}

/* A call that is kept is forwarded when the plugin likes. */
async void test_forward_later (TornadisHarness.Redis server) throws Error {
  var client = new Tornadis.Client.for_unix_socket ("/nonexistent");
  var other = make_client (server);
  client.add_plugin (new Acting ((call) => {
    Idle.add (() => {
      call.forward (other);
      return Source.REMOVE;
    });
    return true;
  }));
  assert ((yield call (client, "ECHO x")) == "x");
  assert (other.is_connected () && !client.is_connected ());
}

async void test_retry_sees (TornadisHarness.Redis server) throws Error {
  string seen = "";
  var client = make_client (server);
  client.add_plugin (new Acting (null, (call) => {
    if (call.dup_error () != null && call.get_attempt () < 3)
      call.retry (0);
  }));
  client.add_plugin (new Acting ((call) => {
    var error = call.dup_error ();
    seen += @"$(call.get_attempt ()) $(error is Tornadis.Error.REPLY);";
    if (call.get_attempt () == 3)
      call.set_command (command ("ECHO enough"));
    return false;
  }));
  assert ((yield call (client, "NOSUCHCOMMAND")) == "enough");
  assert (seen == "1 false;2 true;3 true;");
}

async void test_setup_and_push (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  Greeting[] plugins = { new Greeting ("a", false), new Greeting ("b", true), new Greeting ("c", true) };
  foreach (var plugin in plugins)
    client.add_plugin (plugin);
  assert ((yield call (client, "GET order")) == "abc");
  yield call (client, "SET order x");
  yield call (client, "PING");
  assert (plugins[0].pushes == "invalidate" && plugins[1].pushes == "invalidate" && plugins[2].pushes == "");
}

async void test_looking (TornadisHarness.Redis server) throws Error {
  var looking = new Looking ();
  var client = make_client (server);
  client.add_plugin (looking);
  yield call (client, "SET k v");
  try {
    yield call (client, "INCR k");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.REPLY);
  }
  var pipeline = new Tornadis.Pipeline ();
  pipeline.stack_strv ({ "PING" });
  yield client.call_pipeline_async (pipeline);
  var pool = new Tornadis.ClientPool (client);
  yield pool.call_async (command ("PING"));
  assert (looking.log == "SET true;INCR false;PIPELINE true;client_acquired;PING true;");
}

void fails (string uri, int code) {
  for (int i = 0; i < 2; i++)
    try {
      var unused = i == 0 ? new Tornadis.Client.for_uri (uri) : new Tornadis.PubSubClient.for_uri (uri);
      error ("%p of %s", unused, uri);
    } catch (Error error) {
      assert (error.matches (Tornadis.Error.quark (), code));
    }
}

async void test_schemes (TornadisHarness.Redis server) throws Error {
  Tornadis.Plugin.register ("vala-choosing", typeof (Choosing));
  var client = new Tornadis.Client.for_uri ("valkeys-vala-choosing://joe:s%40@[::1]:7,h2/x?level=3&client-name=a&db=4");
  var plugin = client.get_plugins ().get_item (0) as Choosing;
  assert (plugin.uri == "valkeys-vala-choosing://[::1]:7,h2/x" && plugin.level == 3);
  assert (client.username == "joe" && client.password == "s@" && client.client_name == "a" && client.db == 4 && client.tls);
  fails ("redis-vala-choosing://h?level=x", Tornadis.Error.PLUGIN);
  fails ("redis-vala-choosing://h?uri=x", Tornadis.Error.PLUGIN);
  fails ("redis-vala-choosing://h?nothing=x", Tornadis.Error.USAGE);
  fails ("redis-no-such://h", Tornadis.Error.PLUGIN);
  fails ("redis-log://h", Tornadis.Error.USAGE);
  fails ("valkey:h", Tornadis.Error.USAGE);

  string[] uris = { "redis-vala-choosing://there" + server.get_socket_path (), "VALKEY-vala-choosing://there" + server.get_socket_path (),
                    "valkey://127.0.0.1:%u".printf (server.get_port ()), "valkey+unix://" + server.get_socket_path () };
  foreach (var uri in uris) {
    var template = new Tornadis.Client.for_uri (uri);
    assert ((yield call (template, "PING")) == "PONG");
    var pool = new Tornadis.ClientPool (template);
    assert ((yield pool.call_async (command ("PING"))).get_text () == "PONG");
  }
}

/* Each sees the replies to its own commands, errors too, and may refuse. */
async void test_setup_done (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  Choosing[] plugins = { new Choosing (), new Choosing (), new Choosing () };
  plugins[0].commands = { "ECHO one", "NOTHING", "GET none" };
  plugins[2].commands = { "ECHO two" };
  foreach (var plugin in plugins)
    client.add_plugin (plugin);
  assert ((yield call (client, "PING")) == "PONG");
  assert (plugins[0].kept[0].get_element (0).get_text () == "one" && plugins[0].kept[0].get_element (1).is_error ());
  assert (plugins[0].kept[0].get_element (2).get_kind () == Tornadis.ReplyKind.NIL);
  assert (plugins[1].kept.length == 1 && plugins[2].kept[0].get_element (0).get_text () == "two");

  Error?[] refusals = { new Tornadis.Error.AUTHENTICATION ("a replica"), new IOError.FAILED ("a replica"), null };
  int[] codes = { Tornadis.Error.AUTHENTICATION, Tornadis.Error.CONNECT, Tornadis.Error.PLUGIN };
  for (int i = 0; i < refusals.length; i++) {
    client.close ();
    plugins[0].judge = (of, replies) => {
      assert (of == client);
      if (refusals[i] != null)
        throw refusals[i];
      return false;
    };
    try {
      yield call (client, "PING");
      assert_not_reached ();
    } catch (Error error) {
      assert (error.matches (Tornadis.Error.quark (), codes[i]));
      assert (refusals[i] == null || error.message.has_suffix (": a replica"));
    }
    assert (!client.is_connected ());
  }
  /* The function refers to the client that the plugin is on. */
  plugins[0].judge = null;
  assert ((yield call (client, "PING")) == "PONG");
  assert (plugins[0].kept.length == 5 && plugins[1].kept.length == 2);
}

/* What was written is lost, and what was not goes to the other server. */
async void test_reconnect_client (TornadisHarness.Redis server) throws Error {
  var peer = new TornadisHarness.Peer ("handshake\nexpect PING\nsend \"+PONG\\r\\n\"\nexpect ECHO\nwait\n");
  var client = new Tornadis.Client ("127.0.0.1", (uint16) peer.get_port ());
  var plugin = new Choosing ();
  var wrong = new Tornadis.Error.PROTOCOL ("another is the master");
  string log = "";
  client.add_plugin (plugin);
  client.disconnected.connect ((error) => {
    log += @"$(error is Tornadis.Error.LOST) $(error.message);";
  });
  assert ((yield call (client, "PING")) == "PONG");
  client.submit (command ("ECHO written"), (client, reply, error) => {
    assert (error is Tornadis.Error.LOST && "another is the master" in error.message);
    log += "written;";
  });
  while (!("ECHO" in peer.get_received ()))
    yield wait (1);
  client.submit (command ("ECHO waiting"), (client, reply, error) => {
    log += reply.get_text ();
    test_reconnect_client.callback ();
  });
  client.port = server.get_port ();
  new Choosing ().reconnect_client (client, wrong);
  assert (client.is_connected ());
  plugin.reconnect_client (client, wrong);
  assert (!client.is_connected ());
  yield;
  assert (log == "written;true another is the master;waiting");
  assert (peer.get_failure () == null && peer.get_received ().split ("ECHO").length == 2);
}

/* The caller learns nothing of the servers that are not the right one. */
async void test_reconnect_in_setup_done (TornadisHarness.Redis server) throws Error {
  for (int i = 0; i < 2; i++) {
    var peer = new TornadisHarness.Peer ("handshake\nexpect ROLE\nsend \"*1\\r\\n$5\\r\\nslave\\r\\n\"\nwait\n");
    var client = new Tornadis.Client ("127.0.0.1", (uint16) peer.get_port ());
    var plugin = new Choosing ();
    plugin.commands = { "ROLE" };
    plugin.judge = (of, replies) => {
      if (replies.get_element (0).get_element (0).get_text () == "master")
        return true;
      of.port = server.get_port ();
      plugin.reconnect_client (of, new Tornadis.Error.CONNECT ("a slave"));
      return i == 1;
    };
    client.add_plugin (plugin);
    assert ((yield call (client, "PING")) == "PONG");
    assert (plugin.kept.length == 2);
    plugin.judge = null;
  }
}

/* A call that is kept for ever ends with its timeout, and with the client that is closed. */
async void test_keeping (TornadisHarness.Redis server) throws Error {
  Tornadis.Call? kept = null;
  int n_done = 0;
  var client = make_client (server);
  client.add_plugin (new Acting ((call) => {
    kept = call;
    return true;
  }, (call) => {
    kept = null;
    n_done++;
  }));
  client.call_timeout_msec = 30;
  try {
    yield call (client, "PING");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.TIMEOUT);
  }
  client.call_timeout_msec = 0;
  Idle.add (() => {
    client.close ();
    return Source.REMOVE;
  });
  try {
    yield call (client, "PING");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.CLOSED);
  }
  assert (n_done == 2 && kept == null);
}

/* Plugins that come and go while a call is under way, and one that calls its own client and runs the main loop. */
async void test_changing (TornadisHarness.Redis server) throws Error {
  string log = "";
  var client = make_client (server);
  Acting? first = null;
  var added = new Acting ((call) => {
    log += "added;";
    return false;
  });
  first = new Acting ((call) => {
    log += "first;";
    client.remove_plugin (first);
    try {
      client.add_plugin (added);
    } catch (Error error) {
      assert_not_reached ();
    }
    return false;
  });
  client.add_plugin (first);
  assert ((yield call (client, "ECHO x")) == "x");
  assert (log == "first;");
  assert ((yield call (client, "ECHO y")) == "y");
  assert (log == "first;added;");
  /* The function refers to the plugin that it belongs to. */
  first.on_call = null;
  client.remove_plugin (added);

  bool called = false;
  string answer = "";
  client.add_plugin (new Acting (null, (call) => {
    if (called)
      return;
    called = true;
    call.get_client ().submit (command ("ECHO mine"), (client, reply, error) => {
      answer = reply.get_text ();
    });
    while (answer == "")
      MainContext.default ().iteration (true);
  }));
  assert ((yield call (client, "ECHO z")) == "z");
  assert (answer == "mine");
}

int main (string[] args) {
  Test.init (ref args);
  add ("/vala/plugin-hooks/asking", (s, c) => test_asking.begin (s, c), (r) => test_asking.end (r));
  add ("/vala/plugin-hooks/forward", (s, c) => test_forward.begin (s, c), (r) => test_forward.end (r));
  add ("/vala/plugin-hooks/forward-later", (s, c) => test_forward_later.begin (s, c), (r) => test_forward_later.end (r));
  add ("/vala/plugin-hooks/retry-sees", (s, c) => test_retry_sees.begin (s, c), (r) => test_retry_sees.end (r));
  add ("/vala/plugin-hooks/setup-and-push", (s, c) => test_setup_and_push.begin (s, c), (r) => test_setup_and_push.end (r));
  add ("/vala/plugin-hooks/looking", (s, c) => test_looking.begin (s, c), (r) => test_looking.end (r));
  add ("/vala/plugin-hooks/schemes", (s, c) => test_schemes.begin (s, c), (r) => test_schemes.end (r));
  add ("/vala/plugin-hooks/setup-done", (s, c) => test_setup_done.begin (s, c), (r) => test_setup_done.end (r));
  add ("/vala/plugin-hooks/reconnect-client", (s, c) => test_reconnect_client.begin (s, c), (r) => test_reconnect_client.end (r));
  add ("/vala/plugin-hooks/reconnect-in-setup-done", (s, c) => test_reconnect_in_setup_done.begin (s, c),
       (r) => test_reconnect_in_setup_done.end (r));
  add ("/vala/plugin-hooks/keeping", (s, c) => test_keeping.begin (s, c), (r) => test_keeping.end (r));
  add ("/vala/plugin-hooks/changing", (s, c) => test_changing.begin (s, c), (r) => test_changing.end (r));
  return Test.run ();
}
