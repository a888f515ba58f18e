"""The tasks of the project."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

import anyio.lowlevel
from django.db import connection
from django.tasks import TaskContext, task
from django.tasks.signals import task_finished, task_started

from tidings.django import context_of, sync_context_of

told: list[str] = []
"""The signals of this process, of the tasks that have begun and ended."""


def note(sender: Any, task_result: Any, signal: Any, **_: Any) -> None:
    """Keep a signal."""
    name = "started" if signal is task_started else "finished"
    told.append(f"{name} {task_result.task.name} {task_result.status} {task_result.attempts}")


task_started.connect(note)
task_finished.connect(note)


@task
def add(left: int, right: int = 1) -> int:
    """Adds two numbers."""
    return left + right


@task
async def add_later(left: int, right: int) -> int:
    await anyio.lowlevel.checkpoint()
    return left + right


@task(takes_context=True)
def counted(context: TaskContext[..., Any], path: str) -> list[str]:
    while not Path(path).exists():
        sync_context_of(context).progress(1, 4, message=context.task_result.id)
        time.sleep(0.01)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return [context.task_result.id, context.task_result.status]


@task(takes_context=True)
async def awaited(context: TaskContext[..., Any]) -> int:
    await context_of(context).progress(1, 2)
    return context.attempt


@task(takes_context=True)
def confused(context: TaskContext[..., Any]) -> str:
    try:
        context_of(context)
    except TypeError as error:
        return str(error)
    return ""


@task(takes_context=True)
def fail(context: TaskContext[..., Any]) -> None:
    raise ValueError(f"secret of attempt {context.attempt}")


@task
def moment() -> Any:
    return dt.date(2026, 1, 1)


@task(queue_name="night")
def at_night() -> None:
    """Is of another queue."""


@task
def signals() -> list[str]:
    return list(told)


@task(backend="later")
def afterwards(left: int) -> int:
    return left


@task(backend="away")
def never() -> None:
    """Has no server."""


@task(backend="other")
def elsewhere() -> None:
    """Is of another back end, which no worker of ours serves."""
