"""Ways to break Tidings: one guarantee each, and the tests that must notice.

A mutant is a replacement of text that occurs once in its file; `test_mutants.py` keeps the list from rotting.
docs/explanation/reliability.md lists them; a test compares.
"""

from dataclasses import dataclass

LUA = "core/tidings/broker/lua/"
BROKER = "core/tidings/broker/"
SERVER = "server/tidings_server/"
WORKER = "worker/tidings_worker/"
OWNER = "tests/auth/test_owner.py"
MODEL = "tests/model/test_broker_model.py"
CLIENT = "core/tidings/client/"
HUB = "tests/server/test_hub.py"
LEDGER = "tests/client/test_ledger.py"
PUSH = "tests/push/"
CALLER = "tests/broker/test_caller.py"
REPORT = "tests/broker/test_report.py"
SCRIPTS = "tests/saga/test_scripts.py"
MACHINE = "tests/breaker/test_machine.py"


@dataclass(frozen=True)
class Mutant:
    """One way to break one promise."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    """What must fail: files, or single tests."""


MUTANTS = (
    Mutant(
        "A job is acknowledged when its work begins.",
        LUA + "start.lua",
        "    begun[tier] = (begun[tier] or 0) + 1\n",
        "    begun[tier] = (begun[tier] or 0) + 1\n    acknowledge(tier, entry)\n",
        ("tests/e2e/test_processes.py::test_a_job_whose_worker_is_killed_runs_again_elsewhere",),
    ),
    Mutant(
        "A worker that was taken for dead may still report.",
        LUA + "report.lua",
        "elseif not state or tonumber(held) ~= fence or state ~= 'running' then",
        "elseif not state or state ~= 'running' then",
        (REPORT, "tests/dead/test_replay.py"),
    ),
    Mutant(
        "A worker that was taken for dead may still renew its lease.",
        LUA + "beat.lua",
        "if state == 'running' and tonumber(current) == fence then",
        "if state == 'running' then",
        (REPORT, MODEL),
    ),
    Mutant(
        "A worker that was taken for dead may still record a step.",
        LUA + "once.lua",
        "if state ~= 'running' or tonumber(held) ~= fence then",
        "if state ~= 'running' then",
        ("tests/broker/test_once.py",),
    ),
    Mutant(
        "The last record of a step stands, not the first.",
        LUA + "once.lua",
        "redis.call('HSETNX',",
        "redis.call('HSET',",
        ("tests/broker/test_once.py",),
    ),
    Mutant(
        "A report that was sent twice counts twice.",
        LUA + "report.lua",
        "if held and tonumber(held) == fence and tonumber(reported) >= number then",
        "if false then",
        (REPORT,),
    ),
    Mutant(
        "A report whose reply was lost is not sent again.",
        WORKER + "voice.py",
        "            self._put(report)  # the broker knows",
        '            self._conclude("lost")  # the broker knows',
        ("tests/worker/test_voice.py",),
    ),
    Mutant(
        "The outcome is written, and its event is not published with it.",
        LUA + "report.lua",
        "    tell(watchers, partition, id, seq, FINAL, tail)\n",
        "",
        (HUB,),
    ),
    Mutant(
        "A job that has ended may begin again.",
        LUA + "_prelude.lua",
        "  succeeded = ' ', failed = ' ', cancelled = ' ', expired = ' ',",
        "  succeeded = ' running ', failed = ' ', cancelled = ' ', expired = ' ',",
        ("tests/broker/test_prelude.py",),
    ),
    Mutant(
        "A retry goes on although somebody asked that the job stop.",
        LUA + "report.lua",
        "if outcome and cancel and not terminal(outcome[1]) then",
        "if false then",
        (REPORT,),
    ),
    Mutant(
        "A job that is cancelled while it waits leaves its entry in the stream.",
        LUA + "cancel.lua",
        "    acknowledge(tier, entry)\n",
        "    tier = tier\n",
        (MODEL,),
    ),
    Mutant(
        "A job that is due is queued and stays in the schedule.",
        LUA + "promote.lua",
        "  redis.call('ZREM', scheduled_key, id)\n",
        "",
        (MODEL,),
    ),
    Mutant(
        "A job that ends keeps its unique value.",
        LUA + "_prelude.lua",
        "then redis.call('DEL', unique_key(unique)) end",
        "then unique = nil end",
        (MODEL,),
    ),
    Mutant(
        "A job that ends still counts against its caller.",
        LUA + "_prelude.lua",
        "  tally(caller, -1)\n",
        "",
        (MODEL,),
    ),
    Mutant(
        "One idempotency key may stand for two payloads.",
        LUA + "submit.lua",
        "if string.sub(known, split + 1) ~= fingerprint then",
        "if false then",
        (MODEL,),
    ),
    Mutant(
        "A replay leaves the letter where it is.",
        LUA + "dead_replay.lua",
        "    redis.call('XDEL', dead_key, entry)\n",
        "",
        ("tests/dead/test_replay.py",),
    ),
    Mutant(
        "After a failover that lost writes, sockets wait for numbers they have not seen.",
        "server/tidings_server/hub.py",
        "rewound = int(record.seq) < after",
        "rewound = False",
        (HUB,),
    ),
    Mutant(
        "A hole in the numbers of a job's events is passed over.",
        "server/tidings_server/hub.py",
        "if seq > topic.seq + 1 or not text:",
        "if not text:",
        (HUB,),
    ),
    Mutant(
        "What follows the frames that were dropped for a slow reader is sent all the same.",
        "server/tidings_server/session.py",
        "if self.close_code is None:\n            self.outbox.put_event(",
        "if True:\n            self.outbox.put_event(",
        ("tests/session/test_session.py", "tests/hostile/test_socket.py"),
    ),
    Mutant(
        "Of what waits for a slow reader, an event is dropped that is not progress.",
        "server/tidings_server/outbox.py",
        "if event_class == EventClass.PROGRESS:",
        "if event_class <= EventClass.LOG:",
        ("tests/session/test_outbox.py",),
    ),
    Mutant(
        "An inbox that was deaf does not ask what it missed.",
        "server/tidings_server/hub.py",
        "            topic.stale = topic.seq is None\n            self._repair(topic)\n",
        "            topic.stale = topic.seq is None\n",
        (HUB,),
    ),
    Mutant(
        "A gateway that hears nothing believes that it hears.",
        "core/tidings/broker/probe.py",
        "return self._unechoed >= MISSES",
        "return self._unechoed < 0",
        (f"{PUSH}test_inbox.py", "tests/broker/test_probe.py"),
    ),
    Mutant(
        "A subscription on which nothing comes is kept.",
        "core/tidings/broker/probe.py",
        "return self._silent >= MISSES",
        "return self._silent < 0",
        ("tests/broker/test_probe.py", "tests/broker/test_subscription.py"),
    ),
    Mutant(
        "A store that takes no probes has its connections opened anew.",
        "core/tidings/broker/probe.py",
        "        elif taken:\n",
        "        else:\n",
        ("tests/broker/test_probe.py", "tests/broker/test_subscription.py"),
    ),
    Mutant(
        "A subscription that was opened anew asks nobody to look at what it missed.",
        "core/tidings/broker/subscription.py",
        "            line.stood = True\n            self._on_open()\n",
        "            line.stood = True\n",
        (f"{PUSH}test_inbox.py", "tests/broker/test_subscription.py"),
    ),
    Mutant(
        "An event too large to publish is published without its frame, and nobody fetches it.",
        "server/tidings_server/hub.py",
        "seq > topic.seq + 1 or not text:",
        "seq > topic.seq + 1:",
        (HUB, f"{PUSH}test_completeness.py"),
    ),
    Mutant(
        "One script may publish to a gateway as much as it likes.",
        LUA + "_prelude.lua",
        "local fits = box.sent + #frame <= SCRIPT_CAP",
        "local fits = true",
        (HUB,),
    ),
    Mutant(
        "A socket that resumes is told the log from the beginning.",
        "server/tidings_server/hub.py",
        "answer = self._store.watch(listener.token, after)",
        "answer = self._store.watch(listener.token, 0)",
        (f"{PUSH}test_completeness.py",),
    ),
    Mutant(
        "An event that was told is told again.",
        "server/tidings_server/hub.py",
        "        elif seq > self.seq:\n",
        "        else:\n",
        (HUB,),
    ),
    Mutant(
        "A job is taken over from a worker that lives.",
        WORKER + "queue.py",
        "idle_ms = int(self._settings.lease_s * 1000)",
        "idle_ms = 0",
        ("tests/e2e/test_processes.py::test_a_job_that_takes_longer_than_a_lease_stays_with_its_worker",),
    ),
    Mutant(
        "A late answer of the store goes to whoever asked next.",
        BROKER + "pipe.py",
        '            self.end(StoreUnavailableError(f"the store did not answer within {self._timeout_s:g} s"))',
        '            self._fail(self._sent.popleft(), StoreUnavailableError("late"))',
        (CALLER,),
    ),
    Mutant(
        "A cancelled call leaves its place in the order of answers.",
        BROKER + "pipe.py",
        "                call = sent.popleft()\n",
        "                call = next(one for one in sent if one.future is None or not one.future.done())\n"
        "                sent.remove(call)\n",
        (CALLER,),
    ),
    Mutant(
        "The store gives entries to a worker that has ceased to wait for them.",
        BROKER + "caller.py",
        "            if future.cancelled():\n",
        "            if False:\n",
        (CALLER,),
    ),
    Mutant(
        "After a silence of the store, jobs are taken over at once.",
        WORKER + "queue.py",
        "return silence.lasts(now) or now - silence.ended < self._settings.lease_s",
        "return bool(0)",
        ("tests/store/test_lost.py::test_a_worker_that_is_slow_to_notice_that_the_store_is_back_keeps_its_jobs",),
    ),
    Mutant(
        "A lost worker counts as a failure of the handler.",
        WORKER + "verdict.py",
        "failures = attempt - lost",
        "failures = attempt",
        ("tests/worker/test_pure.py",),
    ),
    Mutant(
        "A job that kills its workers is tried for ever.",
        WORKER + "attempt.py",
        "if self._started.lost >= self._job.policy.max_deliveries:",
        "if self._started.lost < 0:",
        ("tests/worker/test_attempt.py",),
    ),
    Mutant(
        "A client shows an event twice.",
        CLIENT + "ledger.py",
        "if not track.behind and frame.seq > track.seq]",
        "if not track.behind]",
        (LEDGER,),
    ),
    Mutant(
        "A client takes what one follower missed for what all did.",
        CLIENT + "ledger.py",
        "after = min(track.seq for track in tracks)",
        "after = max(track.seq for track in tracks)",
        (LEDGER,),
    ),
    Mutant(
        "A client does not tell the state that it missed.",
        CLIENT + "event.py",
        "if snapshot.status != status and name is not None",
        "if name is None",
        (LEDGER,),
    ),
    Mutant(
        "A client makes a new key when it submits again.",
        CLIENT + "ledger.py",
        "self._ask(track, track.submit)",
        'self._ask(track, {**track.submit, "key": str(self.next_ref())})',
        (LEDGER,),
    ),
    Mutant(
        "A stranger sees another's job.",
        SERVER + "answer.py",
        "if not record.state or not identity.may_see(record.owner):",
        "if not record.state:",
        (OWNER,),
    ),
    Mutant(
        "A stranger cancels another's job.",
        SERVER + "answer.py",
        'return "" if identity.admin else identity.owner',
        'return ""',
        (OWNER,),
    ),
    Mutant(
        "An idempotency key is everybody's.",
        SERVER + "gateway.py",
        "Keys.dedup_suffix(identity.owner,",
        'Keys.dedup_suffix("",',
        (OWNER,),
    ),
    Mutant(
        "A unique value is everybody's.",
        SERVER + "gateway.py",
        "Keys.unique_suffix(identity.owner,",
        'Keys.unique_suffix("",',
        (OWNER,),
    ),
    Mutant(
        "A token says by which algorithm it is signed.",
        SERVER + "auth/jwt.py",
        "algorithms=[key.algorithm],",
        'algorithms=["HS256", "RS256", "ES256", "EdDSA", "RS512", "none"],',
        ("tests/auth/test_jwt.py",),
    ),
    Mutant(
        "A token for another audience is taken.",
        SERVER + "auth/jwt.py",
        "audience=self._audience,",
        "audience=None,",
        ("tests/auth/test_jwt.py",),
    ),
    Mutant(
        "Every invented key id costs the issuer a fetch.",
        SERVER + "auth/jwks.py",
        "or self._now() - self._asked_at >= self._min_pause_s",
        "or True",
        ("tests/auth/test_jwks.py",),
    ),
    Mutant(
        "A credential is renewed by somebody else's.",
        SERVER + "auth/standing.py",
        "if self._identity is not None and identity.owner != self._identity.owner:",
        "if False:",
        ("tests/auth/test_standing.py",),
    ),
    Mutant(
        "An open breaker lets everybody try.",
        LUA + "breaker.lua",
        "    if wait_ms(breaker) ~= 0 then return 'refused' end\n",
        "",
        (MACHINE,),
    ),
    Mutant(
        "A call that began before the breaker opened counts after it has closed.",
        LUA + "breaker.lua",
        "if breaker.state ~= 'closed' or epoch ~= breaker.epoch then return 'stale' end",
        "if breaker.state ~= 'closed' then return 'stale' end",
        (MACHINE,),
    ),
    Mutant(
        "A trial whose lease has run out still decides.",
        LUA + "breaker.lua",
        "return breaker.state == 'half_open' and breaker.trial == trial\n",
        "return breaker.state == 'half_open'\n",
        (MACHINE,),
    ),
    Mutant(
        "Nobody is told that a breaker has opened.",
        LUA + "breaker.lua",
        "  if breaker.epoch ~= breaker.told then\n",
        "  if false then\n",
        ("tests/breaker/test_shared.py::test_what_one_finds_out_spares_the_other_at_once",),
    ),
    Mutant(
        "One that was not told of a breaker never asks.",
        WORKER + "breaker.py",
        "            answers = [self._store.look(name) for name in self._used]\n",
        "            answers: list[asyncio.Future[Stepped]] = []\n",
        ("tests/breaker/test_shared.py::test_one_that_hears_nothing_asks",),
    ),
    Mutant(
        "A trial that lasts loses its lease.",
        WORKER + "breaker.py",
        "            for trial, breaker in list(self._trials.items()):\n",
        "            for trial, breaker in ():\n",
        ("tests/breaker/test_shared.py",),
    ),
    Mutant(
        "A job that waits for a breaker uses an attempt.",
        WORKER + "verdict.py",
        "delay_ms=math.ceil(after * 1000), uncounted=1, held=breaker)",
        "delay_ms=math.ceil(after * 1000), held=breaker)",
        ("tests/breaker/test_release.py",),
    ),
    Mutant(
        "A job that waits for something else is brought forward when a breaker closes.",
        LUA + "release.lua",
        "  if due[i] and tonumber(due[i]) == tonumber(places[id]) then\n",
        "  if due[i] then\n",
        ("tests/breaker/test_release.py",),
    ),
    Mutant(
        "Scopes are not asked for on a socket.",
        SERVER + "session.py",
        "            identity.require(NEEDS[type(frame)])\n",
        "",
        ("tests/auth/test_socket.py",),
    ),
    Mutant(
        "A page of elsewhere may send requests.",
        SERVER + "guard.py",
        "if not origin_allowed(request.headers, self._gateway.settings.allowed_origins):",
        "if False:",
        ("tests/auth/test_http.py",),
    ),
    Mutant(
        "A server that asks nobody answers under any name.",
        SERVER + "run.py",
        "app if open_to_all else LoopbackOnly(app),",
        "app if settings else LoopbackOnly(app),",
        ("tests/auth/test_host.py",),
    ),
    Mutant(
        "A ticket works more than once.",
        "core/tidings/broker/ticket.py",
        '"GETDEL"',
        '"GET"',
        ("tests/auth/test_ticket.py",),
    ),
    Mutant(
        "A saga sleeps although something woke it while it was leaving.",
        LUA + "report.lua",
        "if tonumber(woken or 0) ~= outcome[8] then",
        "if false then",
        (SCRIPTS,),
    ),
    Mutant(
        "The end of a saga's child counts as often as it is told.",
        LUA + "wake.lua",
        "elseif head.status ~= (undoing and 'compensating' or 'running') then",
        "elseif false then",
        (SCRIPTS,),
    ),
    Mutant(
        "A worker that was taken for dead may still take steps of a saga.",
        LUA + "step.lua",
        "if state ~= 'running' or tonumber(held) ~= fence then",
        "if state ~= 'running' then",
        (SCRIPTS,),
    ),
    Mutant(
        "A saga ends badly without undoing what it did.",
        LUA + "_prelude.lua",
        "if unwinding or tonumber(owed or 0) <= 0 then return false end",
        "if true then return false end",
        (SCRIPTS,),
    ),
    Mutant(
        "A step of a saga that is sent twice counts twice.",
        LUA + "step.lua",
        "if not old or string.sub(old, 1, #head) ~= head then",
        "if true then",
        (SCRIPTS,),
    ),
    Mutant(
        "A child of a saga is made as often as it is asked for.",
        LUA + "submit.lua",
        "or parent ~= '' and present(id) or nil",
        "or nil",
        (SCRIPTS,),
    ),
    Mutant(
        "A child of a saga ends, and its parent is not told.",
        LUA + "_prelude.lua",
        "  if parent then\n    redis.call('XADD', outbox_key",
        "  if false then\n    redis.call('XADD', outbox_key",
        (SCRIPTS,),
    ),
    Mutant(
        "A saga undoes its steps in the order in which it did them.",
        "core/tidings/saga/journal.py",
        "return sorted(owed, key=_lateness, reverse=True)",
        "return sorted(owed, key=_lateness)",
        ("tests/saga/test_pure.py",),
    ),
    Mutant(
        "A saga goes on undoing behind a step that could not be undone.",
        WORKER + "unwind.py",
        "                return self._incomplete(row, refused, error)",
        "                continue",
        ("tests/saga/test_unwinding.py::test_what_cannot_be_undone_is_left_to_an_operator",),
    ),
    Mutant(
        "A saga takes the result of another step than the one its code asks for.",
        "core/tidings/saga/journal.py",
        "if row is not None and (row.head.name, row.head.type) != (name, type_):",
        "if False:",
        ("tests/saga/test_pure.py",),
    ),
    Mutant(
        "One caller's jobs all stand in line before another's.",
        LUA + "submit.lua",
        "return caller ~= '' and live > direct and",
        "return false and",
        ("tests/tiers/test_lanes.py",),
    ),
    Mutant(
        "A lane has one turn, however much waits in it.",
        LUA + "start.lua",
        "    give_turn(tier, lane)\n",
        "",
        ("tests/tiers/test_lanes.py",),
    ),
    Mutant(
        "More jobs run than their limit allows.",
        LUA + "start.lua",
        "(redis.call('SCARD', key) >= most or redis.call('ZCARD', limited_key(limit)) > 0)",
        "(1 > 2)",
        ("tests/tiers/test_limits.py",),
    ),
    Mutant(
        "A job that ends keeps its place of a limit.",
        LUA + "_prelude.lua",
        "  if limit then release(limit, id) end\n",
        "",
        ("tests/tiers/test_limits.py",),
    ),
    Mutant(
        "A job that had to wait for its turn by a rate waits for another.",
        LUA + "start.lua",
        "not (unwinding or doomed or paced)",
        "not (doomed or unwinding)",
        ("tests/tiers/test_limits.py",),
    ),
    Mutant(
        "The last free slot of a tier is lent.",
        WORKER + "slots.py",
        "spare = max(0, self._free(owner) - 1)",
        "spare = max(0, self._free(owner))",
        ("tests/tiers/test_slots.py",),
    ),
    Mutant(
        "What matters most is shed first.",
        LUA + "submit.lua",
        "return priority * PRIORITY + now end",
        "return -priority * PRIORITY + now end",
        ("tests/tiers/test_degradation.py",),
    ),
    Mutant(
        "What one call of a script has left is there in the next.",
        "core/tidings/broker/library.py",
        """each.append(f"{variables[1]} = {variables[2] or 'nil'}")""",
        """each.append(f"{variables[1]} = {variables[1].split(',')[0]} or {variables[2] or 'nil'}")""",
        ("tests/broker/test_library.py",),
    ),
)
