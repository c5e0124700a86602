#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GJS: a main loop that runs within an async function, behind an await, settles no promise; the same loop within a
# callback does.
#
# Seen with: GJS 1.74.2 (Debian 1.74.2-1+deb12u1) with GLib 2.74.6, GJS 1.82.3 (1.82.3-1) with GLib 2.84.4.
#
# What one would think: who runs a main loop until something has come, as for a modal dialog, has everything go on in it,
# wherever it runs: sources, signals and promises.
#
# What comes: reactions of promises run in a source of their own, which GLib does not dispatch again while it is being
# dispatched. Within a function that such a reaction has continued (each async function is one after its first await)
# timeouts and signals of the inner loop come, promises wait until it has ended. In GTK that is every modal loop that
# an async function runs: what awaits in it waits for ever if the loop waits for that.
#
# Output seen, twice, of both:
#   in a callback                   a promise is settled, a timeout comes
#   in an async function            a promise is settled, a timeout comes
#   in an async function, awaited   a promise waits, a timeout comes
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
export APT_CONFIG=$tmp/apt.conf
apt-get -qq update
apt-get -qq -y --no-install-recommends --download-only install "${debian13[@]}" >/dev/null
for deb in cache/archives/*.deb; do dpkg-deb -x "$deb" root13; done
lib13=$tmp/root13/usr/lib/x86_64-linux-gnu

cat >nested.js <<'END'
const {GLib} = imports.gi;
const System = imports.system;

if (System.version !== Number(ARGV[1]))
    throw new Error(`this is GJS ${System.version}`);

// A loop of its own, for 50 ms or until the promise is settled.
function nested() {
    const loop = GLib.MainLoop.new(null, false);
    let promise = 'waits', timeout = 'does not come';
    Promise.resolve().then(() => (promise = 'is settled'));
    GLib.timeout_add(GLib.PRIORITY_DEFAULT, 50, () => {
        timeout = 'comes';
        loop.quit();
        return GLib.SOURCE_REMOVE;
    });
    loop.run();
    print(`a promise ${promise}, a timeout ${timeout}`);
}

const outer = GLib.MainLoop.new(null, false);
const cases = {
    async callback() {
        nested();
    },
    async awaited() {
        await null;
        nested();
    },
};
GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
    if (ARGV[0] === 'source')
        nested();
    (cases[ARGV[0]] ?? (async () => {}))().finally(() => outer.quit());
    return GLib.SOURCE_REMOVE;
});
outer.run();
END

lib12=$tmp/root12/usr/lib/x86_64-linux-gnu
gjs12 ()
{
  LD_LIBRARY_PATH="$lib12:$lib12/gjs" root12/usr/bin/gjs-console nested.js "$1" 17402
}

gjs13 ()
{
  GI_TYPELIB_PATH="$lib13/girepository-1.0:$lib13/gjs/girepository-1.0" \
    "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" root13/usr/bin/gjs-console nested.js "$1" 18203
}

# check GJS CASE NAME SEEN
check ()
{
  local came

  came=$("$1" "$2")
  printf '  %-31s %s\n' "$3" "$came"
  if [ "$came" != "$4" ]; then
    echo 'CHANGED: this is no longer what happens' >&2
    exit 1
  fi
}

for gjs in gjs12 gjs13; do
  if [ "$gjs" = gjs12 ]; then echo 'GJS 1.74.2'; else echo 'GJS 1.82.3'; fi
  check "$gjs" source 'in a callback' 'a promise is settled, a timeout comes'
  check "$gjs" callback 'in an async function' 'a promise is settled, a timeout comes'
  check "$gjs" awaited 'in an async function, awaited' 'a promise waits, a timeout comes'
done
