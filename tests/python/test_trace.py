# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plugin trace in Python."""

import subprocess
import sys

from tap import equal, main

from gi.repository import GLib, Tornadis

PROGRAM = '''
import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import Tornadis
client = Tornadis.Client(unix_domain_socket={path!r})
trace = client.add_plugin_by_name('trace')
trace.props.level = 'message'
trace.props.arguments = 'first'
async def main():
    await client.call('SET', 'k', 'hidden')
    trace.props.log = False
    await client.call('GET', 'k')
Tornadis.run(main())
'''


def test_log(server):
    path = server.get_socket_path()
    done = subprocess.run([sys.executable, '-c', PROGRAM.format(path=path)], capture_output=True, text=True, check=True)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if 'Tornadis-trace' in line]
    equal(len(lines), 1)
    assert f'SET k {path} ' in lines[0] and lines[0].endswith(' ms ok'), lines
    assert 'hidden' not in lines[0], lines


async def test_options(server):
    client = Tornadis.Client(port=1)
    trace = client.add_plugin_by_name('trace')
    equal((trace.props.arguments, trace.props.level, trace.props.log, trace.props.marks, trace.props.max_length),
          (0, 0, True, True, 80))
    trace.props.arguments = 'all'
    trace.props.max_length = 10
    equal((int(trace.props.arguments), trace.props.max_length), (2, 10))
    mock = client.add_plugin_by_name('mock')
    mock.props.answers = GLib.Variant('a{sv}', {'*': GLib.Variant('s', 'OK')})
    equal(await client.call('PING'), b'OK')
    trace = Tornadis.Plugin.new_with_options('trace', ['arguments=first', 'level=info'])
    equal((int(trace.props.arguments), int(trace.props.level)), (1, 1))


main(sys.modules[__name__])
