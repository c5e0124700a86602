# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the types of the library for Python and TypeScript from its GIR and from what the overrides add to that.

generate.py GIR OVERRIDES.pyi OVERRIDES.d.ts OUTPUT.pyi OUTPUT.d.ts

What is in an overrides file replaces what the GIR says of the same name, a member of a class that of the same class;
what surrounds it there surrounds the output. In that for Python "# properties of" a class stands for these, as
keyword arguments, and functions get the docstrings of the override, which editors would not find.
"""

import ast
import pathlib
import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'

INTEGERS = {'gint', 'guint', 'gint64', 'guint64', 'guint16', 'gsize', 'gssize', 'guint8'}


# What of GIO's interface the classes have that implement it, whose GIR is not read.
LIST_MODEL = ElementTree.fromstring("""
<interface xmlns="http://www.gtk.org/introspection/core/1.0" xmlns:glib="http://www.gtk.org/introspection/glib/1.0" name="ListModel">
  <method name="get_item">
    <return-value transfer-ownership="full" nullable="1"><type name="GObject.Object"/></return-value>
    <parameters><parameter name="position"><type name="guint"/></parameter></parameters>
  </method>
  <method name="get_item_type">
    <return-value transfer-ownership="none"><type name="GType"/></return-value>
  </method>
  <method name="get_n_items">
    <return-value transfer-ownership="none"><type name="guint"/></return-value>
  </method>
  <method name="items_changed">
    <return-value transfer-ownership="none"><type name="none"/></return-value>
    <parameters>
      <parameter name="position"><type name="guint"/></parameter>
      <parameter name="removed"><type name="guint"/></parameter>
      <parameter name="added"><type name="guint"/></parameter>
    </parameters>
  </method>
  <glib:signal name="items-changed">
    <return-value transfer-ownership="none"><type name="none"/></return-value>
    <parameters>
      <parameter name="position"><type name="guint"/></parameter>
      <parameter name="removed"><type name="guint"/></parameter>
      <parameter name="added"><type name="guint"/></parameter>
    </parameters>
  </glib:signal>
</interface>""")


class Type:
    def __init__(self, element):
        """Of anything that has a type: a parameter, a property, a return value."""
        node = element.find(f'{CORE}array')
        self.array = node is not None
        self.name = (node if self.array else element).find(f'{CORE}type').get('name')
        self.nullable = element.get('nullable') == '1'


class Function:
    def __init__(self, element):
        self.name = element.get('name')
        self.kind = element.tag.removeprefix(CORE)
        self.doc = get_doc(element)
        returned = element.find(f'{CORE}return-value')
        self.returns = Type(returned)
        elements = element.findall(f'{CORE}parameters/{CORE}parameter')
        # Languages have no use for lengths of arrays, nor for what a closure carries by itself.
        dropped = {int(parameter.get(key)) for parameter in elements
                   for key in ('closure', 'destroy') if parameter.get(key)}
        dropped |= {int(array.get('length')) for owner in (*elements, returned)
                    for array in owner.findall(f'{CORE}array') if array.get('length')}
        self.parameters = [(parameter.get('name'), Type(parameter)) for number, parameter in enumerate(elements)
                           if number not in dropped]
        self.has_closure = any(parameter.get('closure') for parameter in elements) and self.kind != 'callback'


class Item:
    """A class, interface, record, enumeration or set of flags."""

    def __init__(self, element):
        self.name = element.get('name')
        self.kind = element.tag.removeprefix(CORE)
        self.doc = get_doc(element)
        self.parent = element.get('parent')
        self.abstract = element.get('abstract') == '1'
        self.error_domain = element.get(f'{GLIB}error-domain') is not None
        self.members = [(member.get('name').upper(), int(member.get('value')), get_doc(member))
                        for member in element.findall(f'{CORE}member')]
        self.functions = get_functions(element, 'constructor', 'function', 'method', 'virtual-method')
        self.properties = [Property(each) for each in element.findall(f'{CORE}property')]
        self.signals = [Signal(each) for each in element.findall(f'{GLIB}signal')]
        self.ancestors = []
        if self.kind == 'interface':
            # Languages implement them, but have none to call.
            self.functions = [each for each in self.functions if each.kind != 'virtual-method']
            # What has its signals is an object, and connects to them as any.
            self.signals = []
        interfaces = [each.get('name') for each in element.findall(f'{CORE}implements')]
        self.implements = [name for name in interfaces if '.' not in name]
        self.is_list = 'Gio.ListModel' in interfaces
        if self.is_list:
            self.functions += get_functions(LIST_MODEL, 'method')

    def get_constructor(self):
        return next((each for each in self.functions if each.kind == 'constructor' and each.name == 'new'), None)

    def get_all(self, what):
        return [each for item in (*self.ancestors, self) for each in getattr(item, what)]


class Property:
    def __init__(self, element):
        self.name = element.get('name')
        self.identifier = self.name.replace('-', '_')
        self.camel = re.sub('-(.)', lambda match: match[1].upper(), self.name)
        self.doc = get_doc(element)
        self.writable = element.get('writable') == '1'
        self.type = Type(element)
        # A GIR does not say; a string or an object may always be unset.
        self.type.nullable = self.type.name == 'utf8' or '.' in self.type.name


class Signal(Function):
    def __init__(self, element):
        super().__init__(element)
        self.detailed = element.get('detailed') == '1'


class Namespace:
    def __init__(self, path):
        namespace = ElementTree.parse(path).find(f'{CORE}namespace')

        def of(*tags):
            return [each for tag in tags for each in namespace.findall(CORE + tag)
                    if not each.get(f'{GLIB}is-gtype-struct-for')]

        self.constants = [(each.get('name'), Type(each), get_doc(each)) for each in of('constant')]
        self.functions = get_functions(namespace, 'function')
        self.callbacks = {each.name: each for each in map(Function, of('callback'))}
        self.enumerations = [Item(each) for each in of('enumeration', 'bitfield')]
        self.records = [Item(each) for each in of('record')]
        self.interfaces = [Item(each) for each in of('interface')]
        items = {each.name: each for each in map(Item, of('class'))}
        # What is called on the class: a method of its structure in C.
        for structure in namespace.findall(f'{CORE}record'):
            for method in get_functions(structure, 'method') if structure.get(f'{GLIB}is-gtype-struct-for') in items else []:
                method.kind = 'class-method'
                items[structure.get(f'{GLIB}is-gtype-struct-for')].functions.append(method)
        # Parents first.
        self.classes = sorted(items.values(), key=lambda item: (item.parent in items, item.name))
        for item in self.classes:
            if item.parent in items:
                item.ancestors = [items[item.parent]]
                item.implements = [each for each in item.implements if each not in items[item.parent].implements]
            elif item.is_list:
                item.implements.append('Gio.ListModel')
                item.signals.append(Signal(LIST_MODEL.find(f'{GLIB}signal')))


def get_functions(element, *tags):
    return [Function(each) for tag in tags for each in element.findall(CORE + tag)
            if each.get('introspectable') != '0']


def get_doc(element):
    """The first sentence."""
    doc = element.find(f'{CORE}doc')
    if doc is None:
        return ''
    paragraph = ' '.join(doc.text.split('\n\n')[0].split())
    return re.sub(':$', '.', re.match(r'(.*?\.)(?= |$)|.*', paragraph)[0])


def translate(doc, null, true, false):
    for word, translation in (('NULL', null), ('TRUE', true), ('FALSE', false)):
        doc = doc.replace('%' + word, f'`{translation}`')
    doc = re.sub(r'%TORNADIS_ERROR_(\w+)', r'`Error.\1`', doc)
    doc = re.sub(r'\[(?:func|method|ctor|vfunc)@(?:Tornadis\.)?([\w.]+)\]', r'`\1()`', doc)
    doc = re.sub(r'\[\w+@(?:Tornadis\.)?([\w.:-]+)\]', r'`\1`', doc)
    return re.sub(r'(?<!\w)[@#](\w+)', r'`\1`', doc)


def indent(text):
    return textwrap.indent(text, '    ')


class Members:
    """Texts by name, in order; a name may have several."""

    def __init__(self):
        self.texts = {}

    def add(self, name, text):
        self.texts.setdefault(name, []).append(text)

    def merge(self, others):
        self.texts.update(others.texts)

    def join(self):
        return '\n'.join(text for texts in self.texts.values() for text in texts)


def get_docstrings(paths):
    """Of functions and of members of classes, by name ("Client.call"); the first file that has one counts."""
    docs = {}
    for path in paths:
        for node in ast.parse(path.read_text(encoding='utf-8')).body:
            members = node.body if isinstance(node, ast.ClassDef) else [node]
            prefix = f'{node.name}.' if isinstance(node, ast.ClassDef) else ''
            for member in members:
                if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(member):
                    docs.setdefault(prefix + member.name, ast.get_docstring(member))
                elif isinstance(member, ast.Assign) and isinstance(member.value, ast.Call):
                    # NAME = property(..., doc='...')
                    for keyword in member.value.keywords:
                        if keyword.arg == 'doc' and isinstance(keyword.value, ast.Constant):
                            docs.setdefault(prefix + ast.unparse(member.targets[0]), keyword.value.value)
    return docs


def add_docstrings(source, docs):
    """To functions and members in the source of a stub; one of several signatures keeps what it has."""
    lines = source.split('\n')
    nodes = [(member, f'{node.name}.' if isinstance(node, ast.ClassDef) else '') for node in ast.parse(source).body
             for member in (node.body if isinstance(node, ast.ClassDef) else [node])]
    for node, prefix in reversed(nodes):
        doc = docs.get(prefix + node.name) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else None
        overloaded = any(ast.unparse(each) == 'overload' for each in node.decorator_list) if doc else False
        if doc is None or ast.get_docstring(node) and overloaded:
            continue
        first, *others = doc.replace('\\', '\\\\').split('\n')
        text = [f'"""{first}', *others, '"""'] if others else [f'"""{first}"""']
        text = [' ' * (node.col_offset + 4) + line if line else '' for line in text]
        if ast.get_docstring(node):
            lines[node.body[0].lineno - 1:node.body[0].end_lineno] = text
        elif lines[node.end_lineno - 1].endswith(' ...'):
            lines[node.end_lineno - 1] = lines[node.end_lineno - 1].removesuffix(' ...')
            lines[node.end_lineno:node.end_lineno] = text
    return '\n'.join(lines)


class Python:
    TYPES = {'utf8': 'str', 'gboolean': 'bool', 'gdouble': 'float', 'none': 'None', 'gpointer': 'object',
             'GLib.Quark': 'int', 'GType': 'GObject.GType | type[GObject.Object]', **dict.fromkeys(INTEGERS, 'int')}

    def __init__(self, namespace, overrides):
        self.namespace = namespace
        sources = pathlib.Path(overrides).resolve().parent.parent / 'python' / 'gi' / 'overrides'
        # What applications see, before its parts.
        docs = get_docstrings([sources / 'Tornadis.py', *sorted(sources.glob('_tornadis*.py'))])
        with open(overrides, encoding='utf-8') as file:
            head, self.classes, more_functions = self.parse(add_docstrings(file.read(), docs))
        parts = [head]
        parts.append('\n'.join(self.describe(f'{name}: {self.get_type(kind)}', doc)
                               for name, kind, doc in namespace.constants))
        parts += map(self.make_enumeration, namespace.enumerations)
        parts += map(self.make_class, (*namespace.records, *namespace.interfaces, *namespace.classes))
        parts += [self.close(head, '', members) for head, members in self.classes.values()]
        functions = Members()
        for function in namespace.functions:
            functions.add(function.name, self.make_function(function, None))
        functions.merge(more_functions)
        self.text = '\n\n'.join([*parts, functions.join()]) + '\n'

    @staticmethod
    def parse(source):
        """What comes before the first class, the classes, and functions."""
        lines = source.splitlines()
        classes, functions, starts = {}, Members(), []

        def get_text(node):
            starts.append(min([node.lineno, *(each.lineno for each in getattr(node, 'decorator_list', ()))]))
            return textwrap.dedent('\n'.join(lines[starts[-1] - 1:node.end_lineno]))

        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef):
                members = Members()
                for member in node.body:
                    name = member.name if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)) else ast.unparse(
                        member.target if isinstance(member, ast.AnnAssign) else member)
                    members.add(name, get_text(member))
                classes[node.name] = (get_text(node).split('\n')[0], members)
            elif isinstance(node, ast.FunctionDef):
                functions.add(node.name, get_text(node))
        return '\n'.join(lines[:min(starts) - 1]).strip(), classes, functions

    @staticmethod
    def translate(doc):
        return translate(doc, 'None', 'True', 'False').replace('\\', '\\\\')

    def describe(self, variable, doc):
        return f'{variable}\n"""{self.translate(doc)}"""' if doc else variable

    def close(self, head, doc, members=None):
        """A class or a function, from the line that ends in a colon."""
        body = [f'"""{self.translate(doc)}"""'] if doc else []
        if members is not None and members.texts:
            body.append(members.join())
        return head + '\n' + indent('\n'.join(body)) if body else head + ' ...'

    def get_type(self, kind, given=False):
        name = self.TYPES.get(kind.name, kind.name)
        if kind.array and kind.name == 'guint8':
            name = 'bytes'
        elif kind.array:
            # Not any sequence is welcome: a string is one.
            name = f'list[{name}] | tuple[{name}, ...]' if given else f'list[{name}]'
        elif name == 'Gio.AsyncReadyCallback':
            name = 'Callable[[Self, Gio.AsyncResult], object]'
        elif name in self.namespace.callbacks:
            name = self.make_callable(self.namespace.callbacks[name])
        return f'{name} | None' if kind.nullable else name

    def make_callable(self, function, *instance):
        kinds = [*instance, *(self.get_type(kind) for _, kind in function.parameters)]
        return f'Callable[[{", ".join(kinds)}], object]'

    def make_function(self, function, owner):
        decorator, name, first = '', function.name, ['self']
        if function.kind in ('constructor', 'class-method'):
            decorator, first = '@classmethod\n', ['cls']
        elif function.kind == 'virtual-method':
            name = f'do_{name}'
        elif function.kind == 'function':
            decorator, first = '@staticmethod\n' if owner else '', []
        returns = self.get_type(function.returns)
        types = [f'{parameter}: {self.get_type(kind, True)}' for parameter, kind in function.parameters]
        given = list(types)
        for number in reversed(range(len(given))):
            if not function.parameters[number][1].nullable:
                break
            given[number] += ' = None'
        text = self.close(f'{decorator}def {name}({", ".join(first + given)}) -> {returns}:', function.doc)
        if not function.has_closure:
            return text
        # A callback that gets data after its own arguments.
        types[-1] = f'{function.parameters[-1][0]}: Callable[..., object]'
        types += ['user_data: object', '*more: object']
        return f'@overload\n{text}\n@overload\ndef {name}({", ".join(first + types)}) -> {returns}: ...'

    def make_enumeration(self, item):
        members = Members()
        for name, value, doc in item.members:
            members.add(name, self.describe(f'{name} = {value}', doc))
        for function in item.functions:
            members.add(function.name, self.make_function(function, item))
        flags = item.kind == 'bitfield'
        for name in ('first_value_name', 'first_value_nick') if flags else ('value_name', 'value_nick'):
            members.add(name, f'@property\ndef {name}(self) -> str: ...')
        for name in ('value_names', 'value_nicks') if flags else ():
            members.add(name, f'@property\ndef {name}(self) -> list[str]: ...')
        # GObject.GEnum is that, too; but it would be anything where there are no stubs of GObject.
        return self.close(f'class {item.name}({"IntFlag" if flags else "IntEnum"}):', item.doc, members)

    def make_class(self, item):
        members = Members()
        if item.kind == 'record':
            constructor = item.get_constructor()
            given = [f'{name}: {self.get_type(kind, True)}' for name, kind in constructor.parameters] \
                if constructor else ['_: NoReturn', '/']
            members.add('__init__', f'def __init__({", ".join(["self", *given])}) -> None: ...')
            members.add('copy', 'def copy(self) -> Self: ...')
        elif item.kind == 'class' and not item.abstract:
            keywords = self.make_keywords(item, ' = ...')
            given = ['*', *keywords] if keywords else []
            members.add('__init__', f'def __init__({", ".join(["self", *given])}) -> None: ...')
        if item.properties:
            properties = Members()
            for each in item.properties:
                properties.add(each.identifier, self.make_property(each))
            members.add('Props', self.close(f'class Props({item.parent}.Props):', '', properties))
            members.add('props', '@property\ndef props(self) -> Props: ...')
        for function in item.functions:
            members.add(f'do_{function.name}' if function.kind == 'virtual-method' else function.name,
                        self.make_function(function, item))
        if item.signals or item.properties:
            self.add_connect(members, item)
        _, overrides = self.classes.pop(item.name, (None, Members()))
        for texts in overrides.texts.values():
            texts[:] = [re.sub(r'# properties of (\w+)', self.expand_keywords, text) for text in texts]
        members.merge(overrides)
        # A record has no base, which would be anything where there are no stubs of GObject.
        bases = [*[item.parent] * (item.parent is not None), *item.implements]
        head = f'class {item.name}({", ".join(bases)}):' if bases else f'class {item.name}:'
        return self.make_details(item) + self.close(head, item.doc, members)

    @staticmethod
    def make_details(item):
        if not item.properties:
            return ''
        details = ['notify', *(f'notify::{each.name}' for each in item.get_all('properties'))]
        return f'_{item.name}Notify: TypeAlias = {make_literal(details)}\n\n'

    def make_property(self, each):
        if each.writable:
            return self.describe(f'{each.identifier}: {self.get_type(each.type)}', each.doc)
        return self.close(f'@property\ndef {each.identifier}(self) -> {self.get_type(each.type)}:', each.doc)

    def make_keywords(self, item, default):
        return [f'{each.identifier}: {self.get_type(each.type)}{default}'.replace('None | None', 'None')
                for each in item.get_all('properties') if each.writable]

    def expand_keywords(self, match):
        item = next(each for each in self.namespace.classes if each.name == match[1])
        return ', '.join(self.make_keywords(item, ' | None = None')) + ','

    def add_connect(self, members, item):
        """The name of a signal decides on what its handler gets; data of the program's own follows that."""
        signals = item.get_all('signals')
        cases = [(make_literal([each.name]), self.make_callable(each, 'Self'), each.doc) for each in signals]
        cases.append((f'_{item.name}Notify', 'Callable[[Self, GObject.ParamSpec], object]', ''))
        known = ' | '.join([make_literal([each.name for each in signals])] * bool(signals) + [f'_{item.name}Notify'])
        for each in signals:
            if each.detailed:
                # Details can not be listed: any other string stands for one.
                cases.append(('str', self.make_callable(each, 'Self'), f'The signal `{each.name}` with a detail.'))
                known = 'str'
        for name in ('connect', 'connect_after'):
            # Narrower than GObject's own, which takes any name and any handler.
            decorator = '@overload  # type: ignore[override]\n'
            for signal, handler, doc in cases:
                members.add(name, decorator + self.close(
                    f'def {name}(self, detailed_signal: {signal}, handler: {handler}, /) -> int:', doc))
                decorator = '@overload\n'
            members.add(name, f'@overload\ndef {name}(self, detailed_signal: {known}, handler: Callable[..., object], '
                              'user_data: object, /, *more: object) -> int: ...')


def make_literal(names):
    return f'Literal[{", ".join(map(repr, names))}]'


class TypeScript:
    TYPES = {'utf8': 'string', 'gboolean': 'boolean', 'gdouble': 'number', 'none': 'void', 'GType': 'GObject.GType',
             'GLib.Error': 'AnyError',
             **dict.fromkeys(INTEGERS, 'number')}
    # What may be given instead of a value of a type.
    GIVEN = {'GLib.Bytes': 'GLib.Bytes | Uint8Array', 'GType': 'GObject.GType | {$gtype: GObject.GType}'}

    def __init__(self, namespace, overrides):
        self.namespace = namespace
        with open(overrides, encoding='utf-8') as file:
            head, body, foot = re.split('(?<=namespace Tornadis {\n)(.*?)(?=\n    }\n)', file.read(), 1, re.DOTALL)
        self.classes, more = self.parse(textwrap.dedent(body))
        parts = [*self.make_constants(), *map(self.make_enumeration, namespace.enumerations)]
        parts += map(self.make_callback, namespace.callbacks.values())
        parts += map(self.make_class, (*namespace.records, *namespace.interfaces, *namespace.classes))
        parts += [self.close(head, '', members) for head, members in self.classes.values()]
        functions = Members()
        for function in namespace.functions:
            functions.add(function.name, self.describe(f'function {self.make_signature(function)};', function.doc))
        functions.merge(more)
        self.text = head + indent(indent('\n\n'.join([*parts, functions.join()]))) + foot

    @staticmethod
    def parse(source):
        """The classes, and what else there is. Interfaces, for what several classes have, stay as they are."""
        classes, more = {}, Members()

        def keep(match):
            more.add(match[1], match[0].strip())
            return ''

        source = re.sub(r'(?:^/\*\*[^\n]*\*/\n)?^interface (\w+)(?:[^\n]*\{\}$|.*?^\}$)', keep, source,
                        flags=re.DOTALL | re.MULTILINE)
        text, members = [], None
        for line in source.splitlines():
            if line.startswith('class ') and line.endswith('{'):
                members = Members()
                classes[re.match(r'class (\w+)', line)[1]] = ('\n'.join([*text, line]), members)
                text = []
            elif line == '}':
                members = None
            elif line or text:
                text.append(line[4:] if members else line)
                if line.endswith(';') and not re.match(r' *(/\*\*|\*)', line):
                    declared = next(each for each in text if not re.match(r' *(/\*\*|\*)', each))
                    name = re.match(r'(?:(?:static|get|set|readonly|function|type) )*\[?([\w.]+)', declared)[1]
                    (members or more).add(name, '\n'.join(text))
                    text = []
        return classes, more

    @staticmethod
    def describe(declaration, doc):
        doc = translate(doc, 'null', 'true', 'false').replace('*/', '')
        return f'/** {doc} */\n{declaration}' if doc else declaration

    def close(self, head, doc, members):
        return self.describe(f'{head}\n{indent(members.join())}\n}}' if members.texts else head + '}', doc)

    def get_type(self, kind, given=False):
        name = self.TYPES.get(kind.name, kind.name)
        if given:
            name = self.GIVEN.get(kind.name, name)
        if kind.array:
            name = 'Uint8Array' if kind.name == 'guint8' else f'({name})[]' if '|' in name else f'{name}[]'
        elif name == 'Gio.AsyncReadyCallback':
            name += '<this>'
        return f'{name} | null' if kind.nullable else name

    def make_given(self, function, given=True):
        return ', '.join(f'{name}: {self.get_type(kind, given)}' for name, kind in function.parameters)

    def make_signature(self, function, name=None):
        return f'{name or function.name}({self.make_given(function)}): {self.get_type(function.returns)}'

    def make_constants(self):
        yield '\n'.join(self.describe(f'const {name}: {self.get_type(kind)};', doc)
                        for name, kind, doc in self.namespace.constants)

    def make_enumeration(self, item):
        members = Members()
        if item.error_domain:
            members.add('$gtype', f'static $gtype: GObject.GType<{item.name}>;')
            for name, _, doc in item.members:
                members.add(name, self.describe(f'static readonly {name}: number;', doc))
            members.add('constructor', 'constructor(options: {message: string; code: number});')
            for function in item.functions:
                members.add(function.name, self.describe(f'static {self.make_signature(function)};', function.doc))
            return self.close(f'class {item.name} extends GLib.Error {{', item.doc, members)
        for name, value, doc in item.members:
            members.add(name, self.describe(f'{name} = {value},', doc))
        return self.close(f'enum {item.name} {{', item.doc, members) + \
            f'\nnamespace {item.name} {{\n    const $gtype: GObject.GType<{item.name}>;\n}}'

    def make_callback(self, function):
        given, returns = self.make_given(function, False), self.get_type(function.returns)
        return self.describe(f'interface {function.name} {{\n    ({given}): {returns};\n}}', function.doc)

    def make_class(self, item):
        members = Members()
        members.add('$gtype', f'static $gtype: GObject.GType<{item.name}>;')
        if item.kind == 'record':
            # GJS takes the first one that there is.
            constructor = item.get_constructor() or next(
                (each for each in item.functions if each.kind == 'constructor'), None)
            members.add('constructor', f'constructor({self.make_given(constructor)});' if constructor else
                        'private constructor();')
        elif item.get_all('properties'):
            members.add('constructor', f'constructor(properties?: Partial<{item.name}.ConstructorProps>);')
        for each in item.properties:
            for name in dict.fromkeys((each.identifier, each.camel)):
                kind = self.get_type(each.type)
                members.add(name, self.describe(f'get {name}(): {kind};', each.doc))
                if each.writable:
                    members.add(name, f'set {name}(value: {kind});')
        for function in item.functions:
            static = 'static ' if function.kind in ('constructor', 'function', 'class-method') else ''
            name = f'vfunc_{function.name}' if function.kind == 'virtual-method' else function.name
            members.add(name, self.describe(f'{static}{self.make_signature(function, name)};', function.doc))
        if item.signals or item.properties:
            # Narrower than GObject's own, which takes any name and any handler.
            handler = f'(source: this, ...args: Parameters<{item.name}.SignalSignatures[K]>) => unknown'
            for name in ('connect', 'connect_after'):
                members.add(name, f'{name}<K extends keyof {item.name}.SignalSignatures>(signal: K, '
                                  f'callback: {handler}): number;')
        _, overrides = self.classes.pop(item.name, (None, Members()))
        members.merge(overrides)
        base = f' extends {item.parent}' if item.parent else ''
        abstract = 'abstract ' if item.abstract or item.kind == 'interface' else ''
        return self.close(f'{abstract}class {item.name}{base} {{', item.doc, members) + self.make_namespace(item)

    def make_namespace(self, item):
        if not item.signals and not item.get_all('properties'):
            return ''
        signals, properties = Members(), Members()
        for each in item.signals:
            handler = f'({self.make_given(each, False)}) => void'
            signals.add(each.name, self.describe(f"'{each.name}': {handler};", each.doc))
            if each.detailed:
                signals.add(each.name, f'[detail: `{each.name}::${{string}}`]: {handler};')
        if not item.ancestors:
            for name in ("'notify'", '[detail: `notify::${string}`]'):
                signals.add('notify', f'{name}: (pspec: GObject.ParamSpec) => void;')
        for each in item.properties:
            for name in dict.fromkeys((each.identifier, each.camel, f"'{each.name}'")) if each.writable else ():
                properties.add(name.strip("'"), f'{name}: {self.get_type(each.type)};')
        properties.texts = {name: texts[:1] for name, texts in properties.texts.items()}
        parent = item.ancestors[0].name if item.ancestors else ''
        text = '\n'.join(self.close(f'interface {name}{f" extends {parent}.{name}" if parent else ""} {{', '', members)
                         for name, members in (('SignalSignatures', signals), ('ConstructorProps', properties)))
        return f'\nnamespace {item.name} {{\n{indent(text)}\n}}'


def main(gir, python_overrides, typescript_overrides, python_output, typescript_output):
    namespace = Namespace(gir)
    for language, overrides, output in ((Python, python_overrides, python_output),
                                        (TypeScript, typescript_overrides, typescript_output)):
        with open(output, 'w', encoding='utf-8') as file:
            file.write(language(namespace, overrides).text)


main(*sys.argv[1:])
