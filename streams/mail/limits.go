package mail

import "fmt"

// Limits bound what one mail may cost. What is beyond them is left out and named in Mail.Defects; only Size refuses.
type Limits struct {
	Size       int // bytes of a mail
	Head       int // bytes of a head, of the mail's or a part's
	Parts      int // of all depths together
	Depth      int // of parts within parts
	Recipients int // addresses in To, Cc and Bcc, each
	Text       int // bytes of text that are kept
}

// DefaultLimits are 25 MiB, as most mail servers have, and enough of all else for any mail that a human wrote.
func DefaultLimits() Limits {
	return Limits{Size: 25 << 20, Head: 256 << 10, Parts: 500, Depth: 16, Recipients: 200, Text: 1 << 20}
}

// Validate reports what cannot work.
func (l Limits) Validate() error {
	for _, f := range []struct {
		name        string
		value, most int
	}{
		{"size", l.Size, 1 << 30}, {"head", l.Head, 16 << 20}, {"parts", l.Parts, 100_000}, {"depth", l.Depth, 100},
		{"recipients", l.Recipients, 10_000}, {"text", l.Text, 64 << 20},
	} {
		if f.value < 1 || f.value > f.most {
			return fmt.Errorf("mail: limits.%s: %d is not between 1 and %d", f.name, f.value, f.most)
		}
	}
	return nil
}
