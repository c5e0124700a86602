# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who includes whom: no file of the library one of a later floor, no two classes each other."""

import pathlib
import re
import sys

import cases

ROOT = pathlib.Path(sys.argv[1])
LIBRARY = ROOT / 'tornadis-glib'
# Each includes only those before it.
FLOORS = ['', 'values', 'wire', 'client', 'data']
# Classes with their own parts, which may know each other: a client makes calls, which go through its plugins.
PARTS = [re.compile('client.*|call|plugin(-registry)?'), re.compile('live-model.*'), re.compile('reply.*')]
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]tornadis-glib/([^">]+)[">]', re.MULTILINE)


def floor(path):
    """Of a file of the library, named from its folder on."""
    return path.partition('/')[0] if '/' in path else ''


def role(path):
    """What a file is a part of: tornadis-reply-private.h and tornadis-reply.c are of one piece."""
    return pathlib.PurePath(path).stem.removeprefix('tornadis-').removesuffix('-private')


def read_includes():
    files = [path for path in LIBRARY.rglob('tornadis-*.[ch]') if path.name != 'tornadis-glib.h']
    assert len(files) > 50
    return {str(path.relative_to(LIBRARY)): INCLUDE.findall(path.read_text(encoding='utf-8')) for path in sorted(files)}


def find_climbs(includes):
    """Files that include one of a later floor; the umbrella is above them all."""
    return [f'{path} includes {name}' for path, names in includes.items() for name in names
            if name == 'tornadis-glib.h' or FLOORS.index(floor(name)) > FLOORS.index(floor(path))]


def find_circles(includes):
    """Roles of one floor that include each other, by whatever way."""
    needs = {}
    for path, names in includes.items():
        needs.setdefault(role(path), set()).update(role(name) for name in names)
    reached = {}
    for start in needs:
        seen, todo = set(), [start]
        while todo:
            for name in needs.get(todo.pop(), ()):
                if name not in seen and name != start:
                    seen.add(name)
                    todo.append(name)
        reached[start] = seen
    return sorted(f'{one} and {other}' for one in reached for other in reached[one]
                  if one < other and one in reached.get(other, ())
                  and not any(part.fullmatch(one) and part.fullmatch(other) for part in PARTS))


def test_floors():
    assert find_climbs(read_includes()) == [], find_climbs(read_includes())


def test_circles():
    assert find_circles(read_includes()) == [], find_circles(read_includes())


def test_plugins_see_the_public_api():
    strangers = [f'{path.relative_to(ROOT)} includes {name}'
                 for path in sorted((ROOT / 'plugins').rglob('*.[ch]'))
                 for name in INCLUDE.findall(path.read_text(encoding='utf-8')) if name != 'tornadis-glib.h']
    assert strangers == [], strangers


def test_data_sees_the_public_api():
    """Any class of it could live outside."""
    public = set(re.findall(r'<tornadis-glib/([^>]+)>', (LIBRARY / 'tornadis-glib.h').read_text(encoding='utf-8')))
    strangers = [f'{path} includes {name}' for path, names in read_includes().items() if floor(path) == 'data'
                 for name in names if floor(name) != 'data' and name not in public]
    assert strangers == [], strangers


def test_core_knows_no_binding():
    words = re.compile(r'bridge|marshal\.|gjs_|pygobject|introspection/', re.IGNORECASE)
    strangers = [f'{path.relative_to(ROOT)}: {line.strip()}' for path in sorted(LIBRARY.rglob('*.[ch]'))
                 for line in path.read_text(encoding='utf-8').splitlines() if words.search(line)]
    assert strangers == [], strangers


def test_finds_what_it_looks_for():
    assert find_climbs({'values/tornadis-a.c': ['wire/tornadis-b.h']}) == ['values/tornadis-a.c includes wire/tornadis-b.h']
    assert find_climbs({'tornadis-error.c': ['values/tornadis-a.h'], 'wire/tornadis-b.c': ['client/tornadis-a.h']}) != []
    assert find_climbs({'wire/tornadis-b.c': ['values/tornadis-a.h', 'wire/tornadis-c.h', 'tornadis-error.h']}) == []
    assert find_circles({'wire/tornadis-a.c': ['wire/tornadis-b.h'], 'wire/tornadis-b.h': ['wire/tornadis-c.h'],
                         'wire/tornadis-c.c': ['wire/tornadis-a.h']}) == ['a and b', 'a and c', 'b and c']
    assert find_circles({'client/tornadis-a.c': ['client/tornadis-b.h'], 'client/tornadis-b.c': []}) == []


cases.run(globals())
