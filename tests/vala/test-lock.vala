/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Locks and libraries of functions, as Vala reads them. */

using Harness;

async void test_lock (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var mine = new Tornadis.Lock (client, "lock");
  var other = new Tornadis.Lock (client, "lock");
  assert (yield mine.acquire_async ());
  assert (mine.held && mine.is_held () && mine.token == (yield call (client, "GET lock")));
  assert (!(yield other.try_acquire_async ()));

  var cancellable = new Cancellable ();
  Timeout.add (20, () => {
    cancellable.cancel ();
    return Source.REMOVE;
  });
  try {
    yield other.acquire_async (cancellable);
    assert_not_reached ();
  } catch (IOError.CANCELLED error) {
    assert (!other.held);
  }

  assert (yield mine.release_async ());
  assert (yield other.acquire_async ());
  yield call (client, "DEL lock");
  try {
    yield other.release_async ();
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.LOST);
  }
}

async void test_lost (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var mine = (Tornadis.Lock) Object.new (typeof (Tornadis.Lock), caller: client, name: "lock", expiry_msec: 3000,
                                         fencing_key: "count");
  GLib.Error? reason = null;
  mine.lost.connect ((error) => {
    reason = error.copy ();
    test_lost.callback ();
  });
  yield mine.acquire_async ();
  assert (mine.fencing_number == 1);
  yield call (client, "SET lock another");
  if (reason == null)
    yield;
  assert (reason is Tornadis.Error.LOST);
  assert (!mine.held);
}

async void test_library (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);
  var stock = new Tornadis.FunctionLibrary ("""#!lua name=stock
    redis.register_function('take', function(keys, args) return redis.call('DECRBY', keys[1], args[1]) end)""", 2);
  assert (stock.name == "stock" && stock.version == 2);
  var reply = yield stock.call_async (client, stock.create_command ("take", 1, { "apples", "2" }));
  assert (reply.get_integer () == -2);
  assert (yield stock.ensure_async (client));
  try {
    yield stock.call_async (client, stock.create_read_only_command ("take", 1, { "apples", "2" }));
    assert_not_reached ();
  } catch (Tornadis.Error error) {
    assert (error is Tornadis.Error.REPLY);
  }
}

int main (string[] args) {
  Test.init (ref args);
  add ("/vala/lock/lock", (s, c) => test_lock.begin (s, c), (r) => test_lock.end (r));
  add ("/vala/lock/lost", (s, c) => test_lost.begin (s, c), (r) => test_lost.end (r));
  add ("/vala/lock/library", (s, c) => test_library.begin (s, c), (r) => test_library.end (r));
  return Test.run ();
}
