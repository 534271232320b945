package privacy

// iban masks the international bank account number (ISO 13616) that begins with the two letters at i, if one does. Case does not
// count, and single separators may stand between its characters.
func (s *scan) iban(i int) bool {
	t := s.text
	if i < 0 || !isLetter(t[i]) || !isLetter(t[i+1]) || i > 0 && (isLetter(t[i-1]) || isDigit(t[i-1])) {
		return false
	}
	if i+4 > len(t) || !isDigit(t[i+2]) || !isDigit(t[i+3]) {
		return false
	}
	length := ibanLengths[[2]byte{t[i] &^ 0x20, t[i+1] &^ 0x20}]
	if length == 0 {
		return false
	}
	var at [maxIBAN]int // where its characters are
	n := 0
	for j := i; n < length; {
		if j >= len(t) || !isDigit(t[j]) && !isLetter(t[j]) {
			return false
		}
		at[n] = j
		n++
		j++
		if n < length {
			j += separator(t, j)
		} else if j < len(t) && (isDigit(t[j]) || isLetter(t[j])) {
			return false
		}
	}
	if !checks(t, at[:n]) {
		return false
	}
	for _, j := range at[2 : n-keep] {
		s.hide(j)
	}
	return true
}

// checks is the check of ISO 7064 (mod 97-10): the first four characters go to the end, letters are numbers from 10 on, and what
// remains of the whole divided by 97 is 1.
func checks(t string, at []int) bool {
	rest := 0
	for k := range at {
		switch b := t[at[(k+4)%len(at)]]; {
		case isDigit(b):
			rest = (10*rest + int(b-'0')) % 97
		default:
			rest = (100*rest + int(b|0x20-'a') + 10) % 97
		}
	}
	return rest == 1
}

const maxIBAN = 33

// ibanLengths are those of the IBAN registry (SWIFT, release 99), by country.
var ibanLengths = map[[2]byte]int{
	{'A', 'D'}: 24, {'A', 'E'}: 23, {'A', 'L'}: 28, {'A', 'T'}: 20, {'A', 'Z'}: 28, {'B', 'A'}: 20, {'B', 'E'}: 16, {'B', 'G'}: 22,
	{'B', 'H'}: 22, {'B', 'I'}: 27, {'B', 'R'}: 29, {'B', 'Y'}: 28, {'C', 'H'}: 21, {'C', 'R'}: 22, {'C', 'Y'}: 28, {'C', 'Z'}: 24,
	{'D', 'E'}: 22, {'D', 'J'}: 27, {'D', 'K'}: 18, {'D', 'O'}: 28, {'E', 'E'}: 20, {'E', 'G'}: 29, {'E', 'S'}: 24, {'F', 'I'}: 18,
	{'F', 'K'}: 18, {'F', 'O'}: 18, {'F', 'R'}: 27, {'G', 'B'}: 22, {'G', 'E'}: 22, {'G', 'I'}: 23, {'G', 'L'}: 18, {'G', 'R'}: 27,
	{'G', 'T'}: 28, {'H', 'N'}: 28, {'H', 'R'}: 21, {'H', 'U'}: 28, {'I', 'E'}: 22, {'I', 'L'}: 23, {'I', 'Q'}: 23, {'I', 'S'}: 26,
	{'I', 'T'}: 27, {'J', 'O'}: 30, {'K', 'W'}: 30, {'K', 'Z'}: 20, {'L', 'B'}: 28, {'L', 'C'}: 32, {'L', 'I'}: 21, {'L', 'T'}: 20,
	{'L', 'U'}: 20, {'L', 'V'}: 21, {'L', 'Y'}: 25, {'M', 'C'}: 27, {'M', 'D'}: 24, {'M', 'E'}: 22, {'M', 'K'}: 19, {'M', 'N'}: 20,
	{'M', 'R'}: 27, {'M', 'T'}: 31, {'M', 'U'}: 30, {'N', 'I'}: 28, {'N', 'L'}: 18, {'N', 'O'}: 15, {'O', 'M'}: 23, {'P', 'K'}: 24,
	{'P', 'L'}: 28, {'P', 'S'}: 29, {'P', 'T'}: 25, {'Q', 'A'}: 29, {'R', 'O'}: 24, {'R', 'S'}: 22, {'R', 'U'}: 33, {'S', 'A'}: 24,
	{'S', 'C'}: 31, {'S', 'D'}: 18, {'S', 'E'}: 24, {'S', 'I'}: 19, {'S', 'K'}: 24, {'S', 'M'}: 27, {'S', 'O'}: 23, {'S', 'T'}: 25,
	{'S', 'V'}: 28, {'T', 'L'}: 23, {'T', 'N'}: 24, {'T', 'R'}: 26, {'U', 'A'}: 29, {'V', 'A'}: 22, {'V', 'G'}: 24, {'X', 'K'}: 20,
	{'Y', 'E'}: 30,
}
