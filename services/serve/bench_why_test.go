package serve

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// crowd puts decisions and moves of n pairs of other people into the store.
func (f *fixture) crowd(n int) {
	f.tb.Helper()
	const pairs = `SELECT number AS v, toUInt128(sipHash64(number, 1)) * 18446744073709551615 + sipHash64(number, 2) AS a,
	toUInt128(sipHash64(number, 3)) * 18446744073709551615 + sipHash64(number, 4) AS b FROM numbers({n:UInt64})`
	edge := func(node, other, turned string) string {
		return `INSERT INTO identity_edges (workspace, node, other, version, kind, decision, turned, node_type, node_value, other_type, other_value, rule, touchpoint, key, source, time, at)
SELECT 'ours', ` + node + `, ` + other + `, v + 1, 'verified', 'joined', ` + turned + `, 'email', concat('somebody', toString(v), '@example.com'), 'phone', toString(v), 'verified by one touchpoint',
	toString(generateUUIDv4(v)), a, 'shop', '2026-11-01 09:00:00', '2026-11-01 09:00:00' FROM (` + pairs + `)`
	}
	for _, statement := range []string{edge("a", "b", "false"), edge("b", "a", "true"),
		`INSERT INTO identity_log (workspace, person, anchor, version, from, home, type, value, rule, touchpoint, time, at)
SELECT 'ours', a, b, v + 1, b, b, 'phone', toString(v), 'verified by one touchpoint', toString(v), '2026-11-01 09:00:00', '2026-11-01 09:00:00' FROM (` + pairs + `)`,
		`INSERT INTO identities (workspace, anchor, person, version, home) SELECT 'ours', b, a, v + 1, b FROM (` + pairs + `)`,
		`INSERT INTO identity_anchors (workspace, person, anchor, version, came, other) SELECT 'ours', a, b, v + 1, true, b FROM (` + pairs + `)`,
	} {
		if err := f.db.Exec(f.tb.Context(), statement, clickhouse.Params{"n": n}); err != nil {
			f.tb.Fatal(err)
		}
	}
}

// BenchmarkWhy asks why a person of 100 identifiers is one, among a million decisions about others, and what is to be reviewed.
func BenchmarkWhy(b *testing.B) {
	f := start(b)
	f.crowd(500_000)
	const identifiers = 100
	name := func(i int) string {
		return fmt.Sprintf("%s:%d", []string{"email", "phone", "cookie", "device"}[i%4], i)
	}
	var edges []identity.Edge
	var moves []identity.Move
	for i := 1; i < identifiers; i++ {
		edges = append(edges, decision(uint64(i), identity.LinkVerified, identity.Joined, name(i/2), name(i), "verified by one touchpoint"))
		moves = append(moves, moveOf(uint64(i), name(i), name(i), name(0)))
	}
	for i := range 1000 { // to be reviewed
		edges = append(edges, claim(uint64(identifiers+i), fmt.Sprint("cookie:s", i), fmt.Sprintf("email:s%d@example.com", i/3), fmt.Sprint("s", i), 1+i%20))
	}
	f.decided(edges...)
	f.moved(moves...)
	id := nodeOf(name(0)).Anchor.String()
	for what, target := range map[string]string{
		"person": "/v1/people/" + id + "/why", "two": "/v1/people/why?a=cookie:98&b=" + id,
		"suggestions": "/v1/identity/suggestions", "refusals": "/v1/identity/refusals",
	} {
		b.Run(what, func(b *testing.B) {
			var took []time.Duration
			before := cpu()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, target, nil)
				r.Header.Set("Authorization", "Bearer ours-key")
				w := httptest.NewRecorder()
				begin := time.Now()
				f.handler.ServeHTTP(w, r)
				took = append(took, time.Since(begin))
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/1000/float64(len(took)), "cpu-ms/op")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}
