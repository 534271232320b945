package console

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/throughline/throughline/services/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m)) }

// required makes what is missing a failure and not a reason to skip.
var required = os.Getenv("THROUGHLINE_REQUIRE_CHROMIUM") == "1"

func missing(t *testing.T, what string) {
	t.Helper()
	if required {
		t.Fatal(what)
	}
	t.Skip(what)
}

// node runs a command in web, whose packages must be there.
func node(t *testing.T, env []string, args ...string) {
	t.Helper()
	if _, err := os.Stat("web/node_modules"); err != nil {
		missing(t, "the console's packages are not installed: make console")
	}
	c := exec.CommandContext(t.Context(), args[0], args[1:]...)
	c.Dir, c.Env = "web", append(os.Environ(), env...)
	c.Stdout, c.Stderr = t.Output(), t.Output()
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
}

// TestWhatComputes runs the tests of what the pages compute, in Node.js.
func TestWhatComputes(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, "no Node.js")
	}
	node(t, []string{"NO_COLOR=1"}, "npm", "run", "-s", "schema")
	node(t, []string{"NO_COLOR=1"}, "npm", "run", "-s", "test")
}

// TestInTheBrowser does each page's main task by clicking, in a real Chromium, at the real program with the demo's data.
func TestInTheBrowser(t *testing.T) {
	if _, err := os.Stat("web/dist/index.html"); err != nil {
		missing(t, "the console is not built: make console")
	}
	if program.Chromium() == "" {
		missing(t, "no Chromium; install one, or name it in CHROMIUM")
	}
	const key = "key-of-the-browser-test"
	listen := program.FreeAddress(t)
	url := "http://" + listen
	up := program.Start(t, "up", "up", "--data", t.TempDir(), "--listen", listen, "--key", key)
	up.Ready(t, url+"/readyz")
	if r := program.Command(t, "simulate", "--url", url, "--key", key, "--customers", "200", "--days", "16", "--rate", "0"); r.Code != 0 {
		t.Fatal(r)
	}
	node(t, []string{"THROUGHLINE_URL=" + url, "THROUGHLINE_KEY=" + key, "CHROMIUM=" + program.Chromium()}, "node", "--test", "--test-reporter=spec", "e2e/")
	up.Stop(t)
}
