# SPDX-License-Identifier: LGPL-2.1-or-later
"""The types for Python and TypeScript: that they are what the library has, and that type checkers see with them what is
right and what is wrong.

test_stubs.py DIRECTORY_OF_GENERATED_STUBS GIR
"""

import ast
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
import venv
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SOURCES = ROOT / 'introspection' / 'stubs'

GENERATED, GIR = map(pathlib.Path, sys.argv[1:3])
SCRATCH = tempfile.TemporaryDirectory()
STUB = GENERATED / 'Tornadis.pyi'
DECLARATIONS = GENERATED / 'tornadis-1.0.d.ts'


class Skip(Exception):
    pass


def need(program, package):
    path = shutil.which(program)
    if path is None:
        raise Skip(f'there is no {program}, which Debian has in {package}')
    return path


def equal(value, expected):
    """Of sets: says what is too much and what is missing."""
    if value != expected:
        raise AssertionError(f'too much: {sorted(value - expected)}, missing: {sorted(expected - value)}')


def run(*command):
    """What it writes, whether or not it finds something wrong, which it says by 1 or 2."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=HERE)
    if done.returncode not in (0, 1, 2):
        raise AssertionError(f'{command[0]} ended with {done.returncode}: {done.stdout}')
    return done.stdout


# Type checkers


@functools.cache
def make_python(with_gobject):
    """A Python installation with the stubs in it: with stubs of PyGObject, or as it is without."""
    directory = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
    venv.create(directory)
    packages, = directory.glob('lib/python*/site-packages')
    stubs = packages / 'gi-stubs'
    (stubs / 'repository').mkdir(parents=True)
    shutil.copy(STUB, stubs / 'repository')
    shutil.copy(SOURCES / 'py.typed', stubs)
    if with_gobject:
        # In a directory of its own, as from another package.
        shutil.copytree(HERE / 'gi-stubs', directory / 'others' / 'gi-stubs')
        (packages / 'others.pth').write_text(f'{directory}/others\n')
    else:
        for package in (stubs, stubs / 'repository'):
            shutil.copy(SOURCES / 'fallback.pyi', package / '__init__.pyi')
        for name in ('GLib', 'GObject'):
            shutil.copy(SOURCES / f'fallback-{name}.pyi', stubs / 'repository' / f'{name}.pyi')
    return directory


def run_mypy(with_gobject, *arguments):
    program = need('mypy', 'mypy')
    python = make_python(with_gobject)
    return run(program, '--config-file=', '--python-executable', str(python / 'bin' / 'python'),
               '--cache-dir', str(python / 'cache'), '--no-error-summary', *map(str, arguments))


def check(output, wrong, pattern, marks):
    """That nothing is wrong but the marked lines of one file, and all of these."""
    errors = re.findall(r'^(?:\S.*: )?error(?: TS\d+)?:.*', output, re.MULTILINE)
    others = [line for line in errors if not line.startswith(wrong)]
    assert not others, '\n'.join(others)
    lines = (HERE / wrong).read_text().splitlines()
    expected = {number for number, line in enumerate(lines, 1) if re.search(marks, line)}
    assert len(expected) > 50
    found = {int(re.match(pattern, line)[1]) for line in errors}
    if found != expected:
        raise AssertionError('\n'.join(
            [f'rejected: {lines[number - 1]}' for number in sorted(found - expected)] +
            [f'not rejected: {lines[number - 1]}' for number in sorted(expected - found)] + [output]))


def test_python_with_gobject():
    output = run_mypy(True, '--strict', 'program.py', 'wrong.py')
    check(output, 'wrong.py', r'wrong\.py:(\d+):', '# error(, of GObject)?$')


def test_python_without_gobject():
    output = run_mypy(False, '--strict', 'program.py', 'wrong.py')
    check(output, 'wrong.py', r'wrong\.py:(\d+):', '# error$')


def test_python_stub_itself():
    equal(set(run_mypy(True, '--strict', STUB).splitlines()), set())


def test_python_fallback():
    """That it has all that these classes have, so that nothing right is rejected."""
    from gi.repository import GLib, GObject
    for name, kind in (('GObject', GObject.Object), ('GLib', GLib.Bytes), ('GLib', GLib.Error)):
        path = SOURCES / f'fallback-{name}.pyi'
        node = next(each for each in ast.parse(path.read_text()).body if getattr(each, 'name', '') == kind.__name__)
        names = {key for key, _ in get_names(node)[0][1].items()}
        subject = kind() if kind is GLib.Error else kind
        equal({key for key in dir(subject) if not key.startswith('_')} - names - set(dir(RuntimeError)), set())
    equal(set(run_mypy(False, '--strict', *SOURCES.glob('fallback-*.pyi')).splitlines()), set())


def test_python_readme():
    """The programs of README, whose functions have no annotations; and that a misspelt method is found in them."""
    blocks = re.findall(r'^```python\n(.*?)^```$', (ROOT / 'README.md').read_text(), re.DOTALL | re.MULTILINE)
    programs = [block for block in blocks if 'require_version' in block]
    assert programs
    directory = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
    options = ('--strict', '--allow-untyped-defs', '--allow-untyped-calls', '--check-untyped-defs')
    for number, program in enumerate(programs):
        path = directory / f'program_{number}.py'
        for with_gobject in (False, True):
            path.write_text(program)
            equal(set(run_mypy(with_gobject, *options, path).splitlines()), set())
            path.write_text(program.replace('client.call(', 'client.cal(', 1))
            found = run_mypy(with_gobject, *options, path)
            assert '"Client" has no attribute "cal"' in found, found


def test_python_examples():
    examples = sorted((ROOT / 'examples' / 'python').glob('*.py'))
    assert examples
    equal(set(run_mypy(False, '--scripts-are-modules', *examples).splitlines()), set())


def test_typescript():
    output = run(need('tsc', 'node-typescript'), '--strict', '--noEmit', '--target', 'es2022', '--module', 'es2022',
                 '--moduleResolution', 'node', '--lib', 'es2022', '--pretty', 'false', 'gi.d.ts', str(DECLARATIONS),
                 'program.ts', 'wrong.ts')
    check(output, 'wrong.ts', r'wrong\.ts\((\d+),', '// error$')


# Names


def parse_stub():
    """Names of the stub and the bases of its classes; a class has a set of names, too."""
    names, bases, signals = {}, {}, {}
    for node in ast.parse(STUB.read_text()).body:
        for name, members in get_names(node):
            names[name] = members
        if isinstance(node, ast.ClassDef):
            bases[node.name] = [ast.unparse(base) for base in node.bases]
            kinds = [ast.unparse(each.args.posonlyargs[1].annotation) for each in node.body
                     if isinstance(each, ast.FunctionDef) and each.name == 'connect']
            # An overload for one signal; the last one is for data of the program's own behind the arguments of any.
            matches = map(re.compile(r"Literal\['([\w-]+)'\]$").match, kinds)
            signals[node.name] = {match[1] for match in matches if match}
    return names, bases, signals


def get_names(node):
    if isinstance(node, ast.ClassDef):
        members = dict(pair for each in node.body for pair in get_names(each))
        return [(node.name, members)]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        found = [node.name]
    elif isinstance(node, ast.AnnAssign):
        found = [node.target.id]
    elif isinstance(node, ast.Assign):
        found = [target.id for target in node.targets]
    else:
        found = []
    return [(name, {}) for name in found if not name.startswith('_')]


def get_hidden():
    """What is left out: structures of C."""
    core, glib = '{http://www.gtk.org/introspection/core/1.0}', '{http://www.gtk.org/introspection/glib/1.0}'
    namespace = ElementTree.parse(GIR).getroot().find(f'{core}namespace')
    structures = {each.get('name') for each in namespace.findall(f'{core}record')
                  if each.get(f'{glib}is-gtype-struct-for')}
    fields = {each.get('name') for each in namespace.findall(f'{core}class/{core}field')}
    return structures, fields


def import_library():
    import gi
    gi.require_version('Tornadis', '1.0')
    from gi.repository import GObject, Tornadis
    return GObject, Tornadis


def get_parts(kind):
    """A class and what it overrides."""
    return [each for each in kind.__mro__ if each.__name__ == kind.__name__ and each.__module__.endswith('.Tornadis')]


def test_python_names():
    gobject, library = import_library()
    hidden, fields = get_hidden()
    names, bases, _ = parse_stub()
    equal({name for name in names if not name.startswith('_')},
          {name for name in dir(library) if not name.startswith('_')} - hidden)
    for name, members in names.items():
        value = getattr(library, name)
        if not isinstance(value, type):
            continue
        at_runtime = {key for part in get_parts(value) for key in vars(part) if not key.startswith('_')} - fields
        inherited = {key for base in bases[name] for key in names.get(base, ())}
        # Properties and signals have a test of their own. What GObject has is in its stub.
        equal(at_runtime - set(members) - inherited - set(dir(gobject.Object)), set())
        subject = value() if issubclass(value, Exception) else value
        equal({key for key in members if key != 'Props' and not hasattr(subject, key)}, set())


def test_python_properties_and_signals():
    gobject, library = import_library()
    names, bases, signals = parse_stub()
    tested = 0
    for name, members in names.items():
        value = getattr(library, name)
        if not isinstance(value, type) or not issubclass(value, gobject.Object):
            continue
        own = {spec.name.replace('-', '_') for spec in value.list_properties()
               if spec.owner_type == value.__gtype__}
        equal(set(members.get('Props', {})), own)
        inherited = {key for base in bases[name] for key in signals.get(base, ())}
        # PyGObject has those of an interface by itself.
        implemented = {key for part in value.__mro__ if part.__name__ == 'ListModel' and part.__module__.endswith('Gio')
                       for key in gobject.signal_list_names(part)}
        equal(signals[name] | implemented, set(gobject.signal_list_names(value)) | inherited | implemented)
        tested += len(own)
    assert tested > 30


def test_python_program_is_complete():
    program = (HERE / 'program.py').read_text()
    names, _, _ = parse_stub()
    used = set(re.findall(r'(?:\.|def )(\w+)', program))
    inner = {key for members in names.values() for key in members}
    properties = {key for members in names.values() for key in members.get('Props', ())}
    equal((set(names) | inner | properties) - used - {'Props'}, set())


def parse_declarations():
    """Names in the namespace of the declarations; a class or an enumeration has its own."""
    names, current = {}, None
    # What classes have in common.
    interfaces, users = {}, []
    for line in DECLARATIONS.read_text().splitlines():
        if match := re.match(r' {8}(?:abstract )?(class|enum) (\w+)', line):
            current = names.setdefault(match[2], {'static': set(), 'prototype': set()})
            where = 'static' if match[1] == 'enum' else 'prototype'
        elif match := re.match(r' {8}(?:const|function) (\w+)', line):
            names[match[1]] = {'static': set(), 'prototype': set()}
        elif match := re.match(r' {8}interface (\w+) extends (\w+) \{\}', line):
            users.append(match.groups())
        elif match := re.match(r' {8}interface (\w+) \{', line):
            current = interfaces[match[1]] = {'static': set(), 'prototype': set()}
            where = 'prototype'
        elif re.match(r' {8}(\}|namespace)', line):
            current = None
        elif current and (match := re.match(r' {12}(static |get |set |readonly )*([\w$]+)\b', line)):
            if match[2] not in ('private', 'constructor', '$gtype'):
                current['static' if 'static ' in line[:match.start(2)] else where].add(match[2])
    for name, interface in users:
        names[name]['prototype'] |= interfaces[interface]['prototype']
    return names


def to_snake(names):
    return {re.sub('[A-Z](?=[a-z])', lambda match: '_' + match[0].lower(), name).replace('-', '_') for name in names}


def test_typescript_names():
    names = parse_declarations()
    given = json.dumps({name: {key: sorted(each) for key, each in value.items()} for name, value in names.items()})
    output = run(need('gjs', 'gjs'), '-m', str(HERE / 'names.js'), given)
    runtime = json.loads(output.splitlines()[-1])
    equal(set(runtime['missing']), set())
    equal(set(names), set(runtime['names']) - get_hidden()[0])
    for name, declared in names.items():
        for where, members in declared.items():
            equal(to_snake(runtime['names'][name][where]) - to_snake(members), set())


def test_typescript_program_is_complete():
    program = (HERE / 'program.ts').read_text()
    used = set(re.findall(r'\w+', re.sub(r'^\s*//.*', '', program, flags=re.MULTILINE)))
    names = parse_declarations()
    inner = {key for value in names.values() for members in value.values() for key in members}
    equal((set(names) | inner) - used, set())


# The table of names in docs/languages.md


def read_table():
    """The names in each column: of a class or a function, and CLASS.MEMBER."""
    lines = (ROOT / 'docs' / 'languages.md').read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines if line.startswith('|')]
    titles, rows = rows[0], rows[2:]
    assert len(rows) > 40 and all(len(row) == len(titles) for row in rows)
    pattern = re.compile(r'(?:async with )?([A-Z]\w+(?:\.\w+)*|[a-z]\w+(?=\(\)))')
    return {title: [match[1] for row in rows for code in re.findall('`([^`]+)`', row[number])
                    if (match := pattern.match(code))] for number, title in enumerate(titles)}


def test_table_in_python():
    names, bases, _ = parse_stub()

    def has(name, member):
        return member in names[name] or any(has(base, member) for base in bases[name] if base in names)

    for path in read_table()['Python']:
        name, _, member = path.partition('.')
        assert name in names and (not member or has(name, member)), path


def test_table_in_typescript():
    names = parse_declarations()
    for path in read_table()['JavaScript']:
        name, _, member = path.partition('.')
        assert name in names and (not member or member in names[name]['static'] | names[name]['prototype']), path


def test_javascript_comments():
    """What the override has in JavaScript has a JSDoc comment there, with all parameters."""
    overrides = ROOT / 'introspection' / 'gjs' / 'overrides'
    text = '\n'.join(path.read_text() for path in sorted(overrides.glob('*.js')))
    comment = r'/\*\*(?P<doc>(?:(?!\*/).)*)\*/\n *'
    documented = set()
    for function in re.finditer(comment + r'(?:Tornadis\.(?P<kind>\w+)\.)?prototype\.(?P<name>\w+) = (?:async )?function '
                                r'\((?P<given>[^)]*)\)', text, re.DOTALL):
        documented.add(f'{function["kind"] or "PubSubClient"}.{function["name"]}')
        given = re.sub(r' = [^,]+(?=, |$)', '', re.sub(r'\{[^}]*\}', 'options', function['given']))
        assert function['doc'].count('@param') == len(list(filter(None, given.split(', ')))), function[0]
    members = {match['name'] for match in re.finditer(comment + r'(?:get )?(?P<name>\w+)\([\w, ]*\) \{', text, re.DOTALL)}
    # Of these introspection has the comment.
    introspected = {'close', 'stop', 'release_client', 'destroy', 'get_error', 'new_for_uri', 'number_of_stacked_calls'}
    equal({path for path in read_table()['JavaScript'] if '.' in path and path not in documented
           and path.split('.')[1] not in members | introspected}, set())


def test_table_in_c_and_vala():
    core, c = '{http://www.gtk.org/introspection/core/1.0}', '{http://www.gtk.org/introspection/c/1.0}'
    namespace = ElementTree.parse(GIR).getroot().find(f'{core}namespace')
    identifiers = {each.get(f'{c}identifier') for each in namespace.iter()}
    functions = [name for name in read_table()['C'] if name.startswith('tornadis_')]
    equal(set(functions) - identifiers, set())
    classes = {each.get('name'): {re.sub('^new_', '', member.get('name')).replace('-', '_') for member in each
                                  if member.get('name')} for each in namespace if each.get('name')}
    codes = {each.upper() for each in classes['Error']}
    for path in read_table()['Vala']:
        name, _, member = path.partition('.')
        assert name in classes and (not member or member in classes[name] | codes), path


def main():
    os.environ.pop('MYPYPATH', None)
    tests = [(name, value) for name, value in globals().items() if name.startswith('test_')]
    failed = 0
    print(f'1..{len(tests)}')
    for number, (name, test) in enumerate(tests, 1):
        title = f'{number} - {name}'
        try:
            test()
            print(f'ok {title}', flush=True)
        except Skip as reason:
            print(f'ok {title} # SKIP {reason}', flush=True)
        except Exception:
            failed += 1
            print(f'not ok {title}', flush=True)
            print(f'# {title}\n# ' + traceback.format_exc().rstrip().replace('\n', '\n# '), file=sys.stderr, flush=True)
    sys.exit(1 if failed else 0)


main()
