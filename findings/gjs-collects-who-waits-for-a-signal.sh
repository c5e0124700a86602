#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GJS: an async function that waits for a signal of an object that only it has is garbage, together with the object: it never
# goes on. Any other function in it that somebody has, whatever that does, keeps both.
#
# Seen with: GJS 1.74.2 with SpiderMonkey 102.15 (Debian 1.74.2-1+deb12u1, 102.15.1-1~deb12u1) and GLib 2.74.6, GJS 1.82.3
# with SpiderMonkey 128.14 (1.82.3-1, 128.14.0-1~deb13u1) and GLib 2.84.4.
#
# What one would think: a function that has not ended is alive, with its variables; and an object whose signal a handler is
# connected to, and which has a descriptor in the main loop to emit it for, is as alive as a socket is in Node.
#
# What comes: a handler belongs to its object, and a function that waits to what it waits for. The object has the handler,
# that has the promise, that has the function, and that has the object: nothing else has any of them. So they go when
# garbage is collected: when the program has allocated much, or GJS does it by itself, 10 s after a handler was called or an
# object came back to it. So a test that takes a tenth of a second hangs once in several hundred runs. Nothing is said.
# Who writes a second function into the first, such as one for a timer, does not see it: the engine keeps the whole function
# for it, with variables that the second one does not name.
#
# Output seen, twice, of both:
#   nobody else has the monitor                     the signal never comes
#   the same, nothing is collected                  the signal comes
#   a timer has another function of that function   the signal comes
#   a variable of the program has the monitor       the signal comes
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and the keys of Debian 13 (debian-archive-keyring of
# 2025). Takes 40 s.

set -euo pipefail

debian12=(gjs=1.74.2-1+deb12u1 libgjs0g=1.74.2-1+deb12u1 libmozjs-102-0=102.15.1-1~deb12u1)
debian13=(gjs=1.82.3-1 gir1.2-glib-2.0=2.84.4-3~deb13u5)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
mkdir -p 12 lists cache
(cd 12 && apt-get -qq -o APT::Sandbox::User=root download "${debian12[@]}" >/dev/null)
for deb in 12/*.deb; do dpkg-deb -x "$deb" root12; done

# Debian 13's, and what they need, from the mirror that apt has here; their own loader runs them.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(ORIGIN)/$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "Debian/Debian" && !found++ { print $2 }')
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >sources.list
cat >apt.conf <<END
Dir::Etc::SourceList "$tmp/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$tmp/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$tmp/cache";
APT::Sandbox::User "root";
Debug::NoLocking "true";
END
APT_CONFIG=$tmp/apt.conf apt-get -qq update
APT_CONFIG=$tmp/apt.conf apt-get -qq -y --no-install-recommends --download-only install "${debian13[@]}" >/dev/null
for deb in cache/archives/*.deb; do dpkg-deb -x "$deb" root13; done
lib13=$tmp/root13/usr/lib/x86_64-linux-gnu

cat >waiting.js <<'END'
const {Gio, GLib} = imports.gi;
const System = imports.system;

if (System.version !== Number(ARGV[1]))
    throw new Error(`this is GJS ${System.version}`);

const path = `${GLib.dir_make_tmp('waiting-XXXXXX')}/file`;
const monitor = () => Gio.File.new_for_path(path).monitor(Gio.FileMonitorFlags.NONE, null);
const changed = each => new Promise(resolve => each.connect('changed', () => resolve()));
let came = false;
let variable = null;

async function wait() {
    const mine = monitor();
    await changed(mine);
    came = true;
}

async function waitBesideTimer() {
    const mine = monitor();
    GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, 1000, () => GLib.SOURCE_REMOVE);
    await changed(mine);
    came = true;
}

async function waitForVariable() {
    variable = monitor();
    await changed(variable);
    came = true;
}

({alone: wait, uncollected: wait, timer: waitBesideTimer, variable: waitForVariable})[ARGV[0]]();

// Made last, it hears of the file last.
let over = false;
const last = monitor();
last.connect('changed', () => (over = true));

GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
    if (ARGV[0] !== 'uncollected')
        System.gc();
    GLib.file_set_contents(path, 'text');
    return GLib.SOURCE_REMOVE;
});
const context = GLib.MainContext.default();
while (!over)
    context.iteration(true);
// What was settled goes on in an iteration of its own.
for (let i = 0; i < 100; i++) {
    context.iteration(false);
    GLib.usleep(1000);
}
print(`the signal ${came ? 'comes' : 'never comes'}`);
END

lib12=$tmp/root12/usr/lib/x86_64-linux-gnu
gjs12 ()
{
  LD_LIBRARY_PATH="$lib12:$lib12/gjs" root12/usr/bin/gjs-console waiting.js "$1" 17402
}

gjs13 ()
{
  GI_TYPELIB_PATH="$lib13/girepository-1.0:$lib13/gjs/girepository-1.0" \
    "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" root13/usr/bin/gjs-console waiting.js "$1" 18203
}

# check GJS CASE NAME SEEN
check ()
{
  local came

  came=$("$1" "$2")
  printf '  %-47s %s\n' "$3" "$came"
  if [ "$came" != "$4" ]; then
    echo 'CHANGED: this is no longer what happens' >&2
    exit 1
  fi
}

export TMPDIR=$tmp
for gjs in gjs12 gjs13; do
  if [ "$gjs" = gjs12 ]; then echo 'GJS 1.74.2'; else echo 'GJS 1.82.3'; fi
  check "$gjs" alone 'nobody else has the monitor' 'the signal never comes'
  check "$gjs" uncollected 'the same, nothing is collected' 'the signal comes'
  check "$gjs" timer 'a timer has another function of that function' 'the signal comes'
  check "$gjs" variable 'a variable of the program has the monitor' 'the signal comes'
done
