package clickhouse

import "strings"

// splitStatements cuts a file at its semicolons, but not at those inside quotes and comments, and drops
// what has no statement in it.
func splitStatements(text string) []string {
	var statements []string
	start, empty := 0, true
	cut := func(end int) {
		if !empty {
			statements = append(statements, strings.TrimSpace(text[start:end]))
		}
		start, empty = end+1, true
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ';':
			cut(i)
		case strings.HasPrefix(text[i:], "--"):
			i = skipTo(text, i+2, "\n")
		case strings.HasPrefix(text[i:], "/*"):
			i = skipTo(text, i+2, "*/")
		case c == '\'' || c == '"' || c == '`':
			empty = false
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			empty = false
		}
	}
	cut(len(text))
	return statements
}

// skipTo returns the index of the last byte of the next end at or after from.
func skipTo(text string, from int, end string) int {
	if n := strings.Index(text[min(from, len(text)):], end); n >= 0 {
		return from + n + len(end) - 1
	}
	return len(text)
}
