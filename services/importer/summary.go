package importer

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/throughline/throughline/services/client"
)

// Summary is what became of the records, those of earlier runs of the same import included.
type Summary struct {
	Records  int      `json:"records"` // read and dealt with
	Accepted int      `json:"accepted"`
	Refused  int      `json:"refused"`
	LeftOut  int      `json:"left_out"` // by the mapping's when
	Reasons  []Reason `json:"reasons"`  // at most maxReasons
	Others   int      `json:"others"`   // refused for reasons beyond those
	Resumed  int      `json:"-"`        // records that an earlier run had dealt with
}

// Reason is why some records were refused.
type Reason struct {
	Field  string   `json:"field"`
	Reason string   `json:"reason"`
	Count  int      `json:"count"`
	Places []string `json:"places"` // file:line of the first of them
}

// A file in which everything is wrong must not fill memory or screen.
const (
	maxReasons = 100
	maxPlaces  = 20
)

func (s *Summary) add(b *client.Batch[part], a client.Answer) {
	s.Records += b.Tag.records
	s.LeftOut += b.Tag.leftOut
	s.Accepted += a.Accepted
	for _, r := range b.Tag.refused {
		s.refuse(r)
	}
	for _, r := range a.Rejected {
		var at place
		if r.Index >= 0 && r.Index < len(b.Tag.lines) {
			at = b.Tag.lines[r.Index]
		}
		s.refuse(refusal{at, r.Field, r.Reason})
	}
}

func (s *Summary) refuse(r refusal) {
	s.Refused++
	i := slices.IndexFunc(s.Reasons, func(x Reason) bool { return x.Field == r.field && x.Reason == r.reason })
	if i < 0 {
		if len(s.Reasons) == maxReasons {
			s.Others++
			return
		}
		i = len(s.Reasons)
		s.Reasons = append(s.Reasons, Reason{Field: r.field, Reason: r.reason})
	}
	to := &s.Reasons[i]
	if to.Count++; len(to.Places) < maxPlaces {
		to.Places = append(to.Places, fmt.Sprintf("%s:%d", r.at.file, r.at.line))
	}
}

func (s *Summary) progress() string {
	return fmt.Sprintf("%d accepted, %d refused", s.Accepted, s.Refused)
}

// ExitCode is 0 when every record was accepted or left out on purpose, else 2.
func (s *Summary) ExitCode() int {
	if s.Refused > 0 {
		return 2
	}
	return 0
}

// WriteTo prints the summary for people.
func (s *Summary) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d records: %d accepted, %d refused, %d left out\n", s.Records, s.Accepted, s.Refused, s.LeftOut)
	if s.Resumed > 0 {
		fmt.Fprintf(&b, "an earlier run had dealt with the first %d of them\n", s.Resumed)
	}
	reasons := slices.Clone(s.Reasons)
	slices.SortStableFunc(reasons, func(x, y Reason) int { return y.Count - x.Count })
	for _, r := range reasons {
		reason := r.Reason
		if r.Field != "" {
			reason = r.Field + ": " + reason
		}
		more := ""
		if r.Count > len(r.Places) {
			more = ", ..."
		}
		fmt.Fprintf(&b, "  %d refused: %s\n    at %s%s\n", r.Count, reason, strings.Join(r.Places, ", "), more)
	}
	if s.Others > 0 {
		fmt.Fprintf(&b, "  %d refused for further reasons\n", s.Others)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}
