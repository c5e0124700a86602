/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records, whose properties are those of a class of Vala. */

using Harness;

class Lamp : Tornadis.Record {
  public bool on { get; set; }
  public int level { get; set; default = 5; }
  public string? full_name { get; set; }
  public DateTime? since { get; set; }

  public Lamp (Tornadis.Client client, string key) {
    Object (client: client, key: key);
  }
}

async void wait_for (Object object, string property, owned SourceFunc is_done) {
  if (is_done ())
    return;

  ulong id = object.notify[property].connect (() => {
    if (is_done ())
      Idle.add (wait_for.callback);
  });
  yield;
  object.disconnect (id);
}

async void test_follow (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  yield call (client, "CONFIG SET notify-keyspace-events KA");
  var one = new Lamp (client, "lamp");
  var two = new Lamp (make_client (server), "lamp");
  assert (yield one.load_async ());
  assert (yield two.load_async ());
  assert (two.loaded && two.live && !two.exists && two.level == 5);

  var button = new SimpleAction ("button", null);
  two.bind_property ("on", button, "enabled", BindingFlags.BIDIRECTIONAL | BindingFlags.SYNC_CREATE);
  one.on = true;
  one.full_name = "kitchen";
  one.since = new DateTime.utc (2026, 1, 2, 3, 4, 5);
  one.level = 7;
  assert (yield one.flush_async ());
  assert ((yield call (client, "HGET lamp full-name")) == "kitchen");
  assert ((yield call (client, "HGET lamp since")) == "2026-01-02T03:04:05Z");
  yield wait_for (two, "level", () => two.level == 7);
  assert (two.on && button.enabled && two.full_name == "kitchen" && two.since.equal (one.since) && two.exists);
  button.set_enabled (false);
  yield wait_for (one, "on", () => !one.on);

  yield call (client, "DEL lamp");
  yield wait_for (two, "exists", () => !two.exists);
  assert (two.full_name == null && two.since == null);
}

async void test_dictionary (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  yield call (client, "CONFIG SET notify-keyspace-events KA");
  var fields = new VariantDict ();
  fields.insert_value ("level", 5);
  var record = new Tornadis.Record (client, "lamp", fields.end ());
  yield record.load_async ();
  assert (record.get_field ("level").get_int32 () == 5);
  assert (record.set_field ("level", 6) && !record.set_field ("other", 6));
  yield record.flush_async ();
  assert ((yield call (client, "HGET lamp level")) == "6");
  record.field_changed["level"].connect ((name) => {
    Idle.add (test_dictionary.callback);
  });
  client.submit (command ("HSET lamp level 7"), null);
  yield;
  assert (record.get_field ("level").get_int32 () == 7);
}

int main (string[] args) {
  Test.init (ref args);
  add ("/vala/record/follow", (s, c) => test_follow.begin (s, c), (r) => test_follow.end (r));
  add ("/vala/record/dictionary", (s, c) => test_dictionary.begin (s, c), (r) => test_dictionary.end (r));
  return Test.run ();
}
