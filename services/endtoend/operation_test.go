package endtoend

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/throughline/throughline/services/program"
)

var madeKey = regexp.MustCompile(`(?m)^  (\S{20,})$`)

// The first start on an empty folder is quick and prints a key once; SIGTERM drains; the next start goes on.
func TestStartStopAndGoOn(t *testing.T) {
	t.Parallel()
	u := newUp(t, t.TempDir())
	u.arguments = append(u.arguments[:5:5], u.arguments[7:]...) // without --key
	u.start()
	t.Logf("ready %s after the start on an empty folder; 5 s are asked for, on a machine that does nothing else", u.readyAfter.Round(time.Millisecond))
	if u.readyAfter > 15*time.Second {
		t.Errorf("ready only after %s, however busy the machine is", u.readyAfter)
	}
	found := madeKey.FindStringSubmatch(u.Output())
	if found == nil {
		t.Fatalf("no key was printed: %s", u.Output())
	}
	u.key = found[1]

	second := program.Command(t, "up", "--data", u.data, "--listen", program.FreeAddress(t))
	if second.Code != 1 || !strings.Contains(second.Stderr, "another throughline uses this folder") || strings.Count(strings.TrimSpace(second.Stderr), "\n") > 0 {
		t.Errorf("a second instance: %s", second)
	}

	// Told to stop under load, it answers what it took in; whatever it acknowledged is there.
	var acknowledged atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			a, err := u.request(http.MethodPost, "/v1/touchpoints", asJSON, encode(message(fmt.Sprint("drain-", i), fmt.Sprintf("%d@example.com", i%50), nil)))
			if err != nil || a.status != http.StatusAccepted {
				return
			}
			acknowledged.Add(1)
		}
	}()
	eventually(t, 20*time.Second, func() error {
		if n := acknowledged.Load(); n < 200 {
			return fmt.Errorf("%d acknowledged", n)
		}
		return nil
	})
	u.Stop(t)
	<-done
	if strings.Contains(u.Output(), "panic") || strings.Contains(u.Output(), "level=ERROR") {
		t.Errorf("it did not stop quietly: %s", u.Output())
	}
	u.start()
	if strings.Contains(u.Output(), "API key") {
		t.Errorf("a key was printed again: %s", u.Output())
	}
	report := u.settle()
	if int64(report.Touchpoints) < acknowledged.Load() || int64(report.Touchpoints) > acknowledged.Load()+1 {
		t.Errorf("%d touchpoints, %d were acknowledged", report.Touchpoints, acknowledged.Load())
	}
	t.Run("reading listener", func(t *testing.T) { readsOnly(t, u) })
	t.Run("wrong address", func(t *testing.T) {
		taken := program.Command(t, "up", "--data", t.TempDir(), "--listen", strings.TrimPrefix(u.url, "http://"))
		if taken.Code != 1 || !strings.Contains(taken.Stderr, "address already in use") {
			t.Errorf("an address that is taken: %s", taken)
		}
	})
	// Killed in the middle of a stop, it still goes on.
	_ = syscall.Kill(u.PID(), syscall.SIGTERM)
	u.Kill()
	u.start()
	if again := u.settle(); again.Touchpoints != report.Touchpoints {
		t.Errorf("%+v, before %+v", again, report)
	}
}

// readsOnly: what listens for BI tools answers questions and changes nothing.
func readsOnly(t *testing.T, u *up) {
	ask := func(sql, settings string) (int, string) {
		res, err := http.Post("http://"+u.clickhouse+"/?"+settings, "text/plain", strings.NewReader(sql))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(bytes.TrimSpace(body))
	}
	const question = "SELECT count() > 0 FROM throughline.touchpoints"
	if status, body := ask(question, ""); status != http.StatusOK || body != "1" {
		t.Fatalf("%d %s", status, body)
	}
	before, _ := ask("SELECT count() FROM throughline.touchpoints", "")
	for _, sql := range []string{"TRUNCATE TABLE throughline.touchpoints", "DROP TABLE throughline.touchpoints", "INSERT INTO throughline.touchpoints (id) VALUES ('x')", "ALTER TABLE throughline.touchpoints DELETE WHERE 1",
		"CREATE TABLE mine (a Int8) ENGINE = Memory", "SYSTEM SHUTDOWN", "SET readonly = 0", "KILL QUERY WHERE 1", "OPTIMIZE TABLE throughline.touchpoints", "DETACH TABLE throughline.touchpoints",
		"SELECT * FROM url('http://127.0.0.1:1/')", "SELECT * FROM file('/etc/passwd')", "SELECT 1 INTO OUTFILE '/tmp/throughline-endtoend'"} {
		for _, settings := range []string{"", "readonly=0"} {
			if status, body := ask(sql, settings); status == http.StatusOK {
				t.Errorf("%s with %q: %s", sql, settings, body)
			}
		}
	}
	if status, body := ask("TRUNCATE TABLE throughline.touchpoints", "query="+strings.ReplaceAll("TRUNCATE TABLE throughline.touchpoints", " ", "%20")); status == http.StatusOK {
		t.Errorf("by the address: %s", body)
	}
	if after, _ := ask("SELECT count() FROM throughline.touchpoints", ""); after != before {
		t.Errorf("%d, before %d", after, before)
	}
	if status, body := ask(question, ""); status != http.StatusOK || body != "1" {
		t.Fatalf("afterwards: %d %s", status, body)
	}
}
