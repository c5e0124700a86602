# SPDX-License-Identifier: LGPL-2.1-or-later
"""The desktop example, in the language that the argument names, as a user has it."""

import contextlib
import os
import shutil
import sys
import time

import desktop
from desktop import PATIENCE, Screen, until

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXAMPLE = os.path.join(os.path.dirname(TESTS), 'examples', 'gtk')
COMMANDS = {
    'python': [sys.executable, os.path.join(EXAMPLE, 'channels.py')],
    'javascript': ['gjs', '-m', os.path.join(EXAMPLE, 'channels.js')],
}
COMMAND = COMMANDS[sys.argv[1]]

reason = desktop.missing() or (shutil.which(COMMAND[0]) is None and f'no {COMMAND[0]}')
if reason:
    print(f'1..0 # SKIP {reason}')
    sys.exit(0)

sys.path.insert(0, os.path.join(TESTS, 'python'))
from tap import equal, main

from gi.repository import Tornadis, TornadisHarness


def uri(server):
    return f'redis://127.0.0.1:{server.get_port()}'


def publisher(server):
    return Tornadis.Client(unix_domain_socket=server.get_socket_path())


@contextlib.asynccontextmanager
async def running(*arguments):
    """The application, which is closed by its button at the end and has had nothing to complain about."""
    application = desktop.Application([*COMMAND, *arguments])
    try:
        try:
            await until(lambda: application.find('push button', 'Close'))
            yield application
            click(application, 'Close')
            equal(application.wait(), 0)
        finally:
            output = application.get_output()
            if output:
                print('# ' + '\n# '.join(output), file=sys.stderr, flush=True)
        equal(output, [])
    finally:
        application.kill()


def click(application, button):
    """Clicks it, as soon as it is there."""
    until_then = time.monotonic() + PATIENCE
    while (widget := application.find('push button', button)) is None and time.monotonic() < until_then:
        time.sleep(0.02)
    equal(widget.do_action(0), True)


async def publish(client, channel, text):
    """Publishes as soon as there is somebody to hear it."""
    end = time.monotonic() + PATIENCE
    while await client.call('PUBLISH', channel, text) == 0:
        assert time.monotonic() < end, f'nobody subscribes to {channel}'
        await Tornadis.sleep(0.05)


def get_figures(application):
    """The rows of the sidebar that have a value: title and value."""
    figures = {}
    for row in application.walk():
        if row.get_role_name() == 'list item':
            labels = [widget.get_name() for widget in application.walk(row) if widget.get_role_name() == 'label']
            if len(labels) == 2:
                figures[labels[0]] = labels[1]
    return figures


def get_rows(application):
    """The messages in the list: channel and text."""
    messages = application.find('list', 'Messages')
    rows = [] if messages is None else [row for row in application.walk(messages) if row.get_role_name() == 'list item']
    labels = [[widget.get_name() for widget in application.walk(row) if widget.get_role_name() == 'label']
              for row in rows]
    # A row that is just made, or goes, has not all of them.
    return [tuple(each[1:]) for each in labels if len(each) == 3]


def is_visible(application, text):
    """Whether a row of the list that begins with the text is in sight."""
    row, messages = application.find('label', text), application.find('list', 'Messages')
    if row is None or messages is None:
        return False
    row, scrolled = application.get_extents(row), application.get_extents(messages.get_parent())
    return scrolled.y <= row.y and row.y + row.height <= scrolled.y + scrolled.height


async def test_messages(server):
    client = publisher(server)
    async with running('--subscribe=news', '--subscribe', 'log.*', uri(server)) as application:
        await publish(client, 'news', 'the sun is up')
        await publish(client, 'log.door', 'open & <b>wide</b>')
        await publish(client, 'log.bin', b'\x00\xff')
        await until(lambda: application.find('label', '3 received'))
        equal(get_rows(application),
              [('news', 'the sun is up'), ('log.door', 'open & <b>wide</b>'), ('log.bin', '2 bytes')])

        info = dict(line.split(':', 1) for line in (await client.call('INFO')).decode().splitlines() if ':' in line)
        await until(lambda: get_figures(application).get('Connected clients') == info['connected_clients'])
        figures = get_figures(application)
        equal(figures['Version'], info['redis_version'])
        assert figures['Memory used'].endswith('MB'), figures
        assert figures['Commands per second'].isdigit(), figures
        equal((figures['news'], figures['log.*']), ('Channel', 'Pattern'))
        assert application.find('label', f'127.0.0.1:{server.get_port()}')
        equal(application.find('label', 'Trying to connect'), None)
        await client.call('PUBLISH', 'news', 'x' * 10_000_000)
        await until(lambda: ('news', 'x' * 500) in get_rows(application))


async def test_pixels(server):
    client = publisher(server)
    async with running('-s', 'news', f'valkey+unix://{server.get_socket_path()}') as application:
        await publish(client, 'news', 'first')
        await until(lambda: application.find('label', 'first'))
        graph = application.get_place(application.find('image', 'Messages per second'))
        await until(lambda: application.find('label', 'second: 1 now') or application.find('label', '1 at most'))

        def is_drawn():
            screen = Screen()
            pixels = screen.part(0, 0, 1000, 700)
            most = max(map(pixels.count, set(pixels[::997])))
            return screen.size() == (1000, 700) and most < 0.8 * len(pixels) and len(set(pixels)) > 50 and screen

        def is_shown():
            """The text stands out where nothing was."""
            place = application.get_place(application.find('label', 'the second message'))
            text = Screen().part(*place)
            brightness = [sum(pixel[:3]) for pixel in text]
            return before.part(*place) != text and max(brightness) - min(brightness) > 300

        before = await until(is_drawn)
        for _ in range(3):
            await publish(client, 'news', 'the second message')
        await until(lambda: application.find('label', 'the second message'))
        await until(is_shown)
        # It moves every second.
        await until(lambda: before.part(*graph) != Screen().part(*graph))


async def test_subscriptions(server):
    client = publisher(server)
    async with running(uri(server)) as application:
        entry = await until(lambda: application.find('text', 'Channel or Pattern'))
        for name in ('news', 'log.?', 'news', ' '):
            equal(entry.set_text_contents(name), True)
            click(application, 'Subscribe')
            # GTK shows the button pressed for a while before it is clicked.
            await until(lambda: entry.get_character_count() == 0)
        buttons = [widget.get_name() for widget in application.walk() if widget.get_role_name() == 'push button']
        equal([name for name in buttons if name.startswith('Unsubscribe')],
              ['Unsubscribe from news', 'Unsubscribe from log.?'])
        await publish(client, 'news', 'by its name')
        await publish(client, 'log.1', 'by a pattern')
        await until(lambda: get_rows(application) == [('news', 'by its name'), ('log.1', 'by a pattern')])

        click(application, 'Unsubscribe from news')
        click(application, 'Unsubscribe from log.?')
        await until(lambda: not application.find('push button', 'Unsubscribe'))
        for count in (('NUMSUB', 'news'), [b'news', 0]), (('NUMPAT',), 0):
            while await client.call('PUBSUB', *count[0]) != count[1]:
                await Tornadis.sleep(0.05)

        click(application, 'Clear Messages')
        await until(lambda: get_rows(application) == [])
        assert application.find('label', '0 received')


async def test_filter(server):
    client = publisher(server)
    async with running('-s', 'news', '-s', 'log.*', uri(server)) as application:
        for number in range(20):
            await publish(client, 'news', f'number {number}')
        await publish(client, 'log.door', 'open')
        await until(lambda: len(get_rows(application)) == 21)
        entry = application.find('entry', 'Filter messages')
        equal(entry.set_text_contents('NUMBER 1'), True)
        await until(lambda: len(get_rows(application)) == 11)
        await publish(client, 'news', 'number 111')
        await publish(client, 'news', 'number 222')
        await until(lambda: get_rows(application)[-1] == ('news', 'number 111'))
        equal(entry.set_text_contents('door'), True)
        await until(lambda: get_rows(application) == [('log.door', 'open')])
        equal(entry.set_text_contents(''), True)
        await until(lambda: len(get_rows(application)) == 23)


async def test_flood(server):
    """While it lasts, frames are drawn and questions answered; and no message is lost."""
    client = publisher(server)
    flood = "for i = ARGV[1], ARGV[2] do redis.call('PUBLISH', 'flood', 'drop ' .. string.format('%d', i)) end"
    async with running('-s', 'flood', uri(server)) as application:
        await publish(client, 'flood', 'is coming')
        count = await until(lambda: application.find('label', '1 received'))
        x, y, width, height = application.get_place(application.find('list', 'Messages').get_parent())
        sent, frames, pictures, longest = 1, set(), set(), 0

        def look():
            """How many messages there were at the newest frame, which tells it."""
            nonlocal longest
            before = application.get_cpu_seconds()
            received = int(count.get_name().partition(' ')[0].replace(',', ''))
            longest = max(longest, application.get_cpu_seconds() - before)
            if received not in frames and received < sent:
                frames.add(received)
                pictures.add(tuple(Screen().part(x, y + height - 60, width, 60)))
            return received

        # A fast machine may draw few frames for so many messages: then there are more.
        while sent < 100_000 or min(len(frames), len(pictures)) < 10:
            await client.call('EVAL', flood, 0, sent, sent + 19_999)
            sent += 20_000
            while look() < sent:
                await Tornadis.sleep(0)
        print(f'# {len(frames)} frames, {len(pictures)} pictures; the longest wait for an answer: '
              f'{longest * 1000:.0f} ms of CPU')
        assert longest < 1, f'{longest} seconds of CPU without an answer'
        equal(count.get_name(), f'{sent:,} received, the last 5,000 kept')
        await until(lambda: is_visible(application, f'drop {sent - 1}'))


async def test_scrolled_up(server):
    """The end is followed, but for a user who has scrolled up."""
    client = publisher(server)

    async with running('-s', 'news', uri(server)) as application:
        for number in range(50):
            await publish(client, 'news', f'number {number}')
        await until(lambda: is_visible(application, 'number 49'))
        scroll = next(part for part in application.walk(application.find('scroll bar', ''))
                      if 'Value' in part.get_interfaces())
        equal(scroll.set_current_value(0), True)
        await until(lambda: is_visible(application, 'number 0'))
        # If the first was followed, the second comes after that.
        for number, text in (51, 'unnoticed'), (52, 'unnoticed too'):
            await publish(client, 'news', text)
            await until(lambda: application.find('label', f'{number} received'))
        assert is_visible(application, 'number 0') and not is_visible(application, 'unnoticed')
        equal(scroll.set_current_value(scroll.get_maximum_value()), True)
        await until(lambda: is_visible(application, 'unnoticed too'))
        await publish(client, 'news', 'noticed again')
        await until(lambda: is_visible(application, 'noticed again'))


async def test_restart(server):
    client = publisher(server)
    async with running('-s', 'news', uri(server)) as application:
        await publish(client, 'news', 'before')
        await until(lambda: application.find('label', 'before'))
        server.kill()
        await until(lambda: application.find('label', 'Trying to connect again. '))
        await until(lambda: application.find('label', 'Waiting for 127.0.0.1'))
        server.restart()
        await until(lambda: application.find('label', 'messages may be missing'))
        await until(lambda: not application.find('label', 'Trying to connect again. '))
        await publish(client, 'news', 'after')
        await until(lambda: application.find('label', 'after'))
        assert application.find('label', 'before')


async def test_late_server(server):
    """The server comes after the application."""
    server.kill()
    async with running('-s', 'news', uri(server)) as application:
        await until(lambda: application.find('label', 'Connection refused'))
        server.restart()
        await publish(publisher(server), 'news', 'at last')
        await until(lambda: application.find('label', 'at last'))
        equal(application.find('label', 'messages may be missing'), None)


async def test_refused(server):
    client = publisher(server)
    equal(await client.call('ACL', 'SETUSER', 'default', '-subscribe'), b'OK')
    async with running('-s', 'news', '-s', 'log.*', uri(server)) as application:
        await publish(client, 'log.door', 'open')
        await until(lambda: application.find('label', 'news: NOPERM'))
        equal(application.find('push button', 'Unsubscribe from news'), None)
        assert application.find('push button', 'Unsubscribe from log.*')


async def test_cluster(server):
    """The figures are those of all nodes."""
    cluster = TornadisHarness.Cluster.new(3, 0, None)
    cluster_uri = f'redis-cluster://{cluster.get_hosts(False)}'
    client = Tornadis.Client.new_for_uri(cluster_uri)
    async with running('-s', 'news', '-s', 'log.*', cluster_uri) as application:
        # PUBLISH counts those of one node.
        while await client.call('PUBSUB', 'NUMSUB', 'news') != [b'news', 1] or await client.call('PUBSUB', 'NUMPAT') != 1:
            await Tornadis.sleep(0.05)
        await client.call('PUBLISH', 'news', 'from one')
        await client.call('PUBLISH', 'log.door', 'open')
        await until(lambda: sorted(get_rows(application)) == [('log.door', 'open'), ('news', 'from one')])
        counts = [line.split(':')[1] for line in (await client.call('INFO')).decode().splitlines()
                  if line.startswith('connected_clients:')]
        equal(len(counts), 3)
        await until(lambda: get_figures(application).get('Connected clients') == str(sum(map(int, counts))))
        figures = get_figures(application)
        assert figures['Version'].count('.') == 2 and figures['Memory used'].endswith('MB'), figures
        assert application.find('label', 'cluster')


async def test_sentinel(server):
    """It goes with the master, and says that messages may be missing."""
    group = TornadisHarness.Sentinel.new(None, None)
    client = Tornadis.Client.new_for_uri(group.make_uri(None))
    async with running('-s', 'news', '-s', 'log.*', group.make_uri(None)) as application:
        await publish(client, 'news', 'before')
        await until(lambda: application.find('label', 'before'))
        assert any(widget.get_name() == 'main' for widget in application.walk() if widget.get_role_name() == 'label')
        equal(application.find('label', 'messages may be missing'), None)
        equal(group.failover(), True)
        await until(lambda: application.find('label', 'messages may be missing'))
        # The client may not have gone yet, or be on its way.
        while application.find('label', 'after') is None:
            try:
                await publish(client, 'log.door', 'after')
            except Tornadis.ConnectionError:
                await Tornadis.sleep(0.05)
        await until(lambda: not application.find('label', 'Trying to connect again. '))
        assert application.find('label', 'before')
        await until(lambda: get_figures(application).get('Connected clients', '').isdigit())


async def test_bad_uri(server):
    for bad, why in (('gopher://localhost', 'the scheme'), ('redis://localhost:port', 'the port'), ('', 'no scheme')):
        async with running('-s', 'news', '--uri', bad) as application:
            # A toast.
            toast = await until(lambda: application.find('label', 'Invalid URI: '))
            assert why in toast.get_name()
            assert application.find('label', 'Channel, waiting')


with desktop.session():
    main(sys.modules[__name__])
