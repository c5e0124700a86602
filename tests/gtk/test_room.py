# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page of the desktop example that windows edit together, in the language that the argument names."""

import sys

import desktop
from channels import click, publisher, running, uri
from desktop import Screen, get_role, until
from tap import equal, main

from gi.repository import Atspi, Tornadis

# As each application is one process, whatever is opened.
OTHER = '--gapplication-app-id=org.example.Other'
# What a switch is to AT-SPI, by version.
SWITCHES = 'check box', 'push button', 'switch'


class Room:
    """The page of a window. What is on it is looked for once: each look at a window is a hundred calls."""

    def __init__(self, window):
        self.window = window
        for widget in window.walk():
            role, name = get_role(widget), widget.get_name()
            if role == 'text' and name == 'Topic':
                self.topic = widget
            elif role in SWITCHES and name == 'Open':
                self.switch = widget
            elif role == 'spin button':
                self.seats = widget
            elif role == 'text' and name == 'Name':
                self.name = widget
            elif role == 'push button' and name == 'Add Guest':
                self.add = widget
            elif role == 'list' and name == 'Guests':
                # The second one: the first is the group.
                self.guests = widget

    def get_buttons(self):
        """Those that remove the guests, by name."""
        return {widget.get_name().removeprefix('Remove '): widget for widget in self.window.walk(self.guests)
                if get_role(widget) == 'push button'}

    def get_guests(self):
        return list(self.get_buttons())

    def get_fields(self):
        # GTK 4.8 has no text up to -1.
        return (Atspi.Text.get_text(self.topic, 0, self.topic.get_character_count()),
                self.switch.get_state_set().contains(Atspi.StateType.CHECKED), self.seats.get_current_value())

    def add_guest(self, name):
        equal(self.name.set_text_contents(name), True)
        equal(self.add.do_action(0), True)


def find_tab(window):
    return next((widget for widget in window.walk() if get_role(widget) == 'page tab' and widget.get_name() == 'Room'
                 and window.get_extents(widget).width > 0), None)


async def open_page(window):
    tab = await until(lambda: find_tab(window))
    equal(tab.do_action(0), True)


async def get_room(window):
    """As soon as it can be edited."""
    topic = await until(lambda: window.find('text', 'Topic'))
    await until(lambda: topic.get_state_set().contains(Atspi.StateType.SENSITIVE))
    return Room(window)


async def test_two_windows(server):
    """What one process shows the other shows, too, and the server has."""
    client = publisher(server)
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
    await client.call('HSET', 'channels:room', 'topic', 'Weather', 'seats', 5)
    async with running(uri(server)) as one, running(OTHER, uri(server)) as two:
        await open_page(one)
        await open_page(two)
        one, two = await get_room(one), await get_room(two)
        for room in one, two:
            equal(room.get_fields(), ('Weather', False, 5))
            equal(room.get_guests(), [])

        equal(one.topic.set_text_contents('Gardens'), True)
        await until(lambda: two.get_fields() == ('Gardens', False, 5))
        equal(two.seats.set_current_value(12), True)
        await until(lambda: one.get_fields() == ('Gardens', False, 12))
        # The second one is above the first.
        place = two.window.get_place(two.switch)
        before = Screen().part(*place)
        equal(one.switch.do_action(0), True)
        await until(lambda: two.get_fields() == ('Gardens', True, 12))
        await until(lambda: Screen().part(*place) != before)
        equal(await client.call('HMGET', 'channels:room', 'topic', 'open', 'seats'), [b'Gardens', b'1', b'12'])

        two.add_guest('Ada')
        await until(lambda: one.get_guests() == ['Ada'])
        one.add_guest('Grace & <b>Co</b>')
        await until(lambda: two.get_guests() == one.get_guests() == ['Ada', 'Grace & <b>Co</b>'])
        equal(one.get_buttons()['Ada'].do_action(0), True)
        await until(lambda: two.get_guests() == one.get_guests() == ['Grace & <b>Co</b>'])
        # What another program does.
        await client.call('ZADD', 'channels:guests', 0, 'Alan')
        await client.call('DEL', 'channels:room')
        for room in one, two:
            await until(lambda: room.get_guests() == ['Alan', 'Grace & <b>Co</b>'])
            await until(lambda: room.get_fields() == ('', False, 0))


async def test_no_notifications(server):
    """A server that has none enabled tells all the same, also when it begins anew."""
    client = publisher(server)
    async with running(uri(server)) as window:
        await open_page(window)
        equal(await client.call('CONFIG', 'GET', 'notify-keyspace-events'), {b'notify-keyspace-events': b''})
        room = await get_room(window)
        equal(room.topic.set_text_contents('Weather'), True)
        while await client.call('HGET', 'channels:room', 'topic') != b'Weather':
            await Tornadis.sleep(0.05)
        await client.call('HSET', 'channels:room', 'seats', 5)
        await until(lambda: room.get_fields() == ('Weather', False, 5))
        server.kill()
        await until(lambda: window.find('label', 'Trying to connect again. '))
        server.restart()
        await until(lambda: room.get_fields() == ('', False, 0))
        room.add_guest('Ada')
        while await client.call('ZRANGE', 'channels:guests', 0, -1) != [b'Ada']:
            await Tornadis.sleep(0.05)


async def test_old_server(server):
    """One that does not tell of changes is not edited."""
    async with running(f'{uri(server)}?protocol=resp2') as window:
        await open_page(window)
        await until(lambda: window.find('label', 'No Live Data'))
        equal(window.find('text', 'Topic'), None)


async def test_refused(server):
    """What the server refuses is taken back, and said."""
    client = publisher(server)
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA')
    async with running(uri(server)) as window:
        await open_page(window)
        room = await get_room(window)
        equal(await client.call('ACL', 'SETUSER', 'default', '-hset'), b'OK')
        equal(room.topic.set_text_contents('Weather'), True)
        await until(lambda: window.find('label', 'NOPERM'))
        await until(lambda: room.get_fields() == ('', False, 0))


with desktop.session():
    main(sys.modules[__name__])
