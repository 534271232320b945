package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/throughline/throughline/streams/mail"
	"github.com/throughline/throughline/streams/mapping"
)

// mails reads an mbox, or a file that is one mail.
type mails struct {
	src       *source
	rules     *mail.Rules
	workspace *mail.Workspace
	mbox      bool
	ended     bool
	line      int    // that was read last
	begin     int    // where the mail begins
	stamp     string // the separator above it
	below     string // the separator below it, once that was read
	buf       []byte
	long      int // bytes of the mail beyond the limit
}

// throughMail opens files of mail.
func throughMail(rules *mail.Rules, w *mail.Workspace) func(*source) (records, error) {
	return func(src *source) (records, error) {
		m := &mails{src: src, rules: rules, workspace: w}
		head, err := src.r.Peek(5)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		m.mbox = string(head) == "From "
		return m, nil
	}
}

// next reads one mail.
func (m *mails) next(dst []byte) ([]byte, int, error) {
	if err := m.read(); err != nil {
		return dst, m.begin, err
	}
	if m.long > 0 {
		return dst, m.begin, &mapping.Refused{Reason: fmt.Sprintf("the mail has more than %d bytes: raise limits.size", m.rules.Limits.Size)}
	}
	parsed, err := mail.Parse(m.buf, m.rules.Limits)
	if err != nil {
		return dst, m.begin, &mapping.Refused{Reason: err.Error()}
	}
	parsed.Delivered = m.delivered()
	t, err := m.rules.Touchpoint(parsed, m.workspace, time.Now())
	if err == nil {
		dst, err = t.AppendJSON(dst)
	}
	if err != nil {
		return dst, m.begin, &mapping.Refused{Reason: err.Error()}
	}
	return dst, m.begin, nil
}

// separator is the line between the mails of an mbox (RFC 4155), told from a sentence that begins alike by its time and
// year.
var separator = regexp.MustCompile(`^From .{0,400}\d{1,2}:\d{2}.{0,40}\d{4}`)

// read collects the lines of one mail.
func (m *mails) read() error {
	m.buf, m.long, m.begin, m.stamp = m.buf[:0], 0, m.line+1, m.below
	if m.ended {
		return io.EOF
	}
	blank := m.line == 0 // a separator stands behind an empty line
	for whole := true; ; {
		piece, err := m.src.r.ReadSlice('\n')
		first := whole // piece begins a line
		if whole = !errors.Is(err, bufio.ErrBufferFull); whole && len(piece) > 0 {
			m.line++
		}
		if m.mbox && first && blank && bytes.HasPrefix(piece, []byte("From ")) && separator.Match(piece) {
			if m.line == 1 {
				m.stamp, m.begin = string(piece), 2
			} else {
				m.below = string(piece)
				return nil
			}
		} else {
			if m.mbox && first && bytes.HasPrefix(bytes.TrimLeft(piece, ">"), []byte("From ")) {
				piece = bytes.TrimPrefix(piece, []byte(">")) // mboxrd
			}
			m.keep(piece)
			blank = first && len(bytes.TrimRight(piece, "\r\n")) == 0
		}
		switch {
		case errors.Is(err, io.EOF):
			m.ended = true
			if len(bytes.TrimSpace(m.buf)) == 0 && m.long == 0 {
				return io.EOF
			}
			return nil
		case err != nil && whole:
			return err
		}
	}
}

func (m *mails) keep(piece []byte) {
	if m.long > 0 || len(m.buf)+len(piece) > m.rules.Limits.Size {
		m.long += len(piece)
		return
	}
	m.buf = append(m.buf, piece...)
}

// delivered is the time that the separator says, or the name of a file in a Maildir, which begins with it; zero when
// neither does.
func (m *mails) delivered() time.Time {
	if !m.mbox {
		begin, _, _ := strings.Cut(filepath.Base(m.src.name), ".")
		if seconds, err := strconv.ParseInt(begin, 10, 64); err == nil && len(begin) == 10 {
			return time.Unix(seconds, 0)
		}
		return time.Time{}
	}
	fields := strings.Fields(m.stamp)
	for i := 1; i+5 <= len(fields); i++ {
		if t, err := time.Parse("Mon Jan 2 15:04:05 2006", strings.Join(fields[i:i+5], " ")); err == nil {
			return t
		}
	}
	return time.Time{}
}
