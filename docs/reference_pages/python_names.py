"""Where each public name of the Python packages stands in the reference."""

from typing import NamedTuple


class Section(NamedTuple):
    """Some names of a page, under one heading."""

    title: str
    names: tuple[str, ...]
    """Each as `package.name`, of the package that programs import it from."""
    text: str = ""
    """What stands before them."""


class PythonPage(NamedTuple):
    """One page."""

    title: str
    text: str
    sections: tuple[Section, ...]


PACKAGES = (
    "tidings",
    "tidings.client",
    "tidings.testing",
    "tidings.ai",
    "tidings.fastapi",
    "tidings.django",
    "tidings.webhook",
    "tidings_server",
)
"""The packages whose `__all__` is the public interface."""

PAGES = {
    "jobs": PythonPage(
        "Jobs: `@job` and what belongs to it",
        "What authors of jobs write. A module of such functions is what `tidings work MODULE` serves. "
        "What a handler can do while it runs stands on [its own page](context.md).",
        (
            Section("Jobs", ("tidings.job", "tidings.Job", "tidings.Result")),
            Section("Tiers by the input", ("tidings.by_size", "tidings.by_field")),
            Section("What the jobs of a module share", ("tidings.lifespan", "tidings.Lifespan", "tidings.Depends")),
            Section("Handlers of events", ("tidings.on", "tidings.EventHandler", "tidings.Event")),
            Section(
                "Kinds whose handler is elsewhere",
                ("tidings.declare_kind", "tidings.declare_json_kind", "tidings.Kind"),
            ),
            Section("Breakers", ("tidings.Breaker",)),
            Section("How a handler ends its attempt", ("tidings.Reject", "tidings.Retry", "tidings.StoppedError")),
        ),
    ),
    "context": PythonPage(
        "The context of a handler",
        "A handler whose first parameter is annotated as `Context` (`async def`) or `SyncContext` (`def`) gets one. "
        "The worker makes it; nothing else does.",
        (
            Section("Contexts", ("tidings.Context", "tidings.SyncContext")),
            Section(
                "What the context returns",
                (
                    "tidings.saga.step_calls.StepsWithOptions",
                    "tidings.streams.job_stream.JobStream",
                    "tidings.streams.sync_job_stream.SyncJobStream",
                    "tidings.circuit.call_guard.CallGuard",
                    "tidings.circuit.call_guard.SyncCallGuard",
                ),
                "Programs do not make these.",
            ),
        ),
    ),
    "client": PythonPage(
        "The Python client",
        "`Client` for programs with an event loop, `SyncClient` for those without. "
        "[How to use them](../../how-to/python.md).",
        (
            Section("Clients", ("tidings.Client", "tidings.SyncClient")),
            Section("Submissions", ("tidings.SubmitOptions", "tidings.protocol.grants.GrantRequest")),
            Section("One job", ("tidings.client.Handle", "tidings.client.SyncHandle", "tidings.client.ChunkReader")),
            Section(
                "What clients return",
                (
                    "tidings.client.Event",
                    "tidings.State",
                    "tidings.client.ClientState",
                    "tidings.client.StateChange",
                    "tidings.client.ClientWithOptions",
                    "tidings.client.SyncClientWithOptions",
                    "tidings.client.follow_reader.FollowReader",
                    "tidings.client.sync.sync_follow.SyncFollow",
                    "tidings.protocol.grants.IssuedGrant",
                    "tidings.protocol.frames.listing_messages.ListedJob",
                    "tidings.protocol.steps.Step",
                ),
            ),
            Section("Types of arguments", ("tidings.client.CredentialSource",)),
        ),
    ),
    "errors": PythonPage(
        "Errors of the Python library",
        "Each error that the library raises to programs that use it, by where it is raised. `Reject`, `Retry` and "
        "`StoppedError`, by which a handler ends its attempt, stand with [the jobs](jobs.md).",
        (
            Section("What was asked was refused", ("tidings.ProblemError", "tidings.Problem", "tidings.JobFailed")),
            Section(
                "Clients",
                (
                    "tidings.ClientError",
                    "tidings.ConnectionFailed",
                    "tidings.ConnectionLost",
                    "tidings.JobCancelled",
                    "tidings.JobExpired",
                    "tidings.NotWatched",
                    "tidings.ReaderTooSlow",
                    "tidings.StreamReset",
                    "tidings.StreamIncomplete",
                ),
            ),
            Section(
                "Definitions, when a module is loaded",
                (
                    "tidings.JobDefinitionError",
                    "tidings.HandlerDefinitionError",
                    "tidings.LifespanDefinitionError",
                    "tidings.DependencyDefinitionError",
                ),
            ),
            Section(
                "Handlers, while they run",
                (
                    "tidings.StepError",
                    "tidings.SignalTimeout",
                    "tidings.SagaUseError",
                    "tidings.CircuitOpenError",
                    "tidings.StreamError",
                    "tidings.StreamFullError",
                ),
            ),
            Section("Settings", ("tidings.SettingsError",)),
        ),
    ),
    "testing": PythonPage(
        "`tidings.testing`",
        "For tests of jobs: one job alone, or a world of jobs by a clock that stands still. "
        "[How to test your jobs](../../how-to/test-jobs.md).",
        (
            Section("One job alone", ("tidings.testing.run", "tidings.testing.JobRun", "tidings.testing.RunStep")),
            Section("A world", ("tidings.testing.World", "tidings.testing.WorldJob")),
            Section("A real server", ("tidings.testing.TestServer",)),
            Section(
                "Sagas that run already",
                ("tidings.testing.replay", "tidings.testing.SagaReplay", "tidings.testing.ReplayVerdict"),
            ),
            Section("Errors", ("tidings.testing.TestingError", "tidings.testing.WorldStuckError")),
        ),
    ),
    "ai": PythonPage(
        "`tidings.ai`: chats",
        "A handler writes its answer as the UI message stream of the AI SDK. [How to answer a "
        "chat](../../how-to/chat.md); "
        "[how to write an agent](../../how-to/agents.md); [the routes and the stream](../chat.md).",
        (
            Section(
                "Handlers", ("tidings.ai.UIMessageWriter", "tidings.ai.SyncUIMessageWriter", "tidings.ai.AgentWriter")
            ),
            Section("The question", ("tidings.ai.ChatRequest", "tidings.ai.UIMessage", "tidings.ai.openai_messages")),
            Section(
                "What a model said",
                (
                    "tidings.ai.ModelReply",
                    "tidings.ai.ToolCall",
                    "tidings.ai.ModelStreamError",
                    "tidings.ai.retry_after",
                ),
            ),
        ),
    ),
    "frameworks": PythonPage(
        "`tidings.fastapi` and `tidings.django`",
        "Guides: [FastAPI](../../how-to/fastapi.md), [Django](../../how-to/django.md).",
        (
            Section(
                "FastAPI",
                (
                    "tidings.fastapi.MountedTidings",
                    "tidings.fastapi.RemoteTidings",
                    "tidings.fastapi.DelegateClient",
                    "tidings.fastapi.accept",
                    "tidings.fastapi.accepted",
                    "tidings.fastapi.granted",
                    "tidings.fastapi.AcceptedJob",
                    "tidings.fastapi.AcceptedGrant",
                    "tidings.fastapi.answer_problems",
                    "tidings.fastapi.PROBLEM_RESPONSES",
                ),
            ),
            Section(
                "Django",
                (
                    "tidings.django.TidingsBackend",
                    "tidings.django.ProblemMiddleware",
                    "tidings.django.grant_for",
                    "tidings.django.context_of",
                    "tidings.django.sync_context_of",
                ),
            ),
        ),
    ),
    "server": PythonPage(
        "`tidings_server` and `tidings.webhook`",
        "To [mount the server](../../how-to/mount.md) inside another application, and to "
        "[receive webhooks](../../how-to/receive-webhooks.md).",
        (
            Section(
                "The server", ("tidings_server.create_app", "tidings_server.Identity", "tidings_server.local_client")
            ),
            Section(
                "Webhooks",
                (
                    "tidings.webhook.verify",
                    "tidings.webhook.sign",
                    "tidings.webhook.new_secret",
                    "tidings.webhook.decode_secret",
                    "tidings.webhook.DEFAULT_TOLERANCE_S",
                    "tidings.webhook.WebhookVerificationError",
                    "tidings.webhook.SecretError",
                ),
            ),
        ),
    ),
}
"""Name of the file → the page."""

# fmt: off
NOT_FOR_PROGRAMS = {
    "Breaker": ("counts", "from_other_process", "is_name_only", "spec"),
    "CallGuard": ("__init__",),
    "CircuitOpenError": ("__init__",),
    "ConsumedEvent": ("__init__",),
    "SyncCallGuard": ("__init__",),
    "Client": ("closed", "forget", "on_news", "send"),
    "ClientWithOptions": ("send",),
    "DelegateClient": ("send",),
    "EventHandler": (
        "dependencies", "function", "lifespan", "mode", "patterns", "place", "policy", "rank_of", "state", "under",
        "with_state",
    ),
    "FollowReader": ("finish", "follow", "handles", "put"),
    "Handle": ("answered", "fail", "job", "look"),
    "Identity": (
        "allows", "expired", "grants", "lack", "left", "may_see", "may_submit", "owns", "permits", "require",
        "require_act", "require_kind", "require_valid", "require_watch", "with_grants",
    ),
    "Job": (
        "dependencies", "exposing", "function", "input", "input_of", "lifespan", "limit_by", "mode", "overrides",
        "place", "policy", "record", "result", "result_of", "route", "schedule", "state", "takes", "tier", "tiers",
        "under", "upcasts", "yields",
    ),
    "JobStream": ("__init__", "yielded"),
    "Kind": ("input_of", "result_of", "takes"),
    "Lifespan": ("__init__", "function", "place"),
    "SubmitOptions": ("fields",),
    "SyncClient": ("send",),
    "SyncClientWithOptions": ("send",),
    "SyncJobStream": ("__init__", "yielded"),
    "TidingsBackend": (
        "__init__", "check", "said", "supports_async_task", "supports_defer", "supports_get_result",
        "supports_priority", "validate_task",
    ),
    "World": ("send",),
}
"""Class → methods and attributes without a leading underscore that only the library itself uses."""
# fmt: on
