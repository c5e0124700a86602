/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a Vala block that is less than a program runs in. It goes on until as many lines are printed as are expected,
 * and a little longer, so that one too many is seen. */

int seen = 0;

async void frame_wait (uint msec) {
  Timeout.add (msec, frame_wait.callback);
  yield;
}

/* DEFINITIONS */

async void block (Tornadis.Client client, Tornadis.Client other, Tornadis.PubSubClient pubsub, Tornadis.ClientPool pool)
    throws Error {
  /* BLOCK */
  for (int waited = 0; waited < 5000 && seen < int.parse (Environment.get_variable ("DOCS_LINES")); waited += 5)
    yield frame_wait (5);
  yield frame_wait (50);
}

int main (string[] args) {
  var path = Environment.get_variable ("DOCS_SOCKET");
  var client = new Tornadis.Client.for_unix_socket (path);
  var loop = new MainLoop ();
  int status = 0;

  set_print_handler ((text) => {
    seen += text.split (Environment.get_variable ("DOCS_MARK")).length - 1;
    stdout.puts (text);
    stdout.flush ();
  });
  block.begin (client, new Tornadis.Client.for_unix_socket (path), new Tornadis.PubSubClient.for_unix_socket (path),
               new Tornadis.ClientPool (client), (object, result) => {
    try {
      block.end (result);
    } catch (Error error) {
      printerr ("%s\n", error.message);
      status = 1;
    }
    loop.quit ();
  });
  loop.run ();
  return status;
}
