package engine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTokensOfLostPartsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	table := filepath.Join(dir, "store", "abc", "abc-uuid")
	for _, part := range []string{"202401_1_6_2", "202401_8_8_0", "202402_3_3_0_9", "tmp_insert_202401_9_9_0", "detached", tokenLogs} {
		if err := os.MkdirAll(filepath.Join(table, part), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(table, tokenLogs, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	first := "1\t202401_1_1_0\ta\n1\t202401_5_5_0\tb\n1\t202402_3_3_0\tc\n1\t202403_4_4_0\tdropped\n"
	write("deduplication_log_9.txt", first)
	write("deduplication_log_10.txt", "2\t202403_4_4_0\tdropped\n1\t202401_8_8_0\td\n1\t202401_9_9_0\tlost\n1\t202404_10_10_0\tlost too\n1\t20240")
	n, err := forgetLostTokens(dir)
	if err != nil || n != 2 {
		t.Fatal(n, err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(table, tokenLogs, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	want := "2\t202403_4_4_0\tdropped\n1\t202401_8_8_0\td\n1\t202401_9_9_0\tlost\n1\t202404_10_10_0\tlost too\n" +
		"2\t202401_9_9_0\tlost\n2\t202404_10_10_0\tlost too\n"
	if got := read("deduplication_log_10.txt"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := read("deduplication_log_9.txt"); got != first {
		t.Errorf("the older log was touched: %q", got)
	}
	if n, err := forgetLostTokens(dir); err != nil || n != 0 {
		t.Error("a second repair finds", n, err)
	}
	if n, err := forgetLostTokens(t.TempDir()); err != nil || n != 0 {
		t.Error("an empty folder has", n, err)
	}
}

func FuzzTokens(f *testing.F) {
	f.Add([]byte("1\t0_1_1_0\ta\n2\t0_1_1_0\ta\n"), "202401_1_1_0")
	f.Add([]byte("\n\t\t\n1\t"), "_1_1_0_")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		tokens := map[string]string{}
		readTokens(data, tokens)
		if p, ok := parsePart(name); ok && !(parts{p.partition: {p}}).cover(p) && p.min <= p.max {
			t.Fatalf("%q does not cover itself", name)
		}
	})
}
