# SPDX-License-Identifier: LGPL-2.1-or-later
"""A display and a session bus for a test program, and an application on them: its widgets as a screen reader finds
them, and its pixels."""

import contextlib
import inspect
import os
import shutil
import struct
import subprocess
import tempfile
import time

# Nothing takes so long on the slowest machine.
PATIENCE = 60 * float(os.environ.get('TORNADIS_TEST_SLOW', 1))
WIDTH, HEIGHT = 1200, 800
ENVIRONMENT = {
    'ADW_DISABLE_PORTAL': '1',
    'GDK_BACKEND': 'x11',
    'GSETTINGS_BACKEND': 'memory',
    'GSK_RENDERER': 'cairo',
    'GTK_A11Y': 'atspi',
    'LC_ALL': 'C.UTF-8',
    'LIBGL_ALWAYS_SOFTWARE': '1',
}
# What a machine without a graphics card makes the libraries below GTK say, and GTK 4.8 of its window of shortcuts.
HARMLESS = ('libEGL warning: ', 'MESA-LOADER: ', 'reported min width')


def missing():
    """What is not installed of all that is needed, or None."""
    for program in ('dbus-daemon', 'setpriv', 'Xvfb'):
        if shutil.which(program) is None:
            return f'no {program}'
    if not any(os.path.exists(os.path.join(directory, 'dbus-1/services/org.a11y.Bus.service'))
               for directory in os.environ.get('XDG_DATA_DIRS', '/usr/local/share:/usr/share').split(':')):
        return 'no at-spi2-core'
    import gi
    for name, version in (('Adw', '1'), ('Atspi', '2.0'), ('Gtk', '4.0')):
        try:
            gi.require_version(name, version)
        except ValueError:
            return f'no typelib of {name} {version}'
    return None


def start(command, option):
    """Starts a server that ends with this process, and waits for the line that it writes to the file descriptor that
    option is about; returns both."""
    reader, writer = os.pipe()
    server = subprocess.Popen(['setpriv', '--pdeathsig', 'TERM', *command, *option.format(writer).split()],
                              pass_fds=[writer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writer)
    with open(reader) as lines:
        line = lines.readline().strip()
    if not line:
        server.kill()
        server.wait()
        raise RuntimeError(f'{command[0]} does not start')
    return server, line


@contextlib.contextmanager
def session():
    """This process and its children have a display and a session bus of their own, and no settings of anybody's."""
    with tempfile.TemporaryDirectory() as directory:
        display, number = start(['Xvfb', '-screen', '0', f'{WIDTH}x{HEIGHT}x24', '-fbdir', directory,
                                 '-nolisten', 'tcp', '-noreset'], '-displayfd {}')
        os.environ.update(ENVIRONMENT)
        os.environ['DISPLAY'] = f':{number}'
        os.environ['TORNADIS_TEST_SCREEN'] = os.path.join(directory, 'Xvfb_screen0')
        for variable in ('HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR'):
            os.environ[variable] = directory
        for variable in ('AT_SPI_BUS_ADDRESS', 'GTK_THEME', 'WAYLAND_DISPLAY'):
            os.environ.pop(variable, None)
        bus = None
        try:
            bus, os.environ['DBUS_SESSION_BUS_ADDRESS'] = start(['dbus-daemon', '--session', '--nofork'],
                                                                '--print-address={}')
            yield
        finally:
            for server in filter(None, (bus, display)):
                server.terminate()
                server.wait()


# Of the keyboard that Xvfb has.
KEYCODES = {'Escape': 9, 'Q': 24, 'W': 25, 'Return': 36, 'Control': 37, 'F': 41, 'Shift': 50, 'N': 57, 'slash': 61,
            'F9': 75, 'F10': 76}


def get_role(widget):
    """By one name, whatever AT-SPI there is: that of Debian 13 has other names, and tells buttons that stay pressed."""
    name = widget.get_role_name()
    return 'push button' if name in ('button', 'toggle button') else name


class Screen:
    """What the display shows at this moment, as Xvfb keeps it: an XWD file with 32 bits a pixel."""

    def __init__(self):
        with open(os.environ['TORNADIS_TEST_SCREEN'], 'rb') as file:
            data = file.read()
        header = struct.unpack('>25I', data[:100])
        self.stride = header[12]
        start = header[0] + header[19] * 12
        self.pixels = data[start:start + self.stride * HEIGHT]

    def part(self, x, y, width, height):
        """Its pixels, four bytes each: blue, green, red and none."""
        rows = (self.pixels[row * self.stride:][x * 4:(x + width) * 4] for row in range(y, y + height))
        return [row[i:i + 4] for row in rows for i in range(0, len(row), 4)]

    def size(self):
        """Of the window, which stands at the top left before black."""
        width = sum(any(pixel[:3]) for pixel in self.part(0, 350, WIDTH, 1))
        height = sum(any(pixel[:3]) for pixel in self.part(500, 0, 1, HEIGHT))
        return width, height


class Application:
    """A program and its accessible tree, of which nothing is cached here."""

    def __init__(self, command):
        from gi.repository import Atspi
        self.Atspi = Atspi
        Atspi.set_timeout(int(1000 * PATIENCE), int(1000 * PATIENCE))
        self.output = tempfile.TemporaryFile('w+')
        self.process = subprocess.Popen(['setpriv', '--pdeathsig', 'KILL', *command],
                                        stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)

    def get_root(self):
        desktop = self.Atspi.get_desktop(0)
        for index in range(desktop.get_child_count()):
            application = desktop.get_child_at_index(index)
            if application is not None and application.get_process_id() == self.process.pid:
                application.set_cache_mask(self.Atspi.Cache.NONE)
                return application
        return None

    def walk(self, widget=None):
        widget = widget or self.get_root()
        if widget is None:
            return
        yield widget
        for index in range(widget.get_child_count()):
            child = widget.get_child_at_index(index)
            # It may have gone since it was counted.
            if child is not None:
                yield from self.walk(child)

    def find(self, role, text):
        """The first widget of that role with text in its name that has a size, or None."""
        from gi.repository import GLib
        for _ in range(10):
            try:
                return self.find_at_once(role, text)
            except GLib.Error as error:
                # A widget went while the others were looked at.
                gone = error
        raise gone

    def find_at_once(self, role, text):
        for widget in self.walk():
            if get_role(widget) == role and text in (widget.get_name() or ''):
                if self.get_extents(widget).width > 0:
                    return widget
        return None

    def press(self, *keys):
        """Presses the last key while the others are down."""
        kinds = self.Atspi.KeySynthType
        for key in keys[:-1]:
            self.Atspi.generate_keyboard_event(KEYCODES[key], None, kinds.PRESS)
        self.Atspi.generate_keyboard_event(KEYCODES[keys[-1]], None, kinds.PRESSRELEASE)
        for key in reversed(keys[:-1]):
            self.Atspi.generate_keyboard_event(KEYCODES[key], None, kinds.RELEASE)

    def get_extents(self, widget):
        return widget.get_extents(self.Atspi.CoordType.WINDOW)

    def get_place(self, widget):
        """Where the widget is on the screen; GTK tells it within the window's border."""
        extents = self.get_extents(widget)
        window = self.get_extents(next(other for other in self.walk() if get_role(other) == 'frame'))
        border = (Screen().size()[0] - window.width) // 2
        return extents.x + border, extents.y + border, extents.width, extents.height

    def get_output(self):
        """What it has printed, but for what its surroundings are to blame for."""
        self.output.seek(0)
        return [line for line in self.output.read().splitlines() if line and not any(words in line for words in HARMLESS)]

    def get_cpu_seconds(self):
        """How long it has run, whatever else did so beside it."""
        with open(f'/proc/{self.process.pid}/stat', encoding='utf-8') as stat:
            fields = stat.read().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def wait(self):
        """Its exit status."""
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.output.close()


async def until(check):
    """Waits for what check() returns to be true, and returns it."""
    from gi.repository import GLib, Tornadis
    end = time.monotonic() + PATIENCE
    while True:
        try:
            value = check()
        except GLib.Error as error:
            # A widget has gone while it was looked at.
            if error.domain != 'atspi_error':
                raise
            value = None
        if value:
            return value
        assert time.monotonic() < end, f'in vain: {inspect.getsource(check).strip()}'
        await Tornadis.sleep(0.05)
