package serve

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/throughline/throughline/services/api"
)

// TestSchemathesis throws generated requests at a running server with something in it: no answer is a 5xx, and every
// answer is as the document says. THROUGHLINE_SCHEMATHESIS_EXAMPLES says how many per operation, and
// THROUGHLINE_SCHEMATHESIS_SEED which.
func TestSchemathesis(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	f, _ := withRehearsals(t)
	f.store(
		event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1", "email:anna@example.com"), text: "Grüße", properties: `{"a": [1, null]}`, conversation: "1"},
		event{id: "2", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C1"), direction: "outbound", actor: "agent", agent: "bob", conversation: "1"},
	)
	f.talks(talk{id: "1", person: anchorOf("customer_id:C1"), first: "2026-11-01T09:00:00Z", last: "2026-11-02T09:00:00Z", channels: []string{"email"}})
	f.refuse("http/1", nil)
	c := api.DefaultConfig()
	server, err := api.NewServer(c, f.handler)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	bounded, stop := context.WithTimeout(ctx, 30*time.Minute)
	defer stop()
	script, err := filepath.Abs("../../scripts/schemathesis/run")
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(bounded, script, "http://"+server.Addr(), "ours-key",
		"--max-examples", or(os.Getenv("THROUGHLINE_SCHEMATHESIS_EXAMPLES"), "5"),
		"--seed", or(os.Getenv("THROUGHLINE_SCHEMATHESIS_SEED"), "1"), "--no-color")
	run.Dir = t.TempDir() // it writes down what failed
	out, err := run.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 75 {
		t.Skipf("%s", out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
