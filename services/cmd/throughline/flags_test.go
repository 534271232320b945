package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/throughline/throughline/services/audit"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/workspaces"
)

// A start with bad data fails, and says in which file, line and field.
func TestBadDataNamesFileLineAndField(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	bad := write("identity.yaml", "regions: [DE]\nmax_identifiers: 10\nmax_thread: 10\ntypes:\n  - name: email\n    normalise: soundex\n")
	kinds := write("registry.yaml", "kinds:\n  - {name: message, effect: magic}\n")
	_, _, err := ruleFlags{Rules: bad, Registry: kinds}.load()
	if err == nil {
		t.Fatal("bad data is taken")
	}
	for _, want := range []string{bad + ": ", "line 6: types[0].normalise", kinds + ": ", "kinds[0].effect"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestDataThatIsBuiltIn(t *testing.T) {
	rules, registered, err := ruleFlags{}.load()
	if err != nil || len(rules.Types) == 0 || len(registered.Channels) == 0 {
		t.Fatalf("%v, %v, %v", rules, registered, err)
	}
}

// Whoever audits or rebuilds beside the server gets in as the roles do.
func TestEnginesAreReachedWithCredentials(t *testing.T) {
	for name, value := range map[string]string{
		"THROUGHLINE_KAFKA_USER": "eva", "THROUGHLINE_KAFKA_PASSWORD": "a", "THROUGHLINE_CLICKHOUSE_USER": "bob", "THROUGHLINE_CLICKHOUSE_PASSWORD": "b",
	} {
		t.Setenv(name, value)
	}
	for _, command := range [][]string{{"audit"}, {"rebuild", "store"}} {
		var c cli
		parser, err := kong.New(&c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append(command, "--kafka", "k:9093", "--kafka-tls", "--kafka-sasl", "scram-sha-512", "--clickhouse", "https://c:8443")); err != nil {
			t.Fatal(err)
		}
		flags := c.Audit.engineFlags
		if command[0] == "rebuild" {
			flags = c.Rebuild.engineFlags
		}
		brokers, store := flags.brokers(slog.Default()), flags.store()
		if !flags.given() || brokers.TLS == nil || brokers.SASL.Mechanism != "SCRAM-SHA-512" || brokers.SASL.User != "eva" || store.User != "bob" || store.Password != "b" {
			t.Errorf("%s: %+v, %+v", command, brokers, store)
		}
	}
}

// A bound of what comes in is said on the command line, for up and for the roles that have doors.
func TestRateIsAFlag(t *testing.T) {
	var none, some cli
	for c, arguments := range map[*cli][]string{&none: {"up", "--data", "d"}, &some: {"collect", "--kafka", "k:9092", "--max-rate", "2.5"}} {
		parser, err := kong.New(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(arguments); err != nil {
			t.Fatal(err)
		}
	}
	if r := none.Up.rate(); r.PerSecond != 0 || r.Validate() != nil {
		t.Errorf("%+v", r)
	}
	if r := some.Collect.rate(); r.PerSecond != 2.5 || r.Burst != 25 {
		t.Errorf("%+v", r)
	}
}

// There is nothing to audit in a folder that holds nothing, and an audit makes none.
func TestAuditOfNoData(t *testing.T) {
	empty := t.TempDir()
	for _, folder := range []string{filepath.Join(empty, "absent"), empty} {
		_, err := auditFolder(t.Context(), folder, ruleFlags{}, audit.DefaultConfig(), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "no data of Throughline") {
			t.Errorf("%s: %v", folder, err)
		}
	}
	if made, err := os.ReadDir(empty); err != nil || len(made) > 0 {
		t.Errorf("%v %v", made, err)
	}
}

func TestShortKeysAreForThisMachine(t *testing.T) {
	for listen, want := range map[string]bool{"127.0.0.1:8080": true, "localhost:80": true, "[::1]:80": true, ":8080": false, "0.0.0.0:8080": false, "10.0.0.1:80": false} {
		if loopback(listen) != want {
			t.Errorf("%s", listen)
		}
	}
	if !shortKey("demo-key") || shortKey("") || shortKey("0123456789abcdef") {
		t.Error("which keys are short")
	}
}

// Who typed a command hears that nobody answers; a role would go on waiting.
func TestKeysOfBrokersThatAreAway(t *testing.T) {
	err := withDirectory(t.Context(), kafka.Config{Brokers: []string{"127.0.0.1:1"}}, func(*workspaces.Directory) error { return errors.New("asked") })
	if err == nil || !strings.Contains(err.Error(), "no broker answers at 127.0.0.1:1") {
		t.Error(err)
	}
}
