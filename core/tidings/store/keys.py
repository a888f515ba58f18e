"""The names of everything in the store, made here and nowhere else in Python.

All keys of one partition carry the partition as their hash tag, so that one script touches one
slot of a Redis Cluster. Scripts get the partition's *root* as their only declared key and derive
the rest in `lua/lib/keys.lua`; a test compares the two.
"""

from typing import Final

from tidings.settings.key_prefix import DEFAULT_KEY_PREFIX

GROUP: Final = "workers"
"""The consumer group of every ready stream."""

REGISTRY: Final = "registry"
"""The hash tag of what belongs to no queue: the kinds, the workers, the tickets, the key of grants."""

BREAKERS: Final = "breakers"
"""The hash tag of the breakers, which belong to no queue either: all queues' workers ask for them."""


class RegistryKeys:
    """The names of one installation's keys and channels that belong to no queue."""

    def __init__(self, prefix: str = DEFAULT_KEY_PREFIX) -> None:
        """Make the names.

        Args:
            prefix: what stands before each, checked (`settings.key_prefix.check_key_prefix`).

        """
        self.prefix: str = prefix
        self.kinds: str = f"{prefix}:{{{REGISTRY}}}:kinds"
        """Hash: kind → its `KindRecord` as JSON. No expiry: kinds outlive their workers' restarts."""
        self.kinds_changed: str = f"{prefix}:{{{REGISTRY}}}:kinds-changed"
        """Channel: a message says that a worker registered a kind that is new or different."""
        self.kinds_seen: str = f"{prefix}:{{{REGISTRY}}}:kinds-seen"
        """Sorted set: kind → when a worker last said that it serves it (ms); a kind that is removed leaves."""
        self.kinds_history: str = f"{prefix}:{{{REGISTRY}}}:kinds-history"
        """Hash: kind → digests of the records that have stood there, the newest last; trimmed to 20 each."""
        self.kinds_before: str = f"{prefix}:{{{REGISTRY}}}:kinds-before"
        """Hash: kind → the record that its present one replaced; leaves with the kind."""
        self.kinds_replaced: str = f"{prefix}:{{{REGISTRY}}}:kinds-replaced"
        """Sorted set: kind → when its record was last replaced (ms); leaves with the kind."""
        self.placements: str = f"{prefix}:{{{REGISTRY}}}:placements"
        """Hash: queue → its `Placement` as JSON. No expiry: jobs lie where it says; a queue never spread has none."""
        self.workers: str = f"{prefix}:{{{REGISTRY}}}:workers"
        """Sorted set: worker → when it last said it lives (ms); trimmed by every worker."""
        self.workers_changed: str = f"{prefix}:{{{REGISTRY}}}:workers-changed"
        """Channel: the name of a worker that has come, or has left."""

        self.breakers: str = f"{prefix}:{{{BREAKERS}}}:breakers"
        """Set: the breakers' names; one whose record has left goes when they are listed."""
        self.breakers_changed: str = f"{prefix}:{{{BREAKERS}}}:changed"
        """Channel: the `BreakerView` of a breaker that has changed."""

        self.paused: str = f"{prefix}:{{{REGISTRY}}}:paused"
        """Hash: paused queue → its `PauseRecord` as JSON; a field leaves when it is resumed."""
        self.paused_changed: str = f"{prefix}:{{{REGISTRY}}}:paused-changed"
        """Channel: the queue that an operator paused or resumed."""
        self.audit: str = f"{prefix}:{{{REGISTRY}}}:audit"
        """Stream: what operators did; trimmed by length."""
        self.audit_idle: str = f"{prefix}:{{{REGISTRY}}}:audit-idle"
        """Stream: acts of operators that were refused or had no effect; trimmed by length."""
        self.audit_strangers: str = f"{prefix}:{{{REGISTRY}}}:audit-strangers"
        """Stream: refused acts of callers without the scope `admin`; trimmed by length."""
        self.objectives: str = f"{prefix}:{{{REGISTRY}}}:objectives"
        """Hash: kind → its `ObjectiveRule` as JSON. No expiry: operators set and remove them."""
        self.grant_key: str = f"{prefix}:{{{REGISTRY}}}:grant-key"
        """String: the key that signs grants where the settings of servers hold none. No expiry: grants refer to it."""


class StoreKeys(RegistryKeys):
    """The names of one installation's keys and channels."""

    def breaker(self, name: str) -> str:
        """String, MessagePack: a breaker's `BreakerRecord`; expires a month after its last use."""
        return f"{self.prefix}:{{{BREAKERS}}}:breaker:{name}"

    def worker(self, worker: str) -> str:
        """String, JSON, expires by itself: who a worker is and what it serves."""
        return f"{self.prefix}:{{{REGISTRY}}}:worker:{worker}"

    def upkeep(self, place: str) -> str:
        """Sorted set: worker → its rank, of the first few that can keep up a place (`placement/upkeep_choice.py`).

        Trimmed by every worker; expires some heartbeats after the last one.
        """
        return f"{self.prefix}:{{{REGISTRY}}}:upkeep:{place}"

    def ticket(self, digest: str) -> str:
        """String, expires by itself: the SHA-256 of a ticket → the identity for which it stands."""
        return f"{self.prefix}:{{{REGISTRY}}}:ticket:{digest}"

    def root(self, partition: str) -> str:
        """The beginning of every key of a partition; never a key itself."""
        return f"{self.prefix}:{{{partition}}}:"

    def ready(self, partition: str, tier: str, lane: int | str | None = None) -> str:
        """Stream: jobs that may start, whole envelopes, and the turns of the tier's lanes; or one such lane.

        Beside the lanes stand `thread` and `process`: jobs that are set apart until a worker has one free.
        Trimmed by deletion on acknowledgement.
        """
        return f"{self.root(partition)}ready:{tier}{'' if lane is None else f'/{lane}'}"

    def job(self, partition: str, job: str) -> str:
        """Hash: the record of one job; expires `result_ttl` after its end."""
        return f"{self.root(partition)}job:{job}"

    def log(self, partition: str, job: str) -> str:
        """Stream: a job's log chunks, entry id `<seq>-0`; trimmed by size, expires with the job."""
        return f"{self.root(partition)}log:{job}"

    def chunks(self, partition: str, job: str, stream: str) -> str:
        """List: the chunks of one of a job's streams (`lua/lib/streams/streams.lua`); expires with the job."""
        return f"{self.root(partition)}chunks:{job}:{stream}"

    def steps(self, partition: str, job: str) -> str:
        """Hash: the journal of a saga's steps and the signals that came (`lua/step.lua`); expires with the job."""
        return f"{self.root(partition)}steps:{job}"

    def outbox(self, partition: str) -> str:
        """Stream: children that have ended, until their parents know it; trimmed by deletion."""
        return f"{self.root(partition)}outbox"

    def sagas(self, partition: str, line: str = "") -> str:
        """Set: a kind and version, `order@2` → its live sagas that have taken a step; without a line: hash of these."""
        return f"{self.root(partition)}sagas{':' if line else ''}{line}"

    def held_sagas(self, partition: str, line: str = "") -> str:
        """Sorted set: a line, `standard/order@2!<digests of code>` → its held sagas; without a line: hash of these."""
        return f"{self.root(partition)}held-sagas{':' if line else ''}{line}"

    def scheduled(self, partition: str) -> str:
        """Sorted set: job → when it is due (ms); trimmed by promotion."""
        return f"{self.root(partition)}scheduled"

    def dead(self, partition: str) -> str:
        """Stream: dead letters; trimmed by length."""
        return f"{self.root(partition)}dead"

    @staticmethod
    def dedup_suffix(owner: str, kind: str, key: str) -> str:
        """What follows `key:` in the name of an idempotency key; a string: job id and fingerprint of the payload.

        It expires after the dedup window. The owner's length stands before the owner, so that no two triples collide.
        """
        return f"{kind}:{len(owner)}:{owner}:{key}"

    @staticmethod
    def unique_suffix(owner: str, kind: str, value: str) -> str:
        """What follows `unique:`. The owner's length stands before the owner, so that no two triples collide."""
        return f"{kind}:{len(owner)}:{owner}:{value}"

    def inbox(self, partition: str, gateway: str) -> str:
        """Channel: events for one server process."""
        return f"{self.root(partition)}inbox:{gateway}"

    def orders(self, partition: str, worker: str) -> str:
        """Channel: requests to one worker: a job's id, to cancel it; with `+` before it, that it was woken."""
        return f"{self.root(partition)}orders:{worker}"

    def due(self, partition: str) -> str:
        """Channel: the time (ms) of a job that is due before all others; 0: there is something in the outbox.

        `kind ` and names: the lines of jobs that wait for a worker that serves them (`unserved`) have got some.
        `lost ` and a tier: workers are lost, and those on duty have no room for the jobs that they held.
        """
        return f"{self.root(partition)}due"

    def chronicle(self, partition: str) -> str:
        """Stream: the history of finished jobs, an entry for each call of a script; trimmed by the number of jobs.

        The id of an entry is the number of jobs that had ended in the partition by then, and `-0`.
        """
        return f"{self.root(partition)}chronicle"

    def ended(self, partition: str) -> str:
        """String: how many jobs have ended while a history was kept. No expiry: it counts."""
        return f"{self.root(partition)}ended"

    def events(self, partition: str) -> str:
        """Stream: the events that some group follows; trimmed by age and bytes, expires when it is too old."""
        return f"{self.root(partition)}events"

    def event_counts(self, partition: str) -> str:
        """Hash: `:` and a group → how many events it should have had; the bytes written and trimmed. No expiry."""
        return f"{self.root(partition)}event-counts"

    def event_marks(self, partition: str) -> str:
        """List: where the stream of events may be cut, about 64 places; expires with the stream."""
        return f"{self.root(partition)}event-marks"

    def groups(self, partition: str) -> str:
        """Hash: `:` and a group → what it follows (MessagePack); `limits`: of the stream. Operators forget groups."""
        return f"{self.root(partition)}groups"

    def group(self, partition: str, group: str) -> str:
        """Hash: where a group stands in the stream; leaves when an operator forgets the group."""
        return f"{self.root(partition)}group:{group}"

    def group_jobs(self, partition: str, group: str) -> str:
        """Hash: job → the group's events of it that are in hand or wait (MessagePack); a job leaves with the last."""
        return f"{self.root(partition)}group-jobs:{group}"

    def group_due(self, partition: str, group: str) -> str:
        """Sorted set: those jobs, by when they are to be looked at (ms)."""
        return f"{self.root(partition)}group-due:{group}"

    def group_dead(self, partition: str, group: str) -> str:
        """Stream: events that a group could not handle; trimmed by length."""
        return f"{self.root(partition)}group-dead:{group}"

    def probe(self, process: str) -> str:
        """Channel: a process publishes to itself here, which proves that it hears what others publish."""
        return f"{self.prefix}:{{{REGISTRY}}}:probe:{process}"

    def recurring(self, partition: str) -> str:
        """Hash: recurring kind → its next tick (ms), the job made for it, and its schedule."""
        return f"{self.root(partition)}recurring"

    def callers(self, partition: str) -> str:
        """Hash: caller → its live jobs; a field leaves when it reaches 0."""
        return f"{self.root(partition)}callers"

    def caller_bytes(self, partition: str) -> str:
        """Hash: caller → the bytes of its live jobs' envelopes; a field leaves when it reaches 0."""
        return f"{self.root(partition)}caller-bytes"

    def deadlines(self, partition: str) -> str:
        """Sorted set: live job that has a deadline → the deadline (ms); a job leaves with its end, or its deadline."""
        return f"{self.root(partition)}deadlines"

    def owned(self, partition: str, owner: str) -> str:
        """Sorted set: an owner's jobs, each its id and after a space its tags, by when the store took it (us).

        Trimmed to `max_listed_per_owner`, and by sweeps; expires a month after the owner's last submission.
        """
        return f"{self.root(partition)}owned:{owner}"

    def tagged(self, partition: str, owner: str, tag: str) -> str:
        """Channel: the id of a job that an owner submitted with a tag; with `+` before it, of one that lives again.

        The owner's length in bytes stands before the owner, so that no two pairs collide.
        """
        return f"{self.root(partition)}tagged:{len(owner.encode())}:{owner}:{tag}"

    def flow(self, partition: str, tier: str) -> str:
        """Hash: how fast a tier drains, in which of its lanes jobs wait, and from how many on a caller's jobs go there.

        Expires an hour after a worker last measured it, unless jobs wait in a lane or aside.
        """
        return f"{self.root(partition)}flow:{tier}"

    def unique(self, partition: str, suffix: str) -> str:
        """String: the unique value of a kind → the live job that holds it; leaves with the job's end."""
        return f"{self.root(partition)}unique:{suffix}"

    def limit(self, partition: str, suffix: str) -> str:
        """Set: a limit, that is a kind or one value of it → the jobs that have a place; a job leaves with its run."""
        return f"{self.root(partition)}limit:{suffix}"

    def limited(self, partition: str, suffix: str) -> str:
        """Sorted set: a limit → the jobs that wait for a place, by when they were queued; trimmed by use."""
        return f"{self.root(partition)}limited:{suffix}"

    def unserved(self, partition: str, line: str = "") -> str:
        """Sorted set: a kind line, `standard/order@2` → its jobs, by when they were queued; a job leaves when taken.

        A line of pinned sagas has `!pinned` at its end.

        Without a line: hash, the lines in which something waits → since when there has been something (ms).
        """
        return f"{self.root(partition)}unserved{':' if line else ''}{line}"

    def rate(self, partition: str, kind: str) -> str:
        """String: when the bucket of a kind with a rate is full again (ms); expires then."""
        return f"{self.root(partition)}rate:{kind}"

    def sheddable(self, partition: str, tier: str) -> str:
        """Sorted set: jobs of a tier that may be shed while they wait, the least important first."""
        return f"{self.root(partition)}sheddable:{tier}"

    def held(self, partition: str, breaker: str) -> str:
        """Sorted set: job that waits for a breaker → when it is due by itself (ms); trimmed as they become due."""
        return f"{self.root(partition)}held:{breaker}"

    def released(self, partition: str) -> str:
        """Hash: breaker → its epoch, and how many jobs were let in since it closed; expires after an hour."""
        return f"{self.root(partition)}released"

    def webhook(self, partition: str, name: str, of: str = "") -> str:
        """What belongs to the deliveries to webhooks (`lua/lib/events/webhooks.lua`).

        `of`: a hash for each job that has some; expires some time after all are over. `due`, `held`: sorted sets for
        each place; trimmed by use. `pending`, `done`, `dead`: sorted sets; trimmed by use, or by length. `places`: a
        sorted set, `rests`, `callers`: hashes; a field leaves when it says nothing any more.
        """
        return f"{self.root(partition)}webhook-{name}{':' if of else ''}{of}"

    def replicated(self, partition: str) -> str:
        """String: written by each script whose answer waits for replicas, so that it writes; expires after an hour."""
        return f"{self.root(partition)}replicated"

    def webhooks(self, partition: str) -> str:
        """Channel: deliveries were made, or an operator replayed some."""
        return f"{self.root(partition)}webhooks"
