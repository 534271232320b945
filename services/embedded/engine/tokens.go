package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// A table remembers insert tokens in a log of its own (deduplication_logs), and writes "this token has become
// that part" before it makes the part visible. An engine that is killed between the two comes back with the
// token and without the part: the client, which got no answer, repeats the insert, and its rows are dropped as
// seen. One kill in a dozen under load does that. So before the engine starts, tokens whose part does not exist
// are taken back, with the record that the engine itself writes when a part is dropped.

const tokenLogs = "deduplication_logs"

// forgetLostTokens repairs the logs of all tables in dir and returns how many tokens it took back. The engine
// must not run.
func forgetLostTokens(dir string) (int, error) {
	logs, err := filepath.Glob(filepath.Join(dir, "store", "*", "*", tokenLogs))
	if err != nil {
		return 0, fmt.Errorf("engine: repair tokens: %w", err)
	}
	total := 0
	for _, log := range logs {
		n, err := forgetLostTokensOf(log)
		if err != nil {
			return total, fmt.Errorf("engine: repair tokens: %w", err)
		}
		total += n
	}
	return total, nil
}

func forgetLostTokensOf(logDir string) (int, error) {
	files, err := tokenLogFiles(logDir)
	if err != nil || len(files) == 0 {
		return 0, err
	}
	parts, err := readParts(filepath.Dir(logDir))
	if err != nil {
		return 0, err
	}
	tokens := map[string]string{} // block id -> part, of those not dropped
	var last []byte
	for _, f := range files {
		if last, err = os.ReadFile(f); err != nil {
			return 0, err
		}
		readTokens(last, tokens)
	}
	var lost []string
	for id, name := range tokens {
		if part, ok := parsePart(name); ok && !parts.cover(part) {
			lost = append(lost, "2\t"+name+"\t"+id+"\n")
		}
	}
	if len(lost) == 0 {
		return 0, nil
	}
	sort.Strings(lost)
	// A record that the kill has cut short belongs to an insert that was not answered: it goes, too.
	whole := last[:bytes.LastIndexByte(last, '\n')+1]
	repaired := append(append([]byte{}, whole...), strings.Join(lost, "")...)
	// The new file is made where neither the log nor the table looks for files of its own.
	temporary := filepath.Join(filepath.Dir(logDir), "tmp_"+tokenLogs)
	if err := os.WriteFile(temporary, repaired, 0o640); err != nil {
		return 0, err
	}
	return len(lost), os.Rename(temporary, files[len(files)-1])
}

// tokenLogFiles lists the files of a log in the order in which they were written.
func tokenLogFiles(logDir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(logDir, "deduplication_log_*.txt"))
	if err != nil {
		return nil, err
	}
	number := func(path string) int {
		text := strings.TrimSuffix(path[strings.LastIndexByte(path, '_')+1:], ".txt")
		n, err := strconv.Atoi(text)
		if err != nil {
			return -1
		}
		return n
	}
	sort.Slice(files, func(i, k int) bool { return number(files[i]) < number(files[k]) })
	return files, nil
}

// readTokens applies the records of a file: "1 part id" adds a token, "2 part id" drops it.
func readTokens(data []byte, tokens map[string]string) {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			return
		}
		fields := strings.Split(string(data[:end]), "\t")
		data = data[end+1:]
		if len(fields) != 3 {
			continue
		}
		switch fields[0] {
		case "1":
			tokens[fields[2]] = fields[1]
		case "2":
			delete(tokens, fields[2])
		}
	}
}

// part is a range of blocks of one partition: partition_min_max_level, and _mutation where it was mutated.
type part struct {
	partition string
	min, max  int64
}

func parsePart(name string) (part, bool) {
	fields := strings.Split(name, "_")
	if len(fields) != 4 && len(fields) != 5 {
		return part{}, false
	}
	var n [4]int64
	for i, f := range fields[1:] {
		v, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return part{}, false
		}
		n[i] = v
	}
	return part{fields[0], n[0], n[1]}, true
}

// parts are the parts of a table, merged ones among them.
type parts map[string][]part

func readParts(tableDir string) (parts, error) {
	entries, err := os.ReadDir(tableDir)
	if err != nil {
		return nil, err
	}
	found := parts{}
	for _, e := range entries {
		if p, ok := parsePart(e.Name()); ok && e.IsDir() {
			found[p.partition] = append(found[p.partition], p)
		}
	}
	return found, nil
}

// cover says whether p is there, or was merged into one that is.
func (all parts) cover(p part) bool {
	for _, q := range all[p.partition] {
		if q.min <= p.min && p.max <= q.max {
			return true
		}
	}
	return false
}
