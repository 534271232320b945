package mail

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkMail is all that is done to one mail between its bytes and its touchpoint's JSON.
func BenchmarkMail(b *testing.B) {
	r := testRules(b)
	for _, name := range []string{"question", "answer", "outlook-attachments"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			var line []byte
			for b.Loop() {
				m, err := Parse(data, r.Limits)
				if err != nil {
					b.Fatal(err)
				}
				t, err := r.Touchpoint(m, &r.Workspaces[0], noon)
				if err != nil {
					b.Fatal(err)
				}
				if line, err = t.AppendJSON(line[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
