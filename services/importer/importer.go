// Package importer reads CSV and NDJSON files through a mapping and posts them as touchpoints.
//
//	files -> records -> mapping.Run -> batches -> client.Flow -> POST /v1/touchpoints
//	                                                  |
//	                                                  +-> summary, checkpoint, progress
//
// Running it again adds nothing twice: the touchpoints' ids come from the mapping, or from their content. The
// checkpoint only saves the sending again of what was acknowledged when a run did not end.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/throughline/throughline/schemas/mappings"
	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/services/progress"
	"github.com/throughline/throughline/streams/mapping"
)

// Config says what to import, and where to.
type Config struct {
	Mapping  string   // path of a mapping file, or the name of one that ships with the product
	Files    []string // read in this order, as one sequence of records; .gz or not
	Zone     string   // IANA zone for times without one; empty: what the mapping says
	Client   client.Config
	Width    int       // batches under way at once
	Lines    int       // touchpoints in a batch, at most
	StateDir string    // where checkpoints are kept; empty: none
	Restart  bool      // send everything again, whatever the checkpoint says
	Progress io.Writer // nil: none
}

// DefaultConfig sends four batches of a thousand at a time and keeps no checkpoint.
func DefaultConfig() Config {
	return Config{Client: client.DefaultConfig(), Width: 4, Lines: client.MaxLines}
}

// Validate reports what cannot work.
func (c Config) Validate() error {
	if c.Mapping == "" {
		return fmt.Errorf("import: mapping: say which; %q ship with the product", mappings.Names())
	}
	if len(c.Files) == 0 {
		return errors.New("import: say which files")
	}
	if c.Width < 1 || c.Width > 64 {
		return fmt.Errorf("import: width: %d is not between 1 and 64", c.Width)
	}
	if c.Lines < 1 || c.Lines > client.MaxLines {
		return fmt.Errorf("import: lines: %d is not between 1 and %d", c.Lines, client.MaxLines)
	}
	if c.Zone != "" {
		if _, err := mapping.LoadZone(c.Zone); err != nil {
			return fmt.Errorf("import: zone: %w", err)
		}
	}
	return c.Client.Validate()
}

// Run imports the files. When it returns an error the import is not complete, the summary says how far it came, and
// running it again goes on from there. Refused records are no error; see Summary.Refused.
func Run(ctx context.Context, c Config) (Summary, error) {
	var s Summary
	if err := c.Validate(); err != nil {
		return s, err
	}
	text, err := readMapping(c.Mapping)
	if err != nil {
		return s, err
	}
	m, err := mapping.Parse(text)
	if err != nil {
		return s, fmt.Errorf("import: %s: %w", c.Mapping, err)
	}
	var zone *time.Location
	if c.Zone != "" {
		if zone, err = mapping.LoadZone(c.Zone); err != nil {
			return s, fmt.Errorf("import: zone: %w", err)
		}
	}
	cl, err := client.New(c.Client)
	if err != nil {
		return s, err
	}
	in, err := fingerprint(ctx, c.Files)
	if err != nil {
		return s, err
	}
	point := openCheckpoint(&c, in.sum, text)
	if !c.Restart {
		if s, err = point.load(); err != nil {
			return s, err
		}
	}
	s.Resumed = s.Records
	bar := progress.Start(c.Progress, "import", in.size)
	r := &reader{m: m, run: m.NewRun(zone), files: c.Files, most: c.Lines, skip: s.Records}
	defer r.close()
	err = client.Flow(ctx, cl, c.Width, r.next, func(b *client.Batch[part], a client.Answer) error {
		s.add(b, a)
		bar.Set(b.Tag.bytes, s.progress())
		return point.maySave(&s)
	})
	bar.Stop()
	if err != nil {
		return s, errors.Join(fmt.Errorf("import: after %d records: %w", s.Records, err), point.save(&s))
	}
	return s, point.remove()
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
