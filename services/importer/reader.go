package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/streams/mapping"
)

// part is what the summary wants to know of a batch.
type part struct {
	records int       // read, from the end of the batch before
	leftOut int       // by the mapping's when
	lines   []place   // of each line of the batch
	refused []refusal // before they were sent
	bytes   int64     // of the files, read so far
}

// place is where a record begins.
type place struct {
	file string
	line int
}

type refusal struct {
	at            place
	field, reason string
}

// records reads one file.
type records interface {
	// next reads a record and appends the touchpoint that it becomes, or nothing when it is left out, and returns the
	// line it begins on; io.EOF after the last. A *mapping.Refused is about this record only.
	next(dst []byte) (out []byte, line int, err error)
}

// reader makes batches of the records of all files.
type reader struct {
	open  func(*source) (records, error) // by what the files hold
	files []string                       // yet to be opened
	most  int                            // touchpoints in a batch
	skip  int                            // records that are acknowledged already: they count for the mapping's state and are not sent

	src  *source
	recs records
	read int64 // bytes of the files that were read to their end
}

// next makes one batch, for client.Flow.
func (r *reader) next(ctx context.Context) (*client.Batch[part], bool, error) {
	b := &client.Batch[part]{}
	for b.Count < r.most && b.Tag.records < 10*r.most {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		if len(b.Lines) > client.MaxBytes/2 {
			break
		}
		err := r.add(b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, false, err
		}
	}
	b.Tag.bytes = r.read + r.src.position()
	return b, b.Tag.records > 0, nil
}

// add reads one record into the batch.
func (r *reader) add(b *client.Batch[part]) error {
	size := len(b.Lines)
	lines, at, err := r.record(b.Lines)
	if errors.Is(err, io.EOF) {
		return err
	}
	if err == nil {
		b.Lines = lines
	}
	if err == nil && len(b.Lines)-size > client.MaxBytes/2 {
		err = &mapping.Refused{Reason: fmt.Sprintf("the touchpoint would have %d bytes", len(b.Lines)-size)}
	}
	var refused *mapping.Refused
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("%s, line %d: %w", at.file, at.line, err)
	}
	if r.skip > 0 {
		r.skip--
		b.Lines = b.Lines[:size]
		return nil
	}
	b.Tag.records++
	switch {
	case refused != nil:
		b.Lines = b.Lines[:size]
		b.Tag.refused = append(b.Tag.refused, refusal{at, refused.Field, refused.Reason})
	case len(b.Lines) == size:
		b.Tag.leftOut++
	default:
		b.Lines = append(b.Lines, '\n')
		b.Tag.lines = append(b.Tag.lines, at)
		b.Count++
	}
	return nil
}

// record reads the next record, opening one file after the other.
func (r *reader) record(dst []byte) ([]byte, place, error) {
	for {
		if r.recs == nil {
			if len(r.files) == 0 {
				return dst, place{}, io.EOF
			}
			if err := r.begin(r.files[0]); err != nil {
				return dst, place{file: r.files[0], line: 1}, err
			}
			r.files = r.files[1:]
		}
		out, line, err := r.recs.next(dst)
		at := place{filepath.Base(r.src.name), line}
		if !errors.Is(err, io.EOF) {
			return out, at, err
		}
		r.read += r.src.position()
		r.close()
	}
}

func (r *reader) begin(name string) error {
	src, err := openSource(name)
	if err != nil {
		return err
	}
	r.src = src
	r.recs, err = r.open(src)
	return err
}

// close lets go of the open file.
func (r *reader) close() {
	r.src.close()
	r.src, r.recs = nil, nil
}
