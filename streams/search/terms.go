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

// LongestTerm is how many bytes a term has at most: hardly anybody types more before looking up.
const LongestTerm = 64

const mostWords = 5 // of a name

// Term is an identifier's value, or what somebody typed of it, in the form in which they are compared: without case and accents (Unicode's full case
// folding and compatibility decomposition), without what nobody sees, such as marks of direction, with one space between words.
func Term(s string) string { return cutTerm(fold(cut(strings.TrimSpace(s), 4*LongestTerm))) }

// Enough tells whether a term is enough to look for what begins so: two characters, or one that is a syllable or a word by itself.
func Enough(term string) bool {
	first, size := utf8.DecodeRuneInString(term)
	return size < len(term) || unicode.In(first, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana)
}

// NameTerms are the terms by which a name is found: it from each of its first five words on, so that Anna Maria Meier is found by all of them.
func NameTerms(name string) (terms []string) {
	for _, rest := range fromEachWord(fold(name)) {
		if Enough(rest) && len(terms) < mostWords {
			terms = append(terms, cutTerm(rest))
		}
	}
	return terms
}

// Begins tells whether a value, or a name from one of its words on, begins with a text that is longer than terms are.
func Begins(typ, value, text string) bool {
	value, text = fold(value), fold(text)
	if typ != Name {
		return strings.HasPrefix(value, text)
	}
	for _, rest := range fromEachWord(value) {
		if strings.HasPrefix(rest, text) {
			return true
		}
	}
	return false
}

// fromEachWord is a folded name from each of its words on. A double name has two.
func fromEachWord(name string) (all []string) {
	for i := range name {
		if i == 0 || name[i-1] == ' ' && name[i] != ' ' || name[i-1] == '-' && name[i] != ' ' {
			all = append(all, name[i:])
		}
	}
	return all
}

// fold is the whole text in the form in which terms are.
func fold(s string) string {
	if folded, plain := ascii(s); plain {
		return spaced(folded)
	}
	unseen := runes.Predicate(func(r rune) bool { return unicode.In(r, unicode.Mn, unicode.Cf) })
	t := transform.Chain(norm.NFKD, cases.Fold(), norm.NFKD, runes.Remove(unseen), runes.Map(alike), norm.NFC)
	folded, _, err := transform.String(t, s)
	if err != nil {
		return "" // of valid UTF-8 none of them fails
	}
	return spaced(folded)
}

// alike is what folding leaves to do: letters with a stroke are typed without; the capital I of Turkish has become i with a dot, while its small letter has
// none; of Cherokee, which Unicode folds to capitals, the library makes small letters of them too. An apostrophe is one however it is set.
func alike(r rune) rune {
	switch r {
	case 'ı':
		return 'i'
	case 'ł':
		return 'l'
	case 'ø':
		return 'o'
	case 'đ':
		return 'd'
	case '’', 'ʼ':
		return '\''
	}
	if unicode.Is(unicode.Cherokee, r) {
		return unicode.ToUpper(r)
	}
	return r
}

// ascii is s in small letters, if it has no other characters, as nearly all have.
func ascii(s string) (folded string, plain bool) {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return "", false
		}
	}
	return strings.ToLower(s), true
}

// spaced has one space between words, whatever was there, and none around them.
func spaced(s string) string {
	if !strings.ContainsFunc(s, unicode.IsSpace) {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

func cutTerm(folded string) string { return strings.TrimSpace(cut(folded, LongestTerm)) }

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
