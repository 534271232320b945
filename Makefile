# Throughline. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
MODULES     := schemas streams services
DATA        ?= .cache/demo
LISTEN      ?= 127.0.0.1:8080

export THROUGHLINE_CHDB ?= $(firstword $(wildcard $(CURDIR)/services/embedded/chdb/node_modules/@chdb/lib-*/libchdb.so $(CURDIR)/services/embedded/chdb/node_modules/@chdb/lib-*/libchdb.dylib))

.PHONY: help build engine demo test unit lint bench soak clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'
