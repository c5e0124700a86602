# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Tornadis for Python awaits and how it runs coroutines; needs GLib and no typelib of ours."""

import contextlib
import functools
import signal
import sys
import threading
import weakref

import gi
from gi import _ossighelper
from gi.repository import GLib


def _get_running_loop():
    """The asyncio loop that runs in this thread, if asyncio is used at all."""
    asyncio = sys.modules.get('asyncio')
    return asyncio and asyncio._get_running_loop()


def _in_task():
    loop = _get_running_loop()
    return loop is not None and sys.modules['asyncio'].current_task(loop) is not None


def _is_cancelled_error(error):
    asyncio = sys.modules.get('asyncio')
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def _nothing():
    pass


# The loop that was last seen to do for what is awaited here.
_good_loop = _nothing


def _is_plain(loop):
    """Whether it is asyncio's own, or uvloop's, and so waits for sockets and nothing else.

    What overrides how it runs or waits, as PyGObject's, gbulb's, asyncio-glib's and Qt's do, may well run GLib.
    """
    if type(loop).__module__.partition('.')[0] in ('uvloop', 'winloop'):
        return True
    base = sys.modules['asyncio'].BaseEventLoop
    return (isinstance(loop, base) and type(loop).run_forever is base.run_forever
            and type(loop)._run_once is base._run_once
            and type(getattr(loop, '_selector', None)).__module__ == 'selectors')


def _find_fault(loop):
    """What keeps the main loop from running while this loop of asyncio's does; None when nothing is known to."""
    # Of one that is turned by a main loop, or by somebody's word turns one.
    if getattr(loop, 'runs_glib', False):
        return None
    context = getattr(loop, '_context', None)
    if isinstance(context, GLib.MainContext):
        if hash(context) == hash(GLib.MainContext.ref_thread_default()):
            return None
        return ("asyncio's loop runs another GLib.MainContext than this thread's default, which is waited for here: "
                'take the loop of asyncio.get_event_loop() for all, or Tornadis.run()')
    if not _is_plain(loop) or GLib.main_depth() > 0:
        return None
    return ("asyncio's loop does not run the GLib main loop, which is waited for here: use Tornadis.run() in place of "
            f'asyncio.run(), or {_get_remedy()}')


def _get_remedy():
    """How to have a loop of asyncio that runs the GLib main loop."""
    if gi.version_info >= (3, 50):
        return 'call asyncio.set_event_loop_policy(gi.events.GLibEventLoopPolicy()) and take its get_event_loop()'
    return 'install gbulb (python3-gbulb in Debian) and call gbulb.install() before'


def _describe_no_loop():
    """Why functions of asyncio, such as gather() and sleep(), can not be used where none of its loops runs."""
    if _thread.run is None and GLib.main_depth() == 0:
        return 'no loop of asyncio runs yet, nor the GLib main loop: await it in a coroutine that one of them runs'
    runner = 'Tornadis.run()' if _thread.run is not None else 'the program'
    return (f'it is the GLib main loop that runs here, by {runner}, and no loop of asyncio, which asyncio.gather(), '
            'asyncio.sleep() and the like need: begin the calls and then await each, which run at the same time, take '
            'Tornadis.spawn() for asyncio.create_task() and Tornadis.sleep() for asyncio.sleep(), or '
            f"{_get_remedy()}, and run asyncio's loop instead")


# How asyncio says it, by the version of Python.
_SAY_NO_LOOP = 'no running event loop', 'There is no current event loop'


def _explain(error):
    """Has an error of asyncio's that none of its loops runs say what to do."""
    if (type(error) is RuntimeError and len(error.args) == 1 and str(error).startswith(_SAY_NO_LOOP)
            and _get_running_loop() is None):
        error.args = _describe_no_loop(),


def _never_ends(awaited):
    """Whether it is asyncio's and of a loop that does not run while Tornadis.run() does."""
    asyncio = sys.modules.get('asyncio')
    if _thread.run is None or asyncio is None or not isinstance(awaited, asyncio.Future) or awaited.done():
        return False
    loop = awaited.get_loop()
    return not loop.is_running() and _is_plain(loop)


class Future:
    """The outcome of a call. It can be awaited once or more, and has what `asyncio.Future` has."""

    # asyncio's protocol for objects that a task waits for.
    _asyncio_future_blocking = False

    # Class attributes, because most futures never set these.
    _done = False
    _cancelled = False
    _canceller = None
    _result = None
    _exception = None
    _callback = None
    _context = None
    _loop = None
    _more_callbacks = ()
    # Whether it has one callback at the most, and no context.
    _plain = True
    # asyncio reads it when this was cancelled together with others, as by gather().
    _cancel_message = None

    def __init__(self, canceller=None):
        self._canceller = canceller

    def done(self):
        """Whether the outcome is there."""
        return self._done

    def cancelled(self):
        """Whether it was cancelled."""
        return self._cancelled

    def cancel(self, msg=None):
        """Cancels what is waited for, which then raises `asyncio.CancelledError`; `False` when it is too late.

        It is too late when the outcome is there, or was read and is on its way: then it still comes.
        """
        if self._done or self._canceller is None:
            return False
        self._cancelled = True
        self._cancel_message = msg
        if self._canceller() is False:
            self._cancelled = False
            return False
        self.set_exception(self._make_cancelled_error())
        return True

    def _make_cancelled_error(self):
        from asyncio import CancelledError
        return CancelledError() if self._cancel_message is None else CancelledError(self._cancel_message)

    def get_loop(self):
        """asyncio asks for it before it waits for this, in whatever way. Raises when none of its loops runs here."""
        loop = _get_running_loop()
        if loop is None:
            raise RuntimeError(_describe_no_loop())
        if loop is not _good_loop():
            self._check_loop(loop)
        return loop

    def _check_loop(self, loop):
        """Has the waiting raise where it would never end."""
        global _good_loop
        if self._done:
            return
        fault = _find_fault(loop)
        if fault is not None:
            if self._canceller is not None:
                self._canceller()
            self.set_exception(RuntimeError(fault))
        elif not _is_plain(loop):
            with contextlib.suppress(TypeError):
                _good_loop = weakref.ref(loop)

    def result(self):
        """What it is, or raises why not. It must be there: see `done()`."""
        self._check_done()
        if self._exception is not None:
            raise self._exception
        return self._result

    def exception(self):
        """Why there is no result; `None` if there is one."""
        self._check_done()
        if self._cancelled:
            raise self._exception
        return self._exception

    def _check_done(self):
        if not self._done:
            from asyncio import InvalidStateError
            raise InvalidStateError('the outcome is not there yet')

    def add_done_callback(self, callback, *, context=None):
        """Has `callback(future)` called when the outcome is there."""
        if context is not None:
            self._loop = _get_running_loop()
        else:
            # asyncio.wait() has not asked.
            loop = _get_running_loop()
            if loop is not _good_loop() and loop is not None:
                self._check_loop(loop)
        self._add_callback(callback, context)

    def _add_callback(self, callback, context=None):
        if self._done:
            self._schedule(callback, context)
        elif self._callback is None:
            self._callback, self._context = callback, context
            self._plain = context is None
        else:
            self._more_callbacks = (*self._more_callbacks, (callback, context))
            self._plain = False

    def remove_done_callback(self, callback):
        """Takes such a callback back; how many times it was there."""
        entries = [] if self._callback is None else [(self._callback, self._context), *self._more_callbacks]
        kept = [entry for entry in entries if entry[0] != callback]
        self._callback, self._context = kept[0] if kept else (None, None)
        self._more_callbacks = tuple(kept[1:])
        return len(entries) - len(kept)

    def set_result(self, result):
        """Sets the outcome of a future of the program's own."""
        if not self._done:
            self._finish(result, None, False)

    def set_exception(self, exception):
        """Sets why there is no outcome, for a future of the program's own."""
        if not self._done:
            self._finish(None, exception, False)

    def _finish(self, result, exception, at_once):
        """at_once: run callbacks now. For when no task is running, as in a callback of the main loop."""
        self._done = True
        self._result = result
        self._exception = exception
        callback = self._callback
        if callback is None:
            return
        run = self._run if at_once else self._schedule
        context, more, self._callback, self._more_callbacks = self._context, self._more_callbacks, None, ()
        if not more:
            run(callback, context)
            return
        for callback, context in ((callback, context), *more):
            try:
                run(callback, context)
            except Exception as error:
                # The others are called all the same.
                _report(error)

    def _settle(self, outcome):
        """Has an outcome, a value or an exception, unless there is one already."""
        if self._done:
            return
        if isinstance(outcome, Exception):
            self._finish(None, outcome, not _in_task())
        else:
            self._finish(outcome, None, not _in_task())

    def _run(self, callback, context):
        if context is None:
            callback(self)
        elif self._loop is None or _get_running_loop() is self._loop:
            context.run(callback, self)
        else:
            self._loop.call_soon(callback, self, context=context)

    def _schedule(self, callback, context):
        loop = _get_running_loop()
        if loop is not None:
            loop.call_soon(callback, self, context=context)
        else:
            self._run(callback, context)

    def __await__(self):
        if not self._done:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    __iter__ = __await__


class _CallFuture(Future):
    """The future of a call: a reply that comes after it was cancelled is dropped."""

    _canceller = staticmethod(_nothing)

    def __init__(self):
        pass


class _LentFuture(Future):
    """A future whose result is given back when nobody takes it after all."""

    _n_waiting = 0
    _taken = False

    def __init__(self, canceller, give_back):
        super().__init__(canceller)
        self._give_back = give_back
        self._main_context = GLib.MainContext.ref_thread_default()

    def __await__(self):
        if not self._done:
            self._asyncio_future_blocking = True
            self._n_waiting += 1
            try:
                yield self
            except BaseException:
                # The coroutine was cancelled after the result came and before it was taken.
                if self._n_waiting == 1 and self._done and self._exception is None:
                    self._take_back()
                raise
            finally:
                self._n_waiting -= 1
        return self.result()

    __iter__ = __await__

    def result(self):
        self._taken = True
        return super().result()

    def __del__(self):
        # Nobody has asked for it, nor can any more. A garbage collection is in whatever thread.
        if self._done and not self._taken and self._result is not None:
            _call_soon(functools.partial(self._give_back, self._result), self._main_context)

    def _take_back(self):
        value, self._result = self._result, None
        self._cancelled = True
        self._exception = self._make_cancelled_error()
        if value is not None:
            self._give_back(value)


class _CoroutineFuture(Future):
    """The future of a coroutine: an exception that nobody asked for is reported when it is freed."""

    _asked = False

    def _check_done(self):
        super()._check_done()
        self._asked = True

    def report(self):
        if self._exception is not None and not self._asked and not self._cancelled:
            self._asked = True
            _report(self._exception)

    __del__ = report


def _call_soon(function, context=None):
    """Calls it from this thread's main loop, or from that of the context."""
    source = GLib.Idle(priority=GLib.PRIORITY_DEFAULT)
    source.set_callback(lambda *_: function() and False)
    source.attach(context or GLib.MainContext.ref_thread_default())


def _report(error):
    """Reports it as PyGObject does with an exception in a callback of the main loop."""
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except Exception:
        sys.__excepthook__(type(error), error, error.__traceback__)


class _Runner:
    """Steps one coroutine, or what it waits for, on the GLib main loop."""

    # Called with this when the coroutine has ended: later than its future when it cleans up after that was cancelled.
    on_end = None

    def __init__(self, awaitable):
        if not hasattr(awaitable, '__await__'):
            raise TypeError(f'{awaitable!r} can not be awaited')
        self.steps = awaitable.__await__()
        self.advance = getattr(self.steps, 'send', None) or (lambda _: next(self.steps))
        self.future = _CoroutineFuture(self.cancel)
        self.awaited = None
        self.wake = self.step
        self.ended = False

    def cancel(self):
        """Cancels what the coroutine waits for, and raises CancelledError in the coroutine, which may catch it.

        An outcome that is on its way is the coroutine's: it is raised where that waits next.
        """
        if self.ended or not hasattr(self.steps, 'throw'):
            return
        self.advance = self.throw_cancelled
        awaited, self.awaited = self.awaited, None
        if awaited is None:
            return
        awaited.remove_done_callback(self.wake)
        awaited.remove_done_callback(self.wake_cancelled)
        if not awaited.cancel() and isinstance(awaited, Future) and awaited._canceller is not None and not awaited._done:
            self.advance, self.awaited = self.steps.send, awaited
            awaited._add_callback(self.wake_cancelled)
        else:
            self.step(None)

    def wake_cancelled(self, waited):
        self.step(waited)
        self.cancel()

    def throw_cancelled(self, _):
        self.advance = self.steps.send
        return self.steps.throw(self.future._make_cancelled_error())

    def close(self):
        """Ends the coroutine, which may not wait any more."""
        awaited, self.awaited = self.awaited, None
        if awaited is not None:
            awaited.remove_done_callback(self.wake)
            awaited.cancel()
        try:
            getattr(self.steps, 'close', _nothing)()
        except BaseException as error:
            self.end(None, error)
        else:
            self.end(None, self.future._make_cancelled_error())

    def step(self, waited):
        if self.ended:
            return
        self.awaited = None
        try:
            # The coroutine takes the outcome from the future itself.
            awaited = self.advance(None)
        except StopIteration as stop:
            self.end(stop.value, None)
        except BaseException as error:
            _explain(error)
            self.end(None, error)
        else:
            if awaited is None:
                _call_soon(lambda: self.step(None))
                return
            self.awaited = awaited
            if not isinstance(awaited, Future):
                if _never_ends(awaited):
                    self.refuse(awaited)
                else:
                    awaited.add_done_callback(self.wake)
            elif awaited._callback is None and not awaited._done:
                # What _add_callback() does, of most futures.
                awaited._callback = self.wake
            else:
                awaited._add_callback(self.wake)

    def refuse(self, awaited):
        """Raises in the coroutine, in place of waiting for that."""
        awaited.cancel()
        error = RuntimeError(_describe_no_loop())

        def throw(_):
            self.advance = self.steps.send
            return self.steps.throw(error)

        self.advance = throw
        self.step(None)

    def end(self, result, exception):
        self.ended = True
        self.wake = None
        if not self.future.done():
            self.future._cancelled = exception is not None and _is_cancelled_error(exception)
            self.future._finish(result, exception, False)
        if self.on_end is not None:
            self.on_end(self)


class _ThreadState(threading.local):
    # The innermost run() of the thread.
    run = None


_thread = _ThreadState()


class _Run:
    """A run() that is under way, and what was begun in it."""

    def __init__(self):
        self.context = GLib.MainContext.ref_thread_default()
        self.loop = GLib.MainLoop(self.context)
        self.thread = threading.get_ident()
        # In the order in which they were begun.
        self.runners = weakref.WeakKeyDictionary()
        self.generators = weakref.WeakSet()
        self.interrupted_again = False

    def __enter__(self):
        self.outer, _thread.run = _thread.run, self
        self.hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self.generators.add, finalizer=self.close_generator)
        return self

    def __exit__(self, *exception):
        sys.set_asyncgen_hooks(*self.hooks)
        _thread.run = self.outer

    def close_generator(self, generator):
        """Of one that nobody has any more: what it does at its end may wait."""
        close = functools.partial(_close_generator, generator)
        if threading.get_ident() == self.thread:
            close()
        else:
            _call_soon(close, self.context)

    def wait_for(self, runners, begin=None):
        """Runs the main loop, where it calls begin for each, until they have ended.

        Raises KeyboardInterrupt when the main loop is left before.
        """
        left = {runner for runner in runners if not runner.ended}

        def on_end(runner):
            left.discard(runner)
            if not left:
                self.loop.quit()

        for runner in left:
            runner.on_end = on_end
        if left and begin is not None:
            # In their order. What they do may need the loop of asyncio that PyGObject has running in the main loop.
            _call_soon(lambda: list(map(begin, runners)), self.context)
        if left and not self.interrupted_again:
            self.loop.run()
        # PyGObject leaves all main loops, and raises when it has left the outermost.
        if left or self.interrupted_again:
            raise KeyboardInterrupt

    def wind_up(self, main):
        """Cancels what is left and waits for it, in the order of asyncio.run."""
        with self.interrupt_again():
            try:
                self.wait_for([main], _Runner.cancel)
                # What the coroutine waited for was cancelled with it, and may be cleaning up.
                runners = list(self.runners)
                self.wait_for(runners, lambda runner: runner.future.cancelled() or runner.cancel())
                for runner in runners:
                    runner.future.report()
                closing = [_Runner(generator.aclose()) for generator in self.generators]
                self.runners.update(dict.fromkeys(closing))
                self.wait_for(closing, lambda runner: runner.step(None))
            finally:
                for runner in [main, *self.runners]:
                    if not runner.ended:
                        runner.close()
                    # It is what is raised here.
                    if isinstance(runner.future._exception, KeyboardInterrupt):
                        runner.future._asked = True

    @contextlib.contextmanager
    def interrupt_again(self):
        """Another Ctrl+C meanwhile leaves at once, also what does not come back to the main loop."""
        handler = signal.getsignal(signal.SIGINT)
        # A handler of the program's stays. PyGObject's, which is there while an outer main loop runs, listens once.
        ours = (threading.current_thread() is threading.main_thread()
                and (_ossighelper.sigint_handler_is_default()
                     or getattr(handler, '__module__', None) == _ossighelper.__name__))
        if ours:
            signal.signal(signal.SIGINT, self.on_interrupt)
        try:
            yield
        finally:
            if ours:
                signal.signal(signal.SIGINT, handler)

    def on_interrupt(self, number, frame):
        self.interrupted_again = True
        self.loop.quit()
        # What is raised in other callbacks of the main loop goes no further.
        while frame is not None and frame.f_code is not _Run.wait_for.__code__:
            if frame.f_code is _Runner.step.__code__:
                raise KeyboardInterrupt
            frame = frame.f_back


def _start(awaitable):
    runner = _Runner(awaitable)
    if _thread.run is not None:
        _thread.run.runners[runner] = None
    runner.step(None)
    return runner


def _close_generator(generator):
    return _start(generator.aclose())


def spawn(awaitable):
    """Starts a coroutine on the GLib main loop, without asyncio, and returns its `Future`.

    It runs until it first waits before this returns: `Tornadis.spawn(work())` in a signal handler is all that it takes.
    An exception that nobody asks for is printed.

    Cancelling the `Future` raises `asyncio.CancelledError` where the coroutine waits. When a reply that it waits for was read
    already it has that first, and the exception where it waits next: what `BLPOP` has popped can be put back. A task of asyncio
    drops such a reply.
    """
    return _start(awaitable).future


def run(awaitable):
    """Runs a coroutine to its end on this thread's GLib main context, without asyncio, and returns its value.

    `Tornadis.run(main())` is what `asyncio.run(main())` is elsewhere. Ctrl+C cancels it, then what was spawned meanwhile,
    waits until they have ended and raises `KeyboardInterrupt`.
    """
    if _get_running_loop() is not None:
        if hasattr(awaitable, 'close'):
            awaitable.close()
        raise RuntimeError('asyncio runs in this thread: await it instead')
    main = _Runner(awaitable)
    future = main.future
    with _Run() as this:
        try:
            main.step(None)
            this.wait_for([main])
        except BaseException:
            ended = main.ended
            this.wind_up(main)
            # As of asyncio.run: a coroutine that was cancelled and ends otherwise says how this does.
            if ended or future.cancelled():
                raise
        else:
            if isinstance(future._exception, (KeyboardInterrupt, SystemExit)):
                this.wind_up(main)
        return future.result()


def sleep(seconds):
    """An awaitable of so many seconds on the GLib main loop, without asyncio."""
    source = GLib.timeout_source_new(int(seconds * 1000))
    future = Future(source.destroy)

    def wake(*_):
        if not future.done():
            future._finish(None, None, not _in_task())
        return GLib.SOURCE_REMOVE

    source.set_callback(wake)
    source.attach(GLib.MainContext.ref_thread_default())
    return future
