// Package sdk tests our own clients, of Go (package client) and of JavaScript (folder js), with the real binary, which is killed while
// they send.
package sdk

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/services/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m)) }

const key = "key-of-the-sdk-tests"

// up is a `throughline up` that can be killed and started again.
type up struct {
	*program.Process
	t    *testing.T
	url  string
	args []string
}

func start(t *testing.T) *up {
	t.Helper()
	listen := program.FreeAddress(t)
	u := &up{t: t, url: "http://" + listen, args: []string{"up", "--data", t.TempDir(), "--listen", listen, "--key", key}}
	u.start()
	return u
}

func (u *up) start() {
	u.Process = program.Start(u.t, "up", u.args...)
	u.Ready(u.t, u.url+"/readyz")
}

// has waits until the report counts so many touchpoints of so many people, and nothing else was stored or refused.
func (u *up) has(touchpoints, people int) {
	u.t.Helper()
	var got struct {
		Totals struct{ Touchpoints, People int }
	}
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if err = u.get("/v1/reports/touchpoints?from=2026-03-01&to=2026-04-01", &got); err == nil && got.Totals.Touchpoints >= touchpoints && got.Totals.People == people {
			break
		}
		select {
		case <-u.t.Context().Done():
			u.t.Fatal("ended while waiting")
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err != nil || got.Totals.Touchpoints != touchpoints || got.Totals.People != people {
		u.t.Errorf("%+v %v, want %d touchpoints of %d people", got, err, touchpoints, people)
	}
	var letters struct {
		DeadLetters []any `json:"dead_letters"`
	}
	if err := u.get("/v1/dead-letters", &letters); err != nil || len(letters.DeadLetters) > 0 {
		u.t.Errorf("dead letters %v %v", letters, err)
	}
}

func (u *up) get(path string, out any) error {
	req, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.url+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %d %s", path, res.StatusCode, body)
	}
	return json.Unmarshal(body, out)
}

const many, customers = 2000, 20

// The server is killed and started again while the Go client sends: every touchpoint is there once.
func TestGoAcrossARestart(t *testing.T) {
	t.Parallel()
	u := start(t)
	c := client.DefaultConfig()
	c.URL, c.Key = u.url, key
	sends, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	config := client.DefaultSenderConfig()
	config.Batch, config.Linger = 50, 5*time.Millisecond
	config.Reject = func(r client.Rejection) { t.Errorf("refused: %+v", r) }
	sender, err := client.NewSender(sends, config)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for n := range many {
		if n == many/3 {
			if err := sender.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		_, err := sender.Add(t.Context(), client.Touchpoint{Time: at, Channel: "chat", Direction: "inbound", Kind: "message", Actor: client.Actor{Type: "customer"},
			Text: fmt.Sprint("message ", n), Identifiers: []client.Identifier{{Type: "customer_id", Value: fmt.Sprint("go-", n%customers)}}, Properties: map[string]any{"n": n}})
		if err != nil {
			t.Fatal(err)
		}
		if n == many/2 {
			u.Kill()
		}
	}
	u.start()
	if err := sender.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	u.has(many, customers)
}

// missing skips, or fails where the environment says that it must be there.
func missing(t *testing.T, variable, what string) {
	t.Helper()
	if os.Getenv(variable) != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// javascript is a command in the folder of the JavaScript client, which must be built.
func javascript(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat("js/dist/index.js"); err != nil {
		missing(t, "THROUGHLINE_REQUIRE_CLIENTS", "the JavaScript client is not built: make clients")
	}
	c := exec.CommandContext(t.Context(), "node", args...)
	c.Dir, c.Env = "js", append(append(os.Environ(), "NO_COLOR=1"), env...)
	c.Stderr = t.Output()
	return c
}

func TestJavaScript(t *testing.T) {
	t.Parallel()
	c := javascript(t, nil, "--test", "--test-force-exit", "--test-timeout=60000", "--test-reporter=spec", "test/client.test.mjs")
	c.Stdout = t.Output()
	if err := c.Run(); err != nil {
		t.Error(err)
	}
}

// The same of JavaScript, in a process that then has nothing else to do: it ends when the log has everything.
func TestJavaScriptAcrossARestart(t *testing.T) {
	t.Parallel()
	u := start(t)
	c := javascript(t, []string{"THROUGHLINE_URL=" + u.url, "THROUGHLINE_KEY=" + key, fmt.Sprint("THROUGHLINE_COUNT=", many)}, "test/producer.mjs")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); {
		if n++; n == 3 { // some are acknowledged, most are not
			u.Kill()
			u.start()
		}
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	u.has(many, customers)
}

// A page is left before anything was sent.
func TestJavaScriptInAPageThatIsLeft(t *testing.T) {
	t.Parallel()
	browser := chromium()
	if browser == "" {
		missing(t, "THROUGHLINE_REQUIRE_CHROMIUM", "no Chromium; install one, or name it in CHROMIUM")
	}
	driver, err := filepath.Abs("../clients/npm/node_modules/playwright-core/index.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(driver); err != nil {
		missing(t, "THROUGHLINE_REQUIRE_CLIENTS", "playwright-core is not installed: make clients")
	}
	u := start(t)
	c := javascript(t, []string{"THROUGHLINE_URL=" + u.url, "THROUGHLINE_KEY=" + key, "CHROMIUM=" + browser, "PLAYWRIGHT=" + driver}, "test/page.mjs")
	c.Stdout = t.Output()
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	u.has(30, 1)
}

func chromium() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	return ""
}
