# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the program of the arguments, and writes a line for each frame that it has drawn to the file that
TORNADIS_TEST_FRAMES names: how many messages it had received by then, and how many rows GTK has asked for since the frame
before. frames.js is the same in JavaScript."""

import os
import runpy
import sys

import gi
gi.require_version('Adw', '1')
from gi.repository import Adw

show = Adw.ApplicationWindow.present
lines = open(os.environ['TORNADIS_TEST_FRAMES'], 'w', encoding='ascii', buffering=1)
rows = 0


def count_rows(row_class):
    create = row_class.__init__

    def init(*arguments):
        global rows
        rows += 1
        create(*arguments)
    row_class.__init__ = init


def present(window):
    def after_paint(_):
        global rows
        lines.write(f'{window.received} {rows}\n')
        rows = 0
    count_rows(type(window).__init__.__globals__['Row'])
    show(window)
    window.get_frame_clock().connect('after-paint', after_paint)


Adw.ApplicationWindow.present = present
sys.argv.pop(0)
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name='__main__')
