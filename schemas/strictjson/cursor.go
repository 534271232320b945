// Package strictjson reads JSON from outside the way a door must: duplicate keys, invalid UTF-8, NUL and deep nesting
// are errors, nothing recurses, and strings alias the input where they can.
//
// Two readers of one text must see one meaning. Parsers differ in which of two equal keys they take, in what they make
// of bytes that are no UTF-8 and in whether a NUL ends a string; text that depends on such a choice is refused.
package strictjson

import (
	"fmt"
	"unicode/utf8"
	"unsafe"
)

// MaxDepth is how deep objects and arrays may be nested, the outermost counted.
const MaxDepth = 64

// Error says where and why a text was refused.
type Error struct {
	Offset int    // bytes from the start
	Reason string // what is wrong and what would be right
	Syntax bool   // the text is not JSON at all; else it is JSON that is refused
}

// Error is reason and place.
func (e *Error) Error() string { return fmt.Sprintf("%s (at byte %d)", e.Reason, e.Offset) }

// Cursor walks over one JSON text from front to end. After the first error it stands still: every method then returns
// its zero value, More false, and Err the error. Strings it returns alias the text or a buffer of the cursor, so the
// text must not be changed while they are in use.
type Cursor struct {
	data  []byte
	pos   int
	depth int
	fresh bool // an object or array was opened and nothing was read in it yet
	err   *Error
	plain []byte // unescaped strings, one after the other
}

// NewCursor starts at the front of data.
func NewCursor(data []byte) Cursor { return Cursor{data: data} }

// Err is the first error, nil while there was none.
func (c *Cursor) Err() *Error { return c.err }

// Offset is how many bytes were read.
func (c *Cursor) Offset() int { return c.pos }

// Peek skips white space and returns the first byte of what comes next, 0 at the end or after an error. A value starts
// with one of { [ " t f n - or a digit.
func (c *Cursor) Peek() byte {
	if c.err != nil {
		return 0
	}
	for c.pos < len(c.data) {
		switch b := c.data[c.pos]; b {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return b
		}
	}
	return 0
}

// Open enters the object ('{') or array ('[') that comes next. The caller has seen its first byte by Peek.
func (c *Cursor) Open(open byte) {
	if c.Peek() != open {
		c.syntax("want " + string(rune(open)))
		return
	}
	if c.depth++; c.depth > MaxDepth {
		c.refuse(c.pos, fmt.Sprintf("nested deeper than %d levels", MaxDepth))
		return
	}
	c.pos++
	c.fresh = true
}

// More moves to the next member or element of what Open entered, and returns false when it leaves it at its closing
// byte ('}' or ']').
func (c *Cursor) More(closing byte) bool {
	b := c.Peek()
	if c.err != nil {
		return false
	}
	if b == closing {
		c.pos++
		c.depth--
		c.fresh = false
		return false
	}
	if c.fresh {
		c.fresh = false
		return true
	}
	if b != ',' {
		c.syntax("want , or " + string(rune(closing)))
		return false
	}
	c.pos++
	return true
}

// Key reads a member's name and the colon behind it.
func (c *Cursor) Key() string {
	if c.Peek() != '"' {
		c.syntax("want a member's name in double quotes")
		return ""
	}
	key := c.String()
	if c.Peek() != ':' {
		c.syntax("want a colon behind a member's name")
		return ""
	}
	c.pos++
	return key
}

// End checks that nothing but white space follows.
func (c *Cursor) End() {
	if c.Peek(); c.err == nil && c.pos < len(c.data) {
		c.syntax("want nothing behind the value")
	}
}

// Number reads a number and returns its text.
func (c *Cursor) Number() []byte {
	c.Peek()
	if c.err != nil {
		return nil
	}
	start, i, d := c.pos, c.pos, c.data
	if i < len(d) && d[i] == '-' {
		i++
	}
	whole := i
	for i < len(d) && d[i]-'0' <= 9 {
		i++
	}
	if i == whole || (d[whole] == '0' && i > whole+1) {
		c.syntax("want a number")
		return nil
	}
	if i < len(d) && d[i] == '.' {
		i++
		from := i
		for i < len(d) && d[i]-'0' <= 9 {
			i++
		}
		if i == from {
			c.syntax("want digits behind the decimal point")
			return nil
		}
	}
	if i < len(d) && d[i]|0x20 == 'e' {
		i++
		if i < len(d) && (d[i] == '+' || d[i] == '-') {
			i++
		}
		from := i
		for i < len(d) && d[i]-'0' <= 9 {
			i++
		}
		if i == from {
			c.syntax("want digits in the exponent")
			return nil
		}
	}
	c.pos = i
	return d[start:i]
}

// Bool reads true or false.
func (c *Cursor) Bool() bool {
	if c.Peek() == 't' {
		c.literal("true")
		return c.err == nil
	}
	c.literal("false")
	return false
}

// Null reads null.
func (c *Cursor) Null() { c.literal("null") }

func (c *Cursor) literal(word string) {
	if end := c.pos + len(word); end <= len(c.data) && string(c.data[c.pos:end]) == word {
		c.pos = end
		return
	}
	c.syntax("want " + word)
}

// noValue says that what comes next is none.
func (c *Cursor) noValue() {
	rest := c.data[min(c.pos, len(c.data)):]
	switch r, _ := utf8.DecodeRune(rest); {
	case len(rest) == 0:
		c.syntax("want a value")
	case r == '\ufeff':
		c.syntax("it begins with a byte order mark; send UTF-8 without one")
	case r == ']' || r == '}':
		c.syntax("want a value before " + string(r) + ", and no comma behind the last one")
	case r == utf8.RuneError:
		c.syntax("want a value, in UTF-8")
	default:
		c.syntax(fmt.Sprintf("%q begins no value; want an object, an array, a text in double quotes, a number, true, false or null", r))
	}
}

func (c *Cursor) syntax(reason string) {
	if c.err == nil {
		if c.pos >= len(c.data) {
			reason = "the text ends too early: " + reason
		}
		c.err = &Error{Offset: c.pos, Reason: "not JSON: " + reason, Syntax: true}
	}
}

func (c *Cursor) refuse(offset int, reason string) {
	if c.err == nil {
		c.err = &Error{Offset: offset, Reason: reason}
	}
}

// alias is b as a string without a copy.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
