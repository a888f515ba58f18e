"""What a worker opens for its jobs and closes behind them: lifespans and dependencies."""

from mutants.change import python
from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "A lifespan that fails at entry leaves those entered before it open.",
        python("RunningLifespans.enter").drop("await self.leave()"),
        ("tests/unit/resources/test_running_lifespans.py",),
    ),
    Mutant(
        "A job's state changes with the modules that its worker serves.",
        python("with_lifespans").swap("_own_lifespan(job) or given", "given"),
        ("tests/unit/resources/test_lifespan.py",),
    ),
    Mutant(
        "A clean-up that fails hides the outcome of its job.",
        python("async_call:_clean_up").swap("failed(one, fault)", "raise"),
        ("tests/unit/resources/test_dependency_calls.py",),
    ),
    Mutant(
        "Dependencies are closed in the order in which they were made.",
        python("async_call:_clean_up").swap("entered.pop()", "entered.pop(0)"),
        ("tests/unit/resources/test_dependency_calls.py",),
    ),
    Mutant(
        "A dependency that two share is made twice.",
        python("_Analysis.add").never("mark.use_cache and function in self._shared"),
        ("tests/unit/resources/test_dependency_plan.py",),
    ),
    Mutant(
        "A dependency is a field of the input.",
        python("InputSchema.of").swap("if name not in filled", "if name"),
        ("tests/unit/resources/test_dependency_plan.py",),
    ),
)
