package engine

import "strings"

// readingKeywords begin the statements that the read-only listener takes.
var readingKeywords = map[string]bool{"SELECT": true, "WITH": true, "SHOW": true, "DESCRIBE": true, "DESC": true, "EXISTS": true, "EXPLAIN": true}

// guard refuses a statement by its words. It reads text as the engine's lexer does, and refuses what the two
// might read differently, so that nothing can hide from it:
//
//   - functions that reach files or the network even in readonly mode, under any name they can be written with
//     (also without parentheses, as in APPLY(file));
//   - calls of table functions: DESCRIBE opens what they name before it asks for rights;
//   - in DESCRIBE, SHOW and EXISTS, names that could be paths: the engine's database "default" shows the file system;
//   - names that are given as parameters.
func guard(query string, tableFunctions map[string]bool) error {
	words, err := lex(query)
	if err != nil {
		return err
	}
	i := 0
	for i < len(words) && words[i].text == "(" {
		i++
	}
	if i == len(words) || !readingKeywords[strings.ToUpper(words[i].text)] {
		return forbidden("anything but SELECT, WITH, SHOW, DESCRIBE, EXISTS and EXPLAIN")
	}
	first := strings.ToUpper(words[i].text)
	metadata := first != "SELECT" && first != "WITH" && first != "EXPLAIN"
	for i, w := range words {
		name := strings.ToLower(w.text)
		switch {
		case w.kind == symbol:
			if w.text == ":" && i+1 < len(words) && strings.EqualFold(words[i+1].text, "identifier") {
				return forbidden("a name as a parameter")
			}
		case w.kind == text:
			if metadata && strings.ContainsAny(w.text, "/\\") {
				return forbidden("a path")
			}
		case reachingFunctions[name]:
			return forbidden("the function " + name)
		case tableFunctions[name] && i+1 < len(words) && words[i+1].text == "(":
			return forbidden("the table function " + name)
		case w.kind == quotedName && (strings.Contains(w.text, `\`) || metadata && strings.ContainsAny(w.text, "/.*")):
			return forbidden("the name " + w.text)
		}
	}
	return nil
}

type wordKind int

const (
	symbol wordKind = iota
	name
	quotedName
	text
)

// word is a token; of quoted ones the inside, as written.
type word struct {
	kind wordKind
	text string
}

// lex cuts a statement into words, without comments.
func lex(query string) ([]word, error) {
	var words []word
	for i := 0; i < len(query); {
		c := query[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case strings.HasPrefix(query[i:], "--"):
			n := strings.IndexByte(query[i:], '\n')
			if n < 0 {
				return words, nil
			}
			i += n
		case strings.HasPrefix(query[i:], "/*"):
			n := strings.Index(query[i+2:], "*/")
			if n < 0 {
				return nil, forbidden("a comment without an end")
			}
			i += n + 4
		case c == '\'' || c == '"' || c == '`':
			end := closing(query, i)
			if end < 0 {
				return nil, forbidden("a quote without an end")
			}
			kind := quotedName
			if c == '\'' {
				kind = text
			}
			words = append(words, word{kind, query[i+1 : end]})
			i = end + 1
		case isNameByte(c):
			start := i
			for i < len(query) && isNameByte(query[i]) {
				i++
			}
			words = append(words, word{name, query[start:i]})
		case c < ' ' || c > '~' || c == '#' || c == '$':
			// Comments and heredocs of other styles, Unicode blanks and quotes: never needed, easily misread.
			return nil, forbidden("the character " + query[i:i+1] + " outside of quotes")
		default:
			words = append(words, word{symbol, query[i : i+1]})
			i++
		}
	}
	return words, nil
}

// closing returns the index of the quote that ends what the quote at start begins: not one after a backslash, and
// not one of two in a row.
func closing(query string, start int) int {
	quote := query[start]
	for i := start + 1; i < len(query); i++ {
		switch {
		case query[i] == '\\':
			i++
		case query[i] == quote && i+1 < len(query) && query[i+1] == quote:
			i++
		case query[i] == quote:
			return i
		}
	}
	return -1
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
