package privacy

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The numbers that schemes and banks publish as examples.
var published = map[string]string{
	"4111 1111 1111 1111":                "**** **** **** 1111",
	"4222222222222":                      "*********2222",
	"5555-5555-5555-4444":                "****-****-****-4444",
	"2223003122003222":                   "************3222",
	"378282246310005":                    "***********0005",
	"6011.1111.1111.1117":                "****.****.****.1117",
	"3530111333300000":                   "************0000",
	"30569309025904":                     "**********5904",
	"6304000000000000":                   "************0000",
	"6200000000000005":                   "************0005",
	"4111\u00a01111\u00a01111\u00a01111": "****\u00a0****\u00a0****\u00a01111",
	"DE89 3704 0044 0532 0130 00":        "DE** **** **** **** **30 00",
	"gb82west12345698765432":             "gb****************5432",
	"NO9386011117947":                    "NO*********7947",
	"MT84MALT011000012345MTLCAST001S":    "MT*************************001S",
}

func TestPublishedNumbers(t *testing.T) {
	for number, want := range published {
		for _, frame := range []string{"%s", "my number is %s, thank you", "ä%s", "(%s)", "12 %s", "%s 12", "%s\n%[1]s", "Nr.: %s; Nr.: %[1]s"} {
			if strings.HasPrefix(frame, "ä") && number[0] >= 'A' {
				continue
			}
			got, found := maskNumbers(fmt.Sprintf(frame, number), cards|ibans)
			if want := fmt.Sprintf(frame, want); got != want || found == 0 {
				t.Errorf("%q in %q is %q, want %q", number, frame, got, want)
			}
		}
		if got, _ := maskNumbers(number, 0); got != number {
			t.Errorf("%q is masked though nothing is looked for", number)
		}
	}
}

func TestWhatIsNoNumber(t *testing.T) {
	for _, text := range []string{
		"", "no digits here", "order 12345", "4111 1111 1111 1112", "+49 151 1234 5678", "+4111111111111111",
		"DE89 3704 0044 0532 0130 01", "DE89 3704 0044 0532 0130 0", "XX89 3704 0044 0532 0130 00", "ADE89370400440532013000", "DE89370400440532013000X",
		"1111111111111111", "0000 0000 0000 0000", "4111  1111  1111  1111", "4111/1111/1111/1111", "41111111111111111111111111",
		"2026-11-22 10:00", "1234567890128", "FR", "DE8", "1a",
	} {
		if got, found := maskNumbers(text, cards|ibans); got != text || found != 0 {
			t.Errorf("%q is masked: %q", text, got)
		}
	}
}

// What is kept of one number is the beginning of another here: none may be left.
func TestNumbersThatAppearByMasking(t *testing.T) {
	for text, want := range map[string]string{
		"30569309025904 4000000001010":                    "************** *********1010",
		"MT84MALT011000012345MTLCAST001S4111111111111111": "MT*************************001S************1111",
		"**4111111111111111**":                            "**************1111**",
	} {
		if got, _ := maskNumbers(text, cards|ibans); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// slowly masks by the definition: try every part of the text, until nothing is found.
func slowly(text string, want numbers) string {
	for {
		next := slowlyOnce(text, want)
		if next == text {
			return text
		}
		text = next
	}
}

func slowlyOnce(text string, want numbers) string {
	out := []byte(text)
	for from := range text {
		for to := from + 1; to <= len(text) && to <= from+maxIBAN*4; to++ {
			part := text[from:to]
			if want&cards != 0 && slowCard(text, from, to) || want&ibans != 0 && slowIBAN(text, from, to) {
				var at []int
				for i := range part {
					if isDigit(part[i]) || isLetter(part[i]) {
						at = append(at, from+i)
					}
				}
				first := 0
				if isLetter(part[0]) {
					first = 2
				}
				for _, i := range at[first : len(at)-keep] {
					out[i] = '*'
				}
			}
		}
	}
	return string(out)
}

var separators = []string{" ", "-", ".", "\u00a0", "\u202f", "\u2009"}

// compact is the part without separators; ok is false when there are two in a row, or one at an end.
func compact(part string) (out string, ok bool) {
	for part != "" {
		for _, s := range separators {
			if rest, cut := strings.CutPrefix(part, s); cut {
				if out == "" || rest == "" || !isDigit(rest[0]) && !isLetter(rest[0]) {
					return "", false
				}
				part = rest
				break
			}
		}
		out += part[:1]
		part = part[1:]
	}
	return out, true
}

func slowCard(text string, from, to int) bool {
	digits, ok := compact(text[from:to])
	if !ok || len(digits) < minCard || len(digits) > maxCard || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	if from > 0 && (isDigit(text[from-1]) || text[from-1] == '+') || to < len(text) && isDigit(text[to]) {
		return false
	}
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	var prefix int
	_, _ = fmt.Sscanf(digits[:4], "%d", &prefix)
	return sum%10 == 0 && issued(prefix, len(digits))
}

func slowIBAN(text string, from, to int) bool {
	number, ok := compact(text[from:to])
	number = strings.ToUpper(number)
	if !ok || len(number) < 5 || strings.Trim(number, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || strings.Trim(text[from+2:from+4], "0123456789") != "" {
		return false
	}
	alnum := func(b byte) bool { return isDigit(b) || isLetter(b) }
	if from > 0 && alnum(text[from-1]) || to < len(text) && alnum(text[to]) || !isLetter(text[from]) || !isLetter(text[from+1]) {
		return false
	}
	if ibanLengths[[2]byte{number[0], number[1]}] != len(number) {
		return false
	}
	all := ""
	for _, b := range []byte(number[4:] + number[:4]) {
		if isDigit(b) {
			all += string(b)
		} else {
			all += fmt.Sprint(b - 'A' + 10)
		}
	}
	n, _ := new(big.Int).SetString(all, 10)
	return new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
}

// anyWords are texts with numbers in them, whole, broken, and side by side.
func anyWords(t *rapid.T) string {
	var known []string
	for number := range published {
		known = append(known, number)
	}
	// A map has no order, and a draw must be the same again.
	part := rapid.OneOf(
		rapid.SampledFrom(sortedStrings(known)),
		rapid.StringMatching(`[0-9]{1,6}`),
		rapid.StringMatching(`4[0-9]{12,18}`),
		rapid.SampledFrom(append([]string{"", "x", "+", "  ", "DE", "de89", "ä", "\xff"}, separators...)),
	)
	text := strings.Join(rapid.SliceOfN(part, 0, 12).Draw(t, "parts"), rapid.SampledFrom([]string{"", " ", "-"}).Draw(t, "between"))
	if text != "" && rapid.Bool().Draw(t, "spoilt") {
		i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		text = text[:i] + rapid.SampledFrom([]string{"7", " ", "", "a"}).Draw(t, "by") + text[i+1:]
	}
	return text
}

func sortedStrings(all []string) []string {
	for i := range all {
		for j := i; j > 0 && all[j] < all[j-1]; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	return all
}

func TestMaskingIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyWords(t)
		want := numbers(rapid.IntRange(0, 3).Draw(t, "want"))
		got, found := maskNumbers(text, want)
		if slow := slowly(text, want); got != slow {
			t.Fatalf("%q is %q, by the definition %q", text, got, slow)
		}
		if (found != 0) != (got != text) || found&^want != 0 {
			t.Fatalf("%q: found %b of %b", text, found, want)
		}
		if again, found := maskNumbers(got, want); again != got || found != 0 {
			t.Fatalf("%q, masked again, is %q", got, again)
		}
	})
}

func FuzzMask(f *testing.F) {
	for number := range published {
		f.Add(number)
	}
	f.Add("4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 300 {
			return
		}
		got, _ := maskNumbers(text, cards|ibans)
		if slow := slowly(text, cards|ibans); got != slow {
			t.Errorf("%q is %q, by the definition %q", text, got, slow)
		}
	})
}

func TestNextDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[/0:9 -:]{0,40}`)).Draw(t, "text")
		from := rapid.IntRange(0, len(text)).Draw(t, "from")
		want := from
		for want < len(text) && !isDigit(text[want]) {
			want++
		}
		if got := nextDigit(text, from); got != want {
			t.Fatalf("%q from %d: %d, want %d", text, from, got, want)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	for name, text := range map[string]string{
		"words":  strings.Repeat("Where is my order? I have waited for long. ", 12),
		"dates":  strings.Repeat("On 2026-11-22 at 10:00 I ordered 12 of them. ", 12),
		"number": strings.Repeat("Where is my order? ", 20) + "4111 1111 1111 1111",
		"worst":  strings.Repeat("4 ", 256),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				maskNumbers(text, cards|ibans)
			}
		})
	}
}
