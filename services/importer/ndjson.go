package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/throughline/throughline/streams/mapping"
)

// lines reads one JSON object a line. Empty lines are nothing.
type lines struct {
	src  *source
	line int
	buf  []byte
}

func (l *lines) next() (mapping.Record, int, error) {
	for {
		tooLong, err := l.read()
		if err != nil {
			return nil, l.line, err
		}
		if tooLong {
			return nil, l.line, &mapping.Refused{Reason: fmt.Sprintf("the line has more than %d bytes", maxRecord)}
		}
		text := bytes.TrimSpace(l.buf)
		if len(text) == 0 {
			continue
		}
		o, err := mapping.ParseObject(text)
		if err != nil {
			return nil, l.line, &mapping.Refused{Reason: err.Error()}
		}
		return o, l.line, nil
	}
}

// read takes one line; what is beyond the limit of a record is passed over.
func (l *lines) read() (tooLong bool, err error) {
	l.buf = l.buf[:0]
	l.line++
	for {
		piece, err := l.src.r.ReadSlice('\n')
		if len(l.buf)+len(piece) > maxRecord {
			tooLong = true
		} else {
			l.buf = append(l.buf, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(l.buf) > 0 || tooLong):
			return tooLong, nil
		default:
			return tooLong, err
		}
	}
}
