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
  add ("/vala/plugin-hooks/retry-sees", (s, c) => test_retry_sees.begin (s, c), (r) => test_retry_sees.end (r));
  add ("/vala/plugin-hooks/setup-and-push", (s, c) => test_setup_and_push.begin (s, c), (r) => test_setup_and_push.end (r));
  add ("/vala/plugin-hooks/looking", (s, c) => test_looking.begin (s, c), (r) => test_looking.end (r));
  add ("/vala/plugin-hooks/keeping", (s, c) => test_keeping.begin (s, c), (r) => test_keeping.end (r));
  add ("/vala/plugin-hooks/changing", (s, c) => test_changing.begin (s, c), (r) => test_changing.end (r));
  return Test.run ();
}
