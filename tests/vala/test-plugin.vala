/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plugins in Vala. */

using Harness;

class Recorder : Tornadis.Plugin {
  public string log = "";
  public int n_clients = 0;

  public override bool attach (Tornadis.Client client) throws Error {
    if (client.client_name == "refused")
      throw new Tornadis.Error.PLUGIN ("not this one");
    n_clients++;
    return true;
  }

  public override void detach (Tornadis.Client client) {
    n_clients--;
  }

  public override void setup (Tornadis.Pipeline commands) {
    commands.stack_strv ({ "CLIENT", "SETNAME", "recorder" });
  }

  public override bool call (Tornadis.Call call) {
    assert (call.get_reply () == null && call.dup_error () == null);
    assert (call.get_start_time () <= get_monotonic_time ());
    log += @"call $(call.get_name ()) $(call.get_attempt ());";
    return false;
  }

  public override void call_done (Tornadis.Call call) {
    assert (call.get_elapsed () >= 0);
    assert (!call.is_abandoned ());
    log += @"done $(call.get_name ()) $(call.dup_error () == null);";
  }

  public override bool push (Tornadis.Reply push) {
    log += @"push $(push.get_element (0).get_text ());";
    return true;
  }
}

/* Hands every hook on to another plugin. */
class Forwarding : Tornadis.Plugin {
  public Recorder inner = new Recorder ();

  public override bool attach (Tornadis.Client client) throws Error {
    return inner.attach (client);
  }

  public override void detach (Tornadis.Client client) {
    inner.detach (client);
  }

  public override void setup (Tornadis.Pipeline commands) {
    inner.setup (commands);
  }

  public override bool call (Tornadis.Call call) {
    return inner.call (call);
  }

  public override void call_done (Tornadis.Call call) {
    inner.call_done (call);
  }

  public override bool push (Tornadis.Reply push) {
    return inner.push (push);
  }
}

/* Does what the name of the command says. */
class Acting : Tornadis.Plugin {
  public override bool call (Tornadis.Call call) {
    switch (call.get_name ()) {
    case "LATER":
      call.set_command (command ("PING"));
      Timeout.add (10, () => {
        call.proceed ();
        return Source.REMOVE;
      });
      return true;
    case "ANSWER":
      try {
        call.return_reply (new Tornadis.Reply.from_resp (new Bytes ("+MAGIC\r\n".data)));
      } catch (Error error) {
        assert_not_reached ();
      }
      return true;
    case "FAIL":
      call.return_error (new IOError.NO_SPACE ("full"));
      return true;
    case "DROP":
      return true;
    case "PIPELINE":
      assert (call.get_command () == null && call.get_pipeline ().number_of_stacked_calls == 2);
      return false;
    default:
      assert (call.get_command () != null && call.get_pipeline () == null);
      assert (call.get_client ().connected == (call.get_name () != "HELLO"));
      return false;
    }
  }

  public override void call_done (Tornadis.Call call) {
    if (call.get_name () == "INCR" && call.get_attempt () < 3) {
      assert (call.get_reply ().get_integer () == call.get_attempt ());
      call.retry (1);
    }
  }
}

async void talk (TornadisHarness.Redis server, Tornadis.Plugin plugin, Recorder recorder) throws Error {
  var client = make_client (server);
  assert (client.add_plugin (plugin));
  assert (recorder.n_clients == 1);
  var plugins = client.get_plugins ();
  assert (plugins.get_n_items () == 1 && plugins.get_item (0) == plugin);
  assert ((yield call (client, "CLIENT GETNAME")) == "recorder");
  try {
    yield call (client, "NOSUCHCOMMAND");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.REPLY);
  }
  assert (recorder.log == "call CLIENT 1;done CLIENT true;call NOSUCHCOMMAND 1;done NOSUCHCOMMAND false;");
  yield call (client, "CLIENT TRACKING ON");
  yield call (client, "GET k");
  yield call (client, "SET k v");
  yield call (client, "PING");
  assert ("push invalidate;" in recorder.log);
  assert (client.remove_plugin (plugin));
  assert (recorder.n_clients == 0);
  assert (!client.remove_plugin (plugin));
}

async void test_hooks (TornadisHarness.Redis server) throws Error {
  var recorder = new Recorder ();
  yield talk (server, recorder, recorder);
  try {
    var client = make_client (server);
    client.client_name = "refused";
    client.add_plugin (recorder);
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.PLUGIN && error.message == "not this one");
  }
}

async void test_forwarding (TornadisHarness.Redis server) throws Error {
  var plugin = new Forwarding ();
  yield talk (server, plugin, plugin.inner);
}

async void test_token (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  client.add_plugin (new Acting ());
  yield client.connect_async ();
  assert ((yield call (client, "LATER")) == "PONG");
  assert ((yield call (client, "ANSWER")) == "MAGIC");
  try {
    yield call (client, "FAIL");
    assert_not_reached ();
  } catch (IOError error) {
    assert (error is IOError.NO_SPACE && error.message == "full");
  }
  try {
    yield call (client, "DROP");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.PLUGIN);
  }
  var reply = yield client.call_async (command ("INCR n"));
  assert (reply.get_integer () == 3);
  var pipeline = new Tornadis.Pipeline ();
  pipeline.stack_strv ({ "PING" });
  pipeline.stack_strv ({ "PING" });
  yield client.call_pipeline_async (pipeline);
}

/* Answers all calls. */
class Answering : Tornadis.Plugin {
  public override bool call (Tornadis.Call call) {
    try {
      call.return_reply (new Tornadis.Reply.from_resp (new Bytes ("+MAGIC\r\n".data)));
    } catch (Error error) {
      assert_not_reached ();
    }
    return true;
  }
}

async void test_stands_in (TornadisHarness.Redis server) throws Error {
  var client = new Tornadis.Client ("127.0.0.1", 1);
  var plugin = new Answering ();
  string log = "";
  client.add_plugin (plugin);
  client.disconnected.connect ((error) => log += error != null ? @"lost $(error.message);" : "closed;");
  client.notify["state"].connect (() => log += @"$((int) client.state);");
  try {
    yield call (client, "SUBSCRIBE news");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.USAGE);
  }
  assert (yield client.connect_async ());
  assert (client.connected);
  plugin.set_client_lost (client, new Tornadis.Error.LOST ("it"));
  plugin.set_client_state (client, Tornadis.ClientState.WAITING);
  plugin.set_client_state (client, Tornadis.ClientState.CONNECTED);
  plugin.set_client_in_transaction (client, true);
  assert (client.is_in_transaction () && client.in_transaction);
  client.close ();
  assert (!client.is_in_transaction ());
  assert (log == "2;0;lost it;3;2;0;closed;");

  /* Pools ask as everybody does, and their calls connect by themselves. */
  var pool = new Tornadis.ClientPool (client);
  var taken = yield pool.get_connected_client_async ();
  assert (taken.connected && (yield call (taken, "GET k")) == "MAGIC");
  pool.release_client (taken);
  assert ((yield pool.call_async (command ("GET k"))).get_text () == "MAGIC" && pool.idle == 1);
}

/* Asks for everything three times. */
class Insisting : Tornadis.Plugin {
  public string log = "";

  public override void call_done (Tornadis.Call call) {
    log += call.get_name () + (call.is_in_transaction () ? "!" : "") + ";";
    if (call.get_attempt () < 3)
      call.retry (0);
  }
}

/* No plugin makes a part of a transaction run by itself. */
async void test_not_repeated (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var plugin = new Insisting ();
  client.add_plugin (plugin);
  yield call (client, "MULTI");
  assert (client.is_in_transaction () && client.is_session_settled ());
  yield client.call_async (command ("INCR n"));
  yield client.call_async (command ("EXEC"));
  assert (!client.is_in_transaction ());
  assert ((yield client.call_async (command ("INCR n"))).get_integer () == 4);
  assert (plugin.log == "MULTI!;INCR!;EXEC!;INCR;INCR;INCR;");
}

async void test_registry (TornadisHarness.Redis server) throws Error {
  assert (Tornadis.Plugin.register ("vala-recorder", typeof (Recorder)));
  assert (!Tornadis.Plugin.register ("vala-recorder", typeof (Recorder)));
  assert ("vala-recorder" in Tornadis.Plugin.list_names ());
  assert (Tornadis.PLUGIN_EXTENSION_POINT_NAME == "tornadis-plugin");
  Tornadis.Plugin plugin = Tornadis.Plugin.new_by_name ("vala-recorder");
  assert (plugin is Recorder);
  assert (Tornadis.Plugin.new_with_options ("vala-recorder", { }) is Recorder);
  unowned Tornadis.Plugin added = make_client (server).add_plugin_by_name ("vala-recorder");
  assert (added != plugin);
  try {
    Tornadis.Plugin.new_by_name ("no-such-plugin");
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.PLUGIN);
  }
}

int main (string[] args) {
  Test.init (ref args);
  add ("/vala/plugin/hooks", (s, c) => test_hooks.begin (s, c), (r) => test_hooks.end (r));
  add ("/vala/plugin/forwarding", (s, c) => test_forwarding.begin (s, c), (r) => test_forwarding.end (r));
  add ("/vala/plugin/token", (s, c) => test_token.begin (s, c), (r) => test_token.end (r));
  add ("/vala/plugin/fault-15-stands-in", (s, c) => test_stands_in.begin (s, c), (r) => test_stands_in.end (r));
  add ("/vala/plugin/fault-03-not-repeated", (s, c) => test_not_repeated.begin (s, c), (r) => test_not_repeated.end (r));
  add ("/vala/plugin/registry", (s, c) => test_registry.begin (s, c), (r) => test_registry.end (r));
  return Test.run ();
}
