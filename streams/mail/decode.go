package mail

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"
)

// decode undoes a transfer encoding (RFC 2045, 6). What is broken in it is passed over, as mail readers do: the
// standard library's readers stop there, and the rest of the text would be lost.
func (p *parser) decode(encoding string, data []byte) []byte {
	switch strings.ToLower(strings.Trim(strings.TrimSpace(encoding), `"`)) {
	case "base64":
		return decodeBase64(data)
	case "quoted-printable":
		return decodeQuoted(data)
	case "", "7bit", "8bit", "binary":
	default:
		p.mail.defect("the transfer encoding %.40q is not known", encoding)
	}
	return data
}

// inBase64 marks the characters of the alphabet.
var inBase64 = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = true
	}
	return t
}()

func decodeBase64(data []byte) []byte {
	clean := make([]byte, 0, len(data))
	out := make([]byte, 0, base64.StdEncoding.DecodedLen(len(data)))
	flush := func() {
		if len(clean)%4 == 1 {
			clean = clean[:len(clean)-1] // six bits are no byte
		}
		out, _ = base64.RawStdEncoding.AppendDecode(out, clean) // cannot fail: every character is of the alphabet
		clean = clean[:0]
	}
	for _, c := range data {
		switch {
		case inBase64[c]:
			clean = append(clean, c)
		case c == '=' && len(clean) > 0:
			flush() // pieces that were encoded each for itself stand one behind the other
		}
	}
	flush()
	return out
}

func decodeQuoted(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for line := range bytes.Lines(data) {
		text := bytes.TrimRight(line, " \t\n")
		soft := bytes.HasSuffix(text, []byte("="))
		if soft {
			text = text[:len(text)-1]
		}
		for i := 0; i < len(text); i++ {
			if text[i] == '=' && i+2 < len(text) {
				hi, lo := unhex(text[i+1]), unhex(text[i+2])
				if hi >= 0 && lo >= 0 {
					out = append(out, byte(hi<<4|lo))
					i += 2
					continue
				}
			}
			out = append(out, text[i])
		}
		if !soft && bytes.HasSuffix(line, newline) {
			out = append(out, '\n')
		}
	}
	return out
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c - 'A' + 10)
	case c >= 'a' && c <= 'f':
		return int(c - 'a' + 10)
	}
	return -1
}

// toUTF8 reads text of a character set. Without one, with one that nobody knows, and where the bytes are not of the one
// that is named, it is UTF-8 if it can be, else Windows-1252, which has a character for nearly every byte.
func toUTF8(data []byte, name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	switch name {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "default", "unknown-8bit", "x-unknown":
	default:
		if r, err := charset.Reader(name, bytes.NewReader(data)); err == nil {
			if out, err := io.ReadAll(r); err == nil {
				return strings.ReplaceAll(string(out), "\r\n", "\n")
			}
		}
	}
	if utf8.Valid(data) {
		return strings.ReplaceAll(string(data), "\r\n", "\n")
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(data)
	if err != nil {
		return strings.ToValidUTF8(string(data), "\ufffd")
	}
	return string(out)
}
