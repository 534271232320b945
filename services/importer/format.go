package importer

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/throughline/throughline/schemas/mappings"
	"github.com/throughline/throughline/streams/mail"
	"github.com/throughline/throughline/streams/mapping"
)

// format is what the files hold, and how it becomes touchpoints.
type format struct {
	open  func(*source) (records, error)
	files []string
	rules []byte // the text of the mapping or of mail.yaml: with other rules it is another import
}

func openFormat(c *Config) (format, error) {
	if c.Mail != "" {
		return openMail(c)
	}
	text, err := readMapping(c.Mapping)
	if err != nil {
		return format{}, err
	}
	m, err := mapping.Parse(text)
	if err != nil {
		return format{}, fmt.Errorf("import: %s: %w", c.Mapping, err)
	}
	var zone *time.Location
	if c.Zone != "" {
		if zone, err = mapping.LoadZone(c.Zone); err != nil {
			return format{}, fmt.Errorf("import: zone: %w", err)
		}
	}
	return format{throughMapping(m, m.NewRun(zone)), c.Files, text}, nil
}

func openMail(c *Config) (format, error) {
	text, err := os.ReadFile(c.Mail)
	if err != nil {
		return format{}, fmt.Errorf("import: mail: %w", err)
	}
	rules, err := mail.ParseRules(text)
	if err != nil {
		return format{}, fmt.Errorf("import: %s: %w", c.Mail, err)
	}
	w := rules.Workspace(c.Workspace)
	if w == nil {
		return format{}, fmt.Errorf("import: %s: workspaces: there is none of the name %q", c.Mail, c.Workspace)
	}
	files, err := mailFiles(c.Files)
	if err != nil {
		return format{}, fmt.Errorf("import: %w", err)
	}
	return format{throughMail(rules, w), files, append(text, c.Workspace...)}, nil
}

// readMapping takes a file, or else what ships under the name.
func readMapping(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		if shipped, ok := mappings.Get(name); ok {
			return shipped, nil
		}
		return nil, fmt.Errorf("import: mapping: there is no file %s, and %q are what ships with the product", name, mappings.Names())
	}
	if err != nil {
		return nil, fmt.Errorf("import: mapping: %w", err)
	}
	return text, nil
}
