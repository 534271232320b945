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

const (
	longestTerm = 64 // bytes: nobody types more before looking up
	mostWords   = 5  // of a name
)

// Term is an identifier's value, or what somebody typed of it, in the form in which they are compared: without case and
// accents (Unicode's full case folding and compatibility decomposition), without what nobody sees, such as marks of direction, at most 64 bytes.
func Term(s string) string {
	if folded, plain := ascii(s); plain {
		return folded
	}
	unseen := runes.Predicate(func(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Cf) })
	t := transform.Chain(norm.NFKD, cases.Fold(), norm.NFKD, runes.Remove(unseen), runes.Map(oneCase), norm.NFC)
	folded, _, err := transform.String(t, cut(s, 2*longestTerm))
	if err != nil {
		return "" // of valid UTF-8 none of them fails
	}
	return strings.TrimSpace(cut(strings.TrimSpace(folded), longestTerm))
}

// oneCase is what case folding leaves to do: the capital I of Turkish has become i with a dot, while its small letter has none; of Cherokee, which
// Unicode folds to capitals, the library makes small letters of them too.
func oneCase(r rune) rune {
	switch {
	case r == 'ı':
		return 'i'
	case unicode.Is(unicode.Cherokee, r):
		return unicode.ToUpper(r)
	}
	return r
}

// ascii is Term of what has no other characters, which is nearly all.
func ascii(s string) (folded string, plain bool) {
	s = strings.TrimSpace(s)
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return "", false
		}
	}
	return strings.ToLower(strings.TrimSpace(s[:min(len(s), longestTerm)])), true
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
	rest := Spaced(Term(name))
	for len(terms) < mostWords && rest != "" {
		if utf8.RuneCountInString(rest) > 1 {
			terms = append(terms, rest)
		}
		_, rest, _ = strings.Cut(rest, " ")
	}
	return terms
}

// Spaced is a term with one space wherever there are some, or a tab or an end of line, as the terms of names are.
func Spaced(term string) string { return strings.Join(strings.Fields(term), " ") }
