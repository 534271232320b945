package strictjson

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string. It aliases the text, or, when it had escapes, a buffer of the cursor.
func (c *Cursor) String() string {
	if c.Peek() != '"' {
		c.syntax("want a string")
		return ""
	}
	start := c.pos + 1
	end, escaped, wide := stringEnd(c.data, start)
	if end == len(c.data) {
		c.pos = end
		c.syntax("want a closing quote")
		return ""
	}
	if b := c.data[end]; b < ' ' {
		c.control(end, b)
		return ""
	}
	raw := c.data[start:end]
	if wide && !utf8.Valid(raw) {
		c.refuse(start+invalidAt(raw), "invalid UTF-8")
		return ""
	}
	c.pos = end + 1
	if !escaped {
		return alias(raw)
	}
	return c.unescape(start, raw)
}

func (c *Cursor) control(offset int, b byte) {
	if b == 0 {
		c.refuse(offset, "a NUL character; leave it out")
		return
	}
	c.refuse(offset, fmt.Sprintf(`control character %#02x; write it as \u%04x`, b, b))
}

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// stringEnd finds the closing quote, or the first control character, from position i on. Eight bytes are looked at
// at a time: most of a touchpoint is text.
func stringEnd(d []byte, i int) (end int, escaped, wide bool) {
	for {
		for i+8 <= len(d) {
			w := binary.LittleEndian.Uint64(d[i:])
			quote := w ^ ones*'"'
			slash := w ^ ones*'\\'
			m := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & high
			if m != 0 {
				// Bytes before the hit may still be of a wide character.
				n := bits.TrailingZeros64(m) >> 3
				wide = wide || w&high&(1<<(8*n)-1) != 0
				i += n
				break
			}
			wide = wide || w&high != 0
			i += 8
		}
		if i >= len(d) {
			return len(d), escaped, wide
		}
		switch b := d[i]; {
		case b == '"' || b < ' ':
			return i, escaped, wide
		case b == '\\':
			escaped = true
			if i += 2; i > len(d) {
				return len(d), escaped, wide
			}
		default:
			wide = wide || b >= utf8.RuneSelf
			i++
		}
	}
}

// unescape returns the string with its escapes resolved.
func (c *Cursor) unescape(start int, raw []byte) string {
	// Escapes only ever shorten, so the buffer never moves while a string is written. A full one is left to the strings
	// in it.
	if cap(c.plain)-len(c.plain) < len(raw) {
		c.plain = make([]byte, 0, max(256, 2*len(raw)))
	}
	from := len(c.plain)
	for i := 0; i < len(raw); {
		run := bytes.IndexByte(raw[i:], '\\')
		if run < 0 {
			c.plain = append(c.plain, raw[i:]...)
			break
		}
		c.plain = append(c.plain, raw[i:i+run]...)
		i += run + 1
		switch raw[i] {
		case '"', '\\', '/':
			c.plain = append(c.plain, raw[i])
		case 'b':
			c.plain = append(c.plain, '\b')
		case 'f':
			c.plain = append(c.plain, '\f')
		case 'n':
			c.plain = append(c.plain, '\n')
		case 'r':
			c.plain = append(c.plain, '\r')
		case 't':
			c.plain = append(c.plain, '\t')
		case 'u':
			r, n, reason := escapedRune(raw[i-1:])
			if reason != "" {
				c.refuse(start+i-1, reason)
				return ""
			}
			c.plain = utf8.AppendRune(c.plain, r)
			i += n - 2
		default:
			c.pos = start + i
			c.syntax(`want one of " \ / b f n r t u behind a backslash`)
			return ""
		}
		i++
	}
	return alias(c.plain[from:len(c.plain):len(c.plain)])
}

// escapedRune reads \uXXXX, or two of them that are a surrogate pair, off the front of b.
func escapedRune(b []byte) (r rune, n int, reason string) {
	r, ok := hex4(b)
	switch {
	case !ok:
		return 0, 0, `want four hexadecimal digits behind \u`
	case r == 0:
		return 0, 0, "a NUL character; leave it out"
	case !utf16.IsSurrogate(r):
		return r, 6, ""
	}
	if low, ok := hex4(b[6:]); ok {
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, 12, ""
		}
	}
	return 0, 0, `half of a surrogate pair, which is invalid UTF-8`
}

// hex4 reads \uXXXX.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, h := range b[2:6] {
		switch {
		case h-'0' <= 9:
			h -= '0'
		case h|0x20 >= 'a' && h|0x20 <= 'f':
			h = h | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(h)
	}
	return r, true
}

// invalidAt is the offset of the first byte that is not part of a valid character.
func invalidAt(b []byte) (i int) {
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return i
}
