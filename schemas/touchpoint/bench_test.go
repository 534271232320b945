package touchpoint

import (
	"strings"
	"syscall"
	"testing"

	"github.com/throughline/throughline/schemas/strictjson"
)

// some500 is an ordinary touchpoint of 500 bytes.
const some500 = `{"id":"zd-8842-17","time":"2025-12-31T08:15:00.250Z","channel":"email","direction":"inbound","kind":"message",` +
	`"actor":{"type":"customer","name":"Anna Schmidt"},"identifiers":[{"type":"email","value":"anna.schmidt@example.com","verified":true},` +
	`{"type":"customer_id","value":"C-1029384","verified":true}],"thread":["ticket:INC0012345"],"subject":"Where is my parcel?",` +
	`"text":"Hello, I ordered two weeks ago and nothing has come yet.\nPlease look into it.","language":"en","source":"zendesk"}`

// report adds the processor time of an iteration: on a machine that is shared, the time on the wall says little.
func report(b *testing.B, run func()) {
	b.ReportAllocs()
	begin := processorTime()
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64(processorTime()-begin)/float64(b.N), "cpu-ns/op")
}

func processorTime() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func BenchmarkDecode(b *testing.B) {
	for name, text := range map[string]string{"500": some500, "full": strings.ReplaceAll(full, "\n", "")} {
		b.Run(name, func(b *testing.B) {
			data, o := []byte(text), testOptions()
			report(b, func() {
				if _, _, err := Decode(data, o); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	t, _, _ := Decode([]byte(some500), testOptions())
	buf := make([]byte, 0, 4096)
	report(b, func() { t.AppendJSON(buf) })
}

func BenchmarkDecodePayload(b *testing.B) {
	t, _, _ := Decode([]byte(some500), testOptions())
	p, _ := t.AppendJSON(nil)
	report(b, func() { DecodePayload(p, &t) })
}

func BenchmarkParse(b *testing.B) {
	data := []byte(some500)
	report(b, func() {
		c := strictjson.NewCursor(data)
		var t Touchpoint
		var s said
		parse(&c, &t, &s)
	})
}
