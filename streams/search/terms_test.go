package search

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTerm(t *testing.T) {
	for typed, want := range map[string]string{
		"Anna@Example.COM":       "anna@example.com",
		"  C1 ":                  "c1",
		"Müller":                 "muller",
		"Mu\u0308ller":           "muller",
		"STRASSE":                "strasse",
		"Straße":                 "strasse",
		"ÉLODIE":                 "elodie",
		"Ω":                      "ω",
		"佐藤":                     "佐藤",
		"Işık":                   "isik",
		"IŞIK":                   "isik",
		"İnan":                   "inan",
		"O’Neill":                "o'neill",
		"Ꭰꭱ":                     "ᎠᎡ",
		"ꭰᎡ":                     "ᎠᎡ",
		"\u200fمحمد\u200f علي":   "محمد علي",
		"\u200b":                 "",
		"C  1":                   "c 1",
		"Łukasz Ødegård":         "lukasz odegard",
		"":                       "",
		strings.Repeat("a", 100): strings.Repeat("a", 64),
		strings.Repeat("ж", 100): strings.Repeat("ж", 32),
	} {
		if got := Term(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

// A text that is longer than terms are is held against all of the value.
func TestBegins(t *testing.T) {
	long := strings.Repeat("Ä", 70)
	for _, c := range []struct {
		typ, value, text string
		want             bool
	}{
		{"customer_id", long + "1", strings.ToLower(long), true}, {"customer_id", long + "1", long + "2", false},
		{Name, "Anna " + long + "  Meier", long + " m", true}, {Name, "Anna " + long, long + " m", false}, {Name, "x" + long, long, false},
	} {
		if got := Begins(c.typ, c.value, c.text); got != c.want {
			t.Errorf("%s %q, %q: %v", c.typ, c.value, c.text, got)
		}
	}
}

func TestNameTerms(t *testing.T) {
	for name, want := range map[string][]string{
		"Anna":                    {"anna"},
		"Anna Maria  Müller":      {"anna maria muller", "maria muller", "muller"},
		"Anna\tMaria\u3000Müller": {"anna maria muller", "maria muller", "muller"},
		"J. R. R. Tolkien":        {"j. r. r. tolkien", "r. r. tolkien", "r. tolkien", "tolkien"},
		"a b c d e f g":           {"a b c d e f g", "b c d e f g", "c d e f g", "d e f g", "e f g"},
		"X":                       nil,
		"李":                       {"李"},
		"Anna Müller-Lüdenscheid": {"anna muller-ludenscheid", "muller-ludenscheid", "ludenscheid"},
		"- Anna -":                {"- anna -", "anna -"},
		"Zoë \u00a0 Straße":       {"zoe strasse", "strasse"},
		"Александра Константиновна Преображенская": {"александра константиновна преобра", "константиновна преображенская", "преображенская"},
		" ": nil,
	} {
		if got := NameTerms(name); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestEnough(t *testing.T) {
	for term, want := range map[string]bool{"": false, "a": false, "ü": false, "7": false, "ab": true, "李": true, "김": true} {
		if Enough(term) != want {
			t.Errorf("%q: %v", term, !want)
		}
	}
}

// Whatever somebody types of the beginning of a value leads to it, and the way in which it is typed makes no difference.
func TestWhatBeginsATextBeginsItsTerm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.StringN(0, 40, 120).Draw(rt, "text")
		term := Term(s)
		if len(term) > LongestTerm || !utf8.ValidString(term) || Term(term) != term {
			rt.Fatalf("%q: %q, again %q", s, term, Term(term))
		}
		words := strings.Fields(rapid.StringMatching(`[A-Za-zäöüß]{1,8}( [A-Za-zäöüß]{2,8}){0,4}`).Draw(rt, "name"))
		for _, w := range words {
			if utf8.RuneCountInString(w) < 2 {
				continue
			}
			typed := cut(w, rapid.IntRange(1, len(w)).Draw(rt, "typed"))
			if typed == "" {
				continue
			}
			if !slices.ContainsFunc(NameTerms(strings.Join(words, " ")), func(term string) bool { return strings.HasPrefix(term, Term(typed)) }) {
				rt.Fatalf("%q is not found by %q", words, typed)
			}
		}
	})
}
