# SPDX-License-Identifier: LGPL-2.1-or-later
"""The desktop example, in the language that the argument names, as a user has it."""

import os
import re
import subprocess
import sys
import tempfile
import time

import desktop
from channels import COMMAND, EXAMPLE, TESTS, click, publisher, running, uri
from desktop import PATIENCE, Screen, get_role, until
from tap import equal, main

from gi.repository import Tornadis, TornadisHarness

# What tells of the frames of the program of its arguments.
FRAMES = {
    'python': os.path.join(TESTS, 'gtk', 'frames.py'),
    'javascript': os.path.join(TESTS, 'gtk', 'frames.js'),
}[sys.argv[1]]


async def publish(client, channel, text):
    """Publishes as soon as there is somebody to hear it."""
    end = time.monotonic() + PATIENCE
    while await client.call('PUBLISH', channel, text) == 0:
        assert time.monotonic() < end, f'nobody subscribes to {channel}'
        await Tornadis.sleep(0.05)


def get_labels(application, text):
    """Those that read so, no more and no less."""
    return [widget for widget in application.walk() if get_role(widget) == 'label' and widget.get_name() == text]


def get_figures(application):
    """The rows of the sidebar that have a value: title and value."""
    figures = {}
    for row in application.walk():
        if get_role(row) == 'list item':
            labels = [widget.get_name() for widget in application.walk(row) if get_role(widget) == 'label']
            if len(labels) == 2:
                figures[labels[0]] = labels[1]
    return figures


def get_rows(application):
    """The messages in the list: channel and text."""
    messages = application.find('list', 'Messages')
    rows = [] if messages is None else [row for row in application.walk(messages) if get_role(row) == 'list item']
    labels = [[widget.get_name() for widget in application.walk(row) if get_role(widget) == 'label']
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
        assert figures['Memory used'].endswith('B'), figures
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
        buttons = [widget.get_name() for widget in application.walk() if get_role(widget) == 'push button']
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
        for number in range(10):
            await publish(client, 'news', f'number {number}')
        await publish(client, 'log.door', 'open')
        await until(lambda: len(get_rows(application)) == 11)
        entry = application.find('entry', 'Filter messages')
        equal(entry.set_text_contents('NUMBER 1'), True)
        await until(lambda: get_rows(application) == [('news', 'number 1')])
        await publish(client, 'news', 'number 111')
        await publish(client, 'news', 'number 222')
        await until(lambda: get_rows(application)[-1] == ('news', 'number 111'))
        equal(entry.set_text_contents('door'), True)
        await until(lambda: get_rows(application) == [('log.door', 'open')])
        equal(entry.set_text_contents(''), True)
        await until(lambda: len(get_rows(application)) == 13)


async def test_flood(server):
    """While it lasts, frames are drawn, and in time, and questions answered; and no message is lost."""
    client = publisher(server)
    flood = "for i = ARGV[1], ARGV[2] do redis.call('PUBLISH', 'flood', 'drop ' .. string.format('%d', i)) end"
    directory = tempfile.TemporaryDirectory()
    os.environ['TORNADIS_TEST_FRAMES'] = os.path.join(directory.name, 'frames')
    async with running('-s', 'flood', uri(server), command=[*COMMAND[:-1], FRAMES, COMMAND[-1]]) as application:
        await publish(client, 'flood', 'is coming')
        count = await until(lambda: application.find('label', '1 received'))
        x, y, width, height = application.get_place(application.find('list', 'Messages').get_parent())
        sent, pictures, longest = 1, set(), 0

        def look():
            """How many messages there were at the newest frame that has added some."""
            nonlocal longest
            before = application.get_cpu_seconds()
            received = int(count.get_name().partition(' ')[0].replace(',', ''))
            longest = max(longest, application.get_cpu_seconds() - before)
            if received < sent:
                pictures.add(tuple(Screen().part(x, y + height - 60, width, 60)))
            return received

        # A fast machine may draw few pictures of so many messages: then there are more.
        cpu = application.get_cpu_seconds()
        while sent < 200_000 or len(pictures) < 10:
            await client.call('EVAL', flood, 0, sent, sent + 19_999)
            sent += 20_000
            while look() < sent:
                await Tornadis.sleep(0)
        cpu = application.get_cpu_seconds() - cpu
        with open(os.environ['TORNADIS_TEST_FRAMES'], encoding='ascii') as lines:
            frames = [tuple(map(int, line.split())) for line in lines]
        frames = [(received, rows) for received, rows in frames if 1 < received < sent]
        most = max(after - before for (before, _), (after, _) in zip([(1, 0), *frames], frames))
        rows = max(rows for _, rows in frames)
        print(f'# {len(frames)} frames, {len(pictures)} pictures, {1000 * cpu / len(frames):.0f} ms of CPU for each frame; '
              f'at most {most} messages between two, and {rows} rows for one; '
              f'the longest wait for an answer: {longest * 1000:.0f} ms of CPU')
        # Messages that come leave frames their turn, and a frame costs what is on the screen, not what has come.
        assert most < sent / 4, f'{most} messages between two frames'
        assert 0 < rows < 1000, f'{rows} rows for a frame'
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
    """The banner, the title and the page say the same, and nothing else speaks of the connection."""
    client = publisher(server)
    async with running('-s', 'news', uri(server)) as application:
        for number in range(2):
            await publish(client, 'news', f'before {number}')
            await until(lambda: application.find('label', f'before {number}'))
            server.kill()
            await until(lambda: application.find('label', 'Trying to connect again. '))
            await until(lambda: application.find('label', 'Waiting for 127.0.0.1'))
            equal(get_labels(application, 'Connected'), [])
            click(application, 'Clear Messages')
            await until(lambda: application.find('label', 'Not Connected'))
            server.restart()
            await until(lambda: application.find('label', 'messages may be missing'))
            await until(lambda: not application.find('label', 'Trying to connect again. '))
            equal(get_labels(application, 'Connected'), [])
            equal(application.find('label', 'Waiting for '), None)
            await publish(client, 'news', f'after {number}')
            await until(lambda: application.find('label', f'after {number}'))


async def test_pages(server):
    """Without messages it says why there are none, and what to do."""
    client = publisher(server)
    titles = 'No Subscriptions', 'Not Connected', 'No Messages Yet', 'No Results Found'

    def get_page():
        """What is shown in place of messages."""
        return [title for title in titles if application.find('label', title)]

    async with running(uri(server)) as application:
        await until(lambda: get_page() == ['No Subscriptions'])
        click(application, 'Add a Subscription')
        # As soon as what is typed comes there.
        entry = application.find('text', 'Channel or Pattern')
        await until(lambda: application.press('N') or entry.get_character_count() > 0)
        equal(entry.set_text_contents('news'), True)
        click(application, 'Subscribe')
        await until(lambda: get_page() == ['No Messages Yet'])
        await publish(client, 'news', 'the first')
        await until(lambda: application.find('label', 'the first'))
        equal(get_page(), [])
        filter_entry = application.find('entry', 'Filter messages')
        equal(filter_entry.set_text_contents('second'), True)
        await until(lambda: get_page() == ['No Results Found'])
        await publish(client, 'news', 'the second')
        await until(lambda: application.find('label', 'the second'))
        equal(get_page(), [])
        equal(filter_entry.set_text_contents('third'), True)
        await until(lambda: get_page() == ['No Results Found'])
        click(application, 'Clear Messages')
        await until(lambda: get_page() == ['No Messages Yet'])
        server.kill()
        await until(lambda: get_page() == ['Not Connected'])
        # There is nothing to be told of that.
        click(application, 'Unsubscribe from news')
        await until(lambda: get_page() == ['No Subscriptions'])
        equal(application.find('label', 'news: '), None)


async def test_keys(server):
    client = publisher(server)

    def quit_by_key(application):
        application.press('Control', 'Q')

    async with running('-s', 'news', uri(server), close=quit_by_key) as application:
        await publish(client, 'news', 'one')
        await until(lambda: application.find('label', 'one'))
        application.press('Control', 'F')
        application.press('N')
        application.press('Q')
        await until(lambda: application.find('label', 'No Results Found'))
        application.press('Escape')
        await until(lambda: get_rows(application) == [('news', 'one')])
        application.press('Control', 'N')
        application.press('N')
        application.press('Return')
        await until(lambda: application.find('push button', 'Unsubscribe from n'))

        x = application.get_place(application.find('list', 'Messages'))[0]
        application.press('F9')
        await until(lambda: application.get_place(application.find('list', 'Messages'))[0] < x)
        application.press('F9')
        await until(lambda: application.get_place(application.find('list', 'Messages'))[0] == x)

        application.press('Control', 'Shift', 'slash')
        for text in 'Filter Messages', 'Add a Subscription', 'Show or Hide the Sidebar', 'Quit':
            await until(lambda: application.find('label', text))
        # Each has its keys.
        keys = [widget.get_name() for widget in application.walk() if get_role(widget) == 'label']
        for key in 'F', 'N', 'F9', 'F10', 'W', 'Q':
            assert key in keys, (key, keys)
        application.press('Escape')
        await until(lambda: not application.find('label', 'Show or Hide the Sidebar'))

    async with running(uri(server), close=lambda application: application.press('Control', 'W')) as application:
        await until(lambda: application.find('label', 'No Subscriptions'))


async def test_menu(server):
    async with running(uri(server)) as application:
        async def choose(index):
            """By its place: GTK 4.18 does not tell the name of an item."""
            application.press('F10')
            await until(lambda: application.find('menu item', ''))
            items = [widget for widget in application.walk() if get_role(widget) == 'menu item']
            equal(len(items), 2)
            equal(items[index].do_action(0), True)

        await choose(1)
        version = f'{Tornadis.MAJOR_VERSION}.{Tornadis.MINOR_VERSION}.{Tornadis.MICRO_VERSION}'
        await until(lambda: application.find('label', 'tornadis-glib') and application.find('label', version))
        application.press('Escape')
        await until(lambda: not application.find('label', 'tornadis-glib'))
        await choose(0)
        await until(lambda: application.find('label', 'Show or Hide the Sidebar'))
        application.press('Escape')
        await until(lambda: not application.find('label', 'Show or Hide the Sidebar'))


async def test_accessible(server):
    """What can be pressed or written to has a name, and what is an icon is one."""
    async with running('-s', 'news', uri(server)) as application:
        await until(lambda: application.find('push button', 'Unsubscribe from news'))
        for widget in application.walk():
            if get_role(widget) in ('push button', 'entry', 'text') and application.get_extents(widget).width > 0:
                assert (widget.get_name() or 'Gtk')[:3] not in ('Gtk', 'Adw'), (get_role(widget), widget.get_name())
    names = set()
    name = os.path.basename(COMMAND[-1])
    for file in 'window.ui', 'room.ui', name, name.replace('channels', 'room'):
        with open(os.path.join(EXAMPLE, file), encoding='utf-8') as text:
            names.update(re.findall('[a-z]+(?:-[a-z]+)*-symbolic', text.read()))
    assert len(names) > 8, names
    program = 'import gi, sys; gi.require_version("Gtk", "4.0"); from gi.repository import Gtk, Gdk; Gtk.init(); ' \
              'theme = Gtk.IconTheme.get_for_display(Gdk.Display.get_default()); ' \
              'print(*(name for name in sys.argv[1:] if not theme.has_icon(name)))'
    equal(subprocess.run([sys.executable, '-c', program, *sorted(names)], stdout=subprocess.PIPE, check=True).stdout, b'\n')


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
        assert figures['Version'].count('.') == 2 and figures['Memory used'].endswith('B'), figures
        assert application.find('label', 'cluster')


async def test_sentinel(server):
    """It goes with the master, and says that messages may be missing."""
    group = TornadisHarness.Sentinel.new(None, None)
    client = Tornadis.Client.new_for_uri(group.make_uri(None))
    async with running('-s', 'news', '-s', 'log.*', group.make_uri(None)) as application:
        await publish(client, 'news', 'before')
        await until(lambda: application.find('label', 'before'))
        assert any(widget.get_name() == 'main' for widget in application.walk() if get_role(widget) == 'label')
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
