/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs async functions as tests, each with a private server of its own. */
namespace Harness {
  public delegate void Begin (TornadisHarness.Redis server, AsyncReadyCallback callback);
  public delegate void End (AsyncResult result) throws Error;

  /* No case takes so long on the slowest machine: it waits for what does not come. */
  private const uint CASE_SECONDS = 60;

  public void add (string path, owned Begin begin, owned End end) {
    Test.add_data_func (path, () => {
      var loop = new MainLoop ();
      Error? failure = null;
      var timer = Timeout.add_seconds (CASE_SECONDS, () => {
        error ("%s: it does not end", path);
      });
      try {
        var server = new TornadisHarness.Redis (null);
        begin (server, (object, result) => {
          try {
            end (result);
          } catch (Error error) {
            failure = error;
          }
          loop.quit ();
        });
        loop.run ();
      } catch (Error error) {
        failure = error;
      }
      if (failure != null)
        error ("%s: %s", path, failure.message);
      Source.remove (timer);
    });
  }

  public Tornadis.Client make_client (TornadisHarness.Redis server) {
    return new Tornadis.Client.for_unix_socket (server.get_socket_path ());
  }

  public Tornadis.Command command (string line) {
    return new Tornadis.Command.strv (line.split (" "));
  }

  /* The text of a reply. */
  public async string? call (Tornadis.Client client, string line) throws Error {
    var reply = yield client.call_async (command (line));
    return reply.get_text ();
  }

  public async void wait (uint msec) {
    Timeout.add (msec, () => {
      wait.callback ();
      return Source.REMOVE;
    });
    yield;
  }
}
