package strictjson

import "fmt"

// fewKeys is up to how many keys of one object are compared one by one. Beyond, a set is made: comparing all pairs
// would let 64 KiB of short keys cost a tenth of a second.
const fewKeys = 16

// Skip reads any value, with all checks, and returns its text. Keys that are in one object twice are refused at
// every level.
func (c *Cursor) Skip() []byte {
	c.Peek()
	start := c.pos
	base := c.depth
	var frames [MaxDepth]frame
	var room [32]string
	keys := room[:0]
	for c.err == nil {
		// Here a value starts.
		switch b := c.Peek(); {
		case b == '{' || b == '[':
			c.Open(b)
			if c.err == nil {
				frames[c.depth-1] = frame{closing: b + 2, from: len(keys)}
			}
		case b == '"':
			_ = c.String()
		case b == 't' || b == 'f':
			c.Bool()
		case b == 'n':
			c.literal("null")
		case b == '-' || b-'0' <= 9:
			c.Number()
		default:
			c.noValue()
		}
		// Leave what ends here, then stand before the next value.
		for c.err == nil && c.depth > base {
			f := &frames[c.depth-1]
			if !c.More(f.closing) {
				keys = keys[:f.from]
				continue
			}
			if f.closing == '}' {
				at := c.pos
				key := c.Key()
				if f.has(keys, key) {
					c.refuse(at, fmt.Sprintf("key %q is there twice in one object", key))
				}
				keys = append(keys, key)
			}
			break
		}
		if c.depth == base {
			break
		}
	}
	if c.err != nil {
		return nil
	}
	return c.data[start:c.pos]
}

// frame is an open object or array.
type frame struct {
	closing byte
	from    int                 // its first key
	many    map[string]struct{} // its keys, when they are many
}

// has tells whether the object has the key already. keys[f.from:] are its keys so far.
func (f *frame) has(keys []string, key string) bool {
	own := keys[f.from:]
	if len(own) < fewKeys {
		for _, k := range own {
			if k == key {
				return true
			}
		}
		return false
	}
	if f.many == nil {
		f.many = make(map[string]struct{}, 4*fewKeys)
		for _, k := range own {
			f.many[k] = struct{}{}
		}
	}
	if _, twice := f.many[key]; twice {
		return true
	}
	f.many[key] = struct{}{}
	return false
}

// Extent finds the end of the first value of data by its quotes and brackets alone: n is the bytes up to behind it,
// leading white space included. It is how the neighbours of a value that is refused are found; what it passes over
// need not be JSON. ok is false when the value has no end.
func Extent(data []byte) (n int, ok bool) {
	var open []byte // the closing bytes wanted, innermost last
	for n < len(data) {
		switch b := data[n]; b {
		case ' ', '\t', '\n', '\r':
			n++
			continue
		case '"':
			end := closingQuote(data, n+1)
			if end < 0 {
				return len(data), false
			}
			n = end + 1
		case '{', '[':
			open = append(open, b+2)
			n++
			continue
		case '}', ']':
			if len(open) == 0 || open[len(open)-1] != b {
				return n, false
			}
			open = open[:len(open)-1]
			n++
		case ',', ':':
			if len(open) == 0 {
				return n, false
			}
			n++
			continue
		default:
			for n < len(data) && !delimits(data[n]) {
				n++
			}
		}
		if len(open) == 0 {
			return n, true
		}
	}
	return n, false
}

// Pass moves behind the value that comes next by Extent alone, and returns its text: for what is looked into later, part by
// part, so that one bad part does not take the others down.
func (c *Cursor) Pass() []byte {
	c.Peek()
	if c.err != nil {
		return nil
	}
	start := c.pos
	n, ok := Extent(c.data[start:])
	if !ok {
		c.syntax("the value has no end")
		return nil
	}
	c.pos += n
	return c.data[start:c.pos]
}

func delimits(b byte) bool {
	switch b {
	case ' ', '\t', '\n', '\r', ',', ':', '{', '}', '[', ']', '"':
		return true
	}
	return false
}

// closingQuote finds the quote that ends a string, whatever else is in it; -1 when there is none.
func closingQuote(d []byte, i int) int {
	for i < len(d) {
		end, _, _ := stringEnd(d, i)
		if end == len(d) {
			return -1
		}
		if d[end] == '"' {
			return end
		}
		i = end + 1 // a control character
	}
	return -1
}
