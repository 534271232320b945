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

// document is the YAML as it is written.
type document struct {
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
	Tables     map[string]table `yaml:"tables"`
	Touchpoint struct {
		ID        spec `yaml:"id"`
		Time      spec `yaml:"time"`
		Channel   spec `yaml:"channel"`
		Direction spec `yaml:"direction"`
		Kind      spec `yaml:"kind"`
		Actor     struct {
			Type spec `yaml:"type"`
			ID   spec `yaml:"id"`
			Name spec `yaml:"name"`
		} `yaml:"actor"`
		Identifiers []struct {
			Type     spec  `yaml:"type"`
			Value    spec  `yaml:"value"`
			Verified *bool `yaml:"verified"`
			When     text  `yaml:"when"`
		} `yaml:"identifiers"`
		Thread []struct {
			Scheme spec `yaml:"scheme"`
			Value  spec `yaml:"value"`
			When   text `yaml:"when"`
		} `yaml:"thread"`
		Subject  spec   `yaml:"subject"`
		Text     spec   `yaml:"text"`
		Language spec   `yaml:"language"`
		Topic    spec   `yaml:"topic"`
		Team     spec   `yaml:"team"`
		Tags     []spec `yaml:"tags"`
		Account  spec   `yaml:"account"`
		Source   spec   `yaml:"source"`
		Rating   *struct {
			Scale spec `yaml:"scale"`
			Value spec `yaml:"value"`
		} `yaml:"rating"`
		Properties *propertySpec `yaml:"properties"`
	} `yaml:"touchpoint"`
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
	var f document
	dec := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField())
	if err := dec.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, yamlError(err)
	}
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
	if err := m.setFormat(&f); err != nil {
		return nil, top.errorf("%w", err)
	}
	if err := m.setTimes(&f); err != nil {
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
	if err := c.fields(&f); err != nil {
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

func (m *Mapping) setFormat(f *document) error {
	switch m.Format {
	case CSV:
	case NDJSON:
		if f.CSV.Delimiter != "" || f.CSV.Columns != nil {
			return errors.New("csv: has no meaning when format is ndjson")
		}
	case "":
		return errors.New("format: say csv or ndjson")
	default:
		return fmt.Errorf("format: %q is neither csv nor ndjson", m.Format)
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

func (m *Mapping) setTimes(f *document) error {
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
