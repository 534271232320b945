# Throughline. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
MODULES     := schemas streams services
DATA        ?= .cache/demo
LISTEN      ?= 127.0.0.1:8080
SOAK_HOURS  ?= 2

.PHONY: help build engine demo test unit integration lint bench soak clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

engine: services/embedded/chdb/node_modules/.package-lock.json ## fetch the embedded ClickHouse engine (npm ci)

services/embedded/chdb/node_modules/.package-lock.json: services/embedded/chdb/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js with npm is needed to fetch the embedded engine: install nodejs and npm."; exit 1; }
	cd services/embedded/chdb && npm ci --no-audit --no-fund --loglevel=error

build: engine ## build bin/throughline
	@mkdir -p bin
	cd services && $(GO) build -o ../bin/throughline ./cmd/throughline
	@ln -sf ../$$(ls services/embedded/chdb/node_modules/@chdb/lib-*/libchdb.* | head -n 1) bin/

demo: build ## a simulated company on 127.0.0.1:8080: history, then live traffic; Ctrl-C stops it
	@scripts/demo.sh $(DATA) $(LISTEN)

test: lint unit integration ## everything: lint, unit, property, crash, real Kafka, API conformance

unit: engine
	@cd services && $(GO) test -race -timeout 20m $(addprefix github.com/throughline/throughline/,$(addsuffix /...,$(MODULES)))

integration: build
	@scripts/integration.sh

lint: ## vet, staticcheck, each module builds alone and is tidy
	@for m in $(MODULES); do ( cd $$m && echo "lint $$m" && test -z "$$(gofmt -l .)" && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./... \
		&& GOWORK=off $(GO) build ./... && GOWORK=off $(GO) mod tidy -diff ) || exit 1; done

bench: build ## the table of measures, each beside a floor measured in the same run
	@scripts/bench.sh

soak: build ## the crash and property tests for SOAK_HOURS (2); seeds are printed
	@SOAK_HOURS=$(SOAK_HOURS) scripts/soak.sh

clean: ## remove what was built and the demo's data
	rm -rf bin .cache
