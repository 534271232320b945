package privacy

import "math/bits"

// numbers is a set of what can be found in words.
type numbers uint8

const (
	cards numbers = 1 << iota
	ibans
)

// keep is how many characters at the end of a number stay readable, so that a customer and an agent can tell which one is meant.
// PCI DSS 4.0, 3.4.1, allows that and six more.
const keep = 4

// maskNumbers puts stars in place of the numbers in a text, and says which there were. Lengths stay. A text without digits costs
// an eighth of a look at every byte, and a text without numbers no memory.
//
// What is left of one number can be the beginning of another, so a masked text is looked at again until it holds none: masking it
// once more, as a repaired dead letter is, changes nothing. Stars that the writer put around a number do not hide it.
func maskNumbers(text string, want numbers) (masked string, found numbers) {
	for {
		next, more := maskOnce(text, want)
		if more == 0 {
			return text, found
		}
		text, found = next, found|more
	}
}

// maskOnce hides the numbers that stand in the text as it is.
func maskOnce(text string, want numbers) (masked string, found numbers) {
	i := nextDigit(text, 0)
	if i == len(text) || want == 0 {
		return text, 0
	}
	s := scan{text: text}
	for i < len(text) {
		if want&ibans != 0 && s.iban(i-2) {
			found |= ibans
		}
		end := s.run(i)
		if want&cards != 0 && s.cards() {
			found |= cards
		}
		i = nextDigit(text, end)
	}
	if s.out == nil {
		return text, 0
	}
	return string(s.out), found
}

// scan is one pass over a text.
type scan struct {
	text string
	out  []byte // the masked text; nil while nothing is masked

	// The run of digits at hand, with single separators between them.
	digits []int // where its digits are
	groups []int // of digits: where a group of them begins
	signed bool  // behind a +: the first group begins the number of a phone
	room   [64]int
	begins [32]int
}

func (s *scan) hide(i int) {
	if s.out == nil {
		s.out = []byte(s.text)
	}
	s.out[i] = '*'
}

// run reads the digits at i, and those that follow behind one separator each, and returns where they end.
func (s *scan) run(i int) (end int) {
	t := s.text
	s.digits, s.groups = s.room[:0], s.begins[:0]
	s.signed = i > 0 && t[i-1] == '+'
	for {
		s.groups = append(s.groups, len(s.digits))
		for i < len(t) && isDigit(t[i]) {
			s.digits = append(s.digits, i)
			i++
		}
		next := i + separator(t, i)
		if next == i || next >= len(t) || !isDigit(t[next]) {
			return i
		}
		i = next
	}
}

// separator is how long what may stand between two digits of one number is at i; 0 when there is none. People write spaces,
// hyphens and dots, and word processors put spaces there that do not break.
func separator(t string, i int) int {
	if i >= len(t) {
		return 0
	}
	switch b := t[i]; {
	case b == ' ' || b == '-' || b == '.':
		return 1
	case b == 0xC2 && i+1 < len(t) && t[i+1] == 0xA0: // U+00A0
		return 2
	case b == 0xE2 && i+2 < len(t) && t[i+1] == 0x80 && (t[i+2] == 0xAF || t[i+2] == 0x89): // U+202F, U+2009
		return 3
	}
	return 0
}

func isDigit(b byte) bool { return b-'0' <= 9 }

func isLetter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

// nextDigit finds the first digit from i on; the text's length when there is none. It looks at eight bytes at a time: with the
// bits of '0' turned a digit is a byte below 10 (Bit Twiddling Hacks, "Determine if a word has a byte less than n").
func nextDigit(t string, i int) int {
	const ones = 0x0101010101010101
	for ; i+8 <= len(t); i += 8 {
		b := t[i : i+8]
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		x ^= '0' * ones
		if less := (x - 10*ones) & ^x & (0x80 * ones); less != 0 {
			return i + bits.TrailingZeros64(less)/8
		}
	}
	for i < len(t) && !isDigit(t[i]) {
		i++
	}
	return i
}
