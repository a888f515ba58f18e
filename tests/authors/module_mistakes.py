"""Mistakes in a module of jobs, and the line that its author sees."""

from typing import NamedTuple


class ModuleMistake(NamedTuple):
    """A module that cannot be served."""

    what: str
    """The mistake, for the test's name."""
    text: str
    """The module, behind `HEAD`."""
    says: str
    """The line: `{at}` is the file with the number of the line that ends in `# here`, `{file}` the file alone."""


HEAD = """\
import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

from tidings import Breaker, Context, Depends, SyncContext, by_field, by_size, job, lifespan


class Pool:
    pass


async def get_pool() -> Pool:
    return Pool()


"""

BODY = "async def price(item: str) -> int:\n    return 1\n"


def decorated(options: str, says: str, what: str, body: str = BODY) -> ModuleMistake:
    """Return a mistake in the options of `@job`."""
    return ModuleMistake(what, f"@job({options})  # here\n{body}", f"{{at}}: job price: {says}")


def handler(text: str, says: str, what: str) -> ModuleMistake:
    """Return a mistake in a handler's own lines; its decorator stands before them."""
    return ModuleMistake(what, f"@job  # here\n{text}\n", f"{{at}}: job {says}")


OPTIONS = (
    decorated("timout=5", "there is no option 'timout'; did you mean `timeout`?", "a typo in an option"),
    decorated("max_retries=5", "there is no option 'max_retries'; did you mean `retries`?", "another library's option"),
    decorated("retries='3'", "retries is '3'; it must be a whole number", "a number as a text"),
    decorated("retries=True", "retries is True; it must be a whole number", "a truth as a number"),
    decorated("retries=-1", "retries is -1; it must be 0 to 1000", "a number out of bounds"),
    decorated("queue=7", "queue is 7; it must be a text", "a queue that is no text"),
    decorated("timeout='5s'", "timeout is '5s'; it takes seconds as a number, or a timedelta", "a duration as a text"),
    decorated("timeout=0", "timeout is 0 s; allowed: above 0, at most a year", "no time at all"),
    decorated("timeout=timedelta(days=800)", "timeout is 6.912e+07 s; allowed: above 0, at most a year", "too long"),
    decorated("run_in='thread'", "run_in is 'thread'; it must be 'auto' or 'process'", "a place that does not exist"),
    decorated("run_in='process'", "run_in='process' takes a plain function, not an async one", "a loop in a process"),
    decorated("retry_on='OSError'", "retry_on is 'OSError'; it takes an exception class, or a tuple of them",
              "the name of an exception"),
    decorated("cron='every day'", "{any}a cron line has five{any}", "a cron line in words"),
    decorated("cron='0 3 * * *', timezone='Berlin'", "{any}Berlin{any}", "a city as a time zone",
              "async def price() -> int:\n    return 1\n"),
    decorated("every=60, cron='0 3 * * *'", "every and cron are both given; a job recurs by one of them", "two clocks"),
    decorated("every=60", "it recurs, and runs without an input; give a default to: item", "a tick without its input"),
    decorated("unique='{itme}'", "{any}'itme'{any}item{any}", "a field in `unique` that the input does not have"),
    decorated("unique_for=5", "unique_for says nothing without unique", "a time without its subject"),
    decorated("limit_by='item'", "limit_by says nothing without limit", "a share without its number"),
    decorated("limit=0", "limit is 0; it must be 1 to 10000", "a limit that lets nothing run"),
    decorated("rate=-1", "rate is -1; allowed: above 0, at most 100000", "a rate below 0"),
    decorated("tier=lambda item: 'fast'", "tier is a function; a server chooses the tier of a job, and does not have "
              "your code. Write a name, by_size(above=BYTES, then=TIER, otherwise=TIER) or by_field(NAME, "
              "above=NUMBER, then=TIER, …)", "code as a tier"),
    decorated("when_busy='wait', max_eta=1", "when_busy is 'wait'; it must be 'refuse' or 'shed'", "an unknown choice"),
    decorated("fallback=Pool", "fallback is <class '{any}.Pool'>; it must be a text", "a class as a fallback"),
    decorated("max_eta=1, fallback='price'", "fallback is the kind itself; name another", "its own fallback"),
    decorated("'cheap'", "@job takes no name by position; write @job(name='cheap')", "a name by position")._replace(
        says="{at}: job cheap: @job takes no name by position; write @job(name='cheap')"
    ),
    ModuleMistake("a kind with a space", f"@job(name='a price')  # here\n{BODY}", "{at}: job a price: name is 'a "
                  "price'; a kind has 1 to 128 letters, digits, `_`, `.` and `-`, and begins with a letter or `_`"),
    decorated("queue='Shop'", "queue is 'Shop'; it has 1 to 63 of a-z, 0-9, `-` and `_`", "a queue in "
              "capitals"),
    ModuleMistake("a fallback that is not served", f"@job(max_eta=1, fallback='cheap')\n{BODY}",
                  "{file}:18: job price: its fallback 'cheap' is not among the kinds here: price"),
)  # fmt: skip

HANDLERS = (
    handler("async def price(*items: str): ...", "price: the parameter *items: str cannot be a field of a JSON object; "
            "name each field, or take one list: items: list[…]", "*args"),
    handler("async def price(**items: str): ...", "price: the parameter **items: str cannot be a field of a JSON "
            "object; name each field, or take one object: items: dict[str, …]", "**kwargs"),
    handler("async def price(item: str, /): ...", "price: the parameter item: str cannot be a field of a JSON object; "
            "take away the `/` behind it", "a parameter by position"),
    handler("async def price(size: complex): ...", "price: the parameter size: the type complex has no form in JSON; "
            "take text, numbers, lists or a dataclass, or for what the input does not hold Annotated[complex, "
            "Depends(FUNCTION)]", "a type that JSON does not know"),
    handler("async def price(item: str, pool: Pool): ...", "price: the parameter pool: the type Pool has no form in "
            "JSON; {any}Annotated[Pool, Depends(FUNCTION)]", "a pool as a field of the input"),
    handler("async def price(item: 'Item'): ...", "price: the type Item in its hints is not known at run time; import "
            "it at the top of the module, outside of `if TYPE_CHECKING`", "a type that only checkers know"),
    handler("async def price(ctx: SyncContext): ...", "price: an `async def` handler gets a Context, whose methods it "
            "awaits; write ctx: Context", "the context of a plain function"),
    handler("def price(ctx: Context): ...", "price: a plain function gets a SyncContext, whose methods are not "
            "awaited; write ctx: SyncContext", "the context of a coroutine"),
    handler("class Price: ...", "Price: only functions can be jobs; decorate a `def` or an `async def`", "a class"),
    ModuleMistake("a method", "class Shop:\n    @job  # here\n    async def price(self, item: str): ...\n",
                  "{at}: job price: it belongs to a class, and a worker has no object for it; make it a function of "
                  "the module"),
    ModuleMistake("a lambda", "price = job(lambda: 1)  # here\n",
                  "{at}: job <lambda>: a lambda has no name; write a `def`, or @job(name=…)"),
    ModuleMistake("@job twice", f"@job  # here\n@job\n{BODY}", "{at}: job price: @job stands twice; take one away"),
    ModuleMistake("two kinds of one name", f"@job\n{BODY}\n\n@job(name='price')\nasync def other(): ...\n",
                  "the kind 'price' is defined twice: at {file}:18, and at {file}:23; give one of them another `name`"),
)  # fmt: skip

RESOURCES = (
    ModuleMistake("a dependency that is called",
                  "async def price(\n    pool: Annotated[Pool, Depends(get_pool())],  # here\n): ...\n",
                  "{at}: Depends takes a function, and this is a coroutine: write Depends(get_pool), without a call"),
    handler("async def price(pool: Annotated[Pool, Depends]): ...", "price: the parameter pool has Depends without a "
            "function: write Depends(FUNCTION)", "a dependency without its function"),
    handler("async def price(pool: Depends(get_pool)): ...", "price: the parameter pool has Depends instead of a type; "
            "write pool: Annotated[TYPE, Depends(FUNCTION)]", "a dependency as a type"),
    handler("async def price(pool: Annotated[Pool, get_pool]): ...", "price: the parameter pool: the type Pool has no "
            "form in JSON; {any}Annotated[Pool, Depends(FUNCTION)]", "a dependency that is not marked"),
    ModuleMistake("a dependency that wants a field",
                  "def get_user(item: str) -> str:\n    return item\n\n\n@job  # here\nasync def price(user: str = "
                  "Depends(get_user)): ...\n",
                  "{at}: job price: dependency get_user ({name}:18): nothing fills the parameter item: a dependency "
                  "gets no field of the input; give it a default, or Depends(…)"),
    ModuleMistake("a dependency that blocks the loop",
                  "def get_user(ctx: SyncContext) -> str:\n    return ''\n\n\n@job  # here\nasync def price(user: str "
                  "= Depends(get_user)): ...\n",
                  "{at}: job price: dependency get_user ({name}:18): the parameter ctx is a SyncContext, whose methods "
                  "would block the event loop in which this runs; annotate it as Context"),
    ModuleMistake("a lifespan without a yield", "@lifespan  # here\nasync def pool():\n    return 1\n",
                  "{at}: lifespan pool: it has no `yield`, so it opens nothing; write an `async def` with one `yield`"),
    ModuleMistake("a plain lifespan", "@lifespan  # here\ndef pool():\n    yield 1\n",
                  "{at}: lifespan pool: it is a plain generator; write an `async def` with one `yield`"),
    ModuleMistake("a lifespan with arguments", "@lifespan  # here\nasync def pool(app):\n    yield 1\n",
                  "{at}: lifespan pool: a worker enters it without arguments; take away: app"),
    ModuleMistake("two lifespans", "@lifespan\nasync def pool():\n    yield 1\n\n\n@lifespan\nasync def more():\n    "
                  "yield 2\n\n\n@job\nasync def price(): ...\n",
                  "{module} has 2 lifespans: pool ({file}:18) and more ({file}:23). A module has one: enter the others "
                  "inside it, with `async with`"),
)  # fmt: skip

IMPORTS = (
    ModuleMistake("a name that does not exist", "x = nothing  # here\n",
                  "{at}: {path} cannot be imported: NameError: name 'nothing' is not defined\n{any}"),
    ModuleMistake("a line that is no Python", "x = = 1  # here\n",
                  "{at}: {path} cannot be imported: SyntaxError: invalid syntax\nx = = 1  # here"),
    ModuleMistake("a library that is missing", "import no_such_library  # here\n",
                  "{at}: {path} cannot be imported: ModuleNotFoundError: No module named 'no_such_library'; install "
                  "no_such_library where the worker runs, or correct the name\n{any}"),
    ModuleMistake("an error deep in a library", "import json\nx = json.loads('{{')  # here\n".replace("{{", "{"),
                  "{at}: {path} cannot be imported: JSONDecodeError: Expecting property name enclosed in double "
                  "quotes: line 1 column 2 (char 1)\n{any}"),
    ModuleMistake("a program that ends", "raise SystemExit(0)  # here\n",
                  "{at}: {path} cannot be imported: SystemExit: 0; a worker imports the module: put what ends the "
                  'program under `if __name__ == "__main__":`\n{any}'),
    ModuleMistake("no jobs at all", "async def price(): ...\n",
                  "{path} holds no jobs: decorate a function with `@job` (from tidings import job)"),
    ModuleMistake("a wrong name of a breaker", "payments = Breaker('pay ments')  # here\n",
                  "{at}: {any}pay ments{any}"),
)  # fmt: skip

MODULE_MISTAKES = (*OPTIONS, *HANDLERS, *RESOURCES, *IMPORTS)
