# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the pictures of the documentation, in the directory that is the argument, with a private server:

    tests/gtk/pictures.py docs

They are of the windows that the tests look at, in the environment of these (`meson devenv -C build`). With fonts-cantarell they
look as in GNOME. That of the messages takes a minute."""

import contextlib
import ctypes
import os
import random
import struct
import sys
import zlib

import desktop
from desktop import Screen, get_role, until

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXAMPLE = os.path.join(os.path.dirname(TESTS), 'examples', 'gtk')
SETTINGS = """[Settings]
gtk-font-name=Cantarell 11
gtk-decoration-layout=:close
gtk-cursor-blink=0
"""
# Of a window without a compositor.
BORDER = 5
WHITE = b'\xff\xff\xff\0'
GAP = 16
METHODS = 'card', 'invoice', 'transfer'
# Seconds, after which nothing moves any more.
SETTLED = 3

sys.path.insert(0, os.path.join(TESTS, 'python'))
import tap

from gi.repository import Atspi, Tornadis, TornadisHarness


def take_picture(name, *places):
    """Writes windows of one height, beside each other: with at most 256 colours, each pixel is a byte."""
    screen, rows = Screen(), [[] for _ in range(places[0][3] - 2 * BORDER)]
    for x, y, width, height in places:
        width -= 2 * BORDER
        part = screen.part(x + BORDER, y + BORDER, width, height - 2 * BORDER)
        for number, row in enumerate(rows):
            row += [WHITE] * GAP if row else []
            row += part[number * width:(number + 1) * width]
    write_png(name, [[(pixel[2], pixel[1], pixel[0]) for pixel in row] for row in rows])


def write_png(name, rows):
    pixels = [pixel for row in rows for pixel in row]
    # As many bits of each as leave so few.
    for bits in range(8, 0, -1):
        reduced = {pixel: tuple(part >> (8 - bits) for part in pixel) for pixel in set(pixels)}
        if len(set(reduced.values())) <= 256:
            break
    first = {}
    for pixel in pixels:
        first.setdefault(reduced[pixel], pixel)
    index = {color: number for number, color in enumerate(first)}
    data = b''.join(b'\0' + bytes(index[reduced[pixel]] for pixel in row) for row in rows)

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    path = os.path.join(sys.argv[1], name)
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>2I5B', len(rows[0]), len(rows), 8, 3, 0, 0, 0))
                   + chunk(b'PLTE', bytes(part for color in first.values() for part in color))
                   + chunk(b'IDAT', zlib.compress(data, 9)) + chunk(b'IEND', b''))
    print(path, os.path.getsize(path), 'bytes')


def place_windows(*places):
    """Moves the windows that there are, in the order in which they came: x, y, width and height. There is no window manager."""
    xlib = ctypes.CDLL('libX11.so.6')
    xlib.XOpenDisplay.restype = ctypes.c_void_p
    display = ctypes.c_void_p(xlib.XOpenDisplay(None))
    window, n, windows = ctypes.c_ulong(), ctypes.c_uint(), ctypes.POINTER(ctypes.c_ulong)()
    xlib.XDefaultRootWindow.restype = ctypes.c_ulong
    root = ctypes.c_ulong(xlib.XDefaultRootWindow(display))
    xlib.XQueryTree(display, root, ctypes.byref(window), ctypes.byref(window), ctypes.byref(windows), ctypes.byref(n))
    found = []
    for child in windows[:n.value]:
        x, y, width, height, border, depth = (ctypes.c_uint() for _ in range(6))
        xlib.XGetGeometry(display, ctypes.c_ulong(child), ctypes.byref(window),
                          *map(ctypes.byref, (x, y, width, height, border, depth)))
        if width.value > 100:
            found.append(child)
    assert len(found) == len(places), found
    for child, place in zip(found, places):
        xlib.XMoveResizeWindow(display, ctypes.c_ulong(child), *place)
    xlib.XFlush(display)
    xlib.XCloseDisplay(display)


@contextlib.contextmanager
def showing(program, *arguments):
    application = desktop.Application([sys.executable, os.path.join(EXAMPLE, program), *arguments])
    try:
        yield application
    finally:
        application.kill()


async def press(window, role, name):
    def find():
        return next((widget for widget in window.walk() if get_role(widget) == role and widget.get_name() == name
                     and window.get_extents(widget).width > 0), None)
    (await until(find)).do_action(0)


async def picture_records(uri, client):
    await client.call('HSET', 'channels:room', 'topic', 'What grows in the shade', 'open', 1, 'seats', 12)
    await client.call('ZADD', 'channels:guests', 1, 'Ada', 2, 'Grace', 3, 'Alan')
    with showing('channels.py', uri) as one:
        await press(one, 'page tab', 'Room')
        with showing('channels.py', '--gapplication-app-id=org.example.Other', uri) as two:
            await press(two, 'page tab', 'Room')
            for window in one, two:
                await press(window, 'push button', 'Server and Subscriptions')
                await until(lambda: window.find('list item', 'Alan'))
            places = (0, 0, 460, 660), (500, 0, 460, 660)
            place_windows(*places)
            await Tornadis.sleep(SETTLED)
            take_picture('records.png', *places)


async def picture_live_data(uri, client):
    fill = """for i = 1, 1000000 do redis.call('RPUSH', 'log', string.format('%02d:%02d:%02d  %s', i / 3600 % 24, i / 60 % 60, i % 60,
        ARGV[i * 7 % #ARGV + 1])) end"""
    await client.call('EVAL', fill, 0, 'door opened', 'door closed', 'light on', 'light off', 'heating at 21 °C')
    with showing('rows.py', uri, 'log') as window:
        await until(lambda: window.find('label', 'light on'))
        scroll = next(part for part in window.walk(window.find('scroll bar', '')) if 'Value' in part.get_interfaces())
        scroll.set_current_value(scroll.get_maximum_value() / 3)
        place = 0, 0, 460, 400
        place_windows(place)
        await Tornadis.sleep(SETTLED)
        take_picture('live-data.png', place)


async def picture_messages(uri, client):
    """A minute of messages: the graph is of so many seconds."""
    chance = random.Random(7)
    with showing('channels.py', '-s', 'news', '-s', 'orders.*', '-s', 'sensors.*', uri) as window:
        await until(lambda: window.find('label', '0 received'))
        rate = 20
        for _ in range(62):
            rate = max(3, min(45, rate + chance.randint(-6, 6)))
            for _ in range(rate):
                place, degrees = chance.choice(('garden', 'hall')), 18 + chance.random() * 5
                channel, text = chance.choice((
                    (f'sensors.{place}', f'{degrees:.1f} °C'), (f'sensors.{place}', f'{degrees:.1f} °C'), ('news', 'The sun is up'),
                    ('orders.paid', f'{{"order": {chance.randint(48700, 48999)}, "method": "{chance.choice(METHODS)}"}}'),
                    ('orders.shipped', f'{{"order": {chance.randint(48700, 48999)}, "carrier": "Post"}}')))
                await client.call('PUBLISH', channel, text)
            await Tornadis.sleep(1 - rate * 0.001)
        take_picture('desktop-example.png', (0, 0, 1000, 700))


async def make(*pictures):
    # What is below the pointer looks different.
    Atspi.generate_mouse_event(desktop.WIDTH - 1, desktop.HEIGHT - 1, 'abs')
    server = TornadisHarness.Redis.new(None)
    client = Tornadis.Client(unix_domain_socket=server.get_socket_path())
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
    for picture in pictures:
        await picture(f'redis://127.0.0.1:{server.get_port()}', client)


with desktop.session():
    directory = os.path.join(os.environ['XDG_CONFIG_HOME'], 'gtk-4.0')
    os.mkdir(directory)
    with open(os.path.join(directory, 'settings.ini'), 'w', encoding='utf-8') as file:
        file.write(SETTINGS)
    Tornadis.run(make(picture_records, picture_live_data, picture_messages))
