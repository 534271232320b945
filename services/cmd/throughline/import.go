package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/throughline/throughline/services/importer"
)

type importCommand struct {
	serverFlags
	Mapping   string   `xor:"what" required:"" help:"Mapping file, or the name of one that ships: 3cx-calls, asterisk-cdr, servicenow-incidents or till-receipts."`
	Mail      string   `xor:"what" required:"" type:"existingfile" placeholder:"MAIL.YAML" help:"The files are mail, an mbox, a Maildir or a folder of single mails: whose is whose by this file (docs/mail.md)."`
	Workspace string   `default:"default" help:"With --mail: the workspace whose rules are meant, which is that of the key."`
	Zone      string   `help:"IANA zone of times that name none, such as Europe/Berlin; the mapping's when absent."`
	State     string   `help:"Folder of checkpoints: an import that was killed goes on where it was." default:".throughline-import"`
	Restart   bool     `help:"Send everything again; what is there already is not added twice."`
	Files     []string `arg:"" type:"path" help:"CSV or NDJSON files, or mail with --mail; .gz or not."`
}

func (c *importCommand) Run(ctx context.Context) error {
	config := importer.DefaultConfig()
	config.Mapping, config.Files, config.Zone, config.Restart = c.Mapping, c.Files, c.Zone, c.Restart
	config.Mail, config.Workspace = c.Mail, c.Workspace
	config.Client.URL, config.Client.Key, config.Progress = c.URL, c.Key, os.Stderr
	config.StateDir = filepath.Clean(c.State)
	summary, err := importer.Run(ctx, config)
	if _, wrote := summary.WriteTo(os.Stdout); err == nil {
		err = wrote
	}
	if err == nil && summary.Refused > 0 {
		return refusedError{summary.Refused, summary.ExitCode()}
	}
	return err
}

// refusedError says that some records were refused; the exit code tells it from an import that did not complete.
type refusedError struct{ count, code int }

func (e refusedError) Error() string {
	return fmt.Sprintf("%d records were refused; they are in the dead letters where the server refused them", e.count)
}
