package serve

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	schema "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/clickhouse"
)

// fill makes n touchpoints of n/40 customers over the last days, ten to a conversation within two days, inside the store. Conversations are
// there in two versions, as they are written again while they grow.
func (f *fixture) fill(n, days int) {
	f.tb.Helper()
	const fact = `SELECT 'ours' AS workspace, toString(number) AS id, toUInt128(sipHash64(number, 1)) * 18446744073709551615 + sipHash64(number, 2) AS key,
	intDiv(number, 10) AS talk, talk % intDiv({n:UInt64}, 40) AS customer, number % 10 AS place,
	reinterpretAsUInt128(reverse(unhex(substring(hex(SHA256(concat('\x04ours\x0bcustomer_id', char(length(concat('C', toString(customer)))), 'C', toString(customer)))), 1, 32)))) AS anchor,
	toDateTime64('2026-11-20 12:00:00', 3, 'UTC') - toIntervalMillisecond(sipHash64(talk) % ({days:UInt64} * 86400000)) AS begun,
	least(begun + toIntervalMillisecond(place * 7200000 + sipHash64(number) % 3600000), toDateTime64('2026-11-20 12:00:00', 3, 'UTC')) AS time,
	['email','chat','phone','sms','whatsapp','web'][talk % 6 + 1] AS channel, if(place % 3 = 1, 'outbound', 'inbound') AS direction,
	multiIf(place = 9 AND talk % 10 != 0, 'conversation.resolved', talk % 500 = 7 AND place = 4, 'callback.promised', talk % 700 = 9 AND place = 4, 'pickup.ready', talk % 900 = 11 AND place = 4, 'bot.handed_over', 'message') AS kind,
	if(place % 3 = 1, 'agent', 'customer') AS actor,
	['support','billing','sales'][talk % 3 + 1] AS team, ['delivery','invoice','returns','login'][talk % 4 + 1] AS topic, 'generator' AS source`
	for from := 0; from < n; from += 250_000 {
		params := clickhouse.Params{"n": n, "days": days, "from": from, "to": min(n, from+250_000)}
		rows := ` FROM numbers({from:UInt64}, {to:UInt64} - {from:UInt64})`
		for _, statement := range []string{
			`INSERT INTO touchpoints (workspace, key, anchor, time, received, channel, direction, kind, actor_type, identifiers, thread, topic, team, source, payload, _partition, _offset)
SELECT workspace, key, anchor, time, time, channel, direction, kind, actor, [concat('customer_id:C', toString(customer))],
	[concat('session:', toString(talk))], topic, team, source,
	concat('{"id":"', id, '","time":', toString(toUnixTimestamp64Milli(time)), ',"channel":"', channel, '","direction":"', direction, '","kind":"', kind, '","actor":{"type":"', actor, '"},"identifiers":[{"type":"customer_id","value":"C',
		toString(customer), '","verified":true}],"subject":"A subject line of an ordinary length","text":"', repeat(concat('words of message ', id, ' '), 8), '","topic":"', topic, '","team":"', team, '","source":"generator","properties":{"page": "/checkout", "version": 7}}'),
	0, toInt64(id)
FROM (` + fact + rows + `)`,
			`INSERT INTO conversation_touchpoints (workspace, anchor, time, key, version, conversation, person, channel, direction, kind, team, topic, source)
SELECT workspace, anchor, time, key, 1, toUInt128(sipHash64(intDiv(talk * 10, 10) * 10, 1)) * 18446744073709551615 + sipHash64(talk * 10, 2), anchor, channel, direction, kind, team, topic, source
FROM (` + fact + rows + `)`,
			`INSERT INTO conversations (workspace, id, version, person, anchor, state, first, last, touchpoints, contacts, channels, team, topic, begun, waiting_since, wait_from, wait_to, wait_kind, state_at, state_was, channel_contacts)
SELECT workspace, key, 1, anchor, anchor, 'waiting_for_us', time, time, 1, 1, [channel], team, topic, time, time, [toUnixTimestamp64Milli(time)], [0], [1], [toUnixTimestamp64Milli(time)], ['waiting_for_us'], [1]
FROM (` + fact + rows + `) WHERE place = 0`,
			`INSERT INTO conversations (workspace, id, version, person, anchor, state, first, last, touchpoints, contacts, channels, team, topic, waiting_since, first_response, resolution,
	begun, resolved_at, wait_from, wait_to, wait_kind, pause_from, pause_to, longest_wait, later_responses, state_at, state_was, channel_contacts)
SELECT workspace, argMin(key, place), 2, any(anchor), any(anchor), if(talk % 10 = 0, if(talk % 100 = 0, 'waiting_for_us', 'waiting_for_customer'), 'resolved'), min(time), max(time), count(), 1 + talk % 3, groupUniqArray(channel), any(team), any(topic),
	if(talk % 100 = 0, max(time), toDateTime64(0, 3, 'UTC')), 7200000 + talk % 3600000, if(talk % 10 = 0, NULL, toUnixTimestamp64Milli(max(time)) - toUnixTimestamp64Milli(min(time))),
	min(time), if(talk % 10 = 0, NULL, max(time)), arrayMap(i -> toUnixTimestamp64Milli(min(time)) + i * 21600000, range(3)), arrayMap(i -> toUnixTimestamp64Milli(min(time)) + i * 21600000 + 7200000 + talk % 3600000, range(3)), [1, 2, 2],
	arrayMap(i -> toUnixTimestamp64Milli(min(time)) + i * 21600000 + 7200000 + talk % 3600000, range(3)), arrayMap(i -> if(i = 2 AND talk % 10 != 0, 0, toUnixTimestamp64Milli(min(time)) + (i + 1) * 21600000), range(3)),
	talk % 7200000, [7200000 + talk % 3600000, 7200000 + talk % 3600000],
	[toUnixTimestamp64Milli(min(time)), toUnixTimestamp64Milli(min(time)) + 7200000, toUnixTimestamp64Milli(max(time))], ['waiting_for_us', 'waiting_for_customer', if(talk % 10 = 0, 'waiting_for_us', 'resolved')], [1 + talk % 3]
FROM (` + fact + rows + `) GROUP BY workspace, talk`,
			`INSERT INTO conversations_by_anchor SELECT workspace, anchor, id, version, person, state, first, last,
	concat('{"workspace":"ours","id":"', lower(leftPad(hex(id), 32, '0')), '","version":', toString(version), ',"person":"', lower(leftPad(hex(person), 32, '0')), '","anchor":"', lower(leftPad(hex(anchor), 32, '0')),
		'","latest":"', lower(leftPad(hex(latest), 32, '0')), '","state":"', state, '","first":', toString(toUnixTimestamp64Milli(first)), ',"last":', toString(toUnixTimestamp64Milli(last)), ',"begun":', toString(toUnixTimestamp64Milli(begun)), ',"touchpoints":', toString(touchpoints),
		',"contacts":', toString(contacts), ',"channels":', toJSONString(channels), ',"team":"', team, '","topic":"', topic, '","waiting_since":', toString(toUnixTimestamp64Milli(waiting_since)), ',"later_responses":', toString(later_responses),
		',"longest_wait":', toString(longest_wait), ',"resolution":', ifNull(toString(resolution), 'null'), ',"reopenings":0,"hand_overs":0,"channel_switches":0,"waits":[',
		arrayStringConcat(arrayMap((from, to, kind) -> concat('{"from":', toString(from), ',"to":', toString(to), ',"kind":', toString(kind), '}'), wait_from, wait_to, wait_kind), ','), '],"channel_contacts":', toString(channel_contacts), '}')
FROM conversations INNER JOIN (SELECT key AS id, toUInt128(sipHash64(toUInt64(f.id) + 9, 1)) * 18446744073709551615 + sipHash64(toUInt64(f.id) + 9, 2) AS latest FROM (` + fact + rows + `) AS f WHERE place = 0) AS begun USING id`,
		} {
			if err := f.db.Exec(f.tb.Context(), statement, params); err != nil {
				f.tb.Fatal(err)
			}
		}
	}
}

// settle has every month become one part, as it does by itself half an hour after its last row.
func (f *fixture) settle() {
	f.tb.Helper()
	for _, table := range []string{"touchpoints", "conversation_touchpoints", "conversations", "conversations_by_anchor"} {
		if err := f.db.Exec(f.tb.Context(), "OPTIMIZE TABLE "+table+" FINAL", nil); err != nil {
			f.tb.Fatal(err)
		}
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

// BenchmarkByPerson counts touchpoints by person, as the list of an account's contacts does, and by anchor, with one anchor in twenty moved: their
// ratio is what it costs that a merge shows in every report without a fact being rewritten. Each-row is the same with the person looked up for
// each touchpoint, as reports do that count people beside other things.
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
		"SYSTEM STOP MERGES", // which would be counted
	} {
		if err := f.db.Exec(b.Context(), statement, nil); err != nil {
			b.Fatal(err)
		}
	}
	best := func(sql string) time.Duration {
		least := time.Hour
		for range 7 {
			var groups uint64
			before := cpu()
			if _, err := f.db.One(b.Context(), "SELECT count() FROM ("+sql+")", nil, clickhouse.Limits{}, &groups); err != nil {
				b.Fatal(err)
			}
			least = min(least, cpu()-before)
		}
		return least
	}
	for b.Loop() {
		of := schema.TablesOf(topic.First).PersonOf("anchor")
		anchor := best("SELECT anchor AS who, count() AS n, max(time) AS last FROM touchpoints GROUP BY who")
		person := best("SELECT " + of + " AS who, sum(n), max(last) FROM (SELECT anchor, count() AS n, max(time) AS last FROM touchpoints GROUP BY anchor) GROUP BY who")
		row := best("SELECT " + of + " AS who, count(), max(time) FROM touchpoints GROUP BY who")
		b.ReportMetric(float64(person.Microseconds())/1000, "by-person-cpu-ms")
		b.ReportMetric(float64(anchor.Microseconds())/1000, "by-anchor-cpu-ms")
		b.ReportMetric(float64(person)/float64(anchor), "ratio")
		b.ReportMetric(float64(row)/float64(anchor), "each-row-ratio")
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
	customer := func(i int) string { return fmt.Sprint("customer_id:C", i*7919%(n/40)) }
	for _, c := range []struct {
		name   string
		target func(i int) string
	}{
		{"person", func(i int) string { return "/v1/people?identifier=" + customer(i) }},
		{"timeline", func(i int) string { return "/v1/people/" + anchorOf(customer(i)).String() + "/timeline" }},
		{"conversations-of-person", func(i int) string { return "/v1/people/" + anchorOf(customer(i)).String() + "/conversations" }},
		{"thread", func(i int) string { return fmt.Sprintf("/v1/people?identifier=session:%d-2920", i*7919%(n/40)) }},
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

// overviewAsks are what the console's first page asks, all at once; it shows these figures and no others.
var overviewAsks = []string{
	"/v1/reports/touchpoints?by=channel&figures=touchpoints,people&from=2026-11-20&to=2026-11-20T12:00:00Z",
	"/v1/reports/touchpoints?by=channel&figures=touchpoints,people&from=2026-11-13&to=2026-11-13T12:00:00Z",
	"/v1/reports/conversations?figures=count,first_response_ms,resolution_ms,first_response_kept_share,first_response_kept,first_response_missed,csat_share,csat_answers&from=2026-11-20&to=2026-11-20T12:00:00Z",
	"/v1/reports/conversations?figures=count,first_response_ms,resolution_ms,first_response_kept_share,first_response_kept,first_response_missed,csat_share,csat_answers&from=2026-11-13&to=2026-11-13T12:00:00Z",
	"/v1/conversations?waiting=true&sort=waiting&limit=5&opening=true&queue=true",
	"/v1/reports/touchpoints?by=day&figures=touchpoints&from=2026-11-07&to=2026-11-21",
	"/v1/reports/conversations?figures=fcr_share,fcr_resolved,fcr_not_resolved&compare=previous&from=2026-10-22&to=2026-11-21",
	"/v1/cracks?limit=200&days=30&counts_only=true",
}

// BenchmarkOverview times the console's first page, all its questions at once and each alone, and reports by two dimensions, over
// THROUGHLINE_BENCH_TOUCHPOINTS touchpoints (100,000 when not set), a tenth as many conversations, of THROUGHLINE_BENCH_DAYS days (90), half an hour after
// the last of them came.
func BenchmarkOverview(b *testing.B) {
	n, err := strconv.Atoi(or(os.Getenv("THROUGHLINE_BENCH_TOUCHPOINTS"), "100000"))
	if err != nil {
		b.Fatal(err)
	}
	days, err := strconv.Atoi(or(os.Getenv("THROUGHLINE_BENCH_DAYS"), "90"))
	if err != nil {
		b.Fatal(err)
	}
	f := start(b)
	f.fill(n, days)
	f.settle()
	asks := map[string][]string{
		"all":                                   overviewAsks,
		"touchpoints-two-dimensions":            {"/v1/reports/touchpoints?by=day,channel&from=2026-10-22&to=2026-11-21"},
		"conversations-two-dimensions":          {"/v1/reports/conversations?by=day,channel&from=2026-10-22&to=2026-11-21"},
		"touchpoints-two-dimensions-one-figure": {"/v1/reports/touchpoints?by=day,channel&figures=touchpoints&from=2026-10-22&to=2026-11-21"},
		"touchpoints-people":                    {"/v1/reports/touchpoints?by=day,channel&figures=people&from=2026-10-22&to=2026-11-21"},
		"touchpoints-conversations":             {"/v1/reports/touchpoints?by=day,channel&figures=conversations&from=2026-10-22&to=2026-11-21"},
		"conversations-two-dimensions-page":     {"/v1/reports/conversations?by=day,channel&figures=count,open,waiting,waiting_ms,resolved,reopened,handed_over,switched_channel,one_contact&from=2026-10-22&to=2026-11-21"},
	}
	for i, ask := range overviewAsks {
		asks["ask-"+strconv.Itoa(i+1)] = []string{ask}
	}
	for _, name := range slices.Sorted(maps.Keys(asks)) {
		b.Run(name, func(b *testing.B) {
			askAll := func() {
				var all sync.WaitGroup
				for _, ask := range asks[name] {
					all.Go(func() {
						r := httptest.NewRequest(http.MethodGet, ask, nil)
						r.Header.Set("Authorization", "Bearer ours-key")
						w := httptest.NewRecorder()
						f.handler.ServeHTTP(w, r)
						if w.Code != http.StatusOK {
							b.Errorf("%s: %d %s", ask, w.Code, w.Body)
						}
					})
				}
				all.Wait()
			}
			askAll() // a page that somebody has looked at today
			var took []time.Duration
			before := cpu()
			for b.Loop() {
				begin := time.Now()
				askAll()
				if b.Failed() {
					return
				}
				took = append(took, time.Since(begin))
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/1000/float64(len(took)), "cpu-ms/op")
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}
