package privacy

// A card number has 13 to 19 digits (ISO/IEC 7812-1).
const (
	minCard = 13
	maxCard = 19
)

// cards masks the card numbers in the run at hand: any of its groups, one after the other, that together are one. A digit
// stays readable only when it is among the last of every number that it may belong to.
func (s *scan) cards() (found bool) {
	if len(s.digits) < minCard {
		return false
	}
	for g, start := range s.groups {
		if g == 0 && s.signed {
			continue
		}
		ends := g + 1 // the group whose begin is the end of what is looked at
		var sums [2]int
		prefix := 0
		for n := 1; n <= maxCard && start+n <= len(s.digits); n++ {
			d := int(s.text[s.digits[start+n-1]] - '0')
			if n <= 4 {
				prefix = 10*prefix + d
			}
			// Luhn doubles every second digit from the right: which ones is known at the end, so both sums are kept.
			sums[n&1] += d
			sums[1-n&1] += doubled[d]
			atEnd := start+n == len(s.digits) || ends < len(s.groups) && s.groups[ends] == start+n
			if !atEnd {
				continue
			}
			ends++
			if n >= minCard && sums[n&1]%10 == 0 && issued(prefix, n) {
				found = true
				for _, i := range s.digits[start : start+n-keep] {
					s.hide(i)
				}
			}
		}
	}
	return found
}

// doubled is twice a digit, the digits of that added up.
var doubled = [10]int{0, 2, 4, 6, 8, 1, 3, 5, 7, 9}

// issued tells whether cards of n digits begin with these four. It keeps nine of ten order and article numbers readable whose
// check digit fits by chance.
func issued(prefix, n int) bool {
	for _, r := range issuers {
		if prefix >= r.from && prefix <= r.to {
			return n >= r.min && n <= r.max
		}
	}
	return false
}

// issuers are the ranges of the schemes, by the first four digits, with the lengths of their numbers.
var issuers = [...]struct{ from, to, min, max int }{
	{2200, 2204, 16, 19}, // Mir
	{2221, 2720, 16, 16}, // Mastercard
	{3000, 3059, 14, 19}, // Diners Club
	{3095, 3095, 14, 19},
	{3400, 3499, 15, 15}, // American Express
	{3528, 3589, 16, 19}, // JCB
	{3600, 3699, 14, 19}, // Diners Club
	{3700, 3799, 15, 15}, // American Express
	{3800, 3999, 14, 19}, // Diners Club
	{4000, 4999, 13, 19}, // Visa: 13, 16 or 19, and its debit cards between
	{5000, 5099, 13, 19}, // Maestro, Elo, Verve
	{5100, 5599, 16, 16}, // Mastercard
	{5600, 5999, 13, 19}, // Maestro
	{6000, 6999, 13, 19}, // Maestro, Discover, UnionPay, RuPay
	{8100, 8171, 16, 19}, // UnionPay
}
