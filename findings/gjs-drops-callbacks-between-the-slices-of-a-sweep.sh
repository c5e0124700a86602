#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GJS before 1.82: while the garbage collector sweeps, which it does in slices with the main loop running in between,
# every callback from C is dropped: a promise that waits for it never settles.
#
# Seen with: GJS 1.74.2 with SpiderMonkey 102.15 (Debian 1.74.2-1+deb12u1, 102.15.1-1~deb12u1); not with GJS 1.82.3 with
# SpiderMonkey 128.14 (1.82.3-1, 128.14.0-1~deb13u1).
#
# What one would think: "Attempting to run a JS callback during garbage collection" is said of a finalizer that calls
# JavaScript, which is a program's mistake. A callback of the main loop comes when nothing is collected.
#
# What comes: GJS has a flag that it sets when SpiderMonkey begins to sweep, and resets when all is swept. A sweep that takes
# longer than a slice (10 ms) goes on when more was allocated; until then, which may be for ever, the flag stays set, and
# the callbacks of asynchronous calls, of timers, of signals and of virtual functions are not called. GJS says so in a
# critical, and that is all: nothing is called later. What a virtual function that was not called returns is not set.
# 1.82 asks SpiderMonkey whether it collects at this very moment; 1.76, 1.78 and 1.80 have the flag.
#
# Between two slices JS::FinishIncrementalGC () ends the sweep, and System.gc () does; JS_AddFinalizeCallback () tells
# anybody when it begins and ends, as it tells GJS.
#
# Output seen, twice each:
#   GJS 1.74.2: 1,637 to 1,807 of 2,000 callbacks were called
#   GJS 1.82.3: 2,000 of 2,000 were
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and the keys of Debian 13 (debian-archive-keyring of 2025).
# Takes 80 s.

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

cat >callbacks.js <<'END'
const {Gio, GLib} = imports.gi;
const System = imports.system;

// Whether some are dropped.
const DROPS = {17402: true, 18203: false};
const N = 2000;
const context = GLib.MainContext.default();
let called = 0;
let made = 0;
let table = {};

// JavaScript itself runs the main loop: nothing that is dropped can end it.
function iterate() {
    while (context.iteration(false))
        ;
}

for (let i = 0; i < N; i++) {
    for (let j = 0; j < 300; j++)
        table[`name ${made++}`] = [j];
    if (i % 500 === 499)
        table = {};
    Gio.Task.new(null, null, () => called++).return_boolean(true);
    iterate();
}
System.gc();
iterate();
print(`  GJS ${System.version}: ${called} of ${N} callbacks were called`);
if (called < N !== DROPS[System.version])
    System.exit(1);
END

check ()
{
  local status=0

  "$@" 2>criticals || status=$?
  echo "  $(grep -c 'has been blocked' criticals || true) times it said that one has been blocked"
  if [ "$status" -ne 0 ]; then
    echo 'CHANGED: this is no longer what happens' >&2
    exit 1
  fi
}

lib12=$tmp/root12/usr/lib/x86_64-linux-gnu
lib13=$tmp/root13/usr/lib/x86_64-linux-gnu
check env LD_LIBRARY_PATH="$lib12:$lib12/gjs" root12/usr/bin/gjs-console callbacks.js
check env GI_TYPELIB_PATH="$lib13/girepository-1.0:$lib13/gjs/girepository-1.0" \
  "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" root13/usr/bin/gjs-console callbacks.js
