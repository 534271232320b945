// Package importer reads files and posts what they hold as touchpoints: CSV and NDJSON through a mapping, and mail (mbox,
// Maildir, single mails) by the rules of mail.yaml.
//
//	files -> records -> mapping.Run  -> batches -> client.Flow -> POST /v1/touchpoints
//	      -> mails   -> mail.Rules -^                  |
//	                                                   +-> summary, checkpoint, progress
//
// Running it again adds nothing twice: the touchpoints' ids come from the mapping, the mail, or the content. The
// checkpoint only saves the sending again of what was acknowledged when a run did not end.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/throughline/throughline/schemas/mappings"
	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/services/progress"
	"github.com/throughline/throughline/streams/mapping"
)

// Config says what to import, and where to.
type Config struct {
	Mapping string // path of a mapping file, or the name of one that ships with the product
	// Mail is the path of a mail.yaml, in place of a mapping: Files are mboxes, Maildirs, or folders of single mails.
	Mail      string
	Workspace string // of Mail, whose rules are meant; it should be the key's

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
	if c.Mapping != "" && c.Mail != "" {
		return errors.New("import: a mapping or mail, not both")
	}
	if c.Mail != "" && c.Zone != "" {
		return errors.New("import: zone: mails name their own")
	}
	if c.Mapping == "" && c.Mail == "" {
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
	f, err := openFormat(&c)
	if err != nil {
		return s, err
	}
	var bar *progress.Progress
	c.Client.Waiting = func(err error) { bar.Note("tries again: " + err.Error()) }
	cl, err := client.New(c.Client)
	if err != nil {
		return s, err
	}
	in, err := fingerprint(ctx, f.files)
	if err != nil {
		return s, err
	}
	point := openCheckpoint(&c, in.sum, f.rules)
	if !c.Restart {
		if s, err = point.load(); err != nil {
			return s, err
		}
	}
	s.Resumed = s.Records
	bar = progress.Start(c.Progress, "import", in.size)
	r := &reader{open: f.open, files: f.files, most: c.Lines, skip: s.Records}
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
