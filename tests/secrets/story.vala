/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Does what a story says, and shows what programs show of it; see story.c. */

class Note : Tornadis.Record {
  public string? field { get; set; }

  public Note (Tornadis.Client client, string key) {
    Object (client: client, key: key);
  }
}

Tornadis.Client client;
Tornadis.Plugin metrics;

/* Of what the server says in its own words the first is what can be shown. */
void tell (string action, Error? error) {
  if (error == null)
    print ("%s: ok\n", action);
  else
    print ("%s: %s %d %s\n", action, error.domain.to_string (), error.code,
           (error is Tornadis.Error.REPLY) ? Tornadis.Error.dup_prefix (error) : error.message);
}

void open_uri (string uri) throws Error {
  client = null;
  client = new Tornadis.Client.for_uri_full (uri, Tornadis.UriFlags.ALLOW_PLUGINS);
  print ("%s\n", client.title);
  client.add_plugin_by_name ("log");
  client.add_plugin_by_name ("trace");
  metrics = client.add_plugin_by_name ("metrics");
}

async void send_pipeline (string words) throws Error {
  var pipeline = new Tornadis.Pipeline ();
  foreach (var command in words.split ("\t|\t"))
    pipeline.stack_strv (command.split ("\t"));
  var replies = yield client.call_pipeline_async (pipeline);
  for (var i = 0; i < replies.get_n_elements (); i++) {
    var reply = replies.get_element (i);
    tell ("reply", reply.is_error () ? reply.dup_error () : null);
  }
}

async void call_script (string source, string key) throws Error {
  var script = new Tornadis.Script (source, 1);
  yield script.call_async (client, script.create_command ({ key }));
}

void show_metrics () {
  Variant snapshot;
  string prometheus;
  metrics.get ("snapshot", out snapshot, "prometheus", out prometheus);
  print ("%s\n%s\n", snapshot.print (true), prometheus);
}

async void act (string[] words) throws Error {
  switch (words[0]) {
    case "open":
      open_uri (words[1]);
      break;
    case "metrics":
      show_metrics ();
      break;
    case "call":
      yield client.call_async (new Tornadis.Command.strv (words[1:words.length]));
      break;
    case "pipeline":
      yield send_pipeline (string.joinv ("\t", words[1:words.length]));
      break;
    case "connect":
      yield client.connect_async ();
      break;
    case "lock":
      yield new Tornadis.Lock (client, words[1]).acquire_async ();
      break;
    case "record":
      yield new Note (client, words[1]).load_async ();
      break;
    case "reader":
      yield new Tornadis.StreamReader (client, words[1], "0").next_async ();
      break;
    case "script":
      yield call_script (words[1], words[2]);
      break;
    case "library":
      yield new Tornadis.FunctionLibrary (words[1], 1).ensure_async (client);
      break;
    default:
      assert_not_reached ();
  }
}

async void run (string path) throws Error {
  string story;
  FileUtils.get_contents (path, out story);
  foreach (var line in story.chomp ().split ("\n")) {
    var words = line.split ("\t");
    try {
      yield act (words);
      tell (words[0], null);
    } catch (Error error) {
      tell (words[0], error);
    }
  }
}

int main (string[] args) {
  var loop = new MainLoop ();
  run.begin (args[1], (object, result) => {
    try {
      run.end (result);
      print ("The end\n");
    } catch (Error error) {
      printerr ("%s\n", error.message);
    }
    loop.quit ();
  });
  loop.run ();
  return 0;
}
