// Package clients tests the real binary with the clients that companies have, unmodified: as they come from npm, Maven, Debian and
// the Go module proxy.
package clients

import (
	"os"
	"os/exec"
	"testing"

	"github.com/throughline/throughline/services/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m)) }

const key = "key-of-the-clients-tests"

// up is a running `throughline up`.
type up struct {
	url, kafka string
}

// start starts everything on an empty folder and waits until it is ready.
func start(t *testing.T) up {
	t.Helper()
	listen, kafka := program.FreeAddress(t), program.FreeAddress(t)
	u := up{url: "http://" + listen, kafka: kafka}
	p := program.Start(t, "up", "up", "--data", t.TempDir(), "--listen", listen, "--key", key, "--kafka-listen", kafka)
	p.Ready(t, u.url+"/readyz")
	return u
}

// missing skips, or fails where the environment says that it must be there.
func missing(t *testing.T, variable, what string) {
	t.Helper()
	if os.Getenv(variable) != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

const (
	requirePackages = "THROUGHLINE_REQUIRE_CLIENTS"
	requireChromium = "THROUGHLINE_REQUIRE_CHROMIUM"
	requireKafka    = "THROUGHLINE_REQUIRE_KAFKA"
)

// node runs a test of npm against the server.
func (u up) node(t *testing.T, file string, env ...string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, requirePackages, "no Node.js")
	}
	if _, err := os.Stat("npm/node_modules"); err != nil {
		missing(t, requirePackages, "the clients' packages are not installed: make clients")
	}
	c := exec.CommandContext(t.Context(), "node", "--test", "--test-force-exit", "--test-timeout=120000", "--test-reporter=spec", file)
	c.Dir = "npm"
	c.Env = append(append(os.Environ(), "THROUGHLINE_URL="+u.url, "THROUGHLINE_KEY="+key, "THROUGHLINE_KAFKA="+u.kafka, "NO_COLOR=1"), env...)
	c.Stdout, c.Stderr = t.Output(), t.Output()
	if err := c.Run(); err != nil {
		t.Errorf("%s: %v", file, err)
	}
}

func TestSegmentNode(t *testing.T) {
	t.Parallel()
	start(t).node(t, "segment-node.test.mjs")
}

func TestSegmentBrowser(t *testing.T) {
	t.Parallel()
	browser := program.Chromium()
	if browser == "" {
		missing(t, requireChromium, "no Chromium; install one, or name it in CHROMIUM")
	}
	start(t).node(t, "segment-browser.test.mjs", "CHROMIUM="+browser)
}

func TestCloudEventsInJavaScript(t *testing.T) {
	t.Parallel()
	start(t).node(t, "cloudevents.test.mjs")
}
