// Package mapping turns foreign records, such as the rows of a CSV file or the body of a webhook, into touchpoints,
// as a YAML file says. It reads no files and no clock: Parse compiles the YAML once, a Run evaluates it over records.
//
// A mapping file:
//
//	name: helpdesk
//	format: csv                       # csv, or ndjson: one JSON object a line
//	csv: {delimiter: ";"}
//	missing: ["?", "n/a"]             # cells that mean nothing; an empty one always does
//	times: {formats: ["%d/%m/%Y %H:%M", rfc3339], zone: Europe/Berlin}
//	when: status != "draft"           # other records are left out
//	items: [{as: phase, in: '["started", "ended"]'}] # a record is so many touchpoints; phase is a column
//	tables:
//	  channels: {values: {Phone: phone, Mail: email}, default: web}
//	touchpoint:
//	  time: {column: updated_at}
//	  channel: {column: contact_type, table: channels}
//	  direction: {expr: 'first_of(number) ? "inbound" : "internal"'}
//	  kind: message                   # a constant
//	  actor: {type: customer, id: {column: caller}}
//	  identifiers: [{type: customer_id, value: {column: caller}, verified: true}]
//	  thread: [{scheme: ticket, value: {column: number}}]
//	  tags: [{const: ivr, when: 'contact_type == "IVR"'}]
//	  properties: {columns: rest}
//
// A value is a constant, or one of column, expr and const with table, default and when. A column is named by its
// header; the second of two with one name is "name#2". In JSON, "a.b.0" leads into objects and arrays.
// Expressions are those of github.com/expr-lang/expr: columns are variables (nil when missing), row["any name"]
// reaches the others. Nothing in them depends on the clock or on chance. They may also call
//
//	first_of(v, ...)   whether this is the first record of the run with these values
//	occurrence(v, ...) how many records the run had before with these values; without values, how many equal ones
//	row_hash()         24 hexadecimal digits of the hash of all columns
//	html_text(s)       what HTML says
//	fresh_text(s)      a mail's text without the mails that it quotes, and without signature
//	mail_address(s), mail_name(s)  of a From such as "Anna Berg <anna@example.com>"
//	mail_header(s, n)  the first field of that name in the head of a mail
//	message_ids(s, ...) the ids in such fields, each once and at most twelve, as the value of a thread
//
// first_of and occurrence remember what they saw: at most state.limit values (a million by default), 16 bytes and the table's
// overhead each.
package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrBadMapping is wrapped by every error of Parse; the text names line and column.
var ErrBadMapping = errors.New("mapping: not a valid mapping file")

// Format is how the records are written.
type Format string

// The formats. The last three are those of a request's body, and then an id is required: what is delivered again must be
// the same touchpoint. A time is not: a provider that sends none means now.
const (
	CSV    Format = "csv"
	NDJSON Format = "ndjson"
	JSON   Format = "json"
	Form   Format = "form" // application/x-www-form-urlencoded or multipart/form-data
	XML    Format = "xml"
)

func (f Format) isBody() bool { return f == JSON || f == Form || f == XML }

// Mapping is a compiled mapping file. It does not change and may be shared.
type Mapping struct {
	Name      string
	Format    Format
	Delimiter rune     // of CSV
	Columns   []string // of CSV without a header line; nil when the first line is the header

	missing map[string]bool
	formats []timeFormat
	zone    *time.Location
	limit   int
	when    *expression
	loops   []compiledLoop
	skips   []compiledSkip
	cases   []compiledCase
	used    []column // every column that a field or an expression names
}

// column is the mention of a column in the file.
type column struct {
	name string
	at   position
}

// position is a place in the mapping file, from 1.
type position struct{ line, column int }

func (p position) errorf(format string, args ...any) error {
	return fmt.Errorf("%w: line %d, column %d: %w", ErrBadMapping, p.line, p.column, fmt.Errorf(format, args...))
}

// Check compares the columns that the mapping names with those that a file has. The error says where the mapping
// names one that is not there.
func (m *Mapping) Check(columns []string) error {
	for _, c := range m.used {
		if !slices.Contains(columns, c.name) && !m.binds(c.name) {
			return c.at.errorf("the file has no column %q; it has %q", c.name, columns)
		}
	}
	return nil
}

// binds tells whether a loop of items gives the name its value.
func (m *Mapping) binds(path string) bool {
	first, _, _ := strings.Cut(path, ".")
	return slices.ContainsFunc(m.loops, func(l compiledLoop) bool { return l.as == first })
}

// Unique gives repeated column names their number: the second "category" becomes "category#2".
func Unique(header []string) []string {
	seen := make(map[string]int, len(header))
	out := make([]string, len(header))
	for i, name := range header {
		seen[name]++
		out[i] = name
		if n := seen[name]; n > 1 {
			out[i] = fmt.Sprintf("%s#%d", name, n)
		}
	}
	return out
}

// Refused says why a record did not become a touchpoint.
type Refused struct {
	Field  string // of the touchpoint, such as identifiers[0].value
	Reason string
}

func (r *Refused) Error() string { return r.Field + ": " + r.Reason }

// ErrStateFull is returned when first_of or occurrence would have to remember more than the mapping's state.limit.
var ErrStateFull = errors.New("mapping: state.limit reached: raise it in the mapping file, or do without first_of and occurrence")
