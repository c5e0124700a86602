/* SPDX-License-Identifier: LGPL-2.1-or-later */

async void talk (Tornadis.Client client) throws Error {
  yield client.call_async (new Tornadis.Command.strv ({ "SET", "greeting", "hello" }));
  var reply = yield client.call_async (new Tornadis.Command.strv ({ "GET", "greeting" }));
  print ("%s\n", reply.get_text ());
}

int main (string[] args) {
  var loop = new MainLoop ();
  try {
    var client = new Tornadis.Client.for_uri (args.length > 1 ? args[1] : "redis://localhost");
    talk.begin (client, (object, result) => {
      try {
        talk.end (result);
      } catch (Error error) {
        printerr ("%s\n", error.message);
      }
      loop.quit ();
    });
    loop.run ();
  } catch (Error error) {
    printerr ("%s\n", error.message);
    return 1;
  }
  return 0;
}
