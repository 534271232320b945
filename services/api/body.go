package api

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

var (
	// ErrBodyTooLarge is returned for a body that is over the limit, as it came or unpacked.
	ErrBodyTooLarge = errors.New("api: body too large")
	// ErrBodyEncoding is returned for a Content-Encoding other than gzip, zstd and identity.
	ErrBodyEncoding = errors.New("api: unknown content encoding")
	// ErrBodyCorrupt is returned for a body that does not unpack.
	ErrBodyCorrupt = errors.New("api: body does not unpack")
	// ErrBodySlow is returned when a client sends its body too slowly.
	ErrBodySlow = errors.New("api: body came too slowly")
	// ErrBodyBroken is returned when a client went away before its body was there.
	ErrBodyBroken = errors.New("api: body broke off")
	// ErrBodiesFull is returned when the bodies under way take all the memory they may.
	ErrBodiesFull = errors.New("api: too many bytes under way")
)

// BodiesConfig bounds what bodies cost. Start from DefaultBodiesConfig.
type BodiesConfig struct {
	Max      int           // bytes of one body, unpacked
	InFlight int           // bytes of all bodies under way
	Patience time.Duration // in which a client must send the next 64 KiB, or what is left
}

// DefaultBodiesConfig is 8 MiB a body and 64 MiB for all.
func DefaultBodiesConfig() BodiesConfig {
	return BodiesConfig{Max: 8 << 20, InFlight: 64 << 20, Patience: 15 * time.Second}
}

// Validate reports what is wrong.
func (c BodiesConfig) Validate() error {
	switch {
	case c.Max <= 0 || c.InFlight < c.Max:
		return errors.New("api: bodies: max must be positive and in flight at least as large")
	case c.Patience <= 0:
		return errors.New("api: bodies: patience must be positive, or a client could send for ever")
	}
	return nil
}

// Bodies reads request bodies within bounds.
type Bodies struct {
	config BodiesConfig
	taken  atomic.Int64 // bytes of buffers under way
	pool   sync.Pool    // of *Body
	gzip   sync.Pool    // of *gzip.Reader
	zstd   sync.Pool    // of *zstd.Decoder
}

// NewBodies makes a Bodies; the config must be valid.
func NewBodies(c BodiesConfig) *Bodies { return &Bodies{config: c} }

// InFlight is how many bytes the bodies under way take.
func (b *Bodies) InFlight() int64 { return b.taken.Load() }

// Body is a request's body, unpacked. Bytes must not be used after Release.
type Body struct {
	Bytes []byte
	from  *Bodies
	taken int64
}

// Release gives the memory back.
func (b *Body) Release() {
	b.from.taken.Add(-b.taken)
	b.taken = 0
	if cap(b.Bytes) > keepBuffer {
		return // a rare large one is not worth keeping
	}
	b.Bytes = b.Bytes[:0]
	b.from.pool.Put(b)
}

const (
	firstBuffer = 4 << 10
	keepBuffer  = 1 << 20
	progress    = 64 << 10
)

// Read reads the request's body to its end and unpacks it. Memory is taken as bytes arrive and not as the client
// announces them, so that a client that announces much and sends nothing costs nothing. The error is one of the
// sentinels above.
func (b *Bodies) Read(w http.ResponseWriter, r *http.Request) (*Body, error) {
	if r.ContentLength > int64(b.config.Max) {
		return nil, ErrBodyTooLarge
	}
	body, _ := b.pool.Get().(*Body)
	if body == nil {
		body = &Body{Bytes: make([]byte, 0, firstBuffer), from: b}
	}
	if !body.take(int64(cap(body.Bytes))) {
		body.Release()
		return nil, ErrBodiesFull
	}
	src := &patient{body: r.Body, control: http.NewResponseController(w), patience: b.config.Patience}
	err := b.unpack(body, src, r.Header.Get("Content-Encoding"))
	if err != nil {
		body.Release()
		return nil, err
	}
	return body, nil
}

func (b *Bodies) unpack(body *Body, src *patient, encoding string) error {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body.fill(src, src)
	case "gzip", "x-gzip":
		z, _ := b.gzip.Get().(*gzip.Reader)
		if z == nil {
			z = new(gzip.Reader)
		}
		defer func() {
			z.Reset(strings.NewReader("")) // forget the request's body
			b.gzip.Put(z)
		}()
		if err := z.Reset(&capped{src, b.config.Max}); err != nil {
			return src.cause(ErrBodyCorrupt)
		}
		return body.fill(z, src)
	case "zstd":
		z, _ := b.zstd.Get().(*zstd.Decoder)
		if z == nil {
			var err error
			// One goroutine less, and a window that cannot be larger than a body may be.
			z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
			if err != nil {
				return ErrBodyCorrupt
			}
		}
		defer func() {
			z.Reset(nil) // forget the request's body
			b.zstd.Put(z)
		}()
		if err := z.Reset(&capped{src, b.config.Max}); err != nil {
			return src.cause(ErrBodyCorrupt)
		}
		return body.fill(z, src)
	}
	return ErrBodyEncoding
}

// fill reads from until its end; src is what it reads from in turn.
func (b *Body) fill(from io.Reader, src *patient) error {
	most := b.from.config.Max
	for {
		if len(b.Bytes) == cap(b.Bytes) {
			grown := min(2*cap(b.Bytes), most+1)
			if len(b.Bytes) > most {
				return ErrBodyTooLarge
			}
			if !b.take(int64(grown - cap(b.Bytes))) {
				return ErrBodiesFull
			}
			b.Bytes = append(make([]byte, 0, grown), b.Bytes...)
		}
		n, err := from.Read(b.Bytes[len(b.Bytes):cap(b.Bytes)])
		b.Bytes = b.Bytes[:len(b.Bytes)+n]
		if len(b.Bytes) > most {
			return ErrBodyTooLarge
		}
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, ErrBodyTooLarge):
			return ErrBodyTooLarge
		case err != nil:
			return src.cause(ErrBodyCorrupt)
		}
	}
}

func (b *Body) take(n int64) bool {
	if b.from.taken.Add(n) > int64(b.from.config.InFlight) {
		b.from.taken.Add(-n)
		return false
	}
	b.taken += n
	return true
}

// patient reads a request's body and gives the client a new deadline for every 64 KiB it sends.
type patient struct {
	body     io.Reader
	control  *http.ResponseController
	patience time.Duration
	since    int // bytes since the deadline was set
	waiting  bool
	err      error // of the body
}

func (p *patient) Read(b []byte) (int, error) {
	if !p.waiting || p.since >= progress {
		p.control.SetReadDeadline(time.Now().Add(p.patience)) // not supported only by test recorders
		p.waiting, p.since = true, 0
	}
	n, err := p.body.Read(b)
	p.since += n
	if err != nil && err != io.EOF {
		p.err = err
	}
	return n, err
}

// cause is why reading failed: the client, or, when the client sent everything, other.
func (p *patient) cause(other error) error {
	var timeout net.Error
	switch {
	case errors.As(p.err, &timeout) && timeout.Timeout():
		return ErrBodySlow
	case p.err != nil:
		return ErrBodyBroken
	}
	return other
}

// capped ends with ErrBodyTooLarge when more than left bytes come.
type capped struct {
	from io.Reader
	left int
}

func (c *capped) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	if c.left -= n; c.left < 0 {
		return 0, ErrBodyTooLarge
	}
	return n, err
}
