#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# GLib: g_signal_has_handler_pending () with a detail does not see the handlers that are connected without one, which
# an emission with that detail calls.
#
# Seen with: GLib 2.74.6 (Debian 2.74.6-2+deb12u9), GLib 2.84.4 (2.84.4-3~deb13u5), Python 3.11 and 3.13 (ctypes).
#
# What one would think: the function is there to leave out an emission that nobody would hear, and its documentation
# says that a detail matches handlers with it and handlers with none, as the emission does.
#
# What comes: the detail must be the handler's own. With detail "d" a handler of "event" is not found, and with no
# detail a handler of "event::d" is not. Who asks with the detail of an emission before making it loses the handlers of
# all details; one has to ask twice, with the detail and with 0. g_signal_handler_find () with G_SIGNAL_MATCH_ID and
# G_SIGNAL_MATCH_DETAIL does the same; without G_SIGNAL_MATCH_DETAIL it finds handlers of any detail.
#
# Output seen, twice, of both (is a handler pending for event::d, and for event; is it called by event::d, by event):
#   event       pending: no  yes  called: yes yes
#   event::d    pending: yes no   called: yes no
#   event::e    pending: no  no   called: no  no
#
# Needs: Debian 12 on amd64 with apt's lists (apt-get update) and the keys of Debian 13 (debian-archive-keyring of
# 2025), python3. Takes 30 s.

set -euo pipefail

debian12=(libglib2.0-0=2.74.6-2+deb12u9)
debian13=(libglib2.0-0t64=2.84.4-3~deb13u5 python3.13-minimal=3.13.5-2+deb13u5
          libpython3.13-stdlib=3.13.5-2+deb13u5)

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

cat >pending.py <<'END'
import ctypes
import sys
from ctypes import CFUNCTYPE, c_char_p, c_int, c_size_t, c_uint, c_uint32, c_ulong, c_void_p

glib = ctypes.CDLL('libglib-2.0.so.0')
gobject = ctypes.CDLL('libgobject-2.0.so.0')
version = '.'.join(str(c_uint.in_dll(glib, f'glib_{part}_version').value) for part in ('major', 'minor', 'micro'))
G_TYPE_NONE, G_TYPE_OBJECT = 1 << 2, 20 << 2
RUN_LAST, DETAILED = 1 << 1, 1 << 4
Callback = CFUNCTYPE(None, c_void_p, c_void_p)


def declare(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype = result
    function.argtypes = arguments
    return function


quark = declare(glib, 'g_quark_from_string', c_uint32, c_char_p)
new_signal = declare(gobject, 'g_signal_newv', c_uint, c_char_p, c_size_t, c_int, c_void_p, c_void_p, c_void_p,
                     c_void_p, c_size_t, c_uint, c_void_p)
new_object = declare(gobject, 'g_object_new_with_properties', c_void_p, c_size_t, c_uint, c_void_p, c_void_p)
unref = declare(gobject, 'g_object_unref', None, c_void_p)
connect = declare(gobject, 'g_signal_connect_data', c_ulong, c_void_p, c_char_p, Callback, c_void_p, c_void_p, c_int)
is_pending = declare(gobject, 'g_signal_has_handler_pending', c_int, c_void_p, c_uint, c_uint32, c_int)
emit = declare(gobject, 'g_signal_emit', None, c_void_p, c_uint, c_uint32)

event = new_signal(b'event', G_TYPE_OBJECT, RUN_LAST | DETAILED, None, None, None, None, G_TYPE_NONE, 0, None)
details = (quark(b'd'), 0)
SEEN = {'event': 'pending: no  yes  called: yes yes',
        'event::d': 'pending: yes no   called: yes no',
        'event::e': 'pending: no  no   called: no  no'}


def words(answers):
    return ' '.join(f'{"yes" if answer else "no":3}' for answer in answers)


def is_called(instance, calls, detail):
    calls.clear()
    emit(instance, event, detail)
    return len(calls) == 1


print(f'GLib {version}')
as_seen = version == sys.argv[1]
for name, seen in SEEN.items():
    calls = []
    callback = Callback(lambda instance, data, calls=calls: calls.append(1))
    instance = new_object(G_TYPE_OBJECT, 0, None, None)
    assert connect(instance, name.encode(), callback, None, None, 0)
    pending = words(is_pending(instance, event, detail, 1) for detail in details)
    called = words(is_called(instance, calls, detail) for detail in details)
    unref(instance)
    came = f'pending: {pending}  called: {called}'.rstrip()
    print(f'  {name:11} {came}')
    as_seen = as_seen and came == seen
sys.exit(0 if as_seen else 'CHANGED: this is no longer what happens')
END

LD_LIBRARY_PATH=$tmp/root12/usr/lib/x86_64-linux-gnu python3 pending.py 2.74.6
PYTHONHOME=$tmp/root13/usr "$lib13/ld-linux-x86-64.so.2" --library-path "$lib13" \
  root13/usr/bin/python3.13 pending.py 2.84.4
