# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does what a story says, and shows what programs show of it; see story.c."""

import pathlib
import sys

import gi
gi.require_version('Tornadis', '1.0')
from gi.repository import GLib, GObject, Tornadis

client = metrics = None


class Note(Tornadis.Record):
    field = GObject.Property(type=str)


def tell(action, error):
    """Of what the server says in its own words the first is what can be shown."""
    if error is None:
        print(f'{action}: ok')
    elif isinstance(error, Tornadis.ReplyError):
        print(f'{action}: {error.domain} {error.code} {error.prefix}')
    else:
        print(f'{action}: {error.domain} {error.code} {error} {error!r}')


def open_uri(uri):
    global client, metrics
    client = None
    client = Tornadis.Client.new_for_uri_full(uri, Tornadis.UriFlags.ALLOW_PLUGINS)
    print(client.props.title, client)
    client.add_plugin_by_name('log')
    client.add_plugin_by_name('trace')
    metrics = client.add_plugin_by_name('metrics')


async def act(action, words):
    if action == 'open':
        open_uri(*words)
    elif action == 'metrics':
        print(metrics.props.snapshot.print_(True), metrics.props.snapshot.unpack(), metrics.props.prometheus)
    elif action == 'call':
        print(Tornadis.Command.new_strv(words))
        await client.call(*words)
    elif action == 'pipeline':
        pipeline = Tornadis.Pipeline()
        for command in '\t'.join(words).split('\t|\t'):
            pipeline.stack_call(*command.split('\t'))
        print(pipeline)
        for reply in await client.call(pipeline):
            tell('reply', reply if isinstance(reply, Exception) else None)
    elif action == 'connect':
        await client.connect_client()
    elif action == 'lock':
        await Tornadis.Lock(client, words[0]).acquire()
    elif action == 'record':
        await Note(client, words[0]).load()
    elif action == 'reader':
        await Tornadis.StreamReader(client, words[0], '0').next()
    elif action == 'script':
        script = Tornadis.Script(words[0], 1)
        print(script)
        await script.call(client, words[1])
    elif action == 'library':
        await Tornadis.FunctionLibrary(words[0], 1).ensure(client)


async def main():
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        action, *words = line.split('\t')
        try:
            await act(action, words)
            tell(action, None)
        except GLib.Error as error:
            tell(action, error)
    print('The end')


Tornadis.run(main())
