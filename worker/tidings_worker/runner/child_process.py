"""One child process as the worker sees it: it performs one command at a time, and can be killed."""

import asyncio
import asyncio.subprocess
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

import anyio
import msgspec
import structlog

from tidings.circuit.breaker import Breaker
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.context.context import Sink
from tidings.errors import StoppedError
from tidings.process.parent_death import PARENT_VARIABLE
from tidings_worker.loading.users_modules import FOLDERS
from tidings_worker.outcome.errors import ProcessEndedError
from tidings_worker.settings import WorkerSettings

from .error_transport import error_of
from .ipc_messages import (
    BreakerEntered,
    ChildAnswer,
    ChildQuestion,
    Chunk,
    ChunkTaken,
    EnterBreaker,
    KeepStream,
    Leave,
    LeaveBreaker,
    LifespanFailed,
    MemoValue,
    Progress,
    Ready,
    RecallMemo,
    RecallStream,
    RecordMemo,
    ResultMessage,
    RunCommand,
    Stop,
    StreamValue,
    StreamWrite,
    ToChild,
    ToWorker,
    Welcome,
    pack,
    receive,
    to_worker,
)
from .shared_memory import SHARED_BYTES, SharedMemory

log = structlog.get_logger()

EXIT_WITHIN_S = 5.0
"""How long the kernel may take to end a killed process."""


class ChildProcess:
    """One child; `start` makes it."""

    def __init__(
        self,
        child: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        memory: SharedMemory,
        max_result_bytes: int,
    ) -> None:
        self._memory = memory
        self._max_result_bytes = max_result_bytes
        self._child = child
        self._reader = reader
        self._writer = writer
        self._busy = False
        self._leaves = False
        """Whether it has lifespans to leave."""
        self._watcher = asyncio.create_task(self._watch(), name=f"process {child.pid}")

    @classmethod
    async def start(cls, settings: WorkerSettings) -> Self:
        """Start a child, and return when it has loaded the modules.

        Raises:
            ProcessEndedError: it ended before that.

        """
        memory = SharedMemory.make()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                child = await _spawn(theirs.fileno(), memory)
            streams = await asyncio.open_unix_connection(sock=ours)
            process = cls(child, *streams, memory, settings.max_result_bytes)
        except BaseException:
            ours.close()  # a child that has started already finds its link closed, and ends
            memory.close()
            raise
        try:
            await process._send(_welcome(settings))
            await process._wait_until_ready()
        except BaseException:
            process.kill()
            memory.close()
            raise
        return process

    @property
    def is_fit(self) -> bool:
        """Whether it lives and has nothing to do."""
        return self._child.returncode is None and not self._busy

    async def perform(self, command: RunCommand, sink: Sink) -> bytes:
        """Have a handler run, pass on its progress, log and questions, and return its result as JSON.

        Raises:
            ProcessEndedError: the process ended before the handler did.
            Exception: what the handler raised; see `error_transport`.

        """
        self._busy = True
        if len(command.input) >= SHARED_BYTES and self._memory.inputs.write(command.input):
            command = msgspec.structs.replace(command, input=b"", shared=len(command.input))
        await self._send(command)
        while True:
            message = await self._receive()
            match message:
                case Progress(data):
                    sink.progress(data)
                case KeepStream(stream, kept, size):
                    sink.keep_chunks(stream, kept, size)
                case Chunk() | StreamWrite() | RecallStream() | RecallMemo() | RecordMemo() | EnterBreaker():
                    # An attempt that is over answers nothing more; the child learns that from `Stop`.
                    with suppress(StoppedError):
                        await self._send(await _answer(message, sink))
                case LeaveBreaker(ticket, result, text):
                    sink.leave(ticket, result, text)
                case None | Ready() | LifespanFailed():
                    raise await self._end()
                case ResultMessage(result, shared):
                    value = await self._read_shared(shared) if shared else result
                    self._busy = False
                    return value
                case outcome:
                    self._busy = False
                    raise error_of(outcome)

    async def _read_shared(self, size: int) -> bytes:
        """Return a result that lies in the shared memory.

        Raises:
            ProcessEndedError: the handler has written into the link, or the memory, which are not its own.

        """
        try:
            return self._memory.results.read(size, self._max_result_bytes)
        except (OSError, ValueError) as error:
            raise await self._end() from error

    def ask_to_stop(self) -> None:
        """Have the context of its handler say `cancelled`."""
        self._writer.write(pack(Stop()))

    def kill(self) -> None:
        """End it and what it started in its own session, now."""
        if self._child.returncode is None:
            self._busy = True
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)

    async def leave(self, seconds: float) -> None:
        """Have it leave its lifespans, if it has any and runs nothing, within so many seconds; then close it."""
        if self._leaves and self.is_fit:
            await self._send(Leave())
            with anyio.move_on_after(seconds, shield=True):
                await self._child.wait()
        await self.close()

    async def close(self) -> None:
        """Kill it, and return when it is gone."""
        self.kill()
        with anyio.move_on_after(EXIT_WITHIN_S, shield=True):
            await self._child.wait()
        self._watcher.cancel()
        self._writer.transport.abort()
        self._memory.close()

    async def _wait_until_ready(self) -> None:
        match await self._receive():
            case Ready(leaves):
                self._leaves = leaves
            case LifespanFailed(text):
                log.error("lifespan_failed", process=self._child.pid, error=text)
                # Clients may see the text of this error; the text of the lifespan's own may hold a password.
                raise ProcessEndedError(
                    "the process that was to run the handler could not enter a lifespan; the worker's log says why"
                )
            case _:
                raise await self._end()

    async def _send(self, message: ToChild) -> None:
        self._writer.write(pack(message))
        with suppress(OSError):  # `_receive` finds that the child is gone
            await self._writer.drain()

    async def _receive(self) -> ToWorker | None:
        try:
            return await receive(self._reader, to_worker)
        except msgspec.DecodeError:  # the handler has written into the link, which is not its own
            return None

    async def _watch(self) -> None:
        """Close the link when the process is gone, and kill what it left: a copy of it may hold the link open."""
        await self._child.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._writer.transport.abort()

    async def _end(self) -> ProcessEndedError:
        """Return how it ended; kill it if it lives on without its link."""
        with anyio.move_on_after(EXIT_WITHIN_S):
            await self._child.wait()
        code = self._child.returncode
        if code is None:
            self.kill()
            return ProcessEndedError("the process that ran the handler lost its link to the worker, and was killed")
        return ProcessEndedError(f"the process that ran the handler ended {_exit_text(code)}")


async def _answer(question: ChildQuestion, sink: Sink) -> ChildAnswer:
    match question:
        case Chunk(number, chunk):
            sink.log(chunk)
            await sink.room()
            return ChunkTaken(number)
        case StreamWrite(number, stream, first, chunks):
            for index, (text, size) in enumerate(chunks, first):
                sink.write_chunk(stream, index, text, size)
            await sink.room()
            return ChunkTaken(number)
        case RecallStream(number, stream):
            return StreamValue(number, await sink.earlier_chunks(stream))
        case RecallMemo(number, name):
            return MemoValue(number, await sink.recall(name))
        case RecordMemo(number, name, value):
            return MemoValue(number, await sink.record(name, value))
        case EnterBreaker():
            return await _entered(question, sink)


async def _entered(question: EnterBreaker, sink: Sink) -> BreakerEntered:
    breaker = Breaker.from_other_process(question.name, question.spec, question.slow_call, question.when_open)
    try:
        return BreakerEntered(question.number, await sink.enter(breaker))
    except CircuitOpenError as error:
        return BreakerEntered(question.number, "", error.breaker, error.retry_after, error.when_open)


async def _spawn(channel: int, memory: SharedMemory) -> asyncio.subprocess.Process:
    inherited = (channel, memory.inputs.fd, memory.results.fd)
    environment = {
        **os.environ,
        PARENT_VARIABLE: str(os.getpid()),
        # Without users' folders: a module there may have the name of one that the child needs to start.
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path if path not in FOLDERS),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # nor does the child look for its own modules in the working directory
        "-m",
        "tidings_worker.runner.child_main",
        *map(str, inherited),
        pass_fds=inherited,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches the worker alone, and what the child starts is killed with it
    )


def _welcome(settings: WorkerSettings) -> Welcome:
    return Welcome(
        modules=settings.modules,
        path=list(sys.path),
        python_path=os.environ.get("PYTHONPATH"),
        log_format=settings.log_format,
        log_level=settings.log_level,
        max_result_bytes=settings.max_result_bytes,
        max_chunk_bytes=settings.max_chunk_bytes,
        max_stream_bytes=settings.max_stream_bytes,
        progress_per_s=settings.progress_per_s,
        lifespan_enter_s=settings.lifespan_enter_s,
        lifespan_leave_s=settings.lifespan_leave_s,
    )


def _exit_text(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    hint = "; the kernel sends that when memory runs out" if -code == signal.SIGKILL else ""
    return f"by signal {name}{hint}"
