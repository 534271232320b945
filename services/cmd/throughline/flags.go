package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// kafkaFlags name the brokers.
type kafkaFlags struct {
	Kafka []string `required:"" placeholder:"HOST:PORT,..." help:"Kafka brokers." env:"THROUGHLINE_KAFKA"`
	kafkaAccess
}

func (f kafkaFlags) config(log *slog.Logger) kafka.Config { return f.kafkaAccess.config(f.Kafka, log) }

// kafkaAccess is how to be let in by brokers.
type kafkaAccess struct {
	KafkaTLS  bool   `help:"Use TLS towards Kafka." env:"THROUGHLINE_KAFKA_TLS"`
	KafkaSASL string `help:"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; user and password come from THROUGHLINE_KAFKA_USER and THROUGHLINE_KAFKA_PASSWORD." env:"THROUGHLINE_KAFKA_SASL"`
}

func (f kafkaAccess) config(brokers []string, log *slog.Logger) kafka.Config {
	c := kafka.Config{Brokers: brokers, ClientID: "throughline", Logger: log}
	if f.KafkaTLS {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if f.KafkaSASL != "" {
		c.SASL = kafka.SASL{
			Mechanism: strings.ToUpper(f.KafkaSASL),
			User:      os.Getenv("THROUGHLINE_KAFKA_USER"),
			Password:  os.Getenv("THROUGHLINE_KAFKA_PASSWORD"),
		}
	}
	return c
}

// storeFlags name the ClickHouse server.
type storeFlags struct {
	ClickHouse string `name:"clickhouse" required:"" placeholder:"DSN" help:"ClickHouse over HTTP: http://host:8123 or https://host:8443; /DATABASE may follow. User and password may come from THROUGHLINE_CLICKHOUSE_USER and THROUGHLINE_CLICKHOUSE_PASSWORD." env:"THROUGHLINE_CLICKHOUSE"`
	clusterFlag
}

func (f storeFlags) config() clickhouse.Config { return storeAt(f.ClickHouse) }

// storeAt is the server at the DSN with the credentials of the environment.
func storeAt(dsn string) clickhouse.Config {
	c := clickhouse.DefaultConfig(dsn)
	c.User = os.Getenv("THROUGHLINE_CLICKHOUSE_USER")
	c.Password = os.Getenv("THROUGHLINE_CLICKHOUSE_PASSWORD")
	return c
}

type clusterFlag struct {
	Cluster string `help:"Name of the ClickHouse cluster, if the tables are on one." env:"THROUGHLINE_CLICKHOUSE_CLUSTER"`
}

func (f clusterFlag) layout() clickhouse.Layout { return clickhouse.Layout{Cluster: f.Cluster} }

// engineFlags name the engines of an installation, for those who may also ask it over HTTP.
type engineFlags struct {
	Kafka      []string `help:"These brokers, with --clickhouse; the roles must be running." xor:"where" placeholder:"HOST:PORT,..."`
	ClickHouse string   `name:"clickhouse" placeholder:"DSN" help:"The store, with --kafka; user and password may come from THROUGHLINE_CLICKHOUSE_USER and THROUGHLINE_CLICKHOUSE_PASSWORD."`
	kafkaAccess
}

func (f engineFlags) given() bool { return len(f.Kafka) > 0 && f.ClickHouse != "" }

func (f engineFlags) brokers(log *slog.Logger) kafka.Config { return f.config(f.Kafka, log) }

func (f engineFlags) store() clickhouse.Config { return storeAt(f.ClickHouse) }

// doorFlags bound what may come in.
type doorFlags struct {
	MaxRate float64 `name:"max-rate" default:"0" placeholder:"N" help:"Touchpoints a second that each workspace may send by HTTP to this process; ten seconds' worth may come at once after a rest. What is more is answered 429 with Retry-After. 0: no bound." env:"THROUGHLINE_MAX_RATE"`
}

func (f doorFlags) rate() collect.RateConfig {
	return collect.RateConfig{PerSecond: f.MaxRate, Burst: int(math.Ceil(10 * f.MaxRate))}
}

// ruleFlags name the data that the decisions are made by.
type ruleFlags struct {
	Rules    string `type:"existingfile" help:"identity.yaml, for workspaces that have no rules of their own; the built-in rules when absent." env:"THROUGHLINE_RULES"`
	Registry string `type:"existingfile" help:"registry.yaml of channels, kinds and thread schemes; the built-in one when absent." env:"THROUGHLINE_REGISTRY"`
}

func (f ruleFlags) load() (*identity.Rules, *registry.Registry, error) {
	rules, badRules := loadData(f.Rules, identity.DefaultRules, identity.ParseRules)
	registered, badRegistry := loadData(f.Registry, registry.Default, registry.Parse)
	if err := errors.Join(badRules, badRegistry); err != nil {
		return nil, nil, err
	}
	return rules.WithRegistry(registered), registered, nil
}

// loadData reads a file of data, or what is built in where no file is named. The error names the file.
func loadData[T any](file string, builtIn func() T, parse func([]byte) (T, error)) (data T, err error) {
	if file == "" {
		return builtIn(), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return data, err
	}
	if data, err = parse(text); err != nil {
		return data, fmt.Errorf("%s: %w", file, err)
	}
	return data, nil
}

// serverFlags say which running Throughline to talk to.
type serverFlags struct {
	URL string `name:"url" default:"http://127.0.0.1:8080" help:"Address of a running Throughline." env:"THROUGHLINE_URL"`
	Key string `required:"" help:"API key." env:"THROUGHLINE_KEY"`
}
