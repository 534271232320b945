package mail

import (
	"bufio"
	"bytes"
	"mime"
	"net/mail"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // the tables of character sets
	"github.com/emersion/go-message/textproto"
)

// head parts data into a head and what follows it. Lines that belong to no field are left out; where none of the
// lines behind is a field either, an empty line was forgotten, and the body begins there.
func (p *parser) head(data []byte) (message.Header, []byte) {
	block, body := headBlock(data)
	if len(block) > p.limits.Head {
		p.mail.defect("a head of %d bytes was cut off after %d", len(block), p.limits.Head)
		block = block[:bytes.LastIndexByte(block[:p.limits.Head], '\n')+1]
	}
	last := lastField(block)
	clean := make([]byte, 0, len(block)+2)
	for rest := block; len(rest) > 0; {
		line, next, _ := bytes.Cut(rest, newline)
		switch {
		case len(clean) > 0 && (line[0] == ' ' || line[0] == '\t'), isField(line):
			clean = append(append(clean, line...), '\n')
		case len(clean) == 0 && (bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))):
			// the separator of an mbox, left in by a bad export
		case len(block)-len(rest) > last && len(clean) > 0:
			p.mail.defect("the empty line between head and body is missing")
			return readHead(clean), data[len(block)-len(rest):]
		default:
			p.mail.defect("a line of the head is no field")
		}
		rest = next
	}
	return readHead(clean), body
}

// headBlock is what stands before the first empty line, and what stands after it.
func headBlock(data []byte) (block, body []byte) {
	if len(data) > 0 && data[0] == '\n' {
		return nil, data[1:]
	}
	if i := bytes.Index(data, []byte("\n\n")); i >= 0 {
		return data[:i+1], data[i+2:]
	}
	return data, nil
}

// lastField is where the last field of a head begins; -1 when there is none.
func lastField(block []byte) int {
	last, at := -1, 0
	for line := range bytes.Lines(block) {
		if isField(line) {
			last = at
		}
		at += len(line)
	}
	return last
}

// isField tells whether a line begins a field: a name of printable characters, perhaps space, a colon (RFC 5322, 2.2).
func isField(line []byte) bool {
	name, _, ok := bytes.Cut(line, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	if !ok || len(name) == 0 || len(name) > 200 {
		return false
	}
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// readHead gives a head that was made clean to the library. What it cannot read all the same is left out.
func readHead(clean []byte) message.Header {
	h, _ := textproto.ReadHeader(bufio.NewReaderSize(bytes.NewReader(append(clean, '\n')), 1024)) // h is what was read before an error
	return message.Header{Header: h}
}

// text is a field as people read it: encoded words (RFC 2047) decoded, on one line.
func (p *parser) text(name string) string {
	return oneLine(p.decodeWords(p.mail.head.Get(name)))
}

// decodeWords decodes encoded words; what cannot be decoded stays as it is. Bytes outside ASCII, which a head must not
// have, are read as a text without a character set is.
func (p *parser) decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return toUTF8([]byte(s), "")
	}
	words := mime.WordDecoder{CharsetReader: message.CharsetReader}
	out, err := words.DecodeHeader(s)
	if err != nil {
		p.mail.defect("an encoded word cannot be decoded")
		return toUTF8([]byte(s), "")
	}
	return out
}

// parseDate reads a date of RFC 5322, and what is commonly written in its place.
func parseDate(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	t, err := mail.ParseDate(s)
	if err != nil {
		// "Mon, 2 Jan 2006 15:04:05 +0000 (Coordinated Universal Time) junk", two spaces, names of zones
		if i := strings.IndexByte(s, '('); i > 0 {
			t, err = mail.ParseDate(strings.TrimSpace(s[:i]))
		}
	}
	if err != nil {
		t, err = mail.ParseDate(strings.Join(strings.Fields(s), " "))
	}
	return t.UTC(), err
}

// oneLine makes one printable line of a text.
func oneLine(s string) string {
	return strings.Join(strings.Fields(printable(s)), " ")
}

// printable leaves out what is no text: control characters other than line feed and tab, and bytes that are not UTF-8.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
