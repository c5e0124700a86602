/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The same story as the C tests, as Vala reads it. */

async void talk (string path) throws Error {
  var client = new Tornadis.Client.for_unix_socket (path);
  assert (yield client.connect_async (null));
  assert (client.connected);

  var reply = yield client.call_async (new Tornadis.Command.strv ({ "SET", "k", "v" }), null);
  assert (reply.get_kind () == Tornadis.ReplyKind.STATUS);

  var command = new Tornadis.Command ("GET");
  command.append_string ("k");
  reply = yield client.call_async (command, null);
  assert (reply.get_text () == "v");

  try {
    yield client.call_async (new Tornadis.Command.strv ({ "LPUSH", "k", "x" }), null);
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.REPLY);
  }

  var pipeline = new Tornadis.Pipeline ();
  pipeline.stack_strv ({ "INCR", "n" });
  pipeline.stack_strv ({ "INCR", "n" });
  reply = yield client.call_pipeline_async (pipeline, null);
  assert (reply.get_n_elements () == 2);
  assert (reply.get_element (1).get_integer () == 2);
}

async void listen (string path) throws Error {
  var client = new Tornadis.Client.for_unix_socket (path);
  var pubsub = new Tornadis.PubSubClient.for_unix_socket (path);
  string? news = null;

  pubsub.message["news"].connect ((message) => {
    news = message.get_text ();
  });
  assert (yield pubsub.subscribe_async ({ "news", "other" }, null));
  yield client.call_async (new Tornadis.Command.strv ({ "PUBLISH", "news", "hello" }), null);
  yield client.call_async (new Tornadis.Command.strv ({ "PUBLISH", "other", "there" }), null);
  var message = yield pubsub.pop_message_async (5, null);
  assert (message.get_text () == "there");
  assert (news == "hello");
  assert ((yield pubsub.pop_message_async (0.05, null)) == null);
  assert (yield pubsub.unsubscribe_async (null, null));
}

async void share (string path) throws Error {
  var pool = new Tornadis.ClientPool (new Tornadis.Client.for_unix_socket (path));
  pool.max_size = 1;
  var client = yield pool.get_connected_client_async (null);
  assert (pool.get_client_nowait () == null);
  pool.release_client (client);
  var reply = yield pool.call_async (new Tornadis.Command ("PING"), null);
  assert (reply.get_text () == "PONG");
}

class Upper : Tornadis.Plugin {
  public int n_calls = 0;

  public override bool call (Tornadis.Call call) {
    n_calls++;
    Timeout.add (10, () => {
      call.proceed ();
      return Source.REMOVE;
    });
    return true;
  }
}

async void plug (string path) throws Error {
  var client = new Tornadis.Client.for_unix_socket (path);
  var plugin = new Upper ();
  client.add_plugin (plugin);
  var reply = yield client.call_async (new Tornadis.Command ("PING"), null);
  assert (reply.get_text () == "PONG");
  assert (plugin.n_calls == 1);
}

delegate void Begin (string path, AsyncReadyCallback callback);
delegate void End (AsyncResult result) throws Error;

void check (Begin begin, End end) {
  try {
    var server = new TornadisHarness.Redis (null);
    var loop = new MainLoop ();
    begin (server.get_socket_path (), (object, result) => {
      try {
        end (result);
      } catch (Error error) {
        GLib.error ("%s", error.message);
      }
      loop.quit ();
    });
    loop.run ();
  } catch (Error error) {
    GLib.error ("%s", error.message);
  }
}

int main (string[] args) {
  Test.init (ref args);
  Test.add_func ("/vala/calls", () => check ((p, c) => talk.begin (p, c), (r) => talk.end (r)));
  Test.add_func ("/vala/pub-sub", () => check ((p, c) => listen.begin (p, c), (r) => listen.end (r)));
  Test.add_func ("/vala/pool", () => check ((p, c) => share.begin (p, c), (r) => share.end (r)));
  Test.add_func ("/vala/plugin", () => check ((p, c) => plug.begin (p, c), (r) => plug.end (r)));
  return Test.run ();
}
