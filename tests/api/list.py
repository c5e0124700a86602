#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""list.py GIR: all that the introspection data has, a line each, with types and ownership.

What it says of the library is in tests/data/api.txt. After a change of the API:

    tests/api/list.py build/introspection/Tornadis-1.0.gir > tests/data/api.txt
"""

import sys
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'
CALLABLES = [f'{CORE}constructor', f'{CORE}method', f'{CORE}function', f'{CORE}virtual-method', f'{GLIB}signal']


def describe_type(node):
    """The type of a parameter, a property, a field or what is returned."""
    array = node.find(f'{CORE}array')
    if array is not None:
        bound = array.get('length')
        return f'{describe_type(array)}[{"" if bound is None else "n"}]'
    kind = node.find(f'{CORE}type')
    if kind is None:
        callback = node.find(f'{CORE}callback')
        return '...' if callback is None else 'callback'
    inner = [describe_type(part) for part in [kind] if part.find(f'{CORE}type') is not None]
    return kind.get('name', '?') + ''.join(f'<{name}>' for name in inner)


def describe_value(node):
    words = [describe_type(node)]
    if node.get('transfer-ownership', 'none') != 'none':
        words.append(node.get('transfer-ownership'))
    words += [word for word in ('nullable', 'optional', 'caller-allocates') if node.get(word) == '1']
    words += [node.get(name) for name in ('scope', 'direction') if node.get(name) not in (None, 'in')]
    return ' '.join(words)


def describe_callable(node):
    parameters = node.findall(f'{CORE}parameters/{CORE}parameter')
    arguments = ', '.join(f'{one.get("name", "...")}: {describe_value(one)}' for one in parameters)
    itself = node.find(f'{CORE}parameters/{CORE}instance-parameter')
    taken = ' takes itself' if itself is not None and itself.get('transfer-ownership') == 'full' else ''
    throws = ' throws' if node.get('throws') == '1' else ''
    detailed = ' detailed' if node.get('detailed') == '1' else ''
    return f'({arguments}) -> {describe_value(node.find(f"{CORE}return-value"))}{throws}{taken}{detailed}'


def describe_property(node):
    flags = ['readable' if node.get('readable', '1') == '1' else 'not readable']
    flags += [name for name in ('writable', 'construct', 'construct-only') if node.get(name) == '1']
    return f'{describe_value(node)}, {", ".join(flags)}'


def list_members(owner, node):
    """What is within a type. The order of what a class can override is part of the ABI."""
    n_fields = 0
    for one in node:
        name = one.get('name')
        kind = one.tag.rpartition('}')[2]
        if one.tag in CALLABLES:
            yield f'{owner} {kind} {name} {describe_callable(one)}'
        elif one.tag == f'{CORE}property':
            yield f'{owner} {kind} {name}: {describe_property(one)}'
        elif one.tag == f'{CORE}member':
            yield f'{owner} {kind} {name} = {one.get("value")} {one.get(f"{C}identifier")}'
        elif one.tag == f'{CORE}implements':
            yield f'{owner} {kind} {name}'
        elif one.tag == f'{CORE}field' and node.get(f'{GLIB}is-gtype-struct-for') is not None:
            yield f'{owner} {kind} {n_fields} {name}: {describe_value(one)}'
            n_fields += 1


def list_namespace(namespace):
    for node in namespace:
        name, kind = node.get('name'), node.tag.rpartition('}')[2]
        if node.tag in CALLABLES or node.tag == f'{CORE}callback':
            yield f'{kind} {name} {describe_callable(node)}'
        elif kind == 'constant':
            yield f'{kind} {name}: {describe_type(node)}'
        elif kind == 'function-macro':
            yield f'{kind} {name}'
        else:
            parent = f' : {node.get("parent")}' if node.get('parent') else ''
            flags = ''.join(f' {word}' for word in ('abstract', 'final') if (node.get(word) or node.get(GLIB + word)) == '1')
            yield f'{kind} {name}{parent}{flags}'
            yield from list_members(name, node)


def make_list(path):
    namespace = ElementTree.parse(path).getroot().find(f'{CORE}namespace')
    return sorted(list_namespace(namespace))


if __name__ == '__main__':
    print('\n'.join(make_list(sys.argv[1])))
