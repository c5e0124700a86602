#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# PyGObject: what its awaitables give to await is an iterator that cannot be iterated, so no class of one's own can wait for one
# in its __await__().
#
# Seen with: PyGObject 3.50.0 (Debian 3.50.0-4+b1), Python 3.13.5, GLib 2.84.4.
#
# What one would think: an asynchronous function of GIO that is called without a callback in an asyncio loop on GLib's main
# loop returns an awaitable; what its __await__() returns is an iterator, and an iterator has __iter__(). So a wrapper, such as
# one that makes errors its own, has "return (yield from awaitable.__await__())" for its own __await__(), as with every future
# and coroutine.
#
# What comes: "await" takes it, which asks for __next__() alone. It has no __iter__(): iter(), "yield from" and "for" raise
# TypeError. What helps is to await it in a coroutine, and to give out that one's __await__().
#
# Output seen, twice:
#   await it                            4 bytes
#   iter() of its __await__()           TypeError
#   yield from its __await__()          TypeError
#   __await__() of a coroutine with it  4 bytes
#
# Needs: apt with the keys of Debian 13 (debian-archive-keyring of 2025), on amd64. Takes 20 s.

set -euo pipefail

debian13=(python3-gi=3.50.0-4+b1 gir1.2-glib-2.0=2.84.4-3~deb13u5)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cd "$tmp"
mkdir -p lists cache
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

cat >wait.py <<'END'
import asyncio
import sys

import gi
from gi.events import GLibEventLoopPolicy
from gi.repository import Gio, GLib

assert gi.__version__ == '3.50.0', gi.__version__
path = sys.argv[1]


def load():
    return Gio.File.new_for_path(path).load_bytes_async(None)


def count(result):
    return f'{result[0].get_size()} bytes'


class YieldingFrom:
    def __await__(self):
        return (yield from load().__await__())


class InCoroutine:
    def __await__(self):
        async def wait():
            return await load()
        return wait().__await__()


async def attempt(title, function, seen):
    try:
        said = await function()
    except TypeError:
        said = 'TypeError'
    print(f'{title:35} {said}')
    return said == seen


async def main():
    async def await_it():
        return count(await load())

    async def iterate():
        awaitable = load()
        iterator = awaitable.__await__()
        assert hasattr(iterator, '__next__')
        try:
            return iter(iterator)
        finally:
            # It is under way, and to be waited for.
            await awaitable

    async def yield_from():
        return count(await YieldingFrom())

    async def in_coroutine():
        return count(await InCoroutine())

    return all([await attempt('await it', await_it, '4 bytes'),
                await attempt('iter() of its __await__()', iterate, 'TypeError'),
                await attempt('yield from its __await__()', yield_from, 'TypeError'),
                await attempt('__await__() of a coroutine with it', in_coroutine, '4 bytes')])

asyncio.set_event_loop_policy(GLibEventLoopPolicy())
loop = asyncio.get_event_loop_policy().get_event_loop()
sys.exit(0 if loop.run_until_complete(main()) else 'CHANGED: this is no longer what happens')
END

printf text >text
GI_TYPELIB_PATH="$lib13/girepository-1.0" PYTHONHOME=$tmp/root13/usr PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1 \
  PYTHONPATH=$tmp/root13/usr/lib/python3/dist-packages \
  "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" root13/usr/bin/python3.13 -W ignore wait.py "$tmp/text"
