# Throughline. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
MODULES     := schemas streams services
SLOW        := crash console endtoend serve load kafka
PACKAGES    := $(SLOW:%=github.com/throughline/throughline/services/%) $(MODULES:%=github.com/throughline/throughline/%/...) # what takes minutes first: nothing runs alone at the end
DATA        ?= .cache/demo
LISTEN      ?= 127.0.0.1:8080
SOAK_HOURS  ?= 2

.PHONY: help build engine console compiler chromium clients sdk kafka schemathesis demo test unit lint bench soak clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

ENGINE := services/embedded/chdb/node_modules/.package-lock.json

engine: $(ENGINE) ## fetch the embedded ClickHouse engine (npm ci)

$(ENGINE): services/embedded/chdb/package-lock.json
	@command -v npm >/dev/null || { echo "The embedded engine comes as an npm package: install Node.js with npm."; exit 1; }
	cd services/embedded/chdb && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

WEB     := services/console/web
CONSOLE := $(WEB)/dist/index.html

console: $(CONSOLE) ## build the console's pages, which the binary embeds

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	@command -v npm >/dev/null || { echo "The console is built with Node.js: install it with npm."; exit 1; }
	cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(CONSOLE): $(WEB)/node_modules/.package-lock.json schemas/openapi/openapi.yaml $(wildcard $(addprefix $(WEB)/,*.html *.ts *.mjs *.json public/* src/* src/*/*))
	cd $(WEB) && npm run -s build
	@touch $@

build: engine console ## build bin/throughline
	@mkdir -p bin
	cd services && $(GO) build -o ../bin/throughline ./cmd/throughline
	@ln -sf ../$$(ls services/embedded/chdb/node_modules/@chdb/lib-*/libchdb.* | head -n 1) bin/

demo: build ## a simulated company on 127.0.0.1:8080: history, then live traffic; Ctrl-C stops it
	@scripts/demo.sh $(DATA) $(LISTEN)

kafka: ## fetch Apache Kafka for the tests, and Java and Maven where they are missing and may be installed
	@scripts/kafka/install.sh

schemathesis: ## see that Python is there for schemathesis, which throws generated requests at the API
	@scripts/schemathesis/install.sh

test: lint unit ## everything: lint, unit, property, end to end, crash, real Kafka, API conformance

compiler: # the race detector needs one
	@command -v gcc >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null; \
		else echo "The race detector needs a C compiler: install gcc and libc6-dev."; exit 1; fi; }

chromium: ## see that Chromium is there, in which the console is tested
	@for c in $$CHROMIUM chromium chromium-browser google-chrome; do command -v $$c >/dev/null && exit 0; done; \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-noto-color-emoji >/dev/null; \
		else echo "The console is tested in Chromium: install it, or name it in CHROMIUM."; exit 1; fi

CLIENTS := services/clients/npm/node_modules/.package-lock.json

$(CLIENTS): services/clients/npm/package-lock.json
	@command -v npm >/dev/null || { echo "Clients are tested as they come from npm: install Node.js with npm."; exit 1; }
	cd services/clients/npm && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

SDK := services/sdk/js/dist/index.js

services/sdk/js/node_modules/.package-lock.json: services/sdk/js/package-lock.json
	cd services/sdk/js && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(SDK): services/sdk/js/node_modules/.package-lock.json schemas/openapi/openapi.yaml $(wildcard services/sdk/js/src/*.ts services/sdk/js/*.json)
	cd services/sdk/js && npm run -s build
	@touch $@

sdk: $(SDK) ## build the JavaScript client

clients: $(CLIENTS) $(SDK) kafka ## build our JavaScript client, and fetch the clients of others that are tested: npm packages, kcat, curl, openssl
	@for c in kcat curl openssl; do command -v $$c >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$c >/dev/null || exit 1; \
		else echo "$$c is one of the clients that are tested: install it."; exit 1; fi; }; done

unit: engine console compiler kafka schemathesis chromium clients
	THROUGHLINE_REQUIRE_ENGINE=1 THROUGHLINE_REQUIRE_KAFKA=1 THROUGHLINE_REQUIRE_SCHEMATHESIS=1 THROUGHLINE_REQUIRE_CHROMIUM=1 THROUGHLINE_REQUIRE_CLIENTS=1 \
		$(GO) test -race -p 2 -timeout 30m $(PACKAGES)

lint: ## format, vet, staticcheck; each module builds alone and is tidy
	@for m in $(MODULES); do ( cd $$m && echo "lint $$m" && { test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }; } \
		&& $(GO) vet ./... && $(GO) run $(STATICCHECK) ./... \
		&& GOWORK=off $(GO) build ./... && GOWORK=off $(GO) mod tidy -diff ) || exit 1; done

bench: build chromium ## the table of measures, each beside a floor measured in the same run
	@scripts/bench.sh

soak: build kafka ## the crash, property and fuzz tests for SOAK_HOURS (2); seeds are printed
	@SOAK_HOURS=$(SOAK_HOURS) scripts/soak.sh

clean: ## remove what was built and the demo's data
	rm -rf bin .cache
