package importer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
)

// maxRecord bounds the memory that one record may take; a quote that is never closed would make one of all the rest.
const maxRecord = 8 << 20

// source is an open file, uncompressed and without byte order mark.
type source struct {
	name string
	file *os.File
	raw  counter // bytes of the file
	r    *bufio.Reader
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	byteOrder = []byte("\ufeff")
)

func openSource(name string) (*source, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	s := &source{name: name, file: f, raw: counter{r: f}}
	s.r = bufio.NewReaderSize(&s.raw, 1<<16)
	if head, err := s.r.Peek(2); err == nil && bytes.Equal(head, gzipMagic) {
		z, err := gzip.NewReader(s.r)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("uncompress: %w", err)
		}
		s.r = bufio.NewReaderSize(z, 1<<16)
	}
	if head, err := s.r.Peek(3); err == nil && bytes.Equal(head, byteOrder) {
		_, _ = s.r.Discard(3) // cannot fail: they are buffered
	}
	return s, nil
}

// position is how much of the file was read. Of no file it is 0.
func (s *source) position() int64 {
	if s == nil {
		return 0
	}
	return s.raw.n
}

func (s *source) close() {
	if s != nil {
		s.file.Close()
	}
}

// input says which content is imported.
type input struct {
	sum  [32]byte // of the contents, in order; not of the names
	size int64
}

// fingerprint reads all files once.
func fingerprint(ctx context.Context, files []string) (in input, err error) {
	all := sha256.New()
	for _, name := range files {
		n, sum, err := hashFile(ctx, name)
		if err != nil {
			return in, fmt.Errorf("import: %w", err)
		}
		all.Write(binary.BigEndian.AppendUint64(sum, uint64(n)))
		in.size += n
	}
	all.Sum(in.sum[:0])
	return in, nil
}

func hashFile(ctx context.Context, name string) (n int64, sum []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return n, nil, err
		}
		m, err := io.CopyN(h, f, 16<<20)
		n += m
		if err == io.EOF {
			return n, h.Sum(nil), nil
		}
		if err != nil {
			return n, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}
