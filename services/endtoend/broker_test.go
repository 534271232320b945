package endtoend

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/services/program"
)

// The engines run apart from the roles and are killed with -9: the door answers 503 in time, nothing that it accepted is
// lost, and when the engines are back everything goes on by itself.
func TestEnginesAway(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	e := startEngines(t, data)
	where := []string{"--kafka", e.kafka, "--clickhouse", "http://" + e.clickhouse}
	run(t, "topics", "--kafka", e.kafka, "--partitions", "4")
	run(t, "migrate", "--clickhouse", "http://"+e.clickhouse)
	run(t, "keys", "create", "--kafka", e.kafka, "--key", testKey)
	roles, urls := map[string]*program.Process{}, map[string]string{}
	for _, role := range []string{"collect", "identify", "converse", "load", "serve"} {
		listen := program.FreeAddress(t)
		args := []string{role, "--kafka", e.kafka, "--listen", listen}
		if role == "load" || role == "serve" {
			args = append(args, "--clickhouse", "http://"+e.clickhouse)
		}
		roles[role], urls[role] = program.Start(t, role, args...), "http://"+listen
	}
	for role, p := range roles {
		p.Ready(t, urls[role]+"/readyz")
	}
	collect := &up{tb: t, url: urls["collect"], key: testKey, client: &http.Client{Timeout: time.Minute}}
	serve := &up{tb: t, url: urls["serve"], key: testKey, client: collect.client}
	s := startSenders(t, collect, "broker")
	s.more(50)

	e.Kill()
	s.refused()
	if a, err := collect.request(http.MethodGet, "/readyz", nil, nil); err != nil || a.status != http.StatusServiceUnavailable {
		t.Errorf("collect says it is ready: %d %v", a.status, err)
	}
	reads(t, serve, aLookup)
	again := *e
	again.Process = program.Start(t, "engines", "engines", "--data", data, "--kafka-listen", e.kafka, "--clickhouse-listen", e.clickhouse)
	again.Ready(t, "http://"+e.clickhouse+"/ping")
	s.more(50)
	s.stop()
	t.Logf("answers: %s", s.answers())
	report, r := audit(t, where...)
	if r.Code != 0 || int64(report.Touchpoints) < s.accepted.Load() {
		t.Fatalf("%s; %d accepted", r, s.accepted.Load())
	}
	eventually(t, 30*time.Second, func() error {
		if !reads(t, serve, aLookup, aReport) {
			return fmt.Errorf("reading does not come back")
		}
		return nil
	})
	for role, p := range roles {
		if p.Ended() {
			t.Errorf("%s gave up", role)
			continue
		}
		p.Ready(t, urls[role]+"/readyz")
		p.Stop(t)
		if strings.Contains(p.Output(), "panic") {
			t.Errorf("%s: %s", role, p.Output())
		}
	}
}
