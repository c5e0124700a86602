# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the overrides add for Python and for JavaScript, as Markdown for gi-docgen.

Which names there are, and their types, is what the stubs have (introspection/stubs/overrides.*); the text is the
docstring or the JSDoc comment that the override itself has, else that of the stub, else the first sentence of what it
stands for in C. What is found nowhere is in `undocumented`. The rest of a class comes from the GIR, as links.
"""

import ast
import html
import inspect
import re
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'
C_IDENTIFIER = '{http://www.gtk.org/introspection/c/1.0}identifier'

# What overrides replace of GObject's own, and of the languages', means what it means there.
INHERITED = re.compile(r'(connect|disconnect|handler)(?!_client)(_\w+)?$|emit$|stop_emission_by_name$|run_dispose$|props$|'
                       r'(get|set)_propert(y|ies)$|constructor$|toString$')
# For what there is in C under a name that does not follow from that here.
IN_C = {
    'Client.async_call': 'method@Tornadis.Client.submit',
    'Client.connect_client': 'method@Tornadis.Client.connect_async',
    'Client.disconnect_client': 'method@Tornadis.Client.close',
    'ClientPool.connected_client': 'method@Tornadis.ClientPool.get_connected_client_async',
    'ClientPool.with_client': 'method@Tornadis.ClientPool.get_connected_client_async',
    'ClientPool.withClient': 'method@Tornadis.ClientPool.get_connected_client_async',
    'Message.keys': 'method@Tornadis.Message.get_reply',
    'Pipeline.stack_call': 'method@Tornadis.Pipeline.stack_command',
    'ReplyError.prefix': 'func@Tornadis.Error.dup_prefix',
}
# Members that say nothing themselves are those of a class that everybody knows.
AS_OF = {'Future': 'asyncio.Future', 'TornadisException': 'GLib.Error'}


class Library:
    """What the GIR says."""

    FRAGMENTS = {'class': 'class', 'interface': 'iface', 'record': 'struct', 'enumeration': 'enum', 'bitfield': 'flags'}
    FUNCTION_FRAGMENTS = {'constructor': 'ctor', 'method': 'method', 'function': 'type_func'}

    def __init__(self, path):
        namespace = ElementTree.parse(path).find(CORE + 'namespace')
        self.pages = {}
        # Of functions, by their names in C.
        self.function_pages = {}
        self.members = {}
        self.parents = {}
        for item in namespace:
            kind = item.tag.removeprefix(CORE)
            if kind not in self.FRAGMENTS or item.get(f'{GLIB}is-gtype-struct-for'):
                continue
            name = item.get('name')
            fragment = 'error' if item.get(f'{GLIB}error-domain') else self.FRAGMENTS[kind]
            self.pages[name] = f'{fragment}.{name}.html'
            self.parents[name] = item.get('parent')
            for member in item:
                fragment = self.FUNCTION_FRAGMENTS.get(member.tag.removeprefix(CORE))
                if fragment is not None:
                    self.function_pages[member.get(C_IDENTIFIER)] = f'{fragment}.{name}.{member.get("name")}.html'
            self.members[name] = [
                (member.tag.removeprefix(CORE).removeprefix(GLIB), member.get('name'), self.get_sentence(member))
                for member in item if member.get('introspectable') != '0' and member.get('name')]

    @staticmethod
    def get_sentence(element):
        doc = element.find(CORE + 'doc')
        if doc is None:
            return ''
        paragraph = ' '.join(doc.text.split('\n\n')[0].split())
        return re.match(r'(.*?\.)(?= |$)|.*', paragraph)[0]

    def get_members(self, class_name, *kinds):
        return [(name, text) for kind, name, text in self.members.get(class_name, ()) if kind in kinds]

    def has(self, class_name, name):
        while class_name is not None:
            if any(member.replace('-', '_') == name for member, _ in self.get_members(
                    class_name, 'method', 'constructor', 'function', 'property')):
                return True
            class_name = self.parents.get(class_name)
        return False

    def find(self, class_name, name):
        """Of what a member is in C: the link and the first sentence."""
        link = IN_C.get(f'{class_name}.{name}')
        if link is not None:
            owner, _, member = link.removeprefix('method@Tornadis.').removeprefix('func@Tornadis.').rpartition('.')
            return link, dict(self.get_members(owner, 'method', 'function')).get(member, '')
        plain = name.removeprefix('pubsub_')
        owner = class_name
        while owner in self.members:
            methods = dict(self.get_members(owner, 'method'))
            for candidate in (f'{plain}_async', plain, f'get_{plain}', f'is_{plain}'):
                if candidate in methods:
                    return f'method@Tornadis.{owner}.{candidate}', methods[candidate]
            properties = dict(self.get_members(owner, 'property'))
            if plain.replace('_', '-') in properties:
                return f'property@Tornadis.{owner}:{plain.replace("_", "-")}', properties[plain.replace('_', '-')]
            owner = self.parents[owner]
        return None, ''


class Entry:
    """A function, a class or a member: what it is called, its signatures (HTML), and its text (Markdown)."""

    def __init__(self, name, signatures, doc, members=()):
        self.name = name
        self.signatures = signatures
        self.doc = doc
        # The constructor first.
        self.members = sorted(members, key=lambda each: each.name not in ('__init__', 'constructor'))


def make_id(*names):
    # Lower case: gi-docgen takes "#Name" for a type.
    return '-'.join(name.strip('_').lower() for name in names)


class Linker:
    """Makes types in a signature links."""

    def __init__(self, targets):
        self.targets = targets

    def link(self, text):
        def replace(match):
            target = self.targets.get(match[0])
            return match[0] if target is None else f'<a href="{target}">{match[0]}</a>'

        # gi-docgen makes `code` of "word()" between spaces.
        text = re.sub(r'(?:(?<![\w.])|(?<=\.\.\.))[A-Za-z]\w*(?!\w*[(:?])', replace, html.escape(text, quote=False))
        return text.replace(' -&gt; ', '&nbsp;→ ')


# Python.

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Docstrings:
    """Of all functions, classes and members in files, by name ("Client.call"); the first file that has one counts."""

    def __init__(self, paths):
        self.texts = {}
        # Of the first file: its own docstring, and public members with what defines them.
        self.module = ''
        self.public = {}
        for number, path in enumerate(paths):
            tree = ast.parse(path.read_text(encoding='utf-8'))
            self.module = self.module or ast.get_docstring(tree)
            for node in tree.body:
                self.add(node, '', number == 0)

    def add(self, node, prefix, is_main):
        names, text = [], None
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names, text = [node.name], ast.get_docstring(node)
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            text = self.get_assigned(node.value, prefix)
        for name in names:
            if text:
                self.texts.setdefault(prefix + name, text)
            if is_main and not name.startswith('_') and not prefix.startswith('_'):
                self.public.setdefault(prefix + name, node)
        if isinstance(node, ast.ClassDef) and not prefix:
            for member in node.body:
                self.add(member, node.name + '.', is_main)

    def get_assigned(self, value, prefix):
        """Of `property(..., doc=...)`, or of another name for what has one."""
        if isinstance(value, ast.Call):
            return next((ast.literal_eval(keyword.value) for keyword in value.keywords
                         if keyword.arg == 'doc' and isinstance(keyword.value, ast.Constant)), None)
        if isinstance(value, (ast.Name, ast.Attribute)):
            name = ast.unparse(value)
            return self.texts.get(prefix + name) or self.texts.get(name)
        return None


class PythonApi:
    LANGUAGE = 'Python'

    def __init__(self, library, stub, sources):
        self.library = library
        self.docs = Docstrings(sources)
        self.undocumented = []
        source = stub.read_text(encoding='utf-8')
        self.lines = source.split('\n')
        self.tree = ast.parse(source)
        self.aliases = {}
        classes, functions = {}, {}
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef):
                classes[node.name] = node
            elif isinstance(node, ast.FunctionDef):
                functions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == 'TypeAlias':
                self.aliases[node.target.id] = node
        self.linker = Linker({**library.pages, **{name: f'#{make_id(name)}' for name in classes},
                              **{name.strip('_'): f'#{make_id(name)}' for name in self.aliases}})
        self.functions = [self.make_function('', name, nodes) for name, nodes in functions.items()]
        self.classes = [self.make_class(node) for node in classes.values()]
        self.types = [self.make_alias(name, node) for name, node in self.aliases.items()]

    def get_unstubbed(self, owner, known):
        """Members that the override has and the stubs do not name: those that are documented. The others have to be C's.

        What is GObject's has its page there.
        """
        found = []
        for name, node in self.docs.public.items():
            of, _, member = name.rpartition('.')
            if of != owner or member in known or INHERITED.match(member):
                continue
            if name in self.docs.texts:
                found.append((member, node))
            elif not self.library.has(owner, member):
                self.undocumented.append(f'{name} (in no stub)')
        return found

    def get_doc(self, owner, name, nodes):
        full = f'{owner}.{name}' if owner else name
        doc = self.docs.texts.get(full)
        doc = doc or next(filter(None, map(self.get_stub_doc, nodes)), None)
        link, sentence = self.library.find(owner, name)
        if not doc:
            doc = sentence or owner in AS_OF and f'As that of `{AS_OF[owner]}`.'
        if not doc and name != '__init__':
            self.undocumented.append(full)
        if name.startswith('pubsub_'):
            doc = f"tornadis' name of `{name.removeprefix('pubsub_')}`."
        if name == '__init__':
            of = next(filter(None, map(self.get_properties_class, nodes)), None)
            doc = doc or of and f'The properties of [class@Tornadis.{of}] are given by name.'
        return finish_text(doc, link)

    def get_stub_doc(self, node):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            return ast.get_docstring(node)
        if isinstance(node, ast.AnnAssign) and len(self.lines) > node.end_lineno:
            # A text behind a variable.
            match = re.match(r'\s*"""(.*?)"""', '\n'.join(self.lines[node.end_lineno:]), re.DOTALL)
            return match and inspect.cleandoc(match[1])
        return None

    def make_class(self, node):
        members = {}
        for member in node.body:
            if isinstance(member, FUNCTIONS):
                members.setdefault(member.name, []).append(member)
            elif isinstance(member, ast.AnnAssign):
                members.setdefault(member.target.id, []).append(member)
        entries = [self.make_function(node.name, name, nodes) for name, nodes in members.items()
                   if name == '__init__' or not name.startswith('_')]
        entries += [self.make_function(node.name, name, [each]) for name, each in self.get_unstubbed(node.name, members)]
        bases = [ast.unparse(base) for base in node.bases if not ast.unparse(base).startswith('Generic')]
        head = self.linker.link(', '.join(bases)) if bases else ''
        # Of what is a class of the library, a part of the override may have another of that name.
        doc = self.docs.texts.get(node.name)
        if node.name in self.library.pages:
            doc = ast.get_docstring(self.docs.public[node.name]) if node.name in self.docs.public else None
        elif not doc:
            doc = ast.get_docstring(node)
            if not doc:
                self.undocumented.append(node.name)
        return Entry(node.name, [head] if head else [], to_markdown(doc or ''), entries)

    def make_function(self, owner, name, nodes):
        nodes = [node for node in nodes if not isinstance(node, FUNCTIONS)
                 or not any(ast.unparse(each).endswith('.setter') for each in node.decorator_list)]
        doc = self.get_doc(owner, name, nodes)
        return Entry(name, [self.make_signature(owner, name, node) for node in nodes], doc)

    def make_signature(self, owner, name, node):
        if isinstance(node, ast.Assign):
            return name
        if isinstance(node, ast.AnnAssign):
            return f'{name}: {self.linker.link(self.get_type(node.annotation))}'
        if any(ast.unparse(each) == 'property' for each in node.decorator_list):
            return f'{name}: {self.linker.link(self.get_type(node.returns))} <i>(read only)</i>'
        parameters = self.get_parameters(node.args, bool(owner))
        if self.get_properties_class(node) is not None:
            parameters.append('<i>property</i>=…')
        if name == '__init__':
            return wrap(owner, parameters, '')
        returns = f'&nbsp;→ {self.linker.link(self.get_type(node.returns))}' if node.returns is not None else ''
        return wrap(name, parameters, returns)

    def get_properties_class(self, node):
        """The class whose properties a constructor takes by name."""
        match = re.search(r'# properties of (\w+)', '\n'.join(self.lines[node.lineno - 1:node.end_lineno]))
        return match and match[1]

    def get_parameters(self, args, is_method):
        positional = [*args.posonlyargs, *args.args]
        defaults = [None] * (len(positional) - len(args.defaults)) + args.defaults
        texts = [self.get_parameter(arg, default) for arg, default in zip(positional, defaults)]
        if args.vararg is not None:
            texts.append('*' + self.get_parameter(args.vararg, None))
        elif args.kwonlyargs:
            texts.append('*')
        texts += map(self.get_parameter, args.kwonlyargs, args.kw_defaults)
        if args.kwarg is not None:
            texts.append('**' + self.get_parameter(args.kwarg, None))
        return texts[1:] if is_method else texts

    def get_parameter(self, arg, default):
        text = html.escape(arg.arg)
        if arg.annotation is not None:
            text += f': {self.linker.link(self.get_type(arg.annotation))}'
        return text if default is None else f'{text} = {html.escape(ast.unparse(default))}'

    def get_type(self, node):
        if node is None:
            return 'object'
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self.get_type(ast.parse(node.value, mode='eval').body)
        if isinstance(node, ast.BinOp):
            return f'{self.get_type(node.left)} | {self.get_type(node.right)}'
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            parts = list(map(self.get_type, parts))
            name = ast.unparse(node.value)
            return ' | '.join(parts) if name == 'Union' else f'{name}[{", ".join(parts)}]'
        if isinstance(node, ast.List):
            return f'[{", ".join(map(self.get_type, node.elts))}]'
        return ast.unparse(node).lstrip('_')

    def make_alias(self, name, node):
        lines, number = [], node.lineno - 2
        while number >= 0 and self.lines[number].startswith('#'):
            lines.insert(0, self.lines[number][1:].strip())
            number -= 1
        return Entry(name.strip('_'), [f'{name.strip("_")} = {self.linker.link(self.get_type(node.value))}'],
                     to_markdown(' '.join(lines)))


def measure(text):
    return len(html.unescape(re.sub(r'<[^>]*>', '', text)))


def wrap(name, parameters, returns):
    """A signature on one line, or its parameters on lines of their own."""
    text = f'{name}({", ".join(parameters)}){returns}'
    if measure(text) <= 84 or not parameters:
        return text
    lines = ['    ' + parameters[0]]
    for parameter in parameters[1:]:
        if measure(f'{lines[-1]}, {parameter},') <= 84:
            lines[-1] += f', {parameter}'
        else:
            lines[-1] += ','
            lines.append('    ' + parameter)
    return f'{name}(\n' + '\n'.join(lines) + f'\n){returns}'


def to_markdown(doc):
    """Of a docstring or a comment."""
    doc = re.sub(r'``(.+?)``', r'`\1`', inspect.cleandoc(doc))
    doc = re.sub(r':(?:func|meth|class|attr|exc):`[~.]?(.+?)`', r'`\1`', doc)
    doc = re.sub(r'\{@link\s+(.+?)\}', r'`\1`', doc)
    # A list follows a paragraph.
    doc = re.sub(r'^@(?:param|arg)\s+(?:\{.*?\}\s+)?(\[?[\w.=]+\]?)\s*-?\s*', r'- `\1`: ', doc, flags=re.MULTILINE)
    doc = re.sub(r'^@returns?\s+(?:\{.*?\}\s+)?', r'- Returns: ', doc, flags=re.MULTILINE)
    doc = re.sub(r'^@throws\s+(?:\{.*?\}\s+)?', r'- Throws: ', doc, flags=re.MULTILINE)
    return re.sub(r'(^(?!- ).*\S)\n(?=- )', r'\1\n\n', doc, flags=re.MULTILINE).strip()


def finish_text(doc, link):
    text = to_markdown(doc or '')
    return text + (f'\n\nIn C: [{link}]' if link and not text.startswith('Not allowed') else '')


# JavaScript.


class Declarations:
    """Those of a .d.ts file: (comment, head, body), where a body is such a list or None."""

    OPENING, CLOSING = '([{<', ')]}>'

    def __init__(self, source):
        self.source = source
        self.position = 0

    def read(self):
        found, comment = [], ''
        while True:
            rest = re.compile(r'\s*(?://[^\n]*\s*)*').match(self.source, self.position)
            self.position = rest.end()
            if self.position >= len(self.source):
                return found
            if self.source[self.position] == '}':
                self.position += 1
                return found
            if self.source.startswith('/*', self.position):
                end = self.source.index('*/', self.position)
                comment = strip_comment(self.source[self.position:end + 2])
                self.position = end + 2
                continue
            head, body = self.read_declaration()
            found.append((comment, head, body))
            comment = ''

    def read_declaration(self):
        start = self.position
        has_body = re.compile(r'(?:export |declare |abstract )*(?:class|namespace|module|interface)\b').match(
            self.source, start)
        depth = 0
        while True:
            character = self.source[self.position]
            if has_body and character == '{':
                head = self.source[start:self.position]
                self.position += 1
                return ' '.join(head.split()), self.read()
            if not has_body and character == ';' and depth == 0:
                head = self.source[start:self.position]
                self.position += 1
                return ' '.join(head.split()), None
            if character in self.OPENING:
                depth += 1
            elif character in self.CLOSING and self.source[self.position - 1] != '=':
                depth -= 1
            self.position += 1


def strip_comment(text):
    lines = text.removeprefix('/**').removeprefix('/*').removesuffix('*/').split('\n')
    return inspect.cleandoc('\n'.join(re.sub(r'^\s*\* ?', '', line) for line in lines))


class Comments:
    """JSDoc comments of classes, members and functions, by name ("Client.call")."""

    # What a definition behind a comment looks like; the last is a member of the class around it.
    DEFINITIONS = [re.compile(pattern) for pattern in (
        r'Tornadis\.(?P<owner>\w+)\.prototype\.(?P<name>\w+) =',
        r'Tornadis\.(?P<owner>\w+)\.prototype\[(?P<name>Symbol\.\w+)\] =',
        r'(?P<function>prototype)\.(?P<name>\w+) =',
        r"Object\.defineProperty\(Tornadis\.(?P<owner>\w+)\.prototype, '(?P<name>\w+)'",
        r"Object\.defineProperty\((?P<function>prototype), '(?P<name>\w+)'",
        r'class (?P<class>\w+)',
        r'(?:static )?(?:async )?(?:get |set )?(?P<member>\w+)(?= ?\()',
    )]

    def __init__(self, paths):
        self.texts = {}
        self.public = set()
        for path in paths:
            self.read(path.read_text(encoding='utf-8'))
        self.module = ''

    def read(self, source):
        for match in re.finditer(r'Tornadis\.(\w+)\.prototype\.(\w+) =', source):
            self.public.add(f'{match[1]}.{match[2]}')
        for match in re.finditer(r'/\*\*.*?\*/\s*', source, re.DOTALL):
            definition = next(filter(None, (each.match(source, match.end()) for each in self.DEFINITIONS)), None)
            if definition is None:
                continue
            groups = definition.groupdict()
            before = source[:match.start()]
            if 'class' in groups:
                name = groups['class']
            elif 'member' in groups:
                owner = re.findall(r'\bclass (\w+)', before)
                if not owner:
                    continue
                name = f'{owner[-1]}.{groups["member"]}'
            elif 'function' in groups:
                owner = re.findall(r'\{prototype\} = Tornadis\.(\w+)', before)
                name = f'{owner[-1] if owner else ""}.{groups["name"]}'
            else:
                name = f'{groups["owner"]}.{groups["name"]}'
            self.texts.setdefault(name, strip_comment(match[0].strip()))


class JavaScriptApi:
    LANGUAGE = 'JavaScript'

    def __init__(self, library, declarations, sources):
        self.library = library
        self.docs = Comments(sources)
        self.undocumented = []
        module = next(body for _, head, body in Declarations(declarations.read_text(encoding='utf-8')).read()
                      if 'Tornadis' in head and body)
        namespace = next(body for _, head, body in module if head.startswith('namespace Tornadis'))
        # What several classes have stands in an interface, and in the documentation with each of them.
        interfaces = {head.split()[1]: body for _, head, body in namespace if head.startswith('interface ') and body}
        shared = dict(re.match(r'interface (\w+) extends (\w+)$', head).groups()
                      for _, head, body in namespace if head.startswith('interface ') and not body)
        namespace = [(comment, head, interfaces.get(shared.get(head.split()[1]), []) + body
                      if head.startswith('class ') else body) for comment, head, body in namespace]
        heads = [(comment, re.match(r'(?:export )?(?:abstract )?(type|class|function|const) (\w+)(.*)$', head), body)
                 for comment, head, body in namespace]
        heads = [each for each in heads if each[1] is not None]
        self.linker = Linker({**library.pages, **{head[2]: f'#{make_id(head[2])}' for _, head, _ in heads}})
        self.functions, self.classes, self.types = [], [], []
        for comment, head, body in heads:
            if head[1] == 'class':
                self.classes.append(self.make_class(comment, head, body))
            elif head[1] == 'type':
                self.types.append(Entry(head[2], [head[2] + self.linker.link(head[3])], to_markdown(comment)))
            else:
                self.functions.append(Entry(head[2], [head[2] + self.linker.link(head[3])], to_markdown(comment)))
        known = {f'{each.name}.{member.name}' for each in self.classes for member in each.members}
        for name in sorted(self.docs.public - known):
            owner, member = name.split('.')
            if not (member.startswith('_') or INHERITED.match(member) or library.has(owner, member)):
                self.undocumented.append(f'{name} (in no declaration)')

    def make_class(self, comment, head, body):
        name = head[2]
        base = re.search(r'extends ([\w.]+)', head[3])
        doc = comment
        if name not in self.library.pages:
            doc = self.docs.texts.get(name) or comment
            if not doc:
                self.undocumented.append(name)
        members = {}
        for text, declaration, _ in body:
            match = re.match(r'(?:static |get |set |readonly )*(\[[\w.]+\]|\w+)', declaration)
            members.setdefault(match[1], []).append((text, declaration))
        entries = [self.make_member(name, member, found) for member, found in members.items()
                   if not member.startswith('_')]
        return Entry(name, [self.linker.link(base[1])] if base else [], to_markdown(doc), entries)

    def make_member(self, owner, name, found):
        full = f'{owner}.{name.strip("[]")}'
        link, sentence = self.library.find(owner, name)
        doc = self.docs.texts.get(full) or next((text for text, _ in found if text), '') or sentence
        doc = doc or owner in AS_OF and f'As that of `{AS_OF[owner]}`.'
        if not doc and name != 'constructor':
            self.undocumented.append(full)
        signatures = []
        for _, declaration in found:
            if declaration.startswith('set '):
                continue
            readonly = declaration.startswith('get ') and not any(
                other.startswith(f'set {name}') for _, other in found)
            text = re.sub(r'^get (\w+)\(\)', r'\1', declaration)
            text = re.sub(r'\bthis: never, ', '', text)
            signatures.append(self.make_signature(owner, text) + (' <i>(read only)</i>' if readonly else ''))
        return Entry(name.strip('[]'), signatures, finish_text(doc, link))

    def make_signature(self, owner, text):
        text = re.sub(r'^constructor', f'new {owner}', text)
        static, text = re.match(r'(static )?(.*)$', text).groups()
        name, rest = re.match(r'((?:new )?[\w.\[\]]+)(.*)$', text).groups()
        if static:
            name = f'{owner}.{name}'
        if not rest.startswith('('):
            return name + self.linker.link(rest)
        parameters, returns = split_parameters(rest)
        return wrap(name, list(map(self.linker.link, parameters)), self.linker.link(returns))


def split_parameters(text):
    """Of "(a: A, b: B): C": the parts, and what follows."""
    depth, parts, start = 0, [], 1
    for position, character in enumerate(text):
        if character in '([{<':
            depth += 1
        elif character in ')]}>' and text[position - 1] != '=':
            depth -= 1
        if character == ',' and depth == 1 or depth == 0:
            parts.append(text[start:position].strip())
            start = position + 1
        if depth == 0:
            return list(filter(None, parts)), text[position + 1:]
    raise ValueError(text)


# Both.


class Writer:
    """A page's sections. Headings of classes are Markdown's, for the page's contents beside it."""

    def __init__(self, api):
        self.api = api
        self.lines = []
        order = ('Client', 'PubSubClient', 'Pipeline', 'ClientPool', 'Message', 'Reply')
        self.classes = sorted(api.classes, key=lambda each: order.index(each.name) if each.name in order else len(order))

        # What is written of, by all names that it has in text.
        self.anchors = {}
        for entry in self.classes:
            self.anchors[entry.name] = make_id(entry.name)
            for member in entry.members:
                self.anchors[f'{entry.name}.{member.name}'] = make_id(entry.name, member.name)
        for entry in api.functions:
            self.anchors[entry.name] = make_id(entry.name)

    def list(self):
        """All that is written of, for a search: (name, anchor, first sentence)."""
        entries = [('', each) for each in (*self.api.functions, *self.classes)]
        entries += [(f'{each.name}.', member) for each in self.classes for member in each.members
                    if member.name not in ('__init__', 'constructor')]
        for prefix, entry in entries:
            sentence = re.match(r'(.*?[.:])(?=\s|$)|.*', ' '.join(entry.doc.split()))[0]
            yield prefix + entry.name, self.anchors[prefix + entry.name], sentence

    def list_in_c(self):
        """What stands for pages of C: (page, name, anchor)."""
        for entry in self.classes:
            if entry.name in self.api.library.pages:
                yield self.api.library.pages[entry.name], entry.name, self.anchors[entry.name]
            for member in entry.members:
                match = re.search(r'In C: \[(\w+)@Tornadis\.(\w+)[.:]([\w-]+)\]', member.doc)
                if match is not None and match[1] != 'func':
                    name = f'{entry.name}.{member.name}'
                    yield f'{match[1]}.{match[2]}.{match[3]}.html', name, self.anchors[name]

    def link(self, text, owner, name=''):
        """Has names in `code` be links."""

        def mark(match):
            bare = match[1].removesuffix('()')
            return f'`{match[1]}`' if bare in self.anchors or f'{owner}.{bare}' in self.anchors else match[1]

        def replace(match):
            for each in (match[1], f'{owner}.{match[1]}'):
                if each in self.anchors and each not in (name, f'{owner}.{name}'):
                    return f'[{match[0]}](#{self.anchors[each]})'
            return match[0]

        # Where it is not marked as code.
        text = ''.join(part if number % 2 else re.sub(
            r'(?<![\w.`@(])((?:[A-Za-z]\w*\.)?[a-z]\w*\(\)|[A-Z][a-z]+(?:[A-Z][a-z]+)+(?![\w.(]))', mark, part)
            for number, part in enumerate(re.split(r'(`[^`]*`|\[[^]]*\])', text)))
        text = re.sub(r'\bsee the module\b', 'see [the beginning](#main)', text)
        return re.sub(r'(?<![\[`])`(?:Tornadis\.)?([A-Za-z]\w*(?:\.\w+)?)(?:\(\))?`(?![`\]])', replace, text)

    def write(self):
        if self.api.docs.module:
            # The first line says which module it is.
            self.lines += [self.link(to_markdown(self.api.docs.module.partition('\n')[2]), ''), '']
        self.write_contents()
        if self.api.functions:
            self.lines += ['## Functions', '']
            for entry in self.api.functions:
                self.write_entry('', entry)
        for entry in self.classes:
            self.write_class(entry)
        if self.api.types:
            self.lines += ['## Types in signatures', '']
            for entry in self.api.types:
                self.write_entry('', entry)
        self.write_others()
        return '\n'.join(self.lines)

    def write_contents(self):
        rows = []
        if self.api.functions:
            rows.append(('Functions', 'functions', [(each.name, make_id(each.name)) for each in self.api.functions]))
        for each in self.classes:
            rows.append((each.name, make_id(each.name),
                         [(get_title(member), make_id(each.name, member.name)) for member in each.members
                          if member.name not in ('__init__', 'constructor')]))
        self.lines += ['| | |', '|---|---|']
        for name, anchor, members in rows:
            links = ', '.join(f'[`{title}`](#{target})' for title, target in members)
            self.lines.append(f'| [`{name}`](#{anchor}) | {links} |' if name != 'Functions'
                              else f'| [Functions](#{anchor}) | {links} |')
        self.lines.append('')

    def write_entry(self, owner, entry):
        anchor = make_id(*filter(None, (owner, entry.name)))
        title = html.escape(get_title(entry))
        self.lines += [f'<h3 class="member" id="{anchor}">{title}<a class="md-anchor" href="#{anchor}"></a></h3>', '',
                       f'<pre class="signature">{chr(10).join(entry.signatures)}</pre>', '', self.link(entry.doc, owner, entry.name), '']

    def write_class(self, entry):
        self.lines += [f'## {entry.name}', '']
        if entry.signatures:
            self.lines += [f'<p>Extends <code>{entry.signatures[0]}</code>.</p>', '']
        page = self.api.library.pages.get(entry.name)
        if entry.doc:
            self.lines += [self.link(entry.doc, entry.name), '']
        if page is not None:
            fragment = page.split('.')[0]
            self.lines += [f'What it is and does: [{fragment}@Tornadis.{entry.name}].', '']
        for member in entry.members:
            self.write_entry(entry.name, member)
        if page is not None:
            self.write_rest(entry)

    def write_rest(self, entry):
        """What is as in C."""
        library, name = self.api.library, entry.name
        own = {member.name for member in entry.members}
        rows = []
        for title, kinds, page in (('Constructors', ('constructor',), 'ctor'), ('Methods', ('method',), 'method'),
                                   ('Functions', ('function',), 'type_func'), ('Properties', ('property',), 'property'),
                                   ('Signals', ('signal',), 'signal')):
            names = [member for member, _ in library.get_members(name, *kinds)
                     if not member.endswith('_finish') and member not in own and member not in ('ref', 'unref')]
            shown = [(each.replace('-', '_') if title == 'Properties' else each) for each in names]
            if names:
                rows.append(f'| {title} | ' + ', '.join(
                    f'[`{text}`]({page}.{name}.{member}.html)' for member, text in zip(names, shown)) + ' |')
        if rows:
            heading = f'<h3 class="member" id="{make_id(name)}-rest">As in C</h3>'
            self.lines += [heading, '', '| | |', '|---|---|', *rows, '']
        parent = library.parents[name]
        if parent in library.pages:
            self.lines += [f'Beside these it has what a [`{parent}`](#{make_id(parent)}) has.', '']

    def write_others(self):
        own = {entry.name for entry in self.api.classes}
        names = [f'[`{name}`]({page})' for name, page in sorted(self.api.library.pages.items()) if name not in own]
        self.lines += ['## Everything else', '', 'As in C: ' + ', '.join(names) + '.', '']


def get_title(entry):
    if entry.name in ('__init__', 'constructor'):
        return 'Constructor'
    return entry.name
