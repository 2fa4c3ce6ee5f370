# Linkspan. `make` or `make help` lists what there is.

GO      ?= go
LINT     = $(GO) tool -modfile=tools/go.mod golangci-lint
BIN      = bin/linkspan
FUZZTIME ?= 10s
PACKAGES = ./...
ANCHORS  = $(abspath ../shared/anchors)
# The race detector needs cgo and a C compiler; without them the tests run without it.
RACE     = $(shell test "$$($(GO) env CGO_ENABLED)" = 1 && command -v $$($(GO) env CC) >/dev/null 2>&1 && echo -race)

# The tests with the build tag long, but for those that test-long alone has time for, and PostgreSQL from npm.
RESTART  = $(shell grep -rl --include='*_test.go' '^//go:build long' . | xargs grep -ho '^func Test[A-Za-z]*' | sed 's/func //' \
	| grep -vE 'ProgramKilled|ClusterKilled|Trouble$$|TroubleFailover|NPMForReal' | paste -sd '|' -)

.DEFAULT_GOAL := help
.PHONY: help run build loadgen test test-restart test-long test-clients lint lint-schema reference generate verify graphiql verify-graphiql fuzz bench bench-anchors bench-long bench-messages bench-size cover clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Build and start local clusters with demo data, and serve on them (Ctrl-C ends all)
	@test -x $(BIN) || echo "Building $(BIN): the first time this takes a minute or two ..."
	@$(MAKE) --no-print-directory build
	@exec $(BIN) dev

build: ## Build bin/linkspan
	@$(GO) build -o $(BIN) ./cmd/linkspan

loadgen: ## Build bin/loadgen, which puts a server on this machine under load and measures it
	@$(GO) build -o bin/loadgen ./cmd/loadgen

test: ## Run all Go tests on real Postgres, with the race detector
	@echo "Building and testing: the first time this takes a few minutes ..."
	$(GO) test $(RACE) -timeout 10m $(PACKAGES)

test-restart: ## Run the tests of kills, restarts, replicas, broken starts, and clusters that hang (three minutes)
	$(GO) test $(RACE) -tags long -count=1 -p 1 -timeout 10m -run '^($(RESTART))$$' ./shardrouter ./internal/localpg/... ./internal/server ./internal/proof ./cmd/linkspan

test-long: ## Run the crash, race, model, replica and outage tests at their full length (an hour or more)
	$(GO) test -tags long -count=1 -p 1 -timeout 20m ./internal/localpg/... ./internal/server ./shardrouter
	LINKSPAN_TEST_LONG=1 $(GO) test -tags long -count=1 -p 1 -timeout 90m -run 'Killed|Lives|Races|Trouble|Conversations|Talk|Retention|^($(RESTART))$$' ./internal/proof ./cmd/linkspan

test-clients: build ## Run the JavaScript clients and GraphiQL against the real program (needs Node 20, npm and Chromium)
	cd clients && npm ci --no-audit --no-fund --loglevel=error && npm test

lint: ## Check style and import directions
	$(LINT) run --allow-parallel-runners

lint-schema: tools/schema/node_modules ## Check the schema's style, that it keeps what was released, and docs/schema.md (needs Node 20 and npm)
	cd tools/schema && npm --silent test

reference: tools/schema/node_modules ## Make docs/schema.md anew from schema.graphqls (needs Node 20 and npm)
	cd tools/schema && npm --silent run reference

tools/schema/node_modules: tools/schema/package-lock.json
	cd tools/schema && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

generate: ## Make graph/ anew from schema.graphqls
	$(GO) tool gqlgen generate
	$(GO) run ./internal/gqlobject/rewrite graph/generated.go MessageConnection Actor ChannelSide Message MessageEdge Reaction
	@test ! -e graph/models_gen.go || { echo "graph/models_gen.go appeared: a type of the schema lacks its type in internal/channel"; rm -f graph/models_gen.go; exit 1; }

verify: ## Prove that graph/ is what schema.graphqls makes, go.mod is tidy, and the schema migrates up, down and up again
	@scripts/verify

graphiql: ## Build the GraphiQL page anew into web/graphiql/dist, which is committed (needs Node 20.19 and npm)
	cd web/graphiql && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build

verify-graphiql: ## Prove that web/graphiql/dist is what its source makes (needs Node 20.19 and npm)
	@scripts/verify-graphiql

fuzz: ## Fuzz each target for FUZZTIME (10s)
	@scripts/fuzz $(FUZZTIME)

bench: build ## Measure the main job and a conversation on real clusters, with ratios, the start of dev, a socket's memory, and the edge
	LINKSPAN_BIN=$(CURDIR)/$(BIN) $(GO) test -run '^$$' -bench 'Flow|Talk|Posts|ClosedLoop|Slow|Start|Sockets' -benchtime 1x -timeout 15m ./internal/bench ./cmd/linkspan
	$(GO) test -run '^$$' -bench 'Transport' -benchtime 3s -count 3 ./internal/server
	$(GO) test -run '^$$' -bench 'Hostile' ./internal/gqldoc

bench-anchors: build ## Compare with the servers of ../shared/anchors, if they are there, in turns (ten minutes at most; ONLY=F-5: that id)
	@test -x $(ANCHORS)/up.sh || { echo "bench-anchors: $(ANCHORS) is not there, so there is nothing to compare with"; exit 0; }; \
	ulimit -n 65536 2>/dev/null; \
	LINKSPAN_BIN=$(CURDIR)/$(BIN) LINKSPAN_ANCHORS=$(ANCHORS) LINKSPAN_ONLY=$(ONLY) \
		$(GO) test -run '^$$' -bench Anchors -benchtime 1x -timeout 15m ./internal/bench

bench-messages: build ## Measure posts and reads with a thousand and a million messages in a channel, and with many channels (20 minutes and 15 GB of disk at most)
	LINKSPAN_BIN=$(CURDIR)/$(BIN) $(GO) test -run '^$$' -bench Messages -benchtime 1x -timeout 25m ./internal/bench

bench-long: build loadgen ## Put an installation under mixed load for half an hour: whether memory, connections and tables stay flat (LINKSPAN_BENCH_FOR=5m: shorter)
	LINKSPAN_BIN=$(CURDIR)/$(BIN) LINKSPAN_LOADGEN=$(CURDIR)/bin/loadgen $(GO) test -run '^$$' -bench Long -benchtime 1x -timeout 0 ./internal/bench

bench-size: ## Measure the main job with a thousand and with a million channels, and a check of them (5 GB of disk)
	$(GO) test -run '^$$' -bench Size -benchtime 1x -timeout 60m ./internal/bench

cover: ## Show how much of each package the tests run through
	$(GO) test -coverpkg=./... -coverprofile=coverage.out $(PACKAGES)
	$(GO) tool cover -func=coverage.out | tail -1

clean: ## Remove what was built; the dev data in .linkspan stays
	rm -rf bin coverage.out clients/node_modules clients/generated tools/schema/node_modules web/graphiql/node_modules
