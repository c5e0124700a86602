# SPDX-License-Identifier: LGPL-2.1-or-later
# Tornadis for type checkers of Python. Types of other libraries come from PyGObject-stubs, if they are there.

from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable
from types import TracebackType
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from enum import IntEnum, IntFlag
from typing import Any, Generic, Literal, NoReturn, TypeVar, Union, overload
from typing_extensions import Self, TypeAlias

from gi.repository import Gio, GLib, GObject

_T = TypeVar('_T')

# What a call can be given.
_Argument: TypeAlias = Union[str, bytes, bytearray, memoryview, int, float, bool, GLib.Bytes]
# Of a channel or a pattern.
_Name: TypeAlias = Union[str, bytes, bytearray, memoryview, GLib.Bytes]
# What a call brings: bytes (str with decode, where it is text), int, float, bool, None, list, dict, a list of pairs or an
# exception. Which of these it is the command decides, and so the program knows.
_NativeReply: TypeAlias = Any

class TornadisException(GLib.Error):
    """The base of all errors of this library; a GLib.Error, with its domain, code and message."""

    domain: str
    code: int
    message: str
    def __init__(self, message: str = '', domain: str = ..., code: int | None = None) -> None: ...
    def matches(self, domain: type[Error] | str | int, code: int) -> bool: ...
    def copy(self) -> TornadisException: ...

class ConnectionError(TornadisException):
    """There is no connection, or it was lost, or it took too long."""

class ClientError(TornadisException):
    """The library was asked for what it does not do, or a bound is reached."""

class ReplyError(ClientError):
    """The server answered with an error; ``prefix`` is its first word."""

    @property
    def prefix(self) -> str | None: ...

class Future(Generic[_T]):
    """The outcome of a call. Awaitable once or more; holds callbacks until it is there."""

    def __init__(self, canceller: Callable[[], object] | None = None) -> None: ...
    def done(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def cancel(self, msg: object = None) -> bool:
        """Cancels the waiting, with asyncio.CancelledError; False when it is too late."""
    def get_loop(self) -> AbstractEventLoop | None: ...
    def result(self) -> _T: ...
    def exception(self) -> BaseException | None: ...
    def add_done_callback(self, callback: Callable[[Self], object], *, context: Context | None = None) -> None: ...
    def remove_done_callback(self, callback: Callable[[Self], object]) -> int: ...
    def set_result(self, result: _T) -> None: ...
    def set_exception(self, exception: BaseException) -> None: ...
    def __await__(self) -> Generator[Any, None, _T]: ...
    def __iter__(self) -> Generator[Any, None, _T]: ...

def spawn(awaitable: Awaitable[_T]) -> Future[_T]:
    """Starts a coroutine on the GLib main loop, without asyncio, and returns its Future."""

def run(awaitable: Awaitable[_T]) -> _T:
    """Runs a coroutine to its end on this thread's GLib main context, without asyncio, and returns its value.

    Ctrl+C cancels it, then what was spawned meanwhile, waits until they have ended and raises KeyboardInterrupt.
    """

def sleep(seconds: float) -> Future[None]:
    """An awaitable of so many seconds on the GLib main loop, without asyncio."""

class Reply:
    def unpack(self, decode: bool = False) -> _NativeReply:
        """The reply as Python values: bytes (str with decode), int, float, bool, None, list, dict, exceptions.

        A map is a list of pairs when a dict would merge keys of different types, such as 1 and True.
        """

class Message:
    @property
    def channel(self) -> str: ...
    @property
    def pattern(self) -> str | None: ...
    @property
    def payload(self) -> bytes | None:
        """The bytes that were published; None in a message about keys."""
    @property
    def text(self) -> str | None: ...
    @property
    def shard(self) -> bool:
        """Whether the channel is a shard channel."""
    @property
    def keys(self) -> list[bytes] | None:
        """The keys that have changed, in a message of ``__redis__:invalidate`` of the server's; None: any of them."""

class Client:
    decode: bool
    """Whether strings of the server are str, not bytes."""
    def __init__(self, *, decode: bool | None = None,
                 # properties of Client
                 ) -> None: ...
    @classmethod
    def new_for_uri(cls, uri: str, *, decode: bool | None = None) -> Self:
        """A client for a URI, whose option `decode` counts unless it is given here."""
    @classmethod
    def new_for_uri_full(cls, uri: str, flags: UriFlags, *, decode: bool | None = None) -> Self:
        """Likewise; flags say what the URI may decide, such as the plugins."""
    @overload
    def call(
        self, pipeline: Pipeline, /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[list[_NativeReply] | None]:
        """Calls a Pipeline, and returns an awaitable of the native replies; None when a transaction was given up."""
    @overload
    def call(
        self, command: Command, /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[_NativeReply]: ...
    @overload
    def call(
        self, name: _Argument, /, *args: _Argument,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[_NativeReply]:
        """Calls a command, and returns an awaitable of the native reply. The timeout is in seconds."""
    @overload
    def async_call(
        self, pipeline: Pipeline, /, *, callback: Callable[[Any], object] | None = None,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> None:
        """Calls a Pipeline; callback(result) gets the replies, or an exception object."""
    @overload
    def async_call(
        self, command: Command, /, *, callback: Callable[[Any], object] | None = None,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> None: ...
    @overload
    def async_call(
        self, name: _Argument, /, *args: _Argument, callback: Callable[[Any], object] | None = None,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> None:
        """Calls a command; callback(result) gets the reply, or an exception object."""
    def connect_client(
        self, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """Connects now; an awaitable of the client. (`connect` is how GObject connects signals.)"""
    def disconnect_client(self) -> None:
        """Closes the connection, as close(). (`disconnect` is how GObject disconnects signals.)"""
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None,
        /) -> None: ...

class PubSubClient:
    def __init__(self, *, decode: bool | None = None,
                 # properties of PubSubClient
                 ) -> None: ...
    @classmethod
    def new_for_uri(cls, uri: str, *, decode: bool | None = None) -> PubSubClient:
        """A client for a URI, as Client.new_for_uri()."""
    @classmethod
    def new_for_uri_full(cls, uri: str, flags: UriFlags, *, decode: bool | None = None) -> PubSubClient:
        """Likewise; flags say what the URI may decide, such as the plugins."""
    def call(self, *args: NoReturn, **options: NoReturn) -> Any:  # type: ignore[override]
        """Not allowed: raises ClientError."""
    def async_call(self, *args: NoReturn, **options: NoReturn) -> Any:  # type: ignore[override]
        """Not allowed: raises ClientError."""
    @overload
    def subscribe(
        self, channels: Iterable[_Name], /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """Subscribes to channels, one by one or in one list; an awaitable of the client."""
    @overload
    def subscribe(
        self, *channels: _Name,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def psubscribe(
        self, patterns: Iterable[_Name], /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """As subscribe(), to all channels that match a pattern."""
    @overload
    def psubscribe(
        self, *patterns: _Name,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def ssubscribe(
        self, channels: Iterable[_Name], /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """As subscribe(), to shard channels."""
    @overload
    def ssubscribe(
        self, *channels: _Name,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def unsubscribe(
        self, channels: Iterable[_Name], /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """Ends subscriptions to those channels, or without any to all; an awaitable of the client."""
    @overload
    def unsubscribe(
        self, *channels: _Name,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def punsubscribe(
        self, patterns: Iterable[_Name], /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """As unsubscribe(), for patterns."""
    @overload
    def punsubscribe(
        self, *patterns: _Name,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def sunsubscribe(
        self, channels: Iterable[_Name], /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """As unsubscribe(), for shard channels."""
    @overload
    def sunsubscribe(
        self, *channels: _Name,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    def pop_message(
        self, deadline: float | None = None, *, cancellable: Gio.Cancellable | None = None) -> Future[Message | None]:
        """An awaitable of the next message, or of None after deadline seconds."""
    def messages(self, deadline: float | None = None) -> AsyncGenerator[Message, None]:
        """Iterates over messages for as long as there are subscriptions and the client is not closed.

        With a deadline it ends when no message has come for so many seconds."""
    @overload
    def pubsub_subscribe(
        self, channels: Iterable[_Name], /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def pubsub_subscribe(
        self, *channels: _Name,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def pubsub_psubscribe(
        self, patterns: Iterable[_Name], /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def pubsub_psubscribe(
        self, *patterns: _Name,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def pubsub_unsubscribe(
        self, channels: Iterable[_Name], /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def pubsub_unsubscribe(
        self, *channels: _Name,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def pubsub_punsubscribe(
        self, patterns: Iterable[_Name], /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    @overload
    def pubsub_punsubscribe(
        self, *patterns: _Name,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]: ...
    def pubsub_pop_message(
        self, deadline: float | None = None, *,
        cancellable: Gio.Cancellable | None = None) -> Future[Message | None]: ...

class Pipeline:
    @overload
    def stack_call(self, command: Command, /) -> None: ...
    @overload
    def stack_call(self, name: _Argument, /, *args: _Argument) -> None:
        """Stacks a command, with the arguments of Client.call()."""
    @property
    def number_of_stacked_calls(self) -> int: ...

class Scanner:
    def __init__(
        self, caller: Caller, kind: ScannerKind = ScannerKind.KEYS, key: _Argument | None = None, *,
        pattern: str | bytes | None = None, key_type: str | bytes | None = None, count: int = 0, unique: bool = False,
        max_unique_bytes: int | None = None) -> None: ...
    def next(
        self, *, timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[list[Any] | None]:
        """The next batch: an awaitable of a list of elements, or of None at the end."""
    def __aiter__(self) -> AsyncIterator[Any]:
        """One after the other the elements of which next() gives lists."""

class Keyspace:
    def __init__(
        self, client: Client, pattern: str | bytes | None = None, *, event: str | None = None, db: int = -1,
        subkeys: bool = False, configure: bool = False, classes: str | None = None) -> None: ...
    def start(
        self, *, timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """An awaitable of the keyspace, for when notifications are told."""
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: Any) -> None: ...

class Record:
    def __init__(
        self, client: Client | None = None, key: str | bytes | None = None,
        fields: GLib.Variant | dict[str, GLib.Variant] | None = None,
        **properties: Any) -> None: ...
    def load(
        self, *, timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """Reads all fields and begins to follow them: an awaitable of the record."""
    def flush(
        self, *, timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """Waits until all that was set is on the server: an awaitable of the record."""
    def get_error(self) -> TornadisException | None: ...

class Script:
    def __init__(self, source: str | bytes, n_keys: int = 0, *, read_only: bool = False) -> None: ...
    def call(
        self, caller: Client | ClientPool, *args: _Argument,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[_NativeReply]:
        """Calls the script on a client or a pool, with its keys and then other arguments: an awaitable of the native reply."""
    def stack(self, pipeline: Pipeline, *args: _Argument) -> None:
        """Adds a call of the script to a pipeline, with the arguments of call()."""
    def call_pipeline(
        self, caller: Client | ClientPool, pipeline: Pipeline, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[list[_NativeReply] | None]:
        """Calls a pipeline with several calls of the script, whose source is then sent once: an awaitable of the replies."""

class FunctionLibrary:
    def __init__(self, code: str, version: int = 0) -> None: ...
    def ensure(
        self, caller: Client | ClientPool, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """Sees to it that the server has the library in this version or a newer one: an awaitable of the library."""
    def call(
        self, caller: Client | ClientPool, function: _Argument, keys: Iterable[_Argument] = (), *args: _Argument,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[_NativeReply]:
        """Calls a function of the library, with its keys and other arguments: an awaitable of the native reply."""
    def call_read_only(
        self, caller: Client | ClientPool, function: _Argument, keys: Iterable[_Argument] = (), *args: _Argument,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[_NativeReply]:
        """As call(), for a function that only reads, which may then run on a replica."""

class Lock:
    def __init__(
        self, caller: Client | ClientPool, name: str, *, expiry_msec: int = 30000,
        fencing_key: str | None = None) -> None: ...
    def acquire(
        self, *, timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """Acquires the lock, and waits while another has it: an awaitable of the lock."""
    def try_acquire(
        self, *, timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Acquires the lock if it is free: an awaitable of whether it was."""
    def release(
        self, *, timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """Releases the lock: an awaitable of the lock."""
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, exception: BaseException | None, traceback: TracebackType | None, /) -> None: ...

class StreamEntry:
    @property
    def stream(self) -> str:
        """The key of the stream."""
    @property
    def id(self) -> str:
        """The id, such as 1526919030474-55."""
    @property
    def delivery_count(self) -> int:
        """How often it was delivered to a consumer of its group, this time included."""
    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """The fields as a list of names and values, bytes or, with decode of the client or the pool, str."""
    @property
    def fields(self) -> dict[Any, Any]:
        """Likewise as a dict: of a name that is there twice the last value."""

class StreamReader:
    def __init__(self, caller: Client | ClientPool, stream: str, start_id: str = '$', *, max_pending: int = 1000) -> None: ...
    def next(
        self, *, timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[StreamEntry]:
        """Waits for the next entry: an awaitable of it."""
    def __aiter__(self) -> AsyncIterator[StreamEntry]: ...
    def batches(self) -> AsyncIterator[list[StreamEntry]]:
        """Iterates over lists of as many entries as have come."""
    @property
    def last_id(self) -> str | None:
        """The id of the last entry that was handed out; None before the first."""
    def close(
        self, *, timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Any]:
        """Closes the reader: an awaitable that is done when nothing is under way any more."""

class StreamConsumer:
    def __init__(
        self, caller: Client | ClientPool, stream: str, group: str, consumer_name: str, start_id: str = '0', *,
        max_pending: int = 1000, claim_idle_msec: int = 60000, max_deliveries: int = 0,
        dead_letter_stream: str | None = None) -> None: ...
    @classmethod
    def new(  # type: ignore[override]
        cls, caller: Caller, stream: str, group: str, consumer_name: str) -> StreamConsumer:
        """Creates a consumer, whose start_id is '0'. Nothing is sent before it is started."""
    def ack(self, *entries: StreamEntry) -> Future[None]:
        """Acknowledges entries, those of one turn of the main loop together: an awaitable that need not be awaited."""
    def release(self, *entries: StreamEntry) -> None:
        """Gives entries up that could not be dealt with: they come again after claim_idle_msec."""

class LiveModel:
    def get_error(self) -> TornadisException | None: ...

class ListModel:
    def __init__(self, client: Client, key: _Argument) -> None: ...
    def append(
        self, value: _Argument, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Adds a row at the end; an awaitable of True."""
    def insert(
        self, position: int, value: _Argument, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Adds a row in front of another; an awaitable of True. In the midst that has to be loaded."""
    def replace(
        self, position: int, value: _Argument, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Gives a row that is loaded another value; an awaitable of True."""
    def remove(
        self, position: int, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Removes a row that is loaded; an awaitable of True."""

class SortedSetModel:
    def __init__(self, client: Client, key: _Argument, *, descending: bool = False) -> None: ...
    def add(
        self, member: _Argument, score: float, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Adds a member or gives it another score; an awaitable of True."""
    def remove(
        self, member: _Argument, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Removes a member; an awaitable of True."""

class HashModel:
    def __init__(self, client: Client, key: _Argument) -> None: ...
    def put(
        self, field: _Argument, value: _Argument, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Gives a field a value; an awaitable of True."""
    def remove(
        self, field: _Argument, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Removes a field; an awaitable of True."""

class SetModel:
    def __init__(self, client: Client, key: _Argument) -> None: ...
    def add(
        self, member: _Argument, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Adds a member; an awaitable of True."""
    def remove(
        self, member: _Argument, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Removes a member; an awaitable of True."""

class StreamModel:
    def __init__(self, client: Client, key: _Argument, *, max_items: int = 10000) -> None: ...

class KeyModel:
    def __init__(self, client: Client, pattern: _Argument) -> None: ...
    def remove(
        self, key: _Argument, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[bool]:
        """Removes a key; an awaitable of True."""

class Plugin:
    @property
    def props(self) -> Any:
        """The properties, as GObject has them: those of a plugin that was created by its name are its options."""

class ClientPool:
    decode: bool
    """Whether strings of the server are str, not bytes."""
    @overload
    def __init__(self, *, template: Client, max_size: int = -1, client_timeout: int = -1, autoclose: bool = False,
                 decode: bool | None = None) -> None: ...
    @overload
    def __init__(self, *, max_size: int = -1, client_timeout: int = -1, autoclose: bool = False,
                 decode: bool | None = None,
                 # properties of Client
                 ) -> None: ...
    @overload
    def call(
        self, pipeline: Pipeline, /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[list[_NativeReply] | None]:
        """Takes a client, calls a Pipeline on it and gives it back: an awaitable of the native replies."""
    @overload
    def call(
        self, command: Command, /, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[_NativeReply]: ...
    @overload
    def call(
        self, name: _Argument, /, *args: _Argument,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[_NativeReply]:
        """Takes a client, calls a command on it and gives it back: an awaitable of the native reply."""
    @overload
    def async_call(
        self, pipeline: Pipeline, /, *, callback: Callable[[Any], object] | None = None,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> None:
        """As call(); callback(result) gets the replies, or an exception object."""
    @overload
    def async_call(
        self, command: Command, /, *, callback: Callable[[Any], object] | None = None,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> None: ...
    @overload
    def async_call(
        self, name: _Argument, /, *args: _Argument, callback: Callable[[Any], object] | None = None,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> None:
        """As call(); callback(result) gets the reply, or an exception object."""
    def connected_client(
        self, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> AbstractAsyncContextManager[Client]:
        """An async context manager of a connected client, which is released at the end."""
    async def with_client(
        self, use: Callable[[Client], Awaitable[_T]], *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> _T:
        """Calls an async function with a connected client, which is released at the end; gives what it returns."""
    def get_connected_client(
        self, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Client]:
        """An awaitable of a connected client, for release_client()."""
    def preconnect(
        self, size: int = -1, *,
        timeout: float | None = None, cancellable: Gio.Cancellable | None = None) -> Future[Self]:
        """Connects so many clients ahead, or max_size; an awaitable of the pool."""
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None,
        /) -> None: ...
