package serve

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	schema "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/clickhouse"
)

// fill makes n touchpoints of n/10 customers over the last days, with their conversations, inside the store.
func (f *fixture) fill(n, days int) {
	f.tb.Helper()
	const fact = `SELECT 'ours' AS workspace, toString(number) AS id, toUInt128(sipHash64(number, 1)) * 18446744073709551615 + sipHash64(number, 2) AS key,
	number % intDiv({n:UInt64}, 10) AS customer,
	reinterpretAsUInt128(reverse(unhex(substring(hex(SHA256(concat('\x04ours\x0bcustomer_id', char(length(concat('C', toString(customer)))), 'C', toString(customer)))), 1, 32)))) AS anchor,
	toDateTime64('2026-11-20 12:00:00', 3, 'UTC') - toIntervalMillisecond(sipHash64(number) % ({days:UInt64} * 86400000)) AS time,
	['email','chat','phone','sms','whatsapp','web'][number % 6 + 1] AS channel, if(number % 3 = 0, 'outbound', 'inbound') AS direction, 'message' AS kind,
	['support','billing','sales'][number % 3 + 1] AS team, ['delivery','invoice','returns','login'][number % 4 + 1] AS topic, 'generator' AS source`
	for from := 0; from < n; from += 250_000 {
		params := clickhouse.Params{"n": n, "days": days, "from": from, "to": min(n, from+250_000)}
		rows := ` FROM numbers({from:UInt64}, {to:UInt64} - {from:UInt64})`
		for _, statement := range []string{
			`INSERT INTO touchpoints (workspace, key, anchor, time, received, channel, direction, kind, actor_type, identifiers, thread, topic, team, source, payload, _partition, _offset)
SELECT workspace, key, anchor, time, time, channel, direction, kind, 'customer', [concat('customer_id:C', toString(customer))],
	[concat('session:', toString(customer), '-', toString(intDiv(toUnixTimestamp(time), 604800)))], topic, team, source,
	concat('{"id":"', id, '","time":', toString(toUnixTimestamp64Milli(time)), ',"channel":"', channel, '","direction":"', direction, '","kind":"message","actor":{"type":"customer"},"identifiers":[{"type":"customer_id","value":"C',
		toString(customer), '","verified":true}],"subject":"A subject line of an ordinary length","text":"', repeat(concat('words of message ', id, ' '), 8), '","topic":"', topic, '","team":"', team, '","source":"generator","properties":{"page": "/checkout", "version": 7}}'),
	0, toInt64(id)
FROM (` + fact + rows + `)`,
			`INSERT INTO conversation_touchpoints (workspace, anchor, time, key, version, conversation, person, channel, direction, kind, team, topic, source)
SELECT workspace, anchor, time, key, 1, toUInt128(sipHash64(customer, intDiv(toUnixTimestamp(time), 2592000))), anchor, channel, direction, kind, team, topic, source
FROM (` + fact + rows + `)`,
		} {
			if err := f.db.Exec(f.tb.Context(), statement, params); err != nil {
				f.tb.Fatal(err)
			}
		}
	}
	if err := f.db.Exec(f.tb.Context(), `INSERT INTO conversations (workspace, id, version, person, anchor, state, first, last, touchpoints, contacts, channels, team, topic, waiting_since, first_response, resolution,
	begun, resolved_at, wait_from, wait_to, wait_kind, pause_from, pause_to)
SELECT workspace, conversation, 1, any(anchor), any(anchor), if(conversation % 10 = 0, 'waiting_for_us', 'resolved'), min(time), max(time), count(), 1, groupUniqArray(channel), any(team), any(topic),
	if(conversation % 10 = 0, max(time), toDateTime64(0, 3, 'UTC')), conversation % 100000, conversation % 1000000,
	min(time), if(conversation % 10 = 0, NULL, max(time)), [toUnixTimestamp64Milli(min(time))], [toUnixTimestamp64Milli(min(time)) + conversation % 100000], [1],
	[toUnixTimestamp64Milli(min(time)) + conversation % 100000], [if(conversation % 10 = 0, toUnixTimestamp64Milli(max(time)), 0)]
FROM conversation_touchpoints GROUP BY workspace, conversation`, nil); err != nil {
		f.tb.Fatal(err)
	}
}

// cpu is the processor time of this process, which the engine is a part of.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkByPerson counts touchpoints by person, by the dictionary of moved anchors, and the same by anchor, with one anchor in
// twenty moved: their ratio is what it costs that a merge shows in every report without a fact being rewritten.
func BenchmarkByPerson(b *testing.B) {
	n, err := strconv.Atoi(or(os.Getenv("THROUGHLINE_BENCH_TOUCHPOINTS"), "100000"))
	if err != nil {
		b.Fatal(err)
	}
	f := start(b)
	f.fill(n, 365)
	for _, statement := range []string{
		`INSERT INTO identities SELECT workspace, anchor, toUInt128(sipHash64(anchor) % 1000 + 1), 1, anchor, 0 FROM touchpoints WHERE sipHash64(anchor) % 20 = 0 GROUP BY workspace, anchor`,
		"SYSTEM RELOAD DICTIONARY moved",
	} {
		if err := f.db.Exec(b.Context(), statement, nil); err != nil {
			b.Fatal(err)
		}
	}
	best := func(by string) time.Duration {
		least := time.Hour
		for range 7 {
			var groups uint64
			before := cpu()
			if _, err := f.db.One(b.Context(), "SELECT count() FROM (SELECT "+by+" AS who, count(), max(time) FROM touchpoints GROUP BY who)", nil, clickhouse.Limits{}, &groups); err != nil {
				b.Fatal(err)
			}
			least = min(least, cpu()-before)
		}
		return least
	}
	for b.Loop() {
		person, anchor := best(schema.TablesOf(topic.First).PersonOf("anchor")), best("anchor")
		b.ReportMetric(float64(person.Microseconds())/1000, "by-person-cpu-ms")
		b.ReportMetric(float64(anchor.Microseconds())/1000, "by-anchor-cpu-ms")
		b.ReportMetric(float64(person)/float64(anchor), "ratio")
	}
}

// BenchmarkAnswers measures single answers over THROUGHLINE_BENCH_TOUCHPOINTS touchpoints (100,000 when not set) of
// THROUGHLINE_BENCH_DAYS days (365): p50 and p95 of the
// time, and the processor time, which a busy machine does not change.
func BenchmarkAnswers(b *testing.B) {
	n, err := strconv.Atoi(or(os.Getenv("THROUGHLINE_BENCH_TOUCHPOINTS"), "100000"))
	if err != nil {
		b.Fatal(err)
	}
	days, err := strconv.Atoi(or(os.Getenv("THROUGHLINE_BENCH_DAYS"), "365"))
	if err != nil {
		b.Fatal(err)
	}
	f := start(b)
	f.fill(n, days)
	customer := func(i int) string { return fmt.Sprint("customer_id:C", i*7919%(n/10)) }
	for _, c := range []struct {
		name   string
		target func(i int) string
	}{
		{"person", func(i int) string { return "/v1/people?identifier=" + customer(i) }},
		{"timeline", func(i int) string { return "/v1/people/" + anchorOf(customer(i)).String() + "/timeline" }},
		{"conversations-of-person", func(i int) string { return "/v1/people/" + anchorOf(customer(i)).String() + "/conversations" }},
		{"thread", func(i int) string { return fmt.Sprintf("/v1/people?identifier=session:%d-2920", i*7919%(n/10)) }},
		{"waiting", func(i int) string {
			return "/v1/conversations?sort=waiting&team=" + []string{"support", "billing"}[i%2]
		}},
		{"report-30-days", func(i int) string { return fmt.Sprintf("/v1/reports/touchpoints?by=channel,day&limit=%d", 1000+i%9) }},
		{"report-year", func(i int) string {
			return fmt.Sprintf("/v1/reports/touchpoints?by=channel,month&from=2025-11-20&limit=%d", 1000+i%9)
		}},
		{"report-conversations-some-figures", func(i int) string {
			return fmt.Sprintf("/v1/reports/conversations?by=team,channel&from=2025-11-20&limit=%d&figures=count,open,waiting,resolved,first_response_ms,first_response_kept_share", 1000+i%9)
		}},
		{"report-conversations-year", func(i int) string {
			return fmt.Sprintf("/v1/reports/conversations?by=team&from=2025-11-20&limit=%d", 1000+i%9)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			before := cpu()
			for i := 0; b.Loop(); i++ {
				r := httptest.NewRequest(http.MethodGet, c.target(i), nil)
				r.Header.Set("Authorization", "Bearer ours-key")
				w := httptest.NewRecorder()
				begin := time.Now()
				f.handler.ServeHTTP(w, r)
				took = append(took, time.Since(begin))
				if w.Code != http.StatusOK && !(c.name == "thread" && w.Code == http.StatusNotFound) {
					b.Fatalf("%s: %d", c.target(i), w.Code)
				}
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/1000/float64(len(took)), "cpu-ms/op")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}
