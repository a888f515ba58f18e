"""What `make test-compiled` runs is compiled, and what everything else runs is not."""

import importlib
import os
import traceback

import pytest

from support.compiled import compiled_modules
from tidings.process.interpreter import describe_build, is_compiled
from tidings.protocol.tokens import Token
from tidings_cli.doctor.finding import Level
from tidings_cli.doctor.machine_checks import check_build
from tidings_server.watch.topic import Topic, TopicEvent, TopicTransitionError

EXPECTED = os.environ.get("TIDINGS_TEST_COMPILED") == "1"
SUFFIX = ".so" if EXPECTED else ".py"


@pytest.mark.parametrize("module", compiled_modules())
def test_each_module_of_the_list_is_what_this_run_says(module: str) -> None:
    found = importlib.import_module(module.partition("/")[2].removesuffix(".py").replace("/", "."))
    assert str(found.__file__).endswith(SUFFIX)


def test_operators_learn_it() -> None:
    assert is_compiled() is EXPECTED
    assert describe_build().endswith("compiled modules" if EXPECTED else "pure Python")
    finding = check_build()
    assert (finding.check, finding.level, finding.says) == ("machine.build", Level.OK, describe_build())


def test_a_traceback_leads_to_the_line_of_the_source() -> None:
    topic = Topic(Token("p", "A" * 22), 0)
    with pytest.raises(TopicTransitionError) as caught:
        topic.take(TopicEvent.ANSWERED)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.name, last.filename.endswith("tidings_server/watch/topic.py")) == ("take", True)
    assert last.lineno
