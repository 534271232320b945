package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Document is the YAML of a mapping as it is written. A file that holds more than a mapping embeds it inline, is read by
// Decode, and calls Compile.
type Document struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Format      Format `yaml:"format"`
	CSV         struct {
		Delimiter string   `yaml:"delimiter"`
		Columns   []string `yaml:"columns"`
	} `yaml:"csv"`
	Missing []string `yaml:"missing"`
	Times   struct {
		Formats []text `yaml:"formats"`
		Zone    string `yaml:"zone"`
	} `yaml:"times"`
	State struct {
		Limit int `yaml:"limit"`
	} `yaml:"state"`
	When       text             `yaml:"when"`
	Items      []loop           `yaml:"items"`
	Skip       []skip           `yaml:"skip"`
	Tables     map[string]table `yaml:"tables"`
	Touchpoint touchpointSpec   `yaml:"touchpoint"`
	Cases      []caseSpec       `yaml:"cases"`
}

// loop is one of the loops that a body's touchpoints are found by.
type loop struct {
	As string `yaml:"as"`
	In texts  `yaml:"in"`
}

// texts is one text or a list of them.
type texts []text

// UnmarshalYAML reads either form.
func (t *texts) UnmarshalYAML(n ast.Node) error {
	if _, ok := n.(ast.ScalarNode); ok {
		*t = texts{{}}
		return (*t)[0].UnmarshalYAML(n)
	}
	return yaml.NodeToValue(n, (*[]text)(t))
}

// skip says what is no touchpoint, and why.
type skip struct {
	When    text   `yaml:"when"`
	Because string `yaml:"because"`
}

// caseSpec is a kind of record: its fields take the place of those of touchpoint.
type caseSpec struct {
	When       text           `yaml:"when"`
	Touchpoint touchpointSpec `yaml:"touchpoint"`
}

// touchpointSpec are the fields as they are written.
type touchpointSpec struct {
	ID          spec             `yaml:"id"`
	Time        spec             `yaml:"time"`
	Channel     spec             `yaml:"channel"`
	Direction   spec             `yaml:"direction"`
	Kind        spec             `yaml:"kind"`
	Actor       actorSpec        `yaml:"actor"`
	Identifiers []identifierSpec `yaml:"identifiers"`
	Thread      []threadSpec     `yaml:"thread"`
	Subject     spec             `yaml:"subject"`
	Text        spec             `yaml:"text"`
	Language    spec             `yaml:"language"`
	Topic       spec             `yaml:"topic"`
	Team        spec             `yaml:"team"`
	Tags        []spec           `yaml:"tags"`
	Account     spec             `yaml:"account"`
	Source      spec             `yaml:"source"`
	Rating      *ratingSpec      `yaml:"rating"`
	Properties  *propertySpec    `yaml:"properties"`
}

type actorSpec struct {
	Type spec `yaml:"type"`
	ID   spec `yaml:"id"`
	Name spec `yaml:"name"`
}

type identifierSpec struct {
	Type     spec  `yaml:"type"`
	Value    spec  `yaml:"value"`
	Verified *bool `yaml:"verified"`
	When     text  `yaml:"when"`
}

type threadSpec struct {
	Scheme spec `yaml:"scheme"`
	Value  spec `yaml:"value"`
	When   text `yaml:"when"`
}

type ratingSpec struct {
	Scale spec `yaml:"scale"`
	Value spec `yaml:"value"`
}

// over fills what t does not say from base; a list is replaced as a whole, an actor part by part.
func (t *touchpointSpec) over(base *touchpointSpec) {
	for _, f := range []struct{ to, from *spec }{
		{&t.ID, &base.ID}, {&t.Time, &base.Time}, {&t.Channel, &base.Channel}, {&t.Direction, &base.Direction},
		{&t.Kind, &base.Kind}, {&t.Actor.Type, &base.Actor.Type}, {&t.Actor.ID, &base.Actor.ID},
		{&t.Actor.Name, &base.Actor.Name}, {&t.Subject, &base.Subject}, {&t.Text, &base.Text},
		{&t.Language, &base.Language}, {&t.Topic, &base.Topic}, {&t.Team, &base.Team}, {&t.Account, &base.Account},
		{&t.Source, &base.Source},
	} {
		if f.to.at == (position{}) {
			*f.to = *f.from
		}
	}
	if t.Identifiers == nil {
		t.Identifiers = base.Identifiers
	}
	if t.Thread == nil {
		t.Thread = base.Thread
	}
	if t.Tags == nil {
		t.Tags = base.Tags
	}
	if t.Rating == nil {
		t.Rating = base.Rating
	}
	if t.Properties == nil {
		t.Properties = base.Properties
	}
}

// table is a look-up table.
type table struct {
	Values  map[string]string `yaml:"values"`
	Default *string           `yaml:"default"`
}

// text is a string that knows where it stands.
type text struct {
	value string
	at    position
}

// UnmarshalYAML reads any scalar as a text.
func (t *text) UnmarshalYAML(n ast.Node) error {
	t.at = positionOf(n)
	return yaml.NodeToValue(n, &t.value)
}

// spec is a value as it is written: a scalar is a constant.
type spec struct {
	Const   any    `yaml:"const"`
	Column  string `yaml:"column"`
	Expr    string `yaml:"expr"`
	Table   string `yaml:"table"`
	Default any    `yaml:"default"`
	When    string `yaml:"when"`
	at      position
}

// UnmarshalYAML reads a constant or the long form.
func (s *spec) UnmarshalYAML(n ast.Node) error {
	if _, ok := n.(ast.ScalarNode); ok {
		s.at = positionOf(n)
		return yaml.NodeToValue(n, &s.Const)
	}
	type long spec
	err := yaml.NodeToValue(n, (*long)(s), yaml.DisallowUnknownField())
	s.at = positionOf(n)
	return err
}

// propertySpec says which columns become properties.
type propertySpec struct {
	Columns columnSet       `yaml:"columns"`
	Except  []string        `yaml:"except"`
	Add     map[string]spec `yaml:"add"`
	at      position
}

// UnmarshalYAML reads the mapping and keeps its place.
func (p *propertySpec) UnmarshalYAML(n ast.Node) error {
	type plain propertySpec
	err := yaml.NodeToValue(n, (*plain)(p), yaml.DisallowUnknownField())
	p.at = positionOf(n)
	return err
}

// columnSet is a list of columns, or one of the words all and rest.
type columnSet struct {
	word  string
	names []string
}

// UnmarshalYAML reads either form.
func (c *columnSet) UnmarshalYAML(n ast.Node) error {
	if _, ok := n.(ast.ScalarNode); ok {
		return yaml.NodeToValue(n, &c.word)
	}
	return yaml.NodeToValue(n, &c.names)
}

func positionOf(n ast.Node) position {
	t := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		t = m.Values[0].Key.GetToken()
	}
	if t == nil || t.Position == nil {
		return position{}
	}
	return position{t.Position.Line, t.Position.Column}
}

const defaultStateLimit = 1_000_000

// Parse reads and compiles a mapping file. Errors wrap ErrBadMapping and name line and column.
func Parse(data []byte) (*Mapping, error) {
	var f Document
	if err := Decode(data, &f); err != nil {
		return nil, err
	}
	return f.Compile()
}

// Decode reads YAML strictly: a key that the type does not know is an error. Errors wrap ErrBadMapping and name line and
// column.
func Decode(data []byte, into any) error {
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField())
	if err := dec.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return yamlError(err)
	}
	return nil
}

// Compile makes a mapping of the document. Errors are those of Parse.
func (f *Document) Compile() (*Mapping, error) {
	m := &Mapping{Name: f.Name, Format: f.Format, Columns: f.CSV.Columns, limit: f.State.Limit, missing: map[string]bool{"": true}}
	for _, mark := range f.Missing {
		m.missing[mark] = true
	}
	top := position{1, 1}
	if m.Name == "" {
		return nil, top.errorf("name: a mapping needs a name")
	}
	if m.limit == 0 {
		m.limit = defaultStateLimit
	}
	if m.limit < 1 || m.limit > 1<<30 {
		return nil, top.errorf("state.limit: %d is not between 1 and 1073741824", m.limit)
	}
	if err := m.setFormat(f); err != nil {
		return nil, top.errorf("%w", err)
	}
	if err := m.setTimes(f); err != nil {
		return nil, err
	}
	c := compiler{m: m, tables: f.Tables}
	if f.When.value != "" {
		e, err := c.expression(f.When.value, f.When.at)
		if err != nil {
			return nil, fmt.Errorf("%w (when)", err)
		}
		m.when = e
	}
	if err := c.loops(f); err != nil {
		return nil, err
	}
	if err := c.skips(f); err != nil {
		return nil, err
	}
	if err := c.cases(f); err != nil {
		return nil, err
	}
	return m, nil
}

// yamlError puts the decoder's own line and column into the form of ours.
func yamlError(err error) error {
	var located yaml.Error
	if errors.As(err, &located) {
		if t := located.GetToken(); t != nil && t.Position != nil {
			return position{t.Position.Line, t.Position.Column}.errorf("%s", located.GetMessage())
		}
	}
	return fmt.Errorf("%w: %w", ErrBadMapping, err)
}

func (m *Mapping) setFormat(f *Document) error {
	switch m.Format {
	case CSV:
	case NDJSON, JSON, Form, XML:
		if f.CSV.Delimiter != "" || f.CSV.Columns != nil {
			return fmt.Errorf("csv: has no meaning when format is %s", m.Format)
		}
	case "":
		return errors.New("format: say csv, ndjson, json, form or xml")
	default:
		return fmt.Errorf("format: %q is none of csv, ndjson, json, form and xml", m.Format)
	}
	m.Delimiter = ','
	if d := f.CSV.Delimiter; d != "" {
		r, n := utf8.DecodeRuneInString(d)
		if n != len(d) || r == utf8.RuneError || r == '"' || r == '\r' || r == '\n' {
			return fmt.Errorf("csv.delimiter: %q is not one character that can part columns", d)
		}
		m.Delimiter = r
	}
	return nil
}

func (m *Mapping) setTimes(f *Document) error {
	formats := f.Times.Formats
	if formats == nil {
		formats = []text{{value: "rfc3339"}}
	}
	for _, t := range formats {
		tf, err := parseTimeFormat(t.value)
		if err != nil {
			return t.at.errorf("times.formats: %w", err)
		}
		m.formats = append(m.formats, tf)
	}
	m.zone = time.UTC
	if f.Times.Zone != "" {
		zone, err := LoadZone(f.Times.Zone)
		if err != nil {
			return position{1, 1}.errorf("times.zone: %w", err)
		}
		m.zone = zone
	}
	return nil
}
