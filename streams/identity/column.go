package identity

import "unsafe"

// column is a growing array in pages: it is never copied as a whole, and never half empty. Indexes are 32 bits, which
// is half of what a pointer takes, and the garbage collector does not follow them.
type column[T any] struct {
	pages [][]T
	n     uint32
}

const (
	pageBits = 12
	pageSize = 1 << pageBits
)

// at returns the i-th element. A push may move it while the column has one page: do not keep the pointer across one.
func (c *column[T]) at(i uint32) *T { return &c.pages[i>>pageBits][i&(pageSize-1)] }

// push appends v and returns its index.
func (c *column[T]) push(v T) uint32 {
	i := c.n
	switch {
	case i == 0:
		c.pages = [][]T{{v}}
	case i < pageSize: // a small workspace does not pay for a page
		c.pages[0] = append(c.pages[0], v)
	case i&(pageSize-1) == 0:
		c.pages = append(c.pages, append(make([]T, 0, pageSize), v))
	default:
		page := &c.pages[i>>pageBits]
		*page = append(*page, v)
	}
	c.n++
	return i
}

// bytes is the memory that the column takes.
func (c *column[T]) bytes() (n int) {
	var one T
	if len(c.pages) > 0 {
		n = (len(c.pages)-1)*pageSize + cap(c.pages[0])
	}
	return n * int(unsafe.Sizeof(one))
}
