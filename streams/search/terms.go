// Package search says by which beginnings somebody who types finds a customer: those of identifiers, and of the words of a name.
package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Name is the type of what somebody is called. It is no identifier: several people may have it.
const Name = "name"

// LongestTerm is how many bytes a term has: hardly anybody types more before looking up.
const LongestTerm = 64

const mostWords = 5 // of a name

// Term is an identifier's value, or what somebody typed of it, in the form in which they are compared: without case and
// accents (Unicode's full case folding and compatibility decomposition), without what nobody sees, such as marks of direction, at most 64 bytes.
func Term(s string) string {
	return strings.TrimSpace(cut(fold(cut(strings.TrimSpace(s), 2*LongestTerm)), LongestTerm))
}

// Begins tells whether a value, or a name from one of its words on, begins with a text that is longer than terms are.
func Begins(typ, value, text string) bool {
	value, text = fold(value), fold(text)
	if typ == Name {
		return strings.Contains(" "+Spaced(value), " "+Spaced(text))
	}
	return strings.HasPrefix(value, text)
}

// fold is the whole text in the form in which terms are.
func fold(s string) string {
	if folded, plain := ascii(s); plain {
		return folded
	}
	unseen := runes.Predicate(func(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Cf) })
	t := transform.Chain(norm.NFKD, cases.Fold(), norm.NFKD, runes.Remove(unseen), runes.Map(oneCase), norm.NFC)
	folded, _, err := transform.String(t, s)
	if err != nil {
		return "" // of valid UTF-8 none of them fails
	}
	return strings.TrimSpace(folded)
}

// oneCase is what case folding leaves to do: the capital I of Turkish has become i with a dot, while its small letter has none; of Cherokee, which
// Unicode folds to capitals, the library makes small letters of them too. An apostrophe is one however it is set.
func oneCase(r rune) rune {
	switch {
	case r == 'ı':
		return 'i'
	case r == '’' || r == 'ʼ':
		return '\''
	case unicode.Is(unicode.Cherokee, r):
		return unicode.ToUpper(r)
	}
	return r
}

// ascii is fold of what has no other characters, which is nearly all.
func ascii(s string) (folded string, plain bool) {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return "", false
		}
	}
	return strings.ToLower(strings.TrimSpace(s)), true
}

// cut is the beginning of s with at most n bytes, whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// NameTerms are the terms by which a name is found: it from each of its first five words on, so that Anna Maria Meier is found by all of them, with one
// space between them.
func NameTerms(name string) (terms []string) {
	rest := Spaced(fold(name))
	for len(terms) < mostWords && rest != "" {
		if utf8.RuneCountInString(rest) > 1 {
			terms = append(terms, strings.TrimSpace(cut(rest, LongestTerm)))
		}
		_, rest, _ = strings.Cut(rest, " ")
	}
	return terms
}

// Spaced is a term with one space wherever there are some, or a tab or an end of line, as the terms of names are.
func Spaced(term string) string { return strings.Join(strings.Fields(term), " ") }
