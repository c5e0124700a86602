/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials that are a class of Vala's. */

using Harness;

class Login : Object, Tornadis.Credentials {
  public string user { get; set; default = "ann"; }

  public void request_login (Tornadis.LoginRequest request) {
    if (user == "nobody")
      request.return_error (new IOError.FAILED ("there is no token"));
    else
      request.return_login (user, "password", 0);
  }
}

async void test_rotation (TornadisHarness.Redis server) throws Error {
  var login = new Login ();
  var client = make_client (server);

  server.command ("ACL SETUSER ann on >password ~* &* +@all");
  server.command ("ACL SETUSER bob on >password ~* &* +@all");
  client.credentials = login;
  assert ((yield call (client, "ACL WHOAMI")) == "ann");
  login.user = "bob";
  login.changed ();
  while ((yield call (client, "ACL WHOAMI")) != "bob")
    yield wait (1);
}

async void test_failure (TornadisHarness.Redis server) throws Error {
  var client = make_client (server);

  client.credentials = new Login () { user = "nobody" };
  try {
    yield client.connect_async ();
    assert_not_reached ();
  } catch (Error error) {
    assert (error is Tornadis.Error.AUTHENTICATION);
    assert ("there is no token" in error.message);
  }
}

int main (string[] args) {
  Test.init (ref args);
  add ("/vala/credentials/rotation", (s, c) => test_rotation.begin (s, c), (r) => test_rotation.end (r));
  add ("/vala/credentials/failure", (s, c) => test_failure.begin (s, c), (r) => test_failure.end (r));
  return Test.run ();
}
