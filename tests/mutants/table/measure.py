"""Logs, traces and metrics, and what is measured of a slow store."""

from mutants.change import lua, python
from mutants.mutant import Mutant

MUTANTS = (
    Mutant(
        "A log line of a handler in a process does not name its job.",
        python("_perform").drop("LOG_SUBJECT.set"),
        ("tests/trace/test_log.py",),
    ),
    Mutant(
        "A traceback in the log shows what the variables held.",
        python("_TRACEBACKS").swap("show_locals=False", "show_locals=True"),
        ("tests/trace/test_log.py",),
    ),
    Mutant(
        "A child of a saga is in no trace.",
        python("_new_job_of").cut("traceparent=child.above.traceparent,"),
        ("tests/trace/test_traces.py::test_a_saga_is_one_trace_with_its_steps_and_children",),
    ),
    Mutant(
        "A trace is collected against its client's flag.",
        python("SamplingRule.samples").swap("& _SAMPLED", "| _SAMPLED"),
        ("tests/unit/tracing/test_sampling_rule.py",),
    ),
    Mutant(
        "Every kind gets a line of its own on the page of metrics.",
        python("LabelNames.label").swap(">= self._most", ">= 100 * self._most"),
        ("tests/unit/metrics/test_instruments.py",),
    ),
    Mutant(
        "The figures of a page of metrics go on changing while it is written.",
        python("histogram_family").swap("series.copy()", "series"),
        ("tests/unit/metrics/test_instruments.py",),
    ),
    Mutant(
        "A counter has no 0 before its first count, so that no alert sees that count.",
        python("Counter.begin").drop("self.add(*one"),
        ("tests/metric/test_alerts.py::test_the_first_worker_that_is_lost",),
    ),
    Mutant(
        "An idle connection is closed though a request on it waits to be read.",
        python("HttpProtocol.timeout_keep_alive_handler").replace(
            "self.timeout_keep_alive_task =", "super().timeout_keep_alive_handler()"
        ),
        ("tests/server/test_unread.py",),
    ),
    Mutant(
        "An attempt's start is the time of the call that was answered, not that of the one that counted.",
        lua("repeat_start").swap("begun_at }", "now }"),
        ("tests/broker/test_report.py",),
    ),
    Mutant(
        "A page of metrics waits for a slow store.",
        python("StoreCollector.families").swap("give_up - self._asked_at", "3600"),
        ("tests/metric/test_slow_store.py",),
    ),
    Mutant(
        "A store that is slow counts as one that is down.",
        python("StoreLiveness.is_up").swap("<= UNANSWERED_LIMIT_S", "< 0"),
        ("tests/metric/test_slow_store.py",),
    ),
    Mutant(
        "A page of metrics asks for all queues at once.",
        python("in_pages").swap("names[first : first + PAGE]", "names[first:]"),
        ("tests/metric/test_slow_store.py",),
    ),
    Mutant(
        "A job that a worker holds counts as the oldest in line.",
        lua("oldest").swap("'(' .. after, '+'", "'-', '+'"),
        ("tests/broker/test_census.py",),
    ),
    Mutant(
        "A server takes the store's time from the answer that took longest.",
        python("StoreClock.take").swap("min(self._answers)", "max(self._answers)"),
        ("tests/unit/metrics/test_instruments.py",),
    ),
    Mutant(
        "A saga that undoes its work counts as a job that has ended.",
        python("label_of").swap("answer == ReportAnswer.TURNED", 'answer == ""'),
        ("tests/unit/worker/outcome/test_outcome_label.py",),
    ),
    Mutant(
        "A server on a store that evicts acknowledged jobs counts as ready.",
        python("ServerRuntime.unready_reasons").swap("self.settings.allow_eviction", "self.retention.now.eviction"),
        ("tests/store/test_retention.py",),
    ),
)
